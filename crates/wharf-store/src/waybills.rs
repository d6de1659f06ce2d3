//! Label purchases, one live one per shipment.

//! Obligations to tell a channel about one order in one shipment.

//! Tracking events in neutral words, and what they do to a shipment.

//! The fulfillment machine: the work for ONE order in ONE warehouse.

use crate::words;

words! {
    /// `open → picking → packed → handed_over`; backwards until handed over; `cancelled` from any state before.
    pub enum FulfillmentState {
        /// Allocated, nobody has touched it.
        Open = "open",
        /// Being picked.
        Picking = "picking",
        /// In a closed parcel.
        Packed = "packed",
        /// Left with the carrier.
        HandedOver = "handed_over",
        /// Will not be sent.
        Cancelled = "cancelled",
    }
}

//! The shipment machine: ONE parcel to ONE recipient from ONE warehouse, with lines of one or more orders.

use crate::words;

words! {
    /// `draft → booked → packed → handed_over → in_transit → out_for_delivery → delivered`, and what can go wrong.
    pub enum ShipmentState {
        /// Composed, no waybill yet.
        Draft = "draft",
        /// It has a waybill number.
        Booked = "booked",
        /// Scanned and closed.
        Packed = "packed",
        /// Left with the carrier.
        HandedOver = "handed_over",
        /// The carrier moves it.
        InTransit = "in_transit",
        /// The courier is at the door.
        OutForDelivery = "out_for_delivery",
        /// The recipient has it.
        Delivered = "delivered",
        /// Trouble on the way.
        Exception = "exception",
        /// On its way back.
        Returning = "returning",
        /// Back with us.
        Returned = "returned",
        /// Gone.
        Lost = "lost",
        /// Taken apart before it left.
        Cancelled = "cancelled",
    }
}

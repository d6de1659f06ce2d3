//! The waybill machine: the purchase of a label for a shipment, exactly once.

use crate::words;

words! {
    /// `intent → requested → booked → printed`; `failed`; `in_doubt`; `void_requested → voided`.
    pub enum WaybillState {
        /// Decided and committed with its client reference; the carrier has not been called.
        Intent = "intent",
        /// The call is under way (committed before it is made).
        Requested = "requested",
        /// The number is ours.
        Booked = "booked",
        /// The label came out of a printer.
        Printed = "printed",
        /// The carrier said no.
        Failed = "failed",
        /// Asked, answer unknown: only a query or a person resolves it, never a second purchase.
        InDoubt = "in_doubt",
        /// We want to give it back.
        VoidRequested = "void_requested",
        /// Given back.
        Voided = "voided",
    }
}

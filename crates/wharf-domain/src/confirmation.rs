//! The confirmation machine: the obligation to tell one channel about one order in one shipment.

use crate::words;

words! {
    /// `due → sent → accepted | already | refused | gave_up`.
    pub enum ConfirmationState {
        /// Must be told.
        Due = "due",
        /// Told, answer not known (committed before the call is made).
        Sent = "sent",
        /// The channel took it.
        Accepted = "accepted",
        /// The channel had it already, with the same number.
        Already = "already",
        /// The channel said no: a task for a person.
        Refused = "refused",
        /// Tried long enough: a task for a person.
        GaveUp = "gave_up",
    }
}

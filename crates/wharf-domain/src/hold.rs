//! Holds: reasons why an order must not move. One open hold per (order, reason); holding overwrites no other fact.

use crate::words;

words! {
    /// Why an order is held. The screens translate each word.
    pub enum HoldReason {
        /// A person held it.
        Manual = "manual",
        /// The address lacks a part.
        AddressIncomplete = "address_incomplete",
        /// The phone cannot be right.
        PhoneInvalid = "phone_invalid",
        /// The amounts do not add up.
        AmountMismatch = "amount_mismatch",
        /// Looks like an order that exists.
        PossibleDuplicate = "possible_duplicate",
        /// The buyer is on the blacklist.
        BlacklistedBuyer = "blacklisted_buyer",
        /// The quantity is unusual.
        OddQuantity = "odd_quantity",
        /// The region is remote for the shop's policy.
        RemoteArea = "remote_area",
        /// The buyer wrote something a person must read.
        BuyerNote = "buyer_note",
        /// The buyer asked for money back.
        RefundRequested = "refund_requested",
        /// The channel says not to ship.
        ChannelHold = "channel_hold",
        /// The channel says cancelled, the parcel has left, or another contradiction.
        ChannelConflict = "channel_conflict",
        /// The channel's status word is not known here.
        UnknownStatus = "unknown_status",
        /// The order changed after its label was made.
        ChangedAfterLabel = "changed_after_label",
        /// The carrier refused the waybill.
        WaybillRefused = "waybill_refused",
        /// The channel refused the confirmation.
        ConfirmationRefused = "confirmation_refused",
        /// It is being cancelled: its channel is to be told.
        Cancelling = "cancelling",
        /// The channel refused the cancellation, or could not be told.
        CancellationRefused = "cancellation_refused",
    }
}

words! {
    /// How much a finding matters. A `block` finding places a hold.
    pub enum Severity {
        /// Good to know.
        Info = "info",
        /// Look at it when there is time.
        Warn = "warn",
        /// The order must not move.
        Block = "block",
    }
}

words! {
    /// What a check can see. The first ones hold an order for the [`HoldReason`] of the same word.
    pub enum FindingCode {
        /// The address lacks a part.
        AddressIncomplete = "address_incomplete",
        /// The phone cannot be right.
        PhoneInvalid = "phone_invalid",
        /// The amounts do not add up.
        AmountMismatch = "amount_mismatch",
        /// Looks like an order that exists.
        PossibleDuplicate = "possible_duplicate",
        /// The buyer is on the blacklist.
        BlacklistedBuyer = "blacklisted_buyer",
        /// The quantity is unusual.
        OddQuantity = "odd_quantity",
        /// The region is remote for the shop's policy.
        RemoteArea = "remote_area",
        /// The buyer wrote something a person must read.
        BuyerNote = "buyer_note",
        /// The buyer asked for money back.
        RefundRequested = "refund_requested",
        /// The channel says not to ship.
        ChannelHold = "channel_hold",
        /// The channel's status word is not known here.
        UnknownStatus = "unknown_status",
        /// The shop's policy wants a person to approve it, with the reasons.
        ReviewNeeded = "review_needed",
    }
}

impl FindingCode {
    /// The hold that a blocking finding of this code places; `None` for what only waits in review.
    pub fn hold(self) -> Option<HoldReason> {
        Some(match self {
            FindingCode::AddressIncomplete => HoldReason::AddressIncomplete,
            FindingCode::PhoneInvalid => HoldReason::PhoneInvalid,
            FindingCode::AmountMismatch => HoldReason::AmountMismatch,
            FindingCode::PossibleDuplicate => HoldReason::PossibleDuplicate,
            FindingCode::BlacklistedBuyer => HoldReason::BlacklistedBuyer,
            FindingCode::OddQuantity => HoldReason::OddQuantity,
            FindingCode::RemoteArea => HoldReason::RemoteArea,
            FindingCode::BuyerNote => HoldReason::BuyerNote,
            FindingCode::RefundRequested => HoldReason::RefundRequested,
            FindingCode::ChannelHold => HoldReason::ChannelHold,
            FindingCode::UnknownStatus => HoldReason::UnknownStatus,
            FindingCode::ReviewNeeded => return None,
        })
    }

    /// True for what the channel alone can take back: only its next word, or a person, ends it.
    pub fn is_the_channels(self) -> bool {
        matches!(self, FindingCode::RefundRequested | FindingCode::ChannelHold | FindingCode::UnknownStatus)
    }
}

impl HoldReason {
    /// The finding that places this hold, where a check does.
    pub fn finding(self) -> Option<FindingCode> {
        use crate::word::Word;
        FindingCode::ALL.iter().copied().find(|code| code.hold() == Some(self))
    }
}

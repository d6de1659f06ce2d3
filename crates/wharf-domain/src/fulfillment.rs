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

words! {
    /// Why a warehouse refuses work.
    pub enum RejectReason {
        /// The goods are not there, whatever the count says.
        OutOfStock = "out_of_stock",
        /// They are there and nobody finds them.
        NotOnShelf = "not_on_shelf",
        /// They may not be sold.
        Damaged = "damaged",
        /// Nobody has time for it before its promise ends.
        NoCapacity = "no_capacity",
        /// The place does not work today.
        Closed = "closed",
        /// In words.
        Other = "other",
    }
}

use crate::id::WaveId;
use crate::time::Timestamp;

/// A step that a machine does not allow from where it stands: the word of the step, and the state it was tried in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step} is not possible while {state}")]
pub struct NotNow {
    /// The step, such as `pack`.
    pub step: &'static str,
    /// The stored word of the state.
    pub state: &'static str,
}

/// A fulfillment with what exists only in its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fulfillment {
    /// Nobody has touched it.
    Open,
    /// Someone walks for it.
    Picking {
        /// Since when.
        since: Timestamp,
        /// Picked together with others.
        wave_id: Option<WaveId>,
    },
    /// Its goods are in closed parcels.
    Packed {
        /// Since when.
        at: Timestamp,
        /// The wave it was picked in, so that un-packing goes back to it.
        wave_id: Option<WaveId>,
    },
    /// Left.
    HandedOver {
        /// When.
        at: Timestamp,
    },
    /// Will not be sent.
    Cancelled {
        /// When.
        at: Timestamp,
    },
}

impl Fulfillment {
    /// The stored word.
    pub const fn state(&self) -> FulfillmentState {
        match self {
            Fulfillment::Open => FulfillmentState::Open,
            Fulfillment::Picking { .. } => FulfillmentState::Picking,
            Fulfillment::Packed { .. } => FulfillmentState::Packed,
            Fulfillment::HandedOver { .. } => FulfillmentState::HandedOver,
            Fulfillment::Cancelled { .. } => FulfillmentState::Cancelled,
        }
    }

    /// From the stored columns; `since` is when the state was entered.
    pub const fn of(state: FulfillmentState, wave_id: Option<WaveId>, since: Timestamp) -> Self {
        match state {
            FulfillmentState::Open => Fulfillment::Open,
            FulfillmentState::Picking => Fulfillment::Picking { since, wave_id },
            FulfillmentState::Packed => Fulfillment::Packed { at: since, wave_id },
            FulfillmentState::HandedOver => Fulfillment::HandedOver { at: since },
            FulfillmentState::Cancelled => Fulfillment::Cancelled { at: since },
        }
    }

    fn refuse(self, step: &'static str) -> NotNow {
        NotNow { step, state: crate::word::Word::as_str(self.state()) }
    }

    /// Someone starts to walk for it.
    pub fn pick(self, wave_id: Option<WaveId>, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Fulfillment::Open => Ok(Fulfillment::Picking { since: now, wave_id }),
            Fulfillment::Picking { .. } | Fulfillment::Packed { .. } | Fulfillment::HandedOver { .. } | Fulfillment::Cancelled { .. } => {
                Err(self.refuse("pick"))
            }
        }
    }

    /// The walk is called off; the goods go back.
    pub fn unpick(self, _now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Fulfillment::Picking { .. } => Ok(Fulfillment::Open),
            Fulfillment::Open | Fulfillment::Packed { .. } | Fulfillment::HandedOver { .. } | Fulfillment::Cancelled { .. } => {
                Err(self.refuse("unpick"))
            }
        }
    }

    /// Its goods are in closed parcels. A bench that packs without a walk goes straight from open.
    pub fn pack(self, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Fulfillment::Open => Ok(Fulfillment::Packed { at: now, wave_id: None }),
            Fulfillment::Picking { wave_id, .. } => Ok(Fulfillment::Packed { at: now, wave_id }),
            Fulfillment::Packed { .. } | Fulfillment::HandedOver { .. } | Fulfillment::Cancelled { .. } => Err(self.refuse("pack")),
        }
    }

    /// A parcel was opened again.
    pub fn unpack(self, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Fulfillment::Packed { wave_id, .. } => Ok(Fulfillment::Picking { since: now, wave_id }),
            Fulfillment::Open | Fulfillment::Picking { .. } | Fulfillment::HandedOver { .. } | Fulfillment::Cancelled { .. } => {
                Err(self.refuse("unpack"))
            }
        }
    }

    /// All its parcels have left.
    pub fn hand_over(self, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Fulfillment::Packed { .. } => Ok(Fulfillment::HandedOver { at: now }),
            Fulfillment::Open | Fulfillment::Picking { .. } | Fulfillment::HandedOver { .. } | Fulfillment::Cancelled { .. } => {
                Err(self.refuse("hand_over"))
            }
        }
    }

    /// It will not be sent. Law 6: what has left cannot be called back by a word.
    pub fn cancel(self, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Fulfillment::Open | Fulfillment::Picking { .. } | Fulfillment::Packed { .. } => Ok(Fulfillment::Cancelled { at: now }),
            Fulfillment::HandedOver { .. } | Fulfillment::Cancelled { .. } => Err(self.refuse("cancel")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(5);

    #[test]
    fn it_walks_forward_and_back_until_it_has_left() {
        let picked = Fulfillment::Open.pick(Some(WaveId(3)), NOW).expect("open");
        let packed = picked.pack(NOW).expect("picking");
        assert_eq!(packed.unpack(NOW).expect("packed"), Fulfillment::Picking { since: NOW, wave_id: Some(WaveId(3)) });
        assert_eq!(picked.unpick(NOW), Ok(Fulfillment::Open));
        let gone = packed.hand_over(NOW).expect("packed");
        assert_eq!(gone.cancel(NOW), Err(NotNow { step: "cancel", state: "handed_over" }));
        assert!(gone.unpack(NOW).is_err());
        assert!(picked.hand_over(NOW).is_err(), "only closed parcels leave");
        assert!(packed.cancel(NOW).is_ok());
        assert!(Fulfillment::Cancelled { at: NOW }.pack(NOW).is_err());
    }
}

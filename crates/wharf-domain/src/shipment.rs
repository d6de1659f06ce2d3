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

use crate::fulfillment::NotNow;
use crate::time::Timestamp;

/// What may still be done with a parcel: its state, with every state after the hand-over as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Composed, no waybill yet.
    Draft,
    /// It has a waybill number.
    Booked,
    /// Scanned and closed.
    Packed,
    /// It has left us, wherever it is now.
    Away,
    /// Taken apart before it left.
    Cancelled,
}

impl ShipmentState {
    /// Where that leaves those who would change the parcel.
    pub const fn standing(self) -> Standing {
        match self {
            ShipmentState::Draft => Standing::Draft,
            ShipmentState::Booked => Standing::Booked,
            ShipmentState::Packed => Standing::Packed,
            ShipmentState::HandedOver
            | ShipmentState::InTransit
            | ShipmentState::OutForDelivery
            | ShipmentState::Delivered
            | ShipmentState::Exception
            | ShipmentState::Returning
            | ShipmentState::Returned
            | ShipmentState::Lost => Standing::Away,
            ShipmentState::Cancelled => Standing::Cancelled,
        }
    }
}

/// A shipment with what exists only in its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shipment {
    /// Composed.
    Draft,
    /// It has a number.
    Booked {
        /// The waybill number.
        number: String,
    },
    /// Scanned and closed.
    Packed {
        /// The waybill number.
        number: String,
        /// When.
        at: Timestamp,
    },
    /// With the carrier: how far is told by `stage`.
    Away {
        /// The waybill number.
        number: String,
        /// When it left us.
        handed_over_at: Timestamp,
        /// Where it is.
        stage: Stage,
    },
    /// Taken apart before it left.
    Cancelled,
}

/// Where a parcel is after it left us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Handed over, not yet scanned.
    HandedOver,
    /// The carrier moves it.
    InTransit,
    /// The courier is at the door.
    OutForDelivery,
    /// Trouble on the way.
    Exception,
    /// The recipient has it.
    Delivered,
    /// On its way back.
    Returning,
    /// Back with us.
    Returned,
    /// Gone.
    Lost,
}

impl Stage {
    /// The stored word.
    pub const fn state(self) -> ShipmentState {
        match self {
            Stage::HandedOver => ShipmentState::HandedOver,
            Stage::InTransit => ShipmentState::InTransit,
            Stage::OutForDelivery => ShipmentState::OutForDelivery,
            Stage::Exception => ShipmentState::Exception,
            Stage::Delivered => ShipmentState::Delivered,
            Stage::Returning => ShipmentState::Returning,
            Stage::Returned => ShipmentState::Returned,
            Stage::Lost => ShipmentState::Lost,
        }
    }

    /// The stage of a stored word; `None` for a parcel that is still ours.
    pub const fn of(state: ShipmentState) -> Option<Self> {
        match state {
            ShipmentState::Draft | ShipmentState::Booked | ShipmentState::Packed | ShipmentState::Cancelled => None,
            ShipmentState::HandedOver => Some(Stage::HandedOver),
            ShipmentState::InTransit => Some(Stage::InTransit),
            ShipmentState::OutForDelivery => Some(Stage::OutForDelivery),
            ShipmentState::Delivered => Some(Stage::Delivered),
            ShipmentState::Exception => Some(Stage::Exception),
            ShipmentState::Returning => Some(Stage::Returning),
            ShipmentState::Returned => Some(Stage::Returned),
            ShipmentState::Lost => Some(Stage::Lost),
        }
    }
}

impl Shipment {
    /// The stored word.
    pub const fn state(&self) -> ShipmentState {
        match self {
            Shipment::Draft => ShipmentState::Draft,
            Shipment::Booked { .. } => ShipmentState::Booked,
            Shipment::Packed { .. } => ShipmentState::Packed,
            Shipment::Away { stage, .. } => stage.state(),
            Shipment::Cancelled => ShipmentState::Cancelled,
        }
    }

    fn refuse(&self, step: &'static str) -> NotNow {
        NotNow { step, state: crate::word::Word::as_str(self.state()) }
    }

    /// The carrier sold the number.
    pub fn book(self, number: String) -> Result<Self, NotNow> {
        match self {
            Shipment::Draft => Ok(Shipment::Booked { number }),
            Shipment::Booked { .. } | Shipment::Packed { .. } | Shipment::Away { .. } | Shipment::Cancelled => Err(self.refuse("book")),
        }
    }

    /// The label is recalled: back to a draft, the goods out of the box.
    pub fn recall(self) -> Result<Self, NotNow> {
        match self {
            Shipment::Draft | Shipment::Booked { .. } | Shipment::Packed { .. } => Ok(Shipment::Draft),
            Shipment::Away { .. } | Shipment::Cancelled => Err(self.refuse("recall")),
        }
    }

    /// Scanned and closed. Without a number no parcel is closed.
    pub fn pack(self, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Shipment::Booked { number } => Ok(Shipment::Packed { number, at: now }),
            Shipment::Draft | Shipment::Packed { .. } | Shipment::Away { .. } | Shipment::Cancelled => Err(self.refuse("pack")),
        }
    }

    /// Opened again.
    pub fn unpack(self) -> Result<Self, NotNow> {
        match self {
            Shipment::Packed { number, .. } => Ok(Shipment::Booked { number }),
            Shipment::Draft | Shipment::Booked { .. } | Shipment::Away { .. } | Shipment::Cancelled => Err(self.refuse("unpack")),
        }
    }

    /// The carrier has it.
    pub fn hand_over(self, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Shipment::Packed { number, .. } => Ok(Shipment::Away { number, handed_over_at: now, stage: Stage::HandedOver }),
            Shipment::Draft | Shipment::Booked { .. } | Shipment::Away { .. } | Shipment::Cancelled => Err(self.refuse("hand_over")),
        }
    }

    /// A scan said where it is. Out of order scans never move a parcel back from a final stage to an earlier one,
    /// except that what was delivered may still come back.
    pub fn scanned(self, to: Stage) -> Result<Self, NotNow> {
        match self {
            Shipment::Away { number, handed_over_at, stage } => {
                Ok(Shipment::Away { number, handed_over_at, stage: crate::tracking::advance(stage, to) })
            }
            Shipment::Draft | Shipment::Booked { .. } | Shipment::Packed { .. } | Shipment::Cancelled => Err(self.refuse("scan")),
        }
    }

    /// Taken apart before it left (law 6).
    pub fn cancel(self) -> Result<Self, NotNow> {
        match self {
            Shipment::Draft | Shipment::Booked { .. } | Shipment::Packed { .. } => Ok(Shipment::Cancelled),
            Shipment::Away { .. } | Shipment::Cancelled => Err(self.refuse("cancel")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(5);

    #[test]
    fn only_a_closed_parcel_leaves_and_what_has_left_is_not_cancelled() {
        let booked = Shipment::Draft.book("N1".into()).expect("draft");
        assert!(booked.clone().hand_over(NOW).is_err());
        assert!(Shipment::Draft.pack(NOW).is_err(), "no number, no parcel");
        let packed = booked.pack(NOW).expect("booked");
        assert_eq!(packed.clone().unpack(), Ok(Shipment::Booked { number: "N1".into() }));
        assert_eq!(packed.clone().cancel(), Ok(Shipment::Cancelled));
        let gone = packed.hand_over(NOW).expect("packed");
        assert!(gone.clone().cancel().is_err() && gone.clone().recall().is_err());
        let here = gone.scanned(Stage::Delivered).expect("away");
        assert_eq!(here.scanned(Stage::InTransit).expect("away").state(), ShipmentState::Delivered);
    }
}

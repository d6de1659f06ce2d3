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

use crate::fulfillment::NotNow;
use crate::time::{MINUTE, Timestamp};

/// A call that gave no answer for so long is in doubt: longer than any request may take and any lease may last.
pub const DOUBT_AFTER: i64 = 2 * MINUTE;

/// A waybill with what exists only in its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waybill {
    /// Decided; the carrier has not been called.
    Intent,
    /// The call is under way.
    Requested {
        /// Since when.
        since: Timestamp,
    },
    /// The number is ours.
    Booked {
        /// The waybill number.
        number: String,
        /// Since when.
        at: Timestamp,
    },
    /// The label came out of a printer.
    Printed {
        /// The waybill number.
        number: String,
        /// When it was bought.
        booked_at: Timestamp,
    },
    /// The carrier said no.
    Failed {
        /// In its words.
        message: String,
    },
    /// Asked, answer unknown.
    InDoubt {
        /// When it was asked.
        since: Timestamp,
        /// What came instead of an answer.
        message: String,
    },
    /// It must be given back.
    VoidRequested {
        /// The waybill number.
        number: String,
    },
    /// Given back, or given up before anything was bought.
    Voided {
        /// The waybill number, if one was bought.
        number: Option<String>,
        /// When.
        at: Timestamp,
    },
}

impl Waybill {
    /// The stored word.
    pub const fn state(&self) -> WaybillState {
        match self {
            Waybill::Intent => WaybillState::Intent,
            Waybill::Requested { .. } => WaybillState::Requested,
            Waybill::Booked { .. } => WaybillState::Booked,
            Waybill::Printed { .. } => WaybillState::Printed,
            Waybill::Failed { .. } => WaybillState::Failed,
            Waybill::InDoubt { .. } => WaybillState::InDoubt,
            Waybill::VoidRequested { .. } => WaybillState::VoidRequested,
            Waybill::Voided { .. } => WaybillState::Voided,
        }
    }

    /// The number, in the states that have one.
    pub fn number(&self) -> Option<&str> {
        match self {
            Waybill::Booked { number, .. } | Waybill::Printed { number, .. } | Waybill::VoidRequested { number } => Some(number),
            Waybill::Voided { number, .. } => number.as_deref(),
            Waybill::Intent | Waybill::Requested { .. } | Waybill::Failed { .. } | Waybill::InDoubt { .. } => None,
        }
    }

    fn refuse(&self, step: &'static str) -> NotNow {
        NotNow { step, state: crate::word::Word::as_str(self.state()) }
    }

    /// Committed before the carrier is called. Only an intent may be sent: whoever finds anything else does not call.
    pub fn request(self, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Waybill::Intent => Ok(Waybill::Requested { since: now }),
            Waybill::Requested { .. }
            | Waybill::Booked { .. }
            | Waybill::Printed { .. }
            | Waybill::Failed { .. }
            | Waybill::InDoubt { .. }
            | Waybill::VoidRequested { .. }
            | Waybill::Voided { .. } => Err(self.refuse("request")),
        }
    }

    /// The carrier sold it, or a look-up found it.
    pub fn book(self, number: String, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Waybill::Requested { .. } | Waybill::InDoubt { .. } => Ok(Waybill::Booked { number, at: now }),
            Waybill::Intent
            | Waybill::Booked { .. }
            | Waybill::Printed { .. }
            | Waybill::Failed { .. }
            | Waybill::VoidRequested { .. }
            | Waybill::Voided { .. } => Err(self.refuse("book")),
        }
    }

    /// It is certain that nothing was bought (not sent, or a look-up said no): it may be asked again.
    pub fn not_bought(self, _now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Waybill::Requested { .. } | Waybill::InDoubt { .. } => Ok(Waybill::Intent),
            Waybill::Intent
            | Waybill::Booked { .. }
            | Waybill::Printed { .. }
            | Waybill::Failed { .. }
            | Waybill::VoidRequested { .. }
            | Waybill::Voided { .. } => Err(self.refuse("ask_again")),
        }
    }

    /// The carrier said no.
    pub fn fail(self, message: String, _now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Waybill::Intent | Waybill::Requested { .. } | Waybill::InDoubt { .. } => Ok(Waybill::Failed { message }),
            Waybill::Booked { .. }
            | Waybill::Printed { .. }
            | Waybill::Failed { .. }
            | Waybill::VoidRequested { .. }
            | Waybill::Voided { .. } => Err(self.refuse("fail")),
        }
    }

    /// The answer was lost, or never came ([`DOUBT_AFTER`]).
    pub fn doubt(self, message: String, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Waybill::Requested { .. } => Ok(Waybill::InDoubt { since: now, message }),
            Waybill::Intent
            | Waybill::Booked { .. }
            | Waybill::Printed { .. }
            | Waybill::Failed { .. }
            | Waybill::InDoubt { .. }
            | Waybill::VoidRequested { .. }
            | Waybill::Voided { .. } => Err(self.refuse("doubt")),
        }
    }

    /// Its label came out of a printer.
    pub fn print(self, _now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Waybill::Booked { number, at } => Ok(Waybill::Printed { number, booked_at: at }),
            Waybill::Printed { number, booked_at } => Ok(Waybill::Printed { number, booked_at }),
            Waybill::Intent
            | Waybill::Requested { .. }
            | Waybill::Failed { .. }
            | Waybill::InDoubt { .. }
            | Waybill::VoidRequested { .. }
            | Waybill::Voided { .. } => Err(self.refuse("print")),
        }
    }

    /// Nobody wants it any more. An intent ends at once; what may have been bought is first looked up.
    pub fn recall(self, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Waybill::Intent => Ok(Waybill::Voided { number: None, at: now }),
            Waybill::Booked { number, .. } | Waybill::Printed { number, .. } => Ok(Waybill::VoidRequested { number }),
            Waybill::Requested { .. }
            | Waybill::Failed { .. }
            | Waybill::InDoubt { .. }
            | Waybill::VoidRequested { .. }
            | Waybill::Voided { .. } => Err(self.refuse("recall")),
        }
    }

    /// The carrier will not take it back: the number stays bought, and nobody asks for ever.
    pub fn keep(self, message: String, _now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Waybill::VoidRequested { .. } => Ok(Waybill::Failed { message }),
            Waybill::Intent
            | Waybill::Requested { .. }
            | Waybill::Booked { .. }
            | Waybill::Printed { .. }
            | Waybill::Failed { .. }
            | Waybill::InDoubt { .. }
            | Waybill::Voided { .. } => Err(self.refuse("keep")),
        }
    }

    /// The carrier took it back.
    pub fn void(self, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Waybill::VoidRequested { number } => Ok(Waybill::Voided { number: Some(number), at: now }),
            Waybill::Intent
            | Waybill::Requested { .. }
            | Waybill::Booked { .. }
            | Waybill::Printed { .. }
            | Waybill::Failed { .. }
            | Waybill::InDoubt { .. }
            | Waybill::Voided { .. } => Err(self.refuse("void")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(5);

    #[test]
    fn only_an_intent_is_ever_sent() {
        let asked = Waybill::Intent.request(NOW).expect("intent");
        assert!(asked.clone().request(NOW).is_err());
        let doubt = asked.clone().doubt("timeout".into(), NOW).expect("requested");
        assert!(doubt.clone().request(NOW).is_err(), "doubt is resolved by a look-up, never by a second purchase");
        assert_eq!(doubt.clone().not_bought(NOW), Ok(Waybill::Intent));
        assert_eq!(doubt.book("A1".into(), NOW), Ok(Waybill::Booked { number: "A1".into(), at: NOW }));
        assert!(asked.recall(NOW).is_err(), "what may have been bought is looked up before it is given back");
    }

    #[test]
    fn a_number_is_given_back_once() {
        let booked = Waybill::Booked { number: "A1".into(), at: NOW };
        let printed = booked.clone().print(NOW).expect("booked");
        assert_eq!(printed.number(), Some("A1"));
        let wanted_back = printed.recall(NOW).expect("printed");
        let voided = wanted_back.void(NOW).expect("requested");
        assert!(voided.clone().void(NOW).is_err());
        assert!(voided.print(NOW).is_err());
        let stuck = Waybill::VoidRequested { number: "A2".into() };
        assert_eq!(stuck.keep("picked up".into(), NOW), Ok(Waybill::Failed { message: "picked up".into() }));
        assert_eq!(Waybill::Intent.recall(NOW), Ok(Waybill::Voided { number: None, at: NOW }));
    }
}

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

use crate::fulfillment::NotNow;
use crate::time::Timestamp;

/// A confirmation with what exists only in its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmation {
    /// Must be told.
    Due,
    /// Told, answer not known.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// The channel took it.
    Accepted {
        /// The platform's receipt.
        receipt: String,
        /// When.
        at: Timestamp,
    },
    /// The channel had it already, with the same number.
    Already {
        /// When we learned it.
        at: Timestamp,
    },
    /// The channel said no.
    Refused {
        /// Its code.
        code: String,
        /// Its words.
        message: String,
        /// When.
        at: Timestamp,
    },
    /// Tried long enough.
    GaveUp {
        /// The last obstacle.
        message: String,
        /// When.
        at: Timestamp,
    },
}

impl Confirmation {
    /// The stored word.
    pub const fn state(&self) -> ConfirmationState {
        match self {
            Confirmation::Due => ConfirmationState::Due,
            Confirmation::Sent { .. } => ConfirmationState::Sent,
            Confirmation::Accepted { .. } => ConfirmationState::Accepted,
            Confirmation::Already { .. } => ConfirmationState::Already,
            Confirmation::Refused { .. } => ConfirmationState::Refused,
            Confirmation::GaveUp { .. } => ConfirmationState::GaveUp,
        }
    }

    fn refuse(&self, step: &'static str) -> NotNow {
        NotNow { step, state: crate::word::Word::as_str(self.state()) }
    }

    /// Committed before the channel is called; only what is due is sent.
    pub fn send(self, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Confirmation::Due => Ok(Confirmation::Sent { at: now }),
            Confirmation::Sent { .. }
            | Confirmation::Accepted { .. }
            | Confirmation::Already { .. }
            | Confirmation::Refused { .. }
            | Confirmation::GaveUp { .. } => Err(self.refuse("send")),
        }
    }

    /// The channel took it.
    pub fn accept(self, receipt: String, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Confirmation::Sent { .. } => Ok(Confirmation::Accepted { receipt, at: now }),
            Confirmation::Due
            | Confirmation::Accepted { .. }
            | Confirmation::Already { .. }
            | Confirmation::Refused { .. }
            | Confirmation::GaveUp { .. } => Err(self.refuse("accept")),
        }
    }

    /// The channel has it: it said so, or its own record of the order shows the number.
    pub fn found(self, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Confirmation::Due | Confirmation::Sent { .. } | Confirmation::Refused { .. } | Confirmation::GaveUp { .. } => {
                Ok(Confirmation::Already { at: now })
            }
            Confirmation::Accepted { .. } | Confirmation::Already { .. } => Err(self.refuse("find")),
        }
    }

    /// The channel said no.
    pub fn decline(self, code: String, message: String, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Confirmation::Sent { .. } => Ok(Confirmation::Refused { code, message, at: now }),
            Confirmation::Due
            | Confirmation::Accepted { .. }
            | Confirmation::Already { .. }
            | Confirmation::Refused { .. }
            | Confirmation::GaveUp { .. } => Err(self.refuse("decline")),
        }
    }

    /// It is certain that the channel does not have it: it may be told (again).
    pub fn not_told(self, _now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Confirmation::Sent { .. } | Confirmation::Refused { .. } | Confirmation::GaveUp { .. } => Ok(Confirmation::Due),
            Confirmation::Due | Confirmation::Accepted { .. } | Confirmation::Already { .. } => Err(self.refuse("tell_again")),
        }
    }

    /// Tried long enough: a person must look.
    pub fn give_up(self, message: String, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Confirmation::Due | Confirmation::Sent { .. } => Ok(Confirmation::GaveUp { message, at: now }),
            Confirmation::Accepted { .. } | Confirmation::Already { .. } | Confirmation::Refused { .. } | Confirmation::GaveUp { .. } => {
                Err(self.refuse("give_up"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(5);

    #[test]
    fn told_once_unless_it_is_certain_that_it_was_not() {
        let sent = Confirmation::Due.send(NOW).expect("due");
        assert!(sent.clone().send(NOW).is_err(), "a lost answer is looked up, not repeated");
        assert_eq!(sent.clone().not_told(NOW), Ok(Confirmation::Due));
        let done = sent.clone().accept("r".into(), NOW).expect("sent");
        assert!(done.clone().not_told(NOW).is_err() && done.clone().decline("c".into(), "m".into(), NOW).is_err());
        let refused = sent.decline("B1".into(), "no".into(), NOW).expect("sent");
        assert_eq!(refused.clone().not_told(NOW), Ok(Confirmation::Due), "a person may try again");
        assert_eq!(refused.found(NOW), Ok(Confirmation::Already { at: NOW }));
        assert!(Confirmation::Due.give_up("quota".into(), NOW).is_ok());
    }
}

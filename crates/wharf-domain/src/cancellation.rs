//! The cancellation machine: one order is to be called off, here and, where it has one, on its channel. And why people
//! cancel, in words that channels can be told and reports can count.

use crate::fulfillment::NotNow;
use crate::time::Timestamp;
use crate::words;

words! {
    /// `requested → stopping → submitted → confirmed | refused | failed`; `withdrawn` while nothing was submitted.
    pub enum CancellationState {
        /// Asked for; nothing is stopped yet.
        Requested = "requested",
        /// Everything here is stopped; the channel is not told yet.
        Stopping = "stopping",
        /// The channel is being told (committed before the call is made).
        Submitted = "submitted",
        /// Final: the order is cancelled.
        Confirmed = "confirmed",
        /// The channel said no: a task for a person.
        Refused = "refused",
        /// Tried long enough: a task for a person.
        Failed = "failed",
        /// Taken back before the channel was told.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// Why an order is cancelled. Reports count these; a channel takes those that it knows.
    pub enum CancelReason {
        /// 买家不想买了
        BuyerAsked = "buyer_asked",
        /// 买家拍错了
        WrongItem = "wrong_item",
        /// 买家信息填写错误，重新拍
        WrongDetails = "wrong_details",
        /// 未及时付款
        NotPaid = "not_paid",
        /// 重复下单
        Duplicate = "duplicate",
        /// 缺货
        OutOfStock = "out_of_stock",
        /// 价格错误
        WrongPrice = "wrong_price",
        /// 商品质量问题
        Quality = "quality",
        /// 无法配送
        AddressUnreachable = "address_unreachable",
        /// 发货太慢
        TooSlow = "too_slow",
        /// 恶意买家、同行捣乱
        Malicious = "malicious",
        /// 同城见面交易
        MetInPerson = "met_in_person",
        /// Something else: the note says what.
        Other = "other",
    }
}

words! {
    /// Who wants it.
    pub enum CancelSource {
        /// The buyer asked for it.
        Buyer = "buyer",
        /// The seller's own decision.
        Seller = "seller",
        /// A rule decided it.
        Rule = "rule",
    }
}

/// A cancellation with what exists only in its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancellation {
    /// Asked for.
    Requested,
    /// Stopped here; told to the channel at `tell_at` and not before.
    Stopping {
        /// Until then it can be taken back.
        tell_at: Timestamp,
    },
    /// The channel is being told; its answer is not known.
    Submitted {
        /// When.
        at: Timestamp,
    },
    /// Final.
    Confirmed {
        /// The platform's receipt; empty where there is no platform, or where it had closed the order itself.
        receipt: String,
        /// When.
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
    Failed {
        /// The last obstacle.
        message: String,
        /// When.
        at: Timestamp,
    },
    /// Taken back in time.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
}

impl Cancellation {
    /// The stored word.
    pub const fn state(&self) -> CancellationState {
        match self {
            Cancellation::Requested => CancellationState::Requested,
            Cancellation::Stopping { .. } => CancellationState::Stopping,
            Cancellation::Submitted { .. } => CancellationState::Submitted,
            Cancellation::Confirmed { .. } => CancellationState::Confirmed,
            Cancellation::Refused { .. } => CancellationState::Refused,
            Cancellation::Failed { .. } => CancellationState::Failed,
            Cancellation::Withdrawn { .. } => CancellationState::Withdrawn,
        }
    }

    /// It is under way: the order must not move, and a second one is the same one.
    pub const fn is_open(&self) -> bool {
        matches!(self, Cancellation::Requested | Cancellation::Stopping { .. } | Cancellation::Submitted { .. })
    }

    fn refuse(&self, step: &'static str) -> NotNow {
        NotNow { step, state: crate::word::Word::as_str(self.state()) }
    }

    /// Everything here is stopped; the channel is told at `tell_at`.
    pub fn stop(self, tell_at: Timestamp) -> Result<Self, NotNow> {
        match self {
            Cancellation::Requested => Ok(Cancellation::Stopping { tell_at }),
            Cancellation::Stopping { .. }
            | Cancellation::Submitted { .. }
            | Cancellation::Confirmed { .. }
            | Cancellation::Refused { .. }
            | Cancellation::Failed { .. }
            | Cancellation::Withdrawn { .. } => Err(self.refuse("stop")),
        }
    }

    /// Committed before the channel is called, and not before its time.
    pub fn submit(self, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Cancellation::Stopping { tell_at } if tell_at <= now => Ok(Cancellation::Submitted { at: now }),
            Cancellation::Stopping { .. }
            | Cancellation::Requested
            | Cancellation::Submitted { .. }
            | Cancellation::Confirmed { .. }
            | Cancellation::Refused { .. }
            | Cancellation::Failed { .. }
            | Cancellation::Withdrawn { .. } => Err(self.refuse("submit")),
        }
    }

    /// It is certain that the channel did not hear it: it may be told (again).
    pub fn not_told(self, tell_at: Timestamp) -> Result<Self, NotNow> {
        match self {
            Cancellation::Submitted { .. } => Ok(Cancellation::Stopping { tell_at }),
            Cancellation::Requested
            | Cancellation::Stopping { .. }
            | Cancellation::Confirmed { .. }
            | Cancellation::Refused { .. }
            | Cancellation::Failed { .. }
            | Cancellation::Withdrawn { .. } => Err(self.refuse("tell_again")),
        }
    }

    /// The order is cancelled: where nobody has to be told at once, else when the channel took it or had closed the order
    /// itself.
    pub fn confirm(self, receipt: String, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Cancellation::Requested | Cancellation::Stopping { .. } | Cancellation::Submitted { .. } => {
                Ok(Cancellation::Confirmed { receipt, at: now })
            }
            Cancellation::Confirmed { .. }
            | Cancellation::Refused { .. }
            | Cancellation::Failed { .. }
            | Cancellation::Withdrawn { .. } => Err(self.refuse("confirm")),
        }
    }

    /// The channel said no.
    pub fn decline(self, code: String, message: String, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Cancellation::Submitted { .. } => Ok(Cancellation::Refused { code, message, at: now }),
            Cancellation::Requested
            | Cancellation::Stopping { .. }
            | Cancellation::Confirmed { .. }
            | Cancellation::Refused { .. }
            | Cancellation::Failed { .. }
            | Cancellation::Withdrawn { .. } => Err(self.refuse("decline")),
        }
    }

    /// Tried long enough: a person must look.
    pub fn fail(self, message: String, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Cancellation::Stopping { .. } | Cancellation::Submitted { .. } => Ok(Cancellation::Failed { message, at: now }),
            Cancellation::Requested
            | Cancellation::Confirmed { .. }
            | Cancellation::Refused { .. }
            | Cancellation::Failed { .. }
            | Cancellation::Withdrawn { .. } => Err(self.refuse("fail")),
        }
    }

    /// Taken back. `told`: a channel was told of it, or may have been; then it cannot.
    pub fn withdraw(self, told: bool, now: Timestamp) -> Result<Self, NotNow> {
        match self {
            Cancellation::Requested | Cancellation::Stopping { .. } => Ok(Cancellation::Withdrawn { at: now }),
            Cancellation::Confirmed { .. } if !told => Ok(Cancellation::Withdrawn { at: now }),
            Cancellation::Confirmed { .. }
            | Cancellation::Submitted { .. }
            | Cancellation::Refused { .. }
            | Cancellation::Failed { .. }
            | Cancellation::Withdrawn { .. } => Err(self.refuse("withdraw")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(100);

    #[test]
    fn a_channel_is_told_after_the_time_to_take_it_back_and_only_once() {
        let stopping = Cancellation::Requested.stop(NOW.plus(60)).expect("requested");
        assert!(stopping.clone().submit(NOW).is_err(), "not before its time");
        assert_eq!(stopping.clone().withdraw(false, NOW), Ok(Cancellation::Withdrawn { at: NOW }));
        let told = stopping.submit(NOW.plus(60)).expect("due");
        assert!(told.clone().submit(NOW.plus(61)).is_err(), "told twice");
        assert!(told.clone().withdraw(true, NOW).is_err(), "what was told is not taken back");
        let no = told.clone().decline("B".into(), "no".into(), NOW).expect("submitted");
        assert!(no.confirm(String::new(), NOW).is_err());
        let yes = told.clone().confirm("r".into(), NOW).expect("submitted");
        assert!(yes.clone().withdraw(true, NOW).is_err() && !yes.is_open());
        assert_eq!(told.not_told(NOW).expect("submitted"), Cancellation::Stopping { tell_at: NOW });
    }

    #[test]
    fn where_nobody_is_told_it_is_final_at_once_and_can_still_be_taken_back() {
        let done = Cancellation::Requested.confirm(String::new(), NOW).expect("requested");
        assert_eq!(done.withdraw(false, NOW), Ok(Cancellation::Withdrawn { at: NOW }));
        assert!(Cancellation::Withdrawn { at: NOW }.confirm(String::new(), NOW).is_err());
    }
}

//! The order: independent facts, from which the phase is derived. An order is never split, merged or deleted.

pub mod amend;
pub mod channel;
pub mod check;
pub mod merge;
pub mod phase;

use crate::words;

words! {
    /// What the buyer's money did.
    pub enum Payment {
        /// Nothing received yet.
        Unpaid = "unpaid",
        /// Received in full.
        Paid = "paid",
        /// Some of it went back.
        PartRefunded = "part_refunded",
        /// All of it went back.
        Refunded = "refunded",
    }
}

words! {
    /// What a channel's status word means. The word itself is kept beside it.
    pub enum ChannelStatus {
        /// The buyer has not paid.
        AwaitingPayment = "awaiting_payment",
        /// Paid, and the channel says not to ship yet (group buy, risk review, presale, audit).
        PaidOnHold = "paid_on_hold",
        /// Paid, to be shipped by the seller.
        ToShip = "to_ship",
        /// Some lines are shipped.
        PartShipped = "part_shipped",
        /// All is shipped.
        Shipped = "shipped",
        /// The buyer has it.
        Delivered = "delivered",
        /// The channel has closed it well.
        Completed = "completed",
        /// The channel has closed it without goods.
        Cancelled = "cancelled",
    }
}

words! {
    /// Who ships: we, or the channel from its own warehouse (FBA and its like).
    pub enum FulfilledBy {
        /// We pick, pack and ship.
        Seller = "seller",
        /// The channel ships; we mirror and count.
        Channel = "channel",
    }
}

words! {
    /// What the buyer asked back on a line, as the channel says.
    pub enum LineRefund {
        /// Nothing asked.
        None = "none",
        /// Asked, not decided: the goods must not leave.
        Requested = "requested",
        /// Paid back.
        Refunded = "refunded",
        /// Asked and refused, or withdrawn.
        Closed = "closed",
    }
}

/// The counters of one order line, in units of the line (a bundle counts once).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineCounters {
    /// What the buyer bought.
    pub ordered: i64,
    /// What will not be sent.
    pub cancelled: i64,
    /// What is tied to a warehouse.
    pub allocated: i64,
    /// What is in a closed parcel.
    pub packed: i64,
    /// What has left.
    pub shipped: i64,
    /// What has arrived.
    pub delivered: i64,
    /// What came back.
    pub returned: i64,
}

impl LineCounters {
    /// What is to be sent in all: ordered − cancelled.
    pub const fn open(&self) -> i64 {
        self.ordered - self.cancelled
    }

    /// Law 4: every counter is within what the one before it allows.
    pub const fn is_lawful(&self) -> bool {
        self.ordered >= 0
            && 0 <= self.cancelled
            && self.cancelled <= self.ordered
            && 0 <= self.packed
            && 0 <= self.shipped
            && self.shipped <= self.open()
            && self.allocated >= 0
            && self.allocated <= self.open()
            && self.packed <= self.allocated
            && self.shipped <= self.packed
            && 0 <= self.delivered
            && self.delivered <= self.shipped
            && 0 <= self.returned
            && self.returned <= self.shipped
    }
}

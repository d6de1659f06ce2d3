//! The phase: one pure function of the facts, with one precedence and no clock. What the order waits for, nothing else.

use super::{FulfilledBy, LineCounters, Payment};
use crate::words;

words! {
    /// What an order waits for.
    pub enum Phase {
        /// 待付款: the buyer's money.
        Unpaid = "unpaid",
        /// 异常挂起: someone to settle its open holds.
        Held = "held",
        /// 待审核: approval by a rule or a person.
        Review = "review",
        /// 待对码: a listing to be linked to a SKU.
        Mapping = "mapping",
        /// 缺货待配: stock, or a routing decision.
        Stock = "stock",
        /// 待打单: a waybill, or its print.
        Label = "label",
        /// 待发货: picking, scanning, packing, hand-over.
        Pack = "pack",
        /// 部分发货: the rest.
        PartShipped = "part_shipped",
        /// 已发货: delivery.
        Shipped = "shipped",
        /// 已签收: the channel to close it.
        Delivered = "delivered",
        /// 已完成: nothing.
        Completed = "completed",
        /// 已取消: nothing.
        Cancelled = "cancelled",
        /// 平台发货: the channel itself.
        External = "external",
    }
}

words! {
    /// How far the channel says the order has come, for what it does not need us for.
    pub enum ChannelProgress {
        /// Nothing beyond payment.
        None = "none",
        /// The channel knows of a shipment of everything.
        Shipped = "shipped",
        /// The channel says the buyer has it.
        Delivered = "delivered",
        /// The channel has closed it well.
        Completed = "completed",
        /// The channel has closed it without goods.
        Cancelled = "cancelled",
    }
}

/// Everything the phase depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderFacts {
    /// What the buyer's money did.
    pub payment: Payment,
    /// Cash on delivery: shipped before it is paid.
    pub cash_on_delivery: bool,
    /// Who ships.
    pub fulfilled_by: FulfilledBy,
    /// How far the channel says it is.
    pub progress: ChannelProgress,
    /// Sums over the lines.
    pub units: LineCounters,
    /// Lines with something to send and no listing link.
    pub unmapped_lines: i64,
    /// Holds that are not released.
    pub open_holds: i64,
    /// Approved by a rule or a person.
    pub approved: bool,
    /// Units in shipments whose label is printed (or whose channel needs none).
    pub labelled: i64,
}

/// The phase of an order. Precedence, first match wins:
///
/// 1. nothing is left to send and nothing was sent, or the channel cancelled and nothing was sent → `cancelled`;
/// 2. the channel ships → `external`;
/// 3. the channel closed it well → `completed`;
/// 4. an open hold, while something is left to send → `held` (a hold on what has already left does not bring it back,
///    but a contradiction of the channel about it must be seen: it is `held` as well unless everything is delivered);
/// 5. delivered in full → `delivered`; shipped in full, by us or as the channel says → `shipped`;
/// 6. not paid and not cash on delivery → `unpaid`;
/// 7. something has left → `part_shipped`;
/// 8. not approved → `review`; a line without link → `mapping`; less allocated than open → `stock`;
///    less labelled than open → `label`; else → `pack`.
pub fn phase(facts: &OrderFacts) -> Phase {
    let open = facts.units.open();
    let shipped = facts.units.shipped;
    if shipped == 0 && ((open == 0 && facts.units.ordered > 0) || facts.progress == ChannelProgress::Cancelled) {
        return Phase::Cancelled;
    }
    if facts.fulfilled_by == FulfilledBy::Channel {
        return Phase::External;
    }
    if facts.progress == ChannelProgress::Completed {
        return Phase::Completed;
    }
    let delivered = facts.progress == ChannelProgress::Delivered || (open > 0 && facts.units.delivered == open);
    if facts.open_holds > 0 && !delivered {
        return Phase::Held;
    }
    if delivered {
        return Phase::Delivered;
    }
    if facts.progress == ChannelProgress::Shipped || (open > 0 && shipped == open) {
        return Phase::Shipped;
    }
    if facts.payment == Payment::Unpaid && !facts.cash_on_delivery {
        return Phase::Unpaid;
    }
    if shipped > 0 {
        return Phase::PartShipped;
    }
    if !facts.approved {
        return Phase::Review;
    }
    if facts.unmapped_lines > 0 {
        return Phase::Mapping;
    }
    if facts.units.allocated < open {
        return Phase::Stock;
    }
    if facts.labelled < open {
        return Phase::Label;
    }
    Phase::Pack
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean() -> OrderFacts {
        OrderFacts {
            payment: Payment::Paid,
            cash_on_delivery: false,
            fulfilled_by: FulfilledBy::Seller,
            progress: ChannelProgress::None,
            units: LineCounters { ordered: 3, ..LineCounters::default() },
            unmapped_lines: 0,
            open_holds: 0,
            approved: false,
            labelled: 0,
        }
    }

    #[test]
    fn an_order_walks_through_its_phases() {
        let mut facts = OrderFacts { payment: Payment::Unpaid, ..clean() };
        assert_eq!(phase(&facts), Phase::Unpaid);
        facts.payment = Payment::Paid;
        assert_eq!(phase(&facts), Phase::Review);
        facts.open_holds = 1;
        assert_eq!(phase(&facts), Phase::Held);
        facts.open_holds = 0;
        facts.approved = true;
        facts.unmapped_lines = 1;
        assert_eq!(phase(&facts), Phase::Mapping);
        facts.unmapped_lines = 0;
        assert_eq!(phase(&facts), Phase::Stock);
        facts.units.allocated = 3;
        assert_eq!(phase(&facts), Phase::Label);
        facts.labelled = 3;
        assert_eq!(phase(&facts), Phase::Pack);
        facts.units.packed = 3;
        facts.units.shipped = 1;
        assert_eq!(phase(&facts), Phase::PartShipped);
        facts.units.shipped = 3;
        assert_eq!(phase(&facts), Phase::Shipped);
        facts.units.delivered = 3;
        assert_eq!(phase(&facts), Phase::Delivered);
        facts.progress = ChannelProgress::Completed;
        assert_eq!(phase(&facts), Phase::Completed);
    }

    #[test]
    fn a_cancellation_wins_until_the_parcel_has_left() {
        let mut facts = OrderFacts { approved: true, ..clean() };
        facts.units.cancelled = 3;
        assert_eq!(phase(&facts), Phase::Cancelled);
        facts.units = LineCounters { ordered: 3, allocated: 3, packed: 3, shipped: 3, ..LineCounters::default() };
        facts.progress = ChannelProgress::Cancelled;
        facts.open_holds = 1;
        assert_eq!(phase(&facts), Phase::Held, "the contradiction is shown");
    }

    #[test]
    fn the_channel_ships_its_own_whatever_else_is_true() {
        let facts = OrderFacts { fulfilled_by: FulfilledBy::Channel, open_holds: 2, ..clean() };
        assert_eq!(phase(&facts), Phase::External);
    }
}

//! What changed between what we know of an order and what its channel says now, what our row must become, and what that
//! must stop. Pure: the flow loads, compares here, and saves.
//!
//! A fact of the channel is never refused. What still can be undone is undone; what contradicts what has left is
//! recorded and becomes a hold for a person.

use super::channel::{ChannelHold, ChannelLine, ChannelOrder};
use super::phase::ChannelProgress;
use super::{ChannelStatus, FulfilledBy, LineCounters, LineRefund, Payment};
use crate::id::OrderLineId;
use crate::time::Timestamp;
use crate::word::Observed;
use serde_json::{Value, json};

/// An order as we know it, as far as the channel may change it.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The version we hold.
    pub modified_at: Timestamp,
    /// Its word.
    pub observed_status: String,
    /// How far the channel said it is.
    pub progress: ChannelProgress,
    /// What the buyer's money did.
    pub payment: Payment,
    /// Who ships.
    pub fulfilled_by: FulfilledBy,
    /// The promise that the channel measures.
    pub ship_by: Option<Timestamp>,
    /// What the buyer pays in all.
    pub total_minor: i64,
    /// What the buyer wrote.
    pub buyer_note: String,
    /// What the seller wrote on the channel.
    pub seller_note: String,
    /// The seller's flag.
    pub seller_flag: Option<i64>,
    /// Keyed hash of the recipient as the channel last told it, without its token.
    pub channel_print: String,
    /// The channel's token for the recipient.
    pub recipient_token: Option<String>,
    /// A person changed the recipient: the channel no longer overwrites it.
    pub recipient_edited: bool,
    /// The channel's reasons not to ship.
    pub do_not_ship: Vec<ChannelHold>,
    /// The channel's urging, in words.
    pub urgent_reason: String,
    /// A parcel of it has a waybill that is not given back.
    pub labelled: bool,
    /// Its lines.
    pub lines: Vec<KnownLine>,
}

/// A line as we know it.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownLine {
    /// Our id.
    pub id: OrderLineId,
    /// The channel's.
    pub external_id: String,
    /// The counters.
    pub counters: LineCounters,
    /// Units that we cancelled ourselves: what the channel says does not bring them back.
    pub cancelled_here: i64,
    /// What the buyer pays for it.
    pub total_minor: i64,
    /// What the buyer asked back.
    pub refund: LineRefund,
    /// The channel's word.
    pub observed_status: String,
}

/// One difference. `event` and `params` make its sentence in the timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// A word of the timeline, `order.…`.
    pub event: &'static str,
    /// Values for the sentence; no personal data.
    pub params: Value,
}

/// What a known line becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTarget {
    /// Units bought.
    pub ordered: i64,
    /// Units that will not be sent, as far as that is still possible.
    pub cancelled: i64,
    /// What the buyer asked back.
    pub refund: LineRefund,
}

/// What must happen in the warehouse, in the same transaction.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stops {
    /// Lines with more allocated than is to be sent now: (line, units to keep allocated).
    pub shrink: Vec<(OrderLineId, i64)>,
    /// A parcel that is being made must not leave: the bench sounds this reason.
    pub stop: Option<&'static str>,
    /// The label shows what is no longer true: it must be made again.
    pub recall_label: bool,
}

/// What contradicts what has happened here: a hold `channel_conflict` or `changed_after_label` with this detail.
#[derive(Debug, Clone, PartialEq)]
pub struct Contradiction {
    /// A word: `cancelled_after_shipping`, `line_shrunk_after_shipping`, `shipped_elsewhere`, `address_after_edit`, `address_after_shipping`.
    pub code: &'static str,
    /// Values.
    pub params: Value,
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Amendment {
    /// Differences, each an event.
    pub changes: Vec<Change>,
    /// Known lines by id, and what they become (only those that change).
    pub lines: Vec<(OrderLineId, LineTarget)>,
    /// Indexes into the incoming lines that are new.
    pub added: Vec<usize>,
    /// What must stop.
    pub stops: Stops,
    /// What a person must settle.
    pub contradictions: Vec<Contradiction>,
    /// The recipient is to be replaced by the incoming one.
    pub replace_recipient: bool,
    /// Something changed that the checks look at.
    pub recheck: bool,
}

/// Which version is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The incoming one is older: it changes nothing.
    Older,
    /// It is the one we hold, or a newer one: compare.
    Current,
}

/// An older version never overwrites a newer one. Channels count modification times in seconds, so two states may carry
/// one time: an equal time is compared, and what arrives last from the channel holds.
pub fn version(known: Timestamp, incoming: Timestamp) -> Version {
    if incoming < known { Version::Older } else { Version::Current }
}

/// How far a status word says the order is; an unknown word keeps what we knew, it advances nothing.
pub fn progress_of(status: &Observed<ChannelStatus>, known: ChannelProgress) -> ChannelProgress {
    match status {
        Observed::Unknown(_) => known,
        Observed::Known(word) => match word {
            ChannelStatus::AwaitingPayment | ChannelStatus::PaidOnHold | ChannelStatus::ToShip | ChannelStatus::PartShipped => {
                ChannelProgress::None
            }
            ChannelStatus::Shipped => ChannelProgress::Shipped,
            ChannelStatus::Delivered => ChannelProgress::Delivered,
            ChannelStatus::Completed => ChannelProgress::Completed,
            ChannelStatus::Cancelled => ChannelProgress::Cancelled,
        },
    }
}

/// Units of a line that its channel wants not to be sent: those it names, all when the line or the order is cancelled or
/// paid back before anything left. (Money back after the goods left cancels nothing; nor does money back for a line that the
/// channel still calls to be shipped: that was a part of its price.)
pub fn cancelled_by_channel(line: &ChannelLine, order_cancelled: bool, shipped: i64) -> i64 {
    let all = order_cancelled
        || line.status.known() == Some(&ChannelStatus::Cancelled)
        || (line.refund == LineRefund::Refunded && shipped == 0 && line.status.known() != Some(&ChannelStatus::ToShip));
    if all && (order_cancelled || shipped == 0 || line.refund != LineRefund::Refunded) {
        line.quantity
    } else {
        line.cancelled.clamp(0, line.quantity)
    }
}

/// Compares. `incoming_print` is the keyed hash of the incoming recipient without its token (as [`Known::channel_print`]).
pub fn compare(known: &Known, incoming: &ChannelOrder, incoming_print: &str) -> Amendment {
    let mut out = Amendment::default();
    status(known, incoming, &mut out);
    money(known, incoming, &mut out);
    lines(known, incoming, &mut out);
    recipient(known, incoming, incoming_print, &mut out);
    words(known, incoming, &mut out);
    out
}

fn status(known: &Known, incoming: &ChannelOrder, out: &mut Amendment) {
    let progress = progress_of(&incoming.status, known.progress);
    if known.observed_status != incoming.observed_status {
        out.changes.push(Change {
            event: "order.status_changed",
            params: json!({ "from": known.observed_status, "to": incoming.observed_status }),
        });
        out.recheck = true;
    }
    if known.do_not_ship != incoming.do_not_ship {
        let codes = |holds: &[ChannelHold]| holds.iter().map(|h| h.code.clone()).collect::<Vec<_>>();
        out.changes.push(Change {
            event: "order.channel_hold_changed",
            params: json!({ "from": codes(&known.do_not_ship), "to": codes(&incoming.do_not_ship) }),
        });
        out.recheck = true;
        if !incoming.do_not_ship.is_empty() {
            out.stops.stop = Some("channel_hold");
        }
    }
    // The channel says everything is shipped while we still hold stock for it: somebody shipped it elsewhere, and our
    // parcel must not leave as well.
    let advanced = progress != known.progress;
    let beyond = matches!(progress, ChannelProgress::Shipped | ChannelProgress::Delivered | ChannelProgress::Completed);
    let waiting: i64 = known.lines.iter().map(|l| l.counters.allocated - l.counters.shipped).sum();
    if advanced && beyond && waiting > 0 {
        out.stops.stop = Some("shipped_elsewhere");
        out.contradictions.push(Contradiction {
            code: "shipped_elsewhere",
            params: json!({ "units": waiting, "shipments": incoming.shipments.iter().map(|s| json!({ "carrier": s.carrier, "number": s.number })).collect::<Vec<_>>() }),
        });
    }
}

fn money(known: &Known, incoming: &ChannelOrder, out: &mut Amendment) {
    if known.payment != incoming.payment {
        out.changes.push(Change { event: "order.payment_changed", params: json!({ "from": known.payment, "to": incoming.payment }) });
        out.recheck = true;
    }
    if known.total_minor != incoming.total_minor {
        out.changes.push(Change {
            event: "order.total_changed",
            params: json!({ "from_minor": known.total_minor, "to_minor": incoming.total_minor, "currency": incoming.currency }),
        });
        out.recheck = true;
    }
}

fn lines(known: &Known, incoming: &ChannelOrder, out: &mut Amendment) {
    let order_cancelled = incoming.status.known() == Some(&ChannelStatus::Cancelled);
    let shipped_before: i64 = known.lines.iter().map(|l| l.counters.shipped).sum();
    for (index, line) in incoming.lines.iter().enumerate() {
        if !known.lines.iter().any(|k| k.external_id == line.external_id) {
            out.added.push(index);
            out.changes.push(Change { event: "order.line_added", params: json!({ "title": line.title, "quantity": line.quantity }) });
            out.recheck = true;
        }
    }
    for old in &known.lines {
        let c = old.counters;
        let line = incoming.lines.iter().find(|l| l.external_id == old.external_id);
        let (wanted_ordered, wanted_cancelled, refund) = match line {
            Some(line) => (line.quantity, cancelled_by_channel(line, order_cancelled, c.shipped), line.refund),
            // The channel no longer lists it: nothing more of it is to be sent. The row stays.
            None => (c.ordered, c.ordered, old.refund),
        };
        let wanted_cancelled = wanted_cancelled.max(old.cancelled_here.min(wanted_ordered));
        let told_anew =
            line.is_some_and(|l| l.observed_status != old.observed_status || l.total_minor != old.total_minor || l.refund != old.refund);
        // What has left cannot be taken back by a number: law 4 holds, and a person is told.
        let ordered = wanted_ordered.max(c.shipped);
        let cancelled = wanted_cancelled.clamp(0, ordered - c.shipped);
        let target = LineTarget { ordered, cancelled, refund };
        let shortfall = (wanted_cancelled - cancelled).max(0) + (ordered - wanted_ordered);
        let differs = target != LineTarget { ordered: c.ordered, cancelled: c.cancelled, refund: old.refund };
        // Said once, not with every version that repeats it.
        if shortfall > 0 && (differs || told_anew) && !order_cancelled {
            out.contradictions
                .push(Contradiction { code: "line_shrunk_after_shipping", params: json!({ "line": old.external_id, "units": shortfall }) });
        }
        explain_line(old, target, line.map_or("", |l| l.title.as_str()), order_cancelled, out);
        let open = ordered - cancelled;
        if c.allocated > open {
            out.stops.shrink.push((old.id, open));
            out.stops.stop.get_or_insert(if order_cancelled { "cancelled" } else { "line_shrunk" });
        }
        // Asked for, or paid though the line is still to be sent: someone looks before it leaves.
        if matches!(refund, LineRefund::Requested | LineRefund::Refunded) && refund != old.refund && open > c.shipped {
            out.stops.stop = Some("refund_requested");
        }
        if differs || told_anew {
            out.lines.push((old.id, target));
        }
    }
    if order_cancelled && known.progress != ChannelProgress::Cancelled {
        out.changes.push(Change { event: "order.cancelled_by_channel", params: json!({ "word": incoming.observed_status }) });
        if shipped_before > 0 {
            out.contradictions.push(Contradiction { code: "cancelled_after_shipping", params: json!({ "units": shipped_before }) });
        } else if known.labelled || known.lines.iter().any(|l| l.counters.allocated > 0) {
            out.stops.stop = Some("cancelled");
        }
        out.recheck = true;
    }
}

fn explain_line(old: &KnownLine, target: LineTarget, title: &str, order_cancelled: bool, out: &mut Amendment) {
    let c = old.counters;
    let before = c.ordered - c.cancelled;
    let after = target.ordered - target.cancelled;
    if after != before && !order_cancelled {
        let event = match after {
            0 => "order.line_cancelled",
            _ if after < before => "order.line_shrunk",
            _ => "order.line_grown",
        };
        out.changes.push(Change { event, params: json!({ "line": old.external_id, "title": title, "from": before, "to": after }) });
        out.recheck = true;
    }
    if target.refund != old.refund {
        let event = match target.refund {
            LineRefund::Requested => "order.refund_asked",
            LineRefund::Refunded => "order.refunded",
            LineRefund::Closed | LineRefund::None => "order.refund_closed",
        };
        out.changes.push(Change { event, params: json!({ "line": old.external_id, "title": title }) });
        out.recheck = true;
    }
}

fn recipient(known: &Known, incoming: &ChannelOrder, incoming_print: &str, out: &mut Amendment) {
    let Some(new) = &incoming.recipient else { return };
    let text_changed = known.channel_print != incoming_print;
    // Another token for the same text proves nothing by itself, but on a label it may stand for another door.
    let token_changed = new.token.is_some() && new.token != known.recipient_token;
    if !text_changed && !token_changed {
        return;
    }
    let first = known.channel_print.is_empty();
    if known.recipient_edited {
        if text_changed {
            out.changes.push(Change { event: "order.address_changed_by_channel", params: json!({ "kept": "ours" }) });
            out.contradictions.push(Contradiction { code: "address_after_edit", params: json!({}) });
        }
        return;
    }
    out.replace_recipient = true;
    out.recheck = true;
    if first {
        out.changes.push(Change { event: "order.address_given", params: region_of(incoming) });
        return;
    }
    out.changes.push(Change {
        event: if text_changed { "order.address_changed" } else { "order.address_token_renewed" },
        params: region_of(incoming),
    });
    let shipped: i64 = known.lines.iter().map(|l| l.counters.shipped).sum();
    let open: i64 = known.lines.iter().map(|l| l.counters.open() - l.counters.shipped).sum();
    if open > 0 && known.labelled {
        out.stops.recall_label = true;
        out.stops.stop = Some("address_changed");
    }
    if shipped > 0 && text_changed && !matches!(known.progress, ChannelProgress::Delivered | ChannelProgress::Completed) {
        out.contradictions.push(Contradiction { code: "address_after_shipping", params: region_of(incoming) });
    }
}

fn region_of(incoming: &ChannelOrder) -> Value {
    incoming.recipient.as_ref().map_or_else(
        || json!({}),
        |r| json!({ "province": r.region.province, "city": r.region.city, "district": r.region.district, "town": r.region.town }),
    )
}

fn words(known: &Known, incoming: &ChannelOrder, out: &mut Amendment) {
    if known.buyer_note != incoming.buyer_note {
        out.changes.push(Change { event: "order.buyer_note_changed", params: json!({}) });
        out.recheck = true;
    }
    if known.seller_note != incoming.seller_note || (incoming.seller_flag.is_some() && known.seller_flag != incoming.seller_flag) {
        out.changes.push(Change { event: "order.seller_note_changed", params: json!({ "flag": incoming.seller_flag }) });
    }
    if incoming.ship_by.is_some() && known.ship_by != incoming.ship_by {
        out.changes.push(Change { event: "order.ship_by_changed", params: json!({ "from": known.ship_by, "to": incoming.ship_by }) });
    }
    let urgent = incoming.urgent.join(", ");
    if known.urgent_reason != urgent && !urgent.is_empty() {
        out.changes.push(Change { event: "order.urged", params: json!({ "words": incoming.urgent }) });
    }
}

#[cfg(test)]
mod tests;

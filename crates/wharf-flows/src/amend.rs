//! Amend: a newer version of orders we have is merged, explained in the timeline, and stops what must stop, in the
//! transaction that stores its page (law 6: a cancellation that arrives before hand-over stops the parcel).

use crate::ingest::{listing_of, order_row};
use crate::ship::{self, LineStop};
use serde_json::json;
use std::collections::HashMap;
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{OrderId, OrderLineId};
use wharf_domain::order::ChannelStatus;
use wharf_domain::order::amend::{Amendment, cancelled_by_channel, compare};
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::timeline::{Actor, Event};
use wharf_store::catalog::{ListingKey, ListingRef};
use wharf_store::holds::{self, NewHold};
use wharf_store::orders::{self, KnownOrder, LineRow, LineUpdate, NewRecipient, OrderRow};
use wharf_store::shops::Shop;
use wharf_store::{StoreError, Tx};

/// A version that is not older than ours.
pub(crate) struct Incoming<'a> {
    pub(crate) order: &'a ChannelOrder,
    pub(crate) payload_hash: &'a str,
    pub(crate) known: &'a KnownOrder,
}

/// What came of a batch of newer versions.
#[derive(Debug, Default)]
pub(crate) struct Amended {
    /// Orders that are not as they were.
    pub(crate) changed: Vec<OrderId>,
    /// Versions that said nothing new.
    pub(crate) unchanged: usize,
    /// Orders that the checks must look at again.
    pub(crate) recheck: Vec<OrderId>,
}

/// Merges newer versions. The orders are locked (they were read so); events are added in order.
pub(crate) fn amend(
    tx: &mut Tx<'_>,
    shop: &Shop,
    incoming: Vec<Incoming<'_>>,
    listings: &HashMap<ListingKey, ListingRef>,
    actor: &Actor,
    events: &mut Vec<(OrderId, Event)>,
) -> Result<Amended, StoreError> {
    let keys = tx.keys().clone();
    let mut out = Amended::default();
    let mut decided = Vec::with_capacity(incoming.len());
    for one in &incoming {
        let print = orders::channel_print(&keys, one.order.recipient.as_ref());
        let mut amendment = compare(&one.known.known, one.order, &print);
        // A note that we changed and have not told yet is not the channel's news.
        if one.known.note_due {
            amendment.changes.retain(|change| change.event != "order.seller_note_changed");
        }
        if amendment == Amendment::default() {
            out.unchanged += 1;
        } else {
            out.changed.push(one.known.id);
        }
        if amendment.recheck {
            out.recheck.push(one.known.id);
        }
        decided.push((one, amendment, print));
    }
    stop(tx, &decided, actor)?;
    let rows: Vec<OrderRow<'_>> = decided
        .iter()
        .map(|(one, _, _)| order_row(&keys, shop, one.known.id, one.order, one.payload_hash, one.known.known.progress, one.known.note_due))
        .collect();
    orders::update_orders(tx, &rows)?;
    write_lines(tx, shop, &decided, listings)?;
    let recipients: Vec<NewRecipient> = decided
        .iter()
        .filter(|(_, amendment, _)| amendment.replace_recipient)
        .map(|(one, _, print)| NewRecipient {
            id: one.known.id,
            recipient: orders::seal_recipient(&keys, one.order.recipient.as_ref()),
            channel_print: Some(print.clone()),
            edited: false,
        })
        .collect();
    orders::replace_recipients(tx, &recipients)?;
    let kept: Vec<(OrderId, String)> = decided
        .iter()
        .filter(|(one, amendment, print)| {
            !amendment.replace_recipient && one.order.recipient.is_some() && one.known.known.channel_print != *print
        })
        .map(|(one, _, print)| (one.known.id, print.clone()))
        .collect();
    orders::set_channel_prints(tx, &kept)?;
    explain(tx, shop, &decided, actor, events)?;
    Ok(out)
}

type Decided<'d, 'a> = (&'d Incoming<'a>, Amendment, String);

/// What must stop, stops before the new quantities are written: the counters stay lawful at every statement.
fn stop(tx: &mut Tx<'_>, decided: &[Decided<'_, '_>], actor: &Actor) -> Result<(), StoreError> {
    let mut by_reason: HashMap<&'static str, Vec<LineStop>> = HashMap::new();
    for (one, amendment, _) in decided {
        let reason = amendment.stops.stop.unwrap_or("changed");
        let shrink =
            amendment.stops.shrink.iter().map(|(line, keep)| LineStop { order_id: one.known.id, order_line_id: *line, keep: *keep });
        by_reason.entry(reason).or_default().extend(shrink);
        // Another address before there is a label: nothing is bought yet, so it is routed afresh from where it is nearest.
        let unlabelled = amendment.replace_recipient && !one.known.known.labelled;
        if unlabelled {
            let again = one.known.known.lines.iter().filter(|line| line.counters.allocated > line.counters.shipped);
            let again = again.map(|line| LineStop { order_id: one.known.id, order_line_id: line.id, keep: line.counters.shipped });
            by_reason
                .entry("address_changed")
                .or_default()
                .extend(again.filter(|stop| !amendment.stops.shrink.iter().any(|(line, _)| *line == stop.order_line_id)));
        }
    }
    let mut reasons: Vec<(&'static str, Vec<LineStop>)> = by_reason.into_iter().filter(|(_, stops)| !stops.is_empty()).collect();
    reasons.sort_unstable_by_key(|(reason, _)| *reason);
    for (reason, stops) in reasons {
        ship::stop_lines(tx, actor, &stops, reason)?;
    }
    Ok(())
}

fn write_lines(
    tx: &mut Tx<'_>,
    shop: &Shop,
    decided: &[Decided<'_, '_>],
    listings: &HashMap<ListingKey, ListingRef>,
) -> Result<(), StoreError> {
    let (mut updates, mut added) = (Vec::new(), Vec::new());
    for (one, amendment, _) in decided {
        for (id, target) in &amendment.lines {
            let external = one.known.known.lines.iter().find(|line| line.id == *id).map(|line| line.external_id.as_str());
            updates.push(LineUpdate {
                id: *id,
                line: one.order.lines.iter().find(|line| Some(line.external_id.as_str()) == external),
                ordered: target.ordered,
                cancelled: target.cancelled,
                refund: target.refund,
            });
        }
        let order_cancelled = one.order.status.known() == Some(&ChannelStatus::Cancelled);
        for index in &amendment.added {
            let Some(line) = one.order.lines.get(*index) else { continue };
            let id: OrderLineId = tx.new_id();
            added.push(LineRow {
                id,
                order_id: one.known.id,
                shop_id: shop.id,
                position: *index as i64,
                listing_id: listing_of(listings, line)?.id,
                line,
                cancelled: cancelled_by_channel(line, order_cancelled, 0),
            });
        }
    }
    orders::update_lines(tx, &updates, &added)
}

/// Events of changes, and holds for what a person must settle.
fn explain(
    tx: &mut Tx<'_>,
    shop: &Shop,
    decided: &[Decided<'_, '_>],
    actor: &Actor,
    events: &mut Vec<(OrderId, Event)>,
) -> Result<(), StoreError> {
    let mut new_holds = Vec::new();
    let mut say = |id: OrderId, kind: &str, params: serde_json::Value| {
        events.push((id, Event { kind: kind.to_owned(), params, actor: actor.clone() }))
    };
    for (one, amendment, _) in decided {
        let id = one.known.id;
        for change in &amendment.changes {
            say(id, change.event, change.params.clone());
        }
        for contradiction in &amendment.contradictions {
            say(id, "order.contradiction", json!({ "code": contradiction.code, "params": contradiction.params }));
            let detail = json!({ "code": contradiction.code, "params": contradiction.params });
            new_holds.push(NewHold { order_id: id, shop_id: shop.id, reason: HoldReason::ChannelConflict, detail });
        }
        if amendment.stops.recall_label {
            new_holds.push(NewHold {
                order_id: id,
                shop_id: shop.id,
                reason: HoldReason::ChangedAfterLabel,
                detail: json!({ "code": "address_changed" }),
            });
        }
    }
    for (id, reason) in holds::place(tx, &new_holds, actor)? {
        say(id, "order.held", json!({ "reason": reason }));
    }
    Ok(())
}

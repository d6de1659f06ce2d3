//! Approve: a person (or, in `review`, a rule) lets orders go on. And who reviews what: shares of the queue, so that two
//! never get the same order.

use crate::app::{App, FlowError, Outcome};
use crate::bulk::{Answer, Asker, Bulk};
use crate::ingest::finish;
use crate::ship::{self, LineStop};
use crate::verbs::{self, Verb};
use serde_json::json;
use std::collections::{BTreeMap, HashMap, HashSet};
use wharf_domain::hold::{FindingCode, HoldReason};
use wharf_domain::id::{OrderId, UserId};
use wharf_domain::order::phase::Phase;
use wharf_domain::order::{FulfilledBy, Payment};
use wharf_domain::timeline::Event;
use wharf_store::order_list::{self, OrderFilter, Sort};
use wharf_store::orders::{self, Order};
use wharf_store::{Tx, holds, locks};

/// Approves orders.
pub async fn approve(app: &App, asker: &Asker, ids: Vec<OrderId>, dry_run: bool) -> Result<Bulk, FlowError> {
    verbs::run(app, asker, Verb::Approve, ids, dry_run).await
}

/// Orders of a chunk that may be seen, locked; the others are answered as not found by the caller's run.
pub(crate) fn load(tx: &mut Tx<'_>, asker: &Asker, ids: &[OrderId]) -> Result<Vec<Order>, FlowError> {
    locks::orders(tx, ids)?;
    Ok(orders::orders(tx, &asker.scope, ids)?)
}

/// Why an order that is over, or not ours to ship, takes no decision; `None` while it waits for something.
pub(crate) fn over(order: &Order) -> Option<&'static str> {
    match order.phase {
        Phase::Cancelled => Some("cancelled"),
        Phase::External => Some("external"),
        Phase::Shipped | Phase::Delivered | Phase::Completed => Some("shipped"),
        Phase::Unpaid | Phase::Held | Phase::Review | Phase::Mapping | Phase::Stock | Phase::Label | Phase::Pack | Phase::PartShipped => {
            None
        }
    }
}

pub(crate) fn approve_in(tx: &mut Tx<'_>, asker: &Asker, ids: &[OrderId]) -> Result<Vec<Answer>, FlowError> {
    let known = load(tx, asker, ids)?;
    let held = holds::open(tx, ids)?;
    let (mut answers, mut wanted) = (Vec::new(), Vec::new());
    for order in &known {
        let refusal = over(order).or_else(|| {
            let unpaid = order.payment == Payment::Unpaid && !order.cash_on_delivery && order.fulfilled_by == FulfilledBy::Seller;
            if held.contains_key(&order.id) {
                Some("held")
            } else if unpaid {
                Some("unpaid")
            } else {
                None
            }
        });
        match refusal {
            _ if order.approved_at.is_some() => answers.push(Answer::already(order.id)),
            Some(reason) => answers.push(Answer::refused(order.id, reason)),
            None => wanted.push(order.id),
        }
    }
    let done = orders::approve(tx, &wanted, &asker.actor)?;
    holds::settle_findings(tx, &done.iter().map(|id| (*id, FindingCode::ReviewNeeded)).collect::<Vec<_>>(), false)?;
    let events =
        done.iter().map(|id| (*id, Event { kind: "order.approved".to_owned(), params: json!({}), actor: asker.actor.clone() })).collect();
    finish(tx, &done, &[], events)?;
    answers.extend(done.into_iter().map(|id| Answer::done(id, json!({}))));
    Ok(answers)
}

/// Takes approvals back: what was reserved meanwhile is released; an order with a label says no.
pub(crate) fn undo_approve(
    tx: &mut Tx<'_>,
    asker: &Asker,
    targets: &[(OrderId, serde_json::Value)],
) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let ids: Vec<OrderId> = targets.iter().map(|(id, _)| *id).collect();
    let visible: HashSet<OrderId> = load(tx, asker, &ids)?.into_iter().map(|order| order.id).collect();
    let (mut results, mut undone, mut stops) = (Vec::new(), Vec::new(), Vec::new());
    for order in orders::known_of(tx, &ids)? {
        if !visible.contains(&order.id) {
            results.push((order.id, Outcome::refused("not_found")));
        } else if !order.approved {
            results.push((order.id, Outcome::Already));
        } else if order.known.labelled {
            results.push((order.id, Outcome::refused("label_made")));
        } else if order.known.lines.iter().any(|line| line.counters.shipped > 0) {
            results.push((order.id, Outcome::refused("shipped")));
        } else {
            let allocated = order.known.lines.iter().filter(|line| line.counters.allocated > 0);
            stops.extend(allocated.map(|line| LineStop { order_id: order.id, order_line_id: line.id, keep: 0 }));
            undone.push(order.id);
        }
    }
    if !stops.is_empty() {
        ship::stop_lines(tx, &asker.actor, &stops, "approval_undone")?;
    }
    orders::unapprove(tx, &undone)?;
    let mut events: Vec<(OrderId, Event)> = undone
        .iter()
        .map(|id| (*id, Event { kind: "order.approval_undone".to_owned(), params: json!({}), actor: asker.actor.clone() }))
        .collect();
    // The parcel that the carrier refused is no more.
    let refused: Vec<(OrderId, HoldReason)> = undone.iter().map(|id| (*id, HoldReason::WaybillRefused)).collect();
    let mut released = holds::release(tx, &refused, &asker.actor)?;
    released.sort_unstable();
    events.extend(released.into_iter().map(|(id, reason)| {
        (id, Event { kind: "order.hold_released".to_owned(), params: json!({ "reason": reason }), actor: asker.actor.clone() })
    }));
    finish(tx, &undone, &[], events)?;
    results.extend(undone.into_iter().map(|id| (id, Outcome::Done)));
    Ok(results)
}

/// Gives orders to a person, or to nobody.
pub async fn assign(app: &App, asker: &Asker, ids: Vec<OrderId>, to: Option<UserId>, dry_run: bool) -> Result<Bulk, FlowError> {
    verbs::run(app, asker, Verb::Assign { to }, ids, dry_run).await
}

pub(crate) fn assign_in(tx: &mut Tx<'_>, asker: &Asker, ids: &[OrderId], to: Option<UserId>) -> Result<Vec<Answer>, FlowError> {
    let known = load(tx, asker, ids)?;
    let visible: Vec<OrderId> = known.iter().map(|order| order.id).collect();
    let changed: HashMap<OrderId, Option<UserId>> = orders::assign(tx, &visible, to)?.into_iter().collect();
    let events: Vec<(OrderId, Event)> = changed
        .keys()
        .map(|id| (*id, Event { kind: "order.assigned".to_owned(), params: json!({ "to": to }), actor: asker.actor.clone() }))
        .collect();
    let mut events = events;
    events.sort_by_key(|(id, _)| *id);
    wharf_store::timeline::append(tx, &events)?;
    Ok(visible
        .into_iter()
        .map(|id| changed.get(&id).map_or_else(|| Answer::already(id), |before| Answer::done(id, json!({ "to": before }))))
        .collect())
}

pub(crate) fn undo_assign(
    tx: &mut Tx<'_>,
    asker: &Asker,
    targets: &[(OrderId, serde_json::Value)],
) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let mut by_user: BTreeMap<Option<UserId>, Vec<OrderId>> = BTreeMap::new();
    for (id, before) in targets {
        by_user.entry(serde_json::from_value(before["to"].clone()).unwrap_or(None)).or_default().push(*id);
    }
    let mut results = Vec::new();
    for (user, ids) in by_user {
        results.extend(assign_in(tx, asker, &ids, user)?.into_iter().map(|answer| (answer.id, answer.outcome)));
    }
    Ok(results)
}

/// Takes the next orders of the review queue that nobody looks after: however many auditors ask at once, no two get the
/// same order (C10).
pub async fn take_next(app: &App, asker: &Asker, who: UserId, count: usize) -> Result<Vec<OrderId>, FlowError> {
    let asker = asker.clone();
    app.store
        .write(move |tx| {
            let filter = OrderFilter { phases: vec![Phase::Review, Phase::Held], assignees: vec![None], ..OrderFilter::default() };
            let mut taken = Vec::new();
            while taken.len() < count {
                let (free, _) = order_list::page(tx, &asker.scope, &filter, Sort::Urgency, None, (count - taken.len()).min(500))?;
                if free.is_empty() {
                    break;
                }
                let ids: Vec<OrderId> = free.iter().map(|item| item.order.id).collect();
                locks::orders(tx, &ids)?;
                // Another auditor may have taken some of them while this one waited for the lock: look for others then.
                let known = orders::orders(tx, &asker.scope, &ids)?;
                let still_free: Vec<OrderId> =
                    known.into_iter().filter(|order| order.assignee_id.is_none()).map(|order| order.id).collect();
                let assigned = assign_in(tx, &asker, &still_free, Some(who))?;
                taken.extend(assigned.into_iter().filter(|answer| answer.outcome == Outcome::Done).map(|answer| answer.id));
            }
            Ok(taken)
        })
        .await
}

/// Shares orders among people, evenly in the order given; those that somebody looks after stay with them.
pub async fn share(app: &App, asker: &Asker, ids: Vec<OrderId>, among: Vec<UserId>, dry_run: bool) -> Result<Bulk, FlowError> {
    verbs::run(app, asker, Verb::Share { among }, ids, dry_run).await
}

pub(crate) fn share_in(tx: &mut Tx<'_>, asker: &Asker, first: usize, ids: &[OrderId], among: &[UserId]) -> Result<Vec<Answer>, FlowError> {
    let place: HashMap<OrderId, usize> = ids.iter().enumerate().map(|(index, id)| (*id, first + index)).collect();
    let known = load(tx, asker, ids)?;
    let mut answers: Vec<Answer> =
        known.iter().filter(|order| order.assignee_id.is_some()).map(|order| Answer::already(order.id)).collect();
    let mut shares: BTreeMap<UserId, Vec<OrderId>> = BTreeMap::new();
    for order in known.iter().filter(|order| order.assignee_id.is_none()) {
        let index = place.get(&order.id).copied().unwrap_or(0);
        shares.entry(among[index % among.len()]).or_default().push(order.id);
    }
    for (user, share) in shares {
        answers.extend(assign_in(tx, asker, &share, Some(user))?);
    }
    Ok(answers)
}

//! Hold and release: a person stops orders, or lets go what a check or the channel stopped. What a person lets pass is
//! remembered with what it looked like: the same sight is not held again, a new one is.

use crate::app::{App, FlowError, Outcome};
use crate::approve::{load, over};
use crate::bulk::{Answer, Asker, Bulk};
use crate::ingest::finish;
use crate::verbs::{self, Verb};
use serde_json::{Value, json};
use std::collections::HashSet;
use wharf_domain::hold::HoldReason;
use wharf_domain::id::OrderId;
use wharf_domain::timeline::Event;
use wharf_store::holds::{self, NewHold};
use wharf_store::{Tx, orders};

/// Holds orders, with a note for who looks at them next.
pub async fn hold(app: &App, asker: &Asker, ids: Vec<OrderId>, note: String, dry_run: bool) -> Result<Bulk, FlowError> {
    verbs::run(app, asker, Verb::Hold { note }, ids, dry_run).await
}

pub(crate) fn hold_in(tx: &mut Tx<'_>, asker: &Asker, ids: &[OrderId], note: &str) -> Result<Vec<Answer>, FlowError> {
    let known = load(tx, asker, ids)?;
    let mut answers: Vec<Answer> = known.iter().filter_map(|order| over(order).map(|reason| Answer::refused(order.id, reason))).collect();
    let wanted: Vec<NewHold> = known
        .iter()
        .filter(|order| over(order).is_none())
        .map(|order| NewHold { order_id: order.id, shop_id: order.shop_id, reason: HoldReason::Manual, detail: json!({ "note": note }) })
        .collect();
    let placed: HashSet<OrderId> = holds::place(tx, &wanted, &asker.actor)?.into_iter().map(|(id, _)| id).collect();
    let mut done: Vec<OrderId> = placed.iter().copied().collect();
    done.sort_unstable();
    let events = done.iter().map(|id| say(*id, "order.held", json!({ "reason": HoldReason::Manual, "note": note }), asker)).collect();
    finish(tx, &done, &[], events)?;
    answers.extend(
        wanted.iter().map(|hold| {
            if placed.contains(&hold.order_id) { Answer::done(hold.order_id, json!({})) } else { Answer::already(hold.order_id) }
        }),
    );
    Ok(answers)
}

fn say(id: OrderId, kind: &str, params: Value, asker: &Asker) -> (OrderId, Event) {
    (id, Event { kind: kind.to_owned(), params, actor: asker.actor.clone() })
}

/// Releases holds: one reason, or all. The findings behind them are let pass as they are.
pub async fn release(app: &App, asker: &Asker, ids: Vec<OrderId>, reason: Option<HoldReason>, dry_run: bool) -> Result<Bulk, FlowError> {
    verbs::run(app, asker, Verb::Release { reason }, ids, dry_run).await
}

pub(crate) fn release_in(tx: &mut Tx<'_>, asker: &Asker, ids: &[OrderId], reason: Option<HoldReason>) -> Result<Vec<Answer>, FlowError> {
    let known = load(tx, asker, ids)?;
    let visible: Vec<OrderId> = known.iter().map(|order| order.id).collect();
    let open = holds::open(tx, &visible)?;
    let wanted: Vec<(OrderId, HoldReason)> = visible
        .iter()
        .flat_map(|id| open.get(id).into_iter().flatten().map(|hold| (*id, hold.reason)))
        .filter(|(_, open)| reason.is_none_or(|r| r == *open))
        // What is being cancelled does not move again: taking the cancellation back releases it.
        .filter(|(_, open)| *open != HoldReason::Cancelling)
        .collect();
    let mut released = holds::release(tx, &wanted, &asker.actor)?;
    released.sort_unstable();
    let overruled: Vec<_> = released.iter().filter_map(|(id, reason)| reason.finding().map(|code| (*id, code))).collect();
    holds::settle_findings(tx, &overruled, true)?;
    let events = released.iter().map(|(id, reason)| say(*id, "order.hold_released", json!({ "reason": reason }), asker)).collect();
    let mut done: Vec<OrderId> = released.iter().map(|(id, _)| *id).collect();
    done.dedup();
    // An order without holds may pass the approval rule now, without another click.
    finish(tx, &done, &done, events)?;
    Ok(visible
        .into_iter()
        .map(|id| {
            let reasons: Vec<HoldReason> = released.iter().filter(|(order, _)| *order == id).map(|(_, reason)| *reason).collect();
            if reasons.is_empty() { Answer::already(id) } else { Answer::done(id, json!({ "reasons": reasons })) }
        })
        .collect())
}

pub(crate) fn undo_hold(tx: &mut Tx<'_>, asker: &Asker, targets: &[(OrderId, Value)]) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let ids: Vec<OrderId> = targets.iter().map(|(id, _)| *id).collect();
    Ok(release_in(tx, asker, &ids, Some(HoldReason::Manual))?.into_iter().map(|answer| (answer.id, answer.outcome)).collect())
}

/// Holds again what was released, and finds again what was let pass.
pub(crate) fn undo_release(tx: &mut Tx<'_>, asker: &Asker, targets: &[(OrderId, Value)]) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let ids: Vec<OrderId> = targets.iter().map(|(id, _)| *id).collect();
    let known = load(tx, asker, &ids)?;
    let (mut results, mut again) = (Vec::new(), Vec::new());
    for order in &known {
        let before = targets.iter().find(|(id, _)| *id == order.id).map(|(_, before)| before);
        let reasons: Vec<HoldReason> = before.and_then(|before| serde_json::from_value(before["reasons"].clone()).ok()).unwrap_or_default();
        if let Some(reason) = over(order) {
            results.push((order.id, Outcome::refused(reason)));
            continue;
        }
        for reason in reasons {
            if let Some(code) = reason.finding() {
                holds::reopen_overruled(tx, order.id, code)?;
            }
            again.push(NewHold { order_id: order.id, shop_id: order.shop_id, reason, detail: json!({}) });
        }
        results.push((order.id, Outcome::Done));
    }
    let mut placed = holds::place(tx, &again, &asker.actor)?;
    placed.sort_unstable();
    let events = placed.iter().map(|(id, reason)| say(*id, "order.held", json!({ "reason": reason, "undo": true }), asker)).collect();
    let mut touched: Vec<OrderId> = placed.iter().map(|(id, _)| *id).collect();
    touched.dedup();
    finish(tx, &touched, &[], events)?;
    Ok(results)
}

/// Puts a buyer, or the phone or name of a recipient, of an order on the blacklist, or takes it off (`note` = `None`).
pub async fn blacklist(app: &App, asker: &Asker, id: OrderId, kind: BlacklistKind, note: Option<String>) -> Result<(), FlowError> {
    let asker = asker.clone();
    app.store
        .write(move |tx| {
            let order = orders::order(tx, &asker.scope, id)?.ok_or_else(|| FlowError::NotFound(format!("order {id}")))?;
            let recipient = orders::open_recipients(tx, &[id])?.remove(&id).filter(|r| !r.masked);
            let keys = tx.keys().clone();
            let hash = match kind {
                BlacklistKind::Buyer => Some(order.buyer_key).filter(|key| !key.is_empty()),
                BlacklistKind::Phone => recipient.map(|r| crate::review::phone_hash(&keys, &r.personal.phone)),
                BlacklistKind::Name => recipient.map(|r| crate::review::name_hash(&keys, &r.personal.name)),
            };
            // A masked name or phone is nobody's.
            let hash = hash.ok_or_else(|| FlowError::refused("identity_unknown"))?;
            let word = match kind {
                BlacklistKind::Buyer => "buyer",
                BlacklistKind::Phone => "phone",
                BlacklistKind::Name => "name",
            };
            orders::set_blacklist(tx, word, &hash, note.as_deref())?;
            finish(
                tx,
                &[id],
                &[id],
                vec![say(id, if note.is_some() { "order.blacklisted" } else { "order.unblacklisted" }, json!({ "kind": word }), &asker)],
            )?;
            Ok(())
        })
        .await
}

/// What of an order goes on the blacklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlacklistKind {
    /// The buyer, by the channel's id.
    Buyer,
    /// The recipient's phone.
    Phone,
    /// The recipient's name.
    Name,
}

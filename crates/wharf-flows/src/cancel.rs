//! Cancel: an order is called off as one transaction (D): stock comes back, labels are recalled, the bench is told, the
//! timeline says who, when and why. Where a channel must be told, that is queued, and until it is told it can be taken
//! back; what a channel cannot express is refused with the reason, never faked. After hand-over nothing is cancelled.

use crate::app::{App, Calling, FlowError, Outcome};
use crate::bulk::{Answer, Asker};
use crate::ingest::finish;
use crate::jobs::Job;
use crate::jobs::submit_cancellation::SubmitCancellation;
use crate::ship::{self, LineStop};
use crate::verbs::Means;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use wharf_connect::channel::{CancelTerms, Channel, Confirmed};
use wharf_connect::{ConnectError, Credentials, Settings, Vendor};
use wharf_domain::cancellation::{CancelReason, CancelSource, Cancellation};
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{CancellationId, OrderId, OrderLineId, ShopId};
use wharf_domain::order::phase::{ChannelProgress, Phase};
use wharf_domain::order::{ChannelStatus, FulfilledBy, Payment};
use wharf_domain::time::{DAY, MINUTE, SECOND, Timestamp};
use wharf_domain::timeline::{Actor, Event};
use wharf_store::cancellations::{self, CancellationRow, NewCancellation};
use wharf_store::holds::{self, NewHold};
use wharf_store::orders::{self, Order, OrderLine};
use wharf_store::shops::{self, Shop};
use wharf_store::{StoreError, Tx, jobs, locks};

/// How long a cancellation that a channel must be told waits: so long it can be taken back (D10).
const TAKE_BACK: i64 = 60 * SECOND;
/// A call that gave no answer for so long is looked up.
const DOUBT_AFTER: i64 = 2 * MINUTE;
/// A cancellation that could not be told for so long becomes a person's task.
const GIVE_UP_AFTER: i64 = DAY;
/// The longest note.
const LONGEST_NOTE: usize = 500;

/// What a cancellation says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelOrder {
    /// Why.
    pub reason: CancelReason,
    /// Who wants it.
    pub source: CancelSource,
    /// The person's or the buyer's words.
    pub note: String,
}

impl CancelOrder {
    pub(crate) fn check(&self) -> Result<(), FlowError> {
        if self.note.chars().count() > LONGEST_NOTE || self.note.contains('\0') {
            return Err(FlowError::invalid("note", format!("at most {LONGEST_NOTE} characters")));
        }
        if self.reason == CancelReason::Other && self.note.trim().is_empty() {
            return Err(FlowError::invalid("note", "the reason `other` needs a note that says what it is"));
        }
        Ok(())
    }
}

/// What can be done about one order.
enum Fate {
    Already,
    Refused(&'static str),
    /// Ours alone: final at once.
    Here,
    /// Its channel must be told.
    Tell,
}

fn fate(order: &Order, lines: &[OrderLine], earlier: &[CancellationRow], terms: Terms, what: &CancelOrder) -> Fate {
    if order.phase == Phase::Cancelled || earlier.iter().any(|c| c.cancellation.is_open()) {
        return Fate::Already;
    }
    if order.fulfilled_by == FulfilledBy::Channel {
        return Fate::Refused("channel_ships");
    }
    if lines.iter().any(|line| line.counters.shipped > 0) {
        return Fate::Refused("handed_over");
    }
    match order.progress {
        ChannelProgress::None => {}
        ChannelProgress::Cancelled => return Fate::Already,
        ChannelProgress::Shipped | ChannelProgress::Delivered | ChannelProgress::Completed => return Fate::Refused("channel_shipped"),
    }
    match terms {
        Terms::NoChannel => Fate::Here,
        Terms::CannotCancel => Fate::Refused("channel_cannot_cancel"),
        Terms::Of(terms) if order.payment != Payment::Unpaid && !terms.paid => Fate::Refused("channel_cancels_unpaid_only"),
        Terms::Of(terms) if !terms.reasons.contains(&what.reason) => Fate::Refused("reason_not_allowed"),
        Terms::Of(_) => Fate::Tell,
    }
}

/// What the channel of a shop lets a seller cancel.
#[derive(Clone, Copy)]
enum Terms {
    /// A shop without a channel: a file's, or one whose orders are typed.
    NoChannel,
    CannotCancel,
    Of(&'static CancelTerms),
}

fn terms(means: &Means, shop: Option<&Shop>) -> Terms {
    let vendor = shop.and_then(|shop| means.vendors.iter().find(|v| v.manifest().id == shop.vendor));
    match vendor {
        // A vendor that this program does not know cannot be told.
        None => Terms::CannotCancel,
        Some(vendor) => match vendor.channel() {
            None => Terms::NoChannel,
            Some(channel) => channel.cancel().map_or(Terms::CannotCancel, |cancel| Terms::Of(cancel.terms())),
        },
    }
}

pub(crate) fn cancel_in(
    tx: &mut Tx<'_>,
    means: &Means,
    asker: &Asker,
    ids: &[OrderId],
    what: &CancelOrder,
) -> Result<Vec<Answer>, FlowError> {
    let visible: Vec<OrderId> = orders::orders(tx, &asker.scope, ids)?.into_iter().map(|order| order.id).collect();
    let concerned = ship::lock_with_parcels(tx, &visible)?;
    let known = orders::orders(tx, &asker.scope, &visible)?;
    let lines = orders::lines(tx, &visible)?;
    let earlier = cancellations::of_orders(tx, &visible)?;
    let shops: HashMap<ShopId, Shop> = shops::list(tx, &asker.scope)?.into_iter().map(|shop| (shop.id, shop)).collect();
    let (now, tell_at) = (tx.now(), tx.now().plus(TAKE_BACK));
    let (mut answers, mut here, mut tell, mut rows, mut stops) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for order in &known {
        let own = lines.get(&order.id).map(Vec::as_slice).unwrap_or_default();
        let shop = shops.get(&order.shop_id);
        let fate = fate(order, own, earlier.get(&order.id).map(Vec::as_slice).unwrap_or_default(), terms(means, shop), what);
        let state = match fate {
            Fate::Already => {
                answers.push(Answer::already(order.id));
                continue;
            }
            Fate::Refused(reason) => {
                answers.push(Answer::refused(order.id, reason));
                continue;
            }
            Fate::Here => {
                here.push(order.id);
                Cancellation::Requested.confirm(String::new(), now)
            }
            Fate::Tell => {
                tell.push(order.id);
                Cancellation::Requested.stop(tell_at)
            }
        };
        let Ok(state) = state else { continue };
        stops.extend(own.iter().filter(|line| line.counters.allocated > line.counters.shipped).map(|line| LineStop {
            order_id: order.id,
            order_line_id: line.id,
            keep: line.counters.shipped,
        }));
        rows.push(NewCancellation {
            order_id: order.id,
            shop_id: order.shop_id,
            cancellation: state,
            reason: what.reason,
            source: what.source,
            note: what.note.trim().to_owned(),
            actor: asker.actor.clone(),
            policy: json!({
                "channel": shop.map(|s| s.vendor.as_str()), "payment": order.payment, "phase": order.phase,
                "allocated": own.iter().map(|l| l.counters.allocated).sum::<i64>(), "packed": own.iter().map(|l| l.counters.packed).sum::<i64>(),
            }),
        });
    }
    // What must stop, stops before the units are called off: the counters stay lawful at every statement.
    ship::stop_lines(tx, &asker.actor, &stops, "cancelled")?;
    let called_off = cancellations::cancel_lines(tx, &here)?;
    let made = cancellations::insert(tx, &rows)?;
    let new_holds: Vec<NewHold> = rows
        .iter()
        .filter(|row| tell.contains(&row.order_id))
        .map(|row| NewHold {
            order_id: row.order_id,
            shop_id: row.shop_id,
            reason: HoldReason::Cancelling,
            detail: json!({ "cancel_reason": what.reason, "tell_at": tell_at }),
        })
        .collect();
    holds::place(tx, &new_holds, &asker.actor)?;
    let (mut events, mut queue, mut touched) = (Vec::new(), Vec::new(), concerned);
    for (row, id) in rows.iter().zip(made) {
        let lines = called_off.get(&row.order_id).cloned().unwrap_or_default();
        let units: i64 = lines.iter().map(|(_, units)| units).sum();
        let mut params = json!({ "cancel_reason": what.reason, "source": what.source, "note": row.note, "units": units });
        let kind = if row.cancellation.is_open() {
            params["tell_at"] = json!(tell_at);
            queue.push(SubmitCancellation { cancellation: id, shop: row.shop_id }.new_job_at(tell_at));
            "order.cancel_requested"
        } else {
            "order.cancelled"
        };
        events.push((row.order_id, Event { kind: kind.to_owned(), params, actor: asker.actor.clone() }));
        answers.push(Answer::done(row.order_id, json!({ "cancellation": id, "lines": lines })));
    }
    jobs::enqueue(tx, &queue)?;
    touched.extend(rows.iter().map(|row| row.order_id));
    finish(tx, &touched, &[], events)?;
    Ok(answers)
}

/// Takes cancellations back while nobody was told: units and stock are wanted again.
pub(crate) fn undo_cancel(tx: &mut Tx<'_>, asker: &Asker, targets: &[(OrderId, Value)]) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let ids: Vec<OrderId> = targets.iter().map(|(id, _)| *id).collect();
    let known = crate::approve::load(tx, asker, &ids)?;
    let now = tx.now();
    let all = cancellations::of_orders(tx, &ids)?;
    let (mut results, mut back, mut units, mut events) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for order in &known {
        let Some((_, before)) = targets.iter().find(|(id, _)| *id == order.id) else { continue };
        let id: Option<CancellationId> = serde_json::from_value(before["cancellation"].clone()).ok();
        let row = all.get(&order.id).into_iter().flatten().find(|c| Some(c.id) == id);
        let Some(row) = row else {
            results.push((order.id, Outcome::refused("not_found")));
            continue;
        };
        if matches!(row.cancellation, Cancellation::Withdrawn { .. }) {
            results.push((order.id, Outcome::Already));
            continue;
        }
        let next = row.cancellation.clone().withdraw(row.tell_at.is_some(), now);
        match next {
            Ok(next) if cancellations::advance(tx, row.id, row.cancellation.state(), &next)? => {
                let lines: Vec<(OrderLineId, i64)> = serde_json::from_value(before["lines"].clone()).unwrap_or_default();
                units.extend(lines);
                back.push(order.id);
                let params = json!({ "cancel_reason": row.reason });
                events.push((order.id, Event { kind: "order.cancel_withdrawn".to_owned(), params, actor: asker.actor.clone() }));
                results.push((order.id, Outcome::Done));
            }
            Ok(_) | Err(_) => results.push((order.id, Outcome::refused("channel_was_told"))),
        }
    }
    cancellations::restore_lines(tx, &back, &units)?;
    let held: Vec<(OrderId, HoldReason)> = back.iter().map(|id| (*id, HoldReason::Cancelling)).collect();
    holds::release(tx, &held, &asker.actor)?;
    finish(tx, &back, &back, events)?;
    Ok(results)
}

/// How an attempt to tell a channel ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitting {
    /// The order is cancelled on the channel.
    Told,
    /// There was nothing to do.
    Nothing,
    /// The channel said no: a person must look.
    Refused,
    /// Tried long enough: a person must look.
    Failed,
    /// Again at that time.
    Later(Timestamp),
}

struct Prepared {
    row: CancellationRow,
    external_id: String,
    channel: &'static dyn Channel,
    vendor: &'static dyn Vendor,
    credentials: Credentials,
    settings: Settings,
}

enum Next {
    Tell(Box<Prepared>),
    LookUp(Box<Prepared>),
    End(Submitting),
}

fn by() -> Actor {
    Actor::Job { kind: SubmitCancellation::KIND.to_owned(), id: None }
}

fn load(tx: &mut Tx<'_>, id: CancellationId) -> Result<Option<CancellationRow>, StoreError> {
    let Some(seen) = cancellations::get(tx, id)? else { return Ok(None) };
    locks::orders(tx, &[seen.order_id])?;
    cancellations::get(tx, id)
}

/// One attempt to tell the channel. Safe to repeat and to race: `submitted` is committed before the call, and an answer that
/// was lost is looked up.
pub async fn submit_one(app: &App, id: CancellationId) -> Result<Submitting, FlowError> {
    let vendors = app.vendors.clone();
    match app.store.write_again(move |tx| prepare(tx, &vendors, id)).await? {
        Next::End(end) => Ok(end),
        Next::LookUp(prepared) => look_up(app, &prepared).await,
        Next::Tell(prepared) => {
            let Some(cancel) = prepared.channel.cancel() else { return Ok(Submitting::Nothing) };
            let calling = calling(app, &prepared);
            let answer = cancel.cancel(&calling.call(), &prepared.external_id, prepared.row.reason).await;
            settle(app, *prepared, answer).await
        }
    }
}

fn calling(app: &App, prepared: &Prepared) -> Calling {
    app.calling("confirm", prepared.row.shop_id.0, prepared.vendor, prepared.credentials.clone(), prepared.settings.clone())
}

fn prepare(tx: &mut Tx<'_>, vendors: &[&'static dyn Vendor], id: CancellationId) -> Result<Next, FlowError> {
    let now = tx.now();
    let Some(row) = load(tx, id)? else { return Ok(Next::End(Submitting::Nothing)) };
    let look_up = match &row.cancellation {
        Cancellation::Stopping { tell_at } if *tell_at > now => return Ok(Next::End(Submitting::Later(*tell_at))),
        Cancellation::Stopping { .. } => false,
        Cancellation::Submitted { at } if now.since(*at) < DOUBT_AFTER => return Ok(Next::End(Submitting::Later(at.plus(DOUBT_AFTER)))),
        Cancellation::Submitted { .. } => true,
        Cancellation::Requested
        | Cancellation::Confirmed { .. }
        | Cancellation::Refused { .. }
        | Cancellation::Failed { .. }
        | Cancellation::Withdrawn { .. } => return Ok(Next::End(Submitting::Nothing)),
    };
    let order = orders::order(tx, &wharf_domain::access::Scope::ALL, row.order_id)?;
    let Some(order) = order else { return Ok(Next::End(Submitting::Nothing)) };
    if order.progress == ChannelProgress::Cancelled {
        // The channel closed it itself meanwhile: there is nothing left to tell.
        end(tx, &row, row.cancellation.clone().confirm(String::new(), now).ok())?;
        return Ok(Next::End(Submitting::Told));
    }
    if now.since(row.requested_at) > GIVE_UP_AFTER && row.attempts > 0 {
        end(tx, &row, row.cancellation.clone().fail(row.message.clone(), now).ok())?;
        return Ok(Next::End(Submitting::Failed));
    }
    let Some(shop) = shops::get(tx, row.shop_id)? else { return Ok(Next::End(Submitting::Nothing)) };
    let vendor = vendors.iter().copied().find(|v| v.manifest().id == shop.vendor);
    let Some((vendor, channel)) = vendor.and_then(|v| v.channel().map(|c| (v, c))) else { return Ok(Next::End(Submitting::Nothing)) };
    let credentials = Credentials(shops::credentials(tx, shop.id)?);
    let mut prepared = Prepared { row, external_id: order.external_id, channel, vendor, credentials, settings: Settings(shop.settings) };
    if look_up {
        return Ok(Next::LookUp(Box::new(prepared)));
    }
    let from = prepared.row.cancellation.state();
    let Ok(next) = prepared.row.cancellation.clone().submit(now) else { return Ok(Next::End(Submitting::Nothing)) };
    if !cancellations::advance(tx, id, from, &next)? {
        return Err(StoreError::Busy.into());
    }
    prepared.row.cancellation = next;
    Ok(Next::Tell(Box::new(prepared)))
}

/// Writes an end with what follows from it.
fn end(tx: &mut Tx<'_>, row: &CancellationRow, next: Option<Cancellation>) -> Result<(), StoreError> {
    let Some(next) = next else { return Ok(()) };
    if !cancellations::advance(tx, row.id, row.cancellation.state(), &next)? {
        return Ok(());
    }
    let id = row.order_id;
    let (kind, params, task) = match &next {
        Cancellation::Confirmed { receipt, .. } => {
            let units: i64 = cancellations::cancel_lines(tx, &[id])?.values().flatten().map(|(_, units)| units).sum();
            let params = json!({ "cancel_reason": row.reason, "source": row.source, "note": row.note, "units": units, "receipt": receipt });
            ("order.cancelled", params, None)
        }
        Cancellation::Refused { code, message, .. } => {
            let words = json!({ "cancel_reason": row.reason, "code": code, "message": message });
            ("order.cancel_refused", words.clone(), Some(words))
        }
        Cancellation::Failed { message, .. } => {
            let words = json!({ "cancel_reason": row.reason, "code": "gave_up", "message": message });
            ("order.cancel_failed", words.clone(), Some(words))
        }
        Cancellation::Requested | Cancellation::Stopping { .. } | Cancellation::Submitted { .. } | Cancellation::Withdrawn { .. } => {
            return Ok(());
        }
    };
    holds::release(tx, &[(id, HoldReason::Cancelling)], &by())?;
    if let Some(detail) = task {
        ship::hold(tx, &[NewHold { order_id: id, shop_id: row.shop_id, reason: HoldReason::CancellationRefused, detail }], &by())?;
    }
    finish(tx, &[id], &[], vec![(id, Event { kind: kind.to_owned(), params, actor: by() })])
}

async fn conclude(
    app: &App,
    id: CancellationId,
    so: Submitting,
    next: impl Fn(Cancellation, Timestamp) -> Option<Cancellation> + Send + Sync + 'static,
) -> Result<Submitting, FlowError> {
    app.store
        .write_again(move |tx| {
            let now = tx.now();
            if let Some(row) = load(tx, id)? {
                end(tx, &row, next(row.cancellation.clone(), now))?;
            }
            Ok(so.clone())
        })
        .await
}

async fn settle(app: &App, prepared: Prepared, answer: Result<Confirmed, ConnectError>) -> Result<Submitting, FlowError> {
    let id = prepared.row.id;
    match answer {
        Ok(Confirmed::Accepted { receipt }) => {
            conclude(app, id, Submitting::Told, move |c, now| c.confirm(receipt.clone(), now).ok()).await
        }
        Ok(Confirmed::Already) => conclude(app, id, Submitting::Told, |c, now| c.confirm(String::new(), now).ok()).await,
        Err(ConnectError::Refused { code, message }) => {
            conclude(app, id, Submitting::Refused, move |c, now| c.decline(code.clone(), message.clone(), now).ok()).await
        }
        Err(ConnectError::Unsure(message) | ConnectError::Drift(message)) => {
            app.store.write(move |tx| cancellations::note(tx, id, &message).map_err(FlowError::from)).await?;
            look_up(app, &prepared).await
        }
        Err(error @ (ConnectError::Reauthorize(_) | ConnectError::Throttled { .. } | ConnectError::Transient(_))) => {
            again(app, id, 0, error.to_string()).await?;
            Err(error.into())
        }
    }
}

/// The channel certainly did not hear it: it is told again after a pause.
async fn again(app: &App, id: CancellationId, pause: i64, words: String) -> Result<(), FlowError> {
    app.store
        .write_again(move |tx| {
            let at = tx.now().plus(pause);
            if let Some(row) = load(tx, id)?
                && let Ok(next) = row.cancellation.clone().not_told(at)
            {
                cancellations::advance(tx, id, row.cancellation.state(), &next)?;
                cancellations::note(tx, id, &words)?;
            }
            Ok(())
        })
        .await
}

/// Reads the channel's own record of the order: closed is cancelled; else it is told again.
async fn look_up(app: &App, prepared: &Prepared) -> Result<Submitting, FlowError> {
    let id = prepared.row.id;
    let calling = calling(app, prepared);
    let order = prepared.channel.get_order(&calling.call(), &prepared.external_id).await?;
    if order.status.known() == Some(&ChannelStatus::Cancelled) {
        return conclude(app, id, Submitting::Told, |c, now| c.confirm(String::new(), now).ok()).await;
    }
    again(app, id, MINUTE, "the channel does not show it cancelled".to_owned()).await?;
    Ok(Submitting::Later(app.now().plus(MINUTE)))
}

//! Telling the channel, exactly once: `sent` is committed before the call; an answer that was lost is looked up in the
//! channel's own record of the order before anything is repeated (law 5).

use crate::app::{App, Calling, FlowError, Outcome};
use crate::jobs::Job;
use crate::jobs::confirm_shipment::ConfirmShipment;
use crate::{recompute, ship};
use serde_json::json;
use wharf_connect::channel::{Channel, Confirmed, ShipmentConfirmation};
use wharf_connect::{ConnectError, Credentials, Settings, Vendor};
use wharf_domain::confirmation::Confirmation;
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{ConfirmationId, OrderId};
use wharf_domain::time::{DAY, MINUTE, Timestamp};
use wharf_domain::timeline::{Actor, Event};
use wharf_store::confirmations::{self, ConfirmationRow};
use wharf_store::holds::NewHold;
use wharf_store::{StoreError, Tx, jobs, locks, shipments, shops, timeline};

/// A call that gave no answer for so long is looked up.
const DOUBT_AFTER: i64 = 2 * MINUTE;
/// When a parcel with a part of a line is looked at again: has the rest left?
const REST_AFTER: i64 = 10 * MINUTE;
/// An obligation that could not be met for so long becomes a person's task.
const GIVE_UP_AFTER: i64 = 3 * DAY;

/// How an attempt to confirm ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Telling {
    /// The channel has it, now or already.
    Told,
    /// There was nothing to do.
    Nothing,
    /// The channel said no: a person must look.
    Refused,
    /// Tried long enough: a person must look.
    GaveUp,
    /// Again at that time.
    Later(Timestamp),
}

struct Prepared {
    row: ConfirmationRow,
    channel: &'static dyn Channel,
    vendor: &'static dyn Vendor,
    credentials: Credentials,
    settings: Settings,
    told: ShipmentConfirmation,
}

enum Next {
    Tell(Box<Prepared>),
    LookUp(Box<Prepared>),
    End(Telling),
}

fn by() -> Actor {
    Actor::Job { kind: ConfirmShipment::KIND.to_owned(), id: None }
}

fn event(kind: &str, params: serde_json::Value) -> Event {
    Event { kind: kind.to_owned(), params, actor: by() }
}

fn load(tx: &mut Tx<'_>, id: ConfirmationId) -> Result<Option<ConfirmationRow>, StoreError> {
    let Some(seen) = confirmations::load(tx, &[id])?.into_iter().next() else { return Ok(None) };
    locks::orders(tx, &[seen.order_id])?;
    Ok(confirmations::load(tx, &[id])?.into_iter().next())
}

/// One attempt to tell the channel. Safe to repeat and to race.
pub async fn confirm_one(app: &App, id: ConfirmationId) -> Result<Telling, FlowError> {
    let vendors = app.vendors.clone();
    let next = app.store.write(move |tx| prepare(tx, &vendors, id)).await?;
    match next {
        Next::End(end) => Ok(end),
        Next::Tell(prepared) => {
            let calling = calling(app, &prepared);
            let answer = prepared.channel.confirm_shipment(&calling.call(), &prepared.told).await;
            settle(app, *prepared, answer).await
        }
        Next::LookUp(prepared) => look_up(app, *prepared).await,
    }
}

fn calling(app: &App, prepared: &Prepared) -> Calling {
    app.calling("confirm", prepared.row.shop_id.0, prepared.vendor, prepared.credentials.clone(), prepared.settings.clone())
}

fn prepare(tx: &mut Tx<'_>, vendors: &[&'static dyn Vendor], id: ConfirmationId) -> Result<Next, FlowError> {
    let now = tx.now();
    let Some(row) = load(tx, id)? else { return Ok(Next::End(Telling::Nothing)) };
    let look_up = match &row.confirmation {
        Confirmation::Due => false,
        Confirmation::Sent { at } if now.since(*at) < DOUBT_AFTER => return Ok(Next::End(Telling::Later(at.plus(DOUBT_AFTER)))),
        Confirmation::Sent { .. } => true,
        Confirmation::Accepted { .. } | Confirmation::Already { .. } | Confirmation::Refused { .. } | Confirmation::GaveUp { .. } => {
            return Ok(Next::End(Telling::Nothing));
        }
    };
    if !look_up && now.since(row.due_at) > GIVE_UP_AFTER && row.attempts > 0 {
        let message = row.message.clone();
        finish(tx, &row, row.confirmation.clone().give_up(message, now).ok())?;
        return Ok(Next::End(Telling::GaveUp));
    }
    let Some(shop) = shops::get(tx, row.shop_id)? else { return Ok(Next::End(Telling::Nothing)) };
    let vendor = vendors.iter().copied().find(|v| v.manifest().id == shop.vendor);
    let Some((vendor, channel)) = vendor.and_then(|v| v.channel().map(|c| (v, c))) else { return Ok(Next::End(Telling::Nothing)) };
    let Some(parcel) = shipments::load(tx, &[row.shipment_id])?.into_iter().next() else { return Ok(Next::End(Telling::Nothing)) };
    // Never without the number.
    let Some(number) = parcel.waybill_number.clone().filter(|n| !n.is_empty()) else { return Err(FlowError::refused("no_number")) };
    let inside = shipments::parcel_orders(tx, &[parcel.id])?.remove(&parcel.id).unwrap_or_default();
    let Some(order) = inside.iter().find(|o| o.order_id == row.order_id) else { return Ok(Next::End(Telling::Nothing)) };
    let manifest = vendor.manifest();
    let part = manifest.splits_orders && order.units_here < order.units_open;
    let lines = match (part, manifest.splits_lines) {
        (false, _) => Vec::new(),
        (true, true) => shipments::channel_lines(tx, parcel.id, row.order_id)?,
        (true, false) => match whole_lines(shipments::told_lines(tx, parcel.id, row.order_id)?) {
            WholeLines::Tell(lines) => lines,
            WholeLines::Wait => return Ok(Next::End(Telling::Later(now.plus(REST_AFTER)))),
            WholeLines::ToldElsewhere => {
                finish(tx, &row, row.confirmation.clone().found(now).ok())?;
                return Ok(Next::End(Telling::Told));
            }
        },
    };
    let told = ShipmentConfirmation {
        external_id: order.external_id.clone(),
        carrier_code: parcel.carrier_code.clone(),
        carrier_name: parcel.carrier_name.clone(),
        number,
        lines,
        shipped_at: parcel.handed_over_at.unwrap_or(now),
    };
    let credentials = Credentials(shops::credentials(tx, shop.id)?);
    let mut prepared = Prepared { row, channel, vendor, credentials, settings: Settings(shop.settings), told };
    if look_up {
        return Ok(Next::LookUp(Box::new(prepared)));
    }
    let from = prepared.row.confirmation.state();
    let Ok(next) = prepared.row.confirmation.clone().send(now) else { return Ok(Next::End(Telling::Nothing)) };
    if !confirmations::advance(tx, id, from, &next)? {
        return Err(StoreError::Busy.into());
    }
    prepared.row.confirmation = next;
    Ok(Next::Tell(Box::new(prepared)))
}

/// What a channel that knows only whole lines is told with a parcel.
enum WholeLines {
    /// These lines, with this parcel's number.
    Tell(Vec<(String, i64)>),
    /// Units of its lines are still to leave: told now, the channel would take the whole line for sent. The obligation stays due,
    /// and is an alert when it stays so for long.
    Wait,
    /// Its lines belong to the parcel that took their first units.
    ToldElsewhere,
}

/// A line whose units left in several parcels is told once, whole, with the number of the first of them.
fn whole_lines(lines: Vec<shipments::ToldLine>) -> WholeLines {
    let mine: Vec<shipments::ToldLine> = lines.into_iter().filter(|line| line.first).collect();
    if mine.is_empty() {
        return WholeLines::ToldElsewhere;
    }
    if mine.iter().any(|line| !line.whole) {
        return WholeLines::Wait;
    }
    WholeLines::Tell(mine.into_iter().map(|line| (line.external_id, line.quantity)).collect())
}

/// Writes a final state with what follows from it: the timeline, and for a refusal the hold that makes it a task.
fn finish(tx: &mut Tx<'_>, row: &ConfirmationRow, next: Option<Confirmation>) -> Result<(), StoreError> {
    let Some(next) = next else { return Ok(()) };
    if !confirmations::advance(tx, row.id, row.confirmation.state(), &next)? {
        return Ok(());
    }
    let shipment = row.shipment_id;
    let (kind, params, task) = match &next {
        Confirmation::Accepted { receipt, .. } => ("confirmation.accepted", json!({ "shipment": shipment, "receipt": receipt }), None),
        Confirmation::Already { .. } => ("confirmation.already", json!({ "shipment": shipment }), None),
        Confirmation::Refused { code, message, .. } => {
            let words = json!({ "shipment": shipment, "code": code, "message": message });
            ("confirmation.refused", words.clone(), Some(words))
        }
        Confirmation::GaveUp { message, .. } => {
            let words = json!({ "shipment": shipment, "code": "gave_up", "message": message });
            ("confirmation.gave_up", words.clone(), Some(words))
        }
        Confirmation::Due | Confirmation::Sent { .. } => return Ok(()),
    };
    timeline::append(tx, &[(row.order_id, event(kind, params))])?;
    if let Some(detail) = task {
        let hold = NewHold { order_id: row.order_id, shop_id: row.shop_id, reason: HoldReason::ConfirmationRefused, detail };
        ship::hold(tx, &[hold], &by())?;
    }
    recompute::apply(tx, &[row.order_id]).map(drop)
}

async fn settle(app: &App, prepared: Prepared, answer: Result<Confirmed, ConnectError>) -> Result<Telling, FlowError> {
    let id = prepared.row.id;
    match answer {
        Ok(Confirmed::Accepted { receipt }) => end(app, id, Telling::Told, move |c, now| c.accept(receipt, now).ok()).await,
        Ok(Confirmed::Already) => end(app, id, Telling::Told, |c, now| c.found(now).ok()).await,
        Err(ConnectError::Refused { code, message }) => {
            end(app, id, Telling::Refused, move |c, now| c.decline(code, message, now).ok()).await
        }
        Err(ConnectError::Unsure(message) | ConnectError::Drift(message)) => {
            app.store.write(move |tx| confirmations::note(tx, id, &message).map_err(FlowError::from)).await?;
            look_up(app, prepared).await
        }
        Err(error @ (ConnectError::Reauthorize(_) | ConnectError::Throttled { .. } | ConnectError::Transient(_))) => {
            due_again(app, id, &error.to_string()).await?;
            Err(error.into())
        }
    }
}

async fn end(
    app: &App,
    id: ConfirmationId,
    telling: Telling,
    next: impl FnOnce(Confirmation, Timestamp) -> Option<Confirmation> + Send + 'static,
) -> Result<Telling, FlowError> {
    app.store
        .write(move |tx| {
            let now = tx.now();
            if let Some(row) = load(tx, id)? {
                let to = next(row.confirmation.clone(), now);
                finish(tx, &row, to)?;
            }
            Ok(telling)
        })
        .await
}

async fn due_again(app: &App, id: ConfirmationId, words: &str) -> Result<(), FlowError> {
    let words = words.to_owned();
    app.store
        .write(move |tx| {
            let now = tx.now();
            if let Some(row) = load(tx, id)?
                && let Ok(next) = row.confirmation.clone().not_told(now)
            {
                confirmations::advance(tx, id, row.confirmation.state(), &next)?;
                confirmations::note(tx, id, &words)?;
            }
            Ok(())
        })
        .await
}

/// Reads the channel's own record of the order: our number in it is a confirmation; without it the obligation is due again.
async fn look_up(app: &App, prepared: Prepared) -> Result<Telling, FlowError> {
    let id = prepared.row.id;
    let calling = calling(app, &prepared);
    let order = prepared.channel.get_order(&calling.call(), &prepared.told.external_id).await?;
    let number = prepared.told.number.trim();
    let shows = order.shipments.iter().any(|s| s.number.trim().eq_ignore_ascii_case(number));
    if shows {
        return end(app, id, Telling::Told, |c, now| c.found(now).ok()).await;
    }
    due_again(app, id, "the channel does not show the number").await?;
    Ok(Telling::Later(app.now().plus(MINUTE)))
}

/// A person tries refused confirmations of orders again.
pub async fn retry(app: &App, actor: &Actor, orders_of: &[OrderId]) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let (actor, ids) = (actor.clone(), orders_of.to_vec());
    app.store.write_again(move |tx| retry_in(tx, &actor, &ids).map_err(FlowError::from)).await
}

pub(crate) fn retry_in(tx: &mut Tx<'_>, actor: &Actor, ids: &[OrderId]) -> Result<Vec<(OrderId, Outcome)>, StoreError> {
    locks::orders(tx, ids)?;
    let now = tx.now();
    let rows = confirmations::of_orders(tx, ids)?;
    let (mut again, mut list) = (Vec::new(), Vec::new());
    for row in &rows {
        if matches!(row.confirmation, Confirmation::Refused { .. } | Confirmation::GaveUp { .. })
            && let Ok(next) = row.confirmation.clone().not_told(now)
            && confirmations::advance(tx, row.id, row.confirmation.state(), &next)?
        {
            confirmations::renew(tx, row.id)?;
            again.push(row.order_id);
            list.push(ConfirmShipment { confirmation: row.id, shop: row.shop_id }.new_job());
        }
    }
    jobs::enqueue(tx, &list)?;
    let released: Vec<(OrderId, HoldReason)> = again.iter().map(|o| (*o, HoldReason::ConfirmationRefused)).collect();
    wharf_store::holds::release(tx, &released, actor)?;
    let events: Vec<(OrderId, Event)> =
        again.iter().map(|o| (*o, Event { kind: "confirmation.retried".to_owned(), params: json!({}), actor: actor.clone() })).collect();
    timeline::append(tx, &events)?;
    recompute::apply(tx, &again)?;
    // An order without any obligation has nothing to be told again.
    let outcome = |id: &OrderId| match (again.contains(id), rows.iter().any(|row| row.order_id == *id)) {
        (true, _) => Outcome::Done,
        (false, true) => Outcome::Already,
        (false, false) => Outcome::refused("nothing_to_confirm"),
    };
    Ok(ids.iter().map(|id| (*id, outcome(id))).collect())
}

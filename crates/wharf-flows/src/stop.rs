//! Stopping what must not be sent any more (law 6): lines leave their parcels, stock is free again, labels are recalled, the
//! bench is told. And the steps by which parcels move their fulfillments with them.

use crate::{book, recompute};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use wharf_domain::fulfillment::{Fulfillment, FulfillmentState};
use wharf_domain::id::{FulfillmentLineId, OrderId, OrderLineId, ShipmentId, SkuId};
use wharf_domain::shipment::{ShipmentState, Standing};
use wharf_domain::timeline::{Actor, Event};
use wharf_domain::waybill::Waybill;
use wharf_store::fulfillments::{self, Item, LineRow};
use wharf_store::shipments::{self, ShipmentRow, Step};
use wharf_store::waybills::{self, Bought, WaybillRow};
use wharf_store::{StoreError, Tx, locks, stations, stock, timeline};

fn event(kind: &str, params: serde_json::Value, actor: &Actor) -> Event {
    Event { kind: kind.to_owned(), params, actor: actor.clone() }
}

/// Locks orders together with every order that shares a parcel with them, and those parcels. Answers all orders that are
/// locked: their phases are to be recomputed.
pub fn lock_with_parcels(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<Vec<OrderId>, StoreError> {
    let parcels = shipments::of_orders(tx, orders)?;
    let all: BTreeSet<OrderId> = orders.iter().copied().chain(parcels.iter().flat_map(ShipmentRow::orders)).collect();
    let all: Vec<OrderId> = all.into_iter().collect();
    locks::orders(tx, &all)?;
    let ids: Vec<ShipmentId> = parcels.iter().map(|s| s.id).collect();
    locks::shipments(tx, &ids)?;
    Ok(all)
}

/// What became of a label that was recalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recalled {
    /// The parcel is a draft without a live waybill.
    Done,
    /// The carrier is being asked just now: its answer must come first.
    UnderWay,
}

/// Takes the label of a parcel back: the waybill is given back, the parcel is a draft again.
pub(crate) fn recall_parcel(tx: &mut Tx<'_>, actor: &Actor, id: ShipmentId, why: &str) -> Result<Recalled, StoreError> {
    let Some(parcel) = shipments::load(tx, &[id])?.into_iter().next() else { return Ok(Recalled::Done) };
    let live = waybills::live(tx, &[id])?;
    if live.iter().any(|w| matches!(w.waybill, Waybill::Requested { .. } | Waybill::InDoubt { .. })) {
        return Ok(Recalled::UnderWay);
    }
    for waybill in live {
        give_back(tx, actor, &parcel, waybill, why)?;
    }
    if matches!(parcel.state, ShipmentState::Booked | ShipmentState::Packed) {
        if parcel.state == ShipmentState::Packed {
            set_fulfillments(tx, &[&parcel], Move::Unpack)?;
        }
        shipments::step(tx, id, &Step::Draft)?;
    }
    Ok(Recalled::Done)
}

/// Starts giving a waybill back. An intent ends at once; a number goes back by a job.
fn give_back(tx: &mut Tx<'_>, actor: &Actor, parcel: &ShipmentRow, row: WaybillRow, why: &str) -> Result<(), StoreError> {
    let now = tx.now();
    let from = row.waybill.state();
    let number = row.waybill.number().map(str::to_owned);
    let Ok(next) = row.waybill.recall(now) else { return Ok(()) };
    if !waybills::advance(tx, row.id, from, &next, &Bought::default())? {
        return Err(StoreError::Busy);
    }
    match next {
        Waybill::VoidRequested { .. } => {
            book::enqueue_void(tx, row.id, row.carrier_account_id)?;
            let events: Vec<(OrderId, Event)> = parcel
                .orders()
                .into_iter()
                .map(|order| {
                    (
                        order,
                        event(
                            "label.recalled",
                            json!({ "shipment": parcel.id, "number": number, "why": why, "printed": parcel.printed_at.is_some() }),
                            actor,
                        ),
                    )
                })
                .collect();
            timeline::append(tx, &events)
        }
        Waybill::Voided { .. } => book::free_number(tx, row.carrier_account_id, &row.client_reference),
        Waybill::Intent
        | Waybill::Requested { .. }
        | Waybill::Booked { .. }
        | Waybill::Printed { .. }
        | Waybill::Failed { .. }
        | Waybill::InDoubt { .. } => Ok(()),
    }
}

/// How the fulfillments of a parcel move with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    Pick,
    Pack,
    Unpack,
    HandOver,
}

/// Moves the fulfillments of parcels by their machine; those that are there already stay.
pub(crate) fn set_fulfillments(tx: &mut Tx<'_>, parcels: &[&ShipmentRow], to: Move) -> Result<(), StoreError> {
    let now = tx.now();
    let lines: HashSet<FulfillmentLineId> = parcels.iter().flat_map(|p| &p.lines).map(|l| l.fulfillment_line_id).collect();
    let orders: BTreeSet<OrderId> = parcels.iter().flat_map(|p| p.orders()).collect();
    let rows = fulfillments::of_orders(tx, &orders.into_iter().collect::<Vec<_>>())?;
    let mut changes = Vec::new();
    for row in rows.iter().filter(|f| f.lines.iter().any(|l| lines.contains(&l.id))) {
        let machine = Fulfillment::of(row.state, row.wave_id, row.updated_at);
        let next = match to {
            Move::Pick => machine.pick(row.wave_id, now),
            Move::Pack => machine.pack(now),
            Move::Unpack => machine.unpack(now),
            Move::HandOver => machine.hand_over(now),
        };
        if let Ok(next) = next {
            changes.push((row.id, next.state(), row.wave_id));
        }
    }
    fulfillments::set_state(tx, &changes)
}

/// Takes labels of orders back before their address or contents change (E6). Answers the orders whose parcels could not be
/// recalled, and why: `handed_over` · `waybill_under_way`. The parcels are drafts and asked for again by [`ask_carriers`].
pub fn recall_labels(
    tx: &mut Tx<'_>,
    actor: &Actor,
    orders: &[OrderId],
    why: &str,
) -> Result<(Vec<ShipmentId>, Vec<(OrderId, &'static str)>), StoreError> {
    let concerned = lock_with_parcels(tx, orders)?;
    let (mut recalled, mut refused) = (Vec::new(), Vec::new());
    for parcel in shipments::of_orders(tx, orders)? {
        let mine: Vec<OrderId> = parcel.orders().into_iter().filter(|o| orders.contains(o)).collect();
        match parcel.state.standing() {
            Standing::Draft | Standing::Booked | Standing::Packed => match recall_parcel(tx, actor, parcel.id, why)? {
                Recalled::Done => recalled.push(parcel.id),
                Recalled::UnderWay => refused.extend(mine.into_iter().map(|o| (o, "waybill_under_way"))),
            },
            Standing::Cancelled => {}
            Standing::Away => refused.extend(mine.into_iter().map(|o| (o, "handed_over"))),
        }
    }
    stations::clear(tx, &recalled)?;
    fulfillments::recount(tx, &concerned)?;
    recompute::apply(tx, &concerned)?;
    Ok((recalled, refused))
}

/// A line of an order of which less shall be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineStop {
    /// The order.
    pub order_id: OrderId,
    /// The line.
    pub order_line_id: OrderLineId,
    /// Units that shall still be sent in all, those that have left included.
    pub keep: i64,
}

/// What stopping a line did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// The order.
    pub order_id: OrderId,
    /// The line.
    pub order_line_id: OrderLineId,
    /// Units taken out of fulfillments and parcels.
    pub stopped: i64,
    /// Units beyond `keep` that have left already: the contradiction that a person must see.
    pub gone: i64,
}

/// Stops what must not be sent any more (law 6): lines leave their parcels, reservations are released, labels of parcels
/// that end empty are recalled, and the bench is told. Call it BEFORE the lines' cancelled units are written, in the same
/// unit of work; it recounts, the caller recomputes.
pub fn stop_lines(tx: &mut Tx<'_>, actor: &Actor, stops: &[LineStop], reason: &str) -> Result<Vec<Stopped>, StoreError> {
    let orders: BTreeSet<OrderId> = stops.iter().map(|s| s.order_id).collect();
    let orders: Vec<OrderId> = orders.into_iter().collect();
    lock_with_parcels(tx, &orders)?;
    let rows = fulfillments::of_orders(tx, &orders)?;
    let parcels = shipments::of_orders(tx, &orders)?;
    let parcel_of: HashMap<FulfillmentLineId, ShipmentState> = parcels
        .iter()
        .filter(|s| s.state != ShipmentState::Cancelled)
        .flat_map(|s| s.lines.iter().map(|l| (l.fulfillment_line_id, s.state)))
        .collect();
    // The least advanced goes first: what is not yet in a box is easier to stop than what is.
    let rank = |line: FulfillmentLineId| match parcel_of.get(&line) {
        None => 0,
        Some(ShipmentState::Draft) => 1,
        Some(ShipmentState::Booked) => 2,
        Some(ShipmentState::Packed) => 3,
        Some(
            ShipmentState::HandedOver
            | ShipmentState::InTransit
            | ShipmentState::OutForDelivery
            | ShipmentState::Delivered
            | ShipmentState::Exception
            | ShipmentState::Returning
            | ShipmentState::Returned
            | ShipmentState::Lost
            | ShipmentState::Cancelled,
        ) => 9,
    };
    let (mut cuts, mut answers) = (Vec::new(), Vec::new());
    for stop in stops {
        let mut lines: Vec<(u8, FulfillmentLineId, i64)> = rows
            .iter()
            .filter(|f| f.state != FulfillmentState::Cancelled)
            .flat_map(|f| &f.lines)
            .filter(|l| l.order_line_id == stop.order_line_id && l.quantity > 0)
            .map(|l| (rank(l.id), l.id, l.quantity))
            .collect();
        lines.sort_unstable();
        let total: i64 = lines.iter().map(|l| l.2).sum();
        let mut excess = (total - stop.keep).max(0);
        let mut stopped = 0;
        for (rank, id, quantity) in lines {
            if rank == 9 || excess == 0 {
                continue;
            }
            let taken = excess.min(quantity);
            cuts.push((id, quantity - taken));
            excess -= taken;
            stopped += taken;
        }
        answers.push(Stopped { order_id: stop.order_id, order_line_id: stop.order_line_id, stopped, gone: excess });
    }
    cut(tx, actor, &cuts, reason)?;
    Ok(answers)
}

/// Brings fulfillment lines down to what is kept of them: the core of every stop. Locks are the caller's.
pub(crate) fn cut(tx: &mut Tx<'_>, actor: &Actor, cuts: &[(FulfillmentLineId, i64)], reason: &str) -> Result<(), StoreError> {
    if cuts.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let keep: HashMap<FulfillmentLineId, i64> = cuts.iter().copied().collect();
    let ids = fulfillments::ids_of_lines(tx, cuts.iter().map(|c| c.0))?;
    let rows = fulfillments::load(tx, &ids)?;
    let parcels = shipments::of_fulfillments(tx, &ids)?;

    let mut freed: BTreeMap<(OrderLineId, wharf_domain::id::WarehouseId, SkuId), (OrderId, i64)> = BTreeMap::new();
    let (mut lines, mut states) = (Vec::new(), Vec::new());
    for f in &rows {
        let ends = f.lines.iter().all(|l| keep.get(&l.id).copied().unwrap_or(l.quantity) == 0);
        for line in f.lines.iter().filter(|l| keep.get(&l.id).is_some_and(|k| *k < l.quantity)) {
            let left = keep.get(&line.id).copied().unwrap_or(line.quantity);
            let mut items = Vec::with_capacity(line.items.len());
            for item in &line.items {
                let remaining = item.quantity * left / line.quantity;
                freed.entry((line.order_line_id, f.warehouse_id, item.sku_id)).or_insert((f.order_id, 0)).1 += item.quantity - remaining;
                items.push(Item { quantity: remaining, scanned: item.scanned.min(remaining), ..*item });
            }
            // A fulfillment that ends keeps its quantities for the record: its state says that they are not sent.
            if !ends {
                lines.push(LineRow { id: line.id, order_line_id: line.order_line_id, quantity: left, items });
            }
        }
        if ends && let Ok(next) = Fulfillment::of(f.state, f.wave_id, f.updated_at).cancel(now) {
            states.push((f.id, next.state(), f.wave_id));
        }
    }
    fulfillments::set_quantities(tx, &lines)?;
    fulfillments::set_state(tx, &states)?;

    let line_ids: Vec<OrderLineId> = freed.keys().map(|k| k.0).collect();
    let held: HashMap<_, i64> =
        stock::held(tx, &line_ids)?.into_iter().map(|h| ((h.order_line_id, h.warehouse_id, h.sku_id), h.quantity)).collect();
    let targets: Vec<stock::Target> = freed
        .iter()
        .map(|(key, (order_id, quantity))| stock::Target {
            order_id: *order_id,
            order_line_id: key.0,
            warehouse_id: key.1,
            sku_id: key.2,
            quantity: held.get(key).copied().unwrap_or(0) - quantity,
        })
        .collect();
    if let Some(bad) = targets.iter().find(|t| t.quantity < 0) {
        return Err(StoreError::Inconsistent {
            table: "reservations".into(),
            column: "quantity".into(),
            id: bad.order_line_id.to_string(),
        });
    }
    if stock::reserve(tx, &targets, actor)?.is_err() {
        return Err(StoreError::Inconsistent { table: "stock_levels".into(), column: "reserved".into(), id: String::new() });
    }
    for parcel in &parcels {
        cut_parcel(tx, actor, parcel, &keep, reason)?;
    }
    let orders: Vec<OrderId> = rows.iter().map(|f| f.order_id).chain(parcels.iter().flat_map(ShipmentRow::orders)).collect();
    fulfillments::recount(tx, &orders)?;
    // What came free may serve others that wait; those that just gave it up do not want it back.
    let skus: Vec<SkuId> = freed.keys().map(|k| k.2).collect();
    crate::route::stock_arrived(tx, &skus, &rows.iter().map(|f| f.order_id).collect::<Vec<_>>())
}

/// Takes what was cut out of one parcel. A parcel that ends empty is cancelled and its label recalled; one that goes on with
/// less is opened again, and the bench must look.
fn cut_parcel(
    tx: &mut Tx<'_>,
    actor: &Actor,
    parcel: &ShipmentRow,
    keep: &HashMap<FulfillmentLineId, i64>,
    reason: &str,
) -> Result<(), StoreError> {
    let after: Vec<(FulfillmentLineId, i64)> =
        parcel.lines.iter().map(|l| (l.fulfillment_line_id, keep.get(&l.fulfillment_line_id).copied().unwrap_or(l.quantity))).collect();
    let concerned: BTreeSet<OrderId> =
        parcel.lines.iter().filter(|l| keep.contains_key(&l.fulfillment_line_id)).map(|l| l.order_id).collect();
    let empty = after.iter().all(|(_, quantity)| *quantity == 0);
    if empty {
        for waybill in waybills::live(tx, &[parcel.id])? {
            give_back(tx, actor, parcel, waybill, reason)?;
        }
        shipments::step(tx, parcel.id, &Step::Cancelled { reason: reason.to_owned() })?;
    } else {
        let changed: Vec<(ShipmentId, FulfillmentLineId, i64)> =
            after.iter().filter(|(line, _)| keep.contains_key(line)).map(|(line, quantity)| (parcel.id, *line, *quantity)).collect();
        shipments::set_lines(tx, &changed)?;
        if parcel.state == ShipmentState::Packed {
            shipments::step(tx, parcel.id, &Step::Unpacked)?;
            set_fulfillments(tx, &[parcel], Move::Unpack)?;
        }
        if parcel.state != ShipmentState::Draft {
            shipments::set_stop(tx, &[parcel.id], "changed")?;
        }
    }
    let params = json!({ "shipment": parcel.id, "number": parcel.waybill_number, "was": parcel.state, "reason": reason, "whole": empty });
    let events: Vec<(OrderId, Event)> =
        concerned.into_iter().map(|order| (order, event("parcel.stopped", params.clone(), actor))).collect();
    timeline::append(tx, &events)
}

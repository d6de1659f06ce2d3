//! Composing parcels out of fulfillments: merge, split, take out, choose the carrier; and stopping them when the order says
//! so. A fulfillment lies whole in one parcel; whatever is taken out of a parcel gives its stock back in the same unit
//! of work.

use crate::app::{App, FlowError, Outcome};
use crate::book;
use crate::recompute;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use wharf_connect::Vendor;
use wharf_domain::address::Region;
use wharf_domain::fulfillment::{Fulfillment, FulfillmentState};
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{CarrierAccountId, FulfillmentId, FulfillmentLineId, OrderId, OrderLineId, ShipmentId, ShopId, SkuId};
use wharf_domain::routing::{self, Account, Balance, Parcel};
use wharf_domain::shipment::ShipmentState;
use wharf_domain::timeline::{Actor, Event};
use wharf_domain::waybill::Waybill;
use wharf_store::fulfillments::{self, FulfillmentRow, Item, LineRow, NewFulfillment, NewLine};
use wharf_store::holds::{self, NewHold};
use wharf_store::shipments::{self, NewShipment, ParcelLine, ShipmentRow, Step};
use wharf_store::waybills::{self, Bought, WaybillRow};
use wharf_store::{StoreError, Tx, locks, settings, shops, stations, stock, timeline, warehouses};

/// Whether new parcels may join others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merging {
    /// As the shop's policy says.
    ByPolicy,
    /// Each fulfillment its own parcel.
    Never,
}

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

/// Puts new fulfillments into parcels and asks carriers for numbers. Fulfillments of one recipient from one warehouse share
/// a parcel where the shop's policy says so, also with a parcel that is not yet printed: its label is then recalled.
pub fn compose(tx: &mut Tx<'_>, vendors: &[&'static dyn Vendor], actor: &Actor, ids: &[FulfillmentId], merging: Merging) -> Result<Vec<ShipmentId>, StoreError> {
    let rows = fulfillments::load(tx, ids)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let orders: Vec<OrderId> = rows.iter().map(|f| f.order_id).collect();
    let wants: HashMap<OrderId, _> = fulfillments::wants(tx, &orders)?.into_iter().map(|w| (w.order_id, w)).collect();
    let policies = policies(tx, &rows.iter().map(|f| f.shop_id).collect())?;
    let may_join = |shop: ShopId, other: ShopId| {
        merging == Merging::ByPolicy
            && policies.get(&shop).is_some_and(|p: &(bool, Vec<ShopId>)| p.0 && (shop == other || p.1.contains(&other)))
    };

    let prints: Vec<String> = wants.values().map(|w| w.recipient_print.clone()).collect();
    let near = if merging == Merging::ByPolicy { shipments::open_of_prints(tx, &prints)? } else { Vec::new() };
    let near_ids: Vec<ShipmentId> = near.iter().map(|s| s.id).collect();
    let mut blocked: HashSet<ShipmentId> = shipments::obstacles(tx, &near_ids)?.into_iter().map(|(id, _, _)| id).collect();
    // A parcel whose carrier is being asked just now is not touched before the answer.
    blocked.extend(
        waybills::live(tx, &near_ids)?.into_iter().filter(|w| matches!(w.waybill, Waybill::Requested { .. } | Waybill::InDoubt { .. })).map(|w| w.shipment_id),
    );

    let mut fresh: Vec<NewShipment> = Vec::new();
    let mut joined: Vec<(ShipmentId, ParcelLine)> = Vec::new();
    let mut touched: BTreeSet<ShipmentId> = BTreeSet::new();
    let mut events: Vec<(OrderId, Event)> = Vec::new();
    for f in &rows {
        let print = wants.get(&f.order_id).map(|w| w.recipient_print.clone()).unwrap_or_default();
        let lines: Vec<ParcelLine> = f
            .lines
            .iter()
            .filter(|l| l.quantity > 0)
            .map(|l| ParcelLine { fulfillment_line_id: l.id, order_id: f.order_id, order_line_id: l.order_line_id, quantity: l.quantity })
            .collect();
        let old = near.iter().find(|s| {
            !print.is_empty() && s.recipient_print == print && s.warehouse_id == f.warehouse_id && may_join(s.shop_id, f.shop_id) && !blocked.contains(&s.id)
        });
        let shipment = if let Some(old) = old {
            joined.extend(lines.iter().map(|l| (old.id, *l)));
            touched.insert(old.id);
            old.id
        } else if let Some(new) =
            fresh.iter_mut().find(|s| !print.is_empty() && s.recipient_print == print && s.warehouse_id == f.warehouse_id && may_join(s.shop_id, f.shop_id))
        {
            new.lines.extend(lines);
            new.id
        } else {
            let id: ShipmentId = tx.new_id();
            fresh.push(NewShipment {
                id,
                shop_id: f.shop_id,
                warehouse_id: f.warehouse_id,
                recipient_print: print,
                carrier_account_id: None,
                service: String::new(),
                weight_grams: 0,
                trace: json!({}),
                lines,
            });
            id
        };
        events.push((f.order_id, event("parcel.composed", json!({ "shipment": shipment, "fulfillment": f.id, "joined": old.is_some() }), actor)));
    }
    shipments::insert(tx, &fresh)?;
    for id in &touched {
        recall_parcel(tx, actor, *id, "merged")?;
    }
    shipments::add_lines(tx, &joined)?;
    timeline::append(tx, &events)?;
    let all: Vec<ShipmentId> = fresh.iter().map(|s| s.id).chain(touched).collect();
    ask_carriers(tx, vendors, actor, &all)?;
    Ok(all)
}

/// (merge, other shops) of the parcel policies of shops.
fn policies(tx: &mut Tx<'_>, ids: &BTreeSet<ShopId>) -> Result<HashMap<ShopId, (bool, Vec<ShopId>)>, StoreError> {
    let mut found = HashMap::new();
    for id in ids {
        if let Some(shop) = shops::get(tx, *id)? {
            found.insert(*id, (shop.policy.parcels.merge, shop.policy.parcels.with_shops));
        }
    }
    Ok(found)
}

/// A person's choice of carrier, kept with the parcel until it is booked by it.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct ByHand {
    account: CarrierAccountId,
    service: Option<String>,
}

/// Chooses carrier and service for drafts that have no live waybill, makes the intents, and lets them be booked. What a
/// person chose is not chosen again. A parcel that no carrier takes holds its orders, with every candidate's reason; one
/// whose old label is still being given back is asked for when that is done.
pub fn ask_carriers(tx: &mut Tx<'_>, vendors: &[&'static dyn Vendor], actor: &Actor, ids: &[ShipmentId]) -> Result<(), StoreError> {
    let live: HashSet<ShipmentId> = waybills::live(tx, ids)?.into_iter().map(|w| w.shipment_id).collect();
    let drafts: Vec<ShipmentRow> =
        shipments::load(tx, ids)?.into_iter().filter(|s| s.state == ShipmentState::Draft && !live.contains(&s.id) && !s.lines.is_empty()).collect();
    if drafts.is_empty() {
        return Ok(());
    }
    let draft_ids: Vec<ShipmentId> = drafts.iter().map(|s| s.id).collect();
    let mut weights: HashMap<ShipmentId, i64> = HashMap::new();
    for line in stations::contents(tx, &draft_ids)? {
        *weights.entry(line.shipment_id).or_insert(0) += line.weight_grams * line.needed;
    }
    let orders: Vec<OrderId> = drafts.iter().flat_map(ShipmentRow::orders).collect();
    let wants: HashMap<OrderId, _> = fulfillments::wants(tx, &orders)?.into_iter().map(|w| (w.order_id, w)).collect();
    let accounts: Vec<Account> = warehouses::accounts(tx)?
        .into_iter()
        .filter(|a| a.active)
        .filter_map(|a| {
            let carrier = vendors.iter().find(|v| v.manifest().id == a.vendor).and_then(|v| v.carrier())?;
            Some(Account {
                id: a.id,
                name: a.name,
                shop_id: a.shop_id,
                opens_tokens: carrier.opens_tokens(),
                default_service: carrier.services().first().map(|(word, _)| (*word).to_owned()).unwrap_or_default(),
            })
        })
        .collect();
    let rates: Vec<_> = warehouses::rates(tx, None)?.into_iter().map(|r| r.rate).collect();
    let balance = settings::get::<Balance>(tx, "carrier_choice")?.map(|(balance, _)| balance).unwrap_or_default();
    let (mut wanted, mut stuck) = (Vec::new(), Vec::new());
    for draft in &drafts {
        let only: Option<ByHand> = draft.trace.get("by_hand").and_then(|choice| serde_json::from_value(choice.clone()).ok());
        let first = draft.lines.first().and_then(|l| wants.get(&l.order_id));
        let parcel = Parcel {
            shop_id: draft.shop_id,
            destination: first.map_or_else(Region::default, |w| w.region.clone()),
            weight_grams: weights.get(&draft.id).copied().unwrap_or(0),
            token_only: first.is_some_and(|w| w.token_only),
            only: only.as_ref().map(|choice| choice.account),
        };
        let by_service: Vec<routing::Rate>;
        let rates = match &only {
            Some(ByHand { service: Some(service), .. }) => {
                by_service = rates.iter().filter(|r| r.service == *service).cloned().collect();
                &by_service
            }
            Some(ByHand { service: None, .. }) | None => &rates,
        };
        let choice = routing::choose(&parcel, &accounts, rates, balance);
        let winner = choice.winner().map(|w| {
            let service = match &only {
                Some(ByHand { service: Some(service), .. }) => service.clone(),
                Some(ByHand { service: None, .. }) | None => w.service.clone(),
            };
            (w.account, service)
        });
        let mut trace = json!(choice);
        if let (Some(choice), Some(map)) = (&only, trace.as_object_mut()) {
            map.insert("by_hand".to_owned(), json!(choice));
        }
        shipments::set_carrier(
            tx,
            draft.id,
            winner.as_ref().map(|w| w.0),
            winner.as_ref().map_or("", |w| w.1.as_str()),
            parcel.weight_grams,
            &trace,
        )?;
        match winner {
            Some((account, _)) => wanted.push((draft.id, account)),
            None => stuck.push((draft, trace)),
        }
    }
    let made = waybills::intend(tx, &wanted)?;
    book::enqueue(tx, &made)?;
    let new: Vec<NewHold> = stuck
        .iter()
        .flat_map(|(draft, trace)| {
            draft.orders().into_iter().map(move |order_id| NewHold {
                order_id,
                shop_id: wants_shop(draft),
                reason: HoldReason::WaybillRefused,
                detail: json!({ "code": "no_carrier", "shipment": draft.id, "candidates": trace.get("candidates") }),
            })
        })
        .collect();
    hold(tx, &new, actor)
}

fn wants_shop(shipment: &ShipmentRow) -> ShopId {
    shipment.shop_id
}

/// Places holds with their timeline event; the caller recomputes.
pub fn hold(tx: &mut Tx<'_>, new: &[NewHold], actor: &Actor) -> Result<(), StoreError> {
    let placed = holds::place(tx, new, actor)?;
    let events: Vec<(OrderId, Event)> = new
        .iter()
        .filter(|h| placed.contains(&(h.order_id, h.reason)))
        .map(|h| (h.order_id, event("hold.placed", json!({ "reason": h.reason, "detail": h.detail }), actor)))
        .collect();
    timeline::append(tx, &events)
}

/// Sets carrier (and service) by hand for parcels that are not packed: a label that exists is recalled first.
pub async fn set_carrier(
    app: &App,
    actor: &Actor,
    ids: &[ShipmentId],
    account: CarrierAccountId,
    service: Option<String>,
) -> Result<Vec<(ShipmentId, Outcome)>, FlowError> {
    let (actor, ids, vendors) = (actor.clone(), ids.to_vec(), app.vendors.clone());
    app.store
        .write(move |tx| {
            if warehouses::get_account(tx, account)?.is_none_or(|a| !a.active) {
                return Err(FlowError::NotFound(format!("carrier account {account}")));
            }
            locks::shipments(tx, &ids)?;
            let rows: HashMap<ShipmentId, ShipmentRow> = shipments::load(tx, &ids)?.into_iter().map(|s| (s.id, s)).collect();
            let (mut results, mut redo) = (Vec::new(), Vec::new());
            for id in &ids {
                let outcome = match rows.get(id) {
                    None => Outcome::refused("not_found"),
                    Some(s) => match s.state {
                        ShipmentState::Draft | ShipmentState::Booked => match recall_parcel(tx, &actor, *id, "other_carrier")? {
                            Recalled::Done => {
                                redo.push(*id);
                                Outcome::Done
                            }
                            Recalled::UnderWay => Outcome::refused("waybill_under_way"),
                        },
                        ShipmentState::Packed => Outcome::refused("packed"),
                        ShipmentState::Cancelled => Outcome::refused("cancelled"),
                        ShipmentState::HandedOver
                        | ShipmentState::InTransit
                        | ShipmentState::OutForDelivery
                        | ShipmentState::Delivered
                        | ShipmentState::Exception
                        | ShipmentState::Returning
                        | ShipmentState::Returned
                        | ShipmentState::Lost => Outcome::refused("handed_over"),
                    },
                };
                results.push((*id, outcome));
            }
            let choice = json!({ "by_hand": ByHand { account, service: service.clone() } });
            for id in &redo {
                let weight = rows.get(id).map_or(0, |s| s.weight_grams);
                shipments::set_carrier(tx, *id, Some(account), service.as_deref().unwrap_or_default(), weight, &choice)?;
            }
            ask_carriers(tx, &vendors, &actor, &redo)?;
            let orders: Vec<OrderId> = rows.values().flat_map(ShipmentRow::orders).collect();
            recompute::apply(tx, &orders)?;
            Ok(results)
        })
        .await
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
            set_fulfillments(tx, &parcel, Move::Unpack)?;
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
                .map(|order| (order, event("label.recalled", json!({ "shipment": parcel.id, "number": number, "why": why, "printed": parcel.printed_at.is_some() }), actor)))
                .collect();
            timeline::append(tx, &events)
        }
        Waybill::Voided { .. } => book::free_number(tx, row.carrier_account_id, &row.client_reference),
        Waybill::Intent | Waybill::Requested { .. } | Waybill::Booked { .. } | Waybill::Printed { .. } | Waybill::Failed { .. } | Waybill::InDoubt { .. } => Ok(()),
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

/// Moves the fulfillments of a parcel by their machine; those that are there already stay.
pub(crate) fn set_fulfillments(tx: &mut Tx<'_>, parcel: &ShipmentRow, to: Move) -> Result<(), StoreError> {
    let now = tx.now();
    let lines: HashSet<FulfillmentLineId> = parcel.lines.iter().map(|l| l.fulfillment_line_id).collect();
    let rows = fulfillments::of_orders(tx, &parcel.orders())?;
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
pub fn recall_labels(tx: &mut Tx<'_>, actor: &Actor, orders: &[OrderId], why: &str) -> Result<(Vec<ShipmentId>, Vec<(OrderId, &'static str)>), StoreError> {
    let concerned = lock_with_parcels(tx, orders)?;
    let (mut recalled, mut refused) = (Vec::new(), Vec::new());
    for parcel in shipments::of_orders(tx, orders)? {
        let mine: Vec<OrderId> = parcel.orders().into_iter().filter(|o| orders.contains(o)).collect();
        match parcel.state {
            ShipmentState::Draft | ShipmentState::Booked | ShipmentState::Packed => match recall_parcel(tx, actor, parcel.id, why)? {
                Recalled::Done => recalled.push(parcel.id),
                Recalled::UnderWay => refused.extend(mine.into_iter().map(|o| (o, "waybill_under_way"))),
            },
            ShipmentState::Cancelled => {}
            ShipmentState::HandedOver
            | ShipmentState::InTransit
            | ShipmentState::OutForDelivery
            | ShipmentState::Delivered
            | ShipmentState::Exception
            | ShipmentState::Returning
            | ShipmentState::Returned
            | ShipmentState::Lost => refused.extend(mine.into_iter().map(|o| (o, "handed_over"))),
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
    let held: HashMap<_, i64> = stock::held(tx, &line_ids)?.into_iter().map(|h| ((h.order_line_id, h.warehouse_id, h.sku_id), h.quantity)).collect();
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
        return Err(StoreError::Inconsistent { table: "reservations".into(), column: "quantity".into(), id: bad.order_line_id.to_string() });
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
fn cut_parcel(tx: &mut Tx<'_>, actor: &Actor, parcel: &ShipmentRow, keep: &HashMap<FulfillmentLineId, i64>, reason: &str) -> Result<(), StoreError> {
    let after: Vec<(FulfillmentLineId, i64)> =
        parcel.lines.iter().map(|l| (l.fulfillment_line_id, keep.get(&l.fulfillment_line_id).copied().unwrap_or(l.quantity))).collect();
    let concerned: BTreeSet<OrderId> = parcel.lines.iter().filter(|l| keep.contains_key(&l.fulfillment_line_id)).map(|l| l.order_id).collect();
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
            set_fulfillments(tx, parcel, Move::Unpack)?;
        }
        if parcel.state != ShipmentState::Draft {
            shipments::set_stop(tx, &[parcel.id], "changed")?;
        }
    }
    let params = json!({ "shipment": parcel.id, "number": parcel.waybill_number, "was": parcel.state, "reason": reason, "whole": empty });
    let events: Vec<(OrderId, Event)> = concerned.into_iter().map(|order| (order, event("parcel.stopped", params.clone(), actor))).collect();
    timeline::append(tx, &events)
}

/// Parcels of one recipient that could be one: proposals for a person.
pub async fn proposals(app: &App, limit: i64) -> Result<Vec<Vec<ShipmentRow>>, FlowError> {
    app.store.read(move |tx| shipments::mergeable(tx, limit).map_err(FlowError::from)).await
}

/// Merges parcels of one recipient into the oldest of them. Every order keeps its identity and gets its own confirmation.
pub async fn merge(app: &App, actor: &Actor, ids: &[ShipmentId]) -> Result<ShipmentId, FlowError> {
    let (actor, mut ids, vendors) = (actor.clone(), ids.to_vec(), app.vendors.clone());
    ids.sort_unstable();
    ids.dedup();
    app.store
        .write(move |tx| {
            locks::shipments(tx, &ids)?;
            let rows = shipments::load(tx, &ids)?;
            let (Some(target), true) = (rows.first().cloned(), rows.len() == ids.len()) else {
                return Err(FlowError::NotFound("shipment".into()));
            };
            if rows.len() < 2 {
                return Err(FlowError::refused("nothing_to_merge"));
            }
            let shop_policy = policies(tx, &[target.shop_id].into())?.remove(&target.shop_id).unwrap_or((true, Vec::new()));
            for row in &rows {
                if !matches!(row.state, ShipmentState::Draft | ShipmentState::Booked) || !row.stop_reason.is_empty() {
                    return Err(FlowError::refused("too_late"));
                }
                if row.warehouse_id != target.warehouse_id {
                    return Err(FlowError::refused("other_warehouse"));
                }
                if row.recipient_print.is_empty() || row.recipient_print != target.recipient_print {
                    return Err(FlowError::refused("other_recipient"));
                }
                if row.shop_id != target.shop_id && !shop_policy.1.contains(&row.shop_id) {
                    return Err(FlowError::refused("other_shop"));
                }
            }
            if !shipments::obstacles(tx, &ids)?.is_empty() {
                return Err(FlowError::refused("held"));
            }
            for row in &rows {
                if recall_parcel(tx, &actor, row.id, "merged")? == Recalled::UnderWay {
                    return Err(FlowError::refused("waybill_under_way"));
                }
            }
            let mut events = Vec::new();
            for row in rows.iter().filter(|r| r.id != target.id) {
                shipments::move_lines(tx, row.id, target.id)?;
                shipments::step(tx, row.id, &Step::Cancelled { reason: "merged".into() })?;
                events.extend(row.orders().into_iter().map(|o| (o, event("parcel.merged", json!({ "from": row.id, "into": target.id }), &actor))));
            }
            timeline::append(tx, &events)?;
            stations::clear(tx, &ids)?;
            ask_carriers(tx, &vendors, &actor, &[target.id])?;
            let orders: Vec<OrderId> = rows.iter().flat_map(ShipmentRow::orders).collect();
            fulfillments::recount(tx, &orders)?;
            recompute::apply(tx, &orders)?;
            Ok(target.id)
        })
        .await
}

/// Takes one order out of a parcel into a parcel of its own: the undo of a merge.
pub async fn take_out(app: &App, actor: &Actor, id: ShipmentId, order: OrderId) -> Result<ShipmentId, FlowError> {
    let (actor, vendors) = (actor.clone(), app.vendors.clone());
    app.store
        .write(move |tx| {
            locks::shipments(tx, &[id])?;
            let Some(parcel) = shipments::load(tx, &[id])?.into_iter().next() else { return Err(FlowError::NotFound(format!("shipment {id}"))) };
            let mine: Vec<ParcelLine> = parcel.lines.iter().filter(|l| l.order_id == order).copied().collect();
            if mine.is_empty() {
                return Err(FlowError::refused("not_in_parcel"));
            }
            if mine.len() == parcel.lines.len() {
                return Err(FlowError::refused("only_order"));
            }
            open_parcel(tx, &actor, &parcel, "taken_out")?;
            let new: ShipmentId = tx.new_id();
            shipments::set_lines(tx, &mine.iter().map(|l| (id, l.fulfillment_line_id, 0)).collect::<Vec<_>>())?;
            shipments::insert(tx, &[new_parcel(new, &parcel, mine)])?;
            timeline::append(tx, &[(order, event("parcel.taken_out", json!({ "from": id, "into": new }), &actor))])?;
            ask_carriers(tx, &vendors, &actor, &[id, new])?;
            let orders = parcel.orders();
            fulfillments::recount(tx, &orders)?;
            recompute::apply(tx, &orders)?;
            Ok(new)
        })
        .await
}

fn new_parcel(id: ShipmentId, like: &ShipmentRow, lines: Vec<ParcelLine>) -> NewShipment {
    NewShipment {
        id,
        shop_id: like.shop_id,
        warehouse_id: like.warehouse_id,
        recipient_print: like.recipient_print.clone(),
        carrier_account_id: None,
        service: String::new(),
        weight_grams: 0,
        trace: json!({}),
        lines,
    }
}

/// Makes a parcel a draft whose contents may change, or says why that is too late.
fn open_parcel(tx: &mut Tx<'_>, actor: &Actor, parcel: &ShipmentRow, why: &str) -> Result<(), FlowError> {
    match parcel.state {
        ShipmentState::Draft | ShipmentState::Booked => {}
        ShipmentState::Packed => return Err(FlowError::refused("packed")),
        ShipmentState::Cancelled => return Err(FlowError::refused("cancelled")),
        ShipmentState::HandedOver
        | ShipmentState::InTransit
        | ShipmentState::OutForDelivery
        | ShipmentState::Delivered
        | ShipmentState::Exception
        | ShipmentState::Returning
        | ShipmentState::Returned
        | ShipmentState::Lost => return Err(FlowError::refused("handed_over")),
    }
    if recall_parcel(tx, actor, parcel.id, why)? == Recalled::UnderWay {
        return Err(FlowError::refused("waybill_under_way"));
    }
    let lines: Vec<FulfillmentLineId> = parcel.lines.iter().map(|l| l.fulfillment_line_id).collect();
    fulfillments::set_scanned(tx, &lines, false)?;
    stations::clear(tx, &[parcel.id])?;
    Ok(())
}

/// Splits a parcel: the given units of its lines go into a new parcel (E5, by weight or because a part must wait). The
/// fulfillments are split with it, so that each lies whole in one parcel.
pub async fn split(app: &App, actor: &Actor, id: ShipmentId, take: &[(FulfillmentLineId, i64)]) -> Result<ShipmentId, FlowError> {
    let (actor, vendors, take) = (actor.clone(), app.vendors.clone(), take.to_vec());
    app.store
        .write(move |tx| {
            locks::shipments(tx, &[id])?;
            let Some(parcel) = shipments::load(tx, &[id])?.into_iter().next() else { return Err(FlowError::NotFound(format!("shipment {id}"))) };
            let inside: HashMap<FulfillmentLineId, ParcelLine> = parcel.lines.iter().map(|l| (l.fulfillment_line_id, *l)).collect();
            let mut wanted: HashMap<FulfillmentLineId, i64> = HashMap::new();
            for (line, quantity) in &take {
                let Some(known) = inside.get(line) else { return Err(FlowError::invalid("lines", format!("line {line} is not in the parcel"))) };
                if *quantity <= 0 || *quantity > known.quantity || wanted.insert(*line, *quantity).is_some() {
                    return Err(FlowError::invalid("lines", format!("{quantity} units of line {line} cannot be taken")));
                }
            }
            let rest: i64 = parcel.lines.iter().map(|l| l.quantity - wanted.get(&l.fulfillment_line_id).copied().unwrap_or(0)).sum();
            if wanted.is_empty() || rest == 0 {
                return Err(FlowError::invalid("lines", "a split leaves something on both sides"));
            }
            open_parcel(tx, &actor, &parcel, "split")?;
            let new: ShipmentId = tx.new_id();
            let lines = split_fulfillments(tx, &parcel, &wanted)?;
            shipments::insert(tx, &[new_parcel(new, &parcel, lines)])?;
            let events: Vec<(OrderId, Event)> =
                parcel.orders().into_iter().map(|o| (o, event("parcel.split", json!({ "from": id, "into": new }), &actor))).collect();
            timeline::append(tx, &events)?;
            ask_carriers(tx, &vendors, &actor, &[id, new])?;
            let orders = parcel.orders();
            fulfillments::recount(tx, &orders)?;
            recompute::apply(tx, &orders)?;
            Ok(new)
        })
        .await
}

/// Splits the fulfillments of a parcel and answers the lines of the new parcel.
fn split_fulfillments(tx: &mut Tx<'_>, parcel: &ShipmentRow, wanted: &HashMap<FulfillmentLineId, i64>) -> Result<Vec<ParcelLine>, StoreError> {
    let rows: Vec<FulfillmentRow> = fulfillments::of_orders(tx, &parcel.orders())?;
    let (mut made, mut left, mut moved, mut taken_out) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for f in rows.iter().filter(|f| f.lines.iter().any(|l| wanted.contains_key(&l.id))) {
        let mut lines = Vec::new();
        for line in &f.lines {
            let Some(take) = wanted.get(&line.id).copied() else { continue };
            let items: Vec<(SkuId, i64)> = line.items.iter().map(|i| (i.sku_id, i.quantity / line.quantity * take)).collect();
            let new_line: FulfillmentLineId = tx.new_id();
            moved.push(ParcelLine { fulfillment_line_id: new_line, order_id: f.order_id, order_line_id: line.order_line_id, quantity: take });
            taken_out.push((parcel.id, line.id, line.quantity - take));
            left.push(LineRow {
                id: line.id,
                order_line_id: line.order_line_id,
                quantity: line.quantity - take,
                items: line.items.iter().map(|i| Item { sku_id: i.sku_id, quantity: i.quantity - i.quantity / line.quantity * take, scanned: 0 }).collect(),
            });
            lines.push(NewLine { id: new_line, order_line_id: line.order_line_id, quantity: take, items });
        }
        made.push(NewFulfillment {
            id: tx.new_id(),
            order_id: f.order_id,
            shop_id: f.shop_id,
            warehouse_id: f.warehouse_id,
            trace: json!({ "how": "split", "from": f.id }),
            lines,
        });
    }
    shipments::set_lines(tx, &taken_out)?;
    fulfillments::set_quantities(tx, &left)?;
    fulfillments::insert(tx, &made)?;
    // A fulfillment that gave everything away has nothing left to do.
    let gone: HashSet<FulfillmentLineId> = left.iter().filter(|l| l.quantity == 0).map(|l| l.id).collect();
    let ended: Vec<_> = rows
        .iter()
        .filter(|f| f.lines.iter().all(|l| gone.contains(&l.id) || l.quantity == 0))
        .map(|f| (f.id, FulfillmentState::Cancelled, f.wave_id))
        .collect();
    fulfillments::set_state(tx, &ended)?;
    Ok(moved)
}

//! Routing: what approved orders want is reserved where it lies, a fulfillment for each warehouse, a parcel for each
//! recipient, and the carrier asked for a number: one unit of work for a whole batch. What lacks stock says which SKUs.

use crate::app::{App, FlowError, Outcome};
use crate::jobs::Job;
use crate::jobs::route_orders::RouteOrders;
use crate::{recompute, ship};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use wharf_connect::Vendor;
use wharf_domain::allocation::{self, Availability, Decision, Demand, DemandLine, Place, Weights};
use wharf_domain::fulfillment::FulfillmentState;
use wharf_domain::geo;
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{FulfillmentId, OrderId, OrderLineId, SkuId, WarehouseId};
use wharf_domain::order::phase::ChannelProgress;
use wharf_domain::order::{FulfilledBy, Payment};
use wharf_domain::timeline::{Actor, Event};
use wharf_store::fulfillment_list;
use wharf_store::fulfillments::{self, NewFulfillment, NewLine, Want};
use wharf_store::holds::NewHold;
use wharf_store::warehouses::{self, WarehouseKind};
use wharf_store::{StoreError, Tx, jobs, locks, settings, shipments, stock, timeline};

/// What a person may decide instead of the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RouteOptions {
    /// Only from this warehouse.
    pub warehouse: Option<WarehouseId>,
    /// Ship what is there, let the rest wait.
    pub partial: bool,
}

/// A routing by hand: where from, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Routing {
    /// Where from.
    pub options: RouteOptions,
    /// By whom; `None`: the best one.
    pub carrier: Option<ship::ByHand>,
}

/// Orders of one unit of work.
pub const BATCH: usize = 500;

/// Asks for orders to be routed soon, in the unit of work that made them ready. Asking twice is once.
pub fn enqueue(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<(), StoreError> {
    let list: Vec<_> = orders.chunks(BATCH).map(|chunk| RouteOrders { orders: chunk.to_vec() }.new_job()).collect();
    jobs::enqueue(tx, &list)
}

/// Stock arrived or came free: orders that wait for these SKUs are routed again, but for those in `except`.
pub fn stock_arrived(tx: &mut Tx<'_>, skus: &[SkuId], except: &[OrderId]) -> Result<(), StoreError> {
    let mut waiting = fulfillments::waiting_for(tx, skus, 10_000)?;
    waiting.retain(|order| !except.contains(order));
    enqueue(tx, &waiting)
}

/// Routes orders now; the answer of each id. One refusal never undoes another.
pub async fn route(app: &App, actor: &Actor, orders: &[OrderId], options: RouteOptions) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let mut results = Vec::with_capacity(orders.len());
    for chunk in orders.chunks(BATCH) {
        let (actor, chunk, vendors) = (actor.clone(), chunk.to_vec(), app.vendors.clone());
        results.extend(app.store.write_again(move |tx| route_in(tx, &vendors, &actor, &chunk, options).map_err(FlowError::from)).await?);
    }
    Ok(results)
}

/// What routing would decide now, without deciding it: the trace with all alternatives.
pub async fn preview(app: &App, orders: &[OrderId], options: RouteOptions) -> Result<Vec<Decision>, FlowError> {
    let orders = orders.to_vec();
    app.store
        .read(move |tx| {
            let wants = fulfillments::wants(tx, &orders)?;
            let wants: Vec<&Want> = wants.iter().filter(|w| !w.lines.is_empty() && w.lines.iter().all(|l| !l.parts.is_empty())).collect();
            let skus = skus_of(&wants);
            let levels = stock::levels(tx, &skus)?;
            decide(tx, &wants, &levels, options).map_err(FlowError::from)
        })
        .await
}

fn skus_of(wants: &[&Want]) -> Vec<SkuId> {
    let skus: BTreeSet<SkuId> = wants.iter().flat_map(|w| &w.lines).flat_map(|l| &l.parts).map(|(sku, _)| *sku).collect();
    skus.into_iter().collect()
}

/// Why an order cannot be routed; `None` when it can.
fn obstacle(want: &Want) -> Option<&'static str> {
    if want.fulfilled_by == FulfilledBy::Channel {
        return Some("channel_ships");
    }
    match want.progress {
        ChannelProgress::None => {}
        ChannelProgress::Cancelled => return Some("cancelled"),
        ChannelProgress::Shipped | ChannelProgress::Delivered | ChannelProgress::Completed => return Some("channel_shipped"),
    }
    match want.payment {
        Payment::Paid | Payment::PartRefunded => {}
        Payment::Unpaid if want.cash_on_delivery => {}
        Payment::Unpaid => return Some("unpaid"),
        Payment::Refunded => return Some("refunded"),
    }
    if want.open_holds > 0 {
        return Some("held");
    }
    if !want.approved {
        return Some("not_approved");
    }
    if want.lines.iter().any(|line| line.parts.is_empty()) {
        return Some("unmapped");
    }
    None
}

fn decide(tx: &mut Tx<'_>, wants: &[&Want], levels: &[stock::LevelRow], options: RouteOptions) -> Result<Vec<Decision>, StoreError> {
    let places: Vec<Place> = warehouses::all(tx)?
        .into_iter()
        .filter(|w| w.active && w.kind != WarehouseKind::Channel)
        .map(|w| Place { id: w.id, code: w.code, name: w.name, priority: w.priority, point: w.point })
        .collect();
    let mut availability = Availability::default();
    for row in levels.iter().filter(|l| l.key.condition == wharf_domain::stock::Condition::Good) {
        availability.set(row.key.warehouse_id, row.key.sku_id, row.level.available());
    }
    let orders: Vec<OrderId> = wants.iter().map(|w| w.order_id).collect();
    let mut refusals = fulfillment_list::rejections(tx, &orders)?;
    let demands: Vec<Demand> = wants
        .iter()
        .map(|want| Demand {
            order_id: want.order_id,
            urgent: want.urgent,
            ship_by: want.ship_by,
            placed_at: want.placed_at,
            destination: geo::locate(&want.region),
            lines: want
                .lines
                .iter()
                .map(|l| DemandLine { order_line_id: l.order_line_id, units: l.units, parts: l.parts.clone() })
                .collect(),
            only: options.warehouse,
            partial: options.partial,
            refused_by: refusals
                .remove(&want.order_id)
                .unwrap_or_default()
                .into_iter()
                .map(|(warehouse, reason)| (warehouse, reason.to_string()))
                .collect(),
        })
        .collect();
    let weights = settings::get::<Weights>(tx, "allocation")?.map(|(weights, _)| weights).unwrap_or_default();
    Ok(allocation::allocate(&demands, &places, &mut availability, weights))
}

/// Routes orders inside a unit of work.
pub fn route_in(
    tx: &mut Tx<'_>,
    vendors: &[&'static dyn Vendor],
    actor: &Actor,
    orders: &[OrderId],
    options: RouteOptions,
) -> Result<Vec<(OrderId, Outcome)>, StoreError> {
    // Parcels that the new ones may join belong to other orders: all are locked at once, in one order.
    let prints: Vec<String> = fulfillments::wants(tx, orders)?.into_iter().map(|w| w.recipient_print).collect();
    let near = shipments::open_of_prints(tx, &prints)?;
    let mut concerned: Vec<OrderId> = orders.iter().copied().chain(near.iter().flat_map(|s| s.orders())).collect();
    concerned.sort_unstable();
    concerned.dedup();
    locks::orders(tx, &concerned)?;

    let wants = fulfillments::wants(tx, orders)?;
    let by_id: HashMap<OrderId, &Want> = wants.iter().map(|w| (w.order_id, w)).collect();
    let mut results: HashMap<OrderId, Outcome> = HashMap::new();
    let mut ready: Vec<&Want> = Vec::new();
    for order in orders {
        let outcome = match by_id.get(order) {
            None => Outcome::refused("not_found"),
            Some(want) => match obstacle(want) {
                Some(reason) => Outcome::refused(reason),
                None if want.lines.is_empty() => Outcome::Already,
                None => {
                    if !ready.iter().any(|w| w.order_id == *order) {
                        ready.push(want);
                    }
                    continue;
                }
            },
        };
        results.insert(*order, outcome);
    }
    // An order that has its stock and lost its label only needs the label again.
    let settled: Vec<OrderId> = results.iter().filter(|(_, o)| matches!(o, Outcome::Already)).map(|(id, _)| *id).collect();
    let drafts: Vec<_> = shipments::of_orders(tx, &settled)?
        .into_iter()
        .filter(|s| s.state == wharf_domain::shipment::ShipmentState::Draft)
        .map(|s| s.id)
        .collect();
    ship::ask_carriers(tx, vendors, actor, &drafts)?;

    let skus = skus_of(&ready);
    let levels = stock::lock(tx, &skus)?;
    let decisions = decide(tx, &ready, &levels, options)?;
    save(tx, vendors, actor, &ready, &decisions)?;
    for decision in &decisions {
        let outcome = if decision.is_short() { Outcome::refused("short") } else { Outcome::Done };
        results.insert(decision.order_id, outcome);
    }
    recompute::apply(tx, &concerned)?;
    Ok(orders.iter().map(|id| (*id, results.get(id).cloned().unwrap_or(Outcome::Already))).collect())
}

fn save(
    tx: &mut Tx<'_>,
    vendors: &[&'static dyn Vendor],
    actor: &Actor,
    wants: &[&Want],
    decisions: &[Decision],
) -> Result<(), StoreError> {
    let lines: Vec<OrderLineId> = wants.iter().flat_map(|w| &w.lines).map(|l| l.order_line_id).collect();
    let mut totals: HashMap<(OrderLineId, WarehouseId, SkuId), i64> =
        stock::held(tx, &lines)?.into_iter().map(|h| ((h.order_line_id, h.warehouse_id, h.sku_id), h.quantity)).collect();
    let mut targets: HashMap<(OrderLineId, WarehouseId, SkuId), stock::Target> = HashMap::new();
    let mut made: Vec<NewFulfillment> = Vec::new();
    let mut events: Vec<(OrderId, Event)> = Vec::new();
    let mut short: Vec<&Decision> = Vec::new();
    for (want, decision) in wants.iter().zip(decisions) {
        if !decision.trace.missing.is_empty() {
            short.push(decision);
        }
        let parts: HashMap<OrderLineId, &Vec<(SkuId, i64)>> = want.lines.iter().map(|l| (l.order_line_id, &l.parts)).collect();
        for part in &decision.parts {
            let id: FulfillmentId = tx.new_id();
            let mut rows = Vec::with_capacity(part.lines.len());
            for (line, units) in &part.lines {
                let items: Vec<(SkuId, i64)> =
                    parts.get(line).map(|p| p.iter().map(|(sku, per)| (*sku, per * units)).collect()).unwrap_or_default();
                for (sku_id, quantity) in &items {
                    let key = (*line, part.warehouse_id, *sku_id);
                    let total = totals.entry(key).or_insert(0);
                    *total += quantity;
                    targets.insert(
                        key,
                        stock::Target {
                            order_id: want.order_id,
                            order_line_id: *line,
                            warehouse_id: part.warehouse_id,
                            sku_id: *sku_id,
                            quantity: *total,
                        },
                    );
                }
                rows.push(NewLine { id: tx.new_id(), order_line_id: *line, quantity: *units, items });
            }
            events.push((
                want.order_id,
                Event {
                    kind: "order.routed".to_owned(),
                    params: json!({ "fulfillment": id, "warehouse": part.warehouse_id, "trace": decision.trace }),
                    actor: actor.clone(),
                },
            ));
            made.push(NewFulfillment {
                id,
                order_id: want.order_id,
                shop_id: want.shop_id,
                warehouse_id: part.warehouse_id,
                trace: json!(decision.trace),
                lines: rows,
            });
        }
    }
    let mut targets: Vec<stock::Target> = targets.into_values().collect();
    targets.sort_by_key(|t| (t.sku_id, t.warehouse_id, t.order_line_id));
    if stock::reserve(tx, &targets, actor)?.is_err() {
        // The levels were locked before the decision: that they cannot give it means that the lock did not hold.
        return Err(StoreError::Busy);
    }
    fulfillments::insert(tx, &made)?;
    timeline::append(tx, &events)?;
    tell_shortages(tx, actor, &short)?;
    let ids: Vec<FulfillmentId> = made.iter().map(|f| f.id).collect();
    ship::compose(tx, vendors, actor, &ids, ship::Merging::ByPolicy)?;
    let routed: Vec<OrderId> = made.iter().map(|f| f.order_id).collect();
    fulfillments::recount(tx, &routed)
}

/// A shortage is told once, and again only when something else is missing.
fn tell_shortages(tx: &mut Tx<'_>, actor: &Actor, short: &[&Decision]) -> Result<(), StoreError> {
    if short.is_empty() {
        return Ok(());
    }
    let orders: Vec<OrderId> = short.iter().map(|d| d.order_id).collect();
    let skus: Vec<SkuId> = short.iter().flat_map(|d| &d.trace.missing).map(|m| m.sku_id).collect();
    let names: HashMap<SkuId, (String, String)> = stock::sku_names(tx, &skus)?;
    let mut told: HashMap<OrderId, serde_json::Value> = HashMap::new();
    for entry in timeline::of_orders(tx, &orders)?.into_iter().filter(|e| e.event.kind == "order.short") {
        told.insert(entry.order_id, entry.event.params.get("missing").cloned().unwrap_or_default());
    }
    let events: Vec<(OrderId, Event)> = short
        .iter()
        .filter_map(|decision| {
            let missing: Vec<serde_json::Value> = decision
                .trace
                .missing
                .iter()
                .map(|m| {
                    let (code, name) = names.get(&m.sku_id).cloned().unwrap_or_default();
                    json!({ "sku": m.sku_id, "code": code, "name": name, "needed": m.needed, "missing": m.needed - m.available.min(m.needed) })
                })
                .collect();
            let missing = serde_json::Value::Array(missing);
            (told.get(&decision.order_id) != Some(&missing)).then(|| {
                let params = json!({ "missing": missing, "how": decision.trace.how, "candidates": decision.trace.candidates });
                (decision.order_id, Event { kind: "order.short".to_owned(), params, actor: actor.clone() })
            })
        })
        .collect();
    timeline::append(tx, &events)
}

/// Routes by hand: an order that lies in another warehouse moves while nothing of it is packed, and the carrier that a
/// person chose gets its parcels.
pub(crate) fn route_verb(
    tx: &mut Tx<'_>,
    vendors: &[&'static dyn Vendor],
    actor: &Actor,
    orders: &[OrderId],
    routing: &Routing,
) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let mut moved = Vec::new();
    let mut refused: HashMap<OrderId, Outcome> = HashMap::new();
    if let Some(warehouse) = routing.options.warehouse {
        if !warehouses::all(tx)?.iter().any(|w| w.id == warehouse && w.active && w.kind != WarehouseKind::Channel) {
            return Err(FlowError::NotFound(format!("warehouse {warehouse}")));
        }
        ship::lock_with_parcels(tx, orders)?;
        let rows = fulfillments::of_orders(tx, orders)?;
        let mut cuts = Vec::new();
        for order in orders {
            let own = rows.iter().filter(|f| f.order_id == *order && f.state != FulfillmentState::Cancelled);
            let elsewhere: Vec<_> = own.filter(|f| f.warehouse_id != warehouse).collect();
            if elsewhere.iter().any(|f| f.state == FulfillmentState::HandedOver) {
                refused.insert(*order, Outcome::refused("handed_over"));
            } else if elsewhere.iter().any(|f| f.state == FulfillmentState::Packed) {
                refused.insert(*order, Outcome::refused("packed"));
            } else if !elsewhere.is_empty() {
                moved.push(*order);
                cuts.extend(elsewhere.iter().flat_map(|f| f.lines.iter().map(|l| (l.id, 0))));
            }
        }
        // An order moves only when the other warehouse can take it: else it stays where it is.
        for order in moved.clone() {
            let own: Vec<_> = rows.iter().filter(|f| f.order_id == order).flat_map(|f| f.lines.iter().map(|l| l.id)).collect();
            let cuts: Vec<_> = cuts.iter().filter(|(line, _)| own.contains(line)).copied().collect();
            let mut why = None;
            let tried: Result<(), FlowError> = tx.attempt(|tx| {
                ship::cut(tx, actor, &cuts, "other_warehouse")?;
                let answer = route_in(tx, vendors, actor, &[order], routing.options)?;
                match answer.into_iter().next() {
                    Some((_, Outcome::Done)) => Ok(()),
                    Some((_, Outcome::Refused(reason))) => {
                        why = Some(reason);
                        Err(FlowError::refused("stays"))
                    }
                    Some((_, Outcome::Already)) | None => Err(FlowError::refused("stays")),
                }
            });
            match tried {
                Ok(()) => {}
                Err(FlowError::Refused { .. }) => {
                    refused.insert(order, Outcome::refused(why.unwrap_or_else(|| "short".to_owned())));
                }
                Err(error) => return Err(error),
            }
        }
        moved.retain(|order| !refused.contains_key(order));
    }
    let rest: Vec<OrderId> = orders.iter().copied().filter(|order| !refused.contains_key(order) && !moved.contains(order)).collect();
    let mut outcomes: HashMap<OrderId, Outcome> = route_in(tx, vendors, actor, &rest, routing.options)?.into_iter().collect();
    outcomes.extend(moved.into_iter().map(|order| (order, Outcome::Done)));
    outcomes.extend(refused);
    if let Some(choice) = &routing.carrier {
        let placed: Vec<OrderId> =
            orders.iter().copied().filter(|order| matches!(outcomes.get(order), Some(Outcome::Done | Outcome::Already))).collect();
        let parcels: Vec<_> = shipments::of_orders(tx, &placed)?
            .into_iter()
            .filter(|s| s.state != wharf_domain::shipment::ShipmentState::Cancelled && !s.lines.is_empty())
            .collect();
        let ids: Vec<_> = parcels.iter().map(|s| s.id).collect();
        let answers: HashMap<_, _> = ship::set_carrier_in(tx, vendors, actor, &ids, choice)?.into_iter().collect();
        for order in placed {
            for parcel in parcels.iter().filter(|s| s.orders().contains(&order)) {
                match answers.get(&parcel.id) {
                    Some(Outcome::Done) => drop(outcomes.insert(order, Outcome::Done)),
                    Some(Outcome::Refused(reason)) => drop(outcomes.insert(order, Outcome::refused(reason.clone()))),
                    Some(Outcome::Already) | None => {}
                }
            }
        }
    }
    Ok(orders.iter().map(|id| (*id, outcomes.get(id).cloned().unwrap_or(Outcome::Already))).collect())
}

/// Takes routing back while nothing is packed: stock is free again, labels are recalled, and the orders are held, so that
/// they are not routed again before a person has decided.
pub async fn unroute(app: &App, actor: &Actor, orders: &[OrderId]) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let mut results = Vec::with_capacity(orders.len());
    for chunk in orders.chunks(BATCH) {
        let (actor, chunk) = (actor.clone(), chunk.to_vec());
        results.extend(app.store.write_again(move |tx| unroute_in(tx, &actor, &chunk).map_err(FlowError::from)).await?);
    }
    Ok(results)
}

pub(crate) fn unroute_in(tx: &mut Tx<'_>, actor: &Actor, orders: &[OrderId]) -> Result<Vec<(OrderId, Outcome)>, StoreError> {
    let concerned = ship::lock_with_parcels(tx, orders)?;
    let rows = fulfillments::of_orders(tx, orders)?;
    let mut cuts = Vec::new();
    let mut results = Vec::with_capacity(orders.len());
    for order in orders {
        let own: Vec<_> = rows.iter().filter(|f| f.order_id == *order && f.state != FulfillmentState::Cancelled).collect();
        let outcome = if own.is_empty() {
            Outcome::Already
        } else if own.iter().any(|f| f.state == FulfillmentState::HandedOver) {
            Outcome::refused("handed_over")
        } else if own.iter().any(|f| f.state == FulfillmentState::Packed) {
            Outcome::refused("packed")
        } else {
            cuts.extend(own.iter().flat_map(|f| f.lines.iter().map(|l| (l.id, 0))));
            Outcome::Done
        };
        results.push((*order, outcome));
    }
    ship::cut(tx, actor, &cuts, "unrouted")?;
    let held: Vec<NewHold> = rows
        .iter()
        .filter(|f| results.contains(&(f.order_id, Outcome::Done)))
        .map(|f| NewHold { order_id: f.order_id, shop_id: f.shop_id, reason: HoldReason::Manual, detail: json!({ "code": "unrouted" }) })
        .collect();
    ship::hold(tx, &held, actor)?;
    let done: Vec<(OrderId, Event)> = results
        .iter()
        .filter(|(_, o)| matches!(o, Outcome::Done))
        .map(|(id, _)| (*id, Event { kind: "order.unrouted".to_owned(), params: json!({}), actor: actor.clone() }))
        .collect();
    timeline::append(tx, &done)?;
    recompute::apply(tx, &concerned)?;
    Ok(results)
}

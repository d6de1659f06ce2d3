//! Parcels leave: stock goes by a `shipped` movement that consumes the reservation, counters follow, and the confirmations
//! become due, in one unit of work. What is held, cancelled or stopped does not leave (law 6).

use crate::app::{App, FlowError, Outcome};
use crate::jobs::Job;
use crate::jobs::confirm_shipment::ConfirmShipment;
use crate::{recompute, ship};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use wharf_connect::Vendor;
use wharf_domain::id::{OrderId, ShipmentId, ShopId};
use wharf_domain::shipment::Standing;
use wharf_domain::timeline::{Actor, Event};
use wharf_store::shipments::{self, ShipmentRow, Step};
use wharf_store::stock::{self, Leaving};
use wharf_store::{StoreError, Tx, confirmations, fulfillments, jobs, locks, stations, timeline};

/// Parcels of one unit of work.
const BATCH: usize = 200;

/// Hands parcels over; the answer of each id. Repeating it changes nothing.
pub async fn hand_over(app: &App, actor: &Actor, ids: &[ShipmentId]) -> Result<Vec<(ShipmentId, Outcome)>, FlowError> {
    let mut results = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(BATCH) {
        let (actor, chunk, vendors) = (actor.clone(), chunk.to_vec(), app.vendors.clone());
        results.extend(app.store.write_again(move |tx| hand_over_in(tx, &vendors, &actor, &chunk).map_err(FlowError::from)).await?);
    }
    Ok(results)
}

/// Why a parcel cannot leave; `None` when it can, `Some(Already)` when it has.
fn obstacle(parcel: Option<&ShipmentRow>, stopped: Option<&String>) -> Option<Outcome> {
    let Some(parcel) = parcel else { return Some(Outcome::refused("not_found")) };
    match parcel.state.standing() {
        Standing::Packed => {}
        Standing::Draft | Standing::Booked => return Some(Outcome::refused("not_packed")),
        Standing::Cancelled => return Some(Outcome::refused("cancelled")),
        Standing::Away => return Some(Outcome::Already),
    }
    if !parcel.stop_reason.is_empty() {
        return Some(Outcome::refused(parcel.stop_reason.as_str()));
    }
    stopped.map(|why| Outcome::refused(why.as_str()))
}

/// Hands parcels over inside a unit of work.
pub fn hand_over_in(
    tx: &mut Tx<'_>,
    vendors: &[&'static dyn Vendor],
    actor: &Actor,
    ids: &[ShipmentId],
) -> Result<Vec<(ShipmentId, Outcome)>, StoreError> {
    locks::shipments(tx, ids)?;
    let rows: HashMap<ShipmentId, ShipmentRow> = shipments::load(tx, ids)?.into_iter().map(|s| (s.id, s)).collect();
    let stopped: HashMap<ShipmentId, String> = shipments::obstacles(tx, ids)?.into_iter().map(|(id, _, why)| (id, why)).collect();
    let mut leaving: Vec<&ShipmentRow> = Vec::new();
    let mut results = Vec::with_capacity(ids.len());
    for id in ids {
        let outcome = match obstacle(rows.get(id), stopped.get(id)) {
            Some(outcome) => outcome,
            None if leaving.iter().any(|s| s.id == *id) => Outcome::Already,
            None => {
                leaving.extend(rows.get(id));
                Outcome::Done
            }
        };
        results.push((*id, outcome));
    }
    if leaving.is_empty() {
        return Ok(results);
    }
    let gone: Vec<ShipmentId> = leaving.iter().map(|s| s.id).collect();
    let warehouse: HashMap<ShipmentId, _> = leaving.iter().map(|s| (s.id, s.warehouse_id)).collect();
    let goods: Vec<Leaving> = stations::contents(tx, &gone)?
        .iter()
        .filter_map(|line| {
            Some(Leaving {
                order_line_id: line.order_line_id,
                warehouse_id: *warehouse.get(&line.shipment_id)?,
                sku_id: line.sku_id,
                quantity: line.needed,
                shipment_id: line.shipment_id,
            })
        })
        .collect();
    stock::consume(tx, &goods, actor)?;
    ship::set_fulfillments(tx, &leaving, ship::Move::HandOver)?;
    shipments::steps(tx, &gone, &Step::HandedOver)?;
    let orders: Vec<OrderId> = leaving.iter().flat_map(|s| s.orders()).collect();
    fulfillments::recount(tx, &orders)?;
    owe(tx, vendors, actor, &leaving)?;
    recompute::apply(tx, &orders)?;
    Ok(results)
}

/// Makes confirmations due and tells the timelines. A channel that takes one number an order is told of the first parcel only.
fn owe(tx: &mut Tx<'_>, vendors: &[&'static dyn Vendor], actor: &Actor, leaving: &[&ShipmentRow]) -> Result<(), StoreError> {
    let ids: Vec<ShipmentId> = leaving.iter().map(|s| s.id).collect();
    let inside = shipments::parcel_orders(tx, &ids)?;
    let orders: Vec<OrderId> = inside.values().flatten().map(|o| o.order_id).collect();
    let mut told: HashSet<OrderId> = confirmations::of_orders(tx, &orders)?.into_iter().map(|c| c.order_id).collect();
    let mut due: Vec<(OrderId, ShipmentId, ShopId)> = Vec::new();
    let mut events: Vec<(OrderId, Event)> = Vec::new();
    for parcel in leaving {
        for order in inside.get(&parcel.id).into_iter().flatten() {
            let vendor = vendors.iter().find(|v| v.manifest().id == order.vendor);
            let channel = vendor.and_then(|v| v.channel());
            let splits = vendor.is_some_and(|v| v.manifest().splits_orders);
            let confirmable = channel.is_some() && (splits || !told.contains(&order.order_id));
            if confirmable {
                told.insert(order.order_id);
                due.push((order.order_id, parcel.id, order.shop_id));
            }
            let params = json!({
                "shipment": parcel.id, "number": parcel.waybill_number, "carrier": parcel.carrier_name, "units": order.units_here,
                "confirmation": if confirmable { "due" } else if channel.is_some() { "channel_takes_one_number" } else { "no_channel" },
            });
            events.push((order.order_id, Event { kind: "parcel.handed_over".to_owned(), params, actor: actor.clone() }));
        }
    }
    let made = confirmations::make_due(tx, &due)?;
    let list: Vec<_> = made.iter().map(|(id, _, shop)| ConfirmShipment { confirmation: *id, shop: *shop }.new_job()).collect();
    jobs::enqueue(tx, &list)?;
    timeline::append(tx, &events)
}

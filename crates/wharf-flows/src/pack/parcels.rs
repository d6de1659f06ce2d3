//! Parcels closed, opened and weighed without a scan, and a stop that the packer has seen. Each parcel answers for itself.

use super::{Packer, closed};
use crate::app::{App, FlowError, Outcome};
use crate::{recompute, ship};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use wharf_domain::id::{FulfillmentLineId, OrderId, ShipmentId};
use wharf_domain::shipment::Standing;
use wharf_domain::timeline::{Actor, Event};
use wharf_store::shipments::{self, ShipmentRow, Step};
use wharf_store::{StoreError, Tx, fulfillments, locks, timeline};

/// The packer has seen that contents changed, and has put back what no longer belongs: the parcel may go on with what is left.
pub async fn acknowledge(app: &App, actor: &Actor, id: ShipmentId) -> Result<(), FlowError> {
    let actor = actor.clone();
    app.store
        .write(move |tx| {
            locks::shipments(tx, &[id])?;
            let Some(parcel) = shipments::load(tx, &[id])?.into_iter().next() else {
                return Err(FlowError::NotFound(format!("shipment {id}")));
            };
            match parcel.state.standing() {
                Standing::Draft | Standing::Booked => {}
                Standing::Packed | Standing::Cancelled | Standing::Away => return Ok(()),
            }
            if parcel.stop_reason.is_empty() {
                return Ok(());
            }
            shipments::set_stop(tx, &[id], "")?;
            let events: Vec<(OrderId, Event)> = parcel
                .orders()
                .into_iter()
                .map(|o| {
                    (
                        o,
                        Event {
                            kind: "parcel.resumed".to_owned(),
                            params: json!({ "shipment": id, "was": parcel.stop_reason }),
                            actor: actor.clone(),
                        },
                    )
                })
                .collect();
            timeline::append(tx, &events)?;
            Ok(())
        })
        .await
}

/// The weight on the scale. Answers the difference to what the parcel should weigh, where that is known.
pub async fn weigh(app: &App, actor: &Actor, id: ShipmentId, grams: i64) -> Result<Option<i64>, FlowError> {
    if !(1..=1_000_000).contains(&grams) {
        return Err(FlowError::invalid("grams", "a weight between 1 gram and 1 tonne"));
    }
    let actor = actor.clone();
    app.store
        .write(move |tx| {
            let Some(parcel) = shipments::load(tx, &[id])?.into_iter().next() else {
                return Err(FlowError::NotFound(format!("shipment {id}")));
            };
            shipments::set_measured(tx, id, grams)?;
            let off = (parcel.weight_grams > 0).then(|| grams - parcel.weight_grams);
            let params = json!({ "shipment": id, "grams": grams, "expected": parcel.weight_grams });
            let events: Vec<(OrderId, Event)> = parcel
                .orders()
                .into_iter()
                .map(|o| (o, Event { kind: "parcel.weighed".to_owned(), params: params.clone(), actor: actor.clone() }))
                .collect();
            timeline::append(tx, &events)?;
            Ok(off)
        })
        .await
}

/// Closes parcels without scanning them: for warehouses that do not scan. The same obstacles hold.
pub async fn pack(app: &App, packer: &Packer, station: &str, ids: &[ShipmentId]) -> Result<Vec<(ShipmentId, Outcome)>, FlowError> {
    let (packer, station) = (packer.clone(), station.to_owned());
    together(app, ids, may_pack, move |tx, parcels| {
        fulfillments::set_scanned(tx, &lines_of(parcels), true)?;
        closed(tx, &packer.actor, packer.user_id, &station, parcels)
    })
    .await
}

fn may_pack(parcel: &ShipmentRow, stopped: Option<&str>) -> Outcome {
    match parcel.state.standing() {
        Standing::Packed => return Outcome::Already,
        Standing::Booked => {}
        Standing::Draft => return Outcome::refused("no_waybill"),
        Standing::Cancelled => return Outcome::refused("cancelled"),
        Standing::Away => return Outcome::refused("handed_over"),
    }
    if !parcel.stop_reason.is_empty() {
        return Outcome::refused(parcel.stop_reason.as_str());
    }
    stopped.map_or(Outcome::Done, Outcome::refused)
}

/// Opens closed parcels again, while they are here.
pub async fn unpack(app: &App, actor: &Actor, ids: &[ShipmentId]) -> Result<Vec<(ShipmentId, Outcome)>, FlowError> {
    let actor = actor.clone();
    together(app, ids, may_unpack, move |tx, parcels| {
        let ids: Vec<ShipmentId> = parcels.iter().map(|p| p.id).collect();
        shipments::steps(tx, &ids, &Step::Unpacked)?;
        ship::set_fulfillments(tx, parcels, ship::Move::Unpack)?;
        fulfillments::set_scanned(tx, &lines_of(parcels), false)?;
        let orders: Vec<OrderId> = parcels.iter().flat_map(|p| p.orders()).collect();
        fulfillments::recount(tx, &orders)?;
        let mut events: Vec<(OrderId, Event)> = Vec::with_capacity(orders.len());
        for parcel in parcels {
            let params = json!({ "shipment": parcel.id });
            let told = parcel.orders().into_iter();
            events.extend(told.map(|o| (o, Event { kind: "parcel.unpacked".to_owned(), params: params.clone(), actor: actor.clone() })));
        }
        timeline::append(tx, &events)
    })
    .await
}

fn may_unpack(parcel: &ShipmentRow, _: Option<&str>) -> Outcome {
    match parcel.state.standing() {
        Standing::Packed => Outcome::Done,
        Standing::Draft | Standing::Booked | Standing::Cancelled => Outcome::Already,
        Standing::Away => Outcome::refused("handed_over"),
    }
}

fn lines_of(parcels: &[&ShipmentRow]) -> Vec<FulfillmentLineId> {
    parcels.iter().flat_map(|p| &p.lines).map(|l| l.fulfillment_line_id).collect()
}

/// Runs one step over many parcels in one unit of work: each answers for itself, those that may take it are written together.
async fn together(
    app: &App,
    ids: &[ShipmentId],
    may: fn(&ShipmentRow, Option<&str>) -> Outcome,
    write: impl Fn(&mut Tx<'_>, &[&ShipmentRow]) -> Result<(), StoreError> + Send + Sync + 'static,
) -> Result<Vec<(ShipmentId, Outcome)>, FlowError> {
    let ids = ids.to_vec();
    app.store
        .write_again(move |tx| {
            locks::shipments(tx, &ids)?;
            let rows: HashMap<ShipmentId, ShipmentRow> = shipments::load(tx, &ids)?.into_iter().map(|s| (s.id, s)).collect();
            let stopped: HashMap<ShipmentId, String> = shipments::obstacles(tx, &ids)?.into_iter().map(|(id, _, why)| (id, why)).collect();
            let (mut seen, mut going) = (HashSet::new(), Vec::new());
            let mut results: Vec<(ShipmentId, Outcome)> = Vec::with_capacity(ids.len());
            for id in &ids {
                let outcome = match rows.get(id) {
                    None => Outcome::refused("not_found"),
                    Some(_) if !seen.insert(*id) => Outcome::Already,
                    Some(parcel) => {
                        let outcome = may(parcel, stopped.get(id).map(String::as_str));
                        if outcome == Outcome::Done {
                            going.push(parcel);
                        }
                        outcome
                    }
                };
                results.push((*id, outcome));
            }
            if !going.is_empty() {
                write(tx, &going)?;
                let orders: Vec<OrderId> = going.iter().flat_map(|p| p.orders()).collect();
                recompute::apply(tx, &orders)?;
            }
            Ok(results)
        })
        .await
}

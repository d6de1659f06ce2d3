//! Scans and deliveries arrive: the carrier is asked for parcels on their way, what it says is kept, and the parcel moves.

use crate::app::{App, FlowError};
use crate::jobs::Job;
use crate::jobs::track_shipments::TrackShipments;
use crate::recompute;
use serde_json::json;
use wharf_connect::carrier::{ParcelOrder, TrackingUpdate};
use wharf_connect::{ConnectError, Credentials, Settings};
use wharf_domain::id::{OrderId, ShipmentId};
use wharf_domain::shipment::{ShipmentState, Stage};
use wharf_domain::time::MINUTE;
use wharf_domain::timeline::{Actor, Event};
use wharf_domain::tracking::{self, Scan};
use wharf_domain::word::{Observed, Word};
use wharf_store::shipments::{self, Step, TrackingRow};
use wharf_store::{StoreError, Tx, fulfillments, locks, timeline, warehouses};

/// How often a parcel's carrier is asked.
pub const EVERY: i64 = 30 * MINUTE;
/// Parcels asked about in one run.
const AT_ONCE: i64 = 100;

/// Asks about the parcels that were not asked about for a while. Answers how many were asked, so that a full run goes on.
pub async fn track_due(app: &App) -> Result<bool, FlowError> {
    let before = app.now().plus(-EVERY);
    let ids = app.store.read(move |tx| shipments::to_track(tx, before, AT_ONCE).map_err(FlowError::from)).await?;
    for id in &ids {
        match track_one(app, *id).await {
            Ok(()) => {}
            // One carrier's bad day must not hide the parcels of the others: it is asked again after the pause.
            Err(FlowError::Connect(
                ConnectError::Throttled { .. }
                | ConnectError::Transient(_)
                | ConnectError::Unsure(_)
                | ConnectError::Drift(_)
                | ConnectError::Refused { .. }
                | ConnectError::Reauthorize(_),
            )) => {
                let id = *id;
                app.store.write(move |tx| shipments::set_tracked(tx, &[id]).map_err(FlowError::from)).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(ids.len() as i64 == AT_ONCE)
}

/// Asks about one parcel.
pub async fn track_one(app: &App, id: ShipmentId) -> Result<(), FlowError> {
    let vendors = app.vendors.clone();
    let asked = app
        .store
        .read(move |tx| {
            let Some(parcel) = shipments::load(tx, &[id])?.into_iter().next() else {
                return Err(FlowError::NotFound(format!("shipment {id}")));
            };
            let (Some(number), Some(account)) = (parcel.waybill_number.clone(), parcel.carrier_account_id) else { return Ok(None) };
            let Some(account) = warehouses::get_account(tx, account)? else { return Ok(None) };
            let Some(vendor) = vendors.iter().copied().find(|v| v.manifest().id == account.vendor) else { return Ok(None) };
            let Some(carrier) = vendor.carrier() else { return Ok(None) };
            let credentials = Credentials(warehouses::account_credentials(tx, account.id)?);
            let order = shipments::parcel_orders(tx, &[id])?.remove(&id).and_then(|orders| orders.into_iter().next()).map(|o| {
                ParcelOrder { channel: o.vendor, external_id: o.external_id, seller_id: (!o.seller_id.is_empty()).then_some(o.seller_id) }
            });
            Ok(Some((vendor, carrier, account.id, credentials, Settings(account.settings), parcel.carrier_code, number, order)))
        })
        .await?;
    let updates = match asked {
        None => None,
        Some((vendor, carrier, account, credentials, settings, code, number, order)) => {
            let calling = app.calling("track", account.0, vendor, credentials, settings);
            carrier.track(&calling.call(), &code, &number, order.as_ref()).await?
        }
    };
    app.store.write(move |tx| save(tx, id, &updates.unwrap_or_default()).map_err(FlowError::from)).await
}

/// Stores what a carrier (or a channel) said about a parcel and moves it.
pub fn save(tx: &mut Tx<'_>, id: ShipmentId, updates: &[TrackingUpdate]) -> Result<(), StoreError> {
    locks::shipments(tx, &[id])?;
    shipments::set_tracked(tx, &[id])?;
    let Some(parcel) = shipments::load(tx, &[id])?.into_iter().next() else { return Ok(()) };
    let Some(start) = Stage::of(parcel.state) else { return Ok(()) };
    let rows: Vec<TrackingRow> = updates
        .iter()
        .map(|u| TrackingRow {
            at: u.at,
            meaning: u.meaning.known().map(|state| state.as_str().to_owned()).unwrap_or_default(),
            text: u.text.clone(),
            place: u.place.clone(),
        })
        .collect();
    if shipments::add_scans(tx, id, &rows)? == 0 {
        return Ok(());
    }
    let scans: Vec<Scan> = shipments::scans(tx, id)?
        .into_iter()
        .map(|row| Scan {
            at: row.at,
            meaning: ShipmentState::parse(&row.meaning).map_or_else(|_| Observed::Unknown(row.meaning.clone()), Observed::Known),
        })
        .collect();
    let stage = tracking::stage(Stage::HandedOver, &scans);
    // A state that a person or the channel set without a scan is not undone by older scans.
    let stage = if scans.iter().any(|s| s.meaning.known().is_some()) { stage } else { start };
    if stage == start {
        return Ok(());
    }
    let delivered_at = (stage == Stage::Delivered).then(|| tracking::delivered_at(&scans)).flatten();
    shipments::step(tx, id, &Step::Away { state: stage.state(), delivered_at })?;
    let orders = parcel.orders();
    fulfillments::recount(tx, &orders)?;
    let by = Actor::Job { kind: TrackShipments::KIND.to_owned(), id: None };
    let params = json!({ "shipment": id, "number": parcel.waybill_number, "state": stage.state(), "delivered_at": delivered_at });
    let events: Vec<(OrderId, Event)> =
        orders.iter().map(|o| (*o, Event { kind: "parcel.moved".to_owned(), params: params.clone(), actor: by.clone() })).collect();
    timeline::append(tx, &events)?;
    recompute::apply(tx, &orders).map(drop)
}

//! The reconciler: poked and periodic, takes no input, repairs what events missed. Running it twice is running it once.

use super::confirm_shipment::ConfirmShipment;
use super::resolve_doubt::ResolveDoubt;
use super::run_operation::RunOperation;
use super::submit_cancellation::SubmitCancellation;
use super::void_waybill::VoidWaybill;
use super::{Attempt, Job, JobEnd};
use crate::app::{App, FlowError};
use crate::{book, recompute, route, ship};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use wharf_connect::Vendor;
use wharf_domain::confirmation::ConfirmationState;
use wharf_domain::id::OrderId;
use wharf_domain::time::MINUTE;
use wharf_domain::timeline::Actor;
use wharf_domain::waybill::{DOUBT_AFTER, WaybillState};
use wharf_store::alerts::{self, About};
use wharf_store::jobs::NewJob;
use wharf_store::{StoreError, Tx, cancellations, confirmations, fulfillments, jobs, locks, operations, shipments, waybills};

/// Rows of one kind repaired in one run; the rest waits for the next.
const AT_ONCE: i64 = 500;
/// What should have a job is left alone for so long, so that the sweep does not race the job.
const PATIENCE: i64 = MINUTE;
/// A parcel that left must be known to its channel within this time (H10).
const UNCONFIRMED: i64 = 10 * MINUTE;

/// The job. It has no payload.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sweep {}

/// What its schedule makes.
pub(crate) fn due(_: &mut Tx<'_>) -> Result<Vec<NewJob>, StoreError> {
    Ok(vec![Sweep {}.new_job()])
}

/// Asks for a sweep soon.
pub fn poke(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    jobs::enqueue(tx, &[Sweep {}.new_job()])
}

#[async_trait]
impl Job for Sweep {
    const KIND: &'static str = "sweep";
    const LANE: &'static str = "house";

    fn dedup_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(&self, app: &App, _: &Attempt) -> Result<JobEnd, FlowError> {
        let vendors = app.vendors.clone();
        app.store.write(|tx| waiting(tx).map_err(FlowError::from)).await?;
        app.store.write(move |tx| drafts(tx, &vendors).map_err(FlowError::from)).await?;
        app.store.write(|tx| purchases(tx).map_err(FlowError::from)).await?;
        app.store.write(|tx| obligations(tx).map_err(FlowError::from)).await?;
        app.store.write(|tx| unfinished(tx).map_err(FlowError::from)).await?;
        app.store.write(|tx| unconfirmed(tx).map_err(FlowError::from)).await?;
        Ok(JobEnd::Done)
    }
}

/// Approved orders that want stock and were forgotten, or whose stock has arrived.
fn waiting(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let orders = fulfillments::waiting(tx, AT_ONCE)?;
    route::enqueue(tx, &orders)
}

/// Parcels without a waybill whose orders are free: a carrier is chosen and asked.
fn drafts(tx: &mut Tx<'_>, vendors: &[&'static dyn Vendor]) -> Result<(), StoreError> {
    let ids = shipments::drafts_without_waybill(tx, AT_ONCE)?;
    locks::shipments(tx, &ids)?;
    let by = Actor::Job { kind: Sweep::KIND.to_owned(), id: None };
    ship::ask_carriers(tx, vendors, &by, &ids)?;
    let orders: Vec<OrderId> = shipments::load(tx, &ids)?.iter().flat_map(|s| s.orders()).collect();
    recompute::apply(tx, &orders).map(drop)
}

/// Intents without a job, calls without an answer, doubts, numbers that were not given back, labels of cancelled parcels.
fn purchases(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let now = tx.now();
    let intents = waybills::stuck(tx, WaybillState::Intent, now.plus(-PATIENCE), AT_ONCE)?;
    book::enqueue(tx, &intents.iter().map(|w| (w.shipment_id, w.id)).collect::<Vec<_>>())?;
    let mut list = Vec::new();
    for (state, since) in [(WaybillState::Requested, DOUBT_AFTER), (WaybillState::InDoubt, PATIENCE)] {
        let rows = waybills::stuck(tx, state, now.plus(-since), AT_ONCE)?;
        list.extend(rows.iter().map(|w| ResolveDoubt { waybill: w.id, account: w.carrier_account_id }.new_job()));
    }
    let unreturned = waybills::stuck(tx, WaybillState::VoidRequested, now.plus(-PATIENCE), AT_ONCE)?;
    list.extend(unreturned.iter().map(|w| VoidWaybill { waybill: w.id, account: w.carrier_account_id }.new_job()));
    jobs::enqueue(tx, &list)?;
    let orphans = waybills::orphaned(tx, AT_ONCE)?;
    let by = Actor::Job { kind: Sweep::KIND.to_owned(), id: None };
    for row in waybills::load(tx, &orphans)? {
        locks::shipments(tx, &[row.shipment_id])?;
        ship::recall_parcel(tx, &by, row.shipment_id, "stopped")?;
    }
    Ok(())
}

/// Sounds for shops whose channel was not told of a parcel for too long, and stops when it was.
fn unconfirmed(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let before = tx.now().plus(-UNCONFIRMED);
    let overdue = confirmations::overdue(tx, before)?;
    let sounding = alerts::open_shops(tx, About::UNCONFIRMED)?;
    let over: Vec<About> =
        sounding.into_iter().filter(|shop| overdue.iter().all(|(late, ..)| late != shop)).map(|shop| About::Unconfirmed { shop }).collect();
    alerts::clear(tx, &over)?;
    let late: Vec<(About, serde_json::Value)> = overdue
        .into_iter()
        .map(|(shop, parcels, since)| (About::Unconfirmed { shop }, json!({ "parcels": parcels, "since": since })))
        .collect();
    alerts::raise(tx, &late).map(drop)
}

/// Confirmations that are due without a job, or were sent and never answered.
fn obligations(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let now = tx.now();
    let mut list = Vec::new();
    for (state, since) in [(ConfirmationState::Due, PATIENCE), (ConfirmationState::Sent, DOUBT_AFTER)] {
        let rows = confirmations::stuck(tx, state, now.plus(-since), AT_ONCE)?;
        list.extend(rows.iter().map(|c| ConfirmShipment { confirmation: c.id, shop: c.shop_id }.new_job()));
    }
    jobs::enqueue(tx, &list)
}

/// Cancellations that nobody told, and operations that nobody works on.
fn unfinished(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let before = tx.now().plus(-PATIENCE);
    let mut list: Vec<NewJob> = cancellations::stuck(tx, before, AT_ONCE)?
        .into_iter()
        .map(|(cancellation, shop)| SubmitCancellation { cancellation, shop }.new_job())
        .collect();
    list.extend(operations::stalled(tx, before, AT_ONCE)?.into_iter().map(|operation| RunOperation { operation }.new_job()));
    jobs::enqueue(tx, &list)
}

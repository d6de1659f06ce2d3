//! Waybills: the intent is committed before the carrier is called, the call is committed before it is made, a lost answer
//! is a doubt that is looked up, and nothing is ever bought twice (law 5).

mod void;

pub use void::{void, void_one};

use crate::app::{App, Calling, FlowError, Outcome};
use crate::jobs::Job;
use crate::jobs::book_shipment::BookShipment;
use crate::jobs::resolve_doubt::ResolveDoubt;
use crate::jobs::void_waybill::VoidWaybill;
use crate::{recompute, ship};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use wharf_connect::carrier::{BookRequest, Booked, Carrier, ParcelOrder, Sender};
use wharf_connect::{ConnectError, Credentials, LabelSource, Settings, Vendor};
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{CarrierAccountId, OrderId, ShipmentId, WaybillId};
use wharf_domain::money::{CNY, Money};
use wharf_domain::shipment::ShipmentState;
use wharf_domain::time::{DAY, SECOND, Timestamp};
use wharf_domain::timeline::{Actor, Event};
use wharf_domain::waybill::{DOUBT_AFTER, Waybill};
use wharf_store::holds::NewHold;
use wharf_store::shipments::{self, ShipmentRow, Step};
use wharf_store::waybills::{self, Bought, WaybillRow};
use wharf_store::{StoreError, Tx, blobs, jobs, locks, orders, stations, timeline, warehouses};

/// How long a label is kept after it was bought: it holds personal data.
const LABEL_LIVES: i64 = 90 * DAY;
/// How long a lost answer is left to settle before it is looked up.
const LOOK_UP_AFTER: i64 = 5 * SECOND;
/// Numbers taken from a carrier's range at a time.
const NUMBERS_AT_ONCE: usize = 200;

/// How an attempt to book ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Booking {
    /// The number is ours.
    Booked,
    /// It was ours already.
    Already,
    /// The parcel no longer wants one.
    Unwanted,
    /// An order in the parcel is held: it goes on when the hold is released.
    Held,
    /// The carrier said no: the orders are held with its words.
    Refused,
    /// The answer was lost: it is being looked up.
    InDoubt,
    /// Somebody else asks just now: look again at that time.
    Later(Timestamp),
}

fn actor(kind: &str) -> Actor {
    Actor::Job { kind: kind.to_owned(), id: None }
}

fn event(kind: &str, params: serde_json::Value, actor: &Actor) -> Event {
    Event { kind: kind.to_owned(), params, actor: actor.clone() }
}

/// Lets intents be booked.
pub fn enqueue(tx: &mut Tx<'_>, made: &[(ShipmentId, WaybillId)]) -> Result<(), StoreError> {
    let rows = waybills::load(tx, &made.iter().map(|m| m.1).collect::<Vec<_>>())?;
    let list: Vec<_> = rows.iter().map(|w| BookShipment { waybill: w.id, account: w.carrier_account_id }.new_job()).collect();
    jobs::enqueue(tx, &list)
}

/// Lets a number be given back.
pub fn enqueue_void(tx: &mut Tx<'_>, waybill: WaybillId, account: CarrierAccountId) -> Result<(), StoreError> {
    jobs::enqueue(tx, &[VoidWaybill { waybill, account }.new_job()])
}

fn enqueue_resolve(tx: &mut Tx<'_>, row: &WaybillRow) -> Result<(), StoreError> {
    let at = tx.now().plus(LOOK_UP_AFTER);
    jobs::enqueue(tx, &[ResolveDoubt { waybill: row.id, account: row.carrier_account_id }.new_job_at(at)])
}

/// Puts the number that an unused client reference held back into the pool.
pub(crate) fn free_number(tx: &mut Tx<'_>, account: CarrierAccountId, reference: &str) -> Result<(), StoreError> {
    match warehouses::number_of(tx, account, reference)? {
        Some(number) => warehouses::free_number(tx, account, &number),
        None => Ok(()),
    }
}

/// Everything one call to a carrier needs, read in one unit of work.
struct Prepared {
    row: WaybillRow,
    carrier: &'static dyn Carrier,
    vendor: &'static dyn Vendor,
    credentials: Credentials,
    settings: Settings,
    request: BookRequest,
}

enum Next {
    Ask(Box<Prepared>),
    End(Booking),
}

/// Asks for parcels to be booked now: those without a live waybill get a carrier and an intent, whatever they were refused before.
pub async fn book(app: &App, actor: &Actor, ids: &[ShipmentId]) -> Result<Vec<(ShipmentId, Outcome)>, FlowError> {
    let (actor, ids, vendors) = (actor.clone(), ids.to_vec(), app.vendors.clone());
    app.store
        .write(move |tx| {
            locks::shipments(tx, &ids)?;
            let rows: HashMap<ShipmentId, ShipmentRow> = shipments::load(tx, &ids)?.into_iter().map(|s| (s.id, s)).collect();
            let live: HashMap<ShipmentId, WaybillRow> = waybills::live(tx, &ids)?.into_iter().map(|w| (w.shipment_id, w)).collect();
            let held: HashMap<ShipmentId, String> = shipments::obstacles(tx, &ids)?.into_iter().map(|(id, _, why)| (id, why)).collect();
            let (mut ask, mut again) = (Vec::new(), Vec::new());
            let results: Vec<(ShipmentId, Outcome)> = ids
                .iter()
                .map(|id| {
                    let outcome = match rows.get(id).map(|s| s.state) {
                        None => Outcome::refused("not_found"),
                        Some(ShipmentState::Cancelled) => Outcome::refused("cancelled"),
                        Some(ShipmentState::Draft) => match (held.get(id), live.get(id)) {
                            (Some(why), _) => Outcome::refused(why.as_str()),
                            // It is asked for already; a job that was lost is made again.
                            (None, Some(w)) if matches!(w.waybill, Waybill::Intent) => {
                                again.push((*id, w.id));
                                Outcome::Already
                            }
                            (None, Some(_)) => Outcome::Already,
                            (None, None) => {
                                ask.push(*id);
                                Outcome::Done
                            }
                        },
                        Some(
                            ShipmentState::Booked
                            | ShipmentState::Packed
                            | ShipmentState::HandedOver
                            | ShipmentState::InTransit
                            | ShipmentState::OutForDelivery
                            | ShipmentState::Delivered
                            | ShipmentState::Exception
                            | ShipmentState::Returning
                            | ShipmentState::Returned
                            | ShipmentState::Lost,
                        ) => Outcome::Already,
                    };
                    (*id, outcome)
                })
                .collect();
            ship::ask_carriers(tx, &vendors, &actor, &ask)?;
            enqueue(tx, &again)?;
            let orders: Vec<OrderId> = rows.values().flat_map(ShipmentRow::orders).collect();
            recompute::apply(tx, &orders)?;
            Ok(results)
        })
        .await
}

/// One attempt to book a waybill. Safe to repeat and to race: only who moves the intent to `requested` calls the carrier.
pub async fn book_one(app: &App, id: WaybillId) -> Result<Booking, FlowError> {
    let vendors = app.vendors.clone();
    let next = app
        .store
        .write(move |tx| {
            let Some((row, parcel)) = locked(tx, id)? else { return Ok(Next::End(Booking::Unwanted)) };
            match &row.waybill {
                Waybill::Intent => prepare_call(tx, &vendors, row, &parcel),
                Waybill::Requested { since } => {
                    let again = since.plus(DOUBT_AFTER);
                    if tx.now() < again {
                        return Ok(Next::End(Booking::Later(again)));
                    }
                    doubt(tx, &row, &parcel, "no answer was ever recorded")?;
                    Ok(Next::End(Booking::InDoubt))
                }
                Waybill::InDoubt { .. } => {
                    enqueue_resolve(tx, &row)?;
                    Ok(Next::End(Booking::InDoubt))
                }
                Waybill::Booked { .. } | Waybill::Printed { .. } => Ok(Next::End(Booking::Already)),
                Waybill::Failed { .. } | Waybill::VoidRequested { .. } | Waybill::Voided { .. } => Ok(Next::End(Booking::Unwanted)),
            }
        })
        .await?;
    let prepared = match next {
        Next::End(end) => return Ok(end),
        Next::Ask(prepared) => prepared,
    };
    let calling = calling(app, &prepared);
    let answer = prepared.carrier.book(&calling.call(), &prepared.request).await;
    settle(app, prepared.row, answer).await
}

fn calling(app: &App, prepared: &Prepared) -> Calling {
    app.calling("book", prepared.row.carrier_account_id.0, prepared.vendor, prepared.credentials.clone(), prepared.settings.clone())
}

fn locked(tx: &mut Tx<'_>, id: WaybillId) -> Result<Option<(WaybillRow, ShipmentRow)>, StoreError> {
    let Some(seen) = waybills::load(tx, &[id])?.into_iter().next() else { return Ok(None) };
    locks::shipments(tx, &[seen.shipment_id])?;
    let row = waybills::load(tx, &[id])?.into_iter().next();
    let parcel = shipments::load(tx, &[seen.shipment_id])?.into_iter().next();
    Ok(row.zip(parcel))
}

/// Moves an intent to `requested` with everything the call needs, or ends without a call.
fn prepare_call(tx: &mut Tx<'_>, vendors: &[&'static dyn Vendor], row: WaybillRow, parcel: &ShipmentRow) -> Result<Next, FlowError> {
    let now = tx.now();
    if parcel.state != ShipmentState::Draft {
        if let Ok(next) = row.waybill.clone().recall(now) {
            waybills::advance(tx, row.id, row.waybill.state(), &next, &Bought::default())?;
            free_number(tx, row.carrier_account_id, &row.client_reference)?;
        }
        return Ok(Next::End(Booking::Unwanted));
    }
    if !shipments::obstacles(tx, &[parcel.id])?.is_empty() {
        return Ok(Next::End(Booking::Held));
    }
    let Some((carrier, vendor, account)) = carrier_of(tx, vendors, row.carrier_account_id)? else {
        fail(tx, &row, parcel, "no_carrier", "the carrier account is gone or switched off")?;
        return Ok(Next::End(Booking::Refused));
    };
    let mut request = match request(tx, &row, parcel)? {
        Ok(request) => request,
        Err(missing) => {
            fail(tx, &row, parcel, missing, missing)?;
            return Ok(Next::End(Booking::Refused));
        }
    };
    let settings = Settings(account);
    if let Some(numbers) = carrier.numbers() {
        match allot(tx, numbers, &settings, &row)? {
            Some(number) => request.allotted_number = Some(number),
            None => {
                fail(tx, &row, parcel, "no_numbers", "the pool of waybill numbers is used up")?;
                return Ok(Next::End(Booking::Refused));
            }
        }
    }
    let Ok(next) = row.waybill.clone().request(now) else { return Ok(Next::End(Booking::Unwanted)) };
    if !waybills::advance(tx, row.id, row.waybill.state(), &next, &Bought::default())? {
        return Err(StoreError::Busy.into());
    }
    let credentials = Credentials(warehouses::account_credentials(tx, row.carrier_account_id)?);
    Ok(Next::Ask(Box::new(Prepared { row: WaybillRow { waybill: next, ..row }, carrier, vendor, credentials, settings, request })))
}

fn carrier_of(
    tx: &mut Tx<'_>,
    vendors: &[&'static dyn Vendor],
    id: CarrierAccountId,
) -> Result<Option<(&'static dyn Carrier, &'static dyn Vendor, BTreeMap<String, String>)>, StoreError> {
    let Some(account) = warehouses::get_account(tx, id)? else { return Ok(None) };
    let vendor = vendors.iter().copied().find(|v| v.manifest().id == account.vendor);
    Ok(vendor.and_then(|v| v.carrier().map(|c| (c, v, account.settings))))
}

/// The number that belongs to this purchase: the one it already has, a free one, or the next of the carrier's range.
fn allot(
    tx: &mut Tx<'_>,
    numbers: &dyn wharf_connect::OwnNumbers,
    settings: &Settings,
    row: &WaybillRow,
) -> Result<Option<String>, FlowError> {
    if let Some(number) = warehouses::take_number(tx, row.carrier_account_id, &row.client_reference)? {
        return Ok(Some(number));
    }
    let last = warehouses::last_serial(tx, row.carrier_account_id)?;
    let more: Vec<(Option<i64>, String)> =
        numbers.numbers_after(settings, last, NUMBERS_AT_ONCE)?.into_iter().map(|(serial, number)| (Some(serial), number)).collect();
    warehouses::add_numbers(tx, row.carrier_account_id, &more)?;
    Ok(warehouses::take_number(tx, row.carrier_account_id, &row.client_reference)?)
}

/// What the carrier is told. `Err` is a word for what is missing.
fn request(tx: &mut Tx<'_>, row: &WaybillRow, parcel: &ShipmentRow) -> Result<Result<BookRequest, &'static str>, StoreError> {
    let Some(warehouse) = warehouses::get(tx, parcel.warehouse_id)? else { return Ok(Err("no_warehouse")) };
    let ids = parcel.orders();
    let Some(recipient) = orders::open_recipients(tx, &ids)?.into_iter().min_by_key(|(id, _)| *id).map(|(_, recipient)| recipient) else {
        return Ok(Err("no_recipient"));
    };
    let mut items: BTreeMap<String, i64> = BTreeMap::new();
    for line in stations::contents(tx, &[parcel.id])? {
        *items.entry(line.name).or_insert(0) += line.needed;
    }
    let inside = shipments::parcel_orders(tx, &[parcel.id])?.remove(&parcel.id).unwrap_or_default();
    let currency = inside.first().map_or(CNY, |o| o.currency);
    Ok(Ok(BookRequest {
        client_reference: row.client_reference.clone(),
        service: parcel.service.clone(),
        sender: Sender { name: warehouse.contact, phone: warehouse.phone, region: warehouse.region, address: warehouse.address },
        recipient,
        orders: inside
            .iter()
            .map(|o| ParcelOrder {
                channel: o.vendor.clone(),
                external_id: o.external_id.clone(),
                seller_id: (!o.seller_id.is_empty()).then(|| o.seller_id.clone()),
            })
            .collect(),
        items: items.into_iter().collect(),
        weight_grams: parcel.weight_grams,
        size_mm: [0; 3],
        value: Money::new(inside.iter().filter(|o| o.currency == currency).map(|o| o.value_minor).sum(), currency),
        allotted_number: None,
    }))
}

fn fail(tx: &mut Tx<'_>, row: &WaybillRow, parcel: &ShipmentRow, code: &str, message: &str) -> Result<(), StoreError> {
    let now = tx.now();
    let Ok(next) = row.waybill.clone().fail(message.to_owned(), now) else { return Ok(()) };
    if !waybills::advance(tx, row.id, row.waybill.state(), &next, &Bought::default())? {
        return Err(StoreError::Busy);
    }
    free_number(tx, row.carrier_account_id, &row.client_reference)?;
    let by = actor(BookShipment::KIND);
    let orders = parcel.orders();
    let events: Vec<(OrderId, Event)> = orders
        .iter()
        .map(|o| (*o, event("waybill.refused", json!({ "shipment": parcel.id, "code": code, "message": message }), &by)))
        .collect();
    timeline::append(tx, &events)?;
    if parcel.state == ShipmentState::Draft {
        let held: Vec<NewHold> = orders
            .iter()
            .map(|o| NewHold {
                order_id: *o,
                shop_id: parcel.shop_id,
                reason: HoldReason::WaybillRefused,
                detail: json!({ "code": code, "message": message, "shipment": parcel.id }),
            })
            .collect();
        ship::hold(tx, &held, &by)?;
    }
    recompute::apply(tx, &orders).map(drop)
}

fn doubt(tx: &mut Tx<'_>, row: &WaybillRow, parcel: &ShipmentRow, message: &str) -> Result<(), StoreError> {
    let now = tx.now();
    let Ok(next) = row.waybill.clone().doubt(message.to_owned(), now) else { return Ok(()) };
    if waybills::advance(tx, row.id, row.waybill.state(), &next, &Bought::default())? {
        enqueue_resolve(tx, row)?;
        let by = actor(BookShipment::KIND);
        let events: Vec<(OrderId, Event)> = parcel
            .orders()
            .into_iter()
            .map(|o| (o, event("waybill.in_doubt", json!({ "shipment": parcel.id, "message": message }), &by)))
            .collect();
        timeline::append(tx, &events)?;
    }
    Ok(())
}

/// Writes what the carrier answered.
async fn settle(app: &App, row: WaybillRow, answer: Result<Booked, ConnectError>) -> Result<Booking, FlowError> {
    let id = row.id;
    match answer {
        Ok(booked) => app.store.write_again(move |tx| save(tx, id, &booked)).await,
        Err(ConnectError::Refused { code, message }) => {
            app.store
                .write(move |tx| {
                    if let Some((row, parcel)) = locked(tx, id)? {
                        fail(tx, &row, &parcel, &code, &message)?;
                    }
                    Ok(Booking::Refused)
                })
                .await
        }
        Err(ConnectError::Unsure(message) | ConnectError::Drift(message)) => {
            // An answer that nobody can read is an answer that was lost: it may have been bought.
            app.store
                .write(move |tx| {
                    if let Some((row, parcel)) = locked(tx, id)? {
                        doubt(tx, &row, &parcel, &message)?;
                    }
                    Ok(Booking::InDoubt)
                })
                .await
        }
        Err(error @ (ConnectError::Reauthorize(_) | ConnectError::Throttled { .. } | ConnectError::Transient(_))) => {
            let words = error.to_string();
            app.store
                .write(move |tx| {
                    if let Some((row, _)) = locked(tx, id)? {
                        not_bought(tx, &row)?;
                        waybills::note(tx, id, &words)?;
                    }
                    Ok::<_, FlowError>(())
                })
                .await?;
            Err(error.into())
        }
    }
}

fn not_bought(tx: &mut Tx<'_>, row: &WaybillRow) -> Result<(), StoreError> {
    let now = tx.now();
    if let Ok(next) = row.waybill.clone().not_bought(now) {
        waybills::advance(tx, row.id, row.waybill.state(), &next, &Bought::default())?;
    }
    Ok(())
}

/// Writes a number that the carrier sold or a look-up found.
fn save(tx: &mut Tx<'_>, id: WaybillId, booked: &Booked) -> Result<Booking, FlowError> {
    let Some((row, parcel)) = locked(tx, id)? else { return Ok(Booking::Unwanted) };
    let now = tx.now();
    let by = actor(BookShipment::KIND);
    let Ok(next) = row.waybill.clone().book(booked.number.clone(), now) else {
        // Somebody was faster. The same number is the same purchase; another one was bought beside it and is told.
        if row.waybill.number() != Some(booked.number.as_str()) {
            let params = json!({ "shipment": parcel.id, "number": booked.number, "kept": row.waybill.number() });
            let events: Vec<(OrderId, Event)> =
                parcel.orders().into_iter().map(|o| (o, event("waybill.unexpected", params.clone(), &by))).collect();
            timeline::append(tx, &events)?;
        }
        return Ok(Booking::Already);
    };
    let label = serde_json::to_vec(&booked.label).map_err(|e| FlowError::Store(StoreError::Database(e.to_string())))?;
    let label_hash = blobs::put(tx, &label, "application/json", true, Some(now.plus(LABEL_LIVES)))?;
    let bought = Bought { carrier_code: Some(booked.carrier_code.clone()), label_hash: Some(label_hash), cost: booked.cost };
    if !waybills::advance(tx, id, row.waybill.state(), &next, &bought)? {
        return Err(StoreError::Busy.into());
    }
    let orders = parcel.orders();
    if parcel.state == ShipmentState::Draft {
        let step = Step::Booked {
            number: booked.number.clone(),
            carrier_code: booked.carrier_code.clone(),
            carrier_name: booked.carrier_name.clone(),
        };
        shipments::step(tx, parcel.id, &step)?;
        let params = json!({ "shipment": parcel.id, "number": booked.number, "carrier": booked.carrier_name, "cost": booked.cost });
        let events: Vec<(OrderId, Event)> = orders.iter().map(|o| (*o, event("waybill.booked", params.clone(), &by))).collect();
        timeline::append(tx, &events)?;
    } else {
        // The parcel was stopped while the carrier was asked: what was bought goes back.
        ship::recall_parcel(tx, &by, parcel.id, "stopped")?;
    }
    recompute::apply(tx, &orders)?;
    Ok(Booking::Booked)
}

/// Looks a doubt up by the client reference. Found: the number is ours. Certainly not: the intent may be sent again. A person
/// sees the doubt as long as neither is known.
pub async fn resolve(app: &App, id: WaybillId) -> Result<Booking, FlowError> {
    let vendors = app.vendors.clone();
    let next = app
        .store
        .write(move |tx| {
            let Some((row, parcel)) = locked(tx, id)? else { return Ok(Next::End(Booking::Unwanted)) };
            match &row.waybill {
                Waybill::InDoubt { .. } => {}
                Waybill::Requested { since } => {
                    let again = since.plus(DOUBT_AFTER);
                    if tx.now() < again {
                        return Ok(Next::End(Booking::Later(again)));
                    }
                    doubt(tx, &row, &parcel, "no answer was ever recorded")?;
                }
                Waybill::Booked { .. } | Waybill::Printed { .. } => return Ok(Next::End(Booking::Already)),
                Waybill::Intent | Waybill::Failed { .. } | Waybill::VoidRequested { .. } | Waybill::Voided { .. } => {
                    return Ok(Next::End(Booking::Unwanted));
                }
            }
            let Some((carrier, vendor, account)) = carrier_of(tx, &vendors, row.carrier_account_id)? else {
                return Err(FlowError::refused("no_carrier"));
            };
            let mut request = match request(tx, &row, &parcel)? {
                Ok(request) => request,
                Err(missing) => return Err(FlowError::refused(missing)),
            };
            request.allotted_number = warehouses::number_of(tx, row.carrier_account_id, &row.client_reference)?;
            let credentials = Credentials(warehouses::account_credentials(tx, row.carrier_account_id)?);
            Ok(Next::Ask(Box::new(Prepared { row, carrier, vendor, credentials, settings: Settings(account), request })))
        })
        .await?;
    let prepared = match next {
        Next::End(end) => return Ok(end),
        Next::Ask(prepared) => prepared,
    };
    let calling = calling(app, &prepared);
    match prepared.carrier.find(&calling.call(), &prepared.request).await? {
        Some(booked) => app.store.write_again(move |tx| save(tx, id, &booked)).await,
        None => {
            app.store
                .write(move |tx| {
                    let Some((row, parcel)) = locked(tx, id)? else { return Ok(Booking::Unwanted) };
                    not_bought(tx, &row)?;
                    let by = actor(ResolveDoubt::KIND);
                    let events: Vec<(OrderId, Event)> = parcel
                        .orders()
                        .into_iter()
                        .map(|o| (o, event("waybill.not_bought", json!({ "shipment": parcel.id }), &by)))
                        .collect();
                    timeline::append(tx, &events)?;
                    enqueue(tx, &[(parcel.id, id)])?;
                    Ok(Booking::Later(tx.now()))
                })
                .await
        }
    }
}

/// The label source of a booked waybill.
pub(crate) fn label_source(tx: &mut Tx<'_>, row: &WaybillRow) -> Result<Option<LabelSource>, StoreError> {
    let Some(hash) = &row.label_hash else { return Ok(None) };
    let Some(blob) = blobs::get(tx, hash)? else { return Ok(None) };
    serde_json::from_slice(&blob.bytes).map(Some).map_err(|_| StoreError::Inconsistent {
        table: "waybills".into(),
        column: "label".into(),
        id: row.id.to_string(),
    })
}

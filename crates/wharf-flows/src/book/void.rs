//! Waybills given back: a person asks, the carrier is told until it answers, and what the parcel wants next follows.
//! Voiding touches no stock.

use super::{actor, carrier_of, event, free_number, locked};
use crate::app::{App, FlowError, Outcome};
use crate::jobs::Job;
use crate::jobs::void_waybill::VoidWaybill;
use crate::{recompute, ship};
use serde_json::json;
use std::collections::HashMap;
use wharf_connect::{ConnectError, Credentials, Settings, Vendor};
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{OrderId, ShipmentId, WaybillId};
use wharf_domain::shipment::{ShipmentState, Standing};
use wharf_domain::timeline::{Actor, Event};
use wharf_domain::waybill::Waybill;
use wharf_store::holds::NewHold;
use wharf_store::shipments::{self, ShipmentRow};
use wharf_store::waybills::{self, Bought};
use wharf_store::{StoreError, Tx, locks, stations, timeline, warehouses};

/// Gives the waybills of parcels back by hand. The parcels are drafts again and wait for a person to book them.
pub async fn void(app: &App, actor: &Actor, ids: &[ShipmentId]) -> Result<Vec<(ShipmentId, Outcome)>, FlowError> {
    let (actor, ids) = (actor.clone(), ids.to_vec());
    app.store
        .write(move |tx| {
            locks::shipments(tx, &ids)?;
            let rows: HashMap<ShipmentId, ShipmentRow> = shipments::load(tx, &ids)?.into_iter().map(|s| (s.id, s)).collect();
            let mut results = Vec::with_capacity(ids.len());
            let mut parked = Vec::new();
            for id in &ids {
                let outcome = match rows.get(id) {
                    None => Outcome::refused("not_found"),
                    Some(s) => match s.state.standing() {
                        Standing::Booked | Standing::Packed => match ship::recall_parcel(tx, &actor, *id, "voided")? {
                            ship::Recalled::Done => {
                                parked.extend(s.orders().into_iter().map(|order_id| NewHold {
                                    order_id,
                                    shop_id: s.shop_id,
                                    reason: HoldReason::Manual,
                                    detail: json!({ "code": "waybill_voided", "shipment": id }),
                                }));
                                Outcome::Done
                            }
                            ship::Recalled::UnderWay => Outcome::refused("waybill_under_way"),
                        },
                        Standing::Draft | Standing::Cancelled => Outcome::Already,
                        Standing::Away => Outcome::refused("handed_over"),
                    },
                };
                results.push((*id, outcome));
            }
            // Without the hold the sweep would book them again at once.
            ship::hold(tx, &parked, &actor)?;
            stations::clear(tx, &ids)?;
            let orders: Vec<OrderId> = rows.values().flat_map(ShipmentRow::orders).collect();
            wharf_store::fulfillments::recount(tx, &orders)?;
            recompute::apply(tx, &orders)?;
            Ok(results)
        })
        .await
}

/// Gives a number back to the carrier. Voiding touches no stock. A parcel that wants another label asks for it only when
/// the old one is gone; a carrier that will not take it back is told in its words, and a person decides.
pub async fn void_one(app: &App, id: WaybillId) -> Result<(), FlowError> {
    let vendors = app.vendors.clone();
    let prepared = app
        .store
        .read(move |tx| {
            let Some(row) = waybills::load(tx, &[id])?.into_iter().next() else { return Ok(None) };
            if !matches!(row.waybill, Waybill::VoidRequested { .. }) {
                return Ok(None);
            }
            let Some((carrier, vendor, account)) = carrier_of(tx, &vendors, row.carrier_account_id)? else {
                return Err(FlowError::refused("no_carrier"));
            };
            let credentials = Credentials(warehouses::account_credentials(tx, row.carrier_account_id)?);
            Ok(Some((row, carrier, vendor, credentials, Settings(account))))
        })
        .await?;
    let Some((row, carrier, vendor, credentials, settings)) = prepared else { return Ok(()) };
    let number = row.waybill.number().unwrap_or_default().to_owned();
    let calling = app.calling("book", row.carrier_account_id.0, vendor, credentials, settings);
    let refused = match carrier.void(&calling.call(), &row.carrier_code, &number).await {
        Ok(()) => None,
        Err(ConnectError::Refused { code, message }) => Some((code, message)),
        // Giving back twice is success, so a lost answer is simply asked again.
        Err(error) => return Err(error.into()),
    };
    let vendors = app.vendors.clone();
    app.store.write(move |tx| voided(tx, &vendors, id, &number, refused).map_err(FlowError::from)).await
}

fn voided(
    tx: &mut Tx<'_>,
    vendors: &[&'static dyn Vendor],
    id: WaybillId,
    number: &str,
    refused: Option<(String, String)>,
) -> Result<(), StoreError> {
    let Some((row, parcel)) = locked(tx, id)? else { return Ok(()) };
    let now = tx.now();
    let from = row.waybill.state();
    let next = match &refused {
        None => row.waybill.clone().void(now),
        Some((code, message)) => row.waybill.clone().keep(format!("{code}: {message}"), now),
    };
    let Ok(next) = next else { return Ok(()) };
    if !waybills::advance(tx, id, from, &next, &Bought::default())? {
        return Ok(());
    }
    let by = actor(VoidWaybill::KIND);
    let orders = parcel.orders();
    let goes_on = parcel.state == ShipmentState::Draft;
    let (kind, params) = match &refused {
        None => ("waybill.voided", json!({ "shipment": parcel.id, "number": number })),
        Some((code, message)) => {
            ("waybill.void_refused", json!({ "shipment": parcel.id, "number": number, "code": code, "message": message }))
        }
    };
    let events: Vec<(OrderId, Event)> = orders.iter().map(|o| (*o, event(kind, params.clone(), &by))).collect();
    timeline::append(tx, &events)?;
    match refused {
        None => {
            free_number(tx, row.carrier_account_id, &row.client_reference)?;
            if goes_on && shipments::obstacles(tx, &[parcel.id])?.is_empty() {
                ship::ask_carriers(tx, vendors, &by, &[parcel.id])?;
            }
        }
        Some((_, message)) if goes_on => {
            let held: Vec<NewHold> = orders
                .iter()
                .map(|o| NewHold {
                    order_id: *o,
                    shop_id: parcel.shop_id,
                    reason: HoldReason::WaybillRefused,
                    detail: json!({ "code": "void_refused", "message": message, "number": number, "shipment": parcel.id }),
                })
                .collect();
            ship::hold(tx, &held, &by)?;
        }
        Some(_) => {}
    }
    recompute::apply(tx, &orders).map(drop)
}

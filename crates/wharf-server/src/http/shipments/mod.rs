//! Shipment endpoints: parcels, their waybills and labels, documents, the print ledger.

pub mod actions;
pub mod documents;
pub mod shape;

use super::dto::{Named, Page, ShopRef, Time};
use super::guard::{Guard, ShipmentsRead};
use super::input::{Id, Query, id, ids, limit};
use super::orders::detail::confirmation;
use super::orders::shape::{MaskedRecipient, TrackingDto};
use super::problem::Problem;
use super::state::AppState;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use shape::*;
use std::collections::{BTreeSet, HashMap};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::access::Scope;
use wharf_domain::address::Region;
use wharf_domain::id::{CarrierAccountId, FulfillmentLineId, OrderId, ShipmentId, ShopId, SkuId, WarehouseId};
use wharf_domain::shipment::ShipmentState;
use wharf_domain::stock::Condition;
use wharf_domain::waybill::WaybillState;
use wharf_domain::word::Word;
use wharf_store::shipments::{self as store, ShipmentFilter, ShipmentItem as Row};
use wharf_store::{StoreError, Tx, catalog, confirmations, fulfillments, shops, stock, warehouses};

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).merge(actions::routes()).merge(documents::routes())
}

/// Query parameters of the list, and the `filter` of actions.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ListParams {
    /// States of the parcel.
    state: Vec<String>,
    /// States of its waybill.
    waybill_state: Vec<String>,
    /// Ids of warehouses.
    warehouse: Vec<String>,
    /// Ids of shops.
    shop: Vec<String>,
    /// Ids of carrier accounts.
    carrier: Vec<String>,
    /// Waybill number or order number.
    q: String,
    /// Label printed or not.
    printed: Option<bool>,
    /// Stopped by a cancellation or refund.
    stopped: Option<bool>,
    limit: Option<u32>,
    cursor: Option<String>,
}

fn words<W: Word>(field: &str, texts: &[String]) -> Result<Vec<W>, Problem> {
    texts.iter().map(|t| W::parse(t).map_err(|e| Problem::invalid(field, e.to_string()))).collect()
}

/// The filter narrowed to what the person may see; `None` when nothing is left.
pub(in crate::http) fn narrowed(params: &ListParams, scope: &Scope) -> Result<Option<ShipmentFilter>, Problem> {
    let mut shops: Vec<ShopId> = ids("shop", &params.shop)?;
    let mut warehouses: Vec<WarehouseId> = ids("warehouse", &params.warehouse)?;
    let carriers: Vec<CarrierAccountId> = ids("carrier", &params.carrier)?;
    if let Some(mine) = &scope.shops {
        shops = if shops.is_empty() { mine.clone() } else { shops.into_iter().filter(|s| mine.contains(s)).collect() };
        if shops.is_empty() {
            return Ok(None);
        }
    }
    if let Some(mine) = &scope.warehouses {
        warehouses = if warehouses.is_empty() { mine.clone() } else { warehouses.into_iter().filter(|w| mine.contains(w)).collect() };
        if warehouses.is_empty() {
            return Ok(None);
        }
    }
    Ok(Some(ShipmentFilter {
        states: words::<ShipmentState>("state", &params.state)?,
        waybill_states: words::<WaybillState>("waybill_state", &params.waybill_state)?,
        warehouses,
        shops,
        carriers,
        q: params.q.trim().to_owned(),
        printed: params.printed,
        stopped: params.stopped,
    }))
}

/// Parcels, newest first.
#[utoipa::path(get, path = "/api/v1/shipments", tag = "shipments", operation_id = "list_shipments", params(ListParams),
    responses((status = 200, body = Page<ShipmentDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    guard: Guard<ShipmentsRead>,
    Query(params): Query<ListParams>,
) -> Result<Json<Page<ShipmentDto>>, Problem> {
    let take = limit(params.limit)?;
    let before: Option<ShipmentId> = params.cursor.as_deref().map(|c| id("cursor", c)).transpose()?;
    let scope = guard.who.scope;
    let Some(filter) = narrowed(&params, &scope)? else { return Ok(Json(Page { items: Vec::new(), next: None })) };
    let page = state
        .app
        .store
        .read(move |tx| -> Result<Page<ShipmentDto>, StoreError> {
            let rows = store::list(tx, &filter, before, take as i64 + 1)?;
            let page = Page::cut(rows, take, |r| r.shipment.id.to_string(), |r| r);
            Ok(Page { items: shown(tx, page.items, false)?, next: page.next })
        })
        .await?;
    Ok(Json(page))
}

/// Parcels that the person may see, of those asked.
pub(super) fn visible(tx: &mut Tx<'_>, scope: &Scope, asked: &[ShipmentId]) -> Result<Vec<Row>, StoreError> {
    let mut rows = store::items(tx, asked)?;
    rows.retain(|r| scope.warehouse(r.shipment.warehouse_id) && r.orders.iter().all(|o| scope.shop(o.shop_id)));
    Ok(rows)
}

/// One parcel, with its scans.
#[utoipa::path(get, path = "/api/v1/shipments/{id}", tag = "shipments", operation_id = "get_shipment", params(("id" = String, Path)),
    responses((status = 200, body = ShipmentDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn get(State(state): State<AppState>, guard: Guard<ShipmentsRead>, Id(id): Id<ShipmentId>) -> Result<Json<ShipmentDto>, Problem> {
    let scope = guard.who.scope;
    let found = state
        .app
        .store
        .read(move |tx| -> Result<Option<ShipmentDto>, StoreError> {
            let rows = visible(tx, &scope, &[id])?;
            Ok(shown(tx, rows, true)?.into_iter().next())
        })
        .await?;
    found.map(Json).ok_or_else(|| Problem::not_found("shipment"))
}

pub(super) fn masked(region: &Region, name: &str, phone: &str) -> MaskedRecipient {
    MaskedRecipient {
        name: name.to_owned(),
        phone: phone.to_owned(),
        country: region.country.clone(),
        province: region.province.clone(),
        city: region.city.clone(),
        district: region.district.clone(),
        town: region.town.clone(),
        postal_code: region.postal_code.clone(),
        token_only: false,
    }
}

/// Rows as the API shows them: everything around them is read in a few statements for all of them.
pub(super) fn shown(tx: &mut Tx<'_>, rows: Vec<Row>, with_scans: bool) -> Result<Vec<ShipmentDto>, StoreError> {
    let places: HashMap<WarehouseId, String> = warehouses::all(tx)?.into_iter().map(|w| (w.id, w.name)).collect();
    let stores: HashMap<ShopId, ShopRef> = shops::list(tx, &Scope::ALL)?
        .into_iter()
        .map(|s| (s.id, ShopRef { id: s.id.to_string(), name: s.name, vendor: s.vendor }))
        .collect();
    let order_ids: Vec<OrderId> = rows.iter().flat_map(|r| r.orders.iter().map(|o| o.id)).collect::<BTreeSet<_>>().into_iter().collect();
    let told = confirmations::of_orders(tx, &order_ids)?;
    let work = fulfillments::of_orders(tx, &order_ids)?;
    let mut contents: HashMap<FulfillmentLineId, (i64, &Vec<fulfillments::Item>, String)> = HashMap::new();
    for f in &work {
        for line in &f.lines {
            contents.insert(line.id, (line.quantity, &line.items, f.id.to_string()));
        }
    }
    let sku_ids: Vec<SkuId> =
        contents.values().flat_map(|(_, items, _)| items.iter().map(|i| i.sku_id)).collect::<BTreeSet<_>>().into_iter().collect();
    let skus: HashMap<SkuId, catalog::Sku> = catalog::skus(tx, &sku_ids)?.into_iter().map(|s| (s.id, s)).collect();
    let bins: HashMap<(SkuId, WarehouseId), String> = stock::levels(tx, &sku_ids)?
        .into_iter()
        .filter(|l| l.key.condition == Condition::Good)
        .map(|l| ((l.key.sku_id, l.key.warehouse_id), l.bin))
        .collect();
    let mut out = Vec::with_capacity(rows.len());
    for r in rows {
        let s = r.shipment;
        let mut items: Vec<ShipmentItem> = Vec::new();
        let mut fulfillment_ids = BTreeSet::new();
        for line in &s.lines {
            let Some((whole, parts, fulfillment)) = contents.get(&line.fulfillment_line_id) else { continue };
            fulfillment_ids.insert(fulfillment.clone());
            for part in *parts {
                // A split parcel carries its share of the line's SKU units.
                let quantity = if *whole > 0 { part.quantity * line.quantity / whole } else { 0 };
                let sku = part.sku_id.to_string();
                match items.iter_mut().find(|i| i.sku_id == sku) {
                    Some(item) => {
                        item.quantity += quantity;
                        item.scanned += part.scanned;
                    }
                    None => {
                        let article = skus.get(&part.sku_id);
                        items.push(ShipmentItem {
                            sku_code: article.map(|a| a.code.clone()).unwrap_or_default(),
                            name: article.map(|a| a.name.clone()).unwrap_or_default(),
                            image_url: article.and_then(|a| a.image_url.clone()),
                            barcodes: article.map(|a| a.barcodes.clone()).unwrap_or_default(),
                            bin: bins.get(&(part.sku_id, s.warehouse_id)).cloned().unwrap_or_default(),
                            sku_id: sku,
                            quantity,
                            scanned: part.scanned,
                        });
                    }
                }
            }
        }
        let first = r.orders.first();
        let tracking = if with_scans {
            store::scans(tx, s.id)?
                .into_iter()
                .map(|t| TrackingDto { at: t.at.into(), meaning: t.meaning, text: t.text, place: t.place })
                .collect()
        } else {
            Vec::new()
        };
        out.push(ShipmentDto {
            id: s.id.to_string(),
            orders: r
                .orders
                .iter()
                .map(|o| ShipmentOrder {
                    id: o.id.to_string(),
                    external_id: o.external_id.clone(),
                    shop: stores.get(&o.shop_id).cloned().unwrap_or(ShopRef {
                        id: o.shop_id.to_string(),
                        name: String::new(),
                        vendor: String::new(),
                    }),
                    confirmation: told.iter().find(|c| c.order_id == o.id && c.shipment_id == s.id).map(confirmation),
                })
                .collect(),
            fulfillments: fulfillment_ids.into_iter().collect(),
            warehouse: Named { id: s.warehouse_id.to_string(), name: places.get(&s.warehouse_id).cloned().unwrap_or_default() },
            shipment_state: s.state.to_string(),
            stop_reason: s.stop_reason,
            waybill_state: r.waybill_state.map(|w| w.to_string()),
            waybill_number: s.waybill_number,
            waybill_message: r.waybill_message,
            carrier: s.carrier_name,
            service: s.service,
            recipient: first
                .map_or_else(|| masked(&Region::default(), "", ""), |o| masked(&o.region, &o.recipient_name, &o.recipient_phone)),
            items,
            weight_grams: s.weight_grams,
            measured_grams: s.measured_grams,
            ship_by: r.ship_by.map(Time::from),
            urgent: first.map(|o| o.urgent_reason.clone()).unwrap_or_default(),
            print_count: r.print_count,
            printed_at: s.printed_at.map(Time::from),
            packed_at: s.packed_at.map(Time::from),
            handed_over_at: s.handed_over_at.map(Time::from),
            delivered_at: s.delivered_at.map(Time::from),
            tracking,
            trace: s.trace,
            created_at: s.created_at.into(),
            version: s.version,
        });
    }
    Ok(out)
}

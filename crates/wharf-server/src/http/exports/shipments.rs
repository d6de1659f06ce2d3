//! The list of parcels as a file.

use super::{CHUNK, Writing, columns, is_xlsx, split, time};
use crate::http::guard::{Export, Guard};
use crate::http::problem::Problem;
use crate::http::shipments::{ListParams, narrowed};
use crate::http::state::AppState;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::Deserialize;
use std::collections::HashMap;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_documents::sheet::{Cell, ColumnKind, Sheet};
use wharf_domain::access::{Permission, Scope};
use wharf_domain::id::{ShipmentId, ShopId, WarehouseId};
use wharf_store::shipments::{self, ShipmentItem};
use wharf_store::{StoreError, shops, warehouses};

/// The routes of this part.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(shipments_file))
}

const COLUMNS: &[(&str, &str, ColumnKind)] = &[
    ("运单号", "Waybill number", ColumnKind::Text),
    ("快递", "Carrier", ColumnKind::Text),
    ("快递产品", "Service", ColumnKind::Text),
    ("包裹状态", "Parcel", ColumnKind::Text),
    ("面单状态", "Waybill", ColumnKind::Text),
    ("拦停原因", "Stop reason", ColumnKind::Text),
    ("店铺", "Shop", ColumnKind::Text),
    ("订单号", "Order numbers", ColumnKind::Text),
    ("仓库", "Warehouse", ColumnKind::Text),
    ("商品", "Goods", ColumnKind::Text),
    ("件数", "Units", ColumnKind::Integer),
    ("收件人", "Recipient", ColumnKind::Text),
    ("电话", "Phone", ColumnKind::Text),
    ("国家", "Country", ColumnKind::Text),
    ("省", "Province", ColumnKind::Text),
    ("市", "City", ColumnKind::Text),
    ("区", "District", ColumnKind::Text),
    ("预估克重", "Expected grams", ColumnKind::Integer),
    ("实称克重", "Measured grams", ColumnKind::Integer),
    ("最晚发货", "Ship by", ColumnKind::Time),
    ("打印次数", "Labels printed", ColumnKind::Integer),
    ("打印时间", "Printed at", ColumnKind::Time),
    ("打包时间", "Packed at", ColumnKind::Time),
    ("出库时间", "Handed over at", ColumnKind::Time),
    ("签收时间", "Delivered at", ColumnKind::Time),
    ("回传状态", "Confirmations", ColumnKind::Text),
];

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct ExportParams {
    /// `csv` (the default) or `xlsx`.
    format: Option<String>,
}

fn joined(texts: impl Iterator<Item = String>) -> Cell {
    let mut all: Vec<String> = texts.collect();
    all.dedup();
    Cell::Text(all.join(" "))
}

fn cells(item: ShipmentItem, places: &HashMap<WarehouseId, String>, stores: &HashMap<ShopId, String>) -> Vec<Cell> {
    let ShipmentItem { shipment: s, orders, waybill_state, print_count, ship_by, confirmations, .. } = item;
    let first = orders.first();
    let region = first.map(|o| o.region.clone()).unwrap_or_default();
    vec![
        Cell::Text(s.waybill_number.unwrap_or_default()),
        Cell::Text(s.carrier_name),
        Cell::Text(s.service),
        Cell::Text(s.state.to_string()),
        Cell::Text(waybill_state.map(|w| w.to_string()).unwrap_or_default()),
        Cell::Text(s.stop_reason),
        joined(orders.iter().map(|o| stores.get(&o.shop_id).cloned().unwrap_or_default())),
        joined(orders.iter().map(|o| o.external_id.clone())),
        Cell::Text(places.get(&s.warehouse_id).cloned().unwrap_or_default()),
        Cell::Text(orders.iter().map(|o| o.summary.clone()).collect::<Vec<_>>().join("; ")),
        Cell::Integer(s.lines.iter().map(|l| l.quantity).sum()),
        Cell::Text(first.map(|o| o.recipient_name.clone()).unwrap_or_default()),
        Cell::Text(first.map(|o| o.recipient_phone.clone()).unwrap_or_default()),
        Cell::Text(region.country),
        Cell::Text(region.province),
        Cell::Text(region.city),
        Cell::Text(region.district),
        Cell::Integer(s.weight_grams),
        s.measured_grams.map_or(Cell::Empty, Cell::Integer),
        time(ship_by),
        Cell::Integer(print_count),
        time(s.printed_at),
        time(s.packed_at),
        time(s.handed_over_at),
        time(s.delivered_at),
        joined(confirmations.into_iter().map(|(_, state, _)| state)),
    ]
}

/// The parcels that match, as a sheet.
#[utoipa::path(get, path = "/api/v1/exports/shipments", tag = "exports", operation_id = "export_shipments", params(ExportParams, ListParams),
    responses((status = 200, description = "the file", content_type = "text/csv", body = String), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn shipments_file(State(state): State<AppState>, guard: Guard<Export>, uri: Uri) -> Result<Response, Problem> {
    guard.who.need(Permission::ShipmentsRead)?;
    let (own, conditions) = split(uri.query().unwrap_or_default(), &["format"]);
    let own: ExportParams = serde_html_form::from_str(&own).map_err(|e| Problem::malformed(format!("query: {e}")))?;
    let params: ListParams = serde_html_form::from_str(&conditions).map_err(|e| Problem::malformed(format!("query: {e}")))?;
    let xlsx = is_xlsx(own.format.as_deref())?;
    let filter = narrowed(&params, &guard.who.scope)?;
    let chinese = guard.who.locale.starts_with("zh");
    let name = if chinese { "包裹" } else { "Parcels" }.to_owned();
    let sheet = Sheet { name, columns: columns(chinese, COLUMNS), zone: state.zone.clone() };
    let writing = Writing::start(&state, &guard.who, "shipments", xlsx, sheet).await?;
    let (places, stores) = state
        .app
        .store
        .read(|tx| -> Result<_, StoreError> {
            let places: HashMap<WarehouseId, String> = warehouses::all(tx)?.into_iter().map(|w| (w.id, w.name)).collect();
            let stores: HashMap<ShopId, String> = shops::list(tx, &Scope::ALL)?.into_iter().map(|s| (s.id, s.name)).collect();
            Ok((places, stores))
        })
        .await?;
    let mut before: Option<ShipmentId> = None;
    // Nothing is left of the filter for a person of other shops: an empty file, as the list is empty.
    while let Some(filter) = filter.clone() {
        let rows = state.app.store.read(move |tx| shipments::list(tx, &filter, before, CHUNK as i64)).await?;
        let whole = rows.len() == CHUNK;
        before = rows.last().map(|r| r.shipment.id);
        let page = rows.into_iter().map(|r| cells(r, &places, &stores)).collect();
        if !writing.rows(page).await || !whole {
            break;
        }
    }
    writing.end().await
}

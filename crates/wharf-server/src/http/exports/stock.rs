//! The stock list as a file: a row for each level, in the order of the list.

use super::{CHUNK, Writing, columns, is_xlsx};
use crate::http::guard::{Export, Guard};
use crate::http::input::Query;
use crate::http::problem::Problem;
use crate::http::state::AppState;
use crate::http::stock::{StockConditions, filter_of};
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use std::collections::HashMap;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_documents::sheet::{Cell, ColumnKind, Sheet};
use wharf_domain::access::{Permission, Scope};
use wharf_domain::id::WarehouseId;
use wharf_store::stock::{self, StockCursor, StockRow};
use wharf_store::{StoreError, warehouses};

/// The routes of this part.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(stock_file))
}

const COLUMNS: &[(&str, &str, ColumnKind)] = &[
    ("商家编码", "SKU", ColumnKind::Text),
    ("名称", "Name", ColumnKind::Text),
    ("仓库", "Warehouse", ColumnKind::Text),
    ("状态", "Condition", ColumnKind::Text),
    ("实际库存", "On hand", ColumnKind::Integer),
    ("占用", "Reserved", ColumnKind::Integer),
    ("安全库存", "Safety", ColumnKind::Integer),
    ("可用库存", "Available", ColumnKind::Integer),
    ("在途", "Inbound", ColumnKind::Integer),
    ("预警线", "Alert at", ColumnKind::Integer),
    ("货位", "Bin", ColumnKind::Text),
];

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Params {
    /// `csv` (the default) or `xlsx`.
    format: Option<String>,
    /// As in `GET /stock`.
    q: String,
    /// As in `GET /stock`.
    warehouse: Option<String>,
    /// As in `GET /stock`.
    low: bool,
    /// As in `GET /stock`.
    sort: Option<String>,
}

fn cells(row: StockRow, names: &HashMap<WarehouseId, String>, scope: &Scope) -> Vec<Vec<Cell>> {
    let StockRow { code, name, levels, .. } = row;
    let seen: Vec<_> = levels.into_iter().filter(|l| scope.warehouse(l.key.warehouse_id)).collect();
    if seen.is_empty() {
        // A SKU that nobody has counted yet is in the list too.
        let mut cells = vec![Cell::Text(code), Cell::Text(name), Cell::Empty, Cell::Empty];
        cells.extend((0..5).map(|_| Cell::Integer(0)));
        cells.extend([Cell::Empty, Cell::Empty]);
        return vec![cells];
    }
    seen.into_iter()
        .map(|l| {
            vec![
                Cell::Text(code.clone()),
                Cell::Text(name.clone()),
                Cell::Text(names.get(&l.key.warehouse_id).cloned().unwrap_or_default()),
                Cell::Text(l.key.condition.to_string()),
                Cell::Integer(l.level.on_hand),
                Cell::Integer(l.level.reserved),
                Cell::Integer(l.level.safety),
                Cell::Integer(l.level.available()),
                Cell::Integer(l.level.inbound),
                l.low_at.map_or(Cell::Empty, Cell::Integer),
                Cell::Text(l.bin),
            ]
        })
        .collect()
}

/// The stock that matches, as a sheet.
#[utoipa::path(get, path = "/api/v1/exports/stock", tag = "exports", operation_id = "export_stock", params(Params),
    responses((status = 200, description = "the file", content_type = "text/csv", body = String), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn stock_file(State(state): State<AppState>, guard: Guard<Export>, Query(params): Query<Params>) -> Result<Response, Problem> {
    guard.who.need(Permission::StockRead)?;
    let xlsx = is_xlsx(params.format.as_deref())?;
    let filter = filter_of(StockConditions { q: params.q, warehouse: params.warehouse, low: params.low, sort: params.sort })?;
    let chinese = guard.who.locale.starts_with("zh");
    let name = if chinese { "库存" } else { "Stock" }.to_owned();
    let sheet = Sheet { name, columns: columns(chinese, COLUMNS), zone: state.zone.clone() };
    let writing = Writing::start(&state, &guard.who, "stock", xlsx, sheet).await?;
    let names: HashMap<WarehouseId, String> = state.app.store.read(warehouses::all).await?.into_iter().map(|w| (w.id, w.name)).collect();
    let mut after: Option<StockCursor> = None;
    loop {
        let (filter, from) = (filter.clone(), after.take());
        let rows = state
            .app
            .store
            .read(move |tx| -> Result<Vec<StockRow>, StoreError> { stock::list(tx, &filter, from.as_ref(), CHUNK as i64) })
            .await?;
        let whole = rows.len() == CHUNK;
        after = rows.last().map(|r| StockCursor { available: r.available, code_normal: r.code_normal.clone(), sku_id: r.sku_id });
        let page = rows.into_iter().flat_map(|r| cells(r, &names, &guard.who.scope)).collect();
        if !writing.rows(page).await || !whole {
            break;
        }
    }
    writing.end().await
}

//! Stock endpoints: levels by SKU, the ledger, why a number is what it is, movements by hand.

mod moves;
pub mod shape;

use super::dto::{Named, Page};
use super::guard::{Guard, StockRead, StockWrite};
use super::input::{Body, Id, Query, id, limit};
use super::problem::Problem;
use super::state::AppState;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use shape::*;
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::access::Scope;
use wharf_domain::id::{RowId, SkuId, WarehouseId};
use wharf_domain::stock::{Condition, MovementKind};
use wharf_domain::word::Word;
use wharf_store::stock::{self, Cause, Entry, LevelKey, LevelRow, LevelSettings, MovementFilter, StockCursor, StockFilter};
use wharf_store::{StoreError, Tx, catalog, warehouses};

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(explain))
        .routes(routes!(movements, record))
        .routes(routes!(set_level))
        .merge(moves::routes())
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Part of a code or name, or a whole barcode.
    #[serde(default)]
    q: String,
    /// Only this warehouse.
    warehouse: Option<String>,
    /// Only SKUs at or below an alert threshold.
    #[serde(default)]
    low: bool,
    /// `code` (default) or `available`: least available first.
    sort: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// What the stock list and its file are filtered and sorted by.
pub(in crate::http) struct StockConditions {
    pub(in crate::http) q: String,
    pub(in crate::http) warehouse: Option<String>,
    pub(in crate::http) low: bool,
    pub(in crate::http) sort: Option<String>,
}

/// The store's filter, or which parameter is wrong.
pub(in crate::http) fn filter_of(conditions: StockConditions) -> Result<StockFilter, Problem> {
    let by_available = match conditions.sort.as_deref() {
        None | Some("code") => false,
        Some("available") => true,
        Some(other) => return Err(Problem::invalid("sort", format!("{other:?} is neither code nor available"))),
    };
    let warehouse_id = conditions.warehouse.as_deref().map(|w| id::<WarehouseId>("warehouse", w)).transpose()?;
    Ok(StockFilter { q: conditions.q, warehouse_id, low: conditions.low, by_available })
}

/// Stock by SKU, all warehouses of the person together.
#[utoipa::path(get, path = "/api/v1/stock", tag = "stock", operation_id = "list_stock", params(ListParams),
    responses((status = 200, body = Page<StockRow>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    guard: Guard<StockRead>,
    Query(params): Query<ListParams>,
) -> Result<Json<Page<StockRow>>, Problem> {
    let take = limit(params.limit)?;
    let after = params.cursor.as_deref().map(parse_cursor).transpose()?;
    let filter = filter_of(StockConditions { q: params.q, warehouse: params.warehouse, low: params.low, sort: params.sort })?;
    let scope = guard.who.scope;
    let page = state
        .app
        .store
        .read(move |tx| -> Result<Page<StockRow>, StoreError> {
            let rows = stock::list(tx, &filter, after.as_ref(), take as i64 + 1)?;
            let names = names(tx)?;
            let cursor = |r: &stock::StockRow| format!("{}~{}~{}", r.available, r.sku_id, r.code_normal);
            Ok(Page::cut(rows, take, cursor, |r| stock_row(r, &names, &scope)))
        })
        .await?;
    Ok(Json(page))
}

fn parse_cursor(text: &str) -> Result<StockCursor, Problem> {
    let mut parts = text.splitn(3, '~');
    let (Some(available), Some(sku), Some(code)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Problem::malformed("cursor: take it from `next` of the page before"));
    };
    Ok(StockCursor {
        available: available.parse().map_err(|_| Problem::malformed("cursor"))?,
        sku_id: id("cursor", sku)?,
        code_normal: code.to_owned(),
    })
}

fn names(tx: &mut Tx<'_>) -> Result<HashMap<WarehouseId, String>, StoreError> {
    Ok(warehouses::all(tx)?.into_iter().map(|w| (w.id, w.name)).collect())
}

fn named(id: WarehouseId, names: &HashMap<WarehouseId, String>) -> Named {
    Named { id: id.to_string(), name: names.get(&id).cloned().unwrap_or_default() }
}

fn level(row: &LevelRow, names: &HashMap<WarehouseId, String>) -> LevelDto {
    LevelDto {
        warehouse: named(row.key.warehouse_id, names),
        condition: row.key.condition.to_string(),
        on_hand: row.level.on_hand,
        reserved: row.level.reserved,
        safety: row.level.safety,
        inbound: row.level.inbound,
        available: row.level.available(),
        low_at: row.low_at,
        bin: row.bin.clone(),
    }
}

fn stock_row(row: stock::StockRow, names: &HashMap<WarehouseId, String>, scope: &Scope) -> StockRow {
    let seen: Vec<&LevelRow> = row.levels.iter().filter(|l| scope.warehouse(l.key.warehouse_id)).collect();
    let good = |pick: fn(&LevelRow) -> i64| seen.iter().filter(|l| l.key.condition == Condition::Good).map(|l| pick(l)).sum();
    StockRow {
        sku_id: row.sku_id.to_string(),
        sku_code: row.code,
        name: row.name,
        image_url: row.image_url,
        on_hand: good(|l| l.level.on_hand),
        reserved: good(|l| l.level.reserved),
        available: good(|l| l.level.available()),
        low: seen.iter().any(|l| l.low_at.is_some_and(|at| l.level.available() < at)),
        levels: seen.into_iter().map(|l| level(l, names)).collect(),
    }
}

/// Why a number is what it is: on hand = Σ movements, reserved = Σ held reservations.
#[utoipa::path(get, path = "/api/v1/stock/{sku}/explain", tag = "stock", operation_id = "explain_stock", params(("sku" = String, Path, description = "Id of the SKU")),
    responses((status = 200, body = StockExplanation), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn explain(State(state): State<AppState>, guard: Guard<StockRead>, Id(sku): Id<SkuId>) -> Result<Json<StockExplanation>, Problem> {
    let scope = guard.who.scope;
    let found = state
        .app
        .store
        .read(move |tx| -> Result<Option<StockExplanation>, StoreError> {
            let Some(article) = catalog::skus(tx, &[sku])?.into_iter().next() else { return Ok(None) };
            let names = names(tx)?;
            let told = stock::explain(tx, sku)?;
            let filter = MovementFilter { sku_id: Some(sku), warehouse_id: None, kind: None };
            let newest = stock::movements(tx, &filter, None, 50)?;
            let codes = HashMap::from([(sku, article.code.clone())]);
            let row = stock::StockRow {
                sku_id: sku,
                code: article.code,
                name: article.name,
                image_url: article.image_url,
                available: 0,
                code_normal: String::new(),
                levels: told.levels,
            };
            Ok(Some(StockExplanation {
                stock: stock_row(row, &names, &scope),
                sums: told
                    .sums
                    .into_iter()
                    .filter(|(key, ..)| scope.warehouse(key.warehouse_id))
                    .map(|(key, kind, count, on_hand, reserved)| MovementSum {
                        warehouse: named(key.warehouse_id, &names),
                        kind: kind.to_string(),
                        count,
                        on_hand,
                        reserved,
                    })
                    .collect(),
                reservations: told
                    .held
                    .into_iter()
                    .filter(|(held, _)| scope.warehouse(held.warehouse_id))
                    .map(|(held, external_id)| ReservationDto {
                        order_id: held.order_id.to_string(),
                        external_id,
                        warehouse: named(held.warehouse_id, &names),
                        quantity: held.quantity,
                    })
                    .collect(),
                movements: newest
                    .into_iter()
                    .filter(|m| scope.warehouse(m.key.warehouse_id))
                    .map(|m| movement(m, &names, &codes))
                    .collect(),
            }))
        })
        .await?;
    found.map(Json).ok_or_else(|| Problem::not_found("SKU"))
}

fn movement(m: stock::Movement, names: &HashMap<WarehouseId, String>, codes: &HashMap<SkuId, String>) -> MovementDto {
    MovementDto {
        id: m.id.to_string(),
        at: m.at.into(),
        sku_id: m.key.sku_id.to_string(),
        sku_code: codes.get(&m.key.sku_id).cloned().unwrap_or_default(),
        warehouse: named(m.key.warehouse_id, names),
        condition: m.key.condition.to_string(),
        kind: m.kind.to_string(),
        on_hand_delta: m.on_hand,
        reserved_delta: m.reserved,
        on_hand_after: m.on_hand_after,
        reserved_after: m.reserved_after,
        cause_kind: m.cause_kind,
        cause_id: m.cause_id.map(|c| c.to_string()),
        actor: (&m.actor).into(),
        note: m.note,
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MovementParams {
    /// Id of a SKU.
    sku: Option<String>,
    /// Id of a warehouse.
    warehouse: Option<String>,
    /// Kind of movement.
    kind: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// The ledger, newest first.
#[utoipa::path(get, path = "/api/v1/stock/movements", tag = "stock", operation_id = "list_movements", params(MovementParams),
    responses((status = 200, body = Page<MovementDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn movements(
    State(state): State<AppState>,
    guard: Guard<StockRead>,
    Query(params): Query<MovementParams>,
) -> Result<Json<Page<MovementDto>>, Problem> {
    let take = limit(params.limit)?;
    let filter = MovementFilter {
        sku_id: params.sku.as_deref().map(|v| id("sku", v)).transpose()?,
        warehouse_id: params.warehouse.as_deref().map(|v| id("warehouse", v)).transpose()?,
        kind: params.kind.as_deref().map(|v| MovementKind::parse(v).map_err(|e| Problem::invalid("kind", e.to_string()))).transpose()?,
    };
    let before: Option<RowId> = params.cursor.as_deref().map(|v| id("cursor", v)).transpose()?;
    let scope = guard.who.scope;
    let page = state
        .app
        .store
        .read(move |tx| -> Result<Page<MovementDto>, StoreError> {
            let rows = stock::movements(tx, &filter, before, take as i64 + 1)?;
            let Page { items: rows, next } = Page::cut(rows, take, |r| r.id.to_string(), |r| r);
            let names = names(tx)?;
            let mut ids: Vec<SkuId> = rows.iter().map(|m| m.key.sku_id).collect();
            ids.sort_unstable();
            ids.dedup();
            let codes = catalog::skus(tx, &ids)?.into_iter().map(|s| (s.id, s.code)).collect();
            Ok(Page {
                items: rows.into_iter().filter(|m| scope.warehouse(m.key.warehouse_id)).map(|m| movement(m, &names, &codes)).collect(),
                next,
            })
        })
        .await?;
    Ok(Json(page))
}

/// A movement by hand: goods received, corrected, counted or returned.
#[utoipa::path(post, path = "/api/v1/stock/movements", tag = "stock", operation_id = "record_movement", request_body = NewMovement,
    responses((status = 200, body = StockRow), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn record(State(state): State<AppState>, guard: Guard<StockWrite>, Body(new): Body<NewMovement>) -> Result<Json<StockRow>, Problem> {
    let condition = Condition::parse(&new.condition).map_err(|e| Problem::invalid("condition", e.to_string()))?;
    let kind = MovementKind::parse(&new.kind).map_err(|e| Problem::invalid("kind", e.to_string()))?;
    if !matches!(kind, MovementKind::Received | MovementKind::Adjusted | MovementKind::Counted | MovementKind::Returned) {
        return Err(Problem::invalid("kind", "by hand only received, adjusted, counted and returned"));
    }
    let note = new.note.trim().to_owned();
    if kind == MovementKind::Adjusted && note.is_empty() {
        return Err(Problem::invalid("note", "a correction needs a reason"));
    }
    if new.quantity.unsigned_abs() > 1_000_000_000 {
        return Err(Problem::invalid("quantity", "more than a thousand million"));
    }
    if matches!(kind, MovementKind::Received | MovementKind::Returned) && new.quantity <= 0 {
        return Err(Problem::invalid("quantity", "must be above zero"));
    }
    let warehouse_id: WarehouseId = id("warehouse_id", &new.warehouse_id)?;
    if !guard.who.scope.warehouse(warehouse_id) {
        return Err(Problem::not_found("warehouse"));
    }
    let (actor, scope) = (guard.who.actor(), guard.who.scope.clone());
    let row = state
        .app
        .store
        .write(move |tx| -> Result<StockRow, Problem> {
            let sku_id = find_sku(tx, &new.sku)?;
            if warehouses::get(tx, warehouse_id)?.is_none() {
                return Err(Problem::not_found("warehouse"));
            }
            let entry = Entry { key: LevelKey { sku_id, warehouse_id, condition }, kind, quantity: new.quantity, note };
            stock::record(tx, &[entry], Cause { kind: "user", id: None }, &actor)?.map_err(|unlawful| {
                Problem::refused("reserved_above_on_hand", format!("{} are reserved there: free them first", unlawful.before.reserved))
            })?;
            wharf_flows::route::stock_arrived(tx, &[sku_id], &[])?;
            let article = catalog::skus(tx, &[sku_id])?.into_iter().next().ok_or_else(|| Problem::not_found("SKU"))?;
            tx.announce("stock");
            let names = names(tx)?;
            let levels = stock::levels(tx, &[sku_id])?;
            let row = stock::StockRow {
                sku_id,
                code: article.code,
                name: article.name,
                image_url: article.image_url,
                available: 0,
                code_normal: String::new(),
                levels,
            };
            Ok(stock_row(row, &names, &scope))
        })
        .await?;
    Ok(Json(row))
}

fn find_sku(tx: &mut Tx<'_>, text: &str) -> Result<SkuId, Problem> {
    if let Ok(raw) = text.parse::<i64>()
        && let Some(found) = catalog::skus(tx, &[SkuId(raw)])?.first()
    {
        return Ok(found.id);
    }
    catalog::sku_by_scan(tx, text)?.ok_or_else(|| Problem::not_found("SKU"))
}

/// Safety stock, alert threshold and place of one level; absent fields stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LevelChange {
    /// Id of the SKU.
    sku_id: String,
    /// Id of the warehouse.
    warehouse_id: String,
    /// `good · defective`.
    condition: Option<String>,
    /// Never sold.
    safety: Option<i64>,
    /// Alert threshold; `-1` removes it.
    low_at: Option<i64>,
    /// Place in the warehouse.
    bin: Option<String>,
    /// Expected.
    inbound: Option<i64>,
}

/// Sets safety stock, alert threshold, place or expected quantity of a level.
#[utoipa::path(post, path = "/api/v1/stock/levels", tag = "stock", operation_id = "set_level", request_body = LevelChange,
    responses((status = 204, description = "set"), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn set_level(
    State(state): State<AppState>,
    guard: Guard<StockWrite>,
    Body(change): Body<LevelChange>,
) -> Result<axum::http::StatusCode, Problem> {
    let condition =
        Condition::parse(change.condition.as_deref().unwrap_or("good")).map_err(|e| Problem::invalid("condition", e.to_string()))?;
    let key = LevelKey { sku_id: id("sku_id", &change.sku_id)?, warehouse_id: id("warehouse_id", &change.warehouse_id)?, condition };
    for (field, value) in [("safety", change.safety), ("inbound", change.inbound)] {
        if value.is_some_and(|v| v < 0) {
            return Err(Problem::invalid(field, "must not be negative"));
        }
    }
    if !guard.who.scope.warehouse(key.warehouse_id) {
        return Err(Problem::not_found("warehouse"));
    }
    let settings = LevelSettings {
        safety: change.safety,
        low_at: change.low_at.map(|v| (v >= 0).then_some(v)),
        bin: change.bin,
        inbound: change.inbound,
    };
    state
        .app
        .store
        .write(move |tx| -> Result<(), Problem> {
            if warehouses::get(tx, key.warehouse_id)?.is_none() {
                return Err(Problem::not_found("warehouse"));
            }
            if catalog::skus(tx, &[key.sku_id])?.is_empty() {
                return Err(Problem::not_found("SKU"));
            }
            stock::set(tx, key, &settings)?;
            wharf_flows::route::stock_arrived(tx, &[key.sku_id], &[])?;
            tx.announce("stock");
            Ok(())
        })
        .await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

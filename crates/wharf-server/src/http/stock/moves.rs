//! Counts and transfers: many SKUs in one call, with a rehearsal.

use super::find_sku;
use crate::http::dto::Tally;
use crate::http::guard::{Guard, StockWrite};
use crate::http::input::{Body, id};
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::id::{SkuId, WarehouseId};
use wharf_domain::stock::Condition;
use wharf_domain::word::Word;
use wharf_flows::app::Outcome;
use wharf_flows::inventory::{self, Carried, Counted, Transfer};

/// The most SKUs of one call.
const MOST: usize = 5_000;
/// The largest number of units of one line.
const MOST_UNITS: i64 = 1_000_000_000;

/// The routes of this part.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(count)).routes(routes!(transfer))
}

fn good() -> String {
    Condition::Good.to_string()
}

/// What was found of one SKU.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CountedLine {
    /// Id, code or barcode of the SKU.
    sku: String,
    /// Units found.
    counted: i64,
}

/// A count.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CountInput {
    /// Id of the warehouse.
    warehouse_id: String,
    /// `good · defective`.
    #[serde(default = "good")]
    condition: String,
    /// Up to 5,000 SKUs, each once.
    lines: Vec<CountedLine>,
    /// Why it was counted.
    reason: String,
    /// Only say what would happen.
    #[serde(default)]
    dry_run: bool,
}

/// What a count came to for one SKU.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CountResult {
    /// Id of the SKU.
    pub id: String,
    /// `done · already · refused`.
    pub outcome: String,
    /// Word of the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// On hand before.
    pub before: i64,
    /// What was found.
    pub counted: i64,
    /// What was posted, or would be.
    pub difference: i64,
}

/// The answer of a count.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CountAnswer {
    /// One row a SKU.
    pub results: Vec<CountResult>,
    /// The sums.
    pub tally: Tally,
}

fn words(field: &str, text: &str, needed: bool) -> Result<String, Problem> {
    let text = text.trim();
    if (needed && text.is_empty()) || text.chars().count() > 300 {
        return Err(Problem::invalid(field, "1 to 300 characters"));
    }
    Ok(text.to_owned())
}

fn place(guard: &Guard<StockWrite>, field: &str, text: &str) -> Result<WarehouseId, Problem> {
    let warehouse: WarehouseId = id(field, text)?;
    if guard.who.scope.warehouse(warehouse) { Ok(warehouse) } else { Err(Problem::not_found("warehouse")) }
}

/// The SKUs of the lines, each known and each once.
async fn articles(state: &AppState, texts: Vec<String>) -> Result<Vec<SkuId>, Problem> {
    if texts.is_empty() || texts.len() > MOST {
        return Err(Problem::invalid("lines", format!("between 1 and {MOST}")));
    }
    state
        .app
        .store
        .read(move |tx| -> Result<Vec<SkuId>, Problem> {
            let mut found: Vec<SkuId> = Vec::with_capacity(texts.len());
            for (index, text) in texts.iter().enumerate() {
                let field = format!("lines.{index}.sku");
                let sku = find_sku(tx, text).map_err(|_| Problem::invalid(&field, format!("there is no SKU {text:?}")))?;
                if found.contains(&sku) {
                    return Err(Problem::invalid(&field, format!("{text:?} is there twice")));
                }
                found.push(sku);
            }
            Ok(found)
        })
        .await
}

/// Posts what was counted as differences, with the reason. A SKU of which more is promised than was found is refused: its
/// orders are settled first.
#[utoipa::path(post, path = "/api/v1/stock/counts", tag = "stock", operation_id = "count_stock", request_body = CountInput,
    responses((status = 200, body = CountAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn count(
    State(state): State<AppState>,
    guard: Guard<StockWrite>,
    Body(input): Body<CountInput>,
) -> Result<Json<CountAnswer>, Problem> {
    let condition = Condition::parse(&input.condition).map_err(|e| Problem::invalid("condition", e.to_string()))?;
    let reason = words("reason", &input.reason, true)?;
    let warehouse = place(&guard, "warehouse_id", &input.warehouse_id)?;
    if let Some(index) = input.lines.iter().position(|l| !(0..=MOST_UNITS).contains(&l.counted)) {
        return Err(Problem::invalid(&format!("lines.{index}.counted"), "must not be negative, nor more than a thousand million"));
    }
    let numbers: Vec<i64> = input.lines.iter().map(|l| l.counted).collect();
    let skus = articles(&state, input.lines.into_iter().map(|l| l.sku).collect()).await?;
    let counted = skus.into_iter().zip(numbers).map(|(sku_id, quantity)| Counted { sku_id, quantity }).collect();
    let lines = inventory::count(&state.app, &guard.who.actor(), warehouse, condition, counted, reason, input.dry_run).await?;
    let mut tally = Tally::default();
    let results = lines
        .into_iter()
        .map(|line| {
            let (outcome, reason) = match line.outcome {
                Outcome::Done => {
                    tally.done += 1;
                    ("done", None)
                }
                Outcome::Already => {
                    tally.already += 1;
                    ("already", None)
                }
                Outcome::Refused(reason) => {
                    tally.refused += 1;
                    *tally.reasons.entry(reason.clone()).or_default() += 1;
                    ("refused", Some(reason))
                }
            };
            let difference = if reason.is_some() { 0 } else { line.counted - line.before };
            CountResult {
                id: line.sku_id.to_string(),
                outcome: outcome.to_owned(),
                reason,
                before: line.before,
                counted: line.counted,
                difference,
            }
        })
        .collect();
    Ok(Json(CountAnswer { results, tally }))
}

/// Units of one SKU to carry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TransferLine {
    /// Id, code or barcode of the SKU.
    sku: String,
    /// Units.
    quantity: i64,
}

/// A transfer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TransferInput {
    /// Id of the warehouse that it leaves.
    from_warehouse_id: String,
    /// Id of the warehouse where it arrives.
    to_warehouse_id: String,
    /// `good · defective`.
    #[serde(default = "good")]
    condition: String,
    /// Up to 5,000 SKUs, each once.
    lines: Vec<TransferLine>,
    /// Why.
    #[serde(default)]
    note: String,
    /// Only say whether it could be done.
    #[serde(default)]
    dry_run: bool,
}

/// A transfer that was made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TransferMade {
    /// Cause of its movements in the ledger.
    pub id: String,
    /// Units in all.
    pub units: i64,
}

/// Carries goods from one warehouse to another: all lines or none, and never what is promised.
#[utoipa::path(post, path = "/api/v1/stock/transfers", tag = "stock", operation_id = "transfer_stock", request_body = TransferInput,
    responses((status = 200, body = TransferMade), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn transfer(
    State(state): State<AppState>,
    guard: Guard<StockWrite>,
    Body(input): Body<TransferInput>,
) -> Result<Json<TransferMade>, Problem> {
    let condition = Condition::parse(&input.condition).map_err(|e| Problem::invalid("condition", e.to_string()))?;
    let note = words("note", &input.note, false)?;
    let from = place(&guard, "from_warehouse_id", &input.from_warehouse_id)?;
    let to = place(&guard, "to_warehouse_id", &input.to_warehouse_id)?;
    if let Some(index) = input.lines.iter().position(|l| !(1..=MOST_UNITS).contains(&l.quantity)) {
        return Err(Problem::invalid(&format!("lines.{index}.quantity"), "must be above zero, and at most a thousand million"));
    }
    let numbers: Vec<i64> = input.lines.iter().map(|l| l.quantity).collect();
    let units = numbers.iter().sum();
    let skus = articles(&state, input.lines.into_iter().map(|l| l.sku).collect()).await?;
    let carried = skus.into_iter().zip(numbers).map(|(sku_id, quantity)| Carried { sku_id, quantity }).collect();
    let transfer = Transfer { from, to, condition, carried, note };
    let made = inventory::transfer(&state.app, &guard.who.actor(), transfer, input.dry_run).await?;
    Ok(Json(TransferMade { id: made.to_string(), units }))
}

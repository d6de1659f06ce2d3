//! Bulk operations: what was done, to what, with which outcome, and taking it back while that is true.

use super::dto::{ActionAnswer, Page, Tally, Time};
use super::guard::{Guard, Identity, OrdersAct, OrdersRead};
use super::input::{Id, Query, id, limit};
use super::orders::act::{LONG, accepted};
use super::page::PageParams;
use super::problem::Problem;
use super::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::access::Permission;
use wharf_domain::id::OperationId;
use wharf_flows::bulk::Asker;
use wharf_store::{StoreError, operations};

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).routes(routes!(undo))
}

/// A bulk operation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OperationDto {
    /// Id.
    pub id: String,
    /// The verb.
    pub kind: String,
    /// `running · done · failed …`
    pub operation_state: String,
    /// Targets.
    pub total: i64,
    /// Targets that have an outcome.
    pub finished: i64,
    /// The sums.
    pub tally: Tally,
    /// Until when it can be undone.
    pub undo_until: Option<Time>,
    /// When it was undone.
    pub undone_at: Option<Time>,
    /// When it began.
    pub created_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
}

/// What it did to one target.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OperationResult {
    /// Which.
    pub id: String,
    /// `done · already · refused`.
    pub outcome: String,
    /// Word of the refusal.
    pub reason: String,
}

/// An operation and a page of its results.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OperationDetail {
    /// The operation.
    #[serde(flatten)]
    pub operation: OperationDto,
    /// Its results by id.
    pub results: Page<OperationResult>,
}

/// As the API shows it.
pub fn dto(o: operations::Operation) -> OperationDto {
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    OperationDto {
        id: o.id.to_string(),
        kind: o.kind,
        operation_state: o.operation_state.to_string(),
        total: o.total,
        finished: o.finished,
        tally: Tally {
            done: count(o.tally.done),
            already: count(o.tally.already),
            refused: count(o.tally.refused),
            reasons: o.tally.reasons.into_iter().map(|(reason, n)| (reason, count(n))).collect(),
        },
        undo_until: o.undo_until.map(Time::from),
        undone_at: o.undone_at.map(Time::from),
        created_at: o.created_at.into(),
        ended_at: o.ended_at.map(Time::from),
    }
}

/// People see what they did themselves; who may read the audit log sees what everybody did.
fn sees(who: &Identity, operation: &operations::Operation) -> bool {
    operation.user_id == Some(who.user_id) || who.may(Permission::AuditRead)
}

/// The person's own operations, latest first.
#[utoipa::path(get, path = "/api/v1/operations", tag = "live", operation_id = "list_operations", params(PageParams),
    responses((status = 200, body = Page<OperationDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    guard: Guard<OrdersRead>,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<OperationDto>>, Problem> {
    let take = limit(params.limit)?;
    let before: Option<OperationId> = params.cursor.as_deref().map(|c| id("cursor", c)).transpose()?;
    let user = guard.who.user_id;
    let rows = state.app.store.read(move |tx| operations::list(tx, Some(user), before, take as i64 + 1)).await?;
    Ok(Json(Page::cut(rows, take, |o| o.id.to_string(), dto)))
}

/// One operation with its results.
#[utoipa::path(get, path = "/api/v1/operations/{id}", tag = "live", operation_id = "get_operation", params(("id" = String, Path), PageParams),
    responses((status = 200, body = OperationDetail), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn get(
    State(state): State<AppState>,
    guard: Guard<OrdersRead>,
    Id(operation): Id<OperationId>,
    Query(params): Query<PageParams>,
) -> Result<Json<OperationDetail>, Problem> {
    let take = limit(params.limit)?;
    let after: Option<i64> = params.cursor.as_deref().map(|c| id("cursor", c)).transpose()?;
    let found = state
        .app
        .store
        .read(move |tx| -> Result<_, StoreError> {
            let Some(found) = operations::get(tx, operation)? else { return Ok(None) };
            Ok(Some((found, operations::results(tx, operation, after, take as i64 + 1)?)))
        })
        .await?;
    let (operation, rows) = found.filter(|(o, _)| sees(&guard.who, o)).ok_or_else(|| Problem::not_found("operation"))?;
    let show =
        |r: operations::TargetResult| OperationResult { id: r.target_id.to_string(), outcome: r.outcome.to_string(), reason: r.reason };
    let results = Page::cut(rows, take, |r| r.target_id.to_string(), show);
    Ok(Json(OperationDetail { operation: dto(operation), results }))
}

/// Takes an operation back, target by target, where that is still true. Of a long one the answer is 202: an operation of its own.
#[utoipa::path(post, path = "/api/v1/operations/{id}/actions/undo", tag = "live", operation_id = "undo_operation", params(("id" = String, Path)),
    responses((status = 200, body = ActionAnswer), (status = 202, body = OperationDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn undo(State(state): State<AppState>, guard: Guard<OrdersAct>, Id(operation): Id<OperationId>) -> Result<Response, Problem> {
    let found = state.app.store.read(move |tx| operations::get(tx, operation)).await?;
    found.filter(|o| sees(&guard.who, o)).ok_or_else(|| Problem::not_found("operation"))?;
    let asker = Asker::new(guard.who.actor(), guard.who.scope.clone());
    let begun = wharf_flows::undo::begin(&state.app, &asker, operation).await?;
    if begun.total > LONG {
        return accepted(&state, begun.operation).await;
    }
    Ok(Json(ActionAnswer::new(wharf_flows::undo::finish(&state.app, begun).await?)).into_response())
}

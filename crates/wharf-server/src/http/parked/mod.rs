//! The parked tray: orders of a channel that could not be read. Nothing is lost and nothing is hidden.

use super::dto::{Page, Time};
use super::guard::{Guard, ShopsManage, ShopsRead};
use super::input::{Body, Id, Query, id, limit};
use super::people::audited;
use super::problem::Problem;
use super::state::AppState;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::id::{RowId, ShopId};
use wharf_store::{StoreError, audit, completeness};

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(dismiss)).routes(routes!(retry))
}

/// An order that could not be read.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ParkedDto {
    /// Id.
    pub id: String,
    /// Its shop.
    pub shop_id: String,
    /// The channel's order number; empty when not even that could be read.
    pub external_id: String,
    /// What was wrong.
    pub why: String,
    /// First seen.
    pub first_at: Time,
    /// Last seen.
    pub last_at: Time,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PageParams {
    /// Id of a shop.
    shop: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// What is parked, latest first.
#[utoipa::path(get, path = "/api/v1/parked", tag = "shops", operation_id = "list_parked", params(PageParams),
    responses((status = 200, body = Page<ParkedDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    guard: Guard<ShopsRead>,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<ParkedDto>>, Problem> {
    let take = limit(params.limit)?;
    let shop: Option<ShopId> = params.shop.as_deref().map(|s| id("shop", s)).transpose()?;
    let before: Option<RowId> = params.cursor.as_deref().map(|c| id("cursor", c)).transpose()?;
    let scope = guard.who.scope;
    let rows = state.app.store.read(move |tx| completeness::parked(tx, &scope, shop, before, take + 1)).await?;
    let show = |p: completeness::Parked| ParkedDto {
        id: p.id.to_string(),
        shop_id: p.shop_id.to_string(),
        external_id: p.external_id,
        why: p.why,
        first_at: p.first_at.into(),
        last_at: p.last_at.into(),
    };
    Ok(Json(Page::cut(rows, take, |p| p.id.to_string(), show)))
}

/// How many it was.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ParkedChanged {
    /// Parked orders that are settled now.
    pub settled: u64,
}

/// A person looked at it and it needs nothing more.
#[utoipa::path(post, path = "/api/v1/parked/{id}/actions/dismiss", tag = "shops", operation_id = "dismiss_parked", params(("id" = String, Path)),
    responses((status = 200, body = ParkedChanged), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn dismiss(State(state): State<AppState>, guard: Guard<ShopsManage>, Id(parked): Id<RowId>) -> Result<Json<ParkedChanged>, Problem> {
    let settled = state
        .app
        .store
        .write(move |tx| -> Result<bool, StoreError> {
            let settled = completeness::dismiss(tx, &guard.who.scope, parked)?;
            if settled {
                audit::record(tx, audited(&guard.who, "parked_dismissed", "parked", Some(parked.0), serde_json::json!({})))?;
            }
            Ok(settled)
        })
        .await?;
    if settled { Ok(Json(ParkedChanged { settled: 1 })) } else { Err(Problem::not_found("parked order")) }
}

/// Of which shop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetryInput {
    /// Id of the shop.
    shop_id: String,
}

/// Reads what is parked of a shop again from the channel.
#[utoipa::path(post, path = "/api/v1/parked/actions/retry", tag = "shops", operation_id = "retry_parked", request_body = RetryInput,
    responses((status = 200, body = ParkedChanged), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn retry(
    State(state): State<AppState>,
    guard: Guard<ShopsManage>,
    Body(input): Body<RetryInput>,
) -> Result<Json<ParkedChanged>, Problem> {
    let shop: ShopId = id("shop_id", &input.shop_id)?;
    if !guard.who.scope.shop(shop) {
        return Err(Problem::not_found("shop"));
    }
    let settled = wharf_flows::pull::retry_parked(&state.app, shop).await?;
    Ok(Json(ParkedChanged { settled: settled as u64 }))
}

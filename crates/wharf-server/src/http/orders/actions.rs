//! Bulk actions on orders: ids or a filter in, one outcome for each id out; a dry run says what would happen.

use super::filter::OrderParams;
use crate::http::dto::{ActionAnswer, Time};
use crate::http::guard::{Guard, OrdersAct};
use crate::http::input::{Body, id, ids};
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::access::Scope;
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{OrderId, UserId};
use wharf_domain::word::Word;
use wharf_flows::app::Outcome;
use wharf_flows::bulk::{Asker, Bulk};
use wharf_flows::route::RouteOptions;
use wharf_store::{StoreError, operations, order_list, orders};

/// The most orders of one action.
const MOST: usize = 50_000;

/// The routes of this part.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(approve))
        .routes(routes!(hold))
        .routes(routes!(release))
        .routes(routes!(assign))
        .routes(routes!(route))
        .routes(routes!(unroute))
        .routes(routes!(confirm))
}

/// Which orders: their ids, or all that match a filter.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct Selection {
    /// Ids of orders.
    pub ids: Vec<String>,
    /// Or all that match, as in `GET /orders`.
    pub filter: Option<OrderParams>,
    /// Only say what would happen.
    pub dry_run: bool,
}

impl Selection {
    /// The ids that are meant.
    pub async fn orders(&self, state: &AppState, scope: &Scope) -> Result<Vec<OrderId>, Problem> {
        match (&self.filter, self.ids.is_empty()) {
            (Some(_), false) => Err(Problem::invalid("filter", "ids or a filter, not both")),
            (None, true) => Err(Problem::invalid("ids", "name at least one order, or a filter")),
            (None, false) if self.ids.len() > MOST => Err(Problem::invalid("ids", format!("at most {MOST} at once"))),
            (None, false) => ids("ids", &self.ids),
            (Some(params), true) => {
                let (filter, scope) = (params.filter()?, scope.clone());
                let found = state
                    .app
                    .store
                    .read(move |tx| -> Result<Vec<OrderId>, StoreError> {
                        let mut all = Vec::new();
                        loop {
                            let after = all.last().copied().unwrap_or(OrderId(0));
                            let chunk = order_list::matching(tx, &scope, &filter, after, 5_000)?;
                            if chunk.is_empty() || all.len() > MOST {
                                return Ok(all);
                            }
                            all.extend(chunk);
                        }
                    })
                    .await?;
                if found.len() > MOST {
                    return Err(Problem::invalid("filter", format!("more than {MOST} orders match: narrow it")));
                }
                Ok(found)
            }
        }
    }
}

/// The answer of a bulk verb, with how long it can be undone.
pub async fn answer(state: &AppState, bulk: Bulk) -> Result<Json<ActionAnswer>, Problem> {
    let mut answer = ActionAnswer::new(bulk.results);
    if let Some(id) = bulk.operation_id {
        let operation = state.app.store.read(move |tx| operations::get(tx, id)).await?;
        answer.undo_until = operation.and_then(|o| o.undo_until).map(Time::from);
        answer.operation_id = Some(id.to_string());
    }
    Ok(Json(answer))
}

/// The person of an action, as flows know them.
pub fn asker(guard: &Guard<OrdersAct>) -> Asker {
    Asker::new(guard.who.actor(), guard.who.scope.clone())
}

/// Lets orders go on.
#[utoipa::path(post, path = "/api/v1/orders/actions/approve", tag = "orders", operation_id = "approve_orders", request_body = Selection,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn approve(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    Body(selection): Body<Selection>,
) -> Result<Json<ActionAnswer>, Problem> {
    let orders = selection.orders(&state, &guard.who.scope).await?;
    let bulk = wharf_flows::approve::approve(&state.app, &asker(&guard), orders, selection.dry_run).await?;
    answer(&state, bulk).await
}

/// A hold by hand.
#[derive(Debug, Deserialize, ToSchema)]
struct HoldInput {
    #[serde(flatten)]
    selection: Selection,
    /// Why, in the person's words.
    #[serde(default)]
    note: String,
}

/// Holds orders.
#[utoipa::path(post, path = "/api/v1/orders/actions/hold", tag = "orders", operation_id = "hold_orders", request_body = HoldInput,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn hold(State(state): State<AppState>, guard: Guard<OrdersAct>, Body(input): Body<HoldInput>) -> Result<Json<ActionAnswer>, Problem> {
    let orders = input.selection.orders(&state, &guard.who.scope).await?;
    let bulk = wharf_flows::hold::hold(&state.app, &asker(&guard), orders, input.note, input.selection.dry_run).await?;
    answer(&state, bulk).await
}

/// A release.
#[derive(Debug, Deserialize, ToSchema)]
struct ReleaseInput {
    #[serde(flatten)]
    selection: Selection,
    /// Only holds for this reason; absent: all of them.
    reason: Option<String>,
}

/// Releases holds: what a check saw is let pass.
#[utoipa::path(post, path = "/api/v1/orders/actions/release", tag = "orders", operation_id = "release_orders", request_body = ReleaseInput,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn release(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    Body(input): Body<ReleaseInput>,
) -> Result<Json<ActionAnswer>, Problem> {
    let reason =
        input.reason.as_deref().map(|r| HoldReason::parse(r).map_err(|e| Problem::invalid("reason", e.to_string()))).transpose()?;
    let orders = input.selection.orders(&state, &guard.who.scope).await?;
    let bulk = wharf_flows::hold::release(&state.app, &asker(&guard), orders, reason, input.selection.dry_run).await?;
    answer(&state, bulk).await
}

/// Who takes care.
#[derive(Debug, Deserialize, ToSchema)]
struct AssignInput {
    #[serde(flatten)]
    selection: Selection,
    /// Id of the person; absent: nobody.
    user_id: Option<String>,
}

/// Gives orders to a person.
#[utoipa::path(post, path = "/api/v1/orders/actions/assign", tag = "orders", operation_id = "assign_orders", request_body = AssignInput,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn assign(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    Body(input): Body<AssignInput>,
) -> Result<Json<ActionAnswer>, Problem> {
    let user: Option<UserId> = input.user_id.as_deref().map(|u| id("user_id", u)).transpose()?;
    let orders = input.selection.orders(&state, &guard.who.scope).await?;
    let bulk = wharf_flows::approve::assign(&state.app, &asker(&guard), orders, user, input.selection.dry_run).await?;
    answer(&state, bulk).await
}

/// A routing.
#[derive(Debug, Deserialize, ToSchema)]
struct RouteInput {
    #[serde(flatten)]
    selection: Selection,
    /// Only from this warehouse; absent: the best one.
    warehouse_id: Option<String>,
    /// Ship what is there, let the rest wait.
    #[serde(default)]
    partial: bool,
}

/// Orders of the selection that the person may see; the others are refused as not found.
async fn seen(state: &AppState, scope: &Scope, asked: Vec<OrderId>) -> Result<(Vec<OrderId>, Vec<(OrderId, Outcome)>), Problem> {
    let (scope, ids) = (scope.clone(), asked.clone());
    let known: std::collections::HashSet<OrderId> =
        state.app.store.read(move |tx| orders::orders(tx, &scope, &ids)).await?.into_iter().map(|o| o.id).collect();
    let (found, missing): (Vec<OrderId>, Vec<OrderId>) = asked.into_iter().partition(|id| known.contains(id));
    Ok((found, missing.into_iter().map(|id| (id, Outcome::Refused("not_found".into()))).collect()))
}

/// Chooses warehouses and reserves stock now.
#[utoipa::path(post, path = "/api/v1/orders/actions/route", tag = "orders", operation_id = "route_orders", request_body = RouteInput,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn route(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    Body(input): Body<RouteInput>,
) -> Result<Json<ActionAnswer>, Problem> {
    let options =
        RouteOptions { warehouse: input.warehouse_id.as_deref().map(|w| id("warehouse_id", w)).transpose()?, partial: input.partial };
    let asked = input.selection.orders(&state, &guard.who.scope).await?;
    let (orders, mut missing) = seen(&state, &guard.who.scope, asked).await?;
    let mut outcomes = if input.selection.dry_run {
        let decisions = wharf_flows::route::preview(&state.app, &orders, options).await?;
        decisions.into_iter().map(|d| (d.order_id, if d.is_short() { Outcome::Refused("short".into()) } else { Outcome::Done })).collect()
    } else {
        wharf_flows::route::route(&state.app, &guard.who.actor(), &orders, options).await?
    };
    outcomes.append(&mut missing);
    Ok(Json(ActionAnswer::new(outcomes)))
}

/// Takes the routing back: stock is free again, parcels that nobody touched are dissolved.
#[utoipa::path(post, path = "/api/v1/orders/actions/unroute", tag = "orders", operation_id = "unroute_orders", request_body = Selection,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn unroute(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    Body(selection): Body<Selection>,
) -> Result<Json<ActionAnswer>, Problem> {
    if selection.dry_run {
        return Err(Problem::invalid("dry_run", "is not offered here"));
    }
    let asked = selection.orders(&state, &guard.who.scope).await?;
    let (orders, mut missing) = seen(&state, &guard.who.scope, asked).await?;
    let mut outcomes = wharf_flows::route::unroute(&state.app, &guard.who.actor(), &orders).await?;
    outcomes.append(&mut missing);
    Ok(Json(ActionAnswer::new(outcomes)))
}

/// Tells the marketplace again after a refusal.
#[utoipa::path(post, path = "/api/v1/orders/actions/confirm", tag = "orders", operation_id = "confirm_orders", request_body = Selection,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn confirm(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    Body(selection): Body<Selection>,
) -> Result<Json<ActionAnswer>, Problem> {
    if selection.dry_run {
        return Err(Problem::invalid("dry_run", "is not offered here"));
    }
    let asked = selection.orders(&state, &guard.who.scope).await?;
    let (orders, mut missing) = seen(&state, &guard.who.scope, asked).await?;
    let mut outcomes = wharf_flows::confirm::retry(&state.app, &guard.who.actor(), &orders).await?;
    outcomes.append(&mut missing);
    Ok(Json(ActionAnswer::new(outcomes)))
}

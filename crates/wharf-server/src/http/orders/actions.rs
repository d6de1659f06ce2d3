//! Bulk actions on orders: ids or a filter in, one outcome for each id out; a dry run says what would happen.

use super::act::{Named, Selection, act, act_on, asker};
use crate::http::dto::ActionAnswer;
use crate::http::guard::{Guard, OrdersAct};
use crate::http::input::{Body, IfMatch, id};
use crate::http::operations::OperationDto;
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::cancellation::CancelSource;
use wharf_domain::hold::HoldReason;
use wharf_domain::id::UserId;
use wharf_domain::word::Word;
use wharf_flows::cancel::CancelOrder;
use wharf_flows::rearrange::SplitLine;
use wharf_flows::route::{RouteOptions, Routing};
use wharf_flows::ship::ByHand;
use wharf_flows::verbs::{self, Verb};

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
        .routes(routes!(cancel))
        .routes(routes!(merge))
        .routes(routes!(split))
}

/// Lets orders go on.
#[utoipa::path(post, path = "/api/v1/orders/actions/approve", tag = "orders", operation_id = "approve_orders", params(("If-Match" = Option<String>, Header)), request_body = Selection,
    responses((status = 200, body = ActionAnswer), (status = 202, body = OperationDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn approve(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    seen: IfMatch,
    Body(input): Body<Selection>,
) -> Result<Response, Problem> {
    act(&state, &guard, seen, &input, Verb::Approve).await
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
#[utoipa::path(post, path = "/api/v1/orders/actions/hold", tag = "orders", operation_id = "hold_orders", params(("If-Match" = Option<String>, Header)), request_body = HoldInput,
    responses((status = 200, body = ActionAnswer), (status = 202, body = OperationDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn hold(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    seen: IfMatch,
    Body(input): Body<HoldInput>,
) -> Result<Response, Problem> {
    act(&state, &guard, seen, &input.selection, Verb::Hold { note: input.note }).await
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
#[utoipa::path(post, path = "/api/v1/orders/actions/release", tag = "orders", operation_id = "release_orders", params(("If-Match" = Option<String>, Header)), request_body = ReleaseInput,
    responses((status = 200, body = ActionAnswer), (status = 202, body = OperationDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn release(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    seen: IfMatch,
    Body(input): Body<ReleaseInput>,
) -> Result<Response, Problem> {
    let reason =
        input.reason.as_deref().map(|r| HoldReason::parse(r).map_err(|e| Problem::invalid("reason", e.to_string()))).transpose()?;
    act(&state, &guard, seen, &input.selection, Verb::Release { reason }).await
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
#[utoipa::path(post, path = "/api/v1/orders/actions/assign", tag = "orders", operation_id = "assign_orders", params(("If-Match" = Option<String>, Header)), request_body = AssignInput,
    responses((status = 200, body = ActionAnswer), (status = 202, body = OperationDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn assign(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    seen: IfMatch,
    Body(input): Body<AssignInput>,
) -> Result<Response, Problem> {
    let to: Option<UserId> = input.user_id.as_deref().map(|u| id("user_id", u)).transpose()?;
    act(&state, &guard, seen, &input.selection, Verb::Assign { to }).await
}

/// A routing.
#[derive(Debug, Deserialize, ToSchema)]
struct RouteInput {
    #[serde(flatten)]
    selection: Selection,
    /// Only from this warehouse; absent: the best one. An order that lies in another one moves while nothing is packed.
    warehouse_id: Option<String>,
    /// Ship what is there, let the rest wait.
    #[serde(default)]
    partial: bool,
    /// Id of the carrier account that gets the parcels; absent: the best one.
    carrier_account_id: Option<String>,
    /// Its service; absent: the cheapest that fits.
    service: Option<String>,
}

/// Chooses warehouses and carriers and reserves stock now.
#[utoipa::path(post, path = "/api/v1/orders/actions/route", tag = "orders", operation_id = "route_orders", params(("If-Match" = Option<String>, Header)), request_body = RouteInput,
    responses((status = 200, body = ActionAnswer), (status = 202, body = OperationDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn route(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    seen: IfMatch,
    Body(input): Body<RouteInput>,
) -> Result<Response, Problem> {
    let warehouse = input.warehouse_id.as_deref().map(|w| id("warehouse_id", w)).transpose()?;
    let account = input.carrier_account_id.as_deref().map(|a| id("carrier_account_id", a)).transpose()?;
    let carrier = match (account, input.service) {
        (None, Some(_)) => return Err(Problem::invalid("service", "name the carrier account that it is a service of")),
        (account, service) => account.map(|account| ByHand { account, service }),
    };
    let routing = Routing { options: RouteOptions { warehouse, partial: input.partial }, carrier };
    act(&state, &guard, seen, &input.selection, Verb::Route(routing)).await
}

/// Takes the routing back: stock is free again, parcels that nobody touched are dissolved.
#[utoipa::path(post, path = "/api/v1/orders/actions/unroute", tag = "orders", operation_id = "unroute_orders", params(("If-Match" = Option<String>, Header)), request_body = Selection,
    responses((status = 200, body = ActionAnswer), (status = 202, body = OperationDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn unroute(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    seen: IfMatch,
    Body(input): Body<Selection>,
) -> Result<Response, Problem> {
    act(&state, &guard, seen, &input, Verb::Unroute).await
}

/// Tells the marketplace again after a refusal.
#[utoipa::path(post, path = "/api/v1/orders/actions/confirm", tag = "orders", operation_id = "confirm_orders", params(("If-Match" = Option<String>, Header)), request_body = Selection,
    responses((status = 200, body = ActionAnswer), (status = 202, body = OperationDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn confirm(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    seen: IfMatch,
    Body(input): Body<Selection>,
) -> Result<Response, Problem> {
    act(&state, &guard, seen, &input, Verb::Confirm).await
}

/// A cancellation.
#[derive(Debug, Deserialize, ToSchema)]
struct CancelInput {
    #[serde(flatten)]
    selection: Selection,
    /// Or up to 1,000 order numbers of their shops; what is found nowhere is refused as `not_found`.
    #[serde(default)]
    external_ids: Vec<String>,
    /// `buyer_asked · wrong_item · wrong_details · not_paid · duplicate · out_of_stock · wrong_price · quality ·
    /// address_unreachable · too_slow · malicious · met_in_person · other`; `other` needs a note. A channel takes those that
    /// `GET /vendors` shows.
    reason: String,
    /// Who wants it: `buyer · seller`; absent: the seller.
    source: Option<String>,
    /// The buyer's or the seller's words.
    #[serde(default)]
    note: String,
    /// How many orders the caller means: with another number nothing is done.
    expected: Option<usize>,
}

/// Calls orders off: stock comes back, labels are recalled, the bench is told. A channel that must be told is told a minute later.
#[utoipa::path(post, path = "/api/v1/orders/actions/cancel", tag = "orders", operation_id = "cancel_orders", params(("If-Match" = Option<String>, Header)), request_body = CancelInput,
    responses((status = 200, body = ActionAnswer), (status = 202, body = OperationDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn cancel(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    seen: IfMatch,
    Body(input): Body<CancelInput>,
) -> Result<Response, Problem> {
    let what = CancelOrder {
        reason: Word::parse(&input.reason).map_err(|e| Problem::invalid("reason", e.to_string()))?,
        source: match input.source.as_deref().map(CancelSource::parse) {
            None => CancelSource::Seller,
            Some(Ok(source @ (CancelSource::Buyer | CancelSource::Seller))) => source,
            Some(_) => return Err(Problem::invalid("source", "is neither buyer nor seller")),
        },
        note: input.note,
    };
    let meant = |count: usize| match input.expected {
        Some(expected) if expected != count => {
            Err(Problem::conflict(format!("{expected} orders were meant and these are {count}: look again"), None))
        }
        _ => Ok(()),
    };
    if input.external_ids.is_empty() {
        let orders = input.selection.orders(&state, &guard.who.scope).await?;
        meant(orders.len())?;
        return act_on(&state, &guard, seen, orders, input.selection.dry_run, Verb::Cancel(what)).await;
    }
    if !input.selection.ids.is_empty() || input.selection.filter.is_some() {
        return Err(Problem::invalid("external_ids", "ids, external_ids or a filter, not several"));
    }
    let named = Named::find(&state, &guard.who.scope, input.external_ids).await?;
    meant(named.found.len())?;
    let bulk = verbs::run(&state.app, &asker(&guard), Verb::Cancel(what), named.orders(), input.selection.dry_run).await?;
    named.answer(&state, bulk).await
}

/// Puts the parcels of orders together where they go to one recipient. Each order keeps its identity and gets its own confirmation.
#[utoipa::path(post, path = "/api/v1/orders/actions/merge", tag = "orders", operation_id = "merge_orders", params(("If-Match" = Option<String>, Header)), request_body = Selection,
    responses((status = 200, body = ActionAnswer), (status = 202, body = OperationDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn merge(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    seen: IfMatch,
    Body(input): Body<Selection>,
) -> Result<Response, Problem> {
    act(&state, &guard, seen, &input, Verb::Merge).await
}

/// Units of a line.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SplitPart {
    /// Id of the line.
    id: String,
    /// Units of it that go into the second parcel.
    quantity: i64,
}

/// A split of one order.
#[derive(Debug, Deserialize, ToSchema)]
struct SplitOrder {
    #[serde(flatten)]
    selection: Selection,
    /// What goes into the second parcel.
    lines: Vec<SplitPart>,
}

/// Sends some units of one order in a parcel of their own; the rest stays in the first.
#[utoipa::path(post, path = "/api/v1/orders/actions/split", tag = "orders", operation_id = "split_orders", params(("If-Match" = Option<String>, Header)), request_body = SplitOrder,
    responses((status = 200, body = ActionAnswer), (status = 202, body = OperationDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn split(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    seen: IfMatch,
    Body(input): Body<SplitOrder>,
) -> Result<Response, Problem> {
    if input.selection.filter.is_some() || input.selection.ids.len() != 1 {
        return Err(Problem::invalid("ids", "name one order"));
    }
    let lines = input.lines.iter().map(|l| Ok(SplitLine { order_line_id: id("lines.id", &l.id)?, quantity: l.quantity }));
    let lines = lines.collect::<Result<Vec<_>, Problem>>()?;
    act(&state, &guard, seen, &input.selection, Verb::Split { lines }).await
}

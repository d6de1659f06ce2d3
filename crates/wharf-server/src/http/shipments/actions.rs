//! Bulk actions on parcels: book, print, pack, unpack, void, hand over, carrier, merge, split, take out.

use super::visible;
use crate::http::dto::ActionAnswer;
use crate::http::guard::{Guard, ShipmentsAct};
use crate::http::input::{Body, id, ids};
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_documents::Language;
use wharf_domain::access::Scope;
use wharf_domain::id::{FulfillmentLineId, OrderId, ShipmentId};
use wharf_flows::app::Outcome;
use wharf_flows::pack::Packer;
use wharf_flows::print::Printing;
use wharf_store::StoreError;

/// The routes of this part.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(book))
        .routes(routes!(void))
        .routes(routes!(print))
        .routes(routes!(pack))
        .routes(routes!(unpack))
        .routes(routes!(hand_over))
        .routes(routes!(set_carrier))
        .routes(routes!(merge))
        .routes(routes!(take_out))
        .routes(routes!(split))
}

/// Parcels to act on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ShipmentIds {
    /// Up to 1,000 parcels.
    ids: Vec<String>,
}

/// Of the parcels asked: those that the person may see, and refusals for the rest.
pub(super) async fn seen(
    state: &AppState,
    scope: &Scope,
    texts: &[String],
) -> Result<(Vec<ShipmentId>, Vec<(ShipmentId, Outcome)>), Problem> {
    if texts.is_empty() || texts.len() > 1_000 {
        return Err(Problem::invalid("ids", "between 1 and 1,000"));
    }
    let mut once = std::collections::HashSet::new();
    let asked: Vec<ShipmentId> = ids("ids", texts)?.into_iter().filter(|id| once.insert(*id)).collect();
    let (scope, copy) = (scope.clone(), asked.clone());
    let known: std::collections::HashSet<ShipmentId> = state
        .app
        .store
        .read(move |tx| -> Result<_, StoreError> { Ok(visible(tx, &scope, &copy)?.into_iter().map(|r| r.shipment.id).collect()) })
        .await?;
    let (found, missing): (Vec<_>, Vec<_>) = asked.into_iter().partition(|i| known.contains(i));
    Ok((found, missing.into_iter().map(|i| (i, Outcome::Refused("not_found".into()))).collect()))
}

fn answer(mut outcomes: Vec<(ShipmentId, Outcome)>, mut missing: Vec<(ShipmentId, Outcome)>) -> Json<ActionAnswer> {
    outcomes.append(&mut missing);
    Json(ActionAnswer::new(outcomes))
}

/// How a person's documents are printed.
pub fn printing(state: &AppState, who: &crate::http::guard::Identity, station: &str, cause: &str, locale: &str) -> Printing {
    let language = if locale == "en" || (locale.is_empty() && who.locale == "en") { Language::En } else { Language::Zh };
    let zone = state.zone.clone();
    Printing { station: station.to_owned(), user_id: Some(who.user_id), language, zone, cause: cause.trim().to_owned() }
}

/// Buys waybills now.
#[utoipa::path(post, path = "/api/v1/shipments/actions/book", tag = "shipments", operation_id = "book_shipments", request_body = ShipmentIds,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn book(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(input): Body<ShipmentIds>,
) -> Result<Json<ActionAnswer>, Problem> {
    let (found, missing) = seen(&state, &guard.who.scope, &input.ids).await?;
    Ok(answer(wharf_flows::book::book(&state.app, &guard.who.actor(), &found).await?, missing))
}

/// Gives waybills back.
#[utoipa::path(post, path = "/api/v1/shipments/actions/void", tag = "shipments", operation_id = "void_shipments", request_body = ShipmentIds,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn void(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(input): Body<ShipmentIds>,
) -> Result<Json<ActionAnswer>, Problem> {
    let (found, missing) = seen(&state, &guard.who.scope, &input.ids).await?;
    Ok(answer(wharf_flows::book::void(&state.app, &guard.who.actor(), &found).await?, missing))
}

/// Labels to print.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PrintInput {
    /// Up to 1,000 parcels.
    ids: Vec<String>,
    /// Which station prints.
    #[serde(default)]
    station: String,
    /// Needed for a second label of one waybill.
    #[serde(default)]
    cause: String,
}

/// A printed file.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FileDto {
    /// Id of the batch: `GET /api/v1/documents/{id}` gives the bytes.
    pub id: String,
    /// Media type.
    pub media_type: String,
    /// Documents in it.
    pub documents: i64,
}

/// The answer of a print order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PrintAnswer {
    /// Files to send to a printer, usually one.
    pub files: Vec<FileDto>,
    /// The answer for each parcel.
    #[serde(flatten)]
    pub answer: ActionAnswer,
}

pub(super) fn print_answer(printed: wharf_flows::print::Printed, mut missing: Vec<(ShipmentId, Outcome)>) -> PrintAnswer {
    let mut outcomes = printed.results;
    outcomes.append(&mut missing);
    PrintAnswer {
        files: printed
            .files
            .into_iter()
            .map(|f| FileDto { id: f.batch_id.to_string(), media_type: f.media_type, documents: f.documents })
            .collect(),
        answer: ActionAnswer::new(outcomes),
    }
}

/// Prints labels, each once: a second one needs a cause.
#[utoipa::path(post, path = "/api/v1/shipments/actions/print", tag = "shipments", operation_id = "print_shipments", request_body = PrintInput,
    responses((status = 200, body = PrintAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn print(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(input): Body<PrintInput>,
) -> Result<Json<PrintAnswer>, Problem> {
    let (found, missing) = seen(&state, &guard.who.scope, &input.ids).await?;
    let printing = printing(&state, &guard.who, &input.station, &input.cause, "");
    let printed = wharf_flows::print::labels(&state.app, &guard.who.actor(), &printing, &found).await?;
    Ok(Json(print_answer(printed, missing)))
}

/// Parcels to close without scans.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PackInput {
    /// Up to 1,000 parcels.
    ids: Vec<String>,
    /// At which station.
    #[serde(default)]
    station: String,
}

/// Closes parcels without scanning their items.
#[utoipa::path(post, path = "/api/v1/shipments/actions/pack", tag = "shipments", operation_id = "pack_shipments", request_body = PackInput,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn pack(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(input): Body<PackInput>,
) -> Result<Json<ActionAnswer>, Problem> {
    let (found, missing) = seen(&state, &guard.who.scope, &input.ids).await?;
    let packer = Packer {
        actor: guard.who.actor(),
        user_id: Some(guard.who.user_id),
        printing: printing(&state, &guard.who, &input.station, "", ""),
    };
    Ok(answer(wharf_flows::pack::pack(&state.app, &packer, &input.station, &found).await?, missing))
}

/// Opens closed parcels again.
#[utoipa::path(post, path = "/api/v1/shipments/actions/unpack", tag = "shipments", operation_id = "unpack_shipments", request_body = ShipmentIds,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn unpack(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(input): Body<ShipmentIds>,
) -> Result<Json<ActionAnswer>, Problem> {
    let (found, missing) = seen(&state, &guard.who.scope, &input.ids).await?;
    Ok(answer(wharf_flows::pack::unpack(&state.app, &guard.who.actor(), &found).await?, missing))
}

/// Parcels leave with the carrier: stock leaves, marketplaces are told.
#[utoipa::path(post, path = "/api/v1/shipments/actions/hand_over", tag = "shipments", operation_id = "hand_over_shipments", request_body = ShipmentIds,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn hand_over(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(input): Body<ShipmentIds>,
) -> Result<Json<ActionAnswer>, Problem> {
    let (found, missing) = seen(&state, &guard.who.scope, &input.ids).await?;
    Ok(answer(wharf_flows::hand_over::hand_over(&state.app, &guard.who.actor(), &found).await?, missing))
}

/// A carrier by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CarrierInput {
    /// Up to 1,000 parcels.
    ids: Vec<String>,
    /// Id of the carrier account.
    carrier_account_id: String,
    /// Its service; absent: the cheapest that fits.
    service: Option<String>,
}

/// Sets the carrier of parcels that are not packed; a label that exists is recalled first.
#[utoipa::path(post, path = "/api/v1/shipments/actions/carrier", tag = "shipments", operation_id = "set_carrier", request_body = CarrierInput,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn set_carrier(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(input): Body<CarrierInput>,
) -> Result<Json<ActionAnswer>, Problem> {
    let (found, missing) = seen(&state, &guard.who.scope, &input.ids).await?;
    let account = id("carrier_account_id", &input.carrier_account_id)?;
    Ok(answer(wharf_flows::ship::set_carrier(&state.app, &guard.who.actor(), &found, account, input.service).await?, missing))
}

/// The parcel that came of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ShipmentMade {
    /// Id.
    pub id: String,
}

async fn all_seen(state: &AppState, scope: &Scope, texts: &[String]) -> Result<Vec<ShipmentId>, Problem> {
    let (found, missing) = seen(state, scope, texts).await?;
    if missing.is_empty() { Ok(found) } else { Err(Problem::not_found("shipment")) }
}

/// Puts the orders of several parcels into one; each order keeps its identity and gets its own confirmation.
#[utoipa::path(post, path = "/api/v1/shipments/actions/merge", tag = "shipments", operation_id = "merge_shipments", request_body = ShipmentIds,
    responses((status = 200, body = ShipmentMade), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn merge(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(input): Body<ShipmentIds>,
) -> Result<Json<ShipmentMade>, Problem> {
    let found = all_seen(&state, &guard.who.scope, &input.ids).await?;
    let made = wharf_flows::ship::merge(&state.app, &guard.who.actor(), &found).await?;
    Ok(Json(ShipmentMade { id: made.to_string() }))
}

/// An order to take out of a parcel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TakeOutInput {
    /// The parcel.
    id: String,
    /// The order.
    order_id: String,
}

/// Takes an order out of a parcel it shares: the merge undone.
#[utoipa::path(post, path = "/api/v1/shipments/actions/take_out", tag = "shipments", operation_id = "take_out", request_body = TakeOutInput,
    responses((status = 200, body = ShipmentMade), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn take_out(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(input): Body<TakeOutInput>,
) -> Result<Json<ShipmentMade>, Problem> {
    let found = all_seen(&state, &guard.who.scope, std::slice::from_ref(&input.id)).await?;
    let order: OrderId = id("order_id", &input.order_id)?;
    let made = wharf_flows::ship::take_out(&state.app, &guard.who.actor(), found[0], order).await?;
    Ok(Json(ShipmentMade { id: made.to_string() }))
}

/// A part of a parcel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SplitLine {
    /// Id of the fulfillment line.
    fulfillment_line_id: String,
    /// Units of it that go into the new parcel.
    quantity: i64,
}

/// A split.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SplitInput {
    /// The parcel.
    id: String,
    /// What goes into the new one.
    lines: Vec<SplitLine>,
}

/// Splits a parcel that is not packed: part of it goes into a new one.
#[utoipa::path(post, path = "/api/v1/shipments/actions/split", tag = "shipments", operation_id = "split_shipment", request_body = SplitInput,
    responses((status = 200, body = ShipmentMade), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn split(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(input): Body<SplitInput>,
) -> Result<Json<ShipmentMade>, Problem> {
    let found = all_seen(&state, &guard.who.scope, std::slice::from_ref(&input.id)).await?;
    let lines = input
        .lines
        .iter()
        .map(|l| Ok((id::<FulfillmentLineId>("lines.fulfillment_line_id", &l.fulfillment_line_id)?, l.quantity)))
        .collect::<Result<Vec<_>, Problem>>()?;
    let made = wharf_flows::ship::split(&state.app, &guard.who.actor(), found[0], &lines).await?;
    Ok(Json(ShipmentMade { id: made.to_string() }))
}

//! What people write into orders: addresses, notes, tags, who looks after them, the blacklist.

use super::act::{Selection, act, asker};
use crate::http::dto::ActionAnswer;
use crate::http::guard::{Guard, OrdersAct};
use crate::http::input::{Body, IfMatch, id, ids};
use crate::http::operations::OperationDto;
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::id::{OrderId, UserId};
use wharf_flows::app::Outcome;
use wharf_flows::approve;
use wharf_flows::edit::{AddressEdit, NoteEdit};
use wharf_flows::hold::BlacklistKind;
use wharf_flows::verbs::Verb;

/// The most orders a person takes at once.
const MOST_TAKEN: usize = 200;

/// The routes of this part.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(edit_address))
        .routes(routes!(note))
        .routes(routes!(tag))
        .routes(routes!(share))
        .routes(routes!(take_next))
        .routes(routes!(blacklist))
}

/// A recipient; where one is changed, absent parts stay.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RecipientInput {
    /// Name.
    pub(super) name: Option<String>,
    /// Phone.
    pub(super) phone: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub(super) country: Option<String>,
    /// Province or state.
    pub(super) province: Option<String>,
    /// City.
    pub(super) city: Option<String>,
    /// District.
    pub(super) district: Option<String>,
    /// Town or street office.
    pub(super) town: Option<String>,
    /// Postal code.
    pub(super) postal_code: Option<String>,
    /// Street, house, flat.
    pub(super) address: Option<String>,
}

/// New addresses.
#[derive(Deserialize, ToSchema)]
struct AddressInput {
    #[serde(flatten)]
    selection: Selection,
    /// The parts that change.
    #[serde(default)]
    recipient: RecipientInput,
    /// Parts of the region alone, as a likely fix proposes them.
    #[serde(default)]
    region: RecipientInput,
    /// `phone`: take the one obvious correction of the phone.
    accept: Option<String>,
}

/// Corrects where orders go. An order with a label is refused until the label is recalled.
#[utoipa::path(post, path = "/api/v1/orders/actions/edit_address", tag = "orders", operation_id = "edit_address", params(("If-Match" = Option<String>, Header)), request_body = AddressInput,
    responses((status = 200, body = ActionAnswer), (status = 202, body = OperationDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn edit_address(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    seen: IfMatch,
    Body(input): Body<AddressInput>,
) -> Result<Response, Problem> {
    let accept_phone = match input.accept.as_deref() {
        None => false,
        Some("phone") => true,
        Some(other) => return Err(Problem::invalid("accept", format!("{other:?} is not `phone`"))),
    };
    let (whole, region) = (input.recipient, input.region);
    let change = AddressEdit {
        country: region.country.or(whole.country),
        province: region.province.or(whole.province),
        city: region.city.or(whole.city),
        district: region.district.or(whole.district),
        town: region.town.or(whole.town),
        postal_code: region.postal_code.or(whole.postal_code),
        name: whole.name,
        phone: whole.phone,
        address: whole.address,
        accept_phone,
    };
    act(&state, &guard, seen, &input.selection, Verb::EditAddress(change)).await
}

/// A seller's note.
#[derive(Debug, Deserialize, ToSchema)]
struct NoteInput {
    #[serde(flatten)]
    selection: Selection,
    /// The whole new note; absent: it stays.
    seller_note: Option<String>,
    /// Put the buyer's words before it.
    #[serde(default)]
    copy_buyer_note: bool,
    /// The flag, 0 to 9; absent: it stays.
    seller_flag: Option<i64>,
}

/// Writes the seller's note and flag, here and on the channel.
#[utoipa::path(post, path = "/api/v1/orders/actions/note", tag = "orders", operation_id = "note_orders", params(("If-Match" = Option<String>, Header)), request_body = NoteInput,
    responses((status = 200, body = ActionAnswer), (status = 202, body = OperationDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn note(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    seen: IfMatch,
    Body(input): Body<NoteInput>,
) -> Result<Response, Problem> {
    let change = NoteEdit { note: input.seller_note, copy_buyer_note: input.copy_buyer_note, flag: input.seller_flag };
    if change == NoteEdit::default() {
        return Err(Problem::invalid("seller_note", "say what changes: seller_note, copy_buyer_note or seller_flag"));
    }
    act(&state, &guard, seen, &input.selection, Verb::Note(change)).await
}

/// Tags to put on and take off.
#[derive(Debug, Deserialize, ToSchema)]
struct TagInput {
    #[serde(flatten)]
    selection: Selection,
    /// Tags to put on.
    #[serde(default)]
    add: Vec<String>,
    /// Tags to take off.
    #[serde(default)]
    remove: Vec<String>,
}

/// Puts tags on and takes tags off.
#[utoipa::path(post, path = "/api/v1/orders/actions/tag", tag = "orders", operation_id = "tag_orders", params(("If-Match" = Option<String>, Header)), request_body = TagInput,
    responses((status = 200, body = ActionAnswer), (status = 202, body = OperationDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn tag(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    seen: IfMatch,
    Body(input): Body<TagInput>,
) -> Result<Response, Problem> {
    act(&state, &guard, seen, &input.selection, Verb::Tag { add: input.add, remove: input.remove }).await
}

/// A sharing out.
#[derive(Debug, Deserialize, ToSchema)]
struct ShareInput {
    #[serde(flatten)]
    selection: Selection,
    /// Ids of the people.
    among: Vec<String>,
}

/// Shares orders among people evenly; those that somebody looks after stay with them.
#[utoipa::path(post, path = "/api/v1/orders/actions/share", tag = "orders", operation_id = "share_orders", params(("If-Match" = Option<String>, Header)), request_body = ShareInput,
    responses((status = 200, body = ActionAnswer), (status = 202, body = OperationDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn share(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    seen: IfMatch,
    Body(input): Body<ShareInput>,
) -> Result<Response, Problem> {
    let among: Vec<UserId> = ids("among", &input.among)?;
    act(&state, &guard, seen, &input.selection, Verb::Share { among }).await
}

/// How many to take.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TakeInput {
    /// 1 to 200.
    count: usize,
}

/// Takes the most urgent orders to review that nobody looks after: two people never get the same one.
#[utoipa::path(post, path = "/api/v1/orders/actions/take_next", tag = "orders", operation_id = "take_next_orders", request_body = TakeInput,
    responses((status = 200, body = ActionAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn take_next(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    Body(input): Body<TakeInput>,
) -> Result<Json<ActionAnswer>, Problem> {
    if !(1..=MOST_TAKEN).contains(&input.count) {
        return Err(Problem::invalid("count", format!("{} is not within 1 to {MOST_TAKEN}", input.count)));
    }
    let taken = approve::take_next(&state.app, &asker(&guard), guard.who.user_id, input.count).await?;
    Ok(Json(ActionAnswer::new(taken.into_iter().map(|id| (id, Outcome::Done)))))
}

/// Who is not to be sent to without a look.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BlacklistInput {
    /// Id of an order of theirs.
    id: String,
    /// What is remembered of them: `buyer · phone · name`.
    kind: String,
    /// Why; absent: they are taken off the list.
    note: Option<String>,
}

/// Puts the buyer of an order on the blacklist, or takes them off.
#[utoipa::path(post, path = "/api/v1/orders/actions/blacklist", tag = "orders", operation_id = "blacklist_buyer", request_body = BlacklistInput,
    responses((status = 200, body = ActionAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn blacklist(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    Body(input): Body<BlacklistInput>,
) -> Result<Json<ActionAnswer>, Problem> {
    let order: OrderId = id("id", &input.id)?;
    let kind = match input.kind.as_str() {
        "buyer" => BlacklistKind::Buyer,
        "phone" => BlacklistKind::Phone,
        "name" => BlacklistKind::Name,
        other => return Err(Problem::invalid("kind", format!("{other:?} is none of buyer, phone, name"))),
    };
    if input.note.as_ref().is_some_and(|note| note.chars().count() > 500 || note.contains('\0')) {
        return Err(Problem::invalid("note", "at most 500 characters"));
    }
    wharf_flows::hold::blacklist(&state.app, &asker(&guard), order, kind, input.note).await?;
    Ok(Json(ActionAnswer::new([(order, Outcome::Done)])))
}

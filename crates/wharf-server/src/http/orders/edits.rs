//! What people write into orders: addresses, notes, tags, who looks after them, the blacklist.

use super::actions::{Selection, answer, asker};
use crate::http::dto::ActionAnswer;
use crate::http::guard::{Guard, OrdersAct};
use crate::http::input::{Body, id, ids};
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::id::{OrderId, UserId};
use wharf_flows::app::Outcome;
use wharf_flows::bulk::Bulk;
use wharf_flows::edit::{AddressEdit, NoteEdit};
use wharf_flows::hold::BlacklistKind;
use wharf_flows::{approve, edit};

/// The most orders a person takes at once.
const MOST_TAKEN: usize = 200;
/// The most tags of one action.
const MOST_TAGS: usize = 20;

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

/// What changes of a recipient; absent parts stay.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct RecipientInput {
    /// Name.
    name: Option<String>,
    /// Phone.
    phone: Option<String>,
    /// ISO 3166-1 alpha-2.
    country: Option<String>,
    /// Province or state.
    province: Option<String>,
    /// City.
    city: Option<String>,
    /// District.
    district: Option<String>,
    /// Town or street office.
    town: Option<String>,
    /// Postal code.
    postal_code: Option<String>,
    /// Street, house, flat.
    address: Option<String>,
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
#[utoipa::path(post, path = "/api/v1/orders/actions/edit_address", tag = "orders", operation_id = "edit_address", request_body = AddressInput,
    responses((status = 200, body = ActionAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn edit_address(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    Body(input): Body<AddressInput>,
) -> Result<Json<ActionAnswer>, Problem> {
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
    let orders = input.selection.orders(&state, &guard.who.scope).await?;
    let bulk = edit::edit_address(&state.app, &asker(&guard), orders, change, input.selection.dry_run).await?;
    answer(&state, bulk).await
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
#[utoipa::path(post, path = "/api/v1/orders/actions/note", tag = "orders", operation_id = "note_orders", request_body = NoteInput,
    responses((status = 200, body = ActionAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn note(State(state): State<AppState>, guard: Guard<OrdersAct>, Body(input): Body<NoteInput>) -> Result<Json<ActionAnswer>, Problem> {
    let change = NoteEdit { note: input.seller_note, copy_buyer_note: input.copy_buyer_note, flag: input.seller_flag };
    if change == NoteEdit::default() {
        return Err(Problem::invalid("seller_note", "say what changes: seller_note, copy_buyer_note or seller_flag"));
    }
    let orders = input.selection.orders(&state, &guard.who.scope).await?;
    let bulk = edit::note(&state.app, &asker(&guard), orders, change, input.selection.dry_run).await?;
    answer(&state, bulk).await
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
#[utoipa::path(post, path = "/api/v1/orders/actions/tag", tag = "orders", operation_id = "tag_orders", request_body = TagInput,
    description = "Several tags are several operations; only the answer of a single tag names the operation that undoes it.",
    responses((status = 200, body = ActionAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn tag(State(state): State<AppState>, guard: Guard<OrdersAct>, Body(input): Body<TagInput>) -> Result<Json<ActionAnswer>, Problem> {
    let count = input.add.len() + input.remove.len();
    if count == 0 || count > MOST_TAGS {
        return Err(Problem::invalid("add", format!("between 1 and {MOST_TAGS} tags to put on or take off")));
    }
    let orders = input.selection.orders(&state, &guard.who.scope).await?;
    let asker = asker(&guard);
    let dry_run = input.selection.dry_run;
    let mut bulks = Vec::with_capacity(count);
    for tag in input.add {
        bulks.push(edit::tag(&state.app, &asker, orders.clone(), tag, dry_run).await?);
    }
    for tag in input.remove {
        bulks.push(edit::untag(&state.app, &asker, orders.clone(), tag, dry_run).await?);
    }
    answer(&state, together(bulks)).await
}

/// One answer of several: a refusal is told, a change outweighs what was so already.
fn together(mut bulks: Vec<Bulk>) -> Bulk {
    if bulks.len() == 1 {
        return bulks.remove(0);
    }
    let mut outcomes: BTreeMap<OrderId, Outcome> = BTreeMap::new();
    for (id, outcome) in bulks.into_iter().flat_map(|bulk| bulk.results) {
        let kept = outcomes.entry(id).or_insert(Outcome::Already);
        if matches!((&*kept, &outcome), (Outcome::Already, _) | (Outcome::Done, Outcome::Refused(_))) {
            *kept = outcome;
        }
    }
    Bulk { operation_id: None, results: outcomes.into_iter().collect() }
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
#[utoipa::path(post, path = "/api/v1/orders/actions/share", tag = "orders", operation_id = "share_orders", request_body = ShareInput,
    responses((status = 200, body = ActionAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn share(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    Body(input): Body<ShareInput>,
) -> Result<Json<ActionAnswer>, Problem> {
    let among: Vec<UserId> = ids("among", &input.among)?;
    let orders = input.selection.orders(&state, &guard.who.scope).await?;
    let bulk = approve::share(&state.app, &asker(&guard), orders, among, input.selection.dry_run).await?;
    answer(&state, bulk).await
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_tags_are_one_answer_that_hides_no_refusal() {
        let bulk = |results: Vec<(i64, Outcome)>| Bulk {
            operation_id: None,
            results: results.into_iter().map(|(id, o)| (OrderId(id), o)).collect(),
        };
        let one = together(vec![
            bulk(vec![(1, Outcome::Done), (2, Outcome::Already), (3, Outcome::Already)]),
            bulk(vec![(1, Outcome::Already), (2, Outcome::Done), (3, Outcome::Refused("closed".into()))]),
        ]);
        assert_eq!(
            one.results,
            [(OrderId(1), Outcome::Done), (OrderId(2), Outcome::Done), (OrderId(3), Outcome::Refused("closed".into()))]
        );
    }
}

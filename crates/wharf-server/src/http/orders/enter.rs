//! Orders that people type: a phone order in a shop without a channel (E8). The same number with the same content is the same
//! order, however often it is sent.

use super::edits::RecipientInput;
use super::list::row;
use super::shape::OrderRow;
use crate::http::dto::Money;
use crate::http::guard::{Guard, OrdersAct};
use crate::http::input::{Body, id, time};
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::address::{PersonalData, Recipient, Region};
use wharf_domain::id::{OrderId, ShopId};
use wharf_domain::money::{self, Currency};
use wharf_flows::bulk::Asker;
use wharf_flows::enter::{self, Entered, Sold, TypedLine, TypedOrder};
use wharf_store::order_list;

/// The routes of this part.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create))
}

/// Who buys.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct BuyerInput {
    /// The seller's own id of the buyer: orders of one buyer may share a parcel.
    external_id: Option<String>,
    /// A name to show.
    nick: String,
}

/// What is sold: a SKU or bundle by its code, or a listing of the shop.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOrderLine {
    /// Code of a SKU or bundle.
    sku: Option<String>,
    /// Or id of a listing of the shop.
    listing_id: Option<String>,
    /// Units.
    quantity: i64,
    /// Price of a unit; absent: nothing.
    unit_price: Option<Money>,
    /// Discount of the line.
    discount: Option<Money>,
    /// Added free of charge.
    #[serde(default)]
    gift: bool,
}

fn yes() -> bool {
    true
}

/// A typed order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOrder {
    /// Id of a shop that has no channel.
    shop_id: String,
    /// Its number in the shop; absent: one is given.
    external_id: Option<String>,
    /// RFC 3339; absent: now.
    placed_at: Option<String>,
    /// RFC 3339: the promise.
    ship_by: Option<String>,
    /// The money is there.
    #[serde(default = "yes")]
    paid: bool,
    /// Shipped before it is paid.
    #[serde(default)]
    cash_on_delivery: bool,
    /// Who buys.
    #[serde(default)]
    buyer: BuyerInput,
    /// Who receives.
    recipient: RecipientInput,
    /// Postage.
    shipping: Option<Money>,
    /// Tax on top.
    tax: Option<Money>,
    /// Discount of the whole order.
    discount: Option<Money>,
    /// What the buyer pays in all; absent: what the parts make. When it differs from that, a check says by how much.
    total: Option<Money>,
    /// The buyer's words.
    #[serde(default)]
    buyer_note: String,
    /// The seller's words.
    #[serde(default)]
    seller_note: String,
    /// Tags.
    #[serde(default)]
    tags: Vec<String>,
    /// What was bought.
    lines: Vec<NewOrderLine>,
}

/// Reads amounts of one order: all of one currency, that of the first.
#[derive(Default)]
struct Amounts {
    currency: Option<Currency>,
}

impl Amounts {
    fn minor(&mut self, field: &str, amount: Option<&Money>) -> Result<Option<i64>, Problem> {
        let Some(amount) = amount else { return Ok(None) };
        let currency = Currency::new(&amount.currency).map_err(|e| Problem::invalid(&format!("{field}.currency"), e.to_string()))?;
        if *self.currency.get_or_insert(currency) != currency {
            return Err(Problem::invalid(&format!("{field}.currency"), "all amounts of an order have one currency"));
        }
        let parsed =
            money::Money::parse(&amount.amount, currency).map_err(|e| Problem::invalid(&format!("{field}.amount"), e.to_string()))?;
        Ok(Some(parsed.minor))
    }
}

fn typed(new: NewOrder) -> Result<TypedOrder, Problem> {
    let mut amounts = Amounts::default();
    let mut lines = Vec::with_capacity(new.lines.len());
    for (index, line) in new.lines.into_iter().enumerate() {
        let at = |field: &str| format!("lines[{index}].{field}");
        let sold = match (line.sku, line.listing_id) {
            (Some(code), None) => Sold::Code(code),
            (None, Some(listing)) => Sold::Listing(id(&at("listing_id"), &listing)?),
            (Some(_), Some(_)) => return Err(Problem::invalid(&at("sku"), "a SKU or a listing, not both")),
            (None, None) => return Err(Problem::invalid(&at("sku"), "name a SKU or a listing")),
        };
        lines.push(TypedLine {
            sold,
            quantity: line.quantity,
            unit_price_minor: amounts.minor(&at("unit_price"), line.unit_price.as_ref())?.unwrap_or(0),
            discount_minor: amounts.minor(&at("discount"), line.discount.as_ref())?.unwrap_or(0),
            gift: line.gift,
        });
    }
    let shipping = amounts.minor("shipping", new.shipping.as_ref())?;
    let tax = amounts.minor("tax", new.tax.as_ref())?;
    let discount = amounts.minor("discount", new.discount.as_ref())?;
    let total = amounts.minor("total", new.total.as_ref())?;
    let r = new.recipient;
    let text = |part: Option<String>| part.unwrap_or_default().trim().to_owned();
    Ok(TypedOrder {
        external_id: new.external_id,
        placed_at: new.placed_at.as_deref().map(|t| time("placed_at", t)).transpose()?,
        ship_by: new.ship_by.as_deref().map(|t| time("ship_by", t)).transpose()?,
        paid: new.paid,
        cash_on_delivery: new.cash_on_delivery,
        buyer: (new.buyer.external_id.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()), new.buyer.nick),
        recipient: Recipient {
            region: Region {
                country: text(r.country),
                province: text(r.province),
                city: text(r.city),
                district: text(r.district),
                town: text(r.town),
                postal_code: text(r.postal_code),
            },
            personal: PersonalData { name: text(r.name), phone: text(r.phone), address: text(r.address) },
            token: None,
            masked: false,
        },
        currency: amounts.currency,
        total_minor: total,
        shipping_minor: shipping.unwrap_or(0),
        tax_minor: tax.unwrap_or(0),
        discount_minor: discount.unwrap_or(0),
        buyer_note: new.buyer_note,
        seller_note: new.seller_note,
        tags: new.tags,
        lines,
    })
}

/// Enters an order that somebody typed. It passes the same checks and the same review as every other.
#[utoipa::path(post, path = "/api/v1/orders", tag = "orders", operation_id = "create_order", request_body = NewOrder,
    description = "201: it is new. 200: it was there, as it is sent now. 409: another order of the shop has this number; the current version is told.",
    responses((status = 201, body = OrderRow), (status = 200, body = OrderRow), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create(
    State(state): State<AppState>,
    guard: Guard<OrdersAct>,
    Body(new): Body<NewOrder>,
) -> Result<(StatusCode, Json<OrderRow>), Problem> {
    let shop: ShopId = id("shop_id", &new.shop_id)?;
    let order = typed(new)?;
    let scope = guard.who.scope.clone();
    let asker = Asker::new(guard.who.actor(), scope.clone());
    let (status, id): (StatusCode, OrderId) = match enter::enter(&state.app, &asker, shop, order).await? {
        Entered::New(id) => (StatusCode::CREATED, id),
        Entered::Already(id) => (StatusCode::OK, id),
        Entered::Taken(_, version) => {
            return Err(Problem::conflict("another order of this shop has this number", Some(version)));
        }
    };
    let found = state.app.store.read(move |tx| order_list::items(tx, &scope, &[id])).await?;
    let item = found.into_iter().next().ok_or_else(|| Problem::not_found("order"))?;
    Ok((status, Json(row(item))))
}

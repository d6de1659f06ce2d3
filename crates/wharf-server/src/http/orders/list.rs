//! Lists and counts of orders.

use super::filter::OrderParams;
use super::shape::*;
use crate::http::dto::{Named, Page, ShopRef, Time};
use crate::http::guard::{Guard, OrdersRead};
use crate::http::input::{Query, limit};
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::id::ShopId;
use wharf_domain::money;
use wharf_domain::word::Word;
use wharf_store::order_list::{self, Cursor, Item, Sort};
use wharf_store::{StoreError, rollups};

/// The routes of this part.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(counts))
}

/// An order of the store as a list shows it.
pub fn row(item: Item) -> OrderRow {
    let Item { order: o, shop, holds, tags, lines, warehouse, parcel, assignee, fix } = item;
    let region = o.region.clone();
    OrderRow {
        id: o.id.to_string(),
        external_id: o.external_id,
        shop: ShopRef { id: o.shop_id.to_string(), name: shop.0, vendor: shop.1 },
        phase: o.phase.to_string(),
        holds: holds.into_iter().map(|(reason, at)| HoldBrief { reason: reason.to_string(), placed_at: at.into() }).collect(),
        version: o.version,
        observed_status: o.observed_status,
        payment: o.payment.to_string(),
        placed_at: o.placed_at.into(),
        paid_at: o.paid_at.map(Time::from),
        ship_by: o.ship_by.map(Time::from),
        total: money::Money::new(o.total_minor, o.currency).into(),
        line_count: o.line_count,
        units: o.units,
        lines: lines
            .into_iter()
            .map(|l| LineBrief {
                title: l.title,
                variant: l.variant,
                seller_code: l.seller_code,
                quantity: l.quantity,
                image_url: l.image_url,
            })
            .collect(),
        recipient: MaskedRecipient {
            name: o.masked_name,
            phone: o.masked_phone,
            country: region.country.clone(),
            province: region.province.clone(),
            city: region.city.clone(),
            district: region.district.clone(),
            town: region.town.clone(),
            postal_code: region.postal_code.clone(),
            token_only: o.channel_masked,
        },
        buyer_nick: o.buyer_nick,
        buyer_note: o.buyer_note,
        seller_note: o.seller_note,
        seller_flag: o.seller_flag,
        tags,
        urgent: o.urgent_reason,
        assignee: o.assignee_id.zip(assignee).map(|(id, name)| Named { id: id.to_string(), name }),
        warehouse: warehouse.map(|(id, name)| Named { id: id.to_string(), name }),
        carrier: parcel.as_ref().map(|p| p.0.clone()).filter(|c| !c.is_empty()),
        waybill_number: parcel.map(|p| p.1).filter(|n| !n.is_empty()),
        fix,
        returning_buyer: o.buyer_returning,
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct PageParams {
    /// `ship_by` (urgent first, the default) `· placed_at · -placed_at · paid_at · -paid_at · total · -total`.
    sort: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Query parameters that are not conditions, taken out of the query before the strict rest is read.
fn split(query: &str) -> (String, String) {
    let (page, rest): (Vec<&str>, Vec<&str>) =
        query.split('&').filter(|p| !p.is_empty()).partition(|p| matches!(p.split('=').next(), Some("sort" | "limit" | "cursor")));
    (page.join("&"), rest.join("&"))
}

/// A page of orders.
#[utoipa::path(get, path = "/api/v1/orders", tag = "orders", operation_id = "list_orders", params(OrderParams, PageParams),
    responses((status = 200, body = Page<OrderRow>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list(State(state): State<AppState>, guard: Guard<OrdersRead>, uri: axum::http::Uri) -> Result<Json<Page<OrderRow>>, Problem> {
    let (page, conditions) = split(uri.query().unwrap_or_default());
    let page: PageParams = serde_html_form::from_str(&page).map_err(|e| Problem::malformed(format!("query: {e}")))?;
    let params: OrderParams = serde_html_form::from_str(&conditions).map_err(|e| Problem::malformed(format!("query: {e}")))?;
    let filter = params.filter()?;
    let take = limit(page.limit)?;
    let sort = match page.sort.as_deref() {
        None => Sort::Urgency,
        Some(word) => Sort::parse(word).map_err(|e| Problem::invalid("sort", e.to_string()))?,
    };
    let after = match page.cursor.as_deref() {
        None => None,
        Some(text) => Some(Cursor::decode(text).ok_or_else(|| Problem::malformed("cursor: take it from `next` of the page before"))?),
    };
    let scope = guard.who.scope;
    let (items, next) = state.app.store.read(move |tx| order_list::page(tx, &scope, &filter, sort, after, take)).await?;
    Ok(Json(Page { items: items.into_iter().map(row).collect(), next: next.map(|c| c.encode()) }))
}

/// Orders by phase and by hold reason; the phases sum to the total.
#[utoipa::path(get, path = "/api/v1/orders/counts", tag = "orders", operation_id = "count_orders", params(OrderParams),
    responses((status = 200, body = OrderCounts), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn counts(
    State(state): State<AppState>,
    guard: Guard<OrdersRead>,
    Query(params): Query<OrderParams>,
) -> Result<Json<OrderCounts>, Problem> {
    let scope = guard.who.scope;
    let filter = params.filter()?;
    let only_shops = params.only_shops();
    let counts = state
        .app
        .store
        .read(move |tx| -> Result<rollups::Counts, StoreError> {
            if only_shops {
                let shops: Option<Vec<ShopId>> = (!filter.shops.is_empty()).then_some(filter.shops);
                rollups::counts(tx, &scope, shops.as_deref())
            } else {
                order_list::count_matching(tx, &scope, &filter)
            }
        })
        .await?;
    Ok(Json(OrderCounts {
        phases: counts.phases.into_iter().map(|(p, n)| (p.to_string(), n)).collect(),
        holds: counts.holds.into_iter().map(|(r, n)| (r.to_string(), n)).collect(),
        total: counts.total,
    }))
}

//! The list of orders as a file.

use super::{CHUNK, Writing, columns, is_xlsx, split, time};
use crate::http::guard::{Export, Guard};
use crate::http::orders::filter::OrderParams;
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_documents::sheet::{Cell, ColumnKind, Sheet};
use wharf_domain::access::Permission;
use wharf_domain::money::Money;
use wharf_domain::word::Word;
use wharf_store::order_list::{self, Item, Sort};

/// The routes of this part.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(orders))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct ExportParams {
    /// `csv` (the default) or `xlsx`.
    format: Option<String>,
    /// As in `GET /orders`.
    sort: Option<String>,
}

const COLUMNS: &[(&str, &str, ColumnKind)] = &[
    ("店铺", "Shop", ColumnKind::Text),
    ("订单号", "Order number", ColumnKind::Text),
    ("阶段", "Phase", ColumnKind::Text),
    ("平台状态", "Channel status", ColumnKind::Text),
    ("付款", "Payment", ColumnKind::Text),
    ("挂起原因", "Holds", ColumnKind::Text),
    ("下单时间", "Placed at", ColumnKind::Time),
    ("付款时间", "Paid at", ColumnKind::Time),
    ("最晚发货", "Ship by", ColumnKind::Time),
    ("币种", "Currency", ColumnKind::Text),
    ("订单金额", "Total", ColumnKind::Money),
    ("行数", "Lines", ColumnKind::Integer),
    ("件数", "Units", ColumnKind::Integer),
    ("商品", "Goods", ColumnKind::Text),
    ("买家昵称", "Buyer", ColumnKind::Text),
    ("收件人", "Recipient", ColumnKind::Text),
    ("电话", "Phone", ColumnKind::Text),
    ("国家", "Country", ColumnKind::Text),
    ("省", "Province", ColumnKind::Text),
    ("市", "City", ColumnKind::Text),
    ("区", "District", ColumnKind::Text),
    ("买家留言", "Buyer note", ColumnKind::Text),
    ("卖家备注", "Seller note", ColumnKind::Text),
    ("标签", "Tags", ColumnKind::Text),
    ("负责人", "Assignee", ColumnKind::Text),
    ("仓库", "Warehouse", ColumnKind::Text),
    ("快递", "Carrier", ColumnKind::Text),
    ("运单号", "Waybill number", ColumnKind::Text),
];

fn cells(item: Item) -> Vec<Cell> {
    let Item { order: o, shop, holds, tags, lines, warehouse, parcel, assignee, .. } = item;
    let holds: Vec<String> = holds.into_iter().map(|(reason, _)| reason.to_string()).collect();
    let goods: Vec<String> = lines.into_iter().map(|l| format!("{} {} ×{}", l.title, l.variant, l.quantity)).collect();
    let (carrier, number) = parcel.unwrap_or_default();
    vec![
        Cell::Text(shop.0),
        Cell::Text(o.external_id),
        Cell::Text(o.phase.to_string()),
        Cell::Text(o.observed_status),
        Cell::Text(o.payment.to_string()),
        Cell::Text(holds.join(" ")),
        Cell::Time(o.placed_at),
        time(o.paid_at),
        time(o.ship_by),
        Cell::Text(o.currency.code().to_owned()),
        Cell::Money(Money::new(o.total_minor, o.currency)),
        Cell::Integer(o.line_count),
        Cell::Integer(o.units),
        Cell::Text(goods.join("; ")),
        Cell::Text(o.buyer_nick),
        Cell::Text(o.masked_name),
        Cell::Text(o.masked_phone),
        Cell::Text(o.region.country),
        Cell::Text(o.region.province),
        Cell::Text(o.region.city),
        Cell::Text(o.region.district),
        Cell::Text(o.buyer_note),
        Cell::Text(o.seller_note),
        Cell::Text(tags.join(" ")),
        Cell::Text(assignee.unwrap_or_default()),
        Cell::Text(warehouse.map(|w| w.1).unwrap_or_default()),
        Cell::Text(carrier),
        Cell::Text(number),
    ]
}

/// The orders that match, as a sheet.
#[utoipa::path(get, path = "/api/v1/exports/orders", tag = "exports", operation_id = "export_orders", params(ExportParams, OrderParams),
    responses((status = 200, description = "the file", content_type = "text/csv", body = String), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn orders(State(state): State<AppState>, guard: Guard<Export>, uri: Uri) -> Result<Response, Problem> {
    guard.who.need(Permission::OrdersRead)?;
    let (own, conditions) = split(uri.query().unwrap_or_default(), &["format", "sort"]);
    let own: ExportParams = serde_html_form::from_str(&own).map_err(|e| Problem::malformed(format!("query: {e}")))?;
    let params: OrderParams = serde_html_form::from_str(&conditions).map_err(|e| Problem::malformed(format!("query: {e}")))?;
    let filter = params.filter()?;
    let sort =
        own.sort.as_deref().map_or(Ok(Sort::Urgency), |word| Sort::parse(word).map_err(|e| Problem::invalid("sort", e.to_string())))?;
    let xlsx = is_xlsx(own.format.as_deref())?;
    let chinese = guard.who.locale.starts_with("zh");
    let name = if chinese { "订单" } else { "Orders" }.to_owned();
    let sheet = Sheet { name, columns: columns(chinese, COLUMNS), zone: state.zone.clone() };
    let writing = Writing::start(&state, &guard.who, "orders", xlsx, sheet).await?;
    let scope = guard.who.scope;
    let mut after = None;
    loop {
        let (filter, scope, from) = (filter.clone(), scope.clone(), after.take());
        let (items, next) = state.app.store.read(move |tx| order_list::page(tx, &scope, &filter, sort, from, CHUNK)).await?;
        if !writing.rows(items.into_iter().map(cells).collect()).await {
            break;
        }
        match next {
            Some(cursor) => after = Some(cursor),
            None => break,
        }
    }
    writing.end().await
}

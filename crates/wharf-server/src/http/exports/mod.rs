//! Files out: exactly what the list of orders shows, under the same filter and in the same order, masked as there.

use super::guard::{Export, Guard};
use super::orders::filter::OrderParams;
use super::people::audited;
use super::problem::Problem;
use super::state::AppState;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::mpsc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_documents::sheet::{Cell, Column, ColumnKind, Sheet, render_csv, render_xlsx};
use wharf_domain::money::Money;
use wharf_domain::word::Word;
use wharf_store::audit;
use wharf_store::order_list::{self, Item, Sort};

/// Orders of one read.
const CHUNK: usize = 500;

/// The routes of this noun.
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

/// The columns, in the language of the person.
fn columns(chinese: bool) -> Vec<Column> {
    use ColumnKind::{Integer, Money, Text, Time};
    [
        ("店铺", "Shop", Text),
        ("订单号", "Order number", Text),
        ("阶段", "Phase", Text),
        ("平台状态", "Channel status", Text),
        ("付款", "Payment", Text),
        ("挂起原因", "Holds", Text),
        ("下单时间", "Placed at", Time),
        ("付款时间", "Paid at", Time),
        ("最晚发货", "Ship by", Time),
        ("币种", "Currency", Text),
        ("订单金额", "Total", Money),
        ("行数", "Lines", Integer),
        ("件数", "Units", Integer),
        ("商品", "Goods", Text),
        ("买家昵称", "Buyer", Text),
        ("收件人", "Recipient", Text),
        ("电话", "Phone", Text),
        ("国家", "Country", Text),
        ("省", "Province", Text),
        ("市", "City", Text),
        ("区", "District", Text),
        ("买家留言", "Buyer note", Text),
        ("卖家备注", "Seller note", Text),
        ("标签", "Tags", Text),
        ("负责人", "Assignee", Text),
        ("仓库", "Warehouse", Text),
        ("快递", "Carrier", Text),
        ("运单号", "Waybill number", Text),
    ]
    .into_iter()
    .map(|(zh, en, kind)| Column { title: if chinese { zh } else { en }.to_owned(), kind })
    .collect()
}

fn cells(item: Item) -> Vec<Cell> {
    let Item { order: o, shop, holds, tags, lines, warehouse, parcel, assignee, .. } = item;
    let holds: Vec<String> = holds.into_iter().map(|(reason, _)| reason.to_string()).collect();
    let goods: Vec<String> = lines.into_iter().map(|l| format!("{} {} ×{}", l.title, l.variant, l.quantity)).collect();
    let (carrier, number) = parcel.unwrap_or_default();
    let time = |at: Option<wharf_domain::time::Timestamp>| at.map_or(Cell::Empty, Cell::Time);
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

/// Query parameters of the export itself, taken out before the strict rest is read.
fn split(query: &str) -> (String, String) {
    let (own, rest): (Vec<&str>, Vec<&str>) =
        query.split('&').filter(|p| !p.is_empty()).partition(|p| matches!(p.split('=').next(), Some("format" | "sort")));
    (own.join("&"), rest.join("&"))
}

/// The orders that match, as a sheet.
#[utoipa::path(get, path = "/api/v1/exports/orders", tag = "exports", operation_id = "export_orders", params(ExportParams, OrderParams),
    responses((status = 200, description = "the file", content_type = "text/csv", body = String), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn orders(State(state): State<AppState>, guard: Guard<Export>, uri: Uri) -> Result<Response, Problem> {
    let (own, conditions) = split(uri.query().unwrap_or_default());
    let own: ExportParams = serde_html_form::from_str(&own).map_err(|e| Problem::malformed(format!("query: {e}")))?;
    let params: OrderParams = serde_html_form::from_str(&conditions).map_err(|e| Problem::malformed(format!("query: {e}")))?;
    let filter = params.filter()?;
    let sort =
        own.sort.as_deref().map_or(Ok(Sort::Urgency), |word| Sort::parse(word).map_err(|e| Problem::invalid("sort", e.to_string())))?;
    let xlsx = match own.format.as_deref() {
        None | Some("csv") => false,
        Some("xlsx") => true,
        Some(other) => return Err(Problem::invalid("format", format!("{other:?} is neither csv nor xlsx"))),
    };
    let zone = state.zone.clone();
    let chinese = guard.who.locale.starts_with("zh");
    let sheet = Sheet { name: if chinese { "订单" } else { "Orders" }.to_owned(), columns: columns(chinese), zone };
    let entry = audited(&guard.who, "orders_exported", "order", None, serde_json::json!({ "format": if xlsx { "xlsx" } else { "csv" } }));
    state.app.store.write(move |tx| audit::record(tx, entry)).await?;

    // Pages are read while the sheet is written: never all orders in memory, only the file's own bytes.
    let made_at = state.app.now();
    let (pages, mut arriving) = mpsc::channel::<Vec<Item>>(2);
    let writing = tokio::task::spawn_blocking(move || {
        let rows = std::iter::from_fn(move || arriving.blocking_recv()).flatten().map(cells);
        if xlsx { render_xlsx(&sheet, made_at, rows) } else { Ok(render_csv(&sheet, rows)) }
    });
    let scope = guard.who.scope;
    let mut after = None;
    loop {
        let (filter, scope, from) = (filter.clone(), scope.clone(), after.take());
        let (items, next) = state.app.store.read(move |tx| order_list::page(tx, &scope, &filter, sort, from, CHUNK)).await?;
        if pages.send(items).await.is_err() {
            break;
        }
        match next {
            Some(cursor) => after = Some(cursor),
            None => break,
        }
    }
    drop(pages);
    let failed = |why: String| {
        tracing::error!(%why, "an export failed");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the file could not be written; the reason is in the log")
    };
    let bytes = writing.await.map_err(|e| failed(e.to_string()))?.map_err(|e| failed(e.to_string()))?;
    let (kind, name) = if xlsx {
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "attachment; filename=\"orders.xlsx\"")
    } else {
        ("text/csv; charset=utf-8", "attachment; filename=\"orders.csv\"")
    };
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exports_own_parameters_are_taken_out_of_the_filter() {
        assert_eq!(
            split("phase=review&format=xlsx&sort=-total&q=a"),
            ("format=xlsx&sort=-total".to_owned(), "phase=review&q=a".to_owned())
        );
    }
}

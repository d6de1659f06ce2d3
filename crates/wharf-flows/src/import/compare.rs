//! Comparing: what the shop's orders come to per month and country, straight from the tables, and a spot check of some
//! orders field by field, as the file told them and as they stand now.

use super::seen;
use crate::app::{App, FlowError};
use serde::{Deserialize, Serialize};
use wharf_connect::files::{BalanceRow, ReadOrder, Sums};
use wharf_domain::access::Scope;
use wharf_domain::id::{ImportBatchId, ShopId};
use wharf_domain::money::Money;
use wharf_domain::time::Timestamp;
use wharf_store::orders::{Order, OrderLine};
use wharf_store::{blobs, imports, orders, shops};

/// The figures of a shop per month (in the shop's zone), country and currency, counted from orders and lines.
pub async fn balance(app: &App, scope: &Scope, shop: ShopId) -> Result<Vec<BalanceRow>, FlowError> {
    let scope = scope.clone();
    app.store
        .read(move |tx| {
            let found = shops::get(tx, shop)?.filter(|s| scope.shop(s.id)).ok_or_else(|| FlowError::NotFound(format!("shop {shop}")))?;
            let zone = jiff::tz::TimeZone::get(&found.zone).unwrap_or(jiff::tz::TimeZone::UTC);
            let Some((first, last)) = imports::placed_span(tx, shop)? else { return Ok(Vec::new()) };
            let mut rows = Vec::new();
            let mut from = month_start(first, &zone, 0);
            while from <= last {
                let to = month_start(from, &zone, 1);
                if to <= from {
                    break;
                }
                let month = wharf_connect::files::balance::month(from, &zone);
                for sum in imports::sums(tx, shop, from, to)? {
                    let sums = Sums {
                        orders: sum.orders,
                        cancellations: sum.cancellations,
                        lines: sum.lines,
                        units: sum.units,
                        cancelled_units: sum.cancelled_units,
                        goods_minor: sum.goods_minor,
                        shipping_minor: sum.shipping_minor,
                        tax_minor: sum.tax_minor,
                        discount_minor: sum.discount_minor,
                        total_minor: sum.total_minor,
                        cancelled_minor: sum.cancelled_minor,
                        ..Sums::default()
                    };
                    rows.push(BalanceRow { month: month.clone(), country: sum.country, currency: sum.currency, sums });
                }
                from = to;
            }
            Ok(rows)
        })
        .await
}

/// The start of the month that holds an instant, some months on.
fn month_start(at: Timestamp, zone: &jiff::tz::TimeZone, months: i64) -> Timestamp {
    let start = || {
        let zoned = jiff::Timestamp::from_microsecond(at.micros()).ok()?.to_zoned(zone.clone());
        let first = zoned.date().first_of_month().checked_add(jiff::Span::new().months(months)).ok()?;
        first.to_zoned(zone.clone()).ok().map(|z| Timestamp(z.timestamp().as_microsecond()))
    };
    start().unwrap_or(at)
}

/// One field of one order, as told and as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Which field.
    pub field: String,
    /// In the file.
    pub old: String,
    /// Here.
    pub new: String,
    /// They agree.
    pub same: bool,
}

/// One order of a spot check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The channel's order id.
    pub external_id: String,
    /// Our id.
    pub order_id: wharf_domain::id::OrderId,
    /// The cells of its rows, by column; personal cells included: the asker must be allowed to open personal data.
    pub cells: Vec<Vec<(String, String)>>,
    /// Field by field.
    pub fields: Vec<Difference>,
    /// All fields agree.
    pub same: bool,
}

/// A spot check of `wanted` orders of an import, spread over all of them from a random start.
pub async fn compare(app: &App, scope: &Scope, id: ImportBatchId, wanted: i64) -> Result<Vec<Compared>, FlowError> {
    let scope = scope.clone();
    let start = (app.chance() * 1_000_000.0) as i64;
    app.store
        .read(move |tx| {
            seen(tx, &scope, id)?;
            let ids = imports::sample(tx, id, wanted.clamp(1, 200), start)?;
            let known = orders::orders(tx, &scope, &ids)?;
            let mut lines = orders::lines(tx, &ids)?;
            let mut compared = Vec::new();
            for order in known {
                let told = blobs::get(tx, &order.payload_hash)?.and_then(|blob| ReadOrder::from_payload(&blob.bytes));
                let Some(told) = told else { continue };
                let fields = fields(&told, &order, lines.remove(&order.id).unwrap_or_default());
                let same = fields.iter().all(|f| f.same);
                compared.push(Compared { external_id: order.external_id.clone(), order_id: order.id, cells: told.cells, fields, same });
            }
            Ok(compared)
        })
        .await
}

fn fields(told: &ReadOrder, order: &Order, lines: Vec<OrderLine>) -> Vec<Difference> {
    let mut out = Vec::new();
    let mut field = |name: String, old: String, new: String| out.push(Difference { same: old == new, field: name, old, new });
    let o = &told.order;
    let money = |minor: i64| Money::new(minor, order.currency).amount();
    let time = |at: Option<Timestamp>| at.map(|t| t.micros().to_string()).unwrap_or_default();
    field("observed_status".into(), o.observed_status.clone(), order.observed_status.clone());
    field("placed_at".into(), time(Some(o.placed_at)), time(Some(order.placed_at)));
    field("paid_at".into(), time(o.paid_at), time(order.paid_at));
    field("currency".into(), o.currency.code().to_owned(), order.currency.code().to_owned());
    field("total".into(), money(o.total_minor), money(order.total_minor));
    field("shipping".into(), money(o.shipping_minor), money(order.shipping_minor));
    field("tax".into(), money(o.tax_minor), money(order.tax_minor));
    field("discount".into(), money(o.discount_minor), money(order.discount_minor));
    field("buyer_nick".into(), o.buyer.nick.clone(), order.buyer_nick.clone());
    if let Some(recipient) = &o.recipient
        && !order.recipient_edited
    {
        let region = |r: &wharf_domain::address::Region| [&r.country, &r.province, &r.city, &r.district].map(String::as_str).join(" ");
        field("region".into(), region(&recipient.region), region(&order.region));
    }
    field("lines".into(), o.lines.len().to_string(), lines.len().to_string());
    for told in &o.lines {
        let here = lines.iter().find(|l| l.external_id == told.external_id);
        let show = |title: &str, code: &str, quantity: i64, total: i64| format!("{code} {title} × {quantity} = {}", money(total));
        let old = show(&told.title, &told.seller_code, told.quantity, told.total_minor);
        let new = here.map(|l| show(&l.title, &l.seller_code, l.counters.ordered, l.total_minor)).unwrap_or_default();
        field(format!("line {}", told.external_id), old, new);
    }
    out
}

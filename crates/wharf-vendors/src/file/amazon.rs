//! Amazon's order reports: all orders (both vocabularies of fulfillment, no buyer) and orders to ship (unshipped and
//! new orders in all their variants, with the recipient).

use super::country::country;
use wharf_connect::files::merge::ordinals;
use super::plan::{Cells, Context, Fault, Plan, empty_line, empty_order, rank, version};
use super::header::Header;
use super::layouts::Reading;
use wharf_connect::files::{Cause, Document, Knows, ReadOrder, Share};
use wharf_domain::address::{PersonalData, Recipient, Region};
use wharf_domain::money::Currency;
use wharf_domain::order::{ChannelStatus, FulfilledBy, Payment};
use wharf_domain::word::Observed;

const ALL_ORDERS: &[&[&str]] = &[
    &["amazon-order-id"], &["merchant-order-id"], &["purchase-date"], &["last-updated-date"], &["order-status"], &["fulfillment-channel"],
    &["sales-channel"], &["ship-service-level"], &["product-name"], &["sku"], &["asin"], &["item-status"], &["quantity"], &["currency"],
    &["item-price"], &["item-tax"], &["shipping-price"], &["shipping-tax"], &["gift-wrap-price"], &["gift-wrap-tax"],
    &["item-promotion-discount"], &["ship-promotion-discount"], &["ship-city"], &["ship-state"], &["ship-postal-code"], &["ship-country"],
    &["is-business-order"],
];
/// Known and of no use for an order.
const ALL_ORDERS_IGNORED: &[&str] = &[
    "order-channel", "url", "promotion-ids", "purchase-order-number", "price-designation", "is-sold-by-ab", "number-of-items",
    "tax-collection-model", "tax-collection-responsible-party", "address-type", "cpf",
];

const TO_SHIP: &[&[&str]] = &[
    &["order-id"], &["order-item-id"], &["purchase-date"], &["payments-date"], &["promise-date"], &["days-past-promise"], &["buyer-email"],
    &["buyer-name"], &["buyer-phone-number"], &["sku"], &["product-name"], &["quantity-purchased"], &["quantity-shipped"], &["quantity-to-ship"],
    &["ship-service-level"], &["recipient-name"], &["ship-address-1"], &["ship-address-2"], &["ship-address-3"], &["ship-city"], &["ship-state"],
    &["ship-postal-code"], &["ship-country"], &["ship-phone-number"], &["is-business-order"], &["is-prime"], &["verge-of-cancellation"],
    &["verge-of-lateShipment"], &["is-buyer-requested-cancellation"], &["buyer-requested-cancel-reason"], &["currency"], &["item-price"],
    &["item-tax"], &["shipping-price"], &["shipping-tax"], &["gift-wrap-price"], &["gift-wrap-tax"], &["item-promotion-discount"],
    &["ship-promotion-discount"], &["delivery-Instructions"], &["sales-channel"],
];
const TO_SHIP_IGNORED: &[&str] = &[
    "reporting-date", "purchase-order-number", "price-designation", "is-iba", "delivery-start-date", "delivery-end-date", "delivery-time-zone",
    "item-promotion-id", "ship-promotion-id", "bill-name", "bill-address-1", "bill-address-2", "bill-address-3", "bill-city", "bill-state",
    "bill-postal-code", "bill-country", "bill-phone-number", "earliest-ship-date", "latest-ship-date", "earliest-delivery-date",
    "latest-delivery-date", "order-channel", "order-channel-instance", "is-sold-by-ab", "address-type", "tax-collection-model",
    "tax-collection-responsible-party", "cpf", "is-amazon-invoiced", "is-transparency", "license-state", "license-expiration-date",
];

pub(crate) fn plan(reading: Reading, layout: &'static str, header: &Header) -> Plan {
    if reading == Reading::AmazonAllOrders {
        Plan::layout(reading, layout, header, ALL_ORDERS, ALL_ORDERS_IGNORED)
    } else {
        Plan::layout(reading, layout, header, TO_SHIP, TO_SHIP_IGNORED)
    }
}

pub(crate) fn order_id(cells: &Cells<'_>) -> Result<Option<String>, Cause> {
    let column = if cells.plan.reading == Reading::AmazonAllOrders { "amazon-order-id" } else { "order-id" };
    cells.identifier(cells.text(column), column)
}

/// Status words of reports, of today and of older releases.
fn status(word: &str) -> Observed<ChannelStatus> {
    let key: String = word.to_ascii_lowercase().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    Observed::Known(match key.as_str() {
        "pending" | "pendingavailability" => ChannelStatus::AwaitingPayment,
        "invoiceunconfirmed" => ChannelStatus::PaidOnHold,
        "unshipped" | "shipping" => ChannelStatus::ToShip,
        "partiallyshipped" => ChannelStatus::PartShipped,
        "shipped-deliveredtobuyer" => ChannelStatus::Delivered,
        "complete" | "completed" => ChannelStatus::Completed,
        "cancelled" | "canceled" => ChannelStatus::Cancelled,
        // Returned, lost, damaged, refused on the way: it has left, and the word itself is kept.
        key if key == "shipped" || key.starts_with("shipped-") => ChannelStatus::Shipped,
        _ => return Observed::Unknown(word.to_owned()),
    })
}

/// The currency of a marketplace, for pending orders whose report leaves it out.
fn marketplace_currency(sales_channel: &str) -> Option<Currency> {
    let host = sales_channel.to_ascii_lowercase();
    let code = match host.strip_prefix("amazon.").unwrap_or("") {
        "com" => "USD",
        "ca" => "CAD",
        "com.mx" => "MXN",
        "com.br" => "BRL",
        "co.uk" => "GBP",
        "de" | "fr" | "it" | "es" | "nl" | "ie" | "com.be" => "EUR",
        "se" => "SEK",
        "pl" => "PLN",
        "com.tr" => "TRY",
        "ae" => "AED",
        "sa" => "SAR",
        "eg" => "EGP",
        "in" => "INR",
        "sg" => "SGD",
        "com.au" => "AUD",
        "co.jp" | "jp" => "JPY",
        "co.za" => "ZAR",
        _ => return None,
    };
    Currency::new(code).ok()
}

/// In the United States and Canada tax comes on top of the item's price; elsewhere the price holds it.
fn tax_on_top(currency: Currency) -> bool {
    matches!(currency.code(), "USD" | "CAD")
}

struct Amounts {
    goods: i64,
    tax: i64,
    shipping: i64,
    item_discount: i64,
    ship_discount: i64,
    told: bool,
}

fn amounts(cells: &Cells<'_>, currency: Currency) -> Result<Amounts, Cause> {
    let get = |column: &str| cells.money(column, currency).map(|m| m.unwrap_or(0));
    Ok(Amounts {
        goods: get("item-price")?,
        tax: get("item-tax")? + get("shipping-tax")? + get("gift-wrap-tax")?,
        shipping: get("shipping-price")? + get("gift-wrap-price")?,
        // Written with and without a minus sign; a promotion always lowers the price.
        item_discount: get("item-promotion-discount")?.abs(),
        ship_discount: get("ship-promotion-discount")?.abs(),
        told: !cells.text("item-price").is_empty(),
    })
}

fn flag(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "y" | "1")
}

fn place(cells: &Cells<'_>) -> Region {
    Region {
        country: country(cells.text("ship-country")),
        province: cells.text("ship-state").to_owned(),
        city: cells.text("ship-city").to_owned(),
        postal_code: cells.text("ship-postal-code").to_owned(),
        ..Region::default()
    }
}

/// All rows of one order in one report. Reports that were glued together hold an order in several versions: a row that
/// is older than another of the same goods gives way to it.
pub(crate) fn build(context: &Context, external_id: String, rows: &[Cells<'_>]) -> Result<ReadOrder, Fault> {
    let mut updated = Vec::with_capacity(rows.len());
    for (at, cells) in rows.iter().enumerate() {
        updated.push(cells.time("last-updated-date", &context.zone).map_err(Fault::at(at))?);
    }
    let newest = updated.iter().copied().max().flatten();
    let goods = |cells: &Cells<'_>| (cells.text("sku").to_owned(), cells.text("asin").to_owned());
    let latest: Vec<_> = rows.iter().zip(&updated).filter(|(_, at)| **at == newest).map(|(cells, _)| goods(cells)).collect();
    let kept: Vec<usize> = (0..rows.len()).filter(|i| updated[*i] == newest || !latest.contains(&goods(&rows[*i]))).collect();
    if kept.len() == rows.len() {
        return version_of(context, external_id, rows);
    }
    let current: Vec<Cells<'_>> = kept.iter().map(|i| rows[*i]).collect();
    version_of(context, external_id, &current).map_err(|fault| Fault { at: kept.get(fault.at).copied().unwrap_or(0), cause: fault.cause })
}

fn version_of(context: &Context, external_id: String, rows: &[Cells<'_>]) -> Result<ReadOrder, Fault> {
    let all = rows[0].plan.reading == Reading::AmazonAllOrders;
    let currency = currency(context, rows, all)?;
    let first = rows[0];
    let placed = first.time("purchase-date", &context.zone).map_err(Fault::at(0))?;
    let mut order = empty_order(external_id, currency, placed.unwrap_or(context.now));
    let mut knows = Knows { lines: true, prices: true, line_totals: true, money: true, placed: placed.is_some(), status: true, notes: false, modified: false };
    if all {
        // Should rows of one order disagree, the least advanced of them speaks: a cancelled item does not cancel the rest.
        let words = || rows.iter().map(|c| c.text(if c.text("order-status").is_empty() { "item-status" } else { "order-status" }));
        let open = words().filter(|w| status(w) != Observed::Known(ChannelStatus::Cancelled)).min_by_key(|w| rank(&status(w)));
        order.observed_status = open.or_else(|| words().next()).unwrap_or_default().to_owned();
        order.status = status(&order.observed_status);
        order.fulfilled_by = match first.text("fulfillment-channel").to_ascii_lowercase().as_str() {
            "afn" | "amazon" => FulfilledBy::Channel,
            word if word.starts_with("amazon") => FulfilledBy::Channel,
            _ => FulfilledBy::Seller,
        };
    } else {
        order.status = Observed::Known(ChannelStatus::ToShip);
        order.observed_status = "Unshipped".to_owned();
        order.paid_at = first.time("payments-date", &context.zone).map_err(Fault::at(0))?;
        order.ship_by = first.time("promise-date", &context.zone).map_err(Fault::at(0))?;
    }
    order.payment = match order.status {
        Observed::Known(ChannelStatus::AwaitingPayment) => Payment::Unpaid,
        Observed::Known(_) => Payment::Paid,
        // A word nobody knows advances nothing.
        Observed::Unknown(_) => Payment::Unpaid,
    };
    let mut included = 0;
    let mut shares = Vec::with_capacity(rows.len());
    let mut priced = false;
    let mut shipped_part = false;
    let mut latest = None;
    for (at, cells) in rows.iter().enumerate() {
        let bad = Fault::at(at);
        let word = if all { cells.text("item-status") } else { "" };
        let line_status = if word.is_empty() { order.status.clone() } else { status(word) };
        let mut line = empty_line(&line_status, if word.is_empty() { &order.observed_status } else { word });
        line.seller_code = cells.text("sku").to_owned();
        line.title = cells.text("product-name").to_owned();
        line.item_id = cells.text("asin").to_owned();
        if !all {
            line.external_id = cells.identifier(cells.text("order-item-id"), "order-item-id").map_err(&bad)?.unwrap_or_default();
        }
        if line.seller_code.is_empty() && line.title.is_empty() && line.item_id.is_empty() {
            return Err(bad(Cause::new("no_goods", None, "neither sku nor product-name nor asin")));
        }
        let column = if all { "quantity" } else { "quantity-purchased" };
        let quantity = match cells.units(column).map_err(&bad)? {
            Some(quantity) => quantity,
            None if !all => {
                let part = |c: &str| cells.units(c).map(|q| q.unwrap_or(0));
                part("quantity-shipped").map_err(&bad)? + part("quantity-to-ship").map_err(&bad)?
            }
            None => return Err(bad(Cause::new("no_quantity", Some(column), "empty"))),
        };
        if quantity < 0 {
            return Err(bad(Cause::new("negative_quantity", Some(column), quantity.to_string())));
        }
        line.quantity = quantity;
        if line_status == Observed::Known(ChannelStatus::Cancelled) {
            line.cancelled = quantity;
        }
        if !all && cells.units("quantity-shipped").map_err(&bad)?.unwrap_or(0) > 0 {
            shipped_part = true;
        }
        let money = amounts(cells, currency).map_err(&bad)?;
        priced |= money.told;
        line.unit_price_minor = if quantity > 0 { money.goods / quantity } else { money.goods };
        line.discount_minor = money.item_discount;
        line.total_minor = money.goods - money.item_discount;
        order.shipping_minor += money.shipping;
        order.discount_minor += money.ship_discount;
        let (tax, tax_included) = if tax_on_top(currency) { (money.tax, 0) } else { (0, money.tax) };
        order.tax_minor += tax;
        included += tax_included;
        shares.push(Share { shipping: money.shipping, tax, tax_included, discount: money.ship_discount });
        if let Some(at) = cells.time("last-updated-date", &context.zone).map_err(&bad)? {
            latest = latest.max(Some(at));
        }
        for (column, word) in [("verge-of-cancellation", "verge_of_cancellation"), ("verge-of-lateShipment", "verge_of_late_shipment"), ("is-prime", "prime")] {
            if flag(cells.text(column)) && !order.urgent.iter().any(|u| u == word) {
                order.urgent.push(word.to_owned());
            }
        }
        if flag(cells.text("is-business-order")) && !order.tags.iter().any(|t| t == "business") {
            order.tags.push("business".to_owned());
        }
        if flag(cells.text("is-buyer-requested-cancellation")) {
            line.refund = wharf_domain::order::LineRefund::Requested;
        }
        if !cells.text("gift-wrap-price").is_empty() && money.shipping > 0 && !order.tags.iter().any(|t| t == "gift") && cells.money("gift-wrap-price", currency).map_err(&bad)?.unwrap_or(0) > 0 {
            order.tags.push("gift".to_owned());
        }
        order.lines.push(line);
    }
    if !all {
        if shipped_part {
            order.status = Observed::Known(ChannelStatus::PartShipped);
            order.observed_status = "PartiallyShipped".to_owned();
        }
        knows.prices = priced;
        knows.line_totals = priced;
        knows.money = priced;
        order.buyer.nick = first.text("buyer-name").to_owned();
        // The relay address is the channel's stable name for a buyer.
        order.buyer.external_id = Some(first.text("buyer-email")).filter(|m| m.contains('@') && !m.contains('*')).map(str::to_ascii_lowercase);
        order.buyer_note = first.text("delivery-Instructions").to_owned();
        knows.notes = first.has("delivery-Instructions");
        let lines = ["ship-address-1", "ship-address-2", "ship-address-3"].map(|c| first.text(c));
        let phone = [first.text("ship-phone-number"), first.text("buyer-phone-number")].into_iter().find(|p| !p.is_empty()).unwrap_or("");
        let personal = PersonalData {
            name: first.text("recipient-name").to_owned(),
            phone: phone.to_owned(),
            address: lines.into_iter().filter(|l| !l.is_empty()).collect::<Vec<_>>().join(", "),
        };
        let masked = [&personal.name, &personal.phone, &personal.address].iter().any(|t| t.contains("**"));
        order.recipient = Some(Recipient { region: place(&first), personal, token: None, masked });
    } else {
        let region = place(&first);
        if region != Region::default() {
            order.recipient = Some(Recipient { region, ..Recipient::default() });
        }
    }
    ordinals(&mut order.lines);
    let goods: i64 = order.lines.iter().map(|l| l.total_minor).sum();
    order.total_minor = goods + order.shipping_minor + order.tax_minor - order.discount_minor;
    order.modified_at = match latest {
        Some(at) => {
            knows.modified = true;
            at
        }
        None => version(&order),
    };
    let cells = rows.iter().map(Cells::record).collect();
    Ok(ReadOrder { order, document: Document::Order, knows, tax_included_minor: included, rounded_lines: 0, shares, rows: Vec::new(), cells })
}

fn currency(context: &Context, rows: &[Cells<'_>], all: bool) -> Result<Currency, Fault> {
    let mut found: Option<Currency> = None;
    for (at, cells) in rows.iter().enumerate() {
        let word = cells.text("currency");
        if word.is_empty() {
            continue;
        }
        let currency = Currency::new(word).map_err(|e| Fault { at, cause: Cause::new("bad_currency", Some("currency"), e.to_string()) })?;
        if found.is_some_and(|f| f != currency) {
            return Err(Fault { at, cause: Cause::new("contradiction", Some("currency"), "two currencies in one order") });
        }
        found = Some(currency);
    }
    found
        .or_else(|| rows.iter().find_map(|c| marketplace_currency(c.text("sales-channel"))))
        .or(context.currency)
        // The report of today names neither prices nor a currency: the amounts are all zero, and a country where the platform
        // has a shop tells in what.
        .or_else(|| (!all && rows.iter().all(|c| c.text("item-price").is_empty())).then(|| country_currency(rows[0].text("ship-country"))).flatten())
        .ok_or_else(|| Fault { at: 0, cause: Cause::new("no_currency", Some("currency"), "empty, and the sales channel does not tell it") })
}

fn country_currency(code: &str) -> Option<Currency> {
    let code = match country(code).as_str() {
        "US" => "USD",
        "GB" => "GBP",
        "JP" => "JPY",
        "CA" => "CAD",
        "MX" => "MXN",
        "AU" => "AUD",
        "DE" | "FR" | "IT" | "ES" | "NL" | "BE" | "AT" | "IE" | "PT" | "FI" | "LU" | "GR" => "EUR",
        _ => return None,
    };
    Currency::new(code).ok()
}

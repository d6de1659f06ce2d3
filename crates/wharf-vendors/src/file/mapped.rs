//! Any table, read by a mapping: one row per line or one row per order, in whatever words and signs it has.

use super::cell::{self, identifier};
use super::country::country;
use super::division;
use super::mapping::Field;
use wharf_connect::files::merge::ordinals;
use super::plan::{own_currency, Cells, Context, Fault, amount, empty_line, empty_order, product, units, version};
use wharf_connect::files::{Cause, Document, Knows, ReadOrder};
use super::taobao;
use jiff::tz::TimeZone;
use wharf_domain::address::{PersonalData, Recipient, Region};
use wharf_domain::money::Currency;
use wharf_domain::order::channel::{ChannelLine, ChannelShipment};
use wharf_domain::order::{ChannelStatus, Payment};
use wharf_domain::time::Timestamp;
use wharf_domain::word::{Observed, Word};

pub(crate) fn order_id(cells: &Cells<'_>) -> Result<Option<String>, Cause> {
    identifier(cells.field(Field::OrderId)).map_err(|why| Cause::new("bad_order_id", cells.column_of(Field::OrderId), why))
}

/// The meaning of a status word: the mapping's, ours, or one of the words that tools commonly use.
fn status(cells: &Cells<'_>, word: &str) -> Observed<ChannelStatus> {
    let words = &cells.plan.mapping.status_words;
    if let Some(known) = words.get(word).or_else(|| words.iter().find(|(w, _)| w.trim().eq_ignore_ascii_case(word)).map(|(_, s)| s)) {
        return Observed::Known(*known);
    }
    if let Ok(known) = ChannelStatus::parse(word) {
        return Observed::Known(known);
    }
    if let Observed::Known(known) = taobao::status(word) {
        return Observed::Known(known);
    }
    let key: String = word.to_lowercase().chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_')).collect();
    Observed::Known(match key.as_str() {
        "unpaid" | "pending" | "awaitingpayment" | "待付款" | "未付款" => ChannelStatus::AwaitingPayment,
        "paid" | "unshipped" | "unfulfilled" | "processing" | "awaitingshipment" | "toship" | "已付款" | "待发货" | "待审核" | "已审核" => ChannelStatus::ToShip,
        "partiallyshipped" | "partiallyfulfilled" | "partial" => ChannelStatus::PartShipped,
        "shipped" | "fulfilled" | "dispatched" | "已发货" | "待收货" => ChannelStatus::Shipped,
        "delivered" | "已签收" | "已收货" => ChannelStatus::Delivered,
        "complete" | "completed" | "closed" | "done" | "已完成" | "完成" => ChannelStatus::Completed,
        "cancelled" | "canceled" | "refunded" | "void" | "voided" | "已取消" | "已关闭" | "已退款" | "取消" => ChannelStatus::Cancelled,
        _ => return Observed::Unknown(word.to_owned()),
    })
}

struct Reader<'a> {
    rows: &'a [Cells<'a>],
    zone: TimeZone,
    currency: Currency,
}

impl Reader<'_> {
    /// The first row that says anything, by its place.
    fn first(&self, field: Field) -> Option<(usize, &str)> {
        self.rows.iter().enumerate().map(|(at, c)| (at, c.field(field))).find(|(_, text)| !text.is_empty())
    }

    fn text(&self, field: Field) -> String {
        self.first(field).map(|(_, text)| text.to_owned()).unwrap_or_default()
    }

    fn time_at(&self, at: usize, field: Field) -> Result<Option<Timestamp>, Fault> {
        let cells = self.rows[at];
        let dates = &cells.plan.mapping.dates;
        cell::instant(cells.field(field), dates.format.as_deref(), dates.order, &self.zone)
            .map_err(|why| Fault { at, cause: Cause::new("bad_time", cells.column_of(field).or(Some(field.as_str())), why) })
    }

    fn time(&self, field: Field) -> Result<Option<Timestamp>, Fault> {
        match self.first(field) {
            Some((at, _)) => self.time_at(at, field),
            None => Ok(None),
        }
    }

    fn money_at(&self, at: usize, field: Field) -> Result<Option<i64>, Fault> {
        let cells = self.rows[at];
        let numbers = &cells.plan.mapping.numbers;
        let column = cells.column_of(field).unwrap_or(field.as_str());
        amount(cells.field(field), column, self.currency, numbers.decimal, numbers.round).map(|m| m.map(|m| m.0)).map_err(Fault::at(at))
    }

    /// An amount of the order: on its first row, repeated on all, or, where the mapping says so, in parts.
    fn order_money(&self, field: Field) -> Result<Option<i64>, Fault> {
        let summed = self.rows[0].plan.mapping.summed.contains(&field);
        let mut value: Option<i64> = None;
        for at in 0..self.rows.len() {
            let Some(here) = self.money_at(at, field)? else { continue };
            value = match value {
                None => Some(here),
                Some(before) if summed => Some(before + here),
                Some(before) if before == here => Some(before),
                Some(before) => {
                    let cells = self.rows[at];
                    let column = cells.column_of(field).unwrap_or(field.as_str());
                    let why = format!("{here} here and {before} on a row before, in minor units: if each row holds a part, name `{field}` in `summed`");
                    return Err(Fault { at, cause: Cause::new("contradiction", Some(column), why) });
                }
            };
        }
        Ok(value)
    }
}

pub(crate) fn build(context: &Context, external_id: String, rows: &[Cells<'_>]) -> Result<ReadOrder, Fault> {
    let mapping = &rows[0].plan.mapping;
    let zone = match &mapping.dates.zone {
        Some(name) => TimeZone::get(name).unwrap_or_else(|_| context.zone.clone()),
        None => context.zone.clone(),
    };
    let currency = currency(context, rows)?;
    let reader = Reader { rows, zone, currency };
    let document = if mapping.signs.cancellation_prefixes.iter().any(|p| external_id.starts_with(p.as_str())) {
        Document::Cancellation
    } else if mapping.signs.adjustment_prefixes.iter().any(|p| external_id.starts_with(p.as_str())) {
        Document::Adjustment
    } else {
        Document::Order
    };
    // Rows of one order may carry the minute in which each was typed: the first of them is when it was placed.
    let mut placed: Option<Timestamp> = None;
    for at in 0..rows.len() {
        if let Some(time) = reader.time_at(at, Field::PlacedAt)? {
            placed = Some(placed.map_or(time, |p| p.min(time)));
        }
    }
    if placed.is_none() && mapping.gives(Field::PlacedAt) {
        return Err(Fault { at: 0, cause: Cause::new("no_time", rows[0].column_of(Field::PlacedAt), "empty") });
    }
    let mut order = empty_order(external_id, currency, placed.unwrap_or(context.now));
    order.paid_at = reader.time(Field::PaidAt)?;
    order.shipped_at = reader.time(Field::ShippedAt)?;
    order.closed_at = reader.time(Field::ClosedAt)?;
    order.ship_by = reader.time(Field::ShipBy)?;
    let status_told = reader.first(Field::Status).is_some() || document == Document::Cancellation;
    let mut rounded = 0;
    let mut statuses: Vec<(Observed<ChannelStatus>, String)> = Vec::new();
    let mut priced = false;
    for at in 0..rows.len() {
        let (line, was_rounded, has_price) = line(&reader, at, document)?;
        rounded += i64::from(was_rounded);
        priced |= has_price;
        if !statuses.iter().any(|(s, _)| *s == line.status) {
            statuses.push((line.status.clone(), line.observed_status.clone()));
        }
        order.lines.push(line);
    }
    let open: Vec<_> = statuses.iter().filter(|(s, _)| *s != Observed::Known(ChannelStatus::Cancelled)).collect();
    if let Some((status, word)) = open.iter().min_by_key(|(s, _)| super::plan::rank(s)).copied().or(statuses.first()) {
        order.status = status.clone();
        order.observed_status.clone_from(word);
    }
    let number = reader.text(Field::TrackingNumber);
    if !number.is_empty() {
        order.shipments.push(ChannelShipment { carrier: reader.text(Field::Carrier), number, line_ids: Vec::new(), shipped_at: order.shipped_at });
    }
    if !status_told {
        order.status = Observed::Known(if order.shipments.is_empty() && order.shipped_at.is_none() { ChannelStatus::ToShip } else { ChannelStatus::Shipped });
        order.observed_status = String::new();
    }
    if document == Document::Cancellation {
        order.status = Observed::Known(ChannelStatus::Cancelled);
        order.observed_status = Document::Cancellation.as_str().to_owned();
    }
    if document == Document::Adjustment {
        order.tags.push(Document::Adjustment.as_str().to_owned());
    }
    order.payment = match (&order.status, document) {
        (_, Document::Cancellation) => Payment::Refunded,
        (Observed::Known(ChannelStatus::AwaitingPayment) | Observed::Unknown(_), _) => Payment::Unpaid,
        (Observed::Known(ChannelStatus::Cancelled), _) if order.paid_at.is_none() => Payment::Unpaid,
        (Observed::Known(ChannelStatus::Cancelled), _) => Payment::Refunded,
        _ => Payment::Paid,
    };
    let buyer = reader.text(Field::BuyerId);
    order.buyer.nick = reader.text(Field::BuyerNick);
    let id = if buyer.is_empty() && mapping.columns.contains_key(&Field::BuyerNick) { order.buyer.nick.clone() } else { buyer };
    // A masked name is no identity.
    order.buyer.external_id = (!id.is_empty() && !id.contains('*')).then_some(id);
    order.buyer_note = reader.text(Field::BuyerNote);
    order.seller_note = reader.text(Field::SellerNote);
    order.recipient = recipient(&reader);
    ordinals(&mut order.lines);
    order.shipping_minor = reader.order_money(Field::Shipping)?.unwrap_or(0);
    order.tax_minor = reader.order_money(Field::Tax)?.unwrap_or(0);
    order.discount_minor = reader.order_money(Field::Discount)?.unwrap_or(0).abs();
    let goods: i64 = order.lines.iter().map(|l| l.total_minor).sum();
    let total = reader.order_money(Field::Total)?;
    let knows = Knows {
        lines: true,
        prices: priced,
        line_totals: priced,
        money: total.is_some(),
        placed: placed.is_some(),
        status: status_told,
        notes: mapping.gives(Field::SellerNote) || mapping.gives(Field::BuyerNote),
        modified: mapping.gives(Field::ModifiedAt),
    };
    order.total_minor = total.unwrap_or(goods + order.shipping_minor + order.tax_minor - order.discount_minor);
    order.modified_at = version(&order);
    let mut modified = None;
    for at in 0..rows.len() {
        modified = modified.max(reader.time_at(at, Field::ModifiedAt)?);
    }
    order.modified_at = modified.unwrap_or(order.modified_at);
    let cells = rows.iter().map(Cells::record).collect();
    let mut read = ReadOrder { order, document, knows, tax_included_minor: 0, rounded_lines: rounded, shares: Vec::new(), rows: Vec::new(), cells };
    wharf_connect::files::merge::settle(&mut read);
    Ok(read)
}

/// One row as a line, whether its amount was rounded, and whether it has a price at all.
fn line(reader: &Reader<'_>, at: usize, document: Document) -> Result<(ChannelLine, bool, bool), Fault> {
    let cells = reader.rows[at];
    let mapping = &cells.plan.mapping;
    let bad = Fault::at(at);
    let column = |field: Field| cells.column_of(field).unwrap_or(field.as_str());
    let word = cells.field(Field::Status);
    let status = if word.is_empty() { Observed::Known(ChannelStatus::ToShip) } else { status(&cells, word) };
    let mut line = empty_line(&status, word);
    line.external_id = identifier(cells.field(Field::LineId)).map_err(|why| bad(Cause::new("bad_order_id", Some(column(Field::LineId)), why)))?.unwrap_or_default();
    line.seller_code = cells.field(Field::SellerCode).to_owned();
    line.item_id = cells.field(Field::ItemId).to_owned();
    line.sku_id = cells.field(Field::SkuId).to_owned();
    line.title = cells.field(Field::Title).to_owned();
    line.variant = cells.field(Field::Variant).to_owned();
    line.image_url = Some(cells.field(Field::ImageUrl)).filter(|u| u.starts_with("http")).map(str::to_owned);
    if line.seller_code.is_empty() && line.item_id.is_empty() && line.title.is_empty() {
        return Err(bad(Cause::new("no_goods", None, "neither title nor code")));
    }
    let quantity = match units(cells.field(Field::Quantity), column(Field::Quantity), mapping.numbers.decimal).map_err(&bad)? {
        Some(quantity) => quantity,
        None if mapping.gives(Field::Quantity) => return Err(bad(Cause::new("no_quantity", Some(column(Field::Quantity)), "empty"))),
        None => 1,
    };
    own_currency(cells.field(Field::UnitPrice), column(Field::UnitPrice), reader.currency).map_err(&bad)?;
    // The exact product is rounded once, not the price: 0.001 × 1,000 is 1.
    let price = cell::number(cells.field(Field::UnitPrice), mapping.numbers.decimal).map_err(|why| bad(Cause::new("bad_amount", Some(column(Field::UnitPrice)), why)))?;
    let mut rounded = false;
    let mut unit_minor = None;
    let mut total = None;
    if let Some(price) = price {
        let too_large = || bad(Cause::new("bad_amount", Some(column(Field::UnitPrice)), "too large"));
        let unit = price.minor(reader.currency).ok_or_else(too_large)?;
        let whole = price.times(quantity).and_then(|p| p.minor(reader.currency)).ok_or_else(too_large)?;
        if !whole.exact || !unit.exact {
            if !mapping.numbers.round {
                let why = format!("{:?} has more decimals than {} has: set `numbers.round` to round each line", cells.field(Field::UnitPrice), reader.currency);
                return Err(bad(Cause::new("bad_amount", Some(column(Field::UnitPrice)), why)));
            }
            rounded = !whole.exact;
        }
        product(1, unit.minor, column(Field::UnitPrice)).map_err(&bad)?;
        product(1, whole.minor, column(Field::UnitPrice)).map_err(&bad)?;
        unit_minor = Some(unit.minor);
        total = Some(whole.minor);
    }
    let discount = reader.money_at(at, Field::LineDiscount)?.map(i64::abs);
    if let Some(told) = reader.money_at(at, Field::LineTotal)? {
        total = Some(told);
    } else if let (Some(sum), Some(discount)) = (total, discount) {
        total = Some(if sum < 0 { sum + discount } else { sum - discount });
    }
    let has_price = total.is_some();
    let mut total = total.unwrap_or(0);
    line.quantity = quantity.abs();
    line.unit_price_minor = unit_minor.unwrap_or(if quantity != 0 { total / quantity } else { total });
    match document {
        Document::Cancellation => {
            line.cancelled = line.quantity;
            line.status = Observed::Known(ChannelStatus::Cancelled);
            // A credit note written without any minus sign still takes back.
            if quantity > 0 && total > 0 {
                total = -total;
            }
        }
        Document::Adjustment => {
            line.observed_status = format!("{} {quantity}", Document::Adjustment);
            line.quantity = 0;
        }
        Document::Order if quantity < 0 => {
            if !mapping.signs.negative_quantities {
                let why = format!("{quantity}: set `signs.negative_quantities` if that means taken back");
                return Err(bad(Cause::new("negative_quantity", Some(column(Field::Quantity)), why)));
            }
            if total == 0 {
                // Goods written off: nobody bought them and nothing is to be sent.
                line.observed_status = format!("{} {quantity}", Document::Adjustment);
                line.quantity = 0;
            } else {
                line.cancelled = line.quantity;
            }
        }
        Document::Order => {
            if line.status == Observed::Known(ChannelStatus::Cancelled) {
                line.cancelled = line.quantity;
            }
        }
    }
    line.total_minor = total;
    if unit_minor.is_some() && document == Document::Order && quantity > 0 {
        line.discount_minor = product(quantity, line.unit_price_minor, column(Field::UnitPrice)).map_err(&bad)? - total;
        if rounded {
            line.discount_minor = 0;
        }
    }
    if mapping.fill_down && !mapping.gives(Field::LineTotal) && !has_price {
        line.unit_price_minor = 0;
    }
    Ok((line, rounded, has_price))
}

fn currency(context: &Context, rows: &[Cells<'_>]) -> Result<Currency, Fault> {
    let mut found: Option<Currency> = None;
    for (at, cells) in rows.iter().enumerate() {
        let word = cells.field(Field::Currency);
        if word.is_empty() {
            continue;
        }
        let word = match word {
            "人民币" | "RMB" | "元" | "￥" | "¥" => "CNY",
            "€" => "EUR",
            "£" => "GBP",
            "US$" | "$" => "USD",
            other => other,
        };
        let currency = Currency::new(word).map_err(|e| Fault { at, cause: Cause::new("bad_currency", cells.column_of(Field::Currency), e.to_string()) })?;
        if found.is_some_and(|f| f != currency) {
            return Err(Fault { at, cause: Cause::new("contradiction", cells.column_of(Field::Currency), "two currencies in one order") });
        }
        found = Some(currency);
    }
    found.or(context.currency).ok_or_else(|| Fault { at: 0, cause: Cause::new("no_currency", None, "no column, no constant and no shop tells the currency") })
}

fn recipient(reader: &Reader<'_>) -> Option<Recipient> {
    let word = reader.text(Field::Country);
    let words = &reader.rows[0].plan.mapping.country_words;
    let country = words.get(word.as_str()).cloned().unwrap_or_else(|| country(&word));
    let mut region = Region {
        country,
        province: reader.text(Field::Province),
        city: reader.text(Field::City),
        district: reader.text(Field::District),
        town: reader.text(Field::Town),
        postal_code: reader.text(Field::PostalCode),
    };
    let parts = [Field::Address, Field::Address2, Field::Address3].map(|f| reader.text(f));
    let mut street = parts.iter().filter(|p| !p.is_empty()).cloned().collect::<Vec<_>>().join(", ");
    let full = reader.text(Field::FullAddress);
    let whole = if full.is_empty() && region.province.is_empty() && region.city.is_empty() { std::mem::take(&mut street) } else { full };
    if !whole.is_empty() {
        let split = division::split(&whole);
        if region.province.is_empty() && !split.region.province.is_empty() {
            let (country, postal_code) = (region.country.clone(), region.postal_code.clone());
            region = split.region;
            if !country.is_empty() {
                region.country = country;
            }
            if !postal_code.is_empty() {
                region.postal_code = postal_code;
            }
        }
        street = if street.is_empty() { split.street } else { street };
        if street.is_empty() {
            street = whole;
        }
    }
    let phone = [reader.text(Field::Phone), reader.text(Field::Phone2)].into_iter().find(|p| !p.is_empty()).unwrap_or_default();
    let personal = PersonalData { name: reader.text(Field::Recipient), phone, address: street };
    if region == Region::default() && personal == PersonalData::default() {
        return None;
    }
    let masked = [&personal.name, &personal.phone, &personal.address].iter().any(|t| t.contains('*'));
    Some(Recipient { region, personal, token: None, masked })
}

//! How one file's rows are read: where each column that its layout knows stands, which columns nobody knows, and the
//! row as a layout sees it.

use super::cell::{self, DayMonth, DecimalStyle};
use super::delimited::RawRow;
use super::header::Header;
use super::layouts::Reading;
use super::mapping::{Field, Mapping};
use wharf_connect::files::Cause;
use jiff::tz::TimeZone;
use std::collections::HashMap;
use wharf_domain::money::Currency;
use wharf_domain::order::channel::{ChannelLine, ChannelOrder};
use wharf_domain::order::{ChannelStatus, FulfilledBy, LineRefund, Payment};
use wharf_domain::time::Timestamp;
use wharf_domain::word::{Observed, Word};

/// What holds for all files of one reading.
pub(crate) struct Context {
    /// Zone of times without one.
    pub(crate) zone: TimeZone,
    /// The currency where the file names none.
    pub(crate) currency: Option<Currency>,
    /// Placing time of orders whose files tell no time.
    pub(crate) now: Timestamp,
}

/// One file's columns.
pub(crate) struct Plan {
    pub(crate) reading: Reading,
    pub(crate) layout: &'static str,
    pub(crate) names: Vec<String>,
    columns: HashMap<&'static str, usize>,
    fields: Vec<Option<usize>>,
    pub(crate) mapping: Mapping,
    pub(crate) unknown: Vec<String>,
    pub(crate) missing: Vec<String>,
}

impl Plan {
    /// A layout with columns of its own; each entry lists the spellings of one column, the first is its name here.
    pub(crate) fn layout(reading: Reading, layout: &'static str, header: &Header, columns: &'static [&'static [&'static str]], ignored: &[&str]) -> Plan {
        let mut found = HashMap::new();
        let mut used = vec![false; header.names.len()];
        let mut missing = Vec::new();
        for spellings in columns {
            match spellings.iter().find_map(|s| header.find(s)) {
                Some(index) => {
                    used[index] = true;
                    found.insert(spellings[0], index);
                }
                None => missing.push(spellings[0].to_owned()),
            }
        }
        for name in ignored {
            if let Some(index) = header.find(name) {
                used[index] = true;
            }
        }
        Plan { reading, layout, names: header.names.clone(), columns: found, fields: Vec::new(), mapping: Mapping::default(), unknown: unused(header, &used), missing }
    }

    /// The column that holds the order's number.
    pub(crate) fn order_column(&self) -> Option<usize> {
        match self.reading {
            Reading::AmazonAllOrders => self.columns.get("amazon-order-id").copied(),
            Reading::AmazonToShip => self.columns.get("order-id").copied(),
            Reading::TaobaoOrders => self.columns.get("订单编号").copied(),
            Reading::TaobaoLines => self.columns.get("主订单编号").copied(),
            Reading::Mapped | Reading::Named => self.fields[Field::OrderId as usize],
        }
    }

    /// A mapping's columns.
    pub(crate) fn mapped(header: &Header, mapping: &Mapping) -> Plan {
        let mut used = vec![false; header.names.len()];
        let mut fields = vec![None; Field::ALL.len()];
        let mut missing = Vec::new();
        for (field, name) in &mapping.columns {
            match header.find(name) {
                Some(index) => {
                    used[index] = true;
                    fields[*field as usize] = Some(index);
                }
                None => missing.push(name.clone()),
            }
        }
        Plan { reading: Reading::Mapped, layout: "mapped", names: header.names.clone(), columns: HashMap::new(), fields, mapping: mapping.clone(), unknown: unused(header, &used), missing }
    }
}

fn unused(header: &Header, used: &[bool]) -> Vec<String> {
    header.names.iter().zip(used).filter(|(name, used)| !name.is_empty() && !**used).map(|(name, _)| name.clone()).collect()
}

/// A row and the plan of its file.
#[derive(Clone, Copy)]
pub(crate) struct Cells<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) row: &'a RawRow,
}

impl<'a> Cells<'a> {
    /// The cleaned text of a column; empty when the file has no such column or the row no such cell.
    pub(crate) fn text(&self, column: &str) -> &'a str {
        self.plan.columns.get(column).and_then(|i| self.row.cells.get(*i)).and_then(|c| cell::optional(c)).unwrap_or("")
    }

    pub(crate) fn has(&self, column: &str) -> bool {
        self.plan.columns.contains_key(column)
    }

    /// The text of a mapped field, or its constant.
    pub(crate) fn field(&self, field: Field) -> &'a str {
        let cell = self.plan.fields[field as usize].and_then(|i| self.row.cells.get(i)).and_then(|c| cell::optional(c));
        cell.or_else(|| self.plan.mapping.constants.get(&field).map(|c| c.trim())).unwrap_or("")
    }

    /// The name that the file gives a mapped field's column.
    pub(crate) fn column_of(&self, field: Field) -> Option<&'a str> {
        self.plan.mapping.columns.get(&field).map(String::as_str)
    }

    pub(crate) fn identifier(&self, text: &str, column: &str) -> Result<Option<String>, Cause> {
        cell::identifier(text).map_err(|why| Cause::new("bad_order_id", Some(column), why))
    }

    pub(crate) fn money(&self, column: &str, currency: Currency) -> Result<Option<i64>, Cause> {
        amount(self.text(column), column, currency, DecimalStyle::Auto, false).map(|m| m.map(|m| m.0))
    }

    pub(crate) fn units(&self, column: &str) -> Result<Option<i64>, Cause> {
        units(self.text(column), column, DecimalStyle::Auto)
    }

    pub(crate) fn time(&self, column: &str, zone: &TimeZone) -> Result<Option<Timestamp>, Cause> {
        cell::instant(self.text(column), None, DayMonth::Auto, zone).map_err(|why| Cause::new("bad_time", Some(column), why))
    }

    /// The row by column names, for the record.
    pub(crate) fn record(&self) -> Vec<(String, String)> {
        self.plan
            .names
            .iter()
            .zip(&self.row.cells)
            .filter(|(_, cell)| !cell.trim().is_empty())
            .map(|(name, cell)| (name.clone(), cell.clone()))
            .collect()
    }
}

/// The largest amount of one cell, in minor units: a million of them still fit a sum.
pub(crate) const MAX_AMOUNT: u64 = 4_000_000_000_000;
/// The largest quantity of one line.
pub(crate) const MAX_UNITS: i64 = 1_000_000_000;

/// Units times a price, within what a sum can hold.
pub(crate) fn product(units: i64, price_minor: i64, column: &str) -> Result<i64, Cause> {
    units
        .checked_mul(price_minor)
        .filter(|p| p.unsigned_abs() <= MAX_AMOUNT)
        .ok_or_else(|| Cause::new("bad_amount", Some(column), format!("{units} × {price_minor} is too large")))
}

/// A number of units, within what a sum can hold.
pub(crate) fn units(text: &str, column: &str, style: DecimalStyle) -> Result<Option<i64>, Cause> {
    let bad = |why: String| Cause::new("bad_quantity", Some(column), why);
    match cell::quantity(text, style).map_err(bad)? {
        Some(n) if n.abs() > MAX_UNITS => Err(bad(format!("{n} units are too many"))),
        other => Ok(other),
    }
}

/// An amount that names a currency names the order's.
pub(crate) fn own_currency(text: &str, column: &str, currency: Currency) -> Result<(), Cause> {
    match super::currency::other_currency(text, currency) {
        Some(word) => Err(Cause::new("bad_amount", Some(column), format!("{text:?} says {word}, and the order is in {currency}"))),
        None => Ok(()),
    }
}

/// An amount in minor units, and whether it was rounded.
pub(crate) fn amount(text: &str, column: &str, currency: Currency, style: DecimalStyle, round: bool) -> Result<Option<(i64, bool)>, Cause> {
    let bad = |why: String| Cause::new("bad_amount", Some(column), why);
    own_currency(text, column, currency)?;
    let Some(exact) = cell::number(text, style).map_err(bad)? else { return Ok(None) };
    let minor = exact.minor(currency).ok_or_else(|| bad(format!("{text:?} is too large")))?;
    if minor.minor.unsigned_abs() > MAX_AMOUNT {
        return Err(bad(format!("{text:?} is too large")));
    }
    if !minor.exact && !round {
        return Err(bad(format!("{text:?} has more decimals than {currency} has")));
    }
    Ok(Some((minor.minor, !minor.exact)))
}

/// Why a group of rows is no order: the row to blame, by its place in the group.
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) cause: Cause,
}

impl Fault {
    pub(crate) fn at(at: usize) -> impl Fn(Cause) -> Fault {
        move |cause| Fault { at, cause }
    }
}

/// An order with nothing in it but its id and times.
pub(crate) fn empty_order(external_id: String, currency: Currency, placed_at: Timestamp) -> ChannelOrder {
    ChannelOrder {
        external_id,
        observed_status: String::new(),
        status: Observed::Unknown(String::new()),
        modified_at: placed_at,
        placed_at,
        paid_at: None,
        ship_by: None,
        shipped_at: None,
        closed_at: None,
        payment: Payment::Paid,
        cash_on_delivery: false,
        fulfilled_by: FulfilledBy::Seller,
        do_not_ship: Vec::new(),
        buyer: Default::default(),
        recipient: None,
        currency,
        total_minor: 0,
        shipping_minor: 0,
        tax_minor: 0,
        discount_minor: 0,
        buyer_note: String::new(),
        seller_note: String::new(),
        seller_flag: None,
        urgent: Vec::new(),
        tags: Vec::new(),
        lines: Vec::new(),
        shipments: Vec::new(),
        raw: Vec::new(),
    }
}

/// A line with nothing in it but what was sold.
pub(crate) fn empty_line(status: &Observed<ChannelStatus>, observed: &str) -> ChannelLine {
    ChannelLine {
        external_id: String::new(),
        item_id: String::new(),
        sku_id: String::new(),
        seller_code: String::new(),
        title: String::new(),
        variant: String::new(),
        image_url: None,
        quantity: 0,
        cancelled: 0,
        unit_price_minor: 0,
        discount_minor: 0,
        total_minor: 0,
        observed_status: observed.to_owned(),
        status: status.clone(),
        refund: LineRefund::None,
        gift: false,
    }
}

/// How far a status is: files without a modification time order their versions by it, in the microseconds behind the
/// latest time that they tell.
pub(crate) fn rank(status: &Observed<ChannelStatus>) -> i64 {
    match status {
        Observed::Unknown(_) => 0,
        Observed::Known(known) => ChannelStatus::ALL.iter().position(|s| s == known).map_or(0, |p| p as i64 + 1),
    }
}

/// The version of an order whose file tells no modification time.
pub(crate) fn version(order: &ChannelOrder) -> Timestamp {
    let latest = [Some(order.placed_at), order.paid_at, order.shipped_at, order.closed_at].into_iter().flatten().max().unwrap_or(order.placed_at);
    latest.plus(rank(&order.status))
}

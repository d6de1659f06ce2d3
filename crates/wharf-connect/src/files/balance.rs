//! What a set of orders comes to, per month, country and currency: the figures that a person compares with the sums of
//! the spreadsheet before anything is believed.

use super::read_order::{Document, ReadOrder};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wharf_domain::money::Currency;
use wharf_domain::time::Timestamp;

/// Sums of one month, country and currency. Amounts are minor units and carry the sign of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sums {
    /// Orders, adjustments included.
    pub orders: i64,
    /// Cancellations (credit notes), and orders that the channel cancelled.
    pub cancellations: i64,
    /// Of the orders, those that move money only.
    pub adjustments: i64,
    /// Lines of all documents.
    pub lines: i64,
    /// Units sold, without what was cancelled.
    pub units: i64,
    /// Units cancelled or taken back.
    pub cancelled_units: i64,
    /// Lines' totals.
    pub goods_minor: i64,
    /// Postage.
    pub shipping_minor: i64,
    /// Tax on top.
    pub tax_minor: i64,
    /// Order discounts.
    pub discount_minor: i64,
    /// What the buyers pay in all.
    pub total_minor: i64,
    /// Of `total_minor`, what cancelled documents carry.
    pub cancelled_minor: i64,
    /// Tax inside the lines' totals.
    pub tax_included_minor: i64,
    /// Lines whose amount was rounded to the minor unit.
    pub rounded_lines: i64,
}

impl Sums {
    fn add(&mut self, other: &Sums) {
        self.orders += other.orders;
        self.cancellations += other.cancellations;
        self.adjustments += other.adjustments;
        self.lines += other.lines;
        self.units += other.units;
        self.cancelled_units += other.cancelled_units;
        self.goods_minor += other.goods_minor;
        self.shipping_minor += other.shipping_minor;
        self.tax_minor += other.tax_minor;
        self.discount_minor += other.discount_minor;
        self.total_minor += other.total_minor;
        self.cancelled_minor += other.cancelled_minor;
        self.tax_included_minor += other.tax_included_minor;
        self.rounded_lines += other.rounded_lines;
    }
}

/// One row of the balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceRow {
    /// `2026-01`, in the zone of the file; empty when no time was told.
    pub month: String,
    /// ISO code or the file's own word; empty when none was told.
    pub country: String,
    /// The currency.
    pub currency: Currency,
    /// The figures.
    #[serde(flatten)]
    pub sums: Sums,
}

/// The whole balance, flat in memory: months × countries × currencies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Balance {
    rows: BTreeMap<(String, String, Currency), Sums>,
}

/// The month of an instant in a zone.
pub fn month(at: Timestamp, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_microsecond(at.micros()) {
        Ok(at) => {
            let zoned = at.to_zoned(zone.clone());
            format!("{:04}-{:02}", zoned.year(), zoned.month())
        }
        Err(_) => String::new(),
    }
}

impl Balance {
    /// Counts one order.
    pub fn count(&mut self, read: &ReadOrder, zone: &TimeZone) {
        let order = &read.order;
        let month = if read.knows.placed { month(order.placed_at, zone) } else { String::new() };
        let country = order.recipient.as_ref().map(|r| r.region.country.clone()).unwrap_or_default();
        let cancelled = read.document == Document::Cancellation
            || order.status == wharf_domain::word::Observed::Known(wharf_domain::order::ChannelStatus::Cancelled);
        let sums = Sums {
            orders: i64::from(!cancelled),
            cancellations: i64::from(cancelled),
            adjustments: i64::from(read.document == Document::Adjustment),
            lines: order.lines.len() as i64,
            units: order.lines.iter().map(|l| l.quantity - l.cancelled).sum(),
            cancelled_units: order.lines.iter().map(|l| l.cancelled).sum(),
            goods_minor: order.lines.iter().map(|l| l.total_minor).sum(),
            shipping_minor: order.shipping_minor,
            tax_minor: order.tax_minor,
            discount_minor: order.discount_minor,
            total_minor: order.total_minor,
            cancelled_minor: if cancelled { order.total_minor } else { 0 },
            tax_included_minor: read.tax_included_minor,
            rounded_lines: read.rounded_lines,
        };
        self.rows.entry((month, country, order.currency)).or_default().add(&sums);
    }

    /// Rows by month, country, currency.
    pub fn rows(&self) -> Vec<BalanceRow> {
        self.rows
            .iter()
            .map(|((month, country, currency), sums)| BalanceRow {
                month: month.clone(),
                country: country.clone(),
                currency: *currency,
                sums: *sums,
            })
            .collect()
    }

    /// Everything per currency.
    pub fn totals(&self) -> Vec<BalanceRow> {
        let mut totals: BTreeMap<Currency, Sums> = BTreeMap::new();
        for ((_, _, currency), sums) in &self.rows {
            totals.entry(*currency).or_default().add(sums);
        }
        totals.into_iter().map(|(currency, sums)| BalanceRow { month: String::new(), country: String::new(), currency, sums }).collect()
    }
}

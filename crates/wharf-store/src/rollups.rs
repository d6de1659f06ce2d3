//! Counters and rollups, changed by differences in the transaction of the change, and read without counting. The one
//! caller that changes them is the recomputation; doctor counts again and compares.

use crate::{StoreError, Tx, Value};
use std::collections::BTreeMap;
use wharf_domain::access::Scope;
use wharf_domain::hold::HoldReason;
use wharf_domain::id::ShopId;
use wharf_domain::order::phase::Phase;
use wharf_domain::time::Timestamp;
use wharf_domain::word::Word;

/// Numbers of one shop's day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayNumbers {
    /// Orders placed.
    pub orders: i64,
    /// Units in them.
    pub units: i64,
    /// Orders that are paid.
    pub paid_orders: i64,
    /// Totals of paid, not cancelled orders.
    pub sales_minor: i64,
    /// Cancelled orders.
    pub cancelled_orders: i64,
    /// Orders that have left, or more.
    pub shipped_orders: i64,
}

/// Differences to be added, or whole sums when they are counted anew.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sums {
    /// Orders by shop and phase.
    pub phases: BTreeMap<(ShopId, Phase), i64>,
    /// Open holds by shop and reason.
    pub holds: BTreeMap<(ShopId, HoldReason), i64>,
    /// By shop, local day and currency.
    pub days: BTreeMap<(ShopId, Timestamp, String), DayNumbers>,
    /// By shop and UTC hour: orders, sales.
    pub hours: BTreeMap<(ShopId, Timestamp), (i64, i64)>,
}

impl Sums {
    /// Takes zeros out: two sums are equal when what is left is.
    pub fn without_zeros(mut self) -> Self {
        self.phases.retain(|_, n| *n != 0);
        self.holds.retain(|_, n| *n != 0);
        self.days.retain(|_, n| *n != DayNumbers::default());
        self.hours.retain(|_, n| *n != (0, 0));
        self
    }
}

/// Adds differences, in the order of their keys.
pub fn add(tx: &mut Tx<'_>, sums: Sums) -> Result<(), StoreError> {
    let sums = sums.without_zeros();
    let rows: Vec<Vec<Value>> =
        sums.phases.iter().map(|((shop, phase), n)| vec![(*shop).into(), Value::word(*phase), (*n).into()]).collect();
    tx.insert_many(
        "INSERT INTO phase_counts (shop_id, phase, n)",
        &rows,
        "ON CONFLICT (shop_id, phase) DO UPDATE SET n = phase_counts.n + excluded.n",
    )?;
    let rows: Vec<Vec<Value>> =
        sums.holds.iter().map(|((shop, reason), n)| vec![(*shop).into(), Value::word(*reason), (*n).into()]).collect();
    tx.insert_many(
        "INSERT INTO hold_counts (shop_id, reason, n)",
        &rows,
        "ON CONFLICT (shop_id, reason) DO UPDATE SET n = hold_counts.n + excluded.n",
    )?;
    let rows: Vec<Vec<Value>> = sums
        .days
        .iter()
        .map(|((shop, day, currency), n)| {
            vec![
                (*shop).into(),
                (*day).into(),
                currency.into(),
                n.orders.into(),
                n.units.into(),
                n.paid_orders.into(),
                n.sales_minor.into(),
                n.cancelled_orders.into(),
                n.shipped_orders.into(),
            ]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO day_rollups (shop_id, day, currency, orders, units, paid_orders, sales_minor, cancelled_orders, shipped_orders)",
        &rows,
        "ON CONFLICT (shop_id, day, currency) DO UPDATE SET orders = day_rollups.orders + excluded.orders, units = day_rollups.units + excluded.units, \
         paid_orders = day_rollups.paid_orders + excluded.paid_orders, sales_minor = day_rollups.sales_minor + excluded.sales_minor, \
         cancelled_orders = day_rollups.cancelled_orders + excluded.cancelled_orders, shipped_orders = day_rollups.shipped_orders + excluded.shipped_orders",
    )?;
    let rows: Vec<Vec<Value>> = sums
        .hours
        .iter()
        .map(|((shop, hour), (orders, sales))| vec![(*shop).into(), (*hour).into(), (*orders).into(), (*sales).into()])
        .collect();
    tx.insert_many(
        "INSERT INTO hour_rollups (shop_id, hour, orders, sales_minor)",
        &rows,
        "ON CONFLICT (shop_id, hour) DO UPDATE SET orders = hour_rollups.orders + excluded.orders, sales_minor = hour_rollups.sales_minor + excluded.sales_minor",
    )?;
    Ok(())
}

/// All counters and rollups as they stand.
pub fn read(tx: &mut Tx<'_>) -> Result<Sums, StoreError> {
    let mut sums = Sums::default();
    for row in tx.query("SELECT shop_id, phase, n FROM phase_counts", &[])? {
        sums.phases.insert((row.id(0)?, row.word(1)?), row.int(2)?);
    }
    for row in tx.query("SELECT shop_id, reason, n FROM hold_counts", &[])? {
        sums.holds.insert((row.id(0)?, row.word(1)?), row.int(2)?);
    }
    for row in tx.query(
        "SELECT shop_id, day, currency, orders, units, paid_orders, sales_minor, cancelled_orders, shipped_orders FROM day_rollups",
        &[],
    )? {
        let numbers = DayNumbers {
            orders: row.int(3)?,
            units: row.int(4)?,
            paid_orders: row.int(5)?,
            sales_minor: row.int(6)?,
            cancelled_orders: row.int(7)?,
            shipped_orders: row.int(8)?,
        };
        sums.days.insert((row.id(0)?, row.time(1)?, row.text(2)?), numbers);
    }
    for row in tx.query("SELECT shop_id, hour, orders, sales_minor FROM hour_rollups", &[])? {
        sums.hours.insert((row.id(0)?, row.time(1)?), (row.int(2)?, row.int(3)?));
    }
    Ok(sums)
}

/// Counts of a scope: every phase, every hold reason that has orders, and all orders. The phases sum to the total.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Orders by phase; all phases are there.
    pub phases: BTreeMap<Phase, i64>,
    /// Orders by reason of an open hold.
    pub holds: BTreeMap<HoldReason, i64>,
    /// All orders.
    pub total: i64,
}

/// Reads the counters of a scope, of the shops named (all when `None`). Nothing is counted.
pub fn counts(tx: &mut Tx<'_>, scope: &Scope, shops: Option<&[ShopId]>) -> Result<Counts, StoreError> {
    let seen = |shop: ShopId| scope.shop(shop) && shops.is_none_or(|list| list.contains(&shop));
    let mut counts = Counts { phases: Phase::ALL.iter().map(|phase| (*phase, 0)).collect(), ..Counts::default() };
    for row in tx.query("SELECT shop_id, phase, n FROM phase_counts", &[])? {
        if seen(row.id(0)?) {
            *counts.phases.entry(row.word(1)?).or_default() += row.int(2)?;
            counts.total += row.int(2)?;
        }
    }
    for row in tx.query("SELECT shop_id, reason, n FROM hold_counts WHERE n <> 0", &[])? {
        if seen(row.id(0)?) {
            *counts.holds.entry(row.word(1)?).or_default() += row.int(2)?;
        }
    }
    Ok(counts)
}

/// Days of a scope from a day on: (shop, day, currency, numbers), by day.
pub fn days(
    tx: &mut Tx<'_>,
    scope: &Scope,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(ShopId, Timestamp, String, DayNumbers)>, StoreError> {
    let rows = tx.query(
        "SELECT shop_id, day, currency, orders, units, paid_orders, sales_minor, cancelled_orders, shipped_orders FROM day_rollups \
         WHERE day >= $1 AND day < $2 ORDER BY day, shop_id, currency",
        &[from.into(), to.into()],
    )?;
    let mut days = Vec::with_capacity(rows.len());
    for row in &rows {
        let shop: ShopId = row.id(0)?;
        if scope.shop(shop) {
            let numbers = DayNumbers {
                orders: row.int(3)?,
                units: row.int(4)?,
                paid_orders: row.int(5)?,
                sales_minor: row.int(6)?,
                cancelled_orders: row.int(7)?,
                shipped_orders: row.int(8)?,
            };
            days.push((shop, row.time(1)?, row.text(2)?, numbers));
        }
    }
    Ok(days)
}

/// Hours of a scope: (shop, hour, orders, sales), by hour.
pub fn hours(tx: &mut Tx<'_>, scope: &Scope, from: Timestamp, to: Timestamp) -> Result<Vec<(ShopId, Timestamp, i64, i64)>, StoreError> {
    let rows = tx.query(
        "SELECT shop_id, hour, orders, sales_minor FROM hour_rollups WHERE hour >= $1 AND hour < $2 ORDER BY hour, shop_id",
        &[from.into(), to.into()],
    )?;
    let mut hours = Vec::with_capacity(rows.len());
    for row in &rows {
        if scope.shop(row.id(0)?) {
            hours.push((row.id(0)?, row.time(1)?, row.int(2)?, row.int(3)?));
        }
    }
    Ok(hours)
}

/// Sets every counter and rollup to what was counted: doctor's repair.
pub fn replace(tx: &mut Tx<'_>, sums: Sums) -> Result<(), StoreError> {
    for table in ["phase_counts", "hold_counts", "day_rollups", "hour_rollups"] {
        tx.execute(&format!("DELETE FROM {table}"), &[])?;
    }
    add(tx, sums)
}

/// What is counted of every order: (order, shop, counted), after an id; for doctor.
pub fn counted_page(tx: &mut Tx<'_>, after: wharf_domain::id::OrderId, limit: usize) -> Result<Vec<wharf_domain::id::OrderId>, StoreError> {
    tx.query("SELECT id FROM orders WHERE id > $1 ORDER BY id LIMIT $2", &[after.into(), limit.into()])?
        .iter()
        .map(|row| row.id(0))
        .collect()
}

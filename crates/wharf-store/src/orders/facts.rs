//! The facts from which the phase is derived, read for many orders at once; and the cached columns, written back.

use crate::{StoreError, Tx, Value};
use std::collections::HashMap;
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{OrderId, ShopId};
use wharf_domain::money::Currency;
use wharf_domain::order::LineCounters;
use wharf_domain::order::phase::{OrderFacts, Phase};
use wharf_domain::time::Timestamp;

/// The facts of one order, what counters need besides, and what is cached now.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The order.
    pub id: OrderId,
    /// Its shop.
    pub shop_id: ShopId,
    /// What its phase depends on.
    pub facts: OrderFacts,
    /// Reasons of its open holds, sorted.
    pub holds: Vec<HoldReason>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Currency.
    pub currency: Currency,
    /// What the buyer pays.
    pub total_minor: i64,
    /// The cached phase.
    pub cached_phase: Phase,
    /// What counters and rollups hold of it.
    pub counted: String,
}

/// What is cached on an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cached {
    /// The order.
    pub id: OrderId,
    /// Its phase.
    pub phase: Phase,
    /// What counters and rollups hold of it.
    pub counted: String,
}

/// Reads facts of orders, in rising order of their ids. Four statements, however many orders.
pub fn facts(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<Vec<Facts>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in(
        "SELECT id, shop_id, payment, cash_on_delivery, fulfilled_by, progress, CASE WHEN approved_at IS NULL THEN 0 ELSE 1 END, placed_at, \
         currency, total_minor, phase, counted FROM orders WHERE id IN ({ids})",
        &ids,
        &[],
    )?;
    let mut sums: HashMap<OrderId, (LineCounters, i64)> = HashMap::with_capacity(rows.len());
    for row in tx.query_in(
        "SELECT l.order_id, CAST(SUM(l.ordered) AS BIGINT), CAST(SUM(l.cancelled) AS BIGINT), CAST(SUM(l.allocated) AS BIGINT), \
         CAST(SUM(l.packed) AS BIGINT), CAST(SUM(l.shipped) AS BIGINT), CAST(SUM(l.delivered) AS BIGINT), CAST(SUM(l.returned) AS BIGINT), \
         CAST(SUM(CASE WHEN g.sku_id IS NULL AND g.bundle_id IS NULL AND l.ordered - l.cancelled > l.shipped THEN 1 ELSE 0 END) AS BIGINT) \
         FROM order_lines l JOIN listings g ON g.id = l.listing_id WHERE l.order_id IN ({ids}) GROUP BY l.order_id",
        &ids,
        &[],
    )? {
        sums.insert(row.id(0)?, (super::counters(&row, 1)?, row.int(8)?));
    }
    let mut holds: HashMap<OrderId, Vec<HoldReason>> = HashMap::new();
    for row in tx.query_in("SELECT order_id, reason FROM holds WHERE released_at IS NULL AND order_id IN ({ids})", &ids, &[])? {
        holds.entry(row.id(0)?).or_default().push(row.word(1)?);
    }
    let mut labelled: HashMap<OrderId, i64> = HashMap::new();
    for row in tx.query_in(
        "SELECT l.order_id, CAST(SUM(l.quantity) AS BIGINT) FROM shipment_lines l JOIN shipments s ON s.id = l.shipment_id \
         WHERE l.order_id IN ({ids}) AND s.printed_at IS NOT NULL AND s.shipment_state <> 'cancelled' GROUP BY l.order_id",
        &ids,
        &[],
    )? {
        labelled.insert(row.id(0)?, row.int(1)?);
    }
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let id: OrderId = row.id(0)?;
        let (units, unmapped_lines) = sums.get(&id).copied().unwrap_or_default();
        let mut holds = holds.remove(&id).unwrap_or_default();
        holds.sort_unstable();
        all.push(Facts {
            id,
            shop_id: row.id(1)?,
            facts: OrderFacts {
                payment: row.word(2)?,
                cash_on_delivery: row.bool(3)?,
                fulfilled_by: row.word(4)?,
                progress: row.word(5)?,
                units,
                unmapped_lines,
                open_holds: holds.len() as i64,
                approved: row.bool(6)?,
                labelled: labelled.get(&id).copied().unwrap_or(0),
            },
            holds,
            placed_at: row.time(7)?,
            currency: Currency::new(row.str(8)?).map_err(|_| row.inconsistent(8))?,
            total_minor: row.int(9)?,
            cached_phase: row.word(10)?,
            counted: row.text(11)?,
        });
    }
    all.sort_unstable_by_key(|facts| facts.id);
    Ok(all)
}

/// Writes phases and what is counted of orders. Only the recomputation calls it.
pub fn save_cached(tx: &mut Tx<'_>, cached: &[Cached]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = cached.iter().map(|c| vec![c.id.into(), Value::word(c.phase), (&c.counted).into()]).collect();
    tx.execute_rows(
        "UPDATE orders SET phase = v.column2, counted = v.column3, updated_at = $1 FROM {rows} AS v WHERE orders.id = v.column1",
        &rows,
        &[tx.now().into()],
    )
    .map(drop)
}

//! Holds and findings: reasons why an order must not move, and what checks saw. One open hold per (order, reason); one
//! open finding per (order, code). Counters of holds are kept by the recomputation, not here.

use crate::{Row, StoreError, Tx, Value};
use std::collections::{HashMap, HashSet};
use wharf_domain::hold::{FindingCode, HoldReason, Severity};
use wharf_domain::id::{FindingId, HoldId, OrderId, ShopId};
use wharf_domain::time::Timestamp;
use wharf_domain::timeline::Actor;

/// A hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: HoldReason,
    /// Values for the sentence.
    pub detail: serde_json::Value,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// By whom.
    pub placed_by: Actor,
    /// When it was released.
    pub released_at: Option<Timestamp>,
    /// By whom.
    pub released_by: Option<Actor>,
}

/// A hold to be placed.
#[derive(Debug, Clone, PartialEq)]
pub struct NewHold {
    /// The order.
    pub order_id: OrderId,
    /// Its shop.
    pub shop_id: ShopId,
    /// Why.
    pub reason: HoldReason,
    /// Values for the sentence; no personal data.
    pub detail: serde_json::Value,
}

const HOLD: &str = "id, order_id, reason, detail, placed_at, placed_by, released_at, released_by";

fn read_hold(row: &Row) -> Result<Hold, StoreError> {
    Ok(Hold {
        id: row.id(0)?,
        order_id: row.id(1)?,
        reason: row.word(2)?,
        detail: row.json(3)?,
        placed_at: row.time(4)?,
        placed_by: row.json(5)?,
        released_at: row.opt_time(6)?,
        released_by: row.opt_json(7)?,
    })
}

/// Places holds that are not open yet; answers those that were placed now.
pub fn place(tx: &mut Tx<'_>, holds: &[NewHold], by: &Actor) -> Result<Vec<(OrderId, HoldReason)>, StoreError> {
    let mut seen = HashSet::new();
    let by = Value::json(by);
    let now = tx.now();
    let rows: Vec<Vec<Value>> = holds
        .iter()
        .filter(|hold| seen.insert((hold.order_id, hold.reason)))
        .map(|hold| {
            vec![
                tx.new_id::<HoldId>().into(),
                hold.order_id.into(),
                hold.shop_id.into(),
                Value::word(hold.reason),
                (&hold.detail).into(),
                now.into(),
                by.clone(),
            ]
        })
        .collect();
    tx.insert_many_returning(
        "INSERT INTO holds (id, order_id, shop_id, reason, detail, placed_at, placed_by)",
        &rows,
        "ON CONFLICT (order_id, reason) WHERE released_at IS NULL DO NOTHING RETURNING order_id, reason",
    )?
    .iter()
    .map(|row| Ok((row.id(0)?, row.word(1)?)))
    .collect()
}

/// Releases open holds of these orders; answers what was open.
pub fn release(tx: &mut Tx<'_>, holds: &[(OrderId, HoldReason)], by: &Actor) -> Result<Vec<(OrderId, HoldReason)>, StoreError> {
    let mut unique = holds.to_vec();
    unique.sort_unstable();
    unique.dedup();
    let rows: Vec<Vec<Value>> = unique.iter().map(|(id, reason)| vec![(*id).into(), Value::word(*reason)]).collect();
    let now = tx.now();
    tx.query_rows(
        "UPDATE holds SET released_at = $1, released_by = $2 FROM {rows} AS v WHERE holds.order_id = v.column1 AND holds.reason = v.column2 \
         AND holds.released_at IS NULL RETURNING holds.order_id, holds.reason",
        &rows,
        &[now.into(), Value::json(by)],
    )?
    .iter()
    .map(|row| Ok((row.id(0)?, row.word(1)?)))
    .collect()
}

/// Open holds of orders, oldest first.
pub fn open(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<Hold>>, StoreError> {
    read_holds(tx, ids, "released_at IS NULL")
}

/// All holds of orders, released ones too, oldest first.
pub fn all(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<Hold>>, StoreError> {
    read_holds(tx, ids, "placed_at IS NOT NULL")
}

fn read_holds(tx: &mut Tx<'_>, ids: &[OrderId], which: &str) -> Result<HashMap<OrderId, Vec<Hold>>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let mut by_order: HashMap<OrderId, Vec<Hold>> = HashMap::new();
    for row in tx.query_in(
        &format!("SELECT {HOLD} FROM holds WHERE order_id IN ({{ids}}) AND {which} ORDER BY order_id, placed_at, id"),
        &ids,
        &[],
    )? {
        let hold = read_hold(&row)?;
        by_order.entry(hold.order_id).or_default().push(hold);
    }
    Ok(by_order)
}

/// What a check saw, as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFinding {
    /// Its id.
    pub id: FindingId,
    /// The order.
    pub order_id: OrderId,
    /// What it is.
    pub code: FindingCode,
    /// How much it matters.
    pub severity: Severity,
    /// Values and fixes.
    pub params: serde_json::Value,
    /// Keyed hash of what was looked at.
    pub seen: String,
    /// When it was found.
    pub found_at: Timestamp,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
    /// A person let it pass.
    pub overruled: bool,
}

/// A finding to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFinding {
    /// The order.
    pub order_id: OrderId,
    /// What it is.
    pub code: FindingCode,
    /// How much it matters.
    pub severity: Severity,
    /// Values and fixes.
    pub params: serde_json::Value,
    /// Keyed hash of what was looked at.
    pub seen: String,
}

/// Findings of orders that are open, or that a person let pass, oldest first.
pub fn findings(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<StoredFinding>>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let mut by_order: HashMap<OrderId, Vec<StoredFinding>> = HashMap::new();
    for row in tx.query_in(
        "SELECT id, order_id, code, severity, params, seen, found_at, settled_at, overruled FROM findings \
         WHERE order_id IN ({ids}) AND (settled_at IS NULL OR overruled = 1) ORDER BY order_id, found_at, id",
        &ids,
        &[],
    )? {
        let finding = StoredFinding {
            id: row.id(0)?,
            order_id: row.id(1)?,
            code: row.word(2)?,
            severity: row.word(3)?,
            params: row.json(4)?,
            seen: row.text(5)?,
            found_at: row.time(6)?,
            settled_at: row.opt_time(7)?,
            overruled: row.bool(8)?,
        };
        by_order.entry(finding.order_id).or_default().push(finding);
    }
    Ok(by_order)
}

/// Stores findings; an open one of the same code takes the new severity, values and sight.
pub fn save_findings(tx: &mut Tx<'_>, findings: &[NewFinding]) -> Result<(), StoreError> {
    let now = tx.now();
    let rows: Vec<Vec<Value>> = findings
        .iter()
        .map(|f| {
            vec![
                tx.new_id::<FindingId>().into(),
                f.order_id.into(),
                Value::word(f.code),
                Value::word(f.severity),
                (&f.params).into(),
                (&f.seen).into(),
                now.into(),
            ]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO findings (id, order_id, code, severity, params, seen, found_at)",
        &rows,
        "ON CONFLICT (order_id, code) WHERE settled_at IS NULL DO UPDATE SET severity = excluded.severity, params = excluded.params, seen = excluded.seen",
    )
    .map(drop)
}

/// Settles open findings; `overruled` when a person lets them pass as they are.
pub fn settle_findings(tx: &mut Tx<'_>, settled: &[(OrderId, FindingCode)], overruled: bool) -> Result<(), StoreError> {
    let mut unique = settled.to_vec();
    unique.sort_unstable();
    unique.dedup();
    let rows: Vec<Vec<Value>> = unique.iter().map(|(id, code)| vec![(*id).into(), Value::word(*code)]).collect();
    let now = tx.now();
    tx.execute_rows(
        "UPDATE findings SET settled_at = $1, overruled = $2 FROM {rows} AS v WHERE findings.order_id = v.column1 AND findings.code = v.column2 AND findings.settled_at IS NULL",
        &rows,
        &[now.into(), overruled.into()],
    )
    .map(drop)
}

/// Opens again what a person had let pass (an undo); the open one of the same code wins.
pub fn reopen_overruled(tx: &mut Tx<'_>, order: OrderId, code: FindingCode) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE findings SET settled_at = NULL, overruled = 0 WHERE id = (SELECT MAX(id) FROM findings WHERE order_id = $1 AND code = $2 AND overruled = 1) \
         AND NOT EXISTS (SELECT 1 FROM findings f WHERE f.order_id = $1 AND f.code = $2 AND f.settled_at IS NULL)",
        &[order.into(), Value::word(code)],
    )
    .map(drop)
}

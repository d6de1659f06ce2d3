//! The stock ledger. Movements are the only writer of `on_hand` and `reserved`; every change locks its levels in the
//! order of (SKU, warehouse), is checked against law 2, and is written with its movement in the same unit of work.

mod ledger;
mod list;
mod reservations;

pub use ledger::{Drift, Explanation, Movement, MovementFilter, audit, explain, movements};
pub(crate) use list::escape_like;
pub use list::{StockCursor, StockFilter, StockRow, list};
pub use reservations::{Held, Leaving, Target, consume, held, reserve};

use crate::alerts::{self, About};
use crate::dialect::for_update;
use crate::{Row, StoreError, Tx, Value};
use std::collections::{BTreeMap, HashMap};
use wharf_domain::id::{SkuId, WarehouseId};
use wharf_domain::stock::{Condition, Level, MovementKind};
use wharf_domain::timeline::Actor;

/// Where a level is: the order of locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LevelKey {
    /// What is counted.
    pub sku_id: SkuId,
    /// Where.
    pub warehouse_id: WarehouseId,
    /// In which condition.
    pub condition: Condition,
}

impl LevelKey {
    /// The sellable level of a SKU in a warehouse.
    pub const fn good(warehouse_id: WarehouseId, sku_id: SkuId) -> Self {
        LevelKey { sku_id, warehouse_id, condition: Condition::Good }
    }
}

/// One stored level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelRow {
    /// Where.
    pub key: LevelKey,
    /// The numbers.
    pub level: Level,
    /// Alert threshold on what is available.
    pub low_at: Option<i64>,
    /// Where the goods lie.
    pub bin: String,
    /// Version for concurrent edits.
    pub version: i64,
}

const LEVEL: &str = "sku_id, warehouse_id, condition, on_hand, reserved, safety, inbound, low_at, bin, version";

fn level(row: &Row) -> Result<LevelRow, StoreError> {
    Ok(LevelRow {
        key: LevelKey { sku_id: row.id(0)?, warehouse_id: row.id(1)?, condition: row.word(2)? },
        level: Level { on_hand: row.int(3)?, reserved: row.int(4)?, safety: row.int(5)?, inbound: row.int(6)? },
        low_at: row.opt_int(7)?,
        bin: row.text(8)?,
        version: row.int(9)?,
    })
}

/// What caused a movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// `order` · `shipment` · `count` · `import` · `user` · `return`.
    pub kind: &'static str,
    /// Its id.
    pub id: Option<i64>,
}

/// One change of one level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which level.
    pub key: LevelKey,
    /// Why it changes.
    pub kind: MovementKind,
    /// Change of what is there.
    pub on_hand: i64,
    /// Change of what is promised.
    pub reserved: i64,
    /// What caused it.
    pub cause: Cause,
    /// Words of a person.
    pub note: String,
}

/// A change that would break law 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unlawful {
    /// Which of the changes.
    pub index: usize,
    /// The level as it stood before the change.
    pub before: Level,
}

/// Locks the sellable levels of some SKUs in every warehouse until the unit of work ends, in the order of (SKU, warehouse).
pub fn lock(tx: &mut Tx<'_>, skus: &[SkuId]) -> Result<Vec<LevelRow>, StoreError> {
    let mut ids = skus.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let values: Vec<Value> = ids.into_iter().map(Value::from).collect();
    let sql = format!(
        "SELECT {LEVEL} FROM stock_levels WHERE sku_id IN ({{ids}}) AND condition = 'good' ORDER BY sku_id, warehouse_id {}",
        for_update(tx.engine())
    );
    tx.query_in(&sql, &values, &[])?.iter().map(level).collect()
}

fn lock_keys(tx: &mut Tx<'_>, keys: &[LevelKey]) -> Result<BTreeMap<LevelKey, (Level, Option<i64>)>, StoreError> {
    let mut skus: Vec<SkuId> = keys.iter().map(|k| k.sku_id).collect();
    skus.sort_unstable();
    skus.dedup();
    let values: Vec<Value> = skus.into_iter().map(Value::from).collect();
    let sql = format!(
        "SELECT {LEVEL} FROM stock_levels WHERE sku_id IN ({{ids}}) ORDER BY sku_id, warehouse_id, condition {}",
        for_update(tx.engine())
    );
    tx.query_in(&sql, &values, &[])?.iter().map(|row| level(row).map(|l| (l.key, (l.level, l.low_at)))).collect()
}

/// Applies changes, all or none. `Ok(Err(…))` names the first change that would break law 2; nothing is then written.
/// Levels that do not exist yet are made. Each level is written once; each change has its movement.
pub fn apply(tx: &mut Tx<'_>, changes: &[Change], actor: &Actor) -> Result<Result<(), Unlawful>, StoreError> {
    if changes.is_empty() {
        return Ok(Ok(()));
    }
    let mut keys: Vec<LevelKey> = changes.iter().map(|c| c.key).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut levels = lock_keys(tx, &keys)?;
    let absent: Vec<LevelKey> = keys.iter().filter(|k| !levels.contains_key(k)).copied().collect();
    if !absent.is_empty() {
        let rows: Vec<Vec<Value>> = absent.iter().map(|k| vec![k.warehouse_id.into(), k.sku_id.into(), Value::word(k.condition)]).collect();
        tx.insert_many(
            "INSERT INTO stock_levels (warehouse_id, sku_id, condition)",
            &rows,
            "ON CONFLICT (warehouse_id, sku_id, condition) DO NOTHING",
        )?;
        levels = lock_keys(tx, &keys)?;
    }
    let now = tx.now();
    let actor = Value::json(actor);
    let mut movements = Vec::with_capacity(changes.len());
    let mut sums: BTreeMap<LevelKey, (i64, i64)> = BTreeMap::new();
    let mut first: BTreeMap<LevelKey, Level> = BTreeMap::new();
    for (index, change) in changes.iter().enumerate() {
        let current = &mut levels.entry(change.key).or_default().0;
        let before = *current;
        first.entry(change.key).or_insert(before);
        current.on_hand += change.on_hand;
        current.reserved += change.reserved;
        if !current.is_lawful() {
            return Ok(Err(Unlawful { index, before }));
        }
        let sum = sums.entry(change.key).or_default();
        sum.0 += change.on_hand;
        sum.1 += change.reserved;
        movements.push(vec![
            Value::Int(tx.new_id()),
            change.key.warehouse_id.into(),
            change.key.sku_id.into(),
            Value::word(change.key.condition),
            Value::word(change.kind),
            change.on_hand.into(),
            change.reserved.into(),
            current.on_hand.into(),
            current.reserved.into(),
            change.cause.kind.into(),
            change.cause.id.into(),
            actor.clone(),
            change.note.as_str().into(),
            now.into(),
        ]);
    }
    let rows: Vec<Vec<Value>> = sums
        .iter()
        .map(|(k, (on_hand, reserved))| {
            vec![k.warehouse_id.into(), k.sku_id.into(), Value::word(k.condition), (*on_hand).into(), (*reserved).into()]
        })
        .collect();
    let changed = tx.execute_rows(
        "UPDATE stock_levels SET on_hand = on_hand + v.column4, reserved = reserved + v.column5, version = version + 1 FROM {rows} AS v \
         WHERE warehouse_id = v.column1 AND sku_id = v.column2 AND condition = v.column3 \
         AND reserved + v.column5 >= 0 AND on_hand + v.column4 >= reserved + v.column5",
        &rows,
        &[],
    )?;
    if changed != rows.len() as u64 {
        // The rows were locked and checked above: a guard that fails now means the lock did not hold.
        return Err(StoreError::Busy);
    }
    tx.insert_many(
        "INSERT INTO stock_movements (id, warehouse_id, sku_id, condition, kind, on_hand_delta, reserved_delta, on_hand_after, \
         reserved_after, cause_kind, cause_id, actor, note, at)",
        &movements,
        "",
    )?;
    let crossed: Vec<(LevelKey, Level, Option<i64>)> = first
        .into_iter()
        .filter_map(|(key, before)| levels.get(&key).map(|(after, low_at)| (key, before, *after, *low_at)))
        .filter(|(_, before, after, low_at)| is_low(before, *low_at) != is_low(after, *low_at))
        .map(|(key, _, after, low_at)| (key, after, low_at))
        .collect();
    mind(tx, &crossed)?;
    Ok(Ok(()))
}

fn is_low(level: &Level, low_at: Option<i64>) -> bool {
    low_at.is_some_and(|at| level.available() < at)
}

/// Raises the alert of levels that fell below their threshold, clears that of levels that recovered. Only a crossing costs a
/// statement; an alert is not repeated while its level stays low.
fn mind(tx: &mut Tx<'_>, crossed: &[(LevelKey, Level, Option<i64>)]) -> Result<(), StoreError> {
    let (mut low, mut over) = (Vec::new(), Vec::new());
    for (key, after, low_at) in crossed.iter().filter(|(key, ..)| key.condition == Condition::Good) {
        let about = About::LowStock { warehouse: key.warehouse_id, sku: key.sku_id };
        if is_low(after, *low_at) {
            low.push((about, serde_json::json!({ "available": after.available(), "low_at": low_at })));
        } else {
            over.push(about);
        }
    }
    alerts::raise(tx, &low)?;
    alerts::clear(tx, &over).map(drop)
}

/// What a person or a file says about a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which level.
    pub key: LevelKey,
    /// `received` and `adjusted`, `transferred`, `returned`: a difference. `counted`: the number that is there now.
    pub kind: MovementKind,
    /// The difference, or the counted number.
    pub quantity: i64,
    /// The reason, in words.
    pub note: String,
}

/// Records entries by people, counts and imports. All or none. Kinds that only orders and parcels cause are refused as
/// unlawful.
pub fn record(tx: &mut Tx<'_>, entries: &[Entry], cause: Cause, actor: &Actor) -> Result<Result<(), Unlawful>, StoreError> {
    let keys: Vec<LevelKey> = entries.iter().map(|e| e.key).collect();
    let mut levels = lock_keys(tx, &keys)?;
    let mut changes = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let current = &mut levels.entry(entry.key).or_default().0;
        let delta = match entry.kind {
            MovementKind::Counted => entry.quantity - current.on_hand,
            MovementKind::Received | MovementKind::Adjusted | MovementKind::Transferred | MovementKind::Returned => entry.quantity,
            MovementKind::Reserved | MovementKind::Released | MovementKind::Shipped => {
                return Ok(Err(Unlawful { index, before: *current }));
            }
        };
        current.on_hand += delta;
        changes.push(Change { key: entry.key, kind: entry.kind, on_hand: delta, reserved: 0, cause, note: entry.note.clone() });
    }
    apply(tx, &changes, actor)
}

/// What a person sets on a level; it moves no goods.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LevelSettings {
    /// Units never sold.
    pub safety: Option<i64>,
    /// Alert threshold; `Some(None)` takes it away.
    pub low_at: Option<Option<i64>>,
    /// Where the goods lie.
    pub bin: Option<String>,
    /// Units expected.
    pub inbound: Option<i64>,
}

/// Sets safety stock, alert threshold, bin and inbound of a level, which is made when it does not exist.
pub fn set(tx: &mut Tx<'_>, key: LevelKey, settings: &LevelSettings) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO stock_levels (warehouse_id, sku_id, condition, safety, low_at, bin, inbound) \
         VALUES ($1, $2, $3, COALESCE(CAST($4 AS BIGINT), 0), $5, COALESCE(CAST($6 AS TEXT), ''), COALESCE(CAST($7 AS BIGINT), 0)) \
         ON CONFLICT (warehouse_id, sku_id, condition) DO UPDATE SET safety = COALESCE(CAST($4 AS BIGINT), stock_levels.safety), \
         low_at = CASE WHEN CAST($8 AS BIGINT) = 1 THEN CAST($5 AS BIGINT) ELSE stock_levels.low_at END, \
         bin = COALESCE(CAST($6 AS TEXT), stock_levels.bin), inbound = COALESCE(CAST($7 AS BIGINT), stock_levels.inbound), \
         version = stock_levels.version + 1",
        &[
            key.warehouse_id.into(),
            key.sku_id.into(),
            Value::word(key.condition),
            settings.safety.into(),
            settings.low_at.flatten().into(),
            settings.bin.as_deref().into(),
            settings.inbound.into(),
            settings.low_at.is_some().into(),
        ],
    )?;
    // A threshold or a safety stock that was set may make a level low, or let it recover.
    let now = lock_keys(tx, &[key])?;
    let crossed: Vec<(LevelKey, Level, Option<i64>)> = now.get(&key).into_iter().map(|(level, low_at)| (key, *level, *low_at)).collect();
    mind(tx, &crossed)
}

/// Levels of some SKUs, as they are now, without locks.
pub fn levels(tx: &mut Tx<'_>, skus: &[SkuId]) -> Result<Vec<LevelRow>, StoreError> {
    let ids: Vec<Value> = skus.iter().map(|id| (*id).into()).collect();
    tx.query_in(&format!("SELECT {LEVEL} FROM stock_levels WHERE sku_id IN ({{ids}}) ORDER BY sku_id, warehouse_id, condition"), &ids, &[])?
        .iter()
        .map(level)
        .collect()
}

/// Code and name of SKUs.
pub fn sku_names(tx: &mut Tx<'_>, skus: &[SkuId]) -> Result<HashMap<SkuId, (String, String)>, StoreError> {
    let ids: Vec<Value> = skus.iter().map(|id| (*id).into()).collect();
    tx.query_in("SELECT id, code, name FROM skus WHERE id IN ({ids})", &ids, &[])?
        .iter()
        .map(|row| Ok((row.id(0)?, (row.text(1)?, row.text(2)?))))
        .collect()
}

//! The stock ledger. Movements are the only writer of `on_hand` and `reserved`; every change locks its levels in the
//! order of (SKU, warehouse), is checked against law 2, and is written with its movement in the same unit of work.

use crate::dialect::for_update;
use crate::{Row, StoreError, Tx, Value};
use std::collections::{BTreeMap, HashMap};
use wharf_domain::id::{OrderId, OrderLineId, RowId, SkuId, WarehouseId};
use wharf_domain::stock::{Condition, Level, MovementKind, ReservationState};
use wharf_domain::time::Timestamp;
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

fn lock_keys(tx: &mut Tx<'_>, keys: &[LevelKey]) -> Result<BTreeMap<LevelKey, Level>, StoreError> {
    let mut skus: Vec<SkuId> = keys.iter().map(|k| k.sku_id).collect();
    skus.sort_unstable();
    skus.dedup();
    let values: Vec<Value> = skus.into_iter().map(Value::from).collect();
    let sql = format!(
        "SELECT {LEVEL} FROM stock_levels WHERE sku_id IN ({{ids}}) ORDER BY sku_id, warehouse_id, condition {}",
        for_update(tx.engine())
    );
    tx.query_in(&sql, &values, &[])?.iter().map(|row| level(row).map(|l| (l.key, l.level))).collect()
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
    for (index, change) in changes.iter().enumerate() {
        let current = levels.entry(change.key).or_default();
        let before = *current;
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
    Ok(Ok(()))
}

/// What an order line shall hold in a warehouse, in SKU units: a total, so that a repeated call changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The order.
    pub order_id: OrderId,
    /// The line.
    pub order_line_id: OrderLineId,
    /// Where.
    pub warehouse_id: WarehouseId,
    /// What.
    pub sku_id: SkuId,
    /// How much in all; 0 releases.
    pub quantity: i64,
}

/// A held reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Row.
    pub id: RowId,
    /// The order.
    pub order_id: OrderId,
    /// The line.
    pub order_line_id: OrderLineId,
    /// Where.
    pub warehouse_id: WarehouseId,
    /// What.
    pub sku_id: SkuId,
    /// SKU units.
    pub quantity: i64,
}

fn held_row(row: &Row) -> Result<Held, StoreError> {
    Ok(Held {
        id: row.id(0)?,
        order_id: row.id(1)?,
        order_line_id: row.id(2)?,
        warehouse_id: row.id(3)?,
        sku_id: row.id(4)?,
        quantity: row.int(5)?,
    })
}

/// Reservations that order lines hold.
pub fn held(tx: &mut Tx<'_>, lines: &[OrderLineId]) -> Result<Vec<Held>, StoreError> {
    let ids: Vec<Value> = lines.iter().map(|id| (*id).into()).collect();
    tx.query_in(
        "SELECT id, order_id, order_line_id, warehouse_id, sku_id, quantity FROM reservations \
         WHERE reservation_state = 'held' AND order_line_id IN ({ids}) ORDER BY id",
        &ids,
        &[],
    )?
    .iter()
    .map(held_row)
    .collect()
}

/// Brings reservations to their targets: what is missing is reserved, what is too much is released, both by movements.
/// All or none; `Ok(Err(…))` when some level cannot give it.
pub fn reserve(tx: &mut Tx<'_>, targets: &[Target], actor: &Actor) -> Result<Result<(), Unlawful>, StoreError> {
    let lines: Vec<OrderLineId> = targets.iter().map(|t| t.order_line_id).collect();
    let known: HashMap<(OrderLineId, WarehouseId, SkuId), Held> =
        held(tx, &lines)?.into_iter().map(|h| ((h.order_line_id, h.warehouse_id, h.sku_id), h)).collect();
    let (mut changes, mut fresh, mut resized, mut ended) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let now = tx.now();
    for target in targets {
        let existing = known.get(&(target.order_line_id, target.warehouse_id, target.sku_id));
        let delta = target.quantity - existing.map_or(0, |h| h.quantity);
        if delta == 0 {
            continue;
        }
        changes.push(Change {
            key: LevelKey::good(target.warehouse_id, target.sku_id),
            kind: if delta > 0 { MovementKind::Reserved } else { MovementKind::Released },
            on_hand: 0,
            reserved: delta,
            cause: Cause { kind: "order", id: Some(target.order_id.0) },
            note: String::new(),
        });
        match existing {
            Some(h) if target.quantity > 0 => resized.push(vec![Value::from(h.id), target.quantity.into()]),
            Some(h) => ended.push(Value::from(h.id)),
            None => fresh.push(vec![
                Value::Int(tx.new_id()),
                target.order_id.into(),
                target.order_line_id.into(),
                target.warehouse_id.into(),
                target.sku_id.into(),
                target.quantity.into(),
                Value::word(ReservationState::Held),
                now.into(),
            ]),
        }
    }
    if let Err(unlawful) = apply(tx, &changes, actor)? {
        return Ok(Err(unlawful));
    }
    if !fresh.is_empty() {
        tx.insert_many(
            "INSERT INTO reservations (id, order_id, order_line_id, warehouse_id, sku_id, quantity, reservation_state, created_at)",
            &fresh,
            "",
        )?;
    }
    if !resized.is_empty() {
        tx.execute_rows("UPDATE reservations SET quantity = v.column2 FROM {rows} AS v WHERE id = v.column1", &resized, &[])?;
    }
    if !ended.is_empty() {
        tx.execute_in("UPDATE reservations SET reservation_state = 'released', ended_at = $1 WHERE id IN ({ids})", &ended, &[now.into()])?;
    }
    Ok(Ok(()))
}

/// Goods of a reservation that leave with a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaving {
    /// The line.
    pub order_line_id: OrderLineId,
    /// From where.
    pub warehouse_id: WarehouseId,
    /// What.
    pub sku_id: SkuId,
    /// SKU units.
    pub quantity: i64,
    /// In which parcel.
    pub shipment_id: wharf_domain::id::ShipmentId,
}

/// Consumes reservations: both numbers fall, by one `shipped` movement a parcel and SKU. A parcel may take a part of what a
/// line holds. Goods that nobody reserved are [`StoreError::Inconsistent`]: they cannot leave.
pub fn consume(tx: &mut Tx<'_>, leaving: &[Leaving], actor: &Actor) -> Result<(), StoreError> {
    if leaving.is_empty() {
        return Ok(());
    }
    let lines: Vec<OrderLineId> = leaving.iter().map(|l| l.order_line_id).collect();
    let mut held: HashMap<(OrderLineId, WarehouseId, SkuId), (Held, i64)> =
        held(tx, &lines)?.into_iter().map(|h| ((h.order_line_id, h.warehouse_id, h.sku_id), (h, h.quantity))).collect();
    let now = tx.now();
    let mut movements: BTreeMap<(i64, LevelKey), i64> = BTreeMap::new();
    let mut consumed = Vec::with_capacity(leaving.len());
    for item in leaving {
        let Some((reservation, left)) =
            held.get_mut(&(item.order_line_id, item.warehouse_id, item.sku_id)).filter(|(_, left)| *left >= item.quantity)
        else {
            return Err(StoreError::Inconsistent {
                table: "reservations".into(),
                column: "quantity".into(),
                id: item.order_line_id.to_string(),
            });
        };
        *left -= item.quantity;
        *movements.entry((item.shipment_id.0, LevelKey::good(item.warehouse_id, item.sku_id))).or_insert(0) += item.quantity;
        consumed.push(vec![
            Value::Int(tx.new_id()),
            reservation.order_id.into(),
            item.order_line_id.into(),
            item.warehouse_id.into(),
            item.sku_id.into(),
            item.quantity.into(),
            Value::word(ReservationState::Consumed),
            now.into(),
            now.into(),
        ]);
    }
    let changes: Vec<Change> = movements
        .into_iter()
        .map(|((shipment, key), quantity)| Change {
            key,
            kind: MovementKind::Shipped,
            on_hand: -quantity,
            reserved: -quantity,
            cause: Cause { kind: "shipment", id: Some(shipment) },
            note: String::new(),
        })
        .collect();
    if let Err(unlawful) = apply(tx, &changes, actor)? {
        let id = changes.get(unlawful.index).map_or_else(String::new, |c| format!("{}/{}", c.key.warehouse_id, c.key.sku_id));
        return Err(StoreError::Inconsistent { table: "stock_levels".into(), column: "on_hand".into(), id });
    }
    let used: Vec<&(Held, i64)> = held.values().filter(|(h, left)| *left < h.quantity).collect();
    // A reservation that left whole is ended in place; of one that left in part, the rest stays held.
    let whole: Vec<Value> = used.iter().filter(|(_, left)| *left == 0).map(|(h, _)| h.id.into()).collect();
    let parts: Vec<Vec<Value>> = used.iter().filter(|(_, left)| *left > 0).map(|(h, left)| vec![h.id.into(), (*left).into()]).collect();
    if !whole.is_empty() {
        tx.execute_in("DELETE FROM reservations WHERE id IN ({ids})", &whole, &[])?;
    }
    if !parts.is_empty() {
        tx.execute_rows("UPDATE reservations SET quantity = v.column2 FROM {rows} AS v WHERE id = v.column1", &parts, &[])?;
    }
    tx.insert_many(
        "INSERT INTO reservations (id, order_id, order_line_id, warehouse_id, sku_id, quantity, reservation_state, created_at, ended_at)",
        &consumed,
        "",
    )?;
    Ok(())
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
        let current = levels.entry(entry.key).or_default();
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
    Ok(())
}

/// Levels of some SKUs, as they are now, without locks.
pub fn levels(tx: &mut Tx<'_>, skus: &[SkuId]) -> Result<Vec<LevelRow>, StoreError> {
    let ids: Vec<Value> = skus.iter().map(|id| (*id).into()).collect();
    tx.query_in(&format!("SELECT {LEVEL} FROM stock_levels WHERE sku_id IN ({{ids}}) ORDER BY sku_id, warehouse_id, condition"), &ids, &[])?
        .iter()
        .map(level)
        .collect()
}

/// What the stock list is filtered by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StockFilter {
    /// Part of the code or name, or a whole barcode.
    pub q: String,
    /// Only this warehouse.
    pub warehouse_id: Option<WarehouseId>,
    /// Only SKUs with a level below its alert threshold.
    pub low: bool,
    /// The least available first; else by SKU code.
    pub by_available: bool,
}

/// One SKU of the stock list, all considered warehouses together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockRow {
    /// Which.
    pub sku_id: SkuId,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Picture.
    pub image_url: Option<String>,
    /// Sum of what is available (good condition).
    pub available: i64,
    /// Sort key to go on from: the normal code.
    pub code_normal: String,
    /// Its levels.
    pub levels: Vec<LevelRow>,
}

/// Where a page of the stock list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockCursor {
    /// `available` of the last row.
    pub available: i64,
    /// `code_normal` of the last row.
    pub code_normal: String,
    /// The last row.
    pub sku_id: SkuId,
}

/// One page of stock by SKU, keyset.
pub fn list(tx: &mut Tx<'_>, filter: &StockFilter, after: Option<&StockCursor>, limit: i64) -> Result<Vec<StockRow>, StoreError> {
    let code = wharf_domain::catalog::normal_code(&filter.q);
    let mut params: Vec<Value> = vec![filter.warehouse_id.map_or(0, |w| w.0).into(), limit.into()];
    let mut param = |value: Value| {
        params.push(value);
        params.len()
    };
    let found = if code.is_empty() {
        String::new()
    } else {
        let (like, barcode) = (param(format!("%{}%", escape_like(&code)).into()), param(filter.q.trim().into()));
        format!(
            "WHERE s.code_normal LIKE ${like} ESCAPE '!' OR lower(s.name) LIKE ${like} ESCAPE '!' \
             OR EXISTS (SELECT 1 FROM sku_barcodes b WHERE b.sku_id = s.id AND b.barcode = ${barcode})"
        )
    };
    let low = if filter.low { "low > 0" } else { "1 = 1" };
    let (keyset, order) = match (after, filter.by_available) {
        (None, true) => (String::new(), "available, sku_id"),
        (None, false) => (String::new(), "code_normal, sku_id"),
        (Some(after), true) => {
            let (key, id) = (param(after.available.into()), param(after.sku_id.into()));
            (format!("AND (available, sku_id) > (${key}, ${id})"), "available, sku_id")
        }
        (Some(after), false) => {
            let (key, id) = (param(after.code_normal.as_str().into()), param(after.sku_id.into()));
            (format!("AND (code_normal, sku_id) > (${key}, ${id})"), "code_normal, sku_id")
        }
    };
    let sql = format!(
        "SELECT sku_id, code, name, image_url, available, code_normal FROM ( \
           SELECT s.id AS sku_id, s.code AS code, s.name AS name, s.image_url AS image_url, s.code_normal AS code_normal, \
             CAST(COALESCE(SUM(CASE WHEN l.condition = 'good' THEN l.on_hand - l.reserved - l.safety ELSE 0 END), 0) AS BIGINT) AS available, \
             CAST(COALESCE(SUM(CASE WHEN l.condition = 'good' AND l.low_at IS NOT NULL AND l.on_hand - l.reserved - l.safety < l.low_at THEN 1 ELSE 0 END), 0) AS BIGINT) AS low \
           FROM skus s LEFT JOIN stock_levels l ON l.sku_id = s.id AND (CAST($1 AS BIGINT) = 0 OR l.warehouse_id = CAST($1 AS BIGINT)) \
           {found} GROUP BY s.id, s.code, s.name, s.image_url, s.code_normal) AS t \
         WHERE {low} {keyset} ORDER BY {order} LIMIT $2"
    );
    let rows = tx.query(&sql, &params)?;
    let mut list = rows
        .iter()
        .map(|row| {
            Ok(StockRow {
                sku_id: row.id(0)?,
                code: row.text(1)?,
                name: row.text(2)?,
                image_url: row.opt_text(3)?,
                available: row.int(4)?,
                code_normal: row.text(5)?,
                levels: Vec::new(),
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    let ids: Vec<SkuId> = list.iter().map(|r| r.sku_id).collect();
    let mut by_sku: HashMap<SkuId, Vec<LevelRow>> = HashMap::new();
    for row in levels(tx, &ids)? {
        if filter.warehouse_id.is_none_or(|w| w == row.key.warehouse_id) {
            by_sku.entry(row.key.sku_id).or_default().push(row);
        }
    }
    for row in &mut list {
        row.levels = by_sku.remove(&row.sku_id).unwrap_or_default();
    }
    Ok(list)
}

/// A text as it is inside `LIKE … ESCAPE '!'`.
pub(crate) fn escape_like(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// One movement.
#[derive(Debug, Clone, PartialEq)]
pub struct Movement {
    /// Row; a later movement has a higher one.
    pub id: RowId,
    /// Which level.
    pub key: LevelKey,
    /// Why.
    pub kind: MovementKind,
    /// Change of what is there.
    pub on_hand: i64,
    /// Change of what is promised.
    pub reserved: i64,
    /// What was there after.
    pub on_hand_after: i64,
    /// What was promised after.
    pub reserved_after: i64,
    /// Kind of its cause.
    pub cause_kind: String,
    /// Id of its cause.
    pub cause_id: Option<i64>,
    /// Who.
    pub actor: Actor,
    /// Words.
    pub note: String,
    /// When.
    pub at: Timestamp,
}

/// What movements are filtered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MovementFilter {
    /// Only this SKU.
    pub sku_id: Option<SkuId>,
    /// Only this warehouse.
    pub warehouse_id: Option<WarehouseId>,
    /// Only this kind.
    pub kind: Option<MovementKind>,
}

/// Movements, the latest first, keyset by id.
pub fn movements(tx: &mut Tx<'_>, filter: &MovementFilter, before: Option<RowId>, limit: i64) -> Result<Vec<Movement>, StoreError> {
    let mut sql = "SELECT id, sku_id, warehouse_id, condition, kind, on_hand_delta, reserved_delta, on_hand_after, reserved_after, \
                   cause_kind, cause_id, actor, note, at FROM stock_movements WHERE id < $1"
        .to_owned();
    let mut params: Vec<Value> = vec![before.map_or(i64::MAX, |b| b.0).into(), limit.into()];
    let mut and = |column: &str, value: Value| {
        params.push(value);
        sql.push_str(&format!(" AND {column} = ${}", params.len()));
    };
    if let Some(sku) = filter.sku_id {
        and("sku_id", sku.into());
    }
    if let Some(warehouse) = filter.warehouse_id {
        and("warehouse_id", warehouse.into());
    }
    if let Some(kind) = filter.kind {
        and("kind", Value::word(kind));
    }
    sql.push_str(" ORDER BY id DESC LIMIT $2");
    tx.query(&sql, &params)?
        .iter()
        .map(|row| {
            Ok(Movement {
                id: row.id(0)?,
                key: LevelKey { sku_id: row.id(1)?, warehouse_id: row.id(2)?, condition: row.word(3)? },
                kind: row.word(4)?,
                on_hand: row.int(5)?,
                reserved: row.int(6)?,
                on_hand_after: row.int(7)?,
                reserved_after: row.int(8)?,
                cause_kind: row.text(9)?,
                cause_id: row.opt_int(10)?,
                actor: row.json(11)?,
                note: row.text(12)?,
                at: row.time(13)?,
            })
        })
        .collect()
}

/// Everything behind the numbers of one SKU.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Its levels.
    pub levels: Vec<LevelRow>,
    /// Sums of its movements: level, kind, how many, Σ on hand, Σ reserved.
    pub sums: Vec<(LevelKey, MovementKind, i64, i64, i64)>,
    /// Who holds it now, oldest first, with the order's channel number; at most 200.
    pub held: Vec<(Held, String)>,
}

/// Explains the numbers of one SKU from its movements and reservations.
pub fn explain(tx: &mut Tx<'_>, sku_id: SkuId) -> Result<Explanation, StoreError> {
    let sums = tx
        .query(
            "SELECT sku_id, warehouse_id, condition, kind, CAST(COUNT(*) AS BIGINT), CAST(SUM(on_hand_delta) AS BIGINT), \
             CAST(SUM(reserved_delta) AS BIGINT) FROM stock_movements WHERE sku_id = $1 \
             GROUP BY sku_id, warehouse_id, condition, kind ORDER BY warehouse_id, condition, kind",
            &[sku_id.into()],
        )?
        .iter()
        .map(|row| {
            let key = LevelKey { sku_id: row.id(0)?, warehouse_id: row.id(1)?, condition: row.word(2)? };
            Ok((key, row.word(3)?, row.int(4)?, row.int(5)?, row.int(6)?))
        })
        .collect::<Result<_, StoreError>>()?;
    let held = tx
        .query(
            "SELECT r.id, r.order_id, r.order_line_id, r.warehouse_id, r.sku_id, r.quantity, o.external_id FROM reservations r \
             JOIN orders o ON o.id = r.order_id WHERE r.sku_id = $1 AND r.reservation_state = 'held' ORDER BY r.id LIMIT 200",
            &[sku_id.into()],
        )?
        .iter()
        .map(|row| Ok((held_row(row)?, row.text(6)?)))
        .collect::<Result<_, StoreError>>()?;
    Ok(Explanation { levels: levels(tx, &[sku_id])?, sums, held })
}

/// A number that is not what its parts make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// `on_hand` · `reserved` · `reservations`.
    pub what: &'static str,
    /// Which level.
    pub key: LevelKey,
    /// What is stored.
    pub stored: i64,
    /// What the movements or reservations make.
    pub computed: i64,
}

/// Laws 2 and 3 on the whole ledger: each level against the sum of its movements and of its held reservations.
pub fn audit(tx: &mut Tx<'_>) -> Result<Vec<Drift>, StoreError> {
    let mut drifts = Vec::new();
    let rows = tx.query(
        "SELECT l.sku_id, l.warehouse_id, l.condition, l.on_hand, l.reserved, \
           COALESCE(m.on_hand, 0), COALESCE(m.reserved, 0), CASE WHEN l.condition = 'good' THEN COALESCE(r.held, 0) ELSE 0 END \
         FROM stock_levels l \
         LEFT JOIN (SELECT sku_id, warehouse_id, condition, CAST(SUM(on_hand_delta) AS BIGINT) AS on_hand, CAST(SUM(reserved_delta) AS BIGINT) AS reserved \
                    FROM stock_movements GROUP BY sku_id, warehouse_id, condition) m \
           ON m.sku_id = l.sku_id AND m.warehouse_id = l.warehouse_id AND m.condition = l.condition \
         LEFT JOIN (SELECT sku_id, warehouse_id, CAST(SUM(quantity) AS BIGINT) AS held FROM reservations WHERE reservation_state = 'held' \
                    GROUP BY sku_id, warehouse_id) r ON r.sku_id = l.sku_id AND r.warehouse_id = l.warehouse_id \
         WHERE l.on_hand <> COALESCE(m.on_hand, 0) OR l.reserved <> COALESCE(m.reserved, 0) \
           OR (l.condition = 'good' AND l.reserved <> COALESCE(r.held, 0)) ORDER BY l.sku_id, l.warehouse_id",
        &[],
    )?;
    for row in &rows {
        let key = LevelKey { sku_id: row.id(0)?, warehouse_id: row.id(1)?, condition: row.word(2)? };
        let (on_hand, reserved) = (row.int(3)?, row.int(4)?);
        let found = [("on_hand", on_hand, row.int(5)?), ("reserved", reserved, row.int(6)?), ("reservations", reserved, row.int(7)?)];
        drifts.extend(
            found
                .into_iter()
                .filter(|(what, stored, computed)| stored != computed && (*what != "reservations" || key.condition == Condition::Good))
                .map(|(what, stored, computed)| Drift { what, key, stored, computed }),
        );
    }
    Ok(drifts)
}

/// Code and name of SKUs.
pub fn sku_names(tx: &mut Tx<'_>, skus: &[SkuId]) -> Result<HashMap<SkuId, (String, String)>, StoreError> {
    let ids: Vec<Value> = skus.iter().map(|id| (*id).into()).collect();
    tx.query_in("SELECT id, code, name FROM skus WHERE id IN ({ids})", &ids, &[])?
        .iter()
        .map(|row| Ok((row.id(0)?, (row.text(1)?, row.text(2)?))))
        .collect()
}

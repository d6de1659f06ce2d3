//! The ledger as it is read: movements, the explanation of a SKU's numbers, and the proof that the numbers are their sums.

use super::reservations::held_row;
use super::{Held, LevelKey, LevelRow, levels};
use crate::{StoreError, Tx, Value};
use wharf_domain::id::{RowId, SkuId, WarehouseId};
use wharf_domain::stock::{Condition, MovementKind};
use wharf_domain::time::Timestamp;
use wharf_domain::timeline::Actor;

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

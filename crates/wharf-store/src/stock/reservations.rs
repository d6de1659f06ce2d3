//! Promises of stock to order lines: brought to a total, released, and consumed when the goods leave. Each change is a
//! movement, applied in the same unit of work.

use super::{Cause, Change, LevelKey, Unlawful, apply};
use crate::{Row, StoreError, Tx, Value};
use std::collections::{BTreeMap, HashMap};
use wharf_domain::id::{OrderId, OrderLineId, RowId, SkuId, WarehouseId};
use wharf_domain::stock::{MovementKind, ReservationState};
use wharf_domain::timeline::Actor;

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

pub(super) fn held_row(row: &Row) -> Result<Held, StoreError> {
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

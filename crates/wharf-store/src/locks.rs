//! Rows that a unit of work reads before it changes them, locked in one order: orders, then shipments, then stock levels
//! ([`crate::stock::lock`]), each by rising id. Whoever changes facts of an order locks it first; then no two units of
//! work can wait for each other. On SQLite there is one writer, and nothing to lock.

use crate::dialect::for_update;
use crate::{StoreError, Tx, Value};
use wharf_domain::id::{OrderId, ShipmentId};

fn rows(tx: &mut Tx<'_>, table: &str, ids: &[Value]) -> Result<(), StoreError> {
    let clause = for_update(tx.engine());
    if clause.is_empty() {
        return Ok(());
    }
    tx.query_in(&format!("SELECT id FROM {table} WHERE id IN ({{ids}}) ORDER BY id {clause}"), ids, &[]).map(drop)
}

/// Locks orders.
pub fn orders(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<(), StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    rows(tx, "orders", &ids)
}

/// Locks shipments, their orders first.
pub fn shipments(tx: &mut Tx<'_>, ids: &[ShipmentId]) -> Result<(), StoreError> {
    if for_update(tx.engine()).is_empty() {
        return Ok(());
    }
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let inside = tx.query_in("SELECT DISTINCT order_id FROM shipment_lines WHERE shipment_id IN ({ids})", &ids, &[])?;
    let orders: Vec<Value> = inside.iter().map(|row| row.value(0).cloned()).collect::<Result<_, _>>()?;
    rows(tx, "orders", &orders)?;
    rows(tx, "shipments", &ids)
}

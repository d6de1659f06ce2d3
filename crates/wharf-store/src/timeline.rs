//! The timeline: append-only facts on orders.

use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::Value;
use wharf_domain::id::{OrderId, RowId};
use wharf_domain::time::Timestamp;
use wharf_domain::timeline::{Actor, Event};

/// A stored event.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Which.
    pub id: RowId,
    /// The order.
    pub order_id: OrderId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// Adds events to the timelines of orders, at the time of this unit of work, in the order given.
pub fn append(tx: &mut Tx<'_>, events: &[(OrderId, Event)]) -> Result<(), StoreError> {
    let at = tx.now();
    let rows: Vec<Vec<Value>> = events
        .iter()
        .map(|(order, event)| {
            let id: RowId = tx.new_id();
            vec![id.into(), (*order).into(), at.into(), event.kind.as_str().into(), Value::json(&event.actor), (&event.params).into()]
        })
        .collect();
    tx.insert_many("INSERT INTO timeline (id, order_id, at, kind, actor, params)", &rows, "")?;
    Ok(())
}

/// The timelines of orders, each from its beginning.
pub fn of_orders(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<Vec<Entry>, StoreError> {
    let ids: Vec<Value> = orders.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in("SELECT id, order_id, at, kind, actor, params FROM timeline WHERE order_id IN ({ids})", &ids, &[])?;
    let mut entries = rows
        .iter()
        .map(|row| {
            let actor: Actor = row.json(4)?;
            Ok(Entry {
                id: row.id(0)?,
                order_id: row.id(1)?,
                at: row.time(2)?,
                event: Event { kind: row.text(3)?, params: row.json(5)?, actor },
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    entries.sort_by_key(|entry| (entry.order_id, entry.at, entry.id));
    Ok(entries)
}

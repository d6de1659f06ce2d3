//! The list of fulfillments: filtered, keyset-paged by id; and the warehouses that have refused an order.

use crate::{StoreError, Tx, Value};
use std::collections::HashMap;
use wharf_domain::fulfillment::{FulfillmentState, RejectReason};
use wharf_domain::id::{FulfillmentId, OrderId, ShopId, WarehouseId};

/// What the list is filtered by. Empty lists do not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FulfillmentFilter {
    /// States.
    pub states: Vec<FulfillmentState>,
    /// Warehouses.
    pub warehouses: Vec<WarehouseId>,
    /// Shops.
    pub shops: Vec<ShopId>,
    /// Orders.
    pub orders: Vec<OrderId>,
    /// Only those that their warehouse refused (true), or the others.
    pub rejected: Option<bool>,
}

/// The ids that a filter finds, the latest first, before an id.
pub fn find(
    tx: &mut Tx<'_>,
    filter: &FulfillmentFilter,
    before: Option<FulfillmentId>,
    limit: i64,
) -> Result<Vec<FulfillmentId>, StoreError> {
    let mut params: Vec<Value> = vec![before.map_or(i64::MAX, |b| b.0).into(), limit.into()];
    let mut sql = "SELECT id FROM fulfillments WHERE id < $1".to_owned();
    let mut any = |column: &str, values: Vec<Value>| {
        if values.is_empty() {
            return;
        }
        let places: Vec<String> = (params.len() + 1..=params.len() + values.len()).map(|n| format!("${n}")).collect();
        params.extend(values);
        sql.push_str(&format!(" AND {column} IN ({})", places.join(", ")));
    };
    any("fulfillment_state", filter.states.iter().map(|s| Value::word(*s)).collect());
    any("warehouse_id", filter.warehouses.iter().map(|w| Value::from(*w)).collect());
    any("shop_id", filter.shops.iter().map(|s| Value::from(*s)).collect());
    any("order_id", filter.orders.iter().map(|o| Value::from(*o)).collect());
    match filter.rejected {
        Some(true) => sql.push_str(" AND reject_reason <> ''"),
        Some(false) => sql.push_str(" AND reject_reason = ''"),
        None => {}
    }
    sql.push_str(" ORDER BY id DESC LIMIT $2");
    tx.query(&sql, &params)?.iter().map(|row| row.id(0)).collect()
}

/// Writes down that the warehouses of these fulfillments refused them.
pub fn set_rejected(tx: &mut Tx<'_>, ids: &[FulfillmentId], reason: RejectReason) -> Result<(), StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.execute_in("UPDATE fulfillments SET reject_reason = $1, version = version + 1 WHERE id IN ({ids})", &ids, &[Value::word(reason)])?;
    Ok(())
}

/// Warehouses that refused orders, with the reason of the latest refusal.
pub fn rejections(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<HashMap<OrderId, Vec<(WarehouseId, RejectReason)>>, StoreError> {
    let ids: Vec<Value> = orders.iter().map(|id| (*id).into()).collect();
    let mut found: HashMap<OrderId, Vec<(WarehouseId, RejectReason)>> = HashMap::new();
    let rows = tx.query_in(
        "SELECT order_id, warehouse_id, reject_reason FROM fulfillments WHERE reject_reason <> '' AND order_id IN ({ids}) ORDER BY id DESC",
        &ids,
        &[],
    )?;
    for row in &rows {
        let (order, warehouse): (OrderId, WarehouseId) = (row.id(0)?, row.id(1)?);
        let known = found.entry(order).or_default();
        if known.iter().all(|(w, _)| *w != warehouse) {
            known.push((warehouse, row.word(2)?));
        }
    }
    Ok(found)
}

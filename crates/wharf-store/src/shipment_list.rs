//! The list of parcels: filtered, keyset-paged, and with what a list shows of each. Personal data is masked.

use crate::shipments::{ShipmentRow, load};
use crate::stock::escape_like;
use crate::{StoreError, Tx, Value};
use std::collections::HashMap;
use wharf_domain::address::Region;
use wharf_domain::id::{CarrierAccountId, OrderId, ShipmentId, ShopId, WarehouseId};
use wharf_domain::shipment::ShipmentState;
use wharf_domain::time::Timestamp;
use wharf_domain::waybill::WaybillState;
use wharf_domain::word::Word;

/// What the list of parcels is filtered by. Empty lists do not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShipmentFilter {
    /// States of the parcel.
    pub states: Vec<ShipmentState>,
    /// States of its live (or last) waybill.
    pub waybill_states: Vec<WaybillState>,
    /// Warehouses.
    pub warehouses: Vec<WarehouseId>,
    /// Shops.
    pub shops: Vec<ShopId>,
    /// Carrier accounts.
    pub carriers: Vec<CarrierAccountId>,
    /// Waybill number, or the whole channel number of an order, or the end of either.
    pub q: String,
    /// Printed or not.
    pub printed: Option<bool>,
    /// Only parcels that must be stopped.
    pub stopped: Option<bool>,
}

/// One parcel of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct ShipmentItem {
    /// The parcel.
    pub shipment: ShipmentRow,
    /// Its orders: id, channel number, shop.
    pub orders: Vec<OrderBrief>,
    /// Its live (or last) waybill's state.
    pub waybill_state: Option<WaybillState>,
    /// The carrier's words when it refused or gave no answer.
    pub waybill_message: String,
    /// Labels printed so far.
    pub print_count: i64,
    /// The nearest promise of its orders.
    pub ship_by: Option<Timestamp>,
    /// Confirmations: order and state word.
    pub confirmations: Vec<(OrderId, String, String)>,
}

/// An order as a parcel's list shows it: masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBrief {
    /// Which.
    pub id: OrderId,
    /// The channel's number.
    pub external_id: String,
    /// Its shop.
    pub shop_id: ShopId,
    /// First line's title.
    pub summary: String,
    /// Units in the order.
    pub units: i64,
    /// The promise.
    pub ship_by: Option<Timestamp>,
    /// Where to.
    pub region: Region,
    /// Masked.
    pub recipient_name: String,
    /// Masked.
    pub recipient_phone: String,
    /// Why it is urgent; empty when it is not.
    pub urgent_reason: String,
}

fn any_word(words: &[impl Word], column: &str, params: &mut Vec<Value>) -> String {
    let places: Vec<String> = words
        .iter()
        .map(|word| {
            params.push(Value::word(*word));
            format!("${}", params.len())
        })
        .collect();
    format!(" AND {column} IN ({})", places.join(", "))
}

fn any_id<I: Copy + Into<Value>>(ids: &[I], column: &str, params: &mut Vec<Value>) -> String {
    let places: Vec<String> = ids
        .iter()
        .map(|id| {
            params.push((*id).into());
            format!("${}", params.len())
        })
        .collect();
    format!(" AND {column} IN ({})", places.join(", "))
}

/// The latest waybill of a parcel: the live one if there is one, for live ones are the youngest.
const LAST_WAYBILL: &str = "(SELECT w.id FROM waybills w WHERE w.shipment_id = s.id ORDER BY w.id DESC LIMIT 1)";

/// The ids that a filter finds, the latest first, keyset by id.
pub fn find(tx: &mut Tx<'_>, filter: &ShipmentFilter, before: Option<ShipmentId>, limit: i64) -> Result<Vec<ShipmentId>, StoreError> {
    let mut params: Vec<Value> = vec![before.map_or(i64::MAX, |b| b.0).into(), limit.into()];
    let mut sql = "SELECT s.id FROM shipments s WHERE s.id < $1".to_owned();
    if !filter.states.is_empty() {
        sql.push_str(&any_word(&filter.states, "s.shipment_state", &mut params));
    }
    if !filter.waybill_states.is_empty() {
        let column = format!("(SELECT x.waybill_state FROM waybills x WHERE x.id = {LAST_WAYBILL})");
        sql.push_str(&any_word(&filter.waybill_states, &column, &mut params));
    }
    if !filter.warehouses.is_empty() {
        sql.push_str(&any_id(&filter.warehouses, "s.warehouse_id", &mut params));
    }
    if !filter.shops.is_empty() {
        sql.push_str(&any_id(&filter.shops, "s.shop_id", &mut params));
    }
    if !filter.carriers.is_empty() {
        sql.push_str(&any_id(&filter.carriers, "s.carrier_account_id", &mut params));
    }
    match filter.printed {
        Some(true) => sql.push_str(" AND s.printed_at IS NOT NULL"),
        Some(false) => sql.push_str(" AND s.printed_at IS NULL"),
        None => {}
    }
    match filter.stopped {
        Some(true) => sql.push_str(" AND s.stop_reason <> ''"),
        Some(false) => sql.push_str(" AND s.stop_reason = ''"),
        None => {}
    }
    let q = filter.q.trim();
    if !q.is_empty() {
        params.push(q.into());
        let exact = params.len();
        params.push(format!("%{}", escape_like(&q.to_lowercase())).into());
        let tail = params.len();
        sql.push_str(&format!(
            " AND (s.waybill_number = ${exact} OR lower(s.waybill_number) LIKE ${tail} ESCAPE '!' OR EXISTS (SELECT 1 FROM shipment_lines l \
             JOIN orders o ON o.id = l.order_id WHERE l.shipment_id = s.id AND (o.external_id = ${exact} OR lower(o.external_id) LIKE ${tail} ESCAPE '!')))"
        ));
    }
    sql.push_str(" ORDER BY s.id DESC LIMIT $2");
    tx.query(&sql, &params)?.iter().map(|row| row.id(0)).collect()
}

/// The orders of some parcels as a list shows them.
pub fn briefs(tx: &mut Tx<'_>, shipments: &[ShipmentId]) -> Result<HashMap<ShipmentId, Vec<OrderBrief>>, StoreError> {
    let ids: Vec<Value> = shipments.iter().map(|id| (*id).into()).collect();
    let mut briefs: HashMap<ShipmentId, Vec<OrderBrief>> = HashMap::new();
    for row in tx.query_in(
        "SELECT DISTINCT l.shipment_id, o.id, o.external_id, o.shop_id, o.summary, o.units, o.ship_by, o.country, o.province, o.city, o.district, \
         o.town, o.postal_code, o.recipient_masked_name, o.recipient_masked_phone, o.urgent_reason \
         FROM shipment_lines l JOIN orders o ON o.id = l.order_id WHERE l.shipment_id IN ({ids}) ORDER BY l.shipment_id, o.id",
        &ids,
        &[],
    )? {
        briefs.entry(row.id(0)?).or_default().push(OrderBrief {
            id: row.id(1)?,
            external_id: row.text(2)?,
            shop_id: row.id(3)?,
            summary: row.text(4)?,
            units: row.int(5)?,
            ship_by: row.opt_time(6)?,
            region: Region {
                country: row.text(7)?,
                province: row.text(8)?,
                city: row.text(9)?,
                district: row.text(10)?,
                town: row.text(11)?,
                postal_code: row.text(12)?,
            },
            recipient_name: row.text(13)?,
            recipient_phone: row.text(14)?,
            urgent_reason: row.text(15)?,
        });
    }
    Ok(briefs)
}

/// One page of parcels with what a list shows, the latest first.
pub fn list(tx: &mut Tx<'_>, filter: &ShipmentFilter, before: Option<ShipmentId>, limit: i64) -> Result<Vec<ShipmentItem>, StoreError> {
    let ids = find(tx, filter, before, limit)?;
    items(tx, &ids)
}

/// Parcels by id with what a list shows, the latest first.
pub fn items(tx: &mut Tx<'_>, ids: &[ShipmentId]) -> Result<Vec<ShipmentItem>, StoreError> {
    let mut rows = load(tx, ids)?;
    rows.sort_by_key(|s| std::cmp::Reverse(s.id));
    let mut briefs = briefs(tx, ids)?;
    let values: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let mut waybills: HashMap<ShipmentId, (WaybillState, String)> = HashMap::new();
    for row in
        tx.query_in("SELECT shipment_id, waybill_state, message FROM waybills WHERE shipment_id IN ({ids}) ORDER BY id", &values, &[])?
    {
        waybills.insert(row.id(0)?, (row.word(1)?, row.text(2)?));
    }
    let mut prints: HashMap<ShipmentId, i64> = HashMap::new();
    for row in tx.query_in(
        "SELECT shipment_id, COUNT(*) FROM prints WHERE kind = 'label' AND shipment_id IN ({ids}) GROUP BY shipment_id",
        &values,
        &[],
    )? {
        prints.insert(row.id(0)?, row.int(1)?);
    }
    let mut confirmations: HashMap<ShipmentId, Vec<(OrderId, String, String)>> = HashMap::new();
    for row in tx.query_in(
        "SELECT shipment_id, order_id, confirmation_state, message FROM confirmations WHERE shipment_id IN ({ids}) ORDER BY id",
        &values,
        &[],
    )? {
        confirmations.entry(row.id(0)?).or_default().push((row.id(1)?, row.text(2)?, row.text(3)?));
    }
    Ok(rows
        .into_iter()
        .map(|shipment| {
            let orders = briefs.remove(&shipment.id).unwrap_or_default();
            let (waybill_state, waybill_message) =
                waybills.remove(&shipment.id).map_or((None, String::new()), |(state, message)| (Some(state), message));
            ShipmentItem {
                ship_by: orders.iter().filter_map(|o| o.ship_by).min(),
                print_count: prints.remove(&shipment.id).unwrap_or(0),
                confirmations: confirmations.remove(&shipment.id).unwrap_or_default(),
                orders,
                waybill_state,
                waybill_message,
                shipment,
            }
        })
        .collect())
}

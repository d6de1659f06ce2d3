//! Fulfillments: what orders want, the work for one order in one warehouse, and the line counters that follow from it.
//!
//! A fulfillment line lies whole in at most one live shipment; splitting a parcel splits the fulfillment. The counters
//! `allocated, packed, shipped, delivered` have one writer, [`recount`], which sums what the rows say.

use crate::{Row, StoreError, Tx, Value};
use std::collections::{BTreeMap, HashMap};
use wharf_domain::address::Region;
use wharf_domain::fulfillment::{FulfillmentState, RejectReason};
use wharf_domain::id::{BundleId, FulfillmentId, FulfillmentLineId, OrderId, OrderLineId, ShopId, SkuId, WarehouseId, WaveId};
use wharf_domain::order::phase::ChannelProgress;
use wharf_domain::order::{FulfilledBy, Payment};
use wharf_domain::time::Timestamp;

/// What one order still wants from the warehouses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The order.
    pub order_id: OrderId,
    /// Its shop.
    pub shop_id: ShopId,
    /// What the buyer's money did.
    pub payment: Payment,
    /// Shipped before it is paid.
    pub cash_on_delivery: bool,
    /// Who ships.
    pub fulfilled_by: FulfilledBy,
    /// How far the channel says it is.
    pub progress: ChannelProgress,
    /// A rule or a person let it go on.
    pub approved: bool,
    /// Holds that are not released.
    pub open_holds: i64,
    /// Somebody urges it.
    pub urgent: bool,
    /// The promise.
    pub ship_by: Option<Timestamp>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Where it goes.
    pub region: Region,
    /// Equal prints may share a parcel.
    pub recipient_print: String,
    /// The address is a token, with masked or no personal data.
    pub token_only: bool,
    /// Lines with something left to allocate.
    pub lines: Vec<WantLine>,
}

/// A line with something left to allocate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantLine {
    /// Which.
    pub order_line_id: OrderLineId,
    /// Units not yet allocated.
    pub units: i64,
    /// SKU units in one unit; empty when the listing is not linked.
    pub parts: Vec<(SkuId, i64)>,
}

fn region(row: &Row, from: usize) -> Result<Region, StoreError> {
    Ok(Region {
        country: row.text(from)?,
        province: row.text(from + 1)?,
        city: row.text(from + 2)?,
        district: row.text(from + 3)?,
        town: row.text(from + 4)?,
        postal_code: row.text(from + 5)?,
    })
}

/// What some orders still want, read in three statements whatever their number. Orders that want nothing have no lines.
pub fn wants(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<Vec<Want>, StoreError> {
    let ids: Vec<Value> = orders.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in(
        "SELECT o.id, o.shop_id, o.payment, o.cash_on_delivery, o.fulfilled_by, o.progress, o.approved_at, o.urgent_reason, o.ship_by, \
           o.placed_at, o.country, o.province, o.city, o.district, o.town, o.postal_code, o.recipient_print, o.recipient_token, \
           o.recipient_channel_masked, CASE WHEN o.recipient_sealed IS NULL THEN 1 ELSE 0 END, (SELECT COUNT(*) FROM holds h WHERE h.order_id = o.id AND h.released_at IS NULL) \
         FROM orders o WHERE o.id IN ({ids}) ORDER BY o.id",
        &ids,
        &[],
    )?;
    let mut wants = rows
        .iter()
        .map(|row| {
            Ok(Want {
                order_id: row.id(0)?,
                shop_id: row.id(1)?,
                payment: row.word(2)?,
                cash_on_delivery: row.bool(3)?,
                fulfilled_by: row.word(4)?,
                progress: row.word(5)?,
                approved: row.opt_time(6)?.is_some(),
                urgent: !row.str(7)?.is_empty(),
                ship_by: row.opt_time(8)?,
                placed_at: row.time(9)?,
                region: region(row, 10)?,
                recipient_print: row.text(16)?,
                token_only: row.opt_str(17)?.is_some() && (row.bool(18)? || row.bool(19)?),
                open_holds: row.int(20)?,
                lines: Vec::new(),
            })
        })
        .collect::<Result<Vec<Want>, StoreError>>()?;
    let lines = tx.query_in(
        "SELECT l.order_id, l.id, l.ordered - l.cancelled - l.allocated, i.sku_id, i.sku_quantity, i.bundle_id FROM order_lines l \
         JOIN listings i ON i.id = l.listing_id WHERE l.order_id IN ({ids}) AND l.ordered - l.cancelled - l.allocated > 0 ORDER BY l.position, l.id",
        &ids,
        &[],
    )?;
    let bundles: Vec<Value> =
        lines.iter().map(|row| row.opt_id::<BundleId>(5)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().map(Value::from).collect();
    let mut parts: HashMap<BundleId, Vec<(SkuId, i64)>> = HashMap::new();
    for row in
        tx.query_in("SELECT bundle_id, sku_id, quantity FROM bundle_parts WHERE bundle_id IN ({ids}) ORDER BY sku_id", &bundles, &[])?
    {
        parts.entry(row.id(0)?).or_default().push((row.id(1)?, row.int(2)?));
    }
    let mut by_order: HashMap<OrderId, Vec<WantLine>> = HashMap::new();
    for row in &lines {
        let parts = match (row.opt_id::<SkuId>(3)?, row.opt_id::<BundleId>(5)?) {
            (Some(sku), _) => vec![(sku, row.int(4)?)],
            (None, Some(bundle)) => parts.get(&bundle).cloned().unwrap_or_default(),
            (None, None) => Vec::new(),
        };
        by_order.entry(row.id(0)?).or_default().push(WantLine { order_line_id: row.id(1)?, units: row.int(2)?, parts });
    }
    for want in &mut wants {
        want.lines = by_order.remove(&want.order_id).unwrap_or_default();
    }
    Ok(wants)
}

/// A fulfillment to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFulfillment {
    /// Its id.
    pub id: FulfillmentId,
    /// The order.
    pub order_id: OrderId,
    /// The order's shop.
    pub shop_id: ShopId,
    /// Where.
    pub warehouse_id: WarehouseId,
    /// Why there: an `allocation::Trace` or what a person did.
    pub trace: serde_json::Value,
    /// What.
    pub lines: Vec<NewLine>,
}

/// A line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLine {
    /// Its id.
    pub id: FulfillmentLineId,
    /// The order line.
    pub order_line_id: OrderLineId,
    /// Units of the order line.
    pub quantity: i64,
    /// SKU units to be picked for all of them.
    pub items: Vec<(SkuId, i64)>,
}

/// Stores new fulfillments, open.
pub fn insert(tx: &mut Tx<'_>, fulfillments: &[NewFulfillment]) -> Result<(), StoreError> {
    let now = tx.now();
    let (mut heads, mut lines, mut items) = (Vec::new(), Vec::new(), Vec::new());
    for f in fulfillments {
        heads.push(vec![
            f.id.into(),
            f.order_id.into(),
            f.shop_id.into(),
            f.warehouse_id.into(),
            Value::word(FulfillmentState::Open),
            (&f.trace).into(),
            now.into(),
            now.into(),
        ]);
        for line in &f.lines {
            lines.push(vec![line.id.into(), f.id.into(), line.order_line_id.into(), line.quantity.into()]);
            items.extend(line.items.iter().map(|(sku, quantity)| vec![line.id.into(), (*sku).into(), (*quantity).into()]));
        }
    }
    if heads.is_empty() {
        return Ok(());
    }
    tx.insert_many(
        "INSERT INTO fulfillments (id, order_id, shop_id, warehouse_id, fulfillment_state, trace, created_at, updated_at)",
        &heads,
        "",
    )?;
    tx.insert_many("INSERT INTO fulfillment_lines (id, fulfillment_id, order_line_id, quantity)", &lines, "")?;
    tx.insert_many("INSERT INTO fulfillment_items (fulfillment_line_id, sku_id, quantity)", &items, "")?;
    Ok(())
}

/// A stored fulfillment with its lines.
#[derive(Debug, Clone, PartialEq)]
pub struct FulfillmentRow {
    /// Its id.
    pub id: FulfillmentId,
    /// The order.
    pub order_id: OrderId,
    /// Its shop.
    pub shop_id: ShopId,
    /// Where.
    pub warehouse_id: WarehouseId,
    /// Where it stands.
    pub state: FulfillmentState,
    /// Picked together with others.
    pub wave_id: Option<WaveId>,
    /// Why this warehouse.
    pub trace: serde_json::Value,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Version.
    pub version: i64,
    /// Why its warehouse refused it.
    pub reject_reason: Option<RejectReason>,
    /// What.
    pub lines: Vec<LineRow>,
}

/// A stored line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRow {
    /// Its id.
    pub id: FulfillmentLineId,
    /// The order line.
    pub order_line_id: OrderLineId,
    /// Units of the order line.
    pub quantity: i64,
    /// What must be picked.
    pub items: Vec<Item>,
}

/// SKU units of a line, and how many of them were scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Which SKU.
    pub sku_id: SkuId,
    /// SKU units.
    pub quantity: i64,
    /// Scanned so far.
    pub scanned: i64,
}

const COLUMNS: &str =
    "id, order_id, shop_id, warehouse_id, fulfillment_state, wave_id, trace, created_at, updated_at, version, reject_reason";

fn fill(tx: &mut Tx<'_>, rows: &[Row]) -> Result<Vec<FulfillmentRow>, StoreError> {
    let mut list = rows
        .iter()
        .map(|row| {
            Ok(FulfillmentRow {
                id: row.id(0)?,
                order_id: row.id(1)?,
                shop_id: row.id(2)?,
                warehouse_id: row.id(3)?,
                state: row.word(4)?,
                wave_id: row.opt_id(5)?,
                trace: row.json(6)?,
                created_at: row.time(7)?,
                updated_at: row.time(8)?,
                version: row.int(9)?,
                reject_reason: if row.str(10)?.is_empty() { None } else { Some(row.word(10)?) },
                lines: Vec::new(),
            })
        })
        .collect::<Result<Vec<FulfillmentRow>, StoreError>>()?;
    let ids: Vec<Value> = list.iter().map(|f| f.id.into()).collect();
    let lines = tx.query_in(
        "SELECT l.fulfillment_id, l.id, l.order_line_id, l.quantity, i.sku_id, i.quantity, i.scanned FROM fulfillment_lines l \
         LEFT JOIN fulfillment_items i ON i.fulfillment_line_id = l.id WHERE l.fulfillment_id IN ({ids}) ORDER BY l.id, i.sku_id",
        &ids,
        &[],
    )?;
    let mut by_fulfillment: HashMap<FulfillmentId, BTreeMap<FulfillmentLineId, LineRow>> = HashMap::new();
    for row in &lines {
        let id: FulfillmentLineId = row.id(1)?;
        let order_line_id = row.id(2)?;
        let quantity = row.int(3)?;
        let line = by_fulfillment.entry(row.id(0)?).or_default().entry(id).or_insert_with(|| LineRow {
            id,
            order_line_id,
            quantity,
            items: Vec::new(),
        });
        if let Some(sku_id) = row.opt_id(4)? {
            line.items.push(Item { sku_id, quantity: row.int(5)?, scanned: row.int(6)? });
        }
    }
    for fulfillment in &mut list {
        fulfillment.lines = by_fulfillment.remove(&fulfillment.id).unwrap_or_default().into_values().collect();
    }
    Ok(list)
}

/// Fulfillments by id.
pub fn load(tx: &mut Tx<'_>, ids: &[FulfillmentId]) -> Result<Vec<FulfillmentRow>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in(&format!("SELECT {COLUMNS} FROM fulfillments WHERE id IN ({{ids}}) ORDER BY id"), &ids, &[])?;
    fill(tx, &rows)
}

/// All fulfillments of some orders, cancelled ones too.
pub fn of_orders(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<Vec<FulfillmentRow>, StoreError> {
    let ids: Vec<Value> = orders.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in(&format!("SELECT {COLUMNS} FROM fulfillments WHERE order_id IN ({{ids}}) ORDER BY id"), &ids, &[])?;
    fill(tx, &rows)
}

/// Sets the state and wave of fulfillments. The caller has asked the machine.
pub fn set_state(tx: &mut Tx<'_>, changes: &[(FulfillmentId, FulfillmentState, Option<WaveId>)]) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let rows: Vec<Vec<Value>> = changes.iter().map(|(id, state, wave)| vec![(*id).into(), Value::word(*state), (*wave).into()]).collect();
    tx.execute_rows(
        "UPDATE fulfillments SET fulfillment_state = v.column2, wave_id = CAST(v.column3 AS BIGINT), updated_at = $1, version = version + 1 FROM {rows} AS v WHERE id = v.column1",
        &rows,
        &[now.into()],
    )?;
    Ok(())
}

/// Sets the quantities of lines and their items; a line of 0 keeps its row for the record.
pub fn set_quantities(tx: &mut Tx<'_>, lines: &[LineRow]) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let heads: Vec<Vec<Value>> = lines.iter().map(|l| vec![l.id.into(), l.quantity.into()]).collect();
    tx.execute_rows("UPDATE fulfillment_lines SET quantity = v.column2 FROM {rows} AS v WHERE id = v.column1", &heads, &[])?;
    let items: Vec<Vec<Value>> = lines
        .iter()
        .flat_map(|l| l.items.iter().map(|i| vec![l.id.into(), i.sku_id.into(), i.quantity.into(), i.scanned.into()]))
        .collect();
    if !items.is_empty() {
        tx.execute_rows(
            "UPDATE fulfillment_items SET quantity = v.column3, scanned = v.column4 FROM {rows} AS v \
             WHERE fulfillment_line_id = v.column1 AND sku_id = v.column2",
            &items,
            &[],
        )?;
    }
    Ok(())
}

/// Counts one more scanned unit of a SKU on a line; `false` when the line has no unit of it left to scan.
pub fn scan(tx: &mut Tx<'_>, line: FulfillmentLineId, sku: SkuId) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE fulfillment_items SET scanned = scanned + 1 WHERE fulfillment_line_id = $1 AND sku_id = $2 AND scanned < quantity",
        &[line.into(), sku.into()],
    )?;
    Ok(changed == 1)
}

/// Sets all scans of some lines to none, or to all.
pub fn set_scanned(tx: &mut Tx<'_>, lines: &[FulfillmentLineId], all: bool) -> Result<(), StoreError> {
    let ids: Vec<Value> = lines.iter().map(|id| (*id).into()).collect();
    let to = if all { "quantity" } else { "0" };
    tx.execute_in(&format!("UPDATE fulfillment_items SET scanned = {to} WHERE fulfillment_line_id IN ({{ids}})"), &ids, &[])?;
    Ok(())
}

/// What the rows of some order lines sum to. One text for [`recount`] and [`audit`]. A fulfillment line lies in at most one
/// shipment that is not cancelled, so that its state is that shipment's.
fn sums(only: &str) -> String {
    format!(
        "SELECT line_id, CAST(COALESCE(SUM(quantity), 0) AS BIGINT) AS allocated, \
           CAST(COALESCE(SUM(CASE WHEN parcel NOT IN ('draft', 'booked') THEN quantity ELSE 0 END), 0) AS BIGINT) AS packed, \
           CAST(COALESCE(SUM(CASE WHEN parcel NOT IN ('draft', 'booked', 'packed') THEN quantity ELSE 0 END), 0) AS BIGINT) AS shipped, \
           CAST(COALESCE(SUM(CASE WHEN parcel = 'delivered' THEN quantity ELSE 0 END), 0) AS BIGINT) AS delivered \
         FROM (SELECT ol.id AS line_id, CASE WHEN f.fulfillment_state = 'cancelled' THEN 0 ELSE fl.quantity END AS quantity, \
             (SELECT MAX(s.shipment_state) FROM shipment_lines sl JOIN shipments s ON s.id = sl.shipment_id \
               WHERE sl.fulfillment_line_id = fl.id AND s.shipment_state <> 'cancelled') AS parcel \
           FROM order_lines ol LEFT JOIN fulfillment_lines fl ON fl.order_line_id = ol.id LEFT JOIN fulfillments f ON f.id = fl.fulfillment_id \
           {only}) AS parts GROUP BY line_id"
    )
}

/// Brings the counters `allocated, packed, shipped, delivered` of all lines of some orders to what their fulfillment and
/// shipment lines sum to (law 4). The only writer of these counters.
pub fn recount(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<(), StoreError> {
    let ids: Vec<Value> = orders.iter().map(|id| (*id).into()).collect();
    tx.execute_in(
        &format!(
            "UPDATE order_lines SET allocated = c.allocated, packed = c.packed, shipped = c.shipped, delivered = c.delivered \
             FROM ({}) AS c WHERE order_lines.id = c.line_id AND \
             (order_lines.allocated <> c.allocated OR order_lines.packed <> c.packed OR order_lines.shipped <> c.shipped OR order_lines.delivered <> c.delivered)",
            sums("WHERE ol.order_id IN ({ids})")
        ),
        &ids,
        &[],
    )?;
    Ok(())
}

/// A line whose counters are not what its rows make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterDrift {
    /// The order.
    pub order_id: OrderId,
    /// The line.
    pub order_line_id: OrderLineId,
    /// `allocated, packed, shipped, delivered` as stored.
    pub stored: [i64; 4],
    /// As the rows make them.
    pub computed: [i64; 4],
}

/// Law 4 over all lines that have or should have counters; at most `limit` drifts.
pub fn audit(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<CounterDrift>, StoreError> {
    tx.query(
        &format!(
            "SELECT l.order_id, l.id, l.allocated, l.packed, l.shipped, l.delivered, c.allocated, c.packed, c.shipped, c.delivered \
             FROM order_lines l JOIN ({}) AS c ON c.line_id = l.id \
             WHERE l.allocated <> c.allocated OR l.packed <> c.packed OR l.shipped <> c.shipped OR l.delivered <> c.delivered ORDER BY l.id LIMIT $1",
            sums("")
        ),
        &[limit.into()],
    )?
    .iter()
    .map(|row| {
        Ok(CounterDrift {
            order_id: row.id(0)?,
            order_line_id: row.id(1)?,
            stored: [row.int(2)?, row.int(3)?, row.int(4)?, row.int(5)?],
            computed: [row.int(6)?, row.int(7)?, row.int(8)?, row.int(9)?],
        })
    })
    .collect()
}

/// Approved, unheld orders of ours that still want stock, in the order they are served; for the sweep and for arrivals.
pub fn waiting(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<OrderId>, StoreError> {
    tx.query(
        "SELECT o.id FROM orders o WHERE o.phase IN ('stock', 'part_shipped') AND o.approved_at IS NOT NULL AND o.fulfilled_by = 'seller' \
         AND EXISTS (SELECT 1 FROM order_lines l WHERE l.order_id = o.id AND l.ordered - l.cancelled - l.allocated > 0) \
         ORDER BY CASE WHEN o.urgent_reason = '' THEN 1 ELSE 0 END, o.ship_by NULLS LAST, o.placed_at, o.id LIMIT $1",
        &[limit.into()],
    )?
    .iter()
    .map(|row| row.id(0))
    .collect()
}

/// Orders that `waiting` names and that want one of these SKUs.
pub fn waiting_for(tx: &mut Tx<'_>, skus: &[SkuId], limit: usize) -> Result<Vec<OrderId>, StoreError> {
    let ids: Vec<Value> = skus.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in(
        "SELECT DISTINCT o.id FROM listings i JOIN order_lines l ON l.listing_id = i.id JOIN orders o ON o.id = l.order_id \
         LEFT JOIN bundle_parts b ON b.bundle_id = i.bundle_id \
         WHERE o.phase IN ('stock', 'part_shipped') AND l.ordered - l.cancelled - l.allocated > 0 AND COALESCE(i.sku_id, b.sku_id) IN ({ids})",
        &ids,
        &[],
    )?;
    rows.iter().take(limit).map(|row| row.id(0)).collect()
}

/// The fulfillments of some lines, each once.
pub fn ids_of_lines(tx: &mut Tx<'_>, lines: impl Iterator<Item = FulfillmentLineId>) -> Result<Vec<FulfillmentId>, StoreError> {
    let ids: Vec<Value> = lines.map(Value::from).collect();
    tx.query_in("SELECT DISTINCT fulfillment_id FROM fulfillment_lines WHERE id IN ({ids})", &ids, &[])?
        .iter()
        .map(|row| row.id(0))
        .collect()
}

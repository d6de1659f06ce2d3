//! Waves and stations: what is picked together, and which parcel lies open on which bench.

use crate::{Row, StoreError, Tx, Value};
use wharf_domain::id::{FulfillmentId, OrderId, ShipmentId, SkuId, WarehouseId, WaveId};
use wharf_domain::time::Timestamp;
use wharf_domain::timeline::Actor;

/// A bench.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationRow {
    /// Its name, unique.
    pub name: String,
    /// Where it stands.
    pub warehouse_id: WarehouseId,
    /// What it packs from; any parcel of the warehouse when none.
    pub wave_id: Option<WaveId>,
    /// What lies open on it.
    pub shipment_id: Option<ShipmentId>,
    /// Since when.
    pub opened_at: Option<Timestamp>,
}

fn station(row: &Row) -> Result<StationRow, StoreError> {
    Ok(StationRow {
        name: row.text(0)?,
        warehouse_id: row.id(1)?,
        wave_id: row.opt_id(2)?,
        shipment_id: row.opt_id(3)?,
        opened_at: row.opt_time(4)?,
    })
}

/// A station by name.
pub fn get(tx: &mut Tx<'_>, name: &str) -> Result<Option<StationRow>, StoreError> {
    tx.query_opt("SELECT name, warehouse_id, wave_id, shipment_id, opened_at FROM stations WHERE name = $1", &[name.into()])?
        .map(|row| station(&row))
        .transpose()
}

/// All stations.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<StationRow>, StoreError> {
    tx.query("SELECT name, warehouse_id, wave_id, shipment_id, opened_at FROM stations ORDER BY name", &[])?.iter().map(station).collect()
}

/// Puts a station into a warehouse, and on a wave. What lies open on it is put aside when the warehouse changes.
pub fn place(tx: &mut Tx<'_>, name: &str, warehouse: WarehouseId, wave: Option<WaveId>) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO stations (name, warehouse_id, wave_id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET \
         shipment_id = CASE WHEN stations.warehouse_id = excluded.warehouse_id THEN stations.shipment_id ELSE NULL END, \
         warehouse_id = excluded.warehouse_id, wave_id = excluded.wave_id",
        &[name.into(), warehouse.into(), wave.into(), now.into()],
    )?;
    Ok(())
}

/// Lays a parcel open on a station, or clears it. A parcel lies open on one station: the one before loses it.
pub fn open(tx: &mut Tx<'_>, name: &str, shipment: Option<ShipmentId>) -> Result<(), StoreError> {
    let now = tx.now();
    if let Some(id) = shipment {
        tx.execute(
            "UPDATE stations SET shipment_id = NULL, opened_at = NULL WHERE shipment_id = $1 AND name <> $2",
            &[id.into(), name.into()],
        )?;
    }
    tx.execute(
        "UPDATE stations SET shipment_id = $2, opened_at = $3 WHERE name = $1",
        &[name.into(), shipment.into(), shipment.map(|_| now).into()],
    )?;
    Ok(())
}

/// Clears a parcel from whatever station it lies on.
pub fn clear(tx: &mut Tx<'_>, shipments: &[ShipmentId]) -> Result<(), StoreError> {
    let ids: Vec<Value> = shipments.iter().map(|id| (*id).into()).collect();
    tx.execute_in("UPDATE stations SET shipment_id = NULL, opened_at = NULL WHERE shipment_id IN ({ids})", &ids, &[])?;
    Ok(())
}

/// How a station has done since an instant: parcels, and seconds from opening to closing in all.
pub fn done_since(tx: &mut Tx<'_>, name: &str, since: Timestamp) -> Result<(i64, i64), StoreError> {
    let row = tx.query_opt(
        "SELECT COUNT(*), CAST(COALESCE(SUM(packed_at - COALESCE(opened_at, packed_at)), 0) AS BIGINT) FROM shipments WHERE station = $1 AND packed_at >= $2",
        &[name.into(), since.into()],
    )?;
    row.map_or(Ok((0, 0)), |row| Ok((row.int(0)?, row.int(1)? / 1_000_000)))
}

/// A parcel that a bench could take up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The parcel.
    pub shipment_id: ShipmentId,
    /// SKU units in it.
    pub units: i64,
}

/// The parcels in a warehouse that need a SKU, still lack a scan of it, and lie on no other bench: single ones first, then the
/// most urgent, then the oldest. `printed`: only those whose label is printed.
pub fn candidates(tx: &mut Tx<'_>, station: &StationRow, sku: SkuId, printed: bool, limit: i64) -> Result<Vec<Candidate>, StoreError> {
    let printed = if printed { "AND s.printed_at IS NOT NULL" } else { "" };
    let mut params: Vec<Value> = vec![sku.into(), station.warehouse_id.into(), station.name.as_str().into(), limit.into()];
    let wave = match station.wave_id {
        Some(wave) => {
            params.push(wave.into());
            "AND f.wave_id = $5"
        }
        None => "",
    };
    tx.query(
        &format!(
            "SELECT s.id, CAST((SELECT SUM(i2.quantity) FROM shipment_lines l2 JOIN fulfillment_items i2 ON i2.fulfillment_line_id = l2.fulfillment_line_id \
               WHERE l2.shipment_id = s.id) AS BIGINT) AS units \
             FROM shipments s JOIN shipment_lines l ON l.shipment_id = s.id JOIN fulfillment_items i ON i.fulfillment_line_id = l.fulfillment_line_id \
               JOIN fulfillment_lines fl ON fl.id = l.fulfillment_line_id JOIN fulfillments f ON f.id = fl.fulfillment_id JOIN orders o ON o.id = l.order_id \
             WHERE s.shipment_state = 'booked' AND s.stop_reason = '' AND s.warehouse_id = $2 AND i.sku_id = $1 AND i.scanned < i.quantity {printed} {wave} \
               AND NOT EXISTS (SELECT 1 FROM stations t WHERE t.shipment_id = s.id AND t.name <> $3) \
               AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.order_id = o.id AND h.released_at IS NULL) \
             GROUP BY s.id ORDER BY CASE WHEN CAST((SELECT SUM(i2.quantity) FROM shipment_lines l2 JOIN fulfillment_items i2 \
               ON i2.fulfillment_line_id = l2.fulfillment_line_id WHERE l2.shipment_id = s.id) AS BIGINT) = 1 THEN 0 ELSE 1 END, \
               MIN(CASE WHEN o.urgent_reason = '' THEN 1 ELSE 0 END), MIN(o.ship_by) NULLS LAST, s.id LIMIT $4"
        ),
        &params,
    )?
    .iter()
    .map(|row| Ok(Candidate { shipment_id: row.id(0)?, units: row.int(1)? }))
    .collect()
}

/// The SKU of a scanned code: a barcode, else a SKU code.
pub fn sku_of(tx: &mut Tx<'_>, code: &str) -> Result<Option<SkuId>, StoreError> {
    if let Some(row) = tx.query_opt("SELECT sku_id FROM sku_barcodes WHERE barcode = $1", &[code.into()])? {
        return row.id(0).map(Some);
    }
    let normal = wharf_domain::catalog::normal_code(code);
    tx.query_opt("SELECT id FROM skus WHERE code_normal = $1", &[normal.into()])?.map(|row| row.id(0)).transpose()
}

/// The parcels that a scanned text names: by waybill number, or by an order's channel number; those that still can be
/// packed first, then the youngest.
pub fn parcels_of(tx: &mut Tx<'_>, code: &str) -> Result<Vec<ShipmentId>, StoreError> {
    tx.query(
        "SELECT id FROM (SELECT s.id AS id, s.shipment_state AS state FROM shipments s WHERE s.waybill_number = $1 \
           UNION SELECT s.id, s.shipment_state FROM waybills w JOIN shipments s ON s.id = w.shipment_id WHERE w.number = $1 \
           UNION SELECT s.id, s.shipment_state FROM orders o JOIN shipment_lines l ON l.order_id = o.id JOIN shipments s ON s.id = l.shipment_id \
           WHERE o.external_id = $1) AS found \
         ORDER BY CASE WHEN state IN ('booked', 'draft') THEN 0 WHEN state = 'cancelled' THEN 2 ELSE 1 END, id DESC LIMIT 20",
        &[code.into()],
    )?
    .iter()
    .map(|row| row.id(0))
    .collect()
}

/// What the bench shows of one SKU in a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchLine {
    /// The order it is for.
    pub order_id: OrderId,
    /// Its fulfillment line.
    pub fulfillment_line_id: wharf_domain::id::FulfillmentLineId,
    /// Its fulfillment.
    pub fulfillment_id: FulfillmentId,
    /// The order line.
    pub order_line_id: wharf_domain::id::OrderLineId,
    /// Which SKU.
    pub sku_id: SkuId,
    /// Its code.
    pub sku_code: String,
    /// Its name.
    pub name: String,
    /// Variant as it was sold.
    pub variant: String,
    /// Picture.
    pub image_url: Option<String>,
    /// One of its barcodes.
    pub barcode: String,
    /// Where it lies.
    pub bin: String,
    /// Weight of one.
    pub weight_grams: i64,
    /// SKU units.
    pub needed: i64,
    /// Scanned so far.
    pub scanned: i64,
    /// Parcel.
    pub shipment_id: ShipmentId,
}

/// What lies in some parcels, SKU by SKU, in the order of bins.
pub fn contents(tx: &mut Tx<'_>, shipments: &[ShipmentId]) -> Result<Vec<BenchLine>, StoreError> {
    let ids: Vec<Value> = shipments.iter().map(|id| (*id).into()).collect();
    tx.query_in(
        "SELECT l.order_id, l.fulfillment_line_id, fl.fulfillment_id, l.order_line_id, i.sku_id, k.code, k.name, ol.variant, COALESCE(k.image_url, ol.image_url), \
           COALESCE((SELECT MIN(b.barcode) FROM sku_barcodes b WHERE b.sku_id = k.id), ''), COALESCE(lv.bin, ''), k.weight_grams, i.quantity, i.scanned, l.shipment_id \
         FROM shipment_lines l JOIN shipments s ON s.id = l.shipment_id JOIN fulfillment_lines fl ON fl.id = l.fulfillment_line_id \
           JOIN fulfillment_items i ON i.fulfillment_line_id = l.fulfillment_line_id JOIN skus k ON k.id = i.sku_id \
           JOIN order_lines ol ON ol.id = l.order_line_id \
           LEFT JOIN stock_levels lv ON lv.sku_id = i.sku_id AND lv.warehouse_id = s.warehouse_id AND lv.condition = 'good' \
         WHERE l.shipment_id IN ({ids}) AND i.quantity > 0 ORDER BY COALESCE(lv.bin, ''), k.code, l.fulfillment_line_id",
        &ids,
        &[],
    )?
    .iter()
    .map(|row| {
        Ok(BenchLine {
            order_id: row.id(0)?,
            fulfillment_line_id: row.id(1)?,
            fulfillment_id: row.id(2)?,
            order_line_id: row.id(3)?,
            sku_id: row.id(4)?,
            sku_code: row.text(5)?,
            name: row.text(6)?,
            variant: row.text(7)?,
            image_url: row.opt_text(8)?,
            barcode: row.text(9)?,
            bin: row.text(10)?,
            weight_grams: row.int(11)?,
            needed: row.int(12)?,
            scanned: row.int(13)?,
            shipment_id: row.id(14)?,
        })
    })
    .collect()
}

/// A wave.
#[derive(Debug, Clone, PartialEq)]
pub struct WaveRow {
    /// Its id.
    pub id: WaveId,
    /// Where.
    pub warehouse_id: WarehouseId,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Actor,
    /// When its last parcel was closed, or a person closed it.
    pub closed_at: Option<Timestamp>,
}

/// Makes a wave.
pub fn new_wave(tx: &mut Tx<'_>, warehouse: WarehouseId, name: &str, actor: &Actor) -> Result<WaveId, StoreError> {
    let (id, now): (WaveId, _) = (tx.new_id(), tx.now());
    tx.execute(
        "INSERT INTO waves (id, warehouse_id, name, created_at, created_by) VALUES ($1, $2, $3, $4, $5)",
        &[id.into(), warehouse.into(), name.into(), now.into(), Value::json(actor)],
    )?;
    Ok(id)
}

fn wave_row(row: &Row) -> Result<WaveRow, StoreError> {
    Ok(WaveRow {
        id: row.id(0)?,
        warehouse_id: row.id(1)?,
        name: row.text(2)?,
        created_at: row.time(3)?,
        created_by: row.json(4)?,
        closed_at: row.opt_time(5)?,
    })
}

/// A wave by id.
pub fn wave(tx: &mut Tx<'_>, id: WaveId) -> Result<Option<WaveRow>, StoreError> {
    tx.query_opt("SELECT id, warehouse_id, name, created_at, created_by, closed_at FROM waves WHERE id = $1", &[id.into()])?
        .map(|row| wave_row(&row))
        .transpose()
}

/// Open waves of a warehouse, or of all.
pub fn waves(tx: &mut Tx<'_>, warehouse: Option<WarehouseId>) -> Result<Vec<WaveRow>, StoreError> {
    let rows = tx.query(
        "SELECT id, warehouse_id, name, created_at, created_by, closed_at FROM waves WHERE closed_at IS NULL ORDER BY id DESC LIMIT 200",
        &[],
    )?;
    let mut list = rows.iter().map(wave_row).collect::<Result<Vec<_>, _>>()?;
    list.retain(|w| warehouse.is_none_or(|only| only == w.warehouse_id));
    Ok(list)
}

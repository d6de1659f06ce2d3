//! Parcels: one recipient, one warehouse, lines of one or more orders.

mod steps;

pub use steps::{CarrierChoice, Step, set_carriers, set_measured, set_opened, set_printed, set_stop, set_tracked, step, steps};

pub use crate::shipment_list::{OrderBrief, ShipmentFilter, ShipmentItem, briefs, find, items, list};
use crate::{Row, StoreError, Tx, Value};
use std::collections::HashMap;
use wharf_domain::id::{CarrierAccountId, FulfillmentId, FulfillmentLineId, OrderId, OrderLineId, ShipmentId, ShopId, WarehouseId};
use wharf_domain::shipment::ShipmentState;
use wharf_domain::time::Timestamp;

/// A parcel to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewShipment {
    /// Its id.
    pub id: ShipmentId,
    /// Shop of its first order.
    pub shop_id: ShopId,
    /// From where.
    pub warehouse_id: WarehouseId,
    /// Equal prints may share a parcel.
    pub recipient_print: String,
    /// By whom, once chosen.
    pub carrier_account_id: Option<CarrierAccountId>,
    /// The carrier's service word.
    pub service: String,
    /// Weight of what is in it.
    pub weight_grams: i64,
    /// Why this carrier: a `routing::Choice`.
    pub trace: serde_json::Value,
    /// What is in it.
    pub lines: Vec<ParcelLine>,
}

/// A line of a parcel. It holds its fulfillment line whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParcelLine {
    /// The fulfillment line.
    pub fulfillment_line_id: FulfillmentLineId,
    /// The order.
    pub order_id: OrderId,
    /// The order line.
    pub order_line_id: OrderLineId,
    /// Units of the order line.
    pub quantity: i64,
}

/// Stores new parcels as drafts.
pub fn insert(tx: &mut Tx<'_>, shipments: &[NewShipment]) -> Result<(), StoreError> {
    if shipments.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let heads: Vec<Vec<Value>> = shipments
        .iter()
        .map(|s| {
            vec![
                s.id.into(),
                s.shop_id.into(),
                s.warehouse_id.into(),
                s.carrier_account_id.into(),
                s.service.as_str().into(),
                Value::word(ShipmentState::Draft),
                s.recipient_print.as_str().into(),
                s.weight_grams.into(),
                (&s.trace).into(),
                now.into(),
                now.into(),
            ]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO shipments (id, shop_id, warehouse_id, carrier_account_id, service, shipment_state, recipient_print, weight_grams, trace, created_at, updated_at)",
        &heads,
        "",
    )?;
    let lines: Vec<(ShipmentId, ParcelLine)> = shipments.iter().flat_map(|s| s.lines.iter().map(|l| (s.id, *l))).collect();
    add_lines(tx, &lines)
}

/// Puts lines into parcels.
pub fn add_lines(tx: &mut Tx<'_>, lines: &[(ShipmentId, ParcelLine)]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = lines
        .iter()
        .map(|(id, l)| vec![(*id).into(), l.fulfillment_line_id.into(), l.order_id.into(), l.order_line_id.into(), l.quantity.into()])
        .collect();
    if !rows.is_empty() {
        tx.insert_many("INSERT INTO shipment_lines (shipment_id, fulfillment_line_id, order_id, order_line_id, quantity)", &rows, "")?;
    }
    Ok(())
}

/// Sets what is left of lines in their parcels; 0 takes the line out.
pub fn set_lines(tx: &mut Tx<'_>, lines: &[(ShipmentId, FulfillmentLineId, i64)]) -> Result<(), StoreError> {
    let keep: Vec<Vec<Value>> =
        lines.iter().filter(|l| l.2 > 0).map(|(s, f, quantity)| vec![(*s).into(), (*f).into(), (*quantity).into()]).collect();
    if !keep.is_empty() {
        tx.execute_rows(
            "UPDATE shipment_lines SET quantity = v.column3 FROM {rows} AS v WHERE shipment_id = v.column1 AND fulfillment_line_id = v.column2",
            &keep,
            &[],
        )?;
    }
    for (shipment, line, _) in lines.iter().filter(|l| l.2 == 0) {
        tx.execute(
            "DELETE FROM shipment_lines WHERE shipment_id = $1 AND fulfillment_line_id = $2",
            &[(*shipment).into(), (*line).into()],
        )?;
    }
    Ok(())
}

/// Moves all lines of one parcel into another.
pub fn move_lines(tx: &mut Tx<'_>, from: ShipmentId, to: ShipmentId) -> Result<(), StoreError> {
    tx.execute("UPDATE shipment_lines SET shipment_id = $2 WHERE shipment_id = $1", &[from.into(), to.into()])?;
    Ok(())
}

/// A stored parcel.
#[derive(Debug, Clone, PartialEq)]
pub struct ShipmentRow {
    /// Its id.
    pub id: ShipmentId,
    /// Shop of its first order.
    pub shop_id: ShopId,
    /// From where.
    pub warehouse_id: WarehouseId,
    /// By whom.
    pub carrier_account_id: Option<CarrierAccountId>,
    /// The carrier's service word.
    pub service: String,
    /// Where it stands.
    pub state: ShipmentState,
    /// Why the bench must stop; empty when it need not.
    pub stop_reason: String,
    /// Equal prints may share a parcel.
    pub recipient_print: String,
    /// Number of its live waybill.
    pub waybill_number: Option<String>,
    /// The carrier's code as channels know it.
    pub carrier_code: String,
    /// What people call the carrier.
    pub carrier_name: String,
    /// Weight of what is in it.
    pub weight_grams: i64,
    /// Weight on the scale.
    pub measured_grams: Option<i64>,
    /// Why this carrier.
    pub trace: serde_json::Value,
    /// Where it was closed.
    pub station: String,
    /// First print of its label.
    pub printed_at: Option<Timestamp>,
    /// When it was closed.
    pub packed_at: Option<Timestamp>,
    /// When it left.
    pub handed_over_at: Option<Timestamp>,
    /// When it arrived.
    pub delivered_at: Option<Timestamp>,
    /// When the carrier was last asked.
    pub tracked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Version.
    pub version: i64,
    /// What is in it.
    pub lines: Vec<ParcelLine>,
}

impl ShipmentRow {
    /// The orders in it, each once.
    pub fn orders(&self) -> Vec<OrderId> {
        let mut ids: Vec<OrderId> = self.lines.iter().map(|l| l.order_id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

const COLUMNS: &str = "s.id, s.shop_id, s.warehouse_id, s.carrier_account_id, s.service, s.shipment_state, s.stop_reason, s.recipient_print, \
   s.waybill_number, s.carrier_code, s.carrier_name, s.weight_grams, s.measured_grams, s.trace, s.station, s.printed_at, s.packed_at, \
   s.handed_over_at, s.delivered_at, s.tracked_at, s.created_at, s.updated_at, s.version";

fn head(row: &Row) -> Result<ShipmentRow, StoreError> {
    Ok(ShipmentRow {
        id: row.id(0)?,
        shop_id: row.id(1)?,
        warehouse_id: row.id(2)?,
        carrier_account_id: row.opt_id(3)?,
        service: row.text(4)?,
        state: row.word(5)?,
        stop_reason: row.text(6)?,
        recipient_print: row.text(7)?,
        waybill_number: row.opt_text(8)?,
        carrier_code: row.text(9)?,
        carrier_name: row.text(10)?,
        weight_grams: row.int(11)?,
        measured_grams: row.opt_int(12)?,
        trace: row.json(13)?,
        station: row.text(14)?,
        printed_at: row.opt_time(15)?,
        packed_at: row.opt_time(16)?,
        handed_over_at: row.opt_time(17)?,
        delivered_at: row.opt_time(18)?,
        tracked_at: row.opt_time(19)?,
        created_at: row.time(20)?,
        updated_at: row.time(21)?,
        version: row.int(22)?,
        lines: Vec::new(),
    })
}

fn fill(tx: &mut Tx<'_>, rows: &[Row]) -> Result<Vec<ShipmentRow>, StoreError> {
    let mut list = rows.iter().map(head).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<Value> = list.iter().map(|s| s.id.into()).collect();
    let mut lines: HashMap<ShipmentId, Vec<ParcelLine>> = HashMap::new();
    for row in tx.query_in(
        "SELECT shipment_id, fulfillment_line_id, order_id, order_line_id, quantity FROM shipment_lines WHERE shipment_id IN ({ids}) ORDER BY order_id, fulfillment_line_id",
        &ids,
        &[],
    )? {
        lines.entry(row.id(0)?).or_default().push(ParcelLine {
            fulfillment_line_id: row.id(1)?,
            order_id: row.id(2)?,
            order_line_id: row.id(3)?,
            quantity: row.int(4)?,
        });
    }
    for shipment in &mut list {
        shipment.lines = lines.remove(&shipment.id).unwrap_or_default();
    }
    Ok(list)
}

/// Parcels by id.
pub fn load(tx: &mut Tx<'_>, ids: &[ShipmentId]) -> Result<Vec<ShipmentRow>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in(&format!("SELECT {COLUMNS} FROM shipments s WHERE s.id IN ({{ids}}) ORDER BY s.id"), &ids, &[])?;
    fill(tx, &rows)
}

/// All parcels with lines of some orders, cancelled ones too.
pub fn of_orders(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<Vec<ShipmentRow>, StoreError> {
    let ids: Vec<Value> = orders.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in(
        &format!("SELECT {COLUMNS} FROM shipments s WHERE s.id IN (SELECT l.shipment_id FROM shipment_lines l WHERE l.order_id IN ({{ids}})) ORDER BY s.id"),
        &ids,
        &[],
    )?;
    fill(tx, &rows)
}

/// Parcels that are not cancelled and hold lines of some fulfillments.
pub fn of_fulfillments(tx: &mut Tx<'_>, fulfillments: &[FulfillmentId]) -> Result<Vec<ShipmentRow>, StoreError> {
    let ids: Vec<Value> = fulfillments.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in(
        &format!(
            "SELECT {COLUMNS} FROM shipments s WHERE s.shipment_state <> 'cancelled' AND s.id IN (SELECT l.shipment_id FROM fulfillment_lines f \
             JOIN shipment_lines l ON l.fulfillment_line_id = f.id WHERE f.fulfillment_id IN ({{ids}})) ORDER BY s.id"
        ),
        &ids,
        &[],
    )?;
    fill(tx, &rows)
}

/// Parcels that could still take more: same recipient prints, not yet printed nor packed. Empty prints never match.
pub fn open_of_prints(tx: &mut Tx<'_>, prints: &[String]) -> Result<Vec<ShipmentRow>, StoreError> {
    let ids: Vec<Value> = prints.iter().filter(|p| !p.is_empty()).map(Value::from).collect();
    let rows = tx.query_in(
        &format!(
            "SELECT {COLUMNS} FROM shipments s WHERE s.recipient_print IN ({{ids}}) AND s.recipient_print <> '' \
             AND s.shipment_state IN ('draft', 'booked') AND s.printed_at IS NULL AND s.stop_reason = '' ORDER BY s.id"
        ),
        &ids,
        &[],
    )?;
    fill(tx, &rows)
}

/// Recipients with more than one parcel that could be one: proposals to merge, most parcels first.
pub fn mergeable(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Vec<ShipmentRow>>, StoreError> {
    let prints = tx
        .query(
            "SELECT recipient_print FROM shipments WHERE shipment_state IN ('draft', 'booked') AND recipient_print <> '' AND printed_at IS NULL \
             AND stop_reason = '' GROUP BY recipient_print, warehouse_id, shop_id HAVING COUNT(*) > 1 ORDER BY COUNT(*) DESC, recipient_print LIMIT $1",
            &[limit.into()],
        )?
        .iter()
        .map(|row| row.text(0))
        .collect::<Result<Vec<_>, _>>()?;
    let mut groups: HashMap<(String, WarehouseId, ShopId), Vec<ShipmentRow>> = HashMap::new();
    for shipment in open_of_prints(tx, &prints)? {
        groups.entry((shipment.recipient_print.clone(), shipment.warehouse_id, shipment.shop_id)).or_default().push(shipment);
    }
    let mut groups: Vec<_> = groups.into_values().filter(|g| g.len() > 1).collect();
    groups.sort_by_key(|g| (std::cmp::Reverse(g.len()), g[0].id));
    Ok(groups)
}

/// An order in a parcel, as carrier, channel and paper need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParcelOrder {
    /// Which.
    pub order_id: OrderId,
    /// The channel's number.
    pub external_id: String,
    /// Its shop.
    pub shop_id: ShopId,
    /// The shop's name.
    pub shop_name: String,
    /// Manifest id of its channel.
    pub vendor: String,
    /// The channel's id of the seller.
    pub seller_id: String,
    /// Its currency.
    pub currency: wharf_domain::money::Currency,
    /// What the buyer pays in all.
    pub total_minor: i64,
    /// What the lines in this parcel are worth.
    pub value_minor: i64,
    /// The courier collects.
    pub cash_on_delivery: bool,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// What the buyer wrote.
    pub buyer_note: String,
    /// Units of the order in this parcel.
    pub units_here: i64,
    /// Units of the order that are to be sent in all.
    pub units_open: i64,
    /// The channel's country word, for the language of the slip.
    pub country: String,
}

/// A line of an order in a parcel, as its channel may be told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldLine {
    /// The channel's line id.
    pub external_id: String,
    /// Units in this parcel.
    pub quantity: i64,
    /// Every unit of the line that is to be sent has left, in this parcel or another.
    pub whole: bool,
    /// This parcel is the first with units of the line.
    pub first: bool,
}

/// What a channel that knows only whole lines may be told with this parcel.
pub fn told_lines(tx: &mut Tx<'_>, id: ShipmentId, order: OrderId) -> Result<Vec<ToldLine>, StoreError> {
    tx.query(
        "SELECT ol.external_id, CAST(SUM(l.quantity) AS BIGINT), CASE WHEN ol.shipped >= ol.ordered - ol.cancelled THEN 1 ELSE 0 END, \
           CASE WHEN EXISTS (SELECT 1 FROM confirmations c JOIN shipment_lines e ON e.shipment_id = c.shipment_id AND e.order_id = c.order_id \
             WHERE e.order_line_id = ol.id AND c.shipment_id < l.shipment_id) THEN 0 ELSE 1 END \
         FROM shipment_lines l JOIN order_lines ol ON ol.id = l.order_line_id WHERE l.shipment_id = $1 AND l.order_id = $2 \
         GROUP BY ol.id, ol.external_id, ol.position, ol.shipped, ol.ordered, ol.cancelled, l.shipment_id ORDER BY ol.position",
        &[id.into(), order.into()],
    )?
    .iter()
    .map(|row| Ok(ToldLine { external_id: row.text(0)?, quantity: row.int(1)?, whole: row.bool(2)?, first: row.bool(3)? }))
    .collect()
}

/// The orders of some parcels with what carrier, channel and paper need.
pub fn parcel_orders(tx: &mut Tx<'_>, shipments: &[ShipmentId]) -> Result<HashMap<ShipmentId, Vec<ParcelOrder>>, StoreError> {
    let ids: Vec<Value> = shipments.iter().map(|id| (*id).into()).collect();
    let mut orders: HashMap<ShipmentId, Vec<ParcelOrder>> = HashMap::new();
    for row in tx.query_in(
        "SELECT l.shipment_id, o.id, o.external_id, o.shop_id, h.name, h.vendor, h.external_id, o.currency, o.total_minor, \
           CAST(SUM(CASE WHEN ol.ordered > 0 THEN ol.total_minor * l.quantity / ol.ordered ELSE 0 END) AS BIGINT), o.cash_on_delivery, o.placed_at, o.buyer_note, \
           CAST(SUM(l.quantity) AS BIGINT), CAST((SELECT SUM(x.ordered - x.cancelled) FROM order_lines x WHERE x.order_id = o.id) AS BIGINT), o.country \
         FROM shipment_lines l JOIN orders o ON o.id = l.order_id JOIN order_lines ol ON ol.id = l.order_line_id JOIN shops h ON h.id = o.shop_id \
         WHERE l.shipment_id IN ({ids}) GROUP BY l.shipment_id, o.id, h.id ORDER BY l.shipment_id, o.id",
        &ids,
        &[],
    )? {
        orders.entry(row.id(0)?).or_default().push(ParcelOrder {
            order_id: row.id(1)?,
            external_id: row.text(2)?,
            shop_id: row.id(3)?,
            shop_name: row.text(4)?,
            vendor: row.text(5)?,
            seller_id: row.text(6)?,
            currency: wharf_domain::money::Currency::new(row.str(7)?).map_err(|_| row.inconsistent(7))?,
            total_minor: row.int(8)?,
            value_minor: row.int(9)?,
            cash_on_delivery: row.bool(10)?,
            placed_at: row.time(11)?,
            buyer_note: row.text(12)?,
            units_here: row.int(13)?,
            units_open: row.int(14)?,
            country: row.text(15)?,
        });
    }
    Ok(orders)
}

/// Orders among those in some parcels that must not leave now: (parcel, order, why), where why is `cancelled`, `refunded` or
/// the reason of an open hold. The one question that bench, printer and gate ask. A refund that was only asked for is a
/// hold: a person may let it go.
pub fn obstacles(tx: &mut Tx<'_>, shipments: &[ShipmentId]) -> Result<Vec<(ShipmentId, OrderId, String)>, StoreError> {
    let ids: Vec<Value> = shipments.iter().map(|id| (*id).into()).collect();
    tx.query_in(
        "SELECT shipment_id, order_id, MIN(why) FROM ( \
           SELECT l.shipment_id AS shipment_id, o.id AS order_id, CASE \
             WHEN o.progress = 'cancelled' OR ol.cancelled + l.quantity > ol.ordered THEN 'cancelled' \
             WHEN o.payment = 'refunded' OR ol.refund = 'refunded' THEN 'refunded' \
             ELSE (SELECT MIN(h.reason) FROM holds h WHERE h.order_id = o.id AND h.released_at IS NULL) END AS why \
           FROM shipment_lines l JOIN orders o ON o.id = l.order_id JOIN order_lines ol ON ol.id = l.order_line_id \
           WHERE l.shipment_id IN ({ids})) AS facts \
         WHERE why IS NOT NULL GROUP BY shipment_id, order_id ORDER BY shipment_id, order_id",
        &ids,
        &[],
    )?
    .iter()
    .map(|row| Ok((row.id(0)?, row.id(1)?, row.text(2)?)))
    .collect()
}

/// Drafts without a live waybill, oldest first: for the sweep.
pub fn drafts_without_waybill(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<ShipmentId>, StoreError> {
    tx.query(
        "SELECT s.id FROM shipments s WHERE s.shipment_state = 'draft' AND NOT EXISTS (SELECT 1 FROM waybills w WHERE w.shipment_id = s.id \
         AND w.waybill_state NOT IN ('failed', 'voided')) AND NOT EXISTS (SELECT 1 FROM shipment_lines l JOIN holds h ON h.order_id = l.order_id \
         AND h.released_at IS NULL WHERE l.shipment_id = s.id) AND EXISTS (SELECT 1 FROM shipment_lines l WHERE l.shipment_id = s.id) ORDER BY s.id LIMIT $1",
        &[limit.into()],
    )?
    .iter()
    .map(|row| row.id(0))
    .collect()
}

/// Parcels on their way whose carrier was not asked since `before`, those asked longest ago first.
pub fn to_track(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> Result<Vec<ShipmentId>, StoreError> {
    tx.query(
        "SELECT id FROM shipments WHERE shipment_state IN ('handed_over', 'in_transit', 'out_for_delivery', 'exception', 'returning') \
         AND (tracked_at IS NULL OR tracked_at < $1) ORDER BY tracked_at NULLS FIRST, id LIMIT $2",
        &[before.into(), limit.into()],
    )?
    .iter()
    .map(|row| row.id(0))
    .collect()
}

/// A scan of a parcel, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackingRow {
    /// When.
    pub at: Timestamp,
    /// A shipment state, or empty when the word was unknown.
    pub meaning: String,
    /// In the carrier's words.
    pub text: String,
    /// Where.
    pub place: String,
}

/// Stores scans; those that are known stay as they are. Answers how many were new.
pub fn add_scans(tx: &mut Tx<'_>, id: ShipmentId, scans: &[TrackingRow]) -> Result<u64, StoreError> {
    let mut distinct: Vec<&TrackingRow> = scans.iter().collect();
    distinct.sort_by(|a, b| (a.at, &a.text).cmp(&(b.at, &b.text)));
    distinct.dedup_by(|a, b| a.at == b.at && a.text == b.text);
    let rows: Vec<Vec<Value>> = distinct
        .into_iter()
        .map(|s| {
            vec![
                Value::Int(tx.new_id()),
                id.into(),
                s.at.into(),
                s.meaning.as_str().into(),
                s.text.as_str().into(),
                s.place.as_str().into(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Ok(0);
    }
    tx.insert_many(
        "INSERT INTO tracking_events (id, shipment_id, at, meaning, text, place)",
        &rows,
        "ON CONFLICT (shipment_id, at, text) DO NOTHING",
    )
}

/// All scans of a parcel, oldest first.
pub fn scans(tx: &mut Tx<'_>, id: ShipmentId) -> Result<Vec<TrackingRow>, StoreError> {
    tx.query("SELECT at, meaning, text, place FROM tracking_events WHERE shipment_id = $1 ORDER BY at, id", &[id.into()])?
        .iter()
        .map(|row| Ok(TrackingRow { at: row.time(0)?, meaning: row.text(1)?, text: row.text(2)?, place: row.text(3)? }))
        .collect()
}

/// The channel's line ids of one order in one parcel, with quantities.
pub fn channel_lines(tx: &mut Tx<'_>, id: ShipmentId, order: OrderId) -> Result<Vec<(String, i64)>, StoreError> {
    tx.query(
        "SELECT ol.external_id, CAST(SUM(l.quantity) AS BIGINT) FROM shipment_lines l JOIN order_lines ol ON ol.id = l.order_line_id \
         WHERE l.shipment_id = $1 AND l.order_id = $2 GROUP BY ol.id, ol.external_id, ol.position ORDER BY ol.position",
        &[id.into(), order.into()],
    )?
    .iter()
    .map(|row| Ok((row.text(0)?, row.int(1)?)))
    .collect()
}

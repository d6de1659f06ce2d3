//! Orders as the comparison with the channel's new version wants them.

use super::counters;
use crate::{StoreError, Tx, Value};
use std::collections::HashMap;
use wharf_domain::id::{OrderId, ShopId};
use wharf_domain::order::ChannelStatus;
use wharf_domain::order::amend::{Known, KnownLine};
use wharf_domain::time::Timestamp;

/// A known order with what ingest needs beside the comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownOrder {
    /// Its id.
    pub id: OrderId,
    /// The channel's id.
    pub external_id: String,
    /// Hash of the payload we hold.
    pub payload_hash: String,
    /// What we know.
    pub known: Known,
    /// The meaning of the channel's word.
    pub channel_status: Option<ChannelStatus>,
    /// Note or flag are due to the channel.
    pub note_due: bool,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Approved.
    pub approved: bool,
}

/// Known orders of a shop by the channel's ids.
pub fn known(tx: &mut Tx<'_>, shop: ShopId, external_ids: &[String]) -> Result<HashMap<String, KnownOrder>, StoreError> {
    let externals: Vec<Value> = external_ids.iter().map(Value::from).collect();
    let rows = tx.query_in("SELECT id FROM orders WHERE shop_id = $1 AND external_id IN ({ids})", &externals, &[shop.into()])?;
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = rows.iter().map(|row| row.id(0)).collect::<Result<Vec<OrderId>, _>>()?;
    Ok(known_of(tx, &ids)?.into_iter().map(|order| (order.external_id.clone(), order)).collect())
}

/// When the versions that we hold of these orders were modified, by the channel's id.
pub fn versions(tx: &mut Tx<'_>, shop: ShopId, external_ids: &[String]) -> Result<HashMap<String, Timestamp>, StoreError> {
    let externals: Vec<Value> = external_ids.iter().map(Value::from).collect();
    let rows = tx.query_in(
        "SELECT external_id, modified_at FROM orders WHERE shop_id = $1 AND external_id IN ({ids})",
        &externals,
        &[shop.into()],
    )?;
    rows.iter().map(|row| Ok((row.text(0)?, row.time(1)?))).collect()
}

/// Known orders by id, locked for the unit of work.
pub fn known_of(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<Vec<KnownOrder>, StoreError> {
    crate::locks::orders(tx, ids)?;
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in(
        "SELECT id, external_id, payload_hash, modified_at, observed_status, progress, payment, fulfilled_by, ship_by, total_minor, buyer_note, \
         seller_note, seller_flag, channel_print, recipient_token, recipient_edited, do_not_ship, urgent_reason, channel_status, note_due, placed_at, \
         CASE WHEN approved_at IS NULL THEN 0 ELSE 1 END FROM orders WHERE id IN ({ids})",
        &ids,
        &[],
    )?;
    let mut lines: HashMap<OrderId, Vec<KnownLine>> = HashMap::with_capacity(rows.len());
    for row in tx.query_in(
        "SELECT id, order_id, external_id, ordered, cancelled, allocated, packed, shipped, delivered, returned, total_minor, refund, observed_status, cancelled_here \
         FROM order_lines WHERE order_id IN ({ids}) ORDER BY order_id, position, id",
        &ids,
        &[],
    )? {
        lines.entry(row.id(1)?).or_default().push(KnownLine {
            id: row.id(0)?,
            external_id: row.text(2)?,
            counters: counters(&row, 3)?,
            total_minor: row.int(10)?,
            refund: row.word(11)?,
            observed_status: row.text(12)?,
            cancelled_here: row.int(13)?,
        });
    }
    let mut labelled: HashMap<OrderId, bool> = HashMap::new();
    for row in tx.query_in(
        "SELECT DISTINCT l.order_id FROM shipment_lines l JOIN waybills w ON w.shipment_id = l.shipment_id \
         WHERE l.order_id IN ({ids}) AND w.waybill_state IN ('requested', 'booked', 'printed', 'in_doubt')",
        &ids,
        &[],
    )? {
        labelled.insert(row.id(0)?, true);
    }
    rows.iter()
        .map(|row| {
            let id: OrderId = row.id(0)?;
            Ok(KnownOrder {
                id,
                external_id: row.text(1)?,
                payload_hash: row.text(2)?,
                known: Known {
                    modified_at: row.time(3)?,
                    observed_status: row.text(4)?,
                    progress: row.word(5)?,
                    payment: row.word(6)?,
                    fulfilled_by: row.word(7)?,
                    ship_by: row.opt_time(8)?,
                    total_minor: row.int(9)?,
                    buyer_note: row.text(10)?,
                    seller_note: row.text(11)?,
                    seller_flag: row.opt_int(12)?,
                    channel_print: row.text(13)?,
                    recipient_token: row.opt_text(14)?,
                    recipient_edited: row.bool(15)?,
                    do_not_ship: row.json(16)?,
                    urgent_reason: row.text(17)?,
                    labelled: labelled.contains_key(&id),
                    lines: lines.remove(&id).unwrap_or_default(),
                },
                channel_status: row.opt_word(18)?,
                note_due: row.bool(19)?,
                placed_at: row.time(20)?,
                approved: row.bool(21)?,
            })
        })
        .collect()
}

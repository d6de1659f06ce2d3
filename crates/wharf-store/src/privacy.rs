//! Erasing personal data (law 10): of orders that wait for nobody and have ended long enough ago. What a report counts
//! stays: numbers, goods, money, province and city, the keyed hashes that tell a returning buyer.

use crate::{StoreError, Tx, Value};
use wharf_domain::id::{OrderId, ShopId};
use wharf_domain::time::Timestamp;

/// Orders of a shop whose personal data are past their date, the longest first: ended (delivered, completed, cancelled)
/// before one instant, or silent on their way, or never paid, since before another. What waits for us is never among them.
pub fn due(
    tx: &mut Tx<'_>,
    shop: ShopId,
    ended_before: Timestamp,
    silent_before: Timestamp,
    limit: i64,
) -> Result<Vec<OrderId>, StoreError> {
    tx.query(
        "SELECT o.id FROM orders o WHERE o.shop_id = $1 AND o.personal_erased_at IS NULL AND o.modified_at < $2 \
         AND o.phase IN ('shipped', 'delivered', 'completed', 'cancelled', 'external', 'unpaid') \
         AND (o.closed_at IS NULL OR o.closed_at < $2) \
         AND NOT EXISTS (SELECT 1 FROM shipment_lines l JOIN shipments s ON s.id = l.shipment_id WHERE l.order_id = o.id \
           AND (s.delivered_at >= $2 OR s.handed_over_at >= $2)) \
         AND (o.phase IN ('delivered', 'completed', 'cancelled') OR (o.modified_at < $3 AND o.updated_at < $3)) \
         ORDER BY o.modified_at, o.id LIMIT $4",
        &[shop.into(), ended_before.into(), silent_before.into(), limit.into()],
    )?
    .iter()
    .map(|row| row.id(0))
    .collect()
}

/// Events whose parameters are words of people: they may name anybody.
const WORDS_OF_PEOPLE: &str = "'order.noted', 'order.buyer_note_changed', 'order.seller_note_changed', 'order.held', 'order.contradiction'";

/// Erases the personal data of orders (the caller has locked them) and of the parcels that hold nothing of others: what was
/// sealed, what was masked, blind indexes, notes, payloads, labels, printed files, scans of carriers, and what an undo would
/// put back. Answers how many orders it was.
pub fn erase(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<u64, StoreError> {
    let ids: Vec<Value> = orders.iter().map(|id| (*id).into()).collect();
    let now = tx.now();
    let mut blobs: Vec<Value> = Vec::new();
    let mut collect = |rows: Vec<crate::Row>| -> Result<(), StoreError> {
        for row in &rows {
            blobs.extend(row.opt_text(0)?.filter(|hash| !hash.is_empty()).map(Value::from));
        }
        Ok(())
    };
    collect(tx.query_in("SELECT payload_hash FROM orders WHERE id IN ({ids})", &ids, &[])?)?;
    collect(tx.query_in("SELECT version_before FROM import_orders WHERE order_id IN ({ids})", &ids, &[])?)?;
    let erased = tx.execute_in(
        "UPDATE orders SET recipient_sealed = NULL, recipient_masked_name = '', recipient_masked_phone = '', recipient_token = NULL, \
         recipient_print = '', town = '', postal_code = '', buyer_external_id = NULL, buyer_nick = '', buyer_note = '', seller_note = '', \
         personal_erased_at = $1, updated_at = $1, version = version + 1 WHERE personal_erased_at IS NULL AND id IN ({ids})",
        &ids,
        &[now.into()],
    )?;
    tx.execute_in("DELETE FROM order_search WHERE order_id IN ({ids})", &ids, &[])?;
    tx.execute_in("UPDATE findings SET params = '{}' WHERE order_id IN ({ids})", &ids, &[])?;
    tx.execute_in("UPDATE holds SET detail = '{}' WHERE order_id IN ({ids})", &ids, &[])?;
    tx.execute_in(&format!("UPDATE timeline SET params = '{{}}' WHERE kind IN ({WORDS_OF_PEOPLE}) AND order_id IN ({{ids}})"), &ids, &[])?;
    tx.execute_in("UPDATE operation_results SET before = '' WHERE before <> '' AND target_id IN ({ids})", &ids, &[])?;
    let parcels: Vec<Value> = tx
        .query_in(
            "SELECT DISTINCT l.shipment_id FROM shipment_lines l WHERE l.order_id IN ({ids}) AND NOT EXISTS \
             (SELECT 1 FROM shipment_lines n JOIN orders o ON o.id = n.order_id WHERE n.shipment_id = l.shipment_id AND o.personal_erased_at IS NULL)",
            &ids,
            &[],
        )?
        .iter()
        .map(|row| row.value(0).cloned())
        .collect::<Result<_, _>>()?;
    collect(tx.query_in("SELECT label FROM waybills WHERE shipment_id IN ({ids})", &parcels, &[])?)?;
    // A file holds the labels of many parcels: those that are still needed are drawn again from their sources.
    collect(tx.query_in(
        "SELECT b.blob_hash FROM prints p JOIN print_batches b ON b.id = p.print_batch_id WHERE p.shipment_id IN ({ids})",
        &parcels,
        &[],
    )?)?;
    tx.execute_in("UPDATE shipments SET recipient_print = '' WHERE id IN ({ids})", &parcels, &[])?;
    tx.execute_in("DELETE FROM tracking_events WHERE shipment_id IN ({ids})", &parcels, &[])?;
    tx.execute_in("DELETE FROM blobs WHERE hash IN ({ids})", &blobs, &[])?;
    Ok(erased)
}

/// Gives payloads of parked orders a date: settled ones, and those that nobody could read for longer than `before` says.
/// Their rows stay.
pub fn date_parked(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    let now = tx.now();
    tx.execute(
        "UPDATE blobs SET expires_at = $1 WHERE expires_at IS NULL AND hash IN (SELECT payload_hash FROM parked WHERE first_at < $2 OR settled_at < $2)",
        &[now.into(), before.into()],
    )
}

//! Import batches: their files in sealed pieces, what a preview found, which orders a commit made or changed, and the
//! one place where an order is erased: the withdrawal of the import that brought it (docs/adr/0016-imports-can-be-withdrawn.md).

use crate::{Row, StoreError, Tx, Value, blobs};
use std::collections::{HashMap, HashSet};
use wharf_domain::access::Scope;
use wharf_domain::id::{ImportBatchId, OrderId, ShopId, UserId};
use wharf_domain::money::Currency;
use wharf_domain::time::{DAY, Timestamp};

wharf_domain::words! {
    /// How far an import is.
    pub enum ImportState {
        /// Read and shown; no order is touched.
        Previewed = "previewed",
        /// Orders are being written; the same call again goes on.
        Committing = "committing",
        /// All orders are written.
        Committed = "committed",
        /// Taken back whole.
        Withdrawn = "withdrawn",
        /// It could not be read any more.
        Failed = "failed",
    }
}

wharf_domain::words! {
    /// What an import did to an order.
    pub enum Effect {
        /// The order is there because of it.
        Created = "created",
        /// The order was there and changed.
        Amended = "amended",
    }
}

/// How long the files of an import are kept, in microseconds: they hold personal data.
pub const KEEP_FILES: i64 = 90 * DAY;
/// The position of the file of odd rows.
pub const ODD_ROWS: i64 = -1;

/// One import.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportBatch {
    /// Its id.
    pub id: ImportBatchId,
    /// The shop it goes to.
    pub shop_id: Option<ShopId>,
    /// The layouts that were recognised.
    pub source: String,
    /// Names of the files.
    pub file_names: Vec<String>,
    /// The mapping that was given, or null.
    pub mapping: serde_json::Value,
    /// How far it is.
    pub state: ImportState,
    /// What the person chose.
    pub options: serde_json::Value,
    /// What the preview found.
    pub preview: serde_json::Value,
    /// What commit and withdrawal came to.
    pub result: serde_json::Value,
    /// Who began it.
    pub user_id: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
    /// When all orders were written.
    pub committed_at: Option<Timestamp>,
    /// When it was taken back.
    pub withdrawn_at: Option<Timestamp>,
}

/// What a new import starts with.
#[derive(Debug, Clone, PartialEq)]
pub struct NewImport {
    /// The shop, where it is there already.
    pub shop_id: Option<ShopId>,
    /// Names of the files.
    pub file_names: Vec<String>,
    /// The mapping that was given, or null.
    pub mapping: serde_json::Value,
    /// What the person chose.
    pub options: serde_json::Value,
    /// Who.
    pub user_id: Option<UserId>,
}

const COLUMNS: &str =
    "id, shop_id, source, file_names, mapping, import_state, options, preview, result, user_id, created_at, committed_at, withdrawn_at";

fn read(row: &Row) -> Result<ImportBatch, StoreError> {
    Ok(ImportBatch {
        id: row.id(0)?,
        shop_id: row.opt_id(1)?,
        source: row.text(2)?,
        file_names: row.json(3)?,
        mapping: row.json(4)?,
        state: row.word(5)?,
        options: row.json(6)?,
        preview: row.json(7)?,
        result: row.json(8)?,
        user_id: row.opt_id(9)?,
        created_at: row.time(10)?,
        committed_at: row.opt_time(11)?,
        withdrawn_at: row.opt_time(12)?,
    })
}

/// Begins an import.
pub fn create(tx: &mut Tx<'_>, new: &NewImport) -> Result<ImportBatchId, StoreError> {
    let id: ImportBatchId = tx.new_id();
    let row = vec![
        id.into(),
        new.shop_id.into(),
        "".into(),
        Value::json(&new.file_names),
        (&new.mapping).into(),
        Value::word(ImportState::Previewed),
        (&new.options).into(),
        new.user_id.into(),
        tx.now().into(),
    ];
    tx.insert_many(
        "INSERT INTO import_batches (id, shop_id, source, file_names, mapping, import_state, options, user_id, created_at)",
        &[row],
        "",
    )?;
    Ok(id)
}

/// One import.
pub fn get(tx: &mut Tx<'_>, id: ImportBatchId) -> Result<Option<ImportBatch>, StoreError> {
    tx.query_opt(&format!("SELECT {COLUMNS} FROM import_batches WHERE id = $1"), &[id.into()])?.as_ref().map(read).transpose()
}

/// Imports of a scope, latest first, before an id.
pub fn list(tx: &mut Tx<'_>, scope: &Scope, before: Option<ImportBatchId>, limit: i64) -> Result<Vec<ImportBatch>, StoreError> {
    let before = before.map_or(i64::MAX, |id| id.0);
    let mut params: Vec<Value> = vec![before.into(), limit.into()];
    // An import without a shop is none yet: its preview is being made.
    let mine = match &scope.shops {
        None => "shop_id IS NOT NULL".to_owned(),
        Some(shops) if shops.is_empty() => return Ok(Vec::new()),
        Some(shops) => {
            params.extend(shops.iter().map(|shop| Value::from(*shop)));
            let places: Vec<String> = (3..params.len() + 1).map(|n| format!("${n}")).collect();
            format!("shop_id IN ({})", places.join(", "))
        }
    };
    let sql = format!("SELECT {COLUMNS} FROM import_batches WHERE id < $1 AND {mine} ORDER BY id DESC LIMIT $2");
    tx.query(&sql, &params)?.iter().map(read).collect()
}

/// Adds a piece of a file, sealed.
pub fn add_piece(tx: &mut Tx<'_>, id: ImportBatchId, position: i64, piece: i64, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let expires = tx.now().plus(KEEP_FILES);
    let hash = blobs::put(tx, bytes, "application/octet-stream", true, Some(expires))?;
    let row = vec![id.into(), position.into(), piece.into(), name.into(), hash.into()];
    tx.insert_many(
        "INSERT INTO import_files (import_batch_id, position, piece, name, blob_hash)",
        &[row],
        "ON CONFLICT (import_batch_id, position, piece) DO UPDATE SET blob_hash = excluded.blob_hash",
    )?;
    Ok(())
}

/// The pieces of a file, in order, by the names of their blobs.
pub fn pieces(tx: &mut Tx<'_>, id: ImportBatchId, position: i64) -> Result<Vec<String>, StoreError> {
    let rows = tx.query(
        "SELECT blob_hash FROM import_files WHERE import_batch_id = $1 AND position = $2 ORDER BY piece",
        &[id.into(), position.into()],
    )?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// Removes the pieces of a file that is written anew.
pub fn clear_pieces(tx: &mut Tx<'_>, id: ImportBatchId, position: i64) -> Result<(), StoreError> {
    let hashes: Vec<Value> = pieces(tx, id, position)?.into_iter().map(Value::from).collect();
    tx.execute("DELETE FROM import_files WHERE import_batch_id = $1 AND position = $2", &[id.into(), position.into()])?;
    erase_blobs(tx, &hashes)
}

/// Keeps what a preview found, and the shop.
pub fn save_preview(tx: &mut Tx<'_>, id: ImportBatchId, shop: ShopId, source: &str, preview: &serde_json::Value) -> Result<(), StoreError> {
    let params = [id.into(), source.into(), preview.into(), shop.into()];
    tx.execute("UPDATE import_batches SET source = $2, preview = $3, shop_id = $4 WHERE id = $1", &params).map(drop)
}

/// Drops an import whose files could not be read: nothing of it was shown.
pub fn discard(tx: &mut Tx<'_>, id: ImportBatchId, files: i64) -> Result<(), StoreError> {
    for position in (0..files).chain([ODD_ROWS]) {
        clear_pieces(tx, id, position)?;
    }
    tx.execute("DELETE FROM import_batches WHERE id = $1", &[id.into()]).map(drop)
}

/// Moves an import on, from one of the states named. False when it is in none of them.
pub fn advance(
    tx: &mut Tx<'_>,
    id: ImportBatchId,
    from: &[ImportState],
    to: ImportState,
    result: Option<&serde_json::Value>,
) -> Result<bool, StoreError> {
    let Some(batch) = get(tx, id)? else { return Ok(false) };
    if !from.contains(&batch.state) {
        return Ok(false);
    }
    let now = tx.now();
    let committed = if to == ImportState::Committed { Some(now) } else { batch.committed_at };
    let withdrawn = if to == ImportState::Withdrawn { Some(now) } else { batch.withdrawn_at };
    let params =
        [id.into(), Value::word(to), result.unwrap_or(&batch.result).into(), committed.into(), withdrawn.into(), Value::word(batch.state)];
    let changed = tx.execute(
        "UPDATE import_batches SET import_state = $2, result = $3, committed_at = $4, withdrawn_at = $5 WHERE id = $1 AND import_state = $6",
        &params,
    )?;
    Ok(changed == 1)
}

/// Where an order that is there already came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The order.
    pub id: OrderId,
    /// Hash of the payload we hold.
    pub payload_hash: String,
    /// The import that brought it; `None` when the channel itself did.
    pub import_batch_id: Option<ImportBatchId>,
}

/// Orders of a shop that are there, by the channel's ids.
pub fn origins(tx: &mut Tx<'_>, shop: ShopId, external_ids: &[String]) -> Result<HashMap<String, Origin>, StoreError> {
    let ids: Vec<Value> = external_ids.iter().map(Value::from).collect();
    tx.query_in(
        "SELECT external_id, id, payload_hash, import_batch_id FROM orders WHERE shop_id = $1 AND external_id IN ({ids})",
        &ids,
        &[shop.into()],
    )?
    .iter()
    .map(|row| Ok((row.text(0)?, Origin { id: row.id(1)?, payload_hash: row.text(2)?, import_batch_id: row.opt_id(3)? })))
    .collect()
}

/// Remembers what an import did. What it did first to an order stands.
pub fn record(tx: &mut Tx<'_>, id: ImportBatchId, effects: &[(OrderId, Effect, String)]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> =
        effects.iter().map(|(order, effect, before)| vec![id.into(), (*order).into(), Value::word(*effect), before.into()]).collect();
    tx.insert_many(
        "INSERT INTO import_orders (import_batch_id, order_id, effect, version_before)",
        &rows,
        "ON CONFLICT (import_batch_id, order_id) DO NOTHING",
    )?;
    Ok(())
}

/// How many orders an import made and changed.
pub fn tally(tx: &mut Tx<'_>, id: ImportBatchId) -> Result<(i64, i64), StoreError> {
    let (mut created, mut amended) = (0, 0);
    for row in tx.query("SELECT effect, COUNT(*) FROM import_orders WHERE import_batch_id = $1 GROUP BY effect", &[id.into()])? {
        match row.word::<Effect>(0)? {
            Effect::Created => created = row.int(1)?,
            Effect::Amended => amended = row.int(1)?,
        }
    }
    Ok((created, amended))
}

/// What an import did: a page of orders after an id.
pub fn effects(tx: &mut Tx<'_>, id: ImportBatchId, after: OrderId, limit: i64) -> Result<Vec<(OrderId, Effect, String)>, StoreError> {
    let rows = tx.query(
        "SELECT order_id, effect, version_before FROM import_orders WHERE import_batch_id = $1 AND order_id > $2 ORDER BY order_id LIMIT $3",
        &[id.into(), after.into(), limit.into()],
    )?;
    rows.iter().map(|row| Ok((row.id(0)?, row.word(1)?, row.text(2)?))).collect()
}

/// Why an import cannot be withdrawn: how many of its orders have work on them, and how many a later import changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Obstacles {
    /// Reserved, sent to a warehouse, shipped, confirmed, or changed by a person.
    pub worked_on: i64,
    /// Changed by a later import: that one is withdrawn first.
    pub changed_later: i64,
    /// Changed by the channel itself since.
    pub known_to_channel: i64,
}

/// Reserved, sent to a warehouse, shipped, told to a channel, replaced, or changed by a person.
const WORKED_ON: &str = "o.recipient_edited = 1 OR o.assignee_id IS NOT NULL \
     OR EXISTS (SELECT 1 FROM fulfillments f WHERE f.order_id = o.id) OR EXISTS (SELECT 1 FROM reservations r WHERE r.order_id = o.id) \
     OR EXISTS (SELECT 1 FROM shipment_lines s WHERE s.order_id = o.id) OR EXISTS (SELECT 1 FROM confirmations c WHERE c.order_id = o.id) \
     OR EXISTS (SELECT 1 FROM orders x WHERE x.reship_of = o.id) \
     OR EXISTS (SELECT 1 FROM timeline t WHERE t.order_id = o.id AND t.actor LIKE '%\"by\":\"user\"%')";

/// Counts what stands in the way of a withdrawal.
pub fn obstacles(tx: &mut Tx<'_>, id: ImportBatchId) -> Result<Obstacles, StoreError> {
    let mine = "SELECT order_id FROM import_orders WHERE import_batch_id = $1";
    let worked = format!("SELECT COUNT(*) FROM orders o WHERE o.id IN ({mine}) AND ({WORKED_ON})");
    let one = |tx: &mut Tx<'_>, sql: &str| tx.query_opt(sql, &[id.into()])?.map_or(Ok(0), |row| row.int(0));
    Ok(Obstacles {
        worked_on: one(tx, &worked)?,
        changed_later: one(
            tx,
            &format!("SELECT COUNT(DISTINCT order_id) FROM import_orders WHERE import_batch_id > $1 AND order_id IN ({mine})"),
        )?,
        known_to_channel: one(tx, &format!("SELECT COUNT(*) FROM orders WHERE import_batch_id IS NULL AND id IN ({mine})"))?,
    })
}

/// Orders of a page that were erased: their channel ids, for the audit and for what is restored.
pub fn external_ids(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<HashMap<OrderId, String>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.query_in("SELECT id, external_id FROM orders WHERE id IN ({ids})", &ids, &[])?
        .iter()
        .map(|row| Ok((row.id(0)?, row.text(1)?)))
        .collect()
}

/// The import that an order's version before belonged to: the latest before `id`.
pub fn owner_before(tx: &mut Tx<'_>, id: ImportBatchId, order: OrderId) -> Result<Option<ImportBatchId>, StoreError> {
    let row = tx.query_opt(
        "SELECT import_batch_id FROM import_orders WHERE order_id = $1 AND import_batch_id < $2 AND effect = 'created' ORDER BY import_batch_id DESC LIMIT 1",
        &[order.into(), id.into()],
    )?;
    row.map(|row| row.id(0)).transpose()
}

/// An order that was erased and written again has another id: what earlier imports did is told of that one.
pub fn rename_order(tx: &mut Tx<'_>, pairs: &[(OrderId, OrderId)]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = pairs.iter().map(|(old, new)| vec![(*old).into(), (*new).into()]).collect();
    tx.execute_rows("UPDATE import_orders SET order_id = v.column2 FROM {rows} AS v WHERE import_orders.order_id = v.column1", &rows, &[])
        .map(drop)
}

/// Says which import an order belongs to: one that was written anew keeps its first.
pub fn set_origin(tx: &mut Tx<'_>, order: OrderId, import: Option<ImportBatchId>) -> Result<(), StoreError> {
    tx.execute("UPDATE orders SET import_batch_id = $2 WHERE id = $1", &[order.into(), import.into()]).map(drop)
}

/// Forgets what an import did to one order.
pub fn forget_order(tx: &mut Tx<'_>, id: ImportBatchId, order: OrderId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM import_orders WHERE import_batch_id = $1 AND order_id = $2", &[id.into(), order.into()]).map(drop)
}

/// True when somebody or something has worked on an order: it is changed with care, and never erased.
pub fn is_worked_on(tx: &mut Tx<'_>, order: OrderId) -> Result<bool, StoreError> {
    let sql = format!("SELECT COUNT(*) FROM orders o WHERE o.id = $1 AND ({WORKED_ON})");
    tx.query_opt(&sql, &[order.into()])?.map_or(Ok(false), |row| Ok(row.int(0)? > 0))
}

/// Erases orders that an import brought, with everything that hangs on them, and what only they used: payloads,
/// unlinked listings, buyers. The caller has taken them out of the counters and seen that nobody worked on them.
pub fn erase_orders(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<(), StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let mut payloads = Vec::new();
    let mut buyers = HashSet::new();
    for row in tx.query_in("SELECT payload_hash, buyer_key FROM orders WHERE id IN ({ids})", &ids, &[])? {
        payloads.push(row.text(0)?.into());
        if !row.str(1)?.is_empty() {
            buyers.insert(Value::from(row.text(1)?));
        }
    }
    let listings: Vec<Value> = tx
        .query_in("SELECT DISTINCT listing_id FROM order_lines WHERE order_id IN ({ids})", &ids, &[])?
        .iter()
        .map(|row| row.int(0).map(Value::from))
        .collect::<Result<_, _>>()?;
    for table in ["order_search", "order_tags", "findings", "holds", "cancellations", "timeline", "order_lines"] {
        tx.execute_in(&format!("DELETE FROM {table} WHERE order_id IN ({{ids}})"), &ids, &[])?;
    }
    tx.execute_in("DELETE FROM orders WHERE id IN ({ids})", &ids, &[])?;
    tx.execute_in(
        "DELETE FROM listings WHERE sku_id IS NULL AND bundle_id IS NULL AND id IN ({ids}) AND NOT EXISTS (SELECT 1 FROM order_lines l WHERE l.listing_id = listings.id)",
        &listings,
        &[],
    )?;
    // A buyer's first paid order may have gone: what is left says anew who came back.
    let buyers: Vec<Value> = buyers.into_iter().collect();
    let paid = "SELECT 1 FROM orders o WHERE o.buyer_key = buyers.buyer_key AND o.payment <> 'unpaid'";
    tx.execute_in(&format!("DELETE FROM buyers WHERE buyer_key IN ({{ids}}) AND NOT EXISTS ({paid})"), &buyers, &[])?;
    tx.execute_in(
        "UPDATE buyers SET first_paid_at = (SELECT MIN(o.placed_at) FROM orders o WHERE o.buyer_key = buyers.buyer_key AND o.payment <> 'unpaid') WHERE buyer_key IN ({ids})",
        &buyers,
        &[],
    )?;
    tx.execute_in(
        "UPDATE orders SET buyer_returning = 0 WHERE buyer_returning = 1 AND buyer_key IN ({ids}) \
         AND NOT EXISTS (SELECT 1 FROM buyers b WHERE b.buyer_key = orders.buyer_key AND b.first_paid_at < orders.placed_at)",
        &buyers,
        &[],
    )?;
    erase_blobs(tx, &payloads)
}

/// Erases bytes that nothing names any more.
pub fn erase_blobs(tx: &mut Tx<'_>, hashes: &[Value]) -> Result<(), StoreError> {
    tx.execute_in(
        "DELETE FROM blobs WHERE hash IN ({ids}) AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.payload_hash = blobs.hash) \
         AND NOT EXISTS (SELECT 1 FROM import_files f WHERE f.blob_hash = blobs.hash) \
         AND NOT EXISTS (SELECT 1 FROM import_orders i WHERE i.version_before = blobs.hash) \
         AND NOT EXISTS (SELECT 1 FROM parked p WHERE p.payload_hash = blobs.hash)",
        hashes,
        &[],
    )
    .map(drop)
}

/// Forgets what an import did, after its orders are gone.
pub fn forget(tx: &mut Tx<'_>, id: ImportBatchId) -> Result<(), StoreError> {
    let versions: Vec<Value> = tx
        .query("SELECT DISTINCT version_before FROM import_orders WHERE import_batch_id = $1 AND version_before <> ''", &[id.into()])?
        .iter()
        .map(|row| row.text(0).map(Value::from))
        .collect::<Result<_, _>>()?;
    tx.execute("DELETE FROM import_orders WHERE import_batch_id = $1", &[id.into()])?;
    erase_blobs(tx, &versions)
}

/// Sums of a shop's orders over a span of placing times, of one country and currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SumRow {
    /// Country as stored.
    pub country: String,
    /// Currency.
    pub currency: Currency,
    /// Orders that are not cancelled.
    pub orders: i64,
    /// Orders that the channel cancelled, credit notes included.
    pub cancellations: i64,
    /// Lines of all.
    pub lines: i64,
    /// Units that are not cancelled.
    pub units: i64,
    /// Units that are.
    pub cancelled_units: i64,
    /// Lines' totals.
    pub goods_minor: i64,
    /// Postage.
    pub shipping_minor: i64,
    /// Tax.
    pub tax_minor: i64,
    /// Discounts.
    pub discount_minor: i64,
    /// Totals of all orders.
    pub total_minor: i64,
    /// Of that, cancelled ones.
    pub cancelled_minor: i64,
}

/// What a shop's orders come to, straight from the orders and their lines: what a balance is compared with.
pub fn sums(tx: &mut Tx<'_>, shop: ShopId, from: Timestamp, to: Timestamp) -> Result<Vec<SumRow>, StoreError> {
    let params = [shop.into(), from.into(), to.into()];
    let mut rows: Vec<SumRow> = Vec::new();
    for row in tx.query(
        "SELECT country, currency, CAST(SUM(CASE WHEN progress = 'cancelled' THEN 0 ELSE 1 END) AS BIGINT), \
         CAST(SUM(CASE WHEN progress = 'cancelled' THEN 1 ELSE 0 END) AS BIGINT), CAST(SUM(shipping_minor) AS BIGINT), CAST(SUM(tax_minor) AS BIGINT), \
         CAST(SUM(discount_minor) AS BIGINT), CAST(SUM(total_minor) AS BIGINT), \
         CAST(SUM(CASE WHEN progress = 'cancelled' THEN total_minor ELSE 0 END) AS BIGINT) \
         FROM orders WHERE shop_id = $1 AND placed_at >= $2 AND placed_at < $3 GROUP BY country, currency ORDER BY country, currency",
        &params,
    )? {
        rows.push(SumRow {
            country: row.text(0)?,
            currency: Currency::new(row.str(1)?).map_err(|_| row.inconsistent(1))?,
            orders: row.int(2)?,
            cancellations: row.int(3)?,
            lines: 0,
            units: 0,
            cancelled_units: 0,
            goods_minor: 0,
            shipping_minor: row.int(4)?,
            tax_minor: row.int(5)?,
            discount_minor: row.int(6)?,
            total_minor: row.int(7)?,
            cancelled_minor: row.int(8)?,
        });
    }
    for row in tx.query(
        "SELECT o.country, o.currency, COUNT(*), CAST(SUM(l.ordered - l.cancelled) AS BIGINT), CAST(SUM(l.cancelled) AS BIGINT), CAST(SUM(l.total_minor) AS BIGINT) \
         FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.shop_id = $1 AND o.placed_at >= $2 AND o.placed_at < $3 GROUP BY o.country, o.currency",
        &params,
    )? {
        let (country, currency) = (row.text(0)?, row.text(1)?);
        if let Some(sums) = rows.iter_mut().find(|r| r.country == country && r.currency.code() == currency) {
            (sums.lines, sums.units, sums.cancelled_units, sums.goods_minor) = (row.int(2)?, row.int(3)?, row.int(4)?, row.int(5)?);
        }
    }
    Ok(rows)
}

/// The first and the last placing time of a shop's orders.
pub fn placed_span(tx: &mut Tx<'_>, shop: ShopId) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
    let row = tx.query_opt("SELECT MIN(placed_at), MAX(placed_at) FROM orders WHERE shop_id = $1", &[shop.into()])?;
    match row {
        Some(row) => Ok(row.opt_time(0)?.zip(row.opt_time(1)?)),
        None => Ok(None),
    }
}

/// Ids of orders that an import made or changed, as many as wanted, spread evenly over all of them from a start.
pub fn sample(tx: &mut Tx<'_>, id: ImportBatchId, wanted: i64, start: i64) -> Result<Vec<OrderId>, StoreError> {
    let (created, amended) = tally(tx, id)?;
    let total = created + amended;
    let mut ids = Vec::new();
    let step = (total / wanted.max(1)).max(1);
    for n in 0..wanted.min(total) {
        let offset = (start.rem_euclid(step) + n * step) % total;
        let row = tx.query_opt(
            "SELECT order_id FROM import_orders WHERE import_batch_id = $1 ORDER BY order_id LIMIT 1 OFFSET $2",
            &[id.into(), offset.into()],
        )?;
        if let Some(row) = row {
            ids.push(row.id(0)?);
        }
    }
    Ok(ids)
}

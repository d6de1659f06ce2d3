//! The database with many orders, made once and kept for the next run; one that another schema or another version of the
//! orders made is thrown away.

use crate::house::{House, SHOPS, app_on, open, wait_for_log};
use crate::instant;
use crate::orders::{VERSION, first_placed, order};
use crate::report::{number, rate};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Runtime;
use wharf_domain::access::Scope;
use wharf_domain::id::ShopId;
use wharf_domain::time::Timestamp;
use wharf_flows::app::App;
use wharf_store::shops;

/// Orders of a page while it is filled.
const PAGE: usize = 1_000;
/// Orders that ingest stores; the others are copies of them.
const SEED: usize = 25_000;
/// A hash has 64 characters, and a copy turns it by one more than the one before.
const MOST_COPIES: usize = 64;
/// Tables with rows of orders.
const COPIED: [&str; 9] = ["blobs", "buyers", "orders", "order_lines", "order_tags", "order_search", "findings", "holds", "timeline"];

/// Many orders, and what is known of them.
pub struct Stock {
    /// Flows run on it.
    pub app: Arc<App>,
    /// Its shops.
    pub shops: Vec<ShopId>,
    /// The database file.
    pub file: PathBuf,
    /// When its first order was placed.
    pub first: Timestamp,
    told: String,
}

impl Stock {
    /// The one of an earlier run, or a new one.
    pub fn open(runtime: &Runtime, folder: &Path, count: usize) -> anyhow::Result<Stock> {
        let home = folder.join(format!("orders-{count}"));
        let mark = home.join("made-by.txt");
        let wanted = made_by(folder)?;
        let known =
            std::fs::read_to_string(&mark).ok().and_then(|text| Some((text.lines().next()?.to_owned(), text.lines().nth(1)?.to_owned())));
        let told = match known {
            Some((made, told)) if made == wanted => told,
            _ => {
                let told = fill(runtime, &home, count)?;
                std::fs::write(&mark, format!("{wanted}\n{told}\n")).with_context(|| format!("cannot write {}", mark.display()))?;
                told
            }
        };
        let (store, file) = open(&home)?;
        let app = app_on(store);
        let shops = runtime.block_on(app.store.read(|tx| shops::list(tx, &Scope::ALL)))?;
        let shops: Vec<ShopId> = shops.into_iter().map(|shop| shop.id).collect();
        anyhow::ensure!(shops.len() == SHOPS, "the kept database has {} shops", shops.len());
        let first = crate::bare::open(&file)?.query_row("SELECT MIN(placed_at) FROM orders", [], |row| row.get(0))?;
        Ok(Stock { app, shops, file, first: Timestamp(first), told })
    }

    /// How it was made.
    pub fn told(&self) -> String {
        self.told.clone()
    }

    /// Closes it; the file stays.
    pub fn close(self) {
        let Stock { app, file, .. } = self;
        drop(app);
        wait_for_log(&file);
    }
}

/// What a kept database must have been made by.
fn made_by(folder: &Path) -> anyhow::Result<String> {
    let empty = House::fresh(&folder.join("schema"))?;
    let schema: String = crate::bare::open(&empty.file)?.query_row(
        "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name)",
        [],
        |row| row.get(0),
    )?;
    empty.close()?;
    // FNV-1a: it must only be the same for the same text.
    let hash = schema.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    Ok(format!("orders {VERSION}, schema {hash:016x}"))
}

/// The first `SEED` orders go in by ingest, as all orders do. The rest are copies of them by SQL, each with ids, numbers and
/// hashes of its own, so that a database of a million is there in minutes; counters are multiplied with them.
fn fill(runtime: &Runtime, home: &Path, count: usize) -> anyhow::Result<String> {
    let copies = count.div_ceil(SEED).max(4);
    let seed = count / copies;
    anyhow::ensure!(copies < MOST_COPIES && seed * copies == count, "{count} orders cannot be made of {copies} equal parts");
    let house = House::fresh(home)?;
    let first = first_placed(house.app.now());
    let began = instant();
    // Every shop gets some of every ten days: the filters of lists find orders in each.
    let size = PAGE.min(seed.div_ceil(SHOPS * 9));
    for (page, from) in (0..seed).step_by(size).enumerate() {
        let orders = (from..seed.min(from + size)).map(|n| order(n, seed, first)).collect();
        house.ingest(runtime, page, orders)?;
    }
    let ingested = began.elapsed();
    let file = house.file.clone();
    drop(house);
    wait_for_log(&file);
    multiply(&file, copies, seed)?;
    let size = std::fs::metadata(&file)?.len();
    Ok(format!(
        "lists and counts: {} orders, {} of them stored by `ingest` ({} orders/s), the others copies of them by SQL with ids and hashes of their own; the \
         file has {:.1} GB, {} bytes an order",
        number(count as f64),
        number(seed as f64),
        number(rate(seed, ingested)),
        size as f64 / 1e9,
        number(size as f64 / count as f64),
    ))
}

/// Adds copies of everything that orders brought. A copy's ids are further by `k` steps that no two ids are apart; its
/// hashes are turned by `k` characters: equal ones stay equal within a copy, and different from all others.
fn multiply(file: &Path, copies: usize, seed: usize) -> anyhow::Result<()> {
    const STEP: i64 = 1 << 42;
    let db = rusqlite::Connection::open(file)?;
    db.execute_batch(
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-524288; PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=OFF; \
         CREATE TEMP TABLE copies (k INTEGER PRIMARY KEY)",
    )?;
    for k in 1..copies {
        db.execute("INSERT INTO copies VALUES (?1)", [k as i64])?;
    }
    let last: i64 = db.query_row("SELECT MAX(id) FROM timeline", [], |row| row.get(0))?;
    let span: i64 =
        db.query_row("SELECT MAX(id) - MIN(id) FROM (SELECT id FROM orders UNION ALL SELECT id FROM timeline)", [], |row| row.get(0))?;
    anyhow::ensure!(span < STEP, "ids of the first orders are too far apart to be moved");
    let indexes: Vec<(String, String)> = db
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN (SELECT value FROM json_each(?1))")?
        .query_map([serde_json::to_string(&COPIED)?], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (name, _) in &indexes {
        db.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    let turned = |column: &str| format!("CASE {column} WHEN '' THEN '' ELSE substr({column}, k + 1) || substr({column}, 1, k) END");
    for table in COPIED {
        let columns: Vec<String> = db.prepare(&format!("SELECT * FROM {table}"))?.column_names().map(str::to_owned).collect();
        let copied: Vec<String> = columns
            .iter()
            .map(|column| match column.as_str() {
                "id" | "order_id" => format!("t.{column} + k * {STEP}"),
                "external_id" if table == "orders" => format!("CAST(CAST(t.external_id AS INTEGER) + k * {seed} AS TEXT)"),
                "hash" | "payload_hash" | "buyer_key" | "recipient_print" | "channel_print" | "content_print" => {
                    turned(&format!("t.{column}"))
                }
                _ => format!("t.{column}"),
            })
            .collect();
        // In the order of their keys, so that each tree grows at its end: sorted where keys are hashes, copy by copy where they
        // are ids. Payloads are large: only their names are sorted.
        let list = copied.join(", ");
        match table {
            "blobs" => db.execute(
                &format!(
                    "INSERT INTO blobs SELECT s.hash, t.media_type, t.sealed, t.bytes, t.created_at, t.expires_at FROM \
                     (SELECT {} AS hash, t.rowid AS source FROM blobs t, copies ORDER BY 1) s JOIN blobs t ON t.rowid = s.source",
                    turned("t.hash")
                ),
                [],
            )?,
            "buyers" | "order_search" => {
                let key = if table == "buyers" { "1" } else { "1, 2, 3" };
                db.execute(&format!("INSERT INTO {table} SELECT {list} FROM {table} t, copies ORDER BY {key}"), [])?
            }
            _ => {
                let key = if columns.iter().any(|column| column == "id") { "id" } else { "order_id" };
                let sql = format!("INSERT INTO {table} SELECT {list} FROM copies CROSS JOIN {table} t WHERE k = ?1 AND t.{key} <= ?2");
                (1..copies).map(|k| db.execute(&sql, [k as i64, last])).sum::<Result<usize, _>>()?
            }
        };
        eprintln!("copied {table}");
    }
    for (_, sql) in &indexes {
        db.execute_batch(sql)?;
    }
    db.execute_batch(&format!(
        "UPDATE phase_counts SET n = n * {copies}; UPDATE hold_counts SET n = n * {copies}; \
         UPDATE day_rollups SET orders = orders * {copies}, units = units * {copies}, paid_orders = paid_orders * {copies}, \
         sales_minor = sales_minor * {copies}, cancelled_orders = cancelled_orders * {copies}, shipped_orders = shipped_orders * {copies}; \
         UPDATE hour_rollups SET orders = orders * {copies}, sales_minor = sales_minor * {copies}; PRAGMA journal_mode=WAL"
    ))?;
    Ok(())
}

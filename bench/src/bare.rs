//! The bare limit: one thread, prepared statements, the very rows that the product left behind, the same schema with the
//! same indexes, the same settings of SQLite, and nothing else: no checks, no keys to seal with, no reading.

use crate::{house, instant};
use anyhow::Context;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

/// Tables with rows of one order, and the column that says which. Parents first.
const OF_ORDER: [(&str, &str); 6] = [
    ("order_lines", "order_id"),
    ("order_tags", "order_id"),
    ("order_search", "order_id"),
    ("findings", "order_id"),
    ("holds", "order_id"),
    ("timeline", "order_id"),
];
/// What the house had before the first order, and what both sides find there.
const FURNITURE: [&str; 5] = ["skus", "sku_barcodes", "roles", "shops", "listings"];
/// Counters and rollups: table, key columns, and how a row is added to one that is there.
const COUNTERS: [(&str, &str, &str); 4] = [
    ("phase_counts", "shop_id, phase", "n = n + excluded.n"),
    ("hold_counts", "shop_id, reason", "n = n + excluded.n"),
    (
        "day_rollups",
        "shop_id, day, currency",
        "orders = orders + excluded.orders, units = units + excluded.units, paid_orders = paid_orders + excluded.paid_orders, \
         sales_minor = sales_minor + excluded.sales_minor, cancelled_orders = cancelled_orders + excluded.cancelled_orders, \
         shipped_orders = shipped_orders + excluded.shipped_orders",
    ),
    ("hour_rollups", "shop_id, hour", "orders = orders + excluded.orders, sales_minor = sales_minor + excluded.sales_minor"),
];

/// Opens a database file with the settings of the product.
pub fn open(file: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(wharf_store::dialect::PRAGMAS)?;
    Ok(connection)
}

type Row = Vec<Value>;
type Sums = BTreeMap<(usize, Vec<String>), Vec<i64>>;

/// The rows of one order: (statement, values), and what it adds to counters.
struct Order {
    rows: Vec<(usize, Row)>,
    sums: Sums,
}

/// What the product left behind, ready to be written again.
pub struct Recording {
    tables: Vec<(String, usize)>,
    orders: Vec<Order>,
    jobs: Vec<Row>,
    /// Rows by table, as they are in the product's database.
    pub counts: BTreeMap<String, i64>,
}

impl Recording {
    /// Reads a database that the product filled with orders.
    pub fn read(file: &Path) -> anyhow::Result<Recording> {
        let db = open(file)?;
        let mut names: Vec<&str> = vec!["blobs", "orders", "buyers"];
        names.extend(OF_ORDER.iter().map(|(table, _)| *table));
        names.push("jobs");
        let mut tables = Vec::new();
        let mut by_name: HashMap<&str, (Vec<String>, Vec<Row>)> = HashMap::new();
        for name in names {
            let (columns, rows) = rows(&db, name)?;
            tables.push((name.to_owned(), columns.len()));
            by_name.insert(name, (columns, rows));
        }
        let at = |name: &str| tables.iter().position(|(table, _)| table == name).context("a table of the list");
        let mut take = |name: &str| by_name.remove(name).context("a table of the list");

        let (columns, mut order_rows) = take("orders")?;
        let column = |columns: &[String], name: &str| columns.iter().position(|c| c == name).with_context(|| format!("no column {name}"));
        let id = column(&columns, "id")?;
        order_rows.sort_by_key(|row| int(&row[id]));
        let index: HashMap<i64, usize> = order_rows.iter().enumerate().map(|(n, row)| (int(&row[id]), n)).collect();

        let (blob_columns, blobs) = take("blobs")?;
        let hash = column(&blob_columns, "hash")?;
        let mut blobs: HashMap<String, Row> = blobs.into_iter().map(|row| (text(&row[hash]), row)).collect();
        let (buyer_columns, buyers) = take("buyers")?;
        let key = column(&buyer_columns, "buyer_key")?;
        let mut buyers: HashMap<String, Row> = buyers.into_iter().map(|row| (text(&row[key]), row)).collect();
        let (payload, buyer) = (column(&columns, "payload_hash")?, column(&columns, "buyer_key")?);
        let (shop, counted) = (column(&columns, "shop_id")?, column(&columns, "counted")?);

        let mut orders = Vec::with_capacity(order_rows.len());
        for row in order_rows {
            let mut rows = Vec::new();
            if let Some(blob) = blobs.remove(&text(&row[payload])) {
                rows.push((at("blobs")?, blob));
            }
            if let Some(first) = buyers.remove(&text(&row[buyer])) {
                rows.push((at("buyers")?, first));
            }
            let sums = sums(int(&row[shop]), &text(&row[counted]))?;
            rows.push((at("orders")?, row));
            orders.push(Order { rows, sums });
        }
        for (table, key) in OF_ORDER {
            let (columns, rows) = take(table)?;
            let key = column(&columns, key)?;
            for row in rows {
                let n = *index.get(&int(&row[key])).with_context(|| format!("a row of {table} without its order"))?;
                orders[n].rows.push((at(table)?, row));
            }
        }
        let (_, jobs) = take("jobs")?;
        let counts = counts(&db)?;
        Ok(Recording { tables, orders, jobs, counts })
    }

    /// Rows of all tables that an order brings, counters left out, by order.
    pub fn rows_per_order(&self) -> f64 {
        (self.orders.iter().map(|order| order.rows.len()).sum::<usize>() + self.jobs.len()) as f64 / self.orders.len().max(1) as f64
    }

    /// Writes it all into a fresh database, `page` orders a transaction. Answers the whole time and that of each transaction.
    /// Fails unless the same rows are there afterwards as in the product's database.
    pub fn write(&self, from: &Path, folder: &Path, page: usize) -> anyhow::Result<(Duration, Vec<Duration>)> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        let (store, file) = house::open(folder)?;
        drop(store);
        house::wait_for_log(&file);
        let db = open(&file)?;
        furnish(&db, from)?;
        let sqls: Vec<String> = self.tables.iter().map(|(name, width)| insert(name, *width)).collect();
        let mut statements = sqls.iter().map(|sql| db.prepare(sql)).collect::<Result<Vec<_>, _>>()?;
        let widths = [3, 3, 9, 4];
        let sqls: Vec<String> = COUNTERS
            .iter()
            .zip(widths)
            .map(|((t, key, add), width)| format!("{} ON CONFLICT ({key}) DO UPDATE SET {add}", insert(t, width)))
            .collect();
        let mut counters = sqls.iter().map(|sql| db.prepare(sql)).collect::<Result<Vec<_>, _>>()?;
        let jobs = statements.len() - 1;
        let pages = self.orders.len().div_ceil(page);
        // What a page adds to counters is known before the clock runs.
        let added: Vec<Vec<(usize, Row)>> = self.orders.chunks(page).map(counter_rows).collect();
        let mut times = Vec::with_capacity(pages);
        let began = instant();
        for (n, chunk) in self.orders.chunks(page).enumerate() {
            let begun = instant();
            db.execute_batch("BEGIN IMMEDIATE")?;
            for (statement, row) in chunk.iter().flat_map(|order| &order.rows) {
                statements[*statement].execute(params_from_iter(row))?;
            }
            for row in &self.jobs[self.jobs.len() * n / pages..self.jobs.len() * (n + 1) / pages] {
                statements[jobs].execute(params_from_iter(row))?;
            }
            for (table, row) in &added[n] {
                counters[*table].execute(params_from_iter(row))?;
            }
            db.execute_batch("COMMIT")?;
            times.push(begun.elapsed());
        }
        let whole = began.elapsed();
        drop((statements, counters));
        same(&db, from, self.counts.keys())?;
        drop(db);
        std::fs::remove_dir_all(folder)?;
        Ok((whole, times))
    }
}

/// What an order adds to counters: its text on the order is `phase|day|hour|currency|units|paid|sales|shipped|holds`.
fn sums(shop: i64, counted: &str) -> anyhow::Result<Sums> {
    let parts: Vec<&str> = counted.split('|').collect();
    let [phase, day, hour, currency, units, paid, sales, shipped, holds] = parts[..] else {
        anyhow::bail!("an order that is not counted: {counted:?}");
    };
    let shop = shop.to_string();
    let key = |rest: &[&str]| std::iter::once(shop.clone()).chain(rest.iter().map(|part| (*part).to_owned())).collect::<Vec<_>>();
    let (units, paid, sales, shipped): (i64, i64, i64, i64) = (units.parse()?, paid.parse()?, sales.parse()?, shipped.parse()?);
    let mut sums = Sums::new();
    sums.insert((0, key(&[phase])), vec![1]);
    for hold in holds.split(',').filter(|hold| !hold.is_empty()) {
        sums.insert((1, key(&[hold])), vec![1]);
    }
    sums.insert((2, key(&[day, currency])), vec![1, units, paid, sales, i64::from(phase == "cancelled"), shipped]);
    sums.insert((3, key(&[hour])), vec![1, sales]);
    Ok(sums)
}

/// What orders add to counters together: (table, row).
fn counter_rows(orders: &[Order]) -> Vec<(usize, Row)> {
    let mut sums = Sums::new();
    for (key, more) in orders.iter().flat_map(|order| &order.sums) {
        let sum = sums.entry(key.clone()).or_insert_with(|| vec![0; more.len()]);
        sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    }
    let value = |part: String| part.parse().map_or_else(|_| Value::Text(part), Value::Integer);
    sums.into_iter()
        .map(|((table, key), sum)| (table, key.into_iter().map(value).chain(sum.into_iter().map(Value::Integer)).collect()))
        .collect()
}

fn insert(table: &str, width: usize) -> String {
    let places: Vec<String> = (1..=width).map(|n| format!("?{n}")).collect();
    format!("INSERT INTO {table} VALUES ({})", places.join(", "))
}

fn furnish(db: &Connection, from: &Path) -> anyhow::Result<()> {
    db.execute("ATTACH ?1 AS theirs", [from.display().to_string()])?;
    for table in FURNITURE {
        db.execute_batch(&format!("INSERT OR IGNORE INTO main.{table} SELECT * FROM theirs.{table}"))?;
    }
    db.execute_batch("DETACH theirs")?;
    Ok(())
}

/// An error unless both databases have the same tables and indexes, and the same rows in these tables, value by value.
fn same<'t>(db: &Connection, from: &Path, tables: impl Iterator<Item = &'t String>) -> anyhow::Result<()> {
    db.execute("ATTACH ?1 AS theirs", [from.display().to_string()])?;
    let differ = |what: &str, ours: &str, theirs: &str| -> anyhow::Result<()> {
        for (one, other) in [(ours, theirs), (theirs, ours)] {
            let count: i64 = db.query_row(&format!("SELECT COUNT(*) FROM ({one} EXCEPT {other})"), [], |row| row.get(0))?;
            anyhow::ensure!(count == 0, "{what}: {count} rows differ between the product and the bare loop");
        }
        Ok(())
    };
    let schema = |of: &str| format!("SELECT type, name, sql FROM {of}.sqlite_schema");
    differ("the schema", &schema("main"), &schema("theirs"))?;
    for table in tables {
        differ(table, &format!("SELECT * FROM main.{table}"), &format!("SELECT * FROM theirs.{table}"))?;
    }
    db.execute_batch("DETACH theirs")?;
    Ok(())
}

fn rows(db: &Connection, table: &str) -> anyhow::Result<(Vec<String>, Vec<Row>)> {
    let mut statement = db.prepare(&format!("SELECT * FROM {table}"))?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let width = columns.len();
    let rows = statement.query_map([], |row| (0..width).map(|n| row.get::<_, Value>(n)).collect::<Result<Row, _>>())?;
    Ok((columns, rows.collect::<Result<_, _>>()?))
}

/// Rows by table, of all that orders touch.
fn counts(db: &Connection) -> anyhow::Result<BTreeMap<String, i64>> {
    let names = ["blobs", "buyers", "orders", "jobs"].into_iter().chain(OF_ORDER.iter().map(|t| t.0)).chain(COUNTERS.iter().map(|t| t.0));
    names.map(|name| Ok((name.to_owned(), db.query_row(&format!("SELECT COUNT(*) FROM {name}"), [], |row| row.get(0))?))).collect()
}

fn int(value: &Value) -> i64 {
    match value {
        Value::Integer(number) => *number,
        _ => 0,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        _ => String::new(),
    }
}

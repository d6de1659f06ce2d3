//! The whole database as rows of JSON, table by table, and back: the same on both engines, so that a dump moves a
//! seller from one to the other. Sealed columns stay sealed; their key travels apart.

use crate::{Row, StoreError, Tx, Value};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// Every table that is dumped, in an order that respects references, with the columns of its key.
pub const TABLES: &[(&str, &[&str])] = &[
    ("settings", &["name"]),
    ("blobs", &["hash"]),
    ("roles", &["id"]),
    ("users", &["id"]),
    ("tokens", &["id"]),
    ("audit", &["id"]),
    ("shops", &["id"]),
    ("pulls", &["shop_id"]),
    ("completeness", &["shop_id", "hour"]),
    ("parked", &["id"]),
    ("warehouses", &["id"]),
    ("carrier_accounts", &["id"]),
    ("rate_cards", &["id"]),
    ("waybill_numbers", &["carrier_account_id", "number"]),
    ("skus", &["id"]),
    ("sku_barcodes", &["barcode"]),
    ("bundles", &["id"]),
    ("bundle_parts", &["bundle_id", "sku_id"]),
    ("listings", &["id"]),
    ("import_batches", &["id"]),
    ("import_files", &["import_batch_id", "position", "piece"]),
    ("import_orders", &["import_batch_id", "order_id"]),
    ("orders", &["id"]),
    ("order_lines", &["id"]),
    ("findings", &["id"]),
    ("holds", &["id"]),
    ("order_tags", &["order_id", "tag"]),
    ("buyers", &["buyer_key"]),
    ("order_search", &["kind", "hash", "order_id"]),
    ("blacklist", &["kind", "hash"]),
    ("timeline", &["id"]),
    ("stock_levels", &["warehouse_id", "sku_id", "condition"]),
    ("stock_movements", &["id"]),
    ("reservations", &["id"]),
    ("waves", &["id"]),
    ("fulfillments", &["id"]),
    ("fulfillment_lines", &["id"]),
    ("fulfillment_items", &["fulfillment_line_id", "sku_id"]),
    ("shipments", &["id"]),
    ("shipment_lines", &["shipment_id", "fulfillment_line_id"]),
    ("waybills", &["id"]),
    ("print_batches", &["id"]),
    ("prints", &["id"]),
    ("confirmations", &["id"]),
    ("cancellations", &["id"]),
    ("tracking_events", &["id"]),
    ("stations", &["name"]),
    ("operations", &["id"]),
    ("operation_results", &["operation_id", "target_id"]),
    ("operation_targets", &["operation_id", "position"]),
    ("saved_views", &["id"]),
    ("alerts", &["id"]),
    ("phase_counts", &["shop_id", "phase"]),
    ("hold_counts", &["shop_id", "reason"]),
    ("day_rollups", &["shop_id", "day", "currency"]),
    ("hour_rollups", &["shop_id", "hour"]),
    ("jobs", &["id"]),
];

/// Tables that belong to a running installation and not to its data: sign-ins, leases, pace, clocks of schedules.
pub const NOT_DUMPED: &[&str] = &["sessions", "nodes", "paces", "schedules", "idempotency", "migrations"];

/// A page of a table in key order, after the row whose key is `after`.
pub fn page(tx: &mut Tx<'_>, table: &str, after: Option<&[Value]>, limit: usize) -> Result<Vec<Map<String, Json>>, StoreError> {
    let keys = keys(table)?;
    let list = keys.join(", ");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = match after {
        None => tx.query(&format!("SELECT * FROM {table} ORDER BY {list} LIMIT $1"), &[limit.into()])?,
        Some(after) => {
            let marks: Vec<String> = (1..=keys.len()).map(|n| format!("${n}")).collect();
            let mut params = after.to_vec();
            params.push(limit.into());
            tx.query(
                &format!("SELECT * FROM {table} WHERE ({list}) > ({}) ORDER BY {list} LIMIT ${}", marks.join(", "), params.len()),
                &params,
            )?
        }
    };
    rows.iter().map(to_json).collect()
}

/// The key of a dumped row: where the next page starts.
pub fn key_of(table: &str, row: &Map<String, Json>) -> Result<Vec<Value>, StoreError> {
    keys(table)?.iter().map(|column| from_json(row.get(*column).unwrap_or(&Json::Null), table, column)).collect()
}

/// Writes dumped rows into an empty table. Unknown columns are an error: a dump of a newer program is not understood.
pub fn load(tx: &mut Tx<'_>, table: &str, rows: &[Map<String, Json>]) -> Result<u64, StoreError> {
    keys(table)?;
    // Rows of one table have the same columns, but an older dump may lack some: group by what is there.
    let mut groups: BTreeMap<Vec<String>, Vec<Vec<Value>>> = BTreeMap::new();
    for row in rows {
        let columns: Vec<String> = row.keys().cloned().collect();
        if let Some(bad) = columns.iter().find(|c| !c.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')) {
            return Err(StoreError::Database(format!("{bad:?} is no column")));
        }
        let values = columns.iter().map(|c| from_json(&row[c], table, c)).collect::<Result<Vec<_>, _>>()?;
        groups.entry(columns).or_default().push(values);
    }
    let mut written = 0;
    for (columns, values) in groups {
        written += tx.insert_many(&format!("INSERT INTO {table} ({})", columns.join(", ")), &values, "")?;
    }
    Ok(written)
}

/// Empties a table that a fresh database fills by itself, before a dump is loaded.
pub fn clear(tx: &mut Tx<'_>, table: &str) -> Result<u64, StoreError> {
    keys(table)?;
    tx.execute(&format!("DELETE FROM {table}"), &[])
}

/// How many rows a table has. For manifests, not for screens.
pub fn count(tx: &mut Tx<'_>, table: &str) -> Result<i64, StoreError> {
    keys(table)?;
    tx.query_opt(&format!("SELECT COUNT(*) FROM {table}"), &[])?.map_or(Ok(0), |row| row.int(0))
}

fn keys(table: &str) -> Result<&'static [&'static str], StoreError> {
    TABLES
        .iter()
        .find(|(name, _)| *name == table)
        .map(|(_, keys)| *keys)
        .ok_or_else(|| StoreError::Database(format!("{table:?} is no table of a dump")))
}

/// 64-bit numbers are JSON numbers (exact in this format's readers), bytes are `{"hex": "…"}`.
fn to_json(row: &Row) -> Result<Map<String, Json>, StoreError> {
    row.columns()
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let value = match row.value(index)? {
                Value::Null | Value::Absent(_) => Json::Null,
                Value::Int(number) => Json::from(*number),
                Value::Text(text) => Json::from(text.as_str()),
                Value::Blob(bytes) => serde_json::json!({ "hex": hex::encode(bytes) }),
            };
            Ok((name.clone(), value))
        })
        .collect()
}

fn from_json(value: &Json, table: &str, column: &str) -> Result<Value, StoreError> {
    let bad = || StoreError::Database(format!("{table}.{column}: a dump holds no such value"));
    match value {
        Json::Null => Ok(Value::Null),
        Json::Number(number) => number.as_i64().map(Value::Int).ok_or_else(bad),
        Json::String(text) => Ok(Value::Text(text.clone())),
        Json::Object(object) => {
            let text = object.get("hex").and_then(Json::as_str).ok_or_else(bad)?;
            hex::decode(text).map(Value::Blob).map_err(|_| bad())
        }
        Json::Bool(_) | Json::Array(_) => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::both_engines;

    #[test]
    fn every_table_is_dumped_or_named_as_not() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let files = std::fs::read_dir(folder).expect("the migrations").map(|file| std::fs::read_to_string(file.expect("a file").path()));
        let sql: String = files.map(|text| text.expect("SQL")).collect();
        for line in sql.lines().filter_map(|l| l.strip_prefix("CREATE TABLE ")) {
            let table = line.split_whitespace().next().expect("name");
            let listed = TABLES.iter().any(|(name, _)| *name == table);
            assert!(listed != NOT_DUMPED.contains(&table), "{table} must be in exactly one of the two lists");
        }
    }

    #[test]
    fn a_page_goes_on_after_its_last_key_and_loads_again() {
        both_engines(|store| async move {
            let out: Result<(), StoreError> = store
                .write(|tx| {
                    for n in 0..5 {
                        tx.execute(
                            "INSERT INTO blobs (hash, media_type, sealed, bytes, created_at) VALUES ($1, 'text/plain', 0, $2, 7)",
                            &[format!("h{n}").into(), vec![0u8, 255, n].into()],
                        )?;
                    }
                    let first = page(tx, "blobs", None, 3)?;
                    assert_eq!(first.len(), 3);
                    let rest = page(tx, "blobs", Some(&key_of("blobs", &first[2])?), 3)?;
                    assert_eq!(rest.len(), 2);
                    tx.execute("DELETE FROM blobs", &[])?;
                    assert_eq!(load(tx, "blobs", &[first, rest].concat())?, 5);
                    assert_eq!(count(tx, "blobs")?, 5);
                    let row = tx.query_opt("SELECT bytes FROM blobs WHERE hash = 'h3'", &[])?.expect("row");
                    assert_eq!(row.blob(0)?, vec![0, 255, 3]);
                    assert!(load(tx, "no_such_table", &[]).is_err());
                    Ok(())
                })
                .await;
            out.expect("dump and load");
        });
    }
}

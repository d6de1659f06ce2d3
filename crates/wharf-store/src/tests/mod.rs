//! Tests of the engine, each on SQLite in memory, on SQLite in a file, and on PostgreSQL.

mod crash;
mod houses;
mod queue;
mod records;
mod unit_of_work;

use crate::{Row, StoreError, Tx};

/// A unit of work that ends in the store's own error.
pub(crate) type Done<T = ()> = Result<T, StoreError>;

/// The first column of all rows, as integers.
pub(crate) fn ints(rows: &[Row]) -> Vec<i64> {
    rows.iter().map(|row| row.int(0).expect("an integer")).collect()
}

/// Writes a marker row.
pub(crate) fn mark(tx: &mut Tx<'_>, name: &str) -> Done {
    tx.execute("INSERT INTO settings (name, value) VALUES ($1, '1')", &[name.into()]).map(|_| ())
}

/// The marker rows there are.
pub(crate) fn marks(tx: &mut Tx<'_>) -> Done<Vec<String>> {
    tx.query("SELECT name FROM settings WHERE name <> 'seal.check' ORDER BY name", &[])?.iter().map(|row| row.text(0)).collect()
}

//! SQLite: one writer thread that drains a queue and commits several units of work together, and readers in place.
//!
//! Each unit runs in its own savepoint, so a failing one undoes only itself; everybody is answered after the one COMMIT.
//! A database in memory has the writer's connection alone: reads queue there too.

use crate::dialect::{self, ConstraintNames, Texts};
use crate::error::StoreError;
use crate::row::{Row, Shape, table_of};
use crate::unit::{Queue, Ran, Unit};
use crate::value::Value;
use crate::{House, StoreOptions};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use std::borrow::Borrow;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most units of work in one commit. More would make the first one wait without saving much of the fsync.
const MOST_UNITS: usize = 256;
/// Rows after which a commit does not grow any more.
const MOST_ROWS: u64 = 20_000;
/// Prepared statements kept per connection.
const STATEMENTS: usize = 512;

/// Where a SQLite database lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Memory,
    File(PathBuf),
}

/// A SQLite connection and what it knows about its schema.
pub(crate) struct Connection {
    raw: rusqlite::Connection,
    names: Arc<ConstraintNames>,
    pub(crate) texts: RefCell<Texts>,
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null | Value::Absent(_) => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Connection {
    fn open(place: &Place, names: Arc<ConstraintNames>) -> Result<Self, StoreError> {
        let raw = match place {
            Place::Memory => rusqlite::Connection::open_in_memory(),
            Place::File(path) => rusqlite::Connection::open(path),
        }
        .map_err(|error| translate(&error, &names, ""))?;
        raw.set_prepared_statement_cache_capacity(STATEMENTS);
        raw.execute_batch(dialect::PRAGMAS).map_err(|error| translate(&error, &names, ""))?;
        Ok(Connection { raw, names, texts: RefCell::default() })
    }

    /// Several statements without parameters.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.raw.execute_batch(sql).map_err(|error| translate(&error, &self.names, sql))
    }

    /// One statement without parameters or answer, prepared once.
    pub(crate) fn plain(&self, sql: &str) -> Result<(), StoreError> {
        let mut statement = self.raw.prepare_cached(sql).map_err(|error| translate(&error, &self.names, sql))?;
        statement.raw_execute().map(|_| ()).map_err(|error| translate(&error, &self.names, sql))
    }

    /// Runs one statement, its parameters written `?1`, `?2`, …
    pub(crate) fn run<V: Borrow<Value>>(&self, sql: &str, params: &[V], want_rows: bool) -> Result<(u64, Vec<Row>), StoreError> {
        self.try_run(sql, params, want_rows).map_err(|error| translate(&error, &self.names, sql))
    }

    fn try_run<V: Borrow<Value>>(&self, sql: &str, params: &[V], want_rows: bool) -> rusqlite::Result<(u64, Vec<Row>)> {
        let mut statement = self.raw.prepare_cached(sql)?;
        if statement.parameter_count() != params.len() {
            return Err(rusqlite::Error::InvalidParameterCount(params.len(), statement.parameter_count()));
        }
        for (index, value) in params.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, value.borrow())?;
        }
        if !want_rows {
            let changed = statement.raw_execute()?;
            return Ok((changed as u64, Vec::new()));
        }
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let width = columns.len();
        let reads = statement.readonly();
        let shape = Arc::new(Shape { table: table_of(sql), columns });
        let mut answer = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            let mut values = Vec::with_capacity(width);
            for column in 0..width {
                values.push(match row.get_ref(column)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => Value::Int(number),
                    ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                    ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
                    ValueRef::Real(_) => {
                        return Err(rusqlite::Error::InvalidColumnType(column, "REAL".to_owned(), rusqlite::types::Type::Real));
                    }
                });
            }
            answer.push(Row { shape: Arc::clone(&shape), values });
        }
        let changed = if reads { 0 } else { answer.len() as u64 };
        Ok((changed, answer))
    }

    /// False when SQLite has undone the whole transaction by itself (full disk, failing device).
    fn in_transaction(&self) -> bool {
        !self.raw.is_autocommit()
    }
}

/// What an error of SQLite means to a caller. The message names tables and columns, never values.
fn translate(error: &rusqlite::Error, names: &ConstraintNames, sql: &str) -> StoreError {
    use rusqlite::ErrorCode;
    let rusqlite::Error::SqliteFailure(failure, message) = error else {
        return StoreError::Database(error.to_string());
    };
    let message = message.clone().unwrap_or_default();
    match failure.code {
        ErrorCode::ConstraintViolation => StoreError::Conflict { constraint: names.name(&message, &table_of(sql)) },
        ErrorCode::DiskFull => StoreError::Full,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy,
        ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt | ErrorCode::ReadOnly => {
            tracing::error!(%error, "SQLite is unavailable");
            StoreError::Unavailable
        }
        _ => StoreError::Database(format!("{error} ({message})")),
    }
}

/// Opens the database, brings its tables up to date, and starts the writer and the readers. They end with the queues.
pub(crate) fn start(place: &Place, options: &StoreOptions, house: &Arc<House>) -> Result<(Queue, Queue), StoreError> {
    if let Place::File(path) = place
        && let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
        && !folder.is_dir()
    {
        return Err(StoreError::Database(format!("the folder {} does not exist", folder.display())));
    }
    let writer = Connection::open(place, Arc::default())?;
    crate::migrate::run(&mut crate::migrate::Target::Sqlite(&writer), options.clock.now())?;
    let names = Arc::new(ConstraintNames::read(&writer.raw).map_err(|error| translate(&error, &writer.names, ""))?);
    let writer = Connection { names: Arc::clone(&names), ..writer };
    let (writes, queued) = Queue::new(options.queue);
    spawn("wharf-writer", Arc::clone(house), move |house| {
        while let Some(first) = queued.next() {
            commit_group(&writer, house, first, &queued);
        }
    })?;
    if *place == Place::Memory {
        return Ok((writes.clone(), writes));
    }
    let (reads, queued) = Queue::new(options.queue);
    for _ in 0..options.readers.max(1) {
        let reader = Connection::open(place, Arc::clone(&names))?;
        reader.batch("PRAGMA query_only=ON")?;
        let queued = queued.clone();
        spawn("wharf-reader", Arc::clone(house), move |house| {
            while let Some(unit) = queued.next() {
                read(&reader, house, unit);
            }
        })?;
    }
    Ok((writes, reads))
}

fn spawn(name: &str, house: Arc<House>, work: impl FnOnce(&House) + Send + 'static) -> Result<(), StoreError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || work(&house))
        .map(|_| ())
        .map_err(|error| StoreError::Database(format!("cannot start a thread: {error}")))
}

/// Runs `first` and whatever else waits in one transaction, and answers everybody after its commit.
fn commit_group(connection: &Connection, house: &House, first: Unit, queued: &crate::unit::Waiting) {
    let ids = match house.ids(|work| {
        connection.plain("BEGIN IMMEDIATE")?;
        let done = work(&mut crate::tx::Line::Sqlite(connection));
        connection.plain(if done.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        done
    }) {
        Ok(ids) => ids,
        Err(error) => return first.refuse(error),
    };
    if let Err(error) = connection.plain("BEGIN IMMEDIATE") {
        return first.refuse(error);
    }
    let (mut kept, mut notices, mut units, mut rows) = (Vec::new(), std::collections::BTreeSet::new(), 0, 0);
    let mut next = Some(first);
    while let Some(unit) = next {
        if let Err(error) = connection.plain("SAVEPOINT unit") {
            unit.refuse(error);
            break;
        }
        let Ran { keep, finish, notices: said, rows: wrote, doomed } = unit.run(crate::tx::Line::Sqlite(connection), house, &ids);
        if !connection.in_transaction() {
            // SQLite undid everything: those who were told nothing yet hear it now.
            let error = doomed.unwrap_or(StoreError::Full);
            finish(Err(error.clone()));
            kept.drain(..).for_each(|finish: crate::unit::Finish| finish(Err(error.clone())));
            return;
        }
        let ended = match keep {
            true => connection.plain("RELEASE SAVEPOINT unit"),
            false => connection.plain("ROLLBACK TO SAVEPOINT unit").and_then(|()| connection.plain("RELEASE SAVEPOINT unit")),
        };
        match ended {
            Ok(()) if keep => {
                kept.push(finish);
                notices.extend(said);
            }
            // It changed nothing, so it need not wait for the commit; but what it read may be another unit's, uncommitted.
            Ok(()) => kept.push(finish),
            Err(error) => finish(Err(error)),
        }
        units += 1;
        rows += wrote;
        next = if units < MOST_UNITS && rows < MOST_ROWS { queued.next_now() } else { None };
    }
    let committed = connection.plain("COMMIT");
    if committed.is_err() && connection.in_transaction() {
        // A failed rollback leaves the transaction open; the next BEGIN says so.
        let _ = connection.plain("ROLLBACK");
    }
    house.counters.commit();
    for finish in kept {
        finish(committed.clone());
    }
    if committed.is_ok() {
        house.notify(notices);
    }
}

/// Runs one read in a transaction of its own, so that all its queries see one state.
fn read(connection: &Connection, house: &House, unit: Unit) {
    if let Err(error) = connection.plain("BEGIN") {
        return unit.refuse(error);
    }
    let Ran { finish, .. } = unit.run(crate::tx::Line::Sqlite(connection), house, &house.spare_ids());
    let ended = if connection.in_transaction() { connection.plain("ROLLBACK") } else { Ok(()) };
    finish(ended);
}

/// The file of a `sqlite:` URL.
pub(crate) fn place(rest: &str) -> Place {
    match rest.strip_prefix("//").unwrap_or(rest) {
        ":memory:" => Place::Memory,
        path => Place::File(Path::new(path).to_owned()),
    }
}

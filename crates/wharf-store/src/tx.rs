//! One unit of work: what a closure given to `Store::write` or `Store::read` may do. The same on both engines, so a
//! statement that failed dooms the whole unit of work on SQLite too, as PostgreSQL would have it.

use crate::dialect::{self, Engine, Shape};
use crate::error::StoreError;
use crate::postgres::Session;
use crate::row::Row;
use crate::seal::Keys;
use crate::value::Value;
use crate::{Counters, sqlite};
use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::sync::Arc;
use wharf_domain::id::IdSource;
use wharf_domain::time::Timestamp;

/// A statement on its way to an engine.
#[derive(Clone, Copy)]
pub(crate) enum Sql<'a> {
    /// As it stands in the program, with `$n` for parameters.
    Written(&'a str),
    /// As the engine wants it.
    Ready(&'a str),
}

impl<'a> From<&'a str> for Sql<'a> {
    fn from(sql: &'a str) -> Self {
        Sql::Written(sql)
    }
}

/// The connection a unit of work runs on.
pub(crate) enum Line<'a> {
    Sqlite(&'a sqlite::Connection),
    Postgres(&'a mut Session),
}

impl Line<'_> {
    /// Runs one statement: rows changed, and rows answered when they are wanted.
    pub(crate) fn run<'s, V: Borrow<Value>>(
        &mut self,
        sql: impl Into<Sql<'s>>,
        params: &[V],
        want_rows: bool,
    ) -> Result<(u64, Vec<Row>), StoreError> {
        match (self, sql.into()) {
            (Line::Sqlite(connection), Sql::Written(sql)) => connection.run(&dialect::placeholders(sql), params, want_rows),
            (Line::Sqlite(connection), Sql::Ready(sql)) => connection.run(sql, params, want_rows),
            (Line::Postgres(session), Sql::Written(sql) | Sql::Ready(sql)) => session.run(sql, params, want_rows),
        }
    }

    /// A statement without parameters or answer.
    pub(crate) fn plain(&mut self, sql: &str) -> Result<(), StoreError> {
        match self {
            Line::Sqlite(connection) => connection.plain(sql),
            Line::Postgres(session) => session.plain(sql),
        }
    }
}

/// One unit of work on either engine. It is all kept or all undone.
pub struct Tx<'a> {
    pub(crate) line: Line<'a>,
    pub(crate) now: Timestamp,
    pub(crate) ids: &'a IdSource,
    pub(crate) keys: &'a Keys,
    pub(crate) counters: &'a Counters,
    pub(crate) notices: BTreeSet<String>,
    pub(crate) doomed: Option<StoreError>,
    pub(crate) depth: u32,
    pub(crate) rows: u64,
}

impl Tx<'_> {
    /// The time of this unit of work: it stands still until the unit ends.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A fresh, time-ordered id.
    pub fn new_id<I: From<i64>>(&self) -> I {
        I::from(self.ids.next(self.now))
    }

    /// Seals, opens, and makes blind indexes.
    pub fn keys(&self) -> &Keys {
        self.keys
    }

    /// Which engine it is. Only `dialect.rs` and the callers it lists may ask.
    pub fn engine(&self) -> Engine {
        match self.line {
            Line::Sqlite(_) => Engine::Sqlite,
            Line::Postgres(_) => Engine::Postgres,
        }
    }

    /// Tells whoever watches the store (`Store::watch`, in all processes) about `topic`, once this unit is committed.
    pub fn announce(&mut self, topic: impl Into<String>) {
        self.notices.insert(topic.into());
    }

    /// Runs a statement and answers how many rows it changed.
    pub fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        self.run(Sql::Written(sql), params, false).map(|(changed, _)| changed)
    }

    /// Runs a query (or a statement with RETURNING) and answers its rows.
    pub fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.run(Sql::Written(sql), params, true).map(|(_, rows)| rows)
    }

    /// The first row of a query, if there is one.
    pub fn query_opt(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// Inserts rows of equal width by multi-row statements. `head` = `INSERT INTO t (a, b)`, `tail` = `ON CONFLICT …` or
    /// nothing. Answers how many rows were written. Within one call a row must not conflict with another of the call
    /// when `tail` updates: PostgreSQL refuses to touch a row twice.
    pub fn insert_many(&mut self, head: &str, rows: &[Vec<Value>], tail: &str) -> Result<u64, StoreError> {
        self.insert_chunks(head, rows, tail, false).map(|(changed, _)| changed)
    }

    /// As [`Tx::insert_many`], with `tail` ending in `RETURNING …`: the rows come back in no particular order.
    pub fn insert_many_returning(&mut self, head: &str, rows: &[Vec<Value>], tail: &str) -> Result<Vec<Row>, StoreError> {
        self.insert_chunks(head, rows, tail, true).map(|(_, rows)| rows)
    }

    fn insert_chunks(&mut self, head: &str, rows: &[Vec<Value>], tail: &str, want_rows: bool) -> Result<(u64, Vec<Row>), StoreError> {
        let width = self.width(rows)?;
        let (mut changed, mut answer) = (0, Vec::new());
        let mut left = rows;
        while !left.is_empty() {
            let (now, later) = left.split_at(dialect::chunk(left.len(), width, 0));
            let shape = Shape { tail: tail.into(), count: now.len(), first: 1, kinds: Vec::new().into() };
            let sql = self
                .text(head, &shape, |engine| format!("{head} {} {tail}", dialect::values(engine, now.len(), &vec![None; width], 1, false)));
            let params: Vec<&Value> = now.iter().flatten().collect();
            let (more, rows) = self.run(Sql::Ready(&sql), &params, want_rows)?;
            changed += more;
            answer.extend(rows);
            left = later;
        }
        Ok((changed, answer))
    }

    /// Runs `sql` with `(VALUES …)` in place of the marker `{rows}`: `UPDATE t SET a = v.column2 FROM {rows} AS v WHERE t.id =
    /// v.column1`. The columns are called `column1`, `column2`, … by the engines themselves; `params` are `$1` … of the
    /// rest. A column's kind is that of its first value; where all are `Value::Null`, write `CAST(v.columnN AS BIGINT)`.
    pub fn execute_rows(&mut self, sql: &str, rows: &[Vec<Value>], params: &[Value]) -> Result<u64, StoreError> {
        self.rows_chunks(sql, rows, params, false).map(|(changed, _)| changed)
    }

    /// As [`Tx::execute_rows`], for statements that answer rows (`SELECT … FROM {rows} AS v …`, `… RETURNING …`).
    pub fn query_rows(&mut self, sql: &str, rows: &[Vec<Value>], params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.rows_chunks(sql, rows, params, true).map(|(_, rows)| rows)
    }

    fn rows_chunks(&mut self, sql: &str, rows: &[Vec<Value>], params: &[Value], want_rows: bool) -> Result<(u64, Vec<Row>), StoreError> {
        let width = self.width(rows)?;
        let kinds = dialect::kinds(rows);
        let (mut changed, mut answer) = (0, Vec::new());
        let mut left = rows;
        while !left.is_empty() {
            let (now, later) = left.split_at(dialect::chunk(left.len(), width, params.len()));
            let first = params.len() + 1;
            let shape = Shape { tail: "".into(), count: now.len(), first, kinds: kinds.as_slice().into() };
            let text = self.text(sql, &shape, |engine| {
                sql.replace("{rows}", &format!("({})", dialect::values(engine, now.len(), &kinds, first, true)))
            });
            let all: Vec<&Value> = params.iter().chain(now.iter().flatten()).collect();
            let (more, rows) = self.run(Sql::Ready(&text), &all, want_rows)?;
            changed += more;
            answer.extend(rows);
            left = later;
        }
        Ok((changed, answer))
    }

    /// Runs `sql` with the marker `{ids}` replaced by a list of placeholders (`WHERE id IN ({ids})`), in chunks; the rows of
    /// all chunks together. `params_before` are `$1` … of the rest. ORDER BY, LIMIT and sums hold within a chunk only.
    pub fn query_in(&mut self, sql: &str, ids: &[Value], params_before: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.in_chunks(sql, ids, params_before, true).map(|(_, rows)| rows)
    }

    /// As [`Tx::query_in`], answering how many rows were changed.
    pub fn execute_in(&mut self, sql: &str, ids: &[Value], params_before: &[Value]) -> Result<u64, StoreError> {
        self.in_chunks(sql, ids, params_before, false).map(|(changed, _)| changed)
    }

    fn in_chunks(&mut self, sql: &str, ids: &[Value], before: &[Value], want_rows: bool) -> Result<(u64, Vec<Row>), StoreError> {
        let (mut changed, mut answer) = (0, Vec::new());
        // An id that stands in two chunks would count twice.
        let mut distinct: Vec<&Value> = ids.iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let mut left = distinct.as_slice();
        while let Some(last) = left.last().copied() {
            let size = dialect::list_size(left.len());
            let (now, later) = left.split_at(size.min(left.len()));
            let first = before.len() + 1;
            let shape = Shape { tail: "".into(), count: size, first, kinds: Vec::new().into() };
            let text = self.text(sql, &shape, |_| sql.replace("{ids}", &dialect::list(size, first)));
            let padding = now.last().copied().unwrap_or(last);
            let all: Vec<&Value> = before.iter().chain(now.iter().copied()).chain(std::iter::repeat_n(padding, size - now.len())).collect();
            let (more, rows) = self.run(Sql::Ready(&text), &all, want_rows)?;
            changed += more;
            answer.extend(rows);
            left = later;
        }
        Ok((changed, answer))
    }

    /// Runs `work` so that its failure undoes only what it did itself: the rest of the unit of work goes on.
    pub fn attempt<T, E: From<StoreError>>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.depth += 1;
        let name = format!("attempt_{}", self.depth);
        let begun = self.plain(&format!("SAVEPOINT {name}"));
        if let Err(error) = begun {
            self.depth -= 1;
            return Err(E::from(error));
        }
        let notices = self.notices.clone();
        let result = match work(self) {
            Ok(value) => match self.doomed.clone() {
                None => Ok(value),
                Some(error) => Err(E::from(error)),
            },
            Err(error) => Err(error),
        };
        let ended = match &result {
            Ok(_) => self.plain(&format!("RELEASE SAVEPOINT {name}")),
            Err(_) => {
                self.notices = notices;
                self.doomed = None;
                self.plain(&format!("ROLLBACK TO SAVEPOINT {name}")).and_then(|()| self.plain(&format!("RELEASE SAVEPOINT {name}")))
            }
        };
        self.depth -= 1;
        match ended {
            Ok(()) => result,
            Err(error) => {
                self.doomed = Some(error.clone());
                Err(E::from(error))
            }
        }
    }

    fn width(&mut self, rows: &[Vec<Value>]) -> Result<usize, StoreError> {
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != width) || (width == 0 && !rows.is_empty()) {
            return self.doom(StoreError::Database("rows of unequal or no width".to_owned()));
        }
        Ok(width)
    }

    fn doom<T>(&mut self, error: StoreError) -> Result<T, StoreError> {
        self.doomed.get_or_insert_with(|| error.clone());
        Err(error)
    }

    /// A statement without parameters or answer.
    fn plain(&mut self, sql: &str) -> Result<(), StoreError> {
        self.line.plain(sql)
    }

    /// The text of a template in a shape: put together once for each connection.
    fn text(&mut self, template: &str, shape: &Shape<'_>, make: impl FnOnce(Engine) -> String) -> Arc<str> {
        let engine = self.engine();
        match &mut self.line {
            Line::Sqlite(connection) => connection.texts.borrow_mut().get(engine, template, shape, || make(engine)),
            Line::Postgres(session) => session.texts.get(engine, template, shape, || make(engine)),
        }
    }

    fn run<V: Borrow<Value>>(&mut self, sql: Sql<'_>, params: &[V], want_rows: bool) -> Result<(u64, Vec<Row>), StoreError> {
        if let Some(error) = &self.doomed {
            return Err(error.clone());
        }
        if params.iter().any(|value| matches!(value.borrow(), Value::Text(text) if text.as_bytes().contains(&0))) {
            return self.doom(StoreError::Database("a text that holds the character NUL cannot be stored".to_owned()));
        }
        if self.counters.fails_now() {
            return self.doom(StoreError::Unavailable);
        }
        match self.line.run(sql, params, want_rows) {
            Ok((changed, rows)) => {
                self.rows += changed;
                self.counters.statement(changed);
                Ok((changed, rows))
            }
            Err(error) => self.doom(error),
        }
    }
}

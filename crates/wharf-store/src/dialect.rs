//! The complete list of differences between the engines. Whoever asks [`crate::Tx::engine`] is named here.
//!
//! | what | SQLite | PostgreSQL | where |
//! |---|---|---|---|
//! | placeholders `$n` | rewritten to `?n` | as they are | [`placeholders`] |
//! | types in migrations | `INTEGER`, `BLOB`, tables `STRICT`, composite keys `WITHOUT ROWID` | `BIGINT`, `BYTEA` | [`migration`] |
//! | transaction | one writer thread, `BEGIN IMMEDIATE`, a savepoint each unit | a pool, `READ COMMITTED`; reads `REPEATABLE READ READ ONLY` | `sqlite.rs`, `postgres.rs` |
//! | pragmas | [`PRAGMAS`] | session settings [`SESSION`] | here |
//! | claiming jobs | the one writer makes a plain subselect safe | `FOR UPDATE SKIP LOCKED` | [`skip_locked`] |
//! | locking rows that are read before they are changed | nothing to do | `FOR UPDATE` | [`for_update`] |
//! | waking other processes | none (one process) | `NOTIFY` in the transaction, `LISTEN` | `postgres.rs` |
//! | NULL in `VALUES` rows | as it is | cast by the kind of its column | [`values`] |
//! | names of violated constraints | from columns and texts, by the schema | from the server | [`ConstraintNames`] |
//! | names of violated foreign keys | the table's | the table's | [`foreign_key`] |
//! | sizes | 32,766 parameters | 65,535 parameters | [`MOST_PARAMETERS`], below both |
//! | order of NULLs | first | last | say `NULLS LAST`, both understand it |
//! | `LIKE` | ignores the case of ASCII | minds the case | use `lower(x) LIKE lower($1)` |

use crate::value::{Kind, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

/// Which engine answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded.
    Sqlite,
    /// A server.
    Postgres,
}

/// What every SQLite connection is told first. `synchronous=FULL`: an answer means that the disk has it.
pub const PRAGMAS: &str = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=20000; PRAGMA foreign_keys=ON; \
     PRAGMA busy_timeout=10000; PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA secure_delete=FAST;";

/// What every PostgreSQL connection is told first.
pub const SESSION: &str = "SET lock_timeout='10s'; SET idle_in_transaction_session_timeout='60s'; SET client_min_messages=warning; \
     SET synchronous_commit=on; SET TIME ZONE 'UTC';";

/// The clause that lets many workers claim different rows at once.
pub fn skip_locked(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "",
        Engine::Postgres => "FOR UPDATE SKIP LOCKED",
    }
}

/// The clause that keeps rows as they were read until the unit of work ends.
pub fn for_update(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "",
        Engine::Postgres => "FOR UPDATE",
    }
}

/// Most rows and most parameters of one multi-row statement, on either engine: beyond them it is no faster, only larger.
const MOST_ROWS: usize = 512;
const MOST_PARAMETERS: usize = 8_192;

/// How many of `left` rows of `width` parameters the next statement takes: a power of two, so that few different statements
/// are prepared and each is found again.
pub(crate) fn chunk(left: usize, width: usize, other: usize) -> usize {
    let room = (MOST_PARAMETERS.saturating_sub(other) / width.max(1)).clamp(1, MOST_ROWS).min(left.max(1));
    1 << room.ilog2()
}

/// The size of a list of `n` ids: the next of few sizes; the list is padded by repeating its last id.
pub(crate) fn list_size(n: usize) -> usize {
    const LARGEST: usize = 4096;
    n.next_power_of_two().min(LARGEST)
}

/// `$4, $5, $6`: the places of a list, numbered from `first`.
pub(crate) fn list(size: usize, first: usize) -> String {
    let mut out = String::with_capacity(size * 7);
    for number in first..first + size {
        // A write to a String cannot fail.
        let _ = write!(out, "{}${number}", if number == first { "" } else { ", " });
    }
    out
}

/// Statements that were put together before. The same few shapes are asked for again and again, and a statement of a page
/// is long: it is written once.
#[derive(Default)]
pub(crate) struct Texts {
    known: HashMap<String, Vec<(Shape<'static>, Arc<str>)>>,
    count: usize,
}

/// What makes two statements of one template the same text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Shape<'a> {
    /// What follows the rows.
    pub(crate) tail: Cow<'a, str>,
    /// Rows, or ids.
    pub(crate) count: usize,
    /// The first number of their parameters.
    pub(crate) first: usize,
    /// The kinds of their columns, where they are written.
    pub(crate) kinds: Cow<'a, [Option<Kind>]>,
}

impl Texts {
    /// More than this is the sign of texts that never come again.
    const MOST: usize = 4_096;

    /// The text of a template in a shape, as the engine wants it.
    pub(crate) fn get(&mut self, engine: Engine, template: &str, shape: &Shape<'_>, make: impl FnOnce() -> String) -> Arc<str> {
        if let Some((_, text)) = self.known.get(template).and_then(|shapes| shapes.iter().find(|(known, _)| known == shape)) {
            return Arc::clone(text);
        }
        if self.count >= Self::MOST {
            *self = Texts::default();
        }
        let text = make();
        let text: Arc<str> = match engine {
            Engine::Sqlite => placeholders(&text).into(),
            Engine::Postgres => text.into(),
        };
        self.count += 1;
        let owned = Shape { tail: shape.tail.clone().into_owned().into(), kinds: shape.kinds.clone().into_owned().into(), ..*shape };
        self.known.entry(template.to_owned()).or_default().push((owned, Arc::clone(&text)));
        text
    }
}

/// `$1` → `?1` for SQLite, where `$1` would be a name. Nothing else in a statement may look like `$` and a digit.
pub(crate) fn placeholders(sql: &str) -> Cow<'_, str> {
    let bytes = sql.as_bytes();
    if !bytes.windows(2).any(|pair| pair[0] == b'$' && pair[1].is_ascii_digit()) {
        return Cow::Borrowed(sql);
    }
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let digit = after.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        out.push(if digit { '?' } else { '$' });
        rest = &after[1..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// `(VALUES ($4, $5), ($6, $7))` for rows of equal width, numbered from `first`. PostgreSQL takes the kinds of the columns
/// from the first row, so that row is cast.
pub(crate) fn values(engine: Engine, rows: usize, kinds: &[Option<Kind>], first: usize, casts: bool) -> String {
    let mut out = String::with_capacity(rows * kinds.len() * 7 + 16);
    let mut number = first;
    out.push_str("VALUES ");
    for row in 0..rows {
        out.push_str(if row == 0 { "(" } else { ", (" });
        for (column, kind) in kinds.iter().enumerate() {
            if column > 0 {
                out.push_str(", ");
            }
            // A write to a String cannot fail.
            let _ = write!(out, "${number}");
            if casts && row == 0 && engine == Engine::Postgres {
                out.push_str(match kind {
                    Some(Kind::Int) => "::BIGINT",
                    Some(Kind::Text) | None => "::TEXT",
                    Some(Kind::Blob) => "::BYTEA",
                });
            }
            number += 1;
        }
        out.push(')');
    }
    out
}

/// The kind of each column of rows: that of the first value that has one.
pub(crate) fn kinds(rows: &[Vec<Value>]) -> Vec<Option<Kind>> {
    let width = rows.first().map_or(0, Vec::len);
    (0..width).map(|column| rows.iter().find_map(|row| row.get(column).and_then(Value::kind))).collect()
}

/// A migration, written for PostgreSQL, as the engine wants it. On SQLite `BIGINT` becomes `INTEGER` and `BYTEA` `BLOB`, tables
/// become `STRICT`, and those with a composite key lose their hidden row number.
pub(crate) fn migration(engine: Engine, sql: &str) -> String {
    match engine {
        Engine::Postgres => sql.to_owned(),
        Engine::Sqlite => statements(sql).into_iter().fold(String::with_capacity(sql.len()), |mut out, statement| {
            let mut text = replace_word(&replace_word(&statement, "BIGINT", "INTEGER"), "BYTEA", "BLOB");
            if text.trim_start().starts_with("CREATE TABLE") {
                let composite = text.lines().any(|line| line.trim_start().starts_with("PRIMARY KEY ("));
                text.push_str(if composite { " STRICT, WITHOUT ROWID" } else { " STRICT" });
            }
            out.push_str(&text);
            out.push_str(";\n");
            out
        }),
    }
}

/// The statements of a migration, without comments. Migrations hold no semicolon inside a statement.
fn statements(sql: &str) -> Vec<String> {
    let bare: String =
        sql.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code).trim_end()).collect::<Vec<_>>().join("\n");
    bare.split(';').map(str::trim).filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
}

fn replace_word(text: &str, word: &str, by: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let inside = |c: char| c.is_alphanumeric() || c == '_';
        let alone = !rest[..at].ends_with(inside) && !rest[at + word.len()..].starts_with(inside);
        out.push_str(&rest[..at]);
        out.push_str(if alone { by } else { word });
        rest = &rest[at + word.len()..];
    }
    out.push_str(rest);
    out
}

/// SQLite tells the columns of a violated unique constraint and the text of a violated CHECK; PostgreSQL tells the name of
/// the constraint. This knows the names, PostgreSQL's own (`t_pkey`, `t_a_b_key`, `t_a_check`) where the schema gives none.
#[derive(Debug, Default)]
pub(crate) struct ConstraintNames {
    by_columns: HashMap<String, String>,
    by_check: HashMap<(String, String), String>,
}

impl ConstraintNames {
    /// Reads the unique indexes and the checks of all tables.
    pub(crate) fn read(connection: &rusqlite::Connection) -> rusqlite::Result<Self> {
        let mut names = ConstraintNames::default();
        let mut list = connection.prepare(
            "SELECT t.name, i.name, i.origin FROM sqlite_schema t, pragma_index_list(t.name) i WHERE t.type = 'table' AND i.\"unique\" = 1",
        )?;
        let indexes: Vec<(String, String, String)> =
            list.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?;
        let mut columns_of = connection.prepare("SELECT name FROM pragma_index_info(?1) ORDER BY seqno")?;
        for (table, index, origin) in indexes {
            let columns: Vec<Option<String>> = columns_of.query_map([&index], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let columns: Vec<String> = columns.into_iter().flatten().collect();
            let name = match origin.as_str() {
                "pk" => format!("{table}_pkey"),
                "u" => format!("{table}_{}_key", columns.join("_")),
                _ => index,
            };
            let key = columns.iter().map(|column| format!("{table}.{column}")).collect::<Vec<_>>().join(", ");
            names.by_columns.entry(key).or_insert(name);
        }
        let mut tables = connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL")?;
        let tables: Vec<(String, String)> = tables.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        let mut columns_of = connection.prepare("SELECT name, pk FROM pragma_table_info(?1)")?;
        for (table, sql) in tables {
            let columns: Vec<(String, i64)> =
                columns_of.query_map([&table], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
            // A single INTEGER PRIMARY KEY is the row number and has no index.
            if let [(column, _)] = columns.iter().filter(|(_, pk)| *pk > 0).collect::<Vec<_>>()[..] {
                names.by_columns.entry(format!("{table}.{column}")).or_insert(format!("{table}_pkey"));
            }
            names.read_checks(&table, &sql, &columns.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
        }
        Ok(names)
    }

    /// PostgreSQL calls a check after its table and, where it names one column only, that column; then it counts.
    fn read_checks(&mut self, table: &str, sql: &str, columns: &[String]) {
        let mut taken: Vec<String> = Vec::new();
        let mut rest = sql;
        while let Some(at) = rest.find("CHECK (") {
            let before = &rest[..at];
            rest = &rest[at + "CHECK".len()..];
            let Some(inner) = balanced(rest) else { return };
            let named = before
                .trim_end()
                .rsplit_once("CONSTRAINT ")
                .map(|(_, name)| name)
                .filter(|name| !name.contains(|c: char| c.is_whitespace()));
            let words: Vec<&str> = inner.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            let used: Vec<&String> = columns.iter().filter(|column| words.contains(&column.as_str())).collect();
            let stem = match used[..] {
                [column] => format!("{table}_{column}_check"),
                _ => format!("{table}_check"),
            };
            let name = match named {
                Some(name) => name.to_owned(),
                None if !taken.contains(&stem) => stem,
                None => (1..).map(|number| format!("{stem}{number}")).find(|name| !taken.contains(name)).unwrap_or(stem),
            };
            taken.push(name.clone());
            self.by_check.insert((table.to_owned(), plain(inner)), name);
        }
    }

    /// The name of the constraint in SQLite's message (`UNIQUE constraint failed: t.a, t.b`) about a statement on `table`.
    pub(crate) fn name(&self, message: &str, table: &str) -> String {
        if message.starts_with("FOREIGN KEY") {
            return foreign_key(table);
        }
        let detail = message.split_once("constraint failed: ").map_or(message, |(_, detail)| detail);
        let detail = detail.strip_prefix("index '").map_or(detail, |name| name.trim_end_matches('\''));
        let check = || self.by_check.get(&(table.to_owned(), plain(detail)));
        self.by_columns.get(detail).or_else(check).cloned().unwrap_or_else(|| detail.to_owned())
    }
}

/// What a violated foreign key is called: SQLite does not say which one of the table it is, so nobody does.
pub(crate) fn foreign_key(table: &str) -> String {
    format!("{table}_fkey")
}

/// What stands between the first parenthesis and its partner.
fn balanced(text: &str) -> Option<&str> {
    let open = text.find('(')?;
    let mut depth = 0;
    for (at, c) in text[open..].char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&text[open + 1..open + at]);
        }
    }
    None
}

fn plain(expression: &str) -> String {
    expression.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_numbers_and_nothing_else_changes() {
        assert_eq!(placeholders("SELECT $1, '$.path', $12 FROM t WHERE 名 = $2"), "SELECT ?1, '$.path', ?12 FROM t WHERE 名 = ?2");
        assert!(matches!(placeholders("SELECT 'no $ digit'"), Cow::Borrowed(_)));
    }

    #[test]
    fn migrations_become_strict_tables_on_sqlite() {
        let sql = "-- a; comment\nCREATE TABLE t (\n  id BIGINT PRIMARY KEY, -- BYTEA\n  b BYTEA\n);\nCREATE TABLE u (\n  a BIGINT,\n  BIGINTS TEXT,\n  PRIMARY KEY (a)\n);";
        let sqlite = migration(Engine::Sqlite, sql);
        assert!(sqlite.contains("id INTEGER PRIMARY KEY,\n  b BLOB\n) STRICT;"), "{sqlite}");
        assert!(sqlite.contains("BIGINTS TEXT,\n  PRIMARY KEY (a)\n) STRICT, WITHOUT ROWID;"), "{sqlite}");
        assert_eq!(migration(Engine::Postgres, sql), sql);
    }

    #[test]
    fn chunks_stay_below_the_limits_and_have_few_sizes() {
        let mut sizes = std::collections::BTreeSet::new();
        for width in [1, 7, 40, 20_000] {
            for rows in 1..2_000 {
                let size = chunk(rows, width, 3);
                assert!(size >= 1 && size <= rows);
                assert!(size == 1 || size * width + 3 <= MOST_PARAMETERS);
                sizes.insert(size);
            }
        }
        assert!(sizes.len() <= 10);
    }
}

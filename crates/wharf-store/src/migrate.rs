//! Brings the tables up to date: each migration once, in order, in one transaction, remembered with its checksum. A
//! database that a newer program has migrated, or whose history differs, is refused.

use crate::dialect::{self, Engine};
use crate::error::StoreError;
use crate::postgres::Session;
use crate::sqlite::Connection;
use crate::tx::Line;
use crate::value::Value;
use sha2::{Digest, Sha256};
use wharf_domain::time::Timestamp;

/// One step of the schema.
struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

/// All steps. A step that has been released is never edited; a new one follows.
const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "init", sql: include_str!("../migrations/V1__init.sql") },
    Migration { version: 2, name: "actions", sql: include_str!("../migrations/V2__actions.sql") },
    Migration { version: 4, name: "alerts_and_erasure", sql: include_str!("../migrations/V4__alerts_and_erasure.sql") },
    Migration { version: 5, name: "order_sorts", sql: include_str!("../migrations/V5__order_sorts.sql") },
    Migration { version: 6, name: "rejections", sql: include_str!("../migrations/V6__rejections.sql") },
];

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)";
/// Serialises processes that start at the same time. The number is this program's own.
const LOCK: &str = "SELECT CAST(pg_advisory_xact_lock(7741963) AS TEXT)";

/// Version and name of every step.
#[cfg(test)]
pub(crate) fn names() -> impl Iterator<Item = (i64, &'static str)> {
    MIGRATIONS.iter().map(|migration| (migration.version, migration.name))
}

/// The connection that migrates.
pub(crate) enum Target<'a> {
    Sqlite(&'a Connection),
    Postgres(&'a mut Session),
}

impl Target<'_> {
    fn engine(&self) -> Engine {
        match self {
            Target::Sqlite(_) => Engine::Sqlite,
            Target::Postgres(_) => Engine::Postgres,
        }
    }

    fn line(&mut self) -> Line<'_> {
        match self {
            Target::Sqlite(connection) => Line::Sqlite(connection),
            Target::Postgres(session) => Line::Postgres(session),
        }
    }

    fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        match self {
            Target::Sqlite(connection) => connection.batch(sql),
            Target::Postgres(session) => session.plain(sql),
        }
    }
}

/// Applies what is missing.
pub(crate) fn run(target: &mut Target<'_>, now: Timestamp) -> Result<(), StoreError> {
    target.batch(match target.engine() {
        Engine::Sqlite => "BEGIN IMMEDIATE",
        Engine::Postgres => "BEGIN",
    })?;
    let done = apply(target, now);
    match done {
        Ok(()) => target.batch("COMMIT"),
        Err(error) => {
            target.batch("ROLLBACK")?;
            Err(error)
        }
    }
}

fn apply(target: &mut Target<'_>, now: Timestamp) -> Result<(), StoreError> {
    if target.engine() == Engine::Postgres {
        target.line().run::<Value>(LOCK, &[], true)?;
    }
    target.batch(HISTORY)?;
    let (_, rows) = target.line().run("SELECT version, name, checksum FROM migrations ORDER BY version", &[] as &[Value], true)?;
    let history = rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?, row.text(2)?))).collect::<Result<Vec<_>, StoreError>>()?;
    if let Some((version, name, _)) = history.iter().find(|(version, ..)| MIGRATIONS.iter().all(|known| known.version != *version)) {
        return Err(StoreError::Migration(format!("the database has step {version} ({name}), which this older program does not know")));
    }
    for migration in MIGRATIONS {
        let checksum = hex::encode(Sha256::digest(migration.sql.as_bytes()));
        match history.iter().find(|(version, ..)| *version == migration.version) {
            Some((.., applied)) if *applied == checksum => {}
            Some((version, name, _)) => {
                return Err(StoreError::Migration(format!("step {version} ({name}) was changed after it was applied")));
            }
            None => {
                target.batch(&dialect::migration(target.engine(), migration.sql))?;
                let insert = "INSERT INTO migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)";
                let row: [Value; 4] = [migration.version.into(), migration.name.into(), checksum.into(), now.into()];
                target.line().run(insert, &row, false)?;
            }
        }
    }
    Ok(())
}

//! Work that recurs. A due schedule is taken once among all processes, in the unit of work that enqueues its jobs.

use crate::error::StoreError;
use crate::tx::Tx;

/// Makes schedules known, or changes how often they recur. New ones are due at once.
pub fn ensure(tx: &mut Tx<'_>, schedules: &[(&str, i64)]) -> Result<(), StoreError> {
    let now = tx.now();
    let rows: Vec<Vec<crate::Value>> = schedules.iter().map(|(name, every)| vec![(*name).into(), (*every).into(), now.into()]).collect();
    tx.insert_many(
        "INSERT INTO schedules (name, every_micros, next_at)",
        &rows,
        "ON CONFLICT (name) DO UPDATE SET every_micros = excluded.every_micros, \
           next_at = CASE WHEN schedules.next_at > excluded.next_at + excluded.every_micros THEN excluded.next_at + excluded.every_micros ELSE schedules.next_at END \
         WHERE schedules.every_micros <> excluded.every_micros",
    )?;
    Ok(())
}

/// Takes the due ones of `names`: the caller enqueues their jobs in this unit of work. One that was missed several times
/// is due once.
pub fn take_due(tx: &mut Tx<'_>, names: &[&str]) -> Result<Vec<String>, StoreError> {
    let now = tx.now();
    let names: Vec<crate::Value> = names.iter().map(|name| (*name).into()).collect();
    let rows = tx.query_in(
        "UPDATE schedules SET next_at = CASE WHEN next_at + every_micros > $1 THEN next_at + every_micros ELSE $1 + every_micros END \
         WHERE next_at <= $1 AND name IN ({ids}) RETURNING name",
        &names,
        &[now.into()],
    )?;
    let mut due = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
    due.sort();
    Ok(due)
}

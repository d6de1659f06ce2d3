//! Long bulk actions: how far they are, what came of each target, and what undo puts back.

use crate::error::StoreError;
use crate::row::Row;
use crate::tx::Tx;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wharf_domain::id::{OperationId, UserId};
use wharf_domain::time::Timestamp;

wharf_domain::words! {
    /// Where an operation stands.
    pub enum OperationState {
        /// Targets are still being worked on.
        Running = "running",
        /// All targets have an outcome.
        Done = "done",
        /// It stopped before its end.
        Failed = "failed",
    }
}

wharf_domain::words! {
    /// What came of one target.
    pub enum TargetOutcome {
        /// Changed as asked.
        Done = "done",
        /// It was so already.
        Already = "already",
        /// It may not be; the reason says why.
        Refused = "refused",
    }
}

/// How many targets came out how, and why the refused ones were.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Changed as asked.
    #[serde(default)]
    pub done: i64,
    /// Were so already.
    #[serde(default)]
    pub already: i64,
    /// Refused.
    #[serde(default)]
    pub refused: i64,
    /// Refused, by reason.
    #[serde(default)]
    pub reasons: BTreeMap<String, i64>,
}

impl Tally {
    fn add(&mut self, outcome: TargetOutcome, reason: &str) {
        match outcome {
            TargetOutcome::Done => self.done += 1,
            TargetOutcome::Already => self.already += 1,
            TargetOutcome::Refused => {
                self.refused += 1;
                *self.reasons.entry(reason.to_owned()).or_default() += 1;
            }
        }
    }
}

/// An operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Which.
    pub id: OperationId,
    /// The verb.
    pub kind: String,
    /// Who asked.
    pub user_id: Option<UserId>,
    /// What was asked.
    pub request: serde_json::Value,
    /// Where it stands.
    pub operation_state: OperationState,
    /// Targets.
    pub total: i64,
    /// Targets with an outcome.
    pub finished: i64,
    /// Outcomes so far.
    pub tally: Tally,
    /// Until when it can be undone.
    pub undo_until: Option<Timestamp>,
    /// When it was undone.
    pub undone_at: Option<Timestamp>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// What came of one target of an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetResult {
    /// Which target.
    pub target_id: i64,
    /// How.
    pub outcome: TargetOutcome,
    /// Why not.
    pub reason: String,
    /// What undo puts back, in the verb's own shape.
    pub before: Option<serde_json::Value>,
}

/// The topic that tells of progress.
pub fn topic(id: OperationId) -> String {
    format!("operation.{id}")
}

/// Begins an operation over `total` targets.
pub fn create(
    tx: &mut Tx<'_>,
    kind: &str,
    user: Option<UserId>,
    request: &serde_json::Value,
    total: i64,
    undo_until: Option<Timestamp>,
) -> Result<OperationId, StoreError> {
    let (id, now): (OperationId, _) = (tx.new_id(), tx.now());
    tx.execute(
        "INSERT INTO operations (id, kind, user_id, request, operation_state, total, undo_until, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[id.into(), kind.into(), user.into(), request.into(), Value::word(OperationState::Running), total.into(), undo_until.into(), now.into()],
    )?;
    tx.announce(topic(id));
    Ok(id)
}

/// Begins a long operation over targets that are worked on a slice at a time. Targets are distinct; each gets one result.
pub fn create_long(
    tx: &mut Tx<'_>,
    kind: &str,
    user: Option<UserId>,
    request: &serde_json::Value,
    targets: &[i64],
) -> Result<OperationId, StoreError> {
    let id = create(tx, kind, user, request, i64::try_from(targets.len()).unwrap_or(i64::MAX), None)?;
    let rows: Vec<Vec<Value>> =
        targets.iter().enumerate().map(|(position, target)| vec![id.into(), position.into(), (*target).into()]).collect();
    tx.insert_many("INSERT INTO operation_targets (operation_id, position, target_id)", &rows, "")?;
    Ok(id)
}

/// The next slice of a long operation, with the place of its first target: the targets after those that have a result. The
/// operation is locked: two workers never work on one slice. `None` when it does not run any more.
pub fn next_slice(tx: &mut Tx<'_>, id: OperationId, most: i64) -> Result<Option<(i64, Vec<i64>)>, StoreError> {
    let sql = format!(
        "SELECT finished FROM operations WHERE id = $1 AND operation_state = 'running' {}",
        crate::dialect::for_update(tx.engine())
    );
    let Some(row) = tx.query_opt(&sql, &[id.into()])? else { return Ok(None) };
    let from = row.int(0)?;
    let rows = tx.query(
        "SELECT target_id FROM operation_targets WHERE operation_id = $1 AND position >= $2 ORDER BY position LIMIT $3",
        &[id.into(), from.into(), most.into()],
    )?;
    Ok(Some((from, rows.iter().map(|row| row.int(0)).collect::<Result<_, _>>()?)))
}

/// Operations that run without a worker for some time: their job was lost.
pub fn stalled(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> Result<Vec<OperationId>, StoreError> {
    tx.query(
        "SELECT o.id FROM operations o WHERE o.operation_state = 'running' AND o.created_at < $1 \
         AND EXISTS (SELECT 1 FROM operation_targets t WHERE t.operation_id = o.id) ORDER BY o.id LIMIT $2",
        &[before.into(), limit.into()],
    )?
    .iter()
    .map(|row| row.id(0))
    .collect()
}

/// Records outcomes. A target that has one keeps it, so a repeated step changes nothing.
pub fn record(tx: &mut Tx<'_>, id: OperationId, results: &[TargetResult]) -> Result<(), StoreError> {
    let sql = format!("SELECT id, tally FROM operations WHERE id = $1 {}", crate::dialect::for_update(tx.engine()));
    let Some(row) = tx.query_opt(&sql, &[id.into()])? else { return Ok(()) };
    let mut tally: Tally = row.json(1)?;
    let mut seen = std::collections::HashSet::new();
    let rows: Vec<Vec<Value>> = results
        .iter()
        .filter(|result| seen.insert(result.target_id))
        .map(|result| {
            let before = result.before.as_ref().map(serde_json::Value::to_string).unwrap_or_default();
            vec![id.into(), result.target_id.into(), Value::word(result.outcome), result.reason.as_str().into(), before.into()]
        })
        .collect();
    let fresh = tx.insert_many_returning(
        "INSERT INTO operation_results (operation_id, target_id, outcome, reason, before)",
        &rows,
        "ON CONFLICT (operation_id, target_id) DO NOTHING RETURNING target_id, outcome, reason",
    )?;
    for row in &fresh {
        tally.add(row.word(1)?, row.str(2)?);
    }
    let finished = fresh.len();
    tx.execute(
        "UPDATE operations SET tally = $2, finished = finished + $3 WHERE id = $1",
        &[id.into(), Value::json(&tally), finished.into()],
    )?;
    tx.announce(topic(id));
    Ok(())
}

/// Ends an operation that ran, and says until when it can be taken back. Its targets are not needed any more.
pub fn end_long(tx: &mut Tx<'_>, id: OperationId, state: OperationState, undo_until: Option<Timestamp>) -> Result<(), StoreError> {
    tx.execute("UPDATE operations SET undo_until = $2 WHERE id = $1 AND operation_state = 'running'", &[id.into(), undo_until.into()])?;
    tx.execute("DELETE FROM operation_targets WHERE operation_id = $1", &[id.into()])?;
    end(tx, id, state)
}

/// Ends an operation.
pub fn end(tx: &mut Tx<'_>, id: OperationId, state: OperationState) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(
        "UPDATE operations SET operation_state = $2, ended_at = $3 WHERE id = $1 AND operation_state = 'running'",
        &[id.into(), Value::word(state), now.into()],
    )?;
    tx.announce(topic(id));
    Ok(())
}

/// Takes the right to undo: true once, while its time lasts.
pub fn take_undo(tx: &mut Tx<'_>, id: OperationId) -> Result<bool, StoreError> {
    let now = tx.now();
    let changed = tx.execute(
        "UPDATE operations SET undone_at = $2 WHERE id = $1 AND undone_at IS NULL AND undo_until >= $2 AND operation_state <> 'running'",
        &[id.into(), now.into()],
    )?;
    Ok(changed == 1)
}

fn operation(row: &Row) -> Result<Operation, StoreError> {
    Ok(Operation {
        id: row.id(0)?,
        kind: row.text(1)?,
        user_id: row.opt_id(2)?,
        request: row.json(3)?,
        operation_state: row.word(4)?,
        total: row.int(5)?,
        finished: row.int(6)?,
        tally: row.json(7)?,
        undo_until: row.opt_time(8)?,
        undone_at: row.opt_time(9)?,
        created_at: row.time(10)?,
        ended_at: row.opt_time(11)?,
    })
}

const VIEW: &str = "id, kind, user_id, request, operation_state, total, finished, tally, undo_until, undone_at, created_at, ended_at";

/// One operation.
pub fn get(tx: &mut Tx<'_>, id: OperationId) -> Result<Option<Operation>, StoreError> {
    tx.query_opt(&format!("SELECT {VIEW} FROM operations WHERE id = $1"), &[id.into()])?.as_ref().map(operation).transpose()
}

/// A person's operations (or everybody's), latest first.
pub fn list(tx: &mut Tx<'_>, user: Option<UserId>, before: Option<OperationId>, limit: i64) -> Result<Vec<Operation>, StoreError> {
    let before = before.map_or(i64::MAX, |id| id.0);
    let sql =
        format!("SELECT {VIEW} FROM operations WHERE id < $1 AND (CAST($2 AS BIGINT) IS NULL OR user_id = $2) ORDER BY id DESC LIMIT $3");
    tx.query(&sql, &[before.into(), user.into(), limit.into()])?.iter().map(operation).collect()
}

/// What was before, of the targets that an operation changed, among some.
pub fn befores(tx: &mut Tx<'_>, id: OperationId, targets: &[i64]) -> Result<std::collections::HashMap<i64, serde_json::Value>, StoreError> {
    let ids: Vec<Value> = targets.iter().map(|target| (*target).into()).collect();
    tx.query_in(
        "SELECT target_id, before FROM operation_results WHERE operation_id = $1 AND outcome = 'done' AND target_id IN ({ids})",
        &ids,
        &[id.into()],
    )?
    .iter()
    .map(|row| {
        let before = row.str(1)?;
        let before =
            if before.is_empty() { serde_json::Value::Null } else { serde_json::from_str(before).map_err(|_| row.inconsistent(1))? };
        Ok((row.int(0)?, before))
    })
    .collect()
}

/// The targets that an operation changed, by target.
pub fn done_targets(tx: &mut Tx<'_>, id: OperationId) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT target_id FROM operation_results WHERE operation_id = $1 AND outcome = 'done' ORDER BY target_id";
    tx.query(sql, &[id.into()])?.iter().map(|row| row.int(0)).collect()
}

/// Outcomes of targets after `after`, by target.
pub fn results(tx: &mut Tx<'_>, id: OperationId, after: Option<i64>, limit: i64) -> Result<Vec<TargetResult>, StoreError> {
    let rows = tx.query(
        "SELECT target_id, outcome, reason, before FROM operation_results WHERE operation_id = $1 AND target_id > $2 ORDER BY target_id LIMIT $3",
        &[id.into(), after.unwrap_or(i64::MIN).into(), limit.into()],
    )?;
    rows.iter()
        .map(|row| {
            let before = row.str(3)?;
            let before = if before.is_empty() { None } else { Some(serde_json::from_str(before).map_err(|_| row.inconsistent(3))?) };
            Ok(TargetResult { target_id: row.int(0)?, outcome: row.word(1)?, reason: row.text(2)?, before })
        })
        .collect()
}

//! Undo: an operation is reversed target by target, while its time lasts and where it is still true (E9). What cannot be
//! reversed any more says why, and the history shows both. An undo is an operation itself: it goes on after a crash.

use crate::app::{App, FlowError, Outcome};
use crate::bulk::{Answer, Asker};
use crate::verbs::{self, Means, Verb};
use crate::{approve, cancel, edit, hold, rearrange};
use serde_json::Value;
use wharf_domain::id::{OperationId, OrderId};
use wharf_store::operations::{self, TargetOutcome};
use wharf_store::{StoreError, Tx};

/// Verbs whose operations can be reversed.
pub const UNDOABLE: [&str; 11] =
    ["approve", "hold", "release", "assign", "note", "tag", "untag", "edit_address", "cancel", "merge", "split"];

/// An undo that has begun: it ends, whatever happens to the one who began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// The undo's own operation.
    pub operation: OperationId,
    /// How many orders it concerns.
    pub total: usize,
}

/// Takes the right to undo an operation, once, and begins. A job ends what the caller does not.
pub async fn begin(app: &App, asker: &Asker, id: OperationId) -> Result<Begun, FlowError> {
    let asker = asker.clone();
    app.store
        .write_again(move |tx| {
            let operation = operations::get(tx, id)?.ok_or_else(|| FlowError::NotFound(format!("operation {id}")))?;
            if !UNDOABLE.contains(&operation.kind.as_str()) {
                return Err(FlowError::refused("not_undoable"));
            }
            if operation.undone_at.is_some() {
                return Err(FlowError::refused("already_undone"));
            }
            if !operations::take_undo(tx, id)? {
                return Err(FlowError::refused("too_late"));
            }
            let targets: Vec<OrderId> = operations::done_targets(tx, id)?.into_iter().map(OrderId).collect();
            let verb = Verb::Undo { of: id, kind: operation.kind };
            let operation = verbs::begin(tx, &asker, &verb, &targets, verbs::GRACE)?;
            Ok(Begun { operation, total: targets.len() })
        })
        .await
}

/// Reverses an operation on orders and waits for it. A second call is refused: what was undone stays undone.
pub async fn undo(app: &App, asker: &Asker, id: OperationId) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let begun = begin(app, asker, id).await?;
    finish(app, begun).await
}

/// Ends an undo that has begun, and answers what came of it.
pub async fn finish(app: &App, begun: Begun) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    verbs::work(app, begun.operation).await?;
    app.store
        .read(move |tx| {
            let rows = operations::results(tx, begun.operation, None, i64::MAX)?;
            Ok::<_, StoreError>(
                rows.into_iter()
                    .map(|row| {
                        let outcome = match row.outcome {
                            TargetOutcome::Done => Outcome::Done,
                            TargetOutcome::Already => Outcome::Already,
                            TargetOutcome::Refused => Outcome::Refused(row.reason),
                        };
                        (OrderId(row.target_id), outcome)
                    })
                    .collect(),
            )
        })
        .await
        .map_err(FlowError::from)
}

pub(crate) fn undo_in(
    tx: &mut Tx<'_>,
    means: &Means,
    asker: &Asker,
    of: OperationId,
    kind: &str,
    ids: &[OrderId],
) -> Result<Vec<Answer>, FlowError> {
    let raw: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let mut befores = operations::befores(tx, of, &raw)?;
    let targets: Vec<(OrderId, Value)> = ids.iter().filter_map(|id| befores.remove(&id.0).map(|before| (*id, before))).collect();
    let outcomes = match kind {
        "approve" => approve::undo_approve(tx, asker, &targets)?,
        "assign" => approve::undo_assign(tx, asker, &targets)?,
        "hold" => hold::undo_hold(tx, asker, &targets)?,
        "release" => hold::undo_release(tx, asker, &targets)?,
        "note" => edit::undo_note(tx, means, asker, &targets)?,
        "edit_address" => edit::undo_edit_address(tx, asker, &targets)?,
        "tag" | "untag" => edit::undo_tags(tx, asker, &targets)?,
        "cancel" => cancel::undo_cancel(tx, asker, &targets)?,
        "merge" => rearrange::undo_merge(tx, means, asker, &targets)?,
        "split" => rearrange::undo_split(tx, means, asker, &targets)?,
        other => return Err(FlowError::Refused { reason: format!("not_undoable: {other}") }),
    };
    Ok(outcomes.into_iter().map(|(id, outcome)| Answer { id, outcome, before: None }).collect())
}

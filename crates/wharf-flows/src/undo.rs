//! Undo: an operation is reversed target by target, while its time lasts and where it is still true (E9). What cannot be
//! reversed any more says why, and the history shows both.

use crate::app::{App, FlowError, Outcome};
use crate::bulk::{Asker, done_targets};
use crate::{approve, edit, hold};
use serde_json::Value;
use wharf_domain::id::{OperationId, OrderId};
use wharf_store::Tx;
use wharf_store::operations;

/// Targets loaded and reversed at a time.
const CHUNK: usize = 200;

/// Reverses an operation on orders, in one unit of work: taken and half undone would be a state that nobody can leave. A
/// second call is refused: what was undone stays undone.
pub async fn undo(app: &App, asker: &Asker, id: OperationId) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let undo_note = edit::undo_note(app);
    let asker = asker.clone();
    app.store
        .write(move |tx| {
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
            let targets = done_targets(tx, id)?;
            let mut results = Vec::with_capacity(targets.len());
            for chunk in targets.chunks(CHUNK) {
                let some = match operation.kind.as_str() {
                    "note" => undo_note(tx, &asker, chunk)?,
                    kind => undo_chunk(tx, &asker, kind, chunk)?,
                };
                results.extend(some);
            }
            Ok(results)
        })
        .await
}

/// Verbs whose operations can be reversed here.
const UNDOABLE: [&str; 8] = ["approve", "hold", "release", "assign", "note", "tag", "untag", "edit_address"];

fn undo_chunk(tx: &mut Tx<'_>, asker: &Asker, kind: &str, targets: &[(OrderId, Value)]) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    match kind {
        "approve" => approve::undo_approve(tx, asker, targets),
        "assign" => approve::undo_assign(tx, asker, targets),
        "hold" => hold::undo_hold(tx, asker, targets),
        "release" => hold::undo_release(tx, asker, targets),
        "edit_address" => edit::undo_edit_address(tx, asker, targets),
        "tag" => edit::undo_tag(tx, asker, targets),
        "untag" => edit::undo_untag(tx, asker, targets),
        other => Err(FlowError::Refused { reason: format!("not_undoable: {other}") }),
    }
}

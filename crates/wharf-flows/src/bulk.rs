//! Bulk verbs: one answer for each id, in units of work of a few hundred; an operation remembers what undo puts back.
//! One refusal never undoes another; the same call again changes nothing (law 12).

use crate::app::{App, FlowError, Outcome};
use std::collections::{HashMap, HashSet};
use wharf_domain::access::Scope;
use wharf_domain::id::{OperationId, OrderId, UserId};
use wharf_domain::time::MINUTE;
use wharf_domain::timeline::Actor;
use wharf_store::Tx;
use wharf_store::operations::{self, OperationState, TargetOutcome, TargetResult};

/// Orders of one unit of work.
pub(crate) const CHUNK: usize = 200;
/// How long a bulk verb can be undone.
pub(crate) const UNDO_LIFE: i64 = 30 * MINUTE;

/// Who asks, and what they may see.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The person, or the house.
    pub actor: Actor,
    /// Shops and warehouses.
    pub scope: Scope,
}

impl Asker {
    /// A person or the house with a scope.
    pub fn new(actor: Actor, scope: Scope) -> Self {
        Asker { actor, scope }
    }

    pub(crate) fn user(&self) -> Option<UserId> {
        match &self.actor {
            Actor::User { id, .. } => Some(*id),
            Actor::Rule { .. } | Actor::Vendor { .. } | Actor::Job { .. } | Actor::Import { .. } => None,
        }
    }
}

/// What came of a bulk verb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulk {
    /// The operation, by which it is undone; `None` for a dry run, or when nothing was changed.
    pub operation_id: Option<OperationId>,
    /// An outcome for each id, in the order asked.
    pub results: Vec<(OrderId, Outcome)>,
}

/// An outcome with what undo puts back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) id: OrderId,
    pub(crate) outcome: Outcome,
    pub(crate) before: Option<serde_json::Value>,
}

impl Answer {
    pub(crate) fn done(id: OrderId, before: serde_json::Value) -> Self {
        Answer { id, outcome: Outcome::Done, before: Some(before) }
    }
    pub(crate) fn already(id: OrderId) -> Self {
        Answer { id, outcome: Outcome::Already, before: None }
    }
    pub(crate) fn refused(id: OrderId, reason: &str) -> Self {
        Answer { id, outcome: Outcome::refused(reason), before: None }
    }
}

/// Each id once, in the order of their first places.
pub(crate) fn distinct(ids: Vec<OrderId>) -> Vec<OrderId> {
    let mut seen = HashSet::new();
    ids.into_iter().filter(|id| seen.insert(*id)).collect()
}

/// Runs a verb over ids, a chunk a unit of work: its word, what its record shows, orders of a chunk. With `dry_run` every
/// chunk is undone again: only its answers are kept.
pub(crate) async fn run<F>(
    app: &App,
    asker: &Asker,
    (kind, request, size): (&'static str, serde_json::Value, usize),
    ids: Vec<OrderId>,
    dry_run: bool,
    verb: F,
) -> Result<Bulk, FlowError>
where
    F: Fn(&mut Tx<'_>, &Asker, usize, &[OrderId]) -> Result<Vec<Answer>, FlowError> + Clone + Send + Sync + 'static,
{
    let ids = distinct(ids);
    let mut outcomes: HashMap<OrderId, Outcome> = HashMap::with_capacity(ids.len());
    let mut operation = None;
    let chunks = ids.len().div_ceil(size);
    for (number, chunk) in ids.chunks(size).enumerate() {
        let (verb, asker, chunk, request, total) = (verb.clone(), asker.clone(), chunk.to_vec(), request.clone(), ids.len() as i64);
        let (first, last) = (number * size, number + 1 == chunks);
        let (made, answers) = app
            .store
            .write_again(move |tx| {
                if dry_run {
                    return Ok::<_, FlowError>((None, rehearse(tx, true, |tx| verb(tx, &asker, first, &chunk))?));
                }
                let answers = verb(tx, &asker, first, &chunk)?;
                let made = match operation {
                    Some(id) => id,
                    None => {
                        let until = crate::undo::UNDOABLE.contains(&kind).then(|| tx.now().plus(UNDO_LIFE));
                        operations::create(tx, kind, asker.user(), &request, total, until)?
                    }
                };
                operations::record(tx, made, &answers.iter().map(result).collect::<Vec<_>>())?;
                if last {
                    operations::end(tx, made, OperationState::Done)?;
                }
                Ok((Some(made), answers))
            })
            .await?;
        operation = made;
        outcomes.extend(answers.into_iter().map(|answer| (answer.id, answer.outcome)));
    }
    let results = ids.into_iter().map(|id| (id, outcomes.remove(&id).unwrap_or_else(|| Outcome::refused("not_found")))).collect();
    Ok(Bulk { operation_id: operation, results })
}

/// Runs `work`; a dry run undoes it and keeps only its answer.
pub(crate) fn rehearse<T>(tx: &mut Tx<'_>, dry_run: bool, work: impl FnOnce(&mut Tx<'_>) -> Result<T, FlowError>) -> Result<T, FlowError> {
    if !dry_run {
        return work(tx);
    }
    let mut answer = None;
    let undone: Result<(), FlowError> = tx.attempt(|tx| {
        answer = Some(work(tx)?);
        Err(FlowError::refused("dry_run"))
    });
    match (answer, undone) {
        (Some(answer), _) => Ok(answer),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(FlowError::refused("dry_run")),
    }
}

pub(crate) fn result(answer: &Answer) -> TargetResult {
    let (outcome, reason) = match &answer.outcome {
        Outcome::Done => (TargetOutcome::Done, String::new()),
        Outcome::Already => (TargetOutcome::Already, String::new()),
        Outcome::Refused(reason) => (TargetOutcome::Refused, reason.clone()),
    };
    TargetResult { target_id: answer.id.0, outcome, reason, before: answer.before.clone() }
}

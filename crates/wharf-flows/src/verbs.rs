//! The verbs that act on many orders, as one list: what each is called, what it does within a unit of work, whether it can
//! be taken back. A few hundred orders are done while the caller waits; more become an operation that a job works on a
//! slice at a time, that survives a crash, and whose tally is exact.

use crate::app::{App, FlowError, Outcome};
use crate::bulk::{self, Answer, Asker, Bulk, CHUNK, UNDO_LIFE};
use crate::cancel::{self, CancelOrder};
use crate::edit::{self, AddressEdit, NoteEdit};
use crate::jobs::Job;
use crate::jobs::run_operation::RunOperation;
use crate::rearrange::{self, SplitLine};
use crate::route::{self, Routing};
use crate::{approve, confirm, hold, undo};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashSet;
use wharf_connect::Vendor;
use wharf_domain::access::Scope;
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{OperationId, OrderId, UserId};
use wharf_domain::time::MINUTE;
use wharf_domain::timeline::Actor;
use wharf_store::operations::{self, OperationState};
use wharf_store::{Tx, jobs};

/// What is done to orders. No `Debug`: an address edit holds personal data.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "verb", content = "how", rename_all = "snake_case")]
pub enum Verb {
    /// Lets them go on.
    Approve,
    /// Holds them.
    Hold {
        /// For who looks at them next.
        note: String,
    },
    /// Releases holds.
    Release {
        /// Only these; `None`: all.
        reason: Option<HoldReason>,
    },
    /// Gives them to a person, or to nobody.
    Assign {
        /// To whom.
        to: Option<UserId>,
    },
    /// Shares them among people, evenly in the order given.
    Share {
        /// Whom.
        among: Vec<UserId>,
    },
    /// Corrects where they go.
    EditAddress(AddressEdit),
    /// Writes the seller's note and flag.
    Note(NoteEdit),
    /// Puts tags on and takes tags off.
    Tag {
        /// On.
        add: Vec<String>,
        /// Off.
        remove: Vec<String>,
    },
    /// Chooses warehouses and carriers and reserves stock now.
    Route(Routing),
    /// Takes the routing back.
    Unroute,
    /// Tells the marketplace again after a refusal.
    Confirm,
    /// Calls them off.
    Cancel(CancelOrder),
    /// Puts their parcels together where they go to one recipient.
    Merge,
    /// Sends some of one order's units in a parcel of their own.
    Split {
        /// Which.
        lines: Vec<SplitLine>,
    },
    /// Takes an operation back.
    Undo {
        /// Which.
        of: OperationId,
        /// Its verb.
        kind: String,
    },
}

impl Verb {
    /// Its word: what operations and timelines of operations are called.
    pub fn kind(&self) -> &'static str {
        match self {
            Verb::Approve => "approve",
            Verb::Hold { .. } => "hold",
            Verb::Release { .. } => "release",
            Verb::Assign { .. } | Verb::Share { .. } => "assign",
            Verb::EditAddress(_) => "edit_address",
            Verb::Note(_) => "note",
            Verb::Tag { .. } => "tag",
            Verb::Route(_) => "route",
            Verb::Unroute => "unroute",
            Verb::Confirm => "confirm",
            Verb::Cancel(_) => "cancel",
            Verb::Merge => "merge",
            Verb::Split { .. } => "split",
            Verb::Undo { .. } => "undo",
        }
    }

    /// What an operation's record shows of it: never personal data.
    fn shown(&self) -> Value {
        match self {
            Verb::Release { reason } => json!({ "reason": reason }),
            Verb::Assign { to } => json!({ "to": to }),
            Verb::Share { among } => json!({ "among": among }),
            Verb::Note(edit) => json!({ "flag": edit.flag }),
            Verb::Tag { add, remove } => json!({ "add": add, "remove": remove }),
            Verb::Cancel(what) => json!({ "reason": what.reason, "source": what.source }),
            Verb::Route(routing) => json!({ "warehouse": routing.options.warehouse, "carrier": routing.carrier }),
            Verb::Undo { of, kind } => json!({ "of": of, "kind": kind }),
            Verb::Approve | Verb::Hold { .. } | Verb::EditAddress(_) | Verb::Unroute | Verb::Confirm | Verb::Merge | Verb::Split { .. } => {
                json!({})
            }
        }
    }

    /// True when what it says can be at all.
    fn check(&self) -> Result<(), FlowError> {
        match self {
            Verb::Hold { note } if note.chars().count() > 500 => Err(FlowError::invalid("note", "at most 500 characters")),
            Verb::Share { among } if among.is_empty() => Err(FlowError::invalid("among", "at least one person")),
            Verb::EditAddress(edit) => edit.check(),
            Verb::Note(edit) => edit.check(),
            Verb::Tag { add, remove } => edit::check_tags(add, remove),
            Verb::Cancel(what) => what.check(),
            Verb::Split { lines } => rearrange::check_split(lines),
            Verb::Approve
            | Verb::Hold { .. }
            | Verb::Release { .. }
            | Verb::Assign { .. }
            | Verb::Share { .. }
            | Verb::Route(_)
            | Verb::Unroute
            | Verb::Confirm
            | Verb::Merge
            | Verb::Undo { .. } => Ok(()),
        }
    }

    /// Orders of one unit of work. Merging looks at all of them at once.
    pub(crate) fn chunk(&self) -> usize {
        match self {
            Verb::Merge => MOST_MERGED,
            _ => CHUNK,
        }
    }
}

/// The most orders of one merge.
pub const MOST_MERGED: usize = 1_000;

/// What verbs need beside the database.
#[derive(Clone)]
pub(crate) struct Means {
    pub(crate) vendors: Vec<&'static dyn Vendor>,
}

impl Means {
    pub(crate) fn of(app: &App) -> Self {
        Means { vendors: app.vendors.clone() }
    }
}

/// Does a verb now, a chunk a unit of work. With `dry_run` everything is undone again: only the answers are kept.
pub async fn run(app: &App, asker: &Asker, verb: Verb, ids: Vec<OrderId>, dry_run: bool) -> Result<Bulk, FlowError> {
    verb.check()?;
    if matches!(verb, Verb::Merge) && ids.len() > MOST_MERGED {
        return Err(FlowError::invalid("ids", format!("at most {MOST_MERGED} orders are merged at once")));
    }
    let (means, kind, shown, chunk) = (Means::of(app), verb.kind(), verb.shown(), verb.chunk());
    bulk::run(app, asker, (kind, shown, chunk), ids, dry_run, move |tx, asker, first, ids| apply(tx, &means, asker, &verb, first, ids))
        .await
}

/// Does a verb to some orders within a unit of work; an answer for each of them. `first` is the place of the first one among
/// all that are meant.
pub(crate) fn apply(
    tx: &mut Tx<'_>,
    means: &Means,
    asker: &Asker,
    verb: &Verb,
    first: usize,
    ids: &[OrderId],
) -> Result<Vec<Answer>, FlowError> {
    let mut answers = match verb {
        Verb::Approve => approve::approve_in(tx, asker, ids)?,
        Verb::Hold { note } => hold::hold_in(tx, asker, ids, note)?,
        Verb::Release { reason } => hold::release_in(tx, asker, ids, *reason)?,
        Verb::Assign { to } => approve::assign_in(tx, asker, ids, *to)?,
        Verb::Share { among } => approve::share_in(tx, asker, first, ids, among)?,
        Verb::EditAddress(edit) => edit::edit_address_in(tx, asker, ids, edit)?,
        Verb::Note(edit) => edit::note_in(tx, means, asker, ids, edit)?,
        Verb::Tag { add, remove } => edit::tags_in(tx, asker, ids, add, remove)?,
        Verb::Route(routing) => seen(tx, asker, ids, |tx, ids| route::route_verb(tx, &means.vendors, &asker.actor, ids, routing))?,
        Verb::Unroute => seen(tx, asker, ids, |tx, ids| Ok(route::unroute_in(tx, &asker.actor, ids)?))?,
        Verb::Confirm => seen(tx, asker, ids, |tx, ids| Ok(confirm::retry_in(tx, &asker.actor, ids)?))?,
        Verb::Cancel(what) => cancel::cancel_in(tx, means, asker, ids, what)?,
        Verb::Merge => rearrange::merge_in(tx, means, asker, ids)?,
        Verb::Split { lines } => rearrange::split_in(tx, means, asker, ids, lines)?,
        Verb::Undo { of, kind } => undo::undo_in(tx, means, asker, *of, kind, ids)?,
    };
    let answered: HashSet<OrderId> = answers.iter().map(|answer| answer.id).collect();
    answers.extend(ids.iter().filter(|id| !answered.contains(id)).map(|id| Answer::refused(*id, "not_found")));
    Ok(answers)
}

/// For verbs that answer with outcomes alone and know nothing of scopes.
fn seen(
    tx: &mut Tx<'_>,
    asker: &Asker,
    ids: &[OrderId],
    verb: impl FnOnce(&mut Tx<'_>, &[OrderId]) -> Result<Vec<(OrderId, Outcome)>, FlowError>,
) -> Result<Vec<Answer>, FlowError> {
    let visible: HashSet<OrderId> = wharf_store::orders::orders(tx, &asker.scope, ids)?.into_iter().map(|order| order.id).collect();
    let visible: Vec<OrderId> = ids.iter().copied().filter(|id| visible.contains(id)).collect();
    let outcomes = verb(tx, &visible)?;
    Ok(outcomes
        .into_iter()
        .map(|(id, outcome)| Answer { id, before: matches!(outcome, Outcome::Done).then(|| json!({})), outcome })
        .collect())
}

/// What a long operation is to do, as it is kept: sealed, because an address edit holds personal data.
#[derive(Serialize, Deserialize)]
struct Spec {
    verb: Verb,
    actor: Actor,
    scope: Scope,
}

/// Makes a long operation of a verb: a job works on it.
pub async fn later(app: &App, asker: &Asker, verb: Verb, ids: Vec<OrderId>) -> Result<OperationId, FlowError> {
    verb.check()?;
    let (asker, ids) = (asker.clone(), bulk::distinct(ids));
    app.store.write_again(move |tx| begin(tx, &asker, &verb, &ids, 0)).await
}

/// As [`later`], within a unit of work; the job starts after a pause.
pub(crate) fn begin(tx: &mut Tx<'_>, asker: &Asker, verb: &Verb, ids: &[OrderId], pause: i64) -> Result<OperationId, FlowError> {
    let spec = Spec { verb: verb.clone(), actor: asker.actor.clone(), scope: asker.scope.clone() };
    let sealed: String = tx.keys().seal_json(&spec).iter().map(|byte| format!("{byte:02x}")).collect();
    let targets: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let mut request = verb.shown();
    request["sealed"] = json!(sealed);
    let id = operations::create_long(tx, verb.kind(), asker.user(), &request, &targets)?;
    let at = tx.now().plus(pause);
    jobs::enqueue(tx, &[RunOperation { operation: id }.new_job_at(at)])?;
    Ok(id)
}

/// How long the job of an operation leaves it to the one who began it.
pub(crate) const GRACE: i64 = MINUTE;

/// Works on an operation until it ends. Whoever else works on it meanwhile takes other slices.
pub async fn work(app: &App, id: OperationId) -> Result<(), FlowError> {
    loop {
        let means = Means::of(app);
        match app.store.write_again(move |tx| slice(tx, &means, id)).await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error @ FlowError::Store(_)) => return Err(error),
            // The request itself cannot be: what is done stays done, and the operation says that it stopped.
            Err(error) => {
                tracing::warn!(%error, operation = %id, "an operation stopped before its end");
                return app
                    .store
                    .write(move |tx| operations::end_long(tx, id, OperationState::Failed, None).map_err(FlowError::from))
                    .await;
            }
        }
    }
}

/// One slice and its results, or the end. `false`: there is no more.
fn slice(tx: &mut Tx<'_>, means: &Means, id: OperationId) -> Result<bool, FlowError> {
    let Some(operation) = operations::get(tx, id)? else { return Ok(false) };
    if operation.operation_state != OperationState::Running {
        return Ok(false);
    }
    let spec = opened(tx, &operation.request)?;
    let Some((first, targets)) = operations::next_slice(tx, id, spec.verb.chunk() as i64)? else { return Ok(false) };
    if targets.is_empty() {
        let until = undo::UNDOABLE.contains(&operation.kind.as_str()).then(|| tx.now().plus(UNDO_LIFE));
        operations::end_long(tx, id, OperationState::Done, until)?;
        return Ok(false);
    }
    let ids: Vec<OrderId> = targets.into_iter().map(OrderId).collect();
    let asker = Asker::new(spec.actor, spec.scope);
    let answers = apply(tx, means, &asker, &spec.verb, usize::try_from(first).unwrap_or(0), &ids)?;
    operations::record(tx, id, &answers.iter().map(bulk::result).collect::<Vec<_>>())?;
    Ok(true)
}

fn opened(tx: &mut Tx<'_>, request: &Value) -> Result<Spec, FlowError> {
    let text = request["sealed"].as_str().unwrap_or_default();
    let sealed: Vec<u8> = (0..text.len() / 2).filter_map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()).collect();
    Ok(tx.keys().open_json(&sealed)?)
}

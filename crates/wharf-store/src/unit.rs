//! Units of work on their way to a database thread, and their answers on the way back.

use crate::House;
use crate::error::StoreError;
use crate::tx::{Line, Tx};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use wharf_domain::id::IdSource;

/// Answers the caller, once it is known whether the commit happened.
pub(crate) type Finish = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// Runs a closure in a transaction, or hears that there is none. True = keep what it did.
pub(crate) type Body = Box<dyn for<'tx, 'a> FnOnce(Result<&'tx mut Tx<'a>, StoreError>) -> (bool, Finish) + Send>;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// True on a thread that is just now running a unit of work: no call to the world may start here.
pub fn in_unit_of_work() -> bool {
    INSIDE.with(Cell::get)
}

/// One closure that waits for a database thread.
pub(crate) struct Unit {
    pub(crate) read: bool,
    pub(crate) body: Body,
}

/// What came of a unit of work, before the commit.
pub(crate) struct Ran {
    /// The closure succeeded and may be committed.
    pub(crate) keep: bool,
    /// Answers the caller.
    pub(crate) finish: Finish,
    /// Topics to announce after the commit.
    pub(crate) notices: BTreeSet<String>,
    /// Rows it wrote.
    pub(crate) rows: u64,
    /// Why a statement of it failed.
    pub(crate) doomed: Option<StoreError>,
}

impl Unit {
    pub(crate) fn run(self, line: Line<'_>, house: &House, ids: &IdSource) -> Ran {
        let mut tx = Tx {
            line,
            now: house.clock.now(),
            ids,
            keys: &house.keys,
            counters: &house.counters,
            notices: BTreeSet::new(),
            doomed: None,
            depth: 0,
            rows: 0,
        };
        INSIDE.with(|inside| inside.set(true));
        // The body catches panics of the closure, so the mark is always taken away again.
        let (keep, finish) = (self.body)(Ok(&mut tx));
        INSIDE.with(|inside| inside.set(false));
        house.counters.unit();
        let keep = keep && !self.read && tx.doomed.is_none();
        Ran { keep, finish, notices: tx.notices, rows: tx.rows, doomed: tx.doomed }
    }

    /// Answers without having run.
    pub(crate) fn refuse(self, error: StoreError) {
        let (_, finish) = (self.body)(Err(error));
        finish(Ok(()));
    }
}

/// The sending end: where units of work are put.
#[derive(Clone)]
pub(crate) struct Queue(SyncSender<Unit>);

/// The receiving end, shared by the threads that serve it.
#[derive(Clone)]
pub(crate) struct Waiting(Arc<Mutex<Receiver<Unit>>>);

impl Queue {
    pub(crate) fn new(room: usize) -> (Queue, Waiting) {
        let (send, receive) = sync_channel(room.max(1));
        (Queue(send), Waiting(Arc::new(Mutex::new(receive))))
    }

    /// Puts a unit in, or answers it at once when there is no room or nobody serves the queue any more.
    pub(crate) fn put(&self, unit: Unit) {
        match self.0.try_send(unit) {
            Ok(()) => {}
            Err(TrySendError::Full(unit)) => unit.refuse(StoreError::Busy),
            Err(TrySendError::Disconnected(unit)) => unit.refuse(StoreError::Unavailable),
        }
    }
}

impl Waiting {
    /// The next unit; waits for one. `None` when the store is gone.
    pub(crate) fn next(&self) -> Option<Unit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }

    /// The next unit, if one waits already.
    pub(crate) fn next_now(&self) -> Option<Unit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).try_recv().ok()
    }
}

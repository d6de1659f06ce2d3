//! The store itself: where closures come in and answers go out.

use crate::error::StoreError;
use crate::nodes::Nodes;
use crate::seal::Keys;
use crate::tx::{Line, Tx};
use crate::unit::{Finish, Queue, Unit};
use crate::{dialect::Engine, postgres, settings, sqlite};
use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{broadcast, oneshot};
use wharf_domain::id::IdSource;
use wharf_domain::time::Timestamp;

/// Where the time comes from. The real one is made at the edge; tests move theirs by hand.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// What a store is opened with.
#[derive(Clone)]
pub struct StoreOptions {
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// What seals personal data and secrets.
    pub keys: Keys,
    /// Connections that read.
    pub readers: usize,
    /// PostgreSQL: connections that write. SQLite has one writer.
    pub connections: usize,
    /// Units of work that may wait; the next one is `Busy`.
    pub queue: usize,
}

impl StoreOptions {
    /// The usual sizes.
    pub fn new(clock: Arc<dyn Clock>, keys: Keys) -> Self {
        StoreOptions { clock, keys, readers: 4, connections: 8, queue: 20_000 }
    }
}

/// What has been done since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Statements of units of work, transaction control left out.
    pub statements: u64,
    /// Rows inserted, updated or deleted.
    pub row_writes: u64,
    /// Units of work, reads included.
    pub units: u64,
    /// Commits.
    pub commits: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    statements: AtomicU64,
    row_writes: AtomicU64,
    units: AtomicU64,
    commits: AtomicU64,
    /// Statements until one fails on purpose; 0 = none does.
    fault: AtomicU64,
}

impl Counters {
    /// True for the one statement that a test asked to fail.
    pub(crate) fn fails_now(&self) -> bool {
        self.fault.load(Ordering::Relaxed) > 0 && self.fault.fetch_sub(1, Ordering::Relaxed) == 1
    }
    pub(crate) fn statement(&self, rows: u64) {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.row_writes.fetch_add(rows, Ordering::Relaxed);
    }
    pub(crate) fn unit(&self) {
        self.units.fetch_add(1, Ordering::Relaxed);
    }
    pub(crate) fn commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }
}

/// What all threads of a store share.
pub(crate) struct House {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keys: Keys,
    pub(crate) counters: Counters,
    nodes: Nodes,
    heard: broadcast::Sender<String>,
}

impl House {
    /// The source of ids, its node number leased. `transact` runs the given work in a transaction.
    pub(crate) fn ids(
        &self,
        transact: impl FnOnce(&mut dyn FnMut(&mut Line<'_>) -> Result<i64, StoreError>) -> Result<i64, StoreError>,
    ) -> Result<Arc<IdSource>, StoreError> {
        self.nodes.ids(self.clock.now(), transact)
    }

    /// The source of ids for units of work that store none.
    pub(crate) fn spare_ids(&self) -> Arc<IdSource> {
        self.nodes.spare()
    }

    /// Tells those of this process.
    pub(crate) fn notify(&self, topics: BTreeSet<String>) {
        self.hear(topics.into_iter());
    }

    /// Tells those of this process what any process announced.
    pub(crate) fn hear(&self, topics: impl Iterator<Item = String>) {
        for topic in topics {
            // Nobody listening is fine.
            let _ = self.heard.send(topic);
        }
    }
}

struct Inner {
    engine: Engine,
    url: String,
    writes: Queue,
    reads: Queue,
    house: Arc<House>,
    listening: AtomicBool,
}

/// The database. Cheap to clone; the last clone closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

type Answer<T, E> = (Result<Result<T, E>, Box<dyn Any + Send>>, Option<StoreError>);

impl Store {
    /// Opens `sqlite:PATH`, `sqlite::memory:` or `postgres://…`, brings its tables up to date, and checks that the keys
    /// belong to it. Blocks while it does.
    pub fn open(url: &str, options: StoreOptions) -> Result<Store, StoreError> {
        let house = Arc::new(House {
            clock: Arc::clone(&options.clock),
            keys: options.keys.clone(),
            counters: Counters::default(),
            nodes: Nodes::new(crate::seal::random_hex()),
            heard: broadcast::channel(1024).0,
        });
        let (engine, (writes, reads)) = if let Some(rest) = url.strip_prefix("sqlite:") {
            (Engine::Sqlite, sqlite::start(&sqlite::place(rest), &options, &house)?)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            (Engine::Postgres, postgres::start(url, &options, &house)?)
        } else {
            return Err(StoreError::Database("a database is sqlite:PATH, sqlite::memory: or postgres://…".to_owned()));
        };
        let store =
            Store { inner: Arc::new(Inner { engine, url: url.to_owned(), writes, reads, house, listening: AtomicBool::new(false) }) };
        store.write_now(settings::check_keys)?;
        Ok(store)
    }

    /// Which engine answers.
    pub fn engine(&self) -> Engine {
        self.inner.engine
    }

    /// The time, as units of work see it.
    pub fn now(&self) -> Timestamp {
        self.inner.house.clock.now()
    }

    /// The keys this database is sealed with.
    pub fn keys(&self) -> &Keys {
        &self.inner.house.keys
    }

    /// For tests that break every step: the `statement`-th statement from now on fails, once. 0 takes it back; the answer says
    /// how many were still to come.
    #[doc(hidden)]
    pub fn fail_at(&self, statement: u64) -> u64 {
        self.inner.house.counters.fault.swap(statement, Ordering::SeqCst)
    }

    /// What has been done so far.
    pub fn counted(&self) -> Counted {
        let counters = &self.inner.house.counters;
        Counted {
            statements: counters.statements.load(Ordering::Relaxed),
            row_writes: counters.row_writes.load(Ordering::Relaxed),
            units: counters.units.load(Ordering::Relaxed),
            commits: counters.commits.load(Ordering::Relaxed),
        }
    }

    /// Runs `work` as one unit of work: all of it is committed, durably, before the answer, or none of it happened.
    ///
    /// The closure runs on a database thread and must not wait for anything but the database. It runs to its end also
    /// when the caller stops waiting. A panic in it undoes it and goes on in the caller. `Busy` (PostgreSQL: deadlock,
    /// lock timeout) may be repeated by the caller: see [`Store::write_again`].
    pub async fn write<T, E>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        unwind(self.submit(false, work).await.0)
    }

    /// As [`Store::write`], repeated a few times when the engine says that others were in the way (`Busy`).
    pub async fn write_again<T, E>(&self, work: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + Sync + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let work = Arc::new(work);
        let mut pause = Duration::from_millis(2);
        loop {
            let again = Arc::clone(&work);
            let (answer, trouble) = self.submit(false, move |tx| again(tx)).await;
            if trouble != Some(StoreError::Busy) || pause > Duration::from_millis(300) {
                return unwind(answer);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    /// Runs `work` on one consistent state of the database. What it writes is undone or refused.
    pub async fn read<T, E>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        unwind(self.submit(true, work).await.0)
    }

    /// As [`Store::write`] for callers outside of any event loop (command line, start-up): blocks the thread.
    pub fn write_now<T, E>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let answer = self.put(
            false,
            work,
            |answer: Answer<T, E>, send: std::sync::mpsc::Sender<Answer<T, E>>| drop(send.send(answer)),
            std::sync::mpsc::channel(),
        );
        match answer.recv() {
            Ok(answer) => unwind(answer.0),
            Err(_) => Err(E::from(StoreError::Unavailable)),
        }
    }

    async fn submit<T, E>(&self, read: bool, work: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Answer<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        // A receiver that is gone has stopped waiting; the work is done all the same.
        let answer = self.put(read, work, |answer, send: oneshot::Sender<Answer<T, E>>| drop(send.send(answer)), oneshot::channel());
        answer.await.unwrap_or_else(|_| (Ok(Err(E::from(StoreError::Unavailable))), Some(StoreError::Unavailable)))
    }

    fn put<T, E, S, R>(
        &self,
        read: bool,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        send: impl FnOnce(Answer<T, E>, S) + Send + 'static,
        (sender, receiver): (S, R),
    ) -> R
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        S: Send + 'static,
    {
        let body = Box::new(move |tx: Result<&mut Tx<'_>, StoreError>| {
            let tx = match tx {
                Ok(tx) => tx,
                Err(error) => {
                    let finish: Finish = Box::new(move |_| send((Ok(Err(E::from(error.clone()))), Some(error)), sender));
                    return (false, finish);
                }
            };
            let result = catch_unwind(AssertUnwindSafe(|| work(tx)));
            let doomed = tx.doomed.clone();
            let keep = matches!(result, Ok(Ok(_))) && doomed.is_none();
            let finish: Finish = Box::new(move |committed| {
                let answer = match (result, doomed, committed) {
                    // A closure that swallowed a failed statement has not done what it says.
                    (Ok(Ok(_)), Some(error), _) | (Ok(Ok(_)), None, Err(error)) => (Ok(Err(E::from(error.clone()))), Some(error)),
                    (result, doomed, _) => (result, doomed),
                };
                send(answer, sender);
            });
            (keep, finish)
        });
        let queue = if read { &self.inner.reads } else { &self.inner.writes };
        queue.put(Unit { read, body });
        receiver
    }

    /// Hears the topics that units of work announce, of this process and (PostgreSQL) of all others. An own topic may be
    /// heard twice. A listener that is slow misses some and learns that it did.
    pub fn watch(&self) -> broadcast::Receiver<String> {
        let receiver = self.inner.house.heard.subscribe();
        if self.inner.engine == Engine::Postgres
            && !self.inner.listening.swap(true, Ordering::SeqCst)
            && let Err(error) = postgres::listen(&self.inner.url, &self.inner.house)
        {
            tracing::error!(%error, "cannot listen to other processes");
        }
        receiver
    }
}

impl Drop for Inner {
    /// Gives the node number back, as far as the process lives long enough.
    fn drop(&mut self) {
        if let Some((node, holder)) = self.house.nodes.release() {
            let body = Box::new(move |tx: Result<&mut Tx<'_>, StoreError>| {
                let freed = tx.and_then(|tx| {
                    let ended = tx.now();
                    tx.execute(
                        "UPDATE nodes SET lease_until = $3 WHERE node = $1 AND holder = $2",
                        &[node.into(), holder.into(), ended.into()],
                    )
                });
                let finish: Finish = Box::new(|_| ());
                (freed.is_ok(), finish)
            });
            self.writes.put(Unit { read: false, body });
        }
    }
}

fn unwind<T, E>(answer: Result<Result<T, E>, Box<dyn Any + Send>>) -> Result<T, E> {
    answer.unwrap_or_else(|panic| resume_unwind(panic))
}

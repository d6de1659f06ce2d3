//! Test beds: one test body, run on every engine.

use crate::{Clock, Keys, Store, StoreOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use wharf_domain::time::Timestamp;

/// A clock that a test moves by hand.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at 2026-11-21T00:00:00Z.
    pub fn new() -> Arc<Self> {
        Arc::new(ManualClock(AtomicI64::new(1_795_219_200_000_000)))
    }

    /// Moves it.
    pub fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// Sets it.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// What a test gets: a fresh, migrated database, its clock, and its URL for a second process.
#[derive(Clone)]
pub struct Bed {
    /// The database.
    pub store: Store,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// How it was opened.
    pub url: String,
    /// The same keys again.
    pub keys: Keys,
}

/// A fresh bed on a database URL.
pub fn bed(url: &str) -> Bed {
    let clock = ManualClock::new();
    let keys = Keys::parse(&"42".repeat(32)).expect("test keys");
    let store = Store::open(url, StoreOptions::new(clock.clone(), keys.clone())).expect("the store opens");
    Bed { store, clock, url: url.to_owned(), keys }
}

/// Runs a test on SQLite in memory and in a file, and on PostgreSQL.
pub fn both_engines<F: Future<Output = ()>>(test: impl Fn(Store) -> F) {
    both_engines_with(|bed| test(bed.store));
}

/// As [`both_engines`], with the clock and the URL.
pub fn both_engines_with<F: Future<Output = ()>>(test: impl Fn(Bed) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(test(bed("sqlite::memory:")));
}

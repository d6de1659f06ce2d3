//! `App`: the store, the way out, the vendors, the clock. Built once, passed down. Also the errors of flows and the
//! outcome of one target of a bulk verb.

use crate::gather::{Gather, Single, Stored};
use crate::pace::{Paced, Pacer};
use async_trait::async_trait;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use std::sync::{Arc, Mutex, PoisonError};
use wharf_connect::http::TransportError;
use wharf_connect::{Call, ConnectError, Credentials, Http, HttpRequest, HttpResponse, Settings, Vendor};
use wharf_domain::time::Timestamp;
use wharf_store::{Clock, SealError, Store, StoreError};

/// Why a flow did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A marketplace or a carrier.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// There is no such thing, or the asker may not see it. What was looked for.
    #[error("{0} not found")]
    NotFound(String),
    /// It may not be done now; the reason is a stable word.
    #[error("refused: {reason}")]
    Refused {
        /// A word that the screens translate.
        reason: String,
    },
    /// The input cannot be right.
    #[error("{field}: {why}")]
    Invalid {
        /// Which input.
        field: String,
        /// What is wrong with it.
        why: String,
    },
}

impl From<SealError> for FlowError {
    fn from(error: SealError) -> Self {
        FlowError::Store(StoreError::Database(error.to_string()))
    }
}

impl FlowError {
    /// Refused for a reason.
    pub fn refused(reason: impl Into<String>) -> Self {
        FlowError::Refused { reason: reason.into() }
    }
    /// A bad input field.
    pub fn invalid(field: impl Into<String>, why: impl Into<String>) -> Self {
        FlowError::Invalid { field: field.into(), why: why.into() }
    }
}

/// What came of one target of a bulk verb. One refusal never undoes another; the same call again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Changed as asked.
    Done,
    /// It was so already.
    Already,
    /// It may not be: a word that the screens translate.
    Refused(String),
}

impl Outcome {
    /// Refused for a reason.
    pub fn refused(reason: impl Into<String>) -> Self {
        Outcome::Refused(reason.into())
    }
}

/// Everything that flows work with.
pub struct App {
    /// The database.
    pub store: Store,
    /// The way out. It refuses to be used from within a unit of work.
    pub http: Arc<dyn Http>,
    /// Marketplaces and carriers.
    pub vendors: Vec<&'static dyn Vendor>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    chance: Mutex<StdRng>,
    pacer: Arc<Pacer>,
    pub(crate) singles: Arc<Gather<Single, Result<Stored, FlowError>>>,
}

impl App {
    /// Puts it together. `seed` starts the randomness of nonces and backoff: the same seed gives the same.
    pub fn new(store: Store, http: Arc<dyn Http>, vendors: Vec<&'static dyn Vendor>, clock: Arc<dyn Clock>, seed: u64) -> Self {
        let http: Arc<dyn Http> = Arc::new(OutsideOfWork(http));
        let pacer = Arc::new(Pacer::new(store.clone(), Arc::clone(&clock)));
        App { store, http, vendors, clock, chance: Mutex::new(StdRng::seed_from_u64(seed)), pacer, singles: Arc::default() }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The vendor of a word.
    pub fn vendor(&self, id: &str) -> Result<&'static dyn Vendor, FlowError> {
        let found = self.vendors.iter().find(|vendor| vendor.manifest().id == id);
        found.copied().ok_or_else(|| FlowError::NotFound(format!("vendor {id}")))
    }

    /// Fresh randomness for a protocol: 32 hexadecimal digits.
    pub fn nonce(&self) -> String {
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{:016x}{:016x}", chance.next_u64(), chance.next_u64())
    }

    /// A number from 0 to 1, for jitter.
    pub fn chance(&self) -> f64 {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).random()
    }

    /// Everything one operation with a vendor needs, at the pace that all processes share for `lane` and `key` (the shop or
    /// the carrier account). Make one for each operation: `let calling = app.calling(…); channel.pull_orders(&calling.call(), …)`.
    pub fn calling(&self, lane: &'static str, key: i64, vendor: &dyn Vendor, credentials: Credentials, settings: Settings) -> Calling {
        let http = Paced::new(Arc::clone(&self.http), Arc::clone(&self.pacer), lane, key, vendor.manifest().pace);
        Calling { http, now: self.now(), nonce: self.nonce(), credentials, settings }
    }
}

/// One operation with a vendor: what its [`Call`] borrows. No `Debug`: it holds credentials.
pub struct Calling {
    http: Paced,
    now: Timestamp,
    nonce: String,
    credentials: Credentials,
    settings: Settings,
}

impl Calling {
    /// What the connector is handed.
    pub fn call(&self) -> Call<'_> {
        Call { http: &self.http, now: self.now, nonce: &self.nonce, credentials: &self.credentials, settings: &self.settings }
    }
}

/// Law 7: no call to the world inside a transaction. Such a call is a fault of the program: it panics in debug builds and is
/// refused in others.
struct OutsideOfWork(Arc<dyn Http>);

#[async_trait]
impl Http for OutsideOfWork {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        if wharf_store::in_unit_of_work() {
            tracing::error!("an HTTP call was tried inside a unit of work");
            debug_assert!(false, "an HTTP call inside a unit of work");
            return Err(TransportError::NotSent("a unit of work may not call the world".to_owned()));
        }
        self.0.send(request).await
    }
}

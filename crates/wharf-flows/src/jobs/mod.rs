//! Jobs: thin shells around flows, one file each, registered in one line of [`all`]. A payload holds ids only, and old
//! payloads stay readable.

pub mod book_shipment;
pub mod check_completeness;
pub mod confirm_shipment;
pub mod erase_personal;
pub mod housekeeping;
pub mod pull_orders;
pub mod resolve_doubt;
pub mod route_orders;
pub mod run_operation;
pub mod submit_cancellation;
pub mod sweep;
pub mod track_shipments;
pub mod void_waybill;
pub mod write_note;

use crate::app::{App, FlowError};
use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use wharf_domain::id::{JobId, ShopId};
use wharf_domain::time::{HOUR, MINUTE, SECOND, Timestamp};
use wharf_store::jobs::NewJob;
use wharf_store::{StoreError, Tx};

/// All jobs of Wharf: one line each.
pub fn all() -> Registry {
    Registry::default()
        .with::<housekeeping::Housekeeping>()
        .with::<route_orders::RouteOrders>()
        .with::<book_shipment::BookShipment>()
        .with::<resolve_doubt::ResolveDoubt>()
        .with::<void_waybill::VoidWaybill>()
        .with::<confirm_shipment::ConfirmShipment>()
        .with::<track_shipments::TrackShipments>()
        .with::<sweep::Sweep>()
        .with::<pull_orders::PullOrders>()
        .with::<check_completeness::CheckCompleteness>()
        .with::<write_note::WriteNote>()
        .with::<submit_cancellation::SubmitCancellation>()
        .with::<run_operation::RunOperation>()
        .with::<erase_personal::ErasePersonal>()
}

/// How many jobs of a lane one process runs at a time. A lane that is not named runs two.
pub const LANES: &[(&str, usize)] = &[("pull", 4), ("route", 2), ("book", 8), ("confirm", 8), ("track", 2), ("house", 1)];

/// What recurs: one line each.
pub fn schedules() -> Vec<Schedule> {
    vec![
        Schedule { name: "housekeeping", every: HOUR, due: housekeeping::due },
        Schedule { name: "erase_personal", every: HOUR, due: erase_personal::due },
        Schedule { name: "sweep", every: MINUTE, due: sweep::due },
        Schedule { name: "pull_orders", every: 10 * SECOND, due: pull_orders::due },
        Schedule { name: "check_completeness", every: 5 * MINUTE, due: check_completeness::due },
        Schedule { name: "track_shipments", every: 5 * MINUTE, due: track_shipments::due },
    ]
}

/// Something that recurs: when it is due, `due` says which jobs that makes.
#[derive(Clone, Copy)]
pub struct Schedule {
    /// Its word in the table of schedules.
    pub name: &'static str,
    /// Microseconds between two times.
    pub every: i64,
    /// The jobs it makes, in the unit of work that takes it.
    pub due: fn(&mut Tx<'_>) -> Result<Vec<NewJob>, StoreError>,
}

/// One run of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The job.
    pub id: JobId,
    /// The fence: rises with every run.
    pub claim: i64,
    /// How often it failed before.
    pub failures: i64,
}

impl Attempt {
    /// Ends the job in the flow's own unit of work; `run` then answers [`JobEnd::Finished`]. When the job is no longer ours
    /// this is `Busy`, and the unit of work is undone.
    pub fn finish(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        if wharf_store::jobs::finish(tx, self.id, self.claim)? { Ok(()) } else { Err(StoreError::Busy) }
    }
}

/// How a run ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    /// Nothing is left to do.
    Done,
    /// Ended already, by [`Attempt::finish`].
    Finished,
    /// There is more, at that time; it does not count as a failure.
    Again {
        /// When.
        at: Timestamp,
    },
}

/// Work that survives a crash: its fields are its payload.
#[async_trait]
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its word in the table of jobs.
    const KIND: &'static str;
    /// Its concurrency group.
    const LANE: &'static str;

    /// The shop or account whose pace it shares; 0 = none.
    fn lane_key(&self) -> i64 {
        0
    }
    /// One waiting job per key; twins never run at once.
    fn dedup_key(&self) -> Option<String> {
        None
    }
    /// Higher first.
    fn priority(&self) -> i64 {
        0
    }
    /// The shop that is paused when its channel wants a new sign-in.
    fn shop(&self) -> Option<ShopId> {
        None
    }
    /// Does it.
    async fn run(&self, app: &App, attempt: &Attempt) -> Result<JobEnd, FlowError>;

    /// The job as it is stored, due now.
    fn new_job(&self) -> NewJob {
        NewJob {
            kind: Self::KIND,
            lane: Self::LANE,
            lane_key: self.lane_key(),
            dedup_key: self.dedup_key(),
            payload: serde_json::to_value(self).unwrap_or_default(),
            priority: self.priority(),
            run_at: None,
        }
    }

    /// The job as it is stored, due at a time.
    fn new_job_at(&self, at: Timestamp) -> NewJob {
        NewJob { run_at: Some(at), ..self.new_job() }
    }
}

#[async_trait]
pub(crate) trait Handler: Send + Sync {
    fn shop(&self, payload: &serde_json::Value) -> Option<ShopId>;
    async fn run(&self, app: &App, payload: &serde_json::Value, attempt: &Attempt) -> Result<JobEnd, FlowError>;
}

struct Of<J>(PhantomData<fn() -> J>);

#[async_trait]
impl<J: Job> Handler for Of<J> {
    fn shop(&self, payload: &serde_json::Value) -> Option<ShopId> {
        J::deserialize(payload).ok().and_then(|job| job.shop())
    }

    async fn run(&self, app: &App, payload: &serde_json::Value, attempt: &Attempt) -> Result<JobEnd, FlowError> {
        let job = J::deserialize(payload).map_err(|error| FlowError::invalid("payload", error.to_string()))?;
        job.run(app, attempt).await
    }
}

/// The jobs that a process can run.
#[derive(Default)]
pub struct Registry {
    handlers: BTreeMap<&'static str, Box<dyn Handler>>,
    lanes: Vec<&'static str>,
}

impl Registry {
    /// Adds a job.
    #[must_use]
    pub fn with<J: Job>(mut self) -> Self {
        let twice = self.handlers.insert(J::KIND, Box::new(Of::<J>(PhantomData))).is_some();
        debug_assert!(!twice, "two jobs are called {}", J::KIND);
        if !self.lanes.contains(&J::LANE) {
            self.lanes.push(J::LANE);
        }
        self
    }

    pub(crate) fn handler(&self, kind: &str) -> Option<&dyn Handler> {
        self.handlers.get(kind).map(AsRef::as_ref)
    }

    /// The lanes of its jobs.
    pub fn lanes(&self) -> &[&'static str] {
        &self.lanes
    }
}

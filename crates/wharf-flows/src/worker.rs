//! The worker: claims jobs lane by lane, runs them, and turns what came of them into what happens next. Stops gracefully:
//! what runs may end, what has not begun is given back.

use crate::app::{App, FlowError};
use crate::jobs::{Attempt, JobEnd, LANES, Registry};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{broadcast, watch};
use tokio::task::{AbortHandle, JoinSet};
use wharf_connect::ConnectError;
use wharf_domain::id::{JobId, ShopId};
use wharf_domain::time::{MINUTE, SECOND, Timestamp};
use wharf_store::jobs::{self, Claimed, Failure};
use wharf_store::shops::{self, ShopState};
use wharf_store::{StoreError, Tx, paces};

/// Failures after which a job is dead: about a day of trying.
pub const MOST_FAILURES: i64 = 150;
/// The same for faults that trying again hardly mends.
const MOST_FAULTS: i64 = 6;
/// How long a claim lasts without renewal. Shorter than the time after which a call counts as in doubt.
const LEASE: i64 = MINUTE;
/// A paused shop's jobs look again after that time.
const PAUSED: i64 = 10 * MINUTE;
/// An idle lane looks for work this often even when nobody wakes it.
const IDLE: Duration = Duration::from_secs(2);
/// What runs when the worker stops may take this long to end.
const GRACE: Duration = Duration::from_secs(20);

/// What must happen after a run that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// To the job.
    pub failure: Failure,
    /// To its lane and key: nobody calls before that time.
    pub block_until: Option<Timestamp>,
    /// To its shop: paused, until someone signs in again, for this reason.
    pub reauthorize: Option<String>,
}

/// The one place where errors become reactions. `failures` = earlier failures of the job; `chance` = 0 … 1.
pub fn reaction(error: &FlowError, failures: i64, now: Timestamp, chance: f64) -> Reaction {
    let retry = |most| Failure::Retry { at: now.plus(jobs::backoff(failures, chance)), most };
    let only = |failure| Reaction { failure, block_until: None, reauthorize: None };
    match error {
        FlowError::Connect(error) => match error {
            ConnectError::Throttled { retry_after, .. } => {
                let until = now.plus(i64::try_from(retry_after.as_micros()).unwrap_or(i64::MAX).max(SECOND / 10));
                Reaction { failure: Failure::Wait { at: until }, block_until: Some(until), reauthorize: None }
            }
            ConnectError::Reauthorize(why) => {
                let until = now.plus(PAUSED);
                Reaction { failure: Failure::Wait { at: until }, block_until: Some(until), reauthorize: Some(why.clone()) }
            }
            // Flows that change something have written down that they asked; run again, they look it up first.
            ConnectError::Transient(_) | ConnectError::Unsure(_) => only(retry(MOST_FAILURES)),
            ConnectError::Drift(_) => only(retry(MOST_FAULTS)),
            ConnectError::Refused { .. } => only(Failure::Dead),
        },
        FlowError::Store(StoreError::Busy | StoreError::Unavailable | StoreError::Full) => only(retry(MOST_FAILURES)),
        FlowError::Store(
            StoreError::Conflict { .. }
            | StoreError::Inconsistent { .. }
            | StoreError::WrongKey
            | StoreError::Migration(_)
            | StoreError::Database(_),
        ) => only(retry(MOST_FAULTS)),
        FlowError::NotFound(_) | FlowError::Refused { .. } | FlowError::Invalid { .. } => only(Failure::Dead),
    }
}

/// A dead token pauses the shop and says so; its orders stay as they are. A shop that a person paused stays paused.
fn ask_for_sign_in(tx: &mut Tx<'_>, shop: ShopId, why: &str) -> Result<(), StoreError> {
    if shops::get(tx, shop)?.is_some_and(|found| found.state == ShopState::Active) {
        shops::set_state(tx, shop, ShopState::Reauthorize, why)?;
        tx.announce("shops");
    }
    Ok(())
}

/// Runs one claimed job to its end and settles it.
async fn run_one(app: &App, registry: &Registry, job: &Claimed) {
    let attempt = Attempt { id: job.id, claim: job.claim, failures: job.attempts };
    let result = match registry.handler(&job.kind) {
        Some(handler) => handler.run(app, &job.payload, &attempt).await,
        // A newer process made it: leave it to one of those.
        None => Ok(JobEnd::Again { at: app.now().plus(MINUTE) }),
    };
    let shop = registry.handler(&job.kind).and_then(|handler| handler.shop(&job.payload));
    settle(app, job, shop, result).await;
}

/// Writes down what came of a run. Tries for a while; after that the lease ends and the job comes back.
async fn settle(app: &App, job: &Claimed, shop: Option<ShopId>, result: Result<JobEnd, FlowError>) {
    let reaction = match &result {
        Ok(JobEnd::Finished) => return,
        Ok(_) => None,
        Err(error) => {
            let reaction = reaction(error, job.attempts, app.now(), app.chance());
            tracing::warn!(job = %job.id, kind = job.kind, failures = job.attempts + 1, %error, next = ?reaction.failure, "a job failed");
            Some(reaction)
        }
    };
    let error = result.as_ref().err().map(ToString::to_string).unwrap_or_default();
    let end = result.ok();
    for pause in [10, 100, 1_000, 5_000] {
        let (job, reaction, error) = (job.clone(), reaction.clone(), error.clone());
        let written = app
            .store
            .write_again(move |tx| {
                let ours = match (&end, &reaction) {
                    (Some(JobEnd::Again { at }), _) => jobs::fail(tx, job.id, job.claim, Failure::Wait { at: *at }, "")?,
                    (_, Some(reaction)) => jobs::fail(tx, job.id, job.claim, reaction.failure, &error)?,
                    (_, None) => jobs::finish(tx, job.id, job.claim)?,
                };
                if let (true, Some(reaction)) = (ours, &reaction) {
                    if let Some(until) = reaction.block_until.filter(|_| job.lane_key != 0) {
                        paces::block(tx, &job.lane, job.lane_key, until)?;
                    }
                    if let (Some(why), Some(shop)) = (&reaction.reauthorize, shop) {
                        ask_for_sign_in(tx, shop, why)?;
                    }
                }
                Ok::<_, StoreError>(())
            })
            .await;
        match written {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(%error, "a job's end could not be written yet");
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
        }
    }
}

/// Runs every job that is due, one after another, until none is: for tests, the simulation, and commands that wait for
/// their work. Answers how many ran.
pub async fn run_due(app: &App, registry: &Registry) -> Result<usize, FlowError> {
    let mut count = 0;
    loop {
        let mut found = false;
        for lane in registry.lanes().iter().copied() {
            let claimed = app.store.write_again(move |tx| jobs::claim(tx, lane, 1, LEASE)).await?;
            for job in &claimed {
                run_one(app, registry, job).await;
                count += 1;
                found = true;
            }
        }
        if !found {
            return Ok(count);
        }
    }
}

/// Works until `stop` says true, then lets what runs come to its end.
pub async fn run(app: Arc<App>, registry: Arc<Registry>, stop: watch::Receiver<bool>) {
    let mut lanes = JoinSet::new();
    for lane in registry.lanes().iter().copied() {
        let slots = LANES.iter().find(|(name, _)| *name == lane).map_or(2, |(_, slots)| *slots);
        lanes.spawn(work_lane(Arc::clone(&app), Arc::clone(&registry), lane, slots, stop.clone()));
    }
    while let Some(ended) = lanes.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a lane ended with a panic");
        }
    }
}

/// The jobs of a lane that are at work here.
#[derive(Default)]
struct Held(Mutex<HashMap<JobId, (i64, AbortHandle)>>);

impl Held {
    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, (i64, AbortHandle)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn all(&self) -> Vec<(JobId, i64)> {
        self.locked().iter().map(|(id, (claim, _))| (*id, *claim)).collect()
    }
}

async fn work_lane(app: Arc<App>, registry: Arc<Registry>, lane: &'static str, slots: usize, mut stop: watch::Receiver<bool>) {
    let held = Arc::new(Held::default());
    let mut running = JoinSet::new();
    let mut wakes = app.store.watch();
    let topic = jobs::topic(lane);
    let mut renewal = tokio::time::interval(Duration::from_micros((LEASE / 3).unsigned_abs()));
    while !*stop.borrow() {
        let free = slots.saturating_sub(running.len());
        let mut idle = true;
        if free > 0 {
            let limit = i64::try_from(free).unwrap_or(1);
            match app.store.write_again(move |tx| jobs::claim(tx, lane, limit, LEASE)).await {
                Ok(claimed) => {
                    idle = claimed.len() < free;
                    for job in claimed {
                        start(&app, &registry, &held, &mut running, job);
                    }
                }
                Err(error) => {
                    let error: StoreError = error;
                    tracing::warn!(lane, %error, "jobs cannot be claimed now");
                }
            }
        }
        if !idle && running.len() < slots {
            continue;
        }
        tokio::select! {
            Some(_) = running.join_next(), if !running.is_empty() => {}
            () = woken(&mut wakes, &topic), if running.len() < slots => {}
            () = tokio::time::sleep(IDLE) => {}
            _ = renewal.tick() => renew(&app, &held).await,
            changed = stop.changed() => if changed.is_err() { break },
        }
    }
    let drained = tokio::time::timeout(GRACE, async { while running.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        running.abort_all();
        let left = held.all();
        held.locked().values().for_each(|(_, task)| task.abort());
        let given_back: Result<(), StoreError> = app.store.write(move |tx| jobs::release(tx, &left)).await;
        if let Err(error) = given_back {
            tracing::warn!(lane, %error, "jobs that did not end in time come back when their lease is over");
        }
    }
}

fn start(app: &Arc<App>, registry: &Arc<Registry>, held: &Arc<Held>, running: &mut JoinSet<()>, job: Claimed) {
    let (id, claim) = (job.id, job.claim);
    let (worker_app, worker_registry, its) = (Arc::clone(app), Arc::clone(registry), job.clone());
    // A task of its own, so that a panic ends this run and nothing else.
    let work = tokio::spawn(async move { run_one(&worker_app, &worker_registry, &its).await });
    held.locked().insert(id, (claim, work.abort_handle()));
    let (app, held) = (Arc::clone(app), Arc::clone(held));
    running.spawn(async move {
        let ended = work.await;
        if ended.as_ref().is_err_and(tokio::task::JoinError::is_panic) {
            tracing::error!(job = %job.id, kind = job.kind, "a job panicked");
            settle(&app, &job, None, Err(FlowError::Store(StoreError::Database("the job panicked".to_owned())))).await;
        }
        held.locked().remove(&id);
    });
}

/// Waits for the topic. Missed ones count as heard.
async fn woken(wakes: &mut broadcast::Receiver<String>, topic: &str) {
    loop {
        match wakes.recv().await {
            Ok(heard) if heard != topic => {}
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Prolongs the leases of what runs here, and stops what is not ours any more.
async fn renew(app: &App, held: &Held) {
    let ours = held.all();
    if ours.is_empty() {
        return;
    }
    let asked = ours.clone();
    let kept: Result<Vec<JobId>, StoreError> = app.store.write_again(move |tx| jobs::renew(tx, &asked, LEASE)).await;
    match kept {
        Ok(kept) => {
            for (id, claim) in ours.into_iter().filter(|(id, _)| !kept.contains(id)) {
                // It may just have ended; aborting that changes nothing.
                if let Some((_, task)) = held.locked().get(&id).filter(|(held, _)| *held == claim) {
                    tracing::warn!(job = %id, "the lease of a job was lost; it is stopped here");
                    task.abort();
                }
            }
        }
        Err(error) => tracing::warn!(%error, "leases could not be renewed"),
    }
}

#[cfg(test)]
mod tests;

//! The job table against a model, and against many workers at once.

use super::{Done, ints};
use crate::jobs::{self, Claimed, Failure, JobStatus, NewJob};
use crate::paces::{self, Taken};
use crate::testing::{Bed, both_engines, both_engines_with, fresh_postgres};
use crate::{Store, StoreError, schedules};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use wharf_domain::id::JobId;
use wharf_domain::time::{MINUTE, SECOND, Timestamp};

const LEASE: i64 = MINUTE;

fn job(kind: &'static str, dedup: Option<&str>) -> NewJob {
    let payload = serde_json::json!({ "of": dedup });
    NewJob { kind, lane: "test", lane_key: 7, dedup_key: dedup.map(str::to_owned), payload, priority: 0, run_at: None }
}

async fn enqueue(store: &Store, new: Vec<NewJob>) {
    store.write(move |tx| jobs::enqueue(tx, &new)).await.expect("enqueued");
}

async fn claim(store: &Store, limit: i64) -> Vec<Claimed> {
    store.write_again(move |tx| jobs::claim(tx, "test", limit, LEASE)).await.expect("claimed")
}

async fn fail(store: &Store, job: &Claimed, failure: Failure) -> bool {
    let (id, claim) = (job.id, job.claim);
    store.write_again(move |tx| jobs::fail(tx, id, claim, failure, "why")).await.expect("failed")
}

async fn finish(store: &Store, job: &Claimed) -> bool {
    let (id, claim) = (job.id, job.claim);
    store.write(move |tx| jobs::finish(tx, id, claim)).await.expect("finished")
}

async fn status(store: &Store, id: JobId) -> Option<(JobStatus, i64)> {
    store.read(move |tx| jobs::get(tx, id)).await.expect("read").map(|job| (job.job_status, job.attempts))
}

#[test]
fn many_workers_never_get_the_same_job() {
    both_engines_with(|bed| async move {
        enqueue(&bed.store, (0..120).map(|_| job("a", None)).collect()).await;
        let seen = Arc::new(Mutex::new(HashSet::new()));
        let mut workers = Vec::new();
        for worker in 0..8 {
            let (store, seen) = (if worker % 2 == 0 { bed.store.clone() } else { bed.another() }, Arc::clone(&seen));
            workers.push(tokio::spawn(async move {
                loop {
                    let claimed = claim(&store, 7).await;
                    if claimed.is_empty() {
                        return;
                    }
                    for job in claimed {
                        assert!(seen.lock().expect("no panic").insert(job.id), "{} twice", job.id);
                        assert!(finish(&store, &job).await);
                    }
                }
            }));
        }
        for worker in workers {
            worker.await.expect("no panic");
        }
        assert_eq!(seen.lock().expect("no panic").len(), 120);
        let left = bed.store.read(|tx| Ok::<_, StoreError>(ints(&tx.query("SELECT COUNT(*) FROM jobs", &[])?))).await;
        assert_eq!(left, Ok(vec![0]));
    });
}

#[test]
fn order_is_priority_then_time_and_the_future_waits() {
    both_engines_with(|bed| async move {
        let now = bed.store.now();
        let with = |kind, priority, at: i64| NewJob { priority, run_at: Some(now.plus(at)), ..job(kind, None) };
        enqueue(&bed.store, vec![with("late", 0, -1), with("first", 5, 0), with("early", 0, -9), with("future", 9, SECOND)]).await;
        let kinds: Vec<String> = claim(&bed.store, 9).await.into_iter().map(|job| job.kind).collect();
        assert_eq!(kinds, ["first", "early", "late"]);
        let due = bed.store.read(|tx| jobs::next_due(tx, "test")).await;
        assert_eq!(due, Ok(Some(now.plus(SECOND))));
        bed.clock.advance(SECOND);
        assert_eq!(claim(&bed.store, 9).await.len(), 1);
    });
}

#[test]
fn a_waiting_twin_absorbs_and_a_running_one_is_waited_for() {
    both_engines_with(|bed| async move {
        let store = &bed.store;
        let later = NewJob { run_at: Some(store.now().plus(MINUTE)), ..job("a", Some("x")) };
        enqueue(store, vec![later, job("b", Some("x")), job("b", Some("x"))]).await;
        enqueue(store, vec![job("a", Some("x"))]).await;
        // The one for later was brought forward; the twins of one call are one.
        let first = claim(store, 9).await;
        assert_eq!(first.iter().map(|job| job.kind.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        // New work came while it runs: stored, and not run beside it.
        enqueue(store, vec![job("a", Some("x"))]).await;
        assert!(claim(store, 9).await.is_empty());
        // It fails: the twin goes on with its failures and its pause.
        assert!(fail(store, &first[0], Failure::Retry { at: store.now().plus(SECOND), most: 5 }).await);
        assert_eq!(status(store, first[0].id).await, Some((JobStatus::Done, 0)));
        assert!(claim(store, 9).await.is_empty());
        bed.clock.advance(SECOND);
        let second = claim(store, 9).await;
        assert_eq!((second.len(), second[0].attempts), (1, 1));
        assert!(finish(store, &second[0]).await);
        // A job in its pause is not brought forward by a twin, but by a person, and by what it waited for.
        assert!(fail(store, &first[1], Failure::Retry { at: store.now().plus(MINUTE), most: 5 }).await);
        enqueue(store, vec![job("b", Some("x"))]).await;
        assert!(claim(store, 9).await.is_empty());
        enqueue(store, vec![NewJob { priority: 1, ..job("b", Some("x")) }]).await;
        let asked = claim(store, 9).await;
        assert_eq!((asked.len(), asked[0].id), (1, first[1].id));
        assert!(fail(store, &asked[0], Failure::Wait { at: store.now().plus(MINUTE) }).await);
        assert_eq!(store.write(|tx| jobs::hurry(tx, 8)).await, Ok(0));
        assert_eq!(store.write(|tx| jobs::hurry(tx, 7)).await, Ok(1));
        assert_eq!(claim(store, 9).await.len(), 1);
    });
}

#[test]
fn a_frozen_worker_changes_nothing_when_it_wakes() {
    both_engines_with(|bed| async move {
        let store = &bed.store;
        enqueue(store, vec![job("a", None)]).await;
        let frozen = claim(store, 1).await.remove(0);
        bed.clock.advance(LEASE + 1);
        let back = store.write(|tx| jobs::reclaim(tx, 9, 10)).await;
        assert_eq!(back, Ok(1));
        let live = claim(store, 1).await.remove(0);
        assert_eq!((live.id, live.attempts), (frozen.id, 1));
        let renewed = {
            let (old, new) = ((frozen.id, frozen.claim), (live.id, live.claim));
            store.write(move |tx| Ok::<_, StoreError>((jobs::renew(tx, &[old], LEASE)?, jobs::renew(tx, &[new], LEASE)?))).await
        };
        assert_eq!(renewed, Ok((vec![], vec![live.id])));
        assert!(!finish(store, &frozen).await);
        for failure in [Failure::Dead, Failure::Wait { at: store.now() }, Failure::Retry { at: store.now(), most: 9 }] {
            assert!(!fail(store, &frozen, failure).await);
        }
        assert_eq!(status(store, live.id).await, Some((JobStatus::Running, 1)));
        // A wait does not count and does not let an old fence fit again.
        assert!(fail(store, &live, Failure::Wait { at: store.now() }).await);
        let again = claim(store, 1).await.remove(0);
        assert!(again.claim > live.claim && again.attempts == 1);
        assert!(!finish(store, &live).await && !finish(store, &frozen).await && finish(store, &again).await);
    });
}

#[test]
fn what_kills_its_workers_ends_dead_and_may_be_tried_again() {
    both_engines_with(|bed| async move {
        let store = &bed.store;
        enqueue(store, vec![job("a", Some("x")), job("b", None)]).await;
        let ids: Vec<JobId> = claim(store, 2).await.iter().map(|job| job.id).collect();
        bed.clock.advance(LEASE + 1);
        assert_eq!(store.write(|tx| jobs::reclaim(tx, 2, 10)).await, Ok(2));
        assert_eq!(claim(store, 2).await.len(), 2);
        bed.clock.advance(LEASE + 1);
        assert_eq!(store.write(|tx| jobs::reclaim(tx, 2, 10)).await, Ok(2));
        assert!(claim(store, 2).await.is_empty());
        let dead = store.read(|tx| jobs::dead(tx, None, 10)).await.expect("read");
        assert_eq!(dead.len(), 2);
        assert!(
            dead.iter()
                .all(|job| job.attempts == 2 && job.last_error.as_deref() == Some("its worker is gone") && job.finished_at.is_some())
        );
        // A twin waits already: the dead one is superfluous.
        enqueue(store, vec![job("a", Some("x"))]).await;
        let mut revived = store.write(move |tx| jobs::retry_dead(tx, &ids)).await.expect("revived");
        revived.sort();
        assert_eq!(revived.len(), 2);
        assert_eq!(claim(store, 9).await.iter().map(|job| (job.kind.as_str().to_owned(), job.attempts)).collect::<HashSet<_>>().len(), 2);
        let depths = store.read(jobs::depths).await.expect("read");
        assert_eq!((depths.len(), depths[0].running, depths[0].ready, depths[0].dead), (1, 2, 0, 0));
    });
}

#[test]
fn a_blocked_pace_stops_its_key_and_no_other() {
    both_engines_with(|bed| async move {
        let store = &bed.store;
        enqueue(store, vec![job("a", None), NewJob { lane_key: 8, ..job("b", None) }]).await;
        let until = store.now().plus(10 * SECOND);
        store.write(move |tx| paces::block(tx, "test", 7, until)).await.expect("blocked");
        store.write(move |tx| paces::block(tx, "test", 7, until.plus(-5 * SECOND))).await.expect("a shorter block changes nothing");
        assert_eq!(claim(store, 9).await.iter().map(|job| job.kind.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!(store.read(|tx| paces::blocked_until(tx, "test", 7)).await, Ok(Some(until)));
        assert_eq!(store.write(|tx| paces::take(tx, "test", 7, 60, 5, 1)).await, Ok(Taken::NotBefore(until)));
        bed.clock.advance(10 * SECOND);
        assert_eq!(claim(store, 9).await.len(), 1);
        store.write(move |tx| paces::block(tx, "test", 7, until.plus(MINUTE))).await.expect("blocked");
        store.write(|tx| paces::unblock(tx, 7)).await.expect("lifted");
        assert_eq!(store.read(|tx| paces::blocked_until(tx, "test", 7)).await, Ok(None));
    });
}

#[test]
fn a_pace_is_shared_and_never_exceeded() {
    both_engines_with(|bed| async move {
        let stores = [bed.store.clone(), bed.another(), bed.another()];
        let (per_minute, burst) = (90, 10);
        let mut total = 0;
        for step in 0..40 {
            let mut asked = Vec::new();
            for store in &stores {
                let store = store.clone();
                asked.push(tokio::spawn(async move { store.write_again(move |tx| paces::take(tx, "x", 1, per_minute, burst, 3)).await }));
            }
            for one in asked {
                match one.await.expect("no panic").expect("asked") {
                    Taken::Tokens(tokens) => {
                        assert!((1..=3).contains(&tokens));
                        total += tokens;
                    }
                    Taken::NotBefore(at) => assert!(at > bed.store.now() && at <= bed.store.now().plus(SECOND)),
                }
            }
            assert!(total <= burst + per_minute * step * 700 / 60_000 + 1, "{total} tokens after {step} steps");
            bed.clock.advance(700_000);
        }
        // Nothing is lost to rounding either: 39 steps of 0.7 s are 40.95 tokens.
        assert!(total >= burst + 39, "{total} tokens");
    });
}

#[test]
fn a_schedule_is_taken_once_among_all_processes() {
    both_engines_with(|bed| async move {
        let names: [&str; 2] = ["minute", "hour"];
        bed.store.write(|tx| schedules::ensure(tx, &[("minute", MINUTE), ("hour", 60 * MINUTE)])).await.expect("known");
        for (step, expected) in [(0, 2), (1, 0), (MINUTE, 1), (10 * MINUTE, 1), (1, 0), (49 * MINUTE, 2)] {
            bed.clock.advance(step);
            let mut takers = Vec::new();
            for _ in 0..6 {
                let store = bed.another();
                takers.push(tokio::spawn(async move {
                    store.write_again(move |tx| schedules::take_due(tx, &names)).await.expect("taken").len()
                }));
            }
            let mut taken = 0;
            for taker in takers {
                taken += taker.await.expect("no panic");
            }
            assert_eq!(taken, expected, "after {step} µs");
        }
        bed.store.write(|tx| schedules::ensure(tx, &[("hour", MINUTE)])).await.expect("changed");
        bed.clock.advance(MINUTE);
        assert_eq!(
            bed.store.write(move |tx| schedules::take_due(tx, &["hour"])).await,
            Ok(vec!["hour".to_owned()]),
            "a shorter rhythm begins at once"
        );
    });
}

#[test]
fn jobs_are_part_of_the_unit_of_work_that_causes_them() {
    both_engines(|store| async move {
        let undone: Done = store
            .write(|tx| {
                jobs::enqueue(tx, &[job("a", None)])?;
                Err(StoreError::Busy)
            })
            .await;
        assert_eq!(undone, Err(StoreError::Busy));
        assert!(claim(&store, 9).await.is_empty());
        // Ending a job in the flow's own unit of work: undone with it.
        enqueue(&store, vec![job("a", None)]).await;
        let claimed = claim(&store, 1).await.remove(0);
        let (id, fence) = (claimed.id, claimed.claim);
        let undone: Done = store
            .write(move |tx| {
                assert!(jobs::finish(tx, id, fence)?);
                Err(StoreError::Busy)
            })
            .await;
        assert_eq!(undone, Err(StoreError::Busy));
        assert!(finish(&store, &claimed).await);
    });
}

#[test]
fn backoff_doubles_up_to_ten_minutes_with_half_of_it_by_chance() {
    assert_eq!((jobs::backoff(0, 0.0), jobs::backoff(0, 1.0)), (SECOND, 2 * SECOND));
    assert_eq!(jobs::backoff(3, 0.5), 12 * SECOND);
    assert_eq!((jobs::backoff(60, 1.0), jobs::backoff(-1, 7.0)), (10 * MINUTE, 2 * SECOND));
}

// ── the model ──────────────────────────────────────────────────────────────────────────────────────────────────────

/// One step of a random history: what happens to the table.
#[derive(Debug, Clone)]
enum Step {
    Enqueue { dedup: Option<u8>, in_seconds: i64, priority: i64 },
    Claim { limit: i64 },
    Finish { held: usize },
    Fail { held: usize, in_seconds: i64, counted: bool },
    Kill { held: usize },
    Pass { seconds: i64 },
    Reclaim,
    Retry,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (prop::option::of(0u8..3), -5i64..40, 0i64..3).prop_map(|(dedup, in_seconds, priority)| Step::Enqueue { dedup, in_seconds, priority }),
        4 => (1i64..4).prop_map(|limit| Step::Claim { limit }),
        3 => (0usize..8).prop_map(|held| Step::Finish { held }),
        2 => (0usize..8, 0i64..30, any::<bool>()).prop_map(|(held, in_seconds, counted)| Step::Fail { held, in_seconds, counted }),
        1 => (0usize..8).prop_map(|held| Step::Kill { held }),
        3 => (0i64..50).prop_map(|seconds| Step::Pass { seconds }),
        1 => Just(Step::Reclaim),
        1 => Just(Step::Retry),
    ]
}

#[derive(Debug, Clone, PartialEq)]
struct Row {
    dedup: Option<u8>,
    priority: i64,
    status: JobStatus,
    run_at: Timestamp,
    attempts: i64,
    lease_until: Timestamp,
    claim: i64,
}

/// The job table as its documentation tells it, without SQL.
#[derive(Default)]
struct Model {
    rows: BTreeMap<JobId, Row>,
}

const MOST: i64 = 3;

impl Model {
    fn twin(&self, of: JobId, status: JobStatus) -> Option<JobId> {
        let dedup = self.rows.get(&of)?.dedup?;
        self.rows.iter().find(|(id, row)| **id != of && row.dedup == Some(dedup) && row.status == status).map(|(id, _)| *id)
    }

    fn claim(&mut self, limit: i64, now: Timestamp) -> Vec<JobId> {
        let mut due: Vec<(i64, Timestamp, JobId)> = self
            .rows
            .iter()
            .filter(|(id, row)| row.status == JobStatus::Ready && row.run_at <= now && self.twin(**id, JobStatus::Running).is_none())
            .map(|(id, row)| (-row.priority, row.run_at, *id))
            .collect();
        due.sort();
        let taken: Vec<JobId> = due.into_iter().take(usize::try_from(limit).expect("small")).map(|(.., id)| id).collect();
        for id in &taken {
            let row = self.rows.get_mut(id).expect("there");
            (row.status, row.lease_until, row.claim) = (JobStatus::Running, now.plus(LEASE), row.claim + 1);
        }
        taken
    }

    fn fail(&mut self, id: JobId, at: Timestamp, counted: bool) {
        let attempts = self.rows[&id].attempts + i64::from(counted);
        let dead = counted && attempts >= MOST;
        match self.twin(id, JobStatus::Ready).filter(|_| !dead) {
            Some(twin) => {
                self.rows.get_mut(&id).expect("there").status = JobStatus::Done;
                let twin = self.rows.get_mut(&twin).expect("there");
                (twin.attempts, twin.run_at) = (attempts, twin.run_at.max(at));
            }
            None => {
                let row = self.rows.get_mut(&id).expect("there");
                (row.attempts, row.run_at) = (attempts, at);
                row.status = if dead { JobStatus::Dead } else { JobStatus::Ready };
            }
        }
    }
}

async fn play(bed: &Bed, steps: &[Step]) {
    let (store, mut model) = (&bed.store, Model::default());
    let mut held: Vec<Claimed> = Vec::new();
    for step in steps {
        let now = store.now();
        match step.clone() {
            Step::Enqueue { dedup, in_seconds, priority } => {
                let run_at = now.plus(in_seconds * SECOND);
                let key = dedup.map(|key| key.to_string());
                let before = all(store).await;
                enqueue(store, vec![NewJob { priority, run_at: Some(run_at), ..job("m", key.as_deref()) }]).await;
                let waiting =
                    model.rows.values_mut().find(|row| row.dedup.is_some() && row.dedup == dedup && row.status == JobStatus::Ready);
                match waiting {
                    Some(row) if row.run_at > run_at && (row.attempts == 0 || priority > row.priority) => {
                        (row.run_at, row.priority) = (run_at, row.priority.max(priority));
                    }
                    Some(_) => {}
                    None => {
                        let new: Vec<JobId> = all(store).await.into_keys().filter(|id| !before.contains_key(id)).collect();
                        assert_eq!(new.len(), 1);
                        model.rows.insert(
                            new[0],
                            Row { dedup, priority, status: JobStatus::Ready, run_at, attempts: 0, lease_until: now, claim: 0 },
                        );
                    }
                }
            }
            Step::Claim { limit } => {
                let claimed = claim(store, limit).await;
                assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), model.claim(limit, now));
                held.extend(claimed);
            }
            Step::Finish { held: at } if !held.is_empty() => {
                let job = held.remove(at % held.len());
                let ours = still_ours(&model, &job);
                assert_eq!(finish(store, &job).await, ours);
                if ours {
                    model.rows.remove(&job.id);
                }
            }
            Step::Fail { held: at, in_seconds, counted } if !held.is_empty() => {
                let job = held.remove(at % held.len());
                let ours = still_ours(&model, &job);
                let at = now.plus(in_seconds * SECOND);
                let failure = if counted { Failure::Retry { at, most: MOST } } else { Failure::Wait { at } };
                assert_eq!(fail(store, &job, failure).await, ours);
                if ours {
                    model.fail(job.id, at, counted);
                }
            }
            Step::Kill { held: at } if !held.is_empty() => drop(held.remove(at % held.len())),
            Step::Pass { seconds } => bed.clock.advance(seconds * SECOND),
            Step::Reclaim => {
                let count = store.write(|tx| jobs::reclaim(tx, MOST, 100)).await.expect("reclaimed");
                let mut gone: Vec<(Timestamp, JobId)> = model
                    .rows
                    .iter()
                    .filter(|(_, row)| row.status == JobStatus::Running && row.lease_until < now)
                    .map(|(id, row)| (row.lease_until, *id))
                    .collect();
                gone.sort();
                assert_eq!(count, gone.len() as u64);
                for (_, id) in gone {
                    model.fail(id, now, true);
                }
            }
            Step::Retry => {
                let dead: Vec<JobId> = model.rows.iter().filter(|(_, row)| row.status == JobStatus::Dead).map(|(id, _)| *id).collect();
                let asked = dead.clone();
                assert_eq!(store.write(move |tx| jobs::retry_dead(tx, &asked)).await, Ok(dead.clone()));
                for id in dead {
                    if model.twin(id, JobStatus::Ready).is_some() {
                        model.rows.remove(&id);
                    } else {
                        let row = model.rows.get_mut(&id).expect("there");
                        (row.status, row.attempts, row.run_at) = (JobStatus::Ready, 0, now);
                    }
                }
            }
            Step::Finish { .. } | Step::Fail { .. } | Step::Kill { .. } => {}
        }
        let stored = all(store).await;
        let expected: BTreeMap<JobId, (JobStatus, i64, Timestamp)> =
            model.rows.iter().map(|(id, row)| (*id, (row.status, row.attempts, row.run_at))).collect();
        for (id, (status, attempts, run_at)) in &expected {
            let (found, tried, at) = stored.get(id).expect("a job is lost");
            assert_eq!((found, tried), (status, attempts), "{id} after {step:?}");
            assert!(at == run_at || *status != JobStatus::Ready, "{id} after {step:?}");
        }
        assert_eq!(stored.len(), expected.len(), "after {step:?}");
    }
}

/// A claim is good while its job runs and nobody has claimed it since.
fn still_ours(model: &Model, job: &Claimed) -> bool {
    model.rows.get(&job.id).is_some_and(|row| row.status == JobStatus::Running && row.claim == job.claim)
}

async fn all(store: &Store) -> BTreeMap<JobId, (JobStatus, i64, Timestamp)> {
    store
        .read(|tx| {
            let rows = tx.query("SELECT id, job_status, attempts, run_at FROM jobs", &[])?;
            rows.iter().map(|row| Ok((row.id(0)?, (row.word(1)?, row.int(2)?, row.time(3)?)))).collect::<Done<BTreeMap<_, _>>>()
        })
        .await
        .expect("read")
}

#[test]
fn it_behaves_as_its_model_on_sqlite() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut runner = TestRunner::new(Config { cases: 120, failure_persistence: None, ..Config::default() });
    let history = prop::collection::vec(step(), 1..60);
    let bed = crate::testing::memory();
    runner
        .run(&history, |steps| {
            runtime.block_on(async {
                bed.store.write(|tx| tx.execute("DELETE FROM jobs", &[])).await.expect("emptied");
                play(&bed, &steps).await;
            });
            Ok(())
        })
        .expect("the model holds");
}

#[test]
fn it_behaves_as_its_model_on_postgres() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut runner = TestRunner::new(Config { cases: 16, failure_persistence: None, ..Config::default() });
    let history = prop::collection::vec(step(), 1..60);
    let database = fresh_postgres();
    let bed = Bed::open(&database.url);
    runner
        .run(&history, |steps| {
            runtime.block_on(async {
                bed.store.write(|tx| tx.execute("DELETE FROM jobs", &[])).await.expect("emptied");
                play(&bed, &steps).await;
            });
            Ok(())
        })
        .expect("the model holds");
}

//! The worker against jobs that succeed, fail, panic, wait and freeze, on every engine.

use super::*;
use crate::jobs::{Job, Schedule, housekeeping};
use crate::scheduler;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use wharf_connect::http::TransportError;
use wharf_connect::{Http, HttpRequest, HttpResponse};
use wharf_store::jobs::NewJob;
use wharf_store::testing::{Bed, both_engines_with};

/// What every run of a test did, by the test's number.
static RUNS: Mutex<Vec<(u64, String)>> = Mutex::new(Vec::new());
static TESTS: AtomicU64 = AtomicU64::new(1);

fn runs(test: u64) -> Vec<String> {
    RUNS.lock().expect("no panic").iter().filter(|(of, _)| *of == test).map(|(_, what)| what.clone()).collect()
}

#[derive(Serialize, Deserialize)]
struct Probe {
    test: u64,
    what: String,
    #[serde(default)]
    key: i64,
}

#[async_trait]
impl Job for Probe {
    const KIND: &'static str = "probe";
    const LANE: &'static str = "probe";

    fn lane_key(&self) -> i64 {
        self.key
    }
    fn shop(&self) -> Option<ShopId> {
        (self.key != 0).then_some(ShopId(self.key))
    }
    async fn run(&self, app: &App, attempt: &Attempt) -> Result<JobEnd, FlowError> {
        let run = format!("{} {}", self.what, attempt.failures);
        RUNS.lock().expect("no panic").push((self.test, run));
        match (self.what.as_str(), attempt.failures) {
            ("fail once", 0) => Err(ConnectError::Transient("not now".into()).into()),
            ("panic once", 0) => panic!("on purpose"),
            ("throttled", _) if app.now() < Timestamp(wharf_store::testing::START.micros() + 5 * SECOND) => {
                Err(ConnectError::Throttled { retry_after: Duration::from_secs(5), message: "slow down".into() }.into())
            }
            ("signed out", _) if app.now() < Timestamp(wharf_store::testing::START.micros() + PAUSED) => {
                Err(ConnectError::Reauthorize("the token is over".into()).into())
            }
            ("refused", _) => Err(ConnectError::Refused { code: "E1".into(), message: "closed".into() }.into()),
            ("slow", _) => {
                tokio::time::sleep(Duration::from_millis(300)).await;
                RUNS.lock().expect("no panic").push((self.test, "slow ended".into()));
                Ok(JobEnd::Done)
            }
            ("ends itself", _) => {
                let attempt = *attempt;
                app.store.write(move |tx| attempt.finish(tx).map_err(FlowError::from)).await?;
                Ok(JobEnd::Finished)
            }
            ("in two steps", _) if runs(self.test).len() < 2 => Ok(JobEnd::Again { at: app.now() }),
            _ => Ok(JobEnd::Done),
        }
    }
}

/// A way out that counts who went.
#[derive(Default)]
struct Counting(AtomicUsize);

#[async_trait]
impl Http for Counting {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(HttpResponse { status: 200, headers: Vec::new(), body: Vec::new() })
    }
}

fn app(bed: &Bed) -> Arc<App> {
    Arc::new(App::new(bed.store.clone(), Arc::new(Counting::default()), Vec::new(), bed.clock.clone(), 7))
}

fn registry() -> Arc<Registry> {
    Arc::new(Registry::default().with::<Probe>())
}

fn probe(test: u64, what: &str) -> NewJob {
    Probe { test, what: what.into(), key: 0 }.new_job()
}

fn of_shop(test: u64, what: &str, key: i64) -> NewJob {
    Probe { test, what: what.into(), key }.new_job()
}

async fn enqueue(app: &App, new: Vec<NewJob>) {
    app.store.write(move |tx| jobs::enqueue(tx, &new)).await.expect("enqueued");
}

async fn depth(app: &App) -> (i64, i64, i64) {
    let depths = app.store.read(jobs::depths).await.expect("read");
    depths.iter().find(|depth| depth.lane == "probe").map_or((0, 0, 0), |depth| (depth.ready, depth.running, depth.dead))
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not happen in time: {what}");
}

#[test]
fn every_error_has_its_reaction() {
    let (now, wait) = (Timestamp(0), |at| Failure::Wait { at: Timestamp(at) });
    let of = |error: FlowError| reaction(&error, 0, now, 1.0);
    let throttled = of(ConnectError::Throttled { retry_after: Duration::from_secs(9), message: String::new() }.into());
    assert_eq!((throttled.failure, throttled.block_until), (wait(9 * SECOND), Some(Timestamp(9 * SECOND))));
    let signed_out = of(ConnectError::Reauthorize("why".into()).into());
    assert_eq!((signed_out.failure, signed_out.reauthorize.as_deref()), (wait(PAUSED), Some("why")));
    for error in [ConnectError::Transient(String::new()), ConnectError::Unsure(String::new())] {
        assert_eq!(of(error.into()).failure, Failure::Retry { at: Timestamp(2 * SECOND), most: MOST_FAILURES });
    }
    assert_eq!(of(StoreError::Busy.into()).failure, Failure::Retry { at: Timestamp(2 * SECOND), most: MOST_FAILURES });
    assert_eq!(of(ConnectError::Drift(String::new()).into()).failure, Failure::Retry { at: Timestamp(2 * SECOND), most: MOST_FAULTS });
    for error in [
        FlowError::refused("x"),
        FlowError::NotFound("x".into()),
        ConnectError::Refused { code: String::new(), message: String::new() }.into(),
    ] {
        assert_eq!(of(error).failure, Failure::Dead);
    }
}

#[test]
fn jobs_end_come_back_and_die_as_they_should() {
    both_engines_with(|bed| async move {
        let (app, registry, test) = (app(&bed), registry(), TESTS.fetch_add(1, Ordering::SeqCst));
        enqueue(&app, ["fine", "fail once", "ends itself", "refused"].map(|what| probe(test, what)).into()).await;
        assert_eq!(run_due(&app, &registry).await, Ok(4));
        assert_eq!(depth(&app).await, (1, 0, 1));
        bed.clock.advance(2 * SECOND);
        assert_eq!(run_due(&app, &registry).await, Ok(1));
        assert_eq!(runs(test), ["fine 0", "fail once 0", "ends itself 0", "refused 0", "fail once 1"]);
        let dead = app.store.read(|tx| jobs::dead(tx, None, 9)).await.expect("read");
        assert_eq!(dead[0].last_error.as_deref(), Some("refused (E1): closed"), "in the words of the channel");
        let two = TESTS.fetch_add(1, Ordering::SeqCst);
        enqueue(&app, vec![probe(two, "in two steps")]).await;
        assert_eq!(run_due(&app, &registry).await, Ok(2));
        assert_eq!(runs(two), ["in two steps 0", "in two steps 0"], "going on is no failure");
        // A job that this process does not know is left to another.
        enqueue(&app, vec![NewJob { kind: "of tomorrow", ..probe(test, "") }]).await;
        assert_eq!(run_due(&app, &registry).await, Ok(1));
        assert_eq!(depth(&app).await, (1, 0, 1));
    });
}

#[test]
fn a_throttled_shop_waits_as_a_whole_and_others_do_not() {
    both_engines_with(|bed| async move {
        let (app, registry, test) = (app(&bed), registry(), TESTS.fetch_add(1, Ordering::SeqCst));
        enqueue(&app, vec![of_shop(test, "throttled", 1), of_shop(test, "second", 1), of_shop(test, "other", 2)]).await;
        assert_eq!(run_due(&app, &registry).await, Ok(2));
        assert_eq!(runs(test), ["throttled 0", "other 0"]);
        bed.clock.advance(5 * SECOND);
        assert_eq!(run_due(&app, &registry).await, Ok(2));
        assert_eq!(runs(test)[2..], ["second 0", "throttled 0"], "it was nobody's failure");
    });
}

#[test]
fn a_dead_token_pauses_the_shop_and_a_new_sign_in_wakes_its_jobs() {
    both_engines_with(|bed| async move {
        let (app, registry, test) = (app(&bed), registry(), TESTS.fetch_add(1, Ordering::SeqCst));
        let shop = app
            .store
            .write(|tx| {
                let sql = "INSERT INTO shops (id, vendor, name, shop_state, zone, currency, created_at) VALUES ($1, 'x', 'x', 'active', 'UTC', 'CNY', 0)";
                tx.execute(sql, &[5.into()])?;
                Ok::<_, StoreError>(ShopId(5))
            })
            .await
            .expect("a shop");
        enqueue(&app, vec![of_shop(test, "signed out", 5), of_shop(test, "second", 5)]).await;
        assert_eq!(run_due(&app, &registry).await, Ok(1));
        let state = |app: Arc<App>| async move {
            let row =
                app.store.read(move |tx| tx.query_opt("SELECT shop_state, state_detail FROM shops WHERE id = $1", &[shop.into()])).await;
            let row = row.expect("read").expect("there");
            (row.text(0).expect("a word"), row.text(1).expect("a text"))
        };
        assert_eq!(state(app.clone()).await, ("reauthorize".to_owned(), "the token is over".to_owned()));
        assert_eq!(run_due(&app, &registry).await, Ok(0), "nobody knocks with a dead token");
        // What a person paused is not turned into something else.
        app.store.write(move |tx| shops::set_state(tx, shop, ShopState::Paused, "on holiday")).await.expect("paused");
        app.store.write(move |tx| ask_for_sign_in(tx, shop, "again")).await.expect("asked");
        assert_eq!(state(app.clone()).await.0, "paused");
        bed.clock.set(Timestamp(wharf_store::testing::START.micros() + PAUSED - 1));
        app.store.write(move |tx| shops::set_state(tx, shop, ShopState::Active, "")).await.expect("resumed");
        assert_eq!(run_due(&app, &registry).await, Ok(2));
        bed.clock.advance(2 * PAUSED);
        assert_eq!(run_due(&app, &registry).await, Ok(1));
        assert_eq!(depth(&app).await, (0, 0, 0));
    });
}

#[test]
fn a_worker_wakes_at_once_survives_panics_and_stops_gracefully() {
    both_engines_with(|bed| async move {
        let (app, registry, test) = (app(&bed), registry(), TESTS.fetch_add(1, Ordering::SeqCst));
        let (stop, stopped) = watch::channel(false);
        let worker = tokio::spawn(run(app.clone(), registry.clone(), stopped));
        tokio::time::sleep(Duration::from_millis(100)).await;
        enqueue(&app, vec![probe(test, "panic once"), probe(test, "fine")]).await;
        // Well below the two seconds after which it would have looked by itself.
        let asleep = tokio::time::timeout(IDLE * 3 / 4, until("both ran", async || runs(test).len() == 2)).await;
        assert!(asleep.is_ok(), "nobody woke the worker");
        until("the panic is written down", async || depth(&app).await == (1, 0, 0)).await;
        bed.clock.advance(MINUTE);
        until("it ran again", async || runs(test).len() == 3 && depth(&app).await == (0, 0, 0)).await;
        assert!(runs(test).contains(&"panic once 1".to_owned()));
        enqueue(&app, vec![probe(test, "slow")]).await;
        until("it runs", async || runs(test).contains(&"slow 0".to_owned())).await;
        stop.send(true).expect("it listens");
        worker.await.expect("no panic");
        assert!(runs(test).contains(&"slow ended".to_owned()), "what ran was let to its end");
        assert_eq!(depth(&app).await, (0, 0, 0));
        enqueue(&app, vec![probe(test, "late")]).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(depth(&app).await, (1, 0, 0), "a stopped worker takes nothing");
    });
}

#[test]
fn many_workers_do_each_job_once() {
    both_engines_with(|bed| async move {
        let (registry, test) = (registry(), TESTS.fetch_add(1, Ordering::SeqCst));
        let (stop, stopped) = watch::channel(false);
        let apps: Vec<Arc<App>> = (0..3)
            .map(|seed| Arc::new(App::new(bed.another(), Arc::new(Counting::default()), Vec::new(), bed.clock.clone(), seed)))
            .collect();
        let workers: Vec<_> = apps.iter().map(|app| tokio::spawn(run(app.clone(), registry.clone(), stopped.clone()))).collect();
        for part in 0..10 {
            enqueue(&apps[part % 3], (0..12).map(|number| probe(test, &format!("{part}.{number}"))).collect()).await;
        }
        until("all ran", async || runs(test).len() >= 120 && depth(&apps[0]).await == (0, 0, 0)).await;
        stop.send(true).expect("they listen");
        for worker in workers {
            worker.await.expect("no panic");
        }
        let mut all = runs(test);
        all.sort();
        all.dedup();
        assert_eq!((all.len(), runs(test).len()), (120, 120));
    });
}

#[test]
fn what_is_due_becomes_a_job_once_and_lost_work_comes_back() {
    both_engines_with(|bed| async move {
        let schedules = [Schedule { name: "housekeeping", every: MINUTE, due: housekeeping::due }];
        let apps = [app(&bed), Arc::new(App::new(bed.another(), Arc::new(Counting::default()), Vec::new(), bed.clock.clone(), 9))];
        for app in &apps {
            scheduler::prepare(app, &schedules).await.expect("prepared");
        }
        let mut ran = 0;
        let registry = Registry::default().with::<housekeeping::Housekeeping>();
        for _ in 0..5 {
            let (one, two) = tokio::join!(scheduler::tick(&apps[0], &schedules), scheduler::tick(&apps[1], &schedules));
            assert_eq!(one.expect("ticked") + two.expect("ticked"), 1);
            ran += run_due(&apps[1], &registry).await.expect("ran");
            bed.clock.advance(MINUTE);
        }
        assert_eq!(ran, 5);
        // A worker claims and is gone: the scheduler of another takes the job back when the lease is over.
        scheduler::tick(&apps[0], &schedules).await.expect("ticked");
        let lost = apps[0].store.write(|tx| jobs::claim(tx, "house", 9, LEASE)).await.expect("claimed");
        assert_eq!(lost.len(), 1);
        bed.clock.advance(LEASE + 1);
        scheduler::tick(&apps[1], &[]).await.expect("ticked");
        assert_eq!(run_due(&apps[1], &registry).await, Ok(1));
    });
}

#[test]
fn a_scheduler_on_a_new_database_needs_nobody_to_begin() {
    both_engines_with(|bed| async move {
        static SCHEDULES: [Schedule; 1] = [Schedule { name: "housekeeping", every: MINUTE, due: housekeeping::due }];
        let app = app(&bed);
        let (stop, stopped) = watch::channel(false);
        let runner = app.clone();
        let scheduler = tokio::spawn(async move { scheduler::run(&runner, &SCHEDULES, stopped).await });
        until("a job was made", async || !app.store.read(jobs::depths).await.expect("read").is_empty()).await;
        stop.send(true).expect("it listens");
        scheduler.await.expect("no panic");
    });
}

#[test]
fn nobody_calls_the_world_from_inside_a_unit_of_work() {
    both_engines_with(|bed| async move {
        let http = Arc::new(Counting::default());
        let app = Arc::new(App::new(bed.store.clone(), http.clone(), Vec::new(), bed.clock.clone(), 7));
        let request = || HttpRequest {
            method: "GET",
            url: "http://x/".into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: Duration::from_secs(1),
        };
        assert!(app.http.send(request()).await.is_ok());
        let (inner, handle) = (app.clone(), tokio::runtime::Handle::current());
        let caught = tokio::spawn(async move {
            let outer = inner.clone();
            let work = move |_: &mut Tx<'_>| Ok::<_, StoreError>(handle.block_on(inner.http.send(request())).is_err());
            outer.store.write(work).await
        });
        match caught.await {
            Ok(refused) => assert_eq!(refused, Ok(true)),
            Err(panicked) => assert!(panicked.is_panic() && cfg!(debug_assertions)),
        }
        assert_eq!(http.0.load(Ordering::SeqCst), 1, "only the call outside went out");
    });
}

#[test]
fn the_same_seed_gives_the_same_chance() {
    let beds = [wharf_store::testing::memory(), wharf_store::testing::memory()];
    let [one, two] = [app(&beds[0]), app(&beds[1])];
    assert_eq!((one.nonce(), one.chance().to_bits()), (two.nonce(), two.chance().to_bits()));
    assert_ne!(one.nonce(), one.nonce());
}

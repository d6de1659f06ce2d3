//! The one harness: a flow is run with a fault at statement k, for every k, and at each call to the outside before and after
//! its effect; then it is run again. Its end must be the end of the run that nothing disturbed.

use super::digest;
use crate::parcels::bed::{Fault, House};
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use wharf_domain::id::{OrderId, ShipmentId, ShopId};
use wharf_domain::time::MINUTE;
use wharf_flows::app::FlowError;
use wharf_flows::jobs::sweep;

/// What a flow is run on: an order of its own, so that one database serves all runs.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Channel numbers of its orders begin so.
    pub name: String,
    /// Its order, where there is one before the flow.
    pub order: OrderId,
    /// Its parcel.
    pub parcel: ShipmentId,
    /// Whatever else the flow is told: a waybill, a confirmation, an operation.
    pub other: i64,
}

impl Subject {
    /// Nothing is there but the name.
    pub fn called(name: String) -> Self {
        Subject { name, order: OrderId(0), parcel: ShipmentId(0), other: 0 }
    }
}

/// The house, and a shop in it where a person approves every order.
pub struct Rig {
    pub house: House,
    pub manual: ShopId,
}

pub type Run<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One flow of the table.
pub struct Step {
    /// Its name in docs/proof.md.
    pub flow: &'static str,
    /// States that its commits may leave behind, the one before it included: 1 = one transaction, all or nothing.
    pub states: usize,
    /// Calls to the outside that it makes.
    pub calls: &'static [&'static str],
    /// The same call again changes nothing. False for what is meant to happen again when it is asked again.
    pub repeats: bool,
    /// Brings a subject to where the flow starts.
    pub prepare: for<'a> fn(&'a Rig, String) -> Run<'a, Subject>,
    /// The flow.
    pub act: for<'a> fn(&'a Rig, &'a Subject) -> Run<'a, Result<(), FlowError>>,
}

/// What can go wrong with a call, before its effect and after it.
const FAULTS: [Fault; 6] = [Fault::NotSent, Fault::LostBefore, Fault::LostAfter, Fault::Garbled, Fault::DiesBefore, Fault::DiesAfter];

impl Rig {
    async fn digest(&self, subject: &Subject) -> String {
        let (name, other) = (subject.name.clone(), subject.other);
        self.house.write(move |tx| digest::of(tx, &name, other)).await
    }

    /// Jobs run, time passes, the sweep repairs.
    async fn settle(&self) {
        for _ in 0..3 {
            self.house.bed.clock.advance(3 * MINUTE);
            self.house.write(sweep::poke).await;
            self.house.work().await;
        }
    }
}

/// Ends a proof with what was wrong: the flows after it are proved all the same.
macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err(format!($($words)+));
        }
    };
}

/// Runs one flow of the table with every fault. Answers how many statements and calls were broken.
pub async fn prove(rig: &Rig, step: &Step, serial: &mut usize) -> Result<(usize, usize), String> {
    let mut name = || {
        *serial += 1;
        format!("F{:05}x", *serial)
    };
    // Undisturbed.
    let subject = (step.prepare)(rig, name()).await;
    (step.act)(rig, &subject).await.map_err(|error| format!("undisturbed: {error}"))?;
    let done = rig.digest(&subject).await;
    if step.repeats {
        (step.act)(rig, &subject).await.map_err(|error| format!("repeated: {error}"))?;
        let again = rig.digest(&subject).await;
        ensure!(again == done, "the same call again changed something\n{}", digest::apart(&done, &again));
    }
    rig.settle().await;
    let end = rig.digest(&subject).await;

    let mut left_behind = BTreeSet::new();
    let mut statements = 0;
    loop {
        let k = statements + 1;
        let subject = (step.prepare)(rig, name()).await;
        let before = rig.digest(&subject).await;
        rig.house.bed.store.fail_at(k as u64);
        let answer = (step.act)(rig, &subject).await;
        if rig.house.bed.store.fail_at(0) > 0 {
            answer.map_err(|error| format!("no statement was left to break: {error}"))?;
            rig.settle().await;
            break;
        }
        ensure!(answer.is_err(), "statement {k} broke unseen");
        let now = rig.digest(&subject).await;
        ensure!(step.states > 1 || now == before, "statement {k} left something behind\n{}", digest::apart(&before, &now));
        left_behind.insert(now);
        repeat(rig, step, &subject, &done, &end).await.map_err(|why| format!("statement {k} broken, then {why}"))?;
        statements = k;
    }
    ensure!(statements > 1, "it has no statements");
    let told: Vec<&String> = left_behind.iter().collect();
    ensure!(
        told.len() <= step.states,
        "{} states were left behind, {} are meant\n{}",
        told.len(),
        step.states,
        told.windows(2).take(3).map(|two| digest::apart(two[0], two[1])).collect::<Vec<_>>().join("\n—\n")
    );

    let mut calls = 0;
    for call in step.calls {
        for fault in FAULTS {
            let subject = (step.prepare)(rig, name()).await;
            rig.house.fake.fault(call, fault);
            tokio::select! {
                biased;
                () = rig.house.fake.hung.notified() => {}
                _ = (step.act)(rig, &subject) => {}
                () = tokio::time::sleep(Duration::from_secs(20)) => return Err(format!("{call} {fault:?} hangs")),
            }
            let unmet = rig.house.fake.truth.lock().expect("truth").faults.drain().any(|(_, left)| !left.is_empty());
            ensure!(!unmet, "{call} was not called");
            repeat(rig, step, &subject, &done, &end).await.map_err(|why| format!("{call} {fault:?}, then {why}"))?;
            calls += 1;
        }
    }
    ensure!(!rig.house.fake.bought_twice(), "a waybill was bought twice");
    ensure!(rig.house.fake.confirmations().values().all(|told| *told == 1), "a channel was told twice");
    Ok((statements, calls))
}

/// The same call again. Where the flow is one transaction its end is there at once, its jobs included; where it commits more
/// than once, what is in doubt is not asked again at once: jobs come back to it when its time has come.
async fn repeat(rig: &Rig, step: &Step, subject: &Subject, done: &str, end: &str) -> Result<(), String> {
    let again = (step.act)(rig, subject).await;
    if step.states == 1 {
        again.map_err(|error| format!("again: {error}"))?;
        let now = rig.digest(subject).await;
        ensure!(now == done, "again\n{}", digest::apart(done, &now));
    } else {
        rig.settle().await;
        let found = rig.digest(subject).await;
        ensure!(found == end, "again, and after its jobs\n{}", digest::apart(end, &found));
    }
    Ok(())
}

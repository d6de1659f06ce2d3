//! Due schedules become jobs, once among all processes; jobs of lost workers come back.

use crate::app::{App, FlowError};
use crate::jobs::Schedule;
use crate::worker;
use std::time::Duration;
use tokio::sync::watch;
use wharf_store::{jobs, schedules};

/// How often the scheduler looks.
const TICK: Duration = Duration::from_secs(1);
/// Jobs of lost workers taken back in one unit of work.
const RECLAIMED_AT_ONCE: i64 = 200;

/// Makes the schedules known, and how often they recur.
pub(crate) async fn prepare(app: &App, schedules: &[Schedule]) -> Result<(), FlowError> {
    let schedules = schedules.to_vec();
    app.store
        .write(move |tx| {
            let names: Vec<(&str, i64)> = schedules.iter().map(|schedule| (schedule.name, schedule.every)).collect();
            Ok(schedules::ensure(tx, &names)?)
        })
        .await
}

/// Turns what is due into jobs and takes back what lost workers held. Answers how many schedules were due.
pub async fn tick(app: &App, schedules: &[Schedule]) -> Result<usize, FlowError> {
    let schedules = schedules.to_vec();
    app.store
        .write_again(move |tx| {
            jobs::reclaim(tx, worker::MOST_FAILURES, RECLAIMED_AT_ONCE)?;
            let names: Vec<&str> = schedules.iter().map(|schedule| schedule.name).collect();
            let due = schedules::take_due(tx, &names)?;
            for name in &due {
                if let Some(schedule) = schedules.iter().find(|schedule| schedule.name == name) {
                    let made = (schedule.due)(tx)?;
                    jobs::enqueue(tx, &made)?;
                }
            }
            Ok(due.len())
        })
        .await
}

/// Makes the schedules known, then ticks until `stop` says true.
pub async fn run(app: &App, schedules: &[Schedule], mut stop: watch::Receiver<bool>) {
    let mut known = false;
    while !*stop.borrow() {
        // Without its schedules nothing would ever be pulled, and nothing would say so: not known, it is tried again.
        let ticked = match known {
            true => tick(app, schedules).await.map(drop),
            false => prepare(app, schedules).await.map(|()| known = true),
        };
        if let Err(error) = ticked {
            tracing::warn!(%error, "the scheduler will try again");
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            changed = stop.changed() => if changed.is_err() { return },
        }
    }
}

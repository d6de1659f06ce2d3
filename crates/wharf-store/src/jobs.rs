//! The job table: the outbox of everything that must still happen. A job is written in the unit of work that causes it,
//! claimed by a worker for the time of a lease, and gone when it is done; what failed for good stays, visible, as dead.
//!
//! `claim` is the fence: it rises with every claim, and whoever finishes must show his. A worker that froze and wakes up
//! after its lease was given to another changes nothing. `attempts` counts failures only.

use crate::dialect;
use crate::error::StoreError;
use crate::paces;
use crate::row::Row;
use crate::tx::Tx;
use crate::value::Value;
use std::collections::HashSet;
use wharf_domain::id::JobId;
use wharf_domain::time::{MINUTE, SECOND, Timestamp};

wharf_domain::words! {
    /// Where a job stands. Its outcome in the world is stored with the thing it was about.
    pub enum JobStatus {
        /// Waits for its time and a worker.
        Ready = "ready",
        /// A worker holds its lease.
        Running = "running",
        /// Ended without being removed: a later twin took its place.
        Done = "done",
        /// Failed for good: a person must look.
        Dead = "dead",
    }
}

/// Work that must happen, not yet stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Which job.
    pub kind: &'static str,
    /// Concurrency group.
    pub lane: &'static str,
    /// Shop or account whose pace it shares; 0 = none.
    pub lane_key: i64,
    /// One waiting job per (kind, key): a waiting twin absorbs it. Twins never run at the same time.
    pub dedup_key: Option<String>,
    /// Ids only.
    pub payload: serde_json::Value,
    /// Higher first.
    pub priority: i64,
    /// Not before; `None` = now.
    pub run_at: Option<Timestamp>,
}

/// A job in a worker's hands.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// Which.
    pub id: JobId,
    /// Kind of work.
    pub kind: String,
    /// Concurrency group.
    pub lane: String,
    /// Shop or account.
    pub lane_key: i64,
    /// Ids.
    pub payload: serde_json::Value,
    /// The fence: shown when finishing.
    pub claim: i64,
    /// How often it failed before.
    pub attempts: i64,
    /// When it was due.
    pub run_at: Timestamp,
}

/// A job as a list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobView {
    /// Which.
    pub id: JobId,
    /// Kind of work.
    pub kind: String,
    /// Concurrency group.
    pub lane: String,
    /// Shop or account.
    pub lane_key: i64,
    /// Ids.
    pub payload: serde_json::Value,
    /// Where it stands.
    pub job_status: JobStatus,
    /// How often it failed.
    pub attempts: i64,
    /// Why it failed last.
    pub last_error: Option<String>,
    /// When it is or was due.
    pub run_at: Timestamp,
    /// When it was caused.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// How full a lane is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depth {
    /// Concurrency group.
    pub lane: String,
    /// Waiting, due or not.
    pub ready: i64,
    /// In a worker's hands.
    pub running: i64,
    /// Failed for good.
    pub dead: i64,
    /// When the longest waiting one was or will be due.
    pub oldest_run_at: Option<Timestamp>,
}

/// What a failed job does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Again at that time; counts as a failure, and is dead when there were too many.
    Retry {
        /// When.
        at: Timestamp,
        /// Failures after which it is dead.
        most: i64,
    },
    /// Again at that time; nobody's fault, so it does not count (throttled, paused, waiting).
    Wait {
        /// When.
        at: Timestamp,
    },
    /// It will never work by itself.
    Dead,
}

/// The topic that wakes the workers of a lane.
pub fn topic(lane: &str) -> String {
    format!("jobs.{lane}")
}

/// Stores jobs. A waiting twin absorbs a job with its dedup key. It is brought forward when it has not failed yet, or when
/// the new one is more urgent (a person asks); otherwise its pause goes on.
pub fn enqueue(tx: &mut Tx<'_>, jobs: &[NewJob]) -> Result<(), StoreError> {
    let now = tx.now();
    let mut seen = HashSet::new();
    let mut rows = Vec::with_capacity(jobs.len());
    for job in jobs {
        let run_at = job.run_at.unwrap_or(now);
        if run_at <= now {
            tx.announce(topic(job.lane));
        }
        if job.dedup_key.as_ref().is_some_and(|key| !seen.insert((job.kind, key.as_str()))) {
            continue;
        }
        let id: JobId = tx.new_id();
        rows.push(vec![
            id.into(),
            job.kind.into(),
            job.lane.into(),
            job.lane_key.into(),
            job.dedup_key.clone().into(),
            (&job.payload).into(),
            Value::word(JobStatus::Ready),
            job.priority.into(),
            run_at.into(),
            now.into(),
        ]);
    }
    tx.insert_many(
        "INSERT INTO jobs (id, kind, lane, lane_key, dedup_key, payload, job_status, priority, run_at, created_at)",
        &rows,
        "ON CONFLICT (kind, dedup_key) WHERE job_status = 'ready' AND dedup_key IS NOT NULL \
         DO UPDATE SET run_at = excluded.run_at, priority = CASE WHEN excluded.priority > jobs.priority THEN excluded.priority ELSE jobs.priority END \
         WHERE jobs.run_at > excluded.run_at AND (jobs.attempts = 0 OR excluded.priority > jobs.priority)",
    )?;
    Ok(())
}

/// Hands out up to `limit` due jobs of a lane for the time of a lease. Jobs of a blocked pace and jobs whose twin is
/// running wait. Two workers never get the same job.
pub fn claim(tx: &mut Tx<'_>, lane: &str, limit: i64, lease: i64) -> Result<Vec<Claimed>, StoreError> {
    let now = tx.now();
    let sql = format!(
        "WITH picked AS ( \
           SELECT j.id FROM jobs j WHERE j.lane = $1 AND j.job_status = 'ready' AND j.run_at <= $2 \
             AND NOT EXISTS (SELECT 1 FROM paces p WHERE p.lane = j.lane AND p.lane_key = j.lane_key AND p.blocked_until > $2) \
             AND NOT EXISTS (SELECT 1 FROM jobs r WHERE r.job_status = 'running' AND r.kind = j.kind AND r.dedup_key = j.dedup_key) \
           ORDER BY j.priority DESC, j.run_at, j.id LIMIT $3 {}) \
         UPDATE jobs SET job_status = 'running', claim = jobs.claim + 1, lease_until = $4 FROM picked WHERE jobs.id = picked.id \
         RETURNING jobs.id, kind, lane, lane_key, payload, claim, attempts, run_at, priority",
        dialect::skip_locked(tx.engine())
    );
    let mut rows = tx.query(&sql, &[lane.into(), now.into(), limit.into(), now.plus(lease).into()])?;
    let order = |row: &Row| Ok::<_, StoreError>((-row.int(8)?, row.int(7)?, row.int(0)?));
    let mut keyed = rows.drain(..).map(|row| Ok((order(&row)?, row))).collect::<Result<Vec<_>, StoreError>>()?;
    keyed.sort_by_key(|(key, _)| *key);
    keyed
        .into_iter()
        .map(|(_, row)| {
            Ok(Claimed {
                id: row.id(0)?,
                kind: row.text(1)?,
                lane: row.text(2)?,
                lane_key: row.int(3)?,
                payload: row.json(4)?,
                claim: row.int(5)?,
                attempts: row.int(6)?,
                run_at: row.time(7)?,
            })
        })
        .collect()
}

/// When the next job of a lane is due, if one waits.
pub fn next_due(tx: &mut Tx<'_>, lane: &str) -> Result<Option<Timestamp>, StoreError> {
    let row = tx.query_opt("SELECT MIN(run_at) FROM jobs WHERE lane = $1 AND job_status = 'ready'", &[lane.into()])?;
    row.map_or(Ok(None), |row| row.opt_time(0))
}

/// Prolongs leases of jobs at work; answers those that are still the caller's.
pub fn renew(tx: &mut Tx<'_>, held: &[(JobId, i64)], lease: i64) -> Result<Vec<JobId>, StoreError> {
    let rows: Vec<Vec<Value>> = held.iter().map(|(id, claim)| vec![(*id).into(), (*claim).into()]).collect();
    let until = tx.now().plus(lease);
    let sql = "UPDATE jobs SET lease_until = $1 FROM {rows} AS v \
               WHERE jobs.id = v.column1 AND jobs.claim = v.column2 AND jobs.job_status = 'running' RETURNING jobs.id";
    tx.query_rows(sql, &rows, &[until.into()])?.iter().map(|row| row.id(0)).collect()
}

/// Ends a job that is done: it is gone. False when it is no longer the caller's; whatever else the unit of work holds is
/// then best undone.
pub fn finish(tx: &mut Tx<'_>, id: JobId, claim: i64) -> Result<bool, StoreError> {
    let changed = tx.execute("DELETE FROM jobs WHERE id = $1 AND claim = $2 AND job_status = 'running'", &[id.into(), claim.into()])?;
    Ok(changed == 1)
}

/// Gives a job back that was not done. False when it is no longer the caller's.
pub fn fail(tx: &mut Tx<'_>, id: JobId, claim: i64, failure: Failure, error: &str) -> Result<bool, StoreError> {
    let (at, counted, most) = match failure {
        Failure::Retry { at, most } => (at, 1, most),
        Failure::Wait { at } => (at, 0, i64::MAX),
        Failure::Dead => (tx.now(), 1, 0),
    };
    let ready = tx.attempt(|tx| back(tx, id, claim, at, counted, most, error));
    match ready {
        Err(StoreError::Conflict { .. }) => absorb(tx, id, claim, at, counted, error),
        other => other,
    }
}

fn back(tx: &mut Tx<'_>, id: JobId, claim: i64, at: Timestamp, counted: i64, most: i64, error: &str) -> Result<bool, StoreError> {
    let now = tx.now();
    let changed = tx.execute(
        "UPDATE jobs SET job_status = CASE WHEN attempts + $4 >= $5 THEN 'dead' ELSE 'ready' END, \
           finished_at = CASE WHEN attempts + $4 >= $5 THEN CAST($6 AS BIGINT) END, \
           attempts = attempts + $4, run_at = $3, lease_until = NULL, last_error = CASE WHEN $7 = '' THEN last_error ELSE $7 END \
         WHERE id = $1 AND claim = $2 AND job_status = 'running'",
        &[id.into(), claim.into(), at.into(), counted.into(), most.into(), now.into(), short(error).into()],
    )?;
    Ok(changed == 1)
}

/// A twin came while the job ran: it goes on with the job's failures and its pause, and the job is done.
fn absorb(tx: &mut Tx<'_>, id: JobId, claim: i64, at: Timestamp, counted: i64, error: &str) -> Result<bool, StoreError> {
    let now = tx.now();
    let job = tx.query_opt(
        "UPDATE jobs SET job_status = 'done', finished_at = $3, lease_until = NULL, last_error = $4 \
         WHERE id = $1 AND claim = $2 AND job_status = 'running' RETURNING id, kind, dedup_key, attempts",
        &[id.into(), claim.into(), now.into(), short(error).into()],
    )?;
    let Some(job) = job else { return Ok(false) };
    tx.execute(
        "UPDATE jobs SET attempts = $3, last_error = $4, run_at = CASE WHEN run_at < $5 THEN $5 ELSE run_at END \
         WHERE kind = $1 AND dedup_key = $2 AND job_status = 'ready'",
        &[job.text(1)?.into(), job.text(2)?.into(), (job.int(3)? + counted).into(), short(error).into(), at.into()],
    )?;
    Ok(true)
}

/// An error as it is stored: enough to act on.
fn short(error: &str) -> String {
    const MOST: usize = 2000;
    error.chars().filter(|c| *c != '\0').take(MOST).collect()
}

/// Takes jobs back whose worker is gone: their lease is over. It counts as a failure, so that a job that kills its
/// worker ends as dead after `most`. Answers how many.
pub fn reclaim(tx: &mut Tx<'_>, most: i64, limit: i64) -> Result<u64, StoreError> {
    let now = tx.now();
    let sql = format!(
        "SELECT id, claim, lane FROM jobs WHERE job_status = 'running' AND lease_until < $1 ORDER BY lease_until LIMIT $2 {}",
        dialect::skip_locked(tx.engine())
    );
    let rows = tx.query(&sql, &[now.into(), limit.into()])?;
    let mut count = 0;
    for row in &rows {
        // Rare: one statement a job is simpler than a set with twins inside.
        count += u64::from(fail(tx, row.id(0)?, row.int(1)?, Failure::Retry { at: now, most }, "its worker is gone")?);
        tx.announce(topic(row.str(2)?));
    }
    Ok(count)
}

/// Gives back at once what a worker that stops has claimed and not begun.
pub fn release(tx: &mut Tx<'_>, held: &[(JobId, i64)]) -> Result<(), StoreError> {
    let now = tx.now();
    for (id, claim) in held {
        fail(tx, *id, *claim, Failure::Wait { at: now }, "its worker stopped")?;
    }
    Ok(())
}

const VIEW: &str = "id, kind, lane, lane_key, payload, job_status, attempts, last_error, run_at, created_at, finished_at";

fn view(row: &Row) -> Result<JobView, StoreError> {
    Ok(JobView {
        id: row.id(0)?,
        kind: row.text(1)?,
        lane: row.text(2)?,
        lane_key: row.int(3)?,
        payload: row.json(4)?,
        job_status: row.word(5)?,
        attempts: row.int(6)?,
        last_error: row.opt_text(7)?,
        run_at: row.time(8)?,
        created_at: row.time(9)?,
        finished_at: row.opt_time(10)?,
    })
}

/// Dead jobs, latest first, older than `before` where that is given.
pub fn dead(tx: &mut Tx<'_>, before: Option<JobId>, limit: i64) -> Result<Vec<JobView>, StoreError> {
    let before = before.map_or(i64::MAX, |id| id.0);
    let sql = format!("SELECT {VIEW} FROM jobs WHERE job_status = 'dead' AND id < $1 ORDER BY id DESC LIMIT $2");
    tx.query(&sql, &[before.into(), limit.into()])?.iter().map(view).collect()
}

/// One job.
pub fn get(tx: &mut Tx<'_>, id: JobId) -> Result<Option<JobView>, StoreError> {
    tx.query_opt(&format!("SELECT {VIEW} FROM jobs WHERE id = $1"), &[id.into()])?.as_ref().map(view).transpose()
}

/// Lets dead jobs try again, from zero failures. Answers which; a waiting twin makes the dead one superfluous.
pub fn retry_dead(tx: &mut Tx<'_>, ids: &[JobId]) -> Result<Vec<JobId>, StoreError> {
    let now = tx.now();
    let mut revived = Vec::new();
    for id in ids {
        let row = tx.attempt(|tx| {
            tx.query_opt(
                "UPDATE jobs SET job_status = 'ready', attempts = 0, run_at = $2, finished_at = NULL WHERE id = $1 AND job_status = 'dead' RETURNING id, lane",
                &[(*id).into(), now.into()],
            )
        });
        match row {
            Ok(Some(row)) => {
                tx.announce(topic(row.str(1)?));
                revived.push(*id);
            }
            Ok(None) => {}
            Err(StoreError::Conflict { .. }) => {
                tx.execute("DELETE FROM jobs WHERE id = $1 AND job_status = 'dead'", &[(*id).into()])?;
                revived.push(*id);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(revived)
}

/// Drops dead jobs that a person has settled otherwise. Answers how many.
pub fn discard_dead(tx: &mut Tx<'_>, ids: &[JobId]) -> Result<u64, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.execute_in("DELETE FROM jobs WHERE job_status = 'dead' AND id IN ({ids})", &ids, &[])
}

/// What waited for a shop or account goes on at once: somebody signed in again, or resumed it.
pub fn resume(tx: &mut Tx<'_>, lane_key: i64) -> Result<(), StoreError> {
    paces::unblock(tx, lane_key)?;
    hurry(tx, lane_key).map(drop)
}

/// Lets the waiting jobs of a shop or account try again now.
pub fn hurry(tx: &mut Tx<'_>, lane_key: i64) -> Result<u64, StoreError> {
    let now = tx.now();
    let rows = tx.query(
        "UPDATE jobs SET run_at = $2 WHERE lane_key = $1 AND job_status = 'ready' AND run_at > $2 AND last_error IS NOT NULL RETURNING id, lane",
        &[lane_key.into(), now.into()],
    )?;
    for row in &rows {
        tx.announce(topic(row.str(1)?));
    }
    Ok(rows.len() as u64)
}

/// Removes absorbed jobs that ended before `before`.
pub fn purge(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM jobs WHERE job_status = 'done' AND finished_at < $1", &[before.into()])
}

/// How full the lanes are.
pub fn depths(tx: &mut Tx<'_>) -> Result<Vec<Depth>, StoreError> {
    let rows = tx.query(
        "SELECT lane, CAST(SUM(CASE WHEN job_status = 'ready' THEN 1 ELSE 0 END) AS BIGINT), \
           CAST(SUM(CASE WHEN job_status = 'running' THEN 1 ELSE 0 END) AS BIGINT), \
           CAST(SUM(CASE WHEN job_status = 'dead' THEN 1 ELSE 0 END) AS BIGINT), \
           MIN(CASE WHEN job_status = 'ready' THEN run_at END) \
         FROM jobs GROUP BY lane ORDER BY lane",
        &[],
    )?;
    rows.iter()
        .map(|row| {
            Ok(Depth { lane: row.text(0)?, ready: row.int(1)?, running: row.int(2)?, dead: row.int(3)?, oldest_run_at: row.opt_time(4)? })
        })
        .collect()
}

/// The pause after the n-th failure: 2 s, doubling, at most 10 min, the upper half of it by chance. `chance` is 0 … 1.
pub fn backoff(failures: i64, chance: f64) -> i64 {
    let full = (2 * SECOND).saturating_mul(1_i64 << failures.clamp(0, 20)).min(10 * MINUTE);
    full / 2 + (full as f64 / 2.0 * chance.clamp(0.0, 1.0)) as i64
}

//! Erases what is past its date: payloads with personal data, sign-ins, idempotency keys, ended jobs.

use super::{Attempt, Job, JobEnd};
use crate::app::{App, FlowError};
use crate::erase;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_domain::time::DAY;
use wharf_store::jobs::NewJob;
use wharf_store::{StoreError, Tx, alerts, blobs, idempotency, jobs, users};

/// Blobs erased in one unit of work.
const BLOBS_AT_ONCE: i64 = 2_000;

/// How long an alert that is over can be looked up.
const ALERTS_LIVE: i64 = 90 * DAY;

/// The job. It has no payload.
#[derive(Debug, Serialize, Deserialize)]
pub struct Housekeeping {}

/// What its schedule makes.
pub(crate) fn due(_: &mut Tx<'_>) -> Result<Vec<NewJob>, StoreError> {
    Ok(vec![Housekeeping {}.new_job()])
}

#[async_trait]
impl Job for Housekeeping {
    const KIND: &'static str = "housekeeping";
    const LANE: &'static str = "house";

    fn dedup_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(&self, app: &App, _: &Attempt) -> Result<JobEnd, FlowError> {
        erase::date_parked(app).await?;
        loop {
            let erased = app.store.write(|tx| blobs::erase_expired(tx, BLOBS_AT_ONCE).map_err(FlowError::from)).await?;
            if erased < BLOBS_AT_ONCE.unsigned_abs() {
                break;
            }
        }
        app.store
            .write(|tx| {
                let before = tx.now().plus(-DAY);
                jobs::purge(tx, before)?;
                idempotency::purge(tx)?;
                users::purge_sessions(tx)?;
                alerts::purge(tx, before.plus(-ALERTS_LIVE))?;
                Ok::<_, FlowError>(())
            })
            .await?;
        Ok(JobEnd::Done)
    }
}

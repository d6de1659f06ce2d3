//! Asks carriers where the parcels on their way are.

use super::{Attempt, Job, JobEnd};
use crate::app::{App, FlowError};
use crate::track;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_store::jobs::NewJob;
use wharf_store::{StoreError, Tx};

/// The job. It has no payload.
#[derive(Debug, Serialize, Deserialize)]
pub struct TrackShipments {}

/// What its schedule makes.
pub(crate) fn due(_: &mut Tx<'_>) -> Result<Vec<NewJob>, StoreError> {
    Ok(vec![TrackShipments {}.new_job()])
}

#[async_trait]
impl Job for TrackShipments {
    const KIND: &'static str = "track_shipments";
    const LANE: &'static str = "track";

    fn dedup_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(&self, app: &App, _: &Attempt) -> Result<JobEnd, FlowError> {
        let more = track::track_due(app).await?;
        Ok(if more { JobEnd::Again { at: app.now() } } else { JobEnd::Done })
    }
}

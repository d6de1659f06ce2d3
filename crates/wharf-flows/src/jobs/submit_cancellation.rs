//! Tells a channel that an order is cancelled, after the time in which a person may take it back.

use super::{Attempt, Job, JobEnd};
use crate::app::{App, FlowError};
use crate::cancel::{self, Submitting};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_domain::id::{CancellationId, ShopId};

/// The job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SubmitCancellation {
    /// The cancellation.
    pub cancellation: CancellationId,
    /// The shop.
    pub shop: ShopId,
}

#[async_trait]
impl Job for SubmitCancellation {
    const KIND: &'static str = "submit_cancellation";
    const LANE: &'static str = "confirm";

    fn lane_key(&self) -> i64 {
        self.shop.0
    }
    fn dedup_key(&self) -> Option<String> {
        Some(self.cancellation.to_string())
    }
    fn shop(&self) -> Option<ShopId> {
        Some(self.shop)
    }

    async fn run(&self, app: &App, _: &Attempt) -> Result<JobEnd, FlowError> {
        Ok(match cancel::submit_one(app, self.cancellation).await? {
            Submitting::Later(at) => JobEnd::Again { at },
            Submitting::Told | Submitting::Nothing | Submitting::Refused | Submitting::Failed => JobEnd::Done,
        })
    }
}

//! Works on a long bulk operation, a slice a unit of work, from where the last one ended.

use super::{Attempt, Job, JobEnd};
use crate::app::{App, FlowError};
use crate::verbs;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_domain::id::OperationId;

/// The job. What is to be done, and to what, is stored with the operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunOperation {
    /// The operation.
    pub operation: OperationId,
}

#[async_trait]
impl Job for RunOperation {
    const KIND: &'static str = "run_operation";
    const LANE: &'static str = "bulk";

    fn dedup_key(&self) -> Option<String> {
        Some(self.operation.to_string())
    }

    async fn run(&self, app: &App, _: &Attempt) -> Result<JobEnd, FlowError> {
        verbs::work(app, self.operation).await?;
        Ok(JobEnd::Done)
    }
}

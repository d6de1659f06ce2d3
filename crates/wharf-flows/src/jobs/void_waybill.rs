//! Gives a waybill number back to its carrier.

use super::{Attempt, Job, JobEnd};
use crate::app::{App, FlowError};
use crate::book;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_domain::id::{CarrierAccountId, WaybillId};

/// The job.
#[derive(Debug, Serialize, Deserialize)]
pub struct VoidWaybill {
    /// The waybill.
    pub waybill: WaybillId,
    /// Whose pace it shares.
    pub account: CarrierAccountId,
}

#[async_trait]
impl Job for VoidWaybill {
    const KIND: &'static str = "void_waybill";
    const LANE: &'static str = "book";

    fn lane_key(&self) -> i64 {
        self.account.0
    }

    fn dedup_key(&self) -> Option<String> {
        Some(self.waybill.to_string())
    }

    async fn run(&self, app: &App, _: &Attempt) -> Result<JobEnd, FlowError> {
        book::void_one(app, self.waybill).await?;
        Ok(JobEnd::Done)
    }
}

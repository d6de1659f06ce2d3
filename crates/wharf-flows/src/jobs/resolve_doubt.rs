//! Looks a lost answer of a carrier up, before anything else happens to the waybill.

use super::{Attempt, Job, JobEnd};
use crate::app::{App, FlowError};
use crate::book::{self, Booking};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_domain::id::{CarrierAccountId, WaybillId};

/// The job.
#[derive(Debug, Serialize, Deserialize)]
pub struct ResolveDoubt {
    /// The waybill in doubt.
    pub waybill: WaybillId,
    /// Whose pace it shares.
    pub account: CarrierAccountId,
}

#[async_trait]
impl Job for ResolveDoubt {
    const KIND: &'static str = "resolve_doubt";
    const LANE: &'static str = "book";

    fn lane_key(&self) -> i64 {
        self.account.0
    }

    fn dedup_key(&self) -> Option<String> {
        Some(self.waybill.to_string())
    }

    async fn run(&self, app: &App, _: &Attempt) -> Result<JobEnd, FlowError> {
        Ok(match book::resolve(app, self.waybill).await? {
            // Certainly not bought: the intent has its own job again.
            Booking::Later(at) if at > app.now() => JobEnd::Again { at },
            Booking::Later(_)
            | Booking::Booked
            | Booking::Already
            | Booking::Unwanted
            | Booking::Held
            | Booking::Refused
            | Booking::InDoubt => JobEnd::Done,
        })
    }
}

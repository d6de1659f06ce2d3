//! Buys one waybill, once.

use super::{Attempt, Job, JobEnd};
use crate::app::{App, FlowError};
use crate::book::{self, Booking};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_domain::id::{CarrierAccountId, WaybillId};

/// The job.
#[derive(Debug, Serialize, Deserialize)]
pub struct BookShipment {
    /// The intent.
    pub waybill: WaybillId,
    /// Whose pace it shares.
    pub account: CarrierAccountId,
}

#[async_trait]
impl Job for BookShipment {
    const KIND: &'static str = "book_shipment";
    const LANE: &'static str = "book";

    fn lane_key(&self) -> i64 {
        self.account.0
    }

    fn dedup_key(&self) -> Option<String> {
        Some(self.waybill.to_string())
    }

    async fn run(&self, app: &App, _: &Attempt) -> Result<JobEnd, FlowError> {
        Ok(match book::book_one(app, self.waybill).await? {
            Booking::Later(at) => JobEnd::Again { at },
            Booking::Booked | Booking::Already | Booking::Unwanted | Booking::Held | Booking::Refused | Booking::InDoubt => JobEnd::Done,
        })
    }
}

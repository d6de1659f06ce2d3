//! Tells one channel about one order in one parcel, once.

use super::{Attempt, Job, JobEnd};
use crate::app::{App, FlowError};
use crate::confirm::{self, Telling};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_domain::id::{ConfirmationId, ShopId};

/// The job.
#[derive(Debug, Serialize, Deserialize)]
pub struct ConfirmShipment {
    /// The obligation.
    pub confirmation: ConfirmationId,
    /// Whose pace it shares, and who is paused when the channel wants a new sign-in.
    pub shop: ShopId,
}

#[async_trait]
impl Job for ConfirmShipment {
    const KIND: &'static str = "confirm_shipment";
    const LANE: &'static str = "confirm";

    fn lane_key(&self) -> i64 {
        self.shop.0
    }

    fn dedup_key(&self) -> Option<String> {
        Some(self.confirmation.to_string())
    }

    fn shop(&self) -> Option<ShopId> {
        Some(self.shop)
    }

    async fn run(&self, app: &App, _: &Attempt) -> Result<JobEnd, FlowError> {
        Ok(match confirm::confirm_one(app, self.confirmation).await? {
            Telling::Later(at) => JobEnd::Again { at },
            Telling::Told | Telling::Nothing | Telling::Refused | Telling::GaveUp => JobEnd::Done,
        })
    }
}

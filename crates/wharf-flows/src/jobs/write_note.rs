//! Tells a channel the seller's note and flag of an order, as they should stand.

use super::{Attempt, Job, JobEnd};
use crate::app::{App, FlowError};
use crate::edit;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_domain::id::{OrderId, ShopId};

/// The job. What it tells is read when it runs: the latest note wins.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WriteNote {
    /// The shop.
    pub shop: ShopId,
    /// The order.
    pub order: OrderId,
}

#[async_trait]
impl Job for WriteNote {
    const KIND: &'static str = "write_note";
    const LANE: &'static str = "confirm";

    fn lane_key(&self) -> i64 {
        self.shop.0
    }
    fn dedup_key(&self) -> Option<String> {
        Some(self.order.to_string())
    }
    fn priority(&self) -> i64 {
        -1
    }
    fn shop(&self) -> Option<ShopId> {
        Some(self.shop)
    }

    async fn run(&self, app: &App, _: &Attempt) -> Result<JobEnd, FlowError> {
        edit::tell_note(app, self.order).await?;
        Ok(JobEnd::Done)
    }
}

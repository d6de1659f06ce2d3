//! Compares the channel's count of recent hours with ours, closes gaps, minds silence, and reads parked orders again.

use super::{Attempt, Job, JobEnd};
use crate::app::{App, FlowError};
use crate::pull;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_domain::access::Scope;
use wharf_domain::id::ShopId;
use wharf_store::jobs::NewJob;
use wharf_store::shops::{self, ShopState};
use wharf_store::{StoreError, Tx};

/// The job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckCompleteness {
    /// The shop.
    pub shop: ShopId,
}

/// What its schedule makes: one for each active shop that was pulled before.
pub(crate) fn due(tx: &mut Tx<'_>) -> Result<Vec<NewJob>, StoreError> {
    let shops = shops::list(tx, &Scope::ALL)?;
    let ready = shops.into_iter().filter(|shop| shop.state == ShopState::Active && shop.cursor_at.is_some());
    Ok(ready.map(|shop| CheckCompleteness { shop: shop.id }.new_job()).collect())
}

#[async_trait]
impl Job for CheckCompleteness {
    const KIND: &'static str = "check_completeness";
    const LANE: &'static str = "pull";

    fn lane_key(&self) -> i64 {
        self.shop.0
    }
    fn dedup_key(&self) -> Option<String> {
        Some(self.shop.to_string())
    }
    fn priority(&self) -> i64 {
        -1
    }
    fn shop(&self) -> Option<ShopId> {
        Some(self.shop)
    }

    async fn run(&self, app: &App, _: &Attempt) -> Result<JobEnd, FlowError> {
        let checked = pull::check_completeness(app, self.shop).await?;
        if checked.more {
            return Ok(JobEnd::Again { at: app.now() });
        }
        pull::retry_parked(app, self.shop).await?;
        Ok(JobEnd::Done)
    }
}

//! Reads what changed in a shop, or one order of it when a push named one.

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
pub struct PullOrders {
    /// The shop.
    pub shop: ShopId,
    /// Only this order, by the channel's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
}

/// What its schedule makes: one for each active shop.
pub(crate) fn due(tx: &mut Tx<'_>) -> Result<Vec<NewJob>, StoreError> {
    let shops = shops::list(tx, &Scope::ALL)?;
    Ok(shops
        .into_iter()
        .filter(|shop| shop.state == ShopState::Active)
        .map(|shop| PullOrders { shop: shop.id, only: None }.new_job())
        .collect())
}

#[async_trait]
impl Job for PullOrders {
    const KIND: &'static str = "pull_orders";
    const LANE: &'static str = "pull";

    fn lane_key(&self) -> i64 {
        self.shop.0
    }
    fn dedup_key(&self) -> Option<String> {
        Some(match &self.only {
            None => self.shop.to_string(),
            Some(external_id) => format!("{} {external_id}", self.shop),
        })
    }
    fn priority(&self) -> i64 {
        i64::from(self.only.is_some())
    }
    fn shop(&self) -> Option<ShopId> {
        Some(self.shop)
    }

    async fn run(&self, app: &App, _: &Attempt) -> Result<JobEnd, FlowError> {
        let pulled = match &self.only {
            Some(external_id) => pull::pull_one(app, self.shop, external_id).await?,
            None => pull::pull(app, self.shop).await?,
        };
        Ok(if pulled.more { JobEnd::Again { at: app.now() } } else { JobEnd::Done })
    }
}

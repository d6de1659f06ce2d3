//! Erases personal data that are past their date, one shop a job.

use super::{Attempt, Job, JobEnd};
use crate::app::{App, FlowError};
use crate::erase;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_domain::access::Scope;
use wharf_domain::id::ShopId;
use wharf_store::jobs::NewJob;
use wharf_store::{StoreError, Tx, shops};

/// The job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErasePersonal {
    /// The shop.
    pub shop: ShopId,
}

/// What its schedule makes: one for each shop, whatever its state: a shop that is paused keeps nothing longer.
pub(crate) fn due(tx: &mut Tx<'_>) -> Result<Vec<NewJob>, StoreError> {
    Ok(shops::list(tx, &Scope::ALL)?.into_iter().map(|shop| ErasePersonal { shop: shop.id }.new_job()).collect())
}

#[async_trait]
impl Job for ErasePersonal {
    const KIND: &'static str = "erase_personal";
    const LANE: &'static str = "house";

    fn dedup_key(&self) -> Option<String> {
        Some(self.shop.to_string())
    }
    fn priority(&self) -> i64 {
        -1
    }

    async fn run(&self, app: &App, _: &Attempt) -> Result<JobEnd, FlowError> {
        let erased = erase::erase(app, self.shop).await?;
        Ok(if erased.more { JobEnd::Again { at: app.now() } } else { JobEnd::Done })
    }
}

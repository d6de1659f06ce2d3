//! Moves approved orders on: stock, fulfillments, parcels, carriers; or the shortage.

use super::{Attempt, Job, JobEnd};
use crate::app::{App, FlowError};
use crate::route::{self, RouteOptions};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_domain::id::OrderId;
use wharf_domain::timeline::Actor;

/// The job.
#[derive(Debug, Serialize, Deserialize)]
pub struct RouteOrders {
    /// Which orders. Those that cannot be routed are left as they are: their phase says why.
    pub orders: Vec<OrderId>,
}

#[async_trait]
impl Job for RouteOrders {
    const KIND: &'static str = "route_orders";
    const LANE: &'static str = "route";

    fn dedup_key(&self) -> Option<String> {
        match self.orders.as_slice() {
            [only] => Some(only.to_string()),
            _ => None,
        }
    }

    async fn run(&self, app: &App, attempt: &Attempt) -> Result<JobEnd, FlowError> {
        let actor = Actor::Job { kind: Self::KIND.to_owned(), id: Some(attempt.id) };
        route::route(app, &actor, &self.orders, RouteOptions::default()).await?;
        Ok(JobEnd::Done)
    }
}

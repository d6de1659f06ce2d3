//! Connecting shops, and asking for a pull now.

use crate::app::{App, FlowError};
use crate::jobs::Job;
use crate::jobs::pull_orders::PullOrders;
use wharf_domain::id::ShopId;
use wharf_store::jobs::NewJob;
use wharf_store::shops::{self, NewShop, ShopState};
use wharf_store::{StoreError, Tx, jobs};

/// A person waits for it: before the pulls of the schedule.
fn pull_job(shop: ShopId) -> NewJob {
    NewJob { priority: 1, ..PullOrders { shop, only: None }.new_job() }
}

/// Connects a shop; its first pull is due at once.
pub async fn connect(app: &App, shop: NewShop) -> Result<ShopId, FlowError> {
    app.store
        .write(move |tx| {
            let id = shops::create(tx, &shop)?;
            jobs::enqueue(tx, &[pull_job(id)])?;
            tx.announce("shops");
            Ok(id)
        })
        .await
}

/// Asks for a pull of active shops now.
pub async fn poke(app: &App, ids: Vec<ShopId>) -> Result<(), FlowError> {
    app.store.write(move |tx| poke_in(tx, &ids).map_err(FlowError::from)).await
}

fn poke_in(tx: &mut Tx<'_>, ids: &[ShopId]) -> Result<(), StoreError> {
    let mut due = Vec::with_capacity(ids.len());
    for id in ids {
        if shops::get(tx, *id)?.is_some_and(|s| s.state == ShopState::Active) {
            due.push(pull_job(*id));
        }
    }
    jobs::enqueue(tx, &due)
}

//! Withdraw: an import is taken back whole, or not at all. Orders that it made are erased, orders that it changed are
//! put back as they were, and an audit entry says so. Refused while anybody has worked on one of them.

use super::{seen, status};
use crate::app::{App, FlowError};
use crate::ingest::{self, CursorMove, Source};
use crate::recompute;
use serde::{Deserialize, Serialize};
use wharf_connect::files::ReadOrder;
use wharf_domain::access::Scope;
use wharf_domain::id::{ImportBatchId, OrderId, ShopId, UserId};
use wharf_store::audit::{self, AuditEntry};
use wharf_store::imports::{self, Effect, ImportState, ODD_ROWS};
use wharf_store::{Tx, blobs, shops};

/// How many orders are taken back in one unit of work.
const PAGE: i64 = 500;

/// What a withdrawal came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Orders that are gone.
    pub erased: i64,
    /// Orders that are as they were before.
    pub restored: i64,
}

/// Takes an import back. Calling it again gives the same answer.
pub async fn withdraw(app: &App, scope: &Scope, id: ImportBatchId, user: Option<UserId>) -> Result<Withdrawn, FlowError> {
    let batch = status(app, scope, id).await?.batch;
    if batch.state == ImportState::Withdrawn {
        return serde_json::from_value(batch.result).map_err(|e| FlowError::invalid("result", e.to_string()));
    }
    let shop = batch.shop_id.ok_or_else(|| FlowError::refused("no_shop"))?;
    let scope = scope.clone();
    // One unit of work: half a withdrawal would be an import that nobody knows. Memory is that of one page of orders.
    app.store
        .write(move |tx| {
            shops::lock(tx, shop)?;
            let batch = seen(tx, &scope, id)?;
            if batch.state == ImportState::Withdrawn {
                return Ok(Withdrawn::default());
            }
            let obstacles = imports::obstacles(tx, id)?;
            for (count, reason) in [
                (obstacles.worked_on, "orders_worked_on"),
                (obstacles.changed_later, "changed_by_later_import"),
                (obstacles.known_to_channel, "known_to_channel"),
            ] {
                if count > 0 {
                    return Err(FlowError::refused(format!("{reason}:{count}")));
                }
            }
            let mut done = Withdrawn::default();
            let mut after = OrderId(0);
            loop {
                let page = imports::effects(tx, id, after, PAGE)?;
                let Some((last, _, _)) = page.last() else { break };
                after = *last;
                take_back(tx, id, shop, &page, &mut done)?;
            }
            for position in (0..batch.file_names.len() as i64).chain([ODD_ROWS]) {
                imports::clear_pieces(tx, id, position)?;
            }
            imports::forget(tx, id)?;
            let json = serde_json::to_value(&done).map_err(|e| FlowError::invalid("result", e.to_string()))?;
            let from = [ImportState::Previewed, ImportState::Committing, ImportState::Committed, ImportState::Failed];
            imports::advance(tx, id, &from, ImportState::Withdrawn, Some(&json))?;
            let entry = AuditEntry {
                user_id: user,
                actor: "import".to_owned(),
                action: "import.withdrawn".to_owned(),
                target_kind: "import".to_owned(),
                target_id: Some(id.0),
                detail: json,
                address: String::new(),
            };
            audit::record(tx, entry)?;
            tx.announce(ingest::ORDERS_TOPIC);
            Ok(done)
        })
        .await
}

fn take_back(
    tx: &mut Tx<'_>,
    id: ImportBatchId,
    shop: ShopId,
    page: &[(OrderId, Effect, String)],
    done: &mut Withdrawn,
) -> Result<(), FlowError> {
    let ids: Vec<OrderId> = page.iter().map(|(order, _, _)| *order).collect();
    // The versions before are read before anything that names them goes.
    let mut restore = Vec::new();
    for (order, effect, hash) in page {
        if *effect == Effect::Created {
            continue;
        }
        let stored = blobs::get(tx, hash)?.and_then(|blob| ReadOrder::from_payload(&blob.bytes));
        let stored = stored.ok_or_else(|| FlowError::refused("version_before_erased"))?;
        let owner = imports::owner_before(tx, id, *order)?.ok_or_else(|| FlowError::refused("version_before_erased"))?;
        restore.push((*order, owner, stored));
    }
    recompute::forget(tx, &ids)?;
    imports::erase_orders(tx, &ids)?;
    done.erased += (ids.len() - restore.len()) as i64;
    done.restored += restore.len() as i64;
    for (old, owner, mut stored) in restore {
        stored.order.raw = stored.payload();
        let batch = ingest::Batch { orders: vec![stored.order], unreadable: Vec::new() };
        let ingested = ingest::ingest_in(tx, shop, &batch, Source::Import(owner), &CursorMove::Stay)?;
        let pairs: Vec<(OrderId, OrderId)> = ingested.inserted.iter().map(|new| (old, *new)).collect();
        if pairs.is_empty() {
            return Err(FlowError::refused("version_before_cannot_be_stored"));
        }
        imports::forget_order(tx, id, old)?;
        imports::rename_order(tx, &pairs)?;
    }
    Ok(())
}

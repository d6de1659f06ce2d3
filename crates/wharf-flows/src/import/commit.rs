//! Commit: the orders of an import go through ingest, chunk by chunk, each in one unit of work. The same call again goes
//! on where it stopped and changes nothing that is written; so does the same file in another import.

use super::source::{Chunk, open, stream};
use super::{COMMITTABLE, Chosen, mark, reader, seen, status, stored_files};
use crate::app::{App, FlowError};
use crate::ingest::{self, CursorMove, Source};
use crate::recompute;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use wharf_connect::files::{ReadOptions, ReadOrder, merge};
use wharf_domain::access::Scope;
use wharf_domain::id::{ImportBatchId, OrderId, ShopId};
use wharf_store::audit::{self, AuditEntry};
use wharf_store::imports::{self, Effect, ImportState, Origin};
use wharf_store::{Tx, blobs, orders, shops};

/// What a commit came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Committed {
    /// Orders in the files.
    pub orders: i64,
    /// Orders that are there because of this import.
    pub created: i64,
    /// Orders of earlier imports that it changed.
    pub amended: i64,
    /// Orders that were there and say the same.
    pub unchanged: i64,
    /// Orders that the channel itself told of: an import never touches them.
    pub known_by_channel: i64,
    /// Orders that could not be stored and are parked, visible in the shop.
    pub parked: i64,
    /// Rows that could not be read.
    pub odd_rows: i64,
}

/// Writes the orders of an import. Calling it again gives the same answer and writes nothing.
pub async fn commit(app: &App, scope: &Scope, id: ImportBatchId) -> Result<Committed, FlowError> {
    let batch = status(app, scope, id).await?.batch;
    if batch.state == ImportState::Committed {
        return serde_json::from_value(batch.result).map_err(|e| FlowError::invalid("result", e.to_string()));
    }
    let shop_id = batch.shop_id.ok_or_else(|| FlowError::refused("no_shop"))?;
    let started =
        app.store.write(move |tx| Ok::<_, FlowError>(imports::advance(tx, id, COMMITTABLE, ImportState::Committing, None)?)).await?;
    if !started {
        return Err(FlowError::refused(format!("import_{}", batch.state)));
    }
    let chosen: Chosen = serde_json::from_value(batch.options.clone()).map_err(|e| FlowError::invalid("options", e.to_string()))?;
    let shop = app
        .store
        .read(move |tx| Ok::<_, FlowError>(shops::get(tx, shop_id)?))
        .await?
        .ok_or_else(|| FlowError::NotFound(format!("shop {shop_id}")))?;
    let options = ReadOptions {
        mapping: Some(batch.mapping.clone()).filter(|m| !m.is_null()),
        zone: chosen.zone.clone().or(Some(shop.zone)),
        currency: chosen.currency.or(Some(shop.currency)),
        // The time of the preview: an order without a time is placed then, however often this is called.
        now: batch.created_at,
    };
    let files = stored_files(app, &batch).await?;
    let opened = open(reader(app)?, files, options).await?;
    let mut result = Committed::default();
    let mut chunks = stream(Arc::clone(&opened));
    while let Some(chunk) = chunks.next().await? {
        let Chunk::Rows { orders, odd } = chunk else { continue };
        result.odd_rows += odd.len() as i64;
        result.orders += orders.len() as i64;
        let treat_as = chosen.treat_as;
        let step = app
            .store
            .write(move |tx| {
                let mut orders = orders;
                for read in &mut orders {
                    mark(read, treat_as);
                }
                store_chunk(tx, id, shop_id, orders)
            })
            .await?;
        result.unchanged += step.unchanged;
        result.known_by_channel += step.known_by_channel;
        result.parked += step.parked;
    }
    let scope = scope.clone();
    app.store
        .write(move |tx| {
            let batch = seen(tx, &scope, id)?;
            (result.created, result.amended) = imports::tally(tx, id)?;
            // What an interrupted call wrote is found unchanged by the next one: it is told where it belongs.
            result.unchanged = result.orders - result.created - result.amended - result.known_by_channel - result.parked;
            let json = serde_json::to_value(&result).map_err(|e| FlowError::invalid("result", e.to_string()))?;
            imports::advance(tx, id, &[ImportState::Committing], ImportState::Committed, Some(&json))?;
            let entry = AuditEntry {
                user_id: batch.user_id,
                actor: "import".to_owned(),
                action: "import.committed".to_owned(),
                target_kind: "import".to_owned(),
                target_id: Some(id.0),
                detail: json,
                address: String::new(),
            };
            audit::record(tx, entry)?;
            Ok(result)
        })
        .await
}

/// Writes one chunk: new orders, and known ones as both readings tell them.
fn store_chunk(tx: &mut Tx<'_>, id: ImportBatchId, shop: ShopId, reads: Vec<ReadOrder>) -> Result<Committed, FlowError> {
    shops::lock(tx, shop)?;
    let externals: Vec<String> = reads.iter().map(|r| r.order.external_id.clone()).collect();
    let origins = imports::origins(tx, shop, &externals)?;
    let mut step = Committed::default();
    let mut write = Vec::new();
    let mut before: HashMap<OrderId, String> = HashMap::new();
    let mut rewritten: Vec<(String, Origin)> = Vec::new();
    for mut read in reads {
        let Some(origin) = origins.get(&read.order.external_id) else {
            read.order.raw = read.payload();
            write.push(read.order);
            continue;
        };
        if origin.import_batch_id.is_none() {
            step.known_by_channel += 1;
            continue;
        }
        let stored = blobs::get(tx, &origin.payload_hash)?.and_then(|blob| ReadOrder::from_payload(&blob.bytes));
        if let Some(stored) = stored {
            let held = read.order.do_not_ship.clone();
            let mut merged = merge::merge(&stored, &read);
            // What the person says now about history or work is the later word.
            merged.order.do_not_ship = held;
            if merged.same(&stored) {
                step.unchanged += 1;
                continue;
            }
            if loses_lines(&stored, &merged) && !worked_on(tx, origin.id)? {
                rewritten.push((merged.order.external_id.clone(), origin.clone()));
            }
            read = merged;
        }
        before.insert(origin.id, origin.payload_hash.clone());
        read.order.raw = read.payload();
        write.push(read.order);
    }
    // A list that knew only sums gives way to one that knows the lines: the order is written anew.
    let anew: Vec<OrderId> = rewritten.iter().map(|(_, origin)| origin.id).collect();
    recompute::forget(tx, &anew)?;
    let kept: Vec<(OrderId, Effect, String)> =
        anew.iter().map(|order| (*order, Effect::Amended, before.get(order).cloned().unwrap_or_default())).collect();
    imports::record(tx, id, &kept)?;
    imports::erase_orders(tx, &anew)?;
    let ingested =
        ingest::ingest_in(tx, shop, &ingest::Batch { orders: write, unreadable: Vec::new() }, Source::Import(id), &CursorMove::Stay)?;
    step.parked += ingested.parked as i64;
    let names = imports::external_ids(tx, &ingested.inserted)?;
    let mut pairs = Vec::new();
    let mut effects: Vec<(OrderId, Effect, String)> = Vec::new();
    for order in &ingested.inserted {
        let old = names.get(order).and_then(|name| rewritten.iter().find(|(external, _)| external == name));
        match old {
            Some((_, origin)) => {
                pairs.push((origin.id, *order));
                imports::set_origin(tx, *order, origin.import_batch_id)?;
            }
            None => effects.push((*order, Effect::Created, String::new())),
        }
    }
    imports::rename_order(tx, &pairs)?;
    for order in &ingested.amended {
        effects.push((*order, Effect::Amended, before.get(order).cloned().unwrap_or_default()));
    }
    imports::record(tx, id, &effects)?;
    step.created = ingested.inserted.len() as i64;
    step.amended = ingested.amended.len() as i64;
    Ok(step)
}

/// True when a line that we hold is in the new reading no more.
fn loses_lines(before: &ReadOrder, after: &ReadOrder) -> bool {
    before.order.lines.iter().any(|line| after.order.lines.iter().all(|l| l.external_id != line.external_id))
}

fn worked_on(tx: &mut Tx<'_>, order: OrderId) -> Result<bool, FlowError> {
    let lines = orders::lines(tx, &[order])?;
    let busy = lines.values().flatten().any(|line| line.counters.allocated > 0 || line.counters.shipped > 0 || line.counters.packed > 0);
    Ok(busy || imports::is_worked_on(tx, order)?)
}

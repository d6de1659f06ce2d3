//! Link: what a listing is made of, asked once. The answer stands on the listing, so that past and future orders have it;
//! orders that waited for it move on in the same transaction.

use crate::app::{App, FlowError, Outcome};
use crate::ingest::finish;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use wharf_domain::access::Scope;
use wharf_domain::catalog::LinkTarget;
use wharf_domain::id::{BundleId, ListingId, OrderId, SkuId};
use wharf_domain::timeline::{Actor, Event};
use wharf_store::catalog::{self, NewSku};
use wharf_store::{Tx, locks};

/// Links listings to a SKU or bundle, or takes their links away.
pub async fn link(
    app: &App,
    scope: &Scope,
    listings: Vec<ListingId>,
    target: Option<LinkTarget>,
    by: Actor,
) -> Result<Vec<(ListingId, Outcome)>, FlowError> {
    let scope = scope.clone();
    app.store
        .write(move |tx| {
            check_target(tx, target)?;
            let known: HashMap<ListingId, catalog::Listing> = catalog::listings(tx, &listings)?
                .into_iter()
                .filter(|listing| scope.shop(listing.shop_id))
                .map(|listing| (listing.id, listing))
                .collect();
            let mut seen = HashSet::new();
            let (mut results, mut changed) = (Vec::new(), Vec::new());
            for id in listings.into_iter().filter(|id| seen.insert(*id)) {
                let outcome = match known.get(&id) {
                    None => Outcome::refused("not_found"),
                    Some(listing) if listing.target == target => Outcome::Already,
                    Some(_) => {
                        catalog::link(tx, id, target, &by, None)?;
                        changed.push(id);
                        Outcome::Done
                    }
                };
                results.push((id, outcome));
            }
            move_on(tx, &changed, &by)?;
            Ok(results)
        })
        .await
}

fn check_target(tx: &mut Tx<'_>, target: Option<LinkTarget>) -> Result<(), FlowError> {
    match target {
        None => Ok(()),
        Some(LinkTarget::Sku { quantity, .. }) if quantity < 1 => Err(FlowError::invalid("quantity", "at least 1")),
        Some(LinkTarget::Sku { sku_id, .. }) if catalog::skus(tx, &[sku_id])?.is_empty() => {
            Err(FlowError::invalid("sku_id", "there is no such SKU"))
        }
        Some(LinkTarget::Bundle { bundle_id }) if catalog::bundle_parts(tx, &[bundle_id])?.is_empty() => {
            Err(FlowError::invalid("bundle_id", "there is no such bundle, or it is empty"))
        }
        Some(LinkTarget::Sku { .. } | LinkTarget::Bundle { .. }) => Ok(()),
    }
}

/// Orders that waited for these listings: told, recomputed, routed.
fn move_on(tx: &mut Tx<'_>, listings: &[ListingId], by: &Actor) -> Result<(), FlowError> {
    if listings.is_empty() {
        return Ok(());
    }
    let waiting = catalog::open_orders_of(tx, listings)?;
    // However many orders a listing has, each unit of SQL stays of one size.
    for chunk in waiting.chunks(1_000) {
        locks::orders(tx, chunk)?;
        let events: Vec<(OrderId, Event)> =
            chunk.iter().map(|id| (*id, Event { kind: "order.linked".to_owned(), params: json!({}), actor: by.clone() })).collect();
        finish(tx, chunk, &[], events)?;
    }
    Ok(())
}

/// Makes or changes SKUs by code; listings with these seller codes that have no link are linked, and their orders move on.
pub async fn save_skus(app: &App, skus: Vec<NewSku>) -> Result<Vec<SkuId>, FlowError> {
    if let Some(index) = skus.iter().position(|sku| sku.code.trim().is_empty()) {
        return Err(FlowError::invalid(format!("{index}.code"), "must not be empty"));
    }
    app.store
        .write(move |tx| {
            let ids = catalog::save_skus(tx, &skus)?;
            link_known_codes(tx)?;
            Ok(ids)
        })
        .await
}

/// Makes a bundle or changes the one of this code.
pub async fn save_bundle(app: &App, code: String, name: String, parts: Vec<(SkuId, i64)>) -> Result<BundleId, FlowError> {
    if code.trim().is_empty() {
        return Err(FlowError::invalid("code", "must not be empty"));
    }
    if parts.is_empty() || parts.iter().any(|(_, quantity)| *quantity < 1) {
        return Err(FlowError::invalid("parts", "at least one part, each with a quantity above zero"));
    }
    app.store
        .write(move |tx| {
            let wanted: HashSet<SkuId> = parts.iter().map(|(sku, _)| *sku).collect();
            let known = catalog::skus(tx, &wanted.iter().copied().collect::<Vec<_>>())?;
            if known.len() != wanted.len() {
                return Err(FlowError::invalid("parts", "a part is no SKU"));
            }
            let id = catalog::save_bundle(tx, &code, &name, &parts)?;
            link_known_codes(tx)?;
            Ok(id)
        })
        .await
}

/// Links what the catalogue can answer by now, within a unit of work that changed it.
pub fn link_known_codes(tx: &mut Tx<'_>) -> Result<Vec<ListingId>, FlowError> {
    let linked = catalog::link_known_codes(tx)?;
    move_on(tx, &linked, &Actor::Rule { name: "seller_code".to_owned(), version: 1 })?;
    Ok(linked)
}

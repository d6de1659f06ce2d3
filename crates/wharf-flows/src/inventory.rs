//! Counts and transfers by people: what was counted is posted as a difference with its reason, what is carried from one
//! warehouse to another leaves and arrives in one unit of work. Orders that wait for what came are routed again.

use crate::app::{App, FlowError, Outcome};
use crate::bulk::rehearse;
use crate::route;
use wharf_domain::id::{RowId, SkuId, WarehouseId};
use wharf_domain::stock::{Condition, MovementKind};
use wharf_domain::timeline::Actor;
use wharf_store::stock::{self, Cause, Entry, LevelKey};
use wharf_store::{Tx, catalog, warehouses};

/// What was counted of one SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Which.
    pub sku_id: SkuId,
    /// Units found.
    pub quantity: i64,
}

/// What a count came to for one SKU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountLine {
    /// Which.
    pub sku_id: SkuId,
    /// What was on hand before.
    pub before: i64,
    /// What was found.
    pub counted: i64,
    /// Whether it was posted: `already` when it is as it was, refused when more is promised than was found.
    pub outcome: Outcome,
}

fn places(tx: &mut Tx<'_>, ids: &[WarehouseId]) -> Result<(), FlowError> {
    for id in ids {
        if warehouses::get(tx, *id)?.is_none() {
            return Err(FlowError::NotFound(format!("warehouse {id}")));
        }
    }
    Ok(())
}

fn articles(tx: &mut Tx<'_>, ids: &[SkuId]) -> Result<(), FlowError> {
    let known = catalog::skus(tx, ids)?;
    match ids.iter().find(|id| known.iter().all(|sku| sku.id != **id)) {
        Some(missing) => Err(FlowError::NotFound(format!("SKU {missing}"))),
        None => Ok(()),
    }
}

/// Posts the differences of a count. One refusal never undoes another; the same count again changes nothing.
pub async fn count(
    app: &App,
    actor: &Actor,
    warehouse: WarehouseId,
    condition: Condition,
    counted: Vec<Counted>,
    reason: String,
    dry_run: bool,
) -> Result<Vec<CountLine>, FlowError> {
    let actor = actor.clone();
    app.store.write_again(move |tx| rehearse(tx, dry_run, |tx| count_in(tx, &actor, warehouse, condition, &counted, &reason))).await
}

fn count_in(
    tx: &mut Tx<'_>,
    actor: &Actor,
    warehouse: WarehouseId,
    condition: Condition,
    counted: &[Counted],
    reason: &str,
) -> Result<Vec<CountLine>, FlowError> {
    places(tx, &[warehouse])?;
    let skus: Vec<SkuId> = counted.iter().map(|c| c.sku_id).collect();
    articles(tx, &skus)?;
    let known = stock::lock(tx, &skus)?;
    let more_known = stock::levels(tx, &skus)?;
    let id: RowId = tx.new_id();
    let (mut lines, mut risen) = (Vec::with_capacity(counted.len()), Vec::new());
    for c in counted {
        let key = LevelKey { sku_id: c.sku_id, warehouse_id: warehouse, condition };
        let level = known.iter().chain(&more_known).find(|l| l.key == key).map(|l| l.level).unwrap_or_default();
        let outcome = if level.on_hand == c.quantity {
            Outcome::Already
        } else if c.quantity < level.reserved {
            Outcome::refused("reserved_above_on_hand")
        } else {
            let entry = Entry { key, kind: MovementKind::Counted, quantity: c.quantity, note: reason.to_owned() };
            match stock::record(tx, &[entry], Cause { kind: "count", id: Some(id.0) }, actor)? {
                Ok(()) => Outcome::Done,
                Err(_) => Outcome::refused("reserved_above_on_hand"),
            }
        };
        if outcome == Outcome::Done && c.quantity > level.on_hand {
            risen.push(c.sku_id);
        }
        lines.push(CountLine { sku_id: c.sku_id, before: level.on_hand, counted: c.quantity, outcome });
    }
    route::stock_arrived(tx, &risen, &[])?;
    tx.announce("stock");
    Ok(lines)
}

/// Units of one SKU that are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// Which.
    pub sku_id: SkuId,
    /// Units.
    pub quantity: i64,
}

/// Goods on their way between two warehouses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Where they leave.
    pub from: WarehouseId,
    /// Where they arrive.
    pub to: WarehouseId,
    /// In which condition.
    pub condition: Condition,
    /// What.
    pub carried: Vec<Carried>,
    /// Why.
    pub note: String,
}

/// Carries goods from one warehouse to another: all of it or nothing, and never what is promised there. Answers the id that
/// its movements name as their cause.
pub async fn transfer(app: &App, actor: &Actor, transfer: Transfer, dry_run: bool) -> Result<RowId, FlowError> {
    if transfer.from == transfer.to {
        return Err(FlowError::invalid("to_warehouse_id", "is the warehouse that it comes from"));
    }
    let actor = actor.clone();
    app.store.write_again(move |tx| rehearse(tx, dry_run, |tx| transfer_in(tx, &actor, &transfer))).await
}

fn transfer_in(tx: &mut Tx<'_>, actor: &Actor, transfer: &Transfer) -> Result<RowId, FlowError> {
    let Transfer { from, to, condition, carried, note } = transfer;
    let (from, to, condition) = (*from, *to, *condition);
    places(tx, &[from, to])?;
    let skus: Vec<SkuId> = carried.iter().map(|c| c.sku_id).collect();
    articles(tx, &skus)?;
    let id: RowId = tx.new_id();
    let entry = |sku_id: SkuId, warehouse_id: WarehouseId, quantity: i64| Entry {
        key: LevelKey { sku_id, warehouse_id, condition },
        kind: MovementKind::Transferred,
        quantity,
        note: note.clone(),
    };
    let entries: Vec<Entry> = carried.iter().flat_map(|c| [entry(c.sku_id, from, -c.quantity), entry(c.sku_id, to, c.quantity)]).collect();
    if let Err(unlawful) = stock::record(tx, &entries, Cause { kind: "transfer", id: Some(id.0) }, actor)? {
        let line = unlawful.index / 2;
        let free = unlawful.before.on_hand - unlawful.before.reserved;
        return Err(FlowError::invalid(format!("lines.{line}.quantity"), format!("only {free} are there and not promised")));
    }
    route::stock_arrived(tx, &skus, &[])?;
    tx.announce("stock");
    Ok(id)
}

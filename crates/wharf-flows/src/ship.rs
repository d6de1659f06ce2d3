//! Composing parcels out of fulfillments: merge, split, take out, choose the carrier. A fulfillment lies whole in one
//! parcel. Stopping them is in [`crate::stop`].

use crate::app::{App, FlowError, Outcome};
use crate::book;
use crate::recompute;
pub use crate::stop::{LineStop, Recalled, Stopped, lock_with_parcels, recall_labels, stop_lines};
pub(crate) use crate::stop::{Move, cut, recall_parcel, set_fulfillments};
use serde_json::json;
use std::collections::{BTreeSet, HashMap, HashSet};
use wharf_connect::Vendor;
use wharf_domain::address::Region;
use wharf_domain::fulfillment::FulfillmentState;
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{CarrierAccountId, FulfillmentId, FulfillmentLineId, OrderId, ShipmentId, ShopId, SkuId};
use wharf_domain::routing::{self, Account, Balance, Parcel};
use wharf_domain::shipment::ShipmentState;
use wharf_domain::timeline::{Actor, Event};
use wharf_domain::waybill::Waybill;
use wharf_store::fulfillments::{self, FulfillmentRow, Item, LineRow, NewFulfillment, NewLine};
use wharf_store::holds::{self, NewHold};
use wharf_store::shipments::{self, CarrierChoice, NewShipment, ParcelLine, ShipmentRow, Step};
use wharf_store::waybills;
use wharf_store::{StoreError, Tx, locks, settings, shops, stations, timeline, warehouses};

/// Whether new parcels may join others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merging {
    /// As the shop's policy says.
    ByPolicy,
    /// Each fulfillment its own parcel.
    Never,
}

fn event(kind: &str, params: serde_json::Value, actor: &Actor) -> Event {
    Event { kind: kind.to_owned(), params, actor: actor.clone() }
}

/// Puts new fulfillments into parcels and asks carriers for numbers. Fulfillments of one recipient from one warehouse share
/// a parcel where the shop's policy says so, also with a parcel that is not yet printed: its label is then recalled.
pub fn compose(
    tx: &mut Tx<'_>,
    vendors: &[&'static dyn Vendor],
    actor: &Actor,
    ids: &[FulfillmentId],
    merging: Merging,
) -> Result<Vec<ShipmentId>, StoreError> {
    let rows = fulfillments::load(tx, ids)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let orders: Vec<OrderId> = rows.iter().map(|f| f.order_id).collect();
    let wants: HashMap<OrderId, _> = fulfillments::wants(tx, &orders)?.into_iter().map(|w| (w.order_id, w)).collect();
    let policies = policies(tx, &rows.iter().map(|f| f.shop_id).collect())?;
    let may_join = |shop: ShopId, other: ShopId| {
        merging == Merging::ByPolicy
            && policies.get(&shop).is_some_and(|p: &(bool, Vec<ShopId>)| p.0 && (shop == other || p.1.contains(&other)))
    };

    let prints: Vec<String> = wants.values().map(|w| w.recipient_print.clone()).collect();
    let near = if merging == Merging::ByPolicy { shipments::open_of_prints(tx, &prints)? } else { Vec::new() };
    let near_ids: Vec<ShipmentId> = near.iter().map(|s| s.id).collect();
    let mut blocked: HashSet<ShipmentId> = shipments::obstacles(tx, &near_ids)?.into_iter().map(|(id, _, _)| id).collect();
    // A parcel whose carrier is being asked just now is not touched before the answer.
    blocked.extend(
        waybills::live(tx, &near_ids)?
            .into_iter()
            .filter(|w| matches!(w.waybill, Waybill::Requested { .. } | Waybill::InDoubt { .. }))
            .map(|w| w.shipment_id),
    );

    let mut fresh: Vec<NewShipment> = Vec::new();
    let mut joined: Vec<(ShipmentId, ParcelLine)> = Vec::new();
    let mut touched: BTreeSet<ShipmentId> = BTreeSet::new();
    let mut events: Vec<(OrderId, Event)> = Vec::new();
    for f in &rows {
        let print = wants.get(&f.order_id).map(|w| w.recipient_print.clone()).unwrap_or_default();
        let lines: Vec<ParcelLine> = f
            .lines
            .iter()
            .filter(|l| l.quantity > 0)
            .map(|l| ParcelLine { fulfillment_line_id: l.id, order_id: f.order_id, order_line_id: l.order_line_id, quantity: l.quantity })
            .collect();
        let old = near.iter().find(|s| {
            !print.is_empty()
                && s.recipient_print == print
                && s.warehouse_id == f.warehouse_id
                && may_join(s.shop_id, f.shop_id)
                && !blocked.contains(&s.id)
        });
        let shipment = if let Some(old) = old {
            joined.extend(lines.iter().map(|l| (old.id, *l)));
            touched.insert(old.id);
            old.id
        } else if let Some(new) = fresh
            .iter_mut()
            .find(|s| !print.is_empty() && s.recipient_print == print && s.warehouse_id == f.warehouse_id && may_join(s.shop_id, f.shop_id))
        {
            new.lines.extend(lines);
            new.id
        } else {
            let id: ShipmentId = tx.new_id();
            fresh.push(NewShipment {
                id,
                shop_id: f.shop_id,
                warehouse_id: f.warehouse_id,
                recipient_print: print,
                carrier_account_id: None,
                service: String::new(),
                weight_grams: 0,
                trace: json!({}),
                lines,
            });
            id
        };
        events.push((
            f.order_id,
            event("parcel.composed", json!({ "shipment": shipment, "fulfillment": f.id, "joined": old.is_some() }), actor),
        ));
    }
    shipments::insert(tx, &fresh)?;
    for id in &touched {
        recall_parcel(tx, actor, *id, "merged")?;
    }
    shipments::add_lines(tx, &joined)?;
    timeline::append(tx, &events)?;
    let all: Vec<ShipmentId> = fresh.iter().map(|s| s.id).chain(touched).collect();
    ask_carriers(tx, vendors, actor, &all)?;
    Ok(all)
}

/// (merge, other shops) of the parcel policies of shops.
fn policies(tx: &mut Tx<'_>, ids: &BTreeSet<ShopId>) -> Result<HashMap<ShopId, (bool, Vec<ShopId>)>, StoreError> {
    let mut found = HashMap::new();
    for id in ids {
        if let Some(shop) = shops::get(tx, *id)? {
            found.insert(*id, (shop.policy.parcels.merge, shop.policy.parcels.with_shops));
        }
    }
    Ok(found)
}

/// A person's choice of carrier, kept with the parcel until it is booked by it.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct ByHand {
    account: CarrierAccountId,
    service: Option<String>,
}

/// Chooses carrier and service for drafts that have no live waybill, makes the intents, and lets them be booked. What a
/// person chose is not chosen again. A parcel that no carrier takes holds its orders, with every candidate's reason; one
/// whose old label is still being given back is asked for when that is done.
pub fn ask_carriers(tx: &mut Tx<'_>, vendors: &[&'static dyn Vendor], actor: &Actor, ids: &[ShipmentId]) -> Result<(), StoreError> {
    let live: HashSet<ShipmentId> = waybills::live(tx, ids)?.into_iter().map(|w| w.shipment_id).collect();
    let drafts: Vec<ShipmentRow> = shipments::load(tx, ids)?
        .into_iter()
        .filter(|s| s.state == ShipmentState::Draft && !live.contains(&s.id) && !s.lines.is_empty())
        .collect();
    if drafts.is_empty() {
        return Ok(());
    }
    let draft_ids: Vec<ShipmentId> = drafts.iter().map(|s| s.id).collect();
    let mut weights: HashMap<ShipmentId, i64> = HashMap::new();
    for line in stations::contents(tx, &draft_ids)? {
        *weights.entry(line.shipment_id).or_insert(0) += line.weight_grams * line.needed;
    }
    let orders: Vec<OrderId> = drafts.iter().flat_map(ShipmentRow::orders).collect();
    let wants: HashMap<OrderId, _> = fulfillments::wants(tx, &orders)?.into_iter().map(|w| (w.order_id, w)).collect();
    let accounts: Vec<Account> = warehouses::accounts(tx)?
        .into_iter()
        .filter(|a| a.active)
        .filter_map(|a| {
            let carrier = vendors.iter().find(|v| v.manifest().id == a.vendor).and_then(|v| v.carrier())?;
            Some(Account {
                id: a.id,
                name: a.name,
                shop_id: a.shop_id,
                opens_tokens: carrier.opens_tokens(),
                default_service: carrier.services().first().map(|(word, _)| (*word).to_owned()).unwrap_or_default(),
            })
        })
        .collect();
    let rates: Vec<_> = warehouses::rates(tx, None)?.into_iter().map(|r| r.rate).collect();
    let balance = settings::get::<Balance>(tx, "carrier_choice")?.map(|(balance, _)| balance).unwrap_or_default();
    let (mut wanted, mut stuck, mut chosen) = (Vec::new(), Vec::new(), Vec::with_capacity(drafts.len()));
    for draft in &drafts {
        let only: Option<ByHand> = draft.trace.get("by_hand").and_then(|choice| serde_json::from_value(choice.clone()).ok());
        let first = draft.lines.first().and_then(|l| wants.get(&l.order_id));
        let parcel = Parcel {
            shop_id: draft.shop_id,
            destination: first.map_or_else(Region::default, |w| w.region.clone()),
            weight_grams: weights.get(&draft.id).copied().unwrap_or(0),
            token_only: first.is_some_and(|w| w.token_only),
            only: only.as_ref().map(|choice| choice.account),
        };
        let by_service: Vec<routing::Rate>;
        let rates = match &only {
            Some(ByHand { service: Some(service), .. }) => {
                by_service = rates.iter().filter(|r| r.service == *service).cloned().collect();
                &by_service
            }
            Some(ByHand { service: None, .. }) | None => &rates,
        };
        let choice = routing::choose(&parcel, &accounts, rates, balance);
        let winner = choice.winner().map(|w| {
            let service = match &only {
                Some(ByHand { service: Some(service), .. }) => service.clone(),
                Some(ByHand { service: None, .. }) | None => w.service.clone(),
            };
            (w.account, service)
        });
        let mut trace = json!(choice);
        if let (Some(choice), Some(map)) = (&only, trace.as_object_mut()) {
            map.insert("by_hand".to_owned(), json!(choice));
        }
        chosen.push(CarrierChoice {
            shipment_id: draft.id,
            account: winner.as_ref().map(|w| w.0),
            service: winner.as_ref().map(|w| w.1.clone()).unwrap_or_default(),
            weight_grams: parcel.weight_grams,
            trace: trace.clone(),
        });
        match winner {
            Some((account, _)) => wanted.push((draft.id, account)),
            None => stuck.push((draft, trace)),
        }
    }
    shipments::set_carriers(tx, &chosen)?;
    let made = waybills::intend(tx, &wanted)?;
    book::enqueue(tx, &made)?;
    let new: Vec<NewHold> = stuck
        .iter()
        .flat_map(|(draft, trace)| {
            draft.orders().into_iter().map(move |order_id| NewHold {
                order_id,
                shop_id: draft.shop_id,
                reason: HoldReason::WaybillRefused,
                detail: json!({ "code": "no_carrier", "shipment": draft.id, "candidates": trace.get("candidates") }),
            })
        })
        .collect();
    hold(tx, &new, actor)
}

/// Places holds with their timeline event; the caller recomputes.
pub fn hold(tx: &mut Tx<'_>, new: &[NewHold], actor: &Actor) -> Result<(), StoreError> {
    let placed = holds::place(tx, new, actor)?;
    let events: Vec<(OrderId, Event)> = new
        .iter()
        .filter(|h| placed.contains(&(h.order_id, h.reason)))
        .map(|h| (h.order_id, event("hold.placed", json!({ "reason": h.reason, "detail": h.detail }), actor)))
        .collect();
    timeline::append(tx, &events)
}

/// Sets carrier (and service) by hand for parcels that are not packed: a label that exists is recalled first.
pub async fn set_carrier(
    app: &App,
    actor: &Actor,
    ids: &[ShipmentId],
    account: CarrierAccountId,
    service: Option<String>,
) -> Result<Vec<(ShipmentId, Outcome)>, FlowError> {
    let (actor, ids, vendors) = (actor.clone(), ids.to_vec(), app.vendors.clone());
    app.store
        .write(move |tx| {
            if warehouses::get_account(tx, account)?.is_none_or(|a| !a.active) {
                return Err(FlowError::NotFound(format!("carrier account {account}")));
            }
            locks::shipments(tx, &ids)?;
            let rows: HashMap<ShipmentId, ShipmentRow> = shipments::load(tx, &ids)?.into_iter().map(|s| (s.id, s)).collect();
            let (mut results, mut redo) = (Vec::new(), Vec::new());
            for id in &ids {
                let outcome = match rows.get(id) {
                    None => Outcome::refused("not_found"),
                    Some(s) => match s.state {
                        ShipmentState::Draft | ShipmentState::Booked => match recall_parcel(tx, &actor, *id, "other_carrier")? {
                            Recalled::Done => {
                                redo.push(*id);
                                Outcome::Done
                            }
                            Recalled::UnderWay => Outcome::refused("waybill_under_way"),
                        },
                        ShipmentState::Packed => Outcome::refused("packed"),
                        ShipmentState::Cancelled => Outcome::refused("cancelled"),
                        ShipmentState::HandedOver
                        | ShipmentState::InTransit
                        | ShipmentState::OutForDelivery
                        | ShipmentState::Delivered
                        | ShipmentState::Exception
                        | ShipmentState::Returning
                        | ShipmentState::Returned
                        | ShipmentState::Lost => Outcome::refused("handed_over"),
                    },
                };
                results.push((*id, outcome));
            }
            let choice = json!({ "by_hand": ByHand { account, service: service.clone() } });
            let chosen: Vec<CarrierChoice> = redo
                .iter()
                .map(|id| CarrierChoice {
                    shipment_id: *id,
                    account: Some(account),
                    service: service.clone().unwrap_or_default(),
                    weight_grams: rows.get(id).map_or(0, |s| s.weight_grams),
                    trace: choice.clone(),
                })
                .collect();
            shipments::set_carriers(tx, &chosen)?;
            ask_carriers(tx, &vendors, &actor, &redo)?;
            let orders: Vec<OrderId> = rows.values().flat_map(ShipmentRow::orders).collect();
            recompute::apply(tx, &orders)?;
            Ok(results)
        })
        .await
}

/// Parcels of one recipient that could be one: proposals for a person.
pub async fn proposals(app: &App, limit: i64) -> Result<Vec<Vec<ShipmentRow>>, FlowError> {
    app.store.read(move |tx| shipments::mergeable(tx, limit).map_err(FlowError::from)).await
}

/// Merges parcels of one recipient into the oldest of them. Every order keeps its identity and gets its own confirmation.
pub async fn merge(app: &App, actor: &Actor, ids: &[ShipmentId]) -> Result<ShipmentId, FlowError> {
    let (actor, mut ids, vendors) = (actor.clone(), ids.to_vec(), app.vendors.clone());
    ids.sort_unstable();
    ids.dedup();
    app.store
        .write(move |tx| {
            locks::shipments(tx, &ids)?;
            let rows = shipments::load(tx, &ids)?;
            let (Some(target), true) = (rows.first().cloned(), rows.len() == ids.len()) else {
                return Err(FlowError::NotFound("shipment".into()));
            };
            if rows.len() < 2 {
                return Err(FlowError::refused("nothing_to_merge"));
            }
            let shop_policy = policies(tx, &[target.shop_id].into())?.remove(&target.shop_id).unwrap_or((true, Vec::new()));
            for row in &rows {
                if !matches!(row.state, ShipmentState::Draft | ShipmentState::Booked) || !row.stop_reason.is_empty() {
                    return Err(FlowError::refused("too_late"));
                }
                if row.warehouse_id != target.warehouse_id {
                    return Err(FlowError::refused("other_warehouse"));
                }
                if row.recipient_print.is_empty() || row.recipient_print != target.recipient_print {
                    return Err(FlowError::refused("other_recipient"));
                }
                if row.shop_id != target.shop_id && !shop_policy.1.contains(&row.shop_id) {
                    return Err(FlowError::refused("other_shop"));
                }
            }
            if !shipments::obstacles(tx, &ids)?.is_empty() {
                return Err(FlowError::refused("held"));
            }
            for row in &rows {
                if recall_parcel(tx, &actor, row.id, "merged")? == Recalled::UnderWay {
                    return Err(FlowError::refused("waybill_under_way"));
                }
            }
            let mut events = Vec::new();
            for row in rows.iter().filter(|r| r.id != target.id) {
                shipments::move_lines(tx, row.id, target.id)?;
                shipments::step(tx, row.id, &Step::Cancelled { reason: "merged".into() })?;
                events.extend(
                    row.orders().into_iter().map(|o| (o, event("parcel.merged", json!({ "from": row.id, "into": target.id }), &actor))),
                );
            }
            timeline::append(tx, &events)?;
            stations::clear(tx, &ids)?;
            ask_carriers(tx, &vendors, &actor, &[target.id])?;
            let orders: Vec<OrderId> = rows.iter().flat_map(ShipmentRow::orders).collect();
            fulfillments::recount(tx, &orders)?;
            recompute::apply(tx, &orders)?;
            Ok(target.id)
        })
        .await
}

/// Takes one order out of a parcel into a parcel of its own: the undo of a merge.
pub async fn take_out(app: &App, actor: &Actor, id: ShipmentId, order: OrderId) -> Result<ShipmentId, FlowError> {
    let (actor, vendors) = (actor.clone(), app.vendors.clone());
    app.store
        .write(move |tx| {
            locks::shipments(tx, &[id])?;
            let Some(parcel) = shipments::load(tx, &[id])?.into_iter().next() else {
                return Err(FlowError::NotFound(format!("shipment {id}")));
            };
            let mine: Vec<ParcelLine> = parcel.lines.iter().filter(|l| l.order_id == order).copied().collect();
            if mine.is_empty() {
                return Err(FlowError::refused("not_in_parcel"));
            }
            if mine.len() == parcel.lines.len() {
                return Err(FlowError::refused("only_order"));
            }
            open_parcel(tx, &actor, &parcel, "taken_out")?;
            let new: ShipmentId = tx.new_id();
            shipments::set_lines(tx, &mine.iter().map(|l| (id, l.fulfillment_line_id, 0)).collect::<Vec<_>>())?;
            shipments::insert(tx, &[new_parcel(new, &parcel, mine)])?;
            timeline::append(tx, &[(order, event("parcel.taken_out", json!({ "from": id, "into": new }), &actor))])?;
            ask_carriers(tx, &vendors, &actor, &[id, new])?;
            let orders = parcel.orders();
            fulfillments::recount(tx, &orders)?;
            recompute::apply(tx, &orders)?;
            Ok(new)
        })
        .await
}

fn new_parcel(id: ShipmentId, like: &ShipmentRow, lines: Vec<ParcelLine>) -> NewShipment {
    NewShipment {
        id,
        shop_id: like.shop_id,
        warehouse_id: like.warehouse_id,
        recipient_print: like.recipient_print.clone(),
        carrier_account_id: None,
        service: String::new(),
        weight_grams: 0,
        trace: json!({}),
        lines,
    }
}

/// Makes a parcel a draft whose contents may change, or says why that is too late.
fn open_parcel(tx: &mut Tx<'_>, actor: &Actor, parcel: &ShipmentRow, why: &str) -> Result<(), FlowError> {
    match parcel.state {
        ShipmentState::Draft | ShipmentState::Booked => {}
        ShipmentState::Packed => return Err(FlowError::refused("packed")),
        ShipmentState::Cancelled => return Err(FlowError::refused("cancelled")),
        ShipmentState::HandedOver
        | ShipmentState::InTransit
        | ShipmentState::OutForDelivery
        | ShipmentState::Delivered
        | ShipmentState::Exception
        | ShipmentState::Returning
        | ShipmentState::Returned
        | ShipmentState::Lost => return Err(FlowError::refused("handed_over")),
    }
    if recall_parcel(tx, actor, parcel.id, why)? == Recalled::UnderWay {
        return Err(FlowError::refused("waybill_under_way"));
    }
    let lines: Vec<FulfillmentLineId> = parcel.lines.iter().map(|l| l.fulfillment_line_id).collect();
    fulfillments::set_scanned(tx, &lines, false)?;
    stations::clear(tx, &[parcel.id])?;
    Ok(())
}

/// Splits a parcel: the given units of its lines go into a new parcel (E5, by weight or because a part must wait). The
/// fulfillments are split with it, so that each lies whole in one parcel.
pub async fn split(app: &App, actor: &Actor, id: ShipmentId, take: &[(FulfillmentLineId, i64)]) -> Result<ShipmentId, FlowError> {
    let (actor, vendors, take) = (actor.clone(), app.vendors.clone(), take.to_vec());
    app.store
        .write(move |tx| {
            locks::shipments(tx, &[id])?;
            let Some(parcel) = shipments::load(tx, &[id])?.into_iter().next() else {
                return Err(FlowError::NotFound(format!("shipment {id}")));
            };
            let inside: HashMap<FulfillmentLineId, ParcelLine> = parcel.lines.iter().map(|l| (l.fulfillment_line_id, *l)).collect();
            let mut wanted: HashMap<FulfillmentLineId, i64> = HashMap::new();
            for (line, quantity) in &take {
                let Some(known) = inside.get(line) else {
                    return Err(FlowError::invalid("lines", format!("line {line} is not in the parcel")));
                };
                if *quantity <= 0 || *quantity > known.quantity || wanted.insert(*line, *quantity).is_some() {
                    return Err(FlowError::invalid("lines", format!("{quantity} units of line {line} cannot be taken")));
                }
            }
            let rest: i64 = parcel.lines.iter().map(|l| l.quantity - wanted.get(&l.fulfillment_line_id).copied().unwrap_or(0)).sum();
            if wanted.is_empty() || rest == 0 {
                return Err(FlowError::invalid("lines", "a split leaves something on both sides"));
            }
            open_parcel(tx, &actor, &parcel, "split")?;
            let new: ShipmentId = tx.new_id();
            let lines = split_fulfillments(tx, &parcel, &wanted)?;
            shipments::insert(tx, &[new_parcel(new, &parcel, lines)])?;
            let events: Vec<(OrderId, Event)> =
                parcel.orders().into_iter().map(|o| (o, event("parcel.split", json!({ "from": id, "into": new }), &actor))).collect();
            timeline::append(tx, &events)?;
            ask_carriers(tx, &vendors, &actor, &[id, new])?;
            let orders = parcel.orders();
            fulfillments::recount(tx, &orders)?;
            recompute::apply(tx, &orders)?;
            Ok(new)
        })
        .await
}

/// Splits the fulfillments of a parcel and answers the lines of the new parcel.
fn split_fulfillments(
    tx: &mut Tx<'_>,
    parcel: &ShipmentRow,
    wanted: &HashMap<FulfillmentLineId, i64>,
) -> Result<Vec<ParcelLine>, StoreError> {
    let rows: Vec<FulfillmentRow> = fulfillments::of_orders(tx, &parcel.orders())?;
    let (mut made, mut left, mut moved, mut taken_out) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for f in rows.iter().filter(|f| f.lines.iter().any(|l| wanted.contains_key(&l.id))) {
        let mut lines = Vec::new();
        for line in &f.lines {
            let Some(take) = wanted.get(&line.id).copied() else { continue };
            let items: Vec<(SkuId, i64)> = line.items.iter().map(|i| (i.sku_id, i.quantity / line.quantity * take)).collect();
            let new_line: FulfillmentLineId = tx.new_id();
            moved.push(ParcelLine {
                fulfillment_line_id: new_line,
                order_id: f.order_id,
                order_line_id: line.order_line_id,
                quantity: take,
            });
            taken_out.push((parcel.id, line.id, line.quantity - take));
            left.push(LineRow {
                id: line.id,
                order_line_id: line.order_line_id,
                quantity: line.quantity - take,
                items: line
                    .items
                    .iter()
                    .map(|i| Item { sku_id: i.sku_id, quantity: i.quantity - i.quantity / line.quantity * take, scanned: 0 })
                    .collect(),
            });
            lines.push(NewLine { id: new_line, order_line_id: line.order_line_id, quantity: take, items });
        }
        made.push(NewFulfillment {
            id: tx.new_id(),
            order_id: f.order_id,
            shop_id: f.shop_id,
            warehouse_id: f.warehouse_id,
            trace: json!({ "how": "split", "from": f.id }),
            lines,
        });
    }
    shipments::set_lines(tx, &taken_out)?;
    fulfillments::set_quantities(tx, &left)?;
    fulfillments::insert(tx, &made)?;
    // A fulfillment that gave everything away has nothing left to do.
    let gone: HashSet<FulfillmentLineId> = left.iter().filter(|l| l.quantity == 0).map(|l| l.id).collect();
    let ended: Vec<_> = rows
        .iter()
        .filter(|f| f.lines.iter().all(|l| gone.contains(&l.id) || l.quantity == 0))
        .map(|f| (f.id, FulfillmentState::Cancelled, f.wave_id))
        .collect();
    fulfillments::set_state(tx, &ended)?;
    Ok(moved)
}

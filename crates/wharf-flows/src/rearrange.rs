//! Putting parcels together and apart by hand (E4, E5): orders of one recipient into one parcel, an order out of a shared
//! one, part of an order into a second one. Every order keeps its identity and gets its own confirmation; all of it can be
//! undone while nothing is packed.

use crate::app::{App, FlowError, Outcome};
use crate::bulk::{Answer, Asker};
use crate::recompute;
use crate::ship::{Guards, Recalled, ask_carriers, event, lock_with_parcels, recall_parcel};
use crate::verbs::Means;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use wharf_connect::Vendor;
use wharf_domain::fulfillment::FulfillmentState;
use wharf_domain::id::{FulfillmentLineId, OrderId, OrderLineId, ShipmentId, SkuId};
use wharf_domain::order::merge::MergeRefusal;
use wharf_domain::shipment::{ShipmentState, Standing};
use wharf_domain::timeline::{Actor, Event};
use wharf_domain::waybill::Waybill;
use wharf_store::fulfillments::{self, FulfillmentRow, Item, LineRow, NewFulfillment, NewLine};
use wharf_store::shipments::{self, NewShipment, ParcelLine, ShipmentRow, Step};
use wharf_store::{StoreError, Tx, locks, orders, stations, timeline, waybills};

/// Merges parcels of one recipient into the oldest of them.
pub async fn merge(app: &App, actor: &Actor, ids: &[ShipmentId]) -> Result<ShipmentId, FlowError> {
    let (actor, mut ids, vendors) = (actor.clone(), ids.to_vec(), app.vendors.clone());
    ids.sort_unstable();
    ids.dedup();
    app.store
        .write_again(move |tx| {
            locks::shipments(tx, &ids)?;
            let rows = shipments::load(tx, &ids)?;
            let (Some(target), true) = (rows.first(), rows.len() == ids.len()) else {
                return Err(FlowError::NotFound("shipment".into()));
            };
            if rows.len() < 2 {
                return Err(FlowError::refused("nothing_to_merge"));
            }
            if waybills::live(tx, &ids)?.iter().any(|w| matches!(w.waybill, Waybill::Requested { .. } | Waybill::InDoubt { .. })) {
                return Err(FlowError::refused("waybill_under_way"));
            }
            let guards = Guards::load(tx, &rows, &[])?;
            for (index, a) in rows.iter().enumerate() {
                if let Some(refusal) = rows[index + 1..].iter().find_map(|b| guards.refusal(a.id, b.id)) {
                    return Err(FlowError::refused(refusal.to_string()));
                }
            }
            put_together(tx, &vendors, &actor, &rows)?;
            Ok(target.id)
        })
        .await
}

/// Puts parcels into the first of them; the guards have been asked.
fn put_together(tx: &mut Tx<'_>, vendors: &[&'static dyn Vendor], actor: &Actor, rows: &[ShipmentRow]) -> Result<(), FlowError> {
    let Some((target, rest)) = rows.split_first() else { return Ok(()) };
    for row in rows {
        if recall_parcel(tx, actor, row.id, "merged")? == Recalled::UnderWay {
            return Err(FlowError::refused("waybill_under_way"));
        }
    }
    let mut events = Vec::new();
    for row in rest {
        shipments::move_lines(tx, row.id, target.id)?;
        shipments::step(tx, row.id, &Step::Cancelled { reason: "merged".into() })?;
        events.extend(row.orders().into_iter().map(|o| (o, event("parcel.merged", json!({ "from": row.id, "into": target.id }), actor))));
    }
    let inside = target.orders().into_iter();
    events.extend(inside.map(|o| (o, event("parcel.merged", json!({ "from": target.id, "into": target.id }), actor))));
    timeline::append(tx, &events)?;
    stations::clear(tx, &rows.iter().map(|row| row.id).collect::<Vec<_>>())?;
    ask_carriers(tx, vendors, actor, &[target.id])?;
    let orders: Vec<OrderId> = rows.iter().flat_map(ShipmentRow::orders).collect();
    fulfillments::recount(tx, &orders)?;
    recompute::apply(tx, &orders)?;
    Ok(())
}

/// What a merge moved of one order: kept for the undo.
#[derive(Serialize, Deserialize)]
struct Moved {
    into: ShipmentId,
    from: ShipmentId,
    lines: Vec<FulfillmentLineId>,
}

/// Merges the parcels of orders: all that may share one do. The answer of each order says why it does not.
pub(crate) fn merge_in(tx: &mut Tx<'_>, means: &Means, asker: &Asker, ids: &[OrderId]) -> Result<Vec<Answer>, FlowError> {
    let visible: Vec<OrderId> = orders::orders(tx, &asker.scope, ids)?.into_iter().map(|order| order.id).collect();
    lock_with_parcels(tx, &visible)?;
    let mut parcels = shipments::of_orders(tx, &visible)?;
    parcels.retain(|s| s.state != ShipmentState::Cancelled && !s.lines.is_empty());
    parcels.sort_unstable_by_key(|s| s.id);
    let guards = Guards::load(tx, &parcels, &[])?;
    // Each parcel joins the first group all of whose members take it; only equal recipients can meet.
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut near: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, parcel) in parcels.iter().enumerate() {
        let known = near.entry(parcel.recipient_print.as_str()).or_default();
        let home = known.iter().copied().find(|g| groups[*g].iter().all(|other| guards.refusal(parcels[*other].id, parcel.id).is_none()));
        match home {
            Some(home) => groups[home].push(index),
            None => {
                known.push(groups.len());
                groups.push(vec![index]);
            }
        }
    }
    let mut moved: HashMap<OrderId, Vec<Moved>> = HashMap::new();
    for group in groups.iter().filter(|group| group.len() > 1) {
        let rows: Vec<ShipmentRow> = group.iter().map(|index| parcels[*index].clone()).collect();
        put_together(tx, &means.vendors, &asker.actor, &rows)?;
        for row in &rows {
            for order in row.orders() {
                let lines = row.lines.iter().filter(|l| l.order_id == order).map(|l| l.fulfillment_line_id).collect();
                moved.entry(order).or_default().push(Moved { into: rows[0].id, from: row.id, lines });
            }
        }
    }
    let asked: BTreeSet<OrderId> = visible.iter().copied().collect();
    Ok(visible
        .iter()
        .map(|id| match moved.get(id) {
            Some(moved) => Answer::done(*id, json!(moved)),
            None => why_not(*id, &parcels, &guards, &asked),
        })
        .collect())
}

/// The answer of an order whose parcels met no other.
fn why_not(id: OrderId, parcels: &[ShipmentRow], guards: &Guards, asked: &BTreeSet<OrderId>) -> Answer {
    let own: Vec<&ShipmentRow> = parcels.iter().filter(|s| s.orders().contains(&id)).collect();
    if own.is_empty() {
        return Answer::refused(id, "not_routed");
    }
    if own.iter().any(|s| s.orders().iter().filter(|order| asked.contains(order)).count() > 1) {
        return Answer::already(id);
    }
    let others = || parcels.iter().filter(|s| !own.iter().any(|o| o.id == s.id));
    // What stands between it and a parcel of its own recipient says most, then what it is itself.
    let near = own.iter().find_map(|a| {
        let same = |b: &&ShipmentRow| !a.recipient_print.is_empty() && a.recipient_print == b.recipient_print;
        others().filter(same).find_map(|b| guards.refusal(a.id, b.id))
    });
    let itself = || own.iter().find_map(|a| guards.refusal(a.id, a.id));
    let refusal = near.or_else(itself).or_else(|| others().next().map(|_| MergeRefusal::OtherRecipient));
    Answer::refused(id, &refusal.map_or_else(|| "nothing_to_merge".to_owned(), |r| r.to_string()))
}

/// Takes merged orders apart again: each goes back into a parcel of its own, with those it was with before.
pub(crate) fn undo_merge(
    tx: &mut Tx<'_>,
    means: &Means,
    asker: &Asker,
    targets: &[(OrderId, Value)],
) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let ids: Vec<OrderId> = targets.iter().map(|(id, _)| *id).collect();
    let visible: HashSet<OrderId> = orders::orders(tx, &asker.scope, &ids)?.into_iter().map(|order| order.id).collect();
    let visible: Vec<OrderId> = ids.into_iter().filter(|id| visible.contains(id)).collect();
    lock_with_parcels(tx, &visible)?;
    let mut back: BTreeMap<(ShipmentId, ShipmentId), Vec<(OrderId, Vec<FulfillmentLineId>)>> = BTreeMap::new();
    for (id, before) in targets.iter().filter(|(id, _)| visible.contains(id)) {
        let moved: Vec<Moved> = serde_json::from_value(before.clone()).unwrap_or_default();
        for one in moved {
            back.entry((one.into, one.from)).or_default().push((*id, one.lines));
        }
    }
    let mut outcomes: HashMap<OrderId, Outcome> = HashMap::new();
    let into: Vec<ShipmentId> = back.keys().map(|(into, _)| *into).collect::<BTreeSet<_>>().into_iter().collect();
    for into in into {
        let Some(parcel) = shipments::load(tx, &[into])?.into_iter().next() else { continue };
        let groups: Vec<_> = back.iter().filter(|((i, _), _)| *i == into).collect();
        let members = || groups.iter().flat_map(|(_, orders)| orders.iter().map(|(id, _)| *id));
        if let Err(error) = may_open(tx, &parcel)? {
            outcomes.extend(members().map(|id| (id, Outcome::refused(error))));
            continue;
        }
        // What was in the parcel from the first stays in it; of what has gone since, nothing is taken.
        let leaving: Vec<(ShipmentId, Vec<ParcelLine>)> = groups
            .iter()
            .filter(|((_, from), _)| *from != into)
            .map(|((_, from), orders)| {
                let lines: HashSet<FulfillmentLineId> = orders.iter().flat_map(|(_, lines)| lines.iter().copied()).collect();
                (*from, parcel.lines.iter().filter(|l| lines.contains(&l.fulfillment_line_id)).copied().collect())
            })
            .filter(|(_, lines): &(_, Vec<ParcelLine>)| !lines.is_empty())
            .collect();
        let gone: usize = leaving.iter().map(|(_, lines)| lines.len()).sum();
        if leaving.is_empty() || gone == parcel.lines.len() {
            outcomes.extend(members().map(|id| (id, Outcome::Already)));
            continue;
        }
        open_parcel(tx, &asker.actor, &parcel, "taken_out")?;
        let (mut made, mut events, mut asked) = (Vec::new(), Vec::new(), vec![into]);
        for (_, lines) in leaving {
            let new: ShipmentId = tx.new_id();
            shipments::set_lines(tx, &lines.iter().map(|l| (into, l.fulfillment_line_id, 0)).collect::<Vec<_>>())?;
            let inside: BTreeSet<OrderId> = lines.iter().map(|l| l.order_id).collect();
            events.extend(
                inside
                    .into_iter()
                    .map(|o| (o, event("parcel.taken_out", json!({ "from": into, "into": new, "undo": true }), &asker.actor))),
            );
            made.push(new_parcel(new, &parcel, lines));
            asked.push(new);
        }
        shipments::insert(tx, &made)?;
        timeline::append(tx, &events)?;
        ask_carriers(tx, &means.vendors, &asker.actor, &asked)?;
        let inside = parcel.orders();
        fulfillments::recount(tx, &inside)?;
        recompute::apply(tx, &inside)?;
        outcomes.extend(members().map(|id| (id, Outcome::Done)));
    }
    Ok(visible.into_iter().map(|id| (id, outcomes.get(&id).cloned().unwrap_or(Outcome::Already))).collect())
}

/// Units of an order's line that go into a parcel of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitLine {
    /// The line.
    pub order_line_id: OrderLineId,
    /// Units of it.
    pub quantity: i64,
}

pub(crate) fn check_split(lines: &[SplitLine]) -> Result<(), FlowError> {
    let mut seen = HashSet::new();
    if lines.is_empty() {
        return Err(FlowError::invalid("lines", "name at least one line"));
    }
    match lines.iter().find(|l| l.quantity <= 0 || !seen.insert(l.order_line_id)) {
        Some(bad) => Err(FlowError::invalid("lines", format!("{} units of line {} cannot be taken", bad.quantity, bad.order_line_id))),
        None => Ok(()),
    }
}

/// Splits orders: the units named go into a second parcel. An order that is split so already says so.
pub(crate) fn split_in(
    tx: &mut Tx<'_>,
    means: &Means,
    asker: &Asker,
    ids: &[OrderId],
    lines: &[SplitLine],
) -> Result<Vec<Answer>, FlowError> {
    let visible: Vec<OrderId> = orders::orders(tx, &asker.scope, ids)?.into_iter().map(|order| order.id).collect();
    lock_with_parcels(tx, &visible)?;
    let mut answers = Vec::new();
    for id in visible {
        let mut parcels = shipments::of_orders(tx, &[id])?;
        parcels.retain(|s| s.state != ShipmentState::Cancelled && !s.lines.is_empty());
        answers.push(match split_plan(id, &parcels, lines) {
            Plan::Already => Answer::already(id),
            Plan::Refused(reason) => Answer::refused(id, reason),
            Plan::Take(parcel, wanted) => match may_open(tx, parcel)? {
                Err(reason) => Answer::refused(id, reason),
                Ok(()) => {
                    let into = split_off(tx, &means.vendors, &asker.actor, parcel, &wanted)?;
                    Answer::done(id, json!({ "from": parcel.id, "into": into }))
                }
            },
        });
    }
    Ok(answers)
}

enum Plan<'p> {
    Already,
    Refused(&'static str),
    Take(&'p ShipmentRow, HashMap<FulfillmentLineId, i64>),
}

fn split_plan<'p>(id: OrderId, parcels: &'p [ShipmentRow], lines: &[SplitLine]) -> Plan<'p> {
    if parcels.is_empty() {
        return Plan::Refused("not_routed");
    }
    let wanted: BTreeMap<OrderLineId, i64> = lines.iter().map(|l| (l.order_line_id, l.quantity)).collect();
    let inside = |parcel: &ShipmentRow| {
        parcel.lines.iter().filter(|l| l.order_id == id).fold(BTreeMap::<OrderLineId, i64>::new(), |mut sum, l| {
            *sum.entry(l.order_line_id).or_default() += l.quantity;
            sum
        })
    };
    if parcels.len() > 1 && parcels.iter().any(|p| p.orders() == [id] && inside(p) == wanted) {
        return Plan::Already;
    }
    if !wanted.keys().all(|line| parcels.iter().any(|p| inside(p).contains_key(line))) {
        return Plan::Refused("line_not_in_a_parcel");
    }
    let holds_all = |p: &&ShipmentRow| {
        let own = inside(p);
        wanted.iter().all(|(line, units)| own.get(line).is_some_and(|there| there >= units))
    };
    let Some(parcel) = parcels.iter().find(|p| holds_all(p)) else { return Plan::Refused("not_in_one_parcel") };
    let mut left = wanted;
    let mut take = HashMap::new();
    for line in parcel.lines.iter().filter(|l| l.order_id == id) {
        let units = left.get(&line.order_line_id).copied().unwrap_or(0).min(line.quantity);
        if units > 0 {
            take.insert(line.fulfillment_line_id, units);
            *left.entry(line.order_line_id).or_default() -= units;
        }
    }
    if take.values().sum::<i64>() == parcel.lines.iter().map(|l| l.quantity).sum::<i64>() {
        return Plan::Refused("nothing_left");
    }
    Plan::Take(parcel, take)
}

/// Puts what was split off back into the parcel it came from.
pub(crate) fn undo_split(
    tx: &mut Tx<'_>,
    means: &Means,
    asker: &Asker,
    targets: &[(OrderId, Value)],
) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let ids: Vec<OrderId> = targets.iter().map(|(id, _)| *id).collect();
    let visible: HashSet<OrderId> = orders::orders(tx, &asker.scope, &ids)?.into_iter().map(|order| order.id).collect();
    lock_with_parcels(tx, &ids)?;
    let mut results = Vec::new();
    for (id, before) in targets.iter().filter(|(id, _)| visible.contains(id)) {
        let of = |name: &str| serde_json::from_value::<ShipmentId>(before[name].clone()).unwrap_or(ShipmentId(0));
        let mut rows = shipments::load(tx, &[of("from"), of("into")])?;
        rows.sort_unstable_by_key(|row| row.id != of("from"));
        let outcome = match rows.as_slice() {
            [from, into] if into.state == ShipmentState::Cancelled || from.state == ShipmentState::Cancelled => {
                Outcome::refused("parcel_changed")
            }
            [from, into] => match (may_open(tx, from)?, may_open(tx, into)?) {
                (Err(reason), _) | (_, Err(reason)) => Outcome::refused(reason),
                (Ok(()), Ok(())) => {
                    put_together(tx, &means.vendors, &asker.actor, &rows)?;
                    Outcome::Done
                }
            },
            _ => Outcome::refused("not_found"),
        };
        results.push((*id, outcome));
    }
    Ok(results)
}

/// Why a parcel's contents may not change any more.
fn may_open(tx: &mut Tx<'_>, parcel: &ShipmentRow) -> Result<Result<(), &'static str>, StoreError> {
    let live = waybills::live(tx, &[parcel.id])?;
    if live.iter().any(|w| matches!(w.waybill, Waybill::Requested { .. } | Waybill::InDoubt { .. })) {
        return Ok(Err("waybill_under_way"));
    }
    Ok(match parcel.state.standing() {
        Standing::Draft | Standing::Booked => Ok(()),
        Standing::Packed => Err("packed"),
        Standing::Cancelled => Err("cancelled"),
        Standing::Away => Err("handed_over"),
    })
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
    may_open(tx, parcel)?.map_err(FlowError::refused)?;
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
        .write_again(move |tx| {
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
            split_off(tx, &vendors, &actor, &parcel, &wanted)
        })
        .await
}

/// The core of a split: units of lines go into a parcel of their own.
fn split_off(
    tx: &mut Tx<'_>,
    vendors: &[&'static dyn Vendor],
    actor: &Actor,
    parcel: &ShipmentRow,
    wanted: &HashMap<FulfillmentLineId, i64>,
) -> Result<ShipmentId, FlowError> {
    open_parcel(tx, actor, parcel, "split")?;
    let new: ShipmentId = tx.new_id();
    let lines = split_fulfillments(tx, parcel, wanted)?;
    shipments::insert(tx, &[new_parcel(new, parcel, lines)])?;
    let events: Vec<(OrderId, Event)> =
        parcel.orders().into_iter().map(|o| (o, event("parcel.split", json!({ "from": parcel.id, "into": new }), actor))).collect();
    timeline::append(tx, &events)?;
    ask_carriers(tx, vendors, actor, &[parcel.id, new])?;
    let orders = parcel.orders();
    fulfillments::recount(tx, &orders)?;
    recompute::apply(tx, &orders)?;
    Ok(new)
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

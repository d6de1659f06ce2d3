//! The work of one warehouse for one order: picked and un-picked, given back, or refused by the warehouse. What is given
//! back frees its stock; a refusal also keeps the warehouse out of the next routing.

use crate::app::{App, FlowError, Outcome};
use crate::bulk::rehearse;
use crate::{recompute, route, ship};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use wharf_domain::fulfillment::{Fulfillment, FulfillmentState, RejectReason};
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{FulfillmentId, OrderId, ShipmentId};
use wharf_domain::timeline::{Actor, Event};
use wharf_store::fulfillment_list;
use wharf_store::fulfillments::{self, FulfillmentRow};
use wharf_store::holds::NewHold;
use wharf_store::{Tx, shipments, timeline};

/// Fulfillments of one unit of work.
const CHUNK: usize = 200;

/// What may be done to fulfillments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// Someone starts to walk for it.
    Pick,
    /// The walk is called off; the goods go back.
    Unpick,
    /// The work is given back: stock is free, and the order waits for a person to route it.
    Release,
    /// The warehouse cannot do it: stock is free, the order is routed again, elsewhere.
    Reject {
        /// Why.
        reason: RejectReason,
        /// In words.
        note: String,
    },
}

impl Verb {
    /// The word of the event that tells of it.
    fn event(&self) -> &'static str {
        match self {
            Verb::Pick => "fulfillment.picked",
            Verb::Unpick => "fulfillment.unpicked",
            Verb::Release => "fulfillment.released",
            Verb::Reject { .. } => "fulfillment.rejected",
        }
    }
}

/// Does it to fulfillments; an answer for each id. A dry run does it and undoes it: only its answers are kept.
pub async fn act(
    app: &App,
    actor: &Actor,
    verb: Verb,
    ids: &[FulfillmentId],
    dry_run: bool,
) -> Result<Vec<(FulfillmentId, Outcome)>, FlowError> {
    if let Verb::Reject { reason: RejectReason::Other, note } = &verb
        && note.trim().is_empty()
    {
        return Err(FlowError::invalid("note", "say why: the reason is `other`"));
    }
    let mut distinct = BTreeSet::new();
    let ids: Vec<FulfillmentId> = ids.iter().copied().filter(|id| distinct.insert(*id)).collect();
    let mut results = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let (actor, verb, chunk) = (actor.clone(), verb.clone(), chunk.to_vec());
        let some = app.store.write_again(move |tx| rehearse(tx, dry_run, |tx| act_in(tx, &actor, &verb, &chunk))).await?;
        results.extend(some);
    }
    Ok(results)
}

fn act_in(tx: &mut Tx<'_>, actor: &Actor, verb: &Verb, ids: &[FulfillmentId]) -> Result<Vec<(FulfillmentId, Outcome)>, FlowError> {
    let orders: BTreeSet<OrderId> = fulfillments::load(tx, ids)?.iter().map(|f| f.order_id).collect();
    let orders: Vec<OrderId> = orders.into_iter().collect();
    let concerned = ship::lock_with_parcels(tx, &orders)?;
    let rows: HashMap<FulfillmentId, FulfillmentRow> = fulfillments::load(tx, ids)?.into_iter().map(|f| (f.id, f)).collect();
    let stopped = obstacles(tx, ids)?;
    let now = tx.now();
    let (mut results, mut steps, mut ended, mut events) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for id in ids {
        let Some(f) = rows.get(id) else {
            results.push((*id, Outcome::refused("not_found")));
            continue;
        };
        let machine = Fulfillment::of(f.state, f.wave_id, f.updated_at);
        let outcome = match verb {
            Verb::Pick => match (f.state, stopped.get(id)) {
                (FulfillmentState::Picking, _) => Outcome::Already,
                (FulfillmentState::Open, Some(why)) => Outcome::refused(why.as_str()),
                (FulfillmentState::Open, None)
                | (FulfillmentState::Packed | FulfillmentState::HandedOver | FulfillmentState::Cancelled, _) => {
                    step(machine.pick(None, now), f, &mut steps)
                }
            },
            Verb::Unpick if f.state == FulfillmentState::Open => Outcome::Already,
            Verb::Unpick => step(machine.unpick(now), f, &mut steps),
            Verb::Release | Verb::Reject { .. } => match f.state {
                FulfillmentState::Open | FulfillmentState::Picking => {
                    ended.push(f);
                    Outcome::Done
                }
                FulfillmentState::Cancelled => Outcome::Already,
                // A closed parcel is opened first, so that the bench knows of it.
                FulfillmentState::Packed => Outcome::refused("packed"),
                FulfillmentState::HandedOver => Outcome::refused("handed_over"),
            },
        };
        if outcome == Outcome::Done {
            let mut params = json!({ "fulfillment": f.id, "warehouse": f.warehouse_id });
            if let Verb::Reject { reason, note } = verb {
                params["reason"] = json!(reason);
                params["note"] = json!(note.trim());
            }
            events.push((f.order_id, Event { kind: verb.event().to_owned(), params, actor: actor.clone() }));
        }
        results.push((*id, outcome));
    }
    fulfillments::set_state(tx, &steps)?;
    if *verb == Verb::Unpick {
        let lines: Vec<_> = steps.iter().filter_map(|(id, ..)| rows.get(id)).flat_map(|f| f.lines.iter().map(|l| l.id)).collect();
        fulfillments::set_scanned(tx, &lines, false)?;
    }
    give_back(tx, actor, verb, &ended)?;
    timeline::append(tx, &events)?;
    recompute::apply(tx, &concerned)?;
    Ok(results)
}

type StepTo = (FulfillmentId, FulfillmentState, Option<wharf_domain::id::WaveId>);

/// A step of the machine, noted; refused by the word of the state it stands in.
fn step(next: Result<Fulfillment, wharf_domain::fulfillment::NotNow>, f: &FulfillmentRow, steps: &mut Vec<StepTo>) -> Outcome {
    match next {
        Ok(next) => {
            steps.push((f.id, next.state(), None));
            Outcome::Done
        }
        Err(not_now) => Outcome::refused(not_now.state),
    }
}

/// Why a fulfillment must not be picked: a hold of its order, or a stop of its parcel.
fn obstacles(tx: &mut Tx<'_>, ids: &[FulfillmentId]) -> Result<HashMap<FulfillmentId, String>, FlowError> {
    let parcels = shipments::of_fulfillments(tx, ids)?;
    let parcel_ids: Vec<ShipmentId> = parcels.iter().map(|s| s.id).collect();
    let stopped: HashMap<ShipmentId, String> = shipments::obstacles(tx, &parcel_ids)?.into_iter().map(|(id, _, why)| (id, why)).collect();
    let mut found = HashMap::new();
    for f in fulfillments::load(tx, ids)? {
        let lines: BTreeSet<_> = f.lines.iter().map(|l| l.id).collect();
        let why =
            parcels.iter().filter(|s| s.lines.iter().any(|l| lines.contains(&l.fulfillment_line_id))).find_map(|s| stopped.get(&s.id));
        if let Some(why) = why {
            found.insert(f.id, why.clone());
        }
    }
    Ok(found)
}

/// Ends fulfillments: their lines leave their parcels and their stock is free. What was released waits for a person, what
/// was refused is routed again by a job.
fn give_back(tx: &mut Tx<'_>, actor: &Actor, verb: &Verb, ended: &[&FulfillmentRow]) -> Result<(), FlowError> {
    if ended.is_empty() {
        return Ok(());
    }
    let cuts: Vec<_> = ended.iter().flat_map(|f| f.lines.iter().map(|l| (l.id, 0))).collect();
    let orders: BTreeSet<OrderId> = ended.iter().map(|f| f.order_id).collect();
    let orders: Vec<OrderId> = orders.into_iter().collect();
    match verb {
        Verb::Pick | Verb::Unpick => {}
        Verb::Release => {
            ship::cut(tx, actor, &cuts, "released")?;
            let held: Vec<NewHold> = ended
                .iter()
                .map(|f| NewHold {
                    order_id: f.order_id,
                    shop_id: f.shop_id,
                    reason: HoldReason::Manual,
                    detail: json!({ "code": "unrouted" }),
                })
                .collect();
            ship::hold(tx, &held, actor)?;
        }
        Verb::Reject { reason, .. } => {
            ship::cut(tx, actor, &cuts, "rejected")?;
            let ids: Vec<FulfillmentId> = ended.iter().map(|f| f.id).collect();
            fulfillment_list::set_rejected(tx, &ids, *reason)?;
            route::enqueue(tx, &orders)?;
        }
    }
    Ok(())
}

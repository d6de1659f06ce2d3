//! Composing parcels out of fulfillments, who may share one, and choosing the carrier. A fulfillment lies whole in one
//! parcel. Putting parcels together and apart by hand is in [`crate::rearrange`], stopping them in [`crate::stop`].

use crate::app::{App, FlowError, Outcome};
use crate::book;
pub use crate::rearrange::{merge, split, take_out};
use crate::recompute;
pub use crate::stop::{LineStop, Recalled, Stopped, lock_with_parcels, recall_labels, stop_lines};
pub(crate) use crate::stop::{Move, cut, recall_parcel, set_fulfillments};
use serde_json::json;
use std::collections::{BTreeSet, HashMap, HashSet};
use wharf_connect::Vendor;
use wharf_domain::access::Scope;
use wharf_domain::address::Region;
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{CarrierAccountId, FulfillmentId, OrderId, ShipmentId, ShopId, WarehouseId};
use wharf_domain::order::merge::{self, Candidate, MergeRefusal};
use wharf_domain::routing::{self, Account, Balance, Parcel};
use wharf_domain::rules::ParcelPolicy;
use wharf_domain::shipment::{ShipmentState, Standing};
use wharf_domain::timeline::{Actor, Event};
use wharf_domain::waybill::Waybill;
use wharf_store::fulfillments::{self, FulfillmentRow};
use wharf_store::holds::{self, NewHold};
use wharf_store::shipments::{self, CarrierChoice, NewShipment, ParcelLine, ShipmentRow};
use wharf_store::waybills;
use wharf_store::{StoreError, Tx, locks, orders, settings, shops, stations, timeline, warehouses};

/// Whether new parcels may join others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merging {
    /// As the shop's policy says.
    ByPolicy,
    /// Each fulfillment its own parcel.
    Never,
}

pub(crate) fn event(kind: &str, params: serde_json::Value, actor: &Actor) -> Event {
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
    let wanted = |shop: ShopId| merging == Merging::ByPolicy && policies.get(&shop).is_some_and(|p| p.merge);

    let prints: Vec<String> = wants.values().map(|w| w.recipient_print.clone()).collect();
    let near = if merging == Merging::ByPolicy { shipments::open_of_prints(tx, &prints)? } else { Vec::new() };
    let guards = Guards::load(tx, &near, &rows)?;

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
        let me = guards.candidate(f.order_id, f.warehouse_id);
        let old = near.iter().find(|s| wanted(f.shop_id) && me.as_ref().is_some_and(|me| guards.refusal_of(s.id, me).is_none()));
        let shipment = if let Some(old) = old {
            joined.extend(lines.iter().map(|l| (old.id, *l)));
            touched.insert(old.id);
            old.id
        } else if let Some(new) = fresh.iter_mut().find(|s| {
            let inside: Vec<OrderId> = s.lines.iter().map(|l| l.order_id).collect();
            wanted(f.shop_id) && s.warehouse_id == f.warehouse_id && me.as_ref().is_some_and(|me| guards.may_join(&inside, me))
        }) {
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

/// The parcel policies of shops.
fn policies(tx: &mut Tx<'_>, ids: &BTreeSet<ShopId>) -> Result<HashMap<ShopId, ParcelPolicy>, StoreError> {
    let mut found = HashMap::new();
    for id in ids {
        if let Some(shop) = shops::get(tx, *id)? {
            found.insert(*id, shop.policy.parcels);
        }
    }
    Ok(found)
}

/// Who may share a parcel, asked of the domain in one place: by routing, by people, and for proposals.
pub(crate) struct Guards {
    orders: HashMap<OrderId, Candidate>,
    parcels: HashMap<ShipmentId, Vec<Candidate>>,
    policies: HashMap<ShopId, ParcelPolicy>,
}

impl Guards {
    /// Reads what decides about parcels and about fulfillments that have none yet.
    pub(crate) fn load(tx: &mut Tx<'_>, parcels: &[ShipmentRow], fresh: &[FulfillmentRow]) -> Result<Self, StoreError> {
        let ids: BTreeSet<OrderId> = parcels.iter().flat_map(ShipmentRow::orders).chain(fresh.iter().map(|f| f.order_id)).collect();
        let ids: Vec<OrderId> = ids.into_iter().collect();
        let rows = orders::orders(tx, &Scope::ALL, &ids)?;
        let held: HashSet<OrderId> = holds::open(tx, &ids)?.into_keys().collect();
        let policies = policies(tx, &rows.iter().map(|o| o.shop_id).collect())?;
        let parcel_ids: Vec<ShipmentId> = parcels.iter().map(|s| s.id).collect();
        // A parcel whose carrier is being asked just now is not touched before the answer; nor is one with an order that
        // must not leave.
        let mut fixed: HashSet<ShipmentId> = waybills::live(tx, &parcel_ids)?
            .into_iter()
            .filter(|w| matches!(w.waybill, Waybill::Requested { .. } | Waybill::InDoubt { .. }))
            .map(|w| w.shipment_id)
            .collect();
        fixed.extend(shipments::obstacles(tx, &parcel_ids)?.into_iter().filter(|(_, order, _)| !held.contains(order)).map(|(id, _, _)| id));
        let orders: HashMap<OrderId, Candidate> = rows
            .into_iter()
            .map(|o| {
                let candidate = Candidate {
                    order_id: o.id,
                    shop_id: o.shop_id,
                    buyer_key: o.buyer_key,
                    recipient_print: o.recipient_print,
                    warehouse_id: WarehouseId(0),
                    held: held.contains(&o.id),
                    fixed: false,
                };
                (o.id, candidate)
            })
            .collect();
        let parcels = parcels
            .iter()
            .map(|s| {
                let open = matches!(s.state, ShipmentState::Draft | ShipmentState::Booked) && s.stop_reason.is_empty();
                let inside = s.orders().into_iter().filter_map(|id| orders.get(&id).cloned()).map(|candidate| Candidate {
                    warehouse_id: s.warehouse_id,
                    recipient_print: s.recipient_print.clone(),
                    fixed: !open || fixed.contains(&s.id),
                    ..candidate
                });
                (s.id, inside.collect())
            })
            .collect();
        Ok(Guards { orders, parcels, policies })
    }

    fn allowed(&self, from: ShopId, to: ShopId) -> bool {
        self.policies.get(&from).is_some_and(|p| p.with_shops.contains(&to))
    }

    /// An order's part in one warehouse.
    pub(crate) fn candidate(&self, order: OrderId, warehouse_id: WarehouseId) -> Option<Candidate> {
        self.orders.get(&order).cloned().map(|candidate| Candidate { warehouse_id, ..candidate })
    }

    /// Why something cannot join a parcel.
    pub(crate) fn refusal_of(&self, parcel: ShipmentId, new: &Candidate) -> Option<MergeRefusal> {
        let inside = self.parcels.get(&parcel).map(Vec::as_slice).unwrap_or_default();
        inside.iter().find_map(|other| merge::refusal(other, new, &|a, b| self.allowed(a, b)))
    }

    /// Why two parcels cannot be one.
    pub(crate) fn refusal(&self, a: ShipmentId, b: ShipmentId) -> Option<MergeRefusal> {
        self.parcels.get(&b).map(Vec::as_slice).unwrap_or_default().iter().find_map(|new| self.refusal_of(a, new))
    }

    /// True when something may go with orders that are about to be put together.
    fn may_join(&self, inside: &[OrderId], new: &Candidate) -> bool {
        inside
            .iter()
            .filter_map(|id| self.candidate(*id, new.warehouse_id))
            .all(|other| merge::refusal(&other, new, &|a, b| self.allowed(a, b)).is_none())
    }
}

/// A person's choice of carrier, kept with the parcel until it is booked by it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ByHand {
    /// Who pays.
    pub account: CarrierAccountId,
    /// Its service; `None`: the cheapest that fits.
    pub service: Option<String>,
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
    let choice = ByHand { account, service };
    app.store.write_again(move |tx| set_carrier_in(tx, &vendors, &actor, &ids, &choice)).await
}

pub(crate) fn set_carrier_in(
    tx: &mut Tx<'_>,
    vendors: &[&'static dyn Vendor],
    actor: &Actor,
    ids: &[ShipmentId],
    choice: &ByHand,
) -> Result<Vec<(ShipmentId, Outcome)>, FlowError> {
    let account = choice.account;
    if warehouses::get_account(tx, account)?.is_none_or(|a| !a.active) {
        return Err(FlowError::NotFound(format!("carrier account {account}")));
    }
    locks::shipments(tx, ids)?;
    let rows: HashMap<ShipmentId, ShipmentRow> = shipments::load(tx, ids)?.into_iter().map(|s| (s.id, s)).collect();
    let (mut results, mut redo) = (Vec::new(), Vec::new());
    for id in ids {
        let outcome = match rows.get(id) {
            None => Outcome::refused("not_found"),
            Some(s) => match s.state.standing() {
                // The label of the carrier that is wished for is not bought again.
                Standing::Draft | Standing::Booked if s.trace.get("by_hand") == Some(&json!(choice)) => Outcome::Already,
                Standing::Draft | Standing::Booked => match recall_parcel(tx, actor, *id, "other_carrier")? {
                    Recalled::Done => {
                        redo.push(*id);
                        Outcome::Done
                    }
                    Recalled::UnderWay => Outcome::refused("waybill_under_way"),
                },
                Standing::Packed => Outcome::refused("packed"),
                Standing::Cancelled => Outcome::refused("cancelled"),
                Standing::Away => Outcome::refused("handed_over"),
            },
        };
        results.push((*id, outcome));
    }
    let trace = json!({ "by_hand": choice });
    let (mut events, mut chosen) = (Vec::new(), Vec::new());
    for id in &redo {
        let Some(row) = rows.get(id) else { continue };
        chosen.push(CarrierChoice {
            shipment_id: *id,
            account: Some(account),
            service: choice.service.clone().unwrap_or_default(),
            weight_grams: row.weight_grams,
            trace: trace.clone(),
        });
        let params = json!({ "shipment": id, "account": account, "service": choice.service });
        events.extend(row.orders().into_iter().map(|order| (order, event("parcel.carrier_chosen", params.clone(), actor))));
    }
    shipments::set_carriers(tx, &chosen)?;
    timeline::append(tx, &events)?;
    ask_carriers(tx, vendors, actor, &redo)?;
    let orders: Vec<OrderId> = redo.iter().filter_map(|id| rows.get(id)).flat_map(ShipmentRow::orders).collect();
    recompute::apply(tx, &orders)?;
    Ok(results)
}

/// Parcels of one recipient that could be one: proposals for a person.
pub async fn proposals(app: &App, limit: i64) -> Result<Vec<Vec<ShipmentRow>>, FlowError> {
    app.store.read(move |tx| shipments::mergeable(tx, limit).map_err(FlowError::from)).await
}

//! Where each line ships from: decided for a whole batch at once, with the reasons of those that lost.
//!
//! Urgent orders and those with the nearest ship-by choose first. An order goes whole from the cheapest warehouse that
//! has everything; only when none has, it is split over as few warehouses as needed; else it is short and takes nothing.

use crate::geo::Point;
use crate::id::{OrderId, OrderLineId, SkuId, WarehouseId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// A warehouse that orders may ship from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which.
    pub id: WarehouseId,
    /// Its code, for the trace.
    pub code: String,
    /// Its name, for the sentence.
    pub name: String,
    /// Higher is preferred; a step is worth [`Weights::priority_km`].
    pub priority: i64,
    /// Where it is, when known.
    pub point: Option<Point>,
}

/// One order line that must ship: `units` of the line, each made of SKU parts (several for a bundle).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemandLine {
    /// Which line.
    pub order_line_id: OrderLineId,
    /// Units of the line still to be allocated.
    pub units: i64,
    /// SKU units in ONE unit of the line; never empty, quantities above zero.
    pub parts: Vec<(SkuId, i64)>,
}

/// One order that wants stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Which order.
    pub order_id: OrderId,
    /// The channel or a person urges it.
    pub urgent: bool,
    /// The promise.
    pub ship_by: Option<Timestamp>,
    /// First come, first served among equals.
    pub placed_at: Timestamp,
    /// Where it goes, when known.
    pub destination: Option<Point>,
    /// What it wants.
    pub lines: Vec<DemandLine>,
    /// A person's choice of warehouse: no other is considered.
    pub only: Option<WarehouseId>,
    /// A person's choice to ship now what is there and let the rest wait.
    pub partial: bool,
    /// Warehouses that refused it, with the word of their reason: they are not asked again, unless a person chose one.
    pub refused_by: Vec<(WarehouseId, String)>,
}

/// What a decision is worth, in kilometres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    /// One step of warehouse priority.
    pub priority_km: i64,
    /// One more parcel.
    pub split_km: i64,
}

impl Default for Weights {
    fn default() -> Self {
        Weights { priority_km: 200, split_km: 1_500 }
    }
}

/// What may still be promised, by warehouse and SKU. Allocation takes from it as it decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Availability(HashMap<(WarehouseId, SkuId), i64>);

impl Availability {
    /// Sets what is available of a SKU in a warehouse.
    pub fn set(&mut self, warehouse: WarehouseId, sku: SkuId, available: i64) {
        self.0.insert((warehouse, sku), available);
    }
    /// What is available; a level that was never counted has nothing, a negative one has nothing to give.
    pub fn of(&self, warehouse: WarehouseId, sku: SkuId) -> i64 {
        self.0.get(&(warehouse, sku)).copied().unwrap_or(0).max(0)
    }
    fn take(&mut self, warehouse: WarehouseId, sku: SkuId, quantity: i64) {
        *self.0.entry((warehouse, sku)).or_insert(0) -= quantity;
    }
}

/// What one warehouse ships of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// From where.
    pub warehouse_id: WarehouseId,
    /// Units of each line.
    pub lines: Vec<(OrderLineId, i64)>,
}

/// A SKU that an order lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Which SKU.
    pub sku_id: SkuId,
    /// SKU units that the order needs.
    pub needed: i64,
    /// SKU units that are available, in all considered warehouses together.
    pub available: i64,
}

/// One warehouse as the decision saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which.
    pub warehouse_id: WarehouseId,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Way to the recipient, when both places are known.
    pub km: Option<i64>,
    /// Its priority.
    pub priority: i64,
    /// Distance less priority, in kilometres: the lower wins.
    pub cost: i64,
    /// SKU units that it lacks for the whole order.
    pub lacks: i64,
    /// Part of the decision.
    pub chosen: bool,
    /// How much dearer than the decision, where it could have shipped everything.
    pub lost_by: Option<i64>,
    /// It refused the order before: the word of its reason. Such a warehouse is not considered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// Why. Stored with the fulfillment and shown in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// `whole` · `split` · `partial` · `short` · `by_hand`.
    pub how: String,
    /// Cost of the decision.
    pub cost: i64,
    /// Every warehouse that was considered, the cheapest first.
    pub candidates: Vec<Candidate>,
    /// What is missing, for a shortage or a part.
    pub missing: Vec<Missing>,
    /// The weights that were in force.
    pub weights: Weights,
}

/// What was decided for one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Which order.
    pub order_id: OrderId,
    /// What ships from where; empty for a shortage.
    pub parts: Vec<Part>,
    /// Why.
    pub trace: Trace,
}

impl Decision {
    /// True when nothing ships for lack of stock.
    pub fn is_short(&self) -> bool {
        self.parts.is_empty()
    }
}

/// Decides a batch. Orders are served urgent first, then by ship-by, then by age; each takes its stock from
/// `availability` before the next is looked at, so that the sum of all decisions never exceeds it.
pub fn allocate(demands: &[Demand], places: &[Place], availability: &mut Availability, weights: Weights) -> Vec<Decision> {
    let mut order: Vec<usize> = (0..demands.len()).collect();
    order.sort_by_key(|&i| {
        let d = &demands[i];
        (!d.urgent, d.ship_by.map_or(i64::MAX, Timestamp::micros), d.placed_at, d.order_id)
    });
    let mut decided: Vec<Option<Decision>> = demands.iter().map(|_| None).collect();
    for index in order {
        let decision = decide(&demands[index], places, availability, weights);
        for part in &decision.parts {
            for (line, units) in &part.lines {
                for (sku, per_unit) in demands[index].lines.iter().filter(|l| l.order_line_id == *line).flat_map(|l| &l.parts) {
                    availability.take(part.warehouse_id, *sku, per_unit * units);
                }
            }
        }
        decided[index] = Some(decision);
    }
    decided.into_iter().flatten().collect()
}

fn cost_of(place: &Place, demand: &Demand, best_priority: i64, weights: Weights) -> (Option<i64>, i64) {
    let km = match (place.point, demand.destination) {
        (Some(from), Some(to)) => Some(from.km_to(to)),
        _ => None,
    };
    (km, km.unwrap_or(0) + (best_priority - place.priority) * weights.priority_km)
}

fn sku_totals(lines: &[DemandLine]) -> BTreeMap<SkuId, i64> {
    let mut totals = BTreeMap::new();
    for line in lines {
        for (sku, per_unit) in &line.parts {
            *totals.entry(*sku).or_insert(0) += per_unit * line.units;
        }
    }
    totals
}

/// Fills as many whole units of each line as the given stock allows, in the order of the lines; returns what is left.
fn fill(lines: &[DemandLine], warehouse: WarehouseId, availability: &Availability) -> (Vec<(OrderLineId, i64)>, Vec<DemandLine>) {
    let mut used: HashMap<SkuId, i64> = HashMap::new();
    let (mut filled, mut rest) = (Vec::new(), Vec::new());
    for line in lines {
        let possible = line
            .parts
            .iter()
            .map(|(sku, per_unit)| (availability.of(warehouse, *sku) - used.get(sku).copied().unwrap_or(0)) / per_unit)
            .min()
            .unwrap_or(0)
            .clamp(0, line.units);
        if possible > 0 {
            for (sku, per_unit) in &line.parts {
                *used.entry(*sku).or_insert(0) += per_unit * possible;
            }
            filled.push((line.order_line_id, possible));
        }
        if possible < line.units {
            rest.push(DemandLine { units: line.units - possible, ..line.clone() });
        }
    }
    (filled, rest)
}

fn decide(demand: &Demand, places: &[Place], availability: &Availability, weights: Weights) -> Decision {
    let refusal = |p: &Place| demand.refused_by.iter().find(|(id, _)| *id == p.id && demand.only != Some(*id)).map(|(_, why)| why.clone());
    let asked = |p: &&Place| demand.only.is_none_or(|only| only == p.id);
    let considered: Vec<&Place> = places.iter().filter(asked).filter(|p| refusal(p).is_none()).collect();
    let best_priority = considered.iter().map(|p| p.priority).max().unwrap_or(0);
    let totals = sku_totals(&demand.lines);
    let candidate = |place: &Place| {
        let (km, cost) = cost_of(place, demand, best_priority, weights);
        let lacks = totals.iter().map(|(sku, needed)| (needed - availability.of(place.id, *sku)).max(0)).sum();
        Candidate {
            warehouse_id: place.id,
            code: place.code.clone(),
            name: place.name.clone(),
            km,
            priority: place.priority,
            cost,
            lacks,
            chosen: false,
            lost_by: None,
            refused: refusal(place),
        }
    };
    let mut candidates: Vec<Candidate> = considered.iter().map(|place| candidate(place)).collect();
    candidates.sort_by_key(|c| (c.cost, c.warehouse_id));

    let (parts, how) = choose(demand, &candidates, availability);
    let cost = candidates.iter().filter(|c| parts.iter().any(|p| p.warehouse_id == c.warehouse_id)).map(|c| c.cost).sum::<i64>()
        + weights.split_km * (parts.len() as i64 - 1).max(0);
    let decided = !parts.is_empty();
    for candidate in &mut candidates {
        candidate.chosen = parts.iter().any(|p| p.warehouse_id == candidate.warehouse_id);
        candidate.lost_by = (decided && !candidate.chosen && candidate.lacks == 0).then(|| candidate.cost - cost);
    }
    candidates.extend(places.iter().filter(asked).filter(|p| refusal(p).is_some()).map(candidate));
    let missing = if matches!(how, "short" | "partial") { missing(demand, &totals, &considered, availability) } else { Vec::new() };
    let how = if demand.only.is_some() && decided { "by_hand" } else { how };
    Decision { order_id: demand.order_id, parts, trace: Trace { how: how.to_owned(), cost, candidates, missing, weights } }
}

fn choose(demand: &Demand, candidates: &[Candidate], availability: &Availability) -> (Vec<Part>, &'static str) {
    if let Some(whole) = candidates.iter().find(|c| c.lacks == 0) {
        let lines = demand.lines.iter().map(|l| (l.order_line_id, l.units)).collect();
        return (vec![Part { warehouse_id: whole.warehouse_id, lines }], "whole");
    }
    // No warehouse has everything. Pairs first (the usual split), then the greedy cover: each further warehouse is a
    // further parcel, so fewer parcels come before fewer kilometres.
    let mut best: Option<(i64, Vec<Part>)> = None;
    for (i, first) in candidates.iter().enumerate() {
        for second in &candidates[i + 1..] {
            let cost = first.cost + second.cost;
            if best.as_ref().is_some_and(|(known, _)| *known <= cost) {
                continue;
            }
            // The pieces may only fit one way round, as bundles take whole units.
            for (a, b) in [(first, second), (second, first)] {
                let (from_a, rest) = fill(&demand.lines, a.warehouse_id, availability);
                let (from_b, rest) = fill(&rest, b.warehouse_id, availability);
                if rest.is_empty() && !from_a.is_empty() && !from_b.is_empty() {
                    let parts =
                        vec![Part { warehouse_id: a.warehouse_id, lines: from_a }, Part { warehouse_id: b.warehouse_id, lines: from_b }];
                    best = Some((cost, parts));
                    break;
                }
            }
        }
    }
    if let Some((_, parts)) = best {
        return (parts, "split");
    }
    let mut rest = demand.lines.clone();
    let mut parts: Vec<Part> = Vec::new();
    while !rest.is_empty() {
        let open: Vec<_> = candidates.iter().filter(|c| parts.iter().all(|p| p.warehouse_id != c.warehouse_id)).collect();
        let Some((warehouse_id, lines, left)) = open
            .into_iter()
            .map(|c| {
                let (lines, left) = fill(&rest, c.warehouse_id, availability);
                (c.warehouse_id, lines, left)
            })
            .filter(|(_, lines, _)| !lines.is_empty())
            // Stable: among those that give most, the cheapest, as candidates are sorted by cost.
            .reduce(|best, next| if given(&next.1) > given(&best.1) { next } else { best })
        else {
            break;
        };
        parts.push(Part { warehouse_id, lines });
        rest = left;
    }
    match (rest.is_empty(), demand.partial && !parts.is_empty()) {
        (true, _) => (parts, "split"),
        (false, true) => (parts, "partial"),
        (false, false) => (Vec::new(), "short"),
    }
}

fn given(lines: &[(OrderLineId, i64)]) -> i64 {
    lines.iter().map(|(_, units)| units).sum()
}

fn missing(demand: &Demand, totals: &BTreeMap<SkuId, i64>, considered: &[&Place], availability: &Availability) -> Vec<Missing> {
    let lacking: Vec<Missing> = totals
        .iter()
        .map(|(sku, needed)| Missing {
            sku_id: *sku,
            needed: *needed,
            available: considered.iter().map(|p| availability.of(p.id, *sku)).sum(),
        })
        .collect();
    let short: Vec<Missing> = lacking.iter().filter(|m| m.available < m.needed).cloned().collect();
    // Bundles whose parts lie in different warehouses lack nothing in sum, yet no unit can be made up: name all parts.
    if short.is_empty() && !demand.lines.is_empty() { lacking } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(id: i64, lng: i64, priority: i64) -> Place {
        Place {
            id: WarehouseId(id),
            code: format!("W{id}"),
            name: format!("仓 {id}"),
            priority,
            point: Some(Point { lng_e6: lng * 1_000_000, lat_e6: 30_000_000 }),
        }
    }

    fn demand(id: i64, lng: i64, lines: &[(i64, i64)]) -> Demand {
        Demand {
            order_id: OrderId(id),
            urgent: false,
            ship_by: None,
            placed_at: Timestamp(id),
            destination: Some(Point { lng_e6: lng * 1_000_000, lat_e6: 30_000_000 }),
            lines: lines
                .iter()
                .enumerate()
                .map(|(n, (sku, units))| DemandLine {
                    order_line_id: OrderLineId(id * 100 + n as i64),
                    units: *units,
                    parts: vec![(SkuId(*sku), 1)],
                })
                .collect(),
            only: None,
            partial: false,
            refused_by: Vec::new(),
        }
    }

    #[test]
    fn a_warehouse_that_refused_is_asked_again_only_by_a_person() {
        let places = [place(1, 104, 0), place(2, 120, 0)];
        let mut refused = demand(1, 104, &[(7, 1)]);
        refused.refused_by = vec![(WarehouseId(1), "damaged".to_owned())];
        let all = stock(&[(1, 7, 5), (2, 7, 5)]);
        let decision = &allocate(std::slice::from_ref(&refused), &places, &mut all.clone(), Weights::default())[0];
        assert_eq!(decision.parts[0].warehouse_id, WarehouseId(2), "the nearer one said no");
        let told = decision.trace.candidates.iter().find(|c| c.warehouse_id == WarehouseId(1)).expect("named");
        assert_eq!((told.refused.as_deref(), told.chosen, told.lost_by), (Some("damaged"), false, None));
        let only = stock(&[(1, 7, 5)]);
        assert!(allocate(std::slice::from_ref(&refused), &places, &mut only.clone(), Weights::default())[0].is_short());
        refused.only = Some(WarehouseId(1));
        assert!(!allocate(&[refused], &places, &mut only.clone(), Weights::default())[0].is_short(), "a person named it");
    }

    fn stock(rows: &[(i64, i64, i64)]) -> Availability {
        let mut stock = Availability::default();
        for (warehouse, sku, n) in rows {
            stock.set(WarehouseId(*warehouse), SkuId(*sku), *n);
        }
        stock
    }

    #[test]
    fn the_near_warehouse_wins_and_the_far_one_is_told_by_how_much() {
        let places = [place(1, 120, 0), place(2, 104, 0)];
        let decisions = allocate(&[demand(1, 104, &[(7, 1)])], &places, &mut stock(&[(1, 7, 5), (2, 7, 5)]), Weights::default());
        assert_eq!(decisions[0].parts[0].warehouse_id, WarehouseId(2));
        let lost = decisions[0].trace.candidates.iter().find(|c| c.warehouse_id == WarehouseId(1)).expect("considered");
        assert!(lost.lost_by.expect("it could have shipped") > 1_000);
        assert_eq!(decisions[0].trace.how, "whole");
    }

    #[test]
    fn priority_is_worth_kilometres() {
        let places = [place(1, 104, 0), place(2, 105, 3)];
        let decisions = allocate(&[demand(1, 104, &[(7, 1)])], &places, &mut stock(&[(1, 7, 5), (2, 7, 5)]), Weights::default());
        assert_eq!(decisions[0].parts[0].warehouse_id, WarehouseId(2));
    }

    #[test]
    fn the_urgent_order_gets_the_last_unit_though_it_came_later() {
        let mut urgent = demand(2, 104, &[(7, 1)]);
        urgent.urgent = true;
        let mut due = demand(3, 104, &[(7, 1)]);
        due.ship_by = Some(Timestamp(1));
        let decisions =
            allocate(&[demand(1, 104, &[(7, 1)]), urgent, due], &[place(1, 104, 0)], &mut stock(&[(1, 7, 2)]), Weights::default());
        assert!(decisions[0].is_short(), "the ordinary order waits");
        assert!(!decisions[1].is_short(), "the urgent one is first");
        assert!(!decisions[2].is_short(), "then the one with a promise");
        assert_eq!(decisions[0].trace.missing, vec![Missing { sku_id: SkuId(7), needed: 1, available: 0 }]);
    }

    #[test]
    fn an_order_is_split_only_when_no_warehouse_has_all() {
        let places = [place(1, 120, 0), place(2, 104, 0), place(3, 87, 0)];
        let wanted = demand(1, 104, &[(7, 1), (8, 2)]);
        let far = allocate(std::slice::from_ref(&wanted), &places, &mut stock(&[(1, 7, 1), (1, 8, 2), (2, 7, 1)]), Weights::default());
        assert_eq!(far[0].parts.len(), 1, "one parcel from afar rather than two");
        let split = allocate(&[wanted], &places, &mut stock(&[(1, 8, 2), (2, 7, 1), (3, 8, 2)]), Weights::default());
        assert_eq!(split[0].trace.how, "split");
        let mut from: Vec<_> = split[0].parts.iter().map(|p| p.warehouse_id).collect();
        from.sort();
        assert_eq!(from, vec![WarehouseId(1), WarehouseId(2)]);
    }

    #[test]
    fn one_line_may_come_from_three_places_and_a_part_ships_only_when_told() {
        let places = [place(1, 120, 0), place(2, 104, 0), place(3, 87, 0)];
        let rows = [(1, 7, 1), (2, 7, 2), (3, 7, 1)];
        let all = allocate(&[demand(1, 104, &[(7, 4)])], &places, &mut stock(&rows), Weights::default());
        assert_eq!(all[0].parts.len(), 3);
        let mut wanted = demand(1, 104, &[(7, 9)]);
        assert!(allocate(std::slice::from_ref(&wanted), &places, &mut stock(&rows), Weights::default())[0].is_short());
        wanted.partial = true;
        let part = allocate(&[wanted], &places, &mut stock(&rows), Weights::default());
        assert_eq!(part[0].trace.how, "partial");
        assert_eq!(part[0].parts.iter().flat_map(|p| &p.lines).map(|(_, n)| n).sum::<i64>(), 4);
    }

    #[test]
    fn a_bundle_is_never_torn_apart() {
        let mut wanted = demand(1, 104, &[(7, 1)]);
        wanted.lines[0].parts = vec![(SkuId(7), 2), (SkuId(8), 1)];
        let places = [place(1, 120, 0), place(2, 104, 0)];
        let torn = allocate(std::slice::from_ref(&wanted), &places, &mut stock(&[(1, 7, 2), (2, 8, 1)]), Weights::default());
        assert!(torn[0].is_short());
        assert_eq!(torn[0].trace.missing.len(), 2);
        let whole = allocate(&[wanted], &places, &mut stock(&[(1, 7, 2), (1, 8, 1)]), Weights::default());
        assert_eq!(whole[0].parts[0].warehouse_id, WarehouseId(1));
    }

    proptest! {
        #[test]
        fn a_batch_never_promises_more_than_there_is(
            levels in prop::collection::vec((1i64..4, 1i64..5, -2i64..8), 0..12),
            wants in prop::collection::vec((any::<bool>(), any::<bool>(), prop::collection::vec((1i64..5, 1i64..4, 1i64..3), 1..4)), 1..12),
        ) {
            let places = [place(1, 120, 0), place(2, 104, 1), place(3, 87, 0)];
            let mut before = Availability::default();
            for (w, s, n) in &levels { before.set(WarehouseId(*w), SkuId(*s), *n); }
            let demands: Vec<Demand> = wants.iter().enumerate().map(|(i, (urgent, partial, lines))| {
                let mut d = demand(i as i64 + 1, 100, &[]);
                d.urgent = *urgent;
                d.partial = *partial;
                d.lines = lines.iter().enumerate().map(|(n, (sku, units, per))| DemandLine {
                    order_line_id: OrderLineId(i as i64 * 10 + n as i64),
                    units: *units,
                    parts: if sku % 2 == 0 { vec![(SkuId(*sku), *per), (SkuId(1), 1)] } else { vec![(SkuId(*sku), *per)] },
                }).collect();
                d
            }).collect();
            let mut after = before.clone();
            let decisions = allocate(&demands, &places, &mut after, Weights::default());
            prop_assert_eq!(decisions.len(), demands.len());
            let mut taken: HashMap<(WarehouseId, SkuId), i64> = HashMap::new();
            for (decision, demand) in decisions.iter().zip(&demands) {
                prop_assert_eq!(decision.order_id, demand.order_id);
                for line in &demand.lines {
                    let units: i64 = decision.parts.iter().flat_map(|p| &p.lines).filter(|(id, _)| *id == line.order_line_id).map(|(_, n)| n).sum();
                    prop_assert!(units <= line.units);
                    prop_assert!(units == line.units || demand.partial || decision.is_short());
                    for part in &decision.parts {
                        for (id, n) in &part.lines {
                            if *id == line.order_line_id {
                                for (sku, per) in &line.parts { *taken.entry((part.warehouse_id, *sku)).or_insert(0) += per * n; }
                            }
                        }
                    }
                }
            }
            for ((w, s), n) in taken { prop_assert!(n <= before.of(w, s), "{n} of {s:?} from {w:?}"); }
        }
    }
}

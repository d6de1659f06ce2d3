//! The one writer of `orders.phase`, of the counters by phase and hold, and of the rollups by day and hour. Every unit of
//! work that touched facts of orders ends with [`apply`] over them.
//!
//! What counters hold of an order is written on the order itself (`counted`), so that a change is a difference: old
//! taken out, new put in, in the same transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{OrderId, ShopId};
use wharf_domain::order::phase::{OrderFacts, Phase, phase};
use wharf_domain::order::{LineCounters, Payment};
use wharf_domain::time::Timestamp;
use wharf_domain::word::Word;
use wharf_store::orders::{Cached, Facts, LineRow, OrderRow};
use wharf_store::rollups::Sums;
use wharf_store::shops::Shop;
use wharf_store::{StoreError, Tx, locks, orders, rollups, shops};

/// Told to whoever watches the store when counters changed.
pub const COUNTS_TOPIC: &str = "counts";

/// What an order waits for, before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Computed {
    /// The order.
    pub id: OrderId,
    /// What it waited for; `None` for an order that is new.
    pub before: Option<Phase>,
    /// What it waits for now.
    pub phase: Phase,
}

/// What counters and rollups hold of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contribution {
    pub(crate) phase: Phase,
    day: Timestamp,
    hour: Timestamp,
    currency: String,
    units: i64,
    paid: bool,
    sales_minor: i64,
    shipped: bool,
    holds: Vec<HoldReason>,
}

/// Recomputes orders. Locks them (in rising order of their ids), so that two units of work never compute from each
/// other's half-written facts.
pub fn apply(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<Vec<Computed>, StoreError> {
    apply_with(tx, ids, Sums::default())
}

/// The facts of an order that is not stored yet, from its row, its lines (with: its listing is linked) and what the review
/// decided: nothing has been done for it.
pub(crate) fn facts_of_newborn(row: &OrderRow<'_>, lines: &[(LineRow<'_>, bool)], approved: bool, holds: &[HoldReason]) -> Facts {
    let order = row.order;
    let open = |line: &LineRow<'_>| line.line.quantity - line.cancelled;
    Facts {
        id: row.id,
        shop_id: row.shop_id,
        facts: OrderFacts {
            payment: order.payment,
            cash_on_delivery: order.cash_on_delivery,
            fulfilled_by: order.fulfilled_by,
            progress: row.progress,
            units: LineCounters {
                ordered: lines.iter().map(|(line, _)| line.line.quantity).sum(),
                cancelled: lines.iter().map(|(line, _)| line.cancelled).sum(),
                ..LineCounters::default()
            },
            unmapped_lines: lines.iter().filter(|(line, linked)| !linked && open(line) > 0).count() as i64,
            open_holds: holds.len() as i64,
            approved,
            labelled: 0,
        },
        holds: holds.to_vec(),
        placed_at: order.placed_at,
        currency: order.currency,
        total_minor: order.total_minor,
        cached_phase: Phase::Review,
        counted: String::new(),
    }
}

/// What is to be cached of an order that is not stored yet; what counters gain by it is added to `sums`, which
/// [`apply_with`] writes.
pub(crate) fn newborn(facts: &Facts, zones: &HashMap<ShopId, jiff::tz::TimeZone>, sums: &mut Sums) -> Cached {
    let now = contribution(facts, zones);
    now.add_to(sums, facts.shop_id, 1);
    Cached { id: facts.id, phase: now.phase, counted: now.text() }
}

/// Recomputes orders, and adds sums of newborn ones to the counters with the differences.
pub(crate) fn apply_with(tx: &mut Tx<'_>, ids: &[OrderId], mut sums: Sums) -> Result<Vec<Computed>, StoreError> {
    let mut cached = Vec::new();
    let computed = if ids.is_empty() { Vec::new() } else { compute(tx, ids, &mut sums, &mut cached)? };
    if cached.is_empty() && sums == Sums::default() {
        return Ok(computed);
    }
    orders::save_cached(tx, &cached)?;
    rollups::add(tx, sums)?;
    tx.announce(COUNTS_TOPIC);
    Ok(computed)
}

fn compute(tx: &mut Tx<'_>, ids: &[OrderId], sums: &mut Sums, cached: &mut Vec<Cached>) -> Result<Vec<Computed>, StoreError> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    locks::orders(tx, &ids)?;
    let facts = orders::facts(tx, &ids)?;
    let zones = zones(tx, facts.iter().map(|f| f.shop_id))?;
    let mut computed = Vec::with_capacity(facts.len());
    for fact in &facts {
        let now = contribution(fact, &zones);
        let text = now.text();
        let before = Contribution::parse(&fact.counted);
        computed.push(Computed { id: fact.id, before: before.as_ref().map(|c| c.phase), phase: now.phase });
        if text == fact.counted && now.phase == fact.cached_phase {
            continue;
        }
        if let Some(before) = before {
            before.add_to(sums, fact.shop_id, -1);
        }
        now.add_to(sums, fact.shop_id, 1);
        cached.push(Cached { id: fact.id, phase: now.phase, counted: text });
    }
    Ok(computed)
}

/// Takes orders out of counters and rollups, for the one caller that erases them afterwards (the withdrawal of an import).
pub(crate) fn forget(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    locks::orders(tx, &ids)?;
    let mut sums = Sums::default();
    for fact in orders::facts(tx, &ids)? {
        if let Some(counted) = Contribution::parse(&fact.counted) {
            counted.add_to(&mut sums, fact.shop_id, -1);
        }
    }
    rollups::add(tx, sums)?;
    tx.announce(COUNTS_TOPIC);
    Ok(())
}

/// The zone of one shop that is at hand.
pub(crate) fn zone_of(shop: &Shop) -> HashMap<ShopId, jiff::tz::TimeZone> {
    HashMap::from([(shop.id, zone(&shop.zone))])
}

/// The zone of an IANA name; UTC for one that nobody knows.
pub fn zone(name: &str) -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get(name).unwrap_or(jiff::tz::TimeZone::UTC)
}

/// The zones of shops, as IANA names.
pub(crate) fn zones(tx: &mut Tx<'_>, ids: impl Iterator<Item = ShopId>) -> Result<HashMap<ShopId, jiff::tz::TimeZone>, StoreError> {
    let wanted: BTreeSet<ShopId> = ids.collect();
    let names = shops::zones(tx, &wanted.into_iter().collect::<Vec<_>>())?;
    Ok(names.into_iter().map(|(id, name)| (id, zone(&name))).collect())
}

/// The start of the local day that holds an instant.
pub fn local_day(at: Timestamp, zone: &jiff::tz::TimeZone) -> Timestamp {
    jiff::Timestamp::from_microsecond(at.micros())
        .ok()
        .and_then(|t| t.to_zoned(zone.clone()).start_of_day().ok())
        .map_or_else(|| at.day_floor(), |day| Timestamp(day.timestamp().as_microsecond()))
}

/// What counters should hold of an order, from its facts alone.
pub(crate) fn contribution(facts: &Facts, zones: &HashMap<ShopId, jiff::tz::TimeZone>) -> Contribution {
    let phase = phase(&facts.facts);
    let paid = facts.facts.payment != Payment::Unpaid;
    let units = facts.facts.units;
    Contribution {
        phase,
        day: zones.get(&facts.shop_id).map_or_else(|| facts.placed_at.day_floor(), |zone| local_day(facts.placed_at, zone)),
        hour: facts.placed_at.hour_floor(),
        currency: facts.currency.code().to_owned(),
        units: units.ordered,
        paid,
        sales_minor: if paid && phase != Phase::Cancelled { facts.total_minor } else { 0 },
        shipped: units.shipped > 0 || matches!(phase, Phase::Shipped | Phase::Delivered | Phase::Completed),
        holds: facts.holds.clone(),
    }
}

impl Contribution {
    /// Its text on the order.
    pub(crate) fn text(&self) -> String {
        let holds: Vec<&str> = self.holds.iter().map(|hold| hold.as_str()).collect();
        format!(
            "{}|{}|{}|{}|{}|{}|{}|{}|{}",
            self.phase,
            self.day.micros(),
            self.hour.micros(),
            self.currency,
            self.units,
            u8::from(self.paid),
            self.sales_minor,
            u8::from(self.shipped),
            holds.join(",")
        )
    }

    /// Reads its text; `None` for an order that is not counted yet.
    pub(crate) fn parse(text: &str) -> Option<Contribution> {
        let mut parts = text.split('|');
        let mut next = || parts.next();
        Some(Contribution {
            phase: Phase::parse(next()?).ok()?,
            day: Timestamp(next()?.parse().ok()?),
            hour: Timestamp(next()?.parse().ok()?),
            currency: next()?.to_owned(),
            units: next()?.parse().ok()?,
            paid: next()? == "1",
            sales_minor: next()?.parse().ok()?,
            shipped: next()? == "1",
            holds: next()?.split(',').filter(|word| !word.is_empty()).map(HoldReason::parse).collect::<Result<_, _>>().ok()?,
        })
    }

    /// Adds it to sums, or with `sign` −1 takes it out.
    pub(crate) fn add_to(&self, sums: &mut Sums, shop: ShopId, sign: i64) {
        *sums.phases.entry((shop, self.phase)).or_default() += sign;
        for hold in &self.holds {
            *sums.holds.entry((shop, *hold)).or_default() += sign;
        }
        let day = sums.days.entry((shop, self.day, self.currency.clone())).or_default();
        day.orders += sign;
        day.units += sign * self.units;
        day.paid_orders += sign * i64::from(self.paid);
        day.sales_minor += sign * self.sales_minor;
        day.cancelled_orders += sign * i64::from(self.phase == Phase::Cancelled);
        day.shipped_orders += sign * i64::from(self.shipped);
        let hour = sums.hours.entry((shop, self.hour)).or_default();
        hour.0 += sign;
        hour.1 += sign * self.sales_minor;
    }
}

/// Everything counted anew from facts: phases by order, and all sums. For doctor; a page at a time.
pub(crate) fn recount(tx: &mut Tx<'_>) -> Result<(Vec<(Facts, Contribution)>, Sums), StoreError> {
    const PAGE: usize = 2_000;
    let (mut drifted, mut sums) = (Vec::new(), Sums::default());
    let mut zones_by_shop: BTreeMap<ShopId, ()> = BTreeMap::new();
    let mut zone_map = HashMap::new();
    let mut after = OrderId(0);
    loop {
        let page = rollups::counted_page(tx, after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = *last;
        for fact in orders::facts(tx, &page)? {
            if zones_by_shop.insert(fact.shop_id, ()).is_none() {
                zone_map.extend(zones(tx, std::iter::once(fact.shop_id))?);
            }
            let now = contribution(&fact, &zone_map);
            now.add_to(&mut sums, fact.shop_id, 1);
            if now.phase != fact.cached_phase || now.text() != fact.counted {
                drifted.push((fact, now));
            }
        }
    }
    Ok((drifted, sums.without_zeros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_survives_its_text() {
        let zones = HashMap::from([(ShopId(1), jiff::tz::TimeZone::get("Asia/Shanghai").expect("bundled"))]);
        // 2026-11-20T16:00Z is midnight in Shanghai.
        let midnight = Timestamp::from_seconds(1_795_190_400);
        assert_eq!(local_day(midnight, &zones[&ShopId(1)]), midnight);
        assert_eq!(local_day(midnight.plus(-1), &zones[&ShopId(1)]), midnight.plus(-wharf_domain::time::DAY));
        assert_eq!(local_day(midnight, &zone("no/where")), midnight.day_floor());
        let c = Contribution {
            phase: Phase::Held,
            day: midnight,
            hour: midnight,
            currency: "CNY".into(),
            units: 3,
            paid: true,
            sales_minor: -5,
            shipped: false,
            holds: vec![HoldReason::Manual, HoldReason::BuyerNote],
        };
        assert_eq!(Contribution::parse(&c.text()), Some(c.clone()));
        assert_eq!(Contribution::parse(""), None);
        let mut sums = Sums::default();
        c.add_to(&mut sums, ShopId(1), 1);
        c.add_to(&mut sums, ShopId(1), -1);
        assert_eq!(sums.without_zeros(), Sums::default());
    }
}

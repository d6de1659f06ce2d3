//! Review: checks and the approval rule over orders whose facts changed, in the unit of work that changed them. Findings
//! open and settle, holds are placed and released with them, and what passes is approved with its trace.

use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use wharf_domain::access::Scope;
use wharf_domain::address::{Recipient, normal_phone};
use wharf_domain::hold::{FindingCode, HoldReason, Severity};
use wharf_domain::id::{OrderId, ShopId};
use wharf_domain::order::check::{CheckInput, CheckLine, Finding, Twin, check};
use wharf_domain::order::phase::{ChannelProgress, Phase};
use wharf_domain::order::{FulfilledBy, Payment};
use wharf_domain::rules::{APPROVAL_RULE, ApprovalFacts, approve};
use wharf_domain::time::HOUR;
use wharf_domain::timeline::{Actor, Event};
use wharf_store::holds::{self, NewFinding, NewHold, StoredFinding};
use wharf_store::orders::{self, Order, OrderLine, TwinRow};
use wharf_store::shops::{self, Shop};
use wharf_store::{Keys, StoreError, Tx};

/// The rule that findings speak for in timelines.
const CHECK_RULE: &str = "check";

/// What a review decided.
#[derive(Debug, Default)]
pub struct Reviewed {
    /// Stored orders that were looked at, twins of the ones asked for included.
    pub orders: Vec<OrderId>,
    /// Sentences for the timelines, in order.
    pub events: Vec<(OrderId, Event)>,
}

/// An order that is not stored yet, as the checks want it.
pub(crate) struct Newborn<'a> {
    pub(crate) order: Order,
    pub(crate) lines: Vec<OrderLine>,
    pub(crate) recipient: Option<&'a Recipient>,
}

/// What becomes of a newborn order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Verdict {
    /// The rule that approves it.
    pub(crate) approved_by: Option<Actor>,
    /// Holds that will be open, sorted.
    pub(crate) holds: Vec<HoldReason>,
}

/// A review that is decided and not yet written.
pub(crate) struct Decided {
    pub(crate) reviewed: Reviewed,
    /// One for each newborn order, in their order.
    pub(crate) verdicts: Vec<Verdict>,
    plan: Plan,
}

impl Decided {
    /// Writes findings, holds and approvals. The newborn orders are stored by now.
    pub(crate) fn carry_out(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.plan.carry_out(tx)
    }
}

/// Reviews orders. The caller has locked and written them; it appends the events and recomputes the orders answered.
pub fn review(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<Reviewed, StoreError> {
    let decided = decide(tx, &[], ids, None)?;
    decided.carry_out(tx)?;
    Ok(decided.reviewed)
}

/// Decides about newborn orders (of `home`, where it is given) and about stored ones, without writing.
pub(crate) fn decide(tx: &mut Tx<'_>, newborn: &[Newborn<'_>], ids: &[OrderId], home: Option<&Shop>) -> Result<Decided, StoreError> {
    let mut stored = if ids.is_empty() { Vec::new() } else { orders::orders(tx, &Scope::ALL, ids)? };
    let mut decided = Decided { reviewed: Reviewed::default(), verdicts: Vec::with_capacity(newborn.len()), plan: Plan::default() };
    if newborn.is_empty() && stored.is_empty() {
        return Ok(decided);
    }
    let mut shops: HashMap<ShopId, Shop> = home.into_iter().map(|shop| (shop.id, shop.clone())).collect();
    if stored.iter().any(|order| !shops.contains_key(&order.shop_id)) {
        shops.extend(shops::list(tx, &Scope::ALL)?.into_iter().map(|shop| (shop.id, shop)));
    }
    let fresh: HashSet<OrderId> = newborn.iter().map(|n| n.order.id).collect();
    let known: Vec<&Order> = newborn.iter().map(|n| &n.order).chain(&stored).collect();
    let candidates = Candidates::of(candidates(tx, &known, newborn, &shops)?);
    // An order that arrives late makes the one placed after it the duplicate.
    let asked: HashSet<OrderId> = known.iter().map(|order| order.id).collect();
    let later: BTreeSet<OrderId> = known
        .iter()
        .flat_map(|order| candidates.like(order).filter(|c| precedes(order, c)))
        .filter(|c| !asked.contains(&c.id) && is_open(c.phase))
        .map(|c| c.id)
        .collect();
    if !later.is_empty() {
        let later: Vec<OrderId> = later.into_iter().collect();
        wharf_store::locks::orders(tx, &later)?;
        stored.extend(orders::orders(tx, &Scope::ALL, &later)?);
    }
    let ids: Vec<OrderId> = stored.iter().map(|order| order.id).collect();
    let (mut lines, mut recipients, mut found_before, mut open_holds) = Default::default();
    if !ids.is_empty() {
        lines = orders::lines(tx, &ids)?;
        let to_send: Vec<OrderId> = stored.iter().filter(|order| is_ours_to_send(order)).map(|order| order.id).collect();
        recipients = orders::open_recipients(tx, &to_send)?;
        found_before = holds::findings(tx, &ids)?;
        open_holds = holds::open(tx, &ids)?;
    }
    let subjects: Vec<Subject<'_>> = newborn
        .iter()
        .map(|n| Subject { order: &n.order, lines: &n.lines, recipient: n.recipient.filter(|_| is_ours_to_send(&n.order)) })
        .chain(stored.iter().map(|order| Subject {
            order,
            lines: lines.get(&order.id).map(Vec::as_slice).unwrap_or_default(),
            recipient: recipients.get(&order.id),
        }))
        .collect();
    let listed = blacklisted(tx, &subjects)?;
    let keys = tx.keys().clone();
    for subject in &subjects {
        let order = subject.order;
        let mut held: BTreeSet<HoldReason> =
            open_holds.get(&order.id).into_iter().flatten().map(|hold: &holds::Hold| hold.reason).collect();
        if let Some(shop) = shops.get(&order.shop_id) {
            let twin = candidates.twin_of(order, shop.policy.checks.duplicate_hours);
            let found = look(subject, twin.as_ref(), listed.get(&order.id).copied(), shop);
            let before = found_before.get(&order.id).map(Vec::as_slice).unwrap_or_default();
            let news = decided.plan.findings(&keys, order, shop, &found, before, &mut held);
            decided.plan.approval(&keys, order, subject.lines, shop, &found, before, &held, news);
        }
        if fresh.contains(&order.id) {
            // It is stored as approved: nothing is left to write.
            let approved_by = decided.plan.approve.pop_if(|(id, _)| *id == order.id).map(|(_, version)| approval_rule(version));
            decided.verdicts.push(Verdict { approved_by, holds: held.into_iter().collect() });
        }
    }
    decided.reviewed = Reviewed { orders: ids, events: std::mem::take(&mut decided.plan.events) };
    Ok(decided)
}

/// One order with what the checks look at.
struct Subject<'a> {
    order: &'a Order,
    lines: &'a [OrderLine],
    recipient: Option<&'a Recipient>,
}

fn approval_rule(version: i64) -> Actor {
    Actor::Rule { name: APPROVAL_RULE.to_owned(), version }
}

/// Phases in which a check may still stop an order.
pub(crate) fn is_open(phase: Phase) -> bool {
    matches!(
        phase,
        Phase::Unpaid | Phase::Held | Phase::Review | Phase::Mapping | Phase::Stock | Phase::Label | Phase::Pack | Phase::PartShipped
    )
}

/// We ship it, and the channel does not say that it is gone or over: only then are its people and its twins looked at.
fn is_ours_to_send(order: &Order) -> bool {
    order.fulfilled_by == FulfilledBy::Seller && order.progress == ChannelProgress::None
}

fn precedes(order: &Order, other: &TwinRow) -> bool {
    (order.placed_at, order.external_id.as_str()) < (other.placed_at, other.external_id.as_str())
}

/// Orders that may be twins, by what makes two orders alike: shop, buyer, goods. No order is compared with all others.
struct Candidates(HashMap<(ShopId, String, String), Vec<TwinRow>>);

impl Candidates {
    fn of(rows: Vec<TwinRow>) -> Self {
        let mut alike: HashMap<_, Vec<TwinRow>> = HashMap::with_capacity(rows.len());
        for row in rows.into_iter().filter(|row| !row.buyer_key.is_empty() && !row.content_print.is_empty()) {
            alike.entry((row.shop_id, row.buyer_key.clone(), row.content_print.clone())).or_default().push(row);
        }
        Candidates(alike)
    }

    fn like(&self, order: &Order) -> impl Iterator<Item = &TwinRow> {
        self.0.get(&(order.shop_id, order.buyer_key.clone(), order.content_print.clone())).into_iter().flatten()
    }

    /// The latest like order that was placed before, within the window.
    fn twin_of(&self, order: &Order, hours: i64) -> Option<Twin> {
        self.like(order)
            .filter(|c| c.id != order.id)
            .filter(|c| (c.placed_at, c.external_id.as_str()) < (order.placed_at, order.external_id.as_str()))
            .filter(|c| order.placed_at.since(c.placed_at) <= hours.max(0) * HOUR)
            .max_by(|a, b| (a.placed_at, &a.external_id).cmp(&(b.placed_at, &b.external_id)))
            .map(|c| Twin { id: c.id, external_id: c.external_id.clone() })
    }
}

fn candidates(
    tx: &mut Tx<'_>,
    known: &[&Order],
    newborn: &[Newborn<'_>],
    shops: &HashMap<ShopId, Shop>,
) -> Result<Vec<TwinRow>, StoreError> {
    let window = |order: &Order| {
        shops.get(&order.shop_id).filter(|s| s.policy.checks.duplicate.is_some()).map(|s| s.policy.checks.duplicate_hours.max(0) * HOUR)
    };
    let wanted: Vec<(&Order, i64)> =
        known.iter().filter(|o| !o.buyer_key.is_empty() && is_ours_to_send(o)).filter_map(|o| window(o).map(|w| (*o, w))).collect();
    let keys: Vec<String> = wanted.iter().map(|(order, _)| order.buyer_key.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let (Some(from), Some(to)) =
        (wanted.iter().map(|(o, w)| o.placed_at.plus(-w)).min(), wanted.iter().map(|(o, w)| o.placed_at.plus(*w)).max())
    else {
        return Ok(Vec::new());
    };
    let mut rows = orders::of_buyers(tx, &keys, from, to)?;
    rows.extend(newborn.iter().map(|n| &n.order).filter(|o| o.progress != ChannelProgress::Cancelled).map(|o| TwinRow {
        id: o.id,
        shop_id: o.shop_id,
        external_id: o.external_id.clone(),
        placed_at: o.placed_at,
        buyer_key: o.buyer_key.clone(),
        content_print: o.content_print.clone(),
        phase: o.phase,
    }));
    Ok(rows)
}

fn blacklisted(tx: &mut Tx<'_>, subjects: &[Subject<'_>]) -> Result<HashMap<OrderId, &'static str>, StoreError> {
    // Nobody is listed in most houses: then nothing is hashed.
    if orders::blacklist_is_empty(tx)? {
        return Ok(HashMap::new());
    }
    let keys = tx.keys().clone();
    let mut by_order: Vec<(OrderId, &'static str, String)> = Vec::new();
    for Subject { order, recipient, .. } in subjects.iter().filter(|subject| is_ours_to_send(subject.order)) {
        if !order.buyer_key.is_empty() {
            by_order.push((order.id, "buyer", order.buyer_key.clone()));
        }
        if let Some(recipient) = recipient.filter(|r| !r.masked) {
            by_order.push((order.id, "phone", phone_hash(&keys, &recipient.personal.phone)));
            by_order.push((order.id, "name", name_hash(&keys, &recipient.personal.name)));
        }
    }
    let hashes: Vec<(&'static str, String)> = by_order.iter().map(|(_, kind, hash)| (*kind, hash.clone())).collect();
    let listed = orders::blacklisted(tx, &hashes)?;
    let mut found = HashMap::new();
    for (id, kind, hash) in by_order {
        if listed.contains(&(kind.to_owned(), hash)) {
            found.entry(id).or_insert(kind);
        }
    }
    Ok(found)
}

/// The hash under which a phone stands in the blind index and on the blacklist.
pub(crate) fn phone_hash(keys: &Keys, phone: &str) -> String {
    keys.blind("phone", &normal_phone(phone))
}

/// The hash under which a name stands in the blind index and on the blacklist.
pub(crate) fn name_hash(keys: &Keys, name: &str) -> String {
    keys.blind("name", &orders::normal_name(name))
}

fn look(subject: &Subject<'_>, twin: Option<&Twin>, blacklisted: Option<&str>, shop: &Shop) -> Vec<Finding> {
    let Subject { order, lines, recipient } = *subject;
    let check_lines: Vec<CheckLine> = lines
        .iter()
        .map(|line| CheckLine {
            external_id: line.external_id.clone(),
            title: line.title.clone(),
            ordered: line.counters.ordered,
            cancelled: line.counters.cancelled,
            shipped: line.counters.shipped,
            total_minor: line.total_minor,
            refund: line.refund,
        })
        .collect();
    let input = CheckInput {
        payment: order.payment,
        cash_on_delivery: order.cash_on_delivery,
        fulfilled_by: order.fulfilled_by,
        progress: order.progress,
        observed_status: &order.observed_status,
        status_known: order.channel_status.is_some(),
        do_not_ship: &order.do_not_ship,
        recipient,
        home_country: home_country(shop),
        currency: order.currency,
        total_minor: order.total_minor,
        shipping_minor: order.shipping_minor,
        tax_minor: order.tax_minor,
        discount_minor: order.discount_minor,
        buyer_note: &order.buyer_note,
        lines: &check_lines,
        twin,
        blacklisted,
    };
    check(&input, &shop.policy.checks)
}

/// Where a recipient lives whose channel does not name a country: the country of the shop's currency.
pub(crate) fn home_country(shop: &Shop) -> &'static str {
    match shop.currency.code() {
        "CNY" => "CN",
        "USD" => "US",
        "GBP" => "GB",
        "JPY" => "JP",
        _ => "",
    }
}

/// What the review of a batch will write: gathered first, written set by set.
#[derive(Default)]
struct Plan {
    save: Vec<NewFinding>,
    settle: Vec<(OrderId, FindingCode)>,
    place: Vec<NewHold>,
    place_by: BTreeMap<OrderId, Actor>,
    release: Vec<(OrderId, HoldReason)>,
    approve: Vec<(OrderId, i64)>,
    unapprove: Vec<OrderId>,
    events: Vec<(OrderId, Event)>,
}

impl Plan {
    /// Opens and settles findings with their holds. Answers whether a hold was placed that was not there.
    fn findings(
        &mut self,
        keys: &Keys,
        order: &Order,
        shop: &Shop,
        found: &[Finding],
        before: &[StoredFinding],
        held: &mut BTreeSet<HoldReason>,
    ) -> bool {
        let mut placed = false;
        let rule = Actor::Rule { name: CHECK_RULE.to_owned(), version: shop.policy.version };
        let channel = Actor::Vendor { vendor: shop.vendor.clone() };
        let actor = |code: FindingCode| if code.is_the_channels() { channel.clone() } else { rule.clone() };
        let mut standing = HashSet::new();
        for finding in found {
            let seen = keys.blind("finding", &finding.seen);
            // A person let exactly this pass.
            if before.iter().any(|f| f.overruled && f.settled_at.is_some() && f.code == finding.code && f.seen == seen) {
                continue;
            }
            standing.insert(finding.code);
            let open = before.iter().find(|f| f.settled_at.is_none() && f.code == finding.code);
            if open.is_none_or(|f| f.seen != seen || f.params != finding.params || f.severity != finding.severity) {
                self.save.push(NewFinding {
                    order_id: order.id,
                    code: finding.code,
                    severity: finding.severity,
                    params: finding.params.clone(),
                    seen,
                });
            }
            if open.is_none() {
                let params = without_fixes(&finding.params);
                self.say(
                    order.id,
                    "order.finding",
                    json!({ "code": finding.code, "severity": finding.severity, "params": params }),
                    actor(finding.code),
                );
            }
            match finding.code.hold() {
                Some(reason) if finding.severity == Severity::Block && held.insert(reason) => {
                    placed = true;
                    self.place.push(NewHold { order_id: order.id, shop_id: order.shop_id, reason, detail: json!({}) });
                    self.place_by.insert(order.id, rule.clone());
                    self.say(order.id, "order.held", json!({ "reason": reason }), actor(finding.code));
                }
                Some(reason) if finding.severity != Severity::Block && held.remove(&reason) => {
                    self.let_go(order.id, reason, actor(finding.code))
                }
                _ => {}
            }
        }
        for gone in before.iter().filter(|f| f.settled_at.is_none() && f.code != FindingCode::ReviewNeeded && !standing.contains(&f.code)) {
            self.settle.push((order.id, gone.code));
            if let Some(reason) = gone.code.hold().filter(|reason| held.remove(reason)) {
                self.let_go(order.id, reason, actor(gone.code));
            }
        }
        placed
    }

    fn let_go(&mut self, id: OrderId, reason: HoldReason, by: Actor) {
        self.release.push((id, reason));
        self.say(id, "order.hold_released", json!({ "reason": reason }), by);
    }

    fn approval(
        &mut self,
        keys: &Keys,
        order: &Order,
        lines: &[OrderLine],
        shop: &Shop,
        found: &[Finding],
        before: &[StoredFinding],
        held: &BTreeSet<HoldReason>,
        fresh: bool,
    ) {
        let rule = approval_rule(shop.policy.version);
        let waiting = before.iter().find(|f| f.settled_at.is_none() && f.code == FindingCode::ReviewNeeded);
        let by_rule = matches!(&order.approved_by, Some(Actor::Rule { name, .. }) if name == APPROVAL_RULE);
        // What a rule let pass on other facts is not approved on these.
        if fresh && by_rule {
            self.unapprove.push(order.id);
            self.say(order.id, "order.approval_withdrawn", json!({}), rule);
            return;
        }
        let to_send = lines.iter().any(|line| line.counters.open() > line.counters.shipped);
        let concerns_us = order.fulfilled_by == FulfilledBy::Seller && order.progress == ChannelProgress::None && to_send;
        let paid = order.cash_on_delivery || !matches!(order.payment, Payment::Unpaid | Payment::Refunded);
        if order.approved_at.is_some() || !concerns_us || !paid {
            if waiting.is_some() {
                self.settle.push((order.id, FindingCode::ReviewNeeded));
            }
            return;
        }
        if !held.is_empty() {
            return;
        }
        let warnings: Vec<String> = found.iter().filter(|f| f.severity == Severity::Warn).map(|f| f.code.to_string()).collect();
        let facts = ApprovalFacts {
            total_minor: order.total_minor,
            currency: order.currency,
            units: lines.iter().map(|line| line.counters.open()).sum(),
            buyer_returning: order.buyer_returning,
            country: if order.region.country.is_empty() { home_country(shop) } else { &order.region.country },
            province: &order.region.province,
            seller_note: &order.seller_note,
            warnings: &warnings,
        };
        let trace = approve(&facts, &shop.policy.approval, shop.policy.version, shop.currency);
        if trace.passed() {
            if waiting.is_some() {
                self.settle.push((order.id, FindingCode::ReviewNeeded));
            }
            self.approve.push((order.id, shop.policy.version));
            self.say(order.id, "order.approved", json!({ "trace": trace }), rule);
            return;
        }
        let seen = keys.blind("finding", &serde_json::to_string(&trace.reasons).unwrap_or_default());
        if waiting.is_none_or(|f| f.seen != seen) {
            let fixes = json!([{ "code": "approve", "params": {}, "action": "approve", "body": {} }]);
            let params = json!({ "reasons": trace.reasons, "trace": trace, "fixes": fixes });
            self.save.push(NewFinding { order_id: order.id, code: FindingCode::ReviewNeeded, severity: Severity::Info, params, seen });
            self.say(order.id, "order.review_needed", json!({ "trace": trace }), rule);
        }
    }

    fn say(&mut self, id: OrderId, kind: &str, params: serde_json::Value, actor: Actor) {
        self.events.push((id, Event { kind: kind.to_owned(), params, actor }));
    }

    fn carry_out(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        // Settling first: a code may be settled for one order and saved for another, never both for one.
        if !self.settle.is_empty() {
            holds::settle_findings(tx, &self.settle, false)?;
        }
        if !self.save.is_empty() {
            holds::save_findings(tx, &self.save)?;
        }
        let check = |version| Actor::Rule { name: CHECK_RULE.to_owned(), version };
        if !self.release.is_empty() {
            holds::release(tx, &self.release, &check(0))?;
        }
        let mut by_actor: Vec<(&Actor, Vec<NewHold>)> = Vec::new();
        for hold in &self.place {
            let Some(actor) = self.place_by.get(&hold.order_id) else { continue };
            match by_actor.iter_mut().find(|(known, _)| *known == actor) {
                Some((_, list)) => list.push(hold.clone()),
                None => by_actor.push((actor, vec![hold.clone()])),
            }
        }
        for (actor, list) in by_actor {
            holds::place(tx, &list, actor)?;
        }
        if !self.unapprove.is_empty() {
            orders::unapprove(tx, &self.unapprove)?;
        }
        let mut by_version: BTreeMap<i64, Vec<OrderId>> = BTreeMap::new();
        for (id, version) in &self.approve {
            by_version.entry(*version).or_default().push(*id);
        }
        for (version, ids) in by_version {
            orders::approve(tx, &ids, &approval_rule(version))?;
        }
        Ok(())
    }
}

fn without_fixes(params: &serde_json::Value) -> serde_json::Value {
    let mut params = params.clone();
    if let Some(object) = params.as_object_mut() {
        object.remove("fixes");
    }
    params
}

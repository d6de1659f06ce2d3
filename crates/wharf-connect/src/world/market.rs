//! The state of the market and the one function that changes it: a command goes in, a fact or a refusal comes out. The
//! same commands in the same order always make the same market, which is what the journal replays.

use super::buyers::{self, Buyer, Recipient};
use super::command::{Act, Command, Done};
use super::modified::ModifiedLog;
use super::orders::{Order, OrderState, Quirk, Refund, RefundKind, RefundState, Refusal};
use super::parcels::Waybill;
use super::plan::{Listing, MarketPlan, Shop};
use super::random::{Dice, digest};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use wharf_domain::time::{HOUR, MINUTE, SECOND, Timestamp};

/// What is due at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Due {
    Pay(u32),
    Expire(u32),
    AskRefund(u32),
    Move(u32),
    Release(u32),
    Urge(u32),
    Sign(u32, u32),
    Finish(u32),
    Settle(u32),
    Twin(u32, bool),
}

/// The market: what is true, and indexes over it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Market {
    /// How it was set up.
    pub plan: MarketPlan,
    /// The shops.
    pub shops: Vec<Shop>,
    /// Every order, in the order of placing.
    pub orders: Vec<Order>,
    /// Every refund.
    pub refunds: Vec<Refund>,
    /// Every waybill.
    pub waybills: Vec<Waybill>,
    /// Waybills left by carrier, where that is limited.
    pub balances: BTreeMap<String, i64>,
    pub(crate) rate_milli: i64,
    pub(crate) next_order_at: Option<Timestamp>,
    pub(crate) sold: u64,
    pub(crate) made: u64,
    pub(crate) due: Vec<(Timestamp, u64, Due)>,
    pub(crate) due_counter: u64,
    pub(crate) touches: u64,
    /// Time of the latest event: no later one is earlier.
    pub(crate) last_event: Timestamp,
    #[serde(skip)]
    pub(crate) index: Indexes,
}

/// Everything that can be rebuilt from the facts.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    pub(crate) queue: BTreeMap<(Timestamp, u64), Due>,
    pub(crate) order_by_number: HashMap<i64, u32>,
    pub(crate) orders_modified: Vec<ModifiedLog>,
    pub(crate) orders_placed: Vec<Vec<(i64, usize)>>,
    pub(crate) refunds_modified: Vec<ModifiedLog>,
    pub(crate) refund_by_number: HashMap<i64, u32>,
    pub(crate) waybill_by_number: HashMap<String, usize>,
    pub(crate) refunds_of_order: HashMap<i64, Vec<u32>>,
    /// Waybills by the orders in them.
    pub(crate) waybills_of_order: HashMap<String, Vec<usize>>,
    pub(crate) waybill_by_reference: HashMap<(u32, String), usize>,
    /// Which order first used a waybill number.
    pub(crate) number_used: HashMap<String, u32>,
    pub(crate) sku_by_id: HashMap<(u32, String), u32>,
}

impl Market {
    /// A market as its plan opens it, before the first tick.
    pub(crate) fn new(plan: MarketPlan) -> Self {
        let shops = plan.open_shops();
        let begins = plan.begins();
        let mut market = Market {
            shops,
            orders: Vec::new(),
            refunds: Vec::new(),
            waybills: Vec::new(),
            balances: BTreeMap::new(),
            rate_milli: 0,
            next_order_at: None,
            sold: 0,
            made: 0,
            due: Vec::new(),
            due_counter: 0,
            touches: 0,
            last_event: begins,
            index: Indexes::default(),
            plan,
        };
        market.reindex();
        if let Some(backlog_milli) = market.plan.backlog_rate_milli() {
            market.set_rate(begins, backlog_milli);
            market.tick(market.plan.opened_at);
        }
        let (opened, rate) = (market.plan.opened_at, market.plan.rate_milli);
        market.set_rate(opened, rate);
        market
    }

    /// Rebuilds the indexes of a market that was read from a snapshot.
    pub(crate) fn reindex(&mut self) {
        let shops = self.shops.len();
        let mut index = Indexes {
            orders_modified: vec![ModifiedLog::default(); shops],
            orders_placed: vec![Vec::new(); shops],
            refunds_modified: vec![ModifiedLog::default(); shops],
            queue: self.due.drain(..).map(|(at, n, due)| ((at, n), due)).collect(),
            ..Indexes::default()
        };
        let mut changes: Vec<(u64, i64, usize)> = Vec::with_capacity(self.orders.len());
        for (at, order) in self.orders.iter().enumerate() {
            index.order_by_number.insert(order.number, at as u32);
            index.orders_placed[order.shop as usize].push((order.placed_at.seconds(), at));
            changes.push((order.touched, order.modified_at.seconds(), at));
            for parcel in &order.parcels {
                index.number_used.entry(parcel.number.clone()).or_insert(at as u32);
            }
        }
        changes.sort_unstable();
        for (_, second, at) in changes {
            index.orders_modified[self.orders[at].shop as usize].touch(second, at);
        }
        let mut changes: Vec<(u64, i64, usize)> =
            self.refunds.iter().enumerate().map(|(at, r)| (r.touched, r.modified_at.seconds(), at)).collect();
        changes.sort_unstable();
        for (_, second, at) in changes {
            index.refunds_modified[self.refunds[at].shop as usize].touch(second, at);
            index.refund_by_number.insert(self.refunds[at].number, at as u32);
            index.refunds_of_order.entry(self.refunds[at].order).or_default().push(at as u32);
        }
        for (at, waybill) in self.waybills.iter().enumerate() {
            index.waybill_by_number.insert(waybill.number.clone(), at);
            for order in &waybill.orders {
                index.waybills_of_order.entry(order.clone()).or_default().push(at);
            }
            if waybill.voided_at.is_none() {
                index.waybill_by_reference.insert((waybill.shop, waybill.key()), at);
            }
        }
        for (shop, facts) in self.shops.iter().enumerate() {
            for (at, listing) in facts.listings.iter().enumerate() {
                index.sku_by_id.insert((shop as u32, listing.sku_id.to_string()), at as u32);
            }
        }
        self.index = index;
    }

    /// The same state, fit to be written: what is due goes back into its list.
    pub(crate) fn write(&mut self) -> serde_json::Result<Vec<u8>> {
        self.due = self.index.queue.iter().map(|((at, n), due)| (*at, *n, *due)).collect();
        let bytes = serde_json::to_vec(&*self);
        self.due.clear();
        bytes
    }

    /// True when a tick to `to` would change nothing.
    pub(crate) fn is_quiet(&self, to: Timestamp) -> bool {
        self.next_order_at.is_none_or(|at| at > to) && self.index.queue.first_key_value().is_none_or(|((at, _), _)| *at > to)
    }

    /// Does what is told. A refusal changes nothing but the count of refused declarations.
    pub(crate) fn apply(&mut self, command: Command) -> Result<Done, Refusal> {
        match command {
            Command::Tick { to } => {
                self.tick(to);
                Ok(Done::Ok)
            }
            Command::Place { at, shop, draft } => {
                let shop = self.shop_index(&shop)?;
                let at = self.event(at);
                self.place_by_hand(at, shop, &draft)
            }
            Command::Order { at, order, act } => {
                let index = self.find(order)?;
                let at = self.event(at);
                self.act(at, index, act)
            }
            Command::Confirm(declaration) => self.declare(declaration),
            Command::Correct(correction) => self.correct(correction),
            Command::Stock { at, shop, listing, quantity } => {
                self.event(at);
                let facts = self.shops.get_mut(shop as usize).and_then(|s| s.listings.get_mut(listing as usize));
                let listing = facts.ok_or_else(|| Refusal::ListingNotFound(listing.to_string()))?;
                if quantity < 0 {
                    return Err(Refusal::Invalid("stock cannot be negative".into()));
                }
                listing.quantity = quantity;
                listing.set_by_shop = true;
                Ok(Done::Ok)
            }
            Command::BuyWaybill(purchase) => self.buy_waybill(*purchase),
            Command::ChangeWaybill { number, request } => {
                let at = self.waybill_index(&number)?;
                self.waybills[at].request = request;
                Ok(Done::Waybill(at))
            }
            Command::VoidWaybill { at, shop, number } => self.void_waybill(at, shop, &number),
            Command::Balance { carrier, quantity } => {
                if quantity < 0 {
                    return Err(Refusal::Invalid("a balance cannot be negative".into()));
                }
                self.balances.insert(carrier, quantity);
                Ok(Done::Ok)
            }
            Command::Rate { at, per_minute_milli } => {
                if !(0..=60_000_000).contains(&per_minute_milli) {
                    return Err(Refusal::Invalid("the rate must be 0 to 60000 orders a minute".into()));
                }
                let at = self.event(at);
                self.set_rate(at, per_minute_milli);
                Ok(Done::Ok)
            }
            Command::Resume { at } => {
                if self.next_order_at.is_some_and(|next| next < at) {
                    self.next_order_at = Some(at.plus(self.gap()));
                }
                Ok(Done::Ok)
            }
            Command::Hurry { at, by } => {
                if !(0..=365 * wharf_domain::time::DAY).contains(&by) {
                    return Err(Refusal::Invalid("the clock may be hurried by 0 to 365 days".into()));
                }
                let at = self.event(at);
                let queue = std::mem::take(&mut self.index.queue);
                self.index.queue = queue.into_iter().map(|((due, n), what)| ((due.plus(-by).max(at), n), what)).collect();
                self.tick(at);
                Ok(Done::Ok)
            }
            Command::RenewSession { shop } => {
                let index = self.shop_index(&shop)?;
                let seed = self.plan.seed;
                let facts = &mut self.shops[index as usize];
                facts.session_epoch += 1;
                facts.session = facts.session_of(seed, facts.session_epoch);
                Ok(Done::Ok)
            }
        }
    }

    /// The time of an event: never before the one before it.
    pub(crate) fn event(&mut self, at: Timestamp) -> Timestamp {
        self.last_event = self.last_event.max(at);
        self.last_event
    }

    fn set_rate(&mut self, at: Timestamp, per_minute_milli: i64) {
        self.rate_milli = per_minute_milli;
        self.next_order_at = (per_minute_milli > 0).then(|| at.plus(self.gap()));
    }

    /// Time to the next order: 0.2 to 1.8 of the mean.
    fn gap(&self) -> i64 {
        let mean = MINUTE * 1000 / self.rate_milli.max(1);
        let mut dice = Dice::new(self.plan.seed, "arrival", self.sold);
        (mean * dice.between(200, 1800) / 1000).max(1)
    }

    /// Everything due by `to` happens, in the order of its times.
    pub(crate) fn tick(&mut self, to: Timestamp) {
        loop {
            let due = self.index.queue.first_key_value().map(|(key, _)| key.0);
            match (self.next_order_at, due) {
                (Some(order), due) if order <= to && due.is_none_or(|d| order < d) => {
                    let at = self.event(order);
                    self.sell(at);
                    self.next_order_at = Some(order.plus(self.gap()));
                }
                (_, Some(due)) if due <= to => {
                    let Some((_, what)) = self.index.queue.pop_first() else { break };
                    let at = self.event(due);
                    self.happen(at, what);
                }
                _ => break,
            }
        }
    }

    pub(crate) fn schedule(&mut self, at: Timestamp, due: Due) {
        self.due_counter += 1;
        self.index.queue.insert((at, self.due_counter), due);
    }

    /// A duration of hours or days, as fast as this market lives.
    pub(crate) fn pace(&self, duration: i64) -> i64 {
        (duration / i64::from(self.plan.speed.max(1))).max(SECOND)
    }

    /// What was due happens, unless the order has moved on meanwhile.
    fn happen(&mut self, at: Timestamp, due: Due) {
        let outcome = match due {
            Due::Pay(order) => self.act(at, order, Act::Pay),
            Due::Expire(order) if self.orders[order as usize].state == OrderState::AwaitingPayment => self.act(at, order, Act::Cancel),
            Due::AskRefund(order) => {
                let mut dice = Dice::new(self.plan.seed, "refund", self.orders[order as usize].number as u64);
                let after = self.orders[order as usize].shipped_at.is_some();
                let (kind, reason) = if after {
                    (RefundKind::WithGoods, *dice.pick(&["七天无理由退换货", "尺寸不合适", "与描述不符", "质量问题"]))
                } else {
                    (RefundKind::MoneyOnly, *dice.pick(&["多拍/拍错/不想要", "未按约定时间发货", "地址/电话信息填写错误", "其他"]))
                };
                let lines = &self.orders[order as usize].lines;
                let line = (lines.len() > 1 && dice.chance(400)).then(|| dice.pick(lines).number);
                self.act(at, order, Act::AskRefund { line, kind, reason: reason.to_owned() })
            }
            Due::Move(order) => self.act(at, order, Act::ChangeAddress { recipient: None, by_seller: false }),
            Due::Release(order) => self.act(at, order, Act::Release),
            Due::Urge(order) => self.act(at, order, Act::Urge),
            Due::Sign(order, parcel) => {
                self.sign(at, order, parcel as usize);
                Ok(Done::Ok)
            }
            Due::Finish(order) => self.act(at, order, Act::Finish),
            Due::Settle(refund) => {
                let asked = &self.refunds[refund as usize];
                let paid = !Dice::new(self.plan.seed, "settle", asked.number as u64).chance(300);
                if asked.state == RefundState::Asked {
                    self.end_refund(at, refund, paid);
                }
                Ok(Done::Ok)
            }
            Due::Twin(order, same) => {
                self.place_twin(at, order, same);
                Ok(Done::Ok)
            }
            Due::Expire(_) => Ok(Done::Already),
        };
        // A refusal only says that the order moved on before its time came.
        let _moved_on = outcome.is_err();
    }

    /// Index of a shop by its key.
    pub fn shop_index(&self, key: &str) -> Result<u32, Refusal> {
        self.shops.iter().position(|s| s.key == key).map(|i| i as u32).ok_or_else(|| Refusal::ShopNotFound(key.to_owned()))
    }

    /// A shop by its key.
    pub fn shop(&self, key: &str) -> Option<&Shop> {
        self.shops.iter().find(|s| s.key == key)
    }

    pub(crate) fn find(&self, number: i64) -> Result<u32, Refusal> {
        self.index.order_by_number.get(&number).copied().ok_or(Refusal::OrderNotFound(number))
    }

    /// An order by its number.
    pub fn order(&self, number: i64) -> Option<&Order> {
        self.index.order_by_number.get(&number).map(|i| &self.orders[*i as usize])
    }

    /// The order a line number belongs to (a single line shares its order's number).
    pub fn order_of_line(&self, number: i64) -> Option<&Order> {
        self.order(number).or_else(|| {
            let suffix = number % 1_000_000;
            let head = number / 1_000_000;
            self.order((head - head % 100) * 1_000_000 + suffix)
        })
    }

    /// A refund by its number.
    pub fn refund(&self, number: i64) -> Option<&Refund> {
        self.index.refund_by_number.get(&number).map(|i| &self.refunds[*i as usize])
    }

    /// The refunds of an order, in the order of asking.
    pub fn refunds_of<'a>(&'a self, order: &'a Order) -> impl Iterator<Item = &'a Refund> {
        let mut numbers: Vec<u32> = self.index.refunds_of_order.get(&order.number).cloned().unwrap_or_default();
        numbers.sort_unstable();
        numbers.into_iter().map(|i| &self.refunds[i as usize])
    }

    /// The buyer of an order.
    pub fn buyer(&self, order: &Order) -> Buyer {
        buyers::buyer(self.plan.seed, order.buyer)
    }

    /// Where an order goes.
    pub fn recipient(&self, order: &Order) -> Recipient {
        match &order.recipient {
            Some(own) => (**own).clone(),
            None => self.buyer(order).recipient,
        }
    }

    /// The listing of a line.
    pub fn listing(&self, order: &Order, listing: u32) -> &Listing {
        &self.shops[order.shop as usize].listings[listing as usize]
    }

    /// A listing of a shop by its SKU id on the channel.
    pub fn listing_by_sku(&self, shop: u32, sku_id: &str) -> Option<(u32, &Listing)> {
        let at = *self.index.sku_by_id.get(&(shop, sku_id.to_owned()))?;
        Some((at, &self.shops[shop as usize].listings[at as usize]))
    }

    /// How many orders of a shop changed last between two instants, both included to the second.
    pub fn count_modified(&self, shop: u32, from: Timestamp, to: Timestamp) -> usize {
        self.index.orders_modified[shop as usize].count(from.seconds(), to.seconds())
    }

    /// A page of them, the latest change first.
    pub fn modified(&self, shop: u32, from: Timestamp, to: Timestamp, skip: usize, take: usize) -> impl Iterator<Item = &Order> {
        self.index.orders_modified[shop as usize].newest(from.seconds(), to.seconds(), skip, take).into_iter().map(|i| &self.orders[i])
    }

    /// How many orders of a shop were placed between two instants, both included to the second.
    pub fn count_placed(&self, shop: u32, from: Timestamp, to: Timestamp) -> usize {
        let (low, high) = self.placed_bounds(shop, from, to);
        high - low
    }

    /// A page of them, the latest first.
    pub fn placed(&self, shop: u32, from: Timestamp, to: Timestamp, skip: usize, take: usize) -> impl Iterator<Item = &Order> {
        let (low, high) = self.placed_bounds(shop, from, to);
        self.index.orders_placed[shop as usize][low..high].iter().rev().skip(skip).take(take).map(|(_, i)| &self.orders[*i])
    }

    fn placed_bounds(&self, shop: u32, from: Timestamp, to: Timestamp) -> (usize, usize) {
        let placed = &self.index.orders_placed[shop as usize];
        let low = placed.partition_point(|e| e.0 < from.seconds());
        let high = placed.partition_point(|e| e.0 <= to.seconds());
        (low, high.max(low))
    }

    /// How many refunds of a shop changed last between two instants.
    pub fn count_refunds(&self, shop: u32, from: Timestamp, to: Timestamp) -> usize {
        self.index.refunds_modified[shop as usize].count(from.seconds(), to.seconds())
    }

    /// A page of them, the latest change first.
    pub fn refunds_modified(&self, shop: u32, from: Timestamp, to: Timestamp, skip: usize, take: usize) -> impl Iterator<Item = &Refund> {
        self.index.refunds_modified[shop as usize].newest(from.seconds(), to.seconds(), skip, take).into_iter().map(|i| &self.refunds[i])
    }

    /// Notes that an order changed.
    pub(crate) fn touch(&mut self, at: Timestamp, index: u32) {
        self.touches += 1;
        let order = &mut self.orders[index as usize];
        order.modified_at = at;
        order.touched = self.touches;
        self.index.orders_modified[order.shop as usize].touch(at.seconds(), index as usize);
    }

    pub(crate) fn touch_refund(&mut self, at: Timestamp, index: u32) {
        self.touches += 1;
        let refund = &mut self.refunds[index as usize];
        refund.modified_at = at;
        refund.touched = self.touches;
        self.index.refunds_modified[refund.shop as usize].touch(at.seconds(), index as usize);
    }

    /// A stable token text for secrets of the wire.
    pub(crate) fn token(seed: u64, concern: &str, ordinal: u64) -> String {
        hex::encode(digest(seed, concern, ordinal))
    }

    /// Hours after which a buyer's wish is settled when the seller stays silent.
    pub(crate) const SILENCE: i64 = 48 * HOUR;

    pub(crate) fn has_quirk(&self, index: u32, quirk: Quirk) -> bool {
        self.orders[index as usize].quirks.contains(&quirk)
    }
}

//! Parcels: waybills that are sold once, declarations of shipping that take effect once, and the way of a parcel to its
//! recipient, which is a pure function of its number.

use super::command::Done;
use super::market::{Due, Market};
use super::orders::{OrderState, Parcel, Refusal, Rejected};
use super::random::Dice;
use serde::{Deserialize, Serialize};
use wharf_domain::time::{HOUR, MINUTE, Timestamp};
use wharf_domain::words;

/// A shop says: this parcel left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    /// When.
    pub at: Timestamp,
    /// Index of the shop.
    pub shop: u32,
    /// Number of the order.
    pub order: i64,
    /// Lines in the parcel; empty means all that are left.
    pub lines: Vec<i64>,
    /// Carrier, as the channel codes it.
    pub carrier: String,
    /// Waybill number.
    pub number: String,
    /// By the way that books with the carrier.
    pub online: bool,
}

/// A shop says: it is this number instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// When.
    pub at: Timestamp,
    /// Index of the shop.
    pub shop: u32,
    /// Number of the order.
    pub order: i64,
    /// Lines of the parcel; empty means the only one.
    pub lines: Vec<i64>,
    /// Carrier.
    pub carrier: String,
    /// Waybill number.
    pub number: String,
}

/// A shop buys a waybill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Purchase {
    /// When.
    pub at: Timestamp,
    /// Index of the shop whose seller buys.
    pub shop: u32,
    /// Carrier.
    pub carrier: String,
    /// How the carrier's numbers begin.
    pub prefix: String,
    /// Digits after it.
    pub digits: u32,
    /// Orders in the parcel.
    pub orders: Vec<String>,
    /// The buyer's own id of the parcel: with the orders it names the parcel for ever.
    pub package: String,
    /// City of the sender, for the first scans.
    pub from_city: String,
    /// The request as it came, for later prints.
    pub request: serde_json::Value,
}

/// A waybill that was bought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waybill {
    /// Its number.
    pub number: String,
    /// Index of the shop.
    pub shop: u32,
    /// Carrier.
    pub carrier: String,
    /// Orders in the parcel.
    pub orders: Vec<String>,
    /// The buyer's own id of the parcel.
    pub package: String,
    /// City of the sender.
    pub from_city: String,
    /// The request as it came, or as it was changed.
    pub request: serde_json::Value,
    /// When it was bought.
    pub bought_at: Timestamp,
    /// How often it was asked for; it is bought once.
    pub asked: u32,
    /// When it was given back.
    pub voided_at: Option<Timestamp>,
}

impl Waybill {
    /// What makes two requests the same parcel: the orders and the package id, whatever their case and order.
    pub(crate) fn key(&self) -> String {
        key(&self.carrier, &self.orders, &self.package)
    }
}

fn key(carrier: &str, orders: &[String], package: &str) -> String {
    let mut orders: Vec<&str> = orders.iter().map(String::as_str).collect();
    orders.sort_unstable();
    format!("{carrier}|{}|{}", orders.join(","), package.to_lowercase())
}

words! {
    /// What a scan says.
    pub enum ScanKind {
        /// Picked up.
        PickedUp = "picked_up",
        /// Left a place.
        Departed = "departed",
        /// Reached a place.
        Arrived = "arrived",
        /// With the courier.
        OutForDelivery = "out_for_delivery",
        /// The recipient has it.
        Signed = "signed",
    }
}

/// One scan of a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: ScanKind,
    /// Where.
    pub city: String,
    /// In the carrier's words.
    pub text: String,
}

impl Market {
    /// A declaration; refused ones are counted.
    pub(crate) fn declare(&mut self, declaration: Declaration) -> Result<Done, Refusal> {
        let at = self.event(declaration.at);
        let index = self.find(declaration.order)?;
        if self.orders[index as usize].shop != declaration.shop {
            return Err(Refusal::OrderNotFound(declaration.order));
        }
        let outcome = self.try_declare(at, index, &declaration);
        if let Err(refusal) = &outcome {
            let reason = refusal.to_string();
            let rejected = &mut self.orders[index as usize].rejected;
            match rejected.iter_mut().find(|r| r.number == declaration.number && r.reason == reason) {
                Some(known) => known.times += 1,
                None => rejected.push(Rejected { number: declaration.number, reason, times: 1 }),
            }
        }
        outcome
    }

    fn try_declare(&mut self, at: Timestamp, index: u32, told: &Declaration) -> Result<Done, Refusal> {
        let order = &self.orders[index as usize];
        if let Some(unknown) = told.lines.iter().find(|n| !order.lines.iter().any(|l| l.number == **n)) {
            return Err(Refusal::LineNotFound(*unknown));
        }
        match order.state {
            OrderState::Shipped | OrderState::Finished => return Err(Refusal::AlreadyShipped),
            OrderState::AwaitingPayment | OrderState::PaidOnHold | OrderState::ClosedRefunded | OrderState::ClosedUnpaid => {
                return Err(Refusal::WrongState(order.state));
            }
            OrderState::ToShip | OrderState::PartShipped => {}
        }
        let left: Vec<i64> =
            order.lines.iter().filter(|l| order.parcel_of(l.number).is_none() && !self.is_refunded(l.refund)).map(|l| l.number).collect();
        let lines: Vec<i64> = if told.lines.is_empty() {
            if order.state == OrderState::PartShipped {
                return Err(Refusal::LinesMismatch("the rest of a split order must be named".into()));
            }
            left
        } else {
            if told.lines.iter().all(|n| order.parcel_of(*n).is_some()) {
                return Err(Refusal::AlreadyShipped);
            }
            if let Some(gone) = told.lines.iter().find(|n| !left.contains(n)) {
                return Err(Refusal::LinesMismatch(format!("line {gone} is shipped or refunded")));
            }
            told.lines.clone()
        };
        if lines.is_empty() {
            return Err(Refusal::LinesMismatch("nothing is left to ship".into()));
        }
        if let Some(other) = self.index.number_used.get(&told.number).copied()
            && other != index
        {
            let (there, here) = (&self.orders[other as usize], &self.orders[index as usize]);
            if there.buyer != here.buyer && self.recipient(there) != self.recipient(here) {
                return Err(Refusal::NumberUsed(told.number.clone()));
            }
        }
        self.index.number_used.entry(told.number.clone()).or_insert(index);
        let order = &mut self.orders[index as usize];
        order.shipped_at.get_or_insert(at);
        let at_parcel = match order.parcels.iter_mut().position(|p| p.number == told.number && p.replaced_by.is_none()) {
            Some(same) => {
                order.parcels[same].lines.extend(lines);
                order.parcels[same].effects += 1;
                None
            }
            None => {
                order.parcels.push(Parcel {
                    carrier: told.carrier.clone(),
                    number: told.number.clone(),
                    lines,
                    shipped_at: at,
                    online: told.online,
                    effects: 1,
                    replaced_by: None,
                    signed_at: None,
                });
                Some(order.parcels.len() - 1)
            }
        };
        if let Some(parcel) = at_parcel {
            self.send_on_its_way(index, parcel);
        }
        self.settle_shipping(at, index);
        self.touch(at, index);
        Ok(Done::Ok)
    }

    /// Part shipped or shipped, by what is left.
    pub(crate) fn settle_shipping(&mut self, _at: Timestamp, index: u32) {
        let order = &self.orders[index as usize];
        if !matches!(order.state, OrderState::ToShip | OrderState::PartShipped) || order.parcels.is_empty() {
            return;
        }
        let left = order.lines.iter().any(|l| order.parcel_of(l.number).is_none() && !self.is_refunded(l.refund));
        self.orders[index as usize].state = if left { OrderState::PartShipped } else { OrderState::Shipped };
    }

    pub(crate) fn correct(&mut self, told: Correction) -> Result<Done, Refusal> {
        let at = self.event(told.at);
        let index = self.find(told.order)?;
        let order = &self.orders[index as usize];
        if order.shop != told.shop {
            return Err(Refusal::OrderNotFound(told.order));
        }
        if order.is_closed() || order.state == OrderState::Finished {
            return Err(Refusal::WrongState(order.state));
        }
        let mut standing = order
            .parcels
            .iter()
            .enumerate()
            .filter(|(_, p)| p.replaced_by.is_none())
            .filter(|(_, p)| told.lines.is_empty() || told.lines.iter().any(|l| p.lines.contains(l)));
        let Some((old, parcel)) = standing.next() else { return Err(Refusal::NotShipped) };
        if standing.next().is_some() {
            return Err(Refusal::LinesMismatch("several parcels: name the lines".into()));
        }
        if parcel.number == told.number && parcel.carrier == told.carrier {
            return Ok(Done::Already);
        }
        if parcel.signed_at.is_some() {
            return Err(Refusal::PickedUp);
        }
        let fresh = Parcel {
            carrier: told.carrier,
            number: told.number.clone(),
            lines: parcel.lines.clone(),
            shipped_at: at,
            online: parcel.online,
            effects: 1,
            replaced_by: None,
            signed_at: None,
        };
        self.index.number_used.entry(told.number.clone()).or_insert(index);
        let order = &mut self.orders[index as usize];
        order.parcels[old].replaced_by = Some(told.number);
        order.parcels.push(fresh);
        let parcel = order.parcels.len() - 1;
        self.send_on_its_way(index, parcel);
        self.touch(at, index);
        Ok(Done::Ok)
    }

    fn send_on_its_way(&mut self, index: u32, parcel: usize) {
        let arrives = self.journey(&self.orders[index as usize], &self.orders[index as usize].parcels[parcel]).last().map(|s| s.at);
        if let Some(at) = arrives {
            self.schedule(at, Due::Sign(index, parcel as u32));
        }
    }

    /// Every scan of a parcel from pick-up to the recipient's door.
    fn journey(&self, order: &super::orders::Order, parcel: &Parcel) -> Vec<Scan> {
        let mut dice = Dice::new(self.plan.seed, "journey", order.number as u64 ^ parcel.shipped_at.seconds() as u64);
        let recipient = self.recipient(order);
        let from = self
            .index
            .waybill_by_number
            .get(&parcel.number)
            .map(|i| self.waybills[*i].from_city.as_str())
            .filter(|c| !c.is_empty())
            .unwrap_or("杭州市")
            .to_owned();
        let to = recipient.city.clone();
        let far = ["新疆维吾尔自治区", "西藏自治区", "青海省", "内蒙古自治区"].contains(&recipient.province.as_str());
        let (short, long) = if far {
            (60, 110)
        } else if from == to {
            (8, 16)
        } else {
            (20, 54)
        };
        let pick_up = dice.between(20, 180) * MINUTE;
        let leave = pick_up + dice.between(2, 8) * HOUR;
        let arrive = leave + dice.between(short, long) * HOUR;
        let courier = arrive + dice.between(4, 14) * HOUR;
        let signed = courier + dice.between(1, 6) * HOUR;
        let town = if recipient.town.is_empty() { recipient.district.as_str() } else { recipient.town.as_str() };
        [
            (pick_up, ScanKind::PickedUp, from.clone(), format!("【{from}】快件已揽收")),
            (leave, ScanKind::Departed, from.clone(), format!("【{from}】快件已离开 {from}转运中心,发往 {to}转运中心")),
            (arrive, ScanKind::Arrived, to.clone(), format!("【{to}】快件已到达 {to}转运中心")),
            (courier, ScanKind::OutForDelivery, to.clone(), format!("【{to}】{town}网点正在派件")),
            (signed, ScanKind::Signed, to.clone(), format!("【{to}】已签收,签收人:本人")),
        ]
        .into_iter()
        .map(|(offset, kind, city, text)| Scan { at: parcel.shipped_at.plus(self.pace(offset)), kind, city, text })
        .collect()
    }

    /// The scans of a parcel that have happened by `now`. A parcel that was signed early skips the rest of its way.
    pub fn scans(&self, order: &super::orders::Order, parcel: &Parcel, now: Timestamp) -> Vec<Scan> {
        let mut scans = self.journey(order, parcel);
        if let Some(signed) = parcel.signed_at {
            for scan in &mut scans {
                scan.at = scan.at.min(signed);
            }
        }
        scans.retain(|s| s.at <= now && (s.kind != ScanKind::Signed || parcel.signed_at.is_some()));
        scans
    }

    /// The recipient has a parcel.
    pub(crate) fn sign(&mut self, at: Timestamp, index: u32, parcel: usize) {
        let order = &mut self.orders[index as usize];
        let Some(facts) = order.parcels.get_mut(parcel) else { return };
        if facts.signed_at.is_some() || facts.replaced_by.is_some() {
            return;
        }
        facts.signed_at = Some(at);
        let all = order.state == OrderState::Shipped && order.parcels.iter().all(|p| p.signed_at.is_some() || p.replaced_by.is_some());
        self.touch(at, index);
        if all {
            self.after_delivery(at, index);
        }
    }

    /// Index of a waybill by its number.
    pub fn waybill_index(&self, number: &str) -> Result<usize, Refusal> {
        self.index.waybill_by_number.get(number).copied().ok_or_else(|| Refusal::WaybillNotFound(number.to_owned()))
    }

    /// The waybills of a shop that hold an order.
    pub fn waybills_of<'a>(&'a self, shop: u32, order: &'a str) -> impl Iterator<Item = &'a Waybill> {
        let held = self.index.waybills_of_order.get(order).map(Vec::as_slice).unwrap_or_default();
        held.iter().map(|i| &self.waybills[*i]).filter(move |w| w.shop == shop)
    }

    /// True when the carrier has the parcel of a waybill.
    pub fn is_picked_up(&self, number: &str, now: Timestamp) -> bool {
        self.index.number_used.get(number).is_some_and(|i| {
            let order = &self.orders[*i as usize];
            order.parcels.iter().filter(|p| p.number == number).any(|p| !self.scans(order, p, now).is_empty())
        })
    }

    /// The same orders and package are the same parcel: they give the number that was bought before.
    pub(crate) fn buy_waybill(&mut self, wish: Purchase) -> Result<Done, Refusal> {
        let at = self.event(wish.at);
        let key = (wish.shop, key(&wish.carrier, &wish.orders, &wish.package));
        if let Some(known) = self.index.waybill_by_reference.get(&key).copied() {
            self.waybills[known].asked += 1;
            return Ok(Done::Waybill(known));
        }
        if let Some(left) = self.balances.get_mut(&wish.carrier) {
            if *left == 0 {
                return Err(Refusal::NoBalance(wish.carrier));
            }
            *left -= 1;
        }
        let index = self.waybills.len();
        let modulus = 10u64.pow(wish.digits.min(18));
        // A number looks like any other of its carrier: an ordinal spread over its digits, never the same twice.
        let start = Dice::new(self.plan.seed, &wish.carrier, 0).below(modulus);
        let number = format!(
            "{}{:0width$}",
            wish.prefix,
            (u128::from(start) + index as u128 * 7_919_000_003) as u64 % modulus,
            width = wish.digits as usize
        );
        for order in &wish.orders {
            self.index.waybills_of_order.entry(order.clone()).or_default().push(index);
        }
        self.waybills.push(Waybill {
            number: number.clone(),
            shop: wish.shop,
            carrier: wish.carrier,
            orders: wish.orders,
            package: wish.package,
            from_city: wish.from_city,
            request: wish.request,
            bought_at: at,
            asked: 1,
            voided_at: None,
        });
        self.index.waybill_by_number.insert(number, index);
        self.index.waybill_by_reference.insert(key, index);
        Ok(Done::Waybill(index))
    }

    pub(crate) fn void_waybill(&mut self, at: Timestamp, shop: u32, number: &str) -> Result<Done, Refusal> {
        let at = self.event(at);
        let index = self.waybill_index(number)?;
        if self.waybills[index].shop != shop {
            return Err(Refusal::WaybillNotFound(number.to_owned()));
        }
        if self.waybills[index].voided_at.is_some() {
            return Ok(Done::Already);
        }
        if self.is_picked_up(number, at) {
            return Err(Refusal::PickedUp);
        }
        let waybill = &mut self.waybills[index];
        waybill.voided_at = Some(at);
        let (key, carrier) = ((shop, waybill.key()), waybill.carrier.clone());
        self.index.waybill_by_reference.remove(&key);
        if let Some(left) = self.balances.get_mut(&carrier) {
            *left += 1;
        }
        Ok(Done::Ok)
    }
}

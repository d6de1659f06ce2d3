//! What can happen to an order after it was placed, and when the market refuses.

use super::buyers;
use super::command::{Act, Done};
use super::market::{Due, Market};
use super::orders::{OrderState, Refund, RefundKind, RefundState, Refusal};
use wharf_domain::time::Timestamp;

impl Market {
    pub(crate) fn act(&mut self, at: Timestamp, index: u32, act: Act) -> Result<Done, Refusal> {
        let state = self.orders[index as usize].state;
        let wrong = Err(Refusal::WrongState(state));
        match act {
            Act::Pay => match state {
                OrderState::AwaitingPayment => self.pay(at, index),
                OrderState::ClosedUnpaid | OrderState::ClosedRefunded => return wrong,
                _ => return Ok(Done::Already),
            },
            Act::Cancel => match state {
                OrderState::AwaitingPayment => self.close(at, index, OrderState::ClosedUnpaid),
                OrderState::PaidOnHold | OrderState::ToShip => {
                    self.refund_all(at, index, "卖家关闭交易");
                }
                OrderState::ClosedUnpaid | OrderState::ClosedRefunded => return Ok(Done::Already),
                OrderState::PartShipped | OrderState::Shipped | OrderState::Finished => return wrong,
            },
            Act::AskRefund { line, kind, reason } => {
                if matches!(state, OrderState::AwaitingPayment | OrderState::ClosedUnpaid | OrderState::ClosedRefunded) {
                    return wrong;
                }
                let lines = self.refundable(index, line)?;
                if lines.is_empty() {
                    return Ok(Done::Already);
                }
                for line in lines {
                    self.ask_refund(at, index, line, kind, &reason);
                }
                self.touch(at, index);
            }
            Act::CloseRefund { paid } => {
                let open: Vec<u32> = self.orders[index as usize]
                    .lines
                    .iter()
                    .filter_map(|l| l.refund)
                    .filter(|r| self.refunds[*r as usize].state == RefundState::Asked)
                    .collect();
                if open.is_empty() {
                    return Err(Refusal::RefundNotFound(format!("open on order {}", self.orders[index as usize].number)));
                }
                for refund in open {
                    self.end_refund(at, refund, paid);
                }
            }
            Act::ChangeAddress { recipient, by_seller } => {
                let allowed =
                    matches!(state, OrderState::ToShip | OrderState::PaidOnHold) || (!by_seller && state == OrderState::AwaitingPayment);
                if !allowed {
                    return wrong;
                }
                let now_there = self.recipient(&self.orders[index as usize]);
                let number = self.orders[index as usize].number as u64;
                let new = recipient.unwrap_or_else(|| Box::new(buyers::moved(self.plan.seed, number, &now_there)));
                if *new == now_there {
                    return Ok(Done::Already);
                }
                let order = &mut self.orders[index as usize];
                order.recipient = Some(new);
                order.address_changed |= !by_seller && order.paid_at.is_some();
                self.touch(at, index);
            }
            Act::Deliver => match state {
                OrderState::Shipped | OrderState::PartShipped => {
                    let parcels = self.orders[index as usize].parcels.len();
                    for parcel in 0..parcels {
                        self.sign(at, index, parcel);
                    }
                }
                OrderState::Finished => return Ok(Done::Already),
                _ => return Err(Refusal::NotShipped),
            },
            Act::Finish => match state {
                OrderState::Shipped => {
                    if self.orders[index as usize].lines.iter().any(|l| self.is_asked(l.refund)) {
                        return wrong;
                    }
                    self.end(at, index, OrderState::Finished);
                }
                OrderState::Finished => return Ok(Done::Already),
                _ => return wrong,
            },
            Act::Urge => match state {
                OrderState::ToShip | OrderState::PaidOnHold | OrderState::PartShipped => {
                    self.orders[index as usize].urged = true;
                    self.touch(at, index);
                }
                _ => return wrong,
            },
            Act::Hold { reason } => {
                if !matches!(state, OrderState::AwaitingPayment | OrderState::ToShip | OrderState::PaidOnHold) {
                    return wrong;
                }
                if reason.is_empty() || reason.len() > 60 {
                    return Err(Refusal::Invalid("a hold needs a reason of 1 to 60 bytes".into()));
                }
                let order = &mut self.orders[index as usize];
                if order.holds.contains(&reason) {
                    return Ok(Done::Already);
                }
                order.holds.push(reason.clone());
                if reason == "group_hold" && order.state == OrderState::ToShip {
                    order.state = OrderState::PaidOnHold;
                }
                self.touch(at, index);
            }
            Act::Release => {
                let order = &mut self.orders[index as usize];
                if order.holds.is_empty() {
                    return Ok(Done::Already);
                }
                order.holds.clear();
                if order.state == OrderState::PaidOnHold {
                    order.state = OrderState::ToShip;
                }
                self.touch(at, index);
            }
            Act::StatusWord { word } => {
                self.orders[index as usize].status_word = word;
                self.touch(at, index);
            }
            Act::Note { note, flag } => {
                if !(0..=5).contains(&flag) {
                    return Err(Refusal::Invalid("the flag must be 0 to 5".into()));
                }
                let order = &mut self.orders[index as usize];
                let note = note.unwrap_or_else(|| order.seller_note.clone());
                if order.seller_note == note && order.flag == flag {
                    return Ok(Done::Already);
                }
                order.seller_note = note;
                order.flag = flag;
                self.touch(at, index);
            }
        }
        Ok(Done::Ok)
    }

    fn is_asked(&self, refund: Option<u32>) -> bool {
        refund.is_some_and(|r| self.refunds[r as usize].state == RefundState::Asked)
    }

    /// True when the money of a line went back.
    pub fn is_refunded(&self, refund: Option<u32>) -> bool {
        refund.is_some_and(|r| self.refunds[r as usize].state == RefundState::Paid)
    }

    /// Positions of the lines for which money can be asked.
    fn refundable(&self, index: u32, line: Option<i64>) -> Result<Vec<usize>, Refusal> {
        let order = &self.orders[index as usize];
        if let Some(number) = line
            && !order.lines.iter().any(|l| l.number == number)
        {
            return Err(Refusal::LineNotFound(number));
        }
        Ok((0..order.lines.len())
            .filter(|i| line.is_none_or(|n| order.lines[*i].number == n))
            .filter(|i| !self.is_asked(order.lines[*i].refund) && !self.is_refunded(order.lines[*i].refund))
            .collect())
    }

    fn ask_refund(&mut self, at: Timestamp, index: u32, line: usize, kind: RefundKind, reason: &str) -> u32 {
        let order = &self.orders[index as usize];
        let asked = &order.lines[line];
        let refund = self.refunds.len() as u32;
        let number = 187_650_000_000_000_000 + i64::from(refund) * 1_000_000 + asked.number % 1_000_000;
        self.refunds.push(Refund {
            number,
            shop: order.shop,
            order: order.number,
            line: asked.number,
            kind,
            state: RefundState::Asked,
            amount_minor: asked.paid_minor(),
            reason: reason.to_owned(),
            asked_at: at,
            modified_at: at,
            touched: 0,
            after_shipping: order.parcel_of(asked.number).is_some(),
        });
        self.index.refund_by_number.insert(number, refund);
        self.index.refunds_of_order.entry(self.orders[index as usize].number).or_default().push(refund);
        self.orders[index as usize].lines[line].refund = Some(refund);
        self.touch_refund(at, refund);
        let wait = self.pace(Market::SILENCE);
        self.schedule(at.plus(wait), Due::Settle(refund));
        refund
    }

    /// The market's own way to stop a paid order: the money of every line goes back at once.
    fn refund_all(&mut self, at: Timestamp, index: u32, reason: &str) {
        for line in 0..self.orders[index as usize].lines.len() {
            let refund = self.orders[index as usize].lines[line].refund;
            if self.is_refunded(refund) {
                continue;
            }
            let refund = match refund.filter(|r| self.is_asked(Some(*r))) {
                Some(open) => open,
                None => self.ask_refund(at, index, line, RefundKind::MoneyOnly, reason),
            };
            self.end_refund(at, refund, true);
        }
    }

    /// A refund ends; when the money of every line is back, so is the order's end.
    pub(crate) fn end_refund(&mut self, at: Timestamp, refund: u32, paid: bool) {
        self.refunds[refund as usize].state = if paid { RefundState::Paid } else { RefundState::Closed };
        self.touch_refund(at, refund);
        let (order, line) = (self.refunds[refund as usize].order, self.refunds[refund as usize].line);
        let Ok(index) = self.find(order) else { return };
        if paid {
            let facts = &self.orders[index as usize];
            let shipped = facts.parcel_of(line).is_some();
            if let (false, Some(line)) = (shipped, facts.lines.iter().find(|l| l.number == line)) {
                let (shop, listing, quantity) = (facts.shop, line.listing, line.quantity);
                self.shops[shop as usize].listings[listing as usize].quantity += quantity;
            }
            let facts = &self.orders[index as usize];
            if facts.lines.iter().all(|l| self.is_refunded(l.refund)) {
                self.end(at, index, OrderState::ClosedRefunded);
                return;
            }
            self.settle_shipping(at, index);
        }
        self.touch(at, index);
    }

    fn close(&mut self, at: Timestamp, index: u32, state: OrderState) {
        let order = &self.orders[index as usize];
        let back: Vec<(u32, i64)> = order.lines.iter().map(|l| (l.listing, l.quantity)).collect();
        let shop = order.shop as usize;
        for (listing, quantity) in back {
            self.shops[shop].listings[listing as usize].quantity += quantity;
        }
        self.end(at, index, state);
    }

    fn end(&mut self, at: Timestamp, index: u32, state: OrderState) {
        let order = &mut self.orders[index as usize];
        order.state = state;
        order.ended_at = Some(at);
        self.touch(at, index);
    }
}

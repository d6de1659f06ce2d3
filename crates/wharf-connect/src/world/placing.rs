//! How orders come to be: drawn for a simulated buyer, made again by the same buyer minutes later, or made by hand.

use super::buyers::{self, Recipient};
use super::catalogue::by_weight;
use super::command::Done;
use super::market::{Due, Market};
use super::orders::{Line, LineDraft, Order, OrderDraft, OrderState, Quirk, Refusal};
use super::random::Dice;
use wharf_domain::money::split;
use wharf_domain::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};

/// What is known of an order before it has a number.
struct Draft {
    shop: u32,
    buyer: u32,
    recipient: Option<Recipient>,
    /// Listing, units, price, discount.
    lines: Vec<(u32, i64, i64, i64)>,
    postage_minor: i64,
    discount_minor: i64,
    buyer_note: String,
    holds: Vec<String>,
    status_word: Option<String>,
    quirks: Vec<Quirk>,
    /// Seconds until it is paid; `None` never pays, 0 is paid with the order.
    pays_after: Option<i64>,
    promise_hours: i64,
    by_hand: bool,
}

const PLAIN_NOTES: &[&str] =
    &["请尽快发货,谢谢", "包装严实一点", "送人用,不要放小票", "周末送货", "放门口即可", "麻烦发顺丰", "请核对颜色再发"];
const NOTES_THAT_NEED_A_PERSON: &[&str] = &[
    "请发顺丰,运费到付可以",
    "两个订单一起发",
    "要红色的,拍错颜色了",
    "先别发货,等我通知",
    "地址错了,改成公司地址再发,电话不变",
    "开发票,抬头稍后给您",
    "25号之后再发,之前没人收",
    "能不能送一张贺卡,写生日快乐",
];

impl Market {
    /// A simulated buyer buys.
    pub(crate) fn sell(&mut self, at: Timestamp) {
        let ordinal = self.sold;
        self.sold += 1;
        let mut dice = Dice::new(self.plan.seed, "order", ordinal);
        if self.shops.is_empty() {
            return;
        }
        // The first shop is the busier one.
        let shop = if self.shops.len() == 1 || dice.chance(600) { 0 } else { 1 + dice.below(self.shops.len() as u64 - 1) as u32 };
        let known = (ordinal / 2) as i64;
        let buyer = if known > 4 && dice.chance(230) { dice.between(0, known - 1) as u32 } else { ordinal as u32 };
        let quirk = dice.chance(self.plan.unusual_per_mille).then(|| dice.below(1000));
        let mut draft = Draft {
            shop,
            buyer,
            recipient: None,
            lines: Vec::new(),
            postage_minor: 0,
            discount_minor: 0,
            buyer_note: String::new(),
            holds: Vec::new(),
            status_word: None,
            quirks: Vec::new(),
            pays_after: Some(if dice.chance(850) { dice.between(3, 90) } else { dice.between(90, 900) }),
            promise_hours: if dice.chance(300) { 24 } else { 48 },
            by_hand: false,
        };
        let wanted = *dice.pick(&[1, 1, 1, 1, 1, 2, 2, 3, 4]);
        for _ in 0..wanted {
            if let Some(listing) = self.draw_listing(shop, &mut dice)
                && !draft.lines.iter().any(|l| l.0 == listing)
            {
                let facts = &self.shops[shop as usize].listings[listing as usize];
                let units = *dice.pick(&[1, 1, 1, 1, 1, 2, 2, 3, 6]).min(&facts.quantity.max(1));
                let price = facts.price_minor;
                let discount = if dice.chance(150) { price * units / 10 } else { 0 };
                draft.lines.push((listing, units, price, discount));
            }
        }
        if draft.lines.is_empty() {
            return;
        }
        let goods: i64 = draft.lines.iter().map(|l| l.1 * l.2 - l.3).sum();
        draft.discount_minor = match goods {
            29_900.. => 3_000,
            9_900.. => 1_000,
            _ => 0,
        };
        draft.postage_minor = if goods < 3_900 { *dice.pick(&[500, 600, 800]) } else { 0 };
        if dice.chance(90) {
            draft.buyer_note = (*dice.pick(PLAIN_NOTES)).to_owned();
        }
        if let Some(point) = quirk {
            let quirk = match point {
                0..90 => Quirk::AddressIncomplete,
                90..170 => Quirk::PhoneInvalid,
                170..220 => Quirk::OddQuantity,
                220..290 => Quirk::Duplicate,
                290..410 => Quirk::SecondOrder,
                410..530 => Quirk::BuyerNote,
                530..580 => Quirk::AmountMismatch,
                580..600 => Quirk::UnknownStatus,
                600..650 => Quirk::RemoteArea,
                650..740 => Quirk::RefundBeforeShipping,
                740..790 => Quirk::RefundAfterShipping,
                790..860 => Quirk::NeverPaid,
                860..910 => Quirk::AddressChanged,
                910..940 => Quirk::GroupHold,
                940..970 => Quirk::RiskHold,
                _ => Quirk::Urged,
            };
            self.make_unusual(&mut draft, quirk, &mut dice);
        }
        self.place(at, draft);
    }

    /// A listing by its popularity, with some left.
    fn draw_listing(&self, shop: u32, dice: &mut Dice) -> Option<u32> {
        let facts = &self.shops[shop as usize];
        let all = facts.popularity.last().copied()?;
        (0..8).map(|_| by_weight(&facts.popularity, dice.below(all)) as u32).find(|l| facts.listings[*l as usize].quantity > 0)
    }

    fn make_unusual(&self, draft: &mut Draft, quirk: Quirk, dice: &mut Dice) {
        let seed = self.plan.seed;
        let own = |draft: &Draft| draft.recipient.clone().unwrap_or_else(|| buyers::buyer(seed, draft.buyer).recipient);
        match quirk {
            Quirk::AddressIncomplete => {
                let mut recipient = own(draft);
                if dice.chance(350) {
                    recipient.street = String::new();
                } else if dice.chance(500) {
                    recipient.street = recipient.street.chars().take_while(|c| !c.is_ascii_digit()).collect();
                } else {
                    recipient.district = String::new();
                    recipient.town = String::new();
                }
                draft.recipient = Some(recipient);
            }
            Quirk::PhoneInvalid => {
                let mut recipient = own(draft);
                recipient.phone = if dice.chance(500) { recipient.phone[..10].to_owned() } else { format!("{}0", recipient.phone) };
                draft.recipient = Some(recipient);
            }
            Quirk::OddQuantity => {
                if let Some(line) = draft.lines.first_mut() {
                    let left = self.shops[draft.shop as usize].listings[line.0 as usize].quantity;
                    line.1 = (*dice.pick(&[66, 99, 120, 199])).min(left).max(1);
                    line.3 = 0;
                }
            }
            Quirk::BuyerNote => draft.buyer_note = (*dice.pick(NOTES_THAT_NEED_A_PERSON)).to_owned(),
            Quirk::UnknownStatus => draft.status_word = Some("WAIT_PLATFORM_SECURITY_CHECK".to_owned()),
            Quirk::RemoteArea => draft.recipient = Some(buyers::far_away(seed, u64::from(draft.buyer), &own(draft))),
            Quirk::NeverPaid => draft.pays_after = None,
            Quirk::GroupHold => draft.holds.push("group_hold".to_owned()),
            Quirk::RiskHold => draft.holds.push("risk_hold".to_owned()),
            Quirk::UnmappedListing => {
                let facts = &self.shops[draft.shop as usize];
                let unmapped: Vec<u32> = (0..facts.listings.len() as u32).filter(|l| facts.listings[*l as usize].unmapped).collect();
                if let (Some(line), false) = (draft.lines.first_mut(), unmapped.is_empty()) {
                    let listing = *dice.pick(&unmapped);
                    *line = (listing, line.1, facts.listings[listing as usize].price_minor, 0);
                }
            }
            Quirk::Duplicate
            | Quirk::SecondOrder
            | Quirk::AmountMismatch
            | Quirk::RefundBeforeShipping
            | Quirk::RefundAfterShipping
            | Quirk::AddressChanged
            | Quirk::Urged => {}
        }
        draft.quirks.push(quirk);
    }

    /// The same buyer, minutes later: the same things again by mistake, or one more thing.
    pub(crate) fn place_twin(&mut self, at: Timestamp, of: u32, same: bool) {
        let first = &self.orders[of as usize];
        let (shop, buyer, recipient) = (first.shop, first.buyer, first.recipient.clone());
        let mut dice = Dice::new(self.plan.seed, "twin", first.number as u64);
        let lines = if same {
            first.lines.iter().map(|l| (l.listing, l.quantity, l.price_minor, l.discount_minor)).collect()
        } else {
            let Some(listing) = self.draw_listing(shop, &mut dice) else { return };
            vec![(listing, 1, self.shops[shop as usize].listings[listing as usize].price_minor, 0)]
        };
        self.place(
            at,
            Draft {
                shop,
                buyer,
                recipient: recipient.map(|r| *r),
                lines,
                postage_minor: 0,
                discount_minor: 0,
                buyer_note: String::new(),
                holds: Vec::new(),
                status_word: None,
                quirks: Vec::new(),
                pays_after: Some(dice.between(5, 60)),
                promise_hours: 48,
                by_hand: false,
            },
        );
    }

    /// Someone makes an order through the market's own interface.
    pub(crate) fn place_by_hand(&mut self, at: Timestamp, shop: u32, wish: &OrderDraft) -> Result<Done, Refusal> {
        let ordinal = self.made;
        let mut dice = Dice::new(self.plan.seed, "by hand", ordinal);
        if wish.postage_minor < 0 || wish.discount_minor < 0 {
            return Err(Refusal::Invalid("postage and discount cannot be negative".into()));
        }
        if wish.quirks.contains(&Quirk::NeverPaid) && wish.paid == Some(true) {
            return Err(Refusal::Invalid("an order cannot be paid and never_paid".into()));
        }
        let mut lines = Vec::new();
        for line in &wish.lines {
            let (index, units, price) = self.wanted(shop, line)?;
            lines.push((index, units, price, 0));
        }
        if lines.is_empty() {
            // Something plain: a listing that is linked and has enough left.
            let facts = &self.shops[shop as usize];
            let plain: Vec<u32> = (0..facts.listings.len() as u32)
                .filter(|l| {
                    !facts.listings[*l as usize].unmapped
                        && facts.listings[*l as usize].pieces == 1
                        && facts.listings[*l as usize].quantity > 0
                })
                .collect();
            if plain.is_empty() {
                return Err(Refusal::ListingNotFound(String::new()));
            }
            let listing = *dice.pick(&plain);
            lines.push((listing, 1, facts.listings[listing as usize].price_minor, 0));
        }
        let goods: i64 = lines.iter().map(|l| l.1 * l.2).sum();
        if wish.discount_minor > goods {
            return Err(Refusal::Invalid("the discount is larger than the goods are worth".into()));
        }
        let mut draft = Draft {
            shop,
            buyer: wish.buyer.unwrap_or(1_000_000 + ordinal as u32),
            recipient: wish.recipient.clone(),
            lines,
            postage_minor: wish.postage_minor,
            discount_minor: wish.discount_minor,
            buyer_note: wish.buyer_note.clone(),
            holds: wish.holds.clone(),
            status_word: wish.status_word.clone(),
            quirks: Vec::new(),
            pays_after: if wish.paid == Some(false) { None } else { Some(0) },
            promise_hours: 48,
            by_hand: true,
        };
        for quirk in &wish.quirks {
            self.make_unusual(&mut draft, *quirk, &mut dice);
        }
        Ok(Done::Order(self.place(at, draft)))
    }

    fn wanted(&self, shop: u32, line: &LineDraft) -> Result<(u32, i64, i64), Refusal> {
        let facts = &self.shops[shop as usize];
        let name = if line.external_sku_id.is_empty() { &line.seller_code } else { &line.external_sku_id };
        let found = if line.external_sku_id.is_empty() {
            facts.listings.iter().position(|l| !line.seller_code.is_empty() && l.seller_code == line.seller_code)
        } else {
            self.listing_by_sku(shop, &line.external_sku_id).map(|f| f.0 as usize)
        };
        let index = found.ok_or_else(|| Refusal::ListingNotFound(name.clone()))?;
        let listing = &facts.listings[index];
        let units = if line.quantity == 0 { 1 } else { line.quantity };
        if !(1..=100_000).contains(&units) {
            return Err(Refusal::Invalid("quantity must be 1 to 100000".into()));
        }
        if !(0..=100_000_000).contains(&line.price_minor) {
            return Err(Refusal::Invalid("price_minor must be 0 to 100000000".into()));
        }
        if listing.set_by_shop && listing.quantity < units {
            return Err(Refusal::SoldOut { listing: listing.sku_id.to_string(), left: listing.quantity });
        }
        Ok((index as u32, units, if line.price_minor == 0 { listing.price_minor } else { line.price_minor }))
    }

    /// Gives the order its number, takes the stock, writes down what will come of it.
    fn place(&mut self, at: Timestamp, draft: Draft) -> i64 {
        // Orders made by hand have odd ordinals, so that they never shift the numbers of the drawn ones.
        let ordinal = if draft.by_hand {
            self.made += 1;
            self.made as i64 * 2 + 1
        } else {
            self.orders.len() as i64 * 2 - self.made as i64 * 2
        };
        let suffix = Dice::new(self.plan.seed, "buyer number", u64::from(draft.buyer)).between(100_000, 999_999);
        let numbered = |line: i64| 4_301_000_000_000_000_000 + (ordinal * 100 + line) * 1_000_000 + suffix;
        let number = numbered(0);
        let only = draft.lines.len() == 1;
        let totals: Vec<i64> = draft.lines.iter().map(|l| l.1 * l.2 - l.3).collect();
        let shares = split(draft.discount_minor, &totals);
        let lines: Vec<Line> = draft
            .lines
            .iter()
            .zip(shares)
            .enumerate()
            .map(|(i, (&(listing, quantity, price_minor, discount_minor), share_minor))| Line {
                number: if only { number } else { numbered(i as i64 + 1) },
                listing,
                quantity,
                price_minor,
                discount_minor,
                share_minor,
                refund: None,
            })
            .collect();
        for line in &lines {
            let listing = &mut self.shops[draft.shop as usize].listings[line.listing as usize];
            listing.quantity -= line.quantity;
            if !listing.set_by_shop && listing.quantity < listing.fill / 10 {
                listing.quantity = listing.fill;
            }
            listing.quantity = listing.quantity.max(0);
        }
        let mut quirks = draft.quirks;
        if !quirks.contains(&Quirk::UnmappedListing)
            && lines.iter().any(|l| self.shops[draft.shop as usize].listings[l.listing as usize].unmapped)
        {
            quirks.push(Quirk::UnmappedListing);
        }
        let index = self.orders.len() as u32;
        let off_minor = if quirks.contains(&Quirk::AmountMismatch) { -30 } else { 0 };
        self.orders.push(Order {
            number,
            shop: draft.shop,
            buyer: draft.buyer,
            recipient: draft.recipient.map(Box::new),
            state: OrderState::AwaitingPayment,
            status_word: None,
            placed_at: at,
            paid_at: None,
            modified_at: at,
            touched: 0,
            shipped_at: None,
            ended_at: None,
            lines,
            postage_minor: draft.postage_minor,
            discount_minor: draft.discount_minor,
            off_minor,
            buyer_note: draft.buyer_note,
            seller_note: String::new(),
            flag: 0,
            holds: draft.holds,
            address_changed: false,
            urged: false,
            promise_hours: draft.promise_hours,
            parcels: Vec::new(),
            rejected: Vec::new(),
            quirks: quirks.clone(),
            by_hand: draft.by_hand,
        });
        self.index.order_by_number.insert(number, index);
        self.index.orders_placed[draft.shop as usize].push((at.seconds(), index as usize));
        self.touch(at, index);
        let mut dice = Dice::new(self.plan.seed, "future", number as u64);
        match draft.pays_after {
            Some(0) => self.pay(at, index),
            Some(seconds) => self.schedule(at.plus(seconds * SECOND), Due::Pay(index)),
            None if !draft.by_hand || quirks.contains(&Quirk::NeverPaid) => self.schedule(at.plus(30 * MINUTE), Due::Expire(index)),
            None => {}
        }
        if let Some(word) = draft.status_word {
            self.orders[index as usize].status_word = Some(word);
        }
        for quirk in quirks {
            match quirk {
                Quirk::Duplicate => self.schedule(at.plus(dice.between(40, 180) * SECOND), Due::Twin(index, true)),
                Quirk::SecondOrder => self.schedule(at.plus(dice.between(60, 600) * SECOND), Due::Twin(index, false)),
                Quirk::RefundBeforeShipping => self.schedule(at.plus(dice.between(10, 40) * MINUTE), Due::AskRefund(index)),
                Quirk::AddressChanged => self.schedule(at.plus(dice.between(16, 40) * MINUTE), Due::Move(index)),
                Quirk::GroupHold => self.schedule(at.plus(self.pace(dice.between(6, 24) * HOUR)), Due::Release(index)),
                Quirk::RiskHold => self.schedule(at.plus(self.pace(dice.between(2, 30) * HOUR)), Due::Release(index)),
                Quirk::Urged => self.schedule(at.plus(self.pace(dice.between(12, 30) * HOUR).max(15 * MINUTE)), Due::Urge(index)),
                Quirk::AddressIncomplete
                | Quirk::PhoneInvalid
                | Quirk::OddQuantity
                | Quirk::BuyerNote
                | Quirk::AmountMismatch
                | Quirk::UnknownStatus
                | Quirk::RemoteArea
                | Quirk::RefundAfterShipping
                | Quirk::NeverPaid
                | Quirk::UnmappedListing => {}
            }
        }
        number
    }

    /// The buyer's money is there.
    pub(crate) fn pay(&mut self, at: Timestamp, index: u32) {
        let order = &mut self.orders[index as usize];
        order.paid_at = Some(at);
        order.state = if order.holds.iter().any(|h| h == "group_hold") { OrderState::PaidOnHold } else { OrderState::ToShip };
        self.touch(at, index);
    }

    /// A parcel has reached its recipient: the buyer may complain, or agree some days later.
    pub(crate) fn after_delivery(&mut self, at: Timestamp, index: u32) {
        let mut dice = Dice::new(self.plan.seed, "after delivery", self.orders[index as usize].number as u64);
        if self.has_quirk(index, Quirk::RefundAfterShipping) {
            let wait = self.pace(dice.between(2, 40) * HOUR);
            self.schedule(at.plus(wait), Due::AskRefund(index));
        }
        let wait = self.pace(dice.between(6, 24 * 9) * HOUR).min(self.pace(10 * DAY));
        self.schedule(at.plus(wait), Due::Finish(index));
    }
}

//! What the market knows of orders, lines and refunds, and the words in which it refuses.

use super::buyers::Recipient;
use serde::{Deserialize, Serialize};
use wharf_domain::time::Timestamp;
use wharf_domain::words;

words! {
    /// Where an order stands on the market.
    pub enum OrderState {
        /// Placed, not paid.
        AwaitingPayment = "awaiting_payment",
        /// Paid, and the market says not to ship yet.
        PaidOnHold = "paid_on_hold",
        /// Paid, to be shipped.
        ToShip = "to_ship",
        /// Some lines are shipped.
        PartShipped = "part_shipped",
        /// All is shipped.
        Shipped = "shipped",
        /// The buyer has agreed, or time has.
        Finished = "finished",
        /// Closed after the money went back.
        ClosedRefunded = "closed_refunded",
        /// Closed before it was paid.
        ClosedUnpaid = "closed_unpaid",
    }
}

words! {
    /// What is unusual about an order. Written down as truth, so that a test can compare what was noticed.
    pub enum Quirk {
        /// Street without a number, or none; or a district is missing.
        AddressIncomplete = "address_incomplete",
        /// A phone with too few digits or with letters.
        PhoneInvalid = "phone_invalid",
        /// Far more units than a household wants.
        OddQuantity = "odd_quantity",
        /// The same buyer bought the same again within minutes.
        Duplicate = "duplicate",
        /// The same buyer bought something else within minutes: one parcel would do.
        SecondOrder = "second_order",
        /// The buyer wrote something a person must read.
        BuyerNote = "buyer_note",
        /// Lines, postage and discounts do not make the total.
        AmountMismatch = "amount_mismatch",
        /// The status word is none that anybody knows.
        UnknownStatus = "unknown_status",
        /// A province where carriers ask more.
        RemoteArea = "remote_area",
        /// The buyer will ask for the money before the parcel leaves.
        RefundBeforeShipping = "refund_before_shipping",
        /// The buyer will ask for the money when the parcel has arrived.
        RefundAfterShipping = "refund_after_shipping",
        /// Never paid, closed by time.
        NeverPaid = "never_paid",
        /// The buyer changes the address after paying.
        AddressChanged = "address_changed",
        /// Paid, waiting for a group to complete.
        GroupHold = "group_hold",
        /// Paid, stopped by the market's risk review.
        RiskHold = "risk_hold",
        /// A listing that nobody has linked to a SKU.
        UnmappedListing = "unmapped_listing",
        /// The buyer presses for shipping.
        Urged = "urged",
    }
}

words! {
    /// What a refund asks for.
    pub enum RefundKind {
        /// Money only.
        MoneyOnly = "money_only",
        /// Goods come back too.
        WithGoods = "with_goods",
    }
}

words! {
    /// Where a refund stands.
    pub enum RefundState {
        /// Asked.
        Asked = "asked",
        /// Withdrawn or closed without money.
        Closed = "closed",
        /// The money went back.
        Paid = "paid",
    }
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The line's own number; equal to the order's when it is the only one.
    pub number: i64,
    /// Index of the listing in its shop.
    pub listing: u32,
    /// Units.
    pub quantity: i64,
    /// Price of a unit, fen.
    pub price_minor: i64,
    /// Discount of the line, fen.
    pub discount_minor: i64,
    /// The line's share of the order's discount, fen.
    pub share_minor: i64,
    /// The latest refund, by index.
    pub refund: Option<u32>,
}

impl Line {
    /// Price × units − the line's discount.
    pub fn total_minor(&self) -> i64 {
        self.price_minor * self.quantity - self.discount_minor
    }
    /// What the buyer pays for the line after every discount.
    pub fn paid_minor(&self) -> i64 {
        self.total_minor() - self.share_minor
    }
}

/// A parcel that the shop declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Carrier, as the channel codes it.
    pub carrier: String,
    /// Waybill number.
    pub number: String,
    /// Numbers of the lines in it.
    pub lines: Vec<i64>,
    /// When it was declared.
    pub shipped_at: Timestamp,
    /// Declared by the way that books with the carrier.
    pub online: bool,
    /// How many calls took effect for this number on this order.
    pub effects: u32,
    /// The number that took its place.
    pub replaced_by: Option<String>,
    /// When the recipient had it.
    pub signed_at: Option<Timestamp>,
}

/// Calls that declared a number and were refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The number that was offered.
    pub number: String,
    /// Why not.
    pub reason: String,
    /// How often.
    pub times: u32,
}

/// An order as the market knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The market's number, 19 digits; channels spell it as their order id.
    pub number: i64,
    /// Index of the shop.
    pub shop: u32,
    /// Index of the buyer.
    pub buyer: u32,
    /// Where it goes, when that is not the buyer's own address.
    pub recipient: Option<Box<Recipient>>,
    /// Where it stands.
    pub state: OrderState,
    /// A status word that is shown instead of the state's own.
    pub status_word: Option<String>,
    /// Placed.
    pub placed_at: Timestamp,
    /// Paid.
    pub paid_at: Option<Timestamp>,
    /// Last change.
    pub modified_at: Timestamp,
    /// Order of changes within a market.
    pub touched: u64,
    /// First parcel declared.
    pub shipped_at: Option<Timestamp>,
    /// Finished or closed.
    pub ended_at: Option<Timestamp>,
    /// What was bought.
    pub lines: Vec<Line>,
    /// Postage, fen.
    pub postage_minor: i64,
    /// Discount of the whole order, fen.
    pub discount_minor: i64,
    /// By how much the total is off, fen. Not zero only for [`Quirk::AmountMismatch`].
    pub off_minor: i64,
    /// What the buyer wrote.
    pub buyer_note: String,
    /// What the seller wrote.
    pub seller_note: String,
    /// The seller's flag, 0 to 5.
    pub flag: i64,
    /// Why not to ship, in the market's words.
    pub holds: Vec<String>,
    /// The buyer changed the address after paying.
    pub address_changed: bool,
    /// The buyer presses.
    pub urged: bool,
    /// Hours in which the shop promised to ship.
    pub promise_hours: i64,
    /// Parcels declared.
    pub parcels: Vec<Parcel>,
    /// Declarations refused.
    pub rejected: Vec<Rejected>,
    /// What is unusual.
    pub quirks: Vec<Quirk>,
    /// Who put it here: true when a person or a test did, false for a simulated buyer.
    pub by_hand: bool,
}

impl Order {
    /// Goods before the order's discount.
    pub fn goods_minor(&self) -> i64 {
        self.lines.iter().map(|l| l.price_minor * l.quantity).sum()
    }
    /// What the buyer pays in all, as the market shows it.
    pub fn payment_minor(&self) -> i64 {
        self.lines.iter().map(Line::paid_minor).sum::<i64>() + self.postage_minor + self.off_minor
    }
    /// The parcel that stands for a line, if it is shipped.
    pub fn parcel_of(&self, line: i64) -> Option<&Parcel> {
        self.parcels.iter().find(|p| p.replaced_by.is_none() && p.lines.contains(&line))
    }
    /// Closed, one way or the other.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, OrderState::ClosedRefunded | OrderState::ClosedUnpaid)
    }
    /// Until when the shop promised to ship.
    pub fn ship_by(&self) -> Option<Timestamp> {
        self.paid_at.map(|at| at.plus(self.promise_hours * wharf_domain::time::HOUR))
    }
}

/// A refund that a buyer asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its number.
    pub number: i64,
    /// Index of the shop.
    pub shop: u32,
    /// Number of the order.
    pub order: i64,
    /// Number of the line.
    pub line: i64,
    /// What it asks.
    pub kind: RefundKind,
    /// Where it stands.
    pub state: RefundState,
    /// How much, fen.
    pub amount_minor: i64,
    /// In the buyer's words.
    pub reason: String,
    /// Asked.
    pub asked_at: Timestamp,
    /// Last change.
    pub modified_at: Timestamp,
    /// Order of changes within a market.
    pub touched: u64,
    /// The line was shipped when it was asked.
    pub after_shipping: bool,
}

/// One line of an order that is made by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LineDraft {
    /// The listing's SKU id on the channel; one of the two names is enough.
    pub external_sku_id: String,
    /// The seller code typed on the listing.
    pub seller_code: String,
    /// Units; 0 is read as 1.
    pub quantity: i64,
    /// Price of a unit in fen; 0 takes the listing's.
    pub price_minor: i64,
}

/// An order that is made by hand: whatever is left out is drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderDraft {
    /// Buyer index; drawn when absent.
    pub buyer: Option<u32>,
    /// Recipient; the buyer's own address when absent.
    pub recipient: Option<Recipient>,
    /// What is bought; drawn when empty.
    pub lines: Vec<LineDraft>,
    /// What the buyer writes.
    pub buyer_note: String,
    /// Paid at once (the default), or left unpaid.
    pub paid: Option<bool>,
    /// Postage, fen.
    pub postage_minor: i64,
    /// Discount of the whole order, fen.
    pub discount_minor: i64,
    /// Unusual properties.
    pub quirks: Vec<Quirk>,
    /// Status word shown instead of the market's own.
    pub status_word: Option<String>,
    /// Holds, in the market's words.
    pub holds: Vec<String>,
}

/// Why the market does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Refusal {
    /// No such shop.
    #[error("no shop {0:?} on this market")]
    ShopNotFound(String),
    /// No such order, or not this shop's.
    #[error("no order {0} in this shop")]
    OrderNotFound(i64),
    /// No such line in the order.
    #[error("no line {0} in this order")]
    LineNotFound(i64),
    /// The listing is unknown.
    #[error("no listing {0:?} in this shop")]
    ListingNotFound(String),
    /// Not enough left.
    #[error("only {left} left of listing {listing}")]
    SoldOut {
        /// SKU id.
        listing: String,
        /// Units left.
        left: i64,
    },
    /// Everything asked for is shipped already.
    #[error("already shipped")]
    AlreadyShipped,
    /// The order's state does not allow it.
    #[error("not possible while the order is {0}")]
    WrongState(OrderState),
    /// The lines are not those that can be shipped.
    #[error("these lines cannot be shipped together: {0}")]
    LinesMismatch(String),
    /// The number stands for another recipient's parcel.
    #[error("waybill number {0} is used for another recipient")]
    NumberUsed(String),
    /// Nothing of it is shipped.
    #[error("not shipped yet")]
    NotShipped,
    /// The parcel has been picked up.
    #[error("the carrier has the parcel already")]
    PickedUp,
    /// The account has no waybills left.
    #[error("no waybills left for carrier {0}")]
    NoBalance(String),
    /// No such waybill.
    #[error("no waybill {0}")]
    WaybillNotFound(String),
    /// No such refund.
    #[error("no refund {0}")]
    RefundNotFound(String),
    /// Nonsense.
    #[error("{0}")]
    Invalid(String),
    /// The market's journal cannot be written: nothing is promised any more.
    #[error("the market cannot keep its journal")]
    Broken,
}

//! What can be told to the market, and what comes of it. The journal holds these words: a change of them is a change of
//! the market's version.

use super::buyers::Recipient;
use super::orders::{OrderDraft, RefundKind};
use serde::{Deserialize, Serialize};
use wharf_domain::time::Timestamp;

/// Something that is told to the market.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Command {
    /// Time passes: everything due by then happens.
    Tick {
        /// Until when.
        to: Timestamp,
    },
    /// Someone makes an order by hand.
    Place {
        /// When.
        at: Timestamp,
        /// Shop key.
        shop: String,
        /// What is asked for.
        draft: Box<OrderDraft>,
    },
    /// Something happens to one order.
    Order {
        /// When.
        at: Timestamp,
        /// Number of the order.
        order: i64,
        /// What.
        act: Act,
    },
    /// A shop declares a parcel.
    Confirm(super::parcels::Declaration),
    /// A shop corrects a number that it declared.
    Correct(super::parcels::Correction),
    /// A shop sets what is left of a listing.
    Stock {
        /// When.
        at: Timestamp,
        /// Index of the shop.
        shop: u32,
        /// Index of the listing.
        listing: u32,
        /// Units.
        quantity: i64,
    },
    /// A shop buys a waybill.
    BuyWaybill(Box<super::parcels::Purchase>),
    /// A shop changes what is printed on a waybill.
    ChangeWaybill {
        /// Number.
        number: String,
        /// The request that replaces the first one.
        request: serde_json::Value,
    },
    /// A shop gives a waybill back.
    VoidWaybill {
        /// When.
        at: Timestamp,
        /// Index of the shop.
        shop: u32,
        /// Number.
        number: String,
    },
    /// How many waybills a carrier still gives.
    Balance {
        /// Carrier.
        carrier: String,
        /// Waybills left.
        quantity: i64,
    },
    /// How fast buyers buy, in thousandths of an order a minute.
    Rate {
        /// From when.
        at: Timestamp,
        /// Orders a minute × 1000.
        per_minute_milli: i64,
    },
    /// The market opens again after it was closed: nobody bought meanwhile.
    Resume {
        /// When.
        at: Timestamp,
    },
    /// What would happen within the next while happens now.
    Hurry {
        /// When.
        at: Timestamp,
        /// How far ahead, in microseconds.
        by: i64,
    },
    /// A shop's session ends and a new one is issued.
    RenewSession {
        /// Shop key.
        shop: String,
    },
}

/// Something that happens to one order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "act")]
pub enum Act {
    /// The buyer pays.
    Pay,
    /// It is closed before it was paid, or with the money back before it was shipped.
    Cancel,
    /// The buyer asks for the money of a line, or of every line.
    AskRefund {
        /// Number of the line.
        line: Option<i64>,
        /// What is asked.
        kind: RefundKind,
        /// In the buyer's words.
        reason: String,
    },
    /// A refund ends.
    CloseRefund {
        /// Money back, or not.
        paid: bool,
    },
    /// The recipient changes.
    ChangeAddress {
        /// The new one; drawn when absent.
        recipient: Option<Box<Recipient>>,
        /// By the seller (allowed, no flag) or by the buyer.
        by_seller: bool,
    },
    /// The recipient has every parcel.
    Deliver,
    /// The buyer agrees that all is well.
    Finish,
    /// The buyer presses for shipping.
    Urge,
    /// The market says not to ship.
    Hold {
        /// In its words.
        reason: String,
    },
    /// The market lets it go.
    Release,
    /// The status word becomes another, or the market's own again.
    StatusWord {
        /// The word.
        word: Option<String>,
    },
    /// The seller's note and flag.
    Note {
        /// The note; unchanged when absent.
        note: Option<String>,
        /// The flag.
        flag: i64,
    },
}

/// What came of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It is so.
    Ok,
    /// It was so before; nothing changed.
    Already,
    /// The order that was made.
    Order(i64),
    /// Index of the waybill that was bought or found again.
    Waybill(usize),
}

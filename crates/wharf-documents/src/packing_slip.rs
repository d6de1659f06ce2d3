//! The packing slip: what lies in the parcel, in the buyer's language, with a gift message and how to return it.

use crate::{Language, Party};
use wharf_domain::{money::Money, time::Timestamp};

/// One line of the slip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlipLine {
    /// The listing's title as the buyer saw it.
    pub name: String,
    /// Colour, size and the like; may be empty.
    pub variant: String,
    /// The SKU's code; may be empty.
    pub sku_code: String,
    /// Pieces in this parcel.
    pub quantity: u32,
    /// Price of the line; never printed on a gift.
    pub total: Option<Money>,
}

/// One slip: one order's part of one parcel.
#[derive(Clone, PartialEq, Eq)]
pub struct PackingSlipData {
    /// The buyer's language, which may differ from the language of the one who prints.
    pub language: Language,
    /// The shop as the buyer knows it.
    pub shop: String,
    /// The channel's order number.
    pub order_reference: String,
    /// When the order was placed.
    pub ordered_at: Option<Timestamp>,
    /// The carrier; may be empty.
    pub carrier: String,
    /// The waybill number; may be empty.
    pub waybill_number: String,
    /// Who receives.
    pub recipient: Party,
    /// What lies in the parcel.
    pub lines: Vec<SlipLine>,
    /// What the order cost in all; never printed on a gift.
    pub order_total: Option<Money>,
    /// A gift: prices stay off the paper.
    pub gift: bool,
    /// The giver's message; may be empty.
    pub gift_message: String,
    /// How to return things, in the shop's words; may be empty.
    pub return_text: String,
    /// A line of thanks or a note, in the shop's words; may be empty.
    pub note: String,
}

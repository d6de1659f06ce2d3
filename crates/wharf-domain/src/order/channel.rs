//! What a channel says of an order, in neutral words. Connectors and file readers produce it; ingest merges it.

use super::{ChannelStatus, FulfilledBy, LineRefund, Payment};
use crate::address::Recipient;
use crate::money::Currency;
use crate::time::Timestamp;
use crate::word::Observed;
use serde::{Deserialize, Serialize};

/// One order as its channel tells it. Amounts are minor units of `currency`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ChannelOrder {
    /// The channel's order id, verbatim.
    pub external_id: String,
    /// The channel's status word, verbatim, and what it means.
    pub observed_status: String,
    /// The meaning of `observed_status`.
    pub status: Observed<ChannelStatus>,
    /// The channel's modified time; an older version never overwrites a newer one.
    pub modified_at: Timestamp,
    /// When the buyer placed it.
    pub placed_at: Timestamp,
    /// When the buyer paid.
    pub paid_at: Option<Timestamp>,
    /// The promise that the channel measures.
    pub ship_by: Option<Timestamp>,
    /// When the channel says it was shipped.
    pub shipped_at: Option<Timestamp>,
    /// When the channel says it was closed, well or not.
    pub closed_at: Option<Timestamp>,
    /// What the buyer's money did.
    pub payment: Payment,
    /// Shipped before it is paid.
    pub cash_on_delivery: bool,
    /// Who ships.
    pub fulfilled_by: FulfilledBy,
    /// Why the channel says not to ship: each becomes a hold that the channel itself releases.
    pub do_not_ship: Vec<ChannelHold>,
    /// Who pays.
    pub buyer: ChannelBuyer,
    /// Who receives; `None` when the channel does not say.
    pub recipient: Option<Recipient>,
    /// The currency of all amounts.
    pub currency: Currency,
    /// What the buyer pays or paid in all.
    pub total_minor: i64,
    /// Postage the buyer pays.
    pub shipping_minor: i64,
    /// Tax on top of the lines, where the channel tells it apart.
    pub tax_minor: i64,
    /// Order-level discount that is not yet in the lines' totals.
    pub discount_minor: i64,
    /// What the buyer wrote.
    pub buyer_note: String,
    /// What the seller wrote on the channel.
    pub seller_note: String,
    /// The seller's flag on the channel (0–5 on Taobao).
    pub seller_flag: Option<i64>,
    /// The channel urges: prime, verge of lateness, buyer pressed for shipping. The words are shown on the row.
    pub urgent: Vec<String>,
    /// Neutral words the channel adds (`gift`, `business`, `presale`); shown as tags.
    pub tags: Vec<String>,
    /// What was bought.
    pub lines: Vec<ChannelLine>,
    /// Parcels the channel already knows.
    pub shipments: Vec<ChannelShipment>,
    /// The payload as it came, for the record. Kept once by hash.
    #[serde(skip)]
    pub raw: Vec<u8>,
}

/// A reason of the channel not to ship, such as a risk review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelHold {
    /// The channel's word (`top_hold`, `team_buy_hold`).
    pub code: String,
    /// The channel's text, where it gives one.
    pub text: String,
}

/// Who pays, as far as the channel tells.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChannelBuyer {
    /// The channel's stable id of the buyer.
    pub external_id: Option<String>,
    /// The name the buyer shows (may be masked).
    pub nick: String,
}

/// One line of a channel's order.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ChannelLine {
    /// The channel's line id; where it has none, a stable content ordinal, never a position.
    pub external_id: String,
    /// The channel's item id.
    pub item_id: String,
    /// The channel's SKU id; empty for an item without variants.
    pub sku_id: String,
    /// What the seller typed on the listing: our matching key.
    pub seller_code: String,
    /// The title as sold.
    pub title: String,
    /// The variant as sold (`颜色:白;尺码:L`).
    pub variant: String,
    /// Picture, where the channel gives one.
    pub image_url: Option<String>,
    /// Units bought, cancelled ones included.
    pub quantity: i64,
    /// Units that the channel says will not be sent.
    pub cancelled: i64,
    /// Price of a unit before discounts.
    pub unit_price_minor: i64,
    /// Discount of the line.
    pub discount_minor: i64,
    /// The line's share of what the buyer pays for goods, after all discounts known to be the line's.
    pub total_minor: i64,
    /// The line's own status word and meaning.
    pub observed_status: String,
    /// The meaning of `observed_status`.
    pub status: Observed<ChannelStatus>,
    /// What the buyer asked back.
    pub refund: LineRefund,
    /// Added free of charge.
    pub gift: bool,
}

/// A parcel that the channel already knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelShipment {
    /// The channel's carrier code or name.
    pub carrier: String,
    /// The waybill number.
    pub number: String,
    /// The channel's line ids in it; empty means all.
    pub line_ids: Vec<String>,
    /// When the channel recorded it.
    pub shipped_at: Option<Timestamp>,
}

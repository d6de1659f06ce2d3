//! Orders as the API shows them: the row of a list, and the whole.

use crate::http::dto::{ActorDto, Money, Named, ShopRef, Time};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A reason why an order must not move.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Hold {
    /// Id.
    pub id: String,
    /// Word of the reason.
    pub reason: String,
    /// Values for the sentence.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
    /// Since when.
    pub placed_at: Time,
    /// By whom or which rule.
    pub placed_by: ActorDto,
    /// When it was settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Time>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_by: Option<ActorDto>,
}

/// An open hold as lists show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HoldBrief {
    /// Word of the reason.
    pub reason: String,
    /// Since when.
    pub placed_at: Time,
}

/// A recipient, masked: what a list may show.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MaskedRecipient {
    /// `张*`
    pub name: String,
    /// `138****5678`
    pub phone: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Province or state.
    pub province: String,
    /// City.
    pub city: String,
    /// District.
    pub district: String,
    /// Town or street office.
    pub town: String,
    /// Postal code.
    pub postal_code: String,
    /// The channel gave only a token and masked data.
    pub token_only: bool,
}

/// A line as lists show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LineBrief {
    /// Title as sold.
    pub title: String,
    /// Variant as sold.
    pub variant: String,
    /// Seller code.
    pub seller_code: String,
    /// Units.
    pub quantity: i64,
    /// Picture.
    pub image_url: Option<String>,
}

/// One order in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrderRow {
    /// Id.
    pub id: String,
    /// The channel's order number.
    pub external_id: String,
    /// The shop.
    pub shop: ShopRef,
    /// What it waits for.
    pub phase: String,
    /// Open holds.
    pub holds: Vec<HoldBrief>,
    /// For `If-Match`.
    pub version: i64,
    /// The channel's status word.
    pub observed_status: String,
    /// What the money did.
    pub payment: String,
    /// When it was placed.
    pub placed_at: Time,
    /// When it was paid.
    pub paid_at: Option<Time>,
    /// The promise that the channel measures.
    pub ship_by: Option<Time>,
    /// What the buyer pays in all.
    pub total: Money,
    /// Number of lines.
    pub line_count: i64,
    /// Units over all lines.
    pub units: i64,
    /// The first three lines.
    pub lines: Vec<LineBrief>,
    /// Who receives, masked.
    pub recipient: MaskedRecipient,
    /// The buyer's nickname.
    pub buyer_nick: String,
    /// What the buyer wrote.
    pub buyer_note: String,
    /// What the seller wrote.
    pub seller_note: String,
    /// The seller's flag.
    pub seller_flag: Option<i64>,
    /// Tags.
    pub tags: Vec<String>,
    /// Why it is urgent; empty when it is not.
    pub urgent: String,
    /// Who takes care of it.
    pub assignee: Option<Named>,
    /// The warehouse that works on it.
    pub warehouse: Option<Named>,
    /// Carrier of its latest parcel.
    pub carrier: Option<String>,
    /// Number of its latest parcel.
    pub waybill_number: Option<String>,
    /// The first likely fix: its code and values.
    #[schema(value_type = Option<Object>)]
    pub fix: Option<serde_json::Value>,
    /// The buyer has an earlier paid order.
    pub returning_buyer: bool,
}

/// A line in full.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Line {
    /// Id.
    pub id: String,
    /// The channel's line id.
    pub external_id: String,
    /// The listing it came from.
    pub listing_id: String,
    /// Title as sold.
    pub title: String,
    /// Variant as sold.
    pub variant: String,
    /// Seller code.
    pub seller_code: String,
    /// Picture.
    pub image_url: Option<String>,
    /// What it resolves to; empty when the listing is not linked.
    pub items: Vec<LineItem>,
    /// Price of a unit before discounts.
    pub unit_price: Money,
    /// Discount.
    pub discount: Money,
    /// Share of what the buyer pays for goods.
    pub total: Money,
    /// Share of the order-level discount: the shares of all lines sum to it to the cent.
    pub order_discount_share: Money,
    /// What the buyer asked back: `none · requested · refunded · closed`.
    pub refund: String,
    /// Added free of charge.
    pub gift: bool,
    /// Units bought.
    pub ordered: i64,
    /// Units that will not be sent.
    pub cancelled: i64,
    /// Units tied to a warehouse.
    pub allocated: i64,
    /// Units in closed parcels.
    pub packed: i64,
    /// Units that left.
    pub shipped: i64,
    /// Units that arrived.
    pub delivered: i64,
    /// Units that came back.
    pub returned: i64,
}

/// A SKU behind a line.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LineItem {
    /// SKU id.
    pub sku_id: String,
    /// SKU code.
    pub sku_code: String,
    /// SKU name.
    pub name: String,
    /// SKU units for one unit of the line.
    pub per_unit: i64,
    /// Available over all own warehouses.
    pub available: i64,
}

/// What a check saw.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Finding {
    /// Word.
    pub code: String,
    /// `info · warn · block`.
    pub severity: String,
    /// Values for the sentence.
    #[schema(value_type = Object)]
    pub params: serde_json::Value,
}

/// A likely fix: number `n` on the keyboard posts `body` (plus the id) to `/orders/actions/{action}`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Fix {
    /// Word that the screens translate.
    pub code: String,
    /// Values for the sentence.
    #[schema(value_type = Object)]
    pub params: serde_json::Value,
    /// Name of the action.
    pub action: String,
    /// What to send beside the ids.
    #[schema(value_type = Object)]
    pub body: serde_json::Value,
}

/// The work for this order in one warehouse.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FulfillmentBrief {
    /// Id.
    pub id: String,
    /// Where.
    pub warehouse: Named,
    /// `open · picking · packed · handed_over · cancelled`.
    pub fulfillment_state: String,
    /// Line id → units.
    pub lines: BTreeMap<String, i64>,
    /// Why this warehouse: rule, inputs, the alternatives that lost and by how much.
    #[schema(value_type = Object)]
    pub trace: serde_json::Value,
}

/// A parcel with lines of this order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ShipmentBrief {
    /// Id.
    pub id: String,
    /// Where it leaves.
    pub warehouse: Named,
    /// State of the parcel.
    pub shipment_state: String,
    /// State of its waybill, when it has one.
    pub waybill_state: Option<String>,
    /// Its number.
    pub waybill_number: Option<String>,
    /// Its carrier.
    pub carrier: String,
    /// Its service.
    pub service: String,
    /// Line id → units of this order.
    pub lines: BTreeMap<String, i64>,
    /// Other orders in the same parcel.
    pub orders: Vec<String>,
    /// When the label was printed.
    pub printed_at: Option<Time>,
    /// When it left.
    pub handed_over_at: Option<Time>,
    /// When it arrived.
    pub delivered_at: Option<Time>,
    /// Why this carrier and service.
    #[schema(value_type = Object)]
    pub trace: serde_json::Value,
    /// What the channel was told about this order in it.
    pub confirmation: Option<ConfirmationBrief>,
    /// Scans.
    pub tracking: Vec<TrackingDto>,
}

/// What the channel was told.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConfirmationBrief {
    /// `due · sent · accepted · already · refused · gave_up`.
    pub confirmation_state: String,
    /// Tries so far.
    pub attempts: i64,
    /// The platform's receipt.
    pub receipt: String,
    /// The platform's code of a refusal.
    pub code: String,
    /// The platform's words.
    pub message: String,
    /// When it answered.
    pub answered_at: Option<Time>,
}

/// One scan.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TrackingDto {
    /// When.
    pub at: Time,
    /// Neutral word, empty when the carrier's word is not known.
    pub meaning: String,
    /// The carrier's words.
    pub text: String,
    /// Where.
    pub place: String,
}

/// One fact of the timeline.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TimelineEvent {
    /// When.
    pub at: Time,
    /// Word that the screens put into a sentence.
    pub kind: String,
    /// Values for the sentence.
    #[schema(value_type = Object)]
    pub params: serde_json::Value,
    /// Who or which rule.
    pub actor: ActorDto,
}

/// One time that the order was to be called off.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CancellationDto {
    /// `requested · stopping · submitted · confirmed · refused · failed · withdrawn`.
    pub cancellation_state: String,
    /// Why.
    pub reason: String,
    /// Who wanted it: `buyer · seller · rule`.
    pub source: String,
    /// In their words.
    pub note: String,
    /// Who asked for it here.
    pub by: ActorDto,
    /// What was checked.
    #[schema(value_type = Object)]
    pub policy: serde_json::Value,
    /// Calls to the channel so far.
    pub attempts: i64,
    /// The platform's receipt.
    pub receipt: String,
    /// The platform's code of a refusal.
    pub code: String,
    /// The platform's words.
    pub message: String,
    /// When it was asked for.
    pub requested_at: Time,
    /// When the channel is told: until then it can be taken back. Absent where nobody is told.
    pub tell_at: Option<Time>,
    /// When the channel was told.
    pub submitted_at: Option<Time>,
    /// When it ended.
    pub answered_at: Option<Time>,
}

/// One order, whole.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrderDetail {
    /// As in the list.
    #[serde(flatten)]
    pub order: OrderRow,
    /// Postage.
    pub shipping: Money,
    /// Tax.
    pub tax: Money,
    /// Order-level discount.
    pub discount: Money,
    /// How far the channel says it is.
    pub progress: String,
    /// Who ships: `seller · channel`.
    pub fulfilled_by: String,
    /// When it was approved.
    pub approved_at: Option<Time>,
    /// By whom or which rule.
    pub approved_by: Option<ActorDto>,
    /// The lines.
    pub items: Vec<Line>,
    /// What checks saw.
    pub findings: Vec<Finding>,
    /// One to three likely fixes.
    pub fixes: Vec<Fix>,
    /// All holds, settled ones too.
    pub hold_history: Vec<Hold>,
    /// Cancellations, oldest first.
    pub cancellations: Vec<CancellationDto>,
    /// The work by warehouse.
    pub fulfillments: Vec<FulfillmentBrief>,
    /// The parcels.
    pub shipments: Vec<ShipmentBrief>,
    /// What happened and why, oldest first.
    pub timeline: Vec<TimelineEvent>,
}

/// Counts per phase and hold reason; the sum of phases is the total.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrderCounts {
    /// Phase → orders.
    pub phases: BTreeMap<String, i64>,
    /// Hold reason → orders with such an open hold.
    pub holds: BTreeMap<String, i64>,
    /// All orders.
    pub total: i64,
}

/// Name, phone and address, opened on purpose.
#[derive(Serialize, ToSchema)]
pub struct OpenRecipient {
    /// Full name.
    pub name: String,
    /// Phone.
    pub phone: String,
    /// Street, house, flat.
    pub address: String,
    /// Province, city, district, town in one line.
    pub region: String,
    /// The channel gave only masked data; ask the channel to open it.
    pub token_only: bool,
}

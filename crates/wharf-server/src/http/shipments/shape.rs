//! Parcels and documents as the API shows and takes them.

use crate::http::dto::{Named, ShopRef, Time};
use crate::http::orders::shape::{ConfirmationBrief, MaskedRecipient, TrackingDto};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An order inside a parcel.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ShipmentOrder {
    /// Id.
    pub id: String,
    /// The channel's number.
    pub external_id: String,
    /// Its shop.
    pub shop: ShopRef,
    /// What the channel was told.
    pub confirmation: Option<ConfirmationBrief>,
}

/// What is in a parcel.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ShipmentItem {
    /// SKU id.
    pub sku_id: String,
    /// SKU code.
    pub sku_code: String,
    /// Name.
    pub name: String,
    /// SKU units.
    pub quantity: i64,
    /// Units scanned.
    pub scanned: i64,
    /// Where it lies.
    pub bin: String,
    /// Picture.
    pub image_url: Option<String>,
    /// Barcodes that a scanner may read.
    pub barcodes: Vec<String>,
}

/// One parcel.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ShipmentDto {
    /// Id.
    pub id: String,
    /// Orders in it.
    pub orders: Vec<ShipmentOrder>,
    /// Fulfillments in it.
    pub fulfillments: Vec<String>,
    /// Where it leaves.
    pub warehouse: Named,
    /// State of the parcel.
    pub shipment_state: String,
    /// Why it must stop; empty when it may go.
    pub stop_reason: String,
    /// State of the live waybill.
    pub waybill_state: Option<String>,
    /// Its number.
    pub waybill_number: Option<String>,
    /// The carrier's words, when it refused or is in doubt.
    pub waybill_message: String,
    /// Carrier.
    pub carrier: String,
    /// Service.
    pub service: String,
    /// Who receives, masked.
    pub recipient: MaskedRecipient,
    /// What is in it.
    pub items: Vec<ShipmentItem>,
    /// Expected weight.
    pub weight_grams: i64,
    /// Weighed at the bench.
    pub measured_grams: Option<i64>,
    /// Earliest promise of its orders.
    pub ship_by: Option<Time>,
    /// Why it is urgent.
    pub urgent: String,
    /// Labels printed so far.
    pub print_count: i64,
    /// When the label was printed first.
    pub printed_at: Option<Time>,
    /// When it was closed.
    pub packed_at: Option<Time>,
    /// When it left.
    pub handed_over_at: Option<Time>,
    /// When it arrived.
    pub delivered_at: Option<Time>,
    /// Scans, in the whole parcel only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tracking: Vec<TrackingDto>,
    /// Why this carrier and service.
    #[schema(value_type = Object)]
    pub trace: serde_json::Value,
    /// When it was composed.
    pub created_at: Time,
    /// For `If-Match`.
    pub version: i64,
}

/// A document to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDocument {
    /// `label · pick_list · packing_slip · manifest`.
    pub kind: String,
    /// Shipments.
    pub ids: Vec<String>,
    /// Which station prints it.
    #[serde(default)]
    pub station: String,
    /// Needed for a second label of one waybill.
    #[serde(default)]
    pub cause: String,
    /// `zh-CN · en`, for slips.
    #[serde(default)]
    pub locale: String,
}

/// A line of the print ledger.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PrintDto {
    /// Id.
    pub id: String,
    /// Batch it came out with.
    pub batch_id: String,
    /// When.
    pub at: Time,
    /// Which station.
    pub station: String,
    /// By whom.
    pub user: Option<Named>,
    /// What kind of document.
    pub kind: String,
    /// Which parcel.
    pub shipment_id: String,
    /// Its number.
    pub waybill_number: Option<String>,
    /// 1, 2, …
    pub copy: i64,
    /// Why again.
    pub cause: String,
}

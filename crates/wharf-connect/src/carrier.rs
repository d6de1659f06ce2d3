//! What every carrier does: sell a waybill once, find it again, take it back.

use crate::{Call, ConnectError};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_domain::address::Recipient;
use wharf_domain::money::Money;
use wharf_domain::time::Timestamp;

/// Who sends.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sender {
    /// Contact.
    pub name: String,
    /// Phone.
    pub phone: String,
    /// Where.
    pub region: wharf_domain::address::Region,
    /// Street.
    pub address: String,
}

/// One order inside a parcel, as its channel knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelOrder {
    /// Manifest id of the order's channel.
    pub channel: String,
    /// The channel's order id.
    pub external_id: String,
    /// The seller's id on the channel, where a carrier wants it.
    pub seller_id: Option<String>,
}

/// Everything a carrier needs to sell one waybill.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct BookRequest {
    /// Unique for ever for this parcel: the same reference never buys twice. Digits and letters, at most 32.
    pub client_reference: String,
    /// The carrier's service word.
    pub service: String,
    /// Who sends.
    pub sender: Sender,
    /// Who receives; may be masked with a token.
    pub recipient: Recipient,
    /// The orders in the parcel.
    pub orders: Vec<ParcelOrder>,
    /// Item names and counts.
    pub items: Vec<(String, i64)>,
    /// Weight in grams.
    pub weight_grams: i64,
    /// Length, width, height in millimetres; zeros when unknown.
    pub size_mm: [i64; 3],
    /// Declared value.
    pub value: Money,
}

/// A bought waybill.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Booked {
    /// The waybill number.
    pub number: String,
    /// The carrier's own code as channels know it (`ZTO`, `SF`, …).
    pub carrier_code: String,
    /// What people call the carrier.
    pub carrier_name: String,
    /// What the printed label is made from.
    pub label: LabelSource,
    /// What it costs, where the answer says so.
    pub cost: Option<Money>,
}

/// Where the label comes from.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LabelSource {
    /// We draw it; these are the carrier's routing words.
    Drawn {
        /// The big code: sorting centre or region.
        routing_code: String,
        /// Its name.
        routing_name: String,
    },
    /// A finished document.
    Document {
        /// Media type.
        media_type: String,
        /// Base64 bytes.
        base64: String,
    },
    /// Print data of a platform's local print component, kept verbatim: a signature covers it. `fields` is what could
    /// be read from it for a drawn copy.
    PrintData {
        /// Verbatim.
        data: String,
        /// Readable fields such as the routing code and name.
        fields: std::collections::BTreeMap<String, String>,
    },
}

/// A price for a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateQuote {
    /// Service word.
    pub service: String,
    /// Price.
    pub price: Money,
    /// Days to delivery, as promised.
    pub days: Option<i64>,
}

/// One scan of a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackingUpdate {
    /// When.
    pub at: Timestamp,
    /// What it means, in neutral words.
    pub meaning: wharf_domain::word::Observed<wharf_domain::shipment::ShipmentState>,
    /// In the carrier's words.
    pub text: String,
    /// Where, as the carrier says.
    pub place: String,
}

/// What every carrier does.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// Buys one waybill. A repeated `client_reference` must give the same number where the carrier can; where it cannot,
    /// the caller looks with [`Carrier::find`] before it asks again.
    async fn book(&self, call: &Call<'_>, request: &BookRequest) -> Result<Booked, ConnectError>;
    /// The waybill bought under a client reference, if there is one. `Ok(None)` is a certain "no".
    async fn find(&self, call: &Call<'_>, request: &BookRequest) -> Result<Option<Booked>, ConnectError>;
    /// Gives a waybill back. Giving back twice is success.
    async fn void(&self, call: &Call<'_>, carrier_code: &str, number: &str) -> Result<(), ConnectError>;
    /// Scans so far; `None` when this carrier does not tell.
    async fn track(&self, call: &Call<'_>, carrier_code: &str, number: &str, order: Option<&ParcelOrder>) -> Result<Option<Vec<TrackingUpdate>>, ConnectError>;
    /// Services that may be chosen, with names.
    fn services(&self) -> &'static [(&'static str, crate::Label)];
}

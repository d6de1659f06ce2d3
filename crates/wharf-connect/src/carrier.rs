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
    /// The number that was taken from the seller's own pool for this client reference, in the transaction of the intent.
    /// Only carriers with [`Carrier::numbers`] need it; `None` for all others.
    pub allotted_number: Option<String>,
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
    async fn track(
        &self,
        call: &Call<'_>,
        carrier_code: &str,
        number: &str,
        order: Option<&ParcelOrder>,
    ) -> Result<Option<Vec<TrackingUpdate>>, ConnectError>;
    /// Services that may be chosen, with names.
    fn services(&self) -> &'static [(&'static str, crate::Label)];
    /// True when this carrier itself turns a channel's address token into the address on its label. Parcels whose address is
    /// only a token go by no other.
    fn opens_tokens(&self) -> bool {
        false
    }
    /// Numbers that the seller owns: present when the pool is ours and the store must allot.
    fn numbers(&self) -> Option<&dyn OwnNumbers> {
        None
    }
    /// What the account may send with: branches, what is left of their numbers, and from which addresses.
    fn subscriptions(&self) -> Option<&dyn Subscriptions> {
        None
    }
}

/// A carrier whose waybill numbers were given to the seller in advance. The connector knows how the numbers are made, the
/// store keeps which are taken: it allots one to the client reference in the transaction of the intent
/// ([`BookRequest::allotted_number`]) and frees it when the waybill is voided.
pub trait OwnNumbers: Send + Sync {
    /// At most `count` numbers of the pool that the settings describe, in rising order, beginning after the serial number
    /// `after` (`None`: at the start). Each comes with its serial. Empty when the range is used up or none is described.
    fn numbers_after(&self, settings: &crate::Settings, after: Option<i64>, count: usize) -> Result<Vec<(i64, String)>, ConnectError>;
    /// Whether `number` could be one of this carrier's: right prefix, length and check digit. For numbers from a file.
    fn check(&self, settings: &crate::Settings, number: &str) -> Result<(), ConnectError>;
}

/// One branch that sells numbers to the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The carrier's code as channels know it.
    pub carrier_code: String,
    /// The branch's code.
    pub branch_code: String,
    /// The branch's name.
    pub branch_name: String,
    /// Numbers left; `None` when this carrier does not count.
    pub balance: Option<i64>,
    /// The only places a parcel may be sent from: region and street.
    pub addresses: Vec<(wharf_domain::address::Region, String)>,
}

/// What an account may send with.
#[async_trait]
pub trait Subscriptions: Send + Sync {
    /// All branches, or those of one carrier.
    async fn branches(&self, call: &Call<'_>, carrier_code: Option<&str>) -> Result<Vec<Subscription>, ConnectError>;
}

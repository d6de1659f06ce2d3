//! The label of our own carriers: 100 × 150 mm, one page a parcel, any number of parcels in one file.

use crate::Party;
use wharf_domain::money::Money;

/// One kind of thing in the parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelItem {
    /// The short name or code by which the packer knows it.
    pub name: String,
    /// Pieces.
    pub quantity: u32,
}

/// Everything on one label. Empty texts and `None` leave their place empty; nothing is invented.
#[derive(Clone, PartialEq, Eq)]
pub struct LabelData {
    /// The carrier's name as people say it.
    pub carrier: String,
    /// The service bought (次日达, economy); may be empty.
    pub service: String,
    /// What the sorter reads from two metres away: the carrier's sorting code, or the city and district; may be empty.
    pub routing_code: String,
    /// Smaller text under the routing code, such as the consolidation centre; may be empty.
    pub routing_name: String,
    /// The waybill number: the barcode, the QR code and the text under it. Printable ASCII.
    pub waybill_number: String,
    /// Who sends.
    pub sender: Party,
    /// Who receives, as much as the printed label may show.
    pub recipient: Party,
    /// The channel's numbers of the orders in the parcel.
    pub order_references: Vec<String>,
    /// What is in the parcel.
    pub items: Vec<LabelItem>,
    /// Weight of the parcel.
    pub weight_grams: Option<u32>,
    /// Money that the courier collects at the door.
    pub collect: Option<Money>,
    /// A remark for the courier or the packer; may be empty.
    pub remark: String,
    /// 1 for the first print; a reprint says so on the paper.
    pub copy: u32,
}

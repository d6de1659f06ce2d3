//! The hand-over manifest: the parcels that one driver takes from one warehouse, with totals and the lines he signs.

use wharf_domain::{money::Money, time::Timestamp};

/// One parcel on the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestParcel {
    /// The waybill number.
    pub waybill_number: String,
    /// The service bought; may be empty.
    pub service: String,
    /// The channel's numbers of the orders inside.
    pub order_references: Vec<String>,
    /// Where it goes, as a list may show it: province and city.
    pub destination: String,
    /// Weight of the parcel.
    pub weight_grams: Option<u32>,
    /// Money that the courier collects at the door.
    pub collect: Option<Money>,
}

/// One manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestData {
    /// Its number: printed as a barcode too when it is not empty.
    pub number: String,
    /// The warehouse that hands over.
    pub warehouse: String,
    /// The carrier.
    pub carrier: String,
    /// The carrier account; may be empty.
    pub account: String,
    /// When the parcels were handed over, if they were.
    pub handed_over_at: Option<Timestamp>,
    /// The parcels, in the order in which they are listed.
    pub parcels: Vec<ManifestParcel>,
}

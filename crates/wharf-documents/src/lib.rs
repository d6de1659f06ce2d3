//! Labels, slips, lists, manifests and sheets: data in, bytes out. Nothing here does I/O, reads a clock or knows the store.
//!
//! A document is laid out once into pages of drawing operations (`page`); the PDF, PNG and ZPL writers draw those same
//! pages, so that what is on the screen is what comes out of the printer. Personal data passes through these structs on
//! its way to paper: none of them implements `Debug`.

pub mod barcode;
mod flow;
mod font;
pub mod label;
pub mod manifest;
pub mod packing_slip;
mod page;
mod party;
mod pdf;
pub mod pick_list;
mod raster;
pub mod sheet;
mod style;
mod text;
mod words;
mod zpl;

pub use font::Fonts;
pub use jiff::tz::TimeZone;
pub use label::{LabelData, label_png, labels_zpl, render_labels};
pub use manifest::{ManifestData, render_manifest};
pub use packing_slip::{PackingSlipData, render_packing_slips};
pub use party::Party;
pub use pick_list::{PickListData, render_pick_list};
pub use raster::Resolution;
pub use sheet::{Sheet, render_csv, render_xlsx};
use wharf_domain::time::Timestamp;

/// The language of a document's own words; what the data says stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Simplified Chinese.
    Zh,
    /// English.
    En,
}

/// What every page of one rendering carries: the language of its captions, when it was made, and in whose zone to say so.
#[derive(Debug, Clone)]
pub struct Imprint {
    /// Language of captions.
    pub language: Language,
    /// When the document is made: passed in, so that the same input gives the same bytes.
    pub printed_at: Timestamp,
    /// The zone in which times are written.
    pub zone: TimeZone,
}

/// Why a document could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// There is nothing to print.
    #[error("there is nothing to print")]
    Empty,
    /// A text cannot be written as the barcode that was asked for.
    #[error("{text:?} cannot be a {symbology} code: {cause}")]
    Barcode {
        /// `Code 128`, `EAN-13`, `QR`.
        symbology: &'static str,
        /// The text.
        text: String,
        /// Why not.
        cause: &'static str,
    },
    /// A font file cannot be read.
    #[error("the font cannot be used: {0}")]
    Font(String),
    /// The PDF writer refused.
    #[error("the PDF could not be written: {0}")]
    Pdf(String),
    /// The sheet writer refused.
    #[error("the sheet could not be written: {0}")]
    Sheet(String),
}

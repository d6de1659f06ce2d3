//! SKUs, bundles, listings and the links between them. A link is asked once and remembered for ever.

use crate::id::{BundleId, SkuId};
use serde::{Deserialize, Serialize};

/// What a listing resolves to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkTarget {
    /// One unit of the listing is `quantity` units of one SKU.
    Sku {
        /// The SKU.
        sku_id: SkuId,
        /// Units of it.
        quantity: i64,
    },
    /// One unit of the listing is one bundle.
    Bundle {
        /// The bundle.
        bundle_id: BundleId,
    },
}

/// The form in which seller codes are compared: full-width folded, blanks trimmed, case ignored. The raw form is kept.
pub fn normal_code(code: &str) -> String {
    code.chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            '\u{3000}' => ' ',
            other => other,
        })
        .collect::<String>()
        .trim()
        .to_lowercase()
}

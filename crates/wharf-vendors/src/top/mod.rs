//! TOP, the gateway protocol that several vendors of one group speak: signing, form, answers, errors, times. What an
//! operation means stays in its vendor's folder; nothing here knows an order. The family may name its members.

pub(crate) mod client;
pub(crate) mod errors;
pub(crate) mod sandbox;
pub(crate) mod sandbox_trace;
pub mod sign;
pub(crate) mod time;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

pub(crate) use client::Top;
pub use sign::{Params, SignMethod};

/// The word for orders of markets outside the group.
pub(crate) const OTHER_CHANNEL: &str = "OTHERS";

/// How the family's services call the market an order comes from, by the market's manifest id.
pub(crate) fn order_channel(vendor: &str) -> &'static str {
    match vendor {
        "taobao" => "TB",
        _ => OTHER_CHANNEL,
    }
}

/// Scans of the parcel of a trade.
pub(crate) const TRACE_METHOD: &str = "taobao.logistics.trace.search";

//! Typed 64-bit, time-ordered identifiers, made by the application: integers in SQL, strings in JSON and URLs.
//!
//! Layout, high to low: 41 bits milliseconds since 2024-01-01, 10 bits node (leased from the database), 12 bits
//! sequence. The sign bit stays 0. The generator takes its time from the caller.

use crate::time::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};

/// 2024-01-01T00:00:00Z in milliseconds since the Unix epoch.
pub const ID_EPOCH_MILLIS: i64 = 1_704_067_200_000;
/// The number of distinct nodes that may make ids at once.
pub const NODES: u16 = 1024;

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { self.0.fmt(f) }
        }
        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> { text.parse().map($name) }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.collect_str(&self.0) }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl serde::de::Visitor<'_> for Visitor {
                    type Value = i64;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("an id as a string of digits") }
                    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<i64, E> { v.parse().map_err(E::custom) }
                    fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<i64, E> { Ok(v) }
                    fn visit_u64<E: serde::de::Error>(self, v: u64) -> Result<i64, E> { i64::try_from(v).map_err(E::custom) }
                }
                d.deserialize_any(Visitor).map($name)
            }
        }
        impl From<i64> for $name { fn from(raw: i64) -> Self { $name(raw) } }
        impl From<$name> for i64 { fn from(id: $name) -> i64 { id.0 } }
    )+};
}

ids! {
    /// One seller account on a channel.
    ShopId,
    /// One order of one buyer in one shop.
    OrderId,
    /// One line of an order.
    OrderLineId,
    /// What a shop sells, as the channel shows it.
    ListingId,
    /// What a warehouse counts.
    SkuId,
    /// Sold as one, shipped as several SKUs.
    BundleId,
    /// A place that holds stock.
    WarehouseId,
    /// An account with a carrier: who pays, which branch.
    CarrierAccountId,
    /// The work for one order in one warehouse.
    FulfillmentId,
    /// One order line's part of a fulfillment.
    FulfillmentLineId,
    /// One parcel to one recipient from one warehouse.
    ShipmentId,
    /// The purchase of a label for a shipment.
    WaybillId,
    /// The obligation to tell one channel about one order in one shipment.
    ConfirmationId,
    /// One order that is to be called off.
    CancellationId,
    /// A reason why an order must not move.
    HoldId,
    /// What a check saw.
    FindingId,
    /// Work that must still happen.
    JobId,
    /// A person who signs in.
    UserId,
    /// A named set of permissions and scope.
    RoleId,
    /// One sign-in.
    SessionId,
    /// One API token.
    TokenId,
    /// One imported file or set of files.
    ImportBatchId,
    /// A long-running bulk action with progress.
    OperationId,
    /// Fulfillments picked together.
    WaveId,
    /// Any other row.
    RowId,
}

/// Makes ids that are unique on its node and rise with time. Wait-free; safe to share between threads.
#[derive(Debug)]
pub struct IdSource {
    node: u16,
    last: AtomicU64,
}

impl IdSource {
    /// A source for a node number below [`NODES`]; no two running processes may share one.
    pub fn new(node: u16) -> Self {
        IdSource { node: node % NODES, last: AtomicU64::new(0) }
    }

    /// The next id. When the clock stands still, jumps back, or more than 4,096 ids are asked in a millisecond, the
    /// time part runs ahead of the clock rather than repeating.
    pub fn next(&self, now: Timestamp) -> i64 {
        let millis = (now.micros().div_euclid(1000) - ID_EPOCH_MILLIS).max(0) as u64;
        let floor = millis << 12;
        let taken = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(floor.max(last + 1))).unwrap_or(floor);
        let tick = floor.max(taken + 1);
        (((tick >> 12) << 22) | (u64::from(self.node) << 12) | (tick & 0xfff)) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_rise_even_when_the_clock_does_not() {
        let source = IdSource::new(7);
        let now = Timestamp::from_millis(ID_EPOCH_MILLIS + 5);
        let mut last = 0;
        for step in 0..20_000 {
            let id = source.next(if step % 3 == 0 { now.plus(-5_000) } else { now });
            assert!(id > last, "step {step}: {id} after {last}");
            last = id;
        }
    }

    #[test]
    fn ids_are_strings_in_json_beyond_two_to_the_53() {
        let id = OrderId(9_007_199_254_740_993);
        let json = serde_json::to_string(&id).expect("serialises");
        assert_eq!(json, "\"9007199254740993\"");
        assert_eq!(serde_json::from_str::<OrderId>(&json).expect("parses"), id);
    }
}

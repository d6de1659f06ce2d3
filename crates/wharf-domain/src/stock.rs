//! The stock ledger: levels, append-only movements, reservations. Movements are the only writer of levels.

use crate::words;

words! {
    /// The condition of counted goods.
    pub enum Condition {
        /// Sellable.
        Good = "good",
        /// Not sellable.
        Defective = "defective",
    }
}

words! {
    /// Why a level changed.
    pub enum MovementKind {
        /// Goods came in.
        Received = "received",
        /// Promised to an order line (reserved rises).
        Reserved = "reserved",
        /// A promise ended without shipping (reserved falls).
        Released = "released",
        /// Goods left with a parcel (both fall).
        Shipped = "shipped",
        /// A correction with a reason.
        Adjusted = "adjusted",
        /// Moved between warehouses.
        Transferred = "transferred",
        /// A count replaced the number.
        Counted = "counted",
        /// Goods came back.
        Returned = "returned",
    }
}

words! {
    /// The life of a reservation.
    pub enum ReservationState {
        /// The stock is promised.
        Held = "held",
        /// The promise ended without goods leaving.
        Released = "released",
        /// The goods left.
        Consumed = "consumed",
    }
}

/// One stock level. `available = on_hand − reserved − safety`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Level {
    /// Physically there.
    pub on_hand: i64,
    /// Promised.
    pub reserved: i64,
    /// Never sold.
    pub safety: i64,
    /// Expected.
    pub inbound: i64,
}

impl Level {
    /// What may still be promised. Negative when safety stock is already promised.
    pub const fn available(&self) -> i64 {
        self.on_hand - self.reserved - self.safety
    }

    /// Law 2: `0 ≤ reserved ≤ on_hand`.
    pub const fn is_lawful(&self) -> bool {
        0 <= self.reserved && self.reserved <= self.on_hand
    }
}

//! Instants: microseconds since 1970-01-01T00:00:00Z. UTC at rest; zones exist only on a channel's wire and on screens.

use serde::{Deserialize, Serialize};

/// An instant in microseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// One second in microseconds.
pub const SECOND: i64 = 1_000_000;
/// One minute in microseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// One hour in microseconds.
pub const HOUR: i64 = 60 * MINUTE;
/// One day of 24 hours in microseconds.
pub const DAY: i64 = 24 * HOUR;

impl Timestamp {
    /// From whole seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Timestamp(seconds * SECOND)
    }
    /// From whole milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Timestamp(millis * 1000)
    }
    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }
    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }
    /// This instant moved by `micros` (negative moves back), saturating.
    pub const fn plus(self, micros: i64) -> Self {
        Timestamp(self.0.saturating_add(micros))
    }
    /// Microseconds from `earlier` to this instant.
    pub const fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
    /// The start of the UTC hour that holds this instant.
    pub const fn hour_floor(self) -> Self {
        Timestamp(self.0.div_euclid(HOUR) * HOUR)
    }
    /// The start of the UTC day that holds this instant.
    pub const fn day_floor(self) -> Self {
        Timestamp(self.0.div_euclid(DAY) * DAY)
    }
}

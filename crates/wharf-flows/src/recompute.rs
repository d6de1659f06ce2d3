//! The one writer of phase, counters and rollups.

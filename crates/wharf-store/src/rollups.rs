//! Counters and rollups, kept in the transaction of the change that moves them.

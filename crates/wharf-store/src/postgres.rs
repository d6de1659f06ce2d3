//! The shared engine: a pool, FOR UPDATE SKIP LOCKED, LISTEN/NOTIFY.

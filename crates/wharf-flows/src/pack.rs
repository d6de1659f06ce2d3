//! The pack station: scan, verify, weigh, close.

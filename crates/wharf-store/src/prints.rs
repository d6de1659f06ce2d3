//! The print ledger.

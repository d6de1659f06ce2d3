//! Batches of documents and the print ledger.

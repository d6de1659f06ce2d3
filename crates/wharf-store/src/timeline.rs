//! Append-only facts on orders.

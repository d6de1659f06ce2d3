//! Holds and findings, one open row per (order, reason) and (order, code).

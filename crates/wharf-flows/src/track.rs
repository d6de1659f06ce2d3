//! Scans and deliveries arrive.

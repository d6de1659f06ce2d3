//! Lanes, claims, leases, backoff, graceful stop.

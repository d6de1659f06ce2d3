//! The simulated market: shops, listings, buyers who buy, pay, cancel and complain; faults on demand. Deterministic by
//! seed, durable on disk.

/// One market that all sandboxes speak for.
#[derive(Debug)]
pub struct World {}

//! Shops: sealed credentials, cursor, policy, health.

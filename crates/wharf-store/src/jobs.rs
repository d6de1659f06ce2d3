//! The job table: the outbox, claims, leases, backoff, schedules and shared pace.

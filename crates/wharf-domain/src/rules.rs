//! Approval policy: what lets an order pass by itself, and the trace it leaves.

//! Placing and releasing holds.

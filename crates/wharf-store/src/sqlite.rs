//! The embedded engine: one writer with group commit, readers in place.

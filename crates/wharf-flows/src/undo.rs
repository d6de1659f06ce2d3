//! Undoing a bulk action while that is still true.

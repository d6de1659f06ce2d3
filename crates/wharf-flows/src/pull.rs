//! Pulling pages of a window; completeness; silence.

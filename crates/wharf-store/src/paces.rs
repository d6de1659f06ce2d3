//! paces.

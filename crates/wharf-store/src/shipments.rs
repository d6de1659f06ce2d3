//! Parcels and their lines.

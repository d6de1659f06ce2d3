//! Listings linked to SKUs and bundles, asked once.

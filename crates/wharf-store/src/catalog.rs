//! SKUs, barcodes, bundles, listings and their links.

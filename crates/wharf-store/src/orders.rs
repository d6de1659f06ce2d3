//! Orders and lines, set-based: load a batch, save a batch.

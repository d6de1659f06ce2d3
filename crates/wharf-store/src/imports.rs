//! Import batches and their files.

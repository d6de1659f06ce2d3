//! The complete list of differences between the engines.

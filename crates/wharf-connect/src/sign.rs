//! Signing primitives that several protocols share: digests and their hexadecimal spelling.

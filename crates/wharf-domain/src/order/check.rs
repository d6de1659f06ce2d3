//! Checks: facts in, findings out. A block finding places a hold.

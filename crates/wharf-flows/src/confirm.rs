//! Telling the channel, exactly once.

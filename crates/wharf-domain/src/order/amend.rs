//! What changed between what we know and what the channel says now, and what that change must stop.

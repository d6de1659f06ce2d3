//! Edits by people: address, notes, tags, assignee.

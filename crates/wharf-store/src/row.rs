//! Row to value, strictly: an impossible row is an error that names table, column and id.

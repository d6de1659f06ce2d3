//! Lists, search and counts of orders: keyset pages, never an offset.

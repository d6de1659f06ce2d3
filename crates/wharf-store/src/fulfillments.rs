//! The work for one order in one warehouse, its lines and the items to pick.

//! A page of channel orders becomes rows, in one set-based transaction.

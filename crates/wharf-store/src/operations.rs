//! Long bulk actions: progress, tally, results, and what undo puts back.

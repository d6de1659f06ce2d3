//! Where each line ships from: decided for a whole batch at once, with the reasons of those that lost.

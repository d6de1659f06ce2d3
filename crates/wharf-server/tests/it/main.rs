//! The one integration binary: the program from outside, and the rules of the house as tests.

mod api;
mod contract;
mod doctor;
mod house;
mod law12;
mod lists;
mod order_to_label;
mod rooms;
mod tidy;
mod town;

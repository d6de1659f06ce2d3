//! From an approved order to a confirmed parcel, on every engine: the laws of stock and counters under races, every step
//! broken before and after its effect and repeated, and the bench. The other side is a vendor that counts effects.

pub mod bed;
mod bench;
mod cancel;
mod exactly_once;
pub mod fake;
mod laws;
mod routing;
mod verbs;

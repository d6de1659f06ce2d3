//! TOP, the gateway protocol that several vendors of one group speak: signing, form, answers, errors, times. What an
//! operation means stays in its vendor's folder; nothing here knows an order. The family may name its members.

pub(crate) mod client;
pub(crate) mod errors;
pub mod sign;
pub(crate) mod time;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

pub(crate) use client::Top;
pub use sign::{Params, SignMethod};

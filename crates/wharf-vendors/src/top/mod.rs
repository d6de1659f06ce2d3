//! TOP, the gateway protocol that several vendors of one group speak: signing, form, answers, errors, times. What an
//! operation means stays in its vendor's folder; nothing here knows an order. The family may name its members.

pub mod sign;

pub use sign::{Params, SignMethod};

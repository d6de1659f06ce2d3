//! The words, facts, states and laws of Wharf.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock, no randomness. What the other crates do
//! with the world is decided here first. The nouns are those of `DOMAIN.md` and `GLOSSARY.md`, and no others.

pub mod access;
pub mod address;
pub mod allocation;
pub mod cancellation;
pub mod catalog;
pub mod confirmation;
pub mod divisions;
pub mod fulfillment;
pub mod geo;
pub mod hold;
pub mod id;
pub mod metrics;
pub mod money;
pub mod order;
pub mod routing;
pub mod rules;
pub mod shipment;
pub mod stock;
pub mod time;
pub mod timeline;
pub mod tracking;
pub mod waybill;
pub mod word;

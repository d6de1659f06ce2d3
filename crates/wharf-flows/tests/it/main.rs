//! Flows on both engines: laws as properties, every step broken and repeated.

mod bulk;
mod channel;
mod fixture;
mod gather;
mod ingest;
mod laws;
mod lists;
mod parcels;
mod pull;
mod steps;

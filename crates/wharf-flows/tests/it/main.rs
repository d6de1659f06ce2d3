//! Flows on both engines: laws as properties, every step broken and repeated.

mod bulk;
mod channel;
mod fixture;
mod gather;
mod ingest;
mod lists;
mod parcels;
mod pull;

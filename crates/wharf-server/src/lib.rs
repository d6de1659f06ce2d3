//! The faces of Wharf: HTTP, command line, configuration, the simulated market over loopback. A library, so that tests run the
//! very router and the very set-up that the program runs; `main.rs` only starts the command line.

mod archive;
pub mod cli;
pub mod clock;
pub mod config;
pub mod http;
pub mod market;
pub mod seed;
pub mod setup;

//! The command line: one file a subcommand. Exit 0 done, 1 failed with a message that says what to do, 2 usage.

pub mod backup;
pub mod demo;
pub mod doctor;
pub mod export;
pub mod import;
pub mod log;
pub mod openapi;
pub mod restore;
pub mod sandbox;
pub mod serve;
pub mod user;
pub mod worker;

use crate::config::StoreArgs;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Wharf: every shop's orders in one place, on your own machine.
#[derive(Debug, Parser)]
#[command(name = "wharf", version, about, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    store: StoreArgs,
    /// More on standard error (`-v` debug, `-vv` trace); `WHARF_LOG` takes a filter
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    /// Log lines as JSON
    #[arg(long, env = "WHARF_LOG_JSON", global = true)]
    log_json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start with sample shops on a simulated market: no keys, no network
    Demo(demo::Args),
    /// Serve the application and run jobs
    Serve(serve::Args),
    /// Run jobs only; any number of them share a PostgreSQL database
    Worker(worker::Args),
    /// Run the simulated marketplaces alone
    Sandbox(sandbox::Args),
    /// Write everything in open formats, with a manifest and checksums
    Export(export::Args),
    /// Copy the database into one file while it runs
    Backup(backup::Args),
    /// Put a backup back into an empty data folder
    Restore(restore::Args),
    /// Read files of orders into a shop
    Import(import::Args),
    /// Compare every counter with its facts; exit 1 on drift
    Doctor(doctor::Args),
    /// People
    User(user::Args),
    /// Print the OpenAPI document
    Openapi(openapi::Args),
}

/// Runs the chosen subcommand.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let store = cli.store;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Demo(args) => demo::run(&store, &args).await,
            Command::Serve(args) => serve::run(&store, &args).await,
            Command::Worker(args) => worker::run(&store, &args).await,
            Command::Sandbox(args) => sandbox::run(&store, &args).await,
            Command::Export(args) => export::run(&store, &args).await,
            Command::Backup(args) => backup::run(&store, &args).await,
            Command::Restore(args) => restore::run(&store, &args).await,
            Command::Import(args) => import::run(&store, &args).await,
            Command::Doctor(args) => doctor::run(&store, &args).await,
            Command::User(args) => user::run(&store, &args).await,
            Command::Openapi(args) => openapi::run(&args),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}

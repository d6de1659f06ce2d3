//! `wharf`: one executable; roles are subcommands.

mod cli;
mod clock;
mod config;
mod archive;
mod http;
mod market;
mod seed;
mod setup;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    cli::log::start(&cli);
    match cli::run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("wharf: {error:#}");
            ExitCode::from(1)
        }
    }
}

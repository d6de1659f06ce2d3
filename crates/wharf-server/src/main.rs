//! `wharf`: one executable; roles are subcommands.

use clap::Parser;
use std::process::ExitCode;
use wharf_server::cli;

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

//! `wharf openapi`: the API document that the web application's client is made from.

use std::process::ExitCode;

/// Arguments of `wharf openapi`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints it.
pub fn run(_: &Args) -> anyhow::Result<ExitCode> {
    println!("{}", serde_json::to_string_pretty(&crate::http::openapi())?);
    Ok(ExitCode::SUCCESS)
}

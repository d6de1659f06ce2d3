//! `wharf worker`: jobs only; any number of them share a PostgreSQL database.

use crate::config::{Config, StoreArgs};
use crate::setup;
use std::process::ExitCode;
use std::sync::Arc;

/// Arguments of `wharf worker`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Works until told to stop, then lets what is under way end.
pub async fn run(store: &StoreArgs, _: &Args) -> anyhow::Result<ExitCode> {
    let config = Config::load(store)?;
    if config.database.starts_with("sqlite:") {
        eprintln!("wharf: an embedded database is best served by one process: `wharf serve` runs jobs itself");
    }
    let app = Arc::new(setup::open_app(setup::open_store(&config)?)?);
    let jobs = super::serve::start_jobs(app);
    super::serve::until_told_to_stop().await;
    jobs.end().await;
    Ok(ExitCode::SUCCESS)
}

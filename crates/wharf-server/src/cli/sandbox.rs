//! `wharf sandbox`: the simulated marketplaces alone.

use crate::config::{Config, StoreArgs};
use crate::market;
use std::net::SocketAddr;
use std::process::ExitCode;

/// Arguments of `wharf sandbox`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address to answer on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// The same seed gives the same market
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Orders a minute
    #[arg(long)]
    rate: Option<f64>,
    /// One line of JSON when ready
    #[arg(long)]
    json: bool,
}

/// Runs until it is told to stop.
pub async fn run(store: &StoreArgs, args: &Args) -> anyhow::Result<ExitCode> {
    let config = Config::load(store)?;
    let market = market::open(&config.data.join("market"), args.seed, args.rate, args.listen).await?;
    if args.json {
        println!("{}", serde_json::json!({ "world": market.origin }));
    } else {
        println!("The market answers on {0} (truth: {0}/_world/orders)", market.origin);
    }
    super::serve::until_told_to_stop().await;
    Ok(ExitCode::SUCCESS)
}

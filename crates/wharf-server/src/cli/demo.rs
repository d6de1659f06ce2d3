//! `wharf demo`: sample shops on a simulated market, over the real protocols; no keys, no network.

use super::serve;
use crate::config::{Config, StoreArgs};
use crate::{market, seed, setup};
use anyhow::Context;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use wharf_connect::world::{MarketPlan, World, demo};
use wharf_store::Clock;

/// Sign-in name of the demo's owner.
const LOGIN: &str = "demo";
/// Its password: the only default password there is, and it opens only a market that is made up.
const PASSWORD: &str = "wharf-demo";

/// Arguments of `wharf demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address to answer on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The same seed gives the same market
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Orders a minute
    #[arg(long)]
    rate: Option<f64>,
    /// A market that `wharf sandbox` runs at this URL, instead of one inside
    #[arg(long)]
    world: Option<String>,
    /// One line of JSON when ready
    #[arg(long)]
    json: bool,
}

/// Runs until it is told to stop. The data folder keeps both sides: what the market was told and what Wharf knows.
pub async fn run(store: &StoreArgs, args: &Args) -> anyhow::Result<ExitCode> {
    let mut store = store.clone();
    if store.data.is_none() && store.config.is_none() {
        store.data = Some(PathBuf::from("wharf-demo"));
    }
    let config = Config::load(&store)?;
    let sole = setup::serve_alone(&config)?;
    let (world, house) = match &args.world {
        Some(url) => {
            // The market's articles follow from its seed: the same seed gives the same house.
            let vendors = wharf_vendors::all();
            let market = World::in_memory(MarketPlan::demo(&vendors, args.seed, crate::clock::SystemClock.now()));
            (url.clone(), market.read(demo::house))
        }
        None => {
            let inside = market::open(&config.data.join("market"), args.seed, args.rate, SocketAddr::from(([127, 0, 0, 1], 0))).await?;
            let house = inside.world.read(demo::house);
            (inside.origin, house)
        }
    };
    let app = Arc::new(setup::open_app(setup::open_store(&config)?)?);
    setup::forget_the_dead(&app, &sole).await?;
    let started = serve::start(app.clone(), args.listen, &config).await?;
    setup::make_owner(&started.state, LOGIN, "演示店主", PASSWORD).await?;
    seed::furnish(&started.state, &world, house).await.context("the demo cannot start")?;
    let jobs = serve::start_jobs(app);
    if args.json {
        println!("{}", serde_json::json!({ "url": started.url, "login": LOGIN, "password": PASSWORD, "world": world }));
    } else {
        println!("Wharf answers on {}   sign in: {LOGIN} / {PASSWORD}", started.url);
        println!("The simulated market answers on {world}   its truth: {world}/_world/orders");
    }
    serve::until_told_to_stop().await;
    jobs.end().await;
    started.end().await;
    drop(sole);
    Ok(ExitCode::SUCCESS)
}

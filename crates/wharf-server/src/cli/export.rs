//! `wharf export DIR`: everything in open formats.

use crate::archive;
use crate::config::{Config, StoreArgs};
use crate::setup;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `wharf export`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A new folder
    dir: PathBuf,
    /// The manifest as JSON
    #[arg(long)]
    json: bool,
}

/// Writes a dump folder.
pub async fn run(store: &StoreArgs, args: &Args) -> anyhow::Result<ExitCode> {
    let store = setup::open_store(&Config::load(store)?)?;
    let manifest = archive::write_folder(&store, &args.dir, setup::now_text()).await?;
    if args.json {
        println!("{}", serde_json::to_string(&manifest)?);
    } else {
        let rows: u64 = manifest.tables.iter().map(|t| t.rows).sum();
        println!("{rows} rows of {} tables written to {}", manifest.tables.len(), args.dir.display());
    }
    Ok(ExitCode::SUCCESS)
}

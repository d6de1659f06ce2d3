//! `wharf restore FILE`: a backup or an export folder into an empty database.

use crate::archive;
use crate::config::{Config, StoreArgs};
use crate::setup;
use anyhow::Context;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `wharf restore`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A backup file or an export folder
    file: PathBuf,
}

/// Checks every checksum, then loads all of it or nothing.
pub async fn run(store: &StoreArgs, args: &Args) -> anyhow::Result<ExitCode> {
    let config = Config::load(store)?;
    let store = setup::open_store(&config)?;
    let manifest = if args.file.is_dir() {
        archive::load_folder(&store, &args.file).await?
    } else {
        let folder = config.data.join(format!("restore-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let loaded = match archive::unpack(&args.file, &folder) {
            Ok(()) => archive::load_folder(&store, &folder).await,
            Err(error) => Err(error),
        };
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        loaded?
    };
    let rows: u64 = manifest.tables.iter().map(|t| t.rows).sum();
    println!("{rows} rows restored from {}", args.file.display());
    Ok(ExitCode::SUCCESS)
}

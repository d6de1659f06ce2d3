//! `wharf backup FILE`: the whole database in one file, while it runs.

use crate::archive;
use crate::config::{Config, StoreArgs};
use crate::setup;
use anyhow::Context;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `wharf backup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file to write (`.tar.gz`)
    file: PathBuf,
}

/// Writes a backup. The key is not in it: keep a copy of the key file apart.
pub async fn run(store: &StoreArgs, args: &Args) -> anyhow::Result<ExitCode> {
    let config = Config::load(store)?;
    let store = setup::open_store(&config)?;
    let folder = config.data.join(format!("backup-{}", std::process::id()));
    let written =
        archive::write_folder(&store, &folder, setup::now_text()).await.and_then(|m| archive::pack(&folder, &args.file).map(|()| m));
    std::fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    let rows: u64 = written?.tables.iter().map(|t| t.rows).sum();
    println!("{rows} rows backed up to {}. The key is not in it: keep {} apart.", args.file.display(), setup::key_path(&config).display());
    Ok(ExitCode::SUCCESS)
}

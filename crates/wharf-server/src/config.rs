//! Settings: by flag, by `WHARF_*`, by `wharf.toml`, in this order. A secret never has a flag.

use anyhow::{Context, bail};
use clap::Args;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Where the data are and how they are reached.
#[derive(Debug, Clone, Args)]
pub struct StoreArgs {
    /// Database: `sqlite:PATH` or `postgres://…` (default: sqlite in the data folder)
    #[arg(long, env = "WHARF_DATABASE", global = true)]
    pub database: Option<String>,
    /// Data folder: database, key file, backups
    #[arg(long, env = "WHARF_DATA", global = true)]
    pub data: Option<PathBuf>,
    /// Settings file
    #[arg(long, env = "WHARF_CONFIG", global = true)]
    pub config: Option<PathBuf>,
}

/// `wharf.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// As `--database`.
    pub database: Option<String>,
    /// As `--data`.
    pub data: Option<PathBuf>,
    /// As `--listen`.
    pub listen: Option<String>,
    /// The session cookie only travels over TLS: set it behind a TLS proxy.
    #[serde(default)]
    pub secure_cookie: bool,
}

/// The settings in force.
#[derive(Debug, Clone)]
pub struct Config {
    /// Database URL.
    pub database: String,
    /// Data folder.
    pub data: PathBuf,
    /// What the file said.
    pub file: File,
}

impl Config {
    /// Puts flags, environment and file together and makes the data folder.
    pub fn load(args: &StoreArgs) -> anyhow::Result<Config> {
        let file = match &args.config {
            Some(path) => read(path)?,
            None if Path::new("wharf.toml").exists() => read(Path::new("wharf.toml"))?,
            None => File::default(),
        };
        let data = args.data.clone().or_else(|| file.data.clone()).unwrap_or_else(|| PathBuf::from("wharf-data"));
        std::fs::create_dir_all(&data)
            .with_context(|| format!("cannot make the data folder {}: choose another with --data", data.display()))?;
        let database = match args.database.clone().or_else(|| file.database.clone()) {
            Some(url) => url,
            None => format!("sqlite:{}", data.join("wharf.sqlite").display()),
        };
        if !(database.starts_with("sqlite:") || database.starts_with("postgres://") || database.starts_with("postgresql://")) {
            bail!("--database must be sqlite:PATH or postgres://…, not {database:?}");
        }
        Ok(Config { database, data, file })
    }
}

fn read(path: &Path) -> anyhow::Result<File> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the settings file {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("settings file {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_setting_is_an_error_that_names_it() {
        let error = toml::from_str::<File>("databse = 'sqlite:x'").expect_err("unknown field");
        assert!(error.to_string().contains("databse"), "{error}");
    }

    #[test]
    fn a_foreign_database_is_refused_with_the_two_that_work() {
        let folder = tempfile::tempdir().expect("folder");
        let args = StoreArgs { database: Some("mysql://x".into()), data: Some(folder.path().into()), config: None };
        let error = Config::load(&args).expect_err("mysql");
        assert!(error.to_string().contains("sqlite:PATH"), "{error}");
    }
}

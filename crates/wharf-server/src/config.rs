//! Settings: by flag, by `WHARF_*`, by `wharf.toml`, in this order. A secret never has a flag.

use anyhow::{Context, bail};
use clap::Args;
use jiff::tz::TimeZone;
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
    /// Zone of the times on labels, lists and in files, such as `Europe/Berlin` (default: the machine's, unless that is UTC)
    #[arg(long, env = "WHARF_ZONE", global = true)]
    pub zone: Option<String>,
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
    /// As `--zone`.
    pub zone: Option<String>,
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
    /// Zone of the times on paper and in files.
    pub zone: TimeZone,
    /// What the file said.
    pub file: File,
}

/// The zone of a machine that names none: where most of the channels' business days begin.
const HOME_ZONE: &str = "Asia/Shanghai";

/// The zone that was asked for, else the machine's. A machine that runs in UTC says nothing about where its people are.
fn zone(asked: Option<&str>) -> anyhow::Result<TimeZone> {
    if let Some(name) = asked {
        return TimeZone::get(name).with_context(|| format!("--zone {name:?} is no time zone: name it as in Europe/Berlin"));
    }
    let own =
        TimeZone::try_system().ok().filter(|zone| zone.iana_name().is_some_and(|name| name.contains('/') && !name.starts_with("Etc/")));
    own.map_or_else(|| TimeZone::get(HOME_ZONE).context("the zone table lacks the home zone"), Ok)
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
        let zone = zone(args.zone.as_deref().or(file.zone.as_deref()))?;
        Ok(Config { database, data, zone, file })
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
        let args = StoreArgs { database: Some("mysql://x".into()), data: Some(folder.path().into()), config: None, zone: None };
        let error = Config::load(&args).expect_err("mysql");
        assert!(error.to_string().contains("sqlite:PATH"), "{error}");
    }

    #[test]
    fn a_zone_is_known_or_refused_by_name() {
        assert_eq!(zone(Some("Europe/Berlin")).expect("known").iana_name(), Some("Europe/Berlin"));
        assert!(zone(Some("Mars/Olympus")).expect_err("unknown").to_string().contains("Mars/Olympus"));
        assert!(zone(None).expect("a default").iana_name().is_some_and(|name| name.contains('/')));
    }
}

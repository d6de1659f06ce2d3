//! Putting the parts together: keys, store, flows. Used by every subcommand.

use crate::clock::SystemClock;
use crate::config::Config;
use anyhow::Context;
use std::path::PathBuf;
use std::sync::Arc;
use wharf_connect::http::{HttpOptions, RealHttp};
use wharf_flows::app::App;
use wharf_store::{Clock, Keys, Store, StoreOptions};

/// Where the key is, unless `WHARF_KEY` holds it.
pub fn key_path(config: &Config) -> PathBuf {
    config.data.join("wharf.key")
}

/// The time as text, for manifests.
pub fn now_text() -> String {
    crate::http::input::rfc3339(SystemClock.now())
}

/// Opens the database with its keys, bringing its tables up to date.
pub fn open_store(config: &Config) -> anyhow::Result<Store> {
    let keys = match std::env::var("WHARF_KEY") {
        Ok(text) if !text.trim().is_empty() => Keys::parse(text.trim()).context("WHARF_KEY is no key")?,
        _ => Keys::load_or_create(&key_path(config)).with_context(|| format!("cannot use the key file {}", key_path(config).display()))?,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Store::open(&config.database, StoreOptions::new(clock, keys)).with_context(|| format!("cannot open the database {}", shown(&config.database)))
}

/// A database URL without its password.
fn shown(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}://…@{}", &url[..scheme], &url[at + 1..]),
        _ => url.to_owned(),
    }
}

/// Flows on a store, with the real way out.
pub fn open_app(store: Store) -> anyhow::Result<App> {
    let http = Arc::new(RealHttp::new(&HttpOptions::default())?);
    Ok(App::new(store, Arc::new(SystemClock), http, wharf_vendors::all()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(shown("postgres://wharf:secret@db:5432/wharf"), "postgres://…@db:5432/wharf");
        assert_eq!(shown("sqlite:/var/wharf.sqlite"), "sqlite:/var/wharf.sqlite");
    }
}

//! Putting the parts together: keys, store, flows. Used by every subcommand.

use crate::clock::SystemClock;
use crate::config::Config;
use crate::http::state::AppState;
use anyhow::Context;
use rand::TryRngCore;
use rand::rngs::OsRng;
use std::path::PathBuf;
use std::sync::Arc;
use wharf_connect::http::{HttpOptions, RealHttp};
use wharf_domain::access::{BuiltInRole, Scope};
use wharf_domain::word::Word;
use wharf_flows::app::App;
use wharf_store::users::{self, NewUser};
use wharf_store::{Clock, Keys, Store, StoreError, StoreOptions};

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
    Store::open(&config.database, StoreOptions::new(clock, keys))
        .with_context(|| format!("cannot open the database {}", shown(&config.database)))
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
    let mut seed = [0u8; 8];
    OsRng.try_fill_bytes(&mut seed)?;
    Ok(App::new(store, http, wharf_vendors::all(), Arc::new(SystemClock), u64::from_le_bytes(seed)))
}

/// A set-up step that cannot go on, with what to do.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// In words.
    #[error("{0}")]
    Other(String),
}

impl SetupError {
    /// In words.
    pub fn new(text: String) -> Self {
        SetupError::Other(text)
    }
}

/// Makes the built-in roles, and on an empty database the owner with a random password, which is returned once.
pub async fn first_owner(state: &AppState) -> anyhow::Result<Option<String>> {
    let password = crate::http::people::secret("first").map_err(|p| anyhow::anyhow!(p.detail))?[12..32].to_owned();
    make_owner(state, "owner", "Owner", &password).await.map(|made| made.then_some(password))
}

/// Makes the built-in roles, and on an empty database the first owner. False when there are people already.
pub async fn make_owner(state: &AppState, login: &str, name: &str, password: &str) -> anyhow::Result<bool> {
    let password_hash = state.people.hash(password)?;
    let (login, name) = (login.to_owned(), name.to_owned());
    let made = state
        .app
        .store
        .write(move |tx| -> Result<bool, SetupError> {
            users::ensure_built_in_roles(tx)?;
            if !users::list(tx)?.is_empty() {
                return Ok(false);
            }
            let role = users::role_by_name(tx, BuiltInRole::Owner.as_str())?
                .ok_or_else(|| SetupError::new("the owner's role is missing".into()))?;
            users::create(tx, &NewUser { login, name, password_hash, role_id: role.id, scope: Scope::ALL, locale: "zh-CN".into() })?;
            Ok(true)
        })
        .await?;
    Ok(made)
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

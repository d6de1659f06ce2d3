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

/// That this process alone serves the embedded database; it ends with the process, however that ends. Several processes
/// that serve are what PostgreSQL is for: there nothing is locked.
#[derive(Debug)]
pub struct Sole {
    lock: Option<std::fs::File>,
}

/// Takes the embedded database for this process, or says who has it. Jobs and tools may run beside.
pub fn serve_alone(config: &Config) -> anyhow::Result<Sole> {
    let Some(path) = config.database.strip_prefix("sqlite:").filter(|path| !path.contains(":memory:")) else {
        return Ok(Sole { lock: None });
    };
    let path = PathBuf::from(format!("{}.lock", path.trim_start_matches("//")));
    let file = std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot make the lock file {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Sole { lock: Some(file) }),
        Err(std::fs::TryLockError::WouldBlock) => anyhow::bail!(
            "another wharf serves {} already: stop it, choose another folder with --data, or use PostgreSQL with --database to serve from several processes",
            shown(&config.database)
        ),
        Err(std::fs::TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// Frees what calls of a process that died still hold, where no other process can be doing them.
pub async fn forget_the_dead(app: &App, sole: &Sole) -> anyhow::Result<()> {
    if sole.lock.is_some() {
        app.store.write(wharf_store::idempotency::abandon_all).await?;
    }
    Ok(())
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
    fn an_embedded_database_is_served_by_one_process_at_a_time() {
        let folder = tempfile::tempdir().expect("folder");
        let config = |database: String| Config {
            database,
            data: folder.path().into(),
            zone: jiff::tz::TimeZone::UTC,
            file: crate::config::File::default(),
        };
        let here = config(format!("sqlite:{}", folder.path().join("wharf.sqlite").display()));
        let first = serve_alone(&here).expect("the first");
        let refused = serve_alone(&here).expect_err("the second").to_string();
        assert!(refused.contains("another wharf serves") && refused.contains("--data"), "{refused}");
        let shared = config("postgres://wharf@db/wharf".into());
        let both = (serve_alone(&shared), serve_alone(&shared));
        assert!(both.0.is_ok() && both.1.is_ok(), "PostgreSQL is shared");
        drop(first);
        assert!(serve_alone(&here).is_ok(), "after the first has ended");
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(shown("postgres://wharf:secret@db:5432/wharf"), "postgres://…@db:5432/wharf");
        assert_eq!(shown("sqlite:/var/wharf.sqlite"), "sqlite:/var/wharf.sqlite");
    }
}

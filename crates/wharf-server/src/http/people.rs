//! Signing in: passwords (Argon2id), sessions, tokens. Secrets are random, stored hashed, shown once.

use super::guard::{Identity, Proof};
use super::problem::Problem;
use super::state::AppState;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use axum::http::StatusCode;
use rand::TryRngCore;
use rand::rngs::OsRng;
use wharf_domain::time::{DAY, Timestamp};
use wharf_store::audit::{self, AuditEntry};
use wharf_store::users::{self, Session, Token, User};

/// A session that nobody uses ends after this.
pub const SESSION_LIVES: i64 = 14 * DAY;
/// Shortest password.
pub const SHORTEST_PASSWORD: usize = 8;

/// Passwords and secrets.
pub struct People {
    argon: Argon2<'static>,
    /// Compared when a login does not exist, so that the time of the answer says nothing.
    decoy: String,
}

impl People {
    /// Argon2id with the parameters of OWASP's password storage guidance (19 MiB, 2 passes, 1 lane).
    pub fn new() -> anyhow::Result<Self> {
        let params = Params::new(19 * 1024, 2, 1, None).map_err(|e| anyhow::anyhow!("argon2: {e}"))?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash_with(&argon, "no such person")?;
        Ok(People { argon, decoy })
    }

    /// The stored form of a password.
    pub fn hash(&self, password: &str) -> anyhow::Result<String> {
        hash_with(&self.argon, password)
    }

    fn matches(&self, password: &str, stored: &str) -> bool {
        PasswordHash::new(stored).is_ok_and(|hash| self.argon.verify_password(password.as_bytes(), &hash).is_ok())
    }

    /// Checks a password and begins a session; answers the secret for the cookie.
    pub async fn sign_in(
        &self,
        state: &AppState,
        login: String,
        password: String,
        agent: String,
        address: String,
    ) -> Result<(Identity, String), Problem> {
        let wrong = || Problem::new(StatusCode::UNAUTHORIZED, "wrong_password", "login and password do not belong together");
        let asked = login.clone();
        let found = state.app.store.read(move |tx| users::by_login(tx, &asked)).await?;
        let now = state.app.now();
        if let Some(until) = found.as_ref().and_then(|(user, _)| user.locked_until).filter(|until| *until > now) {
            return Err(locked(until, now));
        }
        let stored = found.as_ref().map_or(self.decoy.clone(), |(_, hash)| hash.clone());
        let people = state.people.clone();
        let right = tokio::task::spawn_blocking(move || people.matches(&password, &stored))
            .await
            .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the password could not be checked"))?;
        let Some((user, _)) = found.filter(|(user, _)| user.disabled_at.is_none()) else { return Err(wrong()) };
        let id = user.id;
        if !right {
            let until = state
                .app
                .store
                .write(move |tx| {
                    audit::record(tx, entry(&login, Some(id), "sign_in_failed", &address))?;
                    users::sign_in_failed(tx, id)
                })
                .await?;
            return Err(until.map_or_else(wrong, |until| locked(until, now)));
        }
        let secret = secret("s")?;
        let hash = users::hash_token(&secret);
        let place = address.clone();
        let session = state
            .app
            .store
            .write(move |tx| {
                audit::record(tx, entry(&login, Some(id), "sign_in", &place))?;
                users::sign_in(tx, id, &hash, SESSION_LIVES, &agent.chars().take(200).collect::<String>(), &place)
            })
            .await?;
        Ok((identity(user, Proof::Session(session), address), secret))
    }

    /// Who a session secret belongs to.
    pub async fn by_session(&self, state: &AppState, secret: &str, address: String) -> Result<Option<Identity>, Problem> {
        let hash = users::hash_token(secret);
        let Some((user, session)) = state.app.store.read(move |tx| users::by_session(tx, &hash)).await? else { return Ok(None) };
        self.touch_session(state, &session).await?;
        Ok(Some(identity(user, Proof::Session(session.id), address)))
    }

    /// Who an API token belongs to.
    pub async fn by_token(&self, state: &AppState, secret: &str, address: String) -> Result<Option<Identity>, Problem> {
        let hash = users::hash_token(secret);
        let Some((user, token)) = state.app.store.read(move |tx| users::by_token(tx, &hash)).await? else { return Ok(None) };
        self.touch_token(state, &token).await?;
        Ok(Some(identity(user, Proof::Token(token.id), address)))
    }

    async fn touch_session(&self, state: &AppState, session: &Session) -> Result<(), Problem> {
        if users::wants_touch(session, state.app.now()) {
            let id = session.id;
            state.app.store.write(move |tx| users::touch_session(tx, id, SESSION_LIVES)).await?;
        }
        Ok(())
    }

    async fn touch_token(&self, state: &AppState, token: &Token) -> Result<(), Problem> {
        if users::token_wants_touch(token, state.app.now()) {
            let id = token.id;
            state.app.store.write(move |tx| users::touch_token(tx, id)).await?;
        }
        Ok(())
    }
}

fn hash_with(argon: &Argon2<'_>, password: &str) -> anyhow::Result<String> {
    let mut salt = [0u8; 16];
    OsRng.try_fill_bytes(&mut salt)?;
    let salt = SaltString::encode_b64(&salt).map_err(|e| anyhow::anyhow!("salt: {e}"))?;
    Ok(argon.hash_password(password.as_bytes(), &salt).map_err(|e| anyhow::anyhow!("argon2: {e}"))?.to_string())
}

/// A fresh secret: 32 random bytes in hexadecimal behind a prefix that tells leaked secrets apart.
pub fn secret(kind: &str) -> Result<String, Problem> {
    let mut bytes = [0u8; 32];
    OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the system gives no randomness"))?;
    Ok(format!("wharf_{kind}_{}", hex::encode(bytes)))
}

fn locked(until: Timestamp, now: Timestamp) -> Problem {
    let seconds = (until.since(now) / 1_000_000).max(1) as u64;
    Problem {
        retry_after: Some(seconds),
        ..Problem::new(StatusCode::TOO_MANY_REQUESTS, "locked", format!("too many wrong passwords: try again in {seconds} seconds"))
    }
}

fn identity(user: User, proof: Proof, address: String) -> Identity {
    Identity {
        user_id: user.id,
        login: user.login,
        name: user.name,
        role: user.role.name,
        locale: user.locale,
        permissions: user.role.permissions,
        scope: user.scope,
        proof,
        address,
    }
}

fn entry(actor: &str, user: Option<wharf_domain::id::UserId>, action: &str, address: &str) -> AuditEntry {
    AuditEntry {
        user_id: user,
        actor: actor.to_owned(),
        action: action.to_owned(),
        target_kind: "user".to_owned(),
        target_id: user.map(|u| u.0),
        detail: serde_json::json!({}),
        address: address.to_owned(),
    }
}

/// An audit entry of a signed-in person.
pub fn audited(who: &Identity, action: &str, target_kind: &str, target_id: Option<i64>, detail: serde_json::Value) -> AuditEntry {
    AuditEntry {
        user_id: Some(who.user_id),
        actor: who.login.clone(),
        action: action.to_owned(),
        target_kind: target_kind.to_owned(),
        target_id,
        detail,
        address: who.address.clone(),
    }
}

//! People, roles, sign-ins and API tokens. Secrets arrive here hashed: passwords by the server, tokens by [`hash_token`].
//! Every right is read from the role at the time of use, so that a change works at once.

use crate::error::StoreError;
use crate::row::Row;
use crate::tx::Tx;
use crate::value::Value;
use sha2::{Digest, Sha256};
use wharf_domain::access::{BuiltInRole, Permission, Scope};
use wharf_domain::id::{RoleId, SessionId, TokenId, UserId};
use wharf_domain::time::{MINUTE, Timestamp};
use wharf_domain::word::Word;

/// Wrong passwords in a row before an account is locked.
const MOST_FAILED: i64 = 8;
/// For how long.
const LOCKED_FOR: i64 = 10 * MINUTE;
/// `seen_at` and `used_at` are written at most this often.
const SEEN_EVERY: i64 = MINUTE;

/// A named set of permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Which.
    pub id: RoleId,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// Comes with Wharf and cannot be changed.
    pub built_in: bool,
}

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Which.
    pub id: UserId,
    /// What they type.
    pub login: String,
    /// What others see.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// Which shops and warehouses they work with.
    pub scope: Scope,
    /// Language.
    pub locale: String,
    /// When they were shut out.
    pub disabled_at: Option<Timestamp>,
    /// Until when too many wrong passwords lock them out.
    pub locked_until: Option<Timestamp>,
    /// Since when.
    pub created_at: Timestamp,
    /// For concurrent edits.
    pub version: i64,
}

/// A person to be added. No `Debug`: it holds a password hash.
#[derive(Clone)]
pub struct NewUser {
    /// What they type.
    pub login: String,
    /// What others see.
    pub name: String,
    /// Hash in PHC format.
    pub password_hash: String,
    /// Their role.
    pub role_id: RoleId,
    /// What they see.
    pub scope: Scope,
    /// Language.
    pub locale: String,
}

/// What may be changed of a person; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UserEdit {
    /// What others see.
    pub name: Option<String>,
    /// Their role.
    pub role_id: Option<RoleId>,
    /// What they see.
    pub scope: Option<Scope>,
    /// Language.
    pub locale: Option<String>,
    /// Shut out, or let in again.
    pub disabled: Option<bool>,
}

/// A sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when, unless it is used.
    pub expires_at: Timestamp,
    /// Last use.
    pub seen_at: Timestamp,
    /// Browser.
    pub user_agent: String,
    /// Network address.
    pub address: String,
}

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Which.
    pub id: TokenId,
    /// What for.
    pub name: String,
    /// Whose rights it narrows.
    pub user_id: UserId,
    /// What it may do, at most.
    pub scopes: Vec<Permission>,
    /// Since when.
    pub created_at: Timestamp,
    /// Last use.
    pub used_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// How a token or a session secret is stored. They are long and random: a plain hash is enough.
pub fn hash_token(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

fn words(permissions: &[Permission]) -> Value {
    Value::json(&permissions.iter().map(|permission| permission.as_str()).collect::<Vec<_>>())
}

/// Words that a newer program wrote are rights that this one does not have.
fn permissions(row: &Row, column: usize) -> Result<Vec<Permission>, StoreError> {
    let words: Vec<String> = row.json(column)?;
    Ok(words.iter().filter_map(|word| Permission::parse(word).ok()).collect())
}

/// Makes the built-in roles, and gives them the permissions of this version.
pub fn ensure_built_in_roles(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    for role in BuiltInRole::ALL {
        let id: RoleId = tx.new_id();
        tx.execute(
            "INSERT INTO roles (id, name, permissions, built_in) VALUES ($1, $2, $3, 1) \
             ON CONFLICT (name) DO UPDATE SET permissions = excluded.permissions, built_in = 1 WHERE roles.permissions <> excluded.permissions",
            &[id.into(), Value::word(*role), words(&role.permissions())],
        )?;
    }
    Ok(())
}

fn role(row: &Row) -> Result<Role, StoreError> {
    Ok(Role { id: row.id(0)?, name: row.text(1)?, permissions: permissions(row, 2)?, built_in: row.bool(3)? })
}

/// All roles, by name.
pub fn roles(tx: &mut Tx<'_>) -> Result<Vec<Role>, StoreError> {
    tx.query("SELECT id, name, permissions, built_in FROM roles ORDER BY name", &[])?.iter().map(role).collect()
}

/// A role by its name.
pub fn role_by_name(tx: &mut Tx<'_>, name: &str) -> Result<Option<Role>, StoreError> {
    tx.query_opt("SELECT id, name, permissions, built_in FROM roles WHERE name = $1", &[name.into()])?.as_ref().map(role).transpose()
}

/// Adds a role of the house's own. `Conflict { roles_name_key }` when the name is taken.
pub fn create_role(tx: &mut Tx<'_>, name: &str, permissions: &[Permission]) -> Result<RoleId, StoreError> {
    let id: RoleId = tx.new_id();
    tx.execute(
        "INSERT INTO roles (id, name, permissions, built_in) VALUES ($1, $2, $3, 0)",
        &[id.into(), name.into(), words(permissions)],
    )?;
    Ok(id)
}

/// Changes a role of the house's own. False for built-in ones and those that are not there.
pub fn set_role(tx: &mut Tx<'_>, id: RoleId, permissions: &[Permission]) -> Result<bool, StoreError> {
    Ok(tx.execute("UPDATE roles SET permissions = $2 WHERE id = $1 AND built_in = 0", &[id.into(), words(permissions)])? == 1)
}

const USER: &str = "SELECT u.id, u.login, u.name, u.scope, u.locale, u.disabled_at, u.locked_until, u.created_at, u.version, \
    r.id, r.name, r.permissions, r.built_in FROM users u JOIN roles r ON r.id = u.role_id";

fn user(row: &Row) -> Result<User, StoreError> {
    Ok(User {
        id: row.id(0)?,
        login: row.text(1)?,
        name: row.text(2)?,
        scope: row.json(3)?,
        locale: row.text(4)?,
        disabled_at: row.opt_time(5)?,
        locked_until: row.opt_time(6)?,
        created_at: row.time(7)?,
        version: row.int(8)?,
        role: Role { id: row.id(9)?, name: row.text(10)?, permissions: permissions(row, 11)?, built_in: row.bool(12)? },
    })
}

/// Adds a person. `Conflict { users_login_key }` when the login is taken.
pub fn create(tx: &mut Tx<'_>, new: &NewUser) -> Result<UserId, StoreError> {
    let (id, now): (UserId, _) = (tx.new_id(), tx.now());
    tx.execute(
        "INSERT INTO users (id, login, name, password_hash, role_id, scope, locale, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            id.into(),
            new.login.as_str().into(),
            new.name.as_str().into(),
            new.password_hash.as_str().into(),
            new.role_id.into(),
            Value::json(&new.scope),
            new.locale.as_str().into(),
            now.into(),
        ],
    )?;
    Ok(id)
}

/// A person.
pub fn get(tx: &mut Tx<'_>, id: UserId) -> Result<Option<User>, StoreError> {
    tx.query_opt(&format!("{USER} WHERE u.id = $1"), &[id.into()])?.as_ref().map(user).transpose()
}

/// A person and their password hash, by what they typed.
pub fn by_login(tx: &mut Tx<'_>, login: &str) -> Result<Option<(User, String)>, StoreError> {
    let Some(found) = tx.query_opt(&format!("{USER} WHERE u.login = $1"), &[login.into()])? else { return Ok(None) };
    let found = user(&found)?;
    let hash = tx.query_opt("SELECT id, password_hash FROM users WHERE id = $1", &[found.id.into()])?;
    hash.map(|row| Ok((found, row.text(1)?))).transpose()
}

/// Everybody, by login.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<User>, StoreError> {
    tx.query(&format!("{USER} ORDER BY u.login"), &[])?.iter().map(user).collect()
}

/// How many people may sign in.
pub fn count_active(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    tx.query_opt("SELECT COUNT(*) FROM users WHERE disabled_at IS NULL", &[])?.map_or(Ok(0), |row| row.int(0))
}

/// Changes a person; with `version`, only when it is still that one. Whoever is shut out is signed out everywhere.
pub fn edit(tx: &mut Tx<'_>, id: UserId, edit: &UserEdit, version: Option<i64>) -> Result<bool, StoreError> {
    let now = tx.now();
    let changed = tx.execute(
        "UPDATE users SET name = COALESCE($2, name), role_id = COALESCE($3, role_id), scope = COALESCE($4, scope), locale = COALESCE($5, locale), \
           disabled_at = CASE CAST($6 AS BIGINT) WHEN 1 THEN COALESCE(disabled_at, CAST($7 AS BIGINT)) WHEN 0 THEN NULL ELSE disabled_at END, \
           version = version + 1 WHERE id = $1 AND version = COALESCE($8, version)",
        &[
            id.into(),
            edit.name.clone().into(),
            edit.role_id.into(),
            edit.scope.as_ref().map(|scope| serde_json::json!(scope)).into(),
            edit.locale.clone().into(),
            edit.disabled.map(i64::from).into(),
            now.into(),
            version.into(),
        ],
    )?;
    if changed == 1 && edit.disabled == Some(true) {
        sign_out_everywhere(tx, id)?;
    }
    Ok(changed == 1)
}

/// Sets a password, unlocks the account, and signs it out everywhere.
pub fn set_password(tx: &mut Tx<'_>, id: UserId, password_hash: &str) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE users SET password_hash = $2, failed_sign_ins = 0, locked_until = NULL, version = version + 1 WHERE id = $1",
        &[id.into(), password_hash.into()],
    )?;
    sign_out_everywhere(tx, id)?;
    Ok(changed == 1)
}

/// Counts a wrong password; too many in a row lock the account for a while. Answers until when.
pub fn sign_in_failed(tx: &mut Tx<'_>, id: UserId) -> Result<Option<Timestamp>, StoreError> {
    let now = tx.now();
    let row = tx.query_opt(
        "UPDATE users SET failed_sign_ins = CASE WHEN failed_sign_ins + 1 >= $2 THEN 0 ELSE failed_sign_ins + 1 END, \
           locked_until = CASE WHEN failed_sign_ins + 1 >= $2 THEN $3 ELSE locked_until END WHERE id = $1 RETURNING id, locked_until",
        &[id.into(), MOST_FAILED.into(), now.plus(LOCKED_FOR).into()],
    )?;
    Ok(row.map(|row| row.opt_time(1)).transpose()?.flatten().filter(|until| *until > now))
}

/// Begins a session: the secret's hash, how long it lives unused, and where it came from.
pub fn sign_in(
    tx: &mut Tx<'_>,
    id: UserId,
    token_hash: &str,
    lives: i64,
    user_agent: &str,
    address: &str,
) -> Result<SessionId, StoreError> {
    let (session, now): (SessionId, _) = (tx.new_id(), tx.now());
    tx.execute("UPDATE users SET failed_sign_ins = 0, locked_until = NULL WHERE id = $1", &[id.into()])?;
    tx.execute(
        "INSERT INTO sessions (id, token_hash, user_id, created_at, expires_at, seen_at, user_agent, address) VALUES ($1, $2, $3, $4, $5, $4, $6, $7)",
        &[session.into(), token_hash.into(), id.into(), now.into(), now.plus(lives).into(), user_agent.into(), address.into()],
    )?;
    Ok(session)
}

/// Who a session secret belongs to, if it is alive and its person may work. Only reads: see [`touch_session`].
pub fn by_session(tx: &mut Tx<'_>, token_hash: &str) -> Result<Option<(User, Session)>, StoreError> {
    let now = tx.now();
    let row = tx.query_opt(
        "SELECT id, user_id, created_at, expires_at, seen_at, user_agent, address FROM sessions WHERE token_hash = $1 AND expires_at > $2",
        &[token_hash.into(), now.into()],
    )?;
    let Some(row) = row else { return Ok(None) };
    let session = self::session(&row)?;
    let found = get(tx, session.user_id)?.filter(|user| user.disabled_at.is_none());
    Ok(found.map(|user| (user, session)))
}

/// True when a session's last use is old enough to be written again.
pub fn wants_touch(session: &Session, now: Timestamp) -> bool {
    now.since(session.seen_at) >= SEEN_EVERY
}

/// Slides a session's end: used now, alive for `lives` more.
pub fn touch_session(tx: &mut Tx<'_>, id: SessionId, lives: i64) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute("UPDATE sessions SET seen_at = $2, expires_at = $3 WHERE id = $1", &[id.into(), now.into(), now.plus(lives).into()])?;
    Ok(())
}

fn session(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        id: row.id(0)?,
        user_id: row.id(1)?,
        created_at: row.time(2)?,
        expires_at: row.time(3)?,
        seen_at: row.time(4)?,
        user_agent: row.text(5)?,
        address: row.text(6)?,
    })
}

/// A person's live sessions, latest first.
pub fn sessions(tx: &mut Tx<'_>, id: UserId) -> Result<Vec<Session>, StoreError> {
    let now = tx.now();
    let rows = tx.query(
        "SELECT id, user_id, created_at, expires_at, seen_at, user_agent, address FROM sessions WHERE user_id = $1 AND expires_at > $2 ORDER BY seen_at DESC, id DESC",
        &[id.into(), now.into()],
    )?;
    rows.iter().map(session).collect()
}

/// Ends one session.
pub fn sign_out(tx: &mut Tx<'_>, token_hash: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM sessions WHERE token_hash = $1", &[token_hash.into()])? == 1)
}

/// Ends all sessions of a person.
pub fn sign_out_everywhere(tx: &mut Tx<'_>, id: UserId) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM sessions WHERE user_id = $1", &[id.into()])
}

/// Removes sessions that are over.
pub fn purge_sessions(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    let now = tx.now();
    tx.execute("DELETE FROM sessions WHERE expires_at <= $1", &[now.into()])
}

/// Adds an API token for a person: the secret's hash, and what it may do at most.
pub fn create_token(tx: &mut Tx<'_>, id: UserId, name: &str, token_hash: &str, scopes: &[Permission]) -> Result<TokenId, StoreError> {
    let (token, now): (TokenId, _) = (tx.new_id(), tx.now());
    tx.execute(
        "INSERT INTO tokens (id, token_hash, name, user_id, scopes, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        &[token.into(), token_hash.into(), name.into(), id.into(), words(scopes), now.into()],
    )?;
    Ok(token)
}

/// Who a token's secret belongs to, if it was not taken back and its person may work. The person's permissions are cut
/// down to those of the token.
pub fn by_token(tx: &mut Tx<'_>, token_hash: &str) -> Result<Option<(User, Token)>, StoreError> {
    let row = tx.query_opt(&format!("{TOKEN} WHERE token_hash = $1 AND revoked_at IS NULL"), &[token_hash.into()])?;
    let Some(token) = row.as_ref().map(token).transpose()? else { return Ok(None) };
    let found = get(tx, token.user_id)?.filter(|user| user.disabled_at.is_none());
    Ok(found.map(|mut user| {
        user.role.permissions.retain(|permission| token.scopes.contains(permission));
        (user, token)
    }))
}

const TOKEN: &str = "SELECT id, name, user_id, scopes, created_at, used_at, revoked_at FROM tokens";

fn token(row: &Row) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.id(0)?,
        name: row.text(1)?,
        user_id: row.id(2)?,
        scopes: permissions(row, 3)?,
        created_at: row.time(4)?,
        used_at: row.opt_time(5)?,
        revoked_at: row.opt_time(6)?,
    })
}

/// True when a token's last use is old enough to be written again.
pub fn token_wants_touch(token: &Token, now: Timestamp) -> bool {
    token.used_at.is_none_or(|at| now.since(at) >= SEEN_EVERY)
}

/// Notes that a token was used.
pub fn touch_token(tx: &mut Tx<'_>, id: TokenId) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute("UPDATE tokens SET used_at = $2 WHERE id = $1", &[id.into(), now.into()])?;
    Ok(())
}

/// A person's tokens (or everybody's), latest first, taken back ones too.
pub fn tokens(tx: &mut Tx<'_>, id: Option<UserId>) -> Result<Vec<Token>, StoreError> {
    let rows = match id {
        Some(id) => tx.query(&format!("{TOKEN} WHERE user_id = $1 ORDER BY id DESC"), &[id.into()])?,
        None => tx.query(&format!("{TOKEN} ORDER BY id DESC"), &[])?,
    };
    rows.iter().map(token).collect()
}

/// Takes a token back; with `owner`, only one of that person. False when there is none to take.
pub fn revoke_token(tx: &mut Tx<'_>, id: TokenId, owner: Option<UserId>) -> Result<bool, StoreError> {
    let now = tx.now();
    let changed = tx.execute(
        "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL AND user_id = COALESCE($3, user_id)",
        &[id.into(), now.into(), owner.into()],
    )?;
    Ok(changed == 1)
}

//! People endpoints: the session, users, roles, tokens, preferences, the audit log.

pub mod session;
pub mod users;

use super::dto::{Page, Time};
use super::guard::{AuditRead, Guard, SignedIn};
use super::input::{Body, Id, Query, id, limit};
use super::page::{PageParams, Place, short};
use super::people::{audited, secret};
use super::problem::Problem;
use super::state::AppState;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::access::Permission;
use wharf_domain::id::{RowId, TokenId, UserId};
use wharf_domain::word::Word;
use wharf_store::users as store;
use wharf_store::{StoreError, audit, settings};

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(session::routes())
        .merge(users::routes())
        .routes(routes!(list_tokens, create_token))
        .routes(routes!(revoke_token))
        .routes(routes!(preference, set_preference))
        .routes(routes!(audit_log))
}

/// An API token; its secret is shown once, when it is made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TokenDto {
    /// Id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Whose rights it has at most.
    pub user_id: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it was used last.
    pub used_at: Option<Time>,
    /// When it was taken back.
    pub revoked_at: Option<Time>,
}

/// Own tokens, newest first; with the right to manage people, everybody's.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "team", operation_id = "list_tokens", params(PageParams),
    responses((status = 200, body = Page<TokenDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 422, body = Problem)))]
async fn list_tokens(
    State(state): State<AppState>,
    SignedIn(who): SignedIn,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<TokenDto>>, Problem> {
    let only = (!who.may(Permission::UsersManage)).then_some(who.user_id);
    let rows = state.app.store.read(move |tx| store::tokens(tx, only)).await?;
    let show = |t: store::Token| TokenDto {
        id: t.id.to_string(),
        name: t.name,
        user_id: t.user_id.to_string(),
        scopes: t.scopes.iter().map(ToString::to_string).collect(),
        created_at: t.created_at.into(),
        used_at: t.used_at.map(Time::from),
        revoked_at: t.revoked_at.map(Time::from),
    };
    Ok(Json(short(rows, &params, |t| Place::ranked(-t.id.0, "", 0), show)?))
}

/// A token to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it may do: permission words, at most the person's own; `*` for all of them.
    pub scopes: Vec<String>,
}

/// A token with its secret.
#[derive(Serialize, ToSchema)]
pub struct CreatedToken {
    /// Id.
    pub id: String,
    /// The secret, shown this once.
    pub token: String,
}

/// Makes an API token for oneself.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "team", operation_id = "create_token", request_body = NewToken,
    responses((status = 201, body = CreatedToken), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn create_token(
    State(state): State<AppState>,
    SignedIn(who): SignedIn,
    Body(new): Body<NewToken>,
) -> Result<(StatusCode, Json<CreatedToken>), Problem> {
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(Problem::invalid("name", "1 to 100 characters"));
    }
    let mut scopes = Vec::new();
    for word in &new.scopes {
        if word == "*" {
            scopes.extend(who.permissions.iter().copied());
            continue;
        }
        let permission = Permission::parse(word).map_err(|e| Problem::invalid("scopes", e.to_string()))?;
        who.need(permission)?;
        scopes.push(permission);
    }
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(Problem::invalid("scopes", "name at least one permission, or * for all of yours"));
    }
    let token = secret("t")?;
    let hash = store::hash_token(&token);
    let id = state
        .app
        .store
        .write(move |tx| -> Result<TokenId, StoreError> {
            let id = store::create_token(tx, who.user_id, &name, &hash, &scopes)?;
            audit::record(tx, audited(&who, "token_created", "token", Some(id.0), serde_json::json!({ "name": name })))?;
            Ok(id)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(CreatedToken { id: id.to_string(), token })))
}

/// Takes a token back.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "team", operation_id = "revoke_token", params(("id" = String, Path)),
    responses((status = 204, description = "taken back"), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn revoke_token(State(state): State<AppState>, SignedIn(who): SignedIn, Id(id): Id<TokenId>) -> Result<StatusCode, Problem> {
    let owner = (!who.may(Permission::UsersManage)).then_some(who.user_id);
    let found = state
        .app
        .store
        .write(move |tx| -> Result<bool, StoreError> {
            let found = store::revoke_token(tx, id, owner)?;
            if found {
                audit::record(tx, audited(&who, "token_revoked", "token", Some(id.0), serde_json::json!({})))?;
            }
            Ok(found)
        })
        .await?;
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found("token")) }
}

fn preference_key(user: UserId, key: &str) -> Result<String, Problem> {
    if key.is_empty() || key.len() > 64 || !key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')) {
        return Err(Problem::invalid("key", "1 to 64 letters, digits, dots, dashes"));
    }
    Ok(format!("preference.{user}.{key}"))
}

/// A preference of the person: saved views, chosen columns. `null` when it was never set.
#[utoipa::path(get, path = "/api/v1/preferences/{key}", tag = "team", operation_id = "get_preference", params(("key" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 401, body = Problem), (status = 422, body = Problem)))]
async fn preference(
    State(state): State<AppState>,
    SignedIn(who): SignedIn,
    Path(key): Path<String>,
) -> Result<Json<serde_json::Value>, Problem> {
    let key = preference_key(who.user_id, &key)?;
    let value = state.app.store.read(move |tx| settings::get::<serde_json::Value>(tx, &key)).await?;
    Ok(Json(value.map(|(value, _)| value).unwrap_or(serde_json::Value::Null)))
}

/// Sets a preference of the person.
#[utoipa::path(put, path = "/api/v1/preferences/{key}", tag = "team", operation_id = "set_preference", params(("key" = String, Path)), request_body = serde_json::Value,
    responses((status = 204, description = "set"), (status = 401, body = Problem), (status = 422, body = Problem)))]
async fn set_preference(
    State(state): State<AppState>,
    SignedIn(who): SignedIn,
    Path(key): Path<String>,
    Body(value): Body<serde_json::Value>,
) -> Result<StatusCode, Problem> {
    let key = preference_key(who.user_id, &key)?;
    if value.to_string().len() > 64 * 1024 {
        return Err(Problem::invalid("body", "at most 64 KiB"));
    }
    state.app.store.write(move |tx| settings::put(tx, &key, &value, None)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One entry of the audit log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditDto {
    /// Id.
    pub id: String,
    /// When.
    pub at: Time,
    /// Who.
    pub actor: String,
    /// Did what.
    pub action: String,
    /// To what kind of thing.
    pub target_kind: String,
    /// To which.
    pub target_id: Option<String>,
    /// Values.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
    /// From where.
    pub address: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditParams {
    /// Id of a person.
    user: Option<String>,
    /// Word of the action.
    action: Option<String>,
    /// Kind of the thing.
    target_kind: Option<String>,
    /// Id of the thing.
    target: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// The audit log, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "team", operation_id = "audit_log", params(AuditParams),
    responses((status = 200, body = Page<AuditDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn audit_log(
    State(state): State<AppState>,
    _: Guard<AuditRead>,
    Query(params): Query<AuditParams>,
) -> Result<Json<Page<AuditDto>>, Problem> {
    let take = limit(params.limit)?;
    let wanted = audit::Wanted {
        user_id: params.user.as_deref().map(|v| id("user", v)).transpose()?,
        action: params.action,
        target_kind: params.target_kind,
        target_id: params.target.as_deref().map(|v| id::<RowId>("target", v)).transpose()?.map(|r| r.0),
        before: params.cursor.as_deref().map(|v| id("cursor", v)).transpose()?,
    };
    let rows = state.app.store.read(move |tx| audit::list(tx, &wanted, take as i64 + 1)).await?;
    let show = |r: audit::Audited| AuditDto {
        id: r.id.to_string(),
        at: r.at.into(),
        actor: r.entry.actor,
        action: r.entry.action,
        target_kind: r.entry.target_kind,
        target_id: r.entry.target_id.map(|t| t.to_string()),
        detail: r.entry.detail,
        address: r.entry.address,
    };
    Ok(Json(Page::cut(rows, take, |r| r.id.to_string(), show)))
}

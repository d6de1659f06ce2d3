//! Users and roles.

use crate::http::dto::{Page, Time};
use crate::http::guard::{Guard, UsersManage};
use crate::http::input::{Body, Id, Query, ids, if_match};
use crate::http::page::{PageParams, Place, short};
use crate::http::people::{SHORTEST_PASSWORD, audited};
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::access::{BuiltInRole, Permission, Scope};
use wharf_domain::id::UserId;
use wharf_domain::word::Word;
use wharf_store::users::{self as store, NewUser as StoreUser, User, UserEdit};
use wharf_store::{Tx, audit};

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(change)).routes(routes!(roles, create_role))
}

/// A person who signs in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UserDto {
    /// Id.
    pub id: String,
    /// Sign-in name.
    pub login: String,
    /// Display name.
    pub name: String,
    /// Role.
    pub role: String,
    /// Shops they work with; `null` = all.
    pub shops: Option<Vec<String>>,
    /// Warehouses they work with; `null` = all.
    pub warehouses: Option<Vec<String>>,
    /// Language of the screens.
    pub locale: String,
    /// May not sign in since.
    pub disabled_at: Option<Time>,
    /// When the account was made.
    pub created_at: Time,
    /// For `If-Match`.
    pub version: i64,
}

fn user(row: User) -> UserDto {
    UserDto {
        id: row.id.to_string(),
        login: row.login,
        name: row.name,
        role: row.role.name,
        shops: row.scope.shops.map(|s| s.iter().map(ToString::to_string).collect()),
        warehouses: row.scope.warehouses.map(|w| w.iter().map(ToString::to_string).collect()),
        locale: row.locale,
        disabled_at: row.disabled_at.map(Time::from),
        created_at: row.created_at.into(),
        version: row.version,
    }
}

/// People.
#[utoipa::path(get, path = "/api/v1/users", tag = "team", operation_id = "list_users", params(PageParams),
    responses((status = 200, body = Page<UserDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    _: Guard<UsersManage>,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<UserDto>>, Problem> {
    let rows = state.app.store.read(store::list).await?;
    Ok(Json(short(rows, &params, |u| Place::name(&u.login, u.id.0), user)?))
}

/// A person to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Sign-in name.
    pub login: String,
    /// Display name.
    pub name: String,
    /// First password.
    pub password: String,
    /// Name of the role.
    pub role: String,
    /// Shops they work with; absent = all.
    pub shops: Option<Vec<String>>,
    /// Warehouses they work with; absent = all.
    pub warehouses: Option<Vec<String>>,
    /// `zh-CN · en`.
    pub locale: Option<String>,
}

fn password(text: &str) -> Result<(), Problem> {
    if text.chars().count() < SHORTEST_PASSWORD || text.len() > 1_000 {
        return Err(Problem::invalid("password", format!("{SHORTEST_PASSWORD} characters or more")));
    }
    Ok(())
}

fn scope(shops: Option<&[String]>, warehouses: Option<&[String]>) -> Result<Scope, Problem> {
    Ok(Scope { shops: shops.map(|s| ids("shops", s)).transpose()?, warehouses: warehouses.map(|w| ids("warehouses", w)).transpose()? })
}

fn role(tx: &mut Tx<'_>, name: &str) -> Result<store::Role, Problem> {
    store::role_by_name(tx, name)?.ok_or_else(|| Problem::invalid("role", format!("there is no role {name:?}")))
}

async fn hash(state: &AppState, text: String) -> Result<String, Problem> {
    let people = state.people.clone();
    tokio::task::spawn_blocking(move || people.hash(&text))
        .await
        .ok()
        .and_then(Result::ok)
        .ok_or_else(|| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the password could not be hashed"))
}

/// Adds a person.
#[utoipa::path(post, path = "/api/v1/users", tag = "team", operation_id = "create_user", request_body = NewUser,
    responses((status = 201, body = UserDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create(
    State(state): State<AppState>,
    guard: Guard<UsersManage>,
    Body(new): Body<NewUser>,
) -> Result<(StatusCode, Json<UserDto>), Problem> {
    let login = new.login.trim().to_owned();
    if login.is_empty() || login.len() > 100 {
        return Err(Problem::invalid("login", "1 to 100 characters"));
    }
    password(&new.password)?;
    let locale = new.locale.clone().unwrap_or_else(|| "zh-CN".to_owned());
    if !matches!(locale.as_str(), "zh-CN" | "en") {
        return Err(Problem::invalid("locale", "zh-CN or en"));
    }
    let scope = scope(new.shops.as_deref(), new.warehouses.as_deref())?;
    let password_hash = hash(&state, new.password.clone()).await?;
    let who = guard.who;
    let row = state
        .app
        .store
        .write(move |tx| -> Result<User, Problem> {
            let role = role(tx, &new.role)?;
            let row = StoreUser { login, name: new.name.trim().to_owned(), password_hash, role_id: role.id, scope, locale };
            let id = store::create(tx, &row)?;
            audit::record(tx, audited(&who, "user_created", "user", Some(id.0), serde_json::json!({ "role": role.name })))?;
            store::get(tx, id)?.ok_or_else(|| Problem::not_found("user"))
        })
        .await?;
    Ok((StatusCode::CREATED, Json(user(row))))
}

/// What changes in a person; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// Display name.
    pub name: Option<String>,
    /// A new password; signs them out everywhere.
    pub password: Option<String>,
    /// Name of the role.
    pub role: Option<String>,
    /// True: may not sign in.
    pub disabled: Option<bool>,
    /// True: all shops.
    #[serde(default)]
    pub all_shops: bool,
    /// These shops.
    pub shops: Option<Vec<String>>,
    /// True: all warehouses.
    #[serde(default)]
    pub all_warehouses: bool,
    /// These warehouses.
    pub warehouses: Option<Vec<String>>,
}

/// Changes a person. The last owner can be neither disabled nor given another role.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "team", operation_id = "change_user", params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = UserChange,
    responses((status = 200, body = UserDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn change(
    State(state): State<AppState>,
    guard: Guard<UsersManage>,
    Id(id): Id<UserId>,
    headers: HeaderMap,
    Body(change): Body<UserChange>,
) -> Result<Json<UserDto>, Problem> {
    let version = if_match(&headers)?;
    let given = scope(change.shops.as_deref(), change.warehouses.as_deref())?;
    let new_hash = match &change.password {
        Some(text) => {
            password(text)?;
            Some(hash(&state, text.clone()).await?)
        }
        None => None,
    };
    let who = guard.who;
    let row = state
        .app
        .store
        .write(move |tx| -> Result<User, Problem> {
            let current = store::get(tx, id)?.ok_or_else(|| Problem::not_found("user"))?;
            let role_id = change.role.as_deref().map(|name| role(tx, name)).transpose()?.map(|r| r.id);
            let owner = BuiltInRole::Owner.to_string();
            let loses = change.disabled == Some(true) || change.role.as_deref().is_some_and(|r| r != owner);
            if current.role.name == owner && current.disabled_at.is_none() && loses {
                let owners = store::list(tx)?.into_iter().filter(|u| u.role.name == owner && u.disabled_at.is_none()).count();
                if owners <= 1 {
                    return Err(Problem::refused("last_owner", "someone must stay owner"));
                }
            }
            let scope = Scope {
                shops: if change.all_shops { None } else { given.shops.or(current.scope.shops.clone()) },
                warehouses: if change.all_warehouses { None } else { given.warehouses.or(current.scope.warehouses.clone()) },
            };
            let edit = UserEdit { name: change.name, role_id, scope: Some(scope), locale: None, disabled: change.disabled };
            if !store::edit(tx, id, &edit, version)? {
                return Err(Problem::conflict("the person was changed by someone else: read them again", Some(current.version)));
            }
            let reset = new_hash.is_some();
            if let Some(hash) = new_hash {
                store::set_password(tx, id, &hash)?;
            }
            audit::record(
                tx,
                audited(
                    &who,
                    "user_changed",
                    "user",
                    Some(id.0),
                    serde_json::json!({ "password_reset": reset, "role": change.role, "disabled": change.disabled }),
                ),
            )?;
            store::get(tx, id)?.ok_or_else(|| Problem::not_found("user"))
        })
        .await?;
    Ok(Json(user(row)))
}

/// A named set of permissions.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleDto {
    /// Name.
    pub name: String,
    /// Permission words.
    pub permissions: Vec<String>,
    /// Every installation has it; not sent.
    #[serde(default)]
    pub built_in: bool,
}

/// Roles with what they may do.
#[utoipa::path(get, path = "/api/v1/roles", tag = "team", operation_id = "list_roles", params(PageParams),
    responses((status = 200, body = Page<RoleDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn roles(
    State(state): State<AppState>,
    _: Guard<UsersManage>,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<RoleDto>>, Problem> {
    let rows = state.app.store.read(store::roles).await?;
    let show = |r: store::Role| RoleDto {
        name: r.name,
        permissions: r.permissions.iter().map(ToString::to_string).collect(),
        built_in: r.built_in,
    };
    Ok(Json(short(rows, &params, |r| Place::name(&r.name, r.id.0), show)?))
}

/// Makes a role.
#[utoipa::path(post, path = "/api/v1/roles", tag = "team", operation_id = "create_role", request_body = RoleDto,
    responses((status = 201, body = RoleDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create_role(
    State(state): State<AppState>,
    guard: Guard<UsersManage>,
    Body(new): Body<RoleDto>,
) -> Result<(StatusCode, Json<RoleDto>), Problem> {
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 60 {
        return Err(Problem::invalid("name", "1 to 60 characters"));
    }
    let permissions = new
        .permissions
        .iter()
        .map(|p| Permission::parse(p).map_err(|e| Problem::invalid("permissions", e.to_string())))
        .collect::<Result<Vec<_>, _>>()?;
    let made = RoleDto { name: name.clone(), permissions: permissions.iter().map(ToString::to_string).collect(), built_in: false };
    let who = guard.who;
    state
        .app
        .store
        .write(move |tx| -> Result<(), Problem> {
            let id = store::create_role(tx, &name, &permissions)?;
            audit::record(tx, audited(&who, "role_created", "role", Some(id.0), serde_json::json!({ "name": name })))?;
            Ok(())
        })
        .await?;
    Ok((StatusCode::CREATED, Json(made)))
}

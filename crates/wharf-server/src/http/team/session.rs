//! The session: sign in, who am I, sign out.

use crate::http::guard::{COOKIE, ClientAddress, Identity, SignedIn, cookie};
use crate::http::input::Body;
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_store::users as store;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(sign_in, me, sign_out)).routes(routes!(set_locale))
}

/// A sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Sign-in name.
    pub login: String,
    /// Password.
    pub password: String,
}

/// Who is signed in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Me {
    /// The person.
    pub user: MeUser,
    /// What they may do.
    pub permissions: Vec<String>,
    /// Shops they work with; `null` = all.
    pub shops: Option<Vec<String>>,
    /// Warehouses they work with; `null` = all.
    pub warehouses: Option<Vec<String>>,
}

/// The person behind a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MeUser {
    /// Id.
    pub id: String,
    /// Sign-in name.
    pub login: String,
    /// Display name.
    pub name: String,
    /// Role.
    pub role: String,
    /// Language of the screens.
    pub locale: String,
}

fn me_of(who: &Identity) -> Me {
    Me {
        user: MeUser {
            id: who.user_id.to_string(),
            login: who.login.clone(),
            name: who.name.clone(),
            role: who.role.clone(),
            locale: who.locale.clone(),
        },
        permissions: who.permissions.iter().map(ToString::to_string).collect(),
        shops: who.scope.shops.as_ref().map(|s| s.iter().map(ToString::to_string).collect()),
        warehouses: who.scope.warehouses.as_ref().map(|w| w.iter().map(ToString::to_string).collect()),
    }
}

/// Signs in: sets the session cookie.
#[utoipa::path(post, path = "/api/v1/session", tag = "team", operation_id = "sign_in", request_body = SignIn, security(()),
    responses((status = 200, body = Me), (status = 401, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn sign_in(
    State(state): State<AppState>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    headers: HeaderMap,
    Body(input): Body<SignIn>,
) -> Result<Response, Problem> {
    if input.password.len() > 1_000 || input.login.len() > 200 {
        return Err(Problem::invalid("password", "too long"));
    }
    let agent = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let (who, secret) = state.people.sign_in(&state, input.login.trim().to_owned(), input.password, agent, address).await?;
    let secure = if state.secure_cookie { "; Secure" } else { "" };
    let age = crate::http::people::SESSION_LIVES / 1_000_000;
    let mut response = Json(me_of(&who)).into_response();
    let value = HeaderValue::from_str(&format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}"))
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "cookie"))?;
    response.headers_mut().insert(header::SET_COOKIE, value);
    Ok(response)
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/session", tag = "team", operation_id = "me", responses((status = 200, body = Me), (status = 401, body = Problem)))]
async fn me(SignedIn(who): SignedIn) -> Json<Me> {
    Json(me_of(&who))
}

/// Signs out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "team", operation_id = "sign_out", responses((status = 204, description = "signed out"), (status = 401, body = Problem)))]
async fn sign_out(State(state): State<AppState>, _: SignedIn, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(secret) = cookie(&headers, COOKIE) {
        let hash = store::hash_token(secret);
        state.app.store.write(move |tx| store::sign_out(tx, &hash)).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    response
        .headers_mut()
        .insert(header::SET_COOKIE, HeaderValue::from_static("wharf_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"));
    Ok(response)
}

/// The person's language.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Locale {
    /// `zh-CN · en`.
    locale: String,
}

/// Sets the language of the screens for the signed-in person.
#[utoipa::path(put, path = "/api/v1/session/locale", tag = "team", operation_id = "set_locale", request_body = Locale,
    responses((status = 204, description = "set"), (status = 401, body = Problem), (status = 422, body = Problem)))]
async fn set_locale(State(state): State<AppState>, SignedIn(who): SignedIn, Body(input): Body<Locale>) -> Result<StatusCode, Problem> {
    if !matches!(input.locale.as_str(), "zh-CN" | "en") {
        return Err(Problem::invalid("locale", "zh-CN or en"));
    }
    let edit = store::UserEdit { locale: Some(input.locale), ..store::UserEdit::default() };
    state.app.store.write(move |tx| store::edit(tx, who.user_id, &edit, None)).await?;
    Ok(StatusCode::NO_CONTENT)
}

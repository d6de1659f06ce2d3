//! Who is asking, and may they: one middleware finds the person, one extractor checks the permission. A route that is not
//! in [`is_public`] cannot be reached without a person, whatever its handler does.

use super::problem::Problem;
use super::state::AppState;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::marker::PhantomData;
use wharf_domain::access::{Permission, Scope};
use wharf_domain::id::{SessionId, TokenId, UserId};
use wharf_domain::timeline::Actor;

/// Name of the session cookie.
pub const COOKIE: &str = "wharf_session";

/// How a person proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The cookie of a sign-in.
    Session(SessionId),
    /// An API token.
    Token(TokenId),
}

/// The person behind a request.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Who.
    pub user_id: UserId,
    /// Sign-in name.
    pub login: String,
    /// Display name.
    pub name: String,
    /// Name of the role.
    pub role: String,
    /// Language of the screens.
    pub locale: String,
    /// What may be done: the role's, and for a token only what it was given.
    pub permissions: Vec<Permission>,
    /// Which shops and warehouses.
    pub scope: Scope,
    /// Cookie or token.
    pub proof: Proof,
    /// Where the request came from.
    pub address: String,
}

impl Identity {
    /// The person as the timeline names them.
    pub fn actor(&self) -> Actor {
        Actor::User { id: self.user_id, name: self.name.clone() }
    }
    /// May they?
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }
    /// A problem unless they may.
    pub fn need(&self, permission: Permission) -> Result<(), Problem> {
        if self.may(permission) { Ok(()) } else { Err(Problem::forbidden(&permission.to_string())) }
    }
}

/// Where a request came from, for handlers.
#[derive(Debug, Clone)]
pub struct ClientAddress(pub String);

/// A permission as a type, so that a handler's signature says what it needs.
pub trait Needs: Send + Sync {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! needs {
    ($($name:ident),+ $(,)?) => {$(
        #[doc = concat!("Needs `Permission::", stringify!($name), "`.")]
        pub struct $name;
        impl Needs for $name { const PERMISSION: Permission = Permission::$name; }
    )+};
}
needs! {
    OrdersRead, OrdersAct, PersonalOpen, ShipmentsRead, ShipmentsAct, StockRead, StockWrite, CatalogRead, CatalogWrite,
    ShopsRead, ShopsManage, Import, Export, UsersManage, AuditRead,
}

/// A signed-in person who has the permission `P`.
pub struct Guard<P> {
    /// The person.
    pub who: Identity,
    needs: PhantomData<P>,
}

impl<P: Needs> FromRequestParts<AppState> for Guard<P> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let who = parts.extensions.get::<Identity>().cloned().ok_or_else(Problem::unauthenticated)?;
        who.need(P::PERMISSION)?;
        Ok(Guard { who, needs: PhantomData })
    }
}

/// Anyone who is signed in.
pub struct SignedIn(pub Identity);

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        parts.extensions.get::<Identity>().cloned().map(SignedIn).ok_or_else(Problem::unauthenticated)
    }
}

/// Routes that answer without a person.
pub fn is_public(method: &Method, path: &str) -> bool {
    match path {
        "/healthz" | "/readyz" => true,
        "/api/v1/session" => method == Method::POST,
        // the web application itself: static files that hold no data
        _ => !path.starts_with("/api/") && path != "/metrics" && path != "/docs",
    }
}

/// Finds the person and refuses the rest.
pub async fn authenticate(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    // Neither engine stores NUL in a text: it is refused at the door, whichever parameter it hides in.
    if request.uri().to_string().contains("%00") {
        return Problem::malformed("the address holds a NUL character").into_response();
    }
    let public = is_public(request.method(), request.uri().path());
    let address = client_address(&request);
    request.extensions_mut().insert(ClientAddress(address.clone()));
    let headers = request.headers().clone();
    match identify(&state, &headers, address).await {
        Ok(Some(identity)) => {
            if matches!(identity.proof, Proof::Session(_)) && !same_origin(request.method(), request.headers()) {
                return Problem::new(
                    axum::http::StatusCode::FORBIDDEN,
                    "foreign_origin",
                    "a page of another origin may not act with this session",
                )
                .into_response();
            }
            request.extensions_mut().insert(identity);
            next.run(request).await
        }
        Ok(None) if public => next.run(request).await,
        Ok(None) => Problem::unauthenticated().into_response(),
        Err(problem) if public && problem.status < 500 => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn identify(state: &AppState, headers: &HeaderMap, address: String) -> Result<Option<Identity>, Problem> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(|v| v.strip_prefix("Bearer ")).map(str::trim).ok_or_else(Problem::unauthenticated)?;
        return match state.people.by_token(state, token, address).await? {
            Some(identity) => Ok(Some(identity)),
            None => Err(Problem::unauthenticated()),
        };
    }
    match cookie(headers, COOKIE) {
        Some(token) => state.people.by_session(state, token, address).await,
        None => Ok(None),
    }
}

/// The address of the peer, where the listener gave one.
pub fn client_address(request: &Request) -> String {
    request.extensions().get::<axum::extract::ConnectInfo<std::net::SocketAddr>>().map(|info| info.0.ip().to_string()).unwrap_or_default()
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// A cookie acts only for pages of this very host: with `SameSite=Strict` beside it, this is the CSRF guard.
fn same_origin(method: &Method, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    let Some(origin) = headers.get(header::ORIGIN).and_then(|v| v.to_str().ok()) else { return true };
    let host = headers.get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    origin.split_once("://").is_some_and(|(_, rest)| rest == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_page_cannot_act_with_the_cookie() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "127.0.0.1:8080".parse().expect("host"));
        headers.insert(header::ORIGIN, "http://evil.example".parse().expect("origin"));
        assert!(!same_origin(&Method::POST, &headers));
        assert!(same_origin(&Method::GET, &headers));
        headers.insert(header::ORIGIN, "http://127.0.0.1:8080".parse().expect("origin"));
        assert!(same_origin(&Method::POST, &headers));
    }

    #[test]
    fn only_health_sign_in_and_static_files_are_public() {
        assert!(is_public(&Method::GET, "/healthz"));
        assert!(is_public(&Method::POST, "/api/v1/session"));
        assert!(is_public(&Method::GET, "/assets/index.js"));
        for path in ["/api/v1/orders", "/api/v1/openapi.json", "/metrics", "/docs"] {
            assert!(!is_public(&Method::GET, path), "{path}");
        }
        assert!(!is_public(&Method::GET, "/api/v1/session"));
    }
}

//! The program in process: the real router on a fresh database, and people who ask it.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use std::sync::Arc;
use tower::ServiceExt;
use wharf_connect::http::{Http, HttpRequest, HttpResponse, TransportError};
use wharf_connect::sandbox::{ORIGIN, SandboxHttp};
use wharf_connect::world::World;
use wharf_domain::access::{Permission, Scope};
use wharf_flows::app::App;
use wharf_server::http::{people::People, router, state::AppState};
use wharf_store::testing::Bed;
use wharf_store::users::{self, NewUser};
use wharf_store::{Clock, StoreError};

/// The way to the market, naming its host as every HTTP client does.
struct Hosted(SandboxHttp);

#[async_trait::async_trait]
impl Http for Hosted {
    async fn send(&self, mut request: HttpRequest) -> Result<HttpResponse, TransportError> {
        request.headers.push(("host".to_owned(), ORIGIN.trim_start_matches("http://").to_owned()));
        self.0.send(request).await
    }
}

/// A running program without a socket.
pub struct House {
    router: axum::Router,
    state: AppState,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub content_type: String,
    pub replayed: bool,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }
}

impl House {
    /// On a bed, with a quiet market behind it.
    pub fn on(bed: &Bed) -> House {
        let vendors = wharf_vendors::all();
        let clock = bed.clock.clone();
        let world = Arc::new(World::quiet(&vendors, 1, bed.clock.now()));
        let http = Arc::new(Hosted(SandboxHttp::new(world, vendors.clone(), Arc::new(move || clock.now()))));
        let app = Arc::new(App::new(bed.store.clone(), http, vendors, bed.clock.clone(), 1));
        let people = Arc::new(People::new().expect("argon2"));
        let state = AppState { app, events: Arc::default(), people, metrics: None, secure_cookie: false };
        House { router: router(state.clone()), state }
    }

    /// What the program works with.
    pub fn app(&self) -> Arc<App> {
        Arc::clone(&self.state.app)
    }

    /// The id of a person.
    pub async fn user(&self, login: &str) -> wharf_domain::id::UserId {
        let login = login.to_owned();
        let found = self.state.app.store.read(move |tx| users::by_login(tx, &login)).await.expect("read");
        found.expect("the person").0.id
    }

    /// A person with exactly these permissions; answers the token.
    pub async fn person(&self, login: &str, permissions: &[Permission]) -> String {
        self.person_of(login, permissions, Scope::ALL).await
    }

    /// A person with exactly these permissions for some shops; answers the token.
    pub async fn person_of(&self, login: &str, permissions: &[Permission], scope: Scope) -> String {
        let secret = format!("wharf_t_{login}");
        let (login, hash, permissions) = (login.to_owned(), users::hash_token(&secret), permissions.to_vec());
        self.state
            .app
            .store
            .write(move |tx| -> Result<(), StoreError> {
                let role_id = users::create_role(tx, &format!("role of {login}"), &permissions)?;
                let new = NewUser { name: login.clone(), login, password_hash: "none".into(), role_id, scope, locale: "en".into() };
                let id = users::create(tx, &new)?;
                users::create_token(tx, id, "test", &hash, &permissions)?;
                Ok(())
            })
            .await
            .expect("a person");
        secret
    }

    /// Asks; the body of an answer is read, except of a stream that never ends.
    pub async fn ask(&self, method: &Method, path: &str, token: Option<&str>, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let status = response.status();
        let of = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let (content_type, replayed) = (of("content-type"), of("idempotency-replayed") == "true");
        let body = if content_type.starts_with("text/event-stream") {
            Vec::new()
        } else {
            response.into_body().collect().await.expect("a body").to_bytes().to_vec()
        };
        Answer { status, content_type, replayed, body }
    }
}

//! The program in process: the real router on a fresh database, a market behind it, and people who ask it.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt;
use wharf_connect::http::{Http, HttpRequest, HttpResponse, TransportError};
use wharf_connect::sandbox::{ORIGIN, SandboxHttp};
use wharf_connect::world::{OrderDraft, World, demo};
use wharf_domain::access::{Permission, Scope};
use wharf_domain::time::SECOND;
use wharf_flows::app::App;
use wharf_flows::{jobs, scheduler, worker};
use wharf_server::http::{people::People, router, state::AppState};
use wharf_store::testing::{Bed, ManualClock};
use wharf_store::users::{self, NewUser};
use wharf_store::{Clock, StoreError};

/// What a call takes on the clock of a test. Without it no token of a vendor's pace would ever come back.
pub const A_CALL: i64 = SECOND / 10;

/// The way to the market, naming its host as every HTTP client does; a call takes time.
struct Hosted(SandboxHttp, Arc<ManualClock>);

#[async_trait::async_trait]
impl Http for Hosted {
    async fn send(&self, mut request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.1.advance(A_CALL);
        request.headers.push(("host".to_owned(), ORIGIN.trim_start_matches("http://").to_owned()));
        self.0.send(request).await
    }
}

/// A running program without a socket.
pub struct House {
    router: axum::Router,
    pub state: AppState,
    /// The market it sells on.
    pub world: Arc<World>,
    clock: Arc<ManualClock>,
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
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A person with exactly these permissions and this scope; answers the token.
pub async fn person_of(app: &App, login: &str, permissions: &[Permission], scope: Scope) -> String {
    let secret = format!("wharf_t_{login}");
    let (login, hash, permissions) = (login.to_owned(), users::hash_token(&secret), permissions.to_vec());
    app.store
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

/// Makes the schedules known, as the scheduler does when it starts.
pub async fn know_schedules(app: &App) {
    app.store
        .write(|tx| -> Result<(), StoreError> {
            let schedules = jobs::schedules();
            wharf_store::schedules::ensure(tx, &schedules.iter().map(|s| (s.name, s.every)).collect::<Vec<_>>())
        })
        .await
        .expect("schedules");
}

/// One step of time: what is due becomes jobs, and all jobs are done.
pub async fn work(app: &App) {
    scheduler::tick(app, &jobs::schedules()).await.expect("a tick");
    worker::run_due(app, &jobs::all()).await.expect("jobs");
}

impl House {
    /// On a bed, with a quiet market behind it.
    pub fn on(bed: &Bed) -> House {
        let vendors = wharf_vendors::all();
        let clock = bed.clock.clone();
        let world = Arc::new(World::quiet(&vendors, 1, bed.clock.now()));
        let sandbox = SandboxHttp::new(world.clone(), vendors.clone(), Arc::new(move || clock.now()));
        let http = Arc::new(Hosted(sandbox, bed.clock.clone()));
        let app = Arc::new(App::new(bed.store.clone(), http, vendors, bed.clock.clone(), 1));
        let people = Arc::new(People::new().expect("argon2"));
        let zone = wharf_flows::recompute::zone("Asia/Shanghai");
        let state = AppState { app, events: Arc::default(), people, metrics: None, secure_cookie: false, zone };
        House { router: router(state.clone()), state, world, clock: bed.clock.clone() }
    }

    /// Shops, warehouses, stock and carriers of the market, as `wharf demo` makes them.
    pub async fn furnish(&self) {
        wharf_server::seed::furnish(&self.state, ORIGIN, self.world.read(demo::house)).await.expect("a furnished house");
        know_schedules(&self.state.app).await;
    }

    /// Orders on the market, as drafts say.
    pub fn sell(&self, drafts: impl IntoIterator<Item = OrderDraft>) -> Vec<i64> {
        let shop = self.world.read(|m| m.shops[0].key.clone());
        drafts.into_iter().map(|draft| self.world.place(self.clock.now(), &shop, draft).expect("an order")).collect()
    }

    /// Lets time pass in steps, doing what is due after each.
    pub async fn pass(&self, steps: usize, step: i64) {
        for _ in 0..steps {
            self.clock.advance(step);
            self.world.tick(self.clock.now()).expect("the market goes on");
            work(&self.state.app).await;
        }
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
        person_of(&self.state.app, login, permissions, Scope::ALL).await
    }

    /// A person with exactly these permissions for some shops; answers the token.
    pub async fn person_of(&self, login: &str, permissions: &[Permission], scope: Scope) -> String {
        person_of(&self.state.app, login, permissions, scope).await
    }

    /// Posts JSON; the answer must be a success.
    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Value {
        let answer = self.send(&Method::POST, path, token, body).await;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text());
        if answer.body.is_empty() { json!(null) } else { answer.json() }
    }

    /// Sends JSON, whatever comes of it.
    pub async fn send(&self, method: &Method, path: &str, token: &str, body: &Value) -> Answer {
        self.ask(method, path, Some(token), &[("content-type", "application/json")], body.to_string()).await
    }

    /// Gets JSON; the answer must be a success.
    pub async fn get(&self, path: &str, token: &str) -> Value {
        let answer = self.ask(&Method::GET, path, Some(token), &[], Body::empty()).await;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text());
        answer.json()
    }

    /// All rows of a list, page by page.
    pub async fn all(&self, path: &str, token: &str) -> Vec<Value> {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        let mark = if path.contains('?') { '&' } else { '?' };
        loop {
            let page = self.get(&format!("{path}{mark}limit=200{cursor}"), token).await;
            rows.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={}", escaped(next)),
                None => return rows,
            }
        }
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

/// A text as it stands in a query.
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    wharf_connect::http::encode_form(text, &mut out);
    out
}

/// The ids of rows.
pub fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

/// A form with files and fields, for an upload.
pub fn form(fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--wharf\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes());
    }
    for (name, bytes) in files {
        let head = format!(
            "--wharf\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: application/octet-stream\r\n\r\n"
        );
        body.extend(head.into_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--wharf--\r\n");
    body
}

/// The header of a [`form`].
pub const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=wharf");

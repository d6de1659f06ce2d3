//! The program and the market as two servers on this machine: everything that is asked and told crosses a real connection.
//! Only time is ours: one clock for both, moved by hand, and a call takes a moment of it.

use crate::house::{A_CALL, know_schedules, person_of, work};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use wharf_connect::http::{Http, HttpOptions, HttpRequest, HttpResponse, RealHttp, TransportError};
use wharf_connect::world::{World, demo};
use wharf_domain::access::{Permission, Scope};
use wharf_domain::id::ShopId;
use wharf_domain::time::MINUTE;
use wharf_domain::word::Word;
use wharf_flows::app::App;

use wharf_server::cli::serve::{self, Started};
use wharf_server::config::{Config, File};
use wharf_server::market::{self, Market};
use wharf_server::seed;
use wharf_store::Clock;
use wharf_store::testing::{Bed, ManualClock};

/// Real connections that take a moment.
struct Timed(RealHttp, Arc<ManualClock>);

#[async_trait::async_trait]
impl Http for Timed {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.1.advance(A_CALL);
        self.0.send(request).await
    }
}

/// Both servers, and a person who may do everything.
pub struct Town {
    pub app: Arc<App>,
    pub clock: Arc<ManualClock>,
    market: Market,
    served: Started,
    client: RealHttp,
    token: String,
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

impl Town {
    /// On a bed, furnished as `wharf demo` would be, with nothing sold yet.
    pub async fn on(bed: &Bed) -> Town {
        let vendors = wharf_vendors::all();
        let world = Arc::new(World::quiet(&vendors, 1, bed.clock.now()));
        let market = market::serve(world, vendors.clone(), bed.clock.clone(), loopback()).await.expect("a market");
        let client = RealHttp::new(&HttpOptions::default()).expect("a client");
        let http = Arc::new(Timed(client.clone(), bed.clock.clone()));
        let app = Arc::new(App::new(bed.store.clone(), http, vendors, bed.clock.clone(), 1));
        let config = Config {
            database: bed.url.clone(),
            data: PathBuf::new(),
            zone: wharf_flows::recompute::zone("Asia/Shanghai"),
            file: File::default(),
        };
        let served = serve::start(app.clone(), loopback(), &config).await.expect("a server");
        seed::furnish(&served.state, &market.origin, market.world.read(demo::house)).await.expect("a furnished house");
        know_schedules(&app).await;
        let token = person_of(&app, "owner", Permission::ALL, Scope::ALL).await;
        let town = Town { app, clock: bed.clock.clone(), market, served, client, token };
        town.pass(2).await;
        town
    }

    /// Minutes pass; after each all jobs are done.
    pub async fn pass(&self, minutes: usize) {
        for _ in 0..minutes {
            self.clock.advance(MINUTE);
            work(&self.app).await;
        }
    }

    async fn send(&self, method: &'static str, url: String, headers: &[(&str, String)], body: Vec<u8>) -> HttpResponse {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let request = HttpRequest { method, url: url.clone(), headers, body, timeout: Duration::from_secs(20) };
        self.client.send(request).await.unwrap_or_else(|e| panic!("{method} {url}: {e}"))
    }

    /// Asks the program for anything.
    pub async fn ask(&self, method: &'static str, path: &str, accept: &str, body: Option<&Value>) -> HttpResponse {
        let headers = [
            ("authorization", format!("Bearer {}", self.token)),
            ("accept", accept.to_owned()),
            ("content-type", "application/json".to_owned()),
        ];
        let body = body.map(|b| b.to_string().into_bytes()).unwrap_or_default();
        self.send(method, format!("{}/api/v1{path}", self.served.url), &headers, body).await
    }

    /// Gets JSON from the program.
    pub async fn get(&self, path: &str) -> Value {
        read(path, &self.ask("GET", path, "application/json", None).await)
    }

    /// Posts JSON to the program.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        read(path, &self.ask("POST", path, "application/json", Some(&body)).await)
    }

    /// What the market itself knows.
    pub async fn truth(&self, path: &str) -> Value {
        read(path, &self.send("GET", format!("{}/_world{path}", self.market.origin), &[], Vec::new()).await)
    }

    /// Makes something happen on the market.
    pub async fn happen(&self, path: &str, body: Value) -> Value {
        let headers = [("content-type", "application/json".to_owned())];
        read(path, &self.send("POST", format!("{}/_world{path}", self.market.origin), &headers, body.to_string().into_bytes()).await)
    }

    /// A buyer buys; answers the channel's number and our order, once it is here.
    pub async fn buy(&self, draft: Value) -> (String, String) {
        let number = self.happen("/orders", draft).await["external_id"].as_str().expect("a number").to_owned();
        self.pass(2).await;
        (number.clone(), self.order_id(&number).await)
    }

    /// Our id of a channel's order.
    pub async fn order_id(&self, number: &str) -> String {
        let page = self.get(&format!("/orders?q={number}")).await;
        page["items"][0]["id"].as_str().unwrap_or_else(|| panic!("order {number} is not here: {page}")).to_owned()
    }

    /// Reads what the market says now, before any other job is done.
    pub async fn hear(&self) {
        self.clock.advance(2 * MINUTE);
        for shop in self.get("/shops").await["items"].as_array().expect("shops") {
            let id: ShopId = shop["id"].as_str().expect("id").parse().expect("id");
            wharf_flows::pull::pull(&self.app, id).await.expect("a pull");
        }
    }

    /// Acts on one thing; the outcome and the reason of its refusal.
    pub async fn act(&self, path: &str, id: &str) -> (String, String) {
        let answer = self.post(path, json!({ "ids": [id] })).await;
        let result = &answer["results"][0];
        let word = |name: &str| result[name].as_str().unwrap_or_default().to_owned();
        (word("outcome"), word("reason"))
    }

    /// Acts on one thing, which must do it.
    pub async fn done(&self, path: &str, id: &str) {
        let (outcome, reason) = self.act(path, id).await;
        assert!(outcome == "done" || outcome == "already", "{path}: {outcome} {reason}");
    }

    /// Sets up a bench in the warehouse of a parcel.
    pub async fn bench(&self, station: &str, parcel: &str) {
        let warehouse = self.get(&format!("/shipments/{parcel}")).await["warehouse"]["id"].clone();
        let path = format!("/pack/stations/{station}");
        let answer = self.ask("PUT", &path, "application/json", Some(&json!({ "warehouse_id": warehouse }))).await;
        read(&path, &answer);
    }

    /// Lets the server end.
    pub async fn end(self) {
        self.served.end().await;
    }
}

fn read(path: &str, answer: &HttpResponse) -> Value {
    assert!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
    if answer.body.is_empty() { json!(null) } else { serde_json::from_slice(&answer.body).unwrap_or_else(|e| panic!("{path}: {e}")) }
}

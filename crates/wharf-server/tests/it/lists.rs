//! Every list of the API has one shape, takes one pair of parameters, refuses what it does not know, and loses or repeats
//! nothing while rows are inserted. Which lists there are, the document says: a new one without a row here fails.

use crate::contract::operations;
use crate::house::{FORM, House, escaped, form, ids};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use wharf_connect::world::OrderDraft;
use wharf_domain::access::Permission;
use wharf_domain::id::{ListingId, ShopId};
use wharf_domain::time::{HOUR, MINUTE};
use wharf_domain::word::Word;
use wharf_store::catalog::{self, ListingKey, SeenListing};
use wharf_store::completeness::{self, NewParked};
use wharf_store::jobs::{self, Failure, NewJob};
use wharf_store::testing::{Bed, both_engines_with};
use wharf_store::{Clock, StoreError, blobs};

/// The paths whose GET answers a page, by the document.
fn lists() -> Vec<String> {
    let mut found = Vec::new();
    for (path, method, operation) in operations() {
        if method != "GET" {
            continue;
        }
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema["type"] != "array", "GET {path} answers a bare array");
        if schema["$ref"].as_str().is_some_and(|r| r.contains("/Page_")) {
            let names: BTreeSet<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|p| p["in"] == "query")
                .filter_map(|p| p["name"].as_str())
                .collect();
            assert!(names.contains("limit") && names.contains("cursor"), "GET {path} does not take limit and cursor: {names:?}");
            found.push(path);
        }
    }
    assert!(found.len() >= 20, "only {} lists", found.len());
    found
}

/// What tells a row from others.
fn key(row: &Value) -> String {
    ["id", "sku_id", "lane", "hour", "name"].iter().find_map(|name| row[*name].as_str()).map_or_else(|| row.to_string(), str::to_owned)
}

/// A house with two rows or more in every list.
struct Full<'a> {
    house: &'a House,
    bed: &'a Bed,
    token: String,
    shop: ShopId,
    account: String,
    warehouse: String,
    waiting: Vec<String>,
    number: std::cell::Cell<usize>,
}

impl Full<'_> {
    fn next(&self) -> usize {
        self.number.set(self.number.get() + 1);
        self.number.get()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.house.post(&format!("/api/v1{path}"), &self.token, &body).await
    }

    async fn import(&self) {
        let n = self.next();
        let csv = format!("订单编号,商品名称,数量,单价,订单创建时间\nOLD-{n},杯子,1,10.00,2026-01-02 10:00:00\n");
        let body = form(&[("shop", "旧店"), ("currency", "CNY"), ("zone", "Asia/Shanghai")], &[("old.csv", csv.as_bytes())]);
        let seen = self.house.ask(&Method::POST, "/api/v1/imports", Some(&self.token), &[FORM], body).await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.text());
        self.post(&format!("/imports/{}/actions/commit", seen.json()["id"].as_str().expect("id")), json!({})).await;
    }

    async fn dead_job(&self, lane: &'static str) {
        let n = self.next();
        self.house
            .state
            .app
            .store
            .write(move |tx| -> Result<(), StoreError> {
                let job =
                    NewJob { kind: "nothing", lane, lane_key: 0, dedup_key: None, payload: json!({ "n": n }), priority: 0, run_at: None };
                jobs::enqueue(tx, &[job])?;
                for claimed in jobs::claim(tx, lane, 10, MINUTE)? {
                    jobs::fail(tx, claimed.id, claimed.claim, Failure::Dead, "on purpose")?;
                }
                Ok(())
            })
            .await
            .expect("a dead job");
    }

    /// Lets an order of the market go on, up to its parcel.
    async fn parcel(&self, order: usize) {
        if let Some(id) = self.waiting.get(order) {
            self.post("/orders/actions/release", json!({ "ids": [id] })).await;
            self.post("/orders/actions/approve", json!({ "ids": [id] })).await;
            self.house.pass(1, MINUTE).await;
        }
    }

    /// Inserts a row into a list.
    async fn insert(&self, list: &str) {
        let n = self.next();
        let store = &self.house.state.app.store;
        let shop = self.shop;
        match list {
            // Nobody inserts a vendor, and an alert comes of other rows.
            "/api/v1/vendors" | "/api/v1/alerts" => {}
            "/api/v1/shops" => {
                let vendors = self.house.all("/api/v1/vendors", &self.token).await;
                let vendor = vendors.iter().find(|v| v["channel"] == true && v["credentials"][0].is_object()).expect("a marketplace");
                let credentials: serde_json::Map<String, Value> = vendor["credentials"]
                    .as_array()
                    .expect("fields")
                    .iter()
                    .map(|f| (f["name"].as_str().expect("a name").to_owned(), json!("x")))
                    .collect();
                self.post("/shops", json!({ "vendor": vendor["id"], "name": format!("店 {n}"), "credentials": credentials })).await;
            }
            "/api/v1/warehouses" => {
                drop(self.post("/warehouses", json!({ "code": format!("N{n}"), "name": "仓", "priority": -(n as i64 % 3) })).await)
            }
            "/api/v1/carrier-accounts" => {
                drop(self.post("/carrier-accounts", json!({ "vendor": "own", "name": format!("快递 {n}"), "settings": { "carrier_name": "快递", "number_prefix": "X", "number_from": "1", "number_to": "9" } })).await);
            }
            "/api/v1/carrier-accounts/{id}/rates" | "/api/v1/rate-cards" => {
                let path = format!("/api/v1/carrier-accounts/{}/rates", self.account);
                let mut rates = self.house.all(&path, &self.token).await;
                let mut new = rates.first().cloned().expect("a price");
                new["province"] = json!(format!("省 {n}"));
                rates.push(new);
                let done = self.house.send(&Method::PUT, &path, &self.token, &json!(rates)).await;
                assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.text());
            }
            "/api/v1/users" => {
                let body = json!({ "login": format!("clerk{n}"), "name": "Clerk", "password": "long enough", "role": "role of owner" });
                self.post("/users", body).await;
            }
            "/api/v1/roles" | "/api/v1/audit" => {
                drop(self.post("/roles", json!({ "name": format!("role {n}"), "permissions": ["orders.read"] })).await)
            }
            "/api/v1/tokens" => drop(self.post("/tokens", json!({ "name": format!("token {n}"), "scopes": ["*"] })).await),
            "/api/v1/skus" | "/api/v1/stock" => {
                drop(self.post("/skus", json!({ "skus": [{ "code": format!("NEW-{n}"), "name": "新品" }] })).await)
            }
            "/api/v1/bundles" => {
                let sku = self.house.get("/api/v1/skus?limit=1", &self.token).await["items"][0]["id"].clone();
                self.post("/bundles", json!({ "code": format!("SET-{n}"), "name": "套装", "parts": [{ "sku_id": sku, "quantity": 2 }] }))
                    .await;
            }
            "/api/v1/listings" => {
                let seen = SeenListing {
                    key: ListingKey { item_id: format!("item {n}"), external_sku_id: String::new(), seller_code: String::new() },
                    title: "宝贝".into(),
                    variant: String::new(),
                    image_url: None,
                };
                let made: Vec<ListingId> = store
                    .write(move |tx| catalog::see_listings(tx, shop, &[seen]))
                    .await
                    .expect("a listing")
                    .into_values()
                    .map(|l| l.id)
                    .collect();
                assert_eq!(made.len(), 1);
            }
            "/api/v1/stock/movements" => {
                let sku = self.house.get("/api/v1/skus?limit=1", &self.token).await["items"][0]["id"].clone();
                self.post("/stock/movements", json!({ "sku": sku, "warehouse_id": self.warehouse, "kind": "received", "quantity": 1 }))
                    .await;
            }
            "/api/v1/parked" => {
                store
                    .write(move |tx| -> Result<(), StoreError> {
                        let payload_hash = blobs::put(tx, format!("what {n}").as_bytes(), "application/json", true, None)?;
                        completeness::park(tx, shop, &[NewParked { external_id: format!("odd {n}"), why: "no total".into(), payload_hash }])
                    })
                    .await
                    .expect("parked");
            }
            "/api/v1/jobs" => self.dead_job(["a", "b", "c", "d", "zz"][n % 5]).await,
            "/api/v1/jobs/dead" => self.dead_job("z").await,
            "/api/v1/imports" | "/api/v1/orders" => self.import().await,
            "/api/v1/operations" => {
                drop(self.post("/orders/actions/tag", json!({ "ids": [self.waiting[0]], "add": [format!("t{n}")] })).await)
            }
            "/api/v1/shops/{id}/completeness" => {
                let hour = self.bed.clock.now().hour_floor().plus(HOUR * (n as i64 % 3));
                store.write(move |tx| completeness::save(tx, shop, hour, 1).map(|_| ())).await.expect("an hour");
            }
            "/api/v1/shipments" | "/api/v1/fulfillments" => self.parcel(2 + n % 4).await,
            "/api/v1/prints" => {
                let parcels = ids(&self.house.all("/api/v1/shipments", &self.token).await);
                self.post("/shipments/actions/print", json!({ "ids": parcels, "cause": format!("jam {n}") })).await;
            }
            other => panic!("how is a row inserted into {other}? Say so here"),
        }
    }

    fn path(&self, list: &str) -> String {
        let shop = self.shop.to_string();
        if list.contains("/shops/") { list.replace("{id}", &shop) } else { list.replace("{id}", &self.account) }
    }
}

/// Fills a house: four orders on the market, two of them printed, and the rest by the inserts themselves.
async fn fill<'a>(house: &'a House, bed: &'a Bed) -> Full<'a> {
    let token = house.person("owner", Permission::ALL).await;
    house.furnish().await;
    house.pass(1, MINUTE).await;
    house.sell((0..6).map(|_| OrderDraft { buyer_note: "请送到门口".into(), ..OrderDraft::default() }));
    house.pass(2, MINUTE).await;
    let waiting = ids(&house.all("/api/v1/orders", &token).await);
    assert_eq!(waiting.len(), 6, "the orders of the market are here");
    let accounts = house.all("/api/v1/carrier-accounts", &token).await;
    let mut account = String::new();
    for one in ids(&accounts) {
        if !house.all(&format!("/api/v1/carrier-accounts/{one}/rates"), &token).await.is_empty() {
            account = one;
        }
    }
    let shops = house.all("/api/v1/shops", &token).await;
    let shop = shops.iter().find(|s| s["health"] == "ok").expect("a shop")["id"].as_str().expect("id").parse().expect("id");
    let warehouse = house.all("/api/v1/warehouses", &token).await[0]["id"].as_str().expect("id").to_owned();
    let full = Full { house, bed, token, shop, account, warehouse, waiting, number: std::cell::Cell::new(0) };
    for order in 0..2 {
        full.parcel(order).await;
    }
    house.pass(2, MINUTE).await;
    let parcels = ids(&house.all("/api/v1/shipments", &full.token).await);
    assert_eq!(parcels.len(), 2, "two orders have their parcels");
    full.post("/shipments/actions/print", json!({ "ids": parcels })).await;
    full
}

#[test]
fn every_list_pages_without_loss_or_repeat_while_rows_are_inserted() {
    both_engines_with(|bed| async move {
        let house = House::on(&bed);
        let full = fill(&house, &bed).await;
        for list in lists() {
            let path = full.path(&list);
            let mark = if path.contains('?') { '&' } else { '?' };
            while house.all(&path, &full.token).await.len() < 3 && !matches!(list.as_str(), "/api/v1/vendors" | "/api/v1/alerts") {
                full.insert(&list).await;
            }
            let before: BTreeSet<String> = house.all(&path, &full.token).await.iter().map(key).collect();
            let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
            loop {
                // One by one, and when that has been shown on a long list, the rest of it at once.
                let size = if pages < 12 { 1 } else { 200 };
                let page = house.get(&format!("{path}{mark}limit={size}{cursor}"), &full.token).await;
                let items = page["items"].as_array().unwrap_or_else(|| panic!("{list} has no items: {page}"));
                assert!(items.len() <= size, "{list}: {} rows for limit={size}", items.len());
                assert!(page.as_object().is_some_and(|o| o.contains_key("next")), "{list} does not say where it goes on");
                seen.extend(items.iter().map(key));
                match page["next"].as_str() {
                    Some(next) => cursor = format!("&cursor={}", escaped(next)),
                    None => break,
                }
                pages += 1;
                if pages <= 3 {
                    full.insert(&list).await;
                }
            }
            let distinct: BTreeSet<String> = seen.iter().cloned().collect();
            assert_eq!(distinct.len(), seen.len(), "{list} shows a row twice: {seen:?}");
            let lost: Vec<&String> = before.difference(&distinct).collect();
            assert!(lost.is_empty(), "{list} lost {lost:?}");
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_refuses_what_it_does_not_know() {
    let bed = wharf_store::testing::memory();
    let house = House::on(&bed);
    let full = fill(&house, &bed).await;
    for list in lists() {
        let path = full.path(&list);
        for (query, status) in
            [("pahse=review", 400), ("cursor=%00", 400), ("limit=0", 422), ("limit=201", 422), ("limit=1&limit=2", 400), ("offset=3", 400)]
        {
            let answer = house.ask(&Method::GET, &format!("{path}?{query}"), Some(&full.token), &[], Body::empty()).await;
            assert_eq!(answer.status.as_u16(), status, "{list}?{query}: {}", answer.text());
        }
        let foreign = house.ask(&Method::GET, &format!("{path}?cursor=not-one-of-ours"), Some(&full.token), &[], Body::empty()).await;
        assert!(foreign.status.is_client_error() || list == "/api/v1/skus", "{list} takes any cursor: {}", foreign.text());
    }
}

/// A person of one shop sees all of it, however many rows of others lie between.
#[test]
fn a_scope_hides_rows_and_never_pages() {
    both_engines_with(|bed| async move {
        let house = House::on(&bed);
        let full = fill(&house, &bed).await;
        for _ in 0..3 {
            full.import().await;
        }
        let imports = house.all("/api/v1/imports", &full.token).await;
        let shop: ShopId = imports[0]["shop_id"].as_str().expect("a shop").parse().expect("id");
        for _ in 0..2 {
            let csv = "订单编号,商品名称,数量,单价,订单创建时间\nX-1,杯子,1,10.00,2026-01-02 10:00:00\n";
            let body = form(&[("shop", "别家"), ("currency", "CNY"), ("zone", "Asia/Shanghai")], &[("x.csv", csv.as_bytes())]);
            house.ask(&Method::POST, "/api/v1/imports", Some(&full.token), &[FORM], body).await;
        }
        let scope = wharf_domain::access::Scope { shops: Some(vec![shop]), warehouses: None };
        let clerk = crate::house::person_of(&house.state.app, "clerk", Permission::ALL, scope).await;
        let mine = house.all("/api/v1/imports", &clerk).await;
        assert_eq!(mine.len(), 3, "the imports of one shop");
        let first = house.get("/api/v1/imports?limit=1", &clerk).await;
        assert_eq!(first["items"].as_array().map(Vec::len), Some(1), "the newer imports of others do not empty the page");
        assert!(first["next"].is_string());
    });
}

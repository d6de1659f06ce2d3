//! Law 12 over HTTP, for every bulk verb of the document: an answer for each id, whatever ids were sent; one refusal never
//! undoes another; the same call again changes nothing. And the contract around it: versions, long operations, typed orders.

use crate::contract::operations;
use crate::house::{Answer, House};
use axum::http::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use wharf_domain::access::{Permission, Scope};
use wharf_domain::id::ShopId;
use wharf_domain::word::Word;
use wharf_store::testing::{Bed, both_engines_with, memory};
use wharf_store::{StoreError, dump};

/// A seller's day: two shops, goods, a carrier, orders; and a person who sees the first shop only.
struct Stage {
    house: House,
    /// Sees shop `a` alone.
    who: String,
    owner: String,
    user: String,
    warehouse: String,
    account: String,
    shop: String,
    orders: Vec<String>,
    foreign: String,
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

impl Stage {
    async fn on(bed: &Bed) -> Stage {
        let house = House::on(bed);
        let owner = house.person("owner", Permission::ALL).await;
        let post = |path: &'static str, body: Value| {
            let (house, owner) = (&house, &owner);
            async move {
                let answer = house.ask(&Method::POST, path, Some(owner), &JSON, body.to_string()).await;
                assert!(answer.status.is_success(), "{path}: {}", String::from_utf8_lossy(&answer.body));
                answer.json()
            }
        };
        let vendors = house.ask(&Method::GET, "/api/v1/vendors", Some(&owner), &[], "").await.json();
        let vendors = vendors["items"].as_array().or_else(|| vendors.as_array()).expect("vendors").clone();
        let files = vendors.iter().find(|v| v["channel"] == false && v["carrier"] == false).expect("a vendor of files")["id"].clone();
        let open = |v: &&Value| v["credentials"].as_array().is_some_and(|fields| fields.iter().all(|field| field["required"] == false));
        let carrier =
            vendors.iter().filter(|v| v["channel"] == false && v["carrier"] == true).find(open).expect("the contract carrier").clone();
        let service = carrier["services"].as_object().expect("services").keys().next().expect("a service").clone();
        let place = json!({ "code": "HZ", "name": "杭州仓", "kind": "own", "active": true, "country": "CN", "province": "浙江省", "city": "杭州市",
            "district": "余杭区", "address": "仓库路1号", "contact": "李雷", "phone": "13900000000", "pack_flow": "print_then_pack" });
        let warehouse = post("/api/v1/warehouses", place).await["id"].as_str().expect("id").to_owned();
        post("/api/v1/skus", json!({ "skus": [{ "code": "S1", "name": "棉袜", "weight_grams": 100, "barcodes": ["6900000000011"] }, { "code": "S2", "name": "杯", "weight_grams": 300 }] })).await;
        for sku in ["S1", "S2"] {
            post("/api/v1/stock/movements", json!({ "sku": sku, "warehouse_id": warehouse, "kind": "received", "quantity": 500 })).await;
        }
        let settings = json!({ "carrier_name": "合约快递", "number_prefix": "HT", "number_from": "100000001", "number_to": "109999999" });
        let account =
            post("/api/v1/carrier-accounts", json!({ "vendor": carrier["id"], "name": "月结", "settings": settings })).await["id"]
                .as_str()
                .expect("id")
                .to_owned();
        let money = |amount: &str| json!({ "amount": amount, "currency": "CNY" });
        let rates = json!([{ "service": service, "country": "CN", "first_grams": 1000, "first": money("5.00"), "step_grams": 1000, "step": money("2.00"), "max_grams": 30_000, "days": 3 }]);
        let path = format!("/api/v1/carrier-accounts/{account}/rates");
        let set = house.ask(&Method::PUT, &path, Some(&owner), &JSON, rates.to_string()).await;
        assert!(set.status.is_success(), "{}", String::from_utf8_lossy(&set.body));
        let mut shops = Vec::new();
        for name in ["a", "b"] {
            shops.push(post("/api/v1/shops", json!({ "vendor": files, "name": name })).await["id"].as_str().expect("id").to_owned());
        }
        let apart = json!({ "policy": { "parcels": { "merge": false } } }).to_string();
        let changed = house.ask(&Method::PATCH, &format!("/api/v1/shops/{}", shops[0]), Some(&owner), &JSON, apart).await;
        assert!(changed.status.is_success(), "{}", String::from_utf8_lossy(&changed.body));
        let scope = Scope { shops: Some(vec![ShopId(shops[0].parse().expect("an id"))]), warehouses: None };
        let who = house.person_of("clerk", Permission::ALL, scope).await;
        let user = house.user("clerk").await.to_string();
        let mut orders = Vec::new();
        for n in 0..7 {
            orders.push(
                post("/api/v1/orders", typed(&shops[0], &format!("T{n}"), if n < 2 { 0 } else { n })).await["id"]
                    .as_str()
                    .expect("id")
                    .to_owned(),
            );
        }
        let foreign = post("/api/v1/orders", typed(&shops[1], "F1", 50)).await["id"].as_str().expect("id").to_owned();
        let stage = Stage { house, who, owner, user, warehouse, account, shop: shops[0].clone(), orders, foreign };
        // One order is over: the wrong state for everything.
        let over = stage.orders[6].clone();
        stage.act("/api/v1/orders/actions/cancel", json!({ "ids": [over], "reason": "other", "note": "x" })).await;
        stage.work().await;
        stage
    }

    async fn act(&self, path: &str, body: Value) -> Answer {
        self.house.ask(&Method::POST, path, Some(&self.who), &JSON, body.to_string()).await
    }

    async fn work(&self) {
        let app = self.house.app();
        wharf_flows::worker::run_due(&app, &wharf_flows::jobs::all()).await.expect("jobs run");
    }

    /// Everything that is true; what records the asking itself is not part of it.
    async fn digest(&self) -> BTreeMap<&'static str, Vec<String>> {
        const ABOUT_ASKING: [&str; 5] = ["operations", "operation_results", "operation_targets", "audit", "tokens"];
        self.house
            .app()
            .store
            .read(|tx| {
                let mut all = BTreeMap::new();
                for (table, _) in dump::TABLES.iter().filter(|(table, _)| !ABOUT_ASKING.contains(table)) {
                    let rows = dump::page(tx, table, None, 100_000)?;
                    all.insert(*table, rows.into_iter().map(|row| serde_json::to_string(&row).expect("json")).collect());
                }
                Ok::<_, StoreError>(all)
            })
            .await
            .expect("a dump")
    }

    async fn parcels(&self) -> Vec<String> {
        let answer = self.house.ask(&Method::GET, "/api/v1/shipments?limit=200", Some(&self.owner), &[], "").await.json();
        answer["items"].as_array().expect("items").iter().map(|s| s["id"].as_str().expect("id").to_owned()).collect()
    }

    async fn order(&self, id: &str) -> Value {
        self.house.ask(&Method::GET, &format!("/api/v1/orders/{id}"), Some(&self.owner), &[], "").await.json()
    }
}

fn typed(shop: &str, number: &str, buyer: usize) -> Value {
    json!({
        "shop_id": shop, "external_id": number, "buyer": { "external_id": format!("b{buyer}"), "nick": "小王" },
        "recipient": { "name": "王小明", "phone": format!("138{buyer:08}"), "country": "CN", "province": "浙江省", "city": "杭州市", "district": "余杭区", "address": format!("文一西路{buyer}号") },
        "lines": [
            { "sku": "S1", "quantity": 2, "unit_price": { "amount": "10.00", "currency": "CNY" } },
            { "sku": "s2", "quantity": 1, "unit_price": { "amount": "25.50", "currency": "CNY" }, "discount": { "amount": "0.50", "currency": "CNY" } },
        ],
        "shipping": { "amount": "5.00", "currency": "CNY" },
    })
}

/// Every bulk verb with what it is sent beside the ids.
fn verbs(stage: &Stage) -> Vec<(&'static str, Value)> {
    vec![
        ("/api/v1/orders/actions/unroute", json!({})),
        ("/api/v1/orders/actions/edit_address", json!({ "region": { "district": "西湖区" } })),
        ("/api/v1/orders/actions/release", json!({})),
        ("/api/v1/orders/actions/hold", json!({ "note": "look" })),
        ("/api/v1/orders/actions/release", json!({ "reason": "manual" })),
        ("/api/v1/orders/actions/approve", json!({})),
        ("/api/v1/orders/actions/share", json!({ "among": [stage.user] })),
        ("/api/v1/orders/actions/assign", json!({ "user_id": stage.user })),
        ("/api/v1/orders/actions/note", json!({ "seller_note": "小心轻放", "seller_flag": 3 })),
        ("/api/v1/orders/actions/tag", json!({ "add": ["a", "b"], "remove": ["c"] })),
        ("/api/v1/orders/actions/route", json!({ "warehouse_id": stage.warehouse })),
        ("/api/v1/orders/actions/merge", json!({})),
        ("/api/v1/orders/actions/cancel", json!({ "reason": "buyer_asked", "source": "buyer", "note": "不要了" })),
        ("/api/v1/shipments/actions/carrier", json!({ "carrier_account_id": stage.account })),
        ("/api/v1/shipments/actions/void", json!({})),
        // A label that was given back by hand holds its orders; released, they are booked again.
        ("/api/v1/orders/actions/release", json!({})),
        ("/api/v1/shipments/actions/book", json!({})),
        ("/api/v1/shipments/actions/print", json!({ "station": "S1" })),
        ("/api/v1/shipments/actions/pack", json!({ "station": "S1" })),
        ("/api/v1/shipments/actions/unpack", json!({})),
        ("/api/v1/shipments/actions/pack", json!({ "station": "S1" })),
        ("/api/v1/shipments/actions/hand_over", json!({})),
        ("/api/v1/orders/actions/confirm", json!({})),
    ]
}

/// Verbs of one target, which answer with what they made; a split of an order has its own test.
const SINGLE: [&str; 6] = [
    "/api/v1/orders/actions/blacklist",
    "/api/v1/orders/actions/take_next",
    "/api/v1/orders/actions/split",
    "/api/v1/shipments/actions/merge",
    "/api/v1/shipments/actions/split",
    "/api/v1/shipments/actions/take_out",
];

/// The answers, each id once, in the order sent.
fn answered(told: &Answer, ids: &[String], what: &str) -> Vec<(String, String)> {
    assert_eq!(told.status, 200, "{what}: {}", String::from_utf8_lossy(&told.body));
    let body = told.json();
    let results: Vec<(String, String)> = body["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|r| {
            (
                r["id"].as_str().expect("id").to_owned(),
                format!("{}{}", r["outcome"].as_str().expect("outcome"), r["reason"].as_str().map(|r| format!(":{r}")).unwrap_or_default()),
            )
        })
        .collect();
    let distinct: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(results.len(), distinct.len(), "{what}: {ids:?} answered as {results:?}");
    assert_eq!(results.iter().map(|(id, _)| id).collect::<BTreeSet<_>>(), distinct, "{what}");
    let count = |word: &str| results.iter().filter(|(_, o)| o.starts_with(word)).count() as u64;
    for word in ["done", "already", "refused"] {
        assert_eq!(body["tally"][word].as_u64(), Some(count(word)), "{what}: the tally of {word}");
    }
    results
}

/// A small generator: the same seed gives the same story.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % most
    }
}

#[test]
fn every_bulk_verb_answers_each_id_and_the_same_call_again_changes_nothing() {
    both_engines_with(|bed| async move {
        for seed in 0..2 {
            // A fresh day for each seed would need a fresh database: memory has one at hand, the others go on with theirs.
            let fresh;
            let bed = if seed == 0 {
                &bed
            } else {
                fresh = memory();
                &fresh
            };
            let stage = Stage::on(bed).await;
            let verbs = verbs(&stage);
            let known: BTreeSet<&str> = verbs.iter().map(|(path, _)| *path).chain(SINGLE).collect();
            for (path, _, _) in operations() {
                if path.starts_with("/api/v1/orders/actions/") || path.starts_with("/api/v1/shipments/actions/") {
                    assert!(known.contains(path.as_str()), "{path} is not held to law 12");
                }
            }
            let mut dice = Dice(seed + 11);
            let mut done = BTreeSet::new();
            let mut told: Vec<String> = Vec::new();
            for round in 0..3 {
                for index in 0..verbs.len() {
                    // First in their order, so that each has something to do; then as chance has it.
                    let (path, fields) = if round == 0 { &verbs[index] } else { &verbs[dice.below(verbs.len())] };
                    let mut pool = if path.contains("/orders/") { stage.orders.clone() } else { stage.parcels().await };
                    if path.ends_with("/cancel") && round == 0 {
                        pool = vec![stage.orders[5].clone()];
                    }
                    let mut ids: Vec<String> = if round == 0 {
                        pool.clone()
                    } else {
                        (0..1 + dice.below(5)).filter_map(|_| pool.get(dice.below(pool.len().max(1)))).cloned().collect()
                    };
                    if let Some(first) = ids.first().cloned() {
                        ids.push(first);
                    }
                    ids.insert(dice.below(ids.len() + 1), "404".to_owned());
                    if path.contains("/orders/") {
                        ids.insert(dice.below(ids.len() + 1), stage.foreign.clone());
                    }
                    let mut body = fields.clone();
                    body["ids"] = json!(ids);
                    let what = format!("seed {seed} round {round} {path}");
                    let first = answered(&stage.act(path, body.clone()).await, &ids, &what);
                    for (id, outcome) in &first {
                        if *id == "404" || *id == stage.foreign {
                            assert_eq!(outcome, "refused:not_found", "{what}: {id}");
                        }
                    }
                    if round == 0 {
                        told.push(format!("{path}: {:?}", first.iter().map(|(_, outcome)| outcome.as_str()).collect::<BTreeSet<_>>()));
                    }
                    if first.iter().any(|(_, outcome)| outcome == "done") {
                        done.insert(*path);
                    }
                    let before = stage.digest().await;
                    let again = answered(&stage.act(path, body).await, &ids, &what);
                    assert!(again.iter().all(|(_, outcome)| outcome != "done"), "{what} again did: {again:?} after {first:?}");
                    let after = stage.digest().await;
                    for (table, rows) in &before {
                        assert_eq!(rows, &after[table], "{what}: the same call again changed {table}");
                    }
                    stage.work().await;
                }
            }
            // That the story is one: verbs had something to do. (Approval, routing and booking came first by themselves.)
            let nothing = ["approve", "assign", "route", "book", "confirm"];
            for (path, _) in &verbs {
                let idle = nothing.iter().any(|verb| path.ends_with(verb));
                assert!(done.contains(path) || idle, "seed {seed}: {path} never did anything: {told:#?}");
            }
            let report = wharf_flows::doctor::examine(&stage.house.app(), false).await.expect("doctor");
            assert!(report.drifts.is_empty(), "{:#?}", report.drifts);
        }
    });
}

#[test]
fn a_version_that_is_not_the_current_one_changes_nothing() {
    both_engines_with(|bed| async move {
        let stage = Stage::on(&bed).await;
        let id = stage.orders[2].clone();
        let version = stage.order(&id).await["version"].as_i64().expect("a version");
        let act = |version: i64, note: &'static str| {
            let body = json!({ "ids": [id], "seller_note": note }).to_string();
            let stage = &stage;
            async move {
                let tag = format!("\"{version}\"");
                let headers = [("content-type", "application/json"), ("if-match", tag.as_str())];
                stage.house.ask(&Method::POST, "/api/v1/orders/actions/note", Some(&stage.who), &headers, body).await
            }
        };
        assert_eq!(act(version, "first").await.status, 200);
        let now = stage.order(&id).await["version"].as_i64().expect("a version");
        assert!(now > version, "a change has a new version");
        let stale = act(version, "second").await;
        assert_eq!((stale.status.as_u16(), stale.json()["version"].as_i64()), (409, Some(now)));
        assert_eq!(stage.order(&id).await["seller_note"], "first", "nothing is lost");
        let headers = [("content-type", "application/json"), ("if-match", "1")];
        let two = json!({ "ids": [stage.orders[1], stage.orders[2]], "note": "" }).to_string();
        let many = stage.house.ask(&Method::POST, "/api/v1/orders/actions/hold", Some(&stage.who), &headers, two).await;
        assert_eq!(many.status, 400, "a version is one order's");
    });
}

#[test]
fn many_orders_are_an_operation_whose_progress_is_read() {
    both_engines_with(|bed| async move {
        let stage = Stage::on(&bed).await;
        let mut ids: Vec<String> = (0..1_100).map(|n| (1_000_000 + n).to_string()).collect();
        ids.extend(stage.orders.iter().cloned());
        let told = stage.act("/api/v1/orders/actions/hold", json!({ "ids": ids, "note": "x" })).await;
        assert_eq!(told.status, 202, "{}", String::from_utf8_lossy(&told.body));
        let begun = told.json();
        assert_eq!((begun["operation_state"].as_str(), begun["total"].as_i64()), (Some("running"), Some(1_107)));
        let path = format!("/api/v1/operations/{}", begun["id"].as_str().expect("id"));
        stage.work().await;
        let ended = stage.house.ask(&Method::GET, &format!("{path}?limit=200"), Some(&stage.who), &[], "").await.json();
        assert_eq!((ended["operation_state"].as_str(), ended["finished"].as_i64()), (Some("done"), Some(1_107)));
        assert_eq!((ended["tally"]["done"].as_i64(), ended["tally"]["refused"].as_i64()), (Some(6), Some(1_101)));
        assert_eq!(ended["tally"]["reasons"]["not_found"], 1_100);
        let undone = stage.house.ask(&Method::POST, &format!("{path}/actions/undo"), Some(&stage.who), &JSON, "{}").await;
        assert_eq!((undone.status.as_u16(), undone.json()["tally"]["done"].as_i64()), (200, Some(6)));
        let again = stage.house.ask(&Method::POST, &format!("{path}/actions/undo"), Some(&stage.who), &JSON, "{}").await;
        assert_eq!(again.json()["code"], "already_undone");
    });
}

#[test]
fn a_typed_order_is_one_order_however_often_it_is_sent() {
    both_engines_with(|bed| async move {
        let stage = Stage::on(&bed).await;
        let send = |body: Value| {
            let stage = &stage;
            async move { stage.house.ask(&Method::POST, "/api/v1/orders", Some(&stage.owner), &JSON, body.to_string()).await }
        };
        let order = typed(&stage.shop, "PHONE-1", 77);
        let first = send(order.clone()).await;
        assert_eq!(first.status, 201, "{}", String::from_utf8_lossy(&first.body));
        let row = first.json();
        assert_eq!((row["total"]["amount"].as_str(), row["units"].as_i64()), (Some("50.00"), Some(3)));
        let again = send(order.clone()).await;
        assert_eq!((again.status.as_u16(), again.json()["id"].as_str()), (200, row["id"].as_str()));
        let mut other = order.clone();
        other["lines"][0]["quantity"] = json!(3);
        let taken = send(other).await;
        assert_eq!(taken.status, 409);
        assert!(taken.json()["version"].is_i64());
        // It is checked as every other.
        let mut odd = typed(&stage.shop, "PHONE-2", 78);
        odd["recipient"]["phone"] = json!("123");
        odd["total"] = json!({ "amount": "49.00", "currency": "CNY" });
        let held = send(odd).await.json();
        assert_eq!(held["phase"], "held");
        let reasons: BTreeSet<&str> = held["holds"].as_array().expect("holds").iter().filter_map(|h| h["reason"].as_str()).collect();
        assert_eq!(reasons, ["amount_mismatch", "phone_invalid"].into());
        // Every wrong field is named.
        for (pointer, value, field) in [
            ("/lines/0/sku", json!("NOPE"), "lines[0].sku"),
            ("/lines/1/quantity", json!(0), "lines[1].quantity"),
            ("/lines/1/discount/amount", json!("99.00"), "lines[1].discount"),
            ("/lines/1/unit_price/amount", json!("1.005"), "lines[1].unit_price.amount"),
            ("/lines/1/unit_price/currency", json!("USD"), "lines[1].unit_price.currency"),
            ("/lines/0/unit_price/amount", json!("99999999999999"), "lines[0].unit_price"),
            ("/recipient/country", json!("China"), "recipient.country"),
            ("/external_id", json!(" "), "external_id"),
            ("/shipping/amount", json!("-1"), "shipping"),
        ] {
            let mut bad = typed(&stage.shop, "PHONE-3", 79);
            *bad.pointer_mut(pointer).expect("the place") = value;
            let told = send(bad).await;
            assert_eq!(told.status, 422, "{pointer}: {}", String::from_utf8_lossy(&told.body));
            assert_eq!(told.json()["fields"][0]["field"], field, "{pointer}");
        }
        let foreign = stage.house.ask(&Method::POST, "/api/v1/orders", Some(&stage.who), &JSON, typed("1", "X", 1).to_string()).await;
        assert_eq!(foreign.status, 404, "a shop that the person does not see");
    });
}

#[test]
fn numbers_are_cancelled_with_an_answer_for_each() {
    both_engines_with(|bed| async move {
        let stage = Stage::on(&bed).await;
        let body = |dry: bool| json!({ "external_ids": ["T3", "T4", "T6", "NOWHERE", "F1"], "reason": "out_of_stock", "expected": 3, "dry_run": dry });
        let told = |answer: &Answer| -> BTreeMap<String, String> {
            let body = answer.json();
            let rows = body["results"].as_array().expect("results").clone();
            rows.iter()
                .map(|r| {
                    (
                        r["external_id"].as_str().expect("number").to_owned(),
                        format!("{} {}", r["outcome"].as_str().expect("outcome"), r["reason"].as_str().unwrap_or_default()),
                    )
                })
                .collect()
        };
        let wanted: BTreeMap<String, String> =
            [("T3", "done "), ("T4", "done "), ("T6", "already "), ("NOWHERE", "refused not_found"), ("F1", "refused not_found")]
                .into_iter()
                .map(|(n, o)| (n.to_owned(), o.to_owned()))
                .collect();
        let before = stage.digest().await;
        assert_eq!(told(&stage.act("/api/v1/orders/actions/cancel", body(true)).await), wanted);
        assert_eq!(before, stage.digest().await);
        let mut wrong = body(false);
        wrong["expected"] = json!(2);
        assert_eq!(stage.act("/api/v1/orders/actions/cancel", wrong).await.status, 409);
        assert_eq!(before, stage.digest().await);
        assert_eq!(told(&stage.act("/api/v1/orders/actions/cancel", body(false)).await), wanted);
        let order = stage.order(&stage.orders[3]).await;
        assert_eq!(
            (order["phase"].as_str(), order["cancellations"][0]["cancellation_state"].as_str()),
            (Some("cancelled"), Some("confirmed"))
        );
    });
}

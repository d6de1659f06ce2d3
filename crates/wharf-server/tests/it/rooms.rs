//! Rooms of the house by HTTP: what a warehouse does with its work, counts and transfers, files out, files in.

use crate::house::{FORM, House, form, ids};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use wharf_connect::world::OrderDraft;
use wharf_domain::access::Permission;
use wharf_domain::time::MINUTE;
use wharf_domain::word::Word;
use wharf_store::testing::both_engines_with;

/// A furnished house with one order that has its work and its parcel.
async fn with_work(house: &House) -> (String, String, Value) {
    let token = house.person("owner", Permission::ALL).await;
    house.furnish().await;
    house.pass(1, MINUTE).await;
    house.sell([OrderDraft { buyer_note: "请尽快".into(), ..OrderDraft::default() }]);
    house.pass(2, MINUTE).await;
    let order = ids(&house.all("/api/v1/orders", &token).await).remove(0);
    for verb in ["release", "approve", "route"] {
        house.post(&format!("/api/v1/orders/actions/{verb}"), &token, &json!({ "ids": [order] })).await;
    }
    let work = house.all(&format!("/api/v1/fulfillments?order={order}&state=open"), &token).await;
    assert_eq!(work.len(), 1, "one warehouse has the whole order");
    (token, order, work[0].clone())
}

async fn act(house: &House, token: &str, verb: &str, body: Value) -> (String, String) {
    let answer = house.post(&format!("/api/v1/fulfillments/actions/{verb}"), token, &body).await;
    let word = |name: &str| answer["results"][0][name].as_str().unwrap_or_default().to_owned();
    (word("outcome"), word("reason"))
}

fn done() -> (String, String) {
    ("done".to_owned(), String::new())
}

#[test]
fn work_is_picked_given_back_and_refused() {
    both_engines_with(|bed| async move {
        let house = House::on(&bed);
        let (token, order, work) = with_work(&house).await;
        let id = work["id"].clone();
        let refuser = work["warehouse"]["id"].clone();
        assert_eq!(work["order"]["id"], json!(order));
        assert!(work["lines"][0]["items"][0]["quantity"].as_i64().is_some_and(|n| n > 0), "{work}");

        assert_eq!(act(&house, &token, "pick", json!({ "ids": [id], "dry_run": true })).await, done());
        let read = async |state: &str| {
            let now = house.get(&format!("/api/v1/fulfillments/{}", id.as_str().expect("id")), &token).await;
            assert_eq!(now["fulfillment_state"], state, "{now}");
        };
        read("open").await;
        assert_eq!(act(&house, &token, "pick", json!({ "ids": [id] })).await, done());
        assert_eq!(act(&house, &token, "pick", json!({ "ids": [id] })).await.0, "already");
        read("picking").await;
        assert_eq!(act(&house, &token, "unpick", json!({ "ids": [id] })).await, done());
        read("open").await;

        let vague =
            house.send(&Method::POST, "/api/v1/fulfillments/actions/reject", &token, &json!({ "ids": [id], "reason": "other" })).await;
        assert_eq!(vague.status, StatusCode::UNPROCESSABLE_ENTITY, "`other` without words");
        let body = json!({ "ids": [id, "77"], "reason": "not_on_shelf", "note": "三楼找不到" });
        assert_eq!(act(&house, &token, "reject", body.clone()).await, done());
        assert_eq!(act(&house, &token, "reject", body).await.0, "already");
        house.pass(2, MINUTE).await;
        let old = house.get(&format!("/api/v1/fulfillments/{}", id.as_str().expect("id")), &token).await;
        assert_eq!((&old["fulfillment_state"], &old["reject_reason"]), (&json!("cancelled"), &json!("not_on_shelf")));
        let again = house.all(&format!("/api/v1/fulfillments?order={order}&rejected=false"), &token).await;
        assert_eq!(again.len(), 1, "it was routed again");
        assert_ne!(again[0]["warehouse"]["id"], refuser, "and not to the warehouse that said no");
        let told = again[0]["trace"]["candidates"].as_array().expect("candidates").iter().find(|c| c["refused"] == "not_on_shelf");
        assert!(told.is_some(), "the decision does not say who refused: {}", again[0]["trace"]);

        let next = again[0]["id"].clone();
        assert_eq!(act(&house, &token, "release", json!({ "ids": [next] })).await, done());
        house.pass(2, MINUTE).await;
        let detail = house.get(&format!("/api/v1/orders/{order}"), &token).await;
        assert_eq!(detail["phase"], "held", "what was given back waits for a person");
        assert_eq!(act(&house, &token, "pick", json!({ "ids": [next] })).await, ("refused".to_owned(), "cancelled".to_owned()));
        let doctor = wharf_flows::doctor::examine(&house.state.app, false).await.expect("an examination");
        assert!(doctor.is_healthy(), "{doctor:?}");
    });
}

#[test]
fn counts_and_transfers_move_stock_by_the_ledger() {
    both_engines_with(|bed| async move {
        let house = House::on(&bed);
        let token = house.person("owner", Permission::ALL).await;
        house.furnish().await;
        let places = ids(&house.all("/api/v1/warehouses", &token).await);
        house
            .post("/api/v1/skus", &token, &json!({ "skus": [{ "code": "CUP-1", "name": "Cup" }, { "code": "CUP-2", "name": "Cup" }] }))
            .await;
        let count =
            |lines: Value, dry_run: bool| json!({ "warehouse_id": places[0], "lines": lines, "reason": "year's end", "dry_run": dry_run });
        let lines = json!([{ "sku": "CUP-1", "counted": 10 }, { "sku": "CUP-2", "counted": 0 }]);
        let seen = house.post("/api/v1/stock/counts", &token, &count(lines.clone(), true)).await;
        assert_eq!((&seen["tally"]["done"], &seen["tally"]["already"]), (&json!(1), &json!(1)), "{seen}");
        let made = house.post("/api/v1/stock/counts", &token, &count(lines.clone(), false)).await;
        assert_eq!(made["results"][0]["difference"], 10, "the rehearsal changed nothing: {made}");
        assert_eq!(house.post("/api/v1/stock/counts", &token, &count(lines, false)).await["tally"]["already"], 2, "the same count again");

        let transfer = |quantity: i64| {
            json!({ "from_warehouse_id": places[0], "to_warehouse_id": places[1], "note": "rebalance",
                    "lines": [{ "sku": "CUP-1", "quantity": quantity }, { "sku": "CUP-2", "quantity": 1 }] })
        };
        let refused = house.send(&Method::POST, "/api/v1/stock/transfers", &token, &transfer(4)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
        assert_eq!(refused.json()["fields"][0]["field"], "lines.1.quantity", "it says which line");
        let mut whole = transfer(4);
        whole["lines"] = json!([{ "sku": "CUP-1", "quantity": 4 }]);
        house.post("/api/v1/stock/transfers", &token, &whole).await;
        let rows = house.get("/api/v1/stock?q=CUP-1", &token).await;
        let on_hand: Vec<i64> =
            rows["items"][0]["levels"].as_array().expect("levels").iter().map(|l| l["on_hand"].as_i64().expect("n")).collect();
        assert_eq!((on_hand.iter().sum::<i64>(), on_hand.contains(&6), on_hand.contains(&4)), (10, true, true), "{rows}");
        let doctor = wharf_flows::doctor::examine(&house.state.app, false).await.expect("an examination");
        assert!(doctor.is_healthy(), "{doctor:?}");
    });
}

#[test]
fn a_list_is_exported_as_it_is_shown() {
    both_engines_with(|bed| async move {
        let house = House::on(&bed);
        let (token, _, _) = with_work(&house).await;
        house.pass(2, MINUTE).await;
        for (list, file) in [
            ("/api/v1/stock", "/api/v1/exports/stock"),
            ("/api/v1/shipments", "/api/v1/exports/shipments"),
            ("/api/v1/orders", "/api/v1/exports/orders"),
        ] {
            let shown = house.all(list, &token).await;
            assert!(!shown.is_empty(), "{list} is empty");
            let csv = house.ask(&Method::GET, file, Some(&token), &[], Body::empty()).await;
            assert_eq!(csv.status, StatusCode::OK, "{}", csv.text());
            let rows = csv.text().lines().count() - 1;
            let wanted: usize = if list.ends_with("stock") {
                shown.iter().map(|r| r["levels"].as_array().map_or(1, |l| l.len().max(1))).sum()
            } else {
                shown.len()
            };
            assert_eq!(rows, wanted, "{file}: not the rows of the list");
            let xlsx = house.ask(&Method::GET, &format!("{file}?format=xlsx"), Some(&token), &[], Body::empty()).await;
            assert!(xlsx.body.starts_with(b"PK"), "{file}: no workbook");
            let odd = house.ask(&Method::GET, &format!("{file}?pahse=x"), Some(&token), &[], Body::empty()).await;
            assert_eq!(odd.status, StatusCode::BAD_REQUEST, "{file} ignores what it does not know");
        }
        let number = house.all("/api/v1/shipments", &token).await[0]["orders"][0]["external_id"].as_str().expect("number").to_owned();
        let csv = house.ask(&Method::GET, "/api/v1/exports/shipments", Some(&token), &[], Body::empty()).await.text();
        assert!(csv.contains(&number), "the parcel of {number} is not in the file");
        // Who may export, and may not see stock, exports no stock.
        let clerk = house.person("clerk", &[Permission::Export, Permission::OrdersRead]).await;
        assert_eq!(house.ask(&Method::GET, "/api/v1/exports/stock", Some(&clerk), &[], Body::empty()).await.status, StatusCode::FORBIDDEN);
        assert_eq!(house.ask(&Method::GET, "/api/v1/exports/orders", Some(&clerk), &[], Body::empty()).await.status, StatusCode::OK);
    });
}

#[test]
fn a_file_goes_in_again_and_changes_nothing_and_is_withdrawn_whole() {
    both_engines_with(|bed| async move {
        let house = House::on(&bed);
        let token = house.person("owner", Permission::ALL).await;
        let csv = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n\
                   536365,85123A,WHITE HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n\
                   536365,71053,LANTERN,2,2010-12-01 08:26:00,3.39,17850,United Kingdom\n\
                   536366,22633,HAND WARMER,many,2010-12-01 08:28:00,1.85,17850,United Kingdom\n";
        let upload = async |shop: &str| {
            let body = form(&[("shop", shop), ("currency", "GBP"), ("zone", "Europe/London")], &[("retail.csv", csv.as_bytes())]);
            let seen = house.ask(&Method::POST, "/api/v1/imports", Some(&token), &[FORM], body).await;
            assert_eq!(seen.status, StatusCode::OK, "{}", seen.text());
            seen.json()
        };
        let seen = upload("Old shop").await;
        assert_eq!((&seen["import_state"], &seen["preview"]["orders"]), (&json!("previewed"), &json!(1)), "{seen}");
        assert_eq!(seen["preview"]["odd_rows"], 1, "the odd row is told: {seen}");
        let orders = async || house.all("/api/v1/orders", &token).await.len();
        assert_eq!(orders().await, 0, "a preview writes nothing");
        let id = seen["id"].as_str().expect("id").to_owned();
        let odd = house.ask(&Method::GET, &format!("/api/v1/imports/{id}/odd_rows"), Some(&token), &[], Body::empty()).await.text();
        assert!(odd.contains("many") && odd.contains("retail.csv"), "{odd}");
        let commit = async |id: &str| house.post(&format!("/api/v1/imports/{id}/actions/commit"), &token, &json!({})).await;
        assert_eq!(commit(&id).await["result"]["created"], 1);
        assert_eq!(commit(&id).await["result"]["created"], 1, "the same answer again");
        assert_eq!(orders().await, 1);
        let second = upload("Old shop").await;
        let again = commit(second["id"].as_str().expect("id")).await;
        assert_eq!((&again["result"]["created"], &again["result"]["unchanged"]), (&json!(0), &json!(1)), "{again}");
        let gone = house.post(&format!("/api/v1/imports/{id}/actions/withdraw"), &token, &json!({})).await;
        assert_eq!(gone["import_state"], "withdrawn", "{gone}");
        assert_eq!(orders().await, 0);
    });
}

//! The main job over real connections: one order from the market to its label, its parcel and its confirmation; and what a
//! cancellation or a refund does to it at each moment on the way.

use crate::town::Town;
use serde_json::{Value, json};
use wharf_store::testing::both_engines_with;

/// The one parcel of an order.
async fn parcel(town: &Town, order: &str) -> Value {
    let detail = town.get(&format!("/orders/{order}")).await;
    let parcels: Vec<&Value> =
        detail["shipments"].as_array().into_iter().flatten().filter(|p| p["shipment_state"] != "cancelled").collect();
    assert_eq!(parcels.len(), 1, "not one parcel: {detail}");
    parcels[0].clone()
}

#[test]
fn one_order_from_the_market_to_label_parcel_and_confirmation() {
    both_engines_with(|bed| async move {
        let town = Town::on(&bed).await;
        let (number, order) = town.buy(json!({})).await;
        town.pass(2).await;
        let detail = town.get(&format!("/orders/{order}")).await;
        assert_eq!(detail["phase"], "label", "a clean order asks nobody: {detail}");
        let shipment = parcel(&town, &order).await;
        let id = shipment["id"].as_str().expect("id").to_owned();
        let waybill = shipment["waybill_number"].as_str().unwrap_or_else(|| panic!("no waybill: {shipment}")).to_owned();
        assert_eq!(shipment["waybill_state"], "booked");

        let label = town.ask("GET", &format!("/shipments/{id}/label"), "application/pdf", None).await;
        assert_eq!(label.status, 200, "{}", String::from_utf8_lossy(&label.body));
        assert!(label.body.starts_with(b"%PDF-") && label.body.len() > 2_000, "no label of {} bytes", label.body.len());
        let printed = town.post("/documents", json!({ "kind": "label", "ids": [id], "station": "S1" })).await;
        assert_eq!(printed["tally"]["done"], 1, "{printed}");
        let file = town.ask("GET", &format!("/documents/{}", printed["files"][0]["id"].as_str().expect("a file")), "*/*", None).await;
        assert!(file.body.starts_with(b"%PDF-"));
        assert_eq!(town.get(&format!("/prints?shipment={id}")).await["items"].as_array().map(Vec::len), Some(1), "one print is on record");

        town.bench("S1", &id).await;
        let bench = town.post("/pack/scan", json!({ "station": "S1", "code": waybill })).await;
        assert_eq!(bench["outcome"], "opened", "{bench}");
        let mut last = bench["outcome"].clone();
        for line in bench["shipment"]["lines"].as_array().expect("lines") {
            for _ in 0..line["needed"].as_i64().expect("needed") {
                last = town.post("/pack/scan", json!({ "station": "S1", "code": line["barcode"] })).await["outcome"].clone();
            }
        }
        assert_eq!(last, "complete", "the last scan closes the parcel");
        assert!(town.truth(&format!("/orders/{number}")).await["shipments"].as_array().is_some_and(Vec::is_empty), "told too early");
        town.done("/shipments/actions/hand_over", &id).await;
        town.pass(1).await;

        let told = town.truth(&format!("/orders/{number}")).await;
        let theirs = told["shipments"].as_array().expect("shipments");
        assert_eq!(theirs.len(), 1, "{told}");
        assert_eq!((&theirs[0]["number"], &theirs[0]["effects"]), (&json!(waybill), &json!(1)), "told once, with the number: {told}");
        town.pass(3).await;
        assert_eq!(town.truth(&format!("/orders/{number}")).await["shipments"][0]["attempts"], 1, "and never again");
        let detail = town.get(&format!("/orders/{order}")).await;
        assert_eq!(detail["shipments"][0]["confirmation"]["confirmation_state"], "accepted", "{detail}");
        assert!(matches!(detail["phase"].as_str(), Some("shipped" | "delivered" | "completed")), "{}", detail["phase"]);
        town.end().await;
    });
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    BeforeApproval,
    BeforeBooking,
    AfterBooking,
    AfterPrint,
    AfterPacking,
    AfterHandOver,
}

impl Moment {
    const STOPPABLE: [Moment; 5] =
        [Moment::BeforeApproval, Moment::BeforeBooking, Moment::AfterBooking, Moment::AfterPrint, Moment::AfterPacking];
}

/// Brings a fresh order to a moment; answers its number, its id, and its parcel where there is one.
async fn bring_to(town: &Town, moment: Moment) -> (String, String, Option<String>) {
    // What the buyer wrote holds the order until a person has read it.
    let (number, order) = town.buy(json!({ "buyer_note": "请先联系我" })).await;
    if moment == Moment::BeforeApproval {
        return (number, order, None);
    }
    town.done("/orders/actions/release", &order).await;
    town.done("/orders/actions/approve", &order).await;
    town.done("/orders/actions/route", &order).await;
    let parcel = parcel(town, &order).await["id"].as_str().expect("id").to_owned();
    if moment >= Moment::AfterBooking {
        town.pass(1).await;
        assert_eq!(town.get(&format!("/shipments/{parcel}")).await["waybill_state"], "booked");
    }
    if moment >= Moment::AfterPrint {
        town.done("/shipments/actions/print", &parcel).await;
    }
    if moment >= Moment::AfterPacking {
        town.done("/shipments/actions/pack", &parcel).await;
    }
    if moment >= Moment::AfterHandOver {
        town.done("/shipments/actions/hand_over", &parcel).await;
    }
    (number, order, Some(parcel))
}

/// Σ of what is promised and of what is there, over all SKUs.
async fn stock(town: &Town) -> (i64, i64) {
    let (mut sums, mut cursor) = ((0, 0), String::new());
    loop {
        let page = town.get(&format!("/stock?limit=200{cursor}")).await;
        for row in page["items"].as_array().expect("items") {
            sums.0 += row["reserved"].as_i64().expect("reserved");
            sums.1 += row["on_hand"].as_i64().expect("on_hand");
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={}", crate::house::escaped(next)),
            None => return sums,
        }
    }
}

/// Numbers that the market sold for an order and that were not given back.
async fn live_waybills(town: &Town, number: &str) -> Vec<Value> {
    let all = town.truth("/waybills").await;
    let mine = all["waybills"].as_array().expect("waybills").iter();
    mine.filter(|w| w["orders"].to_string().contains(number) && w["voided"] == false).cloned().collect()
}

async fn stopped(town: &Town, number: &str, order: &str, parcel: Option<&str>, before: (i64, i64), what: &str) {
    let detail = town.get(&format!("/orders/{order}")).await;
    assert_eq!(detail["phase"], "cancelled", "{what}: {detail}");
    assert!(detail["shipments"].as_array().expect("shipments").iter().all(|p| p["shipment_state"] == "cancelled"), "{what}: {detail}");
    if let Some(parcel) = parcel {
        let (outcome, reason) = town.act("/shipments/actions/hand_over", parcel).await;
        assert_eq!(outcome, "refused", "{what}: the parcel of a cancelled order may leave ({reason})");
    }
    town.pass(3).await;
    assert_eq!(stock(town).await, before, "{what}: the stock is not back");
    let live = live_waybills(town, number).await;
    assert!(live.is_empty(), "{what}: a waybill is still paid for: {live:?}");
    let told = town.truth(&format!("/orders/{number}")).await;
    assert!(told["shipments"].as_array().is_some_and(Vec::is_empty), "{what}: the market was told of a parcel: {told}");
}

#[test]
fn a_cancellation_stops_the_order_at_every_moment_before_it_leaves() {
    both_engines_with(|bed| async move {
        let town = Town::on(&bed).await;
        let before = stock(&town).await;
        for moment in Moment::STOPPABLE {
            let (number, order, parcel) = bring_to(&town, moment).await;
            town.happen(&format!("/orders/{number}/cancel"), json!({})).await;
            town.hear().await;
            stopped(&town, &number, &order, parcel.as_deref(), before, &format!("cancelled {moment:?}")).await;
        }
        town.end().await;
    });
}

#[test]
fn a_refund_that_is_asked_stops_the_parcel_and_ends_the_order_when_it_is_paid() {
    both_engines_with(|bed| async move {
        let town = Town::on(&bed).await;
        let before = stock(&town).await;
        for moment in Moment::STOPPABLE {
            let what = format!("refund asked {moment:?}");
            let (number, order, parcel) = bring_to(&town, moment).await;
            town.happen(&format!("/orders/{number}/refund"), json!({ "kind": "money_only" })).await;
            town.hear().await;
            let detail = town.get(&format!("/orders/{order}")).await;
            assert_eq!(detail["phase"], "held", "{what}: {detail}");
            let reasons = detail["holds"].to_string();
            assert!(reasons.contains("refund_requested"), "{what}: {reasons}");
            if let Some(parcel) = &parcel {
                for verb in ["print", "pack", "hand_over"] {
                    let (outcome, reason) = town.act(&format!("/shipments/actions/{verb}"), parcel).await;
                    assert!(outcome == "refused" || (verb == "pack" && outcome == "already"), "{what}: {verb} was {outcome} {reason}");
                }
                town.bench("S9", parcel).await;
                let bench = town.post("/pack/scan", json!({ "station": "S9", "code": detail["external_id"] })).await;
                assert!(matches!(bench["outcome"].as_str(), Some("stop" | "no_waybill")), "{what}: the bench says {}", bench["outcome"]);
            }
            town.happen(&format!("/orders/{number}/close_refund"), json!({ "paid": true })).await;
            town.hear().await;
            stopped(&town, &number, &order, parcel.as_deref(), before, &what).await;
        }
        town.end().await;
    });
}

#[test]
fn a_cancellation_after_the_parcel_left_is_for_a_person() {
    both_engines_with(|bed| async move {
        let town = Town::on(&bed).await;
        let (reserved, on_hand) = stock(&town).await;
        let (number, order, parcel) = bring_to(&town, Moment::AfterHandOver).await;
        let gone = on_hand - stock(&town).await.1;
        assert!(gone > 0, "the goods have left");
        town.happen(&format!("/orders/{number}/cancel"), json!({})).await;
        town.hear().await;
        let detail = town.get(&format!("/orders/{order}")).await;
        assert!(detail["holds"].to_string().contains("channel_conflict"), "nobody is told: {detail}");
        assert!(detail["timeline"].to_string().contains("cancelled_after_shipping"), "the timeline does not say why");
        assert_eq!(town.get(&format!("/shipments/{}", parcel.expect("a parcel"))).await["shipment_state"], "handed_over");
        assert_eq!(stock(&town).await, (reserved, on_hand - gone), "what has left is not put back by a word");
        town.pass(3).await;
        assert!(!live_waybills(&town, &number).await.is_empty(), "the parcel is on its way: its waybill stands");
        town.end().await;
    });
}

//! What the market behind the wire holds and tells: refunds, stock, the truth over loopback, and what can be noticed
//! through the mask.

use super::{Stand, error};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use wharf_connect::world::orders::RefundKind;
use wharf_connect::world::{Act, OrderDraft, Quirk};
use wharf_connect::{Channel, Confirmed};

#[tokio::test]
async fn refunds_are_told_with_their_trade() {
    let stand = Stand::quiet();
    let order = stand.place(OrderDraft::default());
    stand
        .world()
        .act(stand.now(), order, Act::AskRefund { line: None, kind: RefundKind::MoneyOnly, reason: "多拍".into() })
        .expect("asked");
    let told = crate::taobao::VENDOR.get_order(&stand.call(), &order.to_string()).await.expect("order");
    assert_eq!(told.lines[0].refund, wharf_domain::order::LineRefund::Requested);
    let fields = "refund_id,tid,oid,status,refund_fee,reason,order_status";
    let list = stand.ask("taobao.refunds.receive.get", &[("fields", fields), ("use_has_next", "true")]).await;
    let row = list["refunds_receive_get_response"]["refunds"]["refund"][0].clone();
    assert_eq!((row["tid"].as_i64(), row["status"].as_str()), (Some(order), Some("WAIT_SELLER_AGREE")));
    let one = stand.ask("taobao.refund.get", &[("fields", fields), ("refund_id", row["refund_id"].as_str().expect("id"))]).await;
    assert_eq!(one["refund_get_response"]["refund"], row);
    assert_eq!(error(&stand.ask("taobao.refund.get", &[("fields", fields), ("refund_id", "5")]).await).1, "isv.refund-not-exist:refund_id");
    stand.world().act(stand.now(), order, Act::CloseRefund { paid: true }).expect("paid");
    let told = crate::taobao::VENDOR.get_order(&stand.call(), &order.to_string()).await.expect("order");
    assert_eq!((told.observed_status.as_str(), told.payment), ("TRADE_CLOSED", wharf_domain::order::Payment::Refunded));
}

#[tokio::test]
async fn stock_is_read_and_set() {
    let stand = Stand::quiet();
    let (item, sku) = stand.world().read(|m| (m.shops[0].listings[0].item_id.to_string(), m.shops[0].listings[0].sku_id.to_string()));
    let set = |kind: &'static str, quantity: &'static str| {
        let (stand, item, sku) = (&stand, &item, &sku);
        async move {
            stand.ask("taobao.item.quantity.update", &[("num_iid", item), ("sku_id", sku), ("quantity", quantity), ("type", kind)]).await
        }
    };
    assert_eq!(set("1", "12").await["item_quantity_update_response"]["item"]["skus"]["sku"][0]["quantity"], 12);
    assert_eq!(set("2", "-5").await["item_quantity_update_response"]["item"]["skus"]["sku"][0]["quantity"], 7);
    assert_eq!(error(&set("2", "-8").await).1, "isv.invalid-parameter:quantity");
    assert_eq!(error(&set("1", "-1").await).1, "isv.invalid-parameter:quantity");
    let pairs = format!("{sku}:-8");
    let clamped = stand.ask("taobao.skus.quantity.update", &[("num_iid", &item), ("skuid_quantities", &pairs), ("type", "2")]).await;
    assert_eq!(clamped["skus_quantity_update_response"]["item"]["skus"]["sku"][0]["quantity"], 0, "this call stops at zero");
    let (_, truth) = stand.truth("GET", "/stock", Value::Null).await;
    let row = truth["stock"].as_array().expect("rows").iter().find(|r| r["sku_id"] == json!(sku)).expect("row").clone();
    assert_eq!((row["quantity"].as_i64(), row["set_by_shop"].as_bool()), (Some(0), Some(true)));
    let listed = stand.ask("taobao.items.onsale.get", &[("fields", "num_iid,title,num,skus"), ("page_size", "200")]).await;
    assert!(listed["items_onsale_get_response"]["items"]["item"].as_array().is_some_and(|i| i.len() > 100));
}

#[tokio::test]
async fn the_truth_is_told_and_things_are_made_to_happen() {
    let stand = Stand::quiet();
    let (status, made) =
        stand.truth("POST", "/orders", json!({ "shop": "棉花糖家居", "quirks": ["phone_invalid"], "buyer_note": "急" })).await;
    assert_eq!(status, 201, "{made}");
    let id = made["external_id"].as_str().expect("id").to_owned();
    let told = crate::taobao::VENDOR.get_order(&stand.call(), &id).await.expect("order");
    assert_eq!(told.buyer_note, "急");
    assert_ne!(told.recipient.expect("recipient").personal.phone.chars().count(), 11, "the mask keeps the length");
    let (status, many) = stand.truth("POST", "/orders", json!({ "shop": "leaf", "count": 5 })).await;
    assert_eq!((status, many["orders"].as_array().map(Vec::len)), (201, Some(5)));
    let (_, page) = stand.truth("GET", "/orders?limit=2&shop=leaf", Value::Null).await;
    let next = page["next"].as_str().expect("next").to_owned();
    let (_, rest) = stand.truth("GET", &format!("/orders?shop=leaf&after={next}"), Value::Null).await;
    assert_eq!((page["orders"].as_array().map(Vec::len), rest["orders"].as_array().map(Vec::len)), (Some(2), Some(3)));
    assert_eq!(page["orders"][0]["shop"], "一叶文具");
    for (what, body, code) in [
        ("urge", Value::Null, 200),
        ("hold", json!({ "reason": "risk_hold" }), 200),
        ("release", Value::Null, 200),
        ("refund", json!({ "reason": "不要了" }), 200),
        ("close_refund", json!({ "paid": false }), 200),
        ("close_refund", json!({}), 404),
        ("change_address", Value::Null, 200),
        ("deliver", Value::Null, 409),
        ("finish", Value::Null, 409),
        ("dance", Value::Null, 404),
        ("refund", json!({ "kind": "gold" }), 400),
    ] {
        let (status, answer) = stand.truth("POST", &format!("/orders/{id}/{what}"), body).await;
        assert_eq!(status, code, "{what}: {answer}");
    }
    assert!(matches!(stand.confirm(id.parse().expect("number"), "780000000001").await, Ok(Confirmed::Accepted { .. })));
    for (what, code) in [("deliver", 200), ("finish", 200), ("cancel", 409)] {
        let (status, answer) = stand.truth("POST", &format!("/orders/{id}/{what}"), Value::Null).await;
        assert_eq!(status, code, "{what}: {answer}");
    }
    for (method, path, body, code) in [
        ("POST", "/orders", json!({ "shop": "nobody" }), 404),
        ("POST", "/orders", json!({ "colour": "red" }), 400),
        ("POST", "/orders", json!({ "lines": [{ "seller_code": "nothing" }] }), 422),
        ("POST", "/faults", json!({ "kind": "earthquake" }), 400),
        ("POST", "/faults", json!({ "kind": "slow", "vendor": "nobody" }), 422),
        ("POST", "/faults", json!({ "kind": "slow", "count": 0 }), 422),
        ("POST", "/rate", json!({ "orders_per_minute": -1 }), 422),
        ("POST", "/clock", json!({}), 400),
        ("GET", "/orders/5", Value::Null, 404),
        ("GET", "/orders?colour=red", Value::Null, 400),
        ("GET", "/nothing", Value::Null, 404),
        ("PUT", "/orders", Value::Null, 405),
    ] {
        let (status, answer) = stand.truth(method, path, body).await;
        assert_eq!(status, code, "{method} {path}: {answer}");
        assert!(answer["error"].is_string());
    }
    let (status, armed) = stand.truth("POST", "/faults", json!({ "kind": "cut_after", "method": "taobao.logistics.*", "count": 2 })).await;
    assert_eq!((status, armed["faults"].as_array().map(Vec::len)), (201, Some(1)));
    let (status, samples) = stand.truth("POST", "/samples", json!({ "shop": "leaf" })).await;
    let quirks: BTreeSet<&str> = samples["samples"].as_array().expect("samples").iter().filter_map(|s| s["quirk"].as_str()).collect();
    assert_eq!((status, quirks.len()), (201, wharf_connect::world::truth::quirks().len()));
    let (_, shops) = stand.truth("GET", "/shops", Value::Null).await;
    assert_eq!(shops["shops"].as_array().map(Vec::len), Some(2));
    assert_eq!(shops["shops"][0]["base_url_path"], "/taobao/router/rest");
    assert_eq!(shops["shops"][0]["credentials"]["session"], json!(stand.credentials.0["session"]));
    let (_, house) = stand.truth("GET", "/house", Value::Null).await;
    let house: wharf_connect::world::demo::DemoHouse = serde_json::from_value(house).expect("house");
    assert_eq!(house, stand.world().read(wharf_connect::world::demo::house));
    let (_, sum) = stand.truth("GET", "/", Value::Null).await;
    assert_eq!(sum["orders"].as_u64(), Some(7 + quirks.len() as u64));
    // An hour goes by at once for what was going to happen within it.
    let (_, unpaid) = stand.truth("POST", "/orders", json!({ "quirks": ["never_paid"], "paid": false })).await;
    let (status, _) = stand.truth("POST", "/clock", json!({ "advance_seconds": 3600 })).await;
    let (_, gone) = stand.truth("GET", &format!("/orders/{}", unpaid["external_id"].as_str().expect("id")), Value::Null).await;
    assert_eq!((status, gone["status"].as_str(), gone["cancelled"].as_bool()), (200, Some("closed_unpaid"), Some(true)));
}

#[tokio::test]
async fn what_is_unusual_can_be_noticed_through_the_mask() {
    let stand = Stand::quiet();
    for quirk in
        [Quirk::AmountMismatch, Quirk::UnknownStatus, Quirk::GroupHold, Quirk::RiskHold, Quirk::UnmappedListing, Quirk::AddressIncomplete]
    {
        let order = stand.place(OrderDraft { quirks: vec![quirk], ..OrderDraft::default() });
        let told = crate::taobao::VENDOR.get_order(&stand.call(), &order.to_string()).await.expect("order");
        let sum = told.lines.iter().map(|l| l.total_minor).sum::<i64>() + told.shipping_minor - told.discount_minor;
        let to = told.recipient.as_ref().expect("recipient");
        let noticed = match quirk {
            Quirk::AmountMismatch => sum != told.total_minor,
            Quirk::UnknownStatus => told.status.known().is_none(),
            Quirk::GroupHold | Quirk::RiskHold => !told.do_not_ship.is_empty(),
            Quirk::UnmappedListing => told.lines[0].seller_code.is_empty() || told.lines[0].seller_code.starts_with("OLD-"),
            _ => to.personal.address.is_empty() || to.region.district.is_empty() || !to.personal.address.contains('号'),
        };
        assert!(noticed, "{quirk}");
    }
}

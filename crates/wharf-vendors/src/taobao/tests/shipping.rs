//! Ways to confirm, notes, tokens, and who the shop is.

use super::super::VENDOR;
use super::{Form, Gateway, account, call};
use serde_json::{Value, json};
use wharf_connect::channel::{Channel, GroupRecipients, OpenPersonalData, ShopIdentity, WriteNotes};
use wharf_connect::{Confirmed, ConnectError, ShipmentConfirmation};
use wharf_domain::time::Timestamp;

fn shipment(lines: &[&str]) -> ShipmentConfirmation {
    ShipmentConfirmation {
        external_id: "77".into(),
        carrier_code: "YTO".into(),
        carrier_name: "圆通速递".into(),
        number: "YT8800000000001".into(),
        lines: lines.iter().map(|id| ((*id).to_owned(), 1)).collect(),
        shipped_at: Timestamp(0),
    }
}

fn refuse(number: &str) -> String {
    json!({ "error_response": { "code": 15, "msg": "Remote service error", "sub_code": format!("isv.logistics-online-service-error:{number}"), "sub_msg": "订单不能重复发货" } }).to_string()
}

const SENT: &str = r#"{"shipping":{"is_success":true},"request_id":"r-77"}"#;

/// A trade whose lines have these numbers.
fn shipped(lines: &[(&str, Option<&str>)]) -> String {
    let orders: Vec<Value> =
        lines.iter().map(|(id, number)| json!({ "oid": id, "status": "WAIT_SELLER_SEND_GOODS", "invoice_no": number })).collect();
    json!({ "trade": { "tid": 77, "status": "SELLER_CONSIGNED_PART", "orders": orders } }).to_string()
}

async fn confirm(
    lines: &[&str],
    send: impl Fn(&Form, usize) -> String + Send + Sync,
    trade: String,
) -> (Result<Confirmed, ConnectError>, Vec<String>) {
    let gateway = Gateway::new(
        move |form: &Form, before: usize| if form["method"].ends_with("fullinfo.get") { trade.clone() } else { send(form, before) },
    );
    let account = account();
    let result = VENDOR.confirm_shipment(&call(&gateway, &account), &shipment(lines)).await;
    (result, gateway.asked(&["tid", "out_sid", "company_code", "is_split", "sub_tid"]))
}

const READ: &str = "taobao.trade.fullinfo.get tid=77";
const WHOLE: &str = "taobao.logistics.online.send tid=77 out_sid=YT8800000000001 company_code=YTO";

#[tokio::test]
async fn a_whole_order_is_one_call_without_split() {
    let (result, asked) = confirm(&[], |_, _| SENT.into(), String::new()).await;
    assert_eq!(result, Ok(Confirmed::Accepted { receipt: "r-77".into() }));
    assert_eq!(asked, [WHOLE]);
    let (result, asked) = confirm(&["1", "2"], |_, _| SENT.into(), shipped(&[("1", None), ("2", None)])).await;
    assert!(result.is_ok());
    assert_eq!(asked, [READ, WHOLE], "all lines are the whole: neither flag nor lines");
}

#[tokio::test]
async fn a_part_sends_flag_and_lines_together() {
    let (_, asked) = confirm(&["2"], |_, _| SENT.into(), shipped(&[("1", None), ("2", None)])).await;
    assert_eq!(asked[1], format!("{WHOLE} is_split=1 sub_tid=2"));
    let (_, asked) = confirm(&["2"], |_, _| SENT.into(), shipped(&[("1", Some("ZTO1")), ("2", None)])).await;
    assert_eq!(asked[1], format!("{WHOLE} is_split=1 sub_tid=2"), "the rest of a part-shipped order is still a part");
    let (result, asked) = confirm(&["9"], |_, _| SENT.into(), shipped(&[("1", None)])).await;
    assert!(matches!(result, Err(ConnectError::Refused { code, .. }) if code == "sub_tid"));
    assert_eq!(asked, [READ], "nothing is sent");
}

#[tokio::test]
async fn lines_that_must_travel_together_are_not_torn_apart() {
    let trade =
        json!({ "trade": { "tid": 77, "orders": [{ "oid": 1, "bind_oids": "1,2" }, { "oid": 2, "bind_oids": "1,2" }, { "oid": 3 }] } })
            .to_string();
    let (result, asked) = confirm(&["1"], |_, _| SENT.into(), trade.clone()).await;
    assert!(matches!(result, Err(ConnectError::Refused { code, .. }) if code == "bind_oids"));
    assert_eq!(asked, [READ]);
    let (result, asked) = confirm(&["1", "2"], |_, _| SENT.into(), trade).await;
    assert!(result.is_ok());
    assert!(asked[1].ends_with("is_split=1 sub_tid=1,2"));
}

#[tokio::test]
async fn shipped_already_is_settled_by_comparing_numbers() {
    for lines in [&[][..], &["1"][..]] {
        let (result, _) = confirm(lines, |_, _| refuse("B04"), shipped(&[("1", Some("yt8800000000001 "))])).await;
        assert_eq!(result, Ok(Confirmed::Already), "{lines:?}");
        let (result, _) = confirm(lines, |_, _| refuse("B04"), shipped(&[("1", Some("SF99"))])).await;
        match result {
            Err(ConnectError::Refused { message, .. }) => {
                assert!(message.contains("SF99") && message.contains("YT8800000000001"), "{message}")
            }
            other => panic!("{other:?}"),
        }
    }
    let (result, _) = confirm(&[], |_, _| refuse("B04"), shipped(&[("1", None)])).await;
    assert_eq!(
        result,
        Err(ConnectError::Refused { code: "isv.logistics-online-service-error:B04".into(), message: "订单不能重复发货".into() })
    );
    let (result, _) = confirm(&[], |_, _| refuse("B04"), r#"{"error_response":{"code":10}}"#.into()).await;
    assert!(matches!(result, Err(ConnectError::Transient(_))), "asked again later: {result:?}");
    let (result, _) = confirm(&[], |_, _| refuse("B60"), String::new()).await;
    assert!(matches!(result, Err(ConnectError::Refused { code, .. }) if code.ends_with(":B60")));
}

#[tokio::test]
async fn a_lost_or_vague_answer_is_unsure() {
    for answer in
        [r#"{"error_response":{"code":15,"sub_code":"isp.logistics-online-service-error:S01"}}"#, "{}", "<html>", r#"{"shipping":{}}"#]
    {
        let (result, _) = confirm(&[], |_, _| answer.into(), String::new()).await;
        assert!(matches!(result, Err(ConnectError::Unsure(_))), "{answer}: {result:?}");
    }
    let (result, _) = confirm(&[], |_, _| r#"{"shipping":{"is_success":false}}"#.into(), String::new()).await;
    assert!(matches!(result, Err(ConnectError::Refused { .. })));
}

#[tokio::test]
async fn without_a_booked_order_the_other_call_ships() {
    let send = |form: &Form, _: usize| if form["method"].contains("online") { refuse("B05") } else { SENT.to_owned() };
    let (result, asked) = confirm(&[], send, String::new()).await;
    assert!(result.is_ok());
    assert_eq!(asked, [WHOLE.to_owned(), WHOLE.replace("online", "offline")]);
}

#[tokio::test]
async fn a_carrier_the_platform_may_not_know_is_looked_up() {
    let companies =
        json!({ "logistics_companies": [{ "code": "FEDEX", "name": "联邦快递" }, { "code": "UC", "name": "优速快递" }] }).to_string();
    for (code, name, expected) in [("fedex", "", "FEDEX"), ("OWN1", "优速", "UC"), ("OWN1", "骑手", "OTHER"), ("zto", "", "ZTO")] {
        let companies = companies.clone();
        let gateway = Gateway::new(
            move |form: &Form, _: usize| if form["method"].contains("companies") { companies.clone() } else { SENT.to_owned() },
        );
        let account = account();
        let told = ShipmentConfirmation { carrier_code: code.into(), carrier_name: name.into(), ..shipment(&[]) };
        assert!(VENDOR.confirm_shipment(&call(&gateway, &account), &told).await.is_ok());
        assert!(
            gateway.asked(&["company_code"]).last().is_some_and(|line| line.ends_with(&format!("company_code={expected}"))),
            "{code} {name}"
        );
    }
}

#[tokio::test]
async fn no_number_is_never_sent() {
    let gateway = Gateway::new(|_: &Form, _: usize| SENT.to_owned());
    let account = account();
    let blank = ShipmentConfirmation { number: " ".into(), ..shipment(&[]) };
    assert!(matches!(VENDOR.confirm_shipment(&call(&gateway, &account), &blank).await, Err(ConnectError::Refused { .. })));
    assert!(gateway.asked(&[]).is_empty());
}

#[tokio::test]
async fn a_note_always_carries_the_flag_that_stands() {
    let gateway = Gateway::new(|form: &Form, _: usize| {
        if form["method"].ends_with("fullinfo.get") {
            json!({ "trade": { "tid": 77, "seller_flag": "3" } }).to_string()
        } else {
            "{}".into()
        }
    });
    let account = account();
    let call = call(&gateway, &account);
    assert_eq!(VENDOR.write_note(&call, "77", "周末送", None).await, Ok(()));
    assert_eq!(VENDOR.write_note(&call, "77", "周末送", Some(5)).await, Ok(()));
    assert_eq!(VENDOR.write_note(&call, "77", " ", Some(1)).await, Ok(()));
    assert_eq!(
        gateway.asked(&["flag", "memo", "reset"]),
        [
            "taobao.trade.fullinfo.get",
            "taobao.trade.memo.update flag=3 memo=周末送 reset=false",
            "taobao.trade.memo.update flag=5 memo=周末送 reset=false",
            "taobao.trade.memo.update flag=1 reset=true",
        ]
    );
}

#[tokio::test]
async fn a_token_out_of_date_is_renewed_once() {
    let detail = |oaid: &str| {
        json!({ "trade": { "tid": 77, "status": "WAIT_SELLER_SEND_GOODS", "created": "2026-03-18 13:31:05", "modified": "2026-03-18 13:42:10", "payment": "1.00", "receiver_name": "张*", "oaid": oaid,
            "orders": [{ "oid": 77, "num": 1, "price": "1.00", "divide_order_fee": "1.00" }] } }).to_string()
    };
    let fresh = detail("new");
    let gateway = Gateway::new(move |form: &Form, before: usize| {
        match form["method"].as_str() {
        "taobao.trade.fullinfo.get" => fresh.clone(),
        _ if before == 0 => json!({ "receiver_list": [{ "tid": "77", "matched": false }] }).to_string(),
        _ => json!({ "receiver_list": [{ "tid": "77", "matched": true, "name": "张示例", "mobile": "18400000001-1234", "address_detail": "示例路" }] }).to_string(),
    }
    });
    let account = account();
    let person = VENDOR.open(&call(&gateway, &account), "77", "old").await.expect("opened");
    assert_eq!((person.name.as_str(), person.phone.as_str(), person.address.as_str()), ("张示例", "18400000001-1234", "示例路"));
    let asked = gateway.asked(&["query_list"]);
    assert!(asked[0].contains(r#"[{"oaid":"old","scene":"1006","tid":"77"}]"#) && asked[2].contains(r#""oaid":"new""#), "{asked:?}");

    let closed = Gateway::new(|_: &Form, _: usize| {
        json!({ "receiver_list": { "receiver": [{ "tid": "77", "desensitize_rule": "DECRYPTION_DISABLED_BY_ORDERCLOSED" }] } }).to_string()
    });
    let refused = VENDOR.open(&call(&closed, &account), "77", "old").await.err();
    assert!(matches!(refused, Some(ConnectError::Refused { code, .. }) if code == "DECRYPTION_DISABLED_BY_ORDERCLOSED"));
}

#[tokio::test]
async fn groups_are_asked_by_the_hundred() {
    let gateway = Gateway::new(|form: &Form, _: usize| {
        let list: Vec<Value> = serde_json::from_str(&form["merge_list"]).expect("JSON");
        json!({ "tid_list": { "string": list.iter().map(|entry| entry["tid"].as_str().expect("text").to_owned()).collect::<Vec<_>>() } })
            .to_string()
    });
    let account = account();
    let orders: Vec<(String, String)> = (0..130).map(|n| (n.to_string(), "t".to_owned())).collect();
    let groups = VENDOR.group(&call(&gateway, &account), &orders).await.expect("groups");
    assert_eq!((groups.len(), gateway.asked(&[]).len()), (130, 2));
    assert_eq!(VENDOR.group(&call(&gateway, &account), &[]).await, Ok(vec![]));
}

#[tokio::test]
async fn the_shop_says_who_it_is_one_way_or_the_other() {
    let account = account();
    let told = Gateway::new(|_: &Form, _: usize| {
        json!({ "user_seller_get_response": { "user": { "user_id": 2_200_000_000_123i64, "nick": "示例旗舰店" } } }).to_string()
    });
    assert_eq!(
        VENDOR.identify(&call(&told, &account)).await,
        Ok(ShopIdentity { external_id: "2200000000123".into(), name: "示例旗舰店".into() })
    );
    let limited = Gateway::new(|form: &Form, _: usize| match form["method"].as_str() {
        "taobao.user.seller.get" => json!({ "error_response": { "code": 11, "sub_code": "isv.permission-api-package-limit" } }).to_string(),
        _ => json!({ "trades": [{ "tid": 1, "seller_nick": "示例旗舰店" }], "has_next": false }).to_string(),
    });
    assert_eq!(
        VENDOR.identify(&call(&limited, &account)).await,
        Ok(ShopIdentity { external_id: "示例旗舰店".into(), name: "示例旗舰店".into() })
    );
    let expired = Gateway::new(|_: &Form, _: usize| json!({ "error_response": { "code": 27, "sub_code": "session-expired" } }).to_string());
    assert!(matches!(VENDOR.identify(&call(&expired, &account)).await, Err(ConnectError::Reauthorize(_))));
}

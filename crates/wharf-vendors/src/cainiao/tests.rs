//! Recorded answers and bookings of the e-waybill service, with an answering machine instead of a network.

use super::*;
use serde_json::{Value, json};
use std::collections::BTreeMap as Map;
use wharf_connect::cassette::Answering;
use wharf_connect::conformance::{Outcome, Sample, Subject};
use wharf_connect::http::TransportError;
use wharf_connect::sandbox::form_fields;
use wharf_connect::{Http, HttpRequest, HttpResponse, Settings};
use wharf_domain::address::{PersonalData, Recipient};
use wharf_domain::money::{CNY, Money};
use wharf_domain::shipment::ShipmentState;
use wharf_domain::time::Timestamp;

/// 2026-03-18 14:05:09 +08:00.
const NOW: Timestamp = Timestamp::from_seconds(1_773_813_909);

macro_rules! cassette {
    ($name:literal) => {
        include_str!(concat!("cassettes/", $name, ".json"))
    };
}

fn request(reference: &str) -> BookRequest {
    let region = |district: &str| Region {
        country: "CN".into(),
        province: "浙江省".into(),
        city: "杭州市".into(),
        district: district.into(),
        ..Region::default()
    };
    BookRequest {
        client_reference: reference.into(),
        service: "YTO".into(),
        sender: wharf_connect::carrier::Sender {
            name: "仓库甲".into(),
            phone: "13300000000".into(),
            region: region("余杭区"),
            address: "示例路 1 号".into(),
        },
        recipient: Recipient {
            region: region("余杭区"),
            personal: PersonalData { name: "张**".into(), phone: "*******0001".into(), address: "示**路".into() },
            token: Some("1aInventedOaidForBuyerOne0001MKx7Q==".into()),
            masked: true,
        },
        orders: vec![ParcelOrder {
            channel: MARKET.into(),
            external_id: "4301187260085123456".into(),
            seller_id: Some("2200000000123".into()),
        }],
        items: vec![("纯棉圆领T恤 L".into(), 1), ("马克杯".into(), 2)],
        weight_grams: 800,
        size_mm: [200, 155, 100],
        value: Money::new(13_937, CNY),
        allotted_number: None,
    }
}

/// The manifest id of the family's market.
const MARKET: &str = "taobao";

async fn book(call: &Call<'_>) -> Outcome {
    Ok(json!(VENDOR.book(call, &request("1")).await?))
}
async fn find(call: &Call<'_>) -> Outcome {
    Ok(json!(VENDOR.find(call, &request("1")).await?))
}
async fn void(call: &Call<'_>) -> Outcome {
    VENDOR.void(call, "YTO", "YT8800000000002").await.map(|()| Value::Null)
}
async fn branches(call: &Call<'_>) -> Outcome {
    Ok(json!(VENDOR.branches(call, None).await?))
}
async fn templates(call: &Call<'_>) -> Outcome {
    let fresh = Connector { templates: Mutex::default() };
    Ok(json!(fresh.template(&Top::new(call)?, "YTO").await?))
}
async fn track(call: &Call<'_>) -> Outcome {
    let order = ParcelOrder { channel: MARKET.into(), external_id: "4301187260385123456".into(), seller_id: None };
    Ok(json!(VENDOR.track(call, "YTO", "YT8800000000001", Some(&order)).await?))
}

fn subject() -> Subject {
    let sample = |name, body, read| Sample { name, answers: "", body, beside: &[], read };
    let mut subject = Subject::new(&VENDOR, NOW);
    subject.settings.0.insert("template_url".into(), "http://cloudprint.cainiao.com/template/standard/101/1".into());
    subject.samples = vec![
        sample("cainiao_waybill_ii_get", cassette!("cainiao_waybill_ii_get"), |call| Box::pin(book(call))),
        sample("cainiao_waybill_ii_get_encrypted", cassette!("cainiao_waybill_ii_get_encrypted"), |call| Box::pin(book(call))),
        sample("cainiao_waybill_ii_get_error", cassette!("cainiao_waybill_ii_get_error"), |call| Box::pin(book(call))),
        sample("cainiao_waybill_ii_cancel", cassette!("cainiao_waybill_ii_cancel"), |call| Box::pin(void(call))),
        sample("cainiao_waybill_ii_cancel_error", cassette!("cainiao_waybill_ii_cancel_error"), |call| Box::pin(void(call))),
        sample("cainiao_waybill_ii_search", cassette!("cainiao_waybill_ii_search"), |call| Box::pin(branches(call))),
        sample("cainiao_waybill_ii_query_by_waybillcode", cassette!("cainiao_waybill_ii_query_by_waybillcode"), |call| {
            Box::pin(find(call))
        }),
        sample("logistics_trace_search", cassette!("logistics_trace_search"), |call| Box::pin(track(call))),
        sample("logistics_trace_search_error", cassette!("logistics_trace_search_error"), |call| Box::pin(track(call))),
    ];
    subject
}

wharf_connect::conformance!(subject());
wharf_connect::conformance_carrier!(&VENDOR, &crate::all(), "YTO");

#[tokio::test]
async fn the_standard_template_is_taken_when_none_is_set() {
    let http = always(cassette!("cainiao_cloudprint_stdtemplates_get"));
    let subject = subject();
    let settings = Settings::default();
    let call = Call { http: &http, now: NOW, nonce: "", credentials: &subject.credentials, settings: &settings };
    assert_eq!(templates(&call).await, Ok(json!("http://cloudprint.cainiao.com/template/standard/101/1")));
}

#[test]
fn every_sample_is_read() {
    let mut used: Vec<&str> = subject().samples.iter().map(|sample| sample.name).collect();
    used.push("cainiao_cloudprint_stdtemplates_get");
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/cainiao/cassettes")).expect("cassettes") {
        let name = file.expect("file").file_name().to_string_lossy().trim_end_matches(".json").to_owned();
        assert!(used.contains(&name.as_str()), "{name} lies there and nothing reads it");
    }
}

fn always(body: &'static str) -> impl Http {
    Answering(move |_: &HttpRequest| Ok(HttpResponse { status: 200, headers: Vec::new(), body: body.into() }))
}

/// A gateway that answers by method and form.
fn gateway<F: Fn(&Map<String, String>) -> String + Send + Sync>(answer: F) -> impl Http {
    Answering(move |request: &HttpRequest| -> Result<HttpResponse, TransportError> {
        let form: Map<String, String> = form_fields(&String::from_utf8_lossy(&request.body)).into_iter().collect();
        Ok(HttpResponse { status: 200, headers: Vec::new(), body: answer(&form).into_bytes() })
    })
}

#[test]
fn the_request_says_what_the_service_asks_for() {
    let settings = Settings([("customer_code", "571-1"), ("cp_code", "ZTO")].map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    let body = map::apply_request(&request("7001"), &settings, "YTO", None, Some("http://template.example/1"));
    insta::assert_json_snapshot!(body);

    let mut other = request("7002");
    other.orders = vec![ParcelOrder { channel: "elsewhere".into(), external_id: "114-77 31#9".into(), seller_id: None }];
    other.recipient.token = None;
    other.recipient.personal.phone = "0571-88880000".into();
    other.size_mm = [0; 3];
    other.weight_grams = 0;
    let body = map::apply_request(&other, &Settings::default(), "SF", Some("1"), None);
    let order = &body["trade_order_info_dtos"][0];
    assert_eq!(order["order_info"], json!({ "order_channels_type": "OTHERS", "trade_order_list": ["114-77_31_9"] }));
    assert_eq!(order["recipient"]["phone"], "0571-88880000");
    assert!(
        order["recipient"].get("oaid").is_none()
            && order["recipient"].get("tid").is_none()
            && order["package_info"].get("weight").is_none()
    );
    assert_eq!((body["product_code"].as_str(), order.get("template_url")), (Some("1"), None));
}

#[test]
fn the_service_word_names_the_carrier() {
    let with = |service: &str, default: Option<&str>| {
        let settings = Settings(default.map(|code| ("cp_code".to_owned(), code.to_owned())).into_iter().collect());
        map::carrier(service, &settings).ok()
    };
    assert_eq!(with("zto", None), Some(("ZTO".into(), None)));
    assert_eq!(with("SF:1", Some("ZTO")), Some(("SF".into(), Some("1".into()))));
    assert_eq!(with("standard", Some("zto")), Some(("ZTO".into(), None)));
    assert_eq!(with("", Some("YTO")), Some(("YTO".into(), None)));
    assert_eq!(with("NEWCARRIER", None), Some(("NEWCARRIER".into(), None)));
    assert_eq!(with("", None), None);
}

fn print_data(package: &str) -> String {
    json!({ "data": { "packageInfo": { "id": package }, "routingInfo": { "routeCode": "571-001-000" } }, "signature": "MD:x" }).to_string()
}

async fn found(reference: &str, modules: Value) -> Result<Option<String>, ConnectError> {
    let http = gateway(move |form| {
        assert_eq!(form["method"], "cainiao.waybill.ii.query.by.tradecode");
        assert_eq!(form["param_list"], r#"[{"biz_sub_code":"4301187260085123456","object_id":"find"}]"#);
        json!({ "modules": modules }).to_string()
    });
    let subject = subject();
    let call = Call { http: &http, now: NOW, nonce: "", credentials: &subject.credentials, settings: &subject.settings };
    Ok(VENDOR.find(&call, &request(reference)).await?.map(|booked| booked.number))
}

#[tokio::test]
async fn a_waybill_is_found_by_its_package_and_by_nothing_less() {
    let result = |object_id: &str, code: &str, data: String| json!({ "object_id": object_id, "success": true, "waybill_cloud_print_response": { "waybill_code": code, "cp_code": "YTO", "print_data": data } });
    let two = json!([result("find", "YT1", print_data("7001")), result("find", "YT2", print_data("7002"))]);
    assert_eq!(found("7002", two.clone()).await, Ok(Some("YT2".into())), "another parcel of the same order is not ours");
    assert_eq!(found("7003", two).await, Ok(None), "a certain no");
    assert_eq!(found("7003", json!([])).await, Ok(None));
    assert_eq!(found("7003", json!([{ "success": false, "error_message": "无" }])).await, Ok(None));
    let sealed = json!({ "encryptedData": "AES:x" }).to_string();
    assert!(
        matches!(found("7001", json!([result("find", "YT1", sealed.clone())])).await, Err(ConnectError::Unsure(_))),
        "it cannot be told whose it is"
    );
    assert_eq!(found("7001", json!([result("7001", "YT1", sealed)])).await, Ok(Some("YT1".into())), "the service repeats our key");
}

#[tokio::test]
async fn a_purchase_whose_answer_is_vague_is_unsure_and_a_refusal_is_in_the_carriers_words() {
    let subject = subject();
    let book = |body: &'static str| {
        let subject = &subject;
        async move {
            let http = always(body);
            VENDOR
                .book(
                    &Call { http: &http, now: NOW, nonce: "", credentials: &subject.credentials, settings: &subject.settings },
                    &request("1"),
                )
                .await
                .map(|booked| booked.number)
        }
    };
    for vague in [
        "{}",
        r#"{"modules":[]}"#,
        r#"{"modules":[{"object_id":"other","waybill_code":"Y","print_data":"{}"}]}"#,
        r#"{"modules":[{"object_id":"1","waybill_code":"Y"}]}"#,
        "<html>",
    ] {
        assert!(matches!(book(vague).await, Err(ConnectError::Unsure(_))), "{vague}");
    }
    assert_eq!(
        book(cassette!("cainiao_waybill_ii_get_error")).await,
        Err(ConnectError::Refused { code: "isv.waybill-apply-error".into(), message: "电子面单余额不足".into() })
    );
    assert_eq!(book(cassette!("cainiao_waybill_ii_get")).await, Ok("YT8800000000002".into()));
}

#[tokio::test]
async fn giving_back_twice_is_success_and_a_picked_up_parcel_is_a_refusal() {
    let subject = subject();
    let void = |answers: fn(&str) -> String| {
        let subject = &subject;
        async move {
            let http = gateway(move |form| answers(&form["method"]));
            VENDOR
                .void(
                    &Call { http: &http, now: NOW, nonce: "", credentials: &subject.credentials, settings: &subject.settings },
                    "YTO",
                    "YT1",
                )
                .await
        }
    };
    assert_eq!(void(|_| r#"{"cancel_result":true}"#.into()).await, Ok(()));
    assert_eq!(
        void(|_| r#"{"error_response":{"code":15,"sub_code":"isv.waybill-cancel-error","sub_msg":"面单已取消,请勿重复操作"}}"#.into())
            .await,
        Ok(())
    );
    assert!(
        matches!(void(|_| r#"{"error_response":{"code":15,"sub_code":"isv.waybill-cancel-error","sub_msg":"面单已揽收,不能取消"}}"#.into()).await, Err(ConnectError::Refused { message, .. }) if message == "面单已揽收,不能取消")
    );
    let no = |method: &str| {
        if method.ends_with("cancel") { r#"{"cancel_result":false}"#.to_owned() } else { r#"{"modules":[{"success":false}]}"#.to_owned() }
    };
    assert_eq!(void(no).await, Ok(()), "the service no longer knows it");
    let still = |method: &str| {
        if method.ends_with("cancel") {
            r#"{"cancel_result":false}"#.to_owned()
        } else {
            r#"{"modules":[{"success":true,"waybill_cloud_print_response":{"waybill_code":"YT1"}}]}"#.to_owned()
        }
    };
    assert!(matches!(void(still).await, Err(ConnectError::Refused { .. })));
}

#[tokio::test]
async fn scans_keep_their_words_and_belong_to_the_number() {
    let subject = subject();
    let http = always(
        r#"{"out_sid":"YT1","trace_list":[{"status_time":"2026-03-18 18:20:11","status_desc":"【杭州市】已揽收","action":"GOT"},{"status_time":"2026-03-19 08:00:00","status_desc":"清关中","action":"CUSTOMS"}]}"#,
    );
    let call = Call { http: &http, now: NOW, nonce: "", credentials: &subject.credentials, settings: &subject.settings };
    let order = ParcelOrder { channel: MARKET.into(), external_id: "1".into(), seller_id: None };
    let scans = VENDOR.track(&call, "YTO", "YT1", Some(&order)).await.ok().flatten().expect("told");
    assert_eq!((&scans[0].meaning, scans[0].place.as_str()), (&Observed::Known(ShipmentState::InTransit), "杭州市"));
    assert_eq!(scans[1].meaning, Observed::Unknown("CUSTOMS".into()));
    assert_eq!(VENDOR.track(&call, "YTO", "YT2", Some(&order)).await, Ok(Some(vec![])), "another parcel of the trade");
    assert_eq!(VENDOR.track(&call, "YTO", "YT1", None).await, Ok(None));
    let elsewhere = ParcelOrder { channel: "elsewhere".into(), ..order };
    assert_eq!(VENDOR.track(&call, "YTO", "YT1", Some(&elsewhere)).await, Ok(None));
}

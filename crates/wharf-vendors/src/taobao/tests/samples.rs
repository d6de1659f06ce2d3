//! The conformance suite over every recorded answer of this vendor.

use super::super::{VENDOR, pull, wire};
use super::NOW;
use crate::top::Top;
use serde_json::{Value, json};
use wharf_connect::channel::{Channel, GroupRecipients, OpenPersonalData, WriteNotes};
use wharf_connect::conformance::{Outcome, Sample, Subject};
use wharf_connect::{Call, ConnectError, NothingHeld, PullWindow, ShipmentConfirmation};
use wharf_domain::time::{MINUTE, Timestamp};

macro_rules! cassette {
    ($name:literal) => {
        include_str!(concat!("../cassettes/", $name, ".json"))
    };
}

fn window(initial: bool) -> PullWindow {
    PullWindow {
        from: NOW.plus(-40 * MINUTE),
        to: NOW.plus(-10 * MINUTE),
        page: Some(format!("{}-{}-1", NOW.plus(-40 * MINUTE).seconds(), NOW.plus(-10 * MINUTE).seconds())),
        initial,
    }
}

async fn page(call: &Call<'_>, initial: bool) -> Outcome {
    let page = VENDOR.pull_orders(call, &window(initial), &NothingHeld).await?;
    let unreadable: Vec<Value> =
        page.unreadable.iter().map(|u| json!({ "external_id": u.external_id, "why": u.why, "bytes": u.raw.len() })).collect();
    Ok(json!({ "orders": page.orders.iter().map(|order| json!(order)).collect::<Vec<_>>(), "unreadable": unreadable, "next": page.next }))
}

fn shipment() -> ShipmentConfirmation {
    ShipmentConfirmation {
        external_id: "4301187260085123456".into(),
        carrier_code: "YTO".into(),
        carrier_name: "圆通速递".into(),
        number: "YT8800000000001".into(),
        lines: Vec::new(),
        shipped_at: Timestamp(0),
    }
}

/// The rows of a list as orders: lists carry most of what a detail carries, and these show a presale, a refund and a part
/// shipment.
async fn rows(call: &Call<'_>) -> Outcome {
    let answer = Top::new(call)?.read("taobao.trades.sold.increment.get", &[]).await?;
    let list: wire::TradeList = answer.whole()?;
    let read: Vec<_> = list.trades.iter().map(pull::read).collect();
    let unreadable: Vec<String> = read.iter().filter_map(|order| order.as_ref().err().map(ToString::to_string)).collect();
    Ok(
        json!({ "orders": read.into_iter().flatten().map(|order| json!(order)).collect::<Vec<_>>(), "unreadable": unreadable, "has_next": list.has_next }),
    )
}

async fn confirm(call: &Call<'_>) -> Outcome {
    Ok(json!(VENDOR.confirm_shipment(call, &shipment()).await?))
}

async fn order(call: &Call<'_>) -> Outcome {
    Ok(json!(VENDOR.get_order(call, "4301187260085123456").await?))
}

async fn count(call: &Call<'_>) -> Outcome {
    Ok(json!(VENDOR.count_orders(call, &window(true)).await?))
}

async fn note(call: &Call<'_>) -> Outcome {
    VENDOR.write_note(call, "4301187260085123456", "加赠贴纸", Some(1)).await.map(|()| Value::Null)
}

async fn opened(call: &Call<'_>) -> Outcome {
    let person = VENDOR.open(call, "4301187260085123456", "1aInventedOaidForBuyerOne0001MKx7Q==").await?;
    Ok(json!({ "name": person.name, "phone": person.phone, "address": person.address }))
}

async fn groups(call: &Call<'_>) -> Outcome {
    Ok(json!(VENDOR.group(call, &[("4301187260085123456".into(), "a".into()), ("4301187260385123456".into(), "b".into())]).await?))
}

/// The carriers of the platform, as the confirmation reads them.
async fn companies(call: &Call<'_>) -> Outcome {
    let answer = Top::new(call)?.read("taobao.logistics.companies.get", &[("fields", "id,code,name,reg_mail_no".into())]).await?;
    let companies: Vec<wire::LogisticsCompany> = answer.get("logistics_companies")?;
    Ok(companies.into_iter().map(|company| json!([company.code, company.name])).collect())
}

const DETAIL: &[(&str, &str)] = &[("method=taobao.trade.fullinfo.get", cassette!("trade_fullinfo_get"))];
const LIST: &str = "method=taobao.trades.sold.";

fn subject() -> Subject {
    let sample = |name, answers, body, read| Sample { name, answers, body, beside: DETAIL, read };
    let mut subject = Subject::new(&VENDOR, NOW);
    subject.samples = vec![
        sample("trades_sold_get", LIST, cassette!("trades_sold_get"), |call| Box::pin(page(call, true))),
        sample("trades_sold_increment_get", LIST, cassette!("trades_sold_increment_get"), |call| Box::pin(rows(call))),
        sample("trades_sold_increment_get_simplify", LIST, cassette!("trades_sold_increment_get_simplify"), |call| {
            Box::pin(page(call, false))
        }),
        sample("trades_sold_increment_get_empty", LIST, cassette!("trades_sold_increment_get_empty"), |call| Box::pin(page(call, false))),
        sample("trades_sold_increment_get_error", LIST, cassette!("trades_sold_increment_get_error"), |call| Box::pin(page(call, false))),
        sample("trades_sold_increment_get_probe", LIST, cassette!("trades_sold_increment_get_probe"), |call| Box::pin(count(call))),
        sample("trade_fullinfo_get", "", cassette!("trade_fullinfo_get"), |call| Box::pin(order(call))),
        sample("trade_fullinfo_get_simplify", "", cassette!("trade_fullinfo_get_simplify"), |call| Box::pin(order(call))),
        sample("trade_fullinfo_get_error", "", cassette!("trade_fullinfo_get_error"), |call| Box::pin(order(call))),
        sample("trade_memo_update", "", cassette!("trade_memo_update"), |call| Box::pin(note(call))),
        sample("trade_memo_update_error", "", cassette!("trade_memo_update_error"), |call| Box::pin(note(call))),
        sample("logistics_online_send", "", cassette!("logistics_online_send"), |call| Box::pin(confirm(call))),
        sample("logistics_online_send_error", "", cassette!("logistics_online_send_error"), |call| Box::pin(confirm(call))),
        // What is sent here is the online call; the offline call answers alike.
        sample("logistics_offline_send", "", cassette!("logistics_offline_send"), |call| Box::pin(confirm(call))),
        sample("logistics_offline_send_error", "line.send", cassette!("logistics_offline_send_error"), |call| Box::pin(confirm(call))),
        sample("logistics_offline_send_error_mailno", "", cassette!("logistics_offline_send_error_mailno"), |call| Box::pin(confirm(call))),
        sample("logistics_companies_get", "", cassette!("logistics_companies_get"), |call| Box::pin(companies(call))),
        sample("top_oaid_decrypt", "", cassette!("top_oaid_decrypt"), |call| Box::pin(opened(call))),
        sample("top_oaid_decrypt_error", "", cassette!("top_oaid_decrypt_error"), |call| Box::pin(opened(call))),
        sample("top_oaid_merge", "", cassette!("top_oaid_merge"), |call| Box::pin(groups(call))),
    ];
    subject
}

wharf_connect::conformance!(subject());
wharf_connect::conformance_channel!(&VENDOR, &[&VENDOR]);

#[tokio::test]
async fn both_forms_of_an_answer_read_alike() {
    let subject = subject();
    let text = subject.canonical().await;
    let of =
        |name: &str| text.split(&format!("== {name}\n")).nth(1).and_then(|rest| rest.split("\n== ").next()).unwrap_or_default().to_owned();
    assert_eq!(of("trade_fullinfo_get"), of("trade_fullinfo_get_simplify"));
    assert!(of("trade_fullinfo_get").contains("\"4301187260085123456\""), "every digit of an id beyond 2^53");
}

/// Samples of operations that this vendor does not use, and why: whoever adds the operation moves its sample up.
const NOT_USED: &[(&str, &str)] = &[
    ("ascp_logistics_offline_send", "part quantities of one line; lines are confirmed whole"),
    ("ascp_logistics_offline_send_error", "as above"),
    ("cainiao_*, logistics_trace_search*", "the e-waybill vendor's"),
    ("cainiao_waybill_ii_update", "labels are voided and bought again, so that a printed number never changes its recipient"),
    ("cainiao_print_ws", "spoken by the browser, not by the server"),
    ("item_*, items_*, skus_*, tmall_item_*", "stock publishing"),
    ("logistics_address_search", "senders come from warehouses"),
    ("logistics_consign_resend*", "a number is never changed in silence: the confirmation is refused with both numbers"),
    ("oauth_*, top_auth_*", "the session is pasted"),
    ("rdc_*, refund*, rp_*", "after-sales"),
    ("time_get", "a clock that is off is told by code 31"),
    ("tmc_*", "push"),
    ("trade_close*, trade_shippingaddress_update", "cancelling and changing on the channel"),
    ("traderate*", "reviews"),
];

#[test]
fn every_sample_is_read_or_explained() {
    assert!(NOT_USED.iter().all(|(names, why)| !names.is_empty() && !why.is_empty()));
    let used: Vec<&str> = subject().samples.iter().map(|sample| sample.name).collect();
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/taobao/cassettes")).expect("cassettes");
    for file in files {
        let name = file.expect("file").file_name().to_string_lossy().trim_end_matches(".json").to_owned();
        assert!(used.contains(&name.as_str()), "{name} lies there and nothing reads it");
    }
}

#[tokio::test]
async fn an_unknown_trade_is_a_refusal_in_the_platforms_words() {
    let account = super::account();
    let http = super::always(cassette!("trade_fullinfo_get_error"));
    let error = VENDOR.get_order(&super::call(&http, &account), "1").await.err();
    assert_eq!(error, Some(ConnectError::Refused { code: "isv.trade-not-exist:tid".into(), message: "交易不存在".into() }));
}

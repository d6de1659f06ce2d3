//! Trades as neutral orders, and pages as windows.

use super::super::{VENDOR, map, promise, pull, wire, words};
use super::{Form, Gateway, NOW, account, call};
use crate::top::time;
use crate::top::wire::FromWire;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use wharf_connect::{Channel, ConnectError, NothingHeld, PullWindow};
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::order::{ChannelStatus, FulfilledBy, LineRefund, Payment};
use wharf_domain::time::{MINUTE, Timestamp};
use wharf_domain::word::Observed;

/// A small good trade; `changes` are laid over it, and over its first line under `"0"`.
fn trade(changes: Value) -> Value {
    let mut trade = json!({
        "tid": 4_301_187_260_085_123_456i64, "status": "WAIT_SELLER_SEND_GOODS", "created": "2026-03-18 13:31:05", "modified": "2026-03-18 13:42:10",
        "pay_time": "2026-03-18 13:31:40", "payment": "139.37", "post_fee": "8.00", "type": "guarantee_trade",
        "orders": { "order": [
            { "oid": 1, "num": 1, "price": "89.00", "total_fee": "89.00", "divide_order_fee": "79.00", "status": "WAIT_SELLER_SEND_GOODS", "refund_status": "NO_REFUND" },
            { "oid": 2, "num": 2, "price": "29.50", "total_fee": "59.00", "divide_order_fee": "52.37", "status": "WAIT_SELLER_SEND_GOODS", "refund_status": "NO_REFUND" },
        ] },
    });
    for (key, value) in changes.as_object().expect("changes") {
        if key == "0" {
            for (key, value) in value.as_object().expect("changes of a line") {
                trade["orders"]["order"][0][key] = value.clone();
            }
        } else {
            trade[key] = value.clone();
        }
    }
    trade
}

fn read(changes: Value) -> ChannelOrder {
    match pull::read(&trade(changes.clone())) {
        Ok(order) => order,
        Err(unread) => panic!("{changes}: {unread}"),
    }
}

#[test]
fn every_status_word_has_its_meaning_and_its_money() {
    let table: String = words::STATUS
        .iter()
        .map(|(word, _)| {
            let order = read(json!({ "status": word, "pay_time": if word.contains("PAY_") || word.contains("BUYER_PAY") || word.contains("BY_TAOBAO") { Value::Null } else { json!("2026-03-18 13:31:40") } }));
            let holds: Vec<&str> = order.do_not_ship.iter().map(|hold| hold.code.as_str()).collect();
            let cancelled: i64 = order.lines.iter().map(|line| line.cancelled).sum();
            format!("{word}: {} · {} · cancelled {cancelled} · holds {holds:?}\n", order.status, order.payment)
        })
        .collect();
    insta::assert_snapshot!(table);
}

#[test]
fn an_unknown_word_stays_itself_and_advances_nothing() {
    let order = read(json!({ "status": "WAIT_ROBOT", "0": { "status": "WAIT_ROBOT", "refund_status": "ASKED_BY_ROBOT" } }));
    assert_eq!(order.observed_status, "WAIT_ROBOT");
    assert_eq!(order.status, Observed::Unknown("WAIT_ROBOT".into()));
    assert_eq!(order.lines[0].status, Observed::Unknown("WAIT_ROBOT".into()));
    assert_eq!(order.lines[0].refund, LineRefund::Requested, "the goods stay until someone has looked");
    assert_eq!(
        order.do_not_ship.iter().map(|h| (h.code.as_str(), h.text.as_str())).collect::<Vec<_>>(),
        [("refund_status", "ASKED_BY_ROBOT")]
    );
}

#[test]
fn a_presale_is_unpaid_until_its_last_payment() {
    let step = |status: &str, step: &str| {
        let order = read(
            json!({ "type": "step", "status": status, "step_trade_status": step, "send_time": "2026-04-20 23:59:59", "est_con_time": "付款后2天内" }),
        );
        (order.status.clone(), order.payment, order)
    };
    for word in ["WAIT_BUYER_PAY", "WAIT_SELLER_SEND_GOODS"] {
        for first in ["FRONT_NOPAID_FINAL_NOPAID", "FRONT_PAID_FINAL_NOPAID"] {
            let (status, payment, order) = step(word, first);
            assert_eq!((status, payment), (Observed::Known(ChannelStatus::AwaitingPayment), Payment::Unpaid), "{word} {first}");
            assert!(order.tags.contains(&"presale".to_owned()));
        }
    }
    let (status, payment, order) = step("WAIT_SELLER_SEND_GOODS", "FRONT_PAID_FINAL_PAID");
    assert_eq!((status, payment), (Observed::Known(ChannelStatus::ToShip), Payment::Paid));
    assert_eq!(order.ship_by.map(time::format).as_deref(), Some("2026-04-20 23:59:59"), "a presale's date stands above the usual sentence");
    let (status, _, order) = step("WAIT_SELLER_SEND_GOODS", "FRONT_HALF_PAID");
    assert_eq!(status, Observed::Unknown("WAIT_SELLER_SEND_GOODS FRONT_HALF_PAID".into()));
    assert_eq!(order.do_not_ship[0].code, "step_trade_status");
}

#[test]
fn every_signal_not_to_ship_is_a_hold() {
    for (field, value, code) in [
        ("top_hold", json!(1), "top_hold"),
        ("is_sh_ship", json!(true), "is_sh_ship"),
        ("forbid_consign", json!("1"), "forbid_consign"),
        ("team_buy_hold", json!("true"), "team_buy_hold"),
        ("share_group_hold", json!(1), "share_group_hold"),
        ("ofp_hold", json!("risk"), "ofp_hold"),
        ("rx_audit_status", json!("0"), "rx_audit_status"),
        ("trade_attr", json!(r#"{"erpHold":"1"}"#), "erp_hold"),
        ("status", json!("PAID_FORBID_CONSIGN"), "PAID_FORBID_CONSIGN"),
        ("0", json!({ "is_sh_ship": true }), "is_sh_ship"),
    ] {
        let order = read(json!({ field: value }));
        assert_eq!(order.do_not_ship.iter().map(|hold| hold.code.as_str()).collect::<Vec<_>>(), [code], "{field}");
    }
    for (field, value) in [
        ("top_hold", json!(0)),
        ("is_sh_ship", json!(false)),
        ("forbid_consign", json!("")),
        ("rx_audit_status", json!("1")),
        ("trade_attr", json!(r#"{"erpHold":"0"}"#)),
        ("trade_attr", json!("no JSON")),
    ] {
        assert!(read(json!({ field: value })).do_not_ship.is_empty(), "{field}");
    }
}

#[test]
fn a_refund_is_read_from_its_line() {
    let of = |word: &str| read(json!({ "0": { "refund_status": word } }));
    for word in ["WAIT_SELLER_AGREE", "WAIT_BUYER_RETURN_GOODS", "WAIT_SELLER_CONFIRM_GOODS", "EXCHANGE_TRANSFORM_TO_REFUND"] {
        assert_eq!((of(word).lines[0].refund, of(word).payment), (LineRefund::Requested, Payment::Paid), "{word}");
    }
    assert_eq!(of("SELLER_REFUSE_BUYER").lines[0].refund, LineRefund::Closed);
    assert_eq!(of("CLOSED").lines[0].refund, LineRefund::Closed);
    assert_eq!(of("SUCCESS").payment, Payment::PartRefunded);
    let part = read(json!({ "0": { "refund_status": "SUCCESS" }, "orders": { "order": [{
        "oid": 1, "num": 1, "price": "89.00", "total_fee": "89.00", "divide_order_fee": "89.00", "status": "WAIT_SELLER_SEND_GOODS", "refund_status": "SUCCESS",
    }] } }));
    assert_eq!((part.payment, part.lines[0].cancelled), (Payment::PartRefunded, 0), "a part of its price: the line is still to be sent");

    let closed = read(json!({ "0": { "status": "TRADE_CLOSED", "refund_status": "SUCCESS" } }));
    assert_eq!(closed.lines.iter().map(|line| line.cancelled).collect::<Vec<_>>(), [1, 0], "only the line that was closed");
    let came_back = read(
        json!({ "0": { "status": "TRADE_CLOSED", "refund_status": "SUCCESS", "invoice_no": "YT1", "consign_time": "2026-03-19 08:00:00" } }),
    );
    assert_eq!(came_back.lines[0].cancelled, 0, "what has left and came back is a return");
}

#[test]
fn cash_on_delivery_is_unpaid_and_ships() {
    let order = read(json!({ "type": "cod", "pay_time": null }));
    assert_eq!((order.cash_on_delivery, order.payment), (true, Payment::Unpaid));
    let order = read(json!({ "type": "cod", "pay_time": null, "status": "TRADE_BUYER_SIGNED" }));
    assert_eq!((order.status, order.payment), (Observed::Known(ChannelStatus::Delivered), Payment::Paid));
}

#[test]
fn who_ships_is_told_by_the_lines() {
    let infos = |kinds: &[&str]| json!({ "logistics_infos": kinds.iter().map(|kind| json!({ "consign_type": kind })).collect::<Vec<_>>() });
    assert_eq!(read(infos(&["SC", "SC"])).fulfilled_by, FulfilledBy::Seller);
    assert_eq!(read(infos(&["CN", "CN"])).fulfilled_by, FulfilledBy::Channel);
    let mixed = read(infos(&["CN", "SC"]));
    assert_eq!((mixed.fulfilled_by, mixed.do_not_ship[0].code.as_str()), (FulfilledBy::Seller, "consign_type"));
    assert_eq!(read(json!({ "is_force_wlb": true })).fulfilled_by, FulfilledBy::Channel);
}

#[test]
fn parcels_are_grouped_by_number() {
    let shipped = |extra: Value| read(extra).shipments;
    assert!(shipped(json!({})).is_empty());
    let parcels =
        shipped(json!({ "0": { "invoice_no": " YT1 ", "logistics_company": "圆通速递", "consign_time": "2026-03-19 08:00:00" } }));
    assert_eq!((parcels.len(), parcels[0].number.as_str(), parcels[0].line_ids.as_slice()), (1, "YT1", &["1".to_owned()][..]));
    let whole = shipped(json!({ "invoice_no": "YT9", "consign_time": "2026-03-19 08:00:00" }));
    assert_eq!((whole[0].number.as_str(), whole[0].line_ids.len()), ("YT9", 0));
}

#[test]
fn money_adds_up_to_the_fen_and_what_is_no_money_is_no_order() {
    let order = read(json!({}));
    let goods: i64 = order.lines.iter().map(|line| line.total_minor).sum();
    assert_eq!(goods + order.shipping_minor + order.tax_minor - order.discount_minor, order.total_minor);
    assert!(order.lines.iter().all(|line| line.unit_price_minor * line.quantity - line.discount_minor == line.total_minor));
    // Nodes that do not split the trade's discount over the lines: it is the order's.
    let unsplit = json!({ "discount_fee": "16.63", "orders": [
        { "oid": 1, "num": 1, "price": "89.00", "total_fee": "89.00" }, { "oid": 2, "num": 2, "price": "29.50", "total_fee": "59.00" } ] });
    let order = read(unsplit);
    assert_eq!((order.lines.iter().map(|line| line.total_minor).sum::<i64>(), order.discount_minor), (14_800, 1_663));
    assert_eq!(14_800 + 800 - 1_663, order.total_minor);

    for (field, why) in [
        ("payment", "payment"),
        ("status", "status"),
        ("created", "created"),
        ("modified", "modified"),
        ("tid", "tid"),
        ("orders", "orders"),
    ] {
        let mut broken = trade(json!({}));
        broken.as_object_mut().expect("object").remove(field);
        assert_eq!(pull::read(&broken).err().map(|u| u.to_string()), Some(format!("{why} is missing")));
    }
    assert_eq!(pull::read(&trade(json!({ "payment": "139,37" }))).err().map(|u| u.to_string()).as_deref(), Some("payment is no amount"));
    assert_eq!(
        pull::read(&trade(json!({ "0": { "num": 0 } }))).err().map(|u| u.to_string()).as_deref(),
        Some("orders[0].num is no quantity")
    );
}

#[test]
fn ids_beyond_two_to_the_53_keep_every_digit_in_either_form() {
    for tid in [json!(9_223_372_036_854_775_807i64), json!("9223372036854775807")] {
        assert_eq!(read(json!({ "tid": tid })).external_id, "9223372036854775807");
    }
    let rounded = read(json!({ "tid": 4_301_187_260_085_123_500i64, "tid_str": "4301187260085123456" }));
    assert_eq!(rounded.external_id, "4301187260085123456", "the text stands above a number that a relay may have rounded");
}

#[test]
fn the_platforms_midnight_is_sixteen_hours_utc() {
    let order = read(
        json!({ "created": "2026-03-18 23:59:59", "pay_time": "2026-03-19 00:00:00", "modified": "2026-03-19 00:00:01", "est_con_time": "付款后1天内" }),
    );
    assert_eq!(order.placed_at.seconds() + 1, order.paid_at.expect("paid").seconds());
    assert_eq!(order.paid_at.expect("paid").seconds(), 1_773_849_600, "2026-03-18T16:00:00Z");
    assert_eq!(order.ship_by.map(Timestamp::seconds), Some(1_773_936_000));
}

#[test]
fn recipients_are_masked_tokens_or_clear() {
    let order = read(
        json!({ "receiver_name": "张**", "receiver_mobile": "*******0001", "receiver_state": "浙江省", "receiver_zip": "000000", "oaid": "token" }),
    );
    let recipient = order.recipient.expect("recipient");
    assert!(
        recipient.masked
            && recipient.token.as_deref() == Some("token")
            && recipient.region.postal_code.is_empty()
            && recipient.region.country == "CN"
    );
    let clear =
        read(json!({ "receiver_name": "张三", "receiver_phone": "0571-88880000", "receiver_country": "美国", "receiver_zip": "310000" }))
            .recipient
            .expect("recipient");
    assert!(
        !clear.masked
            && clear.token.is_none()
            && clear.personal.phone == "0571-88880000"
            && clear.region.country.is_empty()
            && clear.region.postal_code == "310000"
    );
    assert!(read(json!({})).recipient.is_none());
}

#[test]
fn the_same_trade_always_has_the_same_bytes() {
    let mut shuffled = serde_json::Map::new();
    for (key, value) in trade(json!({})).as_object().expect("object").iter().rev() {
        shuffled.insert(key.clone(), value.clone());
    }
    assert_eq!(read(json!({})).raw, pull::read(&Value::Object(shuffled)).expect("order").raw);
}

#[test]
fn small_signals_become_tags() {
    let order = read(
        json!({ "ob_tag": "xx,lg", "lm": "1", "0": { "is_free_gift": true, "combine_item_info": [{ "item_id": 1 }], "bind_oids": "1,2", "is_oversold": true } }),
    );
    assert_eq!(order.urgent, ["buyer_urged"]);
    assert_eq!(order.tags, ["gift", "bundle", "ship_together", "address_changed", "oversold"]);
    assert!(order.lines[0].gift);
}

proptest! {
    /// Whatever the amounts, what is read sums as the platform's identities say, and nothing overflows.
    #[test]
    fn any_amounts_are_exact(prices in prop::collection::vec((1i64..10_000_000, 1i64..100), 1..6), post in 0i64..10_000, cut in 0i64..100) {
        let fen = |minor: i64| format!("{}.{:02}", minor / 100, minor % 100);
        let shares: Vec<i64> = prices.iter().map(|(price, num)| price * num - (price * num) * cut / 200).collect();
        let orders: Vec<Value> = prices.iter().zip(&shares).enumerate()
            .map(|(index, ((price, num), share))| json!({ "oid": index + 1, "num": num, "price": fen(*price), "total_fee": fen(price * num), "divide_order_fee": fen(*share) }))
            .collect();
        let total = shares.iter().sum::<i64>() + post;
        let order = read(json!({ "orders": orders, "payment": fen(total), "post_fee": fen(post) }));
        prop_assert_eq!(order.lines.iter().map(|line| line.total_minor).sum::<i64>() + order.shipping_minor - order.discount_minor, order.total_minor);
        for (line, (price, num)) in order.lines.iter().zip(&prices) {
            prop_assert_eq!(line.unit_price_minor * line.quantity - line.discount_minor, line.total_minor);
            prop_assert_eq!((line.unit_price_minor, line.quantity), (*price, *num));
        }
    }

    /// No text in any field makes it panic.
    #[test]
    fn any_text_anywhere_is_read_or_named(field in 0usize..12, text in "\\PC{0,24}") {
        let fields = ["status", "payment", "created", "est_con_time", "trade_attr", "receiver_mobile", "tid", "step_trade_status", "ob_tag", "post_fee", "seller_flag", "orders"];
        let value = trade(json!({ fields[field]: text }));
        let _ = pull::read(&value);
        let _ = wire::Trade::read(&value).map(|trade| map::shipments(&trade));
        let _ = promise::until(&text, Some(NOW));
    }
}

/// A gateway with `count` trades, newest first; the first ones leave the window as pages are read.
fn market(count: i64, leaving: i64) -> Gateway<impl Fn(&Form, usize) -> String + Send + Sync> {
    Gateway::new(move |form: &Form, before: usize| {
        if form["method"] == "taobao.trade.fullinfo.get" {
            let mut detail = trade(json!({}));
            detail["tid"] = json!(form["tid"].parse::<i64>().expect("tid"));
            return json!({ "trade": detail }).to_string();
        }
        let number = |key: &str| form[key].parse::<i64>().expect("number");
        // From the second list call on, some rows have left at the front.
        let first = if before == 0 { 0 } else { leaving };
        let (size, page) = (number("page_size"), number("page_no"));
        let rows: Vec<Value> = (first + (page - 1) * size..count.min(first + page * size))
            .map(|n| json!({ "tid": 1000 + n, "modified": "2026-03-18 13:42:10" }))
            .collect();
        match form["use_has_next"].as_str() {
            "true" => json!({ "trades": rows, "has_next": first + page * size < count }).to_string(),
            _ => json!({ "trades": rows, "total_results": count - first }).to_string(),
        }
    })
}

async fn pull_all(gateway: &Gateway<impl Fn(&Form, usize) -> String + Send + Sync>, span: i64, initial: bool) -> (BTreeSet<String>, usize) {
    let account = account();
    let call = call(gateway, &account);
    let mut window = PullWindow { from: NOW.plus(-span - MINUTE), to: NOW.plus(-MINUTE), page: None, initial };
    let (mut ids, mut pages) = (BTreeSet::new(), 0);
    loop {
        let page = VENDOR.pull_orders(&call, &window, &NothingHeld).await.expect("page");
        assert!(page.unreadable.is_empty());
        ids.extend(page.orders.into_iter().map(|order| order.external_id));
        pages += 1;
        match page.next {
            Some(next) => window.page = Some(next),
            None => return (ids, pages),
        }
        assert!(pages < 100, "paging ends");
    }
}

#[tokio::test]
async fn pages_are_read_from_the_back_so_that_rows_which_leave_lose_none() {
    let gateway = market(120, 0);
    let (ids, pages) = pull_all(&gateway, 20 * MINUTE, false).await;
    assert_eq!((ids.len(), pages), (120, 3));
    let asked: Vec<String> = gateway
        .asked(&["page_no", "use_has_next", "start_modified", "end_modified"])
        .into_iter()
        .filter(|line| line.contains("sold"))
        .collect();
    insta::assert_snapshot!(asked.join("\n"));

    let gateway = market(120, 7);
    let (ids, _) = pull_all(&gateway, 20 * MINUTE, false).await;
    let still_there: BTreeSet<String> = (7..120).map(|n| (1000 + n).to_string()).collect();
    assert!(ids.is_superset(&still_there), "what left at the front is the next window's; the rest is complete");
}

#[tokio::test]
async fn an_empty_window_is_one_call_and_a_first_pull_goes_by_creation() {
    let gateway = market(0, 0);
    assert_eq!(pull_all(&gateway, 20 * MINUTE, false).await.0.len(), 0);
    assert_eq!(gateway.asked(&[]).len(), 1);
    let gateway = market(60, 0);
    assert_eq!(pull_all(&gateway, 90 * 24 * 60 * MINUTE, true).await.0.len(), 60);
    assert!(gateway.asked(&["start_created"])[0].starts_with("taobao.trades.sold.get start_created=2025-12-18"));
}

#[tokio::test]
async fn a_long_window_is_read_in_slices_that_the_platform_takes() {
    let gateway = market(10, 0);
    let (_, pages) = pull_all(&gateway, 100 * MINUTE, false).await;
    assert_eq!(pages, 4);
    let probes: Vec<String> = gateway
        .asked(&["start_modified", "end_modified", "use_has_next"])
        .into_iter()
        .filter(|line| line.ends_with("use_has_next=false"))
        .collect();
    assert_eq!(probes.len(), 4);
    assert!(
        probes[0].contains("12:24:09 end_modified=2026-03-18 12:54:09") && probes[3].contains("13:54:09 end_modified=2026-03-18 14:04:09"),
        "{probes:?}"
    );
}

#[tokio::test]
async fn rows_pushed_past_the_counted_pages_are_read_too_and_a_server_without_totals_is_walked() {
    // 60 rows when counted, 130 when read.
    let grown = Gateway::new(|form: &Form, before: usize| {
        if form["method"].ends_with("fullinfo.get") {
            let mut detail = trade(json!({}));
            detail["tid"] = json!(form["tid"].clone());
            return json!({ "trade": detail }).to_string();
        }
        let (size, page) = (form["page_size"].parse::<i64>().expect("n"), form["page_no"].parse::<i64>().expect("n"));
        let rows: Vec<Value> = ((page - 1) * size..130.min(page * size)).map(|n| json!({ "tid": n })).collect();
        if before == 0 {
            json!({ "total_results": 60 }).to_string()
        } else {
            json!({ "trades": rows, "has_next": page * size < 130 }).to_string()
        }
    });
    assert_eq!(pull_all(&grown, 20 * MINUTE, false).await.0.len(), 130);
    let no_totals = Gateway::new(|form: &Form, _: usize| {
        if form["method"].ends_with("fullinfo.get") {
            let mut detail = trade(json!({}));
            detail["tid"] = json!(form["tid"].clone());
            return json!({ "trade": detail }).to_string();
        }
        let (size, page) = (form["page_size"].parse::<i64>().expect("n"), form["page_no"].parse::<i64>().expect("n"));
        let rows: Vec<Value> = ((page - 1) * size..130.min(page * size)).map(|n| json!({ "tid": n })).collect();
        json!({ "trades": rows, "has_next": page * size < 130 }).to_string()
    });
    assert_eq!(pull_all(&no_totals, 20 * MINUTE, false).await.0.len(), 130);
}

#[tokio::test]
async fn an_order_that_cannot_be_read_is_set_aside_and_hides_no_other() {
    let gateway = Gateway::new(|form: &Form, before: usize| match (form["method"].as_str(), form.get("tid").map(String::as_str)) {
        ("taobao.trade.fullinfo.get", Some("2")) => json!({ "trade": { "tid": 2, "status": "WAIT_SELLER_SEND_GOODS" } }).to_string(),
        ("taobao.trade.fullinfo.get", Some("3")) => {
            json!({ "error_response": { "code": 15, "sub_code": "isv.trade-not-exist:tid", "sub_msg": "交易不存在" } }).to_string()
        }
        ("taobao.trade.fullinfo.get", Some("4")) => json!({ "trade": { "tid": 1 } }).to_string(),
        ("taobao.trade.fullinfo.get", Some(_)) => {
            let mut detail = trade(json!({}));
            detail["tid"] = json!(1);
            json!({ "trade": detail }).to_string()
        }
        _ if before == 0 => json!({ "total_results": 5 }).to_string(),
        _ => json!({ "trades": [{ "tid": 1 }, { "tid": 2 }, { "tid": 3 }, { "tid": 4 }, { "status": "?" }] }).to_string(),
    });
    let account = account();
    let window = PullWindow { from: NOW.plus(-20 * MINUTE), to: NOW.plus(-MINUTE), page: None, initial: false };
    let page = VENDOR.pull_orders(&call(&gateway, &account), &window, &NothingHeld).await.expect("page");
    assert_eq!(page.orders.len(), 1);
    let aside: Vec<(Option<&str>, &str)> = page.unreadable.iter().map(|u| (u.external_id.as_deref(), u.why.as_str())).collect();
    assert_eq!(
        aside,
        [
            (None, "tid is missing"),
            (Some("2"), "created is missing"),
            (Some("3"), "listed, but its detail is refused: 交易不存在 [isv.trade-not-exist:tid]"),
            (Some("4"), "in the answer, trade.tid is of another trade"),
        ]
    );
    assert!(page.unreadable.iter().all(|u| !u.raw.is_empty()));
}

/// A page is fifty calls. A platform that fails one of twenty, and limits us now and then, must still let a page end, and
/// what was read before is not asked for again.
#[tokio::test]
async fn a_page_goes_on_where_the_platform_failed_half_way_through_it() {
    let asked_of = std::sync::Mutex::new(std::collections::BTreeMap::<String, usize>::new());
    let gateway = Gateway::new(|form: &Form, before: usize| {
        if !form["method"].ends_with("fullinfo.get") {
            let (size, page) = (form["page_size"].parse::<i64>().expect("n"), form["page_no"].parse::<i64>().expect("n"));
            let rows: Vec<Value> = ((page - 1) * size..120.min(page * size)).map(|n| json!({ "tid": 1000 + n })).collect();
            return json!({ "total_results": 120, "trades": rows, "has_next": page * size < 120 }).to_string();
        }
        *asked_of.lock().expect("no panic").entry(form["tid"].clone()).or_default() += 1;
        match before % 20 {
            7 => json!({ "error_response": { "code": 15, "sub_code": "isp.top-remote-connection-timeout" } }).to_string(),
            13 => "<html><body>系统繁忙</body></html>".into(),
            19 if before < 60 => {
                json!({ "error_response": { "code": 7, "sub_code": "accesscontrol.limited-by-api-access-count", "sub_msg": "This ban will last for 1 more seconds" } })
                    .to_string()
            }
            _ => {
                let mut detail = trade(json!({}));
                detail["tid"] = json!(form["tid"].clone());
                json!({ "trade": detail }).to_string()
            }
        }
    });
    let account = account();
    let mut window = PullWindow { from: NOW.plus(-20 * MINUTE), to: NOW.plus(-MINUTE), page: None, initial: false };
    let (mut ids, mut refused) = (BTreeSet::new(), 0);
    for pages in 0.. {
        assert!(pages < 40, "the pull comes to an end");
        match VENDOR.pull_orders(&call(&gateway, &account), &window, &NothingHeld).await {
            Ok(page) => {
                assert!(page.unreadable.is_empty(), "nothing is wrong with the orders");
                ids.extend(page.orders.into_iter().map(|order| order.external_id));
                match page.next {
                    Some(next) => window.page = Some(next),
                    None => break,
                }
            }
            Err(ConnectError::Throttled { .. } | ConnectError::Transient(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(ids.len(), 120);
    assert!(refused < 5, "a page fails only where nothing could be read: {refused}");
    let asked: usize = asked_of.lock().expect("no panic").values().sum();
    assert!(asked < 160, "what was read is not read again: {asked} calls for 120 trades");
}

#[tokio::test]
async fn a_trouble_that_is_not_the_orders_own_fails_the_page() {
    let gateway = Gateway::new(|form: &Form, before: usize| match form["method"].as_str() {
        "taobao.trade.fullinfo.get" => json!({ "error_response": { "code": 27, "sub_code": "session-expired" } }).to_string(),
        _ if before == 0 => json!({ "total_results": 1 }).to_string(),
        _ => json!({ "trades": [{ "tid": 1 }] }).to_string(),
    });
    let account = account();
    let mut window = PullWindow { from: NOW.plus(-20 * MINUTE), to: NOW.plus(-MINUTE), page: None, initial: false };
    let error = VENDOR.pull_orders(&call(&gateway, &account), &window, &NothingHeld).await.err();
    assert!(matches!(error, Some(ConnectError::Reauthorize(_))));
    window.page = Some("not ours".into());
    assert!(matches!(VENDOR.pull_orders(&call(&gateway, &account), &window, &NothingHeld).await.err(), Some(ConnectError::Drift(_))));
}

#[tokio::test]
async fn counting_leaves_the_end_of_the_window_out() {
    let gateway = Gateway::new(|_: &Form, _: usize| json!({ "trades_sold_get_response": { "total_results": "17" } }).to_string());
    let account = account();
    let window =
        PullWindow { from: Timestamp::from_seconds(1_773_810_000), to: Timestamp::from_seconds(1_773_813_600), page: None, initial: false };
    assert_eq!(VENDOR.count_orders(&call(&gateway, &account), &window).await.map(|c| c.theirs), Ok(17));
    assert_eq!(
        gateway.asked(&["start_created", "end_created", "page_size"]),
        ["taobao.trades.sold.get start_created=2026-03-18 13:00:00 end_created=2026-03-18 13:59:59 page_size=1"]
    );
}

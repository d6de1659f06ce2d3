//! The platform's side of the wire as a stranger meets it: the gateway's checks, paging that shifts, effects that happen
//! once, and every fault.

mod market;

use crate::top::sign::{SignMethod, sign};
use crate::top::time;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use wharf_connect::channel::{NothingHeld, OrderPage, PullWindow, ShipmentConfirmation};
use wharf_connect::http::TransportError;
use wharf_connect::sandbox::SandboxHttp;
use wharf_connect::world::orders::LineDraft;
use wharf_connect::world::{Act, Fault, FaultKind, MarketPlan, OrderDraft, World};
use wharf_connect::{Call, Channel, Confirmed, ConnectError, Credentials, Http, HttpRequest, Settings};
use wharf_domain::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};

const OPENED: Timestamp = Timestamp::from_seconds(1_795_000_000);
const VENDOR: &str = "taobao";
const SHOP: &str = "cotton";
const GATEWAY: &str = "http://sandbox/taobao/router/rest";

/// A market in process with a clock that a test moves.
struct Stand {
    http: SandboxHttp,
    clock: Arc<AtomicI64>,
    credentials: Credentials,
    settings: Settings,
}

impl Stand {
    fn new(plan: impl FnOnce(MarketPlan) -> MarketPlan) -> Self {
        let vendors = crate::all();
        let world = Arc::new(World::in_memory(plan(MarketPlan::quiet(&vendors, 42, OPENED))));
        let clock = Arc::new(AtomicI64::new(OPENED.micros()));
        let told = clock.clone();
        let http = SandboxHttp::new(world, vendors, Arc::new(move || Timestamp(told.load(Ordering::SeqCst))));
        let (credentials, settings) = http.account(VENDOR, SHOP).expect("account");
        Stand { http, clock, credentials, settings }
    }
    fn quiet() -> Self {
        Stand::new(|plan| plan)
    }
    fn now(&self) -> Timestamp {
        Timestamp(self.clock.load(Ordering::SeqCst))
    }
    fn wait(&self, micros: i64) {
        self.clock.fetch_add(micros, Ordering::SeqCst);
    }
    fn world(&self) -> &World {
        self.http.world()
    }
    fn call(&self) -> Call<'_> {
        Call { http: &self.http, now: self.now(), nonce: "n", credentials: &self.credentials, settings: &self.settings }
    }
    fn place(&self, draft: OrderDraft) -> i64 {
        self.world().place(self.now(), SHOP, draft).expect("placed")
    }

    /// The form of a call, signed; a test may spoil it before it is sent.
    fn form(&self, method: &str, params: &[(&str, &str)], sign_method: SignMethod) -> BTreeMap<String, String> {
        let mut form: BTreeMap<String, String> = params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        for (name, value) in [
            ("method", method),
            ("app_key", &self.credentials.0["app_key"]),
            ("session", &self.credentials.0["session"]),
            ("timestamp", &time::format(self.now())),
            ("v", "2.0"),
            ("format", "json"),
            ("sign_method", sign_method.word()),
        ] {
            form.insert(name.into(), value.to_owned());
        }
        self.sign(&mut form);
        form
    }
    fn sign(&self, form: &mut BTreeMap<String, String>) {
        form.remove("sign");
        let method = SignMethod::parse(&form["sign_method"]).expect("method");
        let signature = sign(method, &self.credentials.0["app_secret"], form, None);
        form.insert("sign".into(), signature);
    }
    async fn post(&self, form: &BTreeMap<String, String>) -> Result<Value, TransportError> {
        let fields: Vec<(String, String)> = form.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        let answer = self.http.send(HttpRequest::form(GATEWAY, &fields)).await?;
        assert_eq!(answer.status, 200, "the gateway says 200 to everything");
        Ok(serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }
    async fn ask(&self, method: &str, params: &[(&str, &str)]) -> Value {
        self.post(&self.form(method, params, SignMethod::HmacSha256)).await.expect("answer")
    }
    async fn truth(&self, method: &'static str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request =
            HttpRequest { method, url: format!("http://sandbox/_world{path}"), headers: vec![], body, timeout: Duration::from_secs(5) };
        let answer = self.http.send(request).await.expect("answer");
        (answer.status, serde_json::from_slice(&answer.body).expect("JSON"))
    }
    fn shipment(&self, order: i64, number: &str) -> ShipmentConfirmation {
        ShipmentConfirmation {
            external_id: order.to_string(),
            carrier_code: "ZTO".into(),
            carrier_name: "中通快递".into(),
            number: number.into(),
            lines: vec![],
            shipped_at: self.now(),
        }
    }
    async fn confirm(&self, order: i64, number: &str) -> Result<Confirmed, ConnectError> {
        super::VENDOR.confirm_shipment(&self.call(), &self.shipment(order, number)).await
    }
    async fn effects(&self, order: i64) -> Vec<u64> {
        let (status, truth) = self.truth("GET", &format!("/orders/{order}"), Value::Null).await;
        assert_eq!(status, 200);
        truth["shipments"].as_array().expect("shipments").iter().map(|s| s["effects"].as_u64().expect("effects")).collect()
    }
}

fn error(answer: &Value) -> (i64, String) {
    let error = &answer["error_response"];
    (error["code"].as_i64().unwrap_or_default(), error["sub_code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn the_gateway_checks_names_clock_signature_and_session() {
    let stand = Stand::quiet();
    for method in [SignMethod::Md5, SignMethod::Hmac, SignMethod::HmacSha256] {
        let answer = stand.post(&stand.form("taobao.user.seller.get", &[("fields", "user_id,nick")], method)).await.expect("answer");
        assert_eq!(answer["user_seller_get_response"]["user"]["nick"], "棉花糖家居", "{}", method.word());
    }
    let spoil = |name: &str, value: Option<&str>, again: bool| {
        let mut form = stand.form("taobao.user.seller.get", &[("fields", "nick")], SignMethod::HmacSha256);
        match value {
            Some(value) => form.insert(name.into(), value.into()),
            None => form.remove(name),
        };
        if again {
            stand.sign(&mut form);
        }
        form
    };
    let old = time::format(stand.now().plus(-11 * MINUTE));
    let close = time::format(stand.now().plus(9 * MINUTE));
    for (name, value, again, code) in [
        ("method", None, true, 21),
        ("method", Some("taobao.no.such.thing"), true, 22),
        ("sign", None, false, 24),
        ("sign", Some("0000"), false, 25),
        ("fields", Some("user_id"), false, 25),
        ("session", None, true, 26),
        ("session", Some("6100nobody"), true, 27),
        ("app_key", None, true, 28),
        ("app_key", Some("1"), true, 29),
        ("timestamp", None, true, 30),
        ("timestamp", Some(old.as_str()), true, 31),
        ("timestamp", Some("today"), true, 31),
        ("v", None, true, 32),
        ("v", Some("1.0"), true, 33),
        ("fields", None, true, 40),
    ] {
        let answer = stand.post(&spoil(name, value, again)).await.expect("answer");
        assert_eq!(error(&answer).0, code, "{name} = {value:?}: {answer}");
    }
    assert_eq!(error(&stand.post(&spoil("timestamp", Some(close.as_str()), true)).await.expect("answer")).0, 0);
    // Without a format the platform answers in XML.
    assert_eq!(stand.post(&spoil("format", None, true)).await.expect("answer"), Value::Null);
    // A session that was renewed has expired; one that never was is wrong.
    let (status, _) = stand.truth("POST", "/shops/cotton/renew_session", Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(error(&stand.ask("taobao.user.seller.get", &[("fields", "nick")]).await), (27, "session-expired".into()));
    let (credentials, _) = stand.http.account(VENDOR, SHOP).expect("account");
    assert_ne!(credentials.0["session"], stand.credentials.0["session"]);
}

#[tokio::test]
async fn both_forms_of_answers_have_the_platforms_shape() {
    let stand = Stand::quiet();
    let empty = stand.ask("taobao.trades.sold.get", &[("fields", "tid,orders.oid")]).await;
    let empty = &empty["trades_sold_get_response"];
    assert_eq!((empty["total_results"].as_i64(), empty.get("trades")), (Some(0), None), "an empty list is an absent key");
    let order = stand.place(OrderDraft::default());
    let wrapped = stand.ask("taobao.trades.sold.get", &[("fields", "tid,orders.oid"), ("use_has_next", "true")]).await;
    let wrapped = &wrapped["trades_sold_get_response"];
    assert_eq!((wrapped["has_next"].as_bool(), wrapped.get("total_results")), (Some(false), None));
    let row = &wrapped["trades"]["trade"][0];
    assert_eq!(row["tid"].as_i64(), Some(order));
    assert_eq!(row["orders"]["order"][0]["oid"].as_i64(), Some(order), "a single line carries the trade's number");
    assert_eq!(row.as_object().map(serde_json::Map::len), Some(3), "tid, tid_str and orders, and nothing that was not asked for");
    let plain = stand.ask("taobao.trades.sold.get", &[("fields", "tid,orders.oid"), ("simplify", "true")]).await;
    assert_eq!(plain["trades"][0]["orders"][0]["oid_str"], json!(order.to_string()));
    assert!(plain["request_id"].is_string() && plain.get("trades_sold_get_response").is_none());
}

#[tokio::test]
async fn recipients_are_masked_and_their_token_opens_them() {
    let stand = Stand::quiet();
    let (first, second, other) = (
        stand.place(OrderDraft { buyer: Some(7), ..OrderDraft::default() }),
        stand.place(OrderDraft { buyer: Some(7), ..OrderDraft::default() }),
        stand.place(OrderDraft { buyer: Some(8), ..OrderDraft::default() }),
    );
    let fields = "tid,receiver_name,receiver_address,receiver_mobile,receiver_phone,receiver_state,created";
    let trade = |tid: i64, oaid: &'static str| {
        let stand = &stand;
        async move {
            stand.ask("taobao.trade.fullinfo.get", &[("fields", fields), ("tid", &tid.to_string()), ("include_oaid", oaid)]).await["trade_fullinfo_get_response"]["trade"].clone()
        }
    };
    let told = trade(first, "true").await;
    let real = stand.world().read(|m| m.order(first).map(|o| m.recipient(o))).expect("recipient");
    assert!(told["receiver_name"].as_str().is_some_and(|n| n.contains('*') && n != real.name));
    assert!(told["receiver_mobile"].as_str().is_some_and(|p| p.ends_with(&real.phone[7..]) && p.starts_with("*******")));
    assert_eq!(told["receiver_state"], json!(real.province));
    assert!(trade(first, "false").await.get("oaid").is_none());
    let opened = super::VENDOR
        .privacy()
        .expect("privacy")
        .open(&stand.call(), &first.to_string(), told["oaid"].as_str().expect("token"))
        .await
        .expect("opened");
    assert_eq!((opened.name, opened.phone, opened.address), (real.name, real.phone, real.street));
    let mut pairs = Vec::new();
    for tid in [first, second, other] {
        pairs.push((tid.to_string(), trade(tid, "true").await["oaid"].as_str().expect("token").to_owned()));
    }
    let groups = super::VENDOR.grouping().expect("grouping").group(&stand.call(), &pairs).await.expect("groups");
    assert_eq!(groups, vec![vec![first.to_string(), second.to_string()], vec![other.to_string()]]);
    // After a move the old token is out of date; the connector reads the new one.
    stand.world().act(stand.now(), first, Act::ChangeAddress { recipient: None, by_seller: false }).expect("moved");
    let moved = super::VENDOR.privacy().expect("privacy").open(&stand.call(), &first.to_string(), &pairs[0].1).await.expect("opened");
    assert_eq!(Some(moved.address), stand.world().read(|m| m.order(first).map(|o| m.recipient(o).street)));
}

#[tokio::test]
async fn windows_and_pages_have_the_platforms_limits() {
    let stand = Stand::quiet();
    let ask = |from: i64, to: i64, more: &'static [(&'static str, &'static str)]| {
        let stand = &stand;
        async move {
            let (from, to) = (time::format(stand.now().plus(from)), time::format(stand.now().plus(to)));
            let mut params = vec![("fields", "tid"), ("start_modified", from.as_str()), ("end_modified", to.as_str())];
            params.extend_from_slice(more);
            error(&stand.ask("taobao.trades.sold.increment.get", &params).await).1
        }
    };
    assert_eq!(ask(-DAY, 0, &[]).await, "");
    assert_eq!(ask(-DAY - SECOND, 0, &[]).await, "isv.invalid-parameter:start_modified");
    assert_eq!(ask(-92 * DAY, -91 * DAY - HOUR, &[]).await, "isv.invalid-parameter:start_modified");
    assert_eq!(ask(0, -HOUR, &[]).await, "isv.invalid-parameter:end_modified");
    for (name, value) in [("page_size", "101"), ("page_size", "0"), ("page_no", "0"), ("page_no", "x"), ("status", "NONSENSE")] {
        let found = match (name, value) {
            ("page_size", "101") => ask(-HOUR, 0, &[("page_size", "101")]).await,
            ("page_size", _) => ask(-HOUR, 0, &[("page_size", "0")]).await,
            ("page_no", "0") => ask(-HOUR, 0, &[("page_no", "0")]).await,
            ("page_no", _) => ask(-HOUR, 0, &[("page_no", "x")]).await,
            _ => ask(-HOUR, 0, &[("status", "NONSENSE")]).await,
        };
        assert_eq!(found, format!("isv.invalid-parameter:{name}"), "{name}={value}");
    }
}

/// Reads a window page by page while orders change under the reader: newest first, so rows shift.
async fn read_while_it_changes(stand: &Stand, backwards: bool) -> (BTreeSet<i64>, BTreeSet<i64>) {
    let all: Vec<i64> = (0..60).map(|_| stand.place(OrderDraft::default())).collect();
    let (from, to) = (time::format(OPENED.plus(-HOUR)), time::format(OPENED.plus(30 * MINUTE)));
    stand.wait(MINUTE);
    let pages = 6;
    let mut seen = BTreeSet::new();
    for step in 0..pages {
        let page = if backwards { pages - step } else { step + 1 }.to_string();
        let params = [
            ("fields", "tid"),
            ("start_modified", from.as_str()),
            ("end_modified", to.as_str()),
            ("page_no", page.as_str()),
            ("page_size", "10"),
            ("use_has_next", "true"),
        ];
        let answer = stand.ask("taobao.trades.sold.increment.get", &params).await;
        for row in answer["trades_sold_increment_get_response"]["trades"]["trade"].as_array().into_iter().flatten() {
            seen.insert(row["tid"].as_i64().expect("tid"));
        }
        // One of the newest changes after the window's end: it leaves the window, and the rows behind it move up.
        stand.wait(35 * MINUTE);
        stand.world().act(stand.now(), all[59 - step], Act::Urge).expect("urged");
    }
    (all.into_iter().collect(), seen)
}

#[tokio::test]
async fn paging_from_the_front_loses_rows_and_from_the_back_it_does_not() {
    let (all, seen) = read_while_it_changes(&Stand::quiet(), false).await;
    let lost = all.difference(&seen).count();
    assert!(lost > 0, "the market is too kind: rows shift on the platform");
    // From the back, only what left the window altogether is missing here, and the next window has it.
    let stand = Stand::quiet();
    let (all, seen) = read_while_it_changes(&stand, true).await;
    for missing in all.difference(&seen) {
        let modified = stand.world().read(|m| m.order(*missing).map(|o| o.modified_at)).expect("order");
        assert!(modified > OPENED.plus(30 * MINUTE), "order {missing} was in the window and is lost");
    }
}

async fn pull(stand: &Stand, from: Timestamp, to: Timestamp) -> Vec<OrderPage> {
    let mut pages = Vec::new();
    let mut page = None;
    loop {
        let window = PullWindow { from, to, page, initial: false };
        let answer = super::VENDOR.pull_orders(&stand.call(), &window, &NothingHeld).await.expect("page");
        page = answer.next.clone();
        pages.push(answer);
        // Buyers go on buying between two pages.
        stand.wait(SECOND);
        if page.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn the_connector_reads_a_busy_market_whole() {
    let stand = Stand::new(|plan| MarketPlan { rate_milli: 120_000, unusual_per_mille: 300, ..plan });
    stand.wait(10 * MINUTE);
    let mut seen: BTreeMap<String, Timestamp> = BTreeMap::new();
    let mut from = OPENED.plus(-MINUTE);
    for _ in 0..4 {
        let to = stand.now().plus(-5 * SECOND);
        for page in pull(&stand, from, to).await {
            assert!(page.unreadable.is_empty(), "{:?}", page.unreadable.first().map(|u| &u.why));
            for order in page.orders {
                let newest = seen.entry(order.external_id).or_insert(order.modified_at);
                *newest = (*newest).max(order.modified_at);
            }
        }
        from = to.plus(-10 * SECOND);
        stand.wait(2 * MINUTE);
    }
    let missing: Vec<i64> = stand.world().read(|m| {
        let end = from.plus(10 * SECOND);
        m.orders
            .iter()
            .filter(|o| o.shop == 0 && o.modified_at < end)
            .map(|o| o.number)
            .filter(|n| !seen.contains_key(&n.to_string()))
            .collect()
    });
    assert!(seen.len() > 500, "{}", seen.len());
    assert_eq!(missing, Vec::<i64>::new());
}

#[tokio::test]
async fn a_second_declaration_is_b04_and_one_effect() {
    let stand = Stand::quiet();
    let order = stand.place(OrderDraft::default());
    assert!(
        matches!(stand.confirm(order, "780000000000001").await, Err(ConnectError::Refused { code, .. }) if code.ends_with(":B60")),
        "not a number of that carrier"
    );
    assert!(matches!(stand.confirm(order, "780000000001").await, Ok(Confirmed::Accepted { .. })));
    let tid = order.to_string();
    let params = [("tid", tid.as_str()), ("out_sid", "780000000001"), ("company_code", "ZTO")];
    for (method, way) in [("taobao.logistics.offline.send", "offline"), ("taobao.logistics.online.send", "online")] {
        assert_eq!(error(&stand.ask(method, &params).await), (15, format!("isv.logistics-{way}-service-error:B04")));
    }
    assert_eq!(stand.confirm(order, "780000000001").await, Ok(Confirmed::Already));
    assert!(matches!(stand.confirm(order, "780000000002").await, Err(ConnectError::Refused { .. })), "another number is no success");
    assert_eq!(stand.effects(order).await, [1]);
    let (_, truth) = stand.truth("GET", &format!("/orders/{order}"), Value::Null).await;
    assert!(truth["shipments"][0]["rejected"].as_u64() >= Some(3), "{}", truth["shipments"]);
    // Correcting it takes another call, and leaves both numbers in sight.
    let corrected = [("tid", tid.as_str()), ("out_sid", "780000000002"), ("company_code", "ZTO")];
    assert_eq!(
        stand.ask("taobao.logistics.consign.resend", &corrected).await["logistics_consign_resend_response"]["shipping"]["is_success"],
        true
    );
    assert_eq!(stand.confirm(order, "780000000002").await, Ok(Confirmed::Already));
}

#[tokio::test]
async fn shipping_is_refused_in_the_platforms_words() {
    let stand = Stand::quiet();
    let codes: Vec<String> = stand
        .world()
        .read(|m| m.shops[0].listings.iter().filter(|l| !l.unmapped && l.pieces == 1).take(2).map(|l| l.seller_code.clone()).collect());
    let two = || codes.iter().map(|c| LineDraft { seller_code: c.clone(), quantity: 1, ..LineDraft::default() }).collect::<Vec<_>>();
    let order = stand.place(OrderDraft { lines: two(), ..OrderDraft::default() });
    let unpaid = stand.place(OrderDraft { paid: Some(false), ..OrderDraft::default() });
    let closed = stand.place(OrderDraft::default());
    stand.world().act(stand.now(), closed, Act::Cancel).expect("closed");
    let line = stand.world().read(|m| m.order(order).map(|o| o.lines[0].number.to_string())).expect("line");
    let (order, unpaid, closed) = (order.to_string(), unpaid.to_string(), closed.to_string());
    for (params, code) in [
        (vec![("tid", "4301000000000000000"), ("out_sid", "780000000009"), ("company_code", "ZTO")], "B01"),
        (vec![("tid", &unpaid), ("out_sid", "780000000009"), ("company_code", "ZTO")], "B02"),
        (vec![("tid", &closed), ("out_sid", "780000000009"), ("company_code", "ZTO")], "B55"),
        (vec![("tid", &order), ("out_sid", "780000000009"), ("company_code", "NOBODY")], "B56"),
        (vec![("tid", &order), ("out_sid", "abc"), ("company_code", "ZTO")], "B60"),
        (vec![("tid", &order), ("out_sid", "780000000009"), ("company_code", "ZTO"), ("is_split", "1")], "P25"),
        (vec![("tid", &order), ("out_sid", "780000000009"), ("company_code", "ZTO"), ("sub_tid", &line)], "P25"),
        (vec![("tid", &order), ("out_sid", "780000000009"), ("company_code", "ZTO"), ("is_split", "1"), ("sub_tid", "5")], "B06"),
    ] {
        assert_eq!(
            error(&stand.ask("taobao.logistics.offline.send", &params).await).1,
            format!("isv.logistics-offline-service-error:{code}"),
            "{params:?}"
        );
    }
    let split =
        [("tid", order.as_str()), ("out_sid", "780000000009"), ("company_code", "ZTO"), ("is_split", "1"), ("sub_tid", line.as_str())];
    assert_eq!(stand.ask("taobao.logistics.offline.send", &split).await["logistics_offline_send_response"]["shipping"]["is_success"], true);
    let told = super::VENDOR.get_order(&stand.call(), &order).await.expect("order");
    assert_eq!((told.observed_status.as_str(), told.shipments.len(), told.shipments[0].line_ids.len()), ("SELLER_CONSIGNED_PART", 1, 1));
}

#[tokio::test]
async fn notes_flags_and_closing_follow_the_platforms_rules() {
    let stand = Stand::quiet();
    let order = stand.place(OrderDraft::default());
    let notes = super::VENDOR.notes().expect("notes");
    notes.write_note(&stand.call(), &order.to_string(), "加急", Some(2)).await.expect("written");
    let told = super::VENDOR.get_order(&stand.call(), &order.to_string()).await.expect("order");
    assert_eq!((told.seller_note.as_str(), told.seller_flag), ("加急", Some(2)));
    let tid = order.to_string();
    stand.ask("taobao.trade.memo.update", &[("tid", &tid), ("reset", "false")]).await;
    let told = super::VENDOR.get_order(&stand.call(), &tid).await.expect("order");
    assert_eq!((told.seller_note.as_str(), told.seller_flag), ("加急", Some(0)), "an empty memo stays, a missing flag turns grey");
    assert_eq!(error(&stand.ask("taobao.trade.memo.add", &[("tid", &tid), ("memo", "x")]).await).0, 15);
    assert_eq!(
        error(&stand.ask("taobao.trade.memo.update", &[("tid", &tid), ("memo", &"长".repeat(334))]).await).1,
        "isv.invalid-parameter:memo"
    );
    let unpaid = stand.place(OrderDraft { paid: Some(false), ..OrderDraft::default() }).to_string();
    let close = |tid: String, reason: &'static str| {
        let stand = &stand;
        async move { error(&stand.ask("taobao.trade.close", &[("tid", &tid), ("close_reason", reason)]).await).1 }
    };
    assert_eq!(close(unpaid.clone(), "随便").await, "isv.invalid-parameter:closereason_wrong");
    assert_eq!(close(unpaid.clone(), "缺货").await, "isv.trade-service-error:CLOSE_TRADE_TOO_FAST");
    stand.wait(11 * SECOND);
    assert_eq!(close(unpaid.clone(), "缺货").await, "");
    assert_eq!(close(tid, "缺货").await, "isv.trade-service-error:CLOSE_TRADE_STATUS_ERROR");
    let told = super::VENDOR.get_order(&stand.call(), &unpaid).await.expect("order");
    assert_eq!(told.observed_status, "TRADE_CLOSED_BY_TAOBAO");
}

#[tokio::test]
async fn every_fault_is_met_with_its_reaction() {
    let stand = Stand::quiet();
    let order = stand.place(OrderDraft::default());
    let tid = order.to_string();
    let read = || async { super::VENDOR.get_order(&stand.call(), &tid).await.map(|o| o.observed_status) };
    let arm = |kind| stand.world().arm(Fault { seconds: Some(7), ..Fault::times(kind, 1).on("taobao.trade.fullinfo.get") });
    arm(FaultKind::Throttle);
    assert!(matches!(read().await, Err(ConnectError::Throttled { retry_after, .. }) if retry_after >= Duration::from_secs(7)));
    for kind in [FaultKind::ServerError, FaultKind::BadGateway, FaultKind::CutBefore, FaultKind::CutAfter] {
        arm(kind);
        assert!(matches!(read().await, Err(ConnectError::Transient(_))), "{kind:?}");
    }
    arm(FaultKind::ExpireToken);
    assert!(matches!(read().await, Err(ConnectError::Reauthorize(_))));
    for kind in [FaultKind::Truncate, FaultKind::ChangedField] {
        arm(kind);
        assert!(matches!(read().await, Err(ConnectError::Drift(_))), "{kind:?}");
    }
    arm(FaultKind::UnknownStatus);
    assert_eq!(read().await.expect("order"), "WAIT_NEW_PLATFORM_STEP");
    stand.world().arm(Fault { seconds: Some(60), ..Fault::times(FaultKind::Slow, 1) });
    assert!(matches!(read().await, Err(ConnectError::Transient(_))), "slower than anybody waits");
    assert_eq!(read().await.expect("healthy again"), "WAIT_SELLER_SEND_GOODS");
    stand.world().arm(Fault::times(FaultKind::Duplicate, 1).on("taobao.trades.sold.*"));
    let twice = stand.ask("taobao.trades.sold.get", &[("fields", "tid")]).await;
    assert_eq!(twice["trades_sold_get_response"]["trades"]["trade"].as_array().map(Vec::len), Some(2));
    assert_eq!(stand.world().faults(), []);
    assert!(stand.world().calls().iter().any(|((_, _, outcome), _)| outcome == "fault:cut_after"));
}

#[tokio::test]
async fn a_lost_answer_and_its_retry_are_one_effect() {
    let stand = Stand::quiet();
    for (kind, effects_before_retry) in [(FaultKind::CutAfter, 1), (FaultKind::CutBefore, 0)] {
        let order = stand.place(OrderDraft::default());
        let number = format!("78{:010}", order / 1_000_000 % 10_000_000_000);
        stand.world().arm(Fault::times(kind, 1).on("taobao.logistics.online.send"));
        assert!(matches!(stand.confirm(order, &number).await, Err(ConnectError::Unsure(_))), "{kind:?}");
        assert_eq!(stand.effects(order).await.iter().sum::<u64>(), effects_before_retry);
        let again = stand.confirm(order, &number).await.expect("settled");
        assert_eq!(again == Confirmed::Already, effects_before_retry == 1, "{kind:?}");
        assert_eq!(stand.effects(order).await, [1], "{kind:?}");
    }
}

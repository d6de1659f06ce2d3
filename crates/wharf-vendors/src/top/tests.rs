//! Signature vectors, the error table, and the transport, each with an answering machine instead of a network.

use super::client::Top;
use super::errors::{Effect, ErrorBody};
use super::sign::{Params, SignMethod, drop_blank, sign, string_to_sign};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::time::Duration;
use wharf_connect::http::TransportError;
use wharf_connect::{Call, ConnectError, Credentials, Http, HttpRequest, HttpResponse, Settings};
use wharf_domain::time::Timestamp;

const VECTORS: &str = include_str!("vectors/sign.json");
const ERRORS: &str = include_str!("vectors/platform_errors.json");
/// 2026-03-18 14:05:09 +08:00.
const NOW: Timestamp = Timestamp::from_seconds(1_773_813_909);

#[derive(serde::Deserialize)]
struct Vector {
    id: String,
    secret: String,
    params: Params,
    body: Option<String>,
    blank_policy: String,
    string_to_sign: String,
    expected_sign: String,
    form_encoded_text_params: Option<String>,
    sign_method: String,
}

#[test]
fn every_signature_vector_agrees() {
    let vectors: Vec<Vector> = serde_json::from_str(VECTORS).expect("vectors");
    assert_eq!(vectors.len(), 21);
    for vector in vectors {
        let method = SignMethod::parse(&vector.sign_method).expect("known method");
        let mut params = vector.params.clone();
        if vector.blank_policy == "drop_blank" {
            drop_blank(&mut params);
        }
        let ours = sign(method, &vector.secret, &params, vector.body.as_deref());
        // What an old client computes for a value that begins with `@` is recorded so that nobody repeats it.
        if vector.blank_policy == "php_top" {
            assert_ne!(ours, vector.expected_sign, "{}", vector.id);
            continue;
        }
        assert_eq!(ours, vector.expected_sign, "{} {}", vector.sign_method, vector.id);
        let text = string_to_sign(&params, vector.body.as_deref());
        let text = if method == SignMethod::Md5 { format!("{0}{text}{0}", vector.secret) } else { text };
        assert_eq!(text, vector.string_to_sign, "{} {}", vector.sign_method, vector.id);
        if let Some(form) = vector.form_encoded_text_params {
            let fields: Vec<(String, String)> = params.into_iter().collect();
            let request = HttpRequest::form("http://gateway.example/", &fields);
            assert_eq!(String::from_utf8(request.body).expect("ASCII"), form, "{}", vector.id);
        }
    }
}

/// Answers every request with the same thing and keeps the requests.
struct Machine {
    answer: Result<HttpResponse, TransportError>,
    seen: Mutex<Vec<HttpRequest>>,
}

#[async_trait::async_trait]
impl Http for Machine {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.seen.lock().expect("no panic").push(request);
        self.answer.clone()
    }
}

fn credentials() -> Credentials {
    Credentials(
        [("app_key", "33000001"), ("app_secret", "planted-app-secret"), ("session", "planted-session-key")]
            .map(|(k, v)| (k.into(), v.into()))
            .into(),
    )
}

fn http(status: u16, body: impl Into<Vec<u8>>) -> Result<HttpResponse, TransportError> {
    Ok(HttpResponse { status, headers: vec![("retry-after".into(), "7".into())], body: body.into() })
}

async fn ask(answer: Result<HttpResponse, TransportError>, effect: Effect) -> (Result<String, ConnectError>, String) {
    let machine = Machine { answer, seen: Mutex::default() };
    let (credentials, settings) = (credentials(), Settings::default());
    let call = Call { http: &machine, now: NOW, nonce: "n", credentials: &credentials, settings: &settings };
    let top = Top::new(&call).expect("account");
    let params = [("fields", "tid".to_owned()), ("status", "  ".to_owned())];
    let result = match effect {
        Effect::Read => top.read("taobao.trades.sold.get", &params).await,
        Effect::Write => top.write("taobao.trades.sold.get", &params).await,
    };
    let sent =
        machine.seen.lock().expect("no panic").first().map(|r| format!("{} {}\n{}", r.method, r.url, String::from_utf8_lossy(&r.body)));
    (result.map(|answer| answer.request_id()), sent.unwrap_or_default())
}

#[tokio::test]
async fn everything_is_in_the_body_and_blanks_are_not() {
    let (result, sent) = ask(http(200, r#"{"trades_sold_get_response":{"request_id":"r1"}}"#), Effect::Read).await;
    assert_eq!(result, Ok("r1".into()));
    insta::assert_snapshot!(sent);
    let (result, _) = ask(http(200, r#"{"trades":[],"request_id":"r2"}"#), Effect::Read).await;
    assert_eq!(result, Ok("r2".into()), "the simplified form");
}

#[tokio::test]
async fn each_failure_of_the_transport_has_its_reaction() {
    use ConnectError::{Drift, Reauthorize, Refused, Throttled, Transient, Unsure};
    let is = |name: &str, result: &Result<String, ConnectError>| {
        let found = match result {
            Ok(_) => "value",
            Err(Reauthorize(_)) => "reauthorize",
            Err(Throttled { retry_after, .. }) if *retry_after == Duration::from_secs(7) => "throttled",
            Err(Throttled { .. }) => "throttled otherwise",
            Err(Transient(_)) => "transient",
            Err(Unsure(_)) => "unsure",
            Err(Refused { .. }) => "refused",
            Err(Drift(_)) => "drift",
        };
        assert_eq!(found, name);
        if let Err(error) = result {
            let words = format!("{error} {error:?}");
            assert!(!words.contains("planted"), "{words}");
        }
    };
    for (answer, read, write) in [
        (Err(TransportError::NotSent("refused".into())), "transient", "transient"),
        (Err(TransportError::AnswerLost("reset".into())), "transient", "unsure"),
        (http(500, "oops"), "transient", "unsure"),
        (http(503, "<html>busy</html>"), "transient", "unsure"),
        (http(429, ""), "throttled", "throttled"),
        (http(404, "not here"), "refused", "refused"),
        (http(302, ""), "refused", "refused"),
        (http(401, ""), "reauthorize", "reauthorize"),
        (http(200, "<html>maintenance</html>"), "drift", "unsure"),
        (http(200, ""), "drift", "unsure"),
        (http(200, "[1]"), "drift", "unsure"),
        (http(200, [0xff, 0xfe]), "drift", "unsure"),
        (http(400, r#"{"error_response":{"code":27,"msg":"Invalid session: planted-session-key"}}"#), "reauthorize", "reauthorize"),
        (http(200, r#"{"error_response":{"code":"29","msg":"Invalid app Key"}}"#), "reauthorize", "reauthorize"),
        (http(200, r#"{"code":"15","message":"busy","sub_code":"isp.system-busy"}"#), "transient", "unsure"),
        (http(200, r#"{"error_response":"?"}"#), "drift", "drift"),
    ] {
        is(read, &ask(answer.clone(), Effect::Read).await.0);
        is(write, &ask(answer, Effect::Write).await.0);
    }
}

fn reaction(body: Value, effect: Effect) -> ConnectError {
    ErrorBody::find(&body).expect("an error").reaction(effect, NOW)
}

fn error(code: i64, sub_code: &str, sub_msg: &str) -> Value {
    json!({"error_response": {"code": code, "msg": "in general", "sub_code": sub_code, "sub_msg": sub_msg, "request_id": "r"}})
}

#[test]
fn recorded_errors_of_the_gateway_have_their_reactions() {
    let cases: Vec<Value> = serde_json::from_str(ERRORS).expect("samples");
    let table: String = cases
        .iter()
        .map(|case| {
            let body = case.get("body").cloned().unwrap_or_default();
            format!(
                "{}\n  read:  {:?}\n  write: {:?}\n",
                case["case"].as_str().unwrap_or_default(),
                reaction(body.clone(), Effect::Read),
                reaction(body, Effect::Write)
            )
        })
        .collect();
    insta::assert_snapshot!(table);
}

#[test]
fn the_ban_is_read_from_the_words_and_nothing_else_is() {
    let wait = |sub_code: &str, words: &str| match reaction(error(7, sub_code, words), Effect::Write) {
        ConnectError::Throttled { retry_after, .. } => retry_after.as_secs(),
        other => panic!("{other:?}"),
    };
    assert_eq!(wait("accesscontrol.limited-by-api-access-count", "This ban will last for 1 more seconds"), 2);
    assert_eq!(wait("accesscontrol.limited-by-app-access-count", "This ban will last for 35821 more seconds"), 35_822);
    assert_eq!(
        wait("accesscontrol.limited-by-api-access-count", "This ban will last for 99999999999999999999 more seconds"),
        2,
        "no number"
    );
    assert_eq!(wait("accesscontrol.limited-by-dynamic-access-count", "app 33000001 is limited"), 2);
    // 14:05:09 of the platform; its day ends in 9 h 54 min 51 s.
    assert_eq!(wait("accesscontrol.limited-by-app-access-count", ""), 9 * 3600 + 54 * 60 + 51 + 1);
}

#[test]
fn words_below_code_15_decide() {
    use ConnectError::{Reauthorize, Refused, Throttled, Transient, Unsure};
    let of = |sub_code: &str, effect| reaction(error(15, sub_code, "in particular"), effect);
    assert!(matches!(of("isp.remote-service-timeout", Effect::Read), Transient(_)));
    assert!(matches!(of("isp.remote-service-timeout", Effect::Write), Unsure(_)));
    assert!(matches!(of("isp.logistics-online-service-error:S01", Effect::Write), Unsure(_)));
    assert!(matches!(of("isp.null-pointer-exception", Effect::Write), Refused { .. }));
    assert!(matches!(of("isp.call-limited", Effect::Write), Throttled { .. }));
    assert!(matches!(of("isv.logistics-offline-service-error:P03", Effect::Write), Reauthorize(_)));
    assert!(matches!(of("isv.logistics-offline-service-error:B150", Effect::Write), Transient(_)));
    assert_eq!(
        of("isv.logistics-offline-service-error:B04", Effect::Write),
        Refused { code: "isv.logistics-offline-service-error:B04".into(), message: "in particular".into() }
    );
    assert!(matches!(reaction(json!({"error_response": {"code": 15, "msg": "Remote service error"}}), Effect::Write), Unsure(_)));
    assert!(matches!(reaction(error(777, "isv.something-new", "?"), Effect::Read), Refused { .. }), "an unknown word of the caller's kind");
}

#[test]
fn good_answers_are_no_errors() {
    for good in [
        json!({"trades": []}),
        json!({"code": "0", "message": "ok"}),
        json!({"code": 15}),
        json!({"x_response": {"code": 15, "msg": "inside"}}),
    ] {
        assert!(ErrorBody::find(&good).is_none(), "{good}");
    }
}

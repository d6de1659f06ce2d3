//! Every endpoint of the document, asked by nobody, by a person without rights, and by one who talks nonsense.

use crate::contract::operations;
use crate::house::House;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::json;
use wharf_domain::access::Permission;
use wharf_domain::word::Word;
use wharf_store::testing::{both_engines_with, memory};

fn method(word: &str) -> Method {
    word.parse().expect("a method")
}

/// A path of the document with something in its holes.
fn filled(path: &str, with: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (_, tail) = after.split_once('}').expect("a closed hole");
        out.push_str(before);
        out.push_str(with);
        rest = tail;
    }
    out + rest
}

#[test]
fn every_endpoint_is_guarded() {
    both_engines_with(|bed| async move {
        let house = House::on(&bed);
        let nobody = house.person("nobody", &[]).await;
        for (path, word, _) in operations() {
            let public = matches!(path.as_str(), "/healthz" | "/readyz") || (path == "/api/v1/session" && word == "POST");
            let target = filled(&path, "1");
            if !public {
                let answer = house.ask(&method(&word), &target, None, &[], Body::empty()).await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{word} {path} without a person");
                assert_eq!(answer.content_type, "application/problem+json", "{word} {path}");
                let forged = house.ask(&method(&word), &target, Some("wharf_t_forged"), &[], Body::empty()).await;
                assert_eq!(forged.status, StatusCode::UNAUTHORIZED, "{word} {path} with a forged token");
                if !SIGNED_IN.contains(&(word.as_str(), path.as_str())) {
                    let answer = house.ask(&method(&word), &target, Some(&nobody), &[], Body::empty()).await;
                    assert_eq!(
                        answer.status,
                        StatusCode::FORBIDDEN,
                        "{word} {path} without a permission: {}",
                        String::from_utf8_lossy(&answer.body)
                    );
                }
            }
        }
    });
}

/// No input, however odd, is a failure of ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_refused_and_never_breaks_the_house() {
    let bed = memory();
    let house = House::on(&bed);
    let owner = house.person("owner", Permission::ALL).await;
    let bodies: [&[u8]; 12] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\"text\"",
        b"{\"ids\": []}",
        b"{\"ids\": [\"-1\", \"9223372036854775808\", \"x\"]}",
        b"{\"ids\": [\"9223372036854775807\"]}",
        b"{\"ids\": {\"a\": 1}, \"filter\": {\"phase\": [\"nowhere\"]}}",
        b"{\"filter\": {\"q\": \"%_'\\u0000\\\"\"}}",
        b"{\"name\": \"\\u0000\", \"limit\": -1, \"quantity\": 9223372036854775807}",
        b"\xff\xfe\x00",
    ];
    for (path, word, _) in operations() {
        for hole in ["1", "x", "-9223372036854775808", "9223372036854775808", "%00", "%F0%9F%92%A9", "..%2f"] {
            let answer = house.ask(&method(&word), &filled(&path, hole), Some(&owner), &[], Body::empty()).await;
            assert!(answer.status.as_u16() < 500, "{word} {path} with {hole}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        for query in ["?limit=0", "?limit=-1", "?cursor=x", "?cursor=%00~1~2", "?q=%00%25_", "?shop=x", "?limit=1&limit=2", "?%FF=1"] {
            let answer = house.ask(&method(&word), &format!("{}{query}", filled(&path, "1")), Some(&owner), &[], Body::empty()).await;
            assert!(answer.status.as_u16() < 500, "{word} {path}{query}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        if word != "GET" {
            for body in bodies {
                let answer = house
                    .ask(&method(&word), &filled(&path, "1"), Some(&owner), &[("content-type", "application/json")], body.to_vec())
                    .await;
                assert!(
                    answer.status.as_u16() < 500,
                    "{word} {path} with {}: {} {}",
                    String::from_utf8_lossy(body),
                    answer.status,
                    String::from_utf8_lossy(&answer.body)
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_parameter_is_an_error() {
    let bed = memory();
    let house = House::on(&bed);
    let owner = house.person("owner", Permission::ALL).await;
    for path in [
        "/api/v1/orders",
        "/api/v1/orders/counts",
        "/api/v1/shipments",
        "/api/v1/stock",
        "/api/v1/skus",
        "/api/v1/listings",
        "/api/v1/imports",
        "/api/v1/operations",
        "/api/v1/parked",
        "/api/v1/jobs/dead",
        "/api/v1/exports/orders",
    ] {
        let good = house.ask(&Method::GET, path, Some(&owner), &[], Body::empty()).await;
        assert_eq!(good.status, StatusCode::OK, "{path}: {}", String::from_utf8_lossy(&good.body));
        let bad = house.ask(&Method::GET, &format!("{path}?pahse=review"), Some(&owner), &[], Body::empty()).await;
        assert_eq!(bad.status, StatusCode::BAD_REQUEST, "{path} ignores what it does not know");
        assert_eq!(bad.json()["code"], "malformed");
    }
}

#[test]
fn the_same_key_gets_the_same_answer() {
    both_engines_with(|bed| async move {
        let house = House::on(&bed);
        let owner = house.person("owner", Permission::ALL).await;
        let body = json!({ "skus": [{ "code": "MUG-1", "name": "Mug" }] }).to_string();
        let key = [("idempotency-key", "one"), ("content-type", "application/json")];
        let first = house.ask(&Method::POST, "/api/v1/skus", Some(&owner), &key, body.clone()).await;
        assert_eq!(first.status, StatusCode::OK, "{}", String::from_utf8_lossy(&first.body));
        assert!(!first.replayed);
        let again = house.ask(&Method::POST, "/api/v1/skus", Some(&owner), &key, body).await;
        assert!(again.replayed);
        assert_eq!(first.body, again.body);
        let other = house
            .ask(&Method::POST, "/api/v1/skus", Some(&owner), &key, json!({ "skus": [{ "code": "MUG-2", "name": "Mug" }] }).to_string())
            .await;
        assert_eq!(other.json()["code"], "idempotency_mismatch");
    });
}

/// Endpoints that need a person and no permission: the own session, tokens, preferences and language; pokes; what vendors there are.
const SIGNED_IN: &[(&str, &str)] = &[
    ("GET", "/api/v1/tokens"),
    ("POST", "/api/v1/tokens"),
    ("DELETE", "/api/v1/tokens/{id}"),
    ("GET", "/api/v1/preferences/{key}"),
    ("PUT", "/api/v1/preferences/{key}"),
    ("GET", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
    ("PUT", "/api/v1/session/locale"),
    ("GET", "/api/v1/events"),
    ("GET", "/api/v1/vendors"),
];

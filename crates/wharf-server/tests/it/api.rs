//! Every endpoint of the document, asked by nobody, by a person without rights, and by one who talks nonsense.

use crate::contract::operations;
use crate::house::House;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
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

/// A body that the document allows, as far as types go.
fn example(schema: &Value, parts: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
        return example(&parts[name], parts);
    }
    if let Some(all) = schema["allOf"].as_array() {
        let members = all.iter().map(|member| example(member, parts)).filter_map(|v| v.as_object().cloned());
        return Value::Object(members.flatten().collect());
    }
    if let Some(one) = schema["oneOf"].as_array() {
        return one.iter().find(|s| s["type"] != "null").map_or(Value::Null, |s| example(s, parts));
    }
    let word = schema["type"]
        .as_str()
        .or_else(|| schema["type"].as_array().and_then(|t| t.iter().find_map(Value::as_str).filter(|t| *t != "null")));
    match word {
        Some("string") => json!("1"),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([example(&schema["items"], parts)]),
        Some("object") => Value::Object(
            schema["properties"].as_object().into_iter().flatten().map(|(name, inner)| (name.clone(), example(inner, parts))).collect(),
        ),
        _ => Value::Null,
    }
}

/// Every place of a body where something may stand, as the keys that lead there.
fn places(value: &Value, at: &mut Vec<Step>, found: &mut Vec<Vec<Step>>) {
    found.push(at.clone());
    let inside: Vec<(Step, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, inner)| (Step::Name(name.clone()), inner)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(index, inner)| (Step::Index(index), inner)).collect(),
        _ => Vec::new(),
    };
    for (step, inner) in inside {
        at.push(step);
        places(inner, at, found);
        at.pop();
    }
}

#[derive(Debug, Clone)]
enum Step {
    Name(String),
    Index(usize),
}

fn at<'v>(value: &'v mut Value, place: &[Step]) -> &'v mut Value {
    place.iter().fold(value, |value, step| match step {
        Step::Name(name) => &mut value[name.as_str()],
        Step::Index(index) => &mut value[*index],
    })
}

/// A typo in a script must not change what a request means: every field of every body is known and of its type, or the
/// request is refused with the field's name and nothing happens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_body_refuses_a_field_it_does_not_know_or_of_a_wrong_type() {
    let bed = memory();
    let house = House::on(&bed);
    let owner = house.person("owner", Permission::ALL).await;
    let document = serde_json::to_value(wharf_server::http::openapi()).expect("json");
    let parts = &document["components"]["schemas"];
    let (mut bodies, mut strangers, mut wrong) = (0, 0, 0);
    for (path, word, operation) in operations() {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if !schema.is_object() {
            continue;
        }
        bodies += 1;
        let good = example(schema, parts);
        let mut all = Vec::new();
        places(&good, &mut Vec::new(), &mut all);
        for place in &all {
            let mut with_stranger = good.clone();
            // An object that lists no fields takes any.
            if let Value::Object(map) = at(&mut with_stranger, place)
                && !map.is_empty()
            {
                map.insert("zz_typo".into(), json!("1"));
                let answer = house.ask(&method(&word), &filled(&path, "1"), Some(&owner), &[], with_stranger.to_string()).await;
                let told = String::from_utf8_lossy(&answer.body).into_owned();
                assert!(matches!(answer.status.as_u16(), 400 | 422), "{word} {path} takes {with_stranger}: {} {told}", answer.status);
                assert!(told.contains("zz_typo"), "{word} {path} does not name the field: {told}");
                strangers += 1;
            }
            let mut of_wrong_type = good.clone();
            let there = at(&mut of_wrong_type, place);
            if there.is_null() {
                continue;
            }
            *there = if there.is_array() || there.is_object() { json!(7) } else { json!([[]]) };
            let answer = house.ask(&method(&word), &filled(&path, "1"), Some(&owner), &[], of_wrong_type.to_string()).await;
            let told = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(matches!(answer.status.as_u16(), 400 | 422), "{word} {path} takes {of_wrong_type}: {} {told}", answer.status);
            let problem: Value = serde_json::from_str(&told).expect("a problem");
            assert!(
                problem["fields"].as_array().is_some_and(|f| !f.is_empty()),
                "{word} {path} with {of_wrong_type} names no field: {told}"
            );
            wrong += 1;
        }
    }
    assert!(bodies > 40 && strangers > bodies && wrong > bodies, "{bodies} bodies, {strangers} strangers, {wrong} wrong types");
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

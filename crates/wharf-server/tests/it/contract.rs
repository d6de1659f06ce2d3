//! The API document: written down, whole, and what the web application's client is made from.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Every operation of the document: path, method, the operation.
pub fn operations() -> Vec<(String, String, Value)> {
    let document = serde_json::to_value(wharf_server::http::openapi()).expect("json");
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            found.push((path.clone(), method.to_uppercase(), operation.clone()));
        }
    }
    assert!(found.len() > 60, "only {} operations", found.len());
    found
}

#[test]
fn the_document_in_the_repository_is_the_programs() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/openapi.json");
    let stored: Value = serde_json::from_slice(&std::fs::read(file).expect("web/openapi.json")).expect("json");
    let written = serde_json::to_value(wharf_server::http::openapi()).expect("json");
    assert!(
        stored == written,
        "web/openapi.json is stale: write it with `wharf openapi > web/openapi.json`, then `npm run api:generate` in web"
    );
}

#[test]
fn every_operation_is_named_sorted_and_says_how_it_fails() {
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no id")).to_owned();
        assert!(ids.insert(id.clone()), "{id} is there twice");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{method} {path} has not one tag");
        let responses = operation["responses"].as_object().expect("responses");
        assert!(responses.keys().any(|code| code.starts_with('2')), "{method} {path} never succeeds");
        if path.starts_with("/api/") {
            assert!(responses.contains_key("401"), "{method} {path} does not say 401");
        }
        for (code, response) in responses.iter().filter(|(code, _)| !code.starts_with('2')) {
            let problem =
                response["content"].as_object().is_some_and(|c| c.values().any(|v| v["schema"]["$ref"] == "#/components/schemas/Problem"));
            assert!(problem, "{method} {path} answers {code} without a Problem");
        }
    }
}

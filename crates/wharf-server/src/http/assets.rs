//! The web application, embedded: hashed assets are cached for ever, the page itself never.

use super::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

/// Any path that is no endpoint: a file of the application, or its page (the application routes by itself).
pub async fn asset(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") {
        return Problem::not_found("endpoint").into_response();
    }
    if let Some(file) = Dist::get(path).filter(|_| !path.is_empty()) {
        return respond(path, &file, &headers);
    }
    // A file that is missing is missing; anything else is a place inside the application.
    if path.rsplit('/').next().is_some_and(|name| name.contains('.')) {
        return (StatusCode::NOT_FOUND, "not found").into_response();
    }
    match Dist::get("index.html") {
        Some(file) => respond("index.html", &file, &headers),
        None => (StatusCode::NOT_FOUND, "The web application is not built into this program: run `make build`.").into_response(),
    }
}

fn respond(path: &str, file: &rust_embed::EmbeddedFile, headers: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..12]));
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    if headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok()) == Some(etag.as_str()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let mut response = Response::new(Body::from(file.data.clone().into_owned()));
    let out = response.headers_mut();
    for (name, value) in [(header::CONTENT_TYPE, kind.as_ref()), (header::CACHE_CONTROL, cache), (header::ETAG, &etag)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            out.insert(name, value);
        }
    }
    response
}

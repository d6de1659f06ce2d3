//! `Idempotency-Key`: the same key with the same body gets the same answer for 24 hours, whatever happened in between.

use super::guard::Identity;
use super::problem::Problem;
use super::state::AppState;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use wharf_store::idempotency::{self, Begun};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Uploads are idempotent by their content; their bodies are not held here.
const LARGEST: usize = 4 << 20;

/// Answers a repeated POST with what was answered before.
pub async fn replay(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let key = match request.headers().get(&KEY) {
        Some(value) if *request.method() == Method::POST => value.to_str().unwrap_or_default().trim().to_owned(),
        _ => return next.run(request).await,
    };
    let Some(who) = request.extensions().get::<Identity>().cloned() else { return next.run(request).await };
    if key.is_empty() || key.len() > 200 {
        return Problem::malformed("Idempotency-Key must have 1 to 200 characters").into_response();
    }
    match remembered(state, who, key, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn remembered(state: AppState, who: Identity, key: String, request: Request, next: Next) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = http_body_util::Limited::new(body, LARGEST)
        .collect()
        .await
        .map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is too large for Idempotency-Key"))?
        .to_bytes();
    let mut digest = Sha256::new();
    digest.update(parts.uri.to_string().as_bytes());
    digest.update([0]);
    digest.update(&bytes);
    let hash = hex::encode(digest.finalize());
    let (user, key_in, hash_in) = (who.user_id, key.clone(), hash.clone());
    let known = state.app.store.write(move |tx| idempotency::begin(tx, user, &key_in, &hash_in)).await?;
    match known {
        Begun::Fresh => {}
        Begun::Mismatch => {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_mismatch",
                "this Idempotency-Key was used for another request",
            ));
        }
        Begun::UnderWay => return Err(Problem::conflict("the first request with this Idempotency-Key is still under way", None)),
        Begun::Answered { http_status, response } => return Ok(again(http_status, response)),
    }
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    let status = response.status();
    let (head, body) = response.into_parts();
    let bytes: Bytes =
        body.collect().await.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the answer broke off"))?.to_bytes();
    let kept = bytes.to_vec();
    let user = who.user_id;
    // A failure of ours is not an answer to remember: the caller may try again with the same key.
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        state.app.store.write(move |tx| idempotency::abandon(tx, user, &key)).await?;
    } else {
        state.app.store.write(move |tx| idempotency::complete(tx, user, &key, i64::from(status.as_u16()), &kept)).await?;
    }
    Ok(Response::from_parts(head, Body::from(bytes)))
}

fn again(http_status: i64, response: Vec<u8>) -> Response {
    let status = u16::try_from(http_status).ok().and_then(|s| StatusCode::from_u16(s).ok()).unwrap_or(StatusCode::OK);
    let kind = if status.is_client_error() { "application/problem+json" } else { "application/json" };
    let mut answer = (status, response).into_response();
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    answer
}

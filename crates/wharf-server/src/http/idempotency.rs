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
use std::pin::pin;
use std::time::Duration;
use wharf_domain::id::UserId;
use wharf_store::idempotency::{self, Begun};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Uploads are idempotent by their content; their bodies are not held here.
const LARGEST: usize = 4 << 20;

/// How often a call that is being done says so.
const RENEWED: Duration = Duration::from_secs(5);
/// How long a repeated call waits for the first one: longer than a dead one holds its key.
const PATIENCE: Duration = Duration::from_secs(35);
/// How often it looks.
const LOOKS: Duration = Duration::from_millis(250);

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
    let user = who.user_id;
    match begin(&state, user, &key, &hash).await? {
        Begun::Fresh => {}
        Begun::Mismatch => {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_mismatch",
                "this Idempotency-Key was used for another request",
            ));
        }
        Begun::UnderWay => {
            return Err(Problem {
                retry_after: Some(2),
                ..Problem::conflict("the first request with this Idempotency-Key is still under way: ask again for its answer", None)
            });
        }
        Begun::Answered { http_status, response } => return Ok(again(http_status, response)),
    }
    // A task of its own: a caller who hangs up neither stops the work half way nor loses the answer to it.
    tokio::spawn(answered(state, user, key, Request::from_parts(parts, Body::from(bytes)), next)).await.map_err(|error| {
        tracing::error!(%error, "a request failed");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something failed here; it is in the log")
    })?
}

/// Takes the key. Where the same request is under way, its answer is waited for: whoever repeats a request after a cut line
/// or a restart wants to know what became of it.
async fn begin(state: &AppState, user: UserId, key: &str, hash: &str) -> Result<Begun, Problem> {
    let mut waited = Duration::ZERO;
    loop {
        let (key_in, hash_in) = (key.to_owned(), hash.to_owned());
        match state.app.store.write(move |tx| idempotency::begin(tx, user, &key_in, &hash_in)).await? {
            Begun::UnderWay if waited < PATIENCE => {
                tokio::time::sleep(LOOKS).await;
                waited += LOOKS;
            }
            begun => return Ok(begun),
        }
    }
}

/// Does the work and keeps the answer.
async fn answered(state: AppState, user: UserId, key: String, request: Request, next: Next) -> Result<Response, Problem> {
    let mut work = pin!(next.run(request));
    let response = loop {
        tokio::select! {
            response = &mut work => break response,
            () = tokio::time::sleep(RENEWED) => {
                let renewed = key.clone();
                if let Err(error) = state.app.store.write(move |tx| idempotency::renew(tx, user, &renewed)).await {
                    tracing::warn!(%error, "a request under way could not be marked as such");
                }
            }
        }
    };
    let status = response.status();
    let (head, body) = response.into_parts();
    let bytes: Bytes =
        body.collect().await.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the answer broke off"))?.to_bytes();
    let kept = bytes.to_vec();
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

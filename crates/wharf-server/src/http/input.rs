//! Input at the edge: strict queries and bodies (an unknown parameter is an error, never ignored), ids in paths.

use super::problem::Problem;
use super::schema::Shape;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

/// Query parameters, repeatable; the type says `deny_unknown_fields`.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        serde_html_form::from_str(parts.uri.query().unwrap_or_default()).map(Query).map_err(|e| Problem::malformed(format!("query: {e}")))
    }
}

/// A JSON body. What its documented schema does not know is refused by name, at every depth.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + ToSchema + 'static, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes =
            axum::body::Bytes::from_request(request, state).await.map_err(|e| Problem::new(e.status(), "malformed", e.body_text()))?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        // Neither engine stores NUL in a text.
        if bytes.windows(6).any(|w| w == b"\\u0000") {
            return Err(Problem::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "invalid", "body: a text holds a NUL character"));
        }
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|e| Problem::malformed(format!("body: {e}")))?;
        let shape = Shape::of::<T>();
        if let Some(field) = shape.stranger(&value) {
            return Err(Problem::invalid(&field, "is not a field of this request"));
        }
        let named = |(field, why): (String, String)| Problem::invalid(if field.is_empty() { "body" } else { &field }, why);
        // What is open in the type is not open in the document.
        if let Some(wrong) = shape.mismatch(&value, false) {
            return Err(named(wrong));
        }
        serde_json::from_slice(bytes).map(Body).map_err(|e| match shape.mismatch(&value, true) {
            Some(wrong) => named(wrong),
            None => Problem::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "invalid", format!("body: {e}")),
        })
    }
}

/// The value of a path segment that must be an id.
pub struct Id<T>(pub T);

impl<T: std::str::FromStr + Send, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let axum::extract::Path(text) =
            axum::extract::Path::<String>::from_request_parts(parts, state).await.map_err(|e| Problem::malformed(e.body_text()))?;
        text.parse().map(Id).map_err(|_| Problem::malformed(format!("{text:?} is no id")))
    }
}

/// The version that `If-Match` names, where the caller sent one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if_match(&parts.headers).map(IfMatch)
    }
}

/// The version that `If-Match` names.
pub fn if_match(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    match headers.get(header::IF_MATCH) {
        None => Ok(None),
        Some(value) => {
            let text = value.to_str().unwrap_or_default().trim().trim_matches('"');
            text.parse().map(Some).map_err(|_| Problem::malformed(format!("If-Match: {text:?} is no version")))
        }
    }
}

/// Parses an id inside a body or query, naming the field that holds it.
pub fn id<T: std::str::FromStr>(field: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::invalid(field, format!("{text:?} is no id")))
}

/// Parses a list of ids.
pub fn ids<T: std::str::FromStr>(field: &str, texts: &[String]) -> Result<Vec<T>, Problem> {
    texts.iter().map(|t| id(field, t)).collect()
}

/// An RFC 3339 instant, as the API writes and reads times.
pub fn time(field: &str, text: &str) -> Result<wharf_domain::time::Timestamp, Problem> {
    text.parse::<jiff::Timestamp>()
        .map(|t| wharf_domain::time::Timestamp(t.as_microsecond()))
        .map_err(|e| Problem::invalid(field, format!("{text:?} is no RFC 3339 time: {e}")))
}

/// How the API writes an instant: RFC 3339, UTC.
pub fn rfc3339(at: wharf_domain::time::Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.micros()).map(|t| t.to_string()).unwrap_or_default()
}

/// Page size: 1 to 200, 50 by default.
pub fn limit(asked: Option<u32>) -> Result<usize, Problem> {
    match asked {
        None => Ok(50),
        Some(n @ 1..=200) => Ok(n as usize),
        Some(n) => Err(Problem::invalid("limit", format!("{n} is not within 1 to 200"))),
    }
}

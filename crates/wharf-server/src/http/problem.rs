//! Errors at the edge: problem+json (RFC 9457) with a stable `code`. Every refusal of the API passes through here.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use wharf_flows::app::FlowError;
use wharf_store::StoreError;

/// One bad input field.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldError {
    /// Name of the field, with dots for nesting.
    pub field: String,
    /// What is wrong, in English; the screens translate by `code`.
    pub detail: String,
}

/// An error as the API tells it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Stable word that programs and translations rely on.
    pub code: String,
    /// What happened and what to do, in English.
    pub detail: String,
    /// Bad input fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(nullable = false)]
    pub fields: Vec<FieldError>,
    /// The object's current version, on a conflict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// Seconds to wait, on 429 and 503.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// Any problem.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Problem {
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            fields: Vec::new(),
            version: None,
            retry_after: None,
        }
    }
    /// 400: the request cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }
    /// 401: nobody is signed in.
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "sign in or send a bearer token")
    }
    /// 403: signed in, not allowed.
    pub fn forbidden(permission: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", format!("this needs the permission `{permission}`"))
    }
    /// 404: no such thing, or none that this person may see.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("no such {what}"))
    }
    /// 409 with the current version.
    pub fn conflict(detail: impl Into<String>, version: Option<i64>) -> Self {
        Problem { version, ..Self::new(StatusCode::CONFLICT, "conflict", detail) }
    }
    /// 422: readable, but a field is wrong.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let fields = vec![FieldError { field: field.to_owned(), detail: detail.clone() }];
        Problem { fields, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", format!("{field}: {detail}")) }
    }
    /// 422: a business rule says no; `code` is its word.
    pub fn refused(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }
    /// 503 with the time to wait.
    pub fn unavailable(detail: impl Into<String>, seconds: u64) -> Self {
        Problem { retry_after: Some(seconds), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { constraint } => Problem::conflict(format!("`{constraint}` already holds another row like this"), None),
            StoreError::Busy => Problem::unavailable("the database is busy, try again", 1),
            StoreError::Unavailable => Problem::unavailable("the database cannot be reached, try again", 2),
            StoreError::Full => Problem::unavailable("the disk is full: nothing was changed; free space and try again", 30),
            other => {
                tracing::error!(error = %other, "store failed");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something failed here; it is in the log")
            }
        }
    }
}

impl From<FlowError> for Problem {
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::Store(inner) => inner.into(),
            FlowError::NotFound(what) => Problem::not_found(&what),
            FlowError::Refused { reason } => Problem::refused(&reason, format!("refused: {reason}")),
            FlowError::Invalid { field, why } => Problem::invalid(&field, why),
            FlowError::Connect(inner) => match inner {
                wharf_connect::ConnectError::Throttled { retry_after, message } => Problem {
                    retry_after: Some(retry_after.as_secs().max(1)),
                    ..Problem::new(StatusCode::TOO_MANY_REQUESTS, "throttled", message)
                },
                wharf_connect::ConnectError::Refused { code, message } => Problem::refused("vendor_refused", format!("{code}: {message}")),
                wharf_connect::ConnectError::Reauthorize(message) => Problem::refused("reauthorize", message),
                other => Problem::new(StatusCode::BAD_GATEWAY, "vendor_failed", other.to_string()),
            },
        }
    }
}

//! The one HTTP way out. Connectors build [`HttpRequest`]s; a real client, a recorded cassette or a sandbox in the
//! same process answers them. A transport failure says whether the request may have taken effect.

use std::time::Duration;

/// One request. Header names are lower case.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// Absolute URL, query included.
    pub url: String,
    /// Headers, lower-case names.
    pub headers: Vec<(String, String)>,
    /// Body bytes.
    pub body: Vec<u8>,
    /// How long to wait for the whole answer.
    pub timeout: Duration,
}

impl HttpRequest {
    /// A form POST in UTF-8 with everything in the body, so that tokens do not reach access logs.
    pub fn form(url: &str, fields: &[(String, String)]) -> Self {
        let mut body = String::new();
        for (index, (key, value)) in fields.iter().enumerate() {
            if index > 0 {
                body.push('&');
            }
            encode_form(key, &mut body);
            body.push('=');
            encode_form(value, &mut body);
        }
        HttpRequest {
            method: "POST",
            url: url.to_owned(),
            headers: vec![("content-type".into(), "application/x-www-form-urlencoded;charset=utf-8".into())],
            body: body.into_bytes(),
            timeout: Duration::from_secs(30),
        }
    }
}

/// `application/x-www-form-urlencoded`: `*-._` and alphanumerics stay, a blank is `+`, the rest is `%XX` of UTF-8.
pub fn encode_form(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(byte as char),
            b' ' => out.push('+'),
            other => {
                out.push('%');
                for nibble in [other >> 4, other & 15] {
                    out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase());
                }
            }
        }
    }
}

/// One answer, whatever its status.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers, lower-case names.
    pub headers: Vec<(String, String)>,
    /// Body bytes, decompressed.
    pub body: Vec<u8>,
}

/// No answer. The difference decides whether a write may be repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request never reached the server (name, connect, TLS): repeating is safe.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request was sent and the answer was lost (timeout, reset): the effect may have happened.
    #[error("answer lost: {0}")]
    AnswerLost(String),
}

/// Whoever can answer a request.
#[async_trait::async_trait]
pub trait Http: Send + Sync {
    /// Sends it and waits for the whole answer.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError>;
}

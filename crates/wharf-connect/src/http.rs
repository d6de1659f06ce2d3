//! The one HTTP way out. Connectors build [`HttpRequest`]s; the real client here, a recorded cassette or a sandbox in the
//! same process answers them. A transport failure says whether the request may have taken effect. What is logged and
//! counted names method, host, path and status: never a query, a header or a body, for there the secrets are.

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

/// How the real client behaves.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// How long name, connect and TLS may take together. Kept below every request's own timeout, so that a slow connect
    /// is known to be a connect.
    pub connect_timeout: Duration,
    /// Largest answer after decompression; a larger one is cut off and counts as lost.
    pub body_limit: usize,
    /// A forward proxy (`http://proxy.example:3128`). The environment is not read: what goes out is what is configured.
    pub proxy: Option<String>,
    /// What the servers see.
    pub user_agent: String,
}

impl Default for HttpOptions {
    fn default() -> Self {
        HttpOptions {
            connect_timeout: Duration::from_secs(10),
            body_limit: 32 * 1024 * 1024,
            proxy: None,
            user_agent: concat!("wharf/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// The real client: pooled connections, TLS against the roots of the web, gzip, no redirects. Cheap to clone.
#[derive(Clone)]
pub struct RealHttp {
    client: reqwest::Client,
    connect_timeout: Duration,
    body_limit: usize,
}

impl RealHttp {
    /// A client with these options; an unusable proxy address is an error.
    #[expect(clippy::disallowed_methods, reason = "this is the one HTTP way out that the others are sent to")]
    pub fn new(options: &HttpOptions) -> Result<Self, TransportError> {
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(options.connect_timeout)
            .user_agent(options.user_agent.clone())
            .pool_idle_timeout(Duration::from_secs(50))
            .pool_max_idle_per_host(16);
        if let Some(address) = &options.proxy {
            let proxy = reqwest::Proxy::all(address)
                .map_err(|error| TransportError::NotSent(format!("the proxy address is not usable: {}", kind_of(&error))))?
                .no_proxy(reqwest::NoProxy::from_string("localhost,127.0.0.0/8,::1"));
            builder = builder.proxy(proxy);
        }
        let client =
            builder.build().map_err(|error| TransportError::NotSent(format!("the HTTP client could not start: {}", kind_of(&error))))?;
        Ok(RealHttp { client, connect_timeout: options.connect_timeout, body_limit: options.body_limit })
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|_| TransportError::NotSent("the method is not one of HTTP".into()))?;
        let mut outgoing =
            self.client.request(method, &request.url).timeout(request.timeout.max(self.connect_timeout + Duration::from_secs(1)));
        for (name, value) in &request.headers {
            outgoing = outgoing.header(name, value);
        }
        let mut answer = outgoing.body(request.body).send().await.map_err(|error| classify(&error))?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .filter_map(|(name, value)| value.to_str().ok().map(|value| (name.as_str().to_owned(), value.to_owned())))
            .collect();
        let mut body = Vec::new();
        // Chunk by chunk, so that a small compressed answer cannot grow past the limit in memory.
        while let Some(chunk) =
            answer.chunk().await.map_err(|error| TransportError::AnswerLost(format!("while reading the answer: {}", kind_of(&error))))?
        {
            if body.len() + chunk.len() > self.body_limit {
                return Err(TransportError::AnswerLost(format!("the answer is larger than {} bytes", self.body_limit)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse { status, headers, body })
    }
}

#[async_trait::async_trait]
impl Http for RealHttp {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let method = request.method;
        let (host, path) = host_and_path(&request.url);
        let started = tokio::time::Instant::now();
        let result = self.exchange(request).await;
        let elapsed = started.elapsed();
        let outcome = match &result {
            Ok(response) => response.status.to_string(),
            Err(TransportError::NotSent(_)) => "not_sent".to_owned(),
            Err(TransportError::AnswerLost(_)) => "answer_lost".to_owned(),
        };
        metrics::histogram!("wharf_outbound_seconds", "host" => host.clone(), "outcome" => outcome.clone()).record(elapsed.as_secs_f64());
        match &result {
            Ok(response) => tracing::debug!(
                method,
                host,
                path,
                outcome,
                bytes = response.body.len(),
                millis = elapsed.as_millis() as u64,
                "outbound call"
            ),
            Err(error) => tracing::warn!(method, host, path, outcome, %error, millis = elapsed.as_millis() as u64, "outbound call failed"),
        }
        result
    }
}

/// Host with port, and path, of a URL: what may be logged. User info, query and fragment are left out.
pub fn host_and_path(url: &str) -> (String, String) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
    let host = authority.rsplit('@').next().unwrap_or_default();
    (host.to_owned(), path.to_owned())
}

/// Whether a failed exchange may have had an effect. Only what provably happened before the request was written counts
/// as not sent; all the rest is lost.
fn classify(error: &reqwest::Error) -> TransportError {
    if error.is_builder() || error.is_connect() {
        TransportError::NotSent(kind_of(error))
    } else {
        TransportError::AnswerLost(kind_of(error))
    }
}

/// The innermost cause in words. The outer messages of the client quote the URL, and URLs may carry secrets.
fn kind_of(error: &reqwest::Error) -> String {
    let mut source: Option<&dyn std::error::Error> = std::error::Error::source(error);
    let mut innermost = None;
    while let Some(cause) = source {
        innermost = Some(cause.to_string());
        source = cause.source();
    }
    match innermost {
        Some(cause) => cause,
        None if error.is_timeout() => "timed out".to_owned(),
        None if error.is_builder() => "the request could not be built".to_owned(),
        None => "the connection failed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    fn get(url: String, timeout: Duration) -> HttpRequest {
        HttpRequest { method: "GET", url, headers: Vec::new(), body: Vec::new(), timeout }
    }

    fn client(options: HttpOptions) -> RealHttp {
        RealHttp::new(&options).expect("client")
    }

    /// Serves one connection: reads the request's head, writes `answer`, closes.
    async fn one_answer(answer: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.expect("accept");
            let mut seen = Vec::new();
            let mut buffer = [0u8; 1024];
            while !seen.windows(4).any(|w| w == b"\r\n\r\n") {
                let n = socket.read(&mut buffer).await.unwrap_or(0);
                if n == 0 {
                    return;
                }
                seen.extend_from_slice(&buffer[..n]);
            }
            let _ = socket.write_all(&answer).await;
            let _ = socket.shutdown().await;
        });
        format!("http://{address}/router/rest?session=SECRET")
    }

    #[tokio::test]
    async fn nothing_listening_is_not_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        drop(listener);
        let http = client(HttpOptions::default());
        let lost = http.send(get(format!("http://{address}/x"), Duration::from_secs(5))).await;
        assert!(matches!(lost, Err(TransportError::NotSent(_))), "{:?}", lost.err());
        let unknown = http.send(get("http://nowhere.invalid/x".into(), Duration::from_secs(5))).await;
        assert!(matches!(unknown, Err(TransportError::NotSent(_))), "{:?}", unknown.err());
        let odd = http.send(get("ftp:no url at all".into(), Duration::from_secs(5))).await;
        assert!(matches!(odd, Err(TransportError::NotSent(_))), "{:?}", odd.err());
    }

    #[tokio::test]
    async fn a_failed_tls_handshake_is_not_sent() {
        let url = one_answer(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await.replace("http://", "https://");
        let answer = client(HttpOptions::default()).send(get(url, Duration::from_secs(5))).await;
        assert!(matches!(answer, Err(TransportError::NotSent(_))), "{:?}", answer.err());
    }

    #[tokio::test]
    async fn a_connection_cut_after_the_request_is_lost_and_the_words_hold_no_secret() {
        for answer in [
            &b""[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort",
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
        ] {
            let url = one_answer(answer.to_vec()).await;
            match client(HttpOptions::default()).send(get(url, Duration::from_secs(5))).await {
                Err(TransportError::AnswerLost(words)) => assert!(!words.contains("SECRET"), "{words}"),
                other => panic!("{:?}", other.err()),
            }
        }
    }

    #[tokio::test]
    async fn silence_is_lost() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        let http = client(HttpOptions { connect_timeout: Duration::from_millis(100), ..HttpOptions::default() });
        let answer = http.send(get(format!("http://{address}/x"), Duration::from_millis(200))).await;
        assert!(matches!(answer, Err(TransportError::AnswerLost(_))), "{:?}", answer.err());
        drop(listener);
    }

    #[tokio::test]
    async fn redirects_are_answers_and_large_answers_are_cut() {
        let url = one_answer(b"HTTP/1.1 302 Found\r\nlocation: http://elsewhere.invalid/\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
        let answer = client(HttpOptions::default()).send(get(url, Duration::from_secs(5))).await;
        assert_eq!(answer.map(|a| a.status), Ok(302));

        let mut big = b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n".to_vec();
        big.extend(std::iter::repeat_n(b'x', 5000));
        let url = one_answer(big).await;
        let answer = client(HttpOptions { body_limit: 4096, ..HttpOptions::default() }).send(get(url, Duration::from_secs(5))).await;
        assert!(matches!(answer, Err(TransportError::AnswerLost(_))));
    }

    #[test]
    fn what_is_logged_of_a_url_holds_no_secret() {
        assert_eq!(
            host_and_path("https://user:pw@eco.example:8443/router/rest?session=S#f"),
            ("eco.example:8443".into(), "/router/rest".into())
        );
        assert_eq!(host_and_path("http://eco.example"), ("eco.example".into(), "/".into()));
    }
}

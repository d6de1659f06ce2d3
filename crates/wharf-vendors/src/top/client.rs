//! One TOP request: the form with everything in the body, signed, sent, and its answer unwrapped in either form. The
//! words of errors pass through here, so that no secret that a server echoes goes any further.

use super::errors::{Effect, ErrorBody};
use super::sign::{Params, SignMethod, drop_blank, sign};
use super::time;
use super::wire::{FromWire, Unread, field};
use serde_json::{Map, Value};
use std::time::Duration;
use wharf_connect::{Call, ConnectError, HttpRequest, TransportError};

/// The public gateway.
pub(crate) const GATEWAY: &str = "https://eco.taobao.com/router/rest";
/// Its host, for the list of outbound connections.
pub(crate) const HOSTS: &[&str] = &["eco.taobao.com"];

/// An account's way to the gateway, for one operation.
pub(crate) struct Top<'a> {
    call: Call<'a>,
    app_key: &'a str,
    app_secret: &'a str,
    session: &'a str,
    gateway: String,
    sign_method: SignMethod,
    simplify: bool,
}

/// A good answer: the object below the root, whichever form it came in.
pub(crate) struct Answer {
    body: Map<String, Value>,
    effect: Effect,
}

impl<'a> Top<'a> {
    /// Reads credentials and settings. A missing credential asks for authorisation, an unusable setting is refused.
    pub(crate) fn new(call: &Call<'a>) -> Result<Self, ConnectError> {
        let word = call.settings.get_or("sign_method", SignMethod::HmacSha256.word());
        let sign_method = SignMethod::parse(word).ok_or_else(|| ConnectError::Refused {
            code: "sign_method".into(),
            message: format!("`{word}` is no signing method of the platform: use md5, hmac or hmac-sha256"),
        })?;
        Ok(Top {
            call: *call,
            app_key: call.credentials.need("app_key")?,
            app_secret: call.credentials.need("app_secret")?,
            session: call.credentials.need("session")?,
            gateway: gateway(call.settings.get_or("base_url", GATEWAY)),
            sign_method,
            simplify: !matches!(call.settings.get_or("simplify", "true").to_ascii_lowercase().as_str(), "false" | "0" | "no" | "off"),
        })
    }

    /// The operation's handed-in context.
    pub(crate) fn call(&self) -> &Call<'a> {
        &self.call
    }

    /// Where requests go.
    pub(crate) fn gateway(&self) -> &str {
        &self.gateway
    }

    /// An operation that changes nothing.
    pub(crate) async fn read(&self, method: &str, params: &[(&str, String)]) -> Result<Answer, ConnectError> {
        self.request(method, params, Effect::Read).await
    }

    /// An operation that changes something there.
    pub(crate) async fn write(&self, method: &str, params: &[(&str, String)]) -> Result<Answer, ConnectError> {
        self.request(method, params, Effect::Write).await
    }

    async fn request(&self, method: &str, params: &[(&str, String)], effect: Effect) -> Result<Answer, ConnectError> {
        let form: Vec<(String, String)> = self.form(method, params).into_iter().collect();
        let mut request = HttpRequest::form(&self.gateway, &form);
        request.headers.push(("accept".into(), "application/json".into()));
        request.timeout = Duration::from_secs(30);
        let result = match self.call.http.send(request).await {
            Err(TransportError::NotSent(why)) => Err(ConnectError::Transient(format!("the platform cannot be reached: {why}"))),
            Err(TransportError::AnswerLost(why)) => Err(effect.unknown(format!("{method}: the answer is lost: {why}"))),
            Ok(response) => self.answer(method, &response, effect),
        };
        result.map_err(|error| self.without_secrets(error))
    }

    /// All parameters, system and business, signed.
    pub(crate) fn form(&self, method: &str, params: &[(&str, String)]) -> Params {
        let mut form: Params = params.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        for (key, value) in [
            ("method", method),
            ("app_key", self.app_key),
            ("session", self.session),
            ("timestamp", &time::format(self.call.now)),
            ("v", "2.0"),
            ("format", "json"),
            ("sign_method", self.sign_method.word()),
            ("simplify", if self.simplify { "true" } else { "" }),
        ] {
            form.insert(key.to_owned(), value.to_owned());
        }
        drop_blank(&mut form);
        let signature = sign(self.sign_method, self.app_secret, &form, None);
        form.insert("sign".into(), signature);
        form
    }

    fn answer(&self, method: &str, response: &wharf_connect::HttpResponse, effect: Effect) -> Result<Answer, ConnectError> {
        let json: Option<Value> = serde_json::from_slice(&response.body).ok();
        // The gateway answers 200 to everything; a relay may put its own status on the same body. The body knows better.
        if let Some(error) = json.as_ref().and_then(ErrorBody::find) {
            return Err(error.reaction(effect, self.call.now));
        }
        match response.status {
            200..=299 => {}
            429 => return Err(ConnectError::Throttled { retry_after: retry_after(response), message: format!("{method}: HTTP 429") }),
            401 | 407 => {
                return Err(ConnectError::Reauthorize(format!(
                    "{method}: HTTP {}: the gateway or a relay before it asks who we are",
                    response.status
                )));
            }
            408 | 500..=599 => return Err(effect.unknown(format!("{method}: HTTP {}", response.status))),
            status => {
                return Err(ConnectError::Refused {
                    code: format!("http_{status}"),
                    message: format!("HTTP {status}: no gateway of the platform answers at this address; check the setting `base_url`"),
                });
            }
        }
        match json {
            Some(Value::Object(object)) => Ok(Answer { body: unwrap_root(method, object), effect }),
            Some(_) => Err(effect.unreadable(format!("{method}: the answer is no object"))),
            None => Err(effect.unreadable(format!("{method}: the answer is no JSON ({} bytes)", response.body.len()))),
        }
    }

    /// Servers echo what they were sent; what is secret goes no further than here.
    fn without_secrets(&self, error: ConnectError) -> ConnectError {
        let clean = |text: String| {
            [self.app_secret, self.session, self.app_key]
                .iter()
                .filter(|s| s.len() >= 4)
                .fold(text, |text, secret| text.replace(secret, "***"))
        };
        match error {
            ConnectError::Reauthorize(text) => ConnectError::Reauthorize(clean(text)),
            ConnectError::Throttled { retry_after, message } => ConnectError::Throttled { retry_after, message: clean(message) },
            ConnectError::Transient(text) => ConnectError::Transient(clean(text)),
            ConnectError::Unsure(text) => ConnectError::Unsure(clean(text)),
            ConnectError::Refused { code, message } => ConnectError::Refused { code: clean(code), message: clean(message) },
            ConnectError::Drift(text) => ConnectError::Drift(clean(text)),
        }
    }
}

impl Answer {
    /// A field below the root.
    pub(crate) fn get<T: FromWire>(&self, name: &str) -> Result<T, ConnectError> {
        field(&self.body, name).map_err(|unread| self.unreadable(&unread))
    }

    /// The whole answer as a type of the wire.
    pub(crate) fn whole<T: FromWire>(&self) -> Result<T, ConnectError> {
        T::read(&Value::Object(self.body.clone())).map_err(|unread| self.unreadable(&unread))
    }

    /// The platform's id of this request: its receipt.
    pub(crate) fn request_id(&self) -> String {
        field::<Option<String>>(&self.body, "request_id").ok().flatten().unwrap_or_default()
    }

    /// The reaction to a part that cannot be read.
    pub(crate) fn unreadable(&self, unread: &Unread) -> ConnectError {
        self.effect.unreadable(format!("in the answer, {unread}"))
    }
}

/// The gateway of a `base_url`: an address without a path is a server root and gets the gateway's usual path.
fn gateway(base_url: &str) -> String {
    let trimmed = base_url.trim();
    let after_scheme = trimmed.split_once("://").map_or(trimmed, |(_, rest)| rest);
    match after_scheme.split_once('/') {
        None | Some((_, "")) => format!("{}/router/rest", trimmed.trim_end_matches('/')),
        Some(_) => trimmed.to_owned(),
    }
}

/// The default form has one root key named after the method; the simplified form has none.
fn unwrap_root(method: &str, mut object: Map<String, Value>) -> Map<String, Value> {
    let expected = format!("{}_response", method.strip_prefix("taobao.").unwrap_or(method).replace('.', "_"));
    let key = if object.contains_key(&expected) { Some(expected) } else { object.keys().find(|key| key.ends_with("_response")).cloned() };
    match key.and_then(|key| object.remove(&key)) {
        Some(Value::Object(inner)) => inner,
        // An empty answer of some nodes: `"…_response": ""`.
        Some(_) => Map::new(),
        None => object,
    }
}

fn retry_after(response: &wharf_connect::HttpResponse) -> Duration {
    let named = response.headers.iter().find(|(name, _)| name == "retry-after").and_then(|(_, value)| value.trim().parse().ok());
    Duration::from_secs(named.unwrap_or(5).min(86_400))
}

//! Recorded answers: a request and what came back, with secrets and personal data removed, replayed in tests. A recording
//! of a live account becomes a file of facts that anyone may read.

use crate::http::{Http, HttpRequest, HttpResponse, TransportError, host_and_path};
use crate::sandbox::form_fields;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What stands where something was removed.
pub const REMOVED: &str = "***";

/// What makes a request the same: its method, path, and the fields of query and form that do not change with every call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// HTTP method.
    pub method: String,
    /// Path without host.
    pub path: String,
    /// Fields of the query and of a form body.
    pub fields: BTreeMap<String, String>,
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The request.
    pub asked: Asked,
    /// HTTP status of the answer.
    pub status: u16,
    /// Body of the answer.
    pub body: String,
}

/// A recording.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cassette {
    /// In the order of recording.
    pub exchanges: Vec<Exchange>,
}

/// What a recording leaves out.
#[derive(Debug, Clone, Default)]
pub struct Removal {
    /// Values that appear nowhere: secrets, tokens.
    pub secrets: Vec<String>,
    /// Fields that change with every call (`sign`, `timestamp`): not recorded, not compared.
    pub volatile: Vec<String>,
    /// Keys of the answers whose texts are personal: replaced, keys and shape stay.
    pub personal: Vec<String>,
}

impl Removal {
    fn asked(&self, request: &HttpRequest) -> Asked {
        let query = request.url.split_once('?').map(|(_, query)| query).unwrap_or_default();
        let body = String::from_utf8_lossy(&request.body);
        let fields = form_fields(query).into_iter().chain(form_fields(&body));
        Asked {
            method: request.method.to_owned(),
            path: host_and_path(&request.url).1,
            fields: fields.filter(|(key, _)| !self.volatile.contains(key)).map(|(key, value)| (key, self.clean(value))).collect(),
        }
    }

    fn clean(&self, text: String) -> String {
        self.secrets.iter().filter(|secret| !secret.is_empty()).fold(text, |text, secret| text.replace(secret.as_str(), REMOVED))
    }

    fn body(&self, body: &[u8]) -> String {
        match serde_json::from_slice::<serde_json::Value>(body) {
            Ok(mut json) => {
                self.mask(&mut json);
                self.clean(json.to_string())
            }
            Err(_) => self.clean(String::from_utf8_lossy(body).into_owned()),
        }
    }

    fn mask(&self, json: &mut serde_json::Value) {
        match json {
            serde_json::Value::Object(object) => {
                for (key, value) in object.iter_mut() {
                    if self.personal.contains(key) && value.is_string() {
                        *value = serde_json::Value::String(REMOVED.into());
                    } else {
                        self.mask(value);
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| self.mask(item)),
            _ => {}
        }
    }
}

/// Passes requests on and records them, cleaned.
pub struct Recorder<'a> {
    inner: &'a dyn Http,
    removal: Removal,
    tape: Mutex<Cassette>,
}

impl<'a> Recorder<'a> {
    /// Records what goes through `inner`.
    pub fn new(inner: &'a dyn Http, removal: Removal) -> Self {
        Recorder { inner, removal, tape: Mutex::default() }
    }

    /// What was recorded.
    pub fn into_cassette(self) -> Cassette {
        self.tape.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl Http for Recorder<'_> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let asked = self.removal.asked(&request);
        let response = self.inner.send(request).await?;
        let exchange = Exchange { asked, status: response.status, body: self.removal.body(&response.body) };
        self.tape.lock().unwrap_or_else(PoisonError::into_inner).exchanges.push(exchange);
        Ok(response)
    }
}

/// Answers from a recording; each exchange once, in the order of recording among equal requests.
pub struct Player {
    left: Mutex<Vec<Exchange>>,
    removal: Removal,
}

impl Player {
    /// Plays `cassette`; `removal` must be the one it was recorded with.
    pub fn new(cassette: Cassette, removal: Removal) -> Self {
        Player { left: Mutex::new(cassette.exchanges), removal }
    }

    /// How many exchanges nobody has asked for.
    pub fn left(&self) -> usize {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[async_trait::async_trait]
impl Http for Player {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let asked = self.removal.asked(&request);
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        match left.iter().position(|exchange| exchange.asked == asked) {
            Some(index) => {
                let exchange = left.remove(index);
                Ok(HttpResponse { status: exchange.status, headers: Vec::new(), body: exchange.body.into_bytes() })
            }
            None => Err(TransportError::NotSent(format!("the cassette has no answer for {asked:?}"))),
        }
    }
}

/// Answers by a function: the smallest stand-in for a server.
pub struct Answering<F>(pub F);

#[async_trait::async_trait]
impl<F> Http for Answering<F>
where
    F: Fn(&HttpRequest) -> Result<HttpResponse, TransportError> + Send + Sync,
{
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        (self.0)(&request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(session: &str, sign: &str) -> HttpRequest {
        HttpRequest::form(
            "https://gateway.example/rest?v=2",
            &[("session", session), ("sign", sign), ("tid", "1")].map(|(k, v)| (k.to_owned(), v.to_owned())),
        )
    }

    #[tokio::test]
    async fn a_recording_holds_no_secret_and_no_person_and_plays_back() {
        let live = Answering(|_: &HttpRequest| {
            let body = r#"{"name":"张三","note":"sees PLANTED","tid":4301187260085123456}"#;
            Ok(HttpResponse { status: 200, headers: Vec::new(), body: body.into() })
        });
        let removal = Removal { secrets: vec!["PLANTED".into()], volatile: vec!["sign".into()], personal: vec!["name".into()] };
        let recorder = Recorder::new(&live, removal.clone());
        recorder.send(ask("PLANTED", "A1")).await.expect("live answer");
        let cassette = recorder.into_cassette();
        let text = serde_json::to_string(&cassette).expect("JSON");
        assert!(!text.contains("PLANTED") && !text.contains("张三") && !text.contains("A1"), "{text}");
        assert!(text.contains("4301187260085123456"));

        let player = Player::new(cassette, removal);
        assert_eq!(player.send(ask("PLANTED", "B2")).await.map(|a| a.status), Ok(200), "another signature is the same request");
        assert_eq!(player.left(), 0);
        assert!(matches!(player.send(ask("PLANTED", "B2")).await, Err(TransportError::NotSent(_))));
    }
}

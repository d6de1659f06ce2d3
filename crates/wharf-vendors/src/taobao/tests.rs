//! Recorded answers, the map of trades, and the ways to confirm, with an answering machine instead of a network.

mod orders;
mod samples;
mod shipping;

use std::collections::BTreeMap;
use std::sync::Mutex;
use wharf_connect::cassette::Answering;
use wharf_connect::conformance::Subject;
use wharf_connect::http::TransportError;
use wharf_connect::sandbox::form_fields;
use wharf_connect::{Call, Credentials, Http, HttpRequest, HttpResponse, Settings};
use wharf_domain::time::Timestamp;

/// 2026-03-18 14:05:09 +08:00.
const NOW: Timestamp = Timestamp::from_seconds(1_773_813_909);

/// What a scripted gateway is asked: the form, by field.
type Form = BTreeMap<String, String>;

/// A gateway that answers by a function of the form and keeps what it was asked.
struct Gateway<F> {
    answer: F,
    asked: Mutex<Vec<Form>>,
}

impl<F: Fn(&Form, usize) -> String + Send + Sync> Gateway<F> {
    fn new(answer: F) -> Self {
        Gateway { answer, asked: Mutex::default() }
    }

    /// The operations that were asked for, with the business parameters that matter here.
    fn asked(&self, keys: &[&str]) -> Vec<String> {
        let asked = self.asked.lock().expect("no panic");
        asked
            .iter()
            .map(|form| {
                let shown: Vec<String> = keys.iter().filter_map(|key| Some(format!("{key}={}", form.get(*key)?))).collect();
                format!("{} {}", form["method"], shown.join(" ")).trim().to_owned()
            })
            .collect()
    }
}

#[async_trait::async_trait]
impl<F: Fn(&Form, usize) -> String + Send + Sync> Http for Gateway<F> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        assert_eq!((request.method, request.url.as_str()), ("POST", "https://eco.taobao.com/router/rest"), "everything is in the body");
        let form: Form = form_fields(&String::from_utf8_lossy(&request.body)).into_iter().collect();
        let before = {
            let mut asked = self.asked.lock().expect("no panic");
            asked.push(form.clone());
            asked.iter().filter(|earlier| earlier["method"] == form["method"]).count() - 1
        };
        Ok(HttpResponse { status: 200, headers: Vec::new(), body: (self.answer)(&form, before).into_bytes() })
    }
}

/// An account with planted secrets.
fn account() -> (Credentials, Settings) {
    (Subject::new(&super::VENDOR, NOW).credentials, Settings::default())
}

fn call<'a>(http: &'a dyn Http, account: &'a (Credentials, Settings)) -> Call<'a> {
    Call { http, now: NOW, nonce: "n", credentials: &account.0, settings: &account.1 }
}

/// A gateway that says the same to everything.
fn always(body: &'static str) -> impl Http {
    Answering(move |_: &HttpRequest| Ok(HttpResponse { status: 200, headers: Vec::new(), body: body.into() }))
}

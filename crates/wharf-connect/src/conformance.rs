//! The conformance suite: what every vendor must do, tested the same way for all of them. No network: recorded answers,
//! whole and damaged in every way, and the in-process sandbox. `conformance!(subject())` in a vendor's tests runs
//! the first part, `conformance_channel!` and `conformance_carrier!` the second.

mod damage;
mod manifest;
mod market;

pub use manifest::manifest_is_complete;
pub use market::{Stage, carrier_sells_once, channel_confirms_once, channel_reacts_to_each_trouble, channel_reads_the_market};

use crate::cassette::Answering;
use crate::http::{HttpRequest, HttpResponse};
use crate::{Call, ConnectError, Credentials, Settings, Vendor};
use std::future::Future;
use std::pin::Pin;
use wharf_domain::time::Timestamp;

/// The secret that the suite plants in every credential marked as secret, and looks for in every error.
pub const PLANTED: &str = "PLANTED-secret-1f0a9c";

/// What an operation gave, as JSON, so that the suite can compare and show it.
pub type Outcome = Result<serde_json::Value, ConnectError>;

/// An operation of the vendor under test.
pub type Reading = for<'a> fn(&'a Call<'a>) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// A recorded answer and the operation that reads it.
pub struct Sample {
    /// What the table calls it: the file's name.
    pub name: &'static str,
    /// Part of the request that this answers, such as `method=…`; empty answers all.
    pub answers: &'static str,
    /// The answer.
    pub body: &'static str,
    /// Answers to other requests of the same operation: part of the request, body.
    pub beside: &'static [(&'static str, &'static str)],
    /// The operation.
    pub read: Reading,
}

/// A vendor with all that the suite needs to try it.
pub struct Subject {
    /// The vendor.
    pub vendor: &'static dyn Vendor,
    /// Its credentials; secret ones hold [`PLANTED`].
    pub credentials: Credentials,
    /// Its settings.
    pub settings: Settings,
    /// The time of the calls.
    pub now: Timestamp,
    /// Recorded answers.
    pub samples: Vec<Sample>,
}

impl Subject {
    /// A vendor with planted credentials, default settings and no samples yet.
    pub fn new(vendor: &'static dyn Vendor, now: Timestamp) -> Self {
        let fill = |field: &crate::CredentialField| {
            let value = if field.secret { PLANTED } else { "33000001" };
            (field.name.to_owned(), value.to_owned())
        };
        Subject {
            vendor,
            credentials: Credentials(vendor.manifest().credentials.iter().map(fill).collect()),
            settings: Settings::default(),
            now,
            samples: Vec::new(),
        }
    }

    /// The outcome of a sample's operation when its answer is `body`.
    async fn outcome(&self, sample: &Sample, body: &[u8]) -> Outcome {
        let http = Answering(|request: &HttpRequest| {
            let sent = format!("{} {} {}", request.method, request.url, String::from_utf8_lossy(&request.body));
            let is_for = |part: &str| part.is_empty() || sent.contains(part);
            let beside = sample.beside.iter().find(|(part, _)| is_for(part)).map(|(_, body)| body.as_bytes());
            let body = if is_for(sample.answers) { Some(body) } else { beside };
            Ok(HttpResponse { status: 200, headers: Vec::new(), body: body.unwrap_or_default().to_vec() })
        });
        let call = Call { http: &http, now: self.now, nonce: "0123456789abcdef", credentials: &self.credentials, settings: &self.settings };
        (sample.read)(&call).await
    }

    /// All samples as they are read, for one snapshot: what a change of mapping changes is seen in a review.
    pub async fn canonical(&self) -> String {
        let mut text = String::new();
        for sample in &self.samples {
            let outcome = match self.outcome(sample, sample.body.as_bytes()).await {
                Ok(value) => serde_json::to_string_pretty(&value).unwrap_or_default(),
                Err(error) => format!("{error:?}"),
            };
            text.push_str(&format!("== {}\n{outcome}\n", sample.name));
        }
        text
    }

    /// Every sample cut off at many points gives no value: what cannot be read is drift for a read, unsure for a write.
    pub async fn truncated_answers_are_not_read(&self) {
        for sample in &self.samples {
            let whole = sample.body.trim_end();
            for end in damage::cuts(whole) {
                let outcome = self.outcome(sample, &whole.as_bytes()[..end]).await;
                assert!(
                    is_unreadable(&outcome) || outcome.is_ok_and(|value| tells_what_is_unreadable(&value)),
                    "{} cut at {end}",
                    sample.name
                );
            }
        }
    }

    /// Every sample with each field removed, emptied, or of another kind, in turn: a good value or an honest "cannot read".
    pub async fn damaged_answers_are_read_or_refused(&self) {
        for sample in &self.samples {
            let whole: serde_json::Value = serde_json::from_str(sample.body).unwrap_or_else(|error| panic!("{}: {error}", sample.name));
            let was_good = self.outcome(sample, sample.body.as_bytes()).await.is_ok();
            for (what, damaged) in damage::variants(&whole) {
                let outcome = self.outcome(sample, damaged.to_string().as_bytes()).await;
                let honest = outcome.is_ok() || is_unreadable(&outcome) || matches!(&outcome, Err(ConnectError::Refused { .. }));
                assert!(honest || !was_good, "{}, {what}: {:?}", sample.name, outcome.err());
                self.keeps_its_secret(sample.name, &outcome);
            }
        }
    }

    /// A server that echoes our secrets anywhere in an answer does not make us repeat them.
    pub async fn echoed_secrets_stay_here(&self) {
        for sample in &self.samples {
            let whole: serde_json::Value = serde_json::from_str(sample.body).unwrap_or_else(|error| panic!("{}: {error}", sample.name));
            for echoed in damage::echoes(&whole, PLANTED) {
                let outcome = self.outcome(sample, echoed.to_string().as_bytes()).await;
                self.keeps_its_secret(sample.name, &outcome);
            }
        }
    }

    fn keeps_its_secret(&self, name: &str, outcome: &Outcome) {
        if let Err(error) = outcome {
            let words = format!("{error} {error:?}");
            assert!(!words.contains(PLANTED), "{name}: the secret is in {}", words.replace(PLANTED, "…"));
        }
    }
}

fn is_unreadable(outcome: &Outcome) -> bool {
    matches!(outcome, Err(ConnectError::Drift(_) | ConnectError::Unsure(_) | ConnectError::Transient(_)))
}

/// A page whose orders are set aside is an honest answer to details that cannot be read.
fn tells_what_is_unreadable(value: &serde_json::Value) -> bool {
    value.get("unreadable").and_then(serde_json::Value::as_array).is_some_and(|list| !list.is_empty())
}

/// Runs the suite for a [`Subject`]: `conformance!(subject());` where `subject` is a function of the test module. The
/// vendor's crate needs `insta` and `tokio` for its tests. Snapshots of all mapped objects lie beside the tests.
#[macro_export]
macro_rules! conformance {
    ($subject:expr) => {
        #[test]
        fn conformance_manifest_is_complete() {
            $crate::conformance::manifest_is_complete($subject.vendor.manifest());
        }
        #[tokio::test]
        async fn conformance_samples_are_read_as_recorded() {
            insta::assert_snapshot!($subject.canonical().await);
        }
        #[tokio::test]
        async fn conformance_truncated_answers_are_not_read() {
            $subject.truncated_answers_are_not_read().await;
        }
        #[tokio::test]
        async fn conformance_damaged_answers_are_read_or_refused() {
            $subject.damaged_answers_are_read_or_refused().await;
        }
        #[tokio::test]
        async fn conformance_echoed_secrets_stay_here() {
            $subject.echoed_secrets_stay_here().await;
        }
    };
}

//! Shapes that several endpoints share. Ids are strings, times RFC 3339 UTC, money a decimal string with its currency.

use super::input::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_domain::money;
use wharf_domain::time::Timestamp;
use wharf_domain::timeline::Actor;

/// An amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"amount": "12.34", "currency": "CNY"}))]
pub struct Money {
    /// Plain decimal with all decimals of its currency.
    pub amount: String,
    /// ISO 4217.
    pub currency: String,
}

impl From<money::Money> for Money {
    fn from(value: money::Money) -> Self {
        Money { amount: value.amount(), currency: value.currency.code().to_owned() }
    }
}

/// An instant: RFC 3339, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-21T08:00:00Z")]
#[serde(transparent)]
pub struct Time(pub String);

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Time(rfc3339(at))
    }
}

/// A thing by id and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Named {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
}

/// A shop as other things point at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShopRef {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Manifest id of its vendor.
    pub vendor: String,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ActorDto {
    /// `user · rule · vendor · job · import`.
    pub by: String,
    /// Name of the person, rule, vendor, kind of job or file.
    pub name: String,
    /// Id of the person or job; version of the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl From<&Actor> for ActorDto {
    fn from(actor: &Actor) -> Self {
        match actor {
            Actor::User { id, name } => ActorDto { by: "user".into(), name: name.clone(), id: Some(id.to_string()) },
            Actor::Rule { name, version } => ActorDto { by: "rule".into(), name: name.clone(), id: Some(version.to_string()) },
            Actor::Vendor { vendor } => ActorDto { by: "vendor".into(), name: vendor.clone(), id: None },
            Actor::Job { kind, id } => ActorDto { by: "job".into(), name: kind.clone(), id: id.map(|i| i.to_string()) },
            Actor::Import { source } => ActorDto { by: "import".into(), name: source.clone(), id: None },
        }
    }
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page starts; `null` on the last one.
    pub next: Option<String>,
}

/// What a bulk action did to one thing.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ActionResult {
    /// Which thing; the number that was sent, where no thing has it.
    pub id: String,
    /// Its number, where it was named by that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// `done · already · refused`.
    pub outcome: String,
    /// Word of the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How many things ended how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tally {
    /// Changed now.
    pub done: u64,
    /// Were so already.
    pub already: u64,
    /// Could not be.
    pub refused: u64,
    /// Refusals by reason.
    #[serde(default)]
    pub reasons: std::collections::BTreeMap<String, u64>,
}

/// The answer of a bulk action.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ActionAnswer {
    /// One row a thing. With a dry run: what would happen.
    pub results: Vec<ActionResult>,
    /// The sums.
    pub tally: Tally,
    /// The operation that can undo it, while that is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// Until when it can be undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo_until: Option<Time>,
}

impl ActionAnswer {
    /// Sums the results.
    pub fn new<I: std::fmt::Display>(outcomes: impl IntoIterator<Item = (I, wharf_flows::app::Outcome)>) -> Self {
        use wharf_flows::app::Outcome;
        let mut tally = Tally::default();
        let results = outcomes
            .into_iter()
            .map(|(id, outcome)| {
                let (word, reason) = match outcome {
                    Outcome::Done => {
                        tally.done += 1;
                        ("done", None)
                    }
                    Outcome::Already => {
                        tally.already += 1;
                        ("already", None)
                    }
                    Outcome::Refused(reason) => {
                        tally.refused += 1;
                        *tally.reasons.entry(reason.to_string()).or_default() += 1;
                        ("refused", Some(reason.to_string()))
                    }
                };
                ActionResult { id: id.to_string(), external_id: None, outcome: word.into(), reason }
            })
            .collect();
        ActionAnswer { results, tally, operation_id: None, undo_until: None }
    }

    /// Adds refusals of what was named by its number.
    pub fn refuse(&mut self, numbers: Vec<String>, reason: &str) {
        if numbers.is_empty() {
            return;
        }
        self.tally.refused += numbers.len() as u64;
        *self.tally.reasons.entry(reason.to_owned()).or_default() += numbers.len() as u64;
        self.results.extend(numbers.into_iter().map(|number| ActionResult {
            id: number.clone(),
            external_id: Some(number),
            outcome: "refused".into(),
            reason: Some(reason.to_owned()),
        }));
    }
}

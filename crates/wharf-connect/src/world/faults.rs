//! Faults on demand: what goes wrong on the wire, for whom, how often. They are a tester's tool and live in memory; a
//! market that starts again starts healthy.

use super::random::Dice;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The platform limits calls and says for how many `seconds`.
    Throttle,
    /// The platform's own "try again" error.
    ServerError,
    /// HTTP 502 from the gateway before the platform.
    BadGateway,
    /// The session is refused.
    ExpireToken,
    /// The connection is cut before anything happened.
    CutBefore,
    /// It happens, and the answer is lost.
    CutAfter,
    /// The answer comes after `seconds`.
    Slow,
    /// Orders are told with a status word nobody knows (`word`).
    UnknownStatus,
    /// A field of the answer changes its type (`word` names it).
    ChangedField,
    /// Lists tell a row twice.
    Duplicate,
    /// The body is cut in half.
    Truncate,
}

/// One fault that is armed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// Only this vendor's wire.
    #[serde(default)]
    pub vendor: Option<String>,
    /// Only this operation, in the vendor's words; a trailing `*` matches any rest.
    #[serde(default)]
    pub method: Option<String>,
    /// Only this shop.
    #[serde(default)]
    pub shop: Option<String>,
    /// How often it strikes; for ever when absent.
    #[serde(default)]
    pub count: Option<u32>,
    /// How many matching calls in a thousand; all when absent.
    #[serde(default)]
    pub per_mille: Option<u64>,
    /// How many matching calls pass before it is armed.
    #[serde(default)]
    pub skip: u32,
    /// Seconds, for `throttle` and `slow`.
    #[serde(default)]
    pub seconds: Option<u64>,
    /// A word, for `unknown_status` and `changed_field`.
    #[serde(default)]
    pub word: Option<String>,
}

impl Fault {
    /// A fault that strikes `count` times anywhere.
    pub fn times(kind: FaultKind, count: u32) -> Self {
        Fault { kind, vendor: None, method: None, shop: None, count: Some(count), per_mille: None, skip: 0, seconds: None, word: None }
    }
    /// The same, for one operation only.
    #[must_use]
    pub fn on(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }
    /// The duration it names.
    pub fn delay(&self, default: u64) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(default))
    }
    /// Why it makes no sense, if so.
    pub fn nonsense(&self) -> Option<&'static str> {
        if self.per_mille.is_some_and(|p| p == 0 || p > 1000) {
            return Some("per_mille must be 1 to 1000");
        }
        if self.count == Some(0) {
            return Some("count must be at least 1");
        }
        if self.seconds.is_some_and(|s| s > 86_400) {
            return Some("seconds must be at most 86400");
        }
        None
    }
    fn matches(&self, vendor: &str, method: &str, shop: &str) -> bool {
        self.vendor.as_deref().is_none_or(|v| v == vendor)
            && self.shop.as_deref().is_none_or(|s| s == shop)
            && self.method.as_deref().is_none_or(|m| match m.strip_suffix('*') {
                Some(start) => method.starts_with(start),
                None => m == method,
            })
    }
}

/// The faults that are armed.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Vec<Fault>,
    calls: u64,
}

impl Faults {
    pub(crate) fn arm(&mut self, fault: Fault) {
        self.armed.push(fault);
    }
    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }
    pub(crate) fn armed(&self) -> &[Fault] {
        &self.armed
    }
    /// The first armed fault that strikes this call; its count goes down.
    pub(crate) fn take(&mut self, seed: u64, vendor: &str, method: &str, shop: &str) -> Option<Fault> {
        self.calls += 1;
        let mut dice = Dice::new(seed, "fault", self.calls);
        let mut struck = None;
        for (index, fault) in self.armed.iter_mut().enumerate() {
            if !fault.matches(vendor, method, shop) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if fault.per_mille.is_some_and(|p| !dice.chance(p)) {
                continue;
            }
            if let Some(count) = &mut fault.count {
                *count -= 1;
            }
            struck = Some(index);
            break;
        }
        let index = struck?;
        let fault = self.armed[index].clone();
        if fault.count == Some(0) {
            self.armed.remove(index);
        }
        Some(fault)
    }
}

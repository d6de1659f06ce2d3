//! What must happen after an error of the TOP gateway: its numbers and words, read into one [`ConnectError`] per reaction.

use super::time;
use super::wire::{FromWire, Maybe, wire};
use std::time::Duration;
use wharf_connect::ConnectError;
use wharf_domain::time::{DAY, Timestamp};

/// Whether an operation changes something. What is unknown about a read is asked again; about a write it is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Asking again is harmless.
    Read,
    /// It may have happened.
    Write,
}

impl Effect {
    /// The reaction when nobody knows what became of the request.
    pub(crate) fn unknown(self, message: String) -> ConnectError {
        match self {
            Effect::Read => ConnectError::Transient(message),
            Effect::Write => ConnectError::Unsure(message),
        }
    }

    /// The reaction to a well-delivered answer that cannot be read.
    pub(crate) fn unreadable(self, message: String) -> ConnectError {
        match self {
            Effect::Read => ConnectError::Drift(message),
            Effect::Write => ConnectError::Unsure(message),
        }
    }
}

wire! {
    /// `error_response`, or the flat form of newer nodes, which says `message` for `msg`.
    pub(crate) struct ErrorBody {
        code: Option<String>,
        msg: Option<String>,
        message: Option<String>,
        sub_code: Option<String>,
        sub_msg: Option<String>,
        request_id: Option<String>,
    }
    /// An answer that may be an error.
    pub(crate) struct ErrorEnvelope {
        error_response: Maybe<ErrorBody>,
    }
}

impl ErrorBody {
    /// The error in an answer, if it is one.
    pub(crate) fn find(answer: &serde_json::Value) -> Option<ErrorBody> {
        if answer.get("error_response").is_some() {
            return Some(match ErrorEnvelope::read(answer) {
                Ok(ErrorEnvelope { error_response: Maybe(Some(body)) }) => body,
                _ => ErrorBody { code: None, msg: None, message: None, sub_code: None, sub_msg: None, request_id: None },
            });
        }
        let object = answer.as_object()?;
        let wrapped = object.keys().any(|key| key.ends_with("_response"));
        if wrapped || !object.contains_key("code") || !["msg", "message", "sub_code", "sub_msg"].iter().any(|key| object.contains_key(*key))
        {
            return None;
        }
        ErrorBody::read(answer).ok().filter(|body| body.code.as_deref() != Some("0"))
    }

    /// The platform's words, the most particular first.
    pub(crate) fn words(&self) -> String {
        let general = self.msg.as_deref().or(self.message.as_deref()).unwrap_or_default();
        match (self.sub_msg.as_deref(), general) {
            (Some(particular), "") => particular.to_owned(),
            (Some(particular), general) => format!("{particular} ({general})"),
            (None, "") => "the platform gives no words".to_owned(),
            (None, general) => general.to_owned(),
        }
    }

    /// `sub_code`, or the number where there is none.
    fn name(&self) -> String {
        self.sub_code.clone().or_else(|| self.code.clone()).unwrap_or_else(|| "unknown".into())
    }

    fn refused(&self) -> ConnectError {
        // For a refusal the particular words are the whole message: a person will read them on the order.
        let message = self.sub_msg.clone().unwrap_or_else(|| self.words());
        ConnectError::Refused { code: self.name(), message }
    }

    fn said(&self) -> String {
        match (&self.code, &self.sub_code) {
            (Some(code), Some(sub_code)) => format!("{} [{code} {sub_code}]", self.words()),
            (Some(code), None) => format!("{} [{code}]", self.words()),
            (None, Some(sub_code)) => format!("{} [{sub_code}]", self.words()),
            (None, None) => self.words(),
        }
    }

    /// The reaction to this error.
    pub(crate) fn reaction(&self, effect: Effect, now: Timestamp) -> ConnectError {
        let Some(code) = self.code.as_deref().and_then(|code| code.trim().parse::<i64>().ok()) else {
            return match self.sub_code.as_deref() {
                Some(sub_code) => self.by_sub_code(sub_code, effect, now),
                None => ConnectError::Drift(format!("an error without a code: {}", self.words())),
            };
        };
        match code {
            3 => ConnectError::Transient(self.said()),
            4..=8 => self.throttled(now),
            10 => effect.unknown(self.said()),
            11..=13 | 42 => self.refused(),
            24..=29 => ConnectError::Reauthorize(self.said()),
            // Nothing happened, and nothing will until the clocks agree; the words say so on the shop.
            30 | 31 => ConnectError::Transient(format!(
                "the clock of this machine and the platform's differ by more than ten minutes: {}",
                self.said()
            )),
            40 | 41 | 43 => self.refused(),
            9 | 21..=23 | 32..=34 => ConnectError::Drift(format!("the platform does not take this request: {}", self.said())),
            _ => match self.sub_code.as_deref() {
                Some(sub_code) => self.by_sub_code(sub_code, effect, now),
                // "Remote service error" and nothing else.
                None if matches!(code, 15 | 50 | 500..) => effect.unknown(self.said()),
                None => effect.unreadable(format!("an error nobody knows: {}", self.said())),
            },
        }
    }

    fn by_sub_code(&self, sub_code: &str, effect: Effect, now: Timestamp) -> ConnectError {
        const SESSION: [&str; 4] = ["invalid-sessionkey", "session-expired", "session-not-exist", "sessionkey-not-generated-by-server"];
        const BAD_INPUT: [&str; 3] = ["isp.null-pointer-exception", "isp.top-parse-error", "isp.top-mapping-parse-error"];
        let is_any = |words: &[&str]| words.iter().any(|word| sub_code == *word || sub_code.starts_with(&format!("{word}:")));
        if SESSION.iter().any(|word| sub_code.ends_with(word)) || (sub_code.contains("logistics-") && sub_code.ends_with(":P03")) {
            return ConnectError::Reauthorize(self.said());
        }
        if sub_code.starts_with("accesscontrol.") || sub_code.contains("call-limited") {
            return self.throttled(now);
        }
        if is_any(&BAD_INPUT) {
            return self.refused();
        }
        if sub_code.starts_with("isp.") {
            return effect.unknown(self.said());
        }
        // The one number under the caller's prefix that the platform calls a passing trouble: it was refused before any effect.
        if sub_code.contains("logistics-") && sub_code.ends_with(":B150") {
            return ConnectError::Transient(self.said());
        }
        self.refused()
    }

    fn throttled(&self, now: Timestamp) -> ConnectError {
        let named = [&self.sub_msg, &self.msg, &self.message].into_iter().flatten().find_map(|text| ban_seconds(text));
        let daily = self.sub_code.as_deref().is_some_and(|code| code.contains("limited-by-app-access-count"));
        let retry_after = match named {
            Some(seconds) => Duration::from_secs(seconds.saturating_add(1).min(2 * 86_400)),
            // The day's quota is used up: it comes back at midnight of the platform.
            None if daily => until_midnight(now),
            None => Duration::from_secs(2),
        };
        ConnectError::Throttled { retry_after, message: self.said() }
    }
}

/// The number in "This ban will last for 1 more seconds". Other numbers in the words are not taken for seconds.
fn ban_seconds(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let before = lower.split("second").next().filter(|before| before.len() < lower.len())?;
    let digits: String = before.chars().rev().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.chars().rev().collect::<String>().parse().ok()
}

fn until_midnight(now: Timestamp) -> Duration {
    let today = time::from_civil(time::civil(now).date().at(0, 0, 0, 0)).unwrap_or(now);
    let micros = (DAY - now.since(today)).clamp(0, DAY);
    Duration::from_micros(u64::try_from(micros).unwrap_or(0)) + Duration::from_secs(1)
}

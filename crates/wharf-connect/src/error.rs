//! One variant per REACTION, not per cause: what the caller must do is in the type.

use std::time::Duration;

/// Why a call to a vendor did not give a value, by what must happen next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Pause the shop, say so, ask a person. Nothing is retried until someone signs in again.
    #[error("authorisation needed: {0}")]
    Reauthorize(String),
    /// Wait exactly that long: all workers of that shop and operation.
    #[error("throttled for {retry_after:?}: {message}")]
    Throttled {
        /// How long.
        retry_after: Duration,
        /// In the platform's words.
        message: String,
    },
    /// Nothing happened; retry with backoff.
    #[error("not now: {0}")]
    Transient(String),
    /// Sent, outcome unknown: look it up, never repeat blindly.
    #[error("outcome unknown: {0}")]
    Unsure(String),
    /// A business "no", in the platform's words: show it, do not retry.
    #[error("refused ({code}): {message}")]
    Refused {
        /// The platform's code.
        code: String,
        /// The platform's words.
        message: String,
    },
    /// The platform changed, or sent what nobody can read: keep the payload, alert us.
    #[error("unexpected answer: {0}")]
    Drift(String),
}

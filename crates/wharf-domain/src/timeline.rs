//! Timeline events: append-only facts on an order, with who or which rule, and why. The text is made by the reader's
//! language from `kind` and `params`; nothing is stored as prose.

use crate::id::{JobId, UserId};
use serde::{Deserialize, Serialize};

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Actor {
    /// A person.
    User {
        /// Who.
        id: UserId,
        /// The name at that time.
        name: String,
    },
    /// A rule, with its version.
    Rule {
        /// Its name.
        name: String,
        /// Its version.
        version: i64,
    },
    /// The marketplace or carrier.
    Vendor {
        /// The manifest id.
        vendor: String,
    },
    /// Wharf itself, in a job.
    Job {
        /// The kind of job.
        kind: String,
        /// Which one.
        id: Option<JobId>,
    },
    /// A file import.
    Import {
        /// What was imported.
        source: String,
    },
}

/// One thing that happened. `kind` is a word such as `order.placed`; `params` are its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The word that the screens translate.
    pub kind: String,
    /// Values for the sentence: numbers, reasons, before and after. Never personal data in clear.
    pub params: serde_json::Value,
    /// Who did it.
    pub actor: Actor,
}

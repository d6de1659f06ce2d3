//! Approval by policy or by a person.

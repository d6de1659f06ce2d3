//! Recorded answers: a request and what came back, with secrets and personal data removed, replayed in tests.

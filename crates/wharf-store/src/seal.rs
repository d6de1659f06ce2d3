//! Sealing of personal data and credentials at rest, and the blind indexes that find them.

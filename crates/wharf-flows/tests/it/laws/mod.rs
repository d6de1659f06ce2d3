//! Laws that no other file proves whole: any sequence of commands (2, 3, 4), cancellation at every step (6), instants and
//! zones (11), erasure on schedule (10), alerts, and a doctor that sees every corruption.

mod alarms;
mod doctor;
mod erasure;
mod sequences;
mod zones;

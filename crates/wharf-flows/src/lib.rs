//! The verbs of Wharf. Each flow: load → decide (domain) → save and enqueue, in one transaction; HTTP calls to vendors
//! only between transactions. Flows know nothing of HTTP faces or the command line.

pub mod amend;
pub mod app;
pub mod approve;
mod birth;
pub mod book;
pub mod bulk;
pub mod cancel;
pub mod confirm;
pub mod doctor;
pub mod edit;
pub mod enter;
pub mod erase;
pub mod gather;
pub mod hand_over;
pub mod hold;
pub mod import;
pub mod ingest;
pub mod jobs;
pub mod link;
mod pace;
pub mod pack;
pub mod print;
pub mod pull;
pub mod rearrange;
pub mod recompute;
pub mod review;
pub mod route;
pub mod scheduler;
pub mod ship;
pub mod shops;
pub mod stop;
pub mod track;
pub mod undo;
pub mod verbs;
pub mod worker;

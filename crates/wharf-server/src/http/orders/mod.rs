//! Order endpoints: lists, counts, one order whole, its recipient opened on purpose, and the bulk actions.

pub mod act;
pub mod actions;
pub mod detail;
pub mod edits;
pub mod enter;
pub mod filter;
pub mod home;
pub mod list;
pub mod shape;

use super::state::AppState;
use utoipa_axum::router::OpenApiRouter;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(list::routes())
        .merge(detail::routes())
        .merge(actions::routes())
        .merge(edits::routes())
        .merge(enter::routes())
        .merge(home::routes())
}

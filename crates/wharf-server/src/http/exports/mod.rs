//! Files out: exactly what a list shows, under the same filter and in the same order, masked as there. Who may not see the
//! list may not export it.

mod orders;
mod shipments;
mod stock;

use super::guard::Identity;
use super::people::audited;
use super::problem::Problem;
use super::state::AppState;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use utoipa_axum::router::OpenApiRouter;
use wharf_documents::sheet::{Cell, Column, ColumnKind, Sheet, render_csv, render_xlsx};
use wharf_store::audit;

/// Rows of one read.
const CHUNK: usize = 500;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(orders::routes()).merge(stock::routes()).merge(shipments::routes())
}

/// Columns with their titles in the language of the person.
fn columns(chinese: bool, of: &[(&str, &str, ColumnKind)]) -> Vec<Column> {
    of.iter().map(|(zh, en, kind)| Column { title: if chinese { *zh } else { *en }.to_owned(), kind: *kind }).collect()
}

/// An instant, or nothing.
fn time(at: Option<wharf_domain::time::Timestamp>) -> Cell {
    at.map_or(Cell::Empty, Cell::Time)
}

/// Query parameters of the export itself, taken out before the strict rest is read.
fn split(query: &str, own: &[&str]) -> (String, String) {
    let (mine, rest): (Vec<&str>, Vec<&str>) =
        query.split('&').filter(|p| !p.is_empty()).partition(|p| p.split('=').next().is_some_and(|name| own.contains(&name)));
    (mine.join("&"), rest.join("&"))
}

/// Which file is wanted.
fn is_xlsx(format: Option<&str>) -> Result<bool, Problem> {
    match format {
        None | Some("csv") => Ok(false),
        Some("xlsx") => Ok(true),
        Some(other) => Err(Problem::invalid("format", format!("{other:?} is neither csv nor xlsx"))),
    }
}

/// A file that is written while its pages are read: never all rows in memory, only the file's own bytes.
struct Writing {
    pages: mpsc::Sender<Vec<Vec<Cell>>>,
    task: JoinHandle<Result<Vec<u8>, String>>,
    noun: &'static str,
    xlsx: bool,
}

impl Writing {
    /// Begins, and writes down who exports what.
    async fn start(state: &AppState, who: &Identity, noun: &'static str, xlsx: bool, sheet: Sheet) -> Result<Writing, Problem> {
        let detail = serde_json::json!({ "format": if xlsx { "xlsx" } else { "csv" } });
        let entry = audited(who, &format!("{noun}_exported"), noun, None, detail);
        state.app.store.write(move |tx| audit::record(tx, entry)).await?;
        let made_at = state.app.now();
        let (pages, mut arriving) = mpsc::channel::<Vec<Vec<Cell>>>(2);
        let task = tokio::task::spawn_blocking(move || {
            let rows = std::iter::from_fn(move || arriving.blocking_recv()).flatten();
            if xlsx { render_xlsx(&sheet, made_at, rows).map_err(|e| e.to_string()) } else { Ok(render_csv(&sheet, rows)) }
        });
        Ok(Writing { pages, task, noun, xlsx })
    }

    /// One more page; false when nobody writes any more.
    async fn rows(&self, rows: Vec<Vec<Cell>>) -> bool {
        self.pages.send(rows).await.is_ok()
    }

    /// The file.
    async fn end(self) -> Result<Response, Problem> {
        drop(self.pages);
        let failed = |why: String| {
            tracing::error!(%why, "an export failed");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the file could not be written; the reason is in the log")
        };
        let bytes = self.task.await.map_err(|e| failed(e.to_string()))?.map_err(failed)?;
        let (kind, ending) = if self.xlsx {
            ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx")
        } else {
            ("text/csv; charset=utf-8", "csv")
        };
        let name = format!("attachment; filename=\"{}.{ending}\"", self.noun);
        Ok(([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)], bytes).into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exports_own_parameters_are_taken_out_of_the_filter() {
        assert_eq!(
            split("phase=review&format=xlsx&sort=-total&q=a", &["format", "sort"]),
            ("format=xlsx&sort=-total".to_owned(), "phase=review&q=a".to_owned())
        );
    }
}

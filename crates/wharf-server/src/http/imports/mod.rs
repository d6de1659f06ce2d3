//! Files in: upload → preview → commit → withdraw. Nothing touches an order before the commit.

use super::dto::{Page, Time};
use super::guard::{Guard, Import};
use super::input::{Id, Query, id, limit};
use super::page::PageParams;
use super::problem::Problem;
use super::state::AppState;
use axum::Json;
use axum::extract::multipart::{Multipart, MultipartError, MultipartRejection};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_connect::files::Input;
use wharf_domain::id::ImportBatchId;
use wharf_domain::money::Currency;
use wharf_domain::word::Word;
use wharf_flows::import::{self, ImportOptions, ImportView, IntoShop, TreatAs};

/// Largest upload; larger files go through `wharf import`, which reads them from disk.
const LARGEST_UPLOAD: usize = 128 << 20;
/// Most files of one import.
const MOST_FILES: usize = 50;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    let upload = OpenApiRouter::new().routes(routes!(list, upload)).layer(DefaultBodyLimit::max(LARGEST_UPLOAD));
    upload.routes(routes!(get)).routes(routes!(commit)).routes(routes!(withdraw)).routes(routes!(odd_rows))
}

/// An import.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImportDto {
    /// Id.
    pub id: String,
    /// The shop it goes into.
    pub shop_id: Option<String>,
    /// Layout of the files.
    pub source: String,
    /// Names of the files.
    pub file_names: Vec<String>,
    /// `previewed · committing · committed · withdrawn · failed`.
    pub import_state: String,
    /// What the preview found: files, orders, odd rows, the balance by month, country and currency.
    #[schema(value_type = Object)]
    pub preview: serde_json::Value,
    /// What the commit or the withdrawal came to.
    #[schema(value_type = Object)]
    pub result: serde_json::Value,
    /// When it was uploaded.
    pub created_at: Time,
    /// When it was committed.
    pub committed_at: Option<Time>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Time>,
}

fn dto(view: ImportView) -> ImportDto {
    let batch = view.batch;
    ImportDto {
        id: batch.id.to_string(),
        shop_id: batch.shop_id.map(|s| s.to_string()),
        source: batch.source,
        file_names: batch.file_names,
        import_state: batch.state.to_string(),
        preview: batch.preview,
        result: batch.result,
        created_at: batch.created_at.into(),
        committed_at: batch.committed_at.map(Time::from),
        withdrawn_at: batch.withdrawn_at.map(Time::from),
    }
}

/// Imports, latest first.
#[utoipa::path(get, path = "/api/v1/imports", tag = "imports", operation_id = "list_imports", params(PageParams),
    responses((status = 200, body = Page<ImportDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    guard: Guard<Import>,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<ImportDto>>, Problem> {
    let take = limit(params.limit)?;
    let before: Option<ImportBatchId> = params.cursor.as_deref().map(|c| id("cursor", c)).transpose()?;
    let rows = import::list(&state.app, &guard.who.scope, before, take as i64 + 1).await?;
    Ok(Json(Page::cut(rows, take, |v| v.batch.id.to_string(), dto)))
}

/// A form with files.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form to the API document; the form itself is read part by part")]
struct UploadForm {
    /// CSV, TSV, XLS or XLSX; may be repeated.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
    /// Id of the shop; this or `shop`.
    shop_id: Option<String>,
    /// Name of the shop; one that is not there is made, without a connection.
    shop: Option<String>,
    /// A column mapping, as JSON.
    mapping: Option<String>,
    /// `by_status · history · live`.
    treat_as: Option<String>,
    /// Zone of times that name none.
    zone: Option<String>,
    /// Currency where the files name none.
    currency: Option<String>,
}

fn broken(error: &MultipartError) -> Problem {
    let status = error.status();
    let code = if status == axum::http::StatusCode::PAYLOAD_TOO_LARGE { "too_large" } else { "malformed" };
    Problem::new(status, code, error.body_text())
}

/// Reads files and says what an import would do. No order is touched.
#[utoipa::path(post, path = "/api/v1/imports", tag = "imports", operation_id = "preview_import", request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 200, body = ImportDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem)))]
async fn upload(
    State(state): State<AppState>,
    guard: Guard<Import>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<ImportDto>, Problem> {
    let mut form = form.map_err(|e| Problem::malformed(e.body_text()))?;
    let mut files = Vec::new();
    let mut options = ImportOptions {
        shop: IntoShop::Named(String::new()),
        mapping: None,
        treat_as: TreatAs::ByStatus,
        zone: None,
        currency: None,
        user_id: Some(guard.who.user_id),
        scope: guard.who.scope.clone(),
    };
    while let Some(field) = form.next_field().await.map_err(|e| broken(&e))? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let file = field.file_name().unwrap_or("file").to_owned();
            if files.len() == MOST_FILES {
                return Err(Problem::invalid("file", format!("at most {MOST_FILES} files")));
            }
            files.push(Input::new(file, field.bytes().await.map_err(|e| broken(&e))?.to_vec()));
            continue;
        }
        let text = field.text().await.map_err(|e| broken(&e))?;
        match name.as_str() {
            "shop_id" => options.shop = IntoShop::Id(id("shop_id", &text)?),
            "shop" => options.shop = IntoShop::Named(text.trim().to_owned()),
            "mapping" => options.mapping = Some(serde_json::from_str(&text).map_err(|e| Problem::invalid("mapping", e.to_string()))?),
            "treat_as" => options.treat_as = TreatAs::parse(&text).map_err(|e| Problem::invalid("treat_as", e.to_string()))?,
            "zone" => options.zone = Some(text),
            "currency" => options.currency = Some(Currency::new(&text).map_err(|e| Problem::invalid("currency", e.to_string()))?),
            other => return Err(Problem::malformed(format!("there is no field {other:?}"))),
        }
    }
    if files.is_empty() {
        return Err(Problem::invalid("file", "send at least one file"));
    }
    match &options.shop {
        IntoShop::Named(name) if name.is_empty() => return Err(Problem::invalid("shop", "name the shop, or its id")),
        // A person of some shops only may not make another.
        IntoShop::Named(_) if guard.who.scope.shops.is_some() => {
            return Err(Problem::invalid("shop_id", "choose one of your shops by its id"));
        }
        IntoShop::Named(_) | IntoShop::Id(_) => {}
    }
    Ok(Json(dto(import::preview(&state.app, files, &options).await?)))
}

/// One import.
#[utoipa::path(get, path = "/api/v1/imports/{id}", tag = "imports", operation_id = "get_import", params(("id" = String, Path)),
    responses((status = 200, body = ImportDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn get(State(state): State<AppState>, guard: Guard<Import>, Id(batch): Id<ImportBatchId>) -> Result<Json<ImportDto>, Problem> {
    Ok(Json(dto(import::status(&state.app, &guard.who.scope, batch).await?)))
}

/// Writes its orders. The same call again answers the same and writes nothing.
#[utoipa::path(post, path = "/api/v1/imports/{id}/actions/commit", tag = "imports", operation_id = "commit_import", params(("id" = String, Path)),
    responses((status = 200, body = ImportDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn commit(State(state): State<AppState>, guard: Guard<Import>, Id(batch): Id<ImportBatchId>) -> Result<Json<ImportDto>, Problem> {
    import::commit(&state.app, &guard.who.scope, batch).await?;
    Ok(Json(dto(import::status(&state.app, &guard.who.scope, batch).await?)))
}

/// Takes a committed import back whole, while nobody worked on its orders.
#[utoipa::path(post, path = "/api/v1/imports/{id}/actions/withdraw", tag = "imports", operation_id = "withdraw_import", params(("id" = String, Path)),
    responses((status = 200, body = ImportDto), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn withdraw(State(state): State<AppState>, guard: Guard<Import>, Id(batch): Id<ImportBatchId>) -> Result<Json<ImportDto>, Problem> {
    import::withdraw(&state.app, &guard.who.scope, batch, Some(guard.who.user_id)).await?;
    Ok(Json(dto(import::status(&state.app, &guard.who.scope, batch).await?)))
}

/// The rows that could not be read, as CSV: file, row and cause in front of the same columns.
#[utoipa::path(get, path = "/api/v1/imports/{id}/odd_rows", tag = "imports", operation_id = "import_odd_rows", params(("id" = String, Path)),
    responses((status = 200, description = "text/csv", content_type = "text/csv", body = String), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn odd_rows(State(state): State<AppState>, guard: Guard<Import>, Id(batch): Id<ImportBatchId>) -> Result<Response, Problem> {
    let bytes = import::odd_file(&state.app, &guard.who.scope, batch).await?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=\"odd_rows.csv\"")], bytes)
        .into_response())
}

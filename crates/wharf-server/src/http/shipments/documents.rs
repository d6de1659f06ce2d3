//! Documents: made from parcels, fetched as bytes; the print ledger.

use super::actions::{PrintAnswer, print_answer, printing, seen};
use super::shape::{NewDocument, PrintDto};
use super::visible;
use crate::http::dto::{Named, Page};
use crate::http::guard::{Guard, ShipmentsAct, ShipmentsRead};
use crate::http::input::{Body, Id, Query, id, limit};
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::collections::HashMap;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::id::{RowId, ShipmentId};
use wharf_flows::print::{Kind, LabelFormat};
use wharf_store::{StoreError, blobs, prints, users};

/// The routes of this part.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(label)).routes(routes!(make)).routes(routes!(fetch)).routes(routes!(ledger))
}

fn bytes(media_type: &str, name: &str, body: Vec<u8>) -> Response {
    let mut response = (StatusCode::OK, body).into_response();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(media_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    if let Ok(value) = HeaderValue::from_str(&format!("inline; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

/// The label of a parcel to look at: PDF (default), `image/png` or `application/zpl` by Accept. Looking is not printing: the
/// ledger stays as it is, and a label that was printed is marked as a copy.
#[utoipa::path(get, path = "/api/v1/shipments/{id}/label", tag = "shipments", operation_id = "get_label", params(("id" = String, Path), ("Accept" = Option<String>, Header)),
    responses((status = 200, description = "the label", content((Vec<u8> = "application/pdf"), (Vec<u8> = "image/png"), (String = "application/zpl"))), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 406, body = Problem), (status = 422, body = Problem)))]
async fn label(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Id(id): Id<ShipmentId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("*/*").to_lowercase();
    let format = if accept.contains("application/pdf") || accept.contains("*/*") || accept.contains("application/*") {
        LabelFormat::Pdf
    } else if accept.contains("image/png") || accept.contains("image/*") {
        LabelFormat::Png
    } else if accept.contains("zpl") || accept.contains("text/plain") {
        LabelFormat::Zpl
    } else {
        return Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", "application/pdf, image/png or application/zpl"));
    };
    let scope = guard.who.scope.clone();
    let known = state.app.store.read(move |tx| visible(tx, &scope, &[id])).await?;
    if known.is_empty() {
        return Err(Problem::not_found("shipment"));
    }
    let printing = printing(&state, &guard.who, "", "", "");
    let (media_type, body) = wharf_flows::print::view_label(&state.app, &printing, id, format).await?;
    Ok(bytes(&media_type, &format!("label-{id}"), body))
}

/// Makes one file from parcels: labels (recorded in the ledger), a pick list, packing slips or a hand-over manifest.
#[utoipa::path(post, path = "/api/v1/documents", tag = "shipments", operation_id = "make_document", request_body = NewDocument,
    responses((status = 200, body = PrintAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn make(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(new): Body<NewDocument>,
) -> Result<Json<PrintAnswer>, Problem> {
    let kind = [Kind::Label, Kind::PickList, Kind::PackingSlip, Kind::Manifest]
        .into_iter()
        .find(|k| k.word() == new.kind)
        .ok_or_else(|| Problem::invalid("kind", "label, pick_list, packing_slip or manifest"))?;
    let (found, missing) = seen(&state, &guard.who.scope, &new.ids).await?;
    let printing = printing(&state, &guard.who, &new.station, &new.cause, &new.locale);
    let printed = match kind {
        Kind::Label => wharf_flows::print::labels(&state.app, &guard.who.actor(), &printing, &found).await?,
        Kind::PickList | Kind::PackingSlip | Kind::Manifest => {
            wharf_flows::print::documents(&state.app, &guard.who.actor(), &printing, kind, &found).await?
        }
    };
    Ok(Json(print_answer(printed, missing)))
}

/// The bytes of a document that was made.
#[utoipa::path(get, path = "/api/v1/documents/{id}", tag = "shipments", operation_id = "get_document", params(("id" = String, Path)),
    responses((status = 200, description = "the file", content((Vec<u8> = "application/pdf"))), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn fetch(State(state): State<AppState>, guard: Guard<ShipmentsAct>, Id(id): Id<RowId>) -> Result<Response, Problem> {
    let scope = guard.who.scope;
    let found = state
        .app
        .store
        .read(move |tx| -> Result<Option<(String, blobs::Blob)>, StoreError> {
            let Some((kind, Some(hash))) = prints::batch(tx, id)? else { return Ok(None) };
            let parcels = prints::parcels(tx, id)?;
            // A file is fetched only by who may see every parcel in it.
            if visible(tx, &scope, &parcels)?.len() != parcels.len() {
                return Ok(None);
            }
            Ok(blobs::get(tx, &hash)?.map(|blob| (kind, blob)))
        })
        .await?;
    let (kind, blob) = found.ok_or_else(|| Problem::not_found("document"))?;
    Ok(bytes(&blob.media_type, &format!("{kind}-{id}"), blob.bytes))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LedgerParams {
    /// Id of a shipment.
    shipment: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// What was printed, where, by whom and why again; newest first.
#[utoipa::path(get, path = "/api/v1/prints", tag = "shipments", operation_id = "print_ledger", params(LedgerParams),
    responses((status = 200, body = Page<PrintDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn ledger(
    State(state): State<AppState>,
    guard: Guard<ShipmentsRead>,
    Query(params): Query<LedgerParams>,
) -> Result<Json<Page<PrintDto>>, Problem> {
    let take = limit(params.limit)?;
    let shipment: Option<ShipmentId> = params.shipment.as_deref().map(|s| id("shipment", s)).transpose()?;
    let before: Option<RowId> = params.cursor.as_deref().map(|c| id("cursor", c)).transpose()?;
    let scope = guard.who.scope;
    let page = state
        .app
        .store
        .read(move |tx| -> Result<Page<PrintDto>, StoreError> {
            let rows = prints::ledger(tx, shipment, before, take as i64 + 1)?;
            let Page { items: rows, next } = Page::cut(rows, take, |r| r.id.to_string(), |r| r);
            let mut parcels: Vec<ShipmentId> = rows.iter().map(|r| r.shipment_id).collect();
            parcels.sort_unstable();
            parcels.dedup();
            let seen: std::collections::HashSet<ShipmentId> = visible(tx, &scope, &parcels)?.into_iter().map(|r| r.shipment.id).collect();
            let names: HashMap<_, _> = users::list(tx)?.into_iter().map(|u| (u.id, u.name)).collect();
            Ok(Page {
                items: rows
                    .into_iter()
                    .filter(|r| seen.contains(&r.shipment_id))
                    .map(|r| PrintDto {
                        id: r.id.to_string(),
                        batch_id: r.batch_id.to_string(),
                        at: r.at.into(),
                        station: r.station,
                        user: r.user_id.map(|u| Named { id: u.to_string(), name: names.get(&u).cloned().unwrap_or_default() }),
                        kind: r.kind,
                        shipment_id: r.shipment_id.to_string(),
                        waybill_number: r.waybill_number,
                        copy: r.copy,
                        cause: r.cause,
                    })
                    .collect(),
                next,
            })
        })
        .await?;
    Ok(Json(page))
}

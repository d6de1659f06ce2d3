//! Alerts: what somebody must see although no order waits for it. Each is raised once and cleared when it is over.

use super::dto::{Page, Time};
use super::guard::{Guard, OrdersRead};
use super::input::{Query, id, limit};
use super::problem::Problem;
use super::state::AppState;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::id::SkuId;
use wharf_store::alerts::{self, Wanted};
use wharf_store::{StoreError, stock};

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The SKU that an alert is about.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AlertSku {
    /// Id.
    pub id: String,
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
}

/// One alert.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AlertDto {
    /// Id.
    pub id: String,
    /// `low_stock · shop_silent · unconfirmed`.
    pub kind: String,
    /// The shop it is about.
    pub shop_id: Option<String>,
    /// The warehouse it is about.
    pub warehouse_id: Option<String>,
    /// The SKU it is about.
    pub sku: Option<AlertSku>,
    /// Values for its sentence: `available, low_at` · `shop, last_order_at` · `parcels, since` (instants in microseconds).
    #[schema(value_type = Object)]
    pub params: serde_json::Value,
    /// When it was raised.
    pub raised_at: Time,
    /// When it was over; absent while it is open.
    pub cleared_at: Option<Time>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AlertParams {
    /// Only this kind.
    kind: Option<String>,
    /// Those that are over, too.
    #[serde(default)]
    cleared: bool,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Alerts, the latest first; open ones unless asked otherwise.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "live", operation_id = "alerts", params(AlertParams),
    responses((status = 200, body = Page<AlertDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    guard: Guard<OrdersRead>,
    Query(params): Query<AlertParams>,
) -> Result<Json<Page<AlertDto>>, Problem> {
    let take = limit(params.limit)?;
    let kind = match params.kind.as_deref() {
        None => None,
        Some(word) => {
            let known = alerts::KINDS.into_iter().find(|kind| *kind == word);
            Some(known.ok_or_else(|| Problem::invalid("kind", format!("one of {}", alerts::KINDS.join(", "))))?)
        }
    };
    let wanted = Wanted { kind, cleared: params.cleared, before: params.cursor.as_deref().map(|c| id("cursor", c)).transpose()? };
    let scope = guard.who.scope;
    let (rows, names) = state
        .app
        .store
        .read(move |tx| -> Result<_, StoreError> {
            let rows = alerts::list(tx, &scope, &wanted, take)?;
            let skus: Vec<SkuId> = rows.iter().filter_map(|alert| alert.sku_id).collect();
            let names: HashMap<SkuId, (String, String)> = stock::sku_names(tx, &skus)?;
            Ok((rows, names))
        })
        .await?;
    let next = (rows.len() == take).then(|| rows.last()).flatten().map(|alert| alert.id.to_string());
    let items = rows
        .into_iter()
        .map(|alert| AlertDto {
            id: alert.id.to_string(),
            kind: alert.kind,
            shop_id: alert.shop_id.map(|id| id.to_string()),
            warehouse_id: alert.warehouse_id.map(|id| id.to_string()),
            sku: alert.sku_id.map(|id| {
                let (code, name) = names.get(&id).cloned().unwrap_or_default();
                AlertSku { id: id.to_string(), code, name }
            }),
            params: alert.params,
            raised_at: alert.raised_at.into(),
            cleared_at: alert.cleared_at.map(Time::from),
        })
        .collect();
    Ok(Json(Page { items, next }))
}

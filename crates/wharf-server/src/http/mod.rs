//! The HTTP face: routes, guards, OpenAPI. A handler reads input, checks the right, calls a flow or the store, shapes the
//! answer; it decides nothing.

pub mod alerts;
pub mod assets;
pub mod catalog;
pub mod dto;
pub mod events;
pub mod exports;
pub mod fulfillments;
pub mod guard;
pub mod health;
pub mod idempotency;
pub mod imports;
pub mod input;
pub mod jobs;
pub mod operations;
pub mod orders;
pub mod pack;
pub mod page;
pub mod parked;
pub mod people;
pub mod problem;
pub mod schema;
pub mod shipments;
pub mod shops;
pub mod state;
pub mod stock;
pub mod team;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware;
use axum::response::Json;
use axum::routing::get;
use axum::{Extension, Router};
use state::AppState;
use std::sync::Arc;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Largest body of an ordinary request; uploads have their own limit.
const LARGEST_BODY: usize = 4 << 20;

#[derive(OpenApi)]
#[openapi(
    info(title = "Wharf", description = "Orders of every shop in one place: from paid to delivered. Ids are strings, times RFC 3339 UTC, money decimal strings with their currency. Errors are problem+json with a stable `code`. Actions are bulk and answer for each id.", license(name = "Apache-2.0")),
    modifiers(&Security),
    tags(
        (name = "orders", description = "Orders, their facts, holds, findings and timeline"),
        (name = "fulfillments", description = "The work of one warehouse for one order"),
        (name = "shipments", description = "Parcels, waybills, labels and the print ledger"),
        (name = "pack", description = "The pack station"),
        (name = "stock", description = "Levels, the ledger and its explanations"),
        (name = "catalog", description = "SKUs, bundles, listings and links"),
        (name = "shops", description = "Vendors, shops and their completeness"),
        (name = "places", description = "Warehouses, carrier accounts and rate cards"),
        (name = "imports", description = "Files in"),
        (name = "exports", description = "Files out"),
        (name = "team", description = "People, roles, tokens and the audit log"),
        (name = "live", description = "Events and long operations"),
        (name = "health", description = "Is it alive, is it ready, how is it doing"),
    )
)]
struct Document;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(guard::COOKIE))));
        components.add_security_scheme("token", SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()));
        document.security =
            Some(vec![SecurityRequirement::new("session", [] as [&str; 0]), SecurityRequirement::new("token", [] as [&str; 0])]);
    }
}

/// All documented routes.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(events::events))
        .merge(team::routes())
        .merge(orders::routes())
        .merge(fulfillments::routes())
        .merge(shipments::routes())
        .merge(pack::routes())
        .merge(stock::routes())
        .merge(shops::routes())
        .merge(catalog::routes())
        .merge(imports::routes())
        .merge(exports::routes())
        .merge(operations::routes())
        .merge(jobs::routes())
        .merge(alerts::routes())
        .merge(parked::routes())
}

/// The OpenAPI document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().to_openapi()
}

/// The whole HTTP face.
pub fn router(state: AppState) -> Router {
    let (router, document) = routes().split_for_parts();
    let document = Arc::new(document);
    let page = utoipa_scalar::Scalar::new((*document).clone()).to_html();
    router
        .route("/api/v1/openapi.json", get(|Extension(document): Extension<Arc<utoipa::openapi::OpenApi>>| async move { Json((*document).clone()) }))
        .route("/docs", get(move || async move { axum::response::Html(page) }))
        .layer(Extension(document))
        .fallback(assets::asset)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn_with_state(state.clone(), idempotency::replay))
        .layer(middleware::from_fn_with_state(state.clone(), guard::authenticate))
        .layer(middleware::from_fn(observe))
        .layer(CompressionLayer::new())
        .layer(security_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(security_header(header::X_FRAME_OPTIONS, "DENY"))
        .layer(security_header(header::REFERRER_POLICY, "no-referrer"))
        .layer(security_header(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; img-src 'self' data: blob: https:; style-src 'self' 'unsafe-inline'; connect-src 'self' ws://127.0.0.1:13528 ws://localhost:13528; object-src 'self' blob:; frame-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'",
        ))
        .layer(TraceLayer::new_for_http())
        .with_state(state)
}

fn security_header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Counts and times requests by route, never by URL.
async fn observe(request: axum::extract::Request, next: middleware::Next) -> axum::response::Response {
    let route = request.extensions().get::<axum::extract::MatchedPath>().map_or("other".to_owned(), |p| p.as_str().to_owned());
    let method = request.method().clone();
    let started = tokio::time::Instant::now();
    let response = next.run(request).await;
    let labels = [("route", route), ("method", method.to_string()), ("code", response.status().as_u16().to_string())];
    metrics::counter!("wharf_http_requests_total", &labels).increment(1);
    metrics::histogram!("wharf_http_request_seconds", &labels).record(started.elapsed().as_secs_f64());
    response
}

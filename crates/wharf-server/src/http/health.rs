//! Is it alive, is it ready, how is it doing.

use super::problem::Problem;
use super::state::AppState;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use wharf_domain::time::MINUTE;
use wharf_store::{StoreError, completeness, confirmations, jobs, rollups, shops};

/// A confirmation that is open for longer is worth an alarm.
const OVERDUE: i64 = 30 * MINUTE;

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", operation_id = "healthz", security(()), responses((status = 200, description = "alive", body = String)))]
pub async fn healthz() -> &'static str {
    "ok"
}

/// The database answers.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "readyz", security(()),
    responses((status = 200, description = "ready", body = String), (status = 503, body = Problem)))]
pub async fn readyz(State(state): State<AppState>) -> Result<&'static str, Problem> {
    state.app.store.read(|_| Ok::<(), wharf_store::StoreError>(())).await?;
    Ok("ready")
}

/// Metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "health", operation_id = "metrics",
    responses((status = 200, description = "text/plain; version=0.0.4", body = String), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)))]
pub async fn metrics(State(state): State<AppState>, _: super::guard::Guard<super::guard::ShopsRead>) -> Result<Response, Problem> {
    gauge(&state).await?;
    let text = state.metrics.as_ref().map(metrics_exporter_prometheus::PrometheusHandle::render).unwrap_or_default();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

/// What is worth watching, read from counters at the moment it is asked for. Labels name words and ids, never people.
async fn gauge(state: &AppState) -> Result<(), Problem> {
    let now = state.app.now();
    let (counts, lanes, shops, parked, late) = state
        .app
        .store
        .read(move |tx| -> Result<_, StoreError> {
            let all = wharf_domain::access::Scope::ALL;
            let late = confirmations::overdue(tx, now.plus(-OVERDUE))?;
            Ok((rollups::counts(tx, &all, None)?, jobs::depths(tx)?, shops::list(tx, &all)?, completeness::parked_counts(tx)?, late))
        })
        .await?;
    let seconds = |from: wharf_domain::time::Timestamp| (now.since(from) as f64 / 1_000_000.0).max(0.0);
    for (phase, orders) in &counts.phases {
        metrics::gauge!("wharf_orders", "phase" => phase.to_string()).set(*orders as f64);
    }
    metrics::gauge!("wharf_confirmations_overdue").set(late.iter().map(|(_, parcels, _)| *parcels).sum::<i64>() as f64);
    for lane in lanes {
        for (job_status, jobs) in [("ready", lane.ready), ("running", lane.running), ("dead", lane.dead)] {
            metrics::gauge!("wharf_jobs", "lane" => lane.lane.clone(), "job_status" => job_status).set(jobs as f64);
        }
    }
    for shop in shops {
        let id = shop.id.to_string();
        if let Some(at) = shop.pulled_at {
            metrics::gauge!("wharf_shop_pull_age_seconds", "shop" => id.clone()).set(seconds(at));
        }
        metrics::gauge!("wharf_shop_parked", "shop" => id).set(parked.get(&shop.id).copied().unwrap_or(0) as f64);
    }
    Ok(())
}

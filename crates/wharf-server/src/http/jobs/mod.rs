//! Jobs for administrators: how deep each lane is, what gave up and why, try it again or let it go.

use super::dto::{Page, Time};
use super::guard::{Guard, ShopsManage};
use super::input::{Body, Query, id, ids, limit};
use super::page::{PageParams, Place, short};
use super::people::audited;
use super::problem::Problem;
use super::state::AppState;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::id::JobId;
use wharf_store::{StoreError, audit, jobs};

/// The most jobs of one action.
const MOST: usize = 1_000;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(depths)).routes(routes!(dead)).routes(routes!(retry)).routes(routes!(discard))
}

/// How deep a lane is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LaneDepth {
    /// The lane.
    pub lane: String,
    /// Jobs that wait.
    pub ready: i64,
    /// Jobs under way.
    pub running: i64,
    /// Jobs that gave up.
    pub dead: i64,
    /// When the oldest waiting one was due.
    pub oldest_run_at: Option<Time>,
}

/// A job that gave up. What it was to do is not shown: it may hold personal data.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeadJob {
    /// Id.
    pub id: String,
    /// Kind.
    pub kind: String,
    /// Lane.
    pub lane: String,
    /// Tries.
    pub attempts: i64,
    /// What went wrong at last.
    pub last_error: String,
    /// When it was made.
    pub created_at: Time,
    /// When it gave up.
    pub finished_at: Option<Time>,
}

/// All lanes.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "live", operation_id = "job_depths",
    params(PageParams),
    responses((status = 200, body = Page<LaneDepth>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn depths(
    State(state): State<AppState>,
    _: Guard<ShopsManage>,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<LaneDepth>>, Problem> {
    let rows = state.app.store.read(jobs::depths).await?;
    let page = short(
        rows,
        &params,
        |d| Place::name(&d.lane, 0),
        |d| LaneDepth { lane: d.lane, ready: d.ready, running: d.running, dead: d.dead, oldest_run_at: d.oldest_run_at.map(Time::from) },
    )?;
    Ok(Json(page))
}

/// Jobs that gave up, latest first.
#[utoipa::path(get, path = "/api/v1/jobs/dead", tag = "live", operation_id = "dead_jobs", params(PageParams),
    responses((status = 200, body = Page<DeadJob>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn dead(
    State(state): State<AppState>,
    _: Guard<ShopsManage>,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<DeadJob>>, Problem> {
    let take = limit(params.limit)?;
    let before: Option<JobId> = params.cursor.as_deref().map(|c| id("cursor", c)).transpose()?;
    let rows = state.app.store.read(move |tx| jobs::dead(tx, before, take as i64 + 1)).await?;
    let show = |j: jobs::JobView| DeadJob {
        id: j.id.to_string(),
        kind: j.kind,
        lane: j.lane,
        attempts: j.attempts,
        last_error: j.last_error.unwrap_or_default(),
        created_at: j.created_at.into(),
        finished_at: j.finished_at.map(Time::from),
    };
    Ok(Json(Page::cut(rows, take, |j| j.id.to_string(), show)))
}

/// Jobs by id.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct JobIds {
    /// Up to 1,000.
    ids: Vec<String>,
}

impl JobIds {
    fn parse(&self) -> Result<Vec<JobId>, Problem> {
        if self.ids.is_empty() || self.ids.len() > MOST {
            return Err(Problem::invalid("ids", format!("between 1 and {MOST}")));
        }
        ids("ids", &self.ids)
    }
}

/// How many jobs it was.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobsChanged {
    /// Jobs that were changed; the others were not dead.
    pub changed: u64,
}

/// Tries dead jobs again.
#[utoipa::path(post, path = "/api/v1/jobs/actions/retry", tag = "live", operation_id = "retry_jobs", request_body = JobIds,
    responses((status = 200, body = JobsChanged), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn retry(State(state): State<AppState>, guard: Guard<ShopsManage>, Body(input): Body<JobIds>) -> Result<Json<JobsChanged>, Problem> {
    let jobs = input.parse()?;
    let changed = state
        .app
        .store
        .write(move |tx| -> Result<u64, StoreError> {
            let changed = jobs::retry_dead(tx, &jobs)?.len() as u64;
            audit::record(tx, audited(&guard.who, "jobs_retried", "job", None, serde_json::json!({ "changed": changed })))?;
            Ok(changed)
        })
        .await?;
    Ok(Json(JobsChanged { changed }))
}

/// Lets dead jobs go for good.
#[utoipa::path(post, path = "/api/v1/jobs/actions/discard", tag = "live", operation_id = "discard_jobs", request_body = JobIds,
    responses((status = 200, body = JobsChanged), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn discard(
    State(state): State<AppState>,
    guard: Guard<ShopsManage>,
    Body(input): Body<JobIds>,
) -> Result<Json<JobsChanged>, Problem> {
    let jobs = input.parse()?;
    let changed = state
        .app
        .store
        .write(move |tx| -> Result<u64, StoreError> {
            let changed = jobs::discard_dead(tx, &jobs)?;
            audit::record(tx, audited(&guard.who, "jobs_discarded", "job", None, serde_json::json!({ "changed": changed })))?;
            Ok(changed)
        })
        .await?;
    Ok(Json(JobsChanged { changed }))
}

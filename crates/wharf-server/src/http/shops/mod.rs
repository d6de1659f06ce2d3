//! Shop endpoints: vendors and their forms, shops, their health and completeness, what could not be stored.

pub mod places;
pub mod shape;

use super::dto::{ActionAnswer, Page, Time};
use super::guard::{Guard, ShopsManage, ShopsRead, SignedIn};
use super::input::{Body, Id, Query, ids, if_match};
use super::page::{PageParams, Place, short};
use super::problem::Problem;
use super::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use shape::*;
use std::collections::{BTreeMap, HashMap};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_connect::Vendor;
use wharf_domain::id::ShopId;
use wharf_domain::money::Currency;
use wharf_domain::rules::ShopPolicy;
use wharf_domain::time::{HOUR, Timestamp};
use wharf_flows::app::Outcome;
use wharf_store::shops::{self, NewShop as StoreShop, Shop, ShopEdit, ShopState};
use wharf_store::{StoreError, completeness};

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(vendors))
        .routes(routes!(list, create))
        .routes(routes!(get, change))
        .routes(routes!(hours))
        .routes(routes!(pull))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .merge(places::routes())
}

/// Every company that Wharf can talk to, with the forms it needs.
#[utoipa::path(get, path = "/api/v1/vendors", tag = "shops", operation_id = "list_vendors", params(PageParams),
    responses((status = 200, body = Page<VendorDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 422, body = Problem)))]
async fn vendors(State(state): State<AppState>, _: SignedIn, Query(params): Query<PageParams>) -> Result<Json<Page<VendorDto>>, Problem> {
    let all = state.app.vendors.clone();
    Ok(Json(short(all, &params, |v| Place::name(v.manifest().id, 0), VendorDto::of)?))
}

pub(super) fn vendor(state: &AppState, id: &str) -> Result<&'static dyn Vendor, Problem> {
    state
        .app
        .vendors
        .iter()
        .find(|v| v.manifest().id == id)
        .copied()
        .ok_or_else(|| Problem::invalid("vendor", format!("{id:?} is none of the vendors: see GET /api/v1/vendors")))
}

fn shop(row: Shop, now: Timestamp, parked: i64) -> ShopDto {
    let lag = row.cursor_at.map(|c| now.since(c) / 1_000_000);
    let health = match (row.state, row.silent_since, &row.pull_error) {
        (ShopState::Active, None, None) => "ok",
        (ShopState::Active, Some(_), _) => "silent",
        (ShopState::Active, None, Some(_)) if lag.is_some_and(|l| l < 900) => "ok",
        _ => "stopped",
    };
    ShopDto {
        id: row.id.to_string(),
        vendor: row.vendor,
        name: row.name,
        external_id: row.external_id,
        shop_state: row.state.to_string(),
        state_detail: row.state_detail,
        health: health.to_owned(),
        settings: row.settings,
        policy: serde_json::to_value(&row.policy).unwrap_or_default(),
        zone: row.zone,
        currency: row.currency.code().to_owned(),
        cursor_at: row.cursor_at.map(Time::from),
        pulled_at: row.pulled_at.map(Time::from),
        lag_seconds: lag,
        pull_error: row.pull_error,
        last_order_at: row.last_order_at.map(Time::from),
        silent_since: row.silent_since.map(Time::from),
        parked,
        version: row.version,
    }
}

/// Shops with their health.
#[utoipa::path(get, path = "/api/v1/shops", tag = "shops", operation_id = "list_shops", params(PageParams),
    responses((status = 200, body = Page<ShopDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    guard: Guard<ShopsRead>,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<ShopDto>>, Problem> {
    let scope = guard.who.scope;
    let (rows, parked) = state
        .app
        .store
        .read(move |tx| -> Result<_, StoreError> { Ok((shops::list(tx, &scope)?, completeness::parked_counts(tx)?)) })
        .await?;
    let now = state.app.now();
    let show = |s: Shop| {
        let n = parked.get(&s.id).copied().unwrap_or(0);
        shop(s, now, n)
    };
    Ok(Json(short(rows, &params, |s| Place::name(&s.name, s.id.0), show)?))
}

async fn one(state: &AppState, id: ShopId) -> Result<ShopDto, Problem> {
    state
        .app
        .store
        .read(move |tx| -> Result<ShopDto, Problem> {
            let now = tx.now();
            let parked = completeness::parked_counts(tx)?.get(&id).copied().unwrap_or(0);
            shops::get(tx, id)?.map(|s| shop(s, now, parked)).ok_or_else(|| Problem::not_found("shop"))
        })
        .await
}

/// One shop.
#[utoipa::path(get, path = "/api/v1/shops/{id}", tag = "shops", operation_id = "get_shop", params(("id" = String, Path)),
    responses((status = 200, body = ShopDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn get(State(state): State<AppState>, guard: Guard<ShopsRead>, Id(id): Id<ShopId>) -> Result<Json<ShopDto>, Problem> {
    if !guard.who.scope.shop(id) {
        return Err(Problem::not_found("shop"));
    }
    one(&state, id).await.map(Json)
}

/// Connects a shop. Its first pull starts at once.
#[utoipa::path(post, path = "/api/v1/shops", tag = "shops", operation_id = "create_shop", request_body = NewShop,
    responses((status = 201, body = ShopDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create(
    State(state): State<AppState>,
    _: Guard<ShopsManage>,
    Body(new): Body<NewShop>,
) -> Result<(StatusCode, Json<ShopDto>), Problem> {
    let vendor = vendor(&state, &new.vendor)?;
    // A vendor of files has no channel: the orders of its shops come by files, or somebody types them.
    if vendor.channel().is_none() && vendor.files().is_none() {
        return Err(Problem::invalid("vendor", "is no marketplace"));
    }
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(Problem::invalid("name", "1 to 100 characters"));
    }
    let manifest = vendor.manifest();
    check_fields(manifest.credentials, &new.credentials, "credentials", true)?;
    check_fields(manifest.settings, &new.settings, "settings", true)?;
    let currency = Currency::new(manifest.currency).map_err(|e| Problem::invalid("vendor", e.to_string()))?;
    let row = StoreShop {
        vendor: new.vendor,
        name,
        external_id: String::new(),
        credentials: new.credentials,
        settings: new.settings,
        policy: ShopPolicy::default(),
        zone: manifest.zone.to_owned(),
        currency,
    };
    let id = wharf_flows::shops::connect(&state.app, row).await?;
    Ok((StatusCode::CREATED, Json(one(&state, id).await?)))
}

/// Only fields of the manifest, and the required ones filled.
pub(super) fn check_fields(
    fields: &[wharf_connect::CredentialField],
    given: &BTreeMap<String, String>,
    place: &str,
    whole: bool,
) -> Result<(), Problem> {
    if let Some(unknown) = given.keys().find(|k| !fields.iter().any(|f| f.name == k.as_str())) {
        let known: Vec<&str> = fields.iter().map(|f| f.name).collect();
        return Err(Problem::invalid(&format!("{place}.{unknown}"), format!("no such field; there are: {}", known.join(", "))));
    }
    if whole {
        for field in fields.iter().filter(|f| f.required && f.default.is_empty()) {
            if given.get(field.name).is_none_or(|v| v.trim().is_empty()) {
                return Err(Problem::invalid(&format!("{place}.{}", field.name), "is needed"));
            }
        }
    }
    if let Some(url) = given.get("base_url").filter(|u| !u.trim().is_empty())
        && !(url.starts_with("https://") || url.starts_with("http://"))
    {
        return Err(Problem::invalid(&format!("{place}.base_url"), "must start with https:// or http://"));
    }
    Ok(())
}

/// Changes a shop: name, credentials (given ones replace), settings, policy.
#[utoipa::path(patch, path = "/api/v1/shops/{id}", tag = "shops", operation_id = "change_shop", params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = ShopChange,
    responses((status = 200, body = ShopDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn change(
    State(state): State<AppState>,
    guard: Guard<ShopsManage>,
    Id(id): Id<ShopId>,
    headers: HeaderMap,
    Body(change): Body<ShopChange>,
) -> Result<Json<ShopDto>, Problem> {
    if !guard.who.scope.shop(id) {
        return Err(Problem::not_found("shop"));
    }
    let version = if_match(&headers)?;
    let before = one(&state, id).await?;
    let manifest = vendor(&state, &before.vendor)?.manifest();
    if let Some(given) = &change.credentials {
        check_fields(manifest.credentials, given, "credentials", false)?;
    }
    if let Some(given) = &change.settings {
        check_fields(manifest.settings, given, "settings", false)?;
    }
    if change.name.as_deref().is_some_and(|n| n.trim().is_empty() || n.chars().count() > 100) {
        return Err(Problem::invalid("name", "1 to 100 characters"));
    }
    let policy: Option<ShopPolicy> =
        change.policy.map(|p| serde_json::from_value(p).map_err(|e| Problem::invalid("policy", e.to_string()))).transpose()?;
    let signed_in_again = change.credentials.is_some();
    state
        .app
        .store
        .write(move |tx| -> Result<(), Problem> {
            // Given credentials and settings are laid over those that are there.
            let credentials = match change.credentials {
                Some(given) => {
                    let mut all = shops::credentials(tx, id)?;
                    all.extend(given);
                    Some(all)
                }
                None => None,
            };
            let current = shops::get(tx, id)?.ok_or_else(|| Problem::not_found("shop"))?;
            let settings = change.settings.map(|given| {
                let mut all = current.settings.clone();
                all.extend(given);
                all.retain(|_, v| !v.trim().is_empty());
                all
            });
            let state = (signed_in_again && current.state == ShopState::Reauthorize).then_some(ShopState::Active);
            let edit = ShopEdit { name: change.name.map(|n| n.trim().to_owned()), external_id: None, credentials, settings, policy, state };
            if !shops::edit(tx, id, &edit, version)? {
                return Err(Problem::conflict("the shop was changed by someone else: read it again", Some(current.version)));
            }
            tx.announce("shops");
            Ok(())
        })
        .await?;
    wharf_flows::shops::poke(&state.app, vec![id]).await?;
    one(&state, id).await.map(Json)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HourParams {
    /// How many hours back (24).
    hours: Option<u32>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Completeness by hour, oldest first: the channel's count beside ours.
#[utoipa::path(get, path = "/api/v1/shops/{id}/completeness", tag = "shops", operation_id = "shop_completeness", params(("id" = String, Path), HourParams),
    responses((status = 200, body = Page<CompletenessHour>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn hours(
    State(state): State<AppState>,
    guard: Guard<ShopsRead>,
    Id(id): Id<ShopId>,
    Query(params): Query<HourParams>,
) -> Result<Json<Page<CompletenessHour>>, Problem> {
    if !guard.who.scope.shop(id) {
        return Err(Problem::not_found("shop"));
    }
    let back = params.hours.unwrap_or(24);
    if !(1..=24 * 90).contains(&back) {
        return Err(Problem::invalid("hours", "between 1 and 2160"));
    }
    let rows = state
        .app
        .store
        .read(move |tx| {
            let from = tx.now().hour_floor().plus(-HOUR * i64::from(back - 1));
            completeness::hours(tx, id, from)
        })
        .await?;
    let now = state.app.store.now();
    let show = |h: completeness::Hour| CompletenessHour {
        verdict: match (h.theirs - h.ours, now.since(h.hour) < 2 * HOUR) {
            (0, _) => "complete",
            (_, true) => "closing",
            _ => "gap",
        }
        .to_owned(),
        hour: h.hour.into(),
        theirs: h.theirs,
        ours: h.ours,
        checked_at: h.checked_at.into(),
    };
    let ask = PageParams { limit: params.limit, cursor: params.cursor };
    Ok(Json(short(rows, &ask, |h| Place::ranked(h.hour.micros(), "", 0), show)?))
}

/// Shops to act on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ShopIds {
    /// Shops.
    ids: Vec<String>,
}

/// Pulls now.
#[utoipa::path(post, path = "/api/v1/shops/actions/pull", tag = "shops", operation_id = "pull_shops", request_body = ShopIds,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn pull(State(state): State<AppState>, guard: Guard<ShopsManage>, Body(input): Body<ShopIds>) -> Result<Json<ActionAnswer>, Problem> {
    let ids: Vec<ShopId> = ids("ids", &input.ids)?;
    let known: Vec<ShopId> = visible(&state, &guard.who.scope).await?;
    let found: Vec<ShopId> = ids.iter().copied().filter(|i| known.contains(i)).collect();
    wharf_flows::shops::poke(&state.app, found).await?;
    Ok(Json(ActionAnswer::new(
        ids.into_iter().map(|i| (i, if known.contains(&i) { Outcome::Done } else { Outcome::Refused("not_found".into()) })),
    )))
}

async fn visible(state: &AppState, scope: &wharf_domain::access::Scope) -> Result<Vec<ShopId>, Problem> {
    let scope = scope.clone();
    Ok(state.app.store.read(move |tx| shops::list(tx, &scope)).await?.into_iter().map(|s| s.id).collect())
}

async fn set_state(state: &AppState, guard: &Guard<ShopsManage>, input: ShopIds, to: ShopState) -> Result<Json<ActionAnswer>, Problem> {
    let ids: Vec<ShopId> = ids("ids", &input.ids)?;
    let scope = guard.who.scope.clone();
    let who = guard.who.name.clone();
    let outcomes = state
        .app
        .store
        .write(move |tx| -> Result<Vec<(ShopId, Outcome)>, StoreError> {
            let known: HashMap<ShopId, ShopState> = shops::list(tx, &scope)?.into_iter().map(|s| (s.id, s.state)).collect();
            let mut out = Vec::with_capacity(ids.len());
            for id in ids {
                let outcome = match known.get(&id) {
                    None => Outcome::Refused("not_found".into()),
                    Some(current) if *current == to => Outcome::Already,
                    Some(_) => {
                        shops::set_state(tx, id, to, &who)?;
                        Outcome::Done
                    }
                };
                out.push((id, outcome));
            }
            tx.announce("shops");
            Ok(out)
        })
        .await?;
    Ok(Json(ActionAnswer::new(outcomes)))
}

/// Stops pulling from and telling shops.
#[utoipa::path(post, path = "/api/v1/shops/actions/pause", tag = "shops", operation_id = "pause_shops", request_body = ShopIds,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn pause(
    State(state): State<AppState>,
    guard: Guard<ShopsManage>,
    Body(input): Body<ShopIds>,
) -> Result<Json<ActionAnswer>, Problem> {
    set_state(&state, &guard, input, ShopState::Paused).await
}

/// Goes on: what is due is pulled and told.
#[utoipa::path(post, path = "/api/v1/shops/actions/resume", tag = "shops", operation_id = "resume_shops", request_body = ShopIds,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn resume(
    State(state): State<AppState>,
    guard: Guard<ShopsManage>,
    Body(input): Body<ShopIds>,
) -> Result<Json<ActionAnswer>, Problem> {
    let answer = set_state(&state, &guard, input, ShopState::Active).await?;
    let resumed = answer.results.iter().filter(|r| r.outcome == "done").filter_map(|r| r.id.parse().ok()).collect();
    wharf_flows::shops::poke(&state.app, resumed).await?;
    Ok(answer)
}

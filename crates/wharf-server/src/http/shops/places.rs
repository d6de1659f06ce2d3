//! Warehouses, carrier accounts and their rate cards.

use super::{check_fields, vendor};
use crate::http::dto::{Money, Named, Page};
use crate::http::guard::{Guard, ShopsManage, ShopsRead, StockRead};
use crate::http::input::{Body, Id, Query, id, if_match};
use crate::http::page::{PageParams, Place, short};
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::address::Region;
use wharf_domain::geo::Point;
use wharf_domain::id::{CarrierAccountId, ShopId, WarehouseId};
use wharf_domain::money;
use wharf_domain::routing::Rate;
use wharf_domain::word::Word;
use wharf_store::StoreError;
use wharf_store::warehouses::{self, AccountInput, AccountRow, PackFlow, RateRow, WarehouseInput, WarehouseKind, WarehouseRow};

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_warehouses, create_warehouse))
        .routes(routes!(change_warehouse))
        .routes(routes!(list_accounts, create_account))
        .routes(routes!(change_account))
        .routes(routes!(rates, set_rates))
        .routes(routes!(rate_cards))
        .routes(routes!(numbers))
}

/// A place that holds stock.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WarehouseDto {
    /// Id; not sent.
    #[serde(default)]
    pub id: String,
    /// Short code.
    pub code: String,
    /// Name.
    pub name: String,
    /// `own · third_party · channel`.
    #[serde(default = "own_kind")]
    pub kind: String,
    /// Orders may be routed to it.
    #[serde(default = "yes")]
    pub active: bool,
    /// Higher is preferred.
    #[serde(default)]
    pub priority: i64,
    /// ISO 3166-1 alpha-2.
    #[serde(default = "china")]
    pub country: String,
    /// Province or state.
    #[serde(default)]
    pub province: String,
    /// City.
    #[serde(default)]
    pub city: String,
    /// District.
    #[serde(default)]
    pub district: String,
    /// Town or street office.
    #[serde(default)]
    pub town: String,
    /// Postal code.
    #[serde(default)]
    pub postal_code: String,
    /// Street.
    #[serde(default)]
    pub address: String,
    /// Who sends.
    #[serde(default)]
    pub contact: String,
    /// Phone of who sends.
    #[serde(default)]
    pub phone: String,
    /// Longitude × 10⁶; found from the region when absent.
    pub lng_e6: Option<i64>,
    /// Latitude × 10⁶.
    pub lat_e6: Option<i64>,
    /// `print_then_pack · pack_then_print`.
    #[serde(default = "print_first")]
    pub pack_flow: String,
    /// For `If-Match`; not sent.
    #[serde(default)]
    pub version: i64,
}

fn own_kind() -> String {
    WarehouseKind::Own.to_string()
}
fn print_first() -> String {
    PackFlow::PrintThenPack.to_string()
}
fn china() -> String {
    "CN".to_owned()
}
fn yes() -> bool {
    true
}

fn warehouse(row: WarehouseRow) -> WarehouseDto {
    WarehouseDto {
        id: row.id.to_string(),
        code: row.code,
        name: row.name,
        kind: row.kind.to_string(),
        active: row.active,
        priority: row.priority,
        country: row.region.country,
        province: row.region.province,
        city: row.region.city,
        district: row.region.district,
        town: row.region.town,
        postal_code: row.region.postal_code,
        address: row.address,
        contact: row.contact,
        phone: row.phone,
        lng_e6: row.point.map(|p| p.lng_e6),
        lat_e6: row.point.map(|p| p.lat_e6),
        pack_flow: row.pack_flow.to_string(),
        version: row.version,
    }
}

fn warehouse_input(dto: WarehouseDto) -> Result<WarehouseInput, Problem> {
    if dto.code.trim().is_empty() || dto.code.chars().count() > 40 {
        return Err(Problem::invalid("code", "1 to 40 characters"));
    }
    if dto.name.trim().is_empty() {
        return Err(Problem::invalid("name", "must not be empty"));
    }
    let point = match (dto.lng_e6, dto.lat_e6) {
        (Some(lng_e6), Some(lat_e6)) if lng_e6.abs() <= 180_000_000 && lat_e6.abs() <= 90_000_000 => Some(Point { lng_e6, lat_e6 }),
        (None, None) => None,
        _ => return Err(Problem::invalid("lng_e6", "longitude and latitude together, within ±180 and ±90 degrees")),
    };
    Ok(WarehouseInput {
        code: dto.code.trim().to_owned(),
        name: dto.name.trim().to_owned(),
        kind: WarehouseKind::parse(&dto.kind).map_err(|e| Problem::invalid("kind", e.to_string()))?,
        active: dto.active,
        priority: dto.priority,
        region: Region {
            country: dto.country,
            province: dto.province,
            city: dto.city,
            district: dto.district,
            town: dto.town,
            postal_code: dto.postal_code,
        },
        address: dto.address,
        contact: dto.contact,
        phone: dto.phone,
        point,
        pack_flow: PackFlow::parse(&dto.pack_flow).map_err(|e| Problem::invalid("pack_flow", e.to_string()))?,
    })
}

/// Warehouses, the preferred first.
#[utoipa::path(get, path = "/api/v1/warehouses", tag = "places", operation_id = "list_warehouses", params(PageParams),
    responses((status = 200, body = Page<WarehouseDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list_warehouses(
    State(state): State<AppState>,
    guard: Guard<StockRead>,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<WarehouseDto>>, Problem> {
    let mut rows = state.app.store.read(warehouses::all).await?;
    rows.retain(|w| guard.who.scope.warehouse(w.id));
    Ok(Json(short(rows, &params, |w| Place::ranked(w.priority.saturating_neg(), &w.code, w.id.0), warehouse)?))
}

/// Makes a warehouse.
#[utoipa::path(post, path = "/api/v1/warehouses", tag = "places", operation_id = "create_warehouse", request_body = WarehouseDto,
    responses((status = 201, body = WarehouseDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create_warehouse(
    State(state): State<AppState>,
    _: Guard<ShopsManage>,
    Body(dto): Body<WarehouseDto>,
) -> Result<(StatusCode, Json<WarehouseDto>), Problem> {
    let input = warehouse_input(dto)?;
    let row = state
        .app
        .store
        .write(move |tx| -> Result<Option<WarehouseRow>, StoreError> {
            let id = warehouses::create(tx, &input)?;
            warehouses::get(tx, id)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(warehouse(row.ok_or_else(|| Problem::not_found("warehouse"))?))))
}

/// Changes a warehouse, whole.
#[utoipa::path(put, path = "/api/v1/warehouses/{id}", tag = "places", operation_id = "change_warehouse", params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = WarehouseDto,
    responses((status = 200, body = WarehouseDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn change_warehouse(
    State(state): State<AppState>,
    guard: Guard<ShopsManage>,
    Id(id): Id<WarehouseId>,
    headers: HeaderMap,
    Body(dto): Body<WarehouseDto>,
) -> Result<Json<WarehouseDto>, Problem> {
    if !guard.who.scope.warehouse(id) {
        return Err(Problem::not_found("warehouse"));
    }
    let version = if_match(&headers)?;
    let input = warehouse_input(dto)?;
    let row = state
        .app
        .store
        .write(move |tx| -> Result<WarehouseRow, Problem> {
            let current = warehouses::get(tx, id)?.ok_or_else(|| Problem::not_found("warehouse"))?;
            if !warehouses::update(tx, id, &input, version)? {
                return Err(Problem::conflict("the warehouse was changed by someone else: read it again", Some(current.version)));
            }
            warehouses::get(tx, id)?.ok_or_else(|| Problem::not_found("warehouse"))
        })
        .await?;
    Ok(Json(warehouse(row)))
}

/// An account with a carrier.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CarrierAccountDto {
    /// Id.
    pub id: String,
    /// Manifest id of the carrier's vendor.
    pub vendor: String,
    /// Name.
    pub name: String,
    /// Open settings.
    pub settings: BTreeMap<String, String>,
    /// Only orders of this shop.
    pub shop_id: Option<String>,
    /// It may be chosen.
    pub active: bool,
    /// For `If-Match`.
    pub version: i64,
}

fn account(row: AccountRow) -> CarrierAccountDto {
    CarrierAccountDto {
        id: row.id.to_string(),
        vendor: row.vendor,
        name: row.name,
        settings: row.settings,
        shop_id: row.shop_id.map(|s| s.to_string()),
        active: row.active,
        version: row.version,
    }
}

/// A carrier account to make or change.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CarrierAccountInput {
    /// Manifest id of the carrier's vendor.
    pub vendor: String,
    /// Name.
    pub name: String,
    /// The manifest's credential fields; absent: as they are.
    pub credentials: Option<BTreeMap<String, String>>,
    /// The manifest's settings.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Only orders of this shop.
    pub shop_id: Option<String>,
    /// It may be chosen.
    #[serde(default = "yes")]
    pub active: bool,
}

fn account_input(state: &AppState, input: CarrierAccountInput, whole: bool) -> Result<AccountInput, Problem> {
    let vendor = vendor(state, &input.vendor)?;
    if vendor.carrier().is_none() {
        return Err(Problem::invalid("vendor", "is no carrier"));
    }
    let manifest = vendor.manifest();
    let none = BTreeMap::new();
    check_fields(manifest.credentials, input.credentials.as_ref().unwrap_or(&none), "credentials", whole)?;
    check_fields(manifest.settings, &input.settings, "settings", whole)?;
    if input.name.trim().is_empty() {
        return Err(Problem::invalid("name", "must not be empty"));
    }
    Ok(AccountInput {
        vendor: input.vendor,
        name: input.name.trim().to_owned(),
        credentials: input.credentials,
        settings: input.settings,
        shop_id: input.shop_id.as_deref().map(|s| id::<ShopId>("shop_id", s)).transpose()?,
        active: input.active,
    })
}

/// Carrier accounts.
#[utoipa::path(get, path = "/api/v1/carrier-accounts", tag = "places", operation_id = "list_carrier_accounts", params(PageParams),
    responses((status = 200, body = Page<CarrierAccountDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list_accounts(
    State(state): State<AppState>,
    _: Guard<ShopsRead>,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<CarrierAccountDto>>, Problem> {
    let rows = state.app.store.read(warehouses::accounts).await?;
    Ok(Json(short(rows, &params, |a| Place::name(&a.name, a.id.0), account)?))
}

/// Makes a carrier account.
#[utoipa::path(post, path = "/api/v1/carrier-accounts", tag = "places", operation_id = "create_carrier_account", request_body = CarrierAccountInput,
    responses((status = 201, body = CarrierAccountDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create_account(
    State(state): State<AppState>,
    _: Guard<ShopsManage>,
    Body(input): Body<CarrierAccountInput>,
) -> Result<(StatusCode, Json<CarrierAccountDto>), Problem> {
    let input = account_input(&state, input, true)?;
    let row = state
        .app
        .store
        .write(move |tx| -> Result<Option<AccountRow>, StoreError> {
            let id = warehouses::create_account(tx, &input)?;
            warehouses::get_account(tx, id)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(account(row.ok_or_else(|| Problem::not_found("carrier account"))?))))
}

/// Changes a carrier account.
#[utoipa::path(put, path = "/api/v1/carrier-accounts/{id}", tag = "places", operation_id = "change_carrier_account", params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = CarrierAccountInput,
    responses((status = 200, body = CarrierAccountDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn change_account(
    State(state): State<AppState>,
    _: Guard<ShopsManage>,
    Id(id): Id<CarrierAccountId>,
    headers: HeaderMap,
    Body(input): Body<CarrierAccountInput>,
) -> Result<Json<CarrierAccountDto>, Problem> {
    let version = if_match(&headers)?;
    let input = account_input(&state, input, false)?;
    let row = state
        .app
        .store
        .write(move |tx| -> Result<AccountRow, Problem> {
            let current = warehouses::get_account(tx, id)?.ok_or_else(|| Problem::not_found("carrier account"))?;
            if current.vendor != input.vendor {
                return Err(Problem::invalid("vendor", "an account keeps its carrier: make another account"));
            }
            if !warehouses::update_account(tx, id, &input, version)? {
                return Err(Problem::conflict("the account was changed by someone else: read it again", Some(current.version)));
            }
            warehouses::get_account(tx, id)?.ok_or_else(|| Problem::not_found("carrier account"))
        })
        .await?;
    Ok(Json(account(row)))
}

/// A price of a parcel: first weight, then steps, by destination; the longest matching destination wins.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateDto {
    /// Service word of the carrier.
    pub service: String,
    /// ISO 3166-1 alpha-2.
    #[serde(default = "china")]
    pub country: String,
    /// Province; empty = any.
    #[serde(default)]
    pub province: String,
    /// City; empty = any.
    #[serde(default)]
    pub city: String,
    /// Weight that the first price covers.
    pub first_grams: i64,
    /// First price.
    pub first: Money,
    /// Grams of a further step.
    pub step_grams: i64,
    /// Price of a step.
    pub step: Money,
    /// The heaviest parcel it takes.
    pub max_grams: i64,
    /// Days it promises.
    pub days: i64,
}

/// The rate card of an account.
#[utoipa::path(get, path = "/api/v1/carrier-accounts/{id}/rates", tag = "places", operation_id = "list_rates", params(("id" = String, Path), PageParams),
    responses((status = 200, body = Page<RateDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn rates(
    State(state): State<AppState>,
    _: Guard<ShopsRead>,
    Id(id): Id<CarrierAccountId>,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<RateDto>>, Problem> {
    let rows = state
        .app
        .store
        .read(move |tx| -> Result<Vec<RateRow>, Problem> {
            warehouses::get_account(tx, id)?.ok_or_else(|| Problem::not_found("carrier account"))?;
            Ok(warehouses::rates(tx, Some(id))?)
        })
        .await?;
    Ok(Json(short(rows, &params, rate_place, |r| rate_dto(r.rate))?))
}

/// Where a price stands in lists: by service and destination.
fn rate_place(row: &RateRow) -> Place {
    let Rate { service, country, province, city, .. } = &row.rate;
    Place::name(&format!("{service}\u{1f}{country}\u{1f}{province}\u{1f}{city}"), row.rate.account.0)
}

fn rate_dto(rate: Rate) -> RateDto {
    RateDto {
        service: rate.service,
        country: rate.country,
        province: rate.province,
        city: rate.city,
        first_grams: rate.first_grams,
        first: money::Money::new(rate.first_minor, rate.currency).into(),
        step_grams: rate.step_grams,
        step: money::Money::new(rate.step_minor, rate.currency).into(),
        max_grams: rate.max_grams,
        days: rate.days,
    }
}

/// A price and the account that asks it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RateCardRow {
    /// The carrier account.
    pub carrier_account: Named,
    /// Its carrier.
    pub vendor: String,
    /// The price.
    #[serde(flatten)]
    pub rate: RateDto,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RateCardParams {
    /// Id of a carrier account; absent: all of them.
    carrier_account: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// The prices of all carrier accounts, side by side. A card is replaced at `PUT /carrier-accounts/{id}/rates`.
#[utoipa::path(get, path = "/api/v1/rate-cards", tag = "places", operation_id = "list_rate_cards", params(RateCardParams),
    responses((status = 200, body = Page<RateCardRow>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn rate_cards(
    State(state): State<AppState>,
    _: Guard<ShopsRead>,
    Query(params): Query<RateCardParams>,
) -> Result<Json<Page<RateCardRow>>, Problem> {
    let only: Option<CarrierAccountId> = params.carrier_account.as_deref().map(|a| id("carrier_account", a)).transpose()?;
    let (rows, accounts) =
        state.app.store.read(move |tx| -> Result<_, StoreError> { Ok((warehouses::rates(tx, only)?, warehouses::accounts(tx)?)) }).await?;
    let known: HashMap<CarrierAccountId, AccountRow> = accounts.into_iter().map(|a| (a.id, a)).collect();
    let ask = PageParams { limit: params.limit, cursor: params.cursor };
    let show = |r: RateRow| {
        let account = known.get(&r.rate.account);
        RateCardRow {
            carrier_account: Named { id: r.rate.account.to_string(), name: account.map(|a| a.name.clone()).unwrap_or_default() },
            vendor: account.map(|a| a.vendor.clone()).unwrap_or_default(),
            rate: rate_dto(r.rate),
        }
    };
    Ok(Json(short(rows, &ask, rate_place, show)?))
}

fn rate(account: CarrierAccountId, index: usize, dto: RateDto) -> Result<Rate, Problem> {
    let field = |name: &str| format!("{index}.{name}");
    let currency = money::Currency::new(&dto.first.currency).map_err(|e| Problem::invalid(&field("first.currency"), e.to_string()))?;
    if dto.step.currency != dto.first.currency {
        return Err(Problem::invalid(&field("step.currency"), "must be that of the first price"));
    }
    let amount =
        |name: &str, m: &Money| money::Money::parse(&m.amount, currency).map_err(|e| Problem::invalid(&field(name), e.to_string()));
    let (first, step) = (amount("first.amount", &dto.first)?, amount("step.amount", &dto.step)?);
    if dto.first_grams <= 0 || dto.step_grams <= 0 || dto.max_grams < dto.first_grams || first.minor < 0 || step.minor < 0 || dto.days < 0 {
        return Err(Problem::invalid(
            &field("first_grams"),
            "weights above zero, prices and days not below zero, max_grams at least first_grams",
        ));
    }
    Ok(Rate {
        account,
        service: dto.service,
        country: dto.country,
        province: dto.province,
        city: dto.city,
        currency,
        first_grams: dto.first_grams,
        first_minor: first.minor,
        step_grams: dto.step_grams,
        step_minor: step.minor,
        max_grams: dto.max_grams,
        days: dto.days,
    })
}

/// Replaces the rate card of an account, whole.
#[utoipa::path(put, path = "/api/v1/carrier-accounts/{id}/rates", tag = "places", operation_id = "set_rates", params(("id" = String, Path)), request_body = Vec<RateDto>,
    responses((status = 204, description = "replaced"), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn set_rates(
    State(state): State<AppState>,
    _: Guard<ShopsManage>,
    Id(id): Id<CarrierAccountId>,
    Body(dtos): Body<Vec<RateDto>>,
) -> Result<StatusCode, Problem> {
    let rates = dtos.into_iter().enumerate().map(|(n, r)| rate(id, n, r)).collect::<Result<Vec<_>, _>>()?;
    state
        .app
        .store
        .write(move |tx| -> Result<(), Problem> {
            if warehouses::get_account(tx, id)?.is_none() {
                return Err(Problem::not_found("carrier account"));
            }
            Ok(warehouses::set_rates(tx, id, &rates)?)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Numbers to put into the pool of a contract carrier.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NumbersInput {
    /// Waybill numbers, each once.
    pub numbers: Vec<String>,
}

/// A pool of waybill numbers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NumbersDto {
    /// All numbers.
    pub total: i64,
    /// Numbers not used yet.
    pub free: i64,
}

/// Adds waybill numbers to the pool of an account; those that are there already stay as they are.
#[utoipa::path(post, path = "/api/v1/carrier-accounts/{id}/numbers", tag = "places", operation_id = "add_numbers", params(("id" = String, Path)), request_body = NumbersInput,
    responses((status = 200, body = NumbersDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn numbers(
    State(state): State<AppState>,
    _: Guard<ShopsManage>,
    Id(id): Id<CarrierAccountId>,
    Body(input): Body<NumbersInput>,
) -> Result<Json<NumbersDto>, Problem> {
    if input.numbers.len() > 100_000 || input.numbers.iter().any(|n| n.trim().is_empty() || n.len() > 64) {
        return Err(Problem::invalid("numbers", "up to 100,000, each 1 to 64 characters"));
    }
    let (total, free) = state
        .app
        .store
        .write(move |tx| -> Result<(i64, i64), Problem> {
            if warehouses::get_account(tx, id)?.is_none() {
                return Err(Problem::not_found("carrier account"));
            }
            let numbers: Vec<(Option<i64>, String)> = input.numbers.into_iter().map(|n| (None, n.trim().to_owned())).collect();
            warehouses::add_numbers(tx, id, &numbers)?;
            Ok(warehouses::numbers(tx, id)?)
        })
        .await?;
    Ok(Json(NumbersDto { total, free }))
}

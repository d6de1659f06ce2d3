//! The pack station: one scan in, what to do next out.

use super::guard::{Guard, ShipmentsAct};
use super::input::{Body, Id, id};
use super::orders::shape::MaskedRecipient;
use super::problem::Problem;
use super::shipments::actions::FileDto;
use super::shipments::masked;
use super::state::AppState;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::id::{ShipmentId, WarehouseId};
use wharf_flows::pack::{Bench, Packer, Scanned};

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(scan))
        .routes(routes!(station, place))
        .routes(routes!(put_aside))
        .routes(routes!(restart))
        .routes(routes!(weigh))
        .routes(routes!(acknowledge))
}

/// One scan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ScanInput {
    /// Which station.
    station: String,
    /// What the scanner read: a barcode or SKU code, a waybill number or an order number.
    code: String,
}

/// A line on the bench.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PackLine {
    /// SKU id.
    pub sku_id: String,
    /// SKU code.
    pub sku_code: String,
    /// Name.
    pub name: String,
    /// Variant as sold.
    pub variant: String,
    /// Picture.
    pub image_url: Option<String>,
    /// One of its barcodes.
    pub barcode: String,
    /// Where it lies.
    pub bin: String,
    /// SKU units.
    pub needed: i64,
    /// Scanned so far.
    pub scanned: i64,
}

/// The parcel on the bench.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PackParcel {
    /// Id.
    pub id: String,
    /// State.
    pub shipment_state: String,
    /// Why it must stop.
    pub stop_reason: String,
    /// Number.
    pub waybill_number: Option<String>,
    /// Carrier.
    pub carrier: String,
    /// Order numbers in it.
    pub orders: Vec<String>,
    /// Who receives, masked.
    pub recipient: Option<MaskedRecipient>,
    /// What is in it.
    pub lines: Vec<PackLine>,
    /// SKU units in it.
    pub needed: i64,
    /// Scanned so far.
    pub scanned: i64,
}

/// What the bench shows.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BenchDto {
    /// `opened · right · complete · wrong · unknown · stop · nothing_waits · already_packed · gone · no_waybill · other_warehouse`; `null` without a scan.
    pub outcome: Option<String>,
    /// Why it must stop.
    pub reason: Option<String>,
    /// The parcel.
    pub shipment: Option<PackParcel>,
    /// The label that came out now.
    pub label: Option<FileDto>,
    /// Why none came out, where one should have.
    pub label_refused: Option<String>,
    /// Parcels closed here today.
    pub packed_today: i64,
    /// Seconds a parcel, today.
    pub seconds_per_parcel: Option<i64>,
}

fn bench(b: Bench) -> BenchDto {
    let reason = match &b.scanned {
        Some(Scanned::Stop(why)) => Some(why.clone()),
        _ => None,
    };
    BenchDto {
        outcome: b.scanned.as_ref().map(|s| s.word().to_owned()),
        reason,
        shipment: b.parcel.map(|p| {
            // One row a SKU: the bench does not care which order a unit is for.
            let mut lines: BTreeMap<(String, String), PackLine> = BTreeMap::new();
            for l in &p.lines {
                let line = lines.entry((l.bin.clone(), l.sku_id.to_string())).or_insert_with(|| PackLine {
                    sku_id: l.sku_id.to_string(),
                    sku_code: l.sku_code.clone(),
                    name: l.name.clone(),
                    variant: l.variant.clone(),
                    image_url: l.image_url.clone(),
                    barcode: l.barcode.clone(),
                    bin: l.bin.clone(),
                    needed: 0,
                    scanned: 0,
                });
                line.needed += l.needed;
                line.scanned += l.scanned;
            }
            PackParcel {
                id: p.shipment.id.to_string(),
                shipment_state: p.shipment.state.to_string(),
                stop_reason: p.shipment.stop_reason,
                waybill_number: p.shipment.waybill_number,
                carrier: p.shipment.carrier_name,
                orders: p.orders.iter().map(|o| o.external_id.clone()).collect(),
                recipient: p.orders.first().map(|o| masked(&o.region, &o.recipient_name, &o.recipient_phone)),
                lines: lines.into_values().collect(),
                needed: p.needed,
                scanned: p.scanned,
            }
        }),
        label: b.label.map(|f| FileDto { id: f.batch_id.to_string(), media_type: f.media_type, documents: f.documents }),
        label_refused: b.label_refused,
        packed_today: b.packed_today,
        seconds_per_parcel: b.seconds_per_parcel,
    }
}

fn station_name(text: &str) -> Result<String, Problem> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > 40 {
        return Err(Problem::invalid("station", "1 to 40 characters"));
    }
    Ok(name.to_owned())
}

fn zone(state: &AppState) -> jiff::tz::TimeZone {
    state.zone.clone()
}

/// One scan: what to do next.
#[utoipa::path(post, path = "/api/v1/pack/scan", tag = "pack", operation_id = "pack_scan", request_body = ScanInput,
    responses((status = 200, body = BenchDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn scan(State(state): State<AppState>, guard: Guard<ShipmentsAct>, Body(input): Body<ScanInput>) -> Result<Json<BenchDto>, Problem> {
    let name = station_name(&input.station)?;
    if input.code.chars().count() > 200 {
        return Err(Problem::invalid("code", "at most 200 characters"));
    }
    let printing = super::shipments::actions::printing(&state, &guard.who, &name, "", "");
    let packer = Packer { actor: guard.who.actor(), user_id: Some(guard.who.user_id), printing };
    Ok(Json(bench(wharf_flows::pack::scan(&state.app, &packer, &name, &input.code).await?)))
}

/// What lies on the bench, without a scan.
#[utoipa::path(get, path = "/api/v1/pack/stations/{station}", tag = "pack", operation_id = "pack_station", params(("station" = String, Path)),
    responses((status = 200, body = BenchDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn station(State(state): State<AppState>, _: Guard<ShipmentsAct>, Path(station): Path<String>) -> Result<Json<BenchDto>, Problem> {
    let name = station_name(&station)?;
    Ok(Json(bench(wharf_flows::pack::station(&state.app, &name, zone(&state)).await?)))
}

/// Where a station stands.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlaceInput {
    /// Id of the warehouse.
    warehouse_id: String,
    /// Id of a wave to work on; absent: whatever waits.
    wave_id: Option<String>,
}

/// Says where a station stands.
#[utoipa::path(put, path = "/api/v1/pack/stations/{station}", tag = "pack", operation_id = "place_station", params(("station" = String, Path)), request_body = PlaceInput,
    responses((status = 204, description = "placed"), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn place(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Path(station): Path<String>,
    Body(input): Body<PlaceInput>,
) -> Result<StatusCode, Problem> {
    let name = station_name(&station)?;
    let warehouse: WarehouseId = id("warehouse_id", &input.warehouse_id)?;
    if !guard.who.scope.warehouse(warehouse) {
        return Err(Problem::not_found("warehouse"));
    }
    let wave = input.wave_id.as_deref().map(|w| id("wave_id", w)).transpose()?;
    wharf_flows::pack::place_station(&state.app, &name, warehouse, wave).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts the open parcel aside: its scans stay.
#[utoipa::path(post, path = "/api/v1/pack/stations/{station}/put_aside", tag = "pack", operation_id = "put_aside", params(("station" = String, Path)),
    responses((status = 204, description = "the bench is free"), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn put_aside(State(state): State<AppState>, _: Guard<ShipmentsAct>, Path(station): Path<String>) -> Result<StatusCode, Problem> {
    wharf_flows::pack::put_aside(&state.app, &station_name(&station)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Starts the open parcel over: nothing is scanned.
#[utoipa::path(post, path = "/api/v1/pack/stations/{station}/restart", tag = "pack", operation_id = "restart_parcel", params(("station" = String, Path)),
    responses((status = 204, description = "nothing is scanned"), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn restart(State(state): State<AppState>, _: Guard<ShipmentsAct>, Path(station): Path<String>) -> Result<StatusCode, Problem> {
    wharf_flows::pack::restart(&state.app, &station_name(&station)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the scale said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WeighInput {
    /// Id of the parcel.
    shipment_id: String,
    /// Grams.
    grams: i64,
}

/// How far the scale is from what was expected.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WeighAnswer {
    /// Grams above (or below) what the items weigh; absent when nothing is known of them.
    pub difference_grams: Option<i64>,
}

async fn seen(state: &AppState, guard: &Guard<ShipmentsAct>, id: ShipmentId) -> Result<(), Problem> {
    let scope = guard.who.scope.clone();
    let found = state.app.store.read(move |tx| super::shipments::visible(tx, &scope, &[id])).await?;
    if found.is_empty() { Err(Problem::not_found("shipment")) } else { Ok(()) }
}

/// Weighs a parcel.
#[utoipa::path(post, path = "/api/v1/pack/weigh", tag = "pack", operation_id = "weigh", request_body = WeighInput,
    responses((status = 200, body = WeighAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn weigh(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(input): Body<WeighInput>,
) -> Result<Json<WeighAnswer>, Problem> {
    let shipment: ShipmentId = id("shipment_id", &input.shipment_id)?;
    if !(1..=1_000_000).contains(&input.grams) {
        return Err(Problem::invalid("grams", "between 1 and 1,000,000"));
    }
    seen(&state, &guard, shipment).await?;
    let difference_grams = wharf_flows::pack::weigh(&state.app, &guard.who.actor(), shipment, input.grams).await?;
    Ok(Json(WeighAnswer { difference_grams }))
}

/// The person has put a stopped parcel back: the bench stops sounding.
#[utoipa::path(post, path = "/api/v1/pack/shipments/{id}/acknowledge", tag = "pack", operation_id = "acknowledge_stop", params(("id" = String, Path)),
    responses((status = 204, description = "acknowledged"), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn acknowledge(State(state): State<AppState>, guard: Guard<ShipmentsAct>, Id(id): Id<ShipmentId>) -> Result<StatusCode, Problem> {
    seen(&state, &guard, id).await?;
    wharf_flows::pack::acknowledge(&state.app, &guard.who.actor(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Fulfillment endpoints: the work of one warehouse for one order, its list, and what the warehouse does with it.

use super::dto::{ActionAnswer, Named, Page, ShopRef, Time};
use super::guard::{Guard, ShipmentsAct, ShipmentsRead};
use super::input::{Body, Id, Query, id, ids, limit};
use super::problem::Problem;
use super::state::AppState;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap, HashSet};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::access::Scope;
use wharf_domain::fulfillment::{FulfillmentState, RejectReason};
use wharf_domain::id::{FulfillmentId, FulfillmentLineId, OrderId, OrderLineId, ShopId, SkuId, WarehouseId};
use wharf_domain::stock::Condition;
use wharf_domain::word::Word;
use wharf_flows::app::Outcome;
use wharf_flows::fulfillment::Verb;
use wharf_store::fulfillment_list::{self, FulfillmentFilter};
use wharf_store::fulfillments::{self, FulfillmentRow};
use wharf_store::{StoreError, Tx, catalog, orders, shipments, shops, stock, warehouses};

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(pick))
        .routes(routes!(unpick))
        .routes(routes!(release))
        .routes(routes!(reject))
}

/// SKU units to be picked.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FulfillmentItem {
    /// SKU id.
    pub sku_id: String,
    /// SKU code.
    pub sku_code: String,
    /// Name.
    pub name: String,
    /// Where it lies.
    pub bin: String,
    /// SKU units.
    pub quantity: i64,
    /// Scanned so far.
    pub scanned: i64,
}

/// A line of the work.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FulfillmentLine {
    /// Id; a parcel is split by it.
    pub id: String,
    /// The line of the order.
    pub order_line_id: String,
    /// Title as sold.
    pub title: String,
    /// Variant as sold.
    pub variant: String,
    /// Units of the order line.
    pub quantity: i64,
    /// What is picked for it: several SKUs for a bundle.
    pub items: Vec<FulfillmentItem>,
}

/// The order of the work.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FulfillmentOrder {
    /// Id.
    pub id: String,
    /// The channel's number.
    pub external_id: String,
    /// Its shop.
    pub shop: ShopRef,
    /// What it waits for.
    pub phase: String,
}

/// The work for one order in one warehouse.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FulfillmentDto {
    /// Id.
    pub id: String,
    /// Its order.
    pub order: FulfillmentOrder,
    /// Where.
    pub warehouse: Named,
    /// `open · picking · packed · handed_over · cancelled`.
    pub fulfillment_state: String,
    /// Why the warehouse refused it; empty when it did not.
    pub reject_reason: String,
    /// Picked together with others.
    pub wave_id: Option<String>,
    /// What.
    pub lines: Vec<FulfillmentLine>,
    /// Parcels that carry it.
    pub shipments: Vec<String>,
    /// Why this warehouse.
    #[schema(value_type = Object)]
    pub trace: serde_json::Value,
    /// When it was made.
    pub created_at: Time,
    /// When it changed last.
    pub updated_at: Time,
    /// Rises with every change.
    pub version: i64,
}

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// States.
    state: Vec<String>,
    /// Ids of warehouses.
    warehouse: Vec<String>,
    /// Ids of shops.
    shop: Vec<String>,
    /// Ids of orders.
    order: Vec<String>,
    /// Refused by its warehouse or not.
    rejected: Option<bool>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// What was asked, cut to what the person may see; `None` when nothing is left.
fn within<I: PartialEq + Copy>(asked: Vec<I>, mine: Option<&Vec<I>>) -> Option<Vec<I>> {
    let Some(mine) = mine else { return Some(asked) };
    let left: Vec<I> = if asked.is_empty() { mine.clone() } else { asked.into_iter().filter(|i| mine.contains(i)).collect() };
    (!left.is_empty()).then_some(left)
}

/// Fulfillments, newest first.
#[utoipa::path(get, path = "/api/v1/fulfillments", tag = "fulfillments", operation_id = "list_fulfillments", params(ListParams),
    responses((status = 200, body = Page<FulfillmentDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    guard: Guard<ShipmentsRead>,
    Query(params): Query<ListParams>,
) -> Result<Json<Page<FulfillmentDto>>, Problem> {
    let take = limit(params.limit)?;
    let before: Option<FulfillmentId> = params.cursor.as_deref().map(|c| id("cursor", c)).transpose()?;
    let scope = guard.who.scope;
    let states: Vec<FulfillmentState> = params
        .state
        .iter()
        .map(|s| FulfillmentState::parse(s).map_err(|e| Problem::invalid("state", e.to_string())))
        .collect::<Result<_, _>>()?;
    let asked_warehouses: Vec<WarehouseId> = ids("warehouse", &params.warehouse)?;
    let asked_shops: Vec<ShopId> = ids("shop", &params.shop)?;
    let orders: Vec<OrderId> = ids("order", &params.order)?;
    let (Some(warehouses), Some(shops)) = (within(asked_warehouses, scope.warehouses.as_ref()), within(asked_shops, scope.shops.as_ref()))
    else {
        return Ok(Json(Page::whole(Vec::new())));
    };
    let filter = FulfillmentFilter { states, warehouses, shops, orders, rejected: params.rejected };
    let page = state
        .app
        .store
        .read(move |tx| -> Result<Page<FulfillmentDto>, StoreError> {
            let found = fulfillment_list::find(tx, &filter, before, take as i64 + 1)?;
            let page = Page::cut(found, take, ToString::to_string, |id| id);
            let mut rows = fulfillments::load(tx, &page.items)?;
            rows.reverse();
            Ok(Page { items: shown(tx, rows)?, next: page.next })
        })
        .await?;
    Ok(Json(page))
}

/// One fulfillment.
#[utoipa::path(get, path = "/api/v1/fulfillments/{id}", tag = "fulfillments", operation_id = "get_fulfillment", params(("id" = String, Path)),
    responses((status = 200, body = FulfillmentDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn get(
    State(state): State<AppState>,
    guard: Guard<ShipmentsRead>,
    Id(id): Id<FulfillmentId>,
) -> Result<Json<FulfillmentDto>, Problem> {
    let scope = guard.who.scope;
    let found = state
        .app
        .store
        .read(move |tx| -> Result<Option<FulfillmentDto>, StoreError> {
            let rows = visible(tx, &scope, &[id])?;
            Ok(shown(tx, rows)?.into_iter().next())
        })
        .await?;
    found.map(Json).ok_or_else(|| Problem::not_found("fulfillment"))
}

fn visible(tx: &mut Tx<'_>, scope: &Scope, asked: &[FulfillmentId]) -> Result<Vec<FulfillmentRow>, StoreError> {
    let mut rows = fulfillments::load(tx, asked)?;
    rows.retain(|f| scope.warehouse(f.warehouse_id) && scope.shop(f.shop_id));
    Ok(rows)
}

/// Rows as the API shows them: everything around them is read in a few statements for all of them.
fn shown(tx: &mut Tx<'_>, rows: Vec<FulfillmentRow>) -> Result<Vec<FulfillmentDto>, StoreError> {
    let places: HashMap<WarehouseId, String> = warehouses::all(tx)?.into_iter().map(|w| (w.id, w.name)).collect();
    let stores: HashMap<ShopId, ShopRef> = shops::list(tx, &Scope::ALL)?
        .into_iter()
        .map(|s| (s.id, ShopRef { id: s.id.to_string(), name: s.name, vendor: s.vendor }))
        .collect();
    let order_ids: Vec<OrderId> = rows.iter().map(|f| f.order_id).collect::<BTreeSet<_>>().into_iter().collect();
    let heads: HashMap<OrderId, orders::Order> = orders::orders(tx, &Scope::ALL, &order_ids)?.into_iter().map(|o| (o.id, o)).collect();
    let lines: HashMap<OrderLineId, (String, String)> =
        orders::lines(tx, &order_ids)?.into_values().flatten().map(|l| (l.id, (l.title, l.variant))).collect();
    let sku_ids: Vec<SkuId> =
        rows.iter().flat_map(|f| &f.lines).flat_map(|l| &l.items).map(|i| i.sku_id).collect::<BTreeSet<_>>().into_iter().collect();
    let skus: HashMap<SkuId, catalog::Sku> = catalog::skus(tx, &sku_ids)?.into_iter().map(|s| (s.id, s)).collect();
    let bins: HashMap<(SkuId, WarehouseId), String> = stock::levels(tx, &sku_ids)?
        .into_iter()
        .filter(|l| l.key.condition == Condition::Good)
        .map(|l| ((l.key.sku_id, l.key.warehouse_id), l.bin))
        .collect();
    let parcels: Vec<(String, HashSet<FulfillmentLineId>)> = shipments::of_orders(tx, &order_ids)?
        .into_iter()
        .map(|s| (s.id.to_string(), s.lines.iter().map(|l| l.fulfillment_line_id).collect()))
        .collect();
    Ok(rows
        .into_iter()
        .map(|f| {
            let head = heads.get(&f.order_id);
            FulfillmentDto {
                shipments: parcels
                    .iter()
                    .filter(|(_, inside)| f.lines.iter().any(|l| inside.contains(&l.id)))
                    .map(|(id, _)| id.clone())
                    .collect(),
                id: f.id.to_string(),
                order: FulfillmentOrder {
                    id: f.order_id.to_string(),
                    external_id: head.map(|o| o.external_id.clone()).unwrap_or_default(),
                    shop: stores.get(&f.shop_id).cloned().unwrap_or(ShopRef {
                        id: f.shop_id.to_string(),
                        name: String::new(),
                        vendor: String::new(),
                    }),
                    phase: head.map(|o| o.phase.to_string()).unwrap_or_default(),
                },
                warehouse: Named { id: f.warehouse_id.to_string(), name: places.get(&f.warehouse_id).cloned().unwrap_or_default() },
                fulfillment_state: f.state.to_string(),
                reject_reason: f.reject_reason.map(|r| r.to_string()).unwrap_or_default(),
                wave_id: f.wave_id.map(|w| w.to_string()),
                lines: f
                    .lines
                    .iter()
                    .map(|l| {
                        let (title, variant) = lines.get(&l.order_line_id).cloned().unwrap_or_default();
                        FulfillmentLine {
                            id: l.id.to_string(),
                            order_line_id: l.order_line_id.to_string(),
                            title,
                            variant,
                            quantity: l.quantity,
                            items: l
                                .items
                                .iter()
                                .map(|i| FulfillmentItem {
                                    sku_id: i.sku_id.to_string(),
                                    sku_code: skus.get(&i.sku_id).map(|s| s.code.clone()).unwrap_or_default(),
                                    name: skus.get(&i.sku_id).map(|s| s.name.clone()).unwrap_or_default(),
                                    bin: bins.get(&(i.sku_id, f.warehouse_id)).cloned().unwrap_or_default(),
                                    quantity: i.quantity,
                                    scanned: i.scanned,
                                })
                                .collect(),
                        }
                    })
                    .collect(),
                trace: f.trace,
                created_at: f.created_at.into(),
                updated_at: f.updated_at.into(),
                version: f.version,
            }
        })
        .collect())
}

/// Fulfillments to act on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FulfillmentIds {
    /// Up to 1,000.
    ids: Vec<String>,
    /// Only say what would happen.
    #[serde(default)]
    dry_run: bool,
}

async fn act(
    state: &AppState,
    guard: &Guard<ShipmentsAct>,
    verb: Verb,
    texts: &[String],
    dry_run: bool,
) -> Result<Json<ActionAnswer>, Problem> {
    if texts.is_empty() || texts.len() > 1_000 {
        return Err(Problem::invalid("ids", "between 1 and 1,000"));
    }
    let asked: Vec<FulfillmentId> = ids("ids", texts)?;
    let (scope, copy) = (guard.who.scope.clone(), asked.clone());
    let known: HashSet<FulfillmentId> =
        state.app.store.read(move |tx| visible(tx, &scope, &copy)).await?.into_iter().map(|f| f.id).collect();
    let (found, missing): (Vec<_>, Vec<_>) = asked.into_iter().partition(|i| known.contains(i));
    let mut outcomes = wharf_flows::fulfillment::act(&state.app, &guard.who.actor(), verb, &found, dry_run).await?;
    outcomes.extend(missing.into_iter().map(|i| (i, Outcome::Refused("not_found".into()))));
    Ok(Json(ActionAnswer::new(outcomes)))
}

/// Someone starts to walk for them.
#[utoipa::path(post, path = "/api/v1/fulfillments/actions/pick", tag = "fulfillments", operation_id = "pick_fulfillments", request_body = FulfillmentIds,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn pick(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(input): Body<FulfillmentIds>,
) -> Result<Json<ActionAnswer>, Problem> {
    act(&state, &guard, Verb::Pick, &input.ids, input.dry_run).await
}

/// The walk is called off; the goods go back.
#[utoipa::path(post, path = "/api/v1/fulfillments/actions/unpick", tag = "fulfillments", operation_id = "unpick_fulfillments", request_body = FulfillmentIds,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn unpick(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(input): Body<FulfillmentIds>,
) -> Result<Json<ActionAnswer>, Problem> {
    act(&state, &guard, Verb::Unpick, &input.ids, input.dry_run).await
}

/// Gives work back that is not packed: stock is free again, and the order is held until a person routes it.
#[utoipa::path(post, path = "/api/v1/fulfillments/actions/release", tag = "fulfillments", operation_id = "release_fulfillments", request_body = FulfillmentIds,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn release(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(input): Body<FulfillmentIds>,
) -> Result<Json<ActionAnswer>, Problem> {
    act(&state, &guard, Verb::Release, &input.ids, input.dry_run).await
}

/// What a warehouse cannot do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RejectInput {
    /// Up to 1,000.
    ids: Vec<String>,
    /// `out_of_stock · not_on_shelf · damaged · no_capacity · closed · other`.
    reason: String,
    /// In words; needed for `other`.
    #[serde(default)]
    note: String,
    /// Only say what would happen.
    #[serde(default)]
    dry_run: bool,
}

/// The warehouse refuses work that is not packed: stock is free again and the order is routed anew, never to this warehouse
/// unless a person names it.
#[utoipa::path(post, path = "/api/v1/fulfillments/actions/reject", tag = "fulfillments", operation_id = "reject_fulfillments", request_body = RejectInput,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn reject(
    State(state): State<AppState>,
    guard: Guard<ShipmentsAct>,
    Body(input): Body<RejectInput>,
) -> Result<Json<ActionAnswer>, Problem> {
    let reason = RejectReason::parse(&input.reason).map_err(|e| Problem::invalid("reason", e.to_string()))?;
    if input.note.chars().count() > 300 {
        return Err(Problem::invalid("note", "at most 300 characters"));
    }
    act(&state, &guard, Verb::Reject { reason, note: input.note }, &input.ids, input.dry_run).await
}

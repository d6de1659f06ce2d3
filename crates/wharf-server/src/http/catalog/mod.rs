//! Catalogue endpoints: SKUs, bundles, listings, and the links between them (asked once, remembered for ever).

use super::dto::{ActionAnswer, Money, Page, Time};
use super::guard::{CatalogRead, CatalogWrite, Guard};
use super::input::{Body, Query, id, limit};
use super::page::{PageParams, Place, short};
use super::problem::Problem;
use super::state::AppState;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::access::Permission;
use wharf_domain::catalog::LinkTarget;
use wharf_domain::id::{BundleId, ListingId, ShopId, SkuId};
use wharf_domain::money;
use wharf_store::{StoreError, catalog};

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_skus, save_skus))
        .routes(routes!(list_bundles, save_bundle))
        .routes(routes!(list_listings))
        .routes(routes!(link))
}

/// What a warehouse counts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SkuDto {
    /// Id.
    pub id: String,
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Weight of one.
    pub weight_grams: i64,
    /// Length, width, height.
    pub size_mm: [i64; 3],
    /// Cost of one; absent for roles that may not see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// Picture.
    pub image_url: Option<String>,
    /// What a scanner may read.
    pub barcodes: Vec<String>,
    /// For `If-Match`.
    pub version: i64,
}

fn sku(row: catalog::Sku, sees_cost: bool) -> SkuDto {
    SkuDto {
        id: row.id.to_string(),
        code: row.code,
        name: row.name,
        weight_grams: row.weight_grams,
        size_mm: row.size_mm,
        cost: row.cost.filter(|_| sees_cost).map(Money::from),
        image_url: row.image_url,
        barcodes: row.barcodes,
        version: row.version,
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SkuParams {
    /// Part of a code or name.
    #[serde(default)]
    q: String,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// SKUs by code.
#[utoipa::path(get, path = "/api/v1/skus", tag = "catalog", operation_id = "list_skus", params(SkuParams),
    responses((status = 200, body = Page<SkuDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn list_skus(
    State(state): State<AppState>,
    guard: Guard<CatalogRead>,
    Query(params): Query<SkuParams>,
) -> Result<Json<Page<SkuDto>>, Problem> {
    let take = limit(params.limit)?;
    let sees_cost = guard.who.may(Permission::ProfitRead);
    let page = state
        .app
        .store
        .read(move |tx| -> Result<Page<SkuDto>, StoreError> {
            let rows = catalog::sku_page(tx, &params.q, params.cursor.as_deref(), take + 1)?;
            Ok(Page::cut(rows, take, |r| wharf_domain::catalog::normal_code(&r.code), |r| sku(r, sees_cost)))
        })
        .await?;
    Ok(Json(page))
}

/// A SKU to make or change, by its code.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SkuInput {
    /// Code: the same code changes the same SKU.
    pub code: String,
    /// Name.
    pub name: String,
    /// Weight of one.
    #[serde(default)]
    pub weight_grams: i64,
    /// Length, width, height.
    #[serde(default)]
    pub size_mm: [i64; 3],
    /// Cost of one.
    pub cost: Option<Money>,
    /// Picture.
    pub image_url: Option<String>,
    /// What a scanner may read.
    #[serde(default)]
    pub barcodes: Vec<String>,
}

/// Several SKUs at once.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SkuInputs {
    /// Up to 1,000.
    pub skus: Vec<SkuInput>,
}

/// Makes or changes SKUs by their codes. Listings that wait for such a code are linked.
#[utoipa::path(post, path = "/api/v1/skus", tag = "catalog", operation_id = "save_skus", request_body = SkuInputs,
    responses((status = 200, body = Page<SkuDto>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn save_skus(
    State(state): State<AppState>,
    guard: Guard<CatalogWrite>,
    Body(input): Body<SkuInputs>,
) -> Result<Json<Page<SkuDto>>, Problem> {
    if input.skus.is_empty() || input.skus.len() > 1_000 {
        return Err(Problem::invalid("skus", "between 1 and 1,000"));
    }
    let mut new = Vec::with_capacity(input.skus.len());
    for (index, s) in input.skus.into_iter().enumerate() {
        let field = |name: &str| format!("skus.{index}.{name}");
        if s.code.trim().is_empty() || s.code.chars().count() > 200 {
            return Err(Problem::invalid(&field("code"), "1 to 200 characters"));
        }
        if s.weight_grams < 0 || s.size_mm.iter().any(|v| *v < 0) {
            return Err(Problem::invalid(&field("weight_grams"), "must not be negative"));
        }
        let cost = match s.cost {
            Some(cost) => {
                guard.who.need(Permission::ProfitRead)?;
                let currency =
                    money::Currency::new(&cost.currency).map_err(|e| Problem::invalid(&field("cost.currency"), e.to_string()))?;
                Some(money::Money::parse(&cost.amount, currency).map_err(|e| Problem::invalid(&field("cost.amount"), e.to_string()))?)
            }
            None => None,
        };
        new.push(catalog::NewSku {
            code: s.code,
            name: s.name,
            weight_grams: s.weight_grams,
            size_mm: s.size_mm,
            cost,
            image_url: s.image_url,
            barcodes: s.barcodes,
        });
    }
    let sees_cost = guard.who.may(Permission::ProfitRead);
    let ids = wharf_flows::link::save_skus(&state.app, new).await?;
    let rows = state.app.store.read(move |tx| catalog::skus(tx, &ids)).await?;
    Ok(Json(Page::whole(rows.into_iter().map(|r| sku(r, sees_cost)).collect())))
}

/// Sold as one, shipped as several SKUs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BundleDto {
    /// Id.
    pub id: String,
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Its parts.
    pub parts: Vec<BundlePart>,
}

/// A part of a bundle.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BundlePart {
    /// Id of the SKU.
    pub sku_id: String,
    /// Units of it.
    pub quantity: i64,
}

/// Bundles by code.
#[utoipa::path(get, path = "/api/v1/bundles", tag = "catalog", operation_id = "list_bundles", params(PageParams),
    responses((status = 200, body = Page<BundleDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list_bundles(
    State(state): State<AppState>,
    _: Guard<CatalogRead>,
    Query(params): Query<PageParams>,
) -> Result<Json<Page<BundleDto>>, Problem> {
    let rows = state.app.store.read(catalog::bundles).await?;
    Ok(Json(short(rows, &params, |b| Place::name(&wharf_domain::catalog::normal_code(&b.code), b.id.0), bundle)?))
}

fn bundle(row: catalog::Bundle) -> BundleDto {
    BundleDto {
        id: row.id.to_string(),
        code: row.code,
        name: row.name,
        parts: row.parts.into_iter().map(|(sku, quantity)| BundlePart { sku_id: sku.to_string(), quantity }).collect(),
    }
}

/// A bundle to make or change, by its code.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleInput {
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Its parts.
    pub parts: Vec<BundlePart>,
}

/// Makes or changes a bundle by its code.
#[utoipa::path(post, path = "/api/v1/bundles", tag = "catalog", operation_id = "save_bundle", request_body = BundleInput,
    responses((status = 200, body = BundleDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn save_bundle(
    State(state): State<AppState>,
    _: Guard<CatalogWrite>,
    Body(input): Body<BundleInput>,
) -> Result<Json<BundleDto>, Problem> {
    if input.code.trim().is_empty() {
        return Err(Problem::invalid("code", "must not be empty"));
    }
    if input.parts.is_empty() || input.parts.iter().any(|p| p.quantity <= 0) {
        return Err(Problem::invalid("parts", "at least one part, each with a quantity above zero"));
    }
    let parts =
        input.parts.iter().map(|p| Ok((id::<SkuId>("parts.sku_id", &p.sku_id)?, p.quantity))).collect::<Result<Vec<_>, Problem>>()?;
    let made = wharf_flows::link::save_bundle(&state.app, input.code, input.name, parts).await?;
    let rows = state.app.store.read(catalog::bundles).await?;
    rows.into_iter().find(|b| b.id == made).map(bundle).map(Json).ok_or_else(|| Problem::not_found("bundle"))
}

/// What a shop sells, as its channel shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ListingDto {
    /// Id.
    pub id: String,
    /// Its shop.
    pub shop_id: String,
    /// The channel's item id.
    pub item_id: String,
    /// The channel's SKU id.
    pub external_sku_id: String,
    /// What the seller typed on it.
    pub seller_code: String,
    /// Title.
    pub title: String,
    /// Variant.
    pub variant: String,
    /// Picture.
    pub image_url: Option<String>,
    /// The SKU it is linked to.
    pub sku_id: Option<String>,
    /// Units of the SKU for one of the listing.
    pub sku_quantity: Option<i64>,
    /// The bundle it is linked to.
    pub bundle_id: Option<String>,
    /// Since when.
    pub linked_at: Option<Time>,
    /// For `If-Match`.
    pub version: i64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListingParams {
    /// Id of a shop.
    shop: Option<String>,
    /// Only listings without link.
    #[serde(default)]
    unlinked: bool,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Listings, those without link first when asked.
#[utoipa::path(get, path = "/api/v1/listings", tag = "catalog", operation_id = "list_listings", params(ListingParams),
    responses((status = 200, body = Page<ListingDto>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn list_listings(
    State(state): State<AppState>,
    guard: Guard<CatalogRead>,
    Query(params): Query<ListingParams>,
) -> Result<Json<Page<ListingDto>>, Problem> {
    let take = limit(params.limit)?;
    let shop: Option<ShopId> = params.shop.as_deref().map(|v| id("shop", v)).transpose()?;
    let after: Option<ListingId> = params.cursor.as_deref().map(|v| id("cursor", v)).transpose()?;
    let scope = guard.who.scope;
    let rows = state.app.store.read(move |tx| catalog::listing_page(tx, &scope, shop, params.unlinked, after, take + 1)).await?;
    let show = |l: catalog::Listing| {
        let (sku_id, sku_quantity, bundle_id) = match l.target {
            Some(LinkTarget::Sku { sku_id, quantity }) => (Some(sku_id.to_string()), Some(quantity), None),
            Some(LinkTarget::Bundle { bundle_id }) => (None, None, Some(bundle_id.to_string())),
            None => (None, None, None),
        };
        ListingDto {
            id: l.id.to_string(),
            shop_id: l.shop_id.to_string(),
            item_id: l.item_id,
            external_sku_id: l.external_sku_id,
            seller_code: l.seller_code,
            title: l.title,
            variant: l.variant,
            image_url: l.image_url,
            sku_id,
            sku_quantity,
            bundle_id,
            linked_at: l.linked_at.map(Time::from),
            version: l.version,
        }
    };
    Ok(Json(Page::cut(rows, take, |r| r.id.to_string(), show)))
}

/// Listings and what one unit of each is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkInput {
    /// Listings.
    pub ids: Vec<String>,
    /// The SKU one unit is.
    pub sku_id: Option<String>,
    /// Units of the SKU (1 when absent).
    pub quantity: Option<i64>,
    /// Or the bundle one unit is. Neither: the link is taken away.
    pub bundle_id: Option<String>,
}

/// Links listings: past and future orders that wait for it move on.
#[utoipa::path(post, path = "/api/v1/listings/actions/link", tag = "catalog", operation_id = "link_listings", request_body = LinkInput,
    responses((status = 200, body = ActionAnswer), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn link(
    State(state): State<AppState>,
    guard: Guard<CatalogWrite>,
    Body(input): Body<LinkInput>,
) -> Result<Json<ActionAnswer>, Problem> {
    let listings: Vec<ListingId> = super::input::ids("ids", &input.ids)?;
    let quantity = input.quantity.unwrap_or(1);
    if !(1..=1_000_000).contains(&quantity) {
        return Err(Problem::invalid("quantity", "between 1 and 1,000,000"));
    }
    let target = match (input.sku_id.as_deref(), input.bundle_id.as_deref()) {
        (Some(_), Some(_)) => return Err(Problem::invalid("bundle_id", "a SKU or a bundle, not both")),
        (Some(sku), None) => Some(LinkTarget::Sku { sku_id: id("sku_id", sku)?, quantity }),
        (None, Some(bundle)) => Some(LinkTarget::Bundle { bundle_id: id::<BundleId>("bundle_id", bundle)? }),
        (None, None) => None,
    };
    let outcomes = wharf_flows::link::link(&state.app, &guard.who.scope, listings, target, guard.who.actor()).await?;
    Ok(Json(ActionAnswer::new(outcomes)))
}

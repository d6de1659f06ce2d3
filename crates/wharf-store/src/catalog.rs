//! The catalogue: SKUs and their barcodes, bundles and their parts, listings and the links between them. A link is asked
//! once: it stands on the listing, and every order line points at its listing.

use crate::{Row, StoreError, Tx, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use wharf_domain::access::Scope;
use wharf_domain::catalog::{LinkTarget, normal_code};
use wharf_domain::id::{BundleId, ListingId, OrderId, ShopId, SkuId};
use wharf_domain::money::{Currency, Money};
use wharf_domain::time::Timestamp;
use wharf_domain::timeline::Actor;

/// What a warehouse counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Sku {
    /// Its id.
    pub id: SkuId,
    /// The seller's code, as typed.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Weight of a unit.
    pub weight_grams: i64,
    /// Length, width, height; zeros when unknown.
    pub size_mm: [i64; 3],
    /// What a unit costs.
    pub cost: Option<Money>,
    /// Picture.
    pub image_url: Option<String>,
    /// Codes that a scanner reads for it.
    pub barcodes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Rises with every change.
    pub version: i64,
}

/// A SKU to be made, or changed where its code is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewSku {
    /// The seller's code; compared in its normal form.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Weight of a unit.
    pub weight_grams: i64,
    /// Length, width, height; zeros when unknown.
    pub size_mm: [i64; 3],
    /// What a unit costs.
    pub cost: Option<Money>,
    /// Picture.
    pub image_url: Option<String>,
    /// Codes that a scanner reads for it.
    pub barcodes: Vec<String>,
}

/// Sold as one, shipped as several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Its id.
    pub id: BundleId,
    /// The seller's code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What is in it.
    pub parts: Vec<(SkuId, i64)>,
}

/// What a shop sells, as the channel shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// Its id.
    pub id: ListingId,
    /// The shop.
    pub shop_id: ShopId,
    /// The channel's item id.
    pub item_id: String,
    /// The channel's SKU id; empty for an item without variants.
    pub external_sku_id: String,
    /// What the seller typed on it.
    pub seller_code: String,
    /// Title as last sold.
    pub title: String,
    /// Variant as last sold.
    pub variant: String,
    /// Picture.
    pub image_url: Option<String>,
    /// What it resolves to.
    pub target: Option<LinkTarget>,
    /// When it was linked.
    pub linked_at: Option<Timestamp>,
    /// By whom (an actor as JSON).
    pub linked_by: Option<Actor>,
    /// Rises with every change of the link.
    pub version: i64,
}

/// How a channel names a listing. Unique within a shop.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListingKey {
    /// The channel's item id.
    pub item_id: String,
    /// The channel's SKU id.
    pub external_sku_id: String,
    /// The seller's code.
    pub seller_code: String,
}

/// A listing as an order line shows it.
#[derive(Debug, Clone)]
pub struct SeenListing {
    /// Its key.
    pub key: ListingKey,
    /// Title.
    pub title: String,
    /// Variant.
    pub variant: String,
    /// Picture.
    pub image_url: Option<String>,
}

/// A listing and whether it is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListingRef {
    /// Its id.
    pub id: ListingId,
    /// It resolves to something.
    pub linked: bool,
}

const SKU: &str = "id, code, name, weight_grams, length_mm, width_mm, height_mm, cost_minor, cost_currency, image_url, created_at, version";

fn read_sku(row: &Row) -> Result<Sku, StoreError> {
    let cost = match (row.opt_int(7)?, row.opt_str(8)?) {
        (Some(minor), Some(code)) => Some(Money::new(minor, Currency::new(code).map_err(|_| row.inconsistent(8))?)),
        _ => None,
    };
    Ok(Sku {
        id: row.id(0)?,
        code: row.text(1)?,
        name: row.text(2)?,
        weight_grams: row.int(3)?,
        size_mm: [row.int(4)?, row.int(5)?, row.int(6)?],
        cost,
        image_url: row.opt_text(9)?,
        barcodes: Vec::new(),
        created_at: row.time(10)?,
        version: row.int(11)?,
    })
}

fn with_barcodes(tx: &mut Tx<'_>, rows: &[Row]) -> Result<Vec<Sku>, StoreError> {
    let mut skus = rows.iter().map(read_sku).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<Value> = skus.iter().map(|sku| sku.id.into()).collect();
    let mut codes: HashMap<SkuId, Vec<String>> = HashMap::new();
    for row in tx.query_in("SELECT sku_id, barcode FROM sku_barcodes WHERE sku_id IN ({ids}) ORDER BY barcode", &ids, &[])? {
        codes.entry(row.id(0)?).or_default().push(row.text(1)?);
    }
    for sku in &mut skus {
        sku.barcodes = codes.remove(&sku.id).unwrap_or_default();
    }
    Ok(skus)
}

/// Makes SKUs, or changes those whose code (in its normal form) is known; barcodes are added, never taken away. Listings
/// of these seller codes that have no link are linked. Answers ids in the order given.
pub fn save_skus(tx: &mut Tx<'_>, skus: &[NewSku]) -> Result<Vec<SkuId>, StoreError> {
    // The last of one code counts: PostgreSQL touches a row once a statement.
    let by_code: BTreeMap<String, &NewSku> = skus.iter().map(|sku| (normal_code(&sku.code), sku)).collect();
    let rows: Vec<Vec<Value>> = by_code
        .iter()
        .map(|(normal, sku)| {
            vec![
                tx.new_id::<SkuId>().into(),
                (&sku.code).into(),
                normal.into(),
                (&sku.name).into(),
                sku.weight_grams.into(),
                sku.size_mm[0].into(),
                sku.size_mm[1].into(),
                sku.size_mm[2].into(),
                sku.cost.map(|cost| cost.minor).into(),
                sku.cost.map(|cost| cost.currency.code().to_owned()).into(),
                sku.image_url.clone().into(),
                tx.now().into(),
            ]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO skus (id, code, code_normal, name, weight_grams, length_mm, width_mm, height_mm, cost_minor, cost_currency, image_url, created_at)",
        &rows,
        "ON CONFLICT (code_normal) DO UPDATE SET name = excluded.name, weight_grams = excluded.weight_grams, length_mm = excluded.length_mm, \
         width_mm = excluded.width_mm, height_mm = excluded.height_mm, cost_minor = COALESCE(excluded.cost_minor, skus.cost_minor), \
         cost_currency = COALESCE(excluded.cost_currency, skus.cost_currency), image_url = COALESCE(excluded.image_url, skus.image_url), \
         version = skus.version + 1",
    )?;
    let codes: Vec<String> = by_code.keys().cloned().collect();
    let found = sku_ids(tx, &codes)?;
    let mut barcodes: BTreeMap<&str, SkuId> = BTreeMap::new();
    for (normal, sku) in &by_code {
        let Some(id) = found.get(normal) else { continue };
        for code in sku.barcodes.iter().map(|code| code.trim()).filter(|code| !code.is_empty()) {
            barcodes.insert(code, *id);
        }
    }
    let rows: Vec<Vec<Value>> = barcodes.iter().map(|(code, id)| vec![(*code).into(), (*id).into()]).collect();
    tx.insert_many("INSERT INTO sku_barcodes (barcode, sku_id)", &rows, "ON CONFLICT (barcode) DO UPDATE SET sku_id = excluded.sku_id")?;
    skus.iter()
        .map(|sku| found.get(&normal_code(&sku.code)).copied().ok_or(StoreError::Database("a SKU that was saved is gone".to_owned())))
        .collect()
}

/// Ids of SKUs by normal codes.
pub fn sku_ids(tx: &mut Tx<'_>, normal_codes: &[String]) -> Result<HashMap<String, SkuId>, StoreError> {
    let codes: Vec<Value> = normal_codes.iter().map(Value::from).collect();
    tx.query_in("SELECT id, code_normal FROM skus WHERE code_normal IN ({ids})", &codes, &[])?
        .iter()
        .map(|row| Ok((row.text(1)?, row.id(0)?)))
        .collect()
}

/// SKUs by id.
pub fn skus(tx: &mut Tx<'_>, ids: &[SkuId]) -> Result<Vec<Sku>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in(&format!("SELECT {SKU} FROM skus WHERE id IN ({{ids}})"), &ids, &[])?;
    with_barcodes(tx, &rows)
}

/// SKUs after one in the order of their codes; `q` is the beginning of a code or name, or a barcode.
pub fn sku_page(tx: &mut Tx<'_>, q: &str, after: Option<&str>, limit: usize) -> Result<Vec<Sku>, StoreError> {
    let q = normal_code(q);
    let like = format!("{}%", crate::order_list::escape_like(&q));
    let rows = tx.query(
        &format!(
            "SELECT {SKU} FROM skus WHERE code_normal > $1 AND ($2 = '' OR code_normal LIKE $3 ESCAPE '!' OR lower(name) LIKE $4 ESCAPE '!' \
             OR id IN (SELECT sku_id FROM sku_barcodes WHERE barcode = $2)) ORDER BY code_normal LIMIT $5"
        ),
        &[after.map(normal_code).unwrap_or_default().into(), (&q).into(), (&like).into(), format!("%{like}").into(), limit.into()],
    )?;
    with_barcodes(tx, &rows)
}

/// The SKU that a scanned code names: a barcode, else its own code.
pub fn sku_by_scan(tx: &mut Tx<'_>, code: &str) -> Result<Option<SkuId>, StoreError> {
    if let Some(row) = tx.query_opt("SELECT sku_id FROM sku_barcodes WHERE barcode = $1", &[code.trim().into()])? {
        return Ok(Some(row.id(0)?));
    }
    tx.query_opt("SELECT id FROM skus WHERE code_normal = $1", &[normal_code(code).into()])?.map(|row| row.id(0)).transpose()
}

/// Makes a bundle, or gives the one of this code new parts.
pub fn save_bundle(tx: &mut Tx<'_>, code: &str, name: &str, parts: &[(SkuId, i64)]) -> Result<BundleId, StoreError> {
    let fresh: BundleId = tx.new_id();
    tx.execute(
        "INSERT INTO bundles (id, code, code_normal, name, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (code_normal) DO UPDATE SET name = excluded.name",
        &[fresh.into(), code.into(), normal_code(code).into(), name.into(), tx.now().into()],
    )?;
    let row = tx.query_opt("SELECT id FROM bundles WHERE code_normal = $1", &[normal_code(code).into()])?;
    let id: BundleId = row.ok_or(StoreError::Database("a bundle that was saved is gone".to_owned()))?.id(0)?;
    tx.execute("DELETE FROM bundle_parts WHERE bundle_id = $1", &[id.into()])?;
    let merged = parts.iter().fold(BTreeMap::<SkuId, i64>::new(), |mut sum, (sku, quantity)| {
        *sum.entry(*sku).or_default() += quantity;
        sum
    });
    let rows: Vec<Vec<Value>> = merged.iter().map(|(sku, quantity)| vec![id.into(), (*sku).into(), (*quantity).into()]).collect();
    tx.insert_many("INSERT INTO bundle_parts (bundle_id, sku_id, quantity)", &rows, "")?;
    Ok(id)
}

/// All bundles, by code.
pub fn bundles(tx: &mut Tx<'_>) -> Result<Vec<Bundle>, StoreError> {
    let rows = tx.query("SELECT id, code, name FROM bundles ORDER BY code_normal", &[])?;
    let mut bundles = rows
        .iter()
        .map(|row| Ok(Bundle { id: row.id(0)?, code: row.text(1)?, name: row.text(2)?, parts: Vec::new() }))
        .collect::<Result<Vec<_>, StoreError>>()?;
    let ids: Vec<BundleId> = bundles.iter().map(|bundle| bundle.id).collect();
    let mut parts = bundle_parts(tx, &ids)?;
    for bundle in &mut bundles {
        bundle.parts = parts.remove(&bundle.id).unwrap_or_default();
    }
    Ok(bundles)
}

/// What is in bundles.
pub fn bundle_parts(tx: &mut Tx<'_>, ids: &[BundleId]) -> Result<HashMap<BundleId, Vec<(SkuId, i64)>>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let mut parts: HashMap<BundleId, Vec<(SkuId, i64)>> = HashMap::new();
    for row in tx.query_in("SELECT bundle_id, sku_id, quantity FROM bundle_parts WHERE bundle_id IN ({ids}) ORDER BY sku_id", &ids, &[])? {
        parts.entry(row.id(0)?).or_default().push((row.id(1)?, row.int(2)?));
    }
    Ok(parts)
}

const LISTING: &str = "id, shop_id, item_id, external_sku_id, seller_code, title, variant, image_url, sku_id, sku_quantity, bundle_id, linked_at, linked_by, version";

fn target(row: &Row, sku: usize, quantity: usize, bundle: usize) -> Result<Option<LinkTarget>, StoreError> {
    Ok(match (row.opt_id(sku)?, row.opt_id(bundle)?) {
        (Some(sku_id), None) => Some(LinkTarget::Sku { sku_id, quantity: row.int(quantity)? }),
        (None, Some(bundle_id)) => Some(LinkTarget::Bundle { bundle_id }),
        (None, None) => None,
        (Some(_), Some(_)) => return Err(row.inconsistent(bundle)),
    })
}

fn read_listing(row: &Row) -> Result<Listing, StoreError> {
    Ok(Listing {
        id: row.id(0)?,
        shop_id: row.id(1)?,
        item_id: row.text(2)?,
        external_sku_id: row.text(3)?,
        seller_code: row.text(4)?,
        title: row.text(5)?,
        variant: row.text(6)?,
        image_url: row.opt_text(7)?,
        target: target(row, 8, 9, 10)?,
        linked_at: row.opt_time(11)?,
        linked_by: row.opt_json(12)?,
        version: row.int(13)?,
    })
}

/// The listings of a shop by their keys, made where they are new; new ones are linked by their seller code to the SKU or
/// bundle of that code.
pub fn see_listings(tx: &mut Tx<'_>, shop: ShopId, seen: &[SeenListing]) -> Result<HashMap<ListingKey, ListingRef>, StoreError> {
    let by_key: BTreeMap<&ListingKey, &SeenListing> = seen.iter().map(|listing| (&listing.key, listing)).collect();
    let mut known = listing_refs(tx, shop, &by_key.keys().copied().collect::<Vec<_>>())?;
    let fresh: Vec<&SeenListing> = by_key.iter().filter(|(key, _)| !known.contains_key(**key)).map(|(_, listing)| *listing).collect();
    if fresh.is_empty() {
        return Ok(known);
    }
    let rows: Vec<Vec<Value>> = fresh
        .iter()
        .map(|listing| {
            vec![
                tx.new_id::<ListingId>().into(),
                shop.into(),
                (&listing.key.item_id).into(),
                (&listing.key.external_sku_id).into(),
                (&listing.key.seller_code).into(),
                (&listing.title).into(),
                (&listing.variant).into(),
                listing.image_url.clone().into(),
                tx.now().into(),
            ]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO listings (id, shop_id, item_id, external_sku_id, seller_code, title, variant, image_url, created_at)",
        &rows,
        "ON CONFLICT (shop_id, item_id, external_sku_id, seller_code) DO NOTHING",
    )?;
    let keys: Vec<&ListingKey> = fresh.iter().map(|listing| &listing.key).collect();
    let made = listing_refs(tx, shop, &keys)?;
    let unlinked: Vec<(ListingId, &str)> =
        made.iter().filter(|(_, listing)| !listing.linked).map(|(key, listing)| (listing.id, key.seller_code.as_str())).collect();
    let linked: BTreeSet<ListingId> = link_by_code(tx, &unlinked)?.into_iter().collect();
    known.extend(
        made.into_iter().map(|(key, listing)| (key, ListingRef { linked: listing.linked || linked.contains(&listing.id), ..listing })),
    );
    Ok(known)
}

fn listing_refs(tx: &mut Tx<'_>, shop: ShopId, keys: &[&ListingKey]) -> Result<HashMap<ListingKey, ListingRef>, StoreError> {
    let wanted: BTreeSet<&ListingKey> = keys.iter().copied().collect();
    let items: Vec<Value> = wanted.iter().map(|key| (&key.item_id).into()).collect();
    let rows = tx.query_in(
        "SELECT id, item_id, external_sku_id, seller_code, CASE WHEN sku_id IS NULL AND bundle_id IS NULL THEN 0 ELSE 1 END FROM listings \
         WHERE shop_id = $1 AND item_id IN ({ids})",
        &items,
        &[shop.into()],
    )?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let key = ListingKey { item_id: row.text(1)?, external_sku_id: row.text(2)?, seller_code: row.text(3)? };
        if wanted.contains(&key) {
            found.insert(key, ListingRef { id: row.id(0)?, linked: row.bool(4)? });
        }
    }
    Ok(found)
}

/// Links listings without a link to the SKU or bundle of their seller code. Answers those that were linked.
fn link_by_code(tx: &mut Tx<'_>, unlinked: &[(ListingId, &str)]) -> Result<Vec<ListingId>, StoreError> {
    let codes: BTreeSet<String> = unlinked.iter().map(|(_, code)| normal_code(code)).filter(|code| !code.is_empty()).collect();
    let values: Vec<Value> = codes.iter().map(Value::from).collect();
    let skus: HashMap<String, SkuId> = sku_ids(tx, &codes.iter().cloned().collect::<Vec<_>>())?;
    let bundles: HashMap<String, BundleId> = tx
        .query_in("SELECT id, code_normal FROM bundles WHERE code_normal IN ({ids})", &values, &[])?
        .iter()
        .map(|row| Ok((row.text(1)?, row.id(0)?)))
        .collect::<Result<_, StoreError>>()?;
    let by = Value::json(&Actor::Rule { name: "seller_code".to_owned(), version: 1 });
    let rows: Vec<Vec<Value>> = unlinked
        .iter()
        .filter_map(|(id, code)| {
            let code = normal_code(code);
            let (sku, bundle) = (skus.get(&code).copied(), bundles.get(&code).copied());
            // A code that is both a SKU and a bundle is ambiguous: a person decides.
            (sku.is_some() != bundle.is_some()).then(|| vec![(*id).into(), sku.into(), bundle.into()])
        })
        .collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    tx.execute_rows(
        "UPDATE listings SET sku_id = CAST(v.column2 AS BIGINT), bundle_id = CAST(v.column3 AS BIGINT), sku_quantity = 1, linked_at = $1, linked_by = $2, \
         version = version + 1 FROM {rows} AS v WHERE listings.id = v.column1 AND listings.sku_id IS NULL AND listings.bundle_id IS NULL",
        &rows,
        &[tx.now().into(), by],
    )?;
    Ok(unlinked.iter().map(|(id, _)| *id).filter(|id| rows.iter().any(|row| row[0] == Value::from(*id))).collect())
}

/// Links every unlinked listing whose seller code now names a SKU or bundle; answers the listings.
pub fn link_known_codes(tx: &mut Tx<'_>) -> Result<Vec<ListingId>, StoreError> {
    let rows = tx.query("SELECT id, seller_code FROM listings WHERE sku_id IS NULL AND bundle_id IS NULL AND seller_code <> ''", &[])?;
    let unlinked = rows.iter().map(|row| Ok((row.id(0)?, row.text(1)?))).collect::<Result<Vec<(ListingId, String)>, StoreError>>()?;
    let borrowed: Vec<(ListingId, &str)> = unlinked.iter().map(|(id, code)| (*id, code.as_str())).collect();
    link_by_code(tx, &borrowed)
}

/// Sets or clears the link of a listing, if it still has `version` (when one is given).
pub fn link(tx: &mut Tx<'_>, listing: ListingId, target: Option<LinkTarget>, by: &Actor, version: Option<i64>) -> Result<bool, StoreError> {
    let (sku, quantity, bundle) = match target {
        Some(LinkTarget::Sku { sku_id, quantity }) => (Some(sku_id), quantity, None),
        Some(LinkTarget::Bundle { bundle_id }) => (None, 1, Some(bundle_id)),
        None => (None, 1, None),
    };
    let changed = tx.execute(
        "UPDATE listings SET sku_id = $2, sku_quantity = $3, bundle_id = $4, linked_at = $5, linked_by = $6, version = version + 1 \
         WHERE id = $1 AND (CAST($7 AS BIGINT) < 0 OR version = $7)",
        &[
            listing.into(),
            sku.into(),
            quantity.into(),
            bundle.into(),
            target.map(|_| tx.now()).into(),
            target.map(|_| serde_json::to_string(by).unwrap_or_default()).into(),
            version.unwrap_or(-1).into(),
        ],
    )?;
    Ok(changed == 1)
}

/// Listings by id.
pub fn listings(tx: &mut Tx<'_>, ids: &[ListingId]) -> Result<Vec<Listing>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.query_in(&format!("SELECT {LISTING} FROM listings WHERE id IN ({{ids}})"), &ids, &[])?.iter().map(read_listing).collect()
}

/// Listings of a scope after an id; `unlinked` shows only what waits for a link.
pub fn listing_page(
    tx: &mut Tx<'_>,
    scope: &Scope,
    shop: Option<ShopId>,
    unlinked: bool,
    after: Option<ListingId>,
    limit: usize,
) -> Result<Vec<Listing>, StoreError> {
    let mut conditions = vec!["id > $1".to_owned()];
    let mut params: Vec<Value> = vec![after.unwrap_or(ListingId(0)).into()];
    if unlinked {
        conditions.push("sku_id IS NULL AND bundle_id IS NULL".to_owned());
    }
    for shops in [shop.map(|id| vec![id]), scope.shops.clone()].into_iter().flatten() {
        if shops.is_empty() {
            return Ok(Vec::new());
        }
        let list: Vec<String> = shops
            .iter()
            .map(|id| {
                params.push((*id).into());
                format!("${}", params.len())
            })
            .collect();
        conditions.push(format!("shop_id IN ({})", list.join(", ")));
    }
    params.push(limit.into());
    let sql = format!("SELECT {LISTING} FROM listings WHERE {} ORDER BY id LIMIT ${}", conditions.join(" AND "), params.len());
    tx.query(&sql, &params)?.iter().map(read_listing).collect()
}

/// What one unit of each listing is made of: SKU units. A listing without link is absent.
pub fn compositions(tx: &mut Tx<'_>, listings: &[ListingId]) -> Result<HashMap<ListingId, Vec<(SkuId, i64)>>, StoreError> {
    let ids: Vec<Value> = listings.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in("SELECT id, sku_id, sku_quantity, bundle_id FROM listings WHERE id IN ({ids})", &ids, &[])?;
    let targets = rows.iter().map(|row| Ok((row.id::<ListingId>(0)?, target(row, 1, 2, 3)?))).collect::<Result<Vec<_>, StoreError>>()?;
    let bundles: Vec<BundleId> = targets
        .iter()
        .filter_map(|(_, target)| match target {
            Some(LinkTarget::Bundle { bundle_id }) => Some(*bundle_id),
            Some(LinkTarget::Sku { .. }) | None => None,
        })
        .collect();
    let parts = bundle_parts(tx, &bundles)?;
    Ok(targets
        .into_iter()
        .filter_map(|(id, target)| match target? {
            LinkTarget::Sku { sku_id, quantity } => Some((id, vec![(sku_id, quantity)])),
            LinkTarget::Bundle { bundle_id } => parts.get(&bundle_id).map(|parts| (id, parts.clone())),
        })
        .collect())
}

/// Orders with something still to send whose lines show one of these listings.
pub fn open_orders_of(tx: &mut Tx<'_>, listings: &[ListingId]) -> Result<Vec<OrderId>, StoreError> {
    let ids: Vec<Value> = listings.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in(
        "SELECT DISTINCT l.order_id FROM order_lines l JOIN orders o ON o.id = l.order_id \
         WHERE l.listing_id IN ({ids}) AND o.phase IN ('unpaid', 'held', 'review', 'mapping', 'stock', 'part_shipped')",
        &ids,
        &[],
    )?;
    let mut orders = rows.iter().map(|row| row.id(0)).collect::<Result<Vec<OrderId>, _>>()?;
    orders.sort_unstable();
    orders.dedup();
    Ok(orders)
}

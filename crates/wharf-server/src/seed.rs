//! The demo's own side: articles, warehouses, stock, carriers and prices are written through the same functions that people
//! use; shops are connected to the market over the real protocols.

use crate::http::state::AppState;
use crate::setup::SetupError;
use anyhow::{Context, bail};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use wharf_connect::http::HttpRequest;
use wharf_connect::world::demo::DemoHouse;
use wharf_domain::address::Region;
use wharf_domain::geo::Point;
use wharf_domain::id::{CarrierAccountId, ShopId, SkuId, WarehouseId};
use wharf_domain::money::{CNY, Currency, Money};
use wharf_domain::routing::Rate;
use wharf_domain::rules::ShopPolicy;
use wharf_domain::stock::{Condition, MovementKind};
use wharf_domain::timeline::Actor;
use wharf_store::catalog::{self, NewSku};
use wharf_store::shops::NewShop;
use wharf_store::stock::{Cause, Entry, LevelKey, LevelSettings};
use wharf_store::warehouses::{AccountInput, PackFlow, WarehouseInput, WarehouseKind};
use wharf_store::{Tx, settings, shops, stock, warehouses};

/// Remembers that the house is furnished.
const DONE: &str = "demo.furnished";
/// Units left at which the demo warns.
const LOW: i64 = 5;

/// Accounts that the market opened for us.
#[derive(Debug, Deserialize)]
struct Accounts {
    shops: Vec<Account>,
    carriers: Vec<Account>,
}

/// One account of the market.
#[derive(Deserialize)]
struct Account {
    name: String,
    key: String,
    vendor: String,
    credentials: BTreeMap<String, String>,
    settings: BTreeMap<String, String>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("vendor", &self.vendor).field("key", &self.key).finish_non_exhaustive()
    }
}

/// Furnishes an empty house for the market at `world`; a furnished one is left as it is, only addresses and sign-ins of the
/// market are brought up to date (it may answer on another port now).
pub async fn furnish(state: &AppState, world: &str, house: DemoHouse) -> anyhow::Result<()> {
    let accounts = accounts(state, world).await?;
    let furnished = state.app.store.read(|tx| settings::get::<bool>(tx, DONE)).await?.is_some();
    if !furnished {
        let extra: Vec<(String, Vec<String>)> = state
            .app
            .vendors
            .iter()
            .filter(|v| v.sandbox().is_none())
            .filter_map(|v| {
                v.carrier()
                    .filter(|c| c.numbers().is_some())
                    .map(|c| (v.manifest().id.to_owned(), c.services().iter().map(|(word, _)| (*word).to_owned()).collect()))
            })
            .collect();
        state.app.store.write(move |tx| build(tx, &house, &extra)).await.context("the demo could not be furnished")?;
    }
    connect(state, accounts).await
}

async fn accounts(state: &AppState, world: &str) -> anyhow::Result<Accounts> {
    let request = HttpRequest {
        method: "GET",
        url: format!("{}/_world/shops", world.trim_end_matches('/')),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: std::time::Duration::from_secs(10),
    };
    let answer = state
        .app
        .http
        .send(request)
        .await
        .with_context(|| format!("the market at {world} does not answer: is `wharf sandbox` running?"))?;
    if answer.status != 200 {
        bail!("the market at {world} answered {}", answer.status);
    }
    serde_json::from_slice(&answer.body).with_context(|| format!("{world} is no market of `wharf sandbox`"))
}

fn actor() -> Actor {
    Actor::Import { source: "demo".to_owned() }
}

fn build(tx: &mut Tx<'_>, house: &DemoHouse, extra: &[(String, Vec<String>)]) -> Result<(), SetupError> {
    let articles: Vec<NewSku> = house
        .skus
        .iter()
        .map(|s| NewSku {
            code: s.code.clone(),
            name: s.name.clone(),
            weight_grams: s.weight_grams,
            size_mm: s.size_mm,
            cost: Some(Money::new(s.cost_minor, CNY)),
            image_url: None,
            barcodes: vec![s.barcode.clone()],
        })
        .collect();
    let ids = catalog::save_skus(tx, &articles)?;
    let by_code: HashMap<&str, SkuId> = house.skus.iter().map(|s| s.code.as_str()).zip(ids).collect();
    for bundle in &house.bundles {
        let parts: Vec<(SkuId, i64)> = bundle.parts.iter().filter_map(|(code, n)| by_code.get(code.as_str()).map(|id| (*id, *n))).collect();
        catalog::save_bundle(tx, &bundle.code, &bundle.name, &parts)?;
    }
    let mut places: HashMap<&str, WarehouseId> = HashMap::new();
    for (rank, w) in house.warehouses.iter().enumerate() {
        let input = WarehouseInput {
            code: w.code.clone(),
            name: w.name.clone(),
            kind: WarehouseKind::Own,
            active: true,
            priority: -(rank as i64),
            region: Region {
                country: "CN".into(),
                province: w.province.clone(),
                city: w.city.clone(),
                district: w.district.clone(),
                town: w.town.clone(),
                postal_code: w.postal_code.clone(),
            },
            address: w.address.clone(),
            contact: w.contact.clone(),
            phone: w.phone.clone(),
            point: Some(Point { lng_e6: w.lng_e6, lat_e6: w.lat_e6 }),
            pack_flow: PackFlow::PrintThenPack,
        };
        places.insert(&w.code, warehouses::create(tx, &input)?);
    }
    let mut entries = Vec::new();
    let mut levels = Vec::new();
    for row in &house.stock {
        let (Some(warehouse_id), Some(sku_id)) = (places.get(row.warehouse.as_str()), by_code.get(row.sku.as_str())) else { continue };
        let key = LevelKey { sku_id: *sku_id, warehouse_id: *warehouse_id, condition: Condition::Good };
        entries.push(Entry { key, kind: MovementKind::Received, quantity: row.quantity, note: "opening stock".into() });
        levels.push((key, LevelSettings { bin: Some(row.bin.clone()), low_at: Some(Some(LOW)), ..LevelSettings::default() }));
    }
    stock::record(tx, &entries, Cause { kind: "import", id: None }, &actor())?
        .map_err(|bad| SetupError::new(format!("opening stock line {} is not lawful", bad.index)))?;
    for (key, level) in &levels {
        stock::set(tx, *key, level)?;
    }
    // The contract carrier: numbers of our own, for regions and days when the platform's carriers are not wanted.
    for (vendor, services) in extra {
        let settings = BTreeMap::from([
            ("carrier_name".to_owned(), "合约快递".to_owned()),
            ("number_prefix".to_owned(), "HT".to_owned()),
            ("number_from".to_owned(), "100000001".to_owned()),
            ("number_to".to_owned(), "109999999".to_owned()),
        ]);
        let account = warehouses::create_account(
            tx,
            &AccountInput { vendor: vendor.clone(), name: "合约快递".into(), credentials: None, settings, shop_id: None, active: true },
        )?;
        if let Some(service) = services.first() {
            warehouses::set_rates(tx, account, &[rate(account, service, "", [1000, 380, 1000, 150], 30_000, 4)])?;
        }
    }
    settings::put(tx, "demo.rates", &house_rates(house), None)?;
    settings::put(tx, DONE, &true, None)?;
    Ok(())
}

type StoredRate = (String, String, [i64; 4], i64, i64);

fn house_rates(house: &DemoHouse) -> Vec<StoredRate> {
    house
        .rates
        .iter()
        .map(|r| (r.carrier.clone(), r.province.clone(), [r.first_grams, r.first_minor, r.step_grams, r.step_minor], r.max_grams, r.days))
        .collect()
}

fn rate(
    account: CarrierAccountId,
    service: &str,
    province: &str,
    [first_grams, first_minor, step_grams, step_minor]: [i64; 4],
    max_grams: i64,
    days: i64,
) -> Rate {
    Rate {
        account,
        service: service.to_owned(),
        country: "CN".into(),
        province: province.to_owned(),
        city: String::new(),
        currency: CNY,
        first_grams,
        first_minor,
        step_grams,
        step_minor,
        max_grams,
        days,
    }
}

/// Shops and carrier accounts of the market: made when they are new, else given their current address and sign-in.
async fn connect(state: &AppState, accounts: Accounts) -> anyhow::Result<()> {
    let mut by_key: HashMap<String, ShopId> = HashMap::new();
    for account in accounts.shops {
        let (wanted, key) = (account.name.clone(), account.key.clone());
        let found = state
            .app
            .store
            .read(move |tx| shops::list(tx, &wharf_domain::access::Scope::ALL))
            .await?
            .into_iter()
            .find(|s| s.name == wanted);
        let id = match found {
            Some(shop) => {
                let edit = shops::ShopEdit {
                    credentials: Some(account.credentials),
                    settings: Some(account.settings),
                    ..shops::ShopEdit::default()
                };
                let id = shop.id;
                state.app.store.write(move |tx| shops::edit(tx, id, &edit, None)).await?;
                id
            }
            None => {
                let vendor = state.app.vendor(&account.vendor).map_err(|e| anyhow::anyhow!("{e}"))?;
                let currency = Currency::new(vendor.manifest().currency)?;
                let new = NewShop {
                    vendor: account.vendor,
                    name: account.name,
                    external_id: String::new(),
                    credentials: account.credentials,
                    settings: account.settings,
                    policy: ShopPolicy::default(),
                    zone: vendor.manifest().zone.to_owned(),
                    currency,
                };
                wharf_flows::shops::connect(&state.app, new).await.map_err(|e| anyhow::anyhow!("{e}"))?
            }
        };
        by_key.insert(key, id);
    }
    for account in accounts.carriers {
        let Some(shop_id) = by_key.get(&account.key).copied() else { continue };
        state
            .app
            .store
            .write(move |tx| -> Result<(), SetupError> {
                let name = format!("{} · {}", account.vendor, account.name);
                let input = AccountInput {
                    vendor: account.vendor,
                    name: name.clone(),
                    credentials: Some(account.credentials),
                    settings: account.settings,
                    shop_id: Some(shop_id),
                    active: true,
                };
                match warehouses::accounts(tx)?.into_iter().find(|a| a.name == name) {
                    Some(known) => {
                        warehouses::update_account(tx, known.id, &input, None)?;
                    }
                    None => {
                        let id = warehouses::create_account(tx, &input)?;
                        let stored: Vec<StoredRate> = settings::get(tx, "demo.rates")?.map(|(rates, _)| rates).unwrap_or_default();
                        let rates: Vec<Rate> = stored
                            .iter()
                            .map(|(carrier, province, prices, most, days)| rate(id, carrier, province, *prices, *most, *days))
                            .collect();
                        warehouses::set_rates(tx, id, &rates)?;
                    }
                }
                Ok(())
            })
            .await?;
    }
    let ids = by_key.into_values().collect();
    wharf_flows::shops::poke(&state.app, ids).await.map_err(|e| anyhow::anyhow!("{e}"))
}

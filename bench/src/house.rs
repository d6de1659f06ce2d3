//! A database as a seller has it: four shops and two hundred articles, before its first order.

use crate::orders::{SKUS, code, rfc3339};
use anyhow::{Context, anyhow};
use async_trait::async_trait;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Runtime;
use wharf_connect::Http;
use wharf_connect::http::{HttpRequest, HttpResponse, TransportError};
use wharf_domain::id::ShopId;
use wharf_domain::money::CNY;
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::rules::ShopPolicy;
use wharf_flows::app::{App, FlowError};
use wharf_flows::ingest::{Batch, CursorMove, Ingested, Source, ingest};
use wharf_server::clock::SystemClock;
use wharf_store::catalog::NewSku;
use wharf_store::shops::NewShop;
use wharf_store::{Clock, Keys, Store, StoreError, StoreOptions, catalog, shops};

/// Shops of a house.
pub const SHOPS: usize = 4;

/// Ingest calls nobody.
struct NoHttp;

#[async_trait]
impl Http for NoHttp {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        Err(TransportError::NotSent("measurements call nobody".to_owned()))
    }
}

/// Flows on a store.
pub fn app_on(store: Store) -> Arc<App> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Arc::new(App::new(store, Arc::new(NoHttp), wharf_vendors::all(), clock, 1))
}

/// A fresh folder with a database in it.
pub struct House {
    /// Flows run on it.
    pub app: Arc<App>,
    /// Its shops.
    pub shops: Vec<ShopId>,
    /// The database file.
    pub file: PathBuf,
    folder: PathBuf,
}

impl House {
    /// An empty one with shops and articles.
    pub fn fresh(folder: &Path) -> anyhow::Result<House> {
        if folder.exists() {
            std::fs::remove_dir_all(folder).with_context(|| format!("cannot clear {}", folder.display()))?;
        }
        let (store, file) = open(folder)?;
        let app = app_on(store);
        let shops = app.store.write_now(|tx| -> Result<Vec<ShopId>, StoreError> {
            let articles: Vec<NewSku> = (0..SKUS)
                .map(|n| NewSku {
                    code: code(n),
                    name: format!("商品 {n}"),
                    weight_grams: 200 + (n as i64 * 37) % 900,
                    size_mm: [200, 150, 50],
                    barcodes: vec![format!("69{n:011}")],
                    ..NewSku::default()
                })
                .collect();
            catalog::save_skus(tx, &articles)?;
            (0..SHOPS).map(|n| shops::create(tx, &shop("taobao", n))).collect()
        })?;
        Ok(House { app, shops, file, folder: folder.to_owned() })
    }

    /// Stores a page of one shop, the shops in turn; everything must be new and go in.
    pub fn ingest(&self, runtime: &Runtime, page: usize, orders: Vec<ChannelOrder>) -> anyhow::Result<()> {
        let wanted = orders.len();
        all_in(runtime.block_on(store_page(&self.app, self.shop(page), orders, CursorMove::Stay)), wanted)
    }

    /// One more shop, whose orders are typed.
    pub fn shop_without_channel(&self) -> anyhow::Result<ShopId> {
        Ok(self.app.store.write_now(|tx| shops::create(tx, &shop("own", SHOPS)))?)
    }

    /// Closes the database and erases it.
    pub fn close(self) -> anyhow::Result<()> {
        let House { app, file, folder, .. } = self;
        drop(app);
        wait_for_log(&file);
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot erase {}", folder.display()))
    }

    /// The shop of a page.
    pub fn shop(&self, page: usize) -> ShopId {
        self.shops[page % SHOPS]
    }
}

fn shop(vendor: &str, n: usize) -> NewShop {
    NewShop {
        vendor: vendor.to_owned(),
        name: format!("店铺 {n}"),
        external_id: format!("seller-{n}"),
        credentials: BTreeMap::new(),
        settings: BTreeMap::new(),
        policy: ShopPolicy::default(),
        zone: "Asia/Shanghai".to_owned(),
        currency: CNY,
    }
}

/// An order as somebody would type it: what the API takes.
pub fn typed(order: &ChannelOrder, shop: ShopId) -> serde_json::Value {
    let money = |minor: i64| json!({ "amount": format!("{}.{:02}", minor / 100, minor % 100), "currency": "CNY" });
    let lines: Vec<serde_json::Value> = order
        .lines
        .iter()
        .map(|line| json!({ "sku": line.seller_code, "quantity": line.quantity, "unit_price": money(line.unit_price_minor) }))
        .collect();
    let recipient = order.recipient.as_ref().map(|r| {
        json!({
            "name": r.personal.name, "phone": r.personal.phone, "address": r.personal.address, "country": r.region.country,
            "province": r.region.province, "city": r.region.city, "district": r.region.district,
        })
    });
    json!({
        "shop_id": shop.to_string(), "external_id": order.external_id, "placed_at": rfc3339(order.placed_at), "paid": order.paid_at.is_some(),
        "buyer": { "external_id": order.buyer.external_id, "nick": order.buyer.nick }, "recipient": recipient,
        "shipping": money(order.shipping_minor), "buyer_note": order.buyer_note, "tags": order.tags, "lines": lines,
    })
}

/// Waits until a closed database has written its log back, so that what follows has the disk for itself.
pub fn wait_for_log(file: &Path) {
    let log = file.with_extension("db-wal");
    for _ in 0..6_000 {
        if !log.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// An error unless all orders of a page are new and stored.
pub fn all_in(done: Result<Ingested, FlowError>, wanted: usize) -> anyhow::Result<()> {
    let done = done.map_err(|error| anyhow!("{error}"))?;
    anyhow::ensure!(done.inserted.len() == wanted, "of {wanted} orders {} went in and {} were parked", done.inserted.len(), done.parked);
    Ok(())
}

/// The flow that is measured.
pub async fn store_page(app: &App, shop: ShopId, orders: Vec<ChannelOrder>, cursor: CursorMove) -> Result<Ingested, FlowError> {
    ingest(app, shop, Batch { orders, unreadable: Vec::new() }, Source::Channel, cursor).await
}

/// A folder with a migrated database in it, made where it is missing.
pub fn open(folder: &Path) -> anyhow::Result<(Store, PathBuf)> {
    std::fs::create_dir_all(folder)?;
    let file = folder.join("wharf.db");
    let keys = Keys::parse(&"42".repeat(32))?;
    let store = Store::open(&format!("sqlite:{}", file.display()), StoreOptions::new(Arc::new(SystemClock), keys))?;
    Ok((store, file))
}

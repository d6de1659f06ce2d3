//! A shop, warehouses, goods and orders in a fresh database, beside a vendor that fails as it is told.

pub use super::fake::{Fake, Fault};
use super::fake::{NoHttp, PLAIN};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use wharf_connect::Vendor;
use wharf_domain::address::{PersonalData, Recipient, Region};
use wharf_domain::id::{CarrierAccountId, OrderId, OrderLineId, ShipmentId, ShopId, SkuId, WarehouseId};
use wharf_domain::money::CNY;
use wharf_domain::order::channel::{ChannelBuyer, ChannelLine, ChannelOrder};
use wharf_domain::order::phase::{ChannelProgress, Phase};
use wharf_domain::order::{ChannelStatus, FulfilledBy, LineRefund, Payment};
use wharf_domain::routing::Rate;
use wharf_domain::stock::MovementKind;
use wharf_domain::timeline::Actor;
use wharf_domain::word::Observed;
use wharf_flows::app::{App, FlowError, Outcome};
use wharf_flows::jobs::{self, Registry};
use wharf_flows::{recompute, ship, worker};
use wharf_store::catalog::{ListingKey, NewSku, SeenListing};
use wharf_store::orders::{LineRow, LineUpdate, NewOrder, OrderRow};
use wharf_store::shipments::ShipmentRow;
use wharf_store::stock::{Cause, Entry, LevelKey};
use wharf_store::testing::Bed;
use wharf_store::warehouses::{AccountInput, PackFlow, WarehouseInput, WarehouseKind};
use wharf_store::{StoreError, Tx, catalog, fulfillments, orders, shipments, shops, stock, warehouses};

/// One order line that a test sells: SKU and units.
pub type Sold = (usize, i64);

pub fn channel_order(external_id: &str, lines: &[(String, i64)], buyer: &str) -> ChannelOrder {
    let placed_at = wharf_store::testing::START;
    ChannelOrder {
        external_id: external_id.into(),
        observed_status: "WAIT_SELLER_SEND_GOODS".into(),
        status: Observed::Known(ChannelStatus::ToShip),
        modified_at: placed_at,
        placed_at,
        paid_at: Some(placed_at),
        ship_by: None,
        shipped_at: None,
        closed_at: None,
        payment: Payment::Paid,
        cash_on_delivery: false,
        fulfilled_by: FulfilledBy::Seller,
        do_not_ship: Vec::new(),
        buyer: ChannelBuyer { external_id: Some(buyer.into()), nick: buyer.into() },
        recipient: Some(Recipient {
            region: Region {
                country: "CN".into(),
                province: "四川省".into(),
                city: "成都市".into(),
                district: "锦江区".into(),
                ..Region::default()
            },
            personal: PersonalData {
                name: format!("{buyer}先生"), phone: "13800001234".into(), address: format!("春熙路 {buyer} 号")
            },
            token: None,
            masked: false,
        }),
        currency: CNY,
        total_minor: lines.iter().map(|(_, quantity)| 500 * quantity).sum(),
        shipping_minor: 0,
        tax_minor: 0,
        discount_minor: 0,
        buyer_note: String::new(),
        seller_note: String::new(),
        seller_flag: None,
        urgent: Vec::new(),
        tags: Vec::new(),
        lines: lines
            .iter()
            .enumerate()
            .map(|(n, (code, quantity))| ChannelLine {
                external_id: format!("{external_id}-{n}"),
                item_id: code.clone(),
                sku_id: String::new(),
                seller_code: code.clone(),
                title: format!("{code} 商品"),
                variant: String::new(),
                quantity: *quantity,
                cancelled: 0,
                unit_price_minor: 500,
                discount_minor: 0,
                total_minor: 500 * quantity,
                observed_status: "WAIT_SELLER_SEND_GOODS".into(),
                status: Observed::Known(ChannelStatus::ToShip),
                refund: LineRefund::None,
                gift: false,
                image_url: None,
            })
            .collect(),
        shipments: Vec::new(),
        raw: Vec::new(),
    }
}

/// Everything a test works with.
pub struct House {
    pub bed: Bed,
    pub app: Arc<App>,
    pub fake: &'static Fake,
    pub registry: Registry,
    pub shop: ShopId,
    pub account: CarrierAccountId,
    pub warehouses: Vec<WarehouseId>,
    pub skus: Vec<SkuId>,
}

pub fn me() -> Actor {
    Actor::Rule { name: "test".into(), version: 1 }
}

/// Two warehouses (Hangzhou, Chengdu), four SKUs, no stock, merging off.
pub async fn house(bed: Bed) -> House {
    house_of(bed, Fake::new()).await
}

/// The same beside a vendor of the test's own.
pub async fn house_of(bed: Bed, fake: &'static Fake) -> House {
    let vendors: Vec<&'static dyn Vendor> = vec![fake, &wharf_vendors::file::VENDOR, &PLAIN];
    let app = Arc::new(App::new(bed.store.clone(), Arc::new(NoHttp), vendors, bed.clock.clone(), 7));
    let (shop, account, warehouses, skus) = bed.store.write(seed).await.expect("seeded");
    House { bed, app, fake, registry: jobs::all(), shop, account, warehouses, skus }
}

fn seed(tx: &mut Tx<'_>) -> Result<(ShopId, CarrierAccountId, Vec<WarehouseId>, Vec<SkuId>), StoreError> {
    let mut policy = wharf_domain::rules::ShopPolicy::default();
    policy.parcels.merge = false;
    let shop = shops::create(
        tx,
        &shops::NewShop {
            vendor: "counting".into(),
            name: "一店".into(),
            external_id: "seller-1".into(),
            credentials: BTreeMap::new(),
            settings: BTreeMap::new(),
            policy,
            zone: "Asia/Shanghai".into(),
            currency: CNY,
        },
    )?;
    let place = |code: &str, province: &str, city: &str| WarehouseInput {
        code: code.into(),
        name: format!("{city}仓"),
        kind: WarehouseKind::Own,
        active: true,
        priority: 0,
        region: Region { country: "CN".into(), province: province.into(), city: city.into(), ..Region::default() },
        address: "物流路 1 号".into(),
        contact: "发货部".into(),
        phone: "057188880000".into(),
        point: None,
        pack_flow: PackFlow::PrintThenPack,
    };
    let warehouses =
        vec![warehouses::create(tx, &place("HZ", "浙江省", "杭州市"))?, warehouses::create(tx, &place("CD", "四川省", "成都市"))?];
    let account = warehouses::create_account(
        tx,
        &AccountInput {
            vendor: "counting".into(),
            name: "月结".into(),
            credentials: Some(BTreeMap::from([("key".to_owned(), "secret".to_owned())])),
            settings: BTreeMap::new(),
            shop_id: None,
            active: true,
        },
    )?;
    let rate = Rate {
        account,
        service: "standard".into(),
        country: "CN".into(),
        province: String::new(),
        city: String::new(),
        currency: CNY,
        first_grams: 1000,
        first_minor: 500,
        step_grams: 1000,
        step_minor: 200,
        max_grams: 30_000,
        days: 3,
    };
    warehouses::set_rates(tx, account, &[rate])?;
    let new: Vec<NewSku> = (0..4)
        .map(|n| NewSku {
            code: format!("SKU{n}"),
            name: format!("袜子 {n}"),
            weight_grams: 100,
            size_mm: [0; 3],
            cost: None,
            image_url: None,
            barcodes: vec![format!("69000000000{n}")],
        })
        .collect();
    let skus = catalog::save_skus(tx, &new)?;
    Ok((shop, account, warehouses, skus))
}

impl House {
    /// Goods come in.
    pub async fn receive(&self, warehouse: usize, sku: usize, quantity: i64) {
        let key = LevelKey::good(self.warehouses[warehouse], self.skus[sku]);
        let entry = Entry { key, kind: MovementKind::Received, quantity, note: "采购".into() };
        self.write(move |tx| stock::record(tx, &[entry], Cause { kind: "user", id: None }, &me())).await.expect("lawful");
    }

    pub async fn write<T: Send + 'static>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static) -> T {
        self.bed.store.write(work).await.expect("written")
    }

    /// An approved order. `buyer` decides the recipient.
    pub async fn order(&self, external_id: &str, sold: &[Sold], buyer: &str) -> OrderId {
        self.order_with(external_id, sold, buyer, |_| {}).await
    }

    pub async fn order_with(&self, external_id: &str, sold: &[Sold], buyer: &str, change: impl FnOnce(&mut ChannelOrder)) -> OrderId {
        let lines: Vec<(String, i64)> = sold.iter().map(|(sku, units)| (format!("SKU{sku}"), *units)).collect();
        let mut order = channel_order(external_id, &lines, buyer);
        change(&mut order);
        let shop = self.shop;
        self.write(move |tx| {
            let keys: Vec<ListingKey> = order
                .lines
                .iter()
                .map(|l| ListingKey { item_id: l.item_id.clone(), external_sku_id: l.sku_id.clone(), seller_code: l.seller_code.clone() })
                .collect();
            let seen: Vec<SeenListing> = keys
                .iter()
                .map(|key| SeenListing { key: key.clone(), title: key.item_id.clone(), variant: String::new(), image_url: None })
                .collect();
            let listings = catalog::see_listings(tx, shop, &seen)?;
            let id: OrderId = tx.new_id();
            let sealed = orders::seal_recipient(tx.keys(), order.recipient.as_ref());
            let row = OrderRow {
                id,
                shop_id: shop,
                order: &order,
                payload_hash: String::new(),
                progress: ChannelProgress::None,
                buyer_key: orders::buyer_key(tx.keys(), "counting", &order.buyer, order.recipient.as_ref()),
                content_print: String::new(),
                keep_note: false,
                import_batch_id: None,
            };
            let lines: Vec<LineRow<'_>> = order
                .lines
                .iter()
                .enumerate()
                .map(|(n, line)| LineRow {
                    id: tx.new_id(),
                    order_id: id,
                    shop_id: shop,
                    position: n as i64,
                    listing_id: listings[&keys[n]].id,
                    line,
                    cancelled: 0,
                })
                .collect();
            orders::insert(tx, &[NewOrder::undecided(row, sealed, String::new())], &lines)?;
            orders::approve(tx, &[id], &me())?;
            recompute::apply(tx, &[id])?;
            Ok(id)
        })
        .await
    }

    pub async fn lines_of(&self, order: OrderId) -> Vec<OrderLineId> {
        self.write(move |tx| Ok(orders::lines(tx, &[order])?.remove(&order).unwrap_or_default().iter().map(|l| l.id).collect())).await
    }

    /// The buyer takes an order back, as amending does it: stop, then write what will not be sent.
    pub async fn cancel(&self, order: OrderId) -> Result<Vec<ship::Stopped>, FlowError> {
        self.bed
            .store
            .write(move |tx| {
                let lines = orders::lines(tx, &[order])?.remove(&order).unwrap_or_default();
                let stops: Vec<ship::LineStop> =
                    lines.iter().map(|l| ship::LineStop { order_id: order, order_line_id: l.id, keep: 0 }).collect();
                let stopped = ship::stop_lines(tx, &me(), &stops, "cancelled")?;
                let gone: HashMap<OrderLineId, i64> = stopped.iter().map(|s| (s.order_line_id, s.gone)).collect();
                let updates: Vec<LineUpdate<'_>> = lines
                    .iter()
                    .map(|l| LineUpdate {
                        id: l.id,
                        line: None,
                        ordered: l.counters.ordered,
                        cancelled: l.counters.ordered - gone.get(&l.id).copied().unwrap_or(0),
                        refund: LineRefund::None,
                    })
                    .collect();
                orders::update_lines(tx, &updates, &[])?;
                recompute::apply(tx, &[order])?;
                Ok(stopped)
            })
            .await
    }

    /// Runs every job that is due.
    pub async fn work(&self) {
        worker::run_due(&self.app, &self.registry).await.expect("jobs run");
    }

    /// Lets time pass and repairs run, until nothing changes any more.
    pub async fn settle(&self) {
        for _ in 0..6 {
            self.bed.clock.advance(3 * wharf_domain::time::MINUTE);
            self.write(jobs::sweep::poke).await;
            self.work().await;
        }
    }

    /// Every row of every table but those that record the asking itself: equal digests are equal databases.
    pub async fn digest(&self) -> BTreeMap<&'static str, Vec<String>> {
        self.write(|tx| {
            let mut all = BTreeMap::new();
            for (table, _) in wharf_store::dump::TABLES.iter().filter(|(table, _)| !table.starts_with("operation")) {
                let rows = wharf_store::dump::page(tx, table, None, 100_000)?;
                all.insert(*table, rows.into_iter().map(|row| serde_json::to_string(&row).unwrap_or_default()).collect());
            }
            Ok(all)
        })
        .await
    }

    pub async fn phase(&self, order: OrderId) -> Phase {
        self.write(move |tx| Ok(orders::facts(tx, &[order])?[0].cached_phase)).await
    }

    pub async fn parcels(&self, order: OrderId) -> Vec<ShipmentRow> {
        self.write(move |tx| shipments::of_orders(tx, &[order])).await
    }

    pub async fn parcel(&self, order: OrderId) -> ShipmentRow {
        self.parcels(order).await.into_iter().find(|s| s.state != wharf_domain::shipment::ShipmentState::Cancelled).expect("a live parcel")
    }

    /// On hand and reserved of a SKU in a warehouse.
    pub async fn level(&self, warehouse: usize, sku: usize) -> (i64, i64) {
        let (warehouse, sku) = (self.warehouses[warehouse], self.skus[sku]);
        self.write(move |tx| {
            Ok(stock::levels(tx, &[sku])?
                .iter()
                .find(|l| l.key.warehouse_id == warehouse)
                .map_or((0, 0), |l| (l.level.on_hand, l.level.reserved)))
        })
        .await
    }

    /// Laws 2, 3 and 4, from the rows alone.
    pub async fn lawful(&self) {
        let (drifts, counters) = self.write(|tx| Ok((stock::audit(tx)?, fulfillments::audit(tx, 100)?))).await;
        assert_eq!(drifts, Vec::new());
        assert_eq!(counters, Vec::new());
    }

    pub async fn route(&self, order: OrderId) -> Outcome {
        let results = wharf_flows::route::route(&self.app, &me(), &[order], Default::default()).await.expect("routed");
        results[0].1.clone()
    }

    /// Routed and booked.
    pub async fn booked(&self, external_id: &str, sold: &[Sold]) -> (OrderId, ShipmentId) {
        let order = self.order(external_id, sold, external_id).await;
        assert_eq!(self.route(order).await, Outcome::Done);
        self.work().await;
        let parcel = self.parcel(order).await;
        assert!(parcel.waybill_number.is_some(), "{parcel:?}");
        (order, parcel.id)
    }

    /// Routed, booked and packed.
    pub async fn packed(&self, external_id: &str, sold: &[Sold]) -> (OrderId, ShipmentId) {
        let (order, parcel) = self.booked(external_id, sold).await;
        let results = wharf_flows::pack::pack(&self.app, &packer(), "台 1", &[parcel]).await.expect("packed");
        assert_eq!(results, vec![(parcel, Outcome::Done)]);
        (order, parcel)
    }
}

pub fn packer() -> wharf_flows::pack::Packer {
    wharf_flows::pack::Packer { actor: me(), user_id: None, printing: printing("") }
}

pub fn printing(cause: &str) -> wharf_flows::print::Printing {
    wharf_flows::print::Printing {
        station: "台 1".into(),
        user_id: None,
        language: wharf_documents::Language::Zh,
        zone: wharf_documents::TimeZone::UTC,
        cause: cause.into(),
    }
}

/// Runs a flow until the other side has it hanging, and kills it there.
pub async fn die_in<F: Future + Send + 'static>(fake: &'static Fake, flow: F)
where
    F::Output: Send,
{
    let task = tokio::spawn(flow);
    tokio::time::timeout(Duration::from_secs(20), fake.hung.notified()).await.expect("the call is made");
    task.abort();
    let _ = task.await;
}

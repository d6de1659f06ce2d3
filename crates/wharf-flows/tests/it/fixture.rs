//! What the tests of this binary share: an app without a world, orders by the dozen, and snapshots of everything.

use crate::channel::SCRIPTED;
use async_trait::async_trait;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wharf_connect::http::TransportError;
use wharf_connect::{Http, HttpRequest, HttpResponse};
use wharf_domain::access::Scope;
use wharf_domain::address::{PersonalData, Recipient, Region};
use wharf_domain::id::{OrderId, ShopId, UserId, WarehouseId};
use wharf_domain::money::CNY;
use wharf_domain::order::channel::{ChannelBuyer, ChannelLine, ChannelOrder};
use wharf_domain::order::{ChannelStatus, FulfilledBy, LineRefund, Payment};
use wharf_domain::rules::ShopPolicy;
use wharf_domain::stock::MovementKind;
use wharf_domain::time::{HOUR, MINUTE};
use wharf_domain::timeline::Actor;
use wharf_domain::word::Observed;
use wharf_flows::app::{App, FlowError};
use wharf_flows::bulk::Asker;
use wharf_flows::ingest::{Batch, CursorMove, Ingested, Source, ingest};
use wharf_store::catalog::NewSku;
use wharf_store::shops::{self, NewShop};
use wharf_store::testing::{Bed, START};
use wharf_store::warehouses::{self, PackFlow, WarehouseInput, WarehouseKind};
use wharf_store::{Store, dump, stock};

/// Nobody answers.
pub struct NoWorld;

#[async_trait]
impl Http for NoWorld {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        Err(TransportError::NotSent("there is no world in this test".into()))
    }
}

pub fn app(bed: &Bed) -> Arc<App> {
    app_on(bed, bed.store.clone())
}

pub fn app_on(bed: &Bed, store: Store) -> Arc<App> {
    Arc::new(App::new(store, Arc::new(NoWorld), vec![&SCRIPTED], bed.clock.clone(), 1))
}

pub fn person() -> Asker {
    Asker::new(Actor::User { id: UserId(7), name: "韩梅梅".into() }, Scope::ALL)
}

pub async fn shop(app: &App, name: &str) -> ShopId {
    shop_with(app, name, ShopPolicy::default()).await
}

pub async fn shop_with(app: &App, name: &str, policy: ShopPolicy) -> ShopId {
    let shop = NewShop {
        vendor: "scripted".into(),
        name: name.into(),
        external_id: String::new(),
        credentials: BTreeMap::from([("token".to_owned(), name.to_owned())]),
        settings: BTreeMap::new(),
        policy,
        zone: "Asia/Shanghai".into(),
        currency: CNY,
    };
    app.store.write(move |tx| shops::create(tx, &shop).map_err(FlowError::from)).await.expect("a shop")
}

/// SKUs `S0` to `S4`, a hundred of each in one warehouse in Hangzhou.
pub async fn stocked(app: &App) -> WarehouseId {
    let skus = (0..5)
        .map(|n| NewSku {
            code: format!("S{n}"),
            name: format!("棉袜 {n}"),
            weight_grams: 100,
            barcodes: vec![format!("690000000000{n}")],
            ..NewSku::default()
        })
        .collect();
    let ids = wharf_flows::link::save_skus(app, skus).await.expect("SKUs");
    app.store
        .write(move |tx| {
            let place = WarehouseInput {
                code: "HZ".into(),
                name: "杭州仓".into(),
                kind: WarehouseKind::Own,
                active: true,
                priority: 0,
                region: recipient(0).region,
                address: "仓库路1号".into(),
                contact: "李雷".into(),
                phone: "13900000000".into(),
                point: None,
                pack_flow: PackFlow::PrintThenPack,
            };
            let warehouse = warehouses::create(tx, &place)?;
            let entries: Vec<stock::Entry> = ids.iter().map(|id| entry(warehouse, *id)).collect();
            stock::record(tx, &entries, stock::Cause { kind: "count", id: None }, &person().actor)?.expect("lawful");
            Ok::<_, FlowError>(warehouse)
        })
        .await
        .expect("a warehouse")
}

fn entry(warehouse: WarehouseId, sku: wharf_domain::id::SkuId) -> stock::Entry {
    stock::Entry { key: stock::LevelKey::good(warehouse, sku), kind: MovementKind::Received, quantity: 100, note: String::new() }
}

pub fn recipient(n: usize) -> Recipient {
    Recipient {
        region: Region {
            country: "CN".into(),
            province: "浙江省".into(),
            city: "杭州市".into(),
            district: "余杭区".into(),
            town: "仓前街道".into(),
            postal_code: String::new(),
        },
        personal: PersonalData {
            name: format!("王小{}", ["明", "红", "刚", "丽"][n % 4]),
            phone: format!("138{n:08}"),
            address: format!("文一西路{n}号"),
        },
        token: None,
        masked: false,
    }
}

pub fn line(n: usize, quantity: i64) -> ChannelLine {
    ChannelLine {
        external_id: format!("L{n}"),
        item_id: format!("I{n}"),
        sku_id: String::new(),
        seller_code: format!("S{}", n % 5),
        title: format!("棉袜 {n}"),
        variant: "白".into(),
        image_url: None,
        quantity,
        cancelled: 0,
        unit_price_minor: 1_000,
        discount_minor: 0,
        total_minor: 1_000 * quantity,
        observed_status: "PAID".into(),
        status: Observed::Known(ChannelStatus::ToShip),
        refund: LineRefund::None,
        gift: false,
    }
}

/// A clean, paid order of its own buyer.
pub fn order(n: usize) -> ChannelOrder {
    let lines = vec![line(n % 5, 1 + (n % 3) as i64)];
    let placed_at = START.plus(-(n as i64 % 48) * HOUR - 30 * MINUTE);
    sealed(ChannelOrder {
        external_id: format!("31{n:08}77"),
        observed_status: "PAID".into(),
        status: Observed::Known(ChannelStatus::ToShip),
        modified_at: placed_at.plus(MINUTE),
        placed_at,
        paid_at: Some(placed_at.plus(MINUTE)),
        ship_by: Some(placed_at.plus(48 * HOUR)),
        shipped_at: None,
        closed_at: None,
        payment: Payment::Paid,
        cash_on_delivery: false,
        fulfilled_by: FulfilledBy::Seller,
        do_not_ship: vec![],
        buyer: ChannelBuyer { external_id: Some(format!("buyer{n}")), nick: format!("Nick{n}") },
        recipient: Some(recipient(n)),
        currency: CNY,
        total_minor: 500 + lines.iter().map(|l| l.total_minor).sum::<i64>(),
        shipping_minor: 500,
        tax_minor: 0,
        discount_minor: 0,
        buyer_note: String::new(),
        seller_note: String::new(),
        seller_flag: None,
        urgent: vec![],
        tags: vec![],
        lines,
        shipments: vec![],
        raw: vec![],
    })
}

/// The payload of an order as it stands.
pub fn sealed(mut order: ChannelOrder) -> ChannelOrder {
    order.raw = serde_json::to_vec(&order).expect("serialises");
    order
}

/// A later version of an order.
pub fn later(order: &ChannelOrder, minutes: i64, change: impl FnOnce(&mut ChannelOrder)) -> ChannelOrder {
    let mut next = order.clone();
    next.modified_at = next.modified_at.plus(minutes * MINUTE);
    change(&mut next);
    sealed(next)
}

pub async fn put(app: &App, shop: ShopId, orders: Vec<ChannelOrder>) -> Ingested {
    ingest(app, shop, Batch { orders, unreadable: vec![] }, Source::Channel, CursorMove::Stay).await.expect("a page")
}

pub async fn id_of(app: &App, shop: ShopId, external: &str) -> OrderId {
    let external = external.to_owned();
    let ids = app.store.read(move |tx| wharf_store::orders::ids_of(tx, shop, &[external]).map_err(FlowError::from)).await.expect("ids");
    *ids.values().next().expect("the order")
}

pub async fn order_of(app: &App, id: OrderId) -> wharf_store::orders::Order {
    app.store
        .read(move |tx| wharf_store::orders::order(tx, &Scope::ALL, id).map_err(FlowError::from))
        .await
        .expect("read")
        .expect("the order")
}

pub async fn lines_of(app: &App, id: OrderId) -> Vec<wharf_store::orders::OrderLine> {
    app.store
        .read(move |tx| wharf_store::orders::lines(tx, &[id]).map_err(FlowError::from))
        .await
        .expect("read")
        .remove(&id)
        .unwrap_or_default()
}

pub async fn events_of(app: &App, id: OrderId) -> Vec<String> {
    let all = app.store.read(move |tx| wharf_store::timeline::of_orders(tx, &[id]).map_err(FlowError::from)).await.expect("read");
    all.into_iter().map(|entry| entry.event.kind).collect()
}

pub async fn holds_of(app: &App, id: OrderId) -> Vec<wharf_domain::hold::HoldReason> {
    let mut open = app.store.read(move |tx| wharf_store::holds::open(tx, &[id]).map_err(FlowError::from)).await.expect("read");
    let mut reasons: Vec<_> = open.remove(&id).unwrap_or_default().into_iter().map(|hold| hold.reason).collect();
    reasons.sort_unstable();
    reasons
}

/// Everything the store knows of orders, without what differs between two equal runs: ids, instants of writing, nonces.
pub async fn snapshot(app: &App) -> BTreeMap<String, Vec<String>> {
    let tables = [
        "listings",
        "orders",
        "order_lines",
        "findings",
        "holds",
        "order_tags",
        "order_search",
        "buyers",
        "timeline",
        "phase_counts",
        "hold_counts",
        "day_rollups",
        "hour_rollups",
        "parked",
        "blobs",
    ];
    let rows: Vec<(&str, Vec<Map<String, Json>>)> = app
        .store
        .read(move |tx| {
            tables.into_iter().map(|table| Ok((table, dump::page(tx, table, None, 100_000)?))).collect::<Result<_, FlowError>>()
        })
        .await
        .expect("a dump");
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (table, list) in &rows {
        for row in list {
            let name = match *table {
                "orders" => format!("order {} {}", row["shop_id"], row["external_id"]),
                "listings" => format!("listing {} {}", row["item_id"], row["seller_code"]),
                _ => continue,
            };
            names.insert(row["id"].to_string(), name);
        }
    }
    let volatile = [
        "id",
        "created_at",
        "updated_at",
        "version",
        "recipient_sealed",
        "bytes",
        "expires_at",
        "at",
        "found_at",
        "settled_at",
        "released_at",
        "first_at",
        "last_at",
        "approved_at",
        "linked_at",
    ];
    let mut all = BTreeMap::new();
    for (table, list) in rows {
        let mut texts: Vec<String> = list
            .into_iter()
            .map(|row| {
                let cells: Vec<String> = row
                    .into_iter()
                    .filter(|(column, _)| !volatile.contains(&column.as_str()) && (table != "holds" || column != "placed_at"))
                    .map(|(column, value)| match column.as_str() {
                        "order_id" | "listing_id" => format!("{column}={}", names.get(&value.to_string()).cloned().unwrap_or_default()),
                        _ => format!("{column}={value}"),
                    })
                    .collect();
                cells.join(" ")
            })
            .collect();
        texts.sort();
        all.insert(table.to_owned(), texts);
    }
    all
}

/// Says in which row two snapshots differ.
pub fn same(a: &BTreeMap<String, Vec<String>>, b: &BTreeMap<String, Vec<String>>, what: &str) {
    for (table, rows) in a {
        let other = &b[table];
        let only_a: Vec<&String> = rows.iter().filter(|row| !other.contains(row)).take(2).collect();
        let only_b: Vec<&String> = other.iter().filter(|row| !rows.contains(row)).take(2).collect();
        assert!(rows == other, "{what}: {table} differs\n{} against {} rows\n+ {only_a:#?}\n- {only_b:#?}", rows.len(), other.len());
    }
}

/// Nothing that is cached or counted is adrift.
pub async fn healthy(app: &App) {
    let report = wharf_flows::doctor::examine(app, false).await.expect("doctor");
    assert!(report.drifts.is_empty(), "{:#?}", report.drifts);
}

/// Kinds of [`abnormal`] orders.
pub const KINDS: u8 = 14;

/// Orders of all kinds: unpaid, abnormal in each way, cancelled, shipped, unknown words, masked, clean.
pub fn abnormal(n: usize, kind: u8, buyer: usize) -> ChannelOrder {
    let mut o = order(n);
    o.buyer.external_id = Some(format!("shared{buyer}"));
    match kind {
        0 => {
            o.payment = Payment::Unpaid;
            o.paid_at = None;
            o.status = Observed::Known(ChannelStatus::AwaitingPayment);
            o.observed_status = "WAIT".into();
        }
        1 => o.buyer_note = "麻烦改地址".into(),
        2 => {
            if let Some(r) = &mut o.recipient {
                r.personal.phone = "3812345678".into()
            }
        }
        3 => {
            if let Some(r) = &mut o.recipient {
                r.region.district.clear();
                r.region.town.clear()
            }
        }
        4 => o.total_minor += 30,
        5 => {
            o.status = Observed::Known(ChannelStatus::Cancelled);
            o.observed_status = "CLOSED".into();
        }
        6 => {
            o.status = Observed::Known(ChannelStatus::Shipped);
            o.observed_status = "SENT".into();
            o.shipped_at = Some(o.placed_at);
        }
        7 => {
            o.status = Observed::Unknown("新状态".into());
            o.observed_status = "新状态".into();
        }
        8 => o.lines[0].refund = LineRefund::Requested,
        9 => {
            o.lines.push(line(7, 2));
            o.total_minor += 2_000;
        }
        10 => {
            if let Some(r) = &mut o.recipient {
                r.masked = true;
                r.token = Some(format!("oaid{n}"));
                r.personal.name = "王**".into();
                r.personal.phone = "138****0001".into()
            }
        }
        _ => {}
    }
    sealed(o)
}

/// A name that no other test has.
pub fn unique(what: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("{what} {}", NEXT.fetch_add(1, Ordering::Relaxed))
}

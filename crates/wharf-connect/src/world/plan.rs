//! How a market is set up: its seed, its shops with what they sell, how fast it lives. Everything else follows from it.

use super::catalogue::{Goods, cumulative, goods};
use super::market::Market;
use super::random::Dice;
use crate::Vendor;
use serde::{Deserialize, Serialize};
use wharf_domain::time::{HOUR, MINUTE, Timestamp};

/// A shop that the plan opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedShop {
    /// Manifest id of its channel.
    pub vendor: String,
    /// Key on the market.
    pub key: String,
    /// What people call it.
    pub name: String,
}

/// How a market is set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketPlan {
    /// The same seed, the same market.
    pub seed: u64,
    /// When its gates opened.
    pub opened_at: Timestamp,
    /// Its shops.
    pub shops: Vec<PlannedShop>,
    /// Orders that are there already when it opens.
    pub backlog: u32,
    /// How long before the opening the first of them came.
    pub backlog_span: i64,
    /// Orders a minute × 1000, from the opening on.
    pub rate_milli: i64,
    /// How many times faster than life parcels travel and buyers make up their minds.
    pub speed: u32,
    /// How many orders in a thousand are unusual in some way.
    pub unusual_per_mille: u64,
}

impl MarketPlan {
    /// A market with the shops that the vendors' sandboxes open, some hours of orders behind it, and two orders a minute.
    pub fn demo(vendors: &[&'static dyn Vendor], seed: u64, now: Timestamp) -> Self {
        MarketPlan {
            backlog: 240,
            backlog_span: 20 * HOUR,
            rate_milli: 2000,
            speed: 60,
            unusual_per_mille: 220,
            ..MarketPlan::quiet(vendors, seed, now)
        }
    }

    /// The same shops where nothing happens but what is told: for tests that make their own orders.
    pub fn quiet(vendors: &[&'static dyn Vendor], seed: u64, now: Timestamp) -> Self {
        let shops = vendors
            .iter()
            .filter_map(|v| Some((v.manifest().id, v.sandbox()?)))
            .flat_map(|(id, sandbox)| {
                sandbox.demo_shops().iter().map(move |s| PlannedShop {
                    vendor: id.to_owned(),
                    key: s.key.to_owned(),
                    name: s.name.to_owned(),
                })
            })
            .collect();
        MarketPlan { seed, opened_at: now, shops, backlog: 0, backlog_span: 0, rate_milli: 0, speed: 1, unusual_per_mille: 0 }
    }

    /// When its first order may have come.
    pub(crate) fn begins(&self) -> Timestamp {
        self.opened_at.plus(-self.backlog_span.max(0))
    }

    pub(crate) fn backlog_rate_milli(&self) -> Option<i64> {
        (self.backlog > 0 && self.backlog_span >= MINUTE).then(|| i64::from(self.backlog) * 1000 * MINUTE / self.backlog_span)
    }

    /// The shops with their listings and secrets.
    pub(crate) fn open_shops(&self) -> Vec<Shop> {
        let count = self.shops.len();
        self.shops
            .iter()
            .enumerate()
            .map(|(index, planned)| {
                let mut shop = Shop {
                    vendor: planned.vendor.clone(),
                    key: planned.key.clone(),
                    name: planned.name.clone(),
                    seller_id: 2_200_000_000_000
                        + (Dice::new(self.seed, "seller", index as u64).below(99_999_999) as i64) * 10
                        + index as i64,
                    app_key: format!("{}", 30_000_000 + Dice::new(self.seed, "app", 0).below(9_999_999)),
                    app_secret: Market::token(self.seed, "app secret", 0)[..32].to_owned(),
                    session: String::new(),
                    session_epoch: 1,
                    listings: listings(self.seed, index, count),
                    popularity: Vec::new(),
                };
                shop.session = shop.session_of(self.seed, 1);
                shop.popularity = cumulative(shop.listings.iter().map(|l| isqrt(l.goods().popularity)));
                shop
            })
            .collect()
    }
}

/// A shop on the market, with the secrets of its wire.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shop {
    /// Manifest id of its channel.
    pub vendor: String,
    /// Key on the market.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// The channel's id of the seller.
    pub seller_id: i64,
    /// The calling application.
    pub app_key: String,
    /// Its secret.
    pub app_secret: String,
    /// The seller's session.
    pub session: String,
    /// How often it was renewed.
    pub session_epoch: u64,
    /// What it sells.
    pub listings: Vec<Listing>,
    /// Cumulative popularity of the listings.
    pub(crate) popularity: Vec<u64>,
}

impl std::fmt::Debug for Shop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shop").field("key", &self.key).field("listings", &self.listings.len()).finish_non_exhaustive()
    }
}

impl Shop {
    /// The session text of an epoch: an old one can be told from a wrong one.
    pub fn session_of(&self, seed: u64, epoch: u64) -> String {
        format!("6100{}", &Market::token(seed, &format!("session {}", self.key), epoch)[..46])
    }
}

/// One SKU as a shop offers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The channel's item id; variants share it.
    pub item_id: i64,
    /// The channel's SKU id.
    pub sku_id: i64,
    /// Index in the catalogue.
    pub goods: u32,
    /// What the seller typed: the SKU code, a bundle's code, something old, or nothing.
    pub seller_code: String,
    /// Units of the goods that one unit of the listing holds.
    pub pieces: i64,
    /// The title as sold.
    pub title: String,
    /// The variant as sold.
    pub variant: String,
    /// Price of a unit, fen.
    pub price_minor: i64,
    /// Units left.
    pub quantity: i64,
    /// Units it is filled up to while the shop has never said how many there are.
    pub fill: i64,
    /// The shop has said how many there are.
    pub set_by_shop: bool,
    /// Nobody can tell the SKU from the seller code.
    pub unmapped: bool,
}

impl Listing {
    /// The article behind it.
    pub fn goods(&self) -> &'static Goods {
        &goods()[self.goods as usize]
    }
}

/// The seller code of a bundle of several pieces of one article.
pub(crate) fn bundle_code(code: &str, pieces: i64) -> String {
    format!("{code}-X{pieces}")
}

/// What shop `index` of `count` sells: most goods are sold by one shop, every fifth by all of them.
fn listings(seed: u64, index: usize, count: usize) -> Vec<Listing> {
    let mut out: Vec<Listing> = Vec::new();
    let mut items: std::collections::HashMap<String, i64> = std::collections::HashMap::new();
    for (at, article) in goods().iter().enumerate() {
        let mut dice = Dice::new(seed, "listing", (at * 64 + index) as u64);
        let mut shared = Dice::new(seed, "assortment", at as u64);
        if !shared.chance(220) && shared.below(count.max(1) as u64) as usize != index {
            continue;
        }
        // Stock codes that share their digits are variants of one item, as the source meant them.
        let root: String = article.code.chars().take_while(char::is_ascii_digit).collect();
        let ordinal = (at * 64 + index) as i64;
        let item_id = *items.entry(root).or_insert(680_000_000_000 + ordinal * 1117);
        let unmapped = dice.chance(40);
        let seller_code = match (unmapped, dice.chance(500)) {
            (true, true) => String::new(),
            (true, false) => format!("OLD-{}", 1000 + ordinal),
            (false, _) => article.code.clone(),
        };
        let variant = if article.colour.is_empty() { "规格:默认".to_owned() } else { format!("颜色分类:{}", article.colour) };
        let fill = dice.between(200, 4000);
        let single = Listing {
            item_id,
            sku_id: 5_010_000_000_000 + ordinal * 1009,
            goods: at as u32,
            seller_code,
            pieces: 1,
            title: article.title.clone(),
            variant: variant.clone(),
            price_minor: article.price_minor,
            quantity: fill,
            fill,
            set_by_shop: false,
            unmapped,
        };
        // A few small things are also sold by twos and fours, under a bundle's code.
        if !unmapped && article.price_minor < 1500 && dice.chance(160) {
            let pieces = if dice.chance(500) { 2 } else { 4 };
            out.push(Listing {
                sku_id: single.sku_id + 500,
                seller_code: bundle_code(&article.code, pieces),
                pieces,
                title: format!("{} {pieces}件组合装", article.title),
                variant: format!("{variant};数量:{pieces}件"),
                price_minor: article.price_minor * pieces * 95 / 100,
                quantity: fill / pieces,
                fill: fill / pieces,
                ..single.clone()
            });
        }
        out.push(single);
    }
    out
}

fn isqrt(value: u64) -> u64 {
    value.isqrt().max(1)
}

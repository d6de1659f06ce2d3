//! Wharf's own side of a demo: what the seller of the simulated shops keeps in his warehouses and agreed with his
//! carriers. Plain values; whoever owns a store writes them into it. `GET /_world/house` gives the same as JSON, for a demo
//! whose market runs in another process.

use super::catalogue::goods;
use super::market::Market;
use super::random::Dice;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An article that warehouses count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoSku {
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// EAN-13 with a valid check digit.
    pub barcode: String,
    /// Weight of one.
    pub weight_grams: i64,
    /// Length, width, height.
    pub size_mm: [i64; 3],
    /// Cost, fen.
    pub cost_minor: i64,
}

/// Something sold as one and shipped as several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoBundle {
    /// Code that sellers type on listings.
    pub code: String,
    /// Name.
    pub name: String,
    /// SKU codes and units.
    pub parts: Vec<(String, i64)>,
}

/// A place that holds stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoWarehouse {
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Province.
    pub province: String,
    /// City.
    pub city: String,
    /// District.
    pub district: String,
    /// Street office or town.
    pub town: String,
    /// Street.
    pub address: String,
    /// Postal code.
    pub postal_code: String,
    /// Contact.
    pub contact: String,
    /// Phone.
    pub phone: String,
    /// Longitude × 10⁶.
    pub lng_e6: i64,
    /// Latitude × 10⁶.
    pub lat_e6: i64,
}

/// What lies where on the first day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoStock {
    /// Warehouse code.
    pub warehouse: String,
    /// SKU code.
    pub sku: String,
    /// Units on hand.
    pub quantity: i64,
    /// Bin, such as `A-03-2`.
    pub bin: String,
}

/// A price that a carrier agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoRate {
    /// Carrier code, as carriers are known everywhere (`ZTO`, `SF`).
    pub carrier: String,
    /// Destination province; empty for any.
    pub province: String,
    /// First weight.
    pub first_grams: i64,
    /// Price of it, fen.
    pub first_minor: i64,
    /// Step.
    pub step_grams: i64,
    /// Price of a step, fen.
    pub step_minor: i64,
    /// Heaviest parcel.
    pub max_grams: i64,
    /// Promised days.
    pub days: i64,
}

/// Everything that a demo starts with on Wharf's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoHouse {
    /// Articles.
    pub skus: Vec<DemoSku>,
    /// Bundles.
    pub bundles: Vec<DemoBundle>,
    /// Warehouses.
    pub warehouses: Vec<DemoWarehouse>,
    /// Opening stock.
    pub stock: Vec<DemoStock>,
    /// Prices of carriers.
    pub rates: Vec<DemoRate>,
}

/// Thirteen digits: a prefix for use inside a house, the ordinal, and the check digit.
pub fn ean13(ordinal: u64) -> String {
    let body = format!("2{:011}", 100_000_000 + ordinal % 1_000_000_000);
    let sum: u32 = body.bytes().enumerate().map(|(i, b)| u32::from(b - b'0') * if i % 2 == 0 { 1 } else { 3 }).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn warehouses() -> Vec<DemoWarehouse> {
    let of = |code: &str, name: &str, place: [&str; 6], contact: &str, phone: &str, lng_e6: i64, lat_e6: i64| DemoWarehouse {
        code: code.into(),
        name: name.into(),
        province: place[0].into(),
        city: place[1].into(),
        district: place[2].into(),
        town: place[3].into(),
        address: place[4].into(),
        postal_code: place[5].into(),
        contact: contact.into(),
        phone: phone.into(),
        lng_e6,
        lat_e6,
    };
    vec![
        of(
            "HZ",
            "杭州仓",
            ["浙江省", "杭州市", "余杭区", "仓前街道", "海曙路58号1号库", "311121"],
            "仓管小周",
            "13800000571",
            120_012_000,
            30_285_000,
        ),
        of(
            "CD",
            "成都仓",
            ["四川省", "成都市", "双流区", "西航港街道", "空港二路66号3栋", "610200"],
            "仓管小罗",
            "13800000028",
            103_960_000,
            30_540_000,
        ),
        of(
            "GZ",
            "广州仓",
            ["广东省", "广州市", "白云区", "太和镇", "大源南路12号B座", "510540"],
            "仓管小梁",
            "13800000020",
            113_360_000,
            23_270_000,
        ),
    ]
}

fn rates() -> Vec<DemoRate> {
    const FAR: [&str; 4] = ["新疆维吾尔自治区", "西藏自治区", "青海省", "内蒙古自治区"];
    let mut out = Vec::new();
    for (carrier, first, step, days, far_first, far_step, far_days) in [
        ("ZTO", 320, 110, 3, 1200, 900, 6),
        ("YTO", 300, 120, 3, 1300, 1000, 7),
        ("STO", 290, 120, 4, 1250, 950, 7),
        ("SF", 1150, 300, 2, 2200, 1200, 4),
        ("EMS", 700, 260, 4, 900, 420, 6),
    ] {
        let rate = |province: &str, first_minor, step_minor, days| DemoRate {
            carrier: carrier.into(),
            province: province.into(),
            first_grams: 1000,
            first_minor,
            step_grams: 1000,
            step_minor,
            max_grams: 50_000,
            days,
        };
        out.push(rate("", first, step, days));
        out.extend(FAR.iter().map(|province| rate(province, far_first, far_step, far_days)));
    }
    out
}

/// The house that belongs to a market: every article it sells, and enough of most of them.
pub fn house(market: &Market) -> DemoHouse {
    let seed = market.plan.seed;
    let sold: BTreeSet<u32> = market.shops.iter().flat_map(|s| s.listings.iter().map(|l| l.goods)).collect();
    let skus = sold
        .iter()
        .map(|&at| {
            let article = &goods()[at as usize];
            DemoSku {
                code: article.code.clone(),
                name: article.title.clone(),
                barcode: ean13(u64::from(at)),
                weight_grams: article.weight_grams,
                size_mm: article.size_mm,
                cost_minor: article.cost_minor,
            }
        })
        .collect();
    let bundles: BTreeMap<String, DemoBundle> = market
        .shops
        .iter()
        .flat_map(|s| s.listings.iter())
        .filter(|l| l.pieces > 1)
        .map(|l| {
            (
                l.seller_code.clone(),
                DemoBundle { code: l.seller_code.clone(), name: l.title.clone(), parts: vec![(l.goods().code.clone(), l.pieces)] },
            )
        })
        .collect();
    let warehouses = warehouses();
    let mut stock = Vec::new();
    for &at in &sold {
        let article = &goods()[at as usize];
        let mut dice = Dice::new(seed, "opening stock", u64::from(at));
        // Every thirtieth article has run out or nearly so; the rest lie in one to three places.
        let scarce = dice.chance(33);
        let places = if scarce { 1 } else { dice.between(1, 3) };
        let first = dice.below(warehouses.len() as u64) as usize;
        for step in 0..places as usize {
            let warehouse = &warehouses[(first + step) % warehouses.len()];
            let quantity = if scarce { dice.between(0, 3) } else { (article.popularity as i64 / 2 + dice.between(60, 400)).max(60) };
            let bin = format!("{}-{:02}-{}", dice.pick(&["A", "B", "C", "D"]), dice.between(1, 24), dice.between(1, 5));
            if quantity > 0 {
                stock.push(DemoStock { warehouse: warehouse.code.clone(), sku: article.code.clone(), quantity, bin });
            }
        }
    }
    DemoHouse { skus, bundles: bundles.into_values().collect(), warehouses, stock, rates: rates() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn barcodes_carry_their_check_digit() {
        // 4006381333931 is the worked example of the standard's introduction; ours follow the same sum.
        for ordinal in [0, 1, 299, 123_456] {
            let code = ean13(ordinal);
            assert_eq!(code.len(), 13);
            let sum: u32 = code.bytes().enumerate().map(|(i, b)| u32::from(b - b'0') * if i % 2 == 0 { 1 } else { 3 }).sum();
            assert_eq!(sum % 10, 0, "{code}");
        }
    }
}

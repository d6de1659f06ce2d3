//! The orders that are measured, as a marketplace tells them: the same ones every time, one to three lines each, of one
//! buyer in three orders, four in five to be shipped.

use wharf_domain::address::{PersonalData, Recipient, Region};
use wharf_domain::money::CNY;
use wharf_domain::order::channel::{ChannelBuyer, ChannelHold, ChannelLine, ChannelOrder};
use wharf_domain::order::{ChannelStatus, FulfilledBy, LineRefund, Payment};
use wharf_domain::time::{DAY, HOUR, Timestamp};
use wharf_domain::word::Observed;

/// Rises when the orders below become others.
pub const VERSION: u32 = 1;
/// Articles of a house.
pub const SKUS: usize = 200;
/// Days over which orders are placed, up to now.
pub const DAYS: i64 = 90;

/// The code of an article.
pub fn code(n: usize) -> String {
    format!("SKU-{n:04}")
}

/// An instant as the API writes it.
pub fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.micros()).map(|at| at.to_string()).unwrap_or_default()
}

/// When the first order of a house is placed.
pub fn first_placed(now: Timestamp) -> Timestamp {
    now.plus(-DAYS * DAY)
}

/// Numbers without order, the same ones every time (splitmix64).
fn scatter(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const PLACES: [(&str, &str, &str); 6] = [
    ("浙江省", "杭州市", "西湖区"),
    ("广东省", "深圳市", "南山区"),
    ("江苏省", "南京市", "玄武区"),
    ("四川省", "成都市", "武侯区"),
    ("湖北省", "武汉市", "洪山区"),
    ("上海市", "上海市", "浦东新区"),
];
const FAMILY: [&str; 10] = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴"];
const GIVEN: [&str; 10] = ["伟", "芳", "娜", "秀英", "敏", "静", "丽", "强", "磊", "军"];

/// The `n`th of `count` orders: of one buyer in three orders, one to three lines, four in five to be shipped.
pub fn order(n: usize, count: usize, first: Timestamp) -> ChannelOrder {
    let chance = scatter(n as u64);
    let placed_at = first.plus((DAYS * DAY - 2 * HOUR) / count.max(1) as i64 * n as i64);
    let (word, status) = match chance % 100 {
        0..5 => ("WAIT_BUYER_PAY", ChannelStatus::AwaitingPayment),
        5..8 => ("PAID_FORBID_CONSIGN", ChannelStatus::PaidOnHold),
        8..15 => ("TRADE_FINISHED", ChannelStatus::Completed),
        15..20 => ("TRADE_CLOSED", ChannelStatus::Cancelled),
        _ => ("WAIT_SELLER_SEND_GOODS", ChannelStatus::ToShip),
    };
    let paid = status != ChannelStatus::AwaitingPayment;
    let paid_at = paid.then(|| placed_at.plus(5 * 60 * 1_000_000));
    let buyer = scatter(chance) as usize % (count / 3).max(1);
    let (province, city, district) = PLACES[buyer % PLACES.len()];
    let lines: Vec<ChannelLine> = (0..1 + chance / 100 % 3)
        .map(|position| {
            let sku = (chance / 1_000 + position * 67) as usize % SKUS;
            let quantity = 1 + ((chance >> (20 + position)) & 1) as i64;
            let unit_price_minor = 990 + sku as i64 * 100;
            ChannelLine {
                external_id: format!("{n:09}{position:03}"),
                item_id: format!("6{sku:011}"),
                sku_id: format!("5{sku:012}"),
                seller_code: code(sku),
                title: format!("夏季新款纯棉宽松短袖 T 恤 {sku}"),
                variant: "颜色:白色;尺码:L".to_owned(),
                image_url: Some(format!("https://img.example.com/bao/uploaded/{sku}.jpg")),
                quantity,
                cancelled: 0,
                unit_price_minor,
                discount_minor: 0,
                total_minor: unit_price_minor * quantity,
                observed_status: word.to_owned(),
                status: Observed::Known(status),
                refund: LineRefund::None,
                gift: false,
            }
        })
        .collect();
    let goods: i64 = lines.iter().map(|line| line.total_minor).sum();
    let mut order = ChannelOrder {
        external_id: format!("{:019}", 3_000_000_000_000_000_000u64 + n as u64),
        observed_status: word.to_owned(),
        status: Observed::Known(status),
        modified_at: placed_at.plus(600_000_000),
        placed_at,
        paid_at,
        ship_by: paid_at.map(|at| at.plus(2 * DAY)),
        shipped_at: (status == ChannelStatus::Completed).then(|| placed_at.plus(DAY)),
        closed_at: matches!(status, ChannelStatus::Completed | ChannelStatus::Cancelled).then(|| placed_at.plus(7 * DAY)),
        payment: if paid { Payment::Paid } else { Payment::Unpaid },
        cash_on_delivery: false,
        fulfilled_by: FulfilledBy::Seller,
        do_not_ship: if status == ChannelStatus::PaidOnHold {
            vec![ChannelHold { code: "top_hold".to_owned(), text: String::new() }]
        } else {
            Vec::new()
        },
        buyer: ChannelBuyer { external_id: Some(format!("buyer-{buyer}")), nick: format!("买家{buyer}") },
        recipient: Some(Recipient {
            region: Region {
                country: "CN".to_owned(),
                province: province.to_owned(),
                city: city.to_owned(),
                district: district.to_owned(),
                ..Region::default()
            },
            personal: PersonalData {
                name: format!("{}{}", FAMILY[buyer % 10], GIVEN[buyer / 10 % 10]),
                phone: format!("138{:08}", buyer % 100_000_000),
                address: format!("文一西路 {} 号 {} 幢 {} 室", buyer % 999 + 1, buyer % 30 + 1, buyer % 1800 + 101),
            },
            token: None,
            masked: false,
        }),
        currency: CNY,
        total_minor: goods + 600,
        shipping_minor: 600,
        tax_minor: 0,
        discount_minor: 0,
        buyer_note: if chance % 40 == 7 { "请发顺丰".to_owned() } else { String::new() },
        seller_note: String::new(),
        seller_flag: None,
        urgent: Vec::new(),
        tags: if chance % 10 == 3 { vec!["gift".to_owned()] } else { Vec::new() },
        lines,
        shipments: Vec::new(),
        raw: Vec::new(),
    };
    order.raw = serde_json::to_vec(&order).unwrap_or_default();
    order
}

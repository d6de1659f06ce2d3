//! The documents' own words in both languages, and how times, weights and amounts are written on paper.

use crate::{Imprint, Language};
use jiff::{Timestamp as Instant, civil::DateTime};
use wharf_domain::{money::Money, time::Timestamp};

/// The captions of all documents.
pub(crate) struct Words {
    pub(crate) page: fn(usize, usize) -> String,
    pub(crate) printed: &'static str,
    pub(crate) recipient_sign: &'static str,
    pub(crate) sender_sign: &'static str,
    pub(crate) orders: &'static str,
    pub(crate) order: &'static str,
    pub(crate) ordered: &'static str,
    pub(crate) pieces: fn(u64) -> String,
    pub(crate) weight: &'static str,
    pub(crate) collect: &'static str,
    pub(crate) remark: &'static str,
    pub(crate) reprint: fn(u32) -> String,
    pub(crate) more: fn(usize) -> String,
    pub(crate) pick_list: &'static str,
    pub(crate) wave: &'static str,
    pub(crate) warehouse: &'static str,
    pub(crate) picker: &'static str,
    pub(crate) bin: &'static str,
    pub(crate) product: &'static str,
    pub(crate) quantity: &'static str,
    pub(crate) for_orders: &'static str,
    pub(crate) no_bin: &'static str,
    pub(crate) done: &'static str,
    pub(crate) pick_total: fn(usize, u64, usize) -> String,
    pub(crate) packing_slip: &'static str,
    pub(crate) gift_slip: &'static str,
    pub(crate) ship_to: &'static str,
    pub(crate) carrier: &'static str,
    pub(crate) waybill: &'static str,
    pub(crate) total: &'static str,
    pub(crate) price: &'static str,
    pub(crate) gift_message: &'static str,
    pub(crate) returns: &'static str,
    pub(crate) manifest: &'static str,
    pub(crate) account: &'static str,
    pub(crate) handed_over: &'static str,
    pub(crate) service: &'static str,
    pub(crate) destination: &'static str,
    pub(crate) by_service: &'static str,
    pub(crate) parcels: fn(usize) -> String,
    pub(crate) unweighed: fn(usize) -> String,
    pub(crate) signed_by_us: &'static str,
    pub(crate) signed_by_driver: &'static str,
    pub(crate) plate: &'static str,
    pub(crate) date: &'static str,
    pub(crate) colon: &'static str,
    pub(crate) none: &'static str,
}

const ZH: Words = Words {
    page: |n, m| format!("第 {n} / {m} 页"),
    printed: "打印",
    recipient_sign: "收",
    sender_sign: "寄",
    orders: "订单",
    order: "订单号",
    ordered: "下单时间",
    pieces: |n| format!("共 {n} 件"),
    weight: "重量",
    collect: "代收货款",
    remark: "备注",
    reprint: |n| format!("补打 第 {n} 次"),
    more: |n| format!("…另 {n} 项"),
    pick_list: "拣货单",
    wave: "波次",
    warehouse: "仓库",
    picker: "拣货人",
    bin: "货位",
    product: "商品",
    quantity: "数量",
    for_orders: "格口 · 订单 × 件数",
    no_bin: "无货位",
    done: "完成",
    pick_total: |lines, pieces, orders| format!("共 {lines} 行 · {pieces} 件 · {orders} 单"),
    packing_slip: "发货清单",
    gift_slip: "礼品清单",
    ship_to: "收件人",
    carrier: "快递",
    waybill: "运单号",
    total: "合计",
    price: "金额",
    gift_message: "赠言",
    returns: "退换货说明",
    manifest: "交接单",
    account: "月结账号",
    handed_over: "交接时间",
    service: "快递产品",
    destination: "目的地",
    by_service: "按产品小计",
    parcels: |n| format!("{n} 件包裹"),
    unweighed: |n| format!("{n} 件未称重"),
    signed_by_us: "仓库交件人",
    signed_by_driver: "快递收件人",
    plate: "车牌号",
    date: "日期时间",
    colon: "：",
    none: "—",
};

const EN: Words = Words {
    page: |n, m| format!("Page {n} of {m}"),
    printed: "Printed",
    recipient_sign: "TO",
    sender_sign: "FROM",
    orders: "Orders",
    order: "Order",
    ordered: "Ordered",
    pieces: |n| if n == 1 { "1 piece".to_owned() } else { format!("{n} pieces") },
    weight: "Weight",
    collect: "Cash on delivery",
    remark: "Remark",
    reprint: |n| format!("Reprint, copy {n}"),
    more: |n| format!("… and {n} more"),
    pick_list: "Pick list",
    wave: "Wave",
    warehouse: "Warehouse",
    picker: "Picker",
    bin: "Bin",
    product: "Product",
    quantity: "Qty",
    for_orders: "Slot · order × pieces",
    no_bin: "no bin",
    done: "Done",
    pick_total: |lines, pieces, orders| {
        let s = |n: u64| if n == 1 { "" } else { "s" };
        format!("{lines} line{} · {pieces} piece{} · {orders} order{}", s(lines as u64), s(pieces), s(orders as u64))
    },
    packing_slip: "Packing slip",
    gift_slip: "Gift slip",
    ship_to: "Ship to",
    carrier: "Carrier",
    waybill: "Waybill",
    total: "Total",
    price: "Amount",
    gift_message: "A message for you",
    returns: "Returns",
    manifest: "Hand-over manifest",
    account: "Account",
    handed_over: "Handed over",
    service: "Service",
    destination: "Destination",
    by_service: "By service",
    parcels: |n| if n == 1 { "1 parcel".to_owned() } else { format!("{n} parcels") },
    unweighed: |n| format!("{n} not weighed"),
    signed_by_us: "Handed over by",
    signed_by_driver: "Received by driver",
    plate: "Vehicle plate",
    date: "Date and time",
    colon: ": ",
    none: "—",
};

pub(crate) fn words(language: Language) -> &'static Words {
    match language {
        Language::Zh => &ZH,
        Language::En => &EN,
    }
}

/// The instant for the calendar; what lies beyond its years is drawn to its edge.
pub(crate) fn instant(at: Timestamp) -> Instant {
    Instant::from_microsecond(at.micros()).unwrap_or(if at.micros() < 0 { Instant::MIN } else { Instant::MAX })
}

/// The local date and time in the imprint's zone.
pub(crate) fn civil(imprint: &Imprint, at: Timestamp) -> DateTime {
    imprint.zone.to_datetime(instant(at))
}

/// `2026-11-21 23:05`.
pub(crate) fn date_time(imprint: &Imprint, at: Timestamp) -> String {
    civil(imprint, at).strftime("%Y-%m-%d %H:%M").to_string()
}

/// `0.850 kg`.
pub(crate) fn kilograms(grams: u64) -> String {
    format!("{}.{:03} kg", grams / 1000, grams % 1000)
}

/// `¥12.50` for yuan in Chinese, `CNY 12.50` elsewhere: a bare sign would be mistaken for yen.
pub(crate) fn amount(language: Language, money: Money) -> String {
    match (language, money.currency.code()) {
        (Language::Zh, "CNY") => format!("¥{}", money.amount()),
        (_, code) => format!("{code} {}", money.amount()),
    }
}

//! The platform's words and what they mean here. A word that is not in a table stays itself.

use wharf_domain::order::{ChannelStatus, LineRefund};
use wharf_domain::word::Observed;

/// `status` of trades and of their lines.
pub(super) const STATUS: &[(&str, ChannelStatus)] = &[
    ("TRADE_NO_CREATE_PAY", ChannelStatus::AwaitingPayment),
    ("WAIT_BUYER_PAY", ChannelStatus::AwaitingPayment),
    ("PAY_PENDING", ChannelStatus::AwaitingPayment),
    ("WAIT_PRE_AUTH_CONFIRM", ChannelStatus::PaidOnHold),
    ("PAID_FORBID_CONSIGN", ChannelStatus::PaidOnHold),
    ("WAIT_SELLER_SEND_GOODS", ChannelStatus::ToShip),
    ("SELLER_CONSIGNED_PART", ChannelStatus::PartShipped),
    ("WAIT_BUYER_CONFIRM_GOODS", ChannelStatus::Shipped),
    // Cash on delivery only: the buyer has signed for it.
    ("TRADE_BUYER_SIGNED", ChannelStatus::Delivered),
    ("TRADE_FINISHED", ChannelStatus::Completed),
    ("TRADE_CLOSED", ChannelStatus::Cancelled),
    ("TRADE_CLOSED_BY_TAOBAO", ChannelStatus::Cancelled),
];

/// `step_trade_status`: whether a presale in two payments is paid in full.
pub(super) const STEP_PAID_IN_FULL: &[(&str, bool)] =
    &[("FRONT_NOPAID_FINAL_NOPAID", false), ("FRONT_PAID_FINAL_NOPAID", false), ("FRONT_PAID_FINAL_PAID", true)];

/// `refund_status` of lines.
pub(super) const REFUND: &[(&str, LineRefund)] = &[
    ("NO_REFUND", LineRefund::None),
    ("WAIT_SELLER_AGREE", LineRefund::Requested),
    ("WAIT_BUYER_RETURN_GOODS", LineRefund::Requested),
    ("WAIT_SELLER_CONFIRM_GOODS", LineRefund::Requested),
    ("WAIT_BUYER_CONFIRM_EXCHANGE_SELLER_SEND_GOODS", LineRefund::Requested),
    ("WAIT_SELLER_CONSIGN_GOODS", LineRefund::Requested),
    ("EXCHANGE_TRANSFORM_TO_REFUND", LineRefund::Requested),
    ("SELLER_REFUSE_BUYER", LineRefund::Closed),
    ("CLOSED", LineRefund::Closed),
    ("SUCCESS", LineRefund::Refunded),
];

/// Carrier codes that the shipping calls take as they are. Others are looked up in the platform's own list.
pub(super) const CARRIERS: &[&str] = &[
    "YTO",
    "ZTO",
    "STO",
    "YUNDA",
    "SF",
    "EMS",
    "EYB",
    "POSTB",
    "HTKY",
    "DBKD",
    "JTSD",
    "TTKDEX",
    "UC",
    "QFKD",
    "ZJS",
    "FAST",
    "GTO",
    "DISTRIBUTOR_13222803",
];
/// The code for a carrier that the platform does not list.
pub(super) const OTHER_CARRIER: &str = "OTHER";

/// Business numbers of the shipping calls that say the parcel, or a part of it, is there already: `B04` shipped, `B27` its
/// order exists, `B02`, `B55` the trade is in another state. The numbers on the trade decide what to make of them.
pub(super) const MAYBE_SHIPPED: &[&str] = &["B04", "B27", "B02", "B55"];
/// No booked shipping order: the other call ships it at once.
pub(super) const NO_SHIPPING_ORDER: &str = "B05";

/// The meaning of a word in a table, or the word.
pub(super) fn observe<T: Copy>(table: &[(&str, T)], word: &str) -> Observed<T> {
    match table.iter().find(|(known, _)| *known == word) {
        Some((_, meaning)) => Observed::Known(*meaning),
        None => Observed::Unknown(word.to_owned()),
    }
}

/// The business number at the end of a `sub_code` (`isv.logistics-online-service-error:B04`).
pub(super) fn number(sub_code: &str) -> &str {
    sub_code.rsplit(':').next().unwrap_or_default()
}

/// ISO code of a country as the platform writes it. Blank is China: domestic trades leave it out. A country it does not
/// know is left blank rather than guessed.
pub(super) fn country(word: Option<&str>) -> String {
    match word.map(str::trim).unwrap_or_default() {
        "" | "中国" | "中国大陆" | "中华人民共和国" | "China" => "CN".into(),
        "香港" | "中国香港" => "HK".into(),
        "澳门" | "中国澳门" => "MO".into(),
        "台湾" | "中国台湾" => "TW".into(),
        code if code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphabetic()) => code.to_ascii_uppercase(),
        _ => String::new(),
    }
}

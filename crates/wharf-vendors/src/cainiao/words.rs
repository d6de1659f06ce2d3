//! Carrier codes and names, scan words, and the words by which the service says that a waybill is gone already.

use wharf_connect::Label;
use wharf_domain::shipment::ShipmentState;

/// Carriers that sell through this service. The code is the service word of a booking; a product of the carrier may follow
/// after a colon (`SF:1`).
pub(super) const CARRIERS: &[(&str, Label)] = &[
    ("ZTO", Label { en: "ZTO Express", zh: "中通快递" }),
    ("YTO", Label { en: "YTO Express", zh: "圆通速递" }),
    ("STO", Label { en: "STO Express", zh: "申通快递" }),
    ("YUNDA", Label { en: "Yunda Express", zh: "韵达快递" }),
    ("SF", Label { en: "SF Express", zh: "顺丰速运" }),
    ("EMS", Label { en: "EMS", zh: "EMS" }),
    ("POSTB", Label { en: "China Post parcel", zh: "邮政快递包裹" }),
    ("JTSD", Label { en: "J&T Express", zh: "极兔速递" }),
    ("DBKD", Label { en: "Deppon Express", zh: "德邦快递" }),
    ("HTKY", Label { en: "Best Express", zh: "百世快递" }),
];

/// `action` of a scan.
pub(super) const SCANS: &[(&str, ShipmentState)] = &[
    ("CREATE", ShipmentState::Booked),
    ("CONSIGN", ShipmentState::HandedOver),
    ("ACCEPT", ShipmentState::HandedOver),
    ("GOT", ShipmentState::InTransit),
    ("ARRIVAL", ShipmentState::InTransit),
    ("DEPARTURE", ShipmentState::InTransit),
    ("TRANSPORT", ShipmentState::InTransit),
    ("SENT_SCAN", ShipmentState::OutForDelivery),
    ("DELIVERING", ShipmentState::OutForDelivery),
    ("AGENT_SIGN", ShipmentState::OutForDelivery),
    ("SIGNED", ShipmentState::Delivered),
    ("SIGN", ShipmentState::Delivered),
    ("STA_SIGN", ShipmentState::Delivered),
    ("FAILED", ShipmentState::Exception),
    ("REJECT", ShipmentState::Exception),
    ("RETURN", ShipmentState::Returning),
];

/// How a refusal to cancel says that there is nothing left to cancel.
const CANCELLED_BEFORE: &[&str] = &["已取消", "已经取消", "已被取消", "重复取消", "已作废", "已回收", "already cancel", "been cancel"];

/// What people call a carrier.
pub(super) fn carrier_name(code: &str) -> String {
    CARRIERS.iter().find(|(known, _)| *known == code).map_or_else(|| code.to_owned(), |(_, label)| label.zh.to_owned())
}

/// True for a refusal that means "cancelled before".
pub(super) fn is_cancelled_before(words: &str) -> bool {
    let lower = words.to_lowercase();
    CANCELLED_BEFORE.iter().any(|known| lower.contains(known))
}

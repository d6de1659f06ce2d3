//! How a trade looks on the platform's wire: only the fields that were asked for, personal data masked, a token in its
//! place.

use crate::top::sandbox::{Company, Fields, Record, list};
use crate::top::time;
use base64::Engine;
use serde_json::{Value, json};
use wharf_connect::sign::hmac_sha256_hex_upper;
use wharf_connect::world::buyers::Recipient;
use wharf_connect::world::orders::{Line, Order, RefundKind, RefundState};
use wharf_connect::world::plan::Shop;
use wharf_connect::world::{Market, OrderState};
use wharf_domain::money::{CNY, Money};
use wharf_domain::time::DAY;

const WORDS: &[(OrderState, &str)] = &[
    (OrderState::AwaitingPayment, "WAIT_BUYER_PAY"),
    (OrderState::PaidOnHold, "PAID_FORBID_CONSIGN"),
    (OrderState::ToShip, "WAIT_SELLER_SEND_GOODS"),
    (OrderState::PartShipped, "SELLER_CONSIGNED_PART"),
    (OrderState::Shipped, "WAIT_BUYER_CONFIRM_GOODS"),
    (OrderState::Finished, "TRADE_FINISHED"),
    (OrderState::ClosedRefunded, "TRADE_CLOSED"),
    (OrderState::ClosedUnpaid, "TRADE_CLOSED_BY_TAOBAO"),
];

/// The state behind a word.
pub(super) fn state_of(word: &str) -> Option<OrderState> {
    WORDS.iter().find(|w| w.1 == word).map(|w| w.0)
}

/// The word of a state.
pub(super) fn word_of(state: OrderState) -> &'static str {
    WORDS.iter().find(|w| w.0 == state).map_or("TRADE_NO_CREATE_PAY", |w| w.1)
}

/// Fen as yuan with two decimals.
pub(super) fn yuan(minor: i64) -> String {
    Money::new(minor, CNY).amount()
}

/// What stands for name, mobile, address and week of the order in this shop and for this application.
pub(super) fn token(shop: &Shop, order: &Order, recipient: &Recipient) -> String {
    let week = order.placed_at.micros().div_euclid(7 * DAY);
    let text = format!(
        "{}|{}|{}|{}|{}|{}|{week}",
        shop.key, recipient.name, recipient.phone, recipient.city, recipient.district, recipient.street
    );
    let digest = hex::decode(hmac_sha256_hex_upper(shop.app_secret.as_bytes(), text.as_bytes())).unwrap_or_default();
    format!("1{}", base64::engine::general_purpose::URL_SAFE.encode(digest))
}

/// A stable id of a buyer that differs from shop to shop.
pub(super) fn open_uid(shop: &Shop, buyer: u32) -> String {
    let digest = hex::decode(hmac_sha256_hex_upper(shop.app_secret.as_bytes(), format!("buyer {buyer} of {}", shop.app_key).as_bytes()))
        .unwrap_or_default();
    format!("AAH{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&digest[..digest.len().min(18)]))
}

/// First and last character of a nick.
pub(super) fn mask_nick(nick: &str) -> String {
    let (first, last) = (nick.chars().next().unwrap_or('*'), nick.chars().last().unwrap_or('*'));
    format!("{first}**{last}")
}

/// The first character of a name.
fn mask_name(name: &str) -> String {
    name.chars().next().map(|c| format!("{c}**")).unwrap_or_default()
}

/// The last four of a phone; its length stays.
fn mask_phone(phone: &str) -> String {
    let chars: Vec<char> = phone.chars().collect();
    let kept = chars.len().saturating_sub(4);
    format!("{}{}", "*".repeat(kept), chars[kept..].iter().collect::<String>())
}

/// The frame of an address: what tells a road from a house stays, names and numbers go.
fn mask_address(street: &str) -> String {
    let mut out = String::new();
    for (at, c) in street.chars().enumerate() {
        if at == 0 || "路街道号小区幢室单元楼村城苑园里店站库栋".contains(c) {
            out.push(c);
        } else if !out.ends_with('*') {
            out.push_str("**");
        }
    }
    out
}

/// One trade. `detail` is the full record; lists leave notes and promotions out. `with_token` allows the recipient's token.
pub(super) fn json(m: &Market, order: &Order, fields: &Fields, detail: bool, with_token: bool, strange: Option<&str>) -> Value {
    let shop = &m.shops[order.shop as usize];
    let buyer = m.buyer(order);
    let recipient = m.recipient(order);
    let only = (order.lines.len() == 1).then(|| &order.lines[0]);
    let status = strange.or(order.status_word.as_deref()).unwrap_or(word_of(order.state));
    let mut t = Record::new(fields);
    t.put("tid", || json!(order.number));
    if fields.wants("tid") {
        t.set("tid_str", json!(order.number.to_string()));
    }
    t.put("tid_str", || json!(order.number.to_string()));
    t.put("seller_nick", || json!(shop.name));
    t.put("buyer_nick", || json!(mask_nick(&buyer.nick)));
    t.put("buyer_open_uid", || json!(open_uid(shop, order.buyer)));
    t.put("title", || json!(shop.name));
    t.put("type", || json!("guarantee_trade"));
    t.put("status", || json!(status));
    t.put("created", || json!(time::format(order.placed_at)));
    t.maybe("pay_time", || order.paid_at.map(|at| json!(time::format(at))));
    t.put("modified", || json!(time::format(order.modified_at)));
    t.maybe("consign_time", || order.shipped_at.map(|at| json!(time::format(at))));
    t.maybe("end_time", || order.ended_at.map(|at| json!(time::format(at))));
    t.put("num", || json!(order.lines.iter().map(|l| l.quantity).sum::<i64>()));
    if let Some(line) = only {
        let listing = m.listing(order, line.listing);
        t.put("num_iid", || json!(listing.item_id));
        t.put("price", || json!(yuan(line.price_minor)));
        t.put("pic_path", || json!(picture(listing.goods().code.as_str())));
    }
    t.put("total_fee", || json!(yuan(order.goods_minor())));
    t.put("payment", || json!(yuan(order.payment_minor())));
    t.put("post_fee", || json!(yuan(order.postage_minor)));
    t.put("discount_fee", || json!(yuan(order.discount_minor)));
    t.put("adjust_fee", || json!("0.00"));
    let received = if order.state == OrderState::Finished { order.payment_minor() } else { 0 };
    t.put("received_payment", || json!(yuan(received)));
    t.put("shipping_type", || json!("express"));
    t.put("buyer_rate", || json!(false));
    t.put("seller_rate", || json!(false));
    t.put("seller_flag", || json!(order.flag));
    t.put("has_buyer_message", || json!(!order.buyer_note.is_empty()));
    t.put("trade_from", || json!("WAP,WAP"));
    if order.state == OrderState::PartShipped {
        t.put("is_part_consign", || json!(true));
    }
    if order.paid_at.is_some() {
        t.put("est_con_time", || json!(promise(order)));
    }
    t.put("receiver_name", || json!(mask_name(&recipient.name)));
    t.put("receiver_country", || json!(""));
    t.put("receiver_state", || json!(recipient.province));
    t.put("receiver_city", || json!(recipient.city));
    t.put("receiver_district", || json!(recipient.district));
    t.put("receiver_town", || json!(recipient.town));
    t.put("receiver_address", || json!(mask_address(&recipient.street)));
    t.put("receiver_zip", || json!("000000"));
    t.put("receiver_mobile", || json!(mask_phone(&recipient.phone)));
    t.put("receiver_phone", || json!(""));
    // The token is worked out only for callers that ask for everything it stands for.
    let whole = ["receiver_name", "receiver_address", "receiver_mobile", "receiver_phone", "created"].iter().all(|f| fields.wants(f));
    if with_token && whole {
        t.set("oaid", json!(token(shop, order, &recipient)));
    }
    if let Some(inner) = fields.of("orders") {
        let rows = order.lines.iter().map(|line| line_json(m, order, line, &inner, status, only.is_some())).collect();
        t.set("orders", list("order", rows));
    }
    if detail {
        details(m, order, &mut t);
    }
    t.value()
}

/// What only the full record tells.
fn details(m: &Market, order: &Order, t: &mut Record<'_>) {
    let recipient = m.recipient(order);
    let held = |word: &str| order.holds.iter().any(|h| h == word);
    t.put("sid", || json!(order.number.to_string()));
    t.maybe("buyer_message", || (!order.buyer_note.is_empty()).then(|| json!(order.buyer_note)));
    t.maybe("seller_memo", || (!order.seller_note.is_empty()).then(|| json!(order.seller_note)));
    t.put("buyer_area", || json!(format!("{}{}", recipient.province.trim_end_matches('省'), recipient.city.trim_end_matches('市'))));
    t.put("available_confirm_fee", || json!(yuan(order.payment_minor())));
    t.put("has_post_fee", || json!(order.postage_minor > 0));
    t.put("point_fee", || json!(0));
    t.put("cod_fee", || json!("0.00"));
    t.put("cod_status", || json!("NEW_CREATED"));
    t.put("commission_fee", || json!("0.00"));
    t.put("is_sh_ship", || json!(false));
    t.put("top_hold", || json!(i64::from(order.holds.iter().any(|h| h != "group_hold" && h != "forbid_consign"))));
    t.put("forbid_consign", || json!(i64::from(held("forbid_consign"))));
    t.maybe("team_buy_hold", || held("group_hold").then(|| json!(1)));
    t.maybe("ob_tag", || order.urged.then(|| json!("lg")));
    t.maybe("lm", || order.address_changed.then(|| json!("1")));
    t.maybe("promise_collect_time", || order.ship_by().map(|at| json!(time::format(at))));
    t.put("trade_attr", || json!("{\"erpHold\":\"0\"}"));
    if order.discount_minor > 0 {
        t.put("promotion_details", || {
            list(
                "promotion_detail",
                vec![json!({
                    "id": order.number, "promotion_name": "店铺满减", "promotion_desc": format!("满减{}", yuan(order.discount_minor)),
                    "discount_fee": yuan(order.discount_minor), "promotion_id": format!("shopmj-{}_{}", 20_000_000 + order.shop, order.number % 100_000_000),
                })],
            )
        });
    }
    t.put("logistics_infos", || {
        let rows = order
            .lines
            .iter()
            .map(|line| {
                let listing = m.listing(order, line.listing);
                json!({
                    "trade_id": order.number, "sub_trade_id": line.number, "item_id": listing.item_id.to_string(), "item_code": listing.seller_code,
                    "need_consign_num": line.quantity, "store_code": "SC", "type": "00", "sku_id": listing.sku_id.to_string(),
                    "num_iid": listing.item_id, "consign_type": "SC", "biz_delivery_type": 0,
                })
            })
            .collect();
        list("logistics_info", rows)
    });
}

/// The sentence of the shipping promise.
fn promise(order: &Order) -> String {
    format!("付款后{}天内", (order.promise_hours / 24).max(1))
}

fn picture(code: &str) -> String {
    format!("https://img.alicdn.com/bao/uploaded/i1/{code}.jpg")
}

/// The word of what was asked back on a line.
pub(super) fn refund_word(kind: RefundKind, state: RefundState) -> &'static str {
    match (state, kind) {
        (RefundState::Asked, _) => "WAIT_SELLER_AGREE",
        (RefundState::Closed, _) => "CLOSED",
        (RefundState::Paid, _) => "SUCCESS",
    }
}

fn line_json(m: &Market, order: &Order, line: &Line, fields: &Fields, trade_word: &str, only: bool) -> Value {
    let listing = m.listing(order, line.listing);
    let parcel = order.parcel_of(line.number);
    let refund = line.refund.map(|r| &m.refunds[r as usize]);
    let word = if m.is_refunded(line.refund) {
        "TRADE_CLOSED"
    } else if parcel.is_some() && order.state == OrderState::PartShipped {
        word_of(OrderState::Shipped)
    } else if order.state == OrderState::PartShipped {
        word_of(OrderState::ToShip)
    } else {
        trade_word
    };
    let mut o = Record::new(fields);
    o.put("oid", || json!(line.number));
    if fields.wants("oid") {
        o.set("oid_str", json!(line.number.to_string()));
    }
    o.put("oid_str", || json!(line.number.to_string()));
    o.put("num_iid", || json!(listing.item_id));
    o.put("sku_id", || json!(listing.sku_id.to_string()));
    if !listing.seller_code.is_empty() {
        o.put("outer_iid", || json!(listing.seller_code.chars().take_while(char::is_ascii_digit).collect::<String>()));
        o.put("outer_sku_id", || json!(listing.seller_code));
    }
    o.put("title", || json!(listing.title));
    o.put("sku_properties_name", || json!(listing.variant));
    o.put("pic_path", || json!(picture(listing.goods().code.as_str())));
    o.put("price", || json!(yuan(line.price_minor)));
    o.put("num", || json!(line.quantity));
    o.put("total_fee", || json!(yuan(line.total_minor())));
    // With a single line the postage is counted in; with several it is left out.
    let payment = if only { order.payment_minor() } else { line.total_minor() };
    o.put("payment", || json!(yuan(payment)));
    o.put("discount_fee", || json!(yuan(line.discount_minor)));
    o.put("adjust_fee", || json!("0.00"));
    o.put("divide_order_fee", || json!(yuan(line.paid_minor())));
    o.put("part_mjz_discount", || json!(yuan(line.share_minor)));
    o.put("status", || json!(word));
    o.put("refund_status", || json!(refund.map_or("NO_REFUND", |r| refund_word(r.kind, r.state))));
    o.maybe("refund_id", || refund.map(|r| json!(r.number.to_string())));
    o.put("seller_type", || json!("C"));
    o.put("cid", || json!(50_000_671));
    o.put("buyer_rate", || json!(false));
    o.put("seller_rate", || json!(false));
    o.put("is_oversold", || json!(false));
    o.put("order_from", || json!("WAP,WAP"));
    o.put("is_daixiao", || json!(false));
    o.put("is_sh_ship", || json!(false));
    if order.paid_at.is_some() {
        o.put("estimate_con_time", || json!(promise(order)));
    }
    o.maybe("modify_address", || order.address_changed.then(|| json!("1")));
    if let Some(parcel) = parcel {
        o.put("consign_time", || json!(time::format(parcel.shipped_at)));
        o.put("logistics_company", || json!(Company::of(&parcel.carrier).map_or(parcel.carrier.as_str(), |c| c.name)));
        o.put("invoice_no", || json!(parcel.number));
        o.put("shipping_type", || json!("express"));
    }
    o.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_keep_what_the_platform_keeps() {
        assert_eq!(mask_phone("13800000001"), "*******0001");
        assert_eq!(mask_phone("1380000000"), "******0000");
        assert_eq!(mask_name("欧阳静"), "欧**");
        assert_eq!(mask_nick("tb12345"), "t**5");
        assert_eq!(mask_address("人民路68号阳光花园8幢2单元1201室"), "人**路**号**园**幢**单元**室");
        assert_eq!(mask_address(""), "");
    }

    #[test]
    fn every_state_has_its_own_word() {
        for (state, word) in WORDS {
            assert_eq!(state_of(word), Some(*state));
            assert_eq!(word_of(*state), *word);
        }
        assert_eq!(WORDS.len(), <OrderState as wharf_domain::word::Word>::ALL.len());
    }
}

//! The rest of the platform's side: refunds that buyers asked for, private data behind tokens, items and what is left of
//! them.

use super::sandbox_trade::{mask_nick, open_uid, refund_word, token, word_of, yuan};
use crate::top::sandbox::{Ask, Fields, No, Record, list};
use crate::top::time;
use serde_json::{Map, Value, json};
use wharf_connect::world::orders::{Refund, RefundKind};
use wharf_connect::world::plan::{Listing, Shop};
use wharf_connect::world::{Command, Market};
use wharf_domain::time::{DAY, Timestamp};

pub(super) fn refunds(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    let fields = ask.fields()?;
    let from = ask.time("start_modified")?.unwrap_or(ask.now.plus(-90 * DAY));
    let to = ask.time("end_modified")?.unwrap_or(ask.now);
    if to < from {
        return Err(No::invalid("end_modified", "结束时间不能早于开始时间"));
    }
    let page = ask.number_or("page_no", 1, 1, 1_000_000)? as usize;
    let size = ask.number_or("page_size", 40, 1, 100)? as usize;
    let skip = (page - 1) * size;
    Ok(ask.world.read(|m| {
        let wanted = ask.get("status");
        let (total, rows): (usize, Vec<&Refund>) = match wanted {
            None => (m.count_refunds(shop, from, to), m.refunds_modified(shop, from, to, skip, size).collect()),
            Some(word) => {
                let all: Vec<&Refund> =
                    m.refunds_modified(shop, from, to, 0, usize::MAX).filter(|r| refund_word(r.kind, r.state) == word).collect();
                (all.len(), all.into_iter().skip(skip).take(size).collect())
            }
        };
        let mut body = Map::new();
        if ask.flag("use_has_next") {
            body.insert("has_next".into(), json!(skip + rows.len() < total));
        } else {
            body.insert("total_results".into(), json!(total));
        }
        body.insert("refunds".into(), list("refund", rows.into_iter().map(|r| refund_json(m, r, &fields)).collect()));
        Value::Object(body)
    }))
}

pub(super) fn refund(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    let fields = ask.fields()?;
    let number = ask.need_number("refund_id")?;
    let seen = ask.world.read(|m| m.refund(number).filter(|r| r.shop == shop).map(|r| json!({ "refund": refund_json(m, r, &fields) })));
    seen.ok_or_else(|| No::business("isv.refund-not-exist:refund_id", "退款单不存在"))
}

fn refund_json(m: &Market, refund: &Refund, fields: &Fields) -> Value {
    let mut r = Record::new(fields);
    r.put("refund_id", || json!(refund.number.to_string()));
    r.put("tid", || json!(refund.order));
    r.put("oid", || json!(refund.line));
    r.put("status", || json!(refund_word(refund.kind, refund.state)));
    r.put("good_status", || json!(if refund.after_shipping { "BUYER_RECEIVED" } else { "BUYER_NOT_RECEIVED" }));
    r.put("has_good_return", || json!(refund.kind == RefundKind::WithGoods));
    r.put("refund_phase", || json!("onsale"));
    r.put("refund_version", || json!(refund.modified_at.micros() / 1000));
    r.put("dispute_type", || json!(if refund.kind == RefundKind::WithGoods { "REFUND_AND_RETURN" } else { "REFUND" }));
    r.put("refund_fee", || json!(yuan(refund.amount_minor)));
    r.put("payment", || json!("0.00"));
    r.put("reason", || json!(refund.reason));
    r.put("desc", || json!(""));
    r.put("created", || json!(time::format(refund.asked_at)));
    r.put("modified", || json!(time::format(refund.modified_at)));
    r.put("cs_status", || json!(1));
    r.put("advance_status", || json!(0));
    r.put("operation_contraint", || json!(""));
    r.put("attribute", || json!(""));
    r.put("company_name", || json!(""));
    r.put("sid", || json!(""));
    if let Some(order) = m.order(refund.order) {
        let shop = &m.shops[order.shop as usize];
        r.put("buyer_nick", || json!(mask_nick(&m.buyer(order).nick)));
        r.put("buyer_open_uid", || json!(open_uid(shop, order.buyer)));
        r.put("seller_nick", || json!(shop.name));
        r.put("order_status", || json!(word_of(order.state)));
        if let Some(line) = order.lines.iter().find(|l| l.number == refund.line) {
            let listing = m.listing(order, line.listing);
            r.put("total_fee", || json!(yuan(line.total_minor())));
            r.put("title", || json!(listing.title));
            r.put("price", || json!(yuan(line.price_minor)));
            r.put("num", || json!(line.quantity));
            r.put("num_iid", || json!(listing.item_id));
            r.put("outer_id", || json!(listing.seller_code));
            r.put("sku", || json!(format!("{}|{}", listing.sku_id, listing.variant)));
        }
    }
    r.value()
}

/// The (token, trade) pairs of a query, at most `limit`.
fn pairs(ask: &Ask<'_>, name: &str, limit: usize) -> Result<Vec<(String, String)>, No> {
    let Value::Array(rows) = ask.json(name)? else { return Err(No::invalid(name, "参数必须为数组")) };
    if rows.is_empty() || rows.len() > limit {
        return Err(No::invalid(name, "参数数量超过限制"));
    }
    let text = |row: &Value, key: &str| match row.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    Ok(rows.iter().map(|row| (text(row, "oaid"), text(row, "tid"))).collect())
}

pub(super) fn decrypt(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    let wanted = pairs(ask, "query_list", 20)?;
    Ok(ask.world.read(|m| {
        let rows = wanted
            .iter()
            .map(|(oaid, tid)| {
                let order = tid.parse().ok().and_then(|n| m.order(n)).filter(|o| o.shop == shop);
                let known = order.map(|o| (o, m.recipient(o))).filter(|(o, r)| token(&m.shops[shop as usize], o, r) == *oaid);
                match known {
                    None => json!({ "oaid": oaid, "tid": tid, "matched": false, "privacy_protection": false }),
                    Some((order, _)) if order.is_closed() => json!({
                        "oaid": oaid, "tid": tid, "matched": true, "privacy_protection": false, "desensitize_rule": "DECRYPTION_DISABLED_BY_ORDERCLOSED",
                    }),
                    Some((_, to)) => json!({
                        "oaid": oaid, "tid": tid, "name": to.name, "mobile": to.phone, "phone": "", "address_detail": to.street, "town": to.town,
                        "district": to.district, "city": to.city, "state": to.province, "country": "中国", "matched": true, "privacy_protection": false,
                    }),
                }
            })
            .collect();
        json!({ "receiver_list": list("receiver", rows) })
    }))
}

/// Trades of one recipient, by what the platform knows, whatever their tokens look like.
pub(super) fn merge(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    let wanted = pairs(ask, "merge_list", 100)?;
    Ok(ask.world.read(|m| {
        let mut groups: Vec<(Option<(u32, wharf_connect::world::buyers::Recipient)>, Vec<String>)> = Vec::new();
        for (oaid, tid) in &wanted {
            let order = tid.parse().ok().and_then(|n| m.order(n)).filter(|o| o.shop == shop);
            let who = order
                .map(|o| (o, m.recipient(o)))
                .filter(|(o, r)| token(&m.shops[shop as usize], o, r) == *oaid)
                .map(|(o, r)| (o.buyer, r));
            match groups.iter_mut().find(|g| who.is_some() && g.0 == who) {
                Some(group) => group.1.push(tid.clone()),
                None => groups.push((who, vec![tid.clone()])),
            }
        }
        json!({ "tid_list": list("string", groups.into_iter().map(|g| json!(g.1.join(","))).collect()) })
    }))
}

/// Listings of one item: they share its id.
fn items_of(shop: &Shop) -> Vec<(i64, Vec<&Listing>)> {
    let mut items: Vec<(i64, Vec<&Listing>)> = Vec::new();
    for listing in &shop.listings {
        match items.iter_mut().find(|i| i.0 == listing.item_id) {
            Some(item) => item.1.push(listing),
            None => items.push((listing.item_id, vec![listing])),
        }
    }
    items
}

fn item_json(shop: &Shop, opened: Timestamp, id: i64, listings: &[&Listing], fields: &Fields) -> Value {
    let mut item = Record::new(fields);
    let first = listings[0];
    item.put("num_iid", || json!(id));
    item.put("title", || json!(first.title));
    item.put("nick", || json!(shop.name));
    item.put("type", || json!("fixed"));
    item.put("cid", || json!(50_000_671));
    item.put("approve_status", || json!("onsale"));
    item.put("pic_url", || json!(format!("https://img.alicdn.com/bao/uploaded/i1/{}.jpg", first.goods().code)));
    item.put("num", || json!(listings.iter().map(|l| l.quantity).sum::<i64>()));
    item.put("price", || json!(yuan(listings.iter().map(|l| l.price_minor).min().unwrap_or(0))));
    item.maybe("outer_id", || {
        (!first.seller_code.is_empty()).then(|| json!(first.seller_code.chars().take_while(char::is_ascii_digit).collect::<String>()))
    });
    item.put("list_time", || json!(time::format(opened)));
    item.put("modified", || json!(time::format(opened)));
    if fields.wants("sku") || fields.wants("skus") {
        item.set("skus", list("sku", listings.iter().map(|l| sku_json(l, opened)).collect()));
    }
    item.value()
}

fn sku_json(listing: &Listing, opened: Timestamp) -> Value {
    let mut sku = json!({
        "sku_id": listing.sku_id, "num_iid": listing.item_id, "properties_name": listing.variant, "quantity": listing.quantity,
        "price": yuan(listing.price_minor), "status": "normal", "created": time::format(opened), "modified": time::format(opened),
    });
    if let (Value::Object(map), false) = (&mut sku, listing.seller_code.is_empty()) {
        map.insert("outer_id".into(), json!(listing.seller_code));
    }
    sku
}

pub(super) fn items(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    let fields = ask.fields()?;
    let page = ask.number_or("page_no", 1, 1, 100_000)? as usize;
    let size = ask.number_or("page_size", 40, 1, 200)? as usize;
    Ok(ask.world.read(|m| {
        let facts = &m.shops[shop as usize];
        let items = items_of(facts);
        let total = items.len();
        let rows =
            items.iter().skip((page - 1) * size).take(size).map(|(id, l)| item_json(facts, m.plan.opened_at, *id, l, &fields)).collect();
        json!({ "total_results": total, "items": list("item", rows) })
    }))
}

/// The item ids of a comma list, at most `limit`.
fn item_ids(ask: &Ask<'_>, name: &str, limit: usize) -> Result<Vec<i64>, No> {
    let ids: Vec<i64> = ask
        .need(name)?
        .split(',')
        .map(|n| n.trim().parse().map_err(|_| No::invalid(name, "商品编号格式不正确")))
        .collect::<Result<_, _>>()?;
    if ids.len() > limit { Err(No::invalid(name, "商品数量超过限制")) } else { Ok(ids) }
}

pub(super) fn items_by_id(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    let fields = ask.fields()?;
    let ids = item_ids(ask, "num_iids", 20)?;
    Ok(ask.world.read(|m| {
        let facts = &m.shops[shop as usize];
        let rows = items_of(facts)
            .iter()
            .filter(|i| ids.contains(&i.0))
            .map(|(id, l)| item_json(facts, m.plan.opened_at, *id, l, &fields))
            .collect();
        json!({ "items": list("item", rows) })
    }))
}

pub(super) fn skus(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    ask.need("fields")?;
    let ids = item_ids(ask, "num_iids", 40)?;
    Ok(ask.world.read(|m| {
        let rows =
            m.shops[shop as usize].listings.iter().filter(|l| ids.contains(&l.item_id)).map(|l| sku_json(l, m.plan.opened_at)).collect();
        json!({ "skus": list("sku", rows) })
    }))
}

/// Sets or changes what is left of some listings of one item. A full value must not be negative; `clamp` tells the call that
/// stops at zero from the one that refuses.
fn change(ask: &Ask<'_>, item: i64, wishes: &[(u32, i64)], delta: bool, clamp: bool) -> Result<Value, No> {
    let shop = ask.shop()?;
    for (listing, quantity) in wishes {
        let left = ask.world.read(|m| m.shops[shop as usize].listings[*listing as usize].quantity);
        let quantity = match (delta, left + quantity) {
            (false, _) if *quantity < 0 => return Err(No::invalid("quantity", "库存数量不能为负数")),
            (false, _) => *quantity,
            (true, sum) if sum < 0 && !clamp => return Err(No::invalid("quantity", "扣减后的库存不能为负数")),
            (true, sum) => sum.max(0),
        };
        ask.world
            .apply(Command::Stock { at: ask.now, shop, listing: *listing, quantity })
            .map_err(super::sandbox::service("isp.item-update-service-error"))?;
    }
    Ok(ask.world.read(|m| {
        let facts = &m.shops[shop as usize];
        let sum: i64 = facts.listings.iter().filter(|l| l.item_id == item).map(|l| l.quantity).sum();
        let now = time::format(ask.now);
        let skus = wishes
            .iter()
            .map(|(l, _)| &facts.listings[*l as usize])
            .map(|l| json!({ "sku_id": l.sku_id, "quantity": l.quantity, "modified": now }))
            .collect();
        json!({ "item": { "num_iid": item, "num": sum, "modified": now, "skus": list("sku", skus) } })
    }))
}

/// Full or difference: `type` 1 or 2.
fn is_delta(ask: &Ask<'_>) -> Result<bool, No> {
    Ok(ask.number_or("type", 1, 1, 2)? == 2)
}

fn no_item() -> No {
    No::business("isv.item-quantity-item-not-exist:num_iid", "商品不存在或已删除")
}

/// Indexes of the listings of an item that a test lets through.
fn listings_of(ask: &Ask<'_>, item: i64, keep: impl Fn(&Listing) -> bool) -> Result<Vec<u32>, No> {
    let shop = ask.shop()?;
    let found = ask.world.read(|m| {
        let all: Vec<u32> =
            m.shops[shop as usize].listings.iter().enumerate().filter(|(_, l)| l.item_id == item).map(|(i, _)| i as u32).collect();
        if all.is_empty() {
            return None;
        }
        Some(all.into_iter().filter(|i| keep(&m.shops[shop as usize].listings[*i as usize])).collect::<Vec<u32>>())
    });
    found.ok_or_else(no_item)
}

pub(super) fn set_quantity(ask: &Ask<'_>) -> Result<Value, No> {
    let item = ask.need_number("num_iid")?;
    let quantity = ask.need_number("quantity")?;
    let sku = ask.get("sku_id").map(str::to_owned);
    let code = ask.get("outer_id").map(str::to_owned);
    let found = listings_of(ask, item, |l| match (&sku, &code) {
        (Some(sku), _) => l.sku_id.to_string() == *sku,
        (None, Some(code)) => l.seller_code == *code,
        (None, None) => true,
    })?;
    match found.as_slice() {
        [one] => change(ask, item, &[(*one, quantity)], is_delta(ask)?, false),
        [] => Err(No::invalid("sku_id", "SKU不存在")),
        _ => Err(No::missing("sku_id")),
    }
}

pub(super) fn set_quantities(ask: &Ask<'_>) -> Result<Value, No> {
    let item = ask.need_number("num_iid")?;
    let (name, by_id) = if ask.get("skuid_quantities").is_some() { ("skuid_quantities", true) } else { ("outerid_quantities", false) };
    let mut wishes = Vec::new();
    let parts: Vec<&str> = ask.need(name)?.split(';').filter(|p| !p.trim().is_empty()).collect();
    if parts.len() > 20 {
        return Err(No::invalid(name, "SKU数量超过限制"));
    }
    for part in parts {
        let (id, quantity) = part.rsplit_once(':').ok_or_else(|| No::invalid(name, "格式必须为 id:数量"))?;
        let quantity: i64 = quantity.trim().parse().map_err(|_| No::invalid(name, "格式必须为 id:数量"))?;
        let found = listings_of(ask, item, |l| if by_id { l.sku_id.to_string() == id.trim() } else { l.seller_code == id.trim() })?;
        if found.is_empty() {
            return Err(No::business(format!("isv.item-quantity-sku-not-exist:{}", id.trim()), "SKU不存在"));
        }
        // A seller code changes every SKU that carries it.
        wishes.extend(found.into_iter().map(|l| (l, quantity)));
    }
    change(ask, item, &wishes, is_delta(ask)?, true)
}

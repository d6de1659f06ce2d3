//! One box that takes anything: what a person pasted is tried as an order number, its beginning or end, a phone or its
//! last four digits, a name, a nickname, a tracking number, a SKU. Each try is a walk of an index, never a scan.

use super::escape_like;
use crate::orders::{normal_name, tail};
use crate::{StoreError, Tx, Value};
use std::collections::BTreeSet;
use wharf_domain::address::normal_phone;
use wharf_domain::catalog::normal_code;
use wharf_domain::id::{ListingId, OrderId};

/// The most orders one try may add: beyond it the text says too little.
const MOST: i64 = 1_000;

/// What a search text stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// There is no text: no condition.
    Everything,
    /// It stands for nothing that is here.
    Nothing,
    /// These orders, and all orders with lines of these listings.
    Some {
        /// Orders, whatever matched.
        orders: Vec<OrderId>,
        /// Listings whose SKU, bundle or seller code it is.
        listings: Vec<ListingId>,
    },
}

/// Finds what a text stands for. The caller applies the scope.
pub fn search(tx: &mut Tx<'_>, q: &str) -> Result<Found, StoreError> {
    let text = q.trim().replace('\0', "");
    if text.is_empty() {
        return Ok(Found::Everything);
    }
    let mut orders = BTreeSet::new();
    let mut add = |rows: Vec<crate::Row>| -> Result<(), StoreError> {
        for row in rows {
            orders.insert(row.id::<OrderId>(0)?);
        }
        Ok(())
    };
    add(by_number(tx, &text)?)?;
    let keys = tx.keys().clone();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let mut hashes: Vec<Value> = vec![keys.blind("nick", &text.to_lowercase()).into(), keys.blind("name", &normal_name(&text)).into()];
    if digits.len() >= 7 {
        hashes.push(keys.blind("phone", &normal_phone(&text)).into());
    }
    if text.len() == 4 && digits.len() == 4 {
        hashes.push(keys.blind("phone_tail", &text).into());
    }
    add(tx.query_in("SELECT order_id FROM order_search WHERE kind IN ('nick', 'name', 'phone', 'phone_tail') AND hash IN ({ids}) ORDER BY order_id DESC LIMIT 1000", &hashes, &[])?)?;
    add(tx.query(
        "SELECT DISTINCT l.order_id FROM shipments s JOIN shipment_lines l ON l.shipment_id = s.id WHERE s.waybill_number = $1 OR s.waybill_number = $2 LIMIT $3",
        &[(&text).into(), text.to_ascii_uppercase().into(), MOST.into()],
    )?)?;
    let code = normal_code(&text);
    let listings = tx
        .query(
            "SELECT id FROM listings WHERE sku_id IN (SELECT id FROM skus WHERE code_normal = $1) OR bundle_id IN (SELECT id FROM bundles WHERE code_normal = $1) \
             OR sku_id IN (SELECT sku_id FROM sku_barcodes WHERE barcode = $2) OR lower(seller_code) = $1 LIMIT $3",
            &[code.into(), (&text).into(), MOST.into()],
        )?
        .iter()
        .map(|row| row.id(0))
        .collect::<Result<Vec<ListingId>, _>>()?;
    if orders.is_empty() && listings.is_empty() {
        return Ok(Found::Nothing);
    }
    Ok(Found::Some { orders: orders.into_iter().collect(), listings })
}

/// The whole number, its beginning (four characters or more), its end (four or more), or our own id.
fn by_number(tx: &mut Tx<'_>, text: &str) -> Result<Vec<crate::Row>, StoreError> {
    let shops: Vec<Value> = tx.query("SELECT id FROM shops", &[])?.iter().map(|row| row.value(0).cloned()).collect::<Result<_, _>>()?;
    let mut rows = tx.query_in("SELECT id FROM orders WHERE shop_id IN ({ids}) AND external_id = $1", &shops, &[text.into()])?;
    if let Ok(id) = text.parse::<i64>() {
        rows.extend(tx.query("SELECT id FROM orders WHERE id = $1", &[id.into()])?);
    }
    let length = text.chars().count();
    if length >= 4 {
        let starts = format!("{}%", escape_like(text));
        // Digits sort alike under every collation: with a range the index by number is walked, not scanned.
        let next = if text.bytes().all(|b| b.is_ascii_digit()) { successor(text) } else { None };
        match next {
            Some(next) => rows.extend(tx.query_in(
                "SELECT id FROM orders WHERE shop_id IN ({ids}) AND external_id >= $1 AND external_id < $2 AND external_id LIKE $3 ESCAPE '!' LIMIT 1000",
                &shops,
                &[text.into(), next.into(), starts.into()],
            )?),
            None => rows.extend(tx.query_in("SELECT id FROM orders WHERE shop_id IN ({ids}) AND external_id LIKE $1 ESCAPE '!' LIMIT 1000", &shops, &[starts.into()])?),
        }
        let ends = format!("%{}", escape_like(&text.to_lowercase()));
        rows.extend(tx.query(
            "SELECT id FROM orders WHERE external_tail = $1 AND lower(external_id) LIKE $2 ESCAPE '!' LIMIT $3",
            &[tail(text).into(), ends.into(), MOST.into()],
        )?);
    }
    Ok(rows)
}

/// The least digits that are after everything that begins with these: `205` → `206`, `209` → `21`; none after nines.
fn successor(digits: &str) -> Option<String> {
    let kept = digits.trim_end_matches('9');
    let last = kept.bytes().last()?;
    Some(format!("{}{}", &kept[..kept.len() - 1], char::from(last + 1)))
}

//! Two readings of one order become one: an order list and its item list, two overlapping exports, a report without
//! prices and one without names. What one could not say, the other says; of two versions the newer one wins.

use super::read_order::ReadOrder;
use std::collections::HashMap;
use wharf_domain::money::split;
use wharf_domain::order::ChannelStatus;
use wharf_domain::order::channel::ChannelLine;
use wharf_domain::word::Word;

/// Content ordinals begin so; ids that a channel gave never do.
pub const ORDINAL: char = '~';
/// The one line of an order list that does not tell its lines.
pub const SUMMARY_LINE: &str = "~order";

/// The order as both readings tell it. `later` is the reading that was made later; the older version of the two gives
/// way wherever both speak.
pub fn merge(earlier: &ReadOrder, later: &ReadOrder) -> ReadOrder {
    let (old, new) = if later.order.modified_at >= earlier.order.modified_at { (earlier, later) } else { (later, earlier) };
    let mut merged = new.clone();
    let out = &mut merged.order;
    if !new.knows.status && old.knows.status {
        out.status = old.order.status.clone();
        out.observed_status = old.order.observed_status.clone();
        out.payment = old.order.payment;
    }
    if !new.knows.placed && old.knows.placed {
        out.placed_at = old.order.placed_at;
    }
    out.paid_at = new.order.paid_at.or(old.order.paid_at);
    out.ship_by = new.order.ship_by.or(old.order.ship_by);
    out.shipped_at = new.order.shipped_at.or(old.order.shipped_at);
    out.closed_at = new.order.closed_at.or(old.order.closed_at);
    out.modified_at = new.order.modified_at.max(old.order.modified_at);
    if out.buyer.external_id.is_none() {
        out.buyer.external_id = old.order.buyer.external_id.clone();
    }
    if out.buyer.nick.is_empty() {
        out.buyer.nick = old.order.buyer.nick.clone();
    }
    if !new.knows.notes {
        out.buyer_note = old.order.buyer_note.clone();
        out.seller_note = old.order.seller_note.clone();
    }
    merge_recipient(old, &mut merged);
    let out = &mut merged.order;
    for word in old.order.tags.iter().chain(&old.order.urgent) {
        let list = if old.order.tags.contains(word) { &mut out.tags } else { &mut out.urgent };
        if !list.contains(word) {
            list.push(word.clone());
        }
    }
    if out.shipments.is_empty() {
        out.shipments = old.order.shipments.clone();
    }
    if !new.knows.money && old.knows.money {
        out.currency = old.order.currency;
        out.total_minor = old.order.total_minor;
        out.shipping_minor = old.order.shipping_minor;
        out.tax_minor = old.order.tax_minor;
        out.discount_minor = old.order.discount_minor;
        merged.tax_included_minor = old.tax_included_minor;
    }
    if new.knows.lines {
        align(&old.order.lines, &mut merged.order.lines, old.knows.lines, new.knows.prices, old.knows.prices);
    } else if old.knows.lines {
        merged.order.lines = old.order.lines.clone();
    }
    merged.knows = old.knows.or(new.knows);
    merged.rounded_lines = if new.knows.prices { new.rounded_lines } else { old.rounded_lines };
    merged.rows = old.rows.iter().chain(&new.rows).copied().collect();
    for cells in &old.cells {
        if !merged.cells.contains(cells) {
            merged.cells.push(cells.clone());
        }
    }
    settle(&mut merged);
    merged
}

fn merge_recipient(old: &ReadOrder, merged: &mut ReadOrder) {
    match (&old.order.recipient, &mut merged.order.recipient) {
        (Some(before), slot @ None) => *slot = Some(before.clone()),
        (Some(before), Some(now)) => {
            // A later export that masks, or gives only the region, does not take a person away.
            let now_empty = now.personal.name.is_empty() && now.personal.phone.is_empty() && now.personal.address.is_empty();
            let before_full = !before.personal.name.is_empty() || !before.personal.address.is_empty();
            if before_full && (now_empty || (now.masked && !before.masked)) {
                let region = now.region.clone();
                *now = before.clone();
                if now.region.city.is_empty() {
                    now.region = region;
                }
            }
        }
        (None, _) => {}
    }
}

/// Lines keep the id they had: a report with line ids and one without speak of the same goods.
fn align(old: &[ChannelLine], new: &mut [ChannelLine], old_lines: bool, new_prices: bool, old_prices: bool) {
    if !old_lines {
        return;
    }
    let known: HashMap<&str, usize> = old.iter().enumerate().map(|(i, l)| (l.external_id.as_str(), i)).collect();
    let mut used: Vec<bool> = vec![false; old.len()];
    for line in new.iter() {
        if let Some(index) = known.get(line.external_id.as_str()) {
            used[*index] = true;
        }
    }
    for line in new.iter_mut() {
        let at = match known.get(line.external_id.as_str()) {
            Some(index) => Some(*index),
            None => (0..old.len()).find(|i| {
                let before = &old[*i];
                let ordinal = before.external_id.starts_with(ORDINAL) || line.external_id.starts_with(ORDINAL);
                !used[*i] && ordinal && same_goods(before, line)
            }),
        };
        let Some(index) = at else { continue };
        used[index] = true;
        let before = &old[index];
        line.external_id.clone_from(&before.external_id);
        for (mine, theirs) in [
            (&mut line.item_id, &before.item_id),
            (&mut line.sku_id, &before.sku_id),
            (&mut line.seller_code, &before.seller_code),
            (&mut line.variant, &before.variant),
            (&mut line.title, &before.title),
        ] {
            if mine.is_empty() {
                mine.clone_from(theirs);
            }
        }
        if !new_prices && old_prices {
            line.unit_price_minor = before.unit_price_minor;
            line.discount_minor = before.discount_minor;
            line.total_minor = before.total_minor;
        }
    }
}

fn same_goods(a: &ChannelLine, b: &ChannelLine) -> bool {
    if !a.seller_code.is_empty() && !b.seller_code.is_empty() {
        return a.seller_code == b.seller_code && (a.item_id.is_empty() || b.item_id.is_empty() || a.item_id == b.item_id);
    }
    if !a.item_id.is_empty() && !b.item_id.is_empty() {
        return a.item_id == b.item_id;
    }
    a.title == b.title && a.variant == b.variant
}

/// Where the order tells its money and its lines do not tell theirs, the goods' part is split over the lines, to the
/// last unit; where only the lines tell, the order is their sum.
pub fn settle(read: &mut ReadOrder) {
    let order = &mut read.order;
    if read.knows.money && !read.knows.line_totals {
        let goods = order.total_minor + order.discount_minor - order.shipping_minor - order.tax_minor;
        let weights: Vec<i64> = order.lines.iter().map(|l| l.unit_price_minor.saturating_mul(l.quantity)).collect();
        for (line, (part, weight)) in order.lines.iter_mut().zip(split(goods, &weights).into_iter().zip(&weights)) {
            line.total_minor = part;
            if read.knows.prices {
                line.discount_minor = weight - part;
            } else if line.quantity > 0 {
                line.unit_price_minor = part / line.quantity;
                line.discount_minor = 0;
            }
        }
    } else if !read.knows.money {
        let goods: i64 = order.lines.iter().map(|l| l.total_minor).sum();
        order.total_minor = goods + order.shipping_minor + order.tax_minor - order.discount_minor;
    }
}

/// How far a status is.
fn progress(read: &ReadOrder) -> usize {
    read.order.status.known().and_then(|known| ChannelStatus::ALL.iter().position(|s| s == known)).map_or(0, |at| at + 1)
}

/// Readings of one order from several files of one layout that were handed in together. Files that tell the same
/// version are parts of one export (a line that stands in one of them only is kept) or overlap (a line that stands in
/// both counts once); of different versions the newest counts. Files without a time of modification are told apart by
/// how far the order was; of two that agree, the one handed in later speaks.
pub fn combine(mut readings: Vec<ReadOrder>) -> Option<ReadOrder> {
    let age = |read: &ReadOrder| if read.knows.modified { (1, read.order.modified_at.micros()) } else { (0, progress(read) as i64) };
    let newest = readings.iter().map(age).max()?;
    readings.retain(|r| age(r) == newest);
    let mut readings = readings.into_iter().rev();
    let mut whole = readings.next()?;
    for other in readings {
        let content = |l: &ChannelLine| {
            if l.external_id.starts_with(ORDINAL) && l.external_id != SUMMARY_LINE {
                (
                    String::new(),
                    l.seller_code.clone(),
                    l.item_id.clone(),
                    l.title.clone(),
                    l.variant.clone(),
                    l.quantity,
                    l.unit_price_minor,
                    l.total_minor,
                )
            } else {
                (l.external_id.clone(), String::new(), String::new(), String::new(), String::new(), 0, 0, 0)
            }
        };
        let mut have: HashMap<_, usize> = HashMap::new();
        for line in &whole.order.lines {
            *have.entry(content(line)).or_default() += 1;
        }
        let mut added = false;
        let by_line = |read: &ReadOrder| !read.shares.is_empty() && read.shares.len() == read.order.lines.len();
        let sums = by_line(&whole) && by_line(&other);
        whole.order.placed_at = whole.order.placed_at.min(other.order.placed_at);
        whole.order.modified_at = whole.order.modified_at.max(other.order.modified_at);
        whole.rounded_lines = whole.rounded_lines.max(other.rounded_lines);
        for (at, line) in other.order.lines.into_iter().enumerate() {
            match have.get_mut(&content(&line)) {
                Some(n) if *n > 0 => *n -= 1,
                _ => {
                    if let Some(share) = other.shares.get(at).filter(|_| sums) {
                        whole.order.shipping_minor += share.shipping;
                        whole.order.tax_minor += share.tax;
                        whole.order.discount_minor += share.discount;
                        whole.tax_included_minor += share.tax_included;
                        whole.shares.push(*share);
                    }
                    whole.order.lines.push(line);
                    added = true;
                }
            }
        }
        if added {
            // Where each part told its own rows' amounts they have been added; else both told the same ones of the whole
            // order. What is a sum of lines grows with them.
            let (shipping, tax, discount) = (whole.order.shipping_minor, whole.order.tax_minor, whole.order.discount_minor);
            let summed = |o: &[ChannelLine]| o.iter().map(|l| l.total_minor).sum::<i64>() + shipping + tax - discount;
            if !whole.knows.money || sums {
                whole.order.total_minor = summed(&whole.order.lines);
            }
            ordinals(&mut whole.order.lines);
        }
        whole.rows.extend(other.rows);
        for cells in other.cells {
            if !whole.cells.contains(&cells) {
                whole.cells.push(cells);
            }
        }
    }
    Some(whole)
}

/// Gives lines without an id of their own one that is made of what was sold, numbered among equals. The order of rows
/// does not matter, and two equal lines stay two.
pub fn ordinals(lines: &mut [ChannelLine]) {
    let mut order: Vec<usize> =
        (0..lines.len()).filter(|i| lines[*i].external_id.is_empty() || lines[*i].external_id.starts_with(ORDINAL)).collect();
    order.sort_by(|a, b| {
        let key = |l: &ChannelLine| (goods(l), l.unit_price_minor, l.quantity, l.total_minor, l.title.clone());
        key(&lines[*a]).cmp(&key(&lines[*b])).then(a.cmp(b))
    });
    let mut last: Option<(String, usize)> = None;
    for index in order {
        let goods = goods(&lines[index]);
        let n = match &last {
            Some((before, n)) if *before == goods => n + 1,
            _ => 1,
        };
        lines[index].external_id = format!("{ORDINAL}{goods}#{n}");
        last = Some((goods, n));
    }
}

fn goods(line: &ChannelLine) -> String {
    let code = [&line.sku_id, &line.seller_code, &line.item_id].into_iter().find(|c| !c.is_empty());
    match code {
        Some(code) if line.variant.is_empty() => code.clone(),
        Some(code) => format!("{code}/{}", line.variant),
        None => format!("{}/{}", line.title, line.variant),
    }
}

//! Lists, search and selections of orders: keyset pages of a scope, with filters and sorts. The same filter gives the
//! list, "all that match" and the export, so that none shows what another does not.
//!
//! Nothing here counts: numbers on tabs come from the counters in `rollups`.

mod search;

pub use search::{Found, search};

use crate::orders::{self, Order};
use crate::{StoreError, Tx, Value, holds};
use std::collections::HashMap;
use wharf_domain::access::Scope;
use wharf_domain::hold::{HoldReason, Severity};
use wharf_domain::id::{ImportBatchId, OrderId, ShopId, UserId, WarehouseId};
use wharf_domain::order::phase::Phase;
use wharf_domain::time::Timestamp;
use wharf_domain::word::Word;
use wharf_domain::words;

words! {
    /// The order of a list.
    pub enum Sort {
        /// Urgent first, then by promise: what must leave next.
        Urgency = "ship_by",
        /// Oldest first.
        PlacedOldest = "placed_at",
        /// Newest first.
        PlacedNewest = "-placed_at",
        /// Oldest payment first.
        PaidOldest = "paid_at",
        /// Newest payment first.
        PaidNewest = "-paid_at",
        /// Smallest first.
        TotalLowest = "total",
        /// Largest first.
        TotalHighest = "-total",
    }
}

impl Sort {
    /// Key expression, and whether it falls.
    fn key(self) -> (&'static str, bool) {
        match self {
            Sort::Urgency => ("o.urgency", false),
            Sort::PlacedOldest => ("o.placed_at", false),
            Sort::PlacedNewest => ("o.placed_at", true),
            Sort::PaidOldest => ("COALESCE(o.paid_at, 0)", false),
            Sort::PaidNewest => ("COALESCE(o.paid_at, 0)", true),
            Sort::TotalLowest => ("o.total_minor", false),
            Sort::TotalHighest => ("o.total_minor", true),
        }
    }
}

/// From, inclusive; to, exclusive.
pub type Range<T> = (Option<T>, Option<T>);

/// Which orders. Lists are "one of"; an empty list is no condition; conditions combine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderFilter {
    /// What they wait for.
    pub phases: Vec<Phase>,
    /// Shops.
    pub shops: Vec<ShopId>,
    /// Manifest ids of vendors.
    pub vendors: Vec<String>,
    /// Reasons of open holds.
    pub holds: Vec<HoldReason>,
    /// Tags.
    pub tags: Vec<String>,
    /// Anything: order number (or its beginning or end), phone or its last four digits, name, nickname, tracking number, SKU.
    pub q: String,
    /// Placed.
    pub placed: Range<Timestamp>,
    /// Paid.
    pub paid: Range<Timestamp>,
    /// To be shipped by.
    pub ship_by: Range<Timestamp>,
    /// Changed here since.
    pub updated_from: Option<Timestamp>,
    /// Countries (ISO codes).
    pub countries: Vec<String>,
    /// Provinces or states, by their beginnings.
    pub provinces: Vec<String>,
    /// Totals in minor units.
    pub total_minor: Range<i64>,
    /// Carriers, by code or name, of a live parcel.
    pub carriers: Vec<String>,
    /// Warehouses that work on them.
    pub warehouses: Vec<WarehouseId>,
    /// Who looks after them; `None` = nobody.
    pub assignees: Vec<Option<UserId>>,
    /// Buyers with (true) or without an earlier paid order.
    pub returning: Option<bool>,
    /// Urged (true) or not.
    pub urgent: Option<bool>,
    /// Of one import.
    pub import_batch: Option<ImportBatchId>,
}

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    key: i64,
    id: OrderId,
}

impl Cursor {
    /// Its text for URLs.
    pub fn encode(&self) -> String {
        format!("{}.{}", self.key, self.id)
    }

    /// Reads its text.
    pub fn decode(text: &str) -> Option<Cursor> {
        let (key, id) = text.rsplit_once('.')?;
        Some(Cursor { key: key.parse().ok()?, id: id.parse().ok()? })
    }
}

/// A line as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemLine {
    /// Title as sold.
    pub title: String,
    /// Variant as sold.
    pub variant: String,
    /// The seller's code.
    pub seller_code: String,
    /// Units bought.
    pub quantity: i64,
    /// Picture.
    pub image_url: Option<String>,
}

/// An order as a list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The order.
    pub order: Order,
    /// Name and vendor of its shop.
    pub shop: (String, String),
    /// Open holds: reason, since.
    pub holds: Vec<(HoldReason, Timestamp)>,
    /// Tags.
    pub tags: Vec<String>,
    /// Its first three lines.
    pub lines: Vec<ItemLine>,
    /// The warehouse that works on it.
    pub warehouse: Option<(WarehouseId, String)>,
    /// Carrier name and waybill number of its latest parcel.
    pub parcel: Option<(String, String)>,
    /// Name of who looks after it.
    pub assignee: Option<String>,
    /// Code and values of the first likely fix.
    pub fix: Option<serde_json::Value>,
}

/// Text with the wildcards of LIKE escaped by `!`.
pub fn escape_like(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// Conditions and their parameters, numbered as they come.
#[derive(Default)]
struct Conditions {
    all: Vec<String>,
    params: Vec<Value>,
}

impl Conditions {
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.params.push(value.into());
        format!("${}", self.params.len())
    }

    fn list(&mut self, values: impl Iterator<Item = Value>) -> String {
        let places: Vec<String> = values.map(|value| self.bind(value)).collect();
        places.join(", ")
    }

    fn range<T: Into<Value> + Copy>(&mut self, column: &str, range: &Range<T>) {
        if let Some(from) = range.0 {
            let at = self.bind(from);
            self.all.push(format!("{column} >= {at}"));
        }
        if let Some(to) = range.1 {
            let at = self.bind(to);
            self.all.push(format!("{column} < {at}"));
        }
    }
}

/// The conditions of a filter without its phases; `None` when nothing can match.
fn conditions(tx: &mut Tx<'_>, scope: &Scope, filter: &OrderFilter) -> Result<Option<Conditions>, StoreError> {
    let mut c = Conditions::default();
    let mut shops: Option<Vec<ShopId>> = scope.shops.clone();
    let mut narrow = |list: Vec<ShopId>| match &mut shops {
        Some(known) => known.retain(|id| list.contains(id)),
        None => shops = Some(list),
    };
    if !filter.shops.is_empty() {
        narrow(filter.shops.clone());
    }
    if !filter.vendors.is_empty() {
        let vendors: Vec<Value> = filter.vendors.iter().map(Value::from).collect();
        narrow(
            tx.query_in("SELECT id FROM shops WHERE vendor IN ({ids})", &vendors, &[])?
                .iter()
                .map(|row| row.id(0))
                .collect::<Result<_, _>>()?,
        );
    }
    if let Some(shops) = shops {
        if shops.is_empty() {
            return Ok(None);
        }
        let list = c.list(shops.iter().map(|id| Value::from(*id)));
        c.all.push(format!("o.shop_id IN ({list})"));
    }
    if let Some(warehouses) = &scope.warehouses {
        // An order that no warehouse has yet belongs to all of them.
        let list = c.list(warehouses.iter().map(|id| Value::from(*id)));
        let mine = if list.is_empty() { "0".to_owned() } else { list };
        c.all.push(format!(
            "(EXISTS (SELECT 1 FROM fulfillments f WHERE f.order_id = o.id AND f.fulfillment_state <> 'cancelled' AND f.warehouse_id IN ({mine})) \
             OR NOT EXISTS (SELECT 1 FROM fulfillments f WHERE f.order_id = o.id AND f.fulfillment_state <> 'cancelled'))"
        ));
    }
    if !filter.holds.is_empty() {
        let list = c.list(filter.holds.iter().map(|reason| Value::word(*reason)));
        c.all.push(format!("EXISTS (SELECT 1 FROM holds h WHERE h.order_id = o.id AND h.released_at IS NULL AND h.reason IN ({list}))"));
    }
    if !filter.tags.is_empty() {
        let list = c.list(filter.tags.iter().map(Value::from));
        c.all.push(format!("EXISTS (SELECT 1 FROM order_tags t WHERE t.order_id = o.id AND t.tag IN ({list}))"));
    }
    c.range("o.placed_at", &filter.placed);
    if filter.paid != (None, None) {
        // The expression of the index by payment, in which the unpaid are first.
        c.range("COALESCE(o.paid_at, 0)", &filter.paid);
        c.all.push("o.paid_at IS NOT NULL".to_owned());
    }
    c.range("o.ship_by", &filter.ship_by);
    c.range("o.updated_at", &(filter.updated_from, None));
    c.range("o.total_minor", &filter.total_minor);
    if !filter.countries.is_empty() {
        let list = c.list(filter.countries.iter().map(|country| Value::from(country.to_ascii_uppercase())));
        c.all.push(format!("o.country IN ({list})"));
    }
    if !filter.provinces.is_empty() {
        let any: Vec<String> = filter
            .provinces
            .iter()
            .map(|p| format!("o.province LIKE {} ESCAPE '!'", c.bind(format!("{}%", escape_like(p.trim())))))
            .collect();
        c.all.push(format!("({})", any.join(" OR ")));
    }
    if !filter.carriers.is_empty() {
        let list = c.list(filter.carriers.iter().map(Value::from));
        c.all.push(format!(
            "EXISTS (SELECT 1 FROM shipment_lines l JOIN shipments s ON s.id = l.shipment_id WHERE l.order_id = o.id AND s.shipment_state <> 'cancelled' \
             AND (s.carrier_code IN ({list}) OR s.carrier_name IN ({list})))"
        ));
    }
    if !filter.warehouses.is_empty() {
        let list = c.list(filter.warehouses.iter().map(|id| Value::from(*id)));
        c.all.push(format!("EXISTS (SELECT 1 FROM fulfillments f WHERE f.order_id = o.id AND f.fulfillment_state <> 'cancelled' AND f.warehouse_id IN ({list}))"));
    }
    if !filter.assignees.is_empty() {
        let list = c.list(filter.assignees.iter().map(|id| Value::from(id.map_or(0, |id| id.0))));
        c.all.push(format!("COALESCE(o.assignee_id, 0) IN ({list})"));
    }
    if let Some(returning) = filter.returning {
        let at = c.bind(returning);
        c.all.push(format!("o.buyer_returning = {at}"));
    }
    match filter.urgent {
        Some(true) => c.all.push("o.urgent_reason <> ''".to_owned()),
        Some(false) => c.all.push("o.urgent_reason = ''".to_owned()),
        None => {}
    }
    if let Some(batch) = filter.import_batch {
        let at = c.bind(batch);
        c.all.push(format!("o.import_batch_id = {at}"));
    }
    match search(tx, &filter.q)? {
        Found::Everything => {}
        Found::Nothing => return Ok(None),
        Found::Some { orders, listings } => {
            let mut any = Vec::new();
            if !orders.is_empty() {
                let list = c.list(orders.iter().map(|id| Value::from(*id)));
                any.push(format!("o.id IN ({list})"));
            }
            if !listings.is_empty() {
                let list = c.list(listings.iter().map(|id| Value::from(*id)));
                any.push(format!("EXISTS (SELECT 1 FROM order_lines l WHERE l.order_id = o.id AND l.listing_id IN ({list}))"));
            }
            c.all.push(format!("({})", any.join(" OR ")));
        }
    }
    Ok(Some(c))
}

/// A page of ids with their cursors, and whether there are more.
fn keys(
    tx: &mut Tx<'_>,
    scope: &Scope,
    filter: &OrderFilter,
    sort: Sort,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Vec<Cursor>, StoreError> {
    let Some(c) = conditions(tx, scope, filter)? else { return Ok(Vec::new()) };
    let (key, falls) = sort.key();
    let (beyond, direction) = if falls { ("<", "DESC") } else { (">", "ASC") };
    // The index by urgency begins with the phase: one walk of it for each phase, merged, never sorts a million rows.
    let walks: Vec<Vec<Phase>> = match (sort, filter.phases.as_slice()) {
        (Sort::Urgency, []) => Phase::ALL.iter().map(|phase| vec![*phase]).collect(),
        (Sort::Urgency, some) => some.iter().map(|phase| vec![*phase]).collect(),
        (_, some) => vec![some.to_vec()],
    };
    let mut found: Vec<Cursor> = Vec::new();
    for phases in walks {
        let mut walk = Conditions { all: c.all.clone(), params: c.params.clone() };
        match phases.as_slice() {
            [] => {}
            [only] => {
                let at = walk.bind(Value::word(*only));
                walk.all.push(format!("o.phase = {at}"));
            }
            some => {
                let list = walk.list(some.iter().map(|phase| Value::word(*phase)));
                walk.all.push(format!("o.phase IN ({list})"));
            }
        }
        if let Some(after) = after {
            let (at, id) = (walk.bind(after.key), walk.bind(after.id));
            walk.all.push(format!("({key}, o.id) {beyond} ({at}, {id})"));
        }
        let most = walk.bind(limit);
        let condition = if walk.all.is_empty() { String::new() } else { format!("WHERE {}", walk.all.join(" AND ")) };
        let sql = format!("SELECT {key}, o.id FROM orders o {condition} ORDER BY {key} {direction}, o.id {direction} LIMIT {most}");
        for row in tx.query(&sql, &walk.params)? {
            found.push(Cursor { key: row.int(0)?, id: row.id(1)? });
        }
    }
    found.sort_unstable_by_key(|cursor| (cursor.key, cursor.id));
    found.dedup();
    if falls {
        found.reverse();
    }
    found.truncate(limit);
    Ok(found)
}

/// A page of a list: at most `limit` items, and where the next page begins.
pub fn page(
    tx: &mut Tx<'_>,
    scope: &Scope,
    filter: &OrderFilter,
    sort: Sort,
    after: Option<Cursor>,
    limit: usize,
) -> Result<(Vec<Item>, Option<Cursor>), StoreError> {
    let limit = limit.clamp(1, 1_000);
    let mut found = keys(tx, scope, filter, sort, after, limit + 1)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = if more { found.last().copied() } else { None };
    let ids: Vec<OrderId> = found.iter().map(|cursor| cursor.id).collect();
    Ok((items(tx, scope, &ids)?, next))
}

/// "All that match", a chunk at a time in rising order of ids after one: it streams, whatever the number.
pub fn matching(tx: &mut Tx<'_>, scope: &Scope, filter: &OrderFilter, after: OrderId, limit: usize) -> Result<Vec<OrderId>, StoreError> {
    let Some(mut c) = conditions(tx, scope, filter)? else { return Ok(Vec::new()) };
    if !filter.phases.is_empty() {
        let list = c.list(filter.phases.iter().map(|phase| Value::word(*phase)));
        c.all.push(format!("o.phase IN ({list})"));
    }
    let (at, most) = (c.bind(after), c.bind(limit));
    c.all.push(format!("o.id > {at}"));
    let sql = format!("SELECT o.id FROM orders o WHERE {} ORDER BY o.id LIMIT {most}", c.all.join(" AND "));
    tx.query(&sql, &c.params)?.iter().map(|row| row.id(0)).collect()
}

/// Orders as lists show them, in the order of `ids`; those outside the scope are absent.
pub fn items(tx: &mut Tx<'_>, scope: &Scope, ids: &[OrderId]) -> Result<Vec<Item>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let values: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let mut by_id: HashMap<OrderId, Order> = orders::orders(tx, scope, ids)?.into_iter().map(|order| (order.id, order)).collect();
    let mut shops: HashMap<ShopId, (String, String)> = HashMap::new();
    for row in tx.query("SELECT id, name, vendor FROM shops", &[])? {
        shops.insert(row.id(0)?, (row.text(1)?, row.text(2)?));
    }
    let mut open = holds::open(tx, ids)?;
    let mut findings = holds::findings(tx, ids)?;
    let mut tags = orders::tags(tx, ids)?;
    let mut lines: HashMap<OrderId, Vec<ItemLine>> = HashMap::new();
    for row in tx.query_in(
        "SELECT order_id, title, variant, seller_code, ordered, image_url FROM order_lines WHERE order_id IN ({ids}) AND position < 3 ORDER BY order_id, position, id",
        &values,
        &[],
    )? {
        let line = ItemLine { title: row.text(1)?, variant: row.text(2)?, seller_code: row.text(3)?, quantity: row.int(4)?, image_url: row.opt_text(5)? };
        lines.entry(row.id(0)?).or_default().push(line);
    }
    let mut warehouses: HashMap<OrderId, (WarehouseId, String)> = HashMap::new();
    for row in tx.query_in(
        "SELECT f.order_id, w.id, w.name FROM fulfillments f JOIN warehouses w ON w.id = f.warehouse_id WHERE f.order_id IN ({ids}) AND f.fulfillment_state <> 'cancelled' ORDER BY f.id",
        &values,
        &[],
    )? {
        warehouses.entry(row.id(0)?).or_insert((row.id(1)?, row.text(2)?));
    }
    let mut parcels: HashMap<OrderId, (String, String)> = HashMap::new();
    for row in tx.query_in(
        "SELECT l.order_id, s.carrier_name, COALESCE(s.waybill_number, '') FROM shipment_lines l JOIN shipments s ON s.id = l.shipment_id \
         WHERE l.order_id IN ({ids}) AND s.shipment_state <> 'cancelled' ORDER BY s.id",
        &values,
        &[],
    )? {
        parcels.insert(row.id(0)?, (row.text(1)?, row.text(2)?));
    }
    let assignees: Vec<Value> = by_id.values().filter_map(|order| order.assignee_id).map(Value::from).collect();
    let mut names: HashMap<UserId, String> = HashMap::new();
    for row in tx.query_in("SELECT id, name FROM users WHERE id IN ({ids})", &assignees, &[])? {
        names.insert(row.id(0)?, row.text(1)?);
    }
    Ok(ids
        .iter()
        .filter_map(|id| {
            let order = by_id.remove(id)?;
            // The worst open finding offers the fix that the list shows.
            let mut own: Vec<holds::StoredFinding> = findings.remove(id).unwrap_or_default();
            own.retain(|f| f.settled_at.is_none());
            own.sort_by_key(|f| (std::cmp::Reverse(f.severity == Severity::Block), f.code));
            let fix = own.first().and_then(|f| f.params.get("fixes")?.get(0).cloned());
            Some(Item {
                shop: shops.get(&order.shop_id).cloned().unwrap_or_default(),
                holds: open.remove(id).unwrap_or_default().into_iter().map(|hold| (hold.reason, hold.placed_at)).collect(),
                tags: tags.remove(id).unwrap_or_default(),
                lines: lines.remove(id).unwrap_or_default(),
                warehouse: warehouses.remove(id),
                parcel: parcels.remove(id),
                assignee: order.assignee_id.and_then(|user| names.get(&user).cloned()),
                fix,
                order,
            })
        })
        .collect())
}

/// Counts of the orders that match, by phase and by open hold reason. For filters that the counters cannot answer; bounded by
/// what the filter's own index finds.
pub fn count_matching(tx: &mut Tx<'_>, scope: &Scope, filter: &OrderFilter) -> Result<crate::rollups::Counts, StoreError> {
    let mut counts = crate::rollups::Counts { phases: Phase::ALL.iter().map(|phase| (*phase, 0)).collect(), ..Default::default() };
    let Some(mut c) = conditions(tx, scope, filter)? else { return Ok(counts) };
    if !filter.phases.is_empty() {
        let list = c.list(filter.phases.iter().map(|phase| Value::word(*phase)));
        c.all.push(format!("o.phase IN ({list})"));
    }
    let matched = if c.all.is_empty() { "1 = 1".to_owned() } else { c.all.join(" AND ") };
    for row in tx.query(&format!("SELECT o.phase, COUNT(*) FROM orders o WHERE {matched} GROUP BY o.phase"), &c.params)? {
        counts.phases.insert(row.word(0)?, row.int(1)?);
        counts.total += row.int(1)?;
    }
    let held = format!(
        "SELECT h.reason, COUNT(*) FROM orders o JOIN holds h ON h.order_id = o.id AND h.released_at IS NULL WHERE {matched} GROUP BY h.reason"
    );
    for row in tx.query(&held, &c.params)? {
        counts.holds.insert(row.word(0)?, row.int(1)?);
    }
    Ok(counts)
}

/// Orders that are not shipped and whose promise ends before `by`: a range of the phase index, never a scan of all orders.
pub fn late(tx: &mut Tx<'_>, scope: &Scope, by: Timestamp) -> Result<i64, StoreError> {
    let filter = OrderFilter {
        phases: vec![Phase::Held, Phase::Review, Phase::Mapping, Phase::Stock, Phase::Label, Phase::Pack, Phase::PartShipped],
        ship_by: (None, Some(by)),
        ..OrderFilter::default()
    };
    Ok(count_matching(tx, scope, &filter)?.total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::both_engines;

    /// Every sort walks an index: a page of a million orders never sorts them.
    #[test]
    fn no_sort_of_the_list_sorts_all_orders() {
        both_engines(|store| async move {
            store
                .write(|tx| -> Result<(), StoreError> {
                    let on_postgres = tx.engine() == crate::Engine::Postgres;
                    if on_postgres {
                        // An empty table is always scanned: what matters is whether an index can serve.
                        tx.execute("SET LOCAL enable_seqscan = off", &[])?;
                        tx.execute("SET LOCAL enable_bitmapscan = off", &[])?;
                    }
                    for sort in Sort::ALL {
                        let (key, falls) = sort.key();
                        let direction = if falls { "DESC" } else { "ASC" };
                        let phase = if *sort == Sort::Urgency { "WHERE o.phase = 'review'" } else { "" };
                        let sql = format!("SELECT {key}, o.id FROM orders o {phase} ORDER BY {key} {direction}, o.id {direction} LIMIT 51");
                        let explain = if on_postgres { format!("EXPLAIN {sql}") } else { format!("EXPLAIN QUERY PLAN {sql}") };
                        let mut plan = String::new();
                        for row in tx.query(&explain, &[])? {
                            plan.push_str(row.str(if on_postgres { 0 } else { 3 })?);
                            plan.push(';');
                        }
                        assert!(plan.contains("INDEX") || plan.contains("Index"), "{sort}: {plan}");
                        assert!(!plan.contains("TEMP B-TREE") && !plan.contains("Sort"), "{sort}: {plan}");
                    }
                    Ok(())
                })
                .await
                .expect("plans");
        });
    }
}

//! Orders and their lines: what the channel said beside what we know. Batch in, batch out; an order is inserted once by
//! `(shop, external id)` and never deleted. Personal data is sealed here and nowhere else opened.

mod facts;
mod known;
mod people;
mod write;

pub use facts::{Cached, Facts, facts, save_cached};
pub use known::{KnownOrder, known, known_of, versions};
pub use people::{
    Buyers, NewRecipient, SealedRecipient, blacklist_is_empty, blacklisted, buyer_key, buyers_seen, channel_print, open_recipients,
    replace_recipients, seal_recipient, set_blacklist, set_channel_prints, wanted_print,
};
pub use write::{LineRow, LineUpdate, NewOrder, OrderRow, insert, update_lines, update_orders, urgency};

pub use people::normal_name;
pub(crate) use write::tail;

use crate::{Row, StoreError, Tx, Value};
use std::collections::HashMap;
use wharf_domain::access::Scope;
use wharf_domain::address::Region;
use wharf_domain::id::{ListingId, OrderId, OrderLineId, ShopId, UserId};
use wharf_domain::money::Currency;
use wharf_domain::order::channel::ChannelHold;
use wharf_domain::order::phase::{ChannelProgress, Phase};
use wharf_domain::order::{ChannelStatus, FulfilledBy, LineCounters, LineRefund, Payment};
use wharf_domain::time::Timestamp;
use wharf_domain::timeline::Actor;

/// An order without its personal data.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// Its shop.
    pub shop_id: ShopId,
    /// The channel's order id.
    pub external_id: String,
    /// The channel's word.
    pub observed_status: String,
    /// Its meaning; `None` for a word nobody taught us.
    pub channel_status: Option<ChannelStatus>,
    /// How far the channel says it is.
    pub progress: ChannelProgress,
    /// The channel's version.
    pub modified_at: Timestamp,
    /// Hash of the payload in `blobs`.
    pub payload_hash: String,
    /// What the buyer's money did.
    pub payment: Payment,
    /// Shipped before it is paid.
    pub cash_on_delivery: bool,
    /// Who ships.
    pub fulfilled_by: FulfilledBy,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// The promise that the channel measures.
    pub ship_by: Option<Timestamp>,
    /// When the channel says it was shipped.
    pub shipped_at: Option<Timestamp>,
    /// When the channel closed it.
    pub closed_at: Option<Timestamp>,
    /// Currency of all amounts.
    pub currency: Currency,
    /// What the buyer pays.
    pub total_minor: i64,
    /// Postage.
    pub shipping_minor: i64,
    /// Tax on top.
    pub tax_minor: i64,
    /// Order-level discount.
    pub discount_minor: i64,
    /// The channel's id of the buyer.
    pub buyer_external_id: Option<String>,
    /// The buyer's nickname.
    pub buyer_nick: String,
    /// What the buyer wrote.
    pub buyer_note: String,
    /// What the seller wrote.
    pub seller_note: String,
    /// The seller's flag.
    pub seller_flag: Option<i64>,
    /// Note or flag still have to be told to the channel.
    pub note_due: bool,
    /// Where it goes.
    pub region: Region,
    /// The recipient's name, masked.
    pub masked_name: String,
    /// The recipient's phone, masked.
    pub masked_phone: String,
    /// The channel gives the recipient only masked, or as a token.
    pub channel_masked: bool,
    /// A person changed the recipient.
    pub recipient_edited: bool,
    /// Keyed hash of the recipient; equal prints may share a parcel; empty proves nothing.
    pub recipient_print: String,
    /// The channel's reasons not to ship.
    pub do_not_ship: Vec<ChannelHold>,
    /// Keyed hash of the buyer's identity; empty when unknown.
    pub buyer_key: String,
    /// The buyer had an earlier paid order.
    pub buyer_returning: bool,
    /// Hash of what was bought.
    pub content_print: String,
    /// When it was approved.
    pub approved_at: Option<Timestamp>,
    /// By whom.
    pub approved_by: Option<Actor>,
    /// Why it is urgent; empty when it is not.
    pub urgent_reason: String,
    /// Who looks after it.
    pub assignee_id: Option<UserId>,
    /// The order it replaces.
    pub reship_of: Option<OrderId>,
    /// What it waits for.
    pub phase: Phase,
    /// Lines.
    pub line_count: i64,
    /// Units bought.
    pub units: i64,
    /// Title of its first line.
    pub summary: String,
    /// When we first saw it.
    pub created_at: Timestamp,
    /// When it last changed here.
    pub updated_at: Timestamp,
    /// Rises with every change.
    pub version: i64,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderLine {
    /// Its id.
    pub id: OrderLineId,
    /// Its order.
    pub order_id: OrderId,
    /// The channel's line id.
    pub external_id: String,
    /// Order among its sisters.
    pub position: i64,
    /// What was sold.
    pub listing_id: ListingId,
    /// Title as sold.
    pub title: String,
    /// Variant as sold.
    pub variant: String,
    /// The seller's code as sold.
    pub seller_code: String,
    /// Picture.
    pub image_url: Option<String>,
    /// Price of a unit.
    pub unit_price_minor: i64,
    /// Discount of the line.
    pub discount_minor: i64,
    /// What the buyer pays for it.
    pub total_minor: i64,
    /// The channel's word.
    pub observed_status: String,
    /// What the buyer asked back.
    pub refund: LineRefund,
    /// Added free of charge.
    pub gift: bool,
    /// How far each unit is.
    pub counters: LineCounters,
    /// Its listing is linked to a SKU or bundle.
    pub linked: bool,
}

const COLUMNS: &str = "id, shop_id, external_id, observed_status, channel_status, progress, modified_at, payload_hash, payment, cash_on_delivery, \
     fulfilled_by, placed_at, paid_at, ship_by, shipped_at, closed_at, currency, total_minor, shipping_minor, tax_minor, discount_minor, \
     buyer_external_id, buyer_nick, buyer_note, seller_note, seller_flag, note_due, country, province, city, district, town, postal_code, \
     recipient_masked_name, recipient_masked_phone, recipient_channel_masked, recipient_edited, recipient_print, do_not_ship, buyer_key, \
     buyer_returning, content_print, approved_at, approved_by, urgent_reason, assignee_id, reship_of, phase, line_count, units, summary, \
     created_at, updated_at, version";

fn read(row: &Row) -> Result<Order, StoreError> {
    Ok(Order {
        id: row.id(0)?,
        shop_id: row.id(1)?,
        external_id: row.text(2)?,
        observed_status: row.text(3)?,
        channel_status: row.opt_word(4)?,
        progress: row.word(5)?,
        modified_at: row.time(6)?,
        payload_hash: row.text(7)?,
        payment: row.word(8)?,
        cash_on_delivery: row.bool(9)?,
        fulfilled_by: row.word(10)?,
        placed_at: row.time(11)?,
        paid_at: row.opt_time(12)?,
        ship_by: row.opt_time(13)?,
        shipped_at: row.opt_time(14)?,
        closed_at: row.opt_time(15)?,
        currency: Currency::new(row.str(16)?).map_err(|_| row.inconsistent(16))?,
        total_minor: row.int(17)?,
        shipping_minor: row.int(18)?,
        tax_minor: row.int(19)?,
        discount_minor: row.int(20)?,
        buyer_external_id: row.opt_text(21)?,
        buyer_nick: row.text(22)?,
        buyer_note: row.text(23)?,
        seller_note: row.text(24)?,
        seller_flag: row.opt_int(25)?,
        note_due: row.bool(26)?,
        region: Region {
            country: row.text(27)?,
            province: row.text(28)?,
            city: row.text(29)?,
            district: row.text(30)?,
            town: row.text(31)?,
            postal_code: row.text(32)?,
        },
        masked_name: row.text(33)?,
        masked_phone: row.text(34)?,
        channel_masked: row.bool(35)?,
        recipient_edited: row.bool(36)?,
        recipient_print: row.text(37)?,
        do_not_ship: row.json(38)?,
        buyer_key: row.text(39)?,
        buyer_returning: row.bool(40)?,
        content_print: row.text(41)?,
        approved_at: row.opt_time(42)?,
        approved_by: row.opt_json(43)?,
        urgent_reason: row.text(44)?,
        assignee_id: row.opt_id(45)?,
        reship_of: row.opt_id(46)?,
        phase: row.word(47)?,
        line_count: row.int(48)?,
        units: row.int(49)?,
        summary: row.text(50)?,
        created_at: row.time(51)?,
        updated_at: row.time(52)?,
        version: row.int(53)?,
    })
}

/// Orders by id, in rising order of their ids; those outside the scope are absent, like those that do not exist.
pub fn orders(tx: &mut Tx<'_>, scope: &Scope, ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in(&format!("SELECT {COLUMNS} FROM orders WHERE id IN ({{ids}})"), &ids, &[])?;
    let mut orders = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    orders.retain(|order| scope.shop(order.shop_id));
    orders.sort_unstable_by_key(|order| order.id);
    Ok(orders)
}

/// One order of a scope.
pub fn order(tx: &mut Tx<'_>, scope: &Scope, id: OrderId) -> Result<Option<Order>, StoreError> {
    Ok(orders(tx, scope, &[id])?.pop())
}

/// Ids of orders of a shop by the channel's ids.
pub fn ids_of(tx: &mut Tx<'_>, shop: ShopId, external_ids: &[String]) -> Result<HashMap<String, OrderId>, StoreError> {
    let ids: Vec<Value> = external_ids.iter().map(Value::from).collect();
    tx.query_in("SELECT id, external_id FROM orders WHERE shop_id = $1 AND external_id IN ({ids})", &ids, &[shop.into()])?
        .iter()
        .map(|row| Ok((row.text(1)?, row.id(0)?)))
        .collect()
}

const LINE: &str = "l.id, l.order_id, l.external_id, l.position, l.listing_id, l.title, l.variant, l.seller_code, l.image_url, l.unit_price_minor, \
     l.discount_minor, l.total_minor, l.observed_status, l.refund, l.gift, l.ordered, l.cancelled, l.allocated, l.packed, l.shipped, l.delivered, \
     l.returned, CASE WHEN g.sku_id IS NULL AND g.bundle_id IS NULL THEN 0 ELSE 1 END";

/// Lines of orders, by order, in the order of their positions.
pub fn lines(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<OrderLine>>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in(
        &format!("SELECT {LINE} FROM order_lines l JOIN listings g ON g.id = l.listing_id WHERE l.order_id IN ({{ids}}) ORDER BY l.order_id, l.position, l.id"),
        &ids,
        &[],
    )?;
    let mut by_order: HashMap<OrderId, Vec<OrderLine>> = HashMap::new();
    for row in &rows {
        let line = OrderLine {
            id: row.id(0)?,
            order_id: row.id(1)?,
            external_id: row.text(2)?,
            position: row.int(3)?,
            listing_id: row.id(4)?,
            title: row.text(5)?,
            variant: row.text(6)?,
            seller_code: row.text(7)?,
            image_url: row.opt_text(8)?,
            unit_price_minor: row.int(9)?,
            discount_minor: row.int(10)?,
            total_minor: row.int(11)?,
            observed_status: row.text(12)?,
            refund: row.word(13)?,
            gift: row.bool(14)?,
            counters: counters(row, 15)?,
            linked: row.bool(22)?,
        };
        by_order.entry(line.order_id).or_default().push(line);
    }
    Ok(by_order)
}

/// Seven counters from a column on.
fn counters(row: &Row, from: usize) -> Result<LineCounters, StoreError> {
    Ok(LineCounters {
        ordered: row.int(from)?,
        cancelled: row.int(from + 1)?,
        allocated: row.int(from + 2)?,
        packed: row.int(from + 3)?,
        shipped: row.int(from + 4)?,
        delivered: row.int(from + 5)?,
        returned: row.int(from + 6)?,
    })
}

/// Tags of orders, sorted.
pub fn tags(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<String>>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let mut by_order: HashMap<OrderId, Vec<String>> = HashMap::new();
    for row in tx.query_in("SELECT order_id, tag FROM order_tags WHERE order_id IN ({ids}) ORDER BY order_id, tag", &ids, &[])? {
        by_order.entry(row.id(0)?).or_default().push(row.text(1)?);
    }
    Ok(by_order)
}

/// Adds tags; answers the pairs that were not there before.
pub fn add_tags(tx: &mut Tx<'_>, pairs: &[(OrderId, String)]) -> Result<Vec<(OrderId, String)>, StoreError> {
    let mut pairs = pairs.to_vec();
    pairs.sort();
    pairs.dedup();
    let rows: Vec<Vec<Value>> = pairs.iter().map(|(id, tag)| vec![(*id).into(), tag.into()]).collect();
    tx.insert_many_returning(
        "INSERT INTO order_tags (order_id, tag)",
        &rows,
        "ON CONFLICT (order_id, tag) DO NOTHING RETURNING order_id, tag",
    )?
    .iter()
    .map(|row| Ok((row.id(0)?, row.text(1)?)))
    .collect()
}

/// Takes a tag away; answers the orders that had it.
pub fn remove_tag(tx: &mut Tx<'_>, ids: &[OrderId], tag: &str) -> Result<Vec<OrderId>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let had = tx.query_in("SELECT order_id FROM order_tags WHERE tag = $1 AND order_id IN ({ids})", &ids, &[tag.into()])?;
    tx.execute_in("DELETE FROM order_tags WHERE tag = $1 AND order_id IN ({ids})", &ids, &[tag.into()])?;
    had.iter().map(|row| row.id(0)).collect()
}

/// Approves orders that are not: who, at the time of the unit of work. Answers those that were not approved before.
pub fn approve(tx: &mut Tx<'_>, ids: &[OrderId], by: &Actor) -> Result<Vec<OrderId>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let open = tx.query_in("SELECT id FROM orders WHERE approved_at IS NULL AND id IN ({ids})", &ids, &[])?;
    let params = [tx.now().into(), Value::json(by)];
    tx.execute_in("UPDATE orders SET approved_at = $1, approved_by = $2, updated_at = $1, version = version + 1 WHERE approved_at IS NULL AND id IN ({ids})", &ids, &params)?;
    open.iter().map(|row| row.id(0)).collect()
}

/// Takes an approval back; answers those that had one.
pub fn unapprove(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<Vec<OrderId>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let approved = tx.query_in("SELECT id FROM orders WHERE approved_at IS NOT NULL AND id IN ({ids})", &ids, &[])?;
    let now = tx.now().into();
    tx.execute_in("UPDATE orders SET approved_at = NULL, approved_by = NULL, updated_at = $1, version = version + 1 WHERE approved_at IS NOT NULL AND id IN ({ids})", &ids, &[now])?;
    approved.iter().map(|row| row.id(0)).collect()
}

/// Sets who looks after orders; answers (order, who did before) of those that changed.
pub fn assign(tx: &mut Tx<'_>, ids: &[OrderId], to: Option<UserId>) -> Result<Vec<(OrderId, Option<UserId>)>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let wanted: i64 = to.map_or(0, |id| id.0);
    let changed =
        tx.query_in("SELECT id, assignee_id FROM orders WHERE COALESCE(assignee_id, 0) <> $1 AND id IN ({ids})", &ids, &[wanted.into()])?;
    let now = tx.now();
    tx.execute_in(
        "UPDATE orders SET assignee_id = $2, updated_at = $3, version = version + 1 WHERE COALESCE(assignee_id, 0) <> $1 AND id IN ({ids})",
        &ids,
        &[wanted.into(), to.into(), now.into()],
    )?;
    changed.iter().map(|row| Ok((row.id(0)?, row.opt_id(1)?))).collect()
}

/// The note and flag of an order as they should stand on the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SellerNote {
    /// The text.
    pub note: String,
    /// The flag.
    pub flag: Option<i64>,
}

/// Sets notes and flags by a person. `due`: the channel must be told, and does not overwrite them meanwhile.
pub fn set_notes(tx: &mut Tx<'_>, notes: &[(OrderId, SellerNote)], due: bool) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = notes.iter().map(|(id, note)| vec![(*id).into(), (&note.note).into(), note.flag.into()]).collect();
    tx.execute_rows(
        "UPDATE orders SET seller_note = v.column2, seller_flag = v.column3, note_due = $2, updated_at = $1, version = version + 1 FROM {rows} AS v WHERE orders.id = v.column1",
        &rows,
        &[tx.now().into(), due.into()],
    )
    .map(drop)
}

/// The channel has been told this note: it is no longer due, unless it changed meanwhile.
pub fn note_told(tx: &mut Tx<'_>, id: OrderId, told: &SellerNote) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE orders SET note_due = 0 WHERE id = $1 AND seller_note = $2 AND COALESCE(seller_flag, -1) = $3",
        &[id.into(), (&told.note).into(), told.flag.unwrap_or(-1).into()],
    )
    .map(drop)
}

/// An order that may be the twin of another: same shop and buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwinRow {
    /// Its id.
    pub id: OrderId,
    /// Its shop.
    pub shop_id: ShopId,
    /// The channel's id.
    pub external_id: String,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// The buyer.
    pub buyer_key: String,
    /// What was bought.
    pub content_print: String,
    /// What it waits for (as cached before this unit of work).
    pub phase: Phase,
}

/// Orders of these buyers that were placed between two times and are not cancelled.
pub fn of_buyers(tx: &mut Tx<'_>, buyer_keys: &[String], from: Timestamp, to: Timestamp) -> Result<Vec<TwinRow>, StoreError> {
    let keys: Vec<Value> = buyer_keys.iter().filter(|key| !key.is_empty()).map(Value::from).collect();
    tx.query_in(
        "SELECT id, shop_id, external_id, placed_at, buyer_key, content_print, phase FROM orders \
         WHERE buyer_key <> '' AND buyer_key IN ({ids}) AND placed_at >= $1 AND placed_at <= $2 AND progress <> 'cancelled' AND phase <> 'cancelled'",
        &keys,
        &[from.into(), to.into()],
    )?
    .iter()
    .map(|row| {
        Ok(TwinRow {
            id: row.id(0)?,
            shop_id: row.id(1)?,
            external_id: row.text(2)?,
            placed_at: row.time(3)?,
            buyer_key: row.text(4)?,
            content_print: row.text(5)?,
            phase: row.word(6)?,
        })
    })
    .collect()
}

/// Orders by the numbers of their shops, in the shops of a scope: (number, order). A number that several shops use names
/// all of them.
pub fn by_numbers(tx: &mut Tx<'_>, scope: &Scope, numbers: &[String]) -> Result<Vec<(String, OrderId)>, StoreError> {
    let ids: Vec<Value> = numbers.iter().map(Value::from).collect();
    let mut found = Vec::new();
    // A shop at a time: that is how the numbers are indexed.
    for shop in crate::shops::list(tx, scope)? {
        for row in
            tx.query_in("SELECT external_id, id FROM orders WHERE shop_id = $1 AND external_id IN ({ids})", &ids, &[shop.id.into()])?
        {
            found.push((row.text(0)?, row.id(1)?));
        }
    }
    found.sort_unstable();
    Ok(found)
}

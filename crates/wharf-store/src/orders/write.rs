//! Writing orders and lines: whole rows of one shape, many at once.

use super::people::{SealedRecipient, index};
use super::{Order, OrderLine};
use crate::{Kind, StoreError, Tx, Value};
use wharf_domain::id::{ImportBatchId, ListingId, OrderId, OrderLineId, ShopId};
use wharf_domain::order::channel::{ChannelLine, ChannelOrder};
use wharf_domain::order::phase::{ChannelProgress, Phase};
use wharf_domain::order::{LineCounters, LineRefund};
use wharf_domain::time::Timestamp;
use wharf_domain::timeline::Actor;

/// An order to be written: what the channel says, with what was decided about it.
pub struct OrderRow<'a> {
    /// Its id.
    pub id: OrderId,
    /// Its shop.
    pub shop_id: ShopId,
    /// What the channel says.
    pub order: &'a ChannelOrder,
    /// Hash of its payload.
    pub payload_hash: String,
    /// How far the channel says it is.
    pub progress: ChannelProgress,
    /// The buyer's identity.
    pub buyer_key: String,
    /// Hash of what is bought.
    pub content_print: String,
    /// Keep the stored note and flag: ours are not told yet.
    pub keep_note: bool,
    /// The import it came by.
    pub import_batch_id: Option<ImportBatchId>,
}

/// A line to be inserted.
pub struct LineRow<'a> {
    /// Its id.
    pub id: OrderLineId,
    /// Its order.
    pub order_id: OrderId,
    /// Its shop.
    pub shop_id: ShopId,
    /// Order among its sisters.
    pub position: i64,
    /// What was sold.
    pub listing_id: ListingId,
    /// What the channel says.
    pub line: &'a ChannelLine,
    /// Units that will not be sent.
    pub cancelled: i64,
}

/// A known line to be changed.
pub struct LineUpdate<'a> {
    /// Its id.
    pub id: OrderLineId,
    /// What the channel says now; `None` when it no longer lists the line.
    pub line: Option<&'a ChannelLine>,
    /// Units bought.
    pub ordered: i64,
    /// Units that will not be sent.
    pub cancelled: i64,
    /// What the buyer asked back.
    pub refund: LineRefund,
}

/// Sort key of urgency: urgent orders first, then by their promise, those without one last.
pub fn urgency(ship_by: Option<Timestamp>, urgent: bool) -> i64 {
    const FAR: i64 = 90_000_000_000_000_000;
    const NOT_URGENT: i64 = 100_000_000_000_000_000;
    ship_by.map_or(FAR, |at| at.micros().clamp(0, FAR)) + if urgent { 0 } else { NOT_URGENT }
}

/// The columns that every version of the channel sets, in the order of [`channel_values`].
const CHANNEL: [&str; 30] = [
    "observed_status",
    "channel_status",
    "progress",
    "modified_at",
    "payload_hash",
    "payment",
    "cash_on_delivery",
    "fulfilled_by",
    "placed_at",
    "paid_at",
    "ship_by",
    "shipped_at",
    "closed_at",
    "currency",
    "total_minor",
    "shipping_minor",
    "tax_minor",
    "discount_minor",
    "buyer_external_id",
    "buyer_nick",
    "buyer_note",
    "do_not_ship",
    "buyer_key",
    "content_print",
    "urgent_reason",
    "urgency",
    "line_count",
    "units",
    "summary",
    "updated_at",
];

fn channel_values(row: &OrderRow<'_>, now: Timestamp, out: &mut Vec<Value>) {
    let o = row.order;
    let urgent = o.urgent.join(", ");
    out.extend([
        (&o.observed_status).into(),
        Value::opt_word(o.status.known().copied()),
        Value::word(row.progress),
        o.modified_at.into(),
        (&row.payload_hash).into(),
        Value::word(o.payment),
        o.cash_on_delivery.into(),
        Value::word(o.fulfilled_by),
        o.placed_at.into(),
        o.paid_at.into(),
        o.ship_by.into(),
        o.shipped_at.into(),
        o.closed_at.into(),
        o.currency.code().into(),
        o.total_minor.into(),
        o.shipping_minor.into(),
        o.tax_minor.into(),
        o.discount_minor.into(),
        o.buyer.external_id.clone().into(),
        (&o.buyer.nick).into(),
        (&o.buyer_note).into(),
        Value::json(&o.do_not_ship),
        (&row.buyer_key).into(),
        (&row.content_print).into(),
        (&urgent).into(),
        urgency(o.ship_by, !urgent.is_empty()).into(),
        o.lines.len().into(),
        units(o).into(),
        summary(o).into(),
        now.into(),
    ]);
}

/// An order that is not stored yet, with all that was decided about it in the same unit of work: it is written once.
pub struct NewOrder<'a> {
    /// What the channel says, with what was decided about it.
    pub row: OrderRow<'a>,
    /// Who receives, sealed.
    pub recipient: SealedRecipient,
    /// Keyed hash of the recipient as the channel tells it.
    pub channel_print: String,
    /// The buyer has an earlier paid order.
    pub returning: bool,
    /// The rule that approved it.
    pub approved_by: Option<Actor>,
    /// What it waits for, as the recomputation says.
    pub phase: Phase,
    /// What counters and rollups hold of it; empty when they hold nothing yet.
    pub counted: String,
}

impl<'a> NewOrder<'a> {
    /// One about which nothing is decided: the recomputation follows in the same unit of work.
    pub fn undecided(row: OrderRow<'a>, recipient: SealedRecipient, channel_print: String) -> Self {
        NewOrder { row, recipient, channel_print, returning: false, approved_by: None, phase: Phase::Review, counted: String::new() }
    }

    /// The order as it will be read back when it is written at `now`.
    pub fn order(&self, now: Timestamp) -> Order {
        let (o, r) = (self.row.order, &self.recipient);
        Order {
            id: self.row.id,
            shop_id: self.row.shop_id,
            external_id: o.external_id.clone(),
            observed_status: o.observed_status.clone(),
            channel_status: o.status.known().copied(),
            progress: self.row.progress,
            modified_at: o.modified_at,
            payload_hash: self.row.payload_hash.clone(),
            payment: o.payment,
            cash_on_delivery: o.cash_on_delivery,
            fulfilled_by: o.fulfilled_by,
            placed_at: o.placed_at,
            paid_at: o.paid_at,
            ship_by: o.ship_by,
            shipped_at: o.shipped_at,
            closed_at: o.closed_at,
            currency: o.currency,
            total_minor: o.total_minor,
            shipping_minor: o.shipping_minor,
            tax_minor: o.tax_minor,
            discount_minor: o.discount_minor,
            buyer_external_id: o.buyer.external_id.clone(),
            buyer_nick: o.buyer.nick.clone(),
            buyer_note: o.buyer_note.clone(),
            seller_note: o.seller_note.clone(),
            seller_flag: o.seller_flag,
            note_due: false,
            region: r.region.clone(),
            masked_name: r.masked_name.clone(),
            masked_phone: r.masked_phone.clone(),
            channel_masked: r.channel_masked,
            recipient_edited: false,
            recipient_print: r.print.clone(),
            do_not_ship: o.do_not_ship.clone(),
            buyer_key: self.row.buyer_key.clone(),
            buyer_returning: self.returning,
            content_print: self.row.content_print.clone(),
            approved_at: self.approved_by.is_some().then_some(now),
            approved_by: self.approved_by.clone(),
            urgent_reason: o.urgent.join(", "),
            assignee_id: None,
            reship_of: None,
            phase: self.phase,
            line_count: o.lines.len() as i64,
            units: units(o),
            summary: summary(o).to_owned(),
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }
}

impl LineRow<'_> {
    /// The line as it will be read back.
    pub fn line(&self, linked: bool) -> OrderLine {
        let l = self.line;
        OrderLine {
            id: self.id,
            order_id: self.order_id,
            external_id: l.external_id.clone(),
            position: self.position,
            listing_id: self.listing_id,
            title: l.title.clone(),
            variant: l.variant.clone(),
            seller_code: l.seller_code.clone(),
            image_url: l.image_url.clone(),
            unit_price_minor: l.unit_price_minor,
            discount_minor: l.discount_minor,
            total_minor: l.total_minor,
            observed_status: l.observed_status.clone(),
            refund: l.refund,
            gift: l.gift,
            counters: LineCounters { ordered: l.quantity, cancelled: self.cancelled, ..LineCounters::default() },
            linked,
        }
    }
}

fn units(order: &ChannelOrder) -> i64 {
    order.lines.iter().map(|line| line.quantity).sum()
}

fn summary(order: &ChannelOrder) -> &str {
    order.lines.first().map_or("", |line| line.title.as_str())
}

/// Inserts orders with their recipients, lines and blind indexes. The caller holds the lock of the shop and knows that none
/// of them exists.
pub fn insert(tx: &mut Tx<'_>, orders: &[NewOrder<'_>], lines: &[LineRow<'_>]) -> Result<(), StoreError> {
    let now = tx.now();
    let mut entries = Vec::with_capacity(orders.len() * 4);
    let mut values = Vec::with_capacity(orders.len());
    for new in orders {
        let (row, recipient) = (&new.row, &new.recipient);
        let g = &recipient.region;
        let o = row.order;
        let approved_at = new.approved_by.is_some().then_some(now);
        let mut all: Vec<Value> = Vec::with_capacity(26 + CHANNEL.len());
        all.extend([
            row.id.into(),
            row.shop_id.into(),
            (&o.external_id).into(),
            tail(&o.external_id).into(),
            (&o.seller_note).into(),
            o.seller_flag.into(),
            (&g.country).into(),
            (&g.province).into(),
            (&g.city).into(),
            (&g.district).into(),
            (&g.town).into(),
            (&g.postal_code).into(),
            recipient.sealed.clone().into(),
            (&recipient.masked_name).into(),
            (&recipient.masked_phone).into(),
            recipient.token.clone().into(),
            recipient.channel_masked.into(),
            (&recipient.print).into(),
            (&new.channel_print).into(),
            row.import_batch_id.into(),
            Value::word(new.phase),
            now.into(),
            new.returning.into(),
            approved_at.into(),
            new.approved_by.as_ref().map_or(Value::Absent(Kind::Text), Value::json),
            (&new.counted).into(),
        ]);
        channel_values(row, now, &mut all);
        values.push(all);
        entries.extend(recipient.search.iter().map(|(kind, hash)| (row.id, *kind, hash.clone())));
        let nick = o.buyer.nick.trim().to_lowercase();
        if !nick.is_empty() {
            entries.push((row.id, "nick", tx.keys().blind("nick", &nick)));
        }
    }
    let head = format!(
        "INSERT INTO orders (id, shop_id, external_id, external_tail, seller_note, seller_flag, country, province, city, district, town, postal_code, \
         recipient_sealed, recipient_masked_name, recipient_masked_phone, recipient_token, recipient_channel_masked, recipient_print, channel_print, \
         import_batch_id, phase, created_at, buyer_returning, approved_at, approved_by, counted, {})",
        CHANNEL.join(", ")
    );
    tx.insert_many(&head, &values, "")?;
    insert_lines(tx, lines)?;
    index(tx, &entries)
}

/// The last four characters of an order number, lower case: by them people search.
pub(crate) fn tail(external_id: &str) -> String {
    let lower: Vec<char> = external_id.to_lowercase().chars().collect();
    lower[lower.len().saturating_sub(4)..].iter().collect()
}

/// Writes newer versions over known orders. Recipients are replaced by their own function.
pub fn update_orders(tx: &mut Tx<'_>, rows: &[OrderRow<'_>]) -> Result<(), StoreError> {
    let now = tx.now();
    let values: Vec<Vec<Value>> = rows
        .iter()
        .map(|row| {
            let mut all: Vec<Value> =
                vec![row.id.into(), (&row.order.seller_note).into(), row.order.seller_flag.into(), row.keep_note.into()];
            channel_values(row, now, &mut all);
            all
        })
        .collect();
    let sets: Vec<String> = CHANNEL.iter().enumerate().map(|(index, name)| format!("{name} = v.column{}", index + 5)).collect();
    tx.execute_rows(
        &format!(
            "UPDATE orders SET {}, seller_note = CASE WHEN v.column4 = 1 THEN orders.seller_note ELSE v.column2 END, \
             seller_flag = CASE WHEN v.column4 = 1 THEN orders.seller_flag ELSE COALESCE(v.column3, orders.seller_flag) END, \
             version = version + 1, personal_erased_at = NULL FROM {{rows}} AS v WHERE orders.id = v.column1",
            sets.join(", ")
        ),
        &values,
        &[],
    )
    .map(drop)
}

/// Inserts lines.
pub(crate) fn insert_lines(tx: &mut Tx<'_>, lines: &[LineRow<'_>]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = lines
        .iter()
        .map(|row| {
            let l = row.line;
            vec![
                row.id.into(),
                row.order_id.into(),
                row.shop_id.into(),
                (&l.external_id).into(),
                row.position.into(),
                row.listing_id.into(),
                (&l.title).into(),
                (&l.variant).into(),
                (&l.seller_code).into(),
                l.image_url.clone().into(),
                l.unit_price_minor.into(),
                l.discount_minor.into(),
                l.total_minor.into(),
                (&l.observed_status).into(),
                Value::word(l.refund),
                l.gift.into(),
                l.quantity.into(),
                row.cancelled.into(),
            ]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO order_lines (id, order_id, shop_id, external_id, position, listing_id, title, variant, seller_code, image_url, unit_price_minor, \
         discount_minor, total_minor, observed_status, refund, gift, ordered, cancelled)",
        &rows,
        "",
    )
    .map(drop)
}

/// Changes known lines and adds new ones. What was allocated beyond the new open units has been released before.
pub fn update_lines(tx: &mut Tx<'_>, updates: &[LineUpdate<'_>], added: &[LineRow<'_>]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = updates
        .iter()
        .map(|u| {
            vec![
                u.id.into(),
                u.ordered.into(),
                u.cancelled.into(),
                Value::word(u.refund),
                u.line.map(|l| l.observed_status.clone()).into(),
                u.line.map(|l| l.unit_price_minor).into(),
                u.line.map(|l| l.discount_minor).into(),
                u.line.map(|l| l.total_minor).into(),
            ]
        })
        .collect();
    tx.execute_rows(
        "UPDATE order_lines SET ordered = v.column2, cancelled = v.column3, refund = v.column4, observed_status = COALESCE(v.column5, order_lines.observed_status), \
         unit_price_minor = COALESCE(v.column6, order_lines.unit_price_minor), discount_minor = COALESCE(v.column7, order_lines.discount_minor), \
         total_minor = COALESCE(v.column8, order_lines.total_minor) FROM {rows} AS v WHERE order_lines.id = v.column1",
        &rows,
        &[],
    )?;
    insert_lines(tx, added)
}

//! Ingest: what a channel or a file says becomes rows, a page in ONE transaction: payloads, orders inserted (see
//! `birth.rs`) or amended (`amend.rs`) by (shop, external id), listings, checks, approval, timeline, the routing job, the
//! cursor. A page that comes twice, late or from two workers at once leaves the same rows.

use crate::amend::{self, Amended};
use crate::app::{App, FlowError};
use crate::birth::Births;
use crate::jobs::Job;
use crate::jobs::check_completeness::CheckCompleteness;
use crate::{recompute, review, route};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use wharf_connect::channel::Unreadable;
use wharf_domain::id::{ImportBatchId, OrderId, ShopId};
use wharf_domain::order::Payment;
use wharf_domain::order::amend::{Version, progress_of, version};
use wharf_domain::order::channel::{ChannelLine, ChannelOrder};
use wharf_domain::order::phase::{ChannelProgress, Phase};
use wharf_domain::time::{DAY, Timestamp};
use wharf_domain::timeline::{Actor, Event};
use wharf_store::blobs::{self, NewBlob};
use wharf_store::catalog::{self, ListingKey, ListingRef, SeenListing};
use wharf_store::completeness::{self, NewParked};
use wharf_store::orders::{self, KnownOrder, OrderRow};
use wharf_store::shops::{self, Pull, Shop};
use wharf_store::{Keys, StoreError, Tx, jobs, timeline};

/// Payloads hold personal data: they are erased after this time.
const PAYLOAD_LIFE: i64 = 90 * DAY;
/// How long a version that a newer one replaced can be looked at.
const REPLACED_LIFE: i64 = 7 * DAY;

/// Told to whoever watches the store when orders arrived or changed.
pub const ORDERS_TOPIC: &str = "orders";

/// What a page brings.
#[derive(Default)]
pub struct Batch {
    /// Orders that could be read.
    pub orders: Vec<ChannelOrder>,
    /// What could not.
    pub unreadable: Vec<Unreadable>,
}

/// Where a page comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The shop's channel.
    Channel,
    /// A file.
    Import(ImportBatchId),
}

/// What the cursor does in the transaction that stores the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CursorMove {
    /// Nothing: an order on its own, an hour read again, a file.
    Stay,
    /// A page of a window is stored, there are more.
    Page(Pull),
    /// The last page of a window is stored: everything modified before this is stored or parked.
    Complete(Timestamp),
}

/// What came of a page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ingested {
    /// Orders that are new.
    pub inserted: Vec<OrderId>,
    /// Orders that changed.
    pub amended: Vec<OrderId>,
    /// Orders that were there, in this version or a newer one.
    pub unchanged: usize,
    /// What could not be read or stored, and is visible now.
    pub parked: usize,
    /// The channel's ids of what is parked; empty where it has none.
    pub parked_ids: Vec<String>,
}

/// Stores a page.
pub async fn ingest(app: &App, shop: ShopId, batch: Batch, source: Source, cursor: CursorMove) -> Result<Ingested, FlowError> {
    app.store.write(move |tx| ingest_in(tx, shop, &batch, source, &cursor)).await
}

/// Stores a page within a unit of work.
pub fn ingest_in(tx: &mut Tx<'_>, shop_id: ShopId, batch: &Batch, source: Source, cursor: &CursorMove) -> Result<Ingested, FlowError> {
    // Pages of one shop wait for each other here, before anything is read: two workers never insert one order twice.
    shops::lock(tx, shop_id)?;
    let shop = shops::get(tx, shop_id)?.ok_or_else(|| FlowError::NotFound(format!("shop {shop_id}")))?;
    let mut report = Ingested::default();
    let mut park: Vec<(String, String, &[u8])> = Vec::new();
    for unreadable in &batch.unreadable {
        park.push((unreadable.external_id.clone().unwrap_or_default(), unreadable.why.clone(), &unreadable.raw));
    }
    let mut latest: BTreeMap<&str, &ChannelOrder> = BTreeMap::new();
    for order in &batch.orders {
        match unstorable(order) {
            Some(why) => park.push((order.external_id.clone(), why, &order.raw)),
            None => {
                let kept = latest.entry(&order.external_id).or_insert(order);
                if order.modified_at >= kept.modified_at {
                    *kept = order;
                }
            }
        }
    }
    let page: Vec<&ChannelOrder> = latest.into_values().collect();
    let actor = match source {
        Source::Channel => Actor::Vendor { vendor: shop.vendor.clone() },
        Source::Import(batch) => Actor::Import { source: batch.to_string() },
    };
    if let Err(whole) = tx.attempt(|tx| store_page(tx, &shop, &page, source, &actor, &mut report)) {
        if matches!(whole, StoreError::Busy | StoreError::Unavailable | StoreError::Full) {
            return Err(whole.into());
        }
        // Something in the page cannot be stored. Each order alone: what fails again is parked, the rest goes in.
        report = Ingested::default();
        for order in &page {
            let mut one = Ingested::default();
            match tx.attempt(|tx| store_page(tx, &shop, std::slice::from_ref(order), source, &actor, &mut one)) {
                Ok(()) => {
                    report.inserted.extend(one.inserted);
                    report.amended.extend(one.amended);
                    report.unchanged += one.unchanged;
                }
                Err(error @ (StoreError::Busy | StoreError::Unavailable | StoreError::Full)) => return Err(error.into()),
                Err(error) => park.push((order.external_id.clone(), error.to_string(), &order.raw)),
            }
        }
    }
    park_all(tx, shop_id, &park)?;
    let unreadable: BTreeSet<&str> = park.iter().map(|(id, _, _)| id.as_str()).collect();
    let readable: Vec<String> = page.iter().map(|order| order.external_id.clone()).filter(|id| !unreadable.contains(id.as_str())).collect();
    completeness::settle(tx, shop_id, &readable)?;
    report.parked = park.len();
    report.parked_ids = park.iter().map(|(id, _, _)| id.clone()).collect();
    if let Some(newest) = page.iter().map(|order| order.placed_at).max()
        && source == Source::Channel
    {
        shops::saw_order(tx, shop_id, newest)?;
    }
    match cursor {
        CursorMove::Stay => {}
        CursorMove::Page(pull) => shops::save_pull(tx, shop_id, pull)?,
        CursorMove::Complete(to) => {
            shops::complete_pull(tx, shop_id, *to)?;
            // The first pull is behind us: its hours are compared at once and not by the next schedule.
            if shop.cursor_at.is_none() {
                jobs::enqueue(tx, &[CheckCompleteness { shop: shop_id }.new_job()])?;
            }
        }
    }
    if !report.inserted.is_empty() || !report.amended.is_empty() {
        tx.announce(ORDERS_TOPIC);
    }
    Ok(report)
}

fn park_all(tx: &mut Tx<'_>, shop: ShopId, park: &[(String, String, &[u8])]) -> Result<(), StoreError> {
    if park.is_empty() {
        return Ok(());
    }
    // What is parked must still be there when somebody looks: its payload has no date.
    let blobs: Vec<NewBlob<'_>> =
        park.iter().map(|(_, _, raw)| NewBlob { bytes: raw, media_type: "application/json", sealed: true, expires_at: None }).collect();
    let hashes = blobs::put_many(tx, &blobs)?;
    let rows: Vec<NewParked> = park
        .iter()
        .zip(hashes)
        .map(|((external_id, why, _), payload_hash)| NewParked {
            external_id: external_id.replace('\0', ""),
            why: why.replace('\0', ""),
            payload_hash,
        })
        .collect();
    completeness::park(tx, shop, &rows)
}

/// Why an order can never be stored as it is; `None` when it can.
fn unstorable(order: &ChannelOrder) -> Option<String> {
    if order.external_id.trim().is_empty() {
        return Some("the order has no id".to_owned());
    }
    if order.lines.is_empty() {
        return Some("the order has no lines".to_owned());
    }
    let mut seen = BTreeSet::new();
    for line in &order.lines {
        if line.external_id.is_empty() {
            return Some("a line has no id".to_owned());
        }
        if !seen.insert(line.external_id.as_str()) {
            return Some(format!("the line {} is there twice", line.external_id));
        }
        if line.quantity < 0 {
            return Some(format!("the line {} has a negative quantity", line.external_id));
        }
    }
    None
}

/// One order of the page, decided.
pub(crate) enum Fate<'a> {
    New(&'a ChannelOrder, String),
    Changed(&'a ChannelOrder, String, Box<KnownOrder>),
}

/// Payloads hold personal data: only versions that are told of are kept, and one that is replaced goes soon.
fn keep_payloads(tx: &mut Tx<'_>, fates: &[Fate<'_>], source: Source) -> Result<(), StoreError> {
    let now = tx.now();
    let payloads: Vec<NewBlob<'_>> = fates
        .iter()
        .map(|fate| match fate {
            Fate::New(order, _) | Fate::Changed(order, _, _) => order.raw.as_slice(),
        })
        .map(|bytes| NewBlob { bytes, media_type: "application/json", sealed: true, expires_at: Some(now.plus(PAYLOAD_LIFE)) })
        .collect();
    blobs::put_many(tx, &payloads)?;
    let replaced: Vec<String> = fates
        .iter()
        .filter_map(|fate| match fate {
            Fate::Changed(_, hash, known) if known.payload_hash != *hash => Some(known.payload_hash.clone()),
            Fate::New(..) | Fate::Changed(..) => None,
        })
        .collect();
    match source {
        // A file is merged with the version before, and its import can be withdrawn.
        Source::Import(_) => Ok(()),
        Source::Channel if replaced.is_empty() => Ok(()),
        Source::Channel => blobs::expire(tx, &replaced, now.plus(REPLACED_LIFE)).map(drop),
    }
}

/// Stores orders that can be stored, in the name of who brought them. The caller has locked the shop.
pub(crate) fn store_page(
    tx: &mut Tx<'_>,
    shop: &Shop,
    page: &[&ChannelOrder],
    source: Source,
    actor: &Actor,
    report: &mut Ingested,
) -> Result<(), StoreError> {
    if page.is_empty() {
        return Ok(());
    }
    let hashes = blobs::sealed_names(tx, &page.iter().map(|order| order.raw.as_slice()).collect::<Vec<_>>());
    let externals: Vec<String> = page.iter().map(|order| order.external_id.clone()).collect();
    let mut known = orders::known(tx, shop.id, &externals)?;
    let mut fates = Vec::with_capacity(page.len());
    for (order, hash) in page.iter().zip(hashes) {
        match known.remove(&order.external_id) {
            None => fates.push(Fate::New(order, hash)),
            Some(old)
                if version(old.known.modified_at, order.modified_at) == Version::Older
                    || (old.payload_hash == hash && !order.raw.is_empty()) =>
            {
                report.unchanged += 1
            }
            Some(old) => fates.push(Fate::Changed(order, hash, Box::new(old))),
        }
    }
    if fates.is_empty() {
        return Ok(());
    }
    keep_payloads(tx, &fates, source)?;
    let listings = see_listings(tx, shop.id, &fates)?;
    let mut births = Births::of(tx, shop, &fates, &listings, source)?;
    let mut events = births.events(actor);
    let Amended { changed, unchanged, recheck } = amend::amend(tx, shop, changed_of(&fates), &listings, actor, &mut events)?;
    report.inserted.extend(births.ids());
    report.unchanged += unchanged;
    report.amended.extend(&changed);
    let returning = births.meet_buyers(tx, &buyers_of_changed(tx.keys(), shop, &fates))?;
    let mut to_review = recheck;
    to_review.extend(&returning);
    to_review.sort_unstable();
    to_review.dedup();
    let decided = review::decide(tx, &births.subjects(tx.now()), &to_review, Some(shop))?;
    let (sums, mut ready) = births.store(tx, shop, &decided.verdicts)?;
    decided.carry_out(tx)?;
    events.extend(decided.reviewed.events);
    timeline::append(tx, &events)?;
    let mut touched = changed;
    touched.extend(&returning);
    touched.extend(decided.reviewed.orders);
    let computed = recompute::apply_with(tx, &touched, sums)?;
    ready.extend(computed.iter().filter(|c| is_to_be_routed(c.phase)).map(|c| c.id));
    route::enqueue(tx, &ready)
}

/// It waits for stock, or for the rest of it.
pub(crate) fn is_to_be_routed(phase: Phase) -> bool {
    matches!(phase, Phase::Stock | Phase::PartShipped)
}

/// Buyers of known orders: (key, when it was placed, paid).
fn buyers_of_changed(keys: &Keys, shop: &Shop, fates: &[Fate<'_>]) -> Vec<(String, Timestamp, bool)> {
    changed_of(fates)
        .iter()
        .map(|one| {
            let key = orders::buyer_key(keys, &shop.vendor, &one.order.buyer, one.order.recipient.as_ref());
            (key, one.order.placed_at, one.order.payment != Payment::Unpaid)
        })
        .collect()
}

/// The end of every unit of work that changed facts of orders: review, timeline, phases, routing.
pub(crate) fn finish(
    tx: &mut Tx<'_>,
    touched: &[OrderId],
    to_review: &[OrderId],
    mut events: Vec<(OrderId, Event)>,
) -> Result<(), StoreError> {
    let mut to_review = to_review.to_vec();
    to_review.sort_unstable();
    to_review.dedup();
    let reviewed = review::review(tx, &to_review)?;
    events.extend(reviewed.events);
    timeline::append(tx, &events)?;
    let mut all = touched.to_vec();
    all.extend(reviewed.orders);
    let computed = recompute::apply(tx, &all)?;
    let ready: Vec<OrderId> = computed.iter().filter(|c| is_to_be_routed(c.phase)).map(|c| c.id).collect();
    route::enqueue(tx, &ready)
}

fn changed_of<'a>(fates: &'a [Fate<'a>]) -> Vec<amend::Incoming<'a>> {
    fates
        .iter()
        .filter_map(|fate| match fate {
            Fate::Changed(order, payload_hash, known) => Some(amend::Incoming { order, payload_hash, known }),
            Fate::New(..) => None,
        })
        .collect()
}

fn see_listings(tx: &mut Tx<'_>, shop: ShopId, fates: &[Fate<'_>]) -> Result<HashMap<ListingKey, ListingRef>, StoreError> {
    let seen: Vec<SeenListing> = fates
        .iter()
        .flat_map(|fate| match fate {
            Fate::New(order, _) | Fate::Changed(order, _, _) => &order.lines,
        })
        .map(|line| SeenListing {
            key: listing_key(line),
            title: line.title.clone(),
            variant: line.variant.clone(),
            image_url: line.image_url.clone(),
        })
        .collect();
    catalog::see_listings(tx, shop, &seen)
}

/// How a line names its listing.
pub(crate) fn listing_key(line: &ChannelLine) -> ListingKey {
    ListingKey { item_id: line.item_id.clone(), external_sku_id: line.sku_id.clone(), seller_code: line.seller_code.clone() }
}

/// The listing of a line, which `see_listings` has just made where it was new.
pub(crate) fn listing_of(listings: &HashMap<ListingKey, ListingRef>, line: &ChannelLine) -> Result<ListingRef, StoreError> {
    listings.get(&listing_key(line)).copied().ok_or(StoreError::Database("a listing that was seen is gone".to_owned()))
}

/// Hash of what is bought: equal for two orders of the same goods.
pub(crate) fn content_print(keys: &Keys, order: &ChannelOrder) -> String {
    let mut goods: BTreeMap<(&str, &str, &str), i64> = BTreeMap::new();
    for line in &order.lines {
        *goods.entry((&line.item_id, &line.sku_id, &line.seller_code)).or_default() += line.quantity;
    }
    let text: Vec<String> = goods.iter().map(|((item, sku, code), quantity)| format!("{item}\t{sku}\t{code}\t{quantity}")).collect();
    keys.blind("content", &text.join("\n"))
}

/// The row of an order, from what the channel says.
pub(crate) fn order_row<'a>(
    keys: &Keys,
    shop: &Shop,
    id: OrderId,
    order: &'a ChannelOrder,
    payload_hash: &str,
    known: ChannelProgress,
    keep_note: bool,
) -> OrderRow<'a> {
    OrderRow {
        id,
        shop_id: shop.id,
        order,
        payload_hash: payload_hash.to_owned(),
        progress: progress_of(&order.status, known),
        buyer_key: orders::buyer_key(keys, &shop.vendor, &order.buyer, order.recipient.as_ref()),
        content_print: content_print(keys, order),
        keep_note,
        import_batch_id: None,
    }
}

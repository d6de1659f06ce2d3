//! Enter: an order that somebody typed (E8), in a shop that has no channel. It passes the same checks, the same review and
//! the same identity as every other: the same number again with the same content is the same order.

use crate::app::{App, FlowError};
use crate::bulk::Asker;
use crate::ingest::{self, Ingested};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};
use wharf_domain::address::Recipient;
use wharf_domain::catalog::normal_code;
use wharf_domain::id::{ListingId, OrderId, ShopId};
use wharf_domain::money::Currency;
use wharf_domain::order::channel::{ChannelBuyer, ChannelLine, ChannelOrder};
use wharf_domain::order::{ChannelStatus, FulfilledBy, LineRefund, Payment};
use wharf_domain::time::Timestamp;
use wharf_domain::word::Observed;
use wharf_store::{Tx, blobs, catalog, orders, shops};

/// The most lines of a typed order.
const MOST_LINES: usize = 200;
/// The most units of a line.
const MOST_UNITS: i64 = 100_000;
/// The largest amount, in minor units.
const LARGEST: i64 = 1_000_000_000_000;

/// What a line sells.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub enum Sold {
    /// A SKU or a bundle, by the seller's code.
    Code(String),
    /// A listing of the shop.
    Listing(ListingId),
}

/// A typed line. Amounts are minor units.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct TypedLine {
    /// What.
    pub sold: Sold,
    /// Units.
    pub quantity: i64,
    /// Price of a unit.
    pub unit_price_minor: i64,
    /// Discount of the line.
    pub discount_minor: i64,
    /// Added free of charge.
    pub gift: bool,
}

/// A typed order. No `Debug`: it holds personal data.
#[derive(Clone, PartialEq, Serialize)]
pub struct TypedOrder {
    /// Its number in the shop; `None`: one is given.
    pub external_id: Option<String>,
    /// When it was placed; `None`: now.
    pub placed_at: Option<Timestamp>,
    /// The promise.
    pub ship_by: Option<Timestamp>,
    /// The money is there.
    pub paid: bool,
    /// Shipped before it is paid.
    pub cash_on_delivery: bool,
    /// Who buys: an id of the seller's own, and a name to show.
    pub buyer: (Option<String>, String),
    /// Who receives.
    pub recipient: Recipient,
    /// Currency of all amounts; `None`: the shop's.
    pub currency: Option<Currency>,
    /// What the buyer pays in all; `None`: what the parts make.
    pub total_minor: Option<i64>,
    /// Postage.
    pub shipping_minor: i64,
    /// Tax on top.
    pub tax_minor: i64,
    /// Discount of the whole order.
    pub discount_minor: i64,
    /// The buyer's words.
    pub buyer_note: String,
    /// The seller's words.
    pub seller_note: String,
    /// Tags.
    pub tags: Vec<String>,
    /// What was bought.
    pub lines: Vec<TypedLine>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entered {
    /// It is new.
    New(OrderId),
    /// It was there, as it was typed now.
    Already(OrderId),
    /// Another order has its number: with its version.
    Taken(OrderId, i64),
}

fn check(order: &TypedOrder) -> Result<(), FlowError> {
    let text = |field: &str, text: &str, most: usize| {
        if text.chars().count() > most || text.contains('\0') {
            return Err(FlowError::invalid(field, format!("at most {most} characters")));
        }
        Ok(())
    };
    let amount = |field: &str, minor: i64| {
        if (0..=LARGEST).contains(&minor) { Ok(()) } else { Err(FlowError::invalid(field, "must be between 0 and ten thousand million")) }
    };
    if let Some(id) = &order.external_id {
        if id.trim().is_empty() || id.trim() != id {
            return Err(FlowError::invalid("external_id", "1 to 100 characters, without spaces around it"));
        }
        text("external_id", id, 100)?;
    }
    let r = &order.recipient;
    for (field, value) in [
        ("recipient.name", &r.personal.name),
        ("recipient.phone", &r.personal.phone),
        ("recipient.address", &r.personal.address),
        ("recipient.province", &r.region.province),
        ("recipient.city", &r.region.city),
        ("recipient.district", &r.region.district),
        ("recipient.town", &r.region.town),
        ("recipient.postal_code", &r.region.postal_code),
    ] {
        text(field, value, 300)?;
    }
    let country = &r.region.country;
    let is_code = country.len() == 2 && country.chars().all(|c| c.is_ascii_uppercase());
    if !country.is_empty() && !is_code {
        return Err(FlowError::invalid("recipient.country", "two capital letters of ISO 3166-1"));
    }
    text("buyer.external_id", order.buyer.0.as_deref().unwrap_or_default(), 100)?;
    text("buyer.nick", &order.buyer.1, 100)?;
    text("buyer_note", &order.buyer_note, 1_000)?;
    text("seller_note", &order.seller_note, 300)?;
    if order.tags.len() > 20 {
        return Err(FlowError::invalid("tags", "at most 20"));
    }
    for (index, tag) in order.tags.iter().enumerate() {
        if tag.trim().is_empty() || tag.contains(',') || tag.chars().count() > 40 {
            return Err(FlowError::invalid(format!("tags[{index}]"), "1 to 40 characters, without commas"));
        }
    }
    for (field, minor) in [("shipping", order.shipping_minor), ("tax", order.tax_minor), ("discount", order.discount_minor)] {
        amount(field, minor)?;
    }
    if let Some(total) = order.total_minor {
        amount("total", total)?;
    }
    if order.lines.is_empty() || order.lines.len() > MOST_LINES {
        return Err(FlowError::invalid("lines", format!("between 1 and {MOST_LINES} lines")));
    }
    for (index, line) in order.lines.iter().enumerate() {
        if !(1..=MOST_UNITS).contains(&line.quantity) {
            return Err(FlowError::invalid(format!("lines[{index}].quantity"), format!("between 1 and {MOST_UNITS}")));
        }
        amount(&format!("lines[{index}].unit_price"), line.unit_price_minor)?;
        amount(&format!("lines[{index}].discount"), line.discount_minor)?;
        let gross = line.unit_price_minor.checked_mul(line.quantity).filter(|gross| *gross <= LARGEST);
        match gross {
            None => return Err(FlowError::invalid(format!("lines[{index}].unit_price"), "makes an amount that is too large")),
            Some(gross) if line.discount_minor > gross => {
                return Err(FlowError::invalid(format!("lines[{index}].discount"), "is more than the line"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Enters an order.
pub async fn enter(app: &App, asker: &Asker, shop: ShopId, order: TypedOrder) -> Result<Entered, FlowError> {
    check(&order)?;
    let channels: Vec<&'static str> = app.vendors.iter().filter(|v| v.channel().is_some()).map(|v| v.manifest().id).collect();
    let asker = asker.clone();
    app.store.write_again(move |tx| enter_in(tx, &channels, &asker, shop, &order)).await
}

fn enter_in(tx: &mut Tx<'_>, channels: &[&'static str], asker: &Asker, id: ShopId, typed: &TypedOrder) -> Result<Entered, FlowError> {
    if !asker.scope.shop(id) {
        return Err(FlowError::NotFound(format!("shop {id}")));
    }
    shops::lock(tx, id)?;
    let shop = shops::get(tx, id)?.ok_or_else(|| FlowError::NotFound(format!("shop {id}")))?;
    if channels.contains(&shop.vendor.as_str()) {
        return Err(FlowError::invalid("shop_id", "the orders of this shop come from its marketplace"));
    }
    // What was typed is its own version: the same again is known by it, whenever it comes.
    let raw = serde_json::to_vec(typed).map_err(|e| FlowError::invalid("body", e.to_string()))?;
    if let Some(number) = &typed.external_id
        && let Some(known) = orders::known(tx, id, std::slice::from_ref(number))?.remove(number)
    {
        if known.payload_hash == blobs::name_of(tx, &raw, true) {
            return Ok(Entered::Already(known.id));
        }
        let version = orders::order(tx, &asker.scope, known.id)?.map_or(0, |order| order.version);
        return Ok(Entered::Taken(known.id, version));
    }
    let order = channel_order(tx, &shop, typed, raw)?;
    let mut report = Ingested::default();
    ingest::store_page(tx, &shop, &[&order], ingest::Source::Channel, &asker.actor, &mut report)?;
    tx.announce(ingest::ORDERS_TOPIC);
    match report.inserted.as_slice() {
        [id] => Ok(Entered::New(*id)),
        _ => Err(FlowError::refused("not_stored")),
    }
}

fn channel_order(tx: &mut Tx<'_>, shop: &shops::Shop, typed: &TypedOrder, raw: Vec<u8>) -> Result<ChannelOrder, FlowError> {
    let now = tx.now();
    let lines = lines(tx, shop.id, typed)?;
    let goods: i64 = lines.iter().map(|line| line.total_minor).sum();
    if typed.discount_minor > goods + typed.shipping_minor + typed.tax_minor {
        return Err(FlowError::invalid("discount", "is more than everything else together"));
    }
    let parts = goods + typed.shipping_minor + typed.tax_minor - typed.discount_minor;
    let number = match &typed.external_id {
        Some(number) => number.clone(),
        None => format!("M{}", tx.new_id::<OrderId>()),
    };
    let placed_at = typed.placed_at.unwrap_or(now);
    if placed_at > now {
        return Err(FlowError::invalid("placed_at", "lies in the future"));
    }
    let (status, word) = match typed.paid || typed.cash_on_delivery {
        true => (ChannelStatus::ToShip, "to_ship"),
        false => (ChannelStatus::AwaitingPayment, "awaiting_payment"),
    };
    Ok(ChannelOrder {
        external_id: number,
        observed_status: word.to_owned(),
        status: Observed::Known(status),
        modified_at: now,
        placed_at,
        paid_at: typed.paid.then_some(placed_at),
        ship_by: typed.ship_by,
        shipped_at: None,
        closed_at: None,
        payment: if typed.paid { Payment::Paid } else { Payment::Unpaid },
        cash_on_delivery: typed.cash_on_delivery,
        fulfilled_by: FulfilledBy::Seller,
        do_not_ship: Vec::new(),
        buyer: ChannelBuyer { external_id: typed.buyer.0.clone(), nick: typed.buyer.1.clone() },
        recipient: Some(typed.recipient.clone()),
        currency: typed.currency.unwrap_or(shop.currency),
        total_minor: typed.total_minor.unwrap_or(parts),
        shipping_minor: typed.shipping_minor,
        tax_minor: typed.tax_minor,
        discount_minor: typed.discount_minor,
        buyer_note: typed.buyer_note.clone(),
        seller_note: typed.seller_note.clone(),
        seller_flag: None,
        urgent: Vec::new(),
        tags: typed.tags.iter().map(|tag| tag.trim().to_owned()).collect::<BTreeSet<_>>().into_iter().collect(),
        lines,
        shipments: Vec::new(),
        raw,
    })
}

fn lines(tx: &mut Tx<'_>, shop: ShopId, typed: &TypedOrder) -> Result<Vec<ChannelLine>, FlowError> {
    let codes: BTreeSet<String> =
        typed.lines.iter().filter_map(|l| if let Sold::Code(code) = &l.sold { Some(normal_code(code)) } else { None }).collect();
    let codes: Vec<String> = codes.into_iter().collect();
    let sku_ids = catalog::sku_ids(tx, &codes)?;
    let skus: HashMap<String, catalog::Sku> =
        catalog::skus(tx, &sku_ids.values().copied().collect::<Vec<_>>())?.into_iter().map(|sku| (normal_code(&sku.code), sku)).collect();
    let bundles: HashMap<String, String> = match codes.iter().all(|code| skus.contains_key(code)) {
        true => HashMap::new(),
        false => catalog::bundles(tx)?.into_iter().map(|bundle| (normal_code(&bundle.code), bundle.name)).collect(),
    };
    let ids: Vec<ListingId> = typed.lines.iter().filter_map(|l| if let Sold::Listing(id) = &l.sold { Some(*id) } else { None }).collect();
    let listings: HashMap<ListingId, catalog::Listing> =
        catalog::listings(tx, &ids)?.into_iter().filter(|l| l.shop_id == shop).map(|l| (l.id, l)).collect();
    let mut made = Vec::with_capacity(typed.lines.len());
    for (index, line) in typed.lines.iter().enumerate() {
        let (item_id, sku_id, seller_code, title, variant, image_url) = match &line.sold {
            Sold::Code(code) => {
                let normal = normal_code(code);
                let (code, name, image) = match (skus.get(&normal), bundles.get(&normal)) {
                    (Some(sku), _) => (sku.code.clone(), sku.name.clone(), sku.image_url.clone()),
                    (None, Some(name)) => (code.trim().to_owned(), name.clone(), None),
                    (None, None) => {
                        return Err(FlowError::invalid(
                            format!("lines[{index}].sku"),
                            format!("no SKU and no bundle has the code {code:?}"),
                        ));
                    }
                };
                (normal, String::new(), code, name, String::new(), image)
            }
            Sold::Listing(id) => {
                let listing = listings.get(id);
                let found =
                    listing.ok_or_else(|| FlowError::invalid(format!("lines[{index}].listing_id"), "is no listing of this shop"))?;
                (
                    found.item_id.clone(),
                    found.external_sku_id.clone(),
                    found.seller_code.clone(),
                    found.title.clone(),
                    found.variant.clone(),
                    found.image_url.clone(),
                )
            }
        };
        made.push(ChannelLine {
            external_id: (index + 1).to_string(),
            item_id,
            sku_id,
            seller_code,
            title,
            variant,
            image_url,
            quantity: line.quantity,
            cancelled: 0,
            unit_price_minor: line.unit_price_minor,
            discount_minor: line.discount_minor,
            total_minor: line.unit_price_minor * line.quantity - line.discount_minor,
            observed_status: String::new(),
            status: Observed::Known(ChannelStatus::ToShip),
            refund: LineRefund::None,
            gift: line.gift,
        });
    }
    Ok(made)
}

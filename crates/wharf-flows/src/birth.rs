//! The orders of a page that nobody has seen before. Everything about them is decided in memory (buyer, checks, approval,
//! phase, what counters hold) and then written once: a row of a new order is never read back or changed in the unit of
//! work that makes it.

use crate::ingest::{Fate, Source, is_to_be_routed, listing_of, order_row};
use crate::recompute;
use crate::review::{Newborn, Verdict};
use serde_json::json;
use std::collections::HashMap;
use wharf_domain::id::{OrderId, OrderLineId};
use wharf_domain::order::amend::cancelled_by_channel;
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::order::phase::ChannelProgress;
use wharf_domain::order::{ChannelStatus, Payment};
use wharf_domain::time::Timestamp;
use wharf_domain::timeline::{Actor, Event};
use wharf_store::catalog::{ListingKey, ListingRef};
use wharf_store::orders::{self, LineRow, NewOrder, OrderLine, OrderRow};
use wharf_store::rollups::Sums;
use wharf_store::shops::Shop;
use wharf_store::{StoreError, Tx};

/// One new order on its way into its row.
struct Birth<'a> {
    order: &'a ChannelOrder,
    new: NewOrder<'a>,
    lines: Vec<(LineRow<'a>, bool)>,
}

impl Birth<'_> {
    fn lines(&self) -> Vec<OrderLine> {
        self.lines.iter().map(|(row, linked)| row.line(*linked)).collect()
    }
}

/// The new orders of a page.
pub(crate) struct Births<'a>(Vec<Birth<'a>>);

impl<'a> Births<'a> {
    /// Gives ids, seals recipients, hashes.
    pub(crate) fn of(
        tx: &Tx<'_>,
        shop: &Shop,
        fates: &[Fate<'a>],
        listings: &HashMap<ListingKey, ListingRef>,
        source: Source,
    ) -> Result<Self, StoreError> {
        let keys = tx.keys();
        let mut births = Vec::with_capacity(fates.len());
        for fate in fates {
            let Fate::New(order, hash) = fate else { continue };
            let order: &'a ChannelOrder = order;
            let id: OrderId = tx.new_id();
            let row = OrderRow {
                import_batch_id: match source {
                    Source::Import(batch) => Some(batch),
                    Source::Channel => None,
                },
                ..order_row(keys, shop, id, order, hash, ChannelProgress::None, false)
            };
            let order_cancelled = order.status.known() == Some(&ChannelStatus::Cancelled);
            let mut lines = Vec::with_capacity(order.lines.len());
            for (position, line) in order.lines.iter().enumerate() {
                let listing = listing_of(listings, line)?;
                let line_id: OrderLineId = tx.new_id();
                let row = LineRow {
                    id: line_id,
                    order_id: id,
                    shop_id: shop.id,
                    position: position as i64,
                    listing_id: listing.id,
                    line,
                    cancelled: cancelled_by_channel(line, order_cancelled, 0),
                };
                lines.push((row, listing.linked));
            }
            let recipient = orders::seal_recipient(keys, order.recipient.as_ref());
            let print = orders::channel_print(keys, order.recipient.as_ref());
            births.push(Birth { order, new: NewOrder::undecided(row, recipient, print), lines });
        }
        Ok(Births(births))
    }

    /// Their ids.
    pub(crate) fn ids(&self) -> impl Iterator<Item = OrderId> {
        self.0.iter().map(|birth| birth.new.row.id)
    }

    /// The first sentence of each timeline.
    pub(crate) fn events(&self, actor: &Actor) -> Vec<(OrderId, Event)> {
        let placed = |birth: &Birth<'_>| {
            let order = birth.order;
            let params = json!({
                "external_id": order.external_id, "placed_at": order.placed_at, "word": order.observed_status, "total_minor": order.total_minor,
                "currency": order.currency, "lines": order.lines.len(), "units": order.lines.iter().map(|l| l.quantity).sum::<i64>(),
            });
            (birth.new.row.id, Event { kind: "order.placed".to_owned(), params, actor: actor.clone() })
        };
        self.0.iter().map(placed).collect()
    }

    /// Says of each whether its buyer returns. `changed` are the buyers of the page's known orders. Answers the stored orders
    /// that are a returning buyer's from now on.
    pub(crate) fn meet_buyers(&mut self, tx: &mut Tx<'_>, changed: &[(String, Timestamp, bool)]) -> Result<Vec<OrderId>, StoreError> {
        let mut paid: Vec<(&str, Timestamp)> =
            changed.iter().filter(|(_, _, paid)| *paid).map(|(key, at, _)| (key.as_str(), *at)).collect();
        let of_new = self.0.iter().filter(|birth| birth.order.payment != Payment::Unpaid);
        paid.extend(of_new.map(|birth| (birth.new.row.buyer_key.as_str(), birth.order.placed_at)));
        let asked: Vec<&str> = self.0.iter().map(|birth| birth.new.row.buyer_key.as_str()).collect();
        let changed: Vec<&str> = changed.iter().map(|(key, _, _)| key.as_str()).collect();
        let buyers = orders::buyers_seen(tx, &paid, &asked, &changed)?;
        for birth in &mut self.0 {
            birth.new.returning = buyers.returning(&birth.new.row.buyer_key, birth.order.placed_at);
        }
        Ok(buyers.returning)
    }

    /// As the checks want them.
    pub(crate) fn subjects(&self, now: Timestamp) -> Vec<Newborn<'a>> {
        let subject =
            |birth: &Birth<'a>| Newborn { order: birth.new.order(now), lines: birth.lines(), recipient: birth.order.recipient.as_ref() };
        self.0.iter().map(subject).collect()
    }

    /// Writes them as they were judged, with what the recomputation says of them. Answers what counters gain, and the
    /// orders that are to be routed.
    pub(crate) fn store(self, tx: &mut Tx<'_>, shop: &Shop, verdicts: &[Verdict]) -> Result<(Sums, Vec<OrderId>), StoreError> {
        let (mut sums, mut ready) = (Sums::default(), Vec::new());
        let zones = recompute::zone_of(shop);
        let (mut rows, mut lines, mut tags) = (Vec::with_capacity(self.0.len()), Vec::new(), Vec::new());
        for (mut birth, verdict) in self.0.into_iter().zip(verdicts) {
            let approved = verdict.approved_by.is_some();
            let facts = recompute::facts_of_newborn(&birth.new.row, &birth.lines, approved, &verdict.holds);
            let cached = recompute::newborn(&facts, &zones, &mut sums);
            if is_to_be_routed(cached.phase) {
                ready.push(cached.id);
            }
            birth.new.approved_by.clone_from(&verdict.approved_by);
            birth.new.phase = cached.phase;
            birth.new.counted = cached.counted;
            // The channel's own tags are added; a person may take them off.
            tags.extend(birth.order.tags.iter().map(|tag| (cached.id, tag.clone())));
            rows.push(birth.new);
            lines.extend(birth.lines.into_iter().map(|(row, _)| row));
        }
        orders::insert(tx, &rows, &lines)?;
        if !tags.is_empty() {
            orders::add_tags(tx, &tags)?;
        }
        Ok((sums, ready))
    }
}

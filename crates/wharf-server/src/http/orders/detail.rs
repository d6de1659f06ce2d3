//! One order, whole, and its recipient opened on purpose.

use super::list::row;
use super::shape::*;
use crate::http::dto::{ActorDto, Money, Named, Time};
use crate::http::guard::{Guard, OrdersRead, PersonalOpen};
use crate::http::input::Id;
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::Json;
use axum::extract::State;
use std::collections::{BTreeMap, HashMap};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::access::Scope;
use wharf_domain::cancellation::Cancellation;
use wharf_domain::confirmation::Confirmation;
use wharf_domain::id::{ListingId, OrderId, SkuId, WarehouseId};
use wharf_domain::money;
use wharf_domain::stock::Condition;
use wharf_flows::bulk::Asker;
use wharf_store::cancellations::{self, CancellationRow};
use wharf_store::confirmations::{self, ConfirmationRow};
use wharf_store::{StoreError, Tx, catalog, fulfillments, holds, order_list, orders, shipments, stock, timeline, warehouses, waybills};

/// The routes of this part.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get)).routes(routes!(open_recipient))
}

/// One order: lines, findings, holds, fulfillments, shipments, timeline.
#[utoipa::path(get, path = "/api/v1/orders/{id}", tag = "orders", operation_id = "get_order", params(("id" = String, Path)),
    responses((status = 200, body = OrderDetail), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn get(State(state): State<AppState>, guard: Guard<OrdersRead>, Id(id): Id<OrderId>) -> Result<Json<OrderDetail>, Problem> {
    let scope = guard.who.scope;
    let found = state.app.store.read(move |tx| read(tx, &scope, id)).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("order"))
}

pub(super) fn hold(h: holds::Hold) -> Hold {
    Hold {
        id: h.id.to_string(),
        reason: h.reason.to_string(),
        detail: h.detail,
        placed_at: h.placed_at.into(),
        placed_by: (&h.placed_by).into(),
        released_at: h.released_at.map(Time::from),
        released_by: h.released_by.as_ref().map(ActorDto::from),
    }
}

/// What the channel was told, as the API shows it.
pub fn confirmation(c: &ConfirmationRow) -> ConfirmationBrief {
    let (receipt, code, message, at) = match &c.confirmation {
        Confirmation::Due | Confirmation::Sent { .. } => (String::new(), String::new(), c.message.clone(), None),
        Confirmation::Accepted { receipt, at } => (receipt.clone(), String::new(), String::new(), Some(*at)),
        Confirmation::Already { at } => (String::new(), String::new(), String::new(), Some(*at)),
        Confirmation::Refused { code, message, at } => (String::new(), code.clone(), message.clone(), Some(*at)),
        Confirmation::GaveUp { message, at } => (String::new(), String::new(), message.clone(), Some(*at)),
    };
    ConfirmationBrief {
        confirmation_state: c.confirmation.state().to_string(),
        attempts: c.attempts,
        receipt,
        code,
        message,
        answered_at: at.map(Time::from),
    }
}

fn cancellation(c: CancellationRow) -> CancellationDto {
    let (receipt, code, message) = match &c.cancellation {
        Cancellation::Confirmed { receipt, .. } => (receipt.clone(), String::new(), String::new()),
        Cancellation::Refused { code, message, .. } => (String::new(), code.clone(), message.clone()),
        Cancellation::Failed { message, .. } => (String::new(), String::new(), message.clone()),
        Cancellation::Requested | Cancellation::Stopping { .. } | Cancellation::Submitted { .. } | Cancellation::Withdrawn { .. } => {
            (String::new(), String::new(), c.message.clone())
        }
    };
    CancellationDto {
        cancellation_state: c.cancellation.state().to_string(),
        reason: c.reason.to_string(),
        source: c.source.to_string(),
        note: c.note,
        by: (&c.actor).into(),
        policy: c.policy,
        attempts: c.attempts,
        receipt,
        code,
        message,
        requested_at: c.requested_at.into(),
        tell_at: c.tell_at.map(Time::from),
        submitted_at: c.submitted_at.map(Time::from),
        answered_at: c.answered_at.map(Time::from),
    }
}

fn read(tx: &mut Tx<'_>, scope: &Scope, id: OrderId) -> Result<Option<OrderDetail>, StoreError> {
    let Some(item) = order_list::items(tx, scope, &[id])?.into_iter().next() else { return Ok(None) };
    let order = item.order.clone();
    let lines = orders::lines(tx, &[id])?.remove(&id).unwrap_or_default();
    let listings: Vec<ListingId> = lines.iter().map(|l| l.listing_id).collect();
    let parts = catalog::compositions(tx, &listings)?;
    let mut sku_ids: Vec<SkuId> = parts.values().flatten().map(|(sku, _)| *sku).collect();
    sku_ids.sort_unstable();
    sku_ids.dedup();
    let skus: HashMap<SkuId, catalog::Sku> = catalog::skus(tx, &sku_ids)?.into_iter().map(|s| (s.id, s)).collect();
    let mut available: HashMap<SkuId, i64> = HashMap::new();
    for level in stock::levels(tx, &sku_ids)? {
        if level.key.condition == Condition::Good && scope.warehouse(level.key.warehouse_id) {
            *available.entry(level.key.sku_id).or_default() += level.level.available();
        }
    }
    let places: HashMap<WarehouseId, String> = warehouses::all(tx)?.into_iter().map(|w| (w.id, w.name)).collect();
    let place = |id: WarehouseId| Named { id: id.to_string(), name: places.get(&id).cloned().unwrap_or_default() };
    let money = |minor: i64| Money::from(money::Money::new(minor, order.currency));
    let findings = holds::findings(tx, &[id])?.remove(&id).unwrap_or_default();
    let mut fixes: Vec<Fix> = Vec::new();
    for finding in findings.iter().filter(|f| f.settled_at.is_none()) {
        for fix in finding.params.get("fixes").and_then(|f| f.as_array()).into_iter().flatten() {
            if let Ok(fix) = serde_json::from_value::<wharf_domain::order::check::Fix>(fix.clone())
                && !fixes.iter().any(|f| f.code == fix.code)
            {
                fixes.push(Fix { code: fix.code, params: fix.params, action: fix.action, body: fix.body });
            }
        }
    }
    fixes.truncate(3);
    let work = fulfillments::of_orders(tx, &[id])?;
    let parcels = shipments::of_orders(tx, &[id])?;
    let parcel_ids: Vec<_> = parcels.iter().map(|p| p.id).collect();
    let live: HashMap<_, _> = waybills::live(tx, &parcel_ids)?.into_iter().map(|w| (w.shipment_id, w)).collect();
    let told: HashMap<_, _> = confirmations::of_orders(tx, &[id])?.into_iter().map(|c| (c.shipment_id, c)).collect();
    let mut shown = Vec::with_capacity(parcels.len());
    for parcel in parcels {
        let mut in_parcel: BTreeMap<String, i64> = BTreeMap::new();
        for line in parcel.lines.iter().filter(|l| l.order_id == id) {
            *in_parcel.entry(line.order_line_id.to_string()).or_default() += line.quantity;
        }
        let mut together: Vec<String> = parcel.lines.iter().map(|l| l.order_id.to_string()).collect();
        together.sort_unstable();
        together.dedup();
        shown.push(ShipmentBrief {
            id: parcel.id.to_string(),
            warehouse: place(parcel.warehouse_id),
            shipment_state: parcel.state.to_string(),
            waybill_state: live.get(&parcel.id).map(|w| w.waybill.state().to_string()),
            waybill_number: parcel.waybill_number,
            carrier: parcel.carrier_name,
            service: parcel.service,
            lines: in_parcel,
            orders: together,
            printed_at: parcel.printed_at.map(Time::from),
            handed_over_at: parcel.handed_over_at.map(Time::from),
            delivered_at: parcel.delivered_at.map(Time::from),
            trace: parcel.trace,
            confirmation: told.get(&parcel.id).map(confirmation),
            tracking: shipments::scans(tx, parcel.id)?
                .into_iter()
                .map(|s| TrackingDto { at: s.at.into(), meaning: s.meaning, text: s.text, place: s.place })
                .collect(),
        });
    }
    let shares = money::split(order.discount_minor, &lines.iter().map(|line| line.total_minor).collect::<Vec<_>>());
    let events = timeline::of_orders(tx, &[id])?;
    let cancelled = cancellations::of_orders(tx, &[id])?.remove(&id).unwrap_or_default();
    let hold_history = holds::all(tx, &[id])?.remove(&id).unwrap_or_default();
    Ok(Some(OrderDetail {
        order: row(item),
        shipping: money(order.shipping_minor),
        tax: money(order.tax_minor),
        discount: money(order.discount_minor),
        progress: order.progress.to_string(),
        fulfilled_by: order.fulfilled_by.to_string(),
        approved_at: order.approved_at.map(Time::from),
        approved_by: order.approved_by.as_ref().map(ActorDto::from),
        items: lines
            .into_iter()
            .zip(shares)
            .map(|(l, share)| Line {
                id: l.id.to_string(),
                external_id: l.external_id,
                listing_id: l.listing_id.to_string(),
                title: l.title,
                variant: l.variant,
                seller_code: l.seller_code,
                image_url: l.image_url,
                items: parts
                    .get(&l.listing_id)
                    .into_iter()
                    .flatten()
                    .map(|(sku, per_unit)| LineItem {
                        sku_id: sku.to_string(),
                        sku_code: skus.get(sku).map(|s| s.code.clone()).unwrap_or_default(),
                        name: skus.get(sku).map(|s| s.name.clone()).unwrap_or_default(),
                        per_unit: *per_unit,
                        available: available.get(sku).copied().unwrap_or(0),
                    })
                    .collect(),
                unit_price: money(l.unit_price_minor),
                discount: money(l.discount_minor),
                total: money(l.total_minor),
                order_discount_share: money(share),
                refund: l.refund.to_string(),
                gift: l.gift,
                ordered: l.counters.ordered,
                cancelled: l.counters.cancelled,
                allocated: l.counters.allocated,
                packed: l.counters.packed,
                shipped: l.counters.shipped,
                delivered: l.counters.delivered,
                returned: l.counters.returned,
            })
            .collect(),
        findings: findings
            .into_iter()
            .filter(|f| f.settled_at.is_none())
            .map(|f| Finding { code: f.code.to_string(), severity: f.severity.to_string(), params: f.params })
            .collect(),
        fixes,
        hold_history: hold_history.into_iter().map(hold).collect(),
        cancellations: cancelled.into_iter().map(cancellation).collect(),
        fulfillments: work
            .into_iter()
            .map(|f| FulfillmentBrief {
                id: f.id.to_string(),
                warehouse: place(f.warehouse_id),
                fulfillment_state: f.state.to_string(),
                lines: f.lines.iter().map(|l| (l.order_line_id.to_string(), l.quantity)).collect(),
                trace: f.trace,
            })
            .collect(),
        shipments: shown,
        timeline: events
            .into_iter()
            .map(|e| TimelineEvent { at: e.at.into(), kind: e.event.kind, params: e.event.params, actor: (&e.event.actor).into() })
            .collect(),
    }))
}

/// Opens name, phone and address; a channel that gave only a token is asked for them. The opening is in the audit log.
#[utoipa::path(post, path = "/api/v1/orders/{id}/recipient", tag = "orders", operation_id = "open_recipient", params(("id" = String, Path)),
    responses((status = 200, body = OpenRecipient), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem), (status = 502, body = Problem)))]
async fn open_recipient(
    State(state): State<AppState>,
    guard: Guard<PersonalOpen>,
    Id(id): Id<OrderId>,
) -> Result<Json<OpenRecipient>, Problem> {
    guard.who.need(wharf_domain::access::Permission::OrdersRead)?;
    let asker = Asker::new(guard.who.actor(), guard.who.scope.clone());
    let recipient = wharf_flows::edit::open_recipient(&state.app, &asker, id, &guard.who.address).await?;
    let region = &recipient.region;
    Ok(Json(OpenRecipient {
        region: [&region.province, &region.city, &region.district, &region.town]
            .into_iter()
            .filter(|part| !part.is_empty())
            .cloned()
            .collect::<Vec<_>>()
            .join(" "),
        name: recipient.personal.name,
        phone: recipient.personal.phone,
        address: recipient.personal.address,
        token_only: recipient.masked,
    }))
}

//! The pack station: one field, one scan at a time. What is scanned decides what happens: a waybill or order number opens
//! that parcel, a right item counts, a wrong one changes nothing, the last one closes the parcel. What must not leave is
//! stopped with its reason, at every scan.

mod parcels;
mod waves;

pub use parcels::{acknowledge, pack, unpack, weigh};
pub use waves::new_wave;

use crate::app::{App, FlowError, Outcome};
use crate::print::{self, Printing};
use crate::{recompute, ship};
use serde_json::json;
use std::collections::HashMap;
use wharf_domain::id::{FulfillmentLineId, OrderId, ShipmentId, UserId, WarehouseId, WaveId};
use wharf_domain::shipment::{ShipmentState, Standing};
use wharf_domain::time::DAY;
use wharf_domain::timeline::{Actor, Event};
use wharf_store::shipments::{self, OrderBrief, ShipmentRow, Step};
use wharf_store::stations::{self, BenchLine, StationRow};
use wharf_store::warehouses::{self, PackFlow};
use wharf_store::{StoreError, Tx, fulfillments, locks, timeline};

/// Parcels that one SKU scan looks at before it says that nothing waits for it.
const LOOK_AT: i64 = 8;

/// What a scan did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanned {
    /// A parcel was opened; its items come next.
    Opened,
    /// A right item; more come.
    Right,
    /// The last item: the parcel is closed.
    Complete,
    /// Not in this parcel, or one too many: nothing was changed.
    Wrong,
    /// No code that anybody knows.
    Unknown,
    /// The parcel must not leave: `cancelled`, `refunded`, `changed`, or the reason of a hold.
    Stop(String),
    /// No parcel waits for this item here.
    NothingWaits,
    /// The parcel was closed before.
    AlreadyPacked,
    /// The parcel has left.
    Gone,
    /// It has no waybill yet.
    NoWaybill,
    /// It stands in another warehouse.
    OtherWarehouse,
}

impl Scanned {
    /// The stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Scanned::Opened => "opened",
            Scanned::Right => "right",
            Scanned::Complete => "complete",
            Scanned::Wrong => "wrong",
            Scanned::Unknown => "unknown",
            Scanned::Stop(_) => "stop",
            Scanned::NothingWaits => "nothing_waits",
            Scanned::AlreadyPacked => "already_packed",
            Scanned::Gone => "gone",
            Scanned::NoWaybill => "no_waybill",
            Scanned::OtherWarehouse => "other_warehouse",
        }
    }
}

/// What the bench shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Bench {
    /// What the scan did; `None` when nothing was scanned.
    pub scanned: Option<Scanned>,
    /// The parcel it is about.
    pub parcel: Option<BenchParcel>,
    /// The label that came out, by its batch and blob.
    pub label: Option<print::File>,
    /// Why no label came out, where one should have.
    pub label_refused: Option<String>,
    /// Parcels closed here today.
    pub packed_today: i64,
    /// Seconds a parcel, from opening to closing, today.
    pub seconds_per_parcel: Option<i64>,
}

/// A parcel on the bench.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchParcel {
    /// The parcel.
    pub shipment: ShipmentRow,
    /// Its orders, masked.
    pub orders: Vec<OrderBrief>,
    /// What is in it, SKU by SKU, in the order of bins.
    pub lines: Vec<BenchLine>,
    /// SKU units in it.
    pub needed: i64,
    /// Scanned so far.
    pub scanned: i64,
}

/// Who scans, and how labels are printed there.
#[derive(Debug, Clone)]
pub struct Packer {
    /// Who.
    pub actor: Actor,
    /// Who, where it is a person.
    pub user_id: Option<UserId>,
    /// How labels are printed at this station.
    pub printing: Printing,
}

/// What a scan left behind, inside the unit of work.
struct Bookmark {
    scanned: Scanned,
    parcel: Option<ShipmentId>,
    /// The parcel was closed and its label must come out now.
    print: bool,
}

/// One scan at a station.
pub async fn scan(app: &App, packer: &Packer, station: &str, code: &str) -> Result<Bench, FlowError> {
    let (name, code) = (station.trim().to_owned(), code.trim().to_owned());
    if code.is_empty() {
        return Err(FlowError::invalid("code", "nothing was scanned"));
    }
    let (by, user) = (packer.actor.clone(), packer.user_id);
    let station_name = name.clone();
    let step = app.store.write_again(move |tx| scan_in(tx, &by, user, &station_name, &code)).await?;
    let (mut label, mut label_refused) = (None, None);
    if let Some(id) = step.parcel.filter(|_| step.print) {
        let printing = Printing { station: name.clone(), cause: String::new(), ..packer.printing.clone() };
        let printed = print::labels(app, &packer.actor, &printing, &[id]).await?;
        label = printed.files.into_iter().next();
        label_refused = printed.results.into_iter().find_map(|(_, outcome)| match outcome {
            Outcome::Refused(reason) => Some(reason),
            Outcome::Done | Outcome::Already => None,
        });
    }
    let mut bench = show(app, &name, step.parcel, packer.printing.zone.clone()).await?;
    bench.scanned = Some(step.scanned);
    bench.label = label;
    bench.label_refused = label_refused;
    Ok(bench)
}

/// What a station shows without a scan.
pub async fn station(app: &App, name: &str, zone: jiff::tz::TimeZone) -> Result<Bench, FlowError> {
    show(app, name.trim(), None, zone).await
}

async fn show(app: &App, name: &str, parcel: Option<ShipmentId>, zone: jiff::tz::TimeZone) -> Result<Bench, FlowError> {
    let name = name.to_owned();
    let now = app.now();
    let today = recompute::local_day(now, &zone);
    app.store
        .read(move |tx| {
            let station = need_station(tx, &name)?;
            let id = parcel.or(station.shipment_id);
            let (count, seconds) = stations::done_since(tx, &name, today.max(now.plus(-2 * DAY)))?;
            let parcel = match id {
                None => None,
                Some(id) => match shipments::load(tx, &[id])?.into_iter().next() {
                    None => None,
                    Some(shipment) => {
                        let lines = stations::contents(tx, &[id])?;
                        Some(BenchParcel {
                            orders: shipments::briefs(tx, &[id])?.remove(&id).unwrap_or_default(),
                            needed: lines.iter().map(|l| l.needed).sum(),
                            scanned: lines.iter().map(|l| l.scanned).sum(),
                            shipment,
                            lines,
                        })
                    }
                },
            };
            Ok(Bench {
                scanned: None,
                parcel,
                label: None,
                label_refused: None,
                packed_today: count,
                seconds_per_parcel: (count > 0).then(|| seconds / count),
            })
        })
        .await
}

fn need_station(tx: &mut Tx<'_>, name: &str) -> Result<StationRow, FlowError> {
    stations::get(tx, name)?.ok_or_else(|| FlowError::NotFound(format!("station {name}")))
}

/// Puts a station into a warehouse (and on a wave): done once by whoever stands there.
pub async fn place_station(app: &App, name: &str, warehouse: WarehouseId, wave: Option<WaveId>) -> Result<(), FlowError> {
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 60 {
        return Err(FlowError::invalid("station", "a name of 1 to 60 characters"));
    }
    app.store
        .write(move |tx| {
            if warehouses::get(tx, warehouse)?.is_none() {
                return Err(FlowError::NotFound(format!("warehouse {warehouse}")));
            }
            if let Some(id) = wave
                && stations::wave(tx, id)?.is_none_or(|w| w.warehouse_id != warehouse)
            {
                return Err(FlowError::invalid("wave", "it is not a wave of this warehouse"));
            }
            stations::place(tx, &name, warehouse, wave)?;
            Ok(())
        })
        .await
}

fn scan_in(tx: &mut Tx<'_>, actor: &Actor, user: Option<UserId>, name: &str, code: &str) -> Result<Bookmark, FlowError> {
    let station = need_station(tx, name)?;
    let named = stations::parcels_of(tx, code)?;
    if let Some(id) = pick_named(tx, &named, station.warehouse_id)? {
        return open(tx, actor, user, &station, id);
    }
    let Some(sku) = stations::sku_of(tx, code)? else {
        return Ok(Bookmark { scanned: Scanned::Unknown, parcel: station.shipment_id, print: false });
    };
    let flow = warehouses::get(tx, station.warehouse_id)?.map_or(PackFlow::PrintThenPack, |w| w.pack_flow);
    if let Some(id) = station.shipment_id {
        return count(tx, actor, user, &station, id, sku);
    }
    let printed = flow == PackFlow::PrintThenPack;
    for candidate in stations::candidates(tx, &station, sku, printed, LOOK_AT)? {
        let step = count(tx, actor, user, &station, candidate.shipment_id, sku)?;
        // A parcel that is stopped is not what the packer holds in his hand: the next one is looked at.
        if matches!(step.scanned, Scanned::Right | Scanned::Complete) {
            return Ok(step);
        }
    }
    Ok(Bookmark { scanned: Scanned::NothingWaits, parcel: None, print: false })
}

/// Of the parcels that a number names, the one to open: one of this warehouse that can still be packed, else whatever it is.
fn pick_named(tx: &mut Tx<'_>, ids: &[ShipmentId], warehouse: WarehouseId) -> Result<Option<ShipmentId>, StoreError> {
    let rows: HashMap<ShipmentId, ShipmentRow> = shipments::load(tx, ids)?.into_iter().map(|s| (s.id, s)).collect();
    let here = ids.iter().find(|id| {
        rows.get(id).is_some_and(|s| s.warehouse_id == warehouse && matches!(s.state, ShipmentState::Booked | ShipmentState::Draft))
    });
    Ok(here.or_else(|| ids.first()).copied())
}

/// Locks a parcel and says why it cannot be packed here, if it cannot.
fn ready(tx: &mut Tx<'_>, station: &StationRow, id: ShipmentId) -> Result<Result<ShipmentRow, Scanned>, StoreError> {
    locks::shipments(tx, &[id])?;
    let Some(parcel) = shipments::load(tx, &[id])?.into_iter().next() else { return Ok(Err(Scanned::Unknown)) };
    match parcel.state.standing() {
        Standing::Booked => {}
        Standing::Packed if parcel.stop_reason.is_empty() => {
            let why = shipments::obstacles(tx, &[id])?.into_iter().next().map(|(_, _, why)| why);
            return Ok(Err(why.map_or(Scanned::AlreadyPacked, Scanned::Stop)));
        }
        Standing::Packed => return Ok(Err(Scanned::Stop(parcel.stop_reason))),
        Standing::Draft => {
            let why = shipments::obstacles(tx, &[id])?.into_iter().next().map(|(_, _, why)| why);
            return Ok(Err(why.map_or(Scanned::NoWaybill, Scanned::Stop)));
        }
        Standing::Cancelled => {
            let why = if parcel.stop_reason.is_empty() { "cancelled".to_owned() } else { parcel.stop_reason };
            return Ok(Err(Scanned::Stop(why)));
        }
        Standing::Away => return Ok(Err(Scanned::Gone)),
    }
    if parcel.warehouse_id != station.warehouse_id {
        return Ok(Err(Scanned::OtherWarehouse));
    }
    if !parcel.stop_reason.is_empty() {
        return Ok(Err(Scanned::Stop(parcel.stop_reason)));
    }
    if let Some((_, _, why)) = shipments::obstacles(tx, &[id])?.into_iter().next() {
        return Ok(Err(Scanned::Stop(why)));
    }
    Ok(Ok(parcel))
}

/// A waybill or order number was scanned: that parcel lies open now. One whose items were all scanned before is closed.
fn open(tx: &mut Tx<'_>, actor: &Actor, user: Option<UserId>, station: &StationRow, id: ShipmentId) -> Result<Bookmark, FlowError> {
    let parcel = match ready(tx, station, id)? {
        Ok(parcel) => parcel,
        Err(why) => {
            if matches!(why, Scanned::Stop(_)) && station.shipment_id == Some(id) {
                stations::open(tx, &station.name, None)?;
            }
            return Ok(Bookmark { scanned: why, parcel: Some(id), print: false });
        }
    };
    lay_open(tx, station, &parcel)?;
    let contents = stations::contents(tx, &[id])?;
    if contents.iter().all(|l| l.scanned == l.needed) {
        return close(tx, actor, user, station, &parcel);
    }
    Ok(Bookmark { scanned: Scanned::Opened, parcel: Some(id), print: false })
}

fn lay_open(tx: &mut Tx<'_>, station: &StationRow, parcel: &ShipmentRow) -> Result<(), StoreError> {
    if station.shipment_id != Some(parcel.id) {
        stations::open(tx, &station.name, Some(parcel.id))?;
        shipments::set_opened(tx, parcel.id)?;
    }
    ship::set_fulfillments(tx, &[parcel], ship::Move::Pick)
}

/// An item was scanned for a parcel.
fn count(
    tx: &mut Tx<'_>,
    actor: &Actor,
    user: Option<UserId>,
    station: &StationRow,
    id: ShipmentId,
    sku: wharf_domain::id::SkuId,
) -> Result<Bookmark, FlowError> {
    let parcel = match ready(tx, station, id)? {
        Ok(parcel) => parcel,
        Err(why) => {
            // What was stopped or taken away under the packer's hands no longer lies open.
            if station.shipment_id == Some(id) {
                stations::open(tx, &station.name, None)?;
            }
            return Ok(Bookmark { scanned: why, parcel: Some(id), print: false });
        }
    };
    let contents = stations::contents(tx, &[id])?;
    let Some(line) = contents.iter().find(|l| l.sku_id == sku && l.scanned < l.needed) else {
        return Ok(Bookmark { scanned: Scanned::Wrong, parcel: Some(id), print: false });
    };
    if !fulfillments::scan(tx, line.fulfillment_line_id, sku)? {
        return Ok(Bookmark { scanned: Scanned::Wrong, parcel: Some(id), print: false });
    }
    lay_open(tx, station, &parcel)?;
    let left: i64 = contents.iter().map(|l| l.needed - l.scanned).sum::<i64>() - 1;
    if left > 0 {
        return Ok(Bookmark { scanned: Scanned::Right, parcel: Some(id), print: false });
    }
    close(tx, actor, user, station, &parcel)
}

/// Closes a parcel whose items are all in it.
fn close(tx: &mut Tx<'_>, actor: &Actor, user: Option<UserId>, station: &StationRow, parcel: &ShipmentRow) -> Result<Bookmark, FlowError> {
    closed(tx, actor, user, &station.name, &[parcel])?;
    stations::open(tx, &station.name, None)?;
    recompute::apply(tx, &parcel.orders())?;
    Ok(Bookmark { scanned: Scanned::Complete, parcel: Some(parcel.id), print: parcel.printed_at.is_none() })
}

/// What closing parcels writes, for any number of them.
fn closed(tx: &mut Tx<'_>, actor: &Actor, user: Option<UserId>, station: &str, parcels: &[&ShipmentRow]) -> Result<(), StoreError> {
    let ids: Vec<ShipmentId> = parcels.iter().map(|p| p.id).collect();
    shipments::steps(tx, &ids, &Step::Packed { station: station.to_owned(), by: user.map(|u| u.0) })?;
    ship::set_fulfillments(tx, parcels, ship::Move::Pack)?;
    let orders: Vec<OrderId> = parcels.iter().flat_map(|p| p.orders()).collect();
    fulfillments::recount(tx, &orders)?;
    let mut events: Vec<(OrderId, Event)> = Vec::with_capacity(orders.len());
    for parcel in parcels {
        let params = json!({ "shipment": parcel.id, "number": parcel.waybill_number, "station": station });
        let told = parcel.orders().into_iter();
        events.extend(told.map(|o| (o, Event { kind: "parcel.packed".to_owned(), params: params.clone(), actor: actor.clone() })));
    }
    timeline::append(tx, &events)
}

/// Puts the open parcel aside; what was scanned stays scanned, so that it may go on later.
pub async fn put_aside(app: &App, name: &str) -> Result<(), FlowError> {
    let name = name.trim().to_owned();
    app.store
        .write(move |tx| {
            need_station(tx, &name)?;
            stations::open(tx, &name, None)?;
            Ok(())
        })
        .await
}

/// Takes all scans of the open parcel back and puts it aside: the packer starts anew.
pub async fn restart(app: &App, name: &str) -> Result<(), FlowError> {
    let name = name.trim().to_owned();
    app.store
        .write(move |tx| {
            let station = need_station(tx, &name)?;
            if let Some(id) = station.shipment_id {
                locks::shipments(tx, &[id])?;
                let lines: Vec<FulfillmentLineId> = shipments::load(tx, &[id])?
                    .iter()
                    .filter(|s| s.state == ShipmentState::Booked)
                    .flat_map(|s| s.lines.iter().map(|l| l.fulfillment_line_id))
                    .collect();
                fulfillments::set_scanned(tx, &lines, false)?;
                stations::open(tx, &name, None)?;
            }
            Ok(())
        })
        .await
}

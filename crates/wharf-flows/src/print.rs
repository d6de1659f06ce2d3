//! Batches of documents and the print ledger. A label is printed once unless a cause is given; what is stopped, held or
//! cancelled is not printed. One file holds 1 to 1,000 labels; it is made outside the unit of work that records it, and
//! recorded only if nothing has changed meanwhile.

mod sheets;

use sheets::{Drawn, Sheets, draw_labels, label_data, manifest_parcel, pieces, read, slips};

use crate::app::{App, FlowError, Outcome};
use crate::recompute;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use wharf_documents::pick_list::PickTask;
use wharf_documents::{DocumentError, Fonts, Imprint, Language, ManifestData, PackingSlipData, PickListData, Resolution, TimeZone};
use wharf_domain::id::{OrderId, RowId, ShipmentId, UserId, WaybillId};
use wharf_domain::shipment::ShipmentState;
use wharf_domain::time::DAY;
use wharf_domain::timeline::{Actor, Event};
use wharf_store::prints::{NewBatch, NewPrint};
use wharf_store::shipments::{self, ShipmentRow};
use wharf_store::{StoreError, Tx, blobs, locks, prints, timeline, waybills};

/// The most documents of one file.
pub const MOST: usize = 1_000;
/// How long a printed file is kept: it holds personal data.
const FILE_LIVES: i64 = 30 * DAY;
/// How often a batch is made again because something changed while it was drawn.
const TRIES: usize = 3;

/// What a person can have printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Labels of parcels: in the ledger, once.
    Label,
    /// What to fetch from which bin.
    PickList,
    /// What lies in the parcel, for the buyer.
    PackingSlip,
    /// What the driver signs.
    Manifest,
}

impl Kind {
    /// The stored word.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Label => "label",
            Kind::PickList => "pick_list",
            Kind::PackingSlip => "packing_slip",
            Kind::Manifest => "manifest",
        }
    }
}

/// Who prints where, in which language.
#[derive(Debug, Clone)]
pub struct Printing {
    /// The station whose printer it is for; may be empty.
    pub station: String,
    /// Who.
    pub user_id: Option<UserId>,
    /// Language of captions.
    pub language: Language,
    /// Zone of times on paper.
    pub zone: TimeZone,
    /// Why a label that was printed is printed again; empty for a first print.
    pub cause: String,
}

/// One printed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The batch in the ledger.
    pub batch_id: RowId,
    /// Its bytes in the blobs.
    pub blob_hash: String,
    /// Its media type.
    pub media_type: String,
    /// Documents in it.
    pub documents: i64,
}

/// What came of a print order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// Files, usually one. Labels that a carrier sent as finished documents are files of their own.
    pub files: Vec<File>,
    /// The answer of each id.
    pub results: Vec<(ShipmentId, Outcome)>,
}

fn drawing(error: DocumentError) -> FlowError {
    FlowError::invalid("document", error.to_string())
}

/// How a label is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelFormat {
    /// `application/pdf`
    Pdf,
    /// `image/png`, 8 dots a millimetre.
    Png,
    /// `application/zpl`, 8 dots a millimetre.
    Zpl,
}

/// The label of one parcel to look at: its media type and bytes. Nothing is recorded; a finished document of a carrier comes
/// as it is.
pub async fn view_label(app: &App, printing: &Printing, id: ShipmentId, format: LabelFormat) -> Result<(String, Vec<u8>), FlowError> {
    let sheets = app.store.read(move |tx| read(tx, &[id], true).map_err(FlowError::from)).await?;
    if sheets.parcels.is_empty() {
        return Err(FlowError::NotFound("shipment".to_owned()));
    }
    let imprint = imprint(app, printing);
    let Some((_, label)) = label_data(&sheets, &[id]).into_iter().next() else {
        let finished = draw_labels(&sheets, &[id], &imprint)?.into_iter().next();
        return finished.map(|d| (d.media_type, d.bytes)).ok_or_else(|| FlowError::refused("no_label"));
    };
    let fonts = Fonts::builtin();
    let one = std::slice::from_ref(&label);
    Ok(match format {
        LabelFormat::Pdf => ("application/pdf".to_owned(), wharf_documents::render_labels(fonts, &imprint, one).map_err(drawing)?),
        LabelFormat::Png => {
            ("image/png".to_owned(), wharf_documents::label_png(fonts, &imprint, &label, Resolution::Dots8).map_err(drawing)?)
        }
        LabelFormat::Zpl => (
            "application/zpl".to_owned(),
            wharf_documents::labels_zpl(fonts, &imprint, one, Resolution::Dots8).map_err(drawing)?.into_bytes(),
        ),
    })
}

fn imprint(app: &App, printing: &Printing) -> Imprint {
    Imprint { language: printing.language, printed_at: app.now(), zone: printing.zone.clone() }
}

fn limited(ids: &[ShipmentId]) -> Result<Vec<ShipmentId>, FlowError> {
    let mut seen = std::collections::HashSet::new();
    let distinct: Vec<ShipmentId> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
    if distinct.is_empty() || distinct.len() > MOST {
        return Err(FlowError::invalid("ids", format!("1 to {MOST} parcels fit one file")));
    }
    Ok(distinct)
}

/// Prints labels. Each parcel answers for itself; a second print of a label needs a cause.
pub async fn labels(app: &App, actor: &Actor, printing: &Printing, ids: &[ShipmentId]) -> Result<Printed, FlowError> {
    let ids = limited(ids)?;
    for _ in 0..TRIES {
        let wanted = ids.clone();
        let sheets = app.store.read(move |tx| read(tx, &wanted, true).map_err(FlowError::from)).await?;
        let results: Vec<(ShipmentId, Outcome)> =
            ids.iter().map(|id| (*id, sheets.obstacle(*id, &printing.cause).unwrap_or(Outcome::Done))).collect();
        let ready: Vec<ShipmentId> = results.iter().filter(|(_, o)| *o == Outcome::Done).map(|(id, _)| *id).collect();
        if ready.is_empty() {
            return Ok(Printed { files: Vec::new(), results });
        }
        let files = draw_labels(&sheets, &ready, &imprint(app, printing))?;
        let (actor, printing) = (actor.clone(), printing.clone());
        let recorded =
            app.store.write(move |tx| record_labels(tx, &actor, &printing, &sheets, &ready, files).map_err(FlowError::from)).await;
        match recorded {
            Ok(Some(files)) => return Ok(Printed { files, results }),
            // Something was stopped, or printed elsewhere, while the file was drawn: it is drawn again without it.
            Ok(None) | Err(FlowError::Store(StoreError::Conflict { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    Err(FlowError::Store(StoreError::Busy))
}

fn record_labels(
    tx: &mut Tx<'_>,
    actor: &Actor,
    printing: &Printing,
    sheets: &Sheets,
    ready: &[ShipmentId],
    drawn: Vec<Drawn>,
) -> Result<Option<Vec<File>>, StoreError> {
    locks::shipments(tx, ready)?;
    let now = tx.now();
    let stopped = shipments::obstacles(tx, ready)?;
    let states: HashMap<ShipmentId, (ShipmentState, i64)> =
        shipments::load(tx, ready)?.into_iter().map(|s| (s.id, (s.state, s.version))).collect();
    let live: HashMap<ShipmentId, WaybillId> = waybills::live(tx, ready)?.into_iter().map(|w| (w.shipment_id, w.id)).collect();
    let copies = prints::copies(tx, &live.values().copied().collect::<Vec<_>>())?;
    let same = |id: &ShipmentId| {
        let known = sheets.parcels.iter().find(|s| s.id == *id);
        known.map(|s| (s.state, s.version)) == states.get(id).copied()
            && sheets.waybills.get(id).map(|w| w.id) == live.get(id).copied()
            && live.get(id).is_some_and(|w| copies.get(w) == sheets.copies.get(w))
    };
    if !stopped.is_empty() || !ready.iter().all(same) {
        return Ok(None);
    }
    let mut files = Vec::with_capacity(drawn.len());
    let mut events: Vec<(OrderId, Event)> = Vec::new();
    for file in drawn {
        let blob_hash = blobs::put(tx, &file.bytes, &file.media_type, true, Some(now.plus(FILE_LIVES)))?;
        let batch = NewBatch {
            kind: Kind::Label.word(),
            station: printing.station.clone(),
            user_id: printing.user_id,
            blob_hash: Some(blob_hash.clone()),
            document_count: file.parcels.len() as i64,
        };
        let rows: Vec<NewPrint> = file
            .parcels
            .iter()
            .map(|id| {
                let copy = sheets.copy(*id);
                let cause = if copy == 1 { String::new() } else { printing.cause.clone() };
                NewPrint { shipment_id: *id, waybill_id: live.get(id).copied(), copy, cause }
            })
            .collect();
        let batch_id = prints::record(tx, &batch, &rows)?;
        for parcel in sheets.parcels.iter().filter(|s| file.parcels.contains(&s.id)) {
            let params = json!({
                "shipment": parcel.id, "number": parcel.waybill_number, "copy": sheets.copy(parcel.id), "station": printing.station,
                "cause": if sheets.copy(parcel.id) > 1 { printing.cause.as_str() } else { "" },
            });
            events.extend(
                parcel
                    .orders()
                    .into_iter()
                    .map(|o| (o, Event { kind: "label.printed".to_owned(), params: params.clone(), actor: actor.clone() })),
            );
        }
        files.push(File { batch_id, blob_hash, media_type: file.media_type, documents: file.parcels.len() as i64 });
    }
    shipments::set_printed(tx, ready)?;
    waybills::set_printed(tx, &live.values().copied().collect::<Vec<_>>())?;
    timeline::append(tx, &events)?;
    let orders: Vec<OrderId> = sheets.parcels.iter().filter(|s| ready.contains(&s.id)).flat_map(ShipmentRow::orders).collect();
    recompute::apply(tx, &orders)?;
    Ok(Some(files))
}

/// Pick lists, packing slips and manifests of parcels: may be printed as often as wanted. Labels go by [`labels`].
pub async fn documents(app: &App, actor: &Actor, printing: &Printing, kind: Kind, ids: &[ShipmentId]) -> Result<Printed, FlowError> {
    if kind == Kind::Label {
        return labels(app, actor, printing, ids).await;
    }
    let ids = limited(ids)?;
    let wanted = ids.clone();
    let sheets = app.store.read(move |tx| read(tx, &wanted, false).map_err(FlowError::from)).await?;
    let mut results = Vec::with_capacity(ids.len());
    let mut ready: Vec<&ShipmentRow> = Vec::new();
    for id in &ids {
        let outcome = match sheets.parcels.iter().find(|s| s.id == *id) {
            None => Outcome::refused("not_found"),
            Some(s) if s.state == ShipmentState::Cancelled => Outcome::refused("cancelled"),
            Some(s) => match (kind, sheets.stopped.get(id)) {
                // Nobody shall fetch what must not leave.
                (Kind::PickList, Some(why)) => Outcome::refused(why.as_str()),
                (Kind::PickList | Kind::PackingSlip | Kind::Manifest | Kind::Label, _) => {
                    ready.push(s);
                    Outcome::Done
                }
            },
        };
        results.push((*id, outcome));
    }
    if ready.is_empty() {
        return Ok(Printed { files: Vec::new(), results });
    }
    let made = draw(app, &sheets, &ready, kind, &imprint(app, printing))?;
    let (printing, parcels) = (printing.clone(), ready.iter().map(|s| s.id).collect::<Vec<_>>());
    let files = app
        .store
        .write(move |tx| {
            let now = tx.now();
            let mut files = Vec::with_capacity(made.len());
            for bytes in made {
                let blob_hash = blobs::put(tx, &bytes, "application/pdf", true, Some(now.plus(FILE_LIVES)))?;
                let batch = NewBatch {
                    kind: kind.word(),
                    station: printing.station.clone(),
                    user_id: printing.user_id,
                    blob_hash: Some(blob_hash.clone()),
                    document_count: parcels.len() as i64,
                };
                let rows: Vec<NewPrint> =
                    parcels.iter().map(|id| NewPrint { shipment_id: *id, waybill_id: None, copy: 1, cause: String::new() }).collect();
                let batch_id = prints::record(tx, &batch, &rows)?;
                files.push(File { batch_id, blob_hash, media_type: "application/pdf".to_owned(), documents: parcels.len() as i64 });
            }
            Ok::<_, FlowError>(files)
        })
        .await?;
    Ok(Printed { files, results })
}

fn draw(app: &App, sheets: &Sheets, ready: &[&ShipmentRow], kind: Kind, imprint: &Imprint) -> Result<Vec<Vec<u8>>, FlowError> {
    let fonts = Fonts::builtin();
    match kind {
        Kind::Label => Ok(Vec::new()),
        Kind::PackingSlip => {
            let slips: Vec<PackingSlipData> = ready.iter().flat_map(|s| slips(sheets, s, imprint.language)).collect();
            Ok(vec![wharf_documents::render_packing_slips(fonts, imprint, &slips).map_err(drawing)?])
        }
        Kind::PickList => {
            let mut by_warehouse: BTreeMap<_, Vec<PickTask>> = BTreeMap::new();
            for (slot, parcel) in ready.iter().enumerate() {
                let tasks = by_warehouse.entry(parcel.warehouse_id).or_default();
                let names: HashMap<OrderId, &str> =
                    sheets.orders.get(&parcel.id).into_iter().flatten().map(|o| (o.order_id, o.external_id.as_str())).collect();
                for line in sheets.contents.get(&parcel.id).into_iter().flatten().filter(|l| l.needed > l.scanned) {
                    tasks.push(PickTask {
                        bin: line.bin.clone(),
                        sku_code: line.sku_code.clone(),
                        name: line.name.clone(),
                        variant: line.variant.clone(),
                        barcode: line.barcode.clone(),
                        quantity: pieces(line.needed - line.scanned),
                        order_reference: names.get(&line.order_id).map(|n| (*n).to_owned()).unwrap_or_default(),
                        slot: (slot + 1).to_string(),
                    });
                }
            }
            by_warehouse
                .into_iter()
                .filter(|(_, tasks)| !tasks.is_empty())
                .map(|(id, tasks)| {
                    let list = PickListData {
                        number: String::new(),
                        warehouse: sheets.warehouses.get(&id).map(|w| w.name.clone()).unwrap_or_default(),
                        picker: String::new(),
                        tasks,
                    };
                    wharf_documents::render_pick_list(fonts, imprint, &list).map_err(drawing)
                })
                .collect()
        }
        Kind::Manifest => {
            let mut groups: BTreeMap<_, Vec<&ShipmentRow>> = BTreeMap::new();
            for parcel in ready {
                groups.entry((parcel.warehouse_id, parcel.carrier_account_id, parcel.carrier_name.clone())).or_default().push(parcel);
            }
            groups
                .into_iter()
                .map(|((warehouse, _, carrier), parcels)| {
                    let manifest = ManifestData {
                        number: format!("M{}", app.now().seconds()),
                        warehouse: sheets.warehouses.get(&warehouse).map(|w| w.name.clone()).unwrap_or_default(),
                        carrier,
                        account: String::new(),
                        handed_over_at: parcels.iter().filter_map(|s| s.handed_over_at).max(),
                        parcels: parcels.iter().map(|s| manifest_parcel(sheets, s)).collect(),
                    };
                    wharf_documents::render_manifest(fonts, imprint, &manifest).map_err(drawing)
                })
                .collect()
        }
    }
}

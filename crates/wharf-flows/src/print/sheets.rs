//! Everything on paper about some parcels, read in one unit of work: what may be printed, and the labels, slips and
//! manifests as data.

use super::drawing;
use crate::app::{FlowError, Outcome};
use crate::book;
use base64::Engine as _;
use std::collections::{BTreeMap, HashMap};
use wharf_connect::LabelSource;
use wharf_documents::label::LabelItem;
use wharf_documents::manifest::ManifestParcel;
use wharf_documents::packing_slip::SlipLine;
use wharf_documents::{Fonts, Imprint, LabelData, Language, PackingSlipData, Party};
use wharf_domain::address::Recipient;
use wharf_domain::id::{OrderId, ShipmentId, WaybillId};
use wharf_domain::money::Money;
use wharf_domain::shipment::Standing;
use wharf_domain::waybill::Waybill;
use wharf_store::shipments::{self, ParcelOrder, ShipmentRow};
use wharf_store::stations::{self, BenchLine};
use wharf_store::warehouses::{self, WarehouseRow};
use wharf_store::waybills::{self, WaybillRow};
use wharf_store::{StoreError, Tx, orders, prints};

/// Everything on paper about some parcels, read in one unit of work.
pub(super) struct Sheets {
    pub(super) parcels: Vec<ShipmentRow>,
    pub(super) waybills: HashMap<ShipmentId, WaybillRow>,
    pub(super) labels: HashMap<ShipmentId, LabelSource>,
    pub(super) copies: HashMap<WaybillId, i64>,
    pub(super) orders: HashMap<ShipmentId, Vec<ParcelOrder>>,
    pub(super) contents: HashMap<ShipmentId, Vec<BenchLine>>,
    pub(super) recipients: HashMap<OrderId, Recipient>,
    pub(super) warehouses: HashMap<wharf_domain::id::WarehouseId, WarehouseRow>,
    pub(super) stopped: HashMap<ShipmentId, String>,
}

pub(super) fn read(tx: &mut Tx<'_>, ids: &[ShipmentId], labels: bool) -> Result<Sheets, StoreError> {
    let mut parcels = shipments::load(tx, ids)?;
    // In the order asked for: urgent first is the asker's business.
    let place: HashMap<ShipmentId, usize> = ids.iter().enumerate().map(|(n, id)| (*id, n)).collect();
    parcels.sort_by_key(|s| place.get(&s.id).copied());
    let waybills: HashMap<ShipmentId, WaybillRow> = waybills::live(tx, ids)?.into_iter().map(|w| (w.shipment_id, w)).collect();
    let copies = prints::copies(tx, &waybills.values().map(|w| w.id).collect::<Vec<_>>())?;
    let mut sources = HashMap::new();
    if labels {
        for (id, row) in &waybills {
            if let Some(source) = book::label_source(tx, row)? {
                sources.insert(*id, source);
            }
        }
    }
    let inside: Vec<OrderId> = parcels.iter().flat_map(ShipmentRow::orders).collect();
    let mut contents: HashMap<ShipmentId, Vec<BenchLine>> = HashMap::new();
    for line in stations::contents(tx, ids)? {
        contents.entry(line.shipment_id).or_default().push(line);
    }
    Ok(Sheets {
        orders: shipments::parcel_orders(tx, ids)?,
        contents,
        recipients: orders::open_recipients(tx, &inside)?,
        warehouses: warehouses::all(tx)?.into_iter().map(|w| (w.id, w)).collect(),
        stopped: shipments::obstacles(tx, ids)?.into_iter().map(|(id, _, why)| (id, why)).collect(),
        parcels,
        waybills,
        labels: sources,
        copies,
    })
}

impl Sheets {
    /// Why the label of a parcel is not printed; `None` when it is.
    pub(super) fn obstacle(&self, id: ShipmentId, cause: &str) -> Option<Outcome> {
        let Some(parcel) = self.parcels.iter().find(|s| s.id == id) else { return Some(Outcome::refused("not_found")) };
        match parcel.state.standing() {
            Standing::Booked | Standing::Packed => {}
            Standing::Draft => return Some(Outcome::refused("no_waybill")),
            Standing::Cancelled => return Some(Outcome::refused("cancelled")),
            Standing::Away => return Some(Outcome::refused("handed_over")),
        }
        if let Some(why) = self.stopped.get(&id) {
            return Some(Outcome::refused(why.as_str()));
        }
        let Some(row) = self.waybills.get(&id).filter(|w| matches!(w.waybill, Waybill::Booked { .. } | Waybill::Printed { .. })) else {
            return Some(Outcome::refused("no_waybill"));
        };
        if !self.labels.contains_key(&id) {
            return Some(Outcome::refused("no_label"));
        }
        (self.copies.contains_key(&row.id) && cause.trim().is_empty()).then(|| Outcome::refused("needs_cause"))
    }

    pub(super) fn copy(&self, id: ShipmentId) -> i64 {
        self.waybills.get(&id).and_then(|w| self.copies.get(&w.id)).copied().unwrap_or(0) + 1
    }

    fn recipient(&self, parcel: &ShipmentRow) -> Party {
        parcel.orders().iter().find_map(|o| self.recipients.get(o)).map(Party::of).unwrap_or_default()
    }

    fn label(&self, parcel: &ShipmentRow, routing_code: String, routing_name: String) -> LabelData {
        let inside = self.orders.get(&parcel.id).map_or(&[][..], Vec::as_slice);
        let sender = self.warehouses.get(&parcel.warehouse_id).map(sender).unwrap_or_default();
        let mut items: BTreeMap<&str, u32> = BTreeMap::new();
        for line in self.contents.get(&parcel.id).into_iter().flatten() {
            *items.entry(if line.sku_code.is_empty() { &line.name } else { &line.sku_code }).or_insert(0) += pieces(line.needed);
        }
        let collect = inside
            .iter()
            .filter(|o| o.cash_on_delivery)
            .map(|o| Money::new(o.value_minor, o.currency))
            .reduce(|a, b| if a.currency == b.currency { Money::new(a.minor + b.minor, a.currency) } else { a });
        LabelData {
            carrier: parcel.carrier_name.clone(),
            service: parcel.service.clone(),
            routing_code,
            routing_name,
            waybill_number: parcel.waybill_number.clone().unwrap_or_default(),
            sender,
            recipient: self.recipient(parcel),
            order_references: inside.iter().map(|o| o.external_id.clone()).collect(),
            items: items.into_iter().map(|(name, quantity)| LabelItem { name: name.to_owned(), quantity }).collect(),
            weight_grams: u32::try_from(parcel.measured_grams.unwrap_or(parcel.weight_grams)).ok().filter(|grams| *grams > 0),
            collect,
            remark: String::new(),
            copy: u32::try_from(self.copy(parcel.id)).unwrap_or(u32::MAX),
        }
    }
}

pub(super) fn pieces(quantity: i64) -> u32 {
    u32::try_from(quantity).unwrap_or(u32::MAX)
}

fn sender(warehouse: &WarehouseRow) -> Party {
    let recipient = Recipient {
        region: warehouse.region.clone(),
        personal: wharf_domain::address::PersonalData {
            name: warehouse.contact.clone(),
            phone: warehouse.phone.clone(),
            address: warehouse.address.clone(),
        },
        ..Recipient::default()
    };
    Party::of(&recipient)
}

/// A drawn or finished label file, not yet recorded.
pub(super) struct Drawn {
    pub(super) bytes: Vec<u8>,
    pub(super) media_type: String,
    pub(super) parcels: Vec<ShipmentId>,
}

/// What we draw ourselves: labels of the parcels named whose carrier gave words and not a finished document.
pub(super) fn label_data(sheets: &Sheets, ready: &[ShipmentId]) -> Vec<(ShipmentId, LabelData)> {
    let mut own = Vec::new();
    for parcel in sheets.parcels.iter().filter(|s| ready.contains(&s.id)) {
        match sheets.labels.get(&parcel.id) {
            Some(LabelSource::Drawn { routing_code, routing_name }) => {
                own.push((parcel.id, sheets.label(parcel, routing_code.clone(), routing_name.clone())));
            }
            Some(LabelSource::PrintData { fields, .. }) => {
                let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
                let mut label = sheets.label(parcel, field("routing_code"), field("routing_name"));
                // What the platform lets be read is what may stand on a drawn copy.
                for (name, to) in [
                    ("recipient_name", &mut label.recipient.name),
                    ("recipient_phone", &mut label.recipient.phone),
                    ("recipient_address", &mut label.recipient.address),
                ] {
                    if let Some(text) = fields.get(name).filter(|t| !t.is_empty()) {
                        to.clone_from(text);
                    }
                }
                own.push((parcel.id, label));
            }
            Some(LabelSource::Document { .. }) | None => {}
        }
    }
    own
}

pub(super) fn draw_labels(sheets: &Sheets, ready: &[ShipmentId], imprint: &Imprint) -> Result<Vec<Drawn>, FlowError> {
    let mut files = Vec::new();
    let (parcels, own): (Vec<ShipmentId>, Vec<LabelData>) = label_data(sheets, ready).into_iter().unzip();
    if !own.is_empty() {
        let bytes = wharf_documents::render_labels(Fonts::builtin(), imprint, &own).map_err(drawing)?;
        files.push(Drawn { bytes, media_type: "application/pdf".to_owned(), parcels });
    }
    for parcel in sheets.parcels.iter().filter(|s| ready.contains(&s.id)) {
        if let Some(LabelSource::Document { media_type, base64 }) = sheets.labels.get(&parcel.id) {
            let bytes = base64::engine::general_purpose::STANDARD.decode(base64).map_err(|e| FlowError::invalid("label", e.to_string()))?;
            files.push(Drawn { bytes, media_type: media_type.clone(), parcels: vec![parcel.id] });
        }
    }
    Ok(files)
}

pub(super) fn manifest_parcel(sheets: &Sheets, parcel: &ShipmentRow) -> ManifestParcel {
    let inside = sheets.orders.get(&parcel.id).map_or(&[][..], Vec::as_slice);
    let region = parcel.orders().iter().find_map(|o| sheets.recipients.get(o)).map(|r| format!("{}{}", r.region.province, r.region.city));
    ManifestParcel {
        waybill_number: parcel.waybill_number.clone().unwrap_or_default(),
        service: parcel.service.clone(),
        order_references: inside.iter().map(|o| o.external_id.clone()).collect(),
        destination: region.unwrap_or_default(),
        weight_grams: u32::try_from(parcel.measured_grams.unwrap_or(parcel.weight_grams)).ok().filter(|grams| *grams > 0),
        collect: inside.iter().find(|o| o.cash_on_delivery).map(|o| Money::new(o.value_minor, o.currency)),
    }
}

pub(super) fn slips(sheets: &Sheets, parcel: &ShipmentRow, language: Language) -> Vec<PackingSlipData> {
    let inside = sheets.orders.get(&parcel.id).map_or(&[][..], Vec::as_slice);
    inside
        .iter()
        .map(|order| {
            let lines = sheets
                .contents
                .get(&parcel.id)
                .into_iter()
                .flatten()
                .filter(|l| l.order_id == order.order_id)
                .map(|l| SlipLine {
                    name: l.name.clone(),
                    variant: l.variant.clone(),
                    sku_code: l.sku_code.clone(),
                    quantity: pieces(l.needed),
                    total: None,
                })
                .collect();
            PackingSlipData {
                // The buyer's language, not the packer's.
                language: match order.country.as_str() {
                    "CN" | "HK" | "MO" | "TW" => Language::Zh,
                    "" => language,
                    _ => Language::En,
                },
                shop: order.shop_name.clone(),
                order_reference: order.external_id.clone(),
                ordered_at: Some(order.placed_at),
                carrier: parcel.carrier_name.clone(),
                waybill_number: parcel.waybill_number.clone().unwrap_or_default(),
                recipient: sheets.recipients.get(&order.order_id).map(Party::of).unwrap_or_default(),
                lines,
                order_total: Some(Money::new(order.total_minor, order.currency)),
                gift: false,
                gift_message: String::new(),
                return_text: String::new(),
                note: String::new(),
            }
        })
        .collect()
}

//! The hand-over manifest: the parcels that one driver takes from one warehouse, with totals and the lines he signs.

use crate::{
    DocumentError, Fonts, Imprint,
    flow::{Column, Flow, WIDTH},
    page::{Align, Ink},
    pdf::Pdf,
    style::{A4_MARGIN, BODY, HAIR, LEADING, MM, SMALL, STRONG},
    words::{amount, date_time, kilograms, words},
};
use std::collections::BTreeMap;
use wharf_domain::{money::Currency, money::Money, time::Timestamp};

/// One parcel on the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestParcel {
    /// The waybill number.
    pub waybill_number: String,
    /// The service bought; may be empty.
    pub service: String,
    /// The channel's numbers of the orders inside.
    pub order_references: Vec<String>,
    /// Where it goes, as a list may show it: province and city.
    pub destination: String,
    /// Weight of the parcel.
    pub weight_grams: Option<u32>,
    /// Money that the courier collects at the door.
    pub collect: Option<Money>,
}

/// One manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestData {
    /// Its number: printed as a barcode too when it is not empty.
    pub number: String,
    /// The warehouse that hands over.
    pub warehouse: String,
    /// The carrier.
    pub carrier: String,
    /// The carrier account; may be empty.
    pub account: String,
    /// When the parcels were handed over, if they were.
    pub handed_over_at: Option<Timestamp>,
    /// The parcels, in the order in which they are listed.
    pub parcels: Vec<ManifestParcel>,
}

/// What the parcels come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ManifestTotals {
    /// How many.
    pub parcels: usize,
    /// The weight of those that were weighed.
    pub weight_grams: u64,
    /// How many were not weighed.
    pub unweighed: usize,
    /// Money to collect, by currency, in minor units.
    pub collect_minor: BTreeMap<Currency, i128>,
    /// Parcels by service, in the order of the services' names.
    pub by_service: BTreeMap<String, usize>,
}

impl ManifestData {
    /// Adds the parcels up.
    pub fn totals(&self) -> ManifestTotals {
        let mut totals = ManifestTotals { parcels: self.parcels.len(), ..ManifestTotals::default() };
        for parcel in &self.parcels {
            match parcel.weight_grams {
                Some(grams) => totals.weight_grams += u64::from(grams),
                None => totals.unweighed += 1,
            }
            if let Some(money) = parcel.collect {
                *totals.collect_minor.entry(money.currency).or_default() += i128::from(money.minor);
            }
            *totals.by_service.entry(parcel.service.trim().to_owned()).or_default() += 1;
        }
        totals
    }
}

/// A hand-over manifest as PDF.
pub fn render_manifest(fonts: &Fonts, imprint: &Imprint, manifest: &ManifestData) -> Result<Vec<u8>, DocumentError> {
    if manifest.parcels.is_empty() {
        return Err(DocumentError::Empty);
    }
    let mut pdf = Pdf::new(fonts, imprint, &format!("{} {}", words(imprint.language).manifest, manifest.number));
    lay_out(fonts, imprint, manifest).write(&mut pdf)?;
    pdf.finish()
}

fn lay_out<'f>(fonts: &'f Fonts, imprint: &'f Imprint, manifest: &ManifestData) -> Flow<'f> {
    let words = words(imprint.language);
    let totals = manifest.totals();
    let running = format!("{} {}  {}  {}", words.manifest, manifest.number, manifest.carrier, manifest.warehouse);
    let mut flow = Flow::new(fonts, imprint, imprint.language, running);
    let weight = if totals.unweighed == totals.parcels { words.none.to_owned() } else { kilograms(totals.weight_grams) };
    let unweighed = if totals.unweighed > 0 { format!(" ({})", (words.unweighed)(totals.unweighed)) } else { String::new() };
    flow.title(words.manifest, &format!("{} · {weight}{unweighed}", (words.parcels)(totals.parcels)), &manifest.number);
    flow.facts(
        3,
        &[
            (words.warehouse, manifest.warehouse.clone()),
            (words.carrier, manifest.carrier.clone()),
            (words.account, manifest.account.clone()),
            (words.handed_over, manifest.handed_over_at.map(|at| date_time(imprint, at)).unwrap_or_default()),
        ],
    );
    parcels(&mut flow, imprint, manifest, !totals.collect_minor.is_empty());
    flow.skip(3.0 * MM);
    sums(&mut flow, imprint, &totals, &format!("{weight}{unweighed}"));
    signatures(&mut flow, imprint);
    flow
}

fn parcels(flow: &mut Flow<'_>, imprint: &Imprint, manifest: &ManifestData, collecting: bool) {
    let words = words(imprint.language);
    let collect_width = if collecting { 24.0 } else { 0.0 };
    let column = |title, width: f32, align| Column { title, width: width * MM, align };
    let mut columns = vec![
        column("#", 10.0, Align::Right),
        column(words.waybill, 39.0, Align::Left),
        column(words.service, 24.0, Align::Left),
        column(words.order, 38.0, Align::Left),
        column(words.destination, 182.0 - 10.0 - 39.0 - 24.0 - 38.0 - 18.0 - collect_width, Align::Left),
        column(words.weight, 18.0, Align::Right),
    ];
    if collecting {
        columns.push(column(words.collect, collect_width, Align::Right));
    }
    let rows: Vec<_> = manifest
        .parcels
        .iter()
        .enumerate()
        .map(|(index, parcel)| {
            let mut orders = Vec::new();
            for order in &parcel.order_references {
                orders.extend(flow.cell_in_one(&columns[3], SMALL + 0.5, false, order));
            }
            let weight = parcel.weight_grams.map_or(words.none.to_owned(), |grams| kilograms(u64::from(grams)));
            let mut row = vec![
                flow.cell_in_one(&columns[0], SMALL + 0.5, false, &(index + 1).to_string()),
                flow.cell_in_one(&columns[1], BODY, true, &parcel.waybill_number),
                flow.cell(&columns[2], SMALL + 1.0, false, Ink::Black, &parcel.service),
                orders,
                flow.cell(&columns[4], SMALL + 1.0, false, Ink::Black, &parcel.destination),
                flow.cell_in_one(&columns[5], SMALL + 1.0, false, &weight),
            ];
            if let Some(column) = columns.get(6) {
                let collect = parcel.collect.map(|money| amount(imprint.language, money)).unwrap_or_default();
                row.push(flow.cell_in_one(column, SMALL + 1.0, false, &collect));
            }
            row
        })
        .collect();
    flow.table(&columns, rows.into_iter());
}

fn sums(flow: &mut Flow<'_>, imprint: &Imprint, totals: &ManifestTotals, weight: &str) {
    let words = words(imprint.language);
    let collect = totals.collect_minor.iter().map(|(currency, minor)| {
        // No driver carries more than 64 bits of money; the edge is shown rather than wrapped.
        let minor = i64::try_from(*minor).unwrap_or(i64::MAX);
        amount(imprint.language, Money::new(minor, *currency))
    });
    let services = totals
        .by_service
        .iter()
        .map(|(service, count)| format!("{} {}", if service.is_empty() { words.none } else { service }, (words.parcels)(*count)));
    flow.keep(40.0 * MM);
    flow.facts(
        3,
        &[
            (words.total, format!("{} · {weight}", (words.parcels)(totals.parcels))),
            (words.by_service, services.collect::<Vec<_>>().join("\n")),
            (words.collect, collect.collect::<Vec<_>>().join("\n")),
        ],
    );
}

/// Who gives, who takes, with which car and when: lines to write on.
fn signatures(flow: &mut Flow<'_>, imprint: &Imprint) {
    let words = words(imprint.language);
    flow.keep(34.0 * MM);
    flow.skip(8.0 * MM);
    let half = WIDTH / 2.0;
    for row in [[words.signed_by_us, words.signed_by_driver], [words.date, words.plate]] {
        let y = flow.y();
        for (index, caption) in row.into_iter().enumerate() {
            let x = A4_MARGIN + index as f32 * half;
            let caption_width = flow.page().line(x, y, BODY, false, Ink::Black, Align::Left, &format!("{caption}{}", words.colon));
            let from = x + caption_width + 1.0 * MM;
            flow.page().rule(from, y + BODY * LEADING, x + half - 6.0 * MM - from, HAIR, Ink::Black);
        }
        flow.skip(STRONG * LEADING + 8.0 * MM);
    }
}

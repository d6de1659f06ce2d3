//! The label of our own carriers: 100 × 150 mm, one page a parcel, any number of parcels in one file.

use crate::{
    DocumentError, Fonts, Imprint, Language, Party, Resolution, barcode,
    page::{Align, Area, Ink, Page},
    pdf::Pdf,
    raster,
    style::{LABEL_HEIGHT, LABEL_MARGIN, LABEL_WIDTH, MM, RULE, SMALL, SMALLEST},
    text::{self, Block, fit, one_line},
    words::{amount, date_time, kilograms, words},
    zpl,
};
use wharf_domain::money::Money;

/// One kind of thing in the parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelItem {
    /// The short name or code by which the packer knows it.
    pub name: String,
    /// Pieces.
    pub quantity: u32,
}

/// Everything on one label. Empty texts and `None` leave their place empty; nothing is invented.
#[derive(Clone, PartialEq, Eq)]
pub struct LabelData {
    /// The carrier's name as people say it.
    pub carrier: String,
    /// The service bought (次日达, economy); may be empty.
    pub service: String,
    /// What the sorter reads from two metres away: the carrier's sorting code, or the city and district; may be empty.
    pub routing_code: String,
    /// Smaller text under the routing code, such as the consolidation centre; may be empty.
    pub routing_name: String,
    /// The waybill number: the barcode, the QR code and the text under it. Printable ASCII.
    pub waybill_number: String,
    /// Who sends.
    pub sender: Party,
    /// Who receives, as much as the printed label may show.
    pub recipient: Party,
    /// The channel's numbers of the orders in the parcel.
    pub order_references: Vec<String>,
    /// What is in the parcel.
    pub items: Vec<LabelItem>,
    /// Weight of the parcel.
    pub weight_grams: Option<u32>,
    /// Money that the courier collects at the door.
    pub collect: Option<Money>,
    /// A remark for the courier or the packer; may be empty.
    pub remark: String,
    /// 1 for the first print; a reprint says so on the paper.
    pub copy: u32,
}

/// The labels of any number of parcels in one PDF, one page each, in the given order.
pub fn render_labels(fonts: &Fonts, imprint: &Imprint, labels: &[LabelData]) -> Result<Vec<u8>, DocumentError> {
    let mut pdf = Pdf::new(fonts, imprint, "Labels");
    for (index, label) in labels.iter().enumerate() {
        pdf.add(&lay_out(fonts, imprint, label, (index + 1, labels.len()))?)?;
    }
    pdf.finish()
}

/// One label as a PNG.
pub fn label_png(fonts: &Fonts, imprint: &Imprint, label: &LabelData, resolution: Resolution) -> Result<Vec<u8>, DocumentError> {
    raster::png(&raster::picture(&lay_out(fonts, imprint, label, (1, 1))?, resolution), resolution)
}

/// Labels as raw ZPL, one format after the other.
pub fn labels_zpl(fonts: &Fonts, imprint: &Imprint, labels: &[LabelData], resolution: Resolution) -> Result<String, DocumentError> {
    if labels.is_empty() {
        return Err(DocumentError::Empty);
    }
    let mut out = String::new();
    for (index, label) in labels.iter().enumerate() {
        out.push_str(&zpl::format(&lay_out(fonts, imprint, label, (index + 1, labels.len()))?, resolution));
    }
    Ok(out)
}

const LEFT: f32 = LABEL_MARGIN;
const WIDTH: f32 = LABEL_WIDTH - 2.0 * LABEL_MARGIN;
/// Where text begins inside the frame.
const INSET: f32 = LEFT + 2.0 * MM;
const INNER: f32 = WIDTH - 4.0 * MM;
/// The bands from top to bottom: where each begins.
const ROUTING: f32 = 15.0 * MM;
const CODE: f32 = 37.0 * MM;
const RECIPIENT: f32 = 61.0 * MM;
const SENDER: f32 = 91.0 * MM;
const CONTENTS: f32 = 104.0 * MM;
const FOOT: f32 = 142.0 * MM;

pub(crate) fn lay_out<'f>(
    fonts: &'f Fonts,
    imprint: &Imprint,
    label: &LabelData,
    place: (usize, usize),
) -> Result<Page<'f>, DocumentError> {
    let number = barcode::code128(&label.waybill_number)?;
    let matrix = barcode::qr(&label.waybill_number)?;
    let words = words(imprint.language);
    let mut page = Page::new(fonts, LABEL_WIDTH, LABEL_HEIGHT);
    page.frame(Area { x: LEFT, y: LABEL_MARGIN, width: WIDTH, height: LABEL_HEIGHT - 2.0 * LABEL_MARGIN }, RULE);
    for y in [ROUTING, CODE, RECIPIENT, SENDER, CONTENTS, FOOT] {
        page.rule(LEFT, y, WIDTH, RULE, Ink::Black);
    }
    head(&mut page, label);
    routing(&mut page, label);
    let area = Area { x: LEFT, y: CODE + 2.0 * MM, width: WIDTH, height: 14.5 * MM };
    page.bars(area, &number, 4);
    page.fitted(LABEL_WIDTH / 2.0, CODE + 17.6 * MM, INNER, 14.0, true, Align::Centre, &label.waybill_number);
    party(&mut page, &label.recipient, words.recipient_sign, RECIPIENT, SENDER - RECIPIENT, true);
    party(&mut page, &label.sender, words.sender_sign, SENDER, CONTENTS - SENDER, false);
    contents(&mut page, imprint, label, &matrix);
    foot(&mut page, imprint, label, place);
    Ok(page)
}

/// The carrier, and the service white on black.
fn head(page: &mut Page<'_>, label: &LabelData) {
    let height = ROUTING - LABEL_MARGIN;
    let mut room = INNER;
    if !label.service.trim().is_empty() {
        let service = one_line(page.fonts, &label.service, 34.0 * MM, 16.0, SMALLEST, true);
        let text_width = service.lines.first().map_or(0.0, |l| text::width(page.fonts, l, service.size));
        let box_width = text_width + 5.0 * MM;
        let x = LEFT + WIDTH - box_width;
        page.fill(x, LABEL_MARGIN, box_width, height, Ink::Black);
        page.block(x + box_width / 2.0, LABEL_MARGIN + (height - service.size) / 2.0, Align::Centre, Ink::White, &service);
        room -= box_width;
    }
    let carrier = one_line(page.fonts, &label.carrier, room, 20.0, SMALLEST, true);
    page.block(INSET, LABEL_MARGIN + (height - carrier.size) / 2.0, Align::Left, Ink::Black, &carrier);
}

/// What the sorter reads from two metres away.
fn routing(page: &mut Page<'_>, label: &LabelData) {
    let (code, name) = (label.routing_code.trim(), label.routing_name.trim());
    let (large, small) = if code.is_empty() { (name, "") } else { (code, name) };
    let band = CODE - ROUTING;
    let below = if small.is_empty() { 0.0 } else { 6.0 * MM };
    let block = one_line(page.fonts, large, INNER, 42.0, SMALLEST, true);
    page.block(LABEL_WIDTH / 2.0, ROUTING + (band - below - block.size) / 2.0 + 0.5 * MM, Align::Centre, Ink::Black, &block);
    if !small.is_empty() {
        page.fitted(LABEL_WIDTH / 2.0, CODE - 6.4 * MM, INNER, 13.0, false, Align::Centre, small);
    }
}

/// A black tag, then name and phone on one line, then the address as large as it fits.
fn party(page: &mut Page<'_>, party: &Party, sign: &str, top: f32, height: f32, large: bool) {
    let tag = if large { 9.0 * MM } else { 7.0 * MM };
    let tag_block = one_line(page.fonts, sign, tag - 1.0 * MM, if large { 18.0 } else { 12.0 }, SMALLEST, true);
    let tag_top = top + RULE + 1.8 * MM;
    page.fill(INSET, tag_top, tag, tag, Ink::Black);
    page.block(INSET + tag / 2.0, tag_top + (tag - tag_block.size) / 2.0, Align::Centre, Ink::White, &tag_block);
    let x = INSET + 9.0 * MM + 2.5 * MM;
    let room = LEFT + WIDTH - 2.0 * MM - x;
    let who = [party.name.trim(), party.phone.trim()].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join("  ");
    let (size, least): (f32, f32) = if large { (15.0, 8.0) } else { (9.5, 6.5) };
    // A company's name may need a second line; it must not lose the phone behind it.
    let name = fit(page.fonts, &who, (room, if large { 9.0 * MM } else { 4.0 * MM }), size, least, large);
    let foot = page.block(x, top + RULE + 1.8 * MM, Align::Left, Ink::Black, &name);
    let gap = if large { 1.6 * MM } else { 1.0 * MM };
    let address_top = foot + gap;
    let rest = top + height - 1.2 * MM - address_top;
    let address = fit(page.fonts, &party.address, (room, rest), if large { 13.0 } else { 8.5 }, SMALLEST, false);
    page.block(x, address_top, Align::Left, Ink::Black, &address);
}

/// Orders, things, remark on the left; the QR code with pieces and weight on the right.
fn contents(page: &mut Page<'_>, imprint: &Imprint, label: &LabelData, matrix: &barcode::Matrix) {
    let words = words(imprint.language);
    let side = 27.0 * MM;
    let right = LEFT + WIDTH - side;
    page.fill(right - 0.5 * MM, CONTENTS, RULE, FOOT - CONTENTS, Ink::Black);
    page.matrix(right, CONTENTS + 0.8 * MM, side - 0.5 * MM, matrix);
    let pieces: u64 = label.items.iter().map(|item| u64::from(item.quantity)).sum();
    let mut y = CONTENTS + side + 0.6 * MM;
    if pieces > 0 {
        page.fitted(right + side / 2.0, y, side - 3.0 * MM, 10.0, true, Align::Centre, &(words.pieces)(pieces));
        y += 4.4 * MM;
    }
    if let Some(grams) = label.weight_grams {
        page.fitted(right + side / 2.0, y, side - 3.0 * MM, 10.0, true, Align::Centre, &kilograms(u64::from(grams)));
    }

    let room = right - 0.5 * MM - INSET - 1.5 * MM;
    let mut top = CONTENTS + RULE + 1.4 * MM;
    let mut bottom = FOOT - 1.2 * MM;
    if let Some(money) = label.collect {
        let height = 9.0 * MM;
        page.frame(Area { x: INSET, y: top, width: room, height }, RULE * 1.5);
        let text = format!("{}{}{}", words.collect, words.colon, amount(imprint.language, money));
        let block = one_line(page.fonts, &text, room - 4.0 * MM, 15.0, SMALLEST, true);
        page.block(INSET + room / 2.0, top + (height - block.size) / 2.0, Align::Centre, Ink::Black, &block);
        top += height + 1.2 * MM;
    }
    if !label.remark.trim().is_empty() {
        let remark = format!("{}{}{}", words.remark, words.colon, label.remark.trim());
        let block = fit(page.fonts, &remark, (room, 9.5 * MM), 9.5, SMALLEST, true);
        bottom -= block.height();
        page.block(INSET, bottom, Align::Left, Ink::Black, &block);
        bottom -= 1.2 * MM;
    }
    if !label.order_references.is_empty() {
        let head = format!("{}{}", words.orders, words.colon);
        let share = ((bottom - top) * 0.45).max(4.0 * MM);
        let block = entries(page.fonts, imprint, &head, &label.order_references, "  ", (room, share), 8.5);
        top = page.block(INSET, top, Align::Left, Ink::Black, &block) + 1.2 * MM;
    }
    let things: Vec<String> = label.items.iter().map(|item| format!("{} × {}", item.name.trim(), item.quantity)).collect();
    let flow = if imprint.language == Language::Zh { "；" } else { "; " };
    let block = entries(page.fonts, imprint, "", &things, flow, (room, bottom - top), 9.0);
    page.block(INSET, top, Align::Left, Ink::Black, &block);
}

/// Entries as far as they fit, then how many more there are; an entry is never cut while another one is shown. One a
/// line where there is room, flowing where there is not.
fn entries(fonts: &Fonts, imprint: &Imprint, head: &str, entries: &[String], flow: &str, room: (f32, f32), largest: f32) -> Block {
    let words = words(imprint.language);
    let text = |shown: usize, separator: &str| {
        let mut shown_entries = entries[..shown].to_vec();
        if shown < entries.len() {
            shown_entries.push((words.more)(entries.len() - shown));
        }
        format!("{head}{}", shown_entries.join(separator))
    };
    let set = |text: &str, size: f32| Block { size, bold: false, lines: text::wrap(fonts, text, size, room.0) };
    let fits = |block: &Block| block.height() <= room.1 + 0.01;
    const SIZES: [f32; 7] = [9.0, 8.5, 8.0, 7.5, 7.0, 6.5, 6.0];
    for separator in ["\n", flow] {
        let one_text = text(entries.len(), separator);
        let sizes = SIZES.iter().copied().filter(|size| *size <= largest);
        if let Some(block) = sizes.map(|size| set(&one_text, size)).find(fits) {
            return block;
        }
    }
    // No more entries than characters that the room holds can be worth a try.
    let size = SIZES[6];
    let most = ((room.0 * room.1.max(0.0) / (size * size)) as usize).min(entries.len());
    let shown = (1..=most).rev().map(|shown| set(&text(shown, flow), size)).find(fits);
    shown.unwrap_or_else(|| fit(fonts, &text(most.min(1), flow), room, size, SMALLEST, false))
}

fn foot(page: &mut Page<'_>, imprint: &Imprint, label: &LabelData, (index, count): (usize, usize)) {
    let words = words(imprint.language);
    let y = FOOT + 1.4 * MM;
    let size = SMALL;
    page.fitted(INSET, y, 40.0 * MM, size, false, Align::Left, &format!("{} {}", words.printed, date_time(imprint, imprint.printed_at)));
    if label.copy > 1 {
        page.fitted(LABEL_WIDTH / 2.0 + 6.0 * MM, y, 26.0 * MM, size, true, Align::Centre, &(words.reprint)(label.copy));
    }
    page.fitted(LEFT + WIDTH - 2.0 * MM, y, 26.0 * MM, size, false, Align::Right, &(words.page)(index, count));
}

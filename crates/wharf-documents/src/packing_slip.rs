//! The packing slip: what lies in the parcel, in the buyer's language, with a gift message and how to return it.

use crate::{
    DocumentError, Fonts, Imprint, Language, Party,
    flow::{Column, Flow},
    page::{Align, Ink},
    pdf::Pdf,
    style::{BODY, MM, RULE, SMALL, STRONG},
    words::{amount, date_time, words},
};
use wharf_domain::{money::Money, time::Timestamp};

/// One line of the slip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlipLine {
    /// The listing's title as the buyer saw it.
    pub name: String,
    /// Colour, size and the like; may be empty.
    pub variant: String,
    /// The SKU's code; may be empty.
    pub sku_code: String,
    /// Pieces in this parcel.
    pub quantity: u32,
    /// Price of the line; never printed on a gift.
    pub total: Option<Money>,
}

/// One slip: one order's part of one parcel.
#[derive(Clone, PartialEq, Eq)]
pub struct PackingSlipData {
    /// The buyer's language, which may differ from the language of the one who prints.
    pub language: Language,
    /// The shop as the buyer knows it.
    pub shop: String,
    /// The channel's order number.
    pub order_reference: String,
    /// When the order was placed.
    pub ordered_at: Option<Timestamp>,
    /// The carrier; may be empty.
    pub carrier: String,
    /// The waybill number; may be empty.
    pub waybill_number: String,
    /// Who receives.
    pub recipient: Party,
    /// What lies in the parcel.
    pub lines: Vec<SlipLine>,
    /// What the order cost in all; never printed on a gift.
    pub order_total: Option<Money>,
    /// A gift: prices stay off the paper.
    pub gift: bool,
    /// The giver's message; may be empty.
    pub gift_message: String,
    /// How to return things, in the shop's words; may be empty.
    pub return_text: String,
    /// A line of thanks or a note, in the shop's words; may be empty.
    pub note: String,
}

/// Slips in one PDF, each beginning on its own page and counting its own pages.
pub fn render_packing_slips(fonts: &Fonts, imprint: &Imprint, slips: &[PackingSlipData]) -> Result<Vec<u8>, DocumentError> {
    let mut pdf = Pdf::new(fonts, imprint, words(imprint.language).packing_slip);
    for slip in slips {
        lay_out(fonts, imprint, slip).write(&mut pdf)?;
    }
    pdf.finish()
}

fn lay_out<'f>(fonts: &'f Fonts, imprint: &'f Imprint, slip: &PackingSlipData) -> Flow<'f> {
    let words = words(slip.language);
    let title = if slip.gift { words.gift_slip } else { words.packing_slip };
    let running = format!("{}  {title}  {}", slip.shop, slip.order_reference);
    let mut flow = Flow::new(fonts, imprint, slip.language, running);
    let heading = if slip.shop.trim().is_empty() { title } else { slip.shop.trim() };
    flow.title(heading, if heading == title { "" } else { title }, &slip.order_reference);
    let recipient = [&slip.recipient.name, &slip.recipient.phone, &slip.recipient.address].map(|s| s.trim());
    let recipient = recipient.into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join("\n");
    flow.facts(
        2,
        &[
            (words.ship_to, recipient),
            (words.order, slip.order_reference.clone()),
            (words.ordered, slip.ordered_at.map(|at| date_time(imprint, at)).unwrap_or_default()),
            (words.waybill, [slip.carrier.trim(), slip.waybill_number.trim()].join(" ").trim().to_owned()),
        ],
    );
    flow.paragraph(words.gift_message, &slip.gift_message, STRONG + 1.0);
    let priced = !slip.gift && slip.lines.iter().any(|line| line.total.is_some());
    let amount_width = if priced { 28.0 } else { 0.0 };
    let mut columns = vec![
        Column { title: words.product, width: (182.0 - 32.0 - 18.0 - amount_width) * MM, align: Align::Left },
        Column { title: "SKU", width: 32.0 * MM, align: Align::Left },
        Column { title: words.quantity, width: 18.0 * MM, align: Align::Right },
    ];
    if priced {
        columns.push(Column { title: words.price, width: amount_width * MM, align: Align::Right });
    }
    let rows: Vec<_> = slip
        .lines
        .iter()
        .map(|line| {
            let mut product = flow.cell(&columns[0], BODY, false, Ink::Black, &line.name);
            product.extend(flow.cell(&columns[0], SMALL, false, Ink::Grey, &line.variant));
            let mut row = vec![
                product,
                flow.cell_in_one(&columns[1], SMALL + 0.5, false, &line.sku_code),
                flow.cell_in_one(&columns[2], STRONG, true, &line.quantity.to_string()),
            ];
            if let Some(column) = columns.get(3) {
                let price = line.total.map(|money| amount(slip.language, money)).unwrap_or_default();
                row.push(flow.cell_in_one(column, BODY, false, &price));
            }
            row
        })
        .collect();
    flow.table(&columns, rows.into_iter());
    flow.skip(2.5 * MM);
    flow.keep(STRONG * 2.0);
    let pieces: u64 = slip.lines.iter().map(|line| u64::from(line.quantity)).sum();
    let y = flow.y();
    let left = crate::style::A4_MARGIN;
    flow.page().line(left + crate::style::CELL, y, BODY, true, Ink::Black, Align::Left, &(words.pieces)(pieces));
    if let Some(total) = slip.order_total.filter(|_| !slip.gift) {
        let text = format!("{}{}{}", words.total, words.colon, amount(slip.language, total));
        flow.page().line(left + crate::flow::WIDTH - crate::style::CELL, y, STRONG + 1.0, true, Ink::Black, Align::Right, &text);
    }
    flow.skip(STRONG * 1.5 + 4.0 * MM);
    if !slip.return_text.trim().is_empty() {
        flow.keep(18.0 * MM);
        let y = flow.y();
        flow.page().rule(left, y, crate::flow::WIDTH, RULE, Ink::Black);
        flow.skip(3.0 * MM);
        flow.paragraph(words.returns, &slip.return_text, BODY);
    }
    flow.paragraph("", &slip.note, BODY);
    flow
}

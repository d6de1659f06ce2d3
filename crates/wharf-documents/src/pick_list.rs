//! The pick list: what to fetch from which bin, in walking order, and into which order's slot each piece goes.

use crate::{
    DocumentError, Fonts, Imprint,
    flow::{Column, Flow},
    page::{Align, Ink},
    pdf::Pdf,
    style::{BODY, MM, SMALL, STRONG},
    words::words,
};
use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

/// One SKU that one order needs from one bin: what a fulfillment asks of the picker, before merging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickTask {
    /// The bin path (`A-03-2-15`); empty when the SKU has no bin.
    pub bin: String,
    /// The SKU's code.
    pub sku_code: String,
    /// The product's name.
    pub name: String,
    /// Colour, size and the like; may be empty.
    pub variant: String,
    /// A barcode of the SKU to check against; may be empty.
    pub barcode: String,
    /// Pieces.
    pub quantity: u32,
    /// The order as people refer to it.
    pub order_reference: String,
    /// The slot of the put wall or trolley; may be empty.
    pub slot: String,
}

/// One stop of the picker: a SKU in a bin, with everyone who waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickLine {
    /// The bin path; empty when the SKU has no bin.
    pub bin: String,
    /// The SKU's code.
    pub sku_code: String,
    /// The product's name.
    pub name: String,
    /// Colour, size and the like; may be empty.
    pub variant: String,
    /// A barcode of the SKU; may be empty.
    pub barcode: String,
    /// Pieces for all orders together.
    pub quantity: u64,
    /// Who gets how many: in order of slot, then reference.
    pub shares: Vec<PickShare>,
}

/// The pieces of one order in a pick line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickShare {
    /// The order as people refer to it.
    pub order_reference: String,
    /// The slot of the put wall or trolley; may be empty.
    pub slot: String,
    /// Pieces.
    pub quantity: u64,
}

/// One pick list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickListData {
    /// The number of the wave: printed as a barcode too when it is not empty.
    pub number: String,
    /// The warehouse.
    pub warehouse: String,
    /// Who picks; may be empty.
    pub picker: String,
    /// What the orders need, in any order: merged and sorted here.
    pub tasks: Vec<PickTask>,
}

impl PickListData {
    /// The stops in walking order: merged by bin and SKU, sorted by bin path (numbers by value: `A-2` before `A-10`),
    /// what has no bin at the end. The same list serves paper and phone.
    pub fn lines(&self) -> Vec<PickLine> {
        let mut lines: Vec<PickLine> = Vec::new();
        let mut known: HashMap<(&str, &str), usize> = HashMap::new();
        for task in self.tasks.iter().filter(|task| task.quantity > 0) {
            let at = *known.entry((task.bin.trim(), task.sku_code.as_str())).or_insert_with(|| {
                lines.push(PickLine {
                    bin: task.bin.trim().to_owned(),
                    sku_code: task.sku_code.clone(),
                    name: task.name.clone(),
                    variant: task.variant.clone(),
                    barcode: task.barcode.clone(),
                    quantity: 0,
                    shares: Vec::new(),
                });
                lines.len() - 1
            });
            let line = &mut lines[at];
            let quantity = u64::from(task.quantity);
            line.quantity += quantity;
            line.shares.push(PickShare { order_reference: task.order_reference.clone(), slot: task.slot.clone(), quantity });
        }
        for line in &mut lines {
            line.shares.sort_by(|a, b| natural(&a.slot, &b.slot).then_with(|| natural(&a.order_reference, &b.order_reference)));
            line.shares.dedup_by(|next, kept| {
                let same = next.slot == kept.slot && next.order_reference == kept.order_reference;
                if same {
                    kept.quantity += next.quantity;
                }
                same
            });
        }
        lines.sort_by(|a, b| {
            (a.bin.is_empty().cmp(&b.bin.is_empty())).then_with(|| natural(&a.bin, &b.bin)).then_with(|| natural(&a.sku_code, &b.sku_code))
        });
        lines
    }
}

/// Orders texts as people do: runs of digits by their value, the rest by character.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a_rest, mut b_rest) = (a, b);
    loop {
        let (a_piece, b_piece) = (piece(a_rest), piece(b_rest));
        if a_piece.is_empty() || b_piece.is_empty() {
            // Equal by value but not by letter (`01`, `1`) still needs one order.
            return a_piece.len().cmp(&b_piece.len()).then_with(|| a.cmp(b));
        }
        let digits = |s: &str| s.starts_with(|c: char| c.is_ascii_digit());
        let order = if digits(a_piece) && digits(b_piece) {
            let (x, y) = (a_piece.trim_start_matches('0'), b_piece.trim_start_matches('0'));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        } else {
            a_piece.cmp(b_piece)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a_rest, b_rest) = (&a_rest[a_piece.len()..], &b_rest[b_piece.len()..]);
    }
}

/// The run of digits, or of anything else, that a text begins with.
fn piece(text: &str) -> &str {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    &text[..end]
}

/// A pick list as PDF.
pub fn render_pick_list(fonts: &Fonts, imprint: &Imprint, list: &PickListData) -> Result<Vec<u8>, DocumentError> {
    let words = words(imprint.language);
    let lines = list.lines();
    if lines.is_empty() {
        return Err(DocumentError::Empty);
    }
    let flow = lay_out(fonts, imprint, list, &lines);
    let mut pdf = Pdf::new(fonts, imprint, &format!("{} {}", words.pick_list, list.number));
    flow.write(&mut pdf)?;
    pdf.finish()
}

fn lay_out<'f>(fonts: &'f Fonts, imprint: &'f Imprint, list: &PickListData, lines: &[PickLine]) -> Flow<'f> {
    let words = words(imprint.language);
    let mut flow = Flow::new(fonts, imprint, imprint.language, format!("{} {}  {}", words.pick_list, list.number, list.warehouse));
    let orders: HashSet<&str> = list.tasks.iter().map(|task| task.order_reference.as_str()).collect();
    let pieces = lines.iter().map(|line| line.quantity).sum();
    flow.title(words.pick_list, &(words.pick_total)(lines.len(), pieces, orders.len()), &list.number);
    flow.facts(3, &[(words.warehouse, list.warehouse.clone()), (words.picker, list.picker.clone()), (words.wave, list.number.clone())]);
    let column = |title, width: f32, align| Column { title, width: width * MM, align };
    let columns = [
        column(words.bin, 31.0, Align::Left),
        column(words.product, 75.0, Align::Left),
        column(words.quantity, 15.0, Align::Right),
        column(words.for_orders, 49.0, Align::Left),
        column(words.done, 12.0, Align::Centre),
    ];
    let rows: Vec<_> = lines
        .iter()
        .map(|line| {
            let mut product = flow.cell(&columns[1], BODY, false, Ink::Black, &line.name);
            product.extend(flow.cell(&columns[1], BODY, true, Ink::Black, &line.variant));
            let codes: Vec<&str> = [line.sku_code.as_str(), line.barcode.as_str()].into_iter().filter(|s| !s.is_empty()).collect();
            product.extend(flow.cell(&columns[1], SMALL, false, Ink::Grey, &codes.join("  ·  ")));
            let mut shares = Vec::new();
            for share in &line.shares {
                let slot = if share.slot.is_empty() { String::new() } else { format!("{} · ", share.slot) };
                let text = format!("{slot}{} × {}", share.order_reference, share.quantity);
                shares.extend(flow.cell_in_one(&columns[3], SMALL + 0.5, false, &text));
            }
            let bin = if line.bin.is_empty() { words.no_bin } else { &line.bin };
            vec![
                flow.cell_in_one(&columns[0], STRONG + 1.0, true, bin),
                product,
                flow.cell_in_one(&columns[2], STRONG + 2.0, true, &line.quantity.to_string()),
                shares,
                flow.cell(&columns[4], STRONG + 2.0, false, Ink::Black, "□"),
            ]
        })
        .collect();
    flow.table(&columns, rows.into_iter());
    flow
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Language, TimeZone};
    use wharf_domain::time::Timestamp;

    fn task(bin: &str, sku: &str, order: &str, slot: &str, quantity: u32) -> PickTask {
        let [bin, sku_code, order_reference, slot] = [bin, sku, order, slot].map(str::to_owned);
        PickTask { bin, sku_code, name: "杯".to_owned(), variant: String::new(), barcode: String::new(), quantity, order_reference, slot }
    }

    fn list(tasks: Vec<PickTask>) -> PickListData {
        PickListData { number: "W1".to_owned(), warehouse: "一号仓".to_owned(), picker: String::new(), tasks }
    }

    #[test]
    fn stops_are_walked_in_order_and_each_sku_once() {
        let tasks = vec![
            task("A-10-1", "b", "o1", "1", 1),
            task("", "z", "o1", "1", 5),
            task("A-2-1", "a", "o2", "10", 2),
            task("A-2-1", "a", "o1", "2", 3),
            task("A-2-1", "a", "o1", "2", 1),
            task("A-2-1", "c", "o3", "3", 0),
        ];
        let lines = list(tasks).lines();
        let seen: Vec<_> = lines.iter().map(|l| (l.bin.as_str(), l.sku_code.as_str(), l.quantity)).collect();
        assert_eq!(seen, [("A-2-1", "a", 6), ("A-10-1", "b", 1), ("", "z", 5)]);
        let shares: Vec<_> = lines[0].shares.iter().map(|s| (s.slot.as_str(), s.quantity)).collect();
        assert_eq!(shares, [("2", 4), ("10", 2)]);
    }

    #[test]
    fn numbers_in_texts_count_by_their_value() {
        let mut bins = vec!["B-1", "A-10", "A-2", "A-02", "A", "A-2-b", "10", "9", ""];
        bins.sort_by(|a, b| natural(a, b));
        assert_eq!(bins, ["", "9", "10", "A", "A-02", "A-2", "A-2-b", "A-10", "B-1"]);
    }

    #[test]
    fn every_page_of_a_long_list_repeats_the_head_and_no_row_is_lost() {
        let imprint = Imprint { language: Language::En, printed_at: Timestamp(0), zone: TimeZone::UTC };
        let tasks = (0..120).map(|i| task(&format!("A-{i}"), &format!("sku{i}"), "o", "", 1)).collect();
        let list = list(tasks);
        let flow = lay_out(Fonts::builtin(), &imprint, &list, &list.lines());
        let texts = |page: &crate::page::Page<'_>| -> Vec<String> {
            let runs = page.operations.iter();
            runs.filter_map(|o| if let crate::page::Operation::Text(run) = o { Some(run.text.clone()) } else { None }).collect()
        };
        assert!(flow.pages().len() > 2);
        let mut bins = Vec::new();
        for page in flow.pages() {
            let texts = texts(page);
            assert_eq!(texts.iter().filter(|t| *t == "Product").count(), 1);
            bins.extend(texts.into_iter().filter(|t| t.starts_with("A-")));
        }
        assert_eq!(bins, (0..120).map(|i| format!("A-{i}")).collect::<Vec<_>>());
    }

    #[test]
    fn a_row_taller_than_a_page_goes_on_overleaf() {
        let imprint = Imprint { language: Language::Zh, printed_at: Timestamp(0), zone: TimeZone::UTC };
        let tasks = (0..300).map(|i| task("A-1", "sku", &format!("order{i}"), &i.to_string(), 1)).collect();
        let list = list(tasks);
        let flow = lay_out(Fonts::builtin(), &imprint, &list, &list.lines());
        let shares = flow.pages().iter().flat_map(|p| &p.operations);
        let shares = shares.filter(|o| matches!(o, crate::page::Operation::Text(run) if run.text.contains("order"))).count();
        assert_eq!(shares, 300);
    }
}

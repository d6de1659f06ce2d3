//! Sheets: a typed table as XLSX or CSV. What a person sees on a list is what the file holds.

use crate::{DocumentError, words};
use rust_xlsxwriter::{Color, DocProperties, ExcelDateTime, Format, FormatBorder, Workbook, Worksheet, XlsxError};
use std::{borrow::Cow, collections::HashMap};
use wharf_domain::{
    money::{Currency, Money},
    time::Timestamp,
};

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// Words, and every number that nobody adds up (order numbers, phones, waybill numbers).
    Text,
    /// A count or a measure.
    Integer,
    /// An amount. The sheet's number format names the currency; a CSV column holds the bare decimal, so that a list of
    /// several currencies carries a text column with the code beside it.
    Money,
    /// An instant, written in the sheet's zone.
    Time,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its title, in the user's language.
    pub title: String,
    /// What it holds.
    pub kind: ColumnKind,
}

/// A cell. A cell may be of another kind than its column: it is then written by its own kind.
#[derive(Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Words.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// An amount.
    Money(Money),
    /// An instant.
    Time(Timestamp),
}

/// The head of a table; its rows come from an iterator.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Name of the worksheet, in the user's language.
    pub name: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The zone in which instants are written.
    pub zone: jiff::tz::TimeZone,
}

/// Rows that Excel holds on one worksheet, head included.
const ROWS: u32 = 1_048_576;
/// Characters that Excel holds in one cell.
const CELL_CHARACTERS: usize = 32_767;
/// Digits that a spreadsheet's number keeps exactly.
const EXACT: u64 = 999_999_999_999_999;

/// A sheet as XLSX: a frozen bold head, real numbers and times, texts that stay texts (no formula is ever written). Rows
/// beyond what one worksheet holds go on to the next. Rows are written as they come and not kept: the writer underneath
/// uses an unnamed temporary file for them. `made_at` is the file's own date, so that the same rows give the same bytes.
pub fn render_xlsx(sheet: &Sheet, made_at: Timestamp, rows: impl IntoIterator<Item = Vec<Cell>>) -> Result<Vec<u8>, DocumentError> {
    let refuse = |error: XlsxError| DocumentError::Sheet(error.to_string());
    let mut workbook = Workbook::new();
    let created = ExcelDateTime::from_timestamp(made_at.seconds()).map_err(refuse)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&created));
    let mut formats = Formats::new();
    let mut rows = rows.into_iter().peekable();
    let mut part = 1;
    loop {
        let page = workbook.add_worksheet_with_constant_memory().map_err(refuse)?;
        start_worksheet(page, sheet, part, &formats).map_err(refuse)?;
        for row in 1..ROWS {
            let Some(cells) = rows.next() else { break };
            for (column, cell) in (0..).zip(&cells) {
                write_cell(page, row, column, cell, sheet, &mut formats).map_err(refuse)?;
            }
        }
        if rows.peek().is_none() {
            break;
        }
        part += 1;
    }
    workbook.save_to_buffer().map_err(refuse)
}

struct Formats {
    head: Format,
    time: Format,
    money: HashMap<Currency, Format>,
}

impl Formats {
    fn new() -> Self {
        let head = Format::new().set_bold().set_background_color(Color::RGB(0xE8_E8E8)).set_border_bottom(FormatBorder::Thin);
        Formats { head, time: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"), money: HashMap::new() }
    }

    fn money(&mut self, currency: Currency) -> &Format {
        self.money.entry(currency).or_insert_with(|| {
            let decimals = "0".repeat(currency.exponent() as usize);
            let point = if decimals.is_empty() { "" } else { "." };
            Format::new().set_num_format(format!("#,##0{point}{decimals} \"{}\"", currency.code()))
        })
    }
}

fn start_worksheet(page: &mut Worksheet, sheet: &Sheet, part: usize, formats: &Formats) -> Result<(), XlsxError> {
    page.set_name(worksheet_name(&sheet.name, part))?;
    for (index, column) in (0..).zip(&sheet.columns) {
        let by_kind = match column.kind {
            ColumnKind::Text => 22.0,
            ColumnKind::Integer => 11.0,
            ColumnKind::Money => 16.0,
            ColumnKind::Time => 20.0,
        };
        // A Chinese character is as wide as two digits.
        let by_title: f64 = column.title.chars().map(|c| if c.is_ascii() { 1.1 } else { 2.1 }).sum::<f64>() + 2.0;
        page.set_column_width(index, by_title.max(by_kind).min(60.0))?;
        page.write_string_with_format(0, index, shortened(&column.title), &formats.head)?;
    }
    page.set_freeze_panes(1, 0)?;
    Ok(())
}

fn write_cell(page: &mut Worksheet, row: u32, column: u16, cell: &Cell, sheet: &Sheet, formats: &mut Formats) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty => {}
        Cell::Text(text) => {
            page.write_string(row, column, shortened(text))?;
        }
        Cell::Integer(number) if number.unsigned_abs() <= EXACT => {
            page.write_number(row, column, *number as f64)?;
        }
        // A spreadsheet would round it; as text it stays itself.
        Cell::Integer(number) => {
            page.write_string(row, column, number.to_string())?;
        }
        Cell::Money(money) if money.minor.unsigned_abs() <= EXACT => {
            let value = money.minor as f64 / 10f64.powi(money.currency.exponent() as i32);
            page.write_number_with_format(row, column, value, formats.money(money.currency))?;
        }
        Cell::Money(money) => {
            page.write_string(row, column, money.amount())?;
        }
        Cell::Time(at) => match serial(sheet, *at) {
            Some(serial) => {
                page.write_number_with_format(row, column, serial, &formats.time)?;
            }
            None => {
                page.write_string(row, column, local(sheet, *at))?;
            }
        },
    }
    Ok(())
}

/// Days since 1899-12-30 in the sheet's zone; `None` before March 1900, where spreadsheets count a day that never was.
fn serial(sheet: &Sheet, at: Timestamp) -> Option<f64> {
    let offset = i64::from(sheet.zone.to_offset(words::instant(at)).seconds());
    let days = (at.seconds() + offset) as f64 / 86_400.0 + 25_569.0;
    (61.0..2_958_466.0).contains(&days).then_some(days)
}

fn local(sheet: &Sheet, at: Timestamp) -> String {
    sheet.zone.to_datetime(words::instant(at)).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A name that Excel accepts: at most 31 characters, none of `[]:*?/\`, no apostrophe at either end, never empty.
fn worksheet_name(name: &str, part: usize) -> String {
    let tail = if part > 1 { format!(" ({part})") } else { String::new() };
    let clean: String = name.chars().map(|c| if "[]:*?/\\".contains(c) || c.is_control() { ' ' } else { c }).collect();
    let mut kept: Vec<char> = clean.trim().trim_matches('\'').chars().collect();
    // Excel counts UTF-16 units.
    while kept.iter().map(|c| c.len_utf16()).sum::<usize>() + tail.len() > 31 {
        kept.pop();
    }
    let kept: String = kept.into_iter().collect();
    let kept = kept.trim().trim_matches('\'');
    format!("{}{tail}", if kept.is_empty() { "Sheet" } else { kept })
}

/// A text that a cell holds; one that is longer ends with how many characters are missing.
fn shortened(text: &str) -> Cow<'_, str> {
    let length = text.chars().count();
    if length <= CELL_CHARACTERS {
        return Cow::Borrowed(text);
    }
    let kept = CELL_CHARACTERS - 24;
    let head: String = text.chars().take(kept).collect();
    Cow::Owned(format!("{head}…(+{})", length - kept))
}

/// A sheet as CSV: UTF-8 with BOM, RFC 4180, without anything that a spreadsheet would run.
pub fn render_csv(sheet: &Sheet, rows: impl IntoIterator<Item = Vec<Cell>>) -> Vec<u8> {
    let mut file = "\u{feff}".as_bytes().to_vec();
    write_csv_line(&mut file, sheet.columns.iter().map(|column| inert(&column.title)));
    for cells in rows {
        write_csv_line(&mut file, cells.iter().map(|cell| csv_text(sheet, cell)));
    }
    file
}

fn csv_text<'a>(sheet: &Sheet, cell: &'a Cell) -> Cow<'a, str> {
    match cell {
        Cell::Empty => Cow::Borrowed(""),
        Cell::Text(text) => inert(text),
        Cell::Integer(number) => Cow::Owned(number.to_string()),
        Cell::Money(money) => Cow::Owned(money.amount()),
        Cell::Time(at) => Cow::Owned(local(sheet, *at)),
    }
}

/// A text that no spreadsheet takes for a formula: what begins with `= + - @`, their full-width forms, a tab or a line
/// break gets an apostrophe in front. A plain number, signed or not, is left as it is.
fn inert(text: &str) -> Cow<'_, str> {
    let start = text.trim_start_matches([' ', '\u{a0}', '\u{3000}', '\u{feff}']);
    let dangerous = start.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', '|']);
    if dangerous && !is_plain_number(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}

fn write_csv_line<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = Cow<'a, str>>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if cell.contains([',', '"', '\r', '\n', '\t']) || cell.starts_with(' ') || cell.ends_with(' ') {
            out.push(b'"');
            out.extend(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend(cell.as_bytes());
        }
    }
    out.extend(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wharf_domain::money::CNY;

    #[test]
    fn a_name_becomes_one_that_excel_accepts() {
        assert_eq!(worksheet_name("订单", 1), "订单");
        assert_eq!(worksheet_name("a/b:c", 2), "a b c (2)");
        assert_eq!(worksheet_name("'", 1), "Sheet");
        assert_eq!(worksheet_name(&"长".repeat(40), 12).chars().count(), 31);
    }

    #[test]
    fn formulas_are_made_inert_and_numbers_are_not_touched() {
        for (text, safe) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
            ("\t=1", "'\t=1"),
            ("  =1", "'  =1"),
            ("＝1", "'＝1"),
            ("+86 138 1234 5678", "'+86 138 1234 5678"),
            ("-12.50", "-12.50"),
            ("+8613812345678", "+8613812345678"),
            ("138-1234", "138-1234"),
            ("张三", "张三"),
        ] {
            assert_eq!(inert(text), safe);
        }
    }

    #[test]
    fn a_long_text_says_how_much_is_missing() {
        let text = "长".repeat(40_000);
        let short = shortened(&text);
        assert!(short.chars().count() <= CELL_CHARACTERS);
        let missing: usize = short.rsplit_once("(+").expect("marked").1.trim_end_matches(')').parse().expect("a number");
        assert_eq!(short.chars().filter(|c| *c == '长').count() + missing, 40_000);
    }

    #[test]
    fn times_are_the_days_that_spreadsheets_count() {
        let sheet = Sheet { name: String::new(), columns: Vec::new(), zone: jiff::tz::TimeZone::fixed(jiff::tz::offset(8)) };
        assert_eq!(serial(&sheet, Timestamp::from_seconds(0)), Some(25_569.0 + 8.0 / 24.0));
        assert_eq!(local(&sheet, Timestamp::from_seconds(0)), "1970-01-01 08:00:00");
        assert_eq!(serial(&sheet, Timestamp(i64::MIN)), None);
        assert!(!local(&sheet, Timestamp(i64::MAX)).is_empty());
    }

    #[test]
    fn csv_has_a_bom_and_quotes_what_needs_it() {
        let kinds = [("编号", ColumnKind::Text), ("金额", ColumnKind::Money)];
        let columns = kinds.map(|(title, kind)| Column { title: title.to_owned(), kind }).to_vec();
        let sheet = Sheet { name: "x".to_owned(), columns, zone: jiff::tz::TimeZone::UTC };
        let rows = [vec![Cell::Text("a,\"b\"\r\nc".to_owned()), Cell::Money(Money::new(-5, CNY))], vec![Cell::Empty, Cell::Integer(-7)]];
        let csv = String::from_utf8(render_csv(&sheet, rows)).expect("UTF-8");
        assert_eq!(csv, "\u{feff}编号,金额\r\n\"a,\"\"b\"\"\r\nc\",-0.05\r\n,-7\r\n");
    }

    proptest! {
        #[test]
        fn no_cell_of_a_csv_begins_like_a_formula(text in "[=+@|\\-\\t ＝0-9.a(]{0,12}") {
            let safe = inert(&text);
            let start = safe.trim_start();
            prop_assert!(is_plain_number(&safe) || !start.starts_with(['=', '+', '-', '@', '\t', '＝', '|']));
            prop_assert!(safe == text || safe.strip_prefix('\'') == Some(text.as_str()));
        }
    }
}

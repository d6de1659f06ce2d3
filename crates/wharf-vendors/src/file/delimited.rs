//! Rows of comma-, tab-, semicolon- or pipe-separated text, read as a stream. Files of real tools break every rule, so
//! a quote that nobody closes, a stray quote inside a cell, and `="…"` cells are all read without losing what follows.

use super::encoding::{Charset, Decoded};
use super::error::FileError;
use wharf_connect::files::Input;
use std::collections::VecDeque;

/// The longest cell; a quote still open after that many bytes was never meant to open.
pub(crate) const MAX_CELL: usize = 16 << 20;
/// The most cells of one row.
pub(crate) const MAX_CELLS: usize = 16_384;
/// After this many quotes that never close, quotes mean nothing in this file.
const MAX_RECOVERIES: u32 = 3;

/// How the cells of a file are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    /// False: a quote is a character like any other (most tab-separated reports).
    pub(crate) quotes: bool,
}

/// One row as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RawRow {
    /// The line it starts on (text) or the row of the sheet, from 1.
    pub(crate) number: u64,
    /// Its cells, verbatim.
    pub(crate) cells: Vec<String>,
    /// True when the file ended without a line end inside this row.
    pub(crate) unterminated: bool,
    /// Columns whose cell is merged with the one above it.
    pub(crate) merged: Vec<usize>,
}

/// What reading with quotes met that well-formed quoting does not contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Oddities {
    /// Quotes that were opened and never closed.
    pub(crate) unclosed: u32,
    /// Quotes inside a quoted cell that are followed by more text.
    pub(crate) stray: u32,
    /// Quoted cells that hold both a line break and the delimiter.
    pub(crate) swallowing: u32,
}

/// The rows of a text file.
pub(crate) struct Rows {
    source: Decoded,
    block: Vec<u8>,
    at: usize,
    /// Text to read again, after a quote turned out to be no quote.
    again: VecDeque<u8>,
    line: u64,
    dialect: Dialect,
    pub(crate) oddities: Oddities,
    /// Set for the cell whose opening quote is literal.
    literal: bool,
}

impl Rows {
    pub(crate) fn open(input: &Input, charset: Charset, dialect: Dialect) -> Result<Self, FileError> {
        Ok(Rows {
            source: Decoded::open(input, charset)?,
            block: Vec::new(),
            at: 0,
            again: VecDeque::new(),
            line: 1,
            dialect,
            oddities: Oddities::default(),
            literal: false,
        })
    }

    fn next_byte(&mut self) -> Result<Option<u8>, FileError> {
        if let Some(byte) = self.again.pop_front() {
            return Ok(Some(byte));
        }
        while self.at >= self.block.len() {
            match self.source.next_block()? {
                None => return Ok(None),
                Some(text) => {
                    self.block = text.into_bytes();
                    self.at = 0;
                }
            }
        }
        let byte = self.block[self.at];
        self.at += 1;
        Ok(Some(byte))
    }

    fn unread(&mut self, byte: Option<u8>) {
        if let Some(byte) = byte {
            self.again.push_front(byte);
        }
    }

    /// The next row, blank ones included, `None` at the end.
    pub(crate) fn next_row(&mut self) -> Result<Option<RawRow>, FileError> {
        let mut row = RawRow { number: self.line, ..RawRow::default() };
        let mut cell: Vec<u8> = Vec::new();
        let mut fresh = true;
        let mut any = false;
        loop {
            let Some(byte) = self.next_byte()? else {
                if !any {
                    return Ok(None);
                }
                row.cells.push(text(cell));
                row.unterminated = true;
                return Ok(Some(row));
            };
            any = true;
            match byte {
                b'"' if fresh && self.opens() => {
                    fresh = false;
                    self.quoted(&mut cell, "\"")?;
                }
                // `="3515…"`: a formula that stands for a text. It may hold the delimiter.
                b'=' if fresh && self.opens() => {
                    fresh = false;
                    let next = self.next_byte()?;
                    if next == Some(b'"') {
                        cell.push(b'=');
                        let mut inner = Vec::new();
                        if self.quoted(&mut inner, "=\"")? {
                            cell.push(b'"');
                            cell.extend_from_slice(&inner);
                            cell.push(b'"');
                        } else {
                            cell.clear();
                        }
                    } else {
                        self.unread(next);
                        cell.push(b'=');
                    }
                }
                b if b == self.dialect.delimiter => {
                    if row.cells.len() < MAX_CELLS {
                        row.cells.push(text(std::mem::take(&mut cell)));
                    } else {
                        cell.push(b);
                    }
                    fresh = true;
                    self.literal = false;
                }
                b'\r' | b'\n' => {
                    if byte == b'\r' {
                        let next = self.next_byte()?;
                        if next != Some(b'\n') {
                            self.unread(next);
                        }
                    }
                    self.line += 1;
                    self.literal = false;
                    row.cells.push(text(cell));
                    return Ok(Some(row));
                }
                other => {
                    fresh = false;
                    cell.push(other);
                }
            }
        }
    }

    fn opens(&self) -> bool {
        self.dialect.quotes && !self.literal && self.oddities.unclosed < MAX_RECOVERIES
    }

    /// Reads up to the closing quote. False when none comes: everything read since, with `opening` before it, is then
    /// put back to be read literally.
    fn quoted(&mut self, cell: &mut Vec<u8>, opening: &str) -> Result<bool, FileError> {
        let start_line = self.line;
        let mut raw: Vec<u8> = Vec::new();
        let (mut breaks, mut delimiters, mut stray) = (false, false, 0);
        loop {
            let Some(byte) = self.next_byte()? else {
                return Ok(self.give_up(raw, cell, opening, start_line));
            };
            raw.push(byte);
            if raw.len() > MAX_CELL {
                return Ok(self.give_up(raw, cell, opening, start_line));
            }
            if byte != b'"' {
                if byte == b'\n' {
                    self.line += 1;
                }
                breaks |= byte == b'\n';
                delimiters |= byte == self.dialect.delimiter;
                cell.push(byte);
                continue;
            }
            let next = self.next_byte()?;
            match next {
                Some(b'"') => {
                    raw.push(b'"');
                    cell.push(b'"');
                }
                None => {}
                Some(b) if b == self.dialect.delimiter || b == b'\r' || b == b'\n' => self.unread(next),
                Some(b' ') => {
                    // `"abc" ,` closes; `"15" wide"` does not.
                    let mut blanks = 1;
                    let mut after = self.next_byte()?;
                    while after == Some(b' ') && blanks < 256 {
                        blanks += 1;
                        after = self.next_byte()?;
                    }
                    let closes = after.is_none_or(|b| b == self.dialect.delimiter || b == b'\r' || b == b'\n');
                    self.unread(after);
                    if !closes {
                        for _ in 0..blanks {
                            self.again.push_front(b' ');
                        }
                        cell.push(b'"');
                        stray += 1;
                        continue;
                    }
                }
                Some(_) => {
                    self.unread(next);
                    cell.push(b'"');
                    stray += 1;
                    continue;
                }
            }
            if next == Some(b'"') {
                continue;
            }
            self.oddities.stray += stray;
            self.oddities.swallowing += u32::from(breaks && delimiters);
            return Ok(true);
        }
    }

    fn give_up(&mut self, raw: Vec<u8>, cell: &mut Vec<u8>, opening: &str, start_line: u64) -> bool {
        for byte in raw.into_iter().rev() {
            self.again.push_front(byte);
        }
        self.line = start_line;
        self.oddities.unclosed += 1;
        cell.clear();
        // The caller's cell starts with the literal opening; for `="` the caller drops its own part first.
        for byte in opening.bytes().rev() {
            self.again.push_front(byte);
        }
        self.literal = true;
        false
    }
}

fn text(bytes: Vec<u8>) -> String {
    // Blocks are UTF-8 and are cut at ASCII bytes only; should that ever fail, nothing is dropped.
    let text = String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
    // NUL is no text to anybody; it stays visible as what it is, a character that was lost before us.
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// How the file's cells are told apart, from its first rows: the delimiter that gives the steadiest wide table.
pub(crate) fn detect_dialect(input: &Input, charset: Charset, known: &dyn Fn(&[String]) -> bool) -> Result<Dialect, FileError> {
    let mut best = (i64::MIN, Dialect { delimiter: b',', quotes: true });
    for delimiter in [b'\t', b',', b';', b'|'] {
        let dialect = Dialect { delimiter, quotes: true };
        let mut rows = Rows::open(input, charset, dialect)?;
        let mut widths: Vec<usize> = Vec::new();
        let mut recognised = false;
        let mut bytes = 0usize;
        while let Some(row) = rows.next_row()? {
            bytes += row.cells.iter().map(String::len).sum::<usize>();
            recognised |= known(&row.cells);
            if row.cells.iter().any(|c| !c.trim().is_empty()) {
                widths.push(row.cells.len());
            }
            if widths.len() >= 60 || bytes > (1 << 20) {
                break;
            }
        }
        let mode = mode(&widths);
        let steady = widths.iter().filter(|w| **w == mode).count();
        let score = if mode < 2 {
            0
        } else {
            (steady * 1000 / widths.len().max(1)) as i64 * (mode.min(60) as i64) / 4
        } + if recognised { 1_000_000 } else { 0 };
        if score > best.0 {
            best = (score, dialect);
        }
    }
    let mut dialect = best.1;
    if dialect.delimiter == b'\t' {
        dialect.quotes = tabs_are_quoted(input, charset)?;
    }
    Ok(dialect)
}

/// Reports of marketplaces do not quote, spreadsheet programs do. One stray quote in the whole file decides. A quoted cell
/// that holds tabs and line breaks may as well be two names that begin and end with a quote: quoted it is only where that
/// makes every row as wide as the others, and taking quotes as characters does not.
fn tabs_are_quoted(input: &Input, charset: Charset) -> Result<bool, FileError> {
    let mut quoted = Rows::open(input, charset, Dialect { delimiter: b'\t', quotes: true })?;
    let mut steady = Steady::default();
    while let Some(row) = quoted.next_row()? {
        if quoted.oddities.unclosed > 0 || quoted.oddities.stray > 0 {
            return Ok(false);
        }
        steady.see(&row);
    }
    if quoted.oddities.swallowing == 0 {
        return Ok(true);
    }
    let mut plain = Rows::open(input, charset, Dialect { delimiter: b'\t', quotes: false })?;
    let mut plainly = Steady::default();
    while let Some(row) = plain.next_row()? {
        plainly.see(&row);
    }
    Ok(steady.holds() && !plainly.holds())
}

/// Whether all rows that hold anything are equally wide.
#[derive(Default)]
struct Steady {
    width: Option<usize>,
    broken: bool,
}

impl Steady {
    fn see(&mut self, row: &RawRow) {
        if row.cells.iter().all(|cell| cell.trim().is_empty()) {
            return;
        }
        self.broken |= self.width.is_some_and(|width| width != row.cells.len());
        self.width = Some(row.cells.len());
    }

    fn holds(&self) -> bool {
        !self.broken
    }
}

pub(crate) fn mode(widths: &[usize]) -> usize {
    let mut counts = std::collections::BTreeMap::new();
    for width in widths {
        *counts.entry(*width).or_insert(0usize) += 1;
    }
    counts.into_iter().max_by_key(|(width, n)| (*n, *width)).map_or(0, |(width, _)| width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(text: &str, delimiter: u8, quotes: bool) -> Vec<Vec<String>> {
        let input = Input::new("f", text.as_bytes().to_vec());
        let mut rows = Rows::open(&input, Charset(encoding_rs::UTF_8), Dialect { delimiter, quotes }).expect("opens");
        let mut out = Vec::new();
        while let Some(row) = rows.next_row().expect("reads") {
            out.push(row.cells);
        }
        out
    }

    #[test]
    fn quotes_line_breaks_and_formulas() {
        assert_eq!(rows("a,\"b\nc\",\"d\"\"e\"\r\n1,2,3", b',', true), vec![vec!["a", "b\nc", "d\"e"], vec!["1", "2", "3"]]);
        assert_eq!(rows("=\"35,15\",x\n\"=\"\"3515\"\"\",y\n", b',', true), vec![vec!["=\"35,15\"", "x"], vec!["=\"3515\"", "y"]]);
        assert_eq!(rows("\"15\" laptop\",x\n\"a\" ,b\n", b',', true), vec![vec!["15\" laptop", "x"], vec!["a", "b"]]);
        assert_eq!(rows("=SUM(1),x\r=1", b',', true), vec![vec!["=SUM(1)", "x"], vec!["=1"]]);
    }

    #[test]
    fn a_quote_that_never_closes_swallows_nothing() {
        assert_eq!(rows("a,\"b,c\n1,2,3\n4,5,6\n", b',', true), vec![vec!["a", "\"b", "c"], vec!["1", "2", "3"], vec!["4", "5", "6"]]);
        assert_eq!(rows("a,=\"b,c\n1,2,3\n", b',', true), vec![vec!["a", "=\"b", "c"], vec!["1", "2", "3"]]);
        let many = "\"x\n".repeat(50);
        assert_eq!(rows(&many, b',', true).len(), 50);
    }

    #[test]
    fn tabs_without_quoting_keep_inch_signs() {
        let text = "order-id\tproduct-name\n1\t\"Cute\" mug\n2\t15\" screen\n";
        let input = Input::new("f", text.as_bytes().to_vec());
        let dialect = detect_dialect(&input, Charset(encoding_rs::UTF_8), &|_| false).expect("detects");
        assert_eq!(dialect, Dialect { delimiter: b'\t', quotes: false });
        assert_eq!(rows(text, b'\t', false)[1][1], "\"Cute\" mug");
        let text = "a\tb\n\"x\ny\"\t2\n";
        let dialect = detect_dialect(&Input::new("f", text.into()), Charset(encoding_rs::UTF_8), &|_| false).expect("detects");
        assert!(dialect.quotes);
        // A cell that a spreadsheet program quoted because a tab and a line break stand in it.
        let text = "a\tb\tc\n1\t\"x\ty\nz\"\t2\n3\t4\t5\n";
        let dialect = detect_dialect(&Input::new("f", text.into()), Charset(encoding_rs::UTF_8), &|_| false).expect("detects");
        assert!(dialect.quotes);
        // Two product names that begin and end with a quote must not swallow the rows between.
        let text = "id\tname\tn\n1\t\"big\t1\n2\tplain\t1\n3\tsmall\"\t1\n";
        let dialect = detect_dialect(&Input::new("f", text.into()), Charset(encoding_rs::UTF_8), &|_| false).expect("detects");
        assert!(!dialect.quotes);
    }

    #[test]
    fn a_cell_of_ten_megabytes_is_a_cell() {
        let big = "x".repeat(10 << 20);
        let out = rows(&format!("a,\"{big}\",c\n1,2,3\n"), b',', true);
        assert_eq!(out[0][1].len(), 10 << 20);
        assert_eq!(out[1], vec!["1", "2", "3"]);
    }

    proptest! {
        #[test]
        fn well_quoted_cells_come_back(table in proptest::collection::vec(proptest::collection::vec("[a-z0-9 ,\"\n=\t张]{0,8}", 2..5), 1..8)) {
            let mut text = String::new();
            for row in &table {
                let cells: Vec<String> = row.iter().map(|c| format!("\"{}\"", c.replace('"', "\"\""))).collect();
                text.push_str(&cells.join(","));
                text.push('\n');
            }
            prop_assert_eq!(rows(&text, b',', true), table);
        }

        #[test]
        fn no_text_is_ever_dropped_without_quoting(text in "[a-z,\n\"=\t]{0,200}") {
            let back: Vec<String> = rows(&text, b',', false).into_iter().map(|r| r.join(",")).collect();
            prop_assert_eq!(back.join("\n").trim_end_matches('\n').to_owned(), text.trim_end_matches('\n').to_owned());
        }
    }
}

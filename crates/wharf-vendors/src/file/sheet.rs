//! Workbooks: XLSX, XLSM and XLS. Sizes are proven before anything is allocated by what a cell claims to be: a small
//! hostile file may unpack to gigabytes or put one cell in the last corner of the sheet.

use super::delimited::{MAX_CELLS, RawRow};
use super::error::FileError;
use super::input::{Kind, read_workbook};
use wharf_connect::files::Input;
use calamine::{Data, DataRef, Reader, SheetType, Xls, Xlsx};
use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The most that the parts of an XLSX may unpack to, together.
const MAX_PARTS: u64 = 1 << 30;
/// The most rows of a sheet.
const MAX_ROWS: u32 = 1_048_576;
/// The most cells, filled or not, that an old workbook may span.
const MAX_SPAN: u64 = 8_000_000;

/// All sheets with their names; rows are read sheet by sheet.
pub(crate) struct Workbook {
    bytes: Vec<u8>,
    kind: Kind,
    /// Names of the sheets that hold cells and are not charts or macros.
    pub(crate) sheets: Vec<String>,
}

fn foreign<T>(work: impl FnOnce() -> Result<T, FileError>) -> Result<T, FileError> {
    // The reader of workbooks is foreign code over hostile input: should it panic, that is the file's error.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(FileError::Workbook("it is damaged".to_owned())))
}

/// The header of a compound file counts its sectors; one that counts more than the file has would make the reader ask for
/// hundreds of gigabytes.
fn check_header(bytes: &[u8]) -> Result<(), FileError> {
    const SMALLEST_SECTOR: usize = 512;
    let most = bytes.len() / SMALLEST_SECTOR + 1;
    for at in [40, 44, 64, 72] {
        let count = bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
        if count as usize > most {
            return Err(FileError::Workbook("its header counts more sectors than it has".to_owned()));
        }
    }
    Ok(())
}

impl Workbook {
    pub(crate) fn open(input: &Input, kind: Kind) -> Result<Self, FileError> {
        let bytes = read_workbook(input)?;
        let sheets = foreign(|| match kind {
            Kind::Zip => {
                check_parts(&bytes)?;
                let book: Xlsx<_> = Xlsx::new(Cursor::new(&bytes[..])).map_err(|e| FileError::Workbook(e.to_string()))?;
                Ok(names(book.sheets_metadata()))
            }
            Kind::Compound | Kind::Text => {
                check_header(&bytes)?;
                check_records(&bytes)?;
                let book: Xls<_> = Xls::new(Cursor::new(&bytes[..])).map_err(|e| FileError::Workbook(e.to_string()))?;
                Ok(names(book.sheets_metadata()))
            }
        })?;
        Ok(Workbook { bytes, kind, sheets })
    }

    /// The first rows of one sheet, as far as `each` wants them. What is merged is not told: that stands at a sheet's end.
    pub(crate) fn head(&self, sheet: &str, each: &mut dyn FnMut(RawRow) -> bool) -> Result<(), FileError> {
        foreign(|| match self.kind {
            Kind::Zip => self.modern(sheet, false, each),
            Kind::Compound | Kind::Text => self.old(sheet, each),
        })
    }

    /// The rows of one sheet, handed over one by one; `false` stops.
    pub(crate) fn rows(&self, sheet: &str, each: &mut dyn FnMut(RawRow) -> bool) -> Result<(), FileError> {
        foreign(|| match self.kind {
            Kind::Zip => self.modern(sheet, true, each),
            Kind::Compound | Kind::Text => self.old(sheet, each),
        })
    }

    fn modern(&self, sheet: &str, merges: bool, each: &mut dyn FnMut(RawRow) -> bool) -> Result<(), FileError> {
        let bad = |e: calamine::XlsxError| FileError::Workbook(e.to_string());
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(&self.bytes[..])).map_err(bad)?;
        let merged = if merges { merged_below(&mut book, sheet)? } else { HashMap::new() };
        let mut cells = book.worksheet_cells_reader(sheet).map_err(bad)?;
        let mut row = RawRow::default();
        while let Some(cell) = cells.next_cell().map_err(bad)? {
            let (r, c) = cell.get_position();
            if r >= MAX_ROWS || c as usize >= MAX_CELLS {
                return Err(FileError::TooLarge(format!("a cell claims row {} and column {}", r + 1, c + 1)));
            }
            let number = u64::from(r) + 1;
            if row.number != number {
                if row.number > number {
                    return Err(FileError::Workbook(format!("row {number} stands after row {}", row.number)));
                }
                if row.number > 0 && !each(std::mem::take(&mut row)) {
                    return Ok(());
                }
                row.number = number;
                row.merged = merged.get(&r).cloned().unwrap_or_default();
            }
            let text = match cell.get_value() {
                DataRef::SharedString(text) => (*text).to_owned(),
                other => show(&Data::from(other.clone())),
            };
            put(&mut row.cells, c as usize, text);
        }
        if row.number > 0 {
            each(row);
        }
        Ok(())
    }

    fn old(&self, sheet: &str, each: &mut dyn FnMut(RawRow) -> bool) -> Result<(), FileError> {
        let bad = |e: calamine::XlsError| FileError::Workbook(e.to_string());
        let mut book: Xls<_> = Xls::new(Cursor::new(&self.bytes[..])).map_err(bad)?;
        let range = book.worksheet_range(sheet).map_err(bad)?;
        let (top, left) = range.start().unwrap_or((0, 0));
        for (index, cells) in range.rows().enumerate() {
            let mut row = RawRow { number: u64::from(top) + index as u64 + 1, cells: vec![String::new(); left as usize], ..RawRow::default() };
            row.cells.extend(cells.iter().map(show));
            while row.cells.last().is_some_and(String::is_empty) {
                row.cells.pop();
            }
            if !each(row) {
                break;
            }
        }
        Ok(())
    }
}

/// The most merged areas that a sheet may name.
const MAX_MERGED: usize = 1 << 18;

/// Columns, by row, whose cell is merged with the one above.
fn merged_below(book: &mut Xlsx<Cursor<&[u8]>>, sheet: &str) -> Result<HashMap<u32, Vec<usize>>, FileError> {
    let areas = book.merge_cells_by_sheet_name(sheet).map_err(|e| FileError::Workbook(e.to_string()))?;
    let mut below: HashMap<u32, Vec<usize>> = HashMap::new();
    let mut known = 0;
    for area in areas.iter().filter(|area| area.start.0 < area.end.0 && area.start.1 == area.end.1) {
        known += (area.end.0 - area.start.0) as usize;
        if known > MAX_MERGED {
            return Err(FileError::TooLarge(format!("more than {MAX_MERGED} of its cells are merged")));
        }
        for row in area.start.0 + 1..=area.end.0 {
            below.entry(row).or_default().push(area.start.1 as usize);
        }
    }
    Ok(below)
}

fn names(sheets: &[calamine::Sheet]) -> Vec<String> {
    sheets.iter().filter(|s| s.typ == SheetType::WorkSheet).map(|s| s.name.clone()).collect()
}

fn put(cells: &mut Vec<String>, at: usize, text: String) {
    if cells.len() <= at {
        cells.resize(at + 1, String::new());
    }
    cells[at] = text;
}

/// A cell as a person would type it: dates as ISO, whole numbers without a point, sums without the dust of binary.
fn show(data: &Data) -> String {
    match data {
        Data::Int(n) => n.to_string(),
        Data::Float(f) => number(*f),
        Data::String(s) => s.clone(),
        Data::Bool(b) => if *b { "TRUE" } else { "FALSE" }.to_owned(),
        Data::DateTime(when) => {
            if when.is_duration() {
                return number(when.as_f64());
            }
            let (y, mo, d, h, mi, s, ms) = when.to_ymd_hms_milli();
            if ms > 0 {
                format!("{y:04}-{mo:02}-{d:02} {h:02}:{mi:02}:{s:02}.{ms:03}")
            } else {
                format!("{y:04}-{mo:02}-{d:02} {h:02}:{mi:02}:{s:02}")
            }
        }
        Data::DateTimeIso(s) | Data::DurationIso(s) => s.clone(),
        Data::Error(e) => format!("{e}"),
        _ => String::new(),
    }
}

/// Digits that a spreadsheet cannot hold exactly stay in the form that shows it (`3.51512E17`), so that no reader takes
/// a rounded order number for a real one.
fn number(f: f64) -> String {
    if !f.is_finite() {
        return String::new();
    }
    if f.fract() == 0.0 {
        return if f.abs() < 1e15 { format!("{f:.0}") } else { format!("{f:E}") };
    }
    let text = format!("{f:.9}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Unpacks every part once, counting: the sizes that a ZIP claims are its own word.
fn check_parts(bytes: &[u8]) -> Result<(), FileError> {
    let bad = |e: zip::result::ZipError| FileError::Workbook(e.to_string());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(bad)?;
    let mut workbook = false;
    let mut left = MAX_PARTS;
    if archive.len() > 10_000 {
        return Err(FileError::TooLarge(format!("the container holds {} parts", archive.len())));
    }
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(bad)?;
        workbook |= part.name().is_ok_and(|n| n.eq_ignore_ascii_case("xl/workbook.xml"));
        let unpacked = std::io::copy(&mut part.take(left + 1), &mut std::io::sink()).map_err(|e| FileError::Workbook(e.to_string()))?;
        left = left.checked_sub(unpacked).ok_or_else(|| {
            FileError::TooLarge(format!("{} KiB unpack to more than {} MiB", bytes.len() >> 10, MAX_PARTS >> 20))
        })?;
    }
    if !workbook {
        return Err(FileError::NotATable("a ZIP archive: unpack it and hand in the tables in it".to_owned()));
    }
    Ok(())
}

/// Cells that an old sheet may claim to span: what its reader makes room for.
const MOST_CLAIMED: u64 = 1 << 24;

/// Old workbooks are read whole into a rectangle: measure it from the cell records first.
fn check_records(bytes: &[u8]) -> Result<(), FileError> {
    // Compound files keep their directory entries as UTF-16 names.
    let holds = |name: &str| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        bytes.windows(wide.len()).any(|w| w == wide)
    };
    if holds("EncryptedPackage") {
        return Err(FileError::Workbook("it is protected by a password: save it without one".to_owned()));
    }
    if !holds("Workbook") && !holds("Book") {
        return Err(FileError::NotATable("a compound document without a workbook in it".to_owned()));
    }
    let stream = compound_stream(bytes);
    if stream.is_empty() {
        return Err(FileError::Workbook("it is damaged".to_owned()));
    }
    let mut at = 0usize;
    let (mut first, mut last, mut wide) = (u32::MAX, 0u32, 0u32);
    let mut spans = 0u64;
    while let Some(head) = stream.get(at..at + 4) {
        let kind = u16::from_le_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let body = stream.get(at + 4..at + 4 + length).unwrap_or_default();
        match kind {
            // A sheet begins: measure the one before it.
            0x0809 => {
                spans += span(first, last, wide);
                (first, last, wide) = (u32::MAX, 0, 0);
            }
            // DIMENSIONS: what the sheet claims to be; its reader makes room for all of it at once.
            0x0200 => {
                let long = |i: usize| body.get(i..i + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
                let short = |i: usize| body.get(i..i + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes);
                let (rows, columns) = if body.len() >= 14 {
                    (long(4).wrapping_sub(long(0)), u32::from(short(10).wrapping_sub(short(8))))
                } else {
                    (u32::from(short(2).wrapping_sub(short(0))), u32::from(short(6).wrapping_sub(short(4))))
                };
                if (u64::from(rows) + 1) * (u64::from(columns) + 1) > MOST_CLAIMED {
                    return Err(FileError::TooLarge(format!("a sheet claims {rows} rows and {columns} columns")));
                }
            }
            // NUMBER, LABEL, LABELSST, RK, MULRK, BOOLERR, FORMULA, RSTRING: row and column come first.
            0x0203 | 0x0204 | 0x00fd | 0x027e | 0x00bd | 0x0205 | 0x0006 | 0x00d6 if body.len() >= 4 => {
                let row = u32::from(u16::from_le_bytes([body[0], body[1]]));
                let column = u32::from(u16::from_le_bytes([body[2], body[3]]));
                first = first.min(row);
                last = last.max(row);
                wide = wide.max(column + 1);
            }
            _ => {}
        }
        at += 4 + length;
    }
    spans += span(first, last, wide);
    if spans > MAX_SPAN {
        return Err(FileError::TooLarge(format!("its sheets span {spans} cells; save the table as XLSX or CSV")));
    }
    Ok(())
}

fn span(first: u32, last: u32, wide: u32) -> u64 {
    if first > last { 0 } else { u64::from(last - first + 1) * u64::from(wide) }
}

/// The stream `Workbook` (or `Book`) of a compound file, as far as its chains lead; empty when they lead nowhere.
fn compound_stream(bytes: &[u8]) -> Vec<u8> {
    let u16_at = |at: usize| bytes.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]));
    let u32_at = |at: usize| bytes.get(at..at + 4).map_or(u32::MAX, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let shift = u16_at(30);
    if !(7..=16).contains(&shift) {
        return Vec::new();
    }
    let size = 1usize << shift;
    let sector = |id: u32| {
        let start = (id as usize).checked_add(1).and_then(|n| n.checked_mul(size))?;
        bytes.get(start..(start + size).min(bytes.len()))
    };
    let mut table: Vec<u32> = Vec::new();
    let limit = bytes.len() / size + 2;
    let mut fats: Vec<u32> = (0..109).map(|i| u32_at(76 + i * 4)).filter(|id| *id < 0xffff_fffa).collect();
    let mut more = u32_at(68);
    let mut steps = 0;
    while more < 0xffff_fffa && steps < limit {
        let Some(block) = sector(more) else { break };
        let ids: Vec<u32> = block.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        if let Some((next, ids)) = ids.split_last() {
            fats.extend(ids.iter().copied().filter(|id| *id < 0xffff_fffa));
            more = *next;
        } else {
            break;
        }
        steps += 1;
    }
    for id in fats.into_iter().take(limit) {
        if let Some(block) = sector(id) {
            table.extend(block.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])));
        }
    }
    let chain = |start: u32| {
        let mut out = Vec::new();
        let (mut id, mut steps) = (start, 0);
        while id < 0xffff_fffa && steps < limit {
            let Some(block) = sector(id) else { break };
            out.extend_from_slice(block);
            id = table.get(id as usize).copied().unwrap_or(u32::MAX);
            steps += 1;
        }
        out
    };
    for entry in chain(u32_at(48)).chunks_exact(128) {
        let length = usize::from(u16::from_le_bytes([entry[64], entry[65]])).saturating_sub(2).min(64);
        let name: Vec<u16> = entry[..length].chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
        let name = String::from_utf16_lossy(&name);
        if name == "Workbook" || name == "Book" {
            let start = u32::from_le_bytes([entry[116], entry[117], entry[118], entry[119]]);
            let length = u32::from_le_bytes([entry[120], entry[121], entry[122], entry[123]]);
            // Shorter streams live elsewhere in the file; no program writes a workbook that short.
            return if length < 4096 { Vec::new() } else { chain(start) };
        }
    }
    Vec::new()
}

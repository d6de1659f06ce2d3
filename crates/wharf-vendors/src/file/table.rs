//! One file as a table: its encoding, its separators or its sheet, the line that is its header, and its rows as a
//! stream that starts behind it. Blank rows and repeated header lines are no rows.

use super::delimited::{Dialect, MAX_CELLS, RawRow, Rows, detect_dialect, mode};
use super::encoding::{self, Charset};
use super::error::FileError;
use super::header::{Header, normal};
use super::input::{Kind, sniff};
use wharf_connect::files::Input;
use super::layouts::{self, Layout};
use super::mapping::Mapping;
use super::sheet::Workbook;

/// How many lines may stand before the header.
const HEADER_WITHIN: usize = 40;

/// Where the rows are.
enum Source {
    Text { charset: Charset, dialect: Dialect },
    Sheet { name: String },
}

/// A file whose header is found.
pub(crate) struct Table {
    pub(crate) input: Input,
    source: Source,
    kind: Kind,
    /// The row that holds the header, from 1.
    pub(crate) header_at: u64,
    pub(crate) header: Header,
    /// Told by its columns.
    pub(crate) layout: Option<&'static Layout>,
}

impl Table {
    /// Finds out what the file is. With a mapping, the header is the line that has the mapping's columns.
    pub(crate) fn open(input: &Input, mapping: Option<&Mapping>) -> Result<Table, FileError> {
        let kind = sniff(input)?;
        match kind {
            Kind::Text => {
                let charset = encoding::detect(input)?;
                let known = |cells: &[String]| known(&Header::new(cells), mapping);
                let dialect = detect_dialect(input, charset, &known)?;
                let mut rows = Rows::open(input, charset, dialect)?;
                let mut head = Vec::new();
                while let Some(row) = rows.next_row()? {
                    if !blank(&row) {
                        head.push(row);
                    }
                    if head.len() >= HEADER_WITHIN {
                        break;
                    }
                }
                let found = find_header(&head, mapping)?;
                Ok(Table::with(input, Source::Text { charset, dialect }, kind, found))
            }
            Kind::Zip | Kind::Compound => {
                let book = Workbook::open(input, kind)?;
                let mut first: Result<(String, Found), FileError> = Err(FileError::Empty);
                for sheet in &book.sheets {
                    let mut head = Vec::new();
                    book.head(sheet, &mut |row| {
                        if !blank(&row) {
                            head.push(row);
                        }
                        head.len() < HEADER_WITHIN
                    })?;
                    match find_header(&head, mapping) {
                        Ok(found) if found.known => {
                            first = Ok((sheet.clone(), found));
                            break;
                        }
                        Ok(found) if first.is_err() => first = Ok((sheet.clone(), found)),
                        Err(why) if matches!(first, Err(FileError::Empty)) => first = Err(why),
                        Ok(_) | Err(_) => {}
                    }
                }
                let (name, found) = first?;
                Ok(Table::with(input, Source::Sheet { name }, kind, found))
            }
        }
    }

    fn with(input: &Input, source: Source, kind: Kind, found: Found) -> Table {
        let layout = layouts::recognise(&found.header);
        Table { input: input.clone(), source, kind, header_at: found.row, header: found.header, layout }
    }

    /// The encoding, or the format of the workbook.
    pub(crate) fn format(&self) -> String {
        match (&self.source, self.kind) {
            (Source::Text { charset, .. }, _) => charset.name().to_owned(),
            (Source::Sheet { .. }, Kind::Compound) => "XLS".to_owned(),
            (Source::Sheet { .. }, _) => "XLSX".to_owned(),
        }
    }

    pub(crate) fn delimiter(&self) -> Option<String> {
        match &self.source {
            Source::Text { dialect, .. } => Some((dialect.delimiter as char).to_string()),
            Source::Sheet { .. } => None,
        }
    }

    pub(crate) fn sheet(&self) -> Option<String> {
        match &self.source {
            Source::Text { .. } => None,
            Source::Sheet { name } => Some(name.clone()),
        }
    }

    /// The rows behind the header, from the start.
    pub(crate) fn rows(&self) -> Result<DataRows<'_>, FileError> {
        let source = match &self.source {
            Source::Text { charset, dialect } => RowSource::Text(Box::new(Rows::open(&self.input, *charset, *dialect)?)),
            Source::Sheet { name } => {
                let book = Workbook::open(&self.input, self.kind)?;
                let mut rows = Vec::new();
                book.rows(name, &mut |row| {
                    rows.push(row);
                    true
                })?;
                RowSource::Sheet(rows.into_iter())
            }
        };
        Ok(DataRows { table: self, source, seen: 0 })
    }
}

enum RowSource {
    Text(Box<Rows>),
    Sheet(std::vec::IntoIter<RawRow>),
}

/// The rows behind the header.
pub(crate) struct DataRows<'t> {
    table: &'t Table,
    source: RowSource,
    /// How many rows were handed out.
    pub(crate) seen: u64,
}

impl DataRows<'_> {
    pub(crate) fn next_row(&mut self) -> Result<Option<RawRow>, FileError> {
        loop {
            let row = match &mut self.source {
                RowSource::Text(rows) => rows.next_row()?,
                RowSource::Sheet(rows) => rows.next(),
            };
            let Some(row) = row else { return Ok(None) };
            if row.number <= self.table.header_at || blank(&row) || self.repeats_header(&row) {
                continue;
            }
            self.seen += 1;
            return Ok(Some(row));
        }
    }

    /// Files glued together carry the header again.
    fn repeats_header(&self, row: &RawRow) -> bool {
        let names = &self.table.header.names;
        names.len() > 1 && row.cells.len() >= names.len() && names.iter().zip(&row.cells).all(|(name, cell)| normal(name) == normal(cell))
    }
}

pub(crate) fn blank(row: &RawRow) -> bool {
    row.cells.iter().all(|cell| cell.chars().all(|c| c.is_whitespace() || c == '\u{feff}'))
}

struct Found {
    row: u64,
    header: Header,
    known: bool,
}

fn known(header: &Header, mapping: Option<&Mapping>) -> bool {
    match mapping {
        Some(mapping) => mapping.fits(header),
        None => layouts::recognise(header).is_some(),
    }
}

fn find_header(head: &[RawRow], mapping: Option<&Mapping>) -> Result<Found, FileError> {
    if head.is_empty() {
        return Err(FileError::Empty);
    }
    for row in head {
        let header = Header::new(&row.cells);
        if known(&header, mapping) {
            return Ok(Found { row: row.number, header, known: true });
        }
    }
    // Nothing known: the first line as wide as most, all of it names.
    let widths: Vec<usize> = head.iter().map(|r| r.cells.iter().filter(|c| !c.trim().is_empty()).count()).collect();
    let usual = mode(&widths);
    let looks_like_names = |row: &RawRow| {
        row.cells.iter().filter(|c| !c.trim().is_empty()).all(|c| {
            let c = c.trim();
            c.len() < 200 && !c.chars().all(|ch| ch.is_ascii_digit() || matches!(ch, '.' | ',' | '-' | '/' | ':' | ' '))
        })
    };
    for (row, filled) in head.iter().zip(&widths) {
        if *filled >= 2 && row.cells.len() >= usual && *filled * 10 >= usual * 6 && row.cells.len() <= MAX_CELLS && looks_like_names(row) {
            return Ok(Found { row: row.number, header: Header::new(&row.cells), known: false });
        }
    }
    Err(FileError::NoHeader(HEADER_WITHIN))
}

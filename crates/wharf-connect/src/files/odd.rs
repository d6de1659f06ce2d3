//! Odd rows as a file: the same columns, with the file, the row and the cause in front, so that a person mends the rows
//! where they stand and hands the file in again.

use super::FileReport;
use super::read_order::OddRow;

/// Names of the columns that stand in front.
pub const FILE: &str = "文件/file";
/// The row in that file.
pub const ROW: &str = "行/row";
/// Why it could not be read.
pub const CAUSE: &str = "原因/cause";

/// Odd rows of one import as CSV, UTF-8 with a mark so that spreadsheet programs read it right.
pub struct OddFile {
    bytes: Vec<u8>,
    columns: Vec<Vec<String>>,
    header_of: Option<usize>,
}

impl OddFile {
    /// For the files of one import, with the columns of each as they stand in it.
    pub fn new(reports: &[FileReport]) -> OddFile {
        OddFile { bytes: b"\xef\xbb\xbf".to_vec(), columns: reports.iter().map(|r| r.columns.clone()).collect(), header_of: None }
    }

    /// Adds a row; the first row of a file with other columns brings its header.
    pub fn add(&mut self, row: &OddRow, reports: &[FileReport]) {
        let same = self.header_of.is_some_and(|file| self.columns.get(file) == self.columns.get(row.file));
        if !same {
            let names = self.columns.get(row.file).cloned().unwrap_or_default();
            self.write([FILE, ROW, CAUSE].iter().map(|s| (*s).to_owned()).chain(names));
            self.header_of = Some(row.file);
        }
        let name = reports.get(row.file).map(|r| r.name.clone()).unwrap_or_default();
        let front = [name, row.row.to_string(), row.cause.text()].into_iter();
        self.write(front.map(|c| defuse(&c)).chain(row.cells.iter().map(|c| defuse(c))));
    }

    fn write(&mut self, cells: impl Iterator<Item = String>) {
        for (index, cell) in cells.enumerate() {
            if index > 0 {
                self.bytes.push(b',');
            }
            if cell.contains(['"', ',', '\n', '\r']) {
                self.bytes.push(b'"');
                self.bytes.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
                self.bytes.push(b'"');
            } else {
                self.bytes.extend_from_slice(cell.as_bytes());
            }
        }
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// How many bytes wait to be taken.
    pub fn waiting(&self) -> usize {
        if self.header_of.is_some() { self.bytes.len() } else { 0 }
    }

    /// What was written since it was last taken: the pieces in order are the file.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// A cell that a spreadsheet program would run is written as the text it is: readers take the apostrophe off again.
pub fn defuse(cell: &str) -> String {
    let harmless = cell.starts_with("=\"") && cell.ends_with('"') && !cell[2..cell.len().max(3) - 1].contains('"');
    let number = cell
        .strip_prefix(['-', '+'])
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',')));
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !harmless && !number && cell != "-" {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

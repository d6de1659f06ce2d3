//! Odd rows as a file: the same columns, with the file, the row and the cause in front, so that a person mends the rows
//! where they stand and hands the file in again.

use super::read::FileReport;
use super::read_order::OddRow;

/// Names of the columns that stand in front.
pub const FILE: &str = "文件/file";
/// The row in that file.
pub const ROW: &str = "行/row";
/// Why it could not be read.
pub const CAUSE: &str = "原因/cause";

/// Odd rows of one layout as CSV, UTF-8 with a mark so that spreadsheet programs read it right.
pub struct OddFile {
    writer: csv::Writer<Vec<u8>>,
    columns: Vec<Vec<String>>,
    header_of: Option<usize>,
}

impl OddFile {
    /// For the files of one import, with the columns of each as they stand in it.
    pub fn new(columns: Vec<Vec<String>>) -> OddFile {
        let writer = csv::WriterBuilder::new().flexible(true).from_writer(b"\xef\xbb\xbf".to_vec());
        OddFile { writer, columns, header_of: None }
    }

    /// Adds a row; a row of a file with other columns starts with its header.
    pub fn add(&mut self, row: &OddRow, reports: &[FileReport]) -> Result<(), csv::Error> {
        let same = self.header_of.is_some_and(|file| self.columns.get(file) == self.columns.get(row.file));
        if !same {
            let names = self.columns.get(row.file).cloned().unwrap_or_default();
            self.writer.write_record([FILE, ROW, CAUSE].iter().map(|s| (*s).to_owned()).chain(names))?;
            self.header_of = Some(row.file);
        }
        let name = reports.get(row.file).map(|r| r.name.clone()).unwrap_or_default();
        let front = [name, row.row.to_string(), row.cause.text()].into_iter();
        self.writer.write_record(front.map(|c| defuse(&c)).chain(row.cells.iter().map(|c| defuse(c))))
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.writer.into_inner().unwrap_or_default()
    }
}

/// A cell that a spreadsheet program would run is written as the text it is: readers take the apostrophe off again.
pub fn defuse(cell: &str) -> String {
    let harmless = cell.starts_with("=\"") && cell.ends_with('"') && !cell[2..cell.len().max(3) - 1].contains('"');
    let number = cell.strip_prefix(['-', '+']).is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',')));
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !harmless && !number && cell != "-" { format!("'{cell}") } else { cell.to_owned() }
}

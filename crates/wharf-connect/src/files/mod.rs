//! Files of other tools, in neutral words: what a vendor that reads files gives, and what a flow makes of it. The
//! vendor knows layouts, encodings and columns; nothing of them is here.

pub mod balance;
pub mod merge;
pub mod odd;
pub mod read_order;
pub mod source;

pub use balance::{Balance, BalanceRow, Sums};
pub use odd::OddFile;
pub use read_order::{Cause, Document, Knows, OddRow, ReadOrder, Share};
pub use source::{Bytes, Input};

use serde::{Deserialize, Serialize};
use wharf_domain::money::Currency;
use wharf_domain::time::Timestamp;

/// What a person says beside the files.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// A column mapping as JSON; with one, every file is read by it.
    pub mapping: Option<serde_json::Value>,
    /// IANA zone of times that name none; a layout's or a mapping's own zone goes first.
    pub zone: Option<String>,
    /// The shop's currency, where the file names none.
    pub currency: Option<Currency>,
    /// The time of the import: orders whose file tells no time are placed then, until another file tells it.
    pub now: Timestamp,
}

/// A file that cannot be read, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{file}: {why}")]
pub struct Refused {
    /// The name of the file.
    pub file: String,
    /// A stable word.
    pub code: String,
    /// Why, and what to do.
    pub why: String,
}

/// What was found out about one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// Its name.
    pub name: String,
    /// The layout it was told to be.
    pub layout: String,
    /// The layout's name in English and in Chinese.
    pub layout_name: (String, String),
    /// Encoding, `XLS` or `XLSX`.
    pub format: String,
    /// What separates cells, for text.
    pub delimiter: Option<String>,
    /// Which sheet, for workbooks.
    pub sheet: Option<String>,
    /// The row of the header, from 1.
    pub header_row: u64,
    /// Its columns.
    pub columns: Vec<String>,
    /// Columns that the layout does not know; their cells are kept with the order.
    pub unknown_columns: Vec<String>,
    /// Columns that the layout has and the file has not.
    pub missing_columns: Vec<String>,
    /// Rows behind the header, blank ones not counted.
    pub rows: u64,
    /// Rows with fewer cells than the header.
    pub short_rows: u64,
    /// Cells with bytes that are no text in the file's encoding.
    pub garbled_cells: u64,
    /// The mapping that is used, given or proposed.
    pub mapping: Option<serde_json::Value>,
    /// True when the mapping is a proposal.
    pub proposed: bool,
}

/// What reading hands out.
pub enum Item {
    /// An order.
    Order(Box<ReadOrder>),
    /// A row that could not be read.
    Odd(OddRow),
}

/// The file side of a vendor: it recognises and reads, and writes nothing.
pub trait ReadFiles: Send + Sync {
    /// Recognises the files and counts their rows.
    fn open(&self, inputs: &[Input], options: &ReadOptions) -> Result<Box<dyn OpenedFiles>, Refused>;
    /// A column mapping proposed for a file, as JSON, whether or not its layout is known.
    fn propose(&self, input: &Input) -> Result<serde_json::Value, Refused>;
}

/// Files that were recognised and counted.
pub trait OpenedFiles: Send + Sync {
    /// What was found out about each file.
    fn reports(&self) -> &[FileReport];
    /// How many different orders they hold.
    fn order_count(&self) -> usize;
    /// The IANA zone in which their months are counted.
    fn zone(&self) -> &str;
    /// Hands out every order as soon as its last row was seen, and every odd row; `false` stops. Gives the largest number
    /// of orders that were open at once.
    fn read(&self, sink: &mut dyn FnMut(Item) -> bool) -> Result<usize, Refused>;
}

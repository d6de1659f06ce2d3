//! Sheets: a typed table as XLSX or CSV. What a person sees on a list is what the file holds.

use wharf_domain::{money::Money, time::Timestamp};

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

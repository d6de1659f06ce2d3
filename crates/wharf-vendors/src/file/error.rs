//! Why a file as a whole cannot be read. What is wrong with one row is an odd row, never one of these.

/// A refusal of a whole file, in words for the person who handed it in.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// No bytes, or nothing but blank lines.
    #[error("the file is empty")]
    Empty,
    /// Not a table at all.
    #[error("this is no table but {0}")]
    NotATable(String),
    /// Larger than what is safe to unpack.
    #[error("the file is too large: {0}")]
    TooLarge(String),
    /// A workbook that is damaged, protected or hostile.
    #[error("the workbook cannot be read: {0}")]
    Workbook(String),
    /// No line of it looks like a header.
    #[error("no header line was found in the first {0} rows")]
    NoHeader(usize),
    /// Recognised, and not readable without a mapping.
    #[error("recognised as {name}, which is not readable yet by itself: give a column mapping")]
    NotReadable {
        /// Layout id.
        layout: String,
        /// What people call it.
        name: String,
    },
    /// Not recognised, and no mapping could be proposed.
    #[error("the columns are not known and no mapping can be proposed: {why}; columns: {columns}")]
    NeedsMapping {
        /// What is missing.
        why: String,
        /// The columns of the file.
        columns: String,
    },
    /// The mapping does not fit the file or contradicts itself.
    #[error("the mapping is wrong: {0}")]
    Mapping(String),
    /// Files that cannot be read together.
    #[error("{0}")]
    Together(String),
    /// The bytes could not be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
}

impl FileError {
    /// A stable word for screens and scripts.
    pub fn code(&self) -> &'static str {
        match self {
            FileError::Empty => "file_empty",
            FileError::NotATable(_) => "file_not_a_table",
            FileError::TooLarge(_) => "file_too_large",
            FileError::Workbook(_) => "file_workbook",
            FileError::NoHeader(_) => "file_no_header",
            FileError::NotReadable { .. } => "file_not_readable",
            FileError::NeedsMapping { .. } => "file_needs_mapping",
            FileError::Mapping(_) => "file_mapping",
            FileError::Together(_) => "file_together",
            FileError::Io(_) => "file_io",
        }
    }
}

//! Row → domain, strictly. A field of the wrong kind, an unknown word or unreadable JSON is `StoreError::Inconsistent`
//! naming table, column and id; nothing is guessed and nothing is defaulted.

use crate::error::StoreError;
use crate::value::Value;
use std::sync::Arc;
use wharf_domain::time::Timestamp;
use wharf_domain::word::Word;

/// What all rows of one answer share: where they come from and what their columns are called.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    pub(crate) table: String,
    pub(crate) columns: Vec<String>,
}

/// One row of an answer. Columns are numbered from 0.
#[derive(Debug, Clone)]
pub struct Row {
    pub(crate) shape: Arc<Shape>,
    pub(crate) values: Vec<Value>,
}

impl Row {
    /// An integer.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or_else(|| self.inconsistent(column))
    }

    /// An integer that may be absent.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.values.get(column) {
            Some(Value::Int(number)) => Ok(Some(*number)),
            Some(Value::Null | Value::Absent(_)) => Ok(None),
            Some(Value::Text(_) | Value::Blob(_)) | None => Err(self.inconsistent(column)),
        }
    }

    /// A text.
    pub fn text(&self, column: usize) -> Result<String, StoreError> {
        self.str(column).map(str::to_owned)
    }

    /// A text, borrowed from the row.
    pub fn str(&self, column: usize) -> Result<&str, StoreError> {
        self.opt_str(column)?.ok_or_else(|| self.inconsistent(column))
    }

    /// A text that may be absent.
    pub fn opt_text(&self, column: usize) -> Result<Option<String>, StoreError> {
        Ok(self.opt_str(column)?.map(str::to_owned))
    }

    /// A text that may be absent, borrowed from the row.
    pub fn opt_str(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.values.get(column) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null | Value::Absent(_)) => Ok(None),
            Some(Value::Int(_) | Value::Blob(_)) | None => Err(self.inconsistent(column)),
        }
    }

    /// Bytes.
    pub fn blob(&self, column: usize) -> Result<Vec<u8>, StoreError> {
        self.opt_blob(column)?.ok_or_else(|| self.inconsistent(column))
    }

    /// Bytes that may be absent.
    pub fn opt_blob(&self, column: usize) -> Result<Option<Vec<u8>>, StoreError> {
        match self.values.get(column) {
            Some(Value::Blob(bytes)) => Ok(Some(bytes.clone())),
            Some(Value::Null | Value::Absent(_)) => Ok(None),
            Some(Value::Int(_) | Value::Text(_)) | None => Err(self.inconsistent(column)),
        }
    }

    /// 0 or 1; anything else is inconsistent.
    pub fn bool(&self, column: usize) -> Result<bool, StoreError> {
        match self.int(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.inconsistent(column)),
        }
    }

    /// An instant.
    pub fn time(&self, column: usize) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp)
    }

    /// An instant that may be absent.
    pub fn opt_time(&self, column: usize) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int(column)?.map(Timestamp))
    }

    /// A typed id.
    pub fn id<I: From<i64>>(&self, column: usize) -> Result<I, StoreError> {
        self.int(column).map(I::from)
    }

    /// A typed id that may be absent.
    pub fn opt_id<I: From<i64>>(&self, column: usize) -> Result<Option<I>, StoreError> {
        Ok(self.opt_int(column)?.map(I::from))
    }

    /// A word of an enum.
    pub fn word<W: Word>(&self, column: usize) -> Result<W, StoreError> {
        W::parse(self.str(column)?).map_err(|_| self.inconsistent(column))
    }

    /// A word that may be absent.
    pub fn opt_word<W: Word>(&self, column: usize) -> Result<Option<W>, StoreError> {
        self.opt_str(column)?.map(|text| W::parse(text).map_err(|_| self.inconsistent(column))).transpose()
    }

    /// JSON text read as a type.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<T, StoreError> {
        serde_json::from_str(self.str(column)?).map_err(|_| self.inconsistent(column))
    }

    /// JSON text that may be absent.
    pub fn opt_json<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<Option<T>, StoreError> {
        self.opt_str(column)?.map(|text| serde_json::from_str(text).map_err(|_| self.inconsistent(column))).transpose()
    }

    /// The value as it is.
    pub fn value(&self, column: usize) -> Result<&Value, StoreError> {
        self.values.get(column).ok_or_else(|| self.inconsistent(column))
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.shape.columns
    }

    /// The error for a column whose content makes no sense, for conversions that are made elsewhere.
    pub fn inconsistent(&self, column: usize) -> StoreError {
        let key = self.shape.columns.iter().position(|name| name == "id" || name.ends_with(".id")).unwrap_or(0);
        let id = match self.values.get(key) {
            Some(Value::Int(number)) => number.to_string(),
            // A text may be personal data: it does not belong in an error.
            Some(_) | None => "?".to_owned(),
        };
        let column = self.shape.columns.get(column).cloned().unwrap_or_else(|| format!("column {column}"));
        StoreError::Inconsistent { table: self.shape.table.clone(), column, id }
    }
}

/// The first table a statement names: good enough to tell a person where to look.
pub(crate) fn table_of(sql: &str) -> String {
    let mut words = sql.split(|c: char| c.is_whitespace() || c == '(').filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let names_a_table = ["from", "into", "update"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword));
        if names_a_table && let Some(table) = words.next() {
            return table.trim_matches(|c: char| !c.is_alphanumeric() && c != '_').to_owned();
        }
    }
    "?".to_owned()
}

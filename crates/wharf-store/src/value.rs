//! What a statement is given: four kinds of value, and how the domain's types become them.

use std::fmt;
use wharf_domain::id::{
    BundleId, CancellationId, CarrierAccountId, ConfirmationId, FindingId, FulfillmentId, FulfillmentLineId, HoldId, ImportBatchId, JobId,
    ListingId, OperationId, OrderId, OrderLineId, RoleId, RowId, SessionId, ShipmentId, ShopId, SkuId, TokenId, UserId, WarehouseId,
    WaveId, WaybillId,
};
use wharf_domain::time::Timestamp;
use wharf_domain::word::Word;

/// The kind of a value. PostgreSQL wants to know it of a NULL too; SQLite does not care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// BIGINT.
    Int,
    /// TEXT.
    Text,
    /// BYTEA, BLOB.
    Blob,
}

/// One parameter of a statement, or one field of an answer.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// NULL of no particular kind.
    Null,
    /// NULL where a value of a kind could have been: what `Option::None` becomes.
    Absent(Kind),
    /// Integers, ids, instants, money in minor units, booleans as 0 and 1.
    Int(i64),
    /// Text, words, JSON.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// The stored text of a word.
    pub fn word(word: impl Word) -> Value {
        Value::Text(word.as_str().to_owned())
    }

    /// The stored text of an optional word.
    pub fn opt_word(word: Option<impl Word>) -> Value {
        word.map_or(Value::Absent(Kind::Text), Value::word)
    }

    /// JSON text. What cannot be written as JSON (a map with keys that are no text) is `null`.
    pub fn json(value: &impl serde::Serialize) -> Value {
        Value::Text(serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()))
    }

    /// True for NULL of any kind.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null | Value::Absent(_))
    }

    /// The kind, where one is known.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Value::Null => None,
            Value::Absent(kind) => Some(*kind),
            Value::Int(_) => Some(Kind::Int),
            Value::Text(_) => Some(Kind::Text),
            Value::Blob(_) => Some(Kind::Blob),
        }
    }
}

/// Shows the kind and the size, never the content: values may be personal data.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null | Value::Absent(_) => f.write_str("NULL"),
            Value::Int(number) => write!(f, "Int({number})"),
            Value::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Value::Blob(bytes) => write!(f, "Blob({} bytes)", bytes.len()),
        }
    }
}

/// Types whose kind is known even when there is no value of them.
pub trait Stored: Into<Value> {
    /// The kind they are stored as.
    const KIND: Kind;
}

macro_rules! stored {
    ($kind:ident: $($type:ty => |$value:ident| $to:expr),+ $(,)?) => {$(
        impl From<$type> for Value { fn from($value: $type) -> Value { $to } }
        impl Stored for $type { const KIND: Kind = Kind::$kind; }
    )+};
}

stored! { Int:
    i64 => |v| Value::Int(v),
    i32 => |v| Value::Int(i64::from(v)),
    u32 => |v| Value::Int(i64::from(v)),
    u16 => |v| Value::Int(i64::from(v)),
    usize => |v| Value::Int(i64::try_from(v).unwrap_or(i64::MAX)),
    bool => |v| Value::Int(i64::from(v)),
    Timestamp => |v| Value::Int(v.micros()),
}
stored! { Text:
    &str => |v| Value::Text(v.to_owned()),
    String => |v| Value::Text(v),
    &String => |v| Value::Text(v.clone()),
    serde_json::Value => |v| Value::Text(v.to_string()),
    &serde_json::Value => |v| Value::Text(v.to_string()),
}
stored! { Blob:
    Vec<u8> => |v| Value::Blob(v),
    &[u8] => |v| Value::Blob(v.to_vec()),
    &Vec<u8> => |v| Value::Blob(v.clone()),
}

macro_rules! ids { ($($id:ident),+ $(,)?) => { stored! { Int: $($id => |v| Value::Int(v.0)),+ } } }
ids! {
    ShopId, OrderId, OrderLineId, ListingId, SkuId, BundleId, WarehouseId, CarrierAccountId, FulfillmentId, FulfillmentLineId,
    ShipmentId, WaybillId, ConfirmationId, CancellationId, HoldId, FindingId, JobId, UserId, RoleId, SessionId, TokenId, ImportBatchId,
    OperationId, WaveId, RowId,
}

impl<T: Stored> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Absent(T::KIND), Into::into)
    }
}

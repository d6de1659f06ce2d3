//! Reading TOP answers without trusting them: every field is optional, ids are text whether they came as number or text,
//! lists are read in both forms, and what cannot be read is an [`Unread`] that names the place and never the value
//! (values may be personal data).

use super::time;
use serde_json::{Map, Value};
use wharf_domain::time::Timestamp;

/// A place in an answer that cannot be read. The text holds field names and kinds, no values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    path: Vec<String>,
    why: &'static str,
}

impl Unread {
    pub(crate) fn new(why: &'static str) -> Self {
        Unread { path: Vec::new(), why }
    }

    /// A field that must be there and is not.
    pub(crate) fn missing(field: &str) -> Self {
        Unread { path: vec![field.to_owned()], why: "is missing" }
    }

    pub(crate) fn within(mut self, place: impl Into<String>) -> Self {
        self.path.push(place.into());
        self
    }
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, place) in self.path.iter().rev().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            f.write_str(place)?;
        }
        if !self.path.is_empty() {
            f.write_str(" ")?;
        }
        f.write_str(self.why)
    }
}

/// What can be read from a JSON value of the platform.
pub(crate) trait FromWire: Sized {
    /// Reads a value that is there.
    fn read(value: &Value) -> Result<Self, Unread>;
    /// What an absent field means; `None` when it must be there.
    fn absent() -> Option<Self> {
        None
    }
}

/// The field `name` of an object; JSON null counts as absent.
pub(crate) fn field<T: FromWire>(object: &Map<String, Value>, name: &str) -> Result<T, Unread> {
    // A field called by a keyword of this language is declared raw.
    let name = name.strip_prefix("r#").unwrap_or(name);
    match object.get(name) {
        None | Some(Value::Null) => T::absent().ok_or_else(|| Unread::missing(name)),
        Some(value) => T::read(value).map_err(|unread| unread.within(name)),
    }
}

/// Text, or a scalar that the platform (or a relay) sends as number or boolean. Ids above 2^53 keep every digit; a
/// number that has lost digits on its way here is refused rather than rounded.
impl FromWire for String {
    fn read(value: &Value) -> Result<Self, Unread> {
        match value {
            Value::String(text) => Ok(text.clone()),
            Value::Bool(flag) => Ok(flag.to_string()),
            Value::Number(number) => {
                let text = number.to_string();
                if text.contains(['e', 'E']) { Err(Unread::new("is a number that has lost digits")) } else { Ok(text) }
            }
            Value::Null | Value::Array(_) | Value::Object(_) => Err(Unread::new("is no text")),
        }
    }
}

/// As [`String`]; blank text counts as absent.
impl FromWire for Option<String> {
    fn read(value: &Value) -> Result<Self, Unread> {
        String::read(value).map(|text| Some(text).filter(|t| !t.trim().is_empty()))
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl FromWire for Option<i64> {
    fn read(value: &Value) -> Result<Self, Unread> {
        match value {
            Value::Number(number) => number.as_i64().map(Some).ok_or(Unread::new("is no whole number of 64 bits")),
            Value::String(text) if text.trim().is_empty() => Ok(None),
            Value::String(text) => text.trim().parse().map(Some).map_err(|_| Unread::new("is no whole number of 64 bits")),
            Value::Bool(flag) => Ok(Some(i64::from(*flag))),
            Value::Null | Value::Array(_) | Value::Object(_) => Err(Unread::new("is no whole number of 64 bits")),
        }
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl FromWire for Option<bool> {
    fn read(value: &Value) -> Result<Self, Unread> {
        match value {
            Value::Bool(flag) => Ok(Some(*flag)),
            Value::Number(number) => number.as_i64().map(|n| Some(n != 0)).ok_or(Unread::new("is no yes or no")),
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "" => Ok(None),
                "true" | "1" | "yes" | "y" => Ok(Some(true)),
                "false" | "0" | "no" | "n" => Ok(Some(false)),
                _ => Err(Unread::new("is no yes or no")),
            },
            Value::Null | Value::Array(_) | Value::Object(_) => Err(Unread::new("is no yes or no")),
        }
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// A local time of the platform, see [`time::parse`].
impl FromWire for Option<Timestamp> {
    fn read(value: &Value) -> Result<Self, Unread> {
        match Option::<String>::read(value)? {
            None => Ok(None),
            Some(text) => time::parse(&text).map(Some).ok_or(Unread::new("is no time")),
        }
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// A list in any of its forms: a plain array (simplified), an object whose only array is the list (the double wrapping of
/// the default form, whatever the inner key is called), one bare element, or nothing at all.
impl<T: FromWire> FromWire for Vec<T> {
    fn read(value: &Value) -> Result<Self, Unread> {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            Value::Null => &[],
            Value::Object(wrapper) => match wrapper.values().find(|inner| inner.is_array()) {
                Some(Value::Array(items)) => items.as_slice(),
                _ if wrapper.is_empty() => &[],
                _ => match wrapper.iter().next() {
                    // A converter that knows no one-element lists puts the element itself under the inner key.
                    Some((_, inner @ Value::Object(_))) if wrapper.len() == 1 => std::slice::from_ref(inner),
                    _ => return Err(Unread::new("is no list")),
                },
            },
            Value::String(text) if text.trim().is_empty() => &[],
            Value::String(_) | Value::Bool(_) | Value::Number(_) => return Err(Unread::new("is no list")),
        };
        items.iter().enumerate().map(|(index, item)| T::read(item).map_err(|unread| unread.within(format!("[{index}]")))).collect()
    }
    fn absent() -> Option<Self> {
        Some(Vec::new())
    }
}

/// The element as it came, for lists whose elements are read one by one.
impl FromWire for Value {
    fn read(value: &Value) -> Result<Self, Unread> {
        Ok(value.clone())
    }
}

/// A part whose shape varies; its reader looks for itself.
impl FromWire for Option<Value> {
    fn read(value: &Value) -> Result<Self, Unread> {
        Ok(Some(value.clone()).filter(|v| !matches!(v, Value::String(text) if text.trim().is_empty())))
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// A part that may be absent as a whole. An empty text stands for an absent object on some nodes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Maybe<T>(pub(crate) Option<T>);

impl<T: FromWire> FromWire for Maybe<T> {
    fn read(value: &Value) -> Result<Self, Unread> {
        match value {
            Value::String(text) if text.trim().is_empty() => Ok(Maybe(None)),
            other => T::read(other).map(|part| Maybe(Some(part))),
        }
    }
    fn absent() -> Option<Self> {
        Some(Maybe(None))
    }
}

/// Declares a type of the wire: a struct and the way to read it field by field.
macro_rules! wire {
    ($($(#[$meta:meta])* pub(crate) struct $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Clone, PartialEq)]
        pub(crate) struct $name { $($(#[$fmeta])* pub(crate) $field: $type),+ }

        impl $crate::top::wire::FromWire for $name {
            fn read(value: &serde_json::Value) -> Result<Self, $crate::top::wire::Unread> {
                let object = value.as_object().ok_or($crate::top::wire::Unread::new("is no object"))?;
                Ok($name { $($field: $crate::top::wire::field(object, stringify!($field))?),+ })
            }
        }
    )+};
}
pub(crate) use wire;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn lists_come_in_four_forms() {
        let read = |value: Value| Vec::<String>::read(&value);
        assert_eq!(read(json!(["a", "b"])), Ok(vec!["a".into(), "b".into()]));
        assert_eq!(read(json!({"string": ["a"]})), Ok(vec!["a".into()]));
        assert_eq!(read(json!({})), Ok(vec![]));
        assert_eq!(read(json!("")), Ok(vec![]));
        assert_eq!(Vec::<Value>::read(&json!({"trade": {"tid": 1}})).map(|l| l.len()), Ok(1));
        assert!(read(json!(7)).is_err());
        assert_eq!(Vec::<String>::absent(), Some(vec![]));
    }

    #[test]
    fn what_cannot_be_read_is_named_by_place_and_not_by_value() {
        let unread = Vec::<String>::read(&json!([["张三"]])).map_err(|u| u.within("trade")).expect_err("no text");
        assert_eq!(unread.to_string(), "trade.[0] is no text");
    }

    #[test]
    fn a_number_that_lost_digits_is_refused() {
        let value: Value = serde_json::from_str("4.301187260085123e18").expect("JSON");
        assert!(String::read(&value).is_err());
        let value: Value = serde_json::from_str("139.37").expect("JSON");
        assert_eq!(String::read(&value), Ok("139.37".into()));
    }

    proptest! {
        #[test]
        fn ids_survive_as_number_and_as_text(id in 0u64..=u64::MAX) {
            let number: Value = serde_json::from_str(&id.to_string()).expect("JSON");
            prop_assert_eq!(String::read(&number), Ok(id.to_string()));
            prop_assert_eq!(String::read(&json!(id.to_string())), Ok(id.to_string()));
        }
    }
}

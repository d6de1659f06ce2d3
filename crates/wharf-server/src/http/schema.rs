//! The document, enforced: what a JSON body may hold is read from the schema that the OpenAPI document shows for it. So one
//! mechanism refuses unknown fields and names wrong ones for every endpoint, and the document cannot say otherwise.

use serde_json::{Map, Value};
use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use utoipa::ToSchema;

/// The schema of one body type with everything it refers to.
pub struct Shape {
    root: Value,
    parts: HashMap<String, Value>,
}

static KNOWN: LazyLock<RwLock<HashMap<TypeId, Arc<Shape>>>> = LazyLock::new(RwLock::default);

impl Shape {
    /// The shape of a type, made once for each type.
    pub fn of<T: ToSchema + 'static>() -> Arc<Shape> {
        let id = TypeId::of::<T>();
        if let Some(shape) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Arc::clone(shape);
        }
        let mut schemas = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut schemas);
        let parts: HashMap<String, Value> =
            schemas.into_iter().filter_map(|(name, schema)| Some((name, serde_json::to_value(schema).ok()?))).collect();
        let root = serde_json::to_value(T::schema()).unwrap_or_default();
        let shape = Arc::new(Shape { root, parts });
        KNOWN.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&shape));
        shape
    }

    /// The first field that the schema does not know, with dots for nesting.
    pub fn stranger(&self, body: &Value) -> Option<String> {
        self.find_stranger(&self.root, body, "")
    }

    /// The first field that is of a wrong type, and what it should be; with `missing` also one that is needed and not there.
    pub fn mismatch(&self, body: &Value, missing: bool) -> Option<(String, String)> {
        self.find_mismatch(&self.root, body, "", missing)
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        schema["$ref"]
            .as_str()
            .and_then(|r| r.rsplit('/').next())
            .and_then(|name| self.parts.get(name))
            .map_or(schema, |s| self.resolved(s))
    }

    /// The schemas that hold at once: a schema itself, or the members of its `allOf`.
    fn together<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        let schema = self.resolved(schema);
        match schema["allOf"].as_array() {
            Some(all) => all.iter().flat_map(|member| self.together(member)).collect(),
            None => vec![schema],
        }
    }

    /// The alternatives of a schema that are not `null`.
    fn alternatives<'a>(&'a self, schema: &'a Value) -> Option<Vec<&'a Value>> {
        let schema = self.resolved(schema);
        let list = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array())?;
        Some(list.iter().filter(|s| self.resolved(s)["type"] != "null").collect())
    }

    fn find_stranger(&self, schema: &Value, value: &Value, path: &str) -> Option<String> {
        if let Some(alternatives) = self.alternatives(schema) {
            let found: Vec<Option<String>> = alternatives.into_iter().map(|s| self.find_stranger(s, value, path)).collect();
            return if found.iter().any(Option::is_none) { None } else { found.into_iter().flatten().next() };
        }
        let schemas = self.together(schema);
        match value {
            Value::Object(map) => map.iter().find_map(|(name, inner)| {
                let at = join(path, name);
                match property(&schemas, name) {
                    Property::Known(schema) => self.find_stranger(schema, inner, &at),
                    Property::Free => None,
                    Property::Stranger => Some(at),
                }
            }),
            Value::Array(list) => {
                let items = schemas.iter().map(|s| &s["items"]).find(|items| items.is_object())?;
                list.iter().enumerate().find_map(|(index, inner)| self.find_stranger(items, inner, &format!("{path}[{index}]")))
            }
            _ => None,
        }
    }

    fn find_mismatch(&self, schema: &Value, value: &Value, path: &str, missing: bool) -> Option<(String, String)> {
        if let Some(alternatives) = self.alternatives(schema) {
            if value.is_null() {
                return None;
            }
            let found: Vec<_> = alternatives.into_iter().map(|s| self.find_mismatch(s, value, path, missing)).collect();
            return if found.iter().any(Option::is_none) { None } else { found.into_iter().flatten().next() };
        }
        let schemas = self.together(schema);
        for schema in &schemas {
            let wanted = types(schema);
            if !wanted.is_empty() && !wanted.iter().any(|t| is_a(value, t)) {
                let wanted = wanted.join(" or ");
                return Some((path.to_owned(), format!("must be {wanted}, not {}", kind(value))));
            }
        }
        match value {
            Value::Object(map) => {
                let absent = schemas
                    .iter()
                    .flat_map(|s| s["required"].as_array().into_iter().flatten())
                    .filter_map(Value::as_str)
                    .find(|name| missing && !map.contains_key(*name));
                if let Some(name) = absent {
                    return Some((join(path, name), "is missing".to_owned()));
                }
                map.iter().find_map(|(name, inner)| match property(&schemas, name) {
                    Property::Known(schema) => self.find_mismatch(schema, inner, &join(path, name), missing),
                    Property::Free | Property::Stranger => None,
                })
            }
            Value::Array(list) => {
                let items = schemas.iter().map(|s| &s["items"]).find(|items| items.is_object())?;
                list.iter().enumerate().find_map(|(index, inner)| self.find_mismatch(items, inner, &format!("{path}[{index}]"), missing))
            }
            _ => None,
        }
    }
}

enum Property<'a> {
    Known(&'a Value),
    Free,
    Stranger,
}

/// What the schemas that hold at once say of a field. An object that lists no fields at all is free.
fn property<'a>(schemas: &[&'a Value], name: &str) -> Property<'a> {
    if let Some(schema) = schemas.iter().find_map(|s| s["properties"].get(name)) {
        return Property::Known(schema);
    }
    if let Some(schema) = schemas.iter().map(|s| &s["additionalProperties"]).find(|s| s.is_object()) {
        return Property::Known(schema);
    }
    let lists =
        |s: &&&Value| s["properties"].as_object().is_some_and(|p: &Map<String, Value>| !p.is_empty()) || s["additionalProperties"] == false;
    if schemas.iter().any(|s| s["additionalProperties"] == true) || !schemas.iter().any(|s| lists(&s)) {
        return Property::Free;
    }
    Property::Stranger
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_a(value: &Value, wanted: &str) -> bool {
    match wanted {
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => kind(value) == other,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(ToSchema)]
    struct Inner {
        #[expect(dead_code, reason = "only its schema is looked at")]
        amount: i64,
    }

    #[derive(ToSchema)]
    struct Base {
        #[expect(dead_code, reason = "only its schema is looked at")]
        ids: Vec<String>,
        #[expect(dead_code, reason = "only its schema is looked at")]
        inner: Option<Inner>,
    }

    #[derive(ToSchema, serde::Serialize)]
    struct Whole {
        #[serde(flatten)]
        base: Flat,
        note: String,
        words: HashMap<String, String>,
    }

    #[derive(ToSchema, serde::Serialize)]
    struct Flat {
        dry_run: bool,
    }

    #[test]
    fn strangers_are_named_at_every_depth_and_free_maps_stay_free() {
        let whole = Shape::of::<Whole>();
        assert_eq!(whole.stranger(&json!({ "dry_run": true, "note": "", "words": { "any": "thing" } })), None);
        assert_eq!(whole.stranger(&json!({ "dryrun": true })), Some("dryrun".into()));
        let base = Shape::of::<Base>();
        assert_eq!(base.stranger(&json!({ "ids": ["1"], "inner": null })), None);
        assert_eq!(base.stranger(&json!({ "inner": { "amuont": 1 } })), Some("inner.amuont".into()));
        assert_eq!(Shape::of::<Vec<Inner>>().stranger(&json!([{ "amount": 1 }, { "x": 1 }])), Some("[1].x".into()));
        assert_eq!(Shape::of::<Value>().stranger(&json!({ "x": { "y": 1 } })), None);
    }

    #[test]
    fn the_field_of_a_wrong_type_is_named() {
        let base = Shape::of::<Base>();
        assert_eq!(base.mismatch(&json!({ "ids": "1" }), true), Some(("ids".into(), "must be array, not string".into())));
        assert_eq!(base.mismatch(&json!({ "ids": [1] }), true), Some(("ids[0]".into(), "must be string, not number".into())));
        assert_eq!(
            base.mismatch(&json!({ "ids": [], "inner": { "amount": 1.5 } }), true),
            Some(("inner.amount".into(), "must be integer, not number".into()))
        );
        assert_eq!(base.mismatch(&json!({}), true), Some(("ids".into(), "is missing".into())));
        assert_eq!(
            Shape::of::<Whole>().mismatch(&json!({ "dry_run": 1, "note": "", "words": {} }), true),
            Some(("dry_run".into(), "must be boolean, not number".into()))
        );
    }
}

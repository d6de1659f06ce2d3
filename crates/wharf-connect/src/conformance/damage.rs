//! Ways to damage a JSON answer: cut it off, and take away or change one value at a time.

use serde_json::Value;

/// Ends of prefixes to try: all of a short text, some four hundred of a long one, never the whole.
pub(super) fn cuts(text: &str) -> Vec<usize> {
    let step = (text.len() / 400).max(1);
    (0..text.len()).step_by(step).collect()
}

/// The paths of all values below the root, each a list of keys and indices.
fn paths(value: &Value) -> Vec<Vec<Step>> {
    let mut found = Vec::new();
    let mut open = vec![(Vec::new(), value)];
    while let Some((path, value)) = open.pop() {
        let children: Vec<(Step, &Value)> = match value {
            Value::Object(object) => object.iter().map(|(key, child)| (Step::Key(key.clone()), child)).collect(),
            // The first two elements of a list stand for the others.
            Value::Array(items) => items.iter().enumerate().take(2).map(|(index, child)| (Step::Index(index), child)).collect(),
            _ => Vec::new(),
        };
        for (step, child) in children {
            let mut below = path.clone();
            below.push(step);
            found.push(below.clone());
            open.push((below, child));
        }
    }
    found
}

#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Index(usize),
}

fn show(path: &[Step]) -> String {
    path.iter()
        .map(|step| match step {
            Step::Key(key) => format!("/{key}"),
            Step::Index(index) => format!("/{index}"),
        })
        .collect()
}

fn at<'a>(value: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, step| match (step, value) {
        (Step::Key(key), Value::Object(object)) => object.get_mut(key),
        (Step::Index(index), Value::Array(items)) => items.get_mut(*index),
        _ => None,
    })
}

fn with(whole: &Value, path: &[Step], new: Value) -> Value {
    let mut copy = whole.clone();
    if let Some(place) = at(&mut copy, path) {
        *place = new;
    }
    copy
}

fn without(whole: &Value, path: &[Step]) -> Value {
    let mut copy = whole.clone();
    if let Some((last, parents)) = path.split_last() {
        match (at(&mut copy, parents), last) {
            (Some(Value::Object(object)), Step::Key(key)) => {
                object.remove(key);
            }
            (Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => {
                items.remove(*index);
            }
            _ => {}
        }
    }
    copy
}

/// The answer with one value at a time removed, emptied, of another kind, a new word, and an extreme number.
pub(super) fn variants(whole: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for path in paths(whole) {
        let name = show(&path);
        all.push((format!("without {name}"), without(whole, &path)));
        for (what, new) in [
            ("an empty text", Value::String(String::new())),
            ("a word nobody knows", Value::String("SOMETHING_NEW".into())),
            ("an object", serde_json::json!({ "new": [["shape"]] })),
            ("the smallest number", Value::from(i64::MIN)),
            ("a number beyond 64 bits", serde_json::json!(1e300)),
            ("the largest amount", Value::String("92233720368547758.07".into())),
        ] {
            all.push((format!("{what} at {name}"), with(whole, &path, new)));
        }
    }
    all
}

/// The answer with `secret` in one text at a time.
pub(super) fn echoes(whole: &Value, secret: &str) -> Vec<Value> {
    let mut copy = whole.clone();
    let texts: Vec<Vec<Step>> = paths(whole).into_iter().filter(|path| matches!(at(&mut copy, path), Some(Value::String(_)))).collect();
    texts.iter().map(|path| with(whole, path, Value::String(format!("you sent {secret}!")))).collect()
}

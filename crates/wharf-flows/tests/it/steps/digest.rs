//! Everything the store holds of one subject, told so that two equal histories read the same: ids become ordinals, instants
//! become "set", and what a lost answer leaves behind as its own story (doubts, attempts, nonces) is left out.

use std::collections::HashMap;
use wharf_store::{Row, StoreError, Tx, Value};

/// Events that tell of a disturbance itself: they must be there when something broke, and only then.
const OF_DISTURBANCE: [&str; 2] = ["waybill.in_doubt", "waybill.not_bought"];

/// Columns that differ between two equal histories: keyed hashes of a buyer, counters of attempts, obstacles on the way, and
/// what a shared shelf had on it at that moment.
const VOLATILE: [&str; 30] = [
    "id",
    "version",
    "attempts",
    "urgency",
    "recipient_sealed",
    "recipient_print",
    "recipient_masked_name",
    "recipient_masked_phone",
    "channel_print",
    "buyer_key",
    "buyer_external_id",
    "buyer_nick",
    "content_print",
    "external_tail",
    "payload_hash",
    "hash",
    "label",
    "client_reference",
    "message",
    "receipt",
    "trace",
    "counted",
    "on_hand_after",
    "reserved_after",
    "modified_at",
    "print_batch_id",
    "blob_hash",
    "bytes",
    "seen",
    "import_batch_id",
];

/// That the channel took it now, and that it had taken it when the answer was lost, are one end.
const TOLD: [&str; 2] = ["confirmation.accepted", "confirmation.already"];

/// Events whose parameters name what other orders left on the shelf.
const OF_THE_SHELF: [&str; 3] = ["order.routed", "order.short", "carrier.chosen"];

fn shown(value: &Value) -> String {
    match value {
        Value::Null | Value::Absent(_) => "∅".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}

fn list(rows: &[Row]) -> Result<String, StoreError> {
    let ids: Vec<String> = rows.iter().map(|row| row.int(0).map(|id| id.to_string())).collect::<Result<_, _>>()?;
    // An empty list is no SQL.
    Ok(if ids.is_empty() { "-1".to_owned() } else { ids.join(", ") })
}

/// Reads all rows about the orders whose channel numbers begin with `name`.
pub fn of(tx: &mut Tx<'_>, name: &str, other: i64) -> Result<String, StoreError> {
    let orders = list(&tx.query(&format!("SELECT id FROM orders WHERE external_id LIKE '{name}%' ORDER BY external_id"), &[])?)?;
    let fulfillments = list(&tx.query(&format!("SELECT id FROM fulfillments WHERE order_id IN ({orders}) ORDER BY id"), &[])?)?;
    let parcels = list(
        &tx.query(&format!("SELECT DISTINCT shipment_id FROM shipment_lines WHERE order_id IN ({orders}) ORDER BY shipment_id"), &[])?,
    )?;
    let tables = [
        ("orders", format!("id IN ({orders})"), "external_id"),
        ("order_lines", format!("order_id IN ({orders})"), "order_id, position"),
        ("findings", format!("order_id IN ({orders})"), "order_id, code, id"),
        ("holds", format!("order_id IN ({orders})"), "order_id, id"),
        ("order_tags", format!("order_id IN ({orders})"), "order_id, tag"),
        ("order_search", format!("order_id IN ({orders})"), "order_id, kind"),
        ("reservations", format!("order_id IN ({orders})"), "order_line_id, id"),
        ("fulfillments", format!("id IN ({fulfillments})"), "id"),
        ("fulfillment_lines", format!("fulfillment_id IN ({fulfillments})"), "id"),
        ("shipments", format!("id IN ({parcels})"), "id"),
        ("shipment_lines", format!("order_id IN ({orders})"), "shipment_id, fulfillment_line_id"),
        ("waybills", format!("shipment_id IN ({parcels})"), "id"),
        ("prints", format!("shipment_id IN ({parcels})"), "shipment_id, kind, copy"),
        ("confirmations", format!("order_id IN ({orders})"), "order_id, id"),
        ("tracking_events", format!("shipment_id IN ({parcels})"), "shipment_id, at, text"),
        (
            "stock_movements",
            format!("(cause_kind = 'order' AND cause_id IN ({orders})) OR (cause_kind = 'shipment' AND cause_id IN ({parcels}))"),
            "id",
        ),
        ("timeline", format!("order_id IN ({orders})"), "order_id, id"),
    ];
    let mut names: HashMap<String, String> = HashMap::new();
    if other != 0 {
        names.insert(other.to_string(), "other".to_owned());
    }
    let mut text = String::new();
    for (table, which, order) in tables {
        let rows = tx.query(&format!("SELECT * FROM {table} WHERE {which} ORDER BY {order}"), &[])?;
        for (n, row) in rows.iter().enumerate() {
            for (index, column) in row.columns().iter().enumerate() {
                match (column.as_str(), row.value(index)?) {
                    ("id", Value::Int(id)) => {
                        names.insert(id.to_string(), format!("{table}#{n}"));
                    }
                    ("number" | "waybill_number", Value::Text(number)) => {
                        names.entry(number.clone()).or_insert(format!("number#{n}"));
                    }
                    _ => {}
                }
            }
        }
        let kind_of = |row: &Row| -> Result<String, StoreError> {
            let index = row.columns().iter().position(|c| c == "kind");
            index.map_or(Ok(String::new()), |index| row.value(index).map(shown))
        };
        text.push_str(&format!("── {table}\n"));
        for row in &rows {
            let kind = kind_of(row)?;
            if table == "timeline" && OF_DISTURBANCE.contains(&kind.as_str()) {
                continue;
            }
            if table == "timeline" && TOLD.contains(&kind.as_str()) {
                text.push_str("the channel was told\n");
                continue;
            }
            for (index, column) in row.columns().iter().enumerate() {
                if VOLATILE.contains(&column.as_str()) || (column == "params" && OF_THE_SHELF.contains(&kind.as_str())) {
                    continue;
                }
                let value = row.value(index)?;
                let cell = if column == "at" || column.ends_with("_at") || column.ends_with("ship_by") {
                    if value.is_null() { "∅".to_owned() } else { "set".to_owned() }
                } else {
                    named(&shown(value), &names, name)
                };
                let cell = if column == "confirmation_state" && matches!(cell.as_str(), "accepted" | "already") {
                    "told".to_owned()
                } else {
                    cell
                };
                text.push_str(&format!("{column}={cell} "));
            }
            text.push('\n');
        }
    }
    text.push_str("── jobs\n");
    let waiting = tx.query("SELECT kind, payload FROM jobs WHERE job_status = 'ready' ORDER BY kind, id", &[])?;
    for row in &waiting {
        let payload = row.text(1)?;
        let ids: Vec<&str> = payload.split(|c: char| !c.is_ascii_digit()).filter(|word| names.contains_key(*word)).collect();
        if !ids.is_empty() {
            text.push_str(&format!("{} {}\n", row.text(0)?, ids.iter().map(|id| names[*id].as_str()).collect::<Vec<_>>().join(" ")));
        }
    }
    Ok(text)
}

/// Ids and numbers by their ordinals, the subject's own name as `S`; instants inside JSON as `set`.
fn named(text: &str, names: &HashMap<String, String>, subject: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let flush = |word: &mut String, out: &mut String| {
        match names.get(word.as_str()) {
            Some(name) => out.push_str(name),
            // Microseconds since 1970 in our days have sixteen digits, ids of others more; nothing else here has.
            None if word.len() == 16 && word.bytes().all(|b| b.is_ascii_digit()) => out.push_str("set"),
            None if word.len() > 16 && word.bytes().all(|b| b.is_ascii_digit()) => out.push_str("other"),
            None => out.push_str(word),
        }
        word.clear();
    };
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            word.push(c);
        } else {
            flush(&mut word, &mut out);
            out.push(c);
        }
    }
    flush(&mut word, &mut out);
    out.replace(subject, "S")
}

/// Where two digests part, for people.
pub fn apart(left: &str, right: &str) -> String {
    let (mut table, mut said) = ("", Vec::new());
    let (mut a, mut b) = (left.lines(), right.lines());
    loop {
        match (a.next(), b.next()) {
            (None, None) => break,
            (x, y) if x == y => {
                if let Some(line) = x.filter(|line| line.starts_with("──")) {
                    table = line;
                }
            }
            (x, y) => {
                said.push(format!("{table}\n- {}\n+ {}", x.unwrap_or("(nothing)"), y.unwrap_or("(nothing)")));
                if said.len() == 3 {
                    break;
                }
            }
        }
    }
    said.join("\n")
}

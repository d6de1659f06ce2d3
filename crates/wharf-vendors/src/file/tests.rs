//! Every trap of the formats, in files that the tests make themselves, and the laws of reading: nothing panics, nothing
//! is lost in silence, the same rows give the same orders.

mod amazon;
mod mapped;
mod robust;
mod taobao;

use super::VENDOR;
use wharf_connect::Vendor;
use wharf_connect::files::{FileReport, Input, Item, OddRow, ReadOptions, ReadOrder, Refused};
use wharf_domain::money::Currency;
use wharf_domain::time::Timestamp;

/// 2026-11-21T00:00:00Z.
const NOW: Timestamp = Timestamp(1_795_219_200_000_000);

struct Got {
    reports: Vec<FileReport>,
    orders: Vec<ReadOrder>,
    odd: Vec<OddRow>,
    widest: usize,
}

fn options() -> ReadOptions {
    ReadOptions { mapping: None, zone: Some("Asia/Shanghai".into()), currency: None, now: NOW }
}

fn try_read(files: Vec<(&str, Vec<u8>)>, options: &ReadOptions) -> Result<Got, Refused> {
    let inputs: Vec<Input> = files.into_iter().map(|(name, bytes)| Input::new(name, bytes)).collect();
    let opened = VENDOR.files().expect("it reads files").open(&inputs, options)?;
    let (mut orders, mut odd) = (Vec::new(), Vec::new());
    let widest = opened.read(&mut |item| {
        match item {
            Item::Order(order) => orders.push(*order),
            Item::Odd(row) => odd.push(row),
        }
        true
    })?;
    orders.sort_by(|a: &ReadOrder, b| a.order.external_id.cmp(&b.order.external_id));
    Ok(Got { reports: opened.reports().to_vec(), orders, odd, widest })
}

fn read(files: Vec<(&str, Vec<u8>)>) -> Got {
    try_read(files, &options()).expect("reads")
}

fn read_text(text: &str) -> Got {
    read(vec![("f", text.as_bytes().to_vec())])
}

fn read_mapped(text: &str, mapping: serde_json::Value) -> Got {
    let options = ReadOptions { mapping: Some(mapping), ..options() };
    try_read(vec![("f.csv", text.as_bytes().to_vec())], &options).expect("reads")
}

fn refusal(bytes: Vec<u8>) -> Refused {
    match try_read(vec![("f.csv", bytes)], &options()) {
        Ok(got) => panic!("read {} orders and {} odd rows", got.orders.len(), got.odd.len()),
        Err(refused) => refused,
    }
}

fn gbk(text: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(text).0.into_owned()
}

fn code(currency: Currency) -> String {
    currency.code().to_owned()
}

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().expect("a time").as_microsecond())
}

/// A table of rows under a header: cells by name, the rest empty.
fn table(columns: &[&str], rows: &[&[(&str, &str)]], delimiter: &str) -> String {
    let mut out = columns.join(delimiter);
    out.push('\n');
    for row in rows {
        for (name, _) in *row {
            assert!(columns.contains(name), "{name} is no column");
        }
        let cells: Vec<String> = columns
            .iter()
            .map(|c| row.iter().find(|(name, _)| name == c).map(|(_, v)| (*v).to_owned()).unwrap_or_default())
            .map(|v| if delimiter == "," && v.contains([',', '"', '\n']) { format!("\"{}\"", v.replace('"', "\"\"")) } else { v })
            .collect();
        out.push_str(&cells.join(delimiter));
        out.push('\n');
    }
    out
}

fn reference(name: &str) -> bool {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name).exists()
}

#[test]
fn the_guide_has_a_mapping_that_is_valid() {
    assert!(reference("../../docs/guide/uci-mapping.json"));
    let json: serde_json::Value = serde_json::from_str(include_str!("../../../../docs/guide/uci-mapping.json")).expect("JSON");
    super::Mapping::from_json(&json).expect("a mapping");
}

//! Files that are broken, hostile, or dressed up as something else.

use super::*;
use proptest::prelude::*;
use rust_xlsxwriter::Workbook;
use std::io::Write;

const HEAD: &str = "订单号,商品名称,数量,单价,币种\n";

#[test]
fn titles_blank_rows_repeated_headers_and_ragged_rows() {
    let text = format!("名称：一月订单\n\n导出时间：2026-02-01\n{HEAD}1,帽子,1,2.00,CNY\n\n   ,,\n{HEAD}2,\"围\n巾\",1,3.00,CNY,,,\n3,手套,1,4.00,CNY,extra\n4,袜子,1\n");
    let got = read_text(&text);
    assert_eq!(got.reports[0].header_row, 4);
    assert_eq!(got.orders.iter().map(|o| o.order.external_id.as_str()).collect::<Vec<_>>(), vec!["1", "2"]);
    assert_eq!(got.orders[1].order.lines[0].title, "围\n巾");
    assert_eq!(got.odd.iter().map(|o| (o.row, o.cause.code.as_str())).collect::<Vec<_>>(), vec![(11, "too_many_cells"), (12, "no_currency")]);
    assert_eq!(got.reports[0].rows, 4);
}

#[test]
fn a_file_that_is_cut_off_does_not_lend_its_last_row() {
    let text = format!("{HEAD}1,帽子,1,2.00,CNY\n2,围巾,12,3.00,CNY\n2,手套,1");
    let got = read_text(&text);
    assert_eq!(got.orders.len(), 1);
    let codes: Vec<&str> = got.odd.iter().map(|o| o.cause.code.as_str()).collect();
    assert_eq!(codes, vec!["same_order", "cut_off"]);
}

#[test]
fn what_is_no_table_is_refused_with_a_reason() {
    for (bytes, code) in [
        (b"".to_vec(), "file_empty"),
        (b"\n\n  \n".to_vec(), "file_empty"),
        (b"\xef\xbb\xbf<!DOCTYPE html><html><head><title>Sign in</title></head></html>".to_vec(), "file_not_a_table"),
        (b"  <table><tr><td>x</td></tr></table>".to_vec(), "file_not_a_table"),
        (b"%PDF-1.7 ...".to_vec(), "file_not_a_table"),
        (b"Rar!\x1a\x07".to_vec(), "file_not_a_table"),
        (b"PK\x03\x04broken".to_vec(), "file_workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 nothing".to_vec(), "file_not_a_table"),
        (b"hello".to_vec(), "file_no_header"),
    ] {
        let refused = refusal(bytes.clone());
        assert_eq!(refused.code, code, "{:?}: {}", String::from_utf8_lossy(&bytes), refused.why);
    }
    assert!(refusal(b"<html><title>Sign in</title>".to_vec()).why.contains("Sign in"));
}

fn workbook(build: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    build(sheet);
    book.save_to_buffer().expect("a workbook")
}

#[test]
fn workbooks_with_titles_dates_numbers_and_lost_digits() {
    let bytes = workbook(|sheet| {
        sheet.write(0, 0, "名称：订单").expect("writes");
        for (column, name) in ["订单号", "商品名称", "数量", "单价", "币种", "下单时间"].iter().enumerate() {
            sheet.write(2, column as u16, *name).expect("writes");
        }
        let when = rust_xlsxwriter::ExcelDateTime::from_ymd(2026, 1, 15).and_then(|d| d.and_hms(8, 30, 0)).expect("a date");
        let format = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
        for (row, id) in ["123456789012", "X2"].iter().enumerate() {
            let row = row as u32 + 3;
            match id.parse::<f64>() {
                Ok(number) => sheet.write(row, 0, number).expect("writes"),
                Err(_) => sheet.write(row, 0, *id).expect("writes"),
            };
            sheet.write(row, 1, "帽子").expect("writes");
            sheet.write(row, 2, 2.0).expect("writes");
            sheet.write(row, 3, 0.1 + 0.2).expect("writes");
            sheet.write(row, 4, "CNY").expect("writes");
            sheet.write_with_format(row, 5, &when, &format).expect("writes");
        }
        // 18 digits do not fit a number of a spreadsheet.
        sheet.write(5, 0, 351_512_345_678_901_234.0).expect("writes");
        sheet.write(5, 1, "围巾").expect("writes");
        sheet.write(5, 2, 1).expect("writes");
    });
    let got = read(vec![("f.csv", bytes)]);
    assert_eq!((got.reports[0].format.as_str(), got.reports[0].header_row), ("XLSX", 3));
    assert_eq!(got.orders.iter().map(|o| (o.order.external_id.as_str(), o.order.total_minor)).collect::<Vec<_>>(), vec![("123456789012", 60), ("X2", 60)]);
    assert_eq!(got.orders[0].order.placed_at, at("2026-01-15T00:30:00Z"));
    assert_eq!(got.odd.iter().map(|o| o.cause.code.as_str()).collect::<Vec<_>>(), vec!["bad_order_id"]);
}

#[test]
fn old_workbooks_are_read_and_hostile_ones_refused() {
    let got = read(vec![("ExportOrder.csv", include_bytes!("../../../testdata/orders.xls").to_vec())]);
    assert_eq!((got.reports[0].format.as_str(), got.reports[0].header_row), ("XLS", 3));
    assert_eq!(got.orders.iter().map(|o| o.order.total_minor).collect::<Vec<_>>(), vec![300, 450]);
    assert_eq!(got.orders[0].order.placed_at, at("2026-01-15T00:30:00Z"));
    // Three sheets with one cell in the last corner each: 6 KiB that would become 50 million cells.
    let refused = refusal(include_bytes!("../../../testdata/corners.xls").to_vec());
    assert_eq!(refused.code, "file_too_large", "{}", refused.why);
}

fn zip_of(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer.start_file(*name, zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated)).expect("a part");
        writer.write_all(bytes).expect("writes");
    }
    writer.finish().expect("a zip").into_inner()
}

#[test]
fn archives_and_bombs_are_refused() {
    assert_eq!(refusal(zip_of(&[("orders.csv", b"a,b\n1,2\n".to_vec())])).code, "file_not_a_table");
    let refused = refusal(zip_of(&[("xl/workbook.xml", vec![b' '; 1_100_000_000])]));
    assert_eq!(refused.code, "file_too_large", "{}", refused.why);
}

#[test]
fn a_cell_in_the_last_corner_allocates_nothing() {
    let far = workbook(|sheet| {
        for (column, name) in ["订单号", "商品名称", "数量", "币种", "单价"].iter().enumerate() {
            sheet.write(0, column as u16, *name).expect("writes");
        }
        sheet.write(1, 0, "1").expect("writes");
        sheet.write(1_048_575, 16_383, "x").expect("writes");
    });
    let got = read(vec![("f.xlsx", far)]);
    assert_eq!(got.orders.len(), 0);
    assert_eq!(got.odd.len(), 2, "both rows come back");
}

#[test]
fn gzip_is_read_through() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(format!("{HEAD}1,帽子,1,2.00,CNY\n").as_bytes()).expect("writes");
    let got = read(vec![("f", encoder.finish().expect("gzip"))]);
    assert_eq!(got.orders[0].order.total_minor, 200);
}

#[test]
fn memory_holds_open_orders_and_not_the_file() {
    let mut text = HEAD.to_owned();
    for n in 0..20_000 {
        text.push_str(&format!("N{},帽子,1,2.00,CNY\n", n / 3));
    }
    let got = read_text(&text);
    assert_eq!((got.orders.len(), got.reports[0].rows, got.odd.len()), (6_667, 20_000, 0));
    assert!(got.widest <= 2, "{} orders were open at once", got.widest);
    assert_eq!(got.orders.iter().map(|o| o.order.lines.len()).sum::<usize>(), 20_000);
}

#[test]
fn a_row_far_from_its_order_still_belongs_to_it() {
    let got = read_text(&format!("{HEAD}1,帽子,1,2.00,CNY\n2,围巾,1,2.00,CNY\n1,手套,1,2.00,CNY\n"));
    assert_eq!(got.orders.iter().map(|o| o.order.lines.len()).collect::<Vec<_>>(), vec![2, 1]);
}

#[test]
fn odd_rows_make_a_file_that_can_be_mended_and_read_again() {
    let got = read_text(&format!("{HEAD}1,=1+1,x,2.00,CNY\n2,\"a,\"\"b\"\"\",1,y,CNY\n"));
    assert_eq!(got.odd.len(), 2);
    let mut file = wharf_connect::files::OddFile::new(&got.reports);
    got.odd.iter().for_each(|row| file.add(row, &got.reports));
    let bytes = file.finish();
    let text = String::from_utf8(bytes).expect("text");
    assert!(text.contains("原因/cause") && text.contains("'=1+1"), "{text}");
    let mended = text.replace(",x,2.00", ",1,2.00").replace(",1,y,", ",1,3.00,");
    let back = read_text(&mended);
    assert!(back.odd.is_empty(), "{:?}", back.odd);
    assert_eq!(back.orders.iter().map(|o| (o.order.lines[0].title.as_str(), o.order.total_minor)).collect::<Vec<_>>(), vec![("=1+1", 200), ("a,\"b\"", 300)]);
}

fn any_outcome(bytes: Vec<u8>) {
    let options = ReadOptions { currency: Some(wharf_domain::money::CNY), ..options() };
    let _ = try_read(vec![("f", bytes)], &options);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        any_outcome(bytes);
    }

    #[test]
    fn arbitrary_rows_under_a_known_header_never_panic(body in "[-0-9a-zE+.,\"'=\t\n\r元￥张 ()/:]{0,400}") {
        any_outcome(format!("{HEAD}{body}").into_bytes());
        any_outcome(gbk(&format!("订单编号,买家会员名,宝贝标题,总金额,订单创建时间,宝贝总数量,收货地址\n{body}")));
        any_outcome(format!("amazon-order-id\titem-status\tquantity\titem-price\tcurrency\n{}", body.replace(',', "\t")).into_bytes());
    }

    #[test]
    fn an_old_workbook_with_any_byte_changed_never_panics(at in 0usize..6_000, byte in any::<u8>(), cut in 0usize..6_000) {
        let mut bytes = include_bytes!("../../../testdata/orders.xls").to_vec();
        let index = at % bytes.len();
        bytes[index] = byte;
        any_outcome(bytes.clone());
        bytes.truncate(cut);
        any_outcome(bytes);
    }

    #[test]
    fn a_workbook_cut_anywhere_never_panics(cut in 0usize..6_000) {
        let mut bytes = workbook(|sheet| {
            for n in 0..20u32 {
                sheet.write(n, 0, n).expect("writes");
                sheet.write(n, 1, "x").expect("writes");
            }
        });
        bytes.truncate(cut);
        any_outcome(bytes);
    }

    /// Every row is in an order or comes back as odd: none is lost, none is doubled.
    #[test]
    fn every_row_is_somewhere(rows in proptest::collection::vec(("[0-9]{0,2}", "[a-c]{0,1}", "[0-9x]{0,2}", "[0-9.x]{0,3}"), 1..40)) {
        let mut text = HEAD.to_owned();
        for (id, title, n, price) in &rows {
            text.push_str(&format!("{id},{title},{n},{price},CNY\n"));
        }
        let got = read_text(&text);
        let in_orders: usize = got.orders.iter().map(|o| o.rows.len()).sum();
        prop_assert_eq!(in_orders + got.odd.len(), rows.len());
        let mut numbers: Vec<u64> = got.orders.iter().flat_map(|o| o.rows.iter().map(|(_, n)| *n)).chain(got.odd.iter().map(|o| o.row)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        prop_assert_eq!(numbers.len(), rows.len());
        prop_assert_eq!(got.orders.iter().map(|o| o.order.lines.len()).sum::<usize>(), in_orders);
    }
}

const PLAIN: &str = "单号,品名,货号,数量,单价,日期\nA1,杯子,CUP,2,12.50,2026-01-02 03:04\nA2,碗,BOWL,1,3.33,2026-01-03\n";

fn plain() -> serde_json::Value {
    serde_json::json!({
        "columns": { "order_id": "单号", "title": "品名", "seller_code": "货号", "quantity": "数量", "unit_price": "单价", "placed_at": "日期" },
        "constants": { "currency": "CNY", "status": "completed" },
    })
}

#[test]
fn a_cell_that_is_merged_with_the_one_above_says_the_same() {
    let bytes = workbook(|sheet| {
        let rows = [
            ["单号", "品名", "货号", "数量", "单价", "日期"],
            ["A1", "杯子", "CUP", "2", "12.50", "2026-01-02"],
            ["", "盘子", "DISH", "1", "8.00", ""],
            ["A2", "碗", "BOWL", "1", "3.33", "2026-01-03"],
            ["", "没有单号", "LOST", "1", "1.00", ""],
        ];
        for (row, cells) in rows.iter().enumerate() {
            for (column, text) in cells.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
                sheet.write_string(row as u32, column as u16, *text).expect("a cell");
            }
        }
        let format = rust_xlsxwriter::Format::new();
        sheet.merge_range(1, 0, 2, 0, "A1", &format).expect("merged");
        sheet.merge_range(1, 5, 2, 5, "2026-01-02", &format).expect("merged");
    });
    let got = try_read(vec![("m.xlsx", bytes)], &ReadOptions { mapping: Some(plain()), ..options() }).expect("reads");
    let orders: Vec<_> = got.orders.iter().map(|o| (o.order.external_id.as_str(), o.order.lines.len(), o.order.total_minor)).collect();
    assert_eq!(orders, [("A1", 2, 3300), ("A2", 1, 333)]);
    let odd: Vec<_> = got.odd.iter().map(|row| (row.row, row.cause.code.as_str())).collect();
    assert_eq!(odd, [(5, "no_order_id")], "what is only empty is not filled");
}

#[test]
fn a_row_of_sums_is_no_order() {
    for word in ["合计", "总计：", "Grand Total", "SUBTOTAL"] {
        let got = read_mapped(&format!("{PLAIN}{word},全部,ALL,3,28.33,2026-01-03\n"), plain());
        assert_eq!((got.orders.len(), got.odd.len()), (2, 1), "{word}");
        assert!(got.odd[0].cause.detail.contains("row of sums"), "{:?}", got.odd[0].cause);
    }
}

#[test]
fn money_of_another_currency_is_not_read_as_ours() {
    let one = |price: &str| read_mapped(&format!("单号\t品名\t货号\t数量\t单价\t日期\nA1\t杯\tC\t1\t{price}\t2026-01-02\n"), plain());
    for ours in ["12.30", "RMB 12.30", "￥12.30", "¥ 12.30", "12.30元", "CNY12.30", "12.30 人民币"] {
        assert_eq!(one(ours).orders.first().map(|o| o.order.total_minor), Some(1230), "{ours}");
    }
    for theirs in ["USD 12.30", "$12.30", "US$12.30", "12.30 EUR", "€12,30", "12.30円", "£12.30", "NT$ 12.30", "THB 12.30"] {
        let got = one(theirs);
        assert_eq!((got.orders.len(), got.odd.len()), (0, 1), "{theirs}");
        assert_eq!(got.odd[0].cause.code, "bad_amount", "{theirs}");
    }
}

#[test]
fn a_zone_that_nobody_knows_is_refused_and_not_taken_for_utc() {
    let asked = |zone: &str, mapping: serde_json::Value| {
        let options = ReadOptions { mapping: Some(mapping), zone: Some(zone.to_owned()), ..options() };
        try_read(vec![("m.csv", PLAIN.as_bytes().to_vec())], &options).err().map(|refused| refused.why)
    };
    assert!(asked("Mars/Base", plain()).is_some_and(|why| why.contains("no time zone")));
    let mut named = plain();
    named["dates"] = serde_json::json!({ "zone": "Mars/Base" });
    assert!(asked("Asia/Shanghai", named).is_some());
    assert_eq!(asked("America/New_York", plain()), None);
}

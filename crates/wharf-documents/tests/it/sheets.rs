//! Sheets are read back by an independent reader.

use calamine::{Data, Reader as _, Xlsx, open_workbook_from_rs};
use std::io::Cursor;
use wharf_documents::{
    Sheet, TimeZone, render_csv, render_xlsx,
    sheet::{Cell, Column, ColumnKind},
};
use wharf_domain::{
    money::{CNY, Currency, Money},
    time::Timestamp,
};

fn sheet() -> Sheet {
    let columns =
        [("订单号", ColumnKind::Text), ("件数", ColumnKind::Integer), ("金额", ColumnKind::Money), ("付款时间", ColumnKind::Time)];
    let columns = columns.map(|(title, kind)| Column { title: title.to_owned(), kind }).to_vec();
    Sheet { name: "订单/2026".to_owned(), columns, zone: TimeZone::fixed(jiff::tz::offset(8)) }
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

#[test]
fn a_workbook_gives_back_what_was_put_in() {
    let rows = [
        vec![text("29876543210123456789"), Cell::Integer(3), Cell::Money(Money::new(123_456, CNY)), Cell::Time(Timestamp::from_seconds(0))],
        vec![text("=HYPERLINK(\"http://x\")"), Cell::Integer(i64::MAX), Cell::Empty, Cell::Empty],
        vec![text("emoji 🎁 \u{1} <&>"), Cell::Integer(-1), Cell::Money(Money::new(-7, Currency::new("JPY").expect("yen"))), Cell::Empty],
    ];
    let bytes = render_xlsx(&sheet(), Timestamp::from_seconds(1_795_273_445), rows.clone()).expect("a workbook");
    assert_eq!(bytes, render_xlsx(&sheet(), Timestamp::from_seconds(1_795_273_445), rows).expect("a workbook"), "same bytes");
    let mut book: Xlsx<_> = open_workbook_from_rs(Cursor::new(bytes)).expect("readable");
    assert_eq!(book.sheet_names(), ["订单 2026"]);
    let range = book.worksheet_range("订单 2026").expect("a worksheet");
    let at = |row: u32, column: u32| range.get_value((row, column)).cloned().unwrap_or(Data::Empty);
    assert_eq!(at(0, 3), Data::String("付款时间".to_owned()));
    assert_eq!(at(1, 0), Data::String("29876543210123456789".to_owned()));
    assert_eq!((at(1, 1), at(1, 2)), (Data::Float(3.0), Data::Float(1234.56)));
    let Data::DateTime(time) = at(1, 3) else { panic!("a time: {:?}", at(1, 3)) };
    assert!((time.as_f64() - (25_569.0 + 8.0 / 24.0)).abs() < 1e-9);
    assert_eq!(at(2, 0), Data::String("=HYPERLINK(\"http://x\")".to_owned()));
    assert_eq!(at(2, 1), Data::String(i64::MAX.to_string()));
    assert_eq!(at(3, 2), Data::Float(-7.0));
    assert!(book.worksheet_formula("订单 2026").expect("formulas").is_empty(), "no formula is ever written");
}

#[test]
fn an_empty_list_is_still_a_sheet_with_its_head() {
    let bytes = render_xlsx(&sheet(), Timestamp(0), []).expect("a workbook");
    let mut book: Xlsx<_> = open_workbook_from_rs(Cursor::new(bytes)).expect("readable");
    assert_eq!(book.worksheet_range("订单 2026").expect("a worksheet").height(), 1);
    assert_eq!(render_csv(&sheet(), []), "\u{feff}订单号,件数,金额,付款时间\r\n".as_bytes());
}

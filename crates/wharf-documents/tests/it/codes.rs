//! Every symbology is read back by an independent reader, for any text that it can hold.

use crate::reading::Sheet;
use proptest::prelude::*;
use rxing::BarcodeFormat;
use wharf_documents::{
    DocumentError,
    barcode::{Bars, code128, ean13, qr},
};

/// Bars as a picture: three dots a module, sixty high, with their quiet zones.
fn draw(bars: &Bars) -> Sheet {
    let quiet = vec![false; bars.quiet_modules];
    let modules: Vec<bool> = [&quiet[..], &bars.modules, &quiet].concat();
    let row: Vec<u8> = modules.iter().flat_map(|dark| [if *dark { 0 } else { 255 }; 3]).collect();
    let mut sheet = Sheet::white(row.len(), 60);
    sheet.pixels = row.repeat(60);
    sheet
}

#[test]
fn code_128_uses_the_shortest_mix_of_its_sets() {
    // Symbols: (modules − 13 of the stop) / 11, start and check included.
    let symbols = |text: &str| (code128(text).expect("ASCII").modules.len() - 13) / 11;
    for (text, expected) in [
        ("A", 3),
        ("12", 3),
        ("123456", 5),
        ("1234567", 7), // C for six, then one switch and one digit
        ("AB123456", 2 + 2 + 1 + 3),
        ("AB12", 6), // two digits do not pay a switch
        ("WH2611021000001", 2 + 3 + 1 + 6),
        ("a\tb", 2 + 2 + 2), // a shift, not two switches
        ("\t\n\r", 2 + 3),   // set A alone
    ] {
        assert_eq!(symbols(text), expected, "{text:?}");
    }
}

#[test]
fn what_no_code_can_hold_is_refused_with_a_cause() {
    for (made, part) in [
        (code128("").map(|_| ()), "empty"),
        (code128("运单1").map(|_| ()), "ASCII"),
        (ean13("12345").map(|_| ()), "12 or 13 digits"),
        (ean13("6901234567890").map(|_| ()), "check digit"),
        (qr(&"x".repeat(5000)).map(|_| ()), "too long"),
    ] {
        let error = made.expect_err("refused");
        assert!(matches!(error, DocumentError::Barcode { .. }) && error.to_string().contains(part), "{error}");
    }
}

#[test]
fn an_ean_is_known_by_its_check_digit() {
    for ean in ["6901234567892", "4006381333931", "0012345678905"] {
        let sheet = draw(&ean13(ean).expect("valid"));
        assert_eq!(sheet.scan(BarcodeFormat::EAN_13).as_deref(), Some(ean));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_ascii_text_survives_code_128(text in "[\\x00-\\x7f]{1,24}") {
        prop_assert_eq!(draw(&code128(&text).expect("ASCII")).scan(BarcodeFormat::CODE_128), Some(text));
    }

    #[test]
    fn any_waybill_number_survives_code_128(text in "[A-Z]{0,4}[0-9]{6,20}[A-Z]{0,2}") {
        prop_assert_eq!(draw(&code128(&text).expect("ASCII")).scan(BarcodeFormat::CODE_128), Some(text));
    }

    #[test]
    fn any_twelve_digits_survive_ean_13(digits in "[0-9]{12}") {
        let read = draw(&ean13(&digits).expect("digits")).scan(BarcodeFormat::EAN_13).unwrap_or_default();
        prop_assert_eq!(&read[..read.len().min(12)], &digits);
    }

    #[test]
    fn any_text_survives_qr(text in "[A-Za-z0-9一-龥 ./:-]{1,60}") {
        let code = qr(&text).expect("short");
        let side = (code.side + 8) * 4;
        let mut sheet = Sheet::white(side, side);
        for (at, _) in code.modules.iter().enumerate().filter(|(_, dark)| **dark) {
            let (x, y) = ((at % code.side + 4) * 4, (at / code.side + 4) * 4);
            for row in y..y + 4 {
                sheet.pixels[row * side + x..row * side + x + 4].fill(0);
            }
        }
        prop_assert_eq!(sheet.scan(BarcodeFormat::QR_CODE), Some(text));
    }
}

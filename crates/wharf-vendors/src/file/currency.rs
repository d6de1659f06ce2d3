//! Words of money: which currencies a sign or a code in a cell may stand for.

use super::cell::optional;
use wharf_domain::money::Currency;

/// Which currencies a word may stand for. Longer words come first: `US$` holds `$`.
const WORDS_OF: &[(&str, &[&str])] = &[
    ("US$", &["USD"]), ("HK$", &["HKD"]), ("NT$", &["TWD"]), ("C$", &["CAD"]), ("A$", &["AUD"]), ("R$", &["BRL"]), ("人民币", &["CNY"]), ("RMB", &["CNY"]),
    ("CN¥", &["CNY"]), ("円", &["JPY"]), ("￥", &["CNY", "JPY"]), ("¥", &["CNY", "JPY"]), ("元", &["CNY", "HKD", "TWD", "MOP"]), ("€", &["EUR"]),
    ("£", &["GBP", "EGP"]), ("฿", &["THB"]), ("₫", &["VND"]), ("₱", &["PHP"]), ("₹", &["INR"]), ("₩", &["KRW"]), ("zł", &["PLN"]),
    ("$", &["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "CLP", "COP", "ARS", "MOP"]),
];

/// The currency word in a cell, where it cannot stand for the currency of the order: dollars are not read as yuan.
pub(crate) fn other_currency(cell: &str, currency: Currency) -> Option<&'static str> {
    let text: String = optional(cell)?.chars().map(|c| if c == '＄' { '$' } else { c }).collect();
    if let Some((word, codes)) = WORDS_OF.iter().find(|(word, _)| text.contains(word)) {
        return (!codes.contains(&currency.code())).then_some(*word);
    }
    // An ISO code before or behind the digits.
    let code: String = text.chars().filter(char::is_ascii_alphabetic).collect();
    match Currency::new(&code) {
        Ok(named) if code.len() == 3 && named != currency => Some("another currency"),
        _ => None,
    }
}

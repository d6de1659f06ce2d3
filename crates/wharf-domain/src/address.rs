//! Recipients: clear, masked, or only a token that stands for the address (a channel may never give more).

use serde::{Deserialize, Serialize};

/// The parts of an address that are not personal: what routing, lists and reports may use in clear.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Region {
    /// ISO 3166-1 alpha-2, upper case (`CN`, `GB`); empty when the channel did not say.
    pub country: String,
    /// Province or state.
    pub province: String,
    /// City.
    pub city: String,
    /// District or county.
    pub district: String,
    /// Town or street office (街道 / 镇).
    pub town: String,
    /// Postal code.
    pub postal_code: String,
}

/// The personal part of a recipient. It has no `Debug`: it must not reach a log.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PersonalData {
    /// Full name.
    pub name: String,
    /// Phone as the channel gave it (may be virtual, with an extension).
    pub phone: String,
    /// Street, house, flat.
    pub address: String,
}

/// Who receives. `personal` holds what the channel gave: clear or already masked with `*`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recipient {
    /// Where, in clear.
    pub region: Region,
    /// Who, sealed at rest.
    pub personal: PersonalData,
    /// The channel's token for the whole recipient (Taobao OAID and its like). Equality proves the same recipient;
    /// inequality proves nothing.
    pub token: Option<String>,
    /// True when `personal` is masked by the channel: it may be shown, and must never serve as an identity.
    pub masked: bool,
}

/// `张*`, `J***`: the first character stays.
pub fn mask_name(name: &str) -> String {
    let mut chars = name.trim().chars();
    match chars.next() {
        None => String::new(),
        Some(first) => {
            let rest = chars.count().clamp(1, 3);
            format!("{first}{}", "*".repeat(rest))
        }
    }
}

/// `138****5678`: the first three and the last four digits stay; anything shorter than eight keeps its last two.
pub fn mask_phone(phone: &str) -> String {
    let chars: Vec<char> = phone.trim().chars().collect();
    match chars.len() {
        0 => String::new(),
        1..=7 => {
            let keep = chars.len().min(2);
            format!("{}{}", "*".repeat(chars.len() - keep), chars[chars.len() - keep..].iter().collect::<String>())
        }
        n => format!("{}{}{}", chars[..3].iter().collect::<String>(), "*".repeat(n - 7), chars[n - 4..].iter().collect::<String>()),
    }
}

/// Street addresses are shown as stars only: the region says enough for a list.
pub fn mask_address(address: &str) -> String {
    if address.trim().is_empty() { String::new() } else { "****".to_owned() }
}

/// Digits of a phone, with a leading Chinese country code removed: the form that blind indexes hash.
pub fn normal_phone(phone: &str) -> String {
    let main = phone.split([',', '#', 'x', 'X', '转']).next().unwrap_or_default();
    // A virtual number carries its extension behind a dash (`13812345678-1234`); dashes inside a number are layout.
    let main = match main.split_once('-') {
        Some((number, extension)) if number.chars().filter(char::is_ascii_digit).count() >= 11 && extension.len() <= 6 => number,
        _ => main,
    };
    let digits: String = main.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_prefix("0086").map(str::to_owned).unwrap_or(digits);
    match digits.strip_prefix("86") {
        Some(rest) if rest.len() == 11 && rest.starts_with('1') => rest.to_owned(),
        _ => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_keep_what_a_person_needs_to_recognise_and_no_more() {
        assert_eq!(mask_name("张三丰"), "张**");
        assert_eq!(mask_name(""), "");
        assert_eq!(mask_phone("13812345678"), "138****5678");
        assert_eq!(mask_phone("12345"), "***45");
        assert_eq!(mask_address("文一西路 969 号"), "****");
        assert_eq!(normal_phone("+86 138-1234-5678"), "13812345678");
        assert_eq!(normal_phone("+8613812345678"), "13812345678");
        assert_eq!(normal_phone("13812345678-1234"), "13812345678");
    }
}

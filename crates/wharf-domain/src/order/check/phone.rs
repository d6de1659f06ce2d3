//! C3: can this phone be right, and if not, is the right one obvious? A correction is proposed only when exactly one
//! reading makes sense.

use super::{Finding, ask_buyer, fix, release};
use crate::address::{Recipient, mask_phone, normal_phone};
use crate::hold::{FindingCode, Severity};
use serde_json::json;

pub(super) fn check(recipient: Option<&Recipient>, home_country: &str, severity: Severity) -> Option<Finding> {
    // Without a recipient there is no address either: that finding says it.
    let recipient = recipient?;
    let country = if recipient.region.country.is_empty() { home_country } else { recipient.region.country.as_str() };
    let phone = recipient.personal.phone.trim();
    if is_valid(phone, country) {
        return None;
    }
    let proposals = corrections(phone, country);
    let mut fixes = Vec::new();
    if let [only] = proposals.as_slice() {
        fixes.push(fix("correct_phone", json!({ "masked": mask_phone(only) }), "edit_address", json!({ "accept": "phone" })));
    }
    fixes.push(ask_buyer("phone"));
    fixes.push(release(FindingCode::PhoneInvalid));
    Some(Finding {
        code: FindingCode::PhoneInvalid,
        severity,
        params: json!({ "masked": mask_phone(phone), "digits": phone.chars().filter(char::is_ascii_digit).count(), "country": country, "fixes": fixes }),
        seen: phone.to_owned(),
    })
}

/// Whether a phone can be right. A masked Chinese mobile is judged by its length, any other masked phone is believed.
pub fn is_valid(phone: &str, country: &str) -> bool {
    let phone = phone.trim();
    if phone.is_empty() {
        return false;
    }
    let foreign = country != "CN" || (phone.starts_with('+') && !phone.starts_with("+86"));
    if phone.contains('*') {
        let is_mobile = !foreign && phone.starts_with('1') && phone.chars().all(|c| c.is_ascii_digit() || c == '*');
        return !is_mobile || phone.len() == 11;
    }
    if phone.chars().any(char::is_alphabetic) && !phone.contains('转') && !phone.to_ascii_lowercase().contains('x') {
        return false;
    }
    let digits = normal_phone(phone);
    if foreign {
        return (6..=15).contains(&digits.len());
    }
    is_chinese(&digits)
}

fn is_chinese(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    match bytes {
        [b'1', second, ..] if bytes.len() == 11 => (b'3'..=b'9').contains(second),
        // Area code and number: 010-12345678, 0571-1234567.
        [b'0', b'1', third, ..] => *third == b'0' && (10..=11).contains(&bytes.len()),
        [b'0', second, ..] => (b'2'..=b'9').contains(second) && (10..=12).contains(&bytes.len()),
        [b'4', b'0', b'0', ..] | [b'8', b'0', b'0', ..] => bytes.len() == 10,
        _ => false,
    }
}

/// Every phone that one obvious slip away from `phone` would be right. One element is an obvious correction, several
/// are a guess.
pub fn corrections(phone: &str, country: &str) -> Vec<String> {
    if country != "CN" || phone.contains('*') {
        return Vec::new();
    }
    let read: String = phone
        .chars()
        .filter_map(|c| match c {
            '\u{ff10}'..='\u{ff19}' => char::from_u32(c as u32 - 0xff10 + u32::from(b'0')),
            'O' | 'o' | '〇' | '零' | 'Ｏ' => Some('0'),
            'l' | 'I' | 'i' | '|' | '一' => Some('1'),
            c if c.is_ascii_digit() => Some(c),
            _ => None,
        })
        .collect();
    let read = read.strip_prefix("0086").or_else(|| read.strip_prefix("86").filter(|r| r.len() >= 11)).unwrap_or(&read).to_owned();
    if read.is_empty() {
        return Vec::new();
    }
    if is_chinese(&read) {
        return if read == phone.trim() { Vec::new() } else { vec![read] };
    }
    let mut found: Vec<String> = Vec::new();
    let mut add = |candidate: String| {
        if is_chinese(&candidate) && candidate.len() == 11 && candidate.starts_with('1') && !found.contains(&candidate) {
            found.push(candidate);
        }
    };
    match read.len() {
        // A mobile without its leading 1 (second digits 3–9 are the only ones mobiles have).
        10 if !read.starts_with('1') && !read.starts_with('0') => add(format!("1{read}")),
        // A zero before a mobile.
        12 if read.starts_with("01") => add(read[1..].to_owned()),
        // A key that was hit twice.
        12 => {
            for index in 1..read.len() {
                if read.as_bytes()[index] == read.as_bytes()[index - 1] {
                    add(format!("{}{}", &read[..index], &read[index + 1..]));
                }
            }
        }
        _ => {}
    }
    found
}

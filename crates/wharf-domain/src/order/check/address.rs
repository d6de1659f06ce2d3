//! C2: does the address name everything that a courier needs? Judged by the real divisions, never by its length alone.

use super::{Finding, Fix, ask_buyer, fix, release};
use crate::address::{Recipient, Region};
use crate::divisions::{self, City, District};
use crate::hold::{FindingCode, Severity};
use serde_json::json;

pub(super) fn check(recipient: Option<&Recipient>, home_country: &str, severity: Severity) -> Option<Finding> {
    let nobody = Recipient::default();
    let recipient = recipient.unwrap_or(&nobody);
    let region = &recipient.region;
    let country = if region.country.is_empty() { home_country } else { region.country.as_str() };
    let (missing, fixes) = if country == "CN" { chinese(recipient) } else { foreign(recipient) };
    if missing.is_empty() {
        return None;
    }
    let mut numbered = fixes;
    numbered.push(ask_buyer("address"));
    numbered.push(release(FindingCode::AddressIncomplete));
    numbered.truncate(3);
    Some(Finding {
        code: FindingCode::AddressIncomplete,
        severity,
        params: json!({
            "missing": missing,
            "country": country, "province": region.province, "city": region.city, "district": region.district,
            "fixes": numbered,
        }),
        seen: [
            region.province.as_str(),
            &region.city,
            &region.district,
            &region.town,
            &recipient.personal.address,
            recipient.token.as_deref().unwrap_or_default(),
        ]
        .join("\n"),
    })
}

fn foreign(recipient: &Recipient) -> (Vec<&'static str>, Vec<Fix>) {
    let mut missing = Vec::new();
    if recipient.personal.name.trim().is_empty() {
        missing.push("name");
    }
    if recipient.region.city.trim().is_empty() && recipient.region.postal_code.trim().is_empty() {
        missing.push("city");
    }
    if recipient.personal.address.trim().is_empty() {
        missing.push("street");
    }
    (missing, Vec::new())
}

fn chinese(recipient: &Recipient) -> (Vec<&'static str>, Vec<Fix>) {
    let region = &recipient.region;
    let text = recipient.personal.address.trim();
    let mut missing = Vec::new();
    if recipient.personal.name.trim().is_empty() {
        missing.push("name");
    }
    let province = divisions::province(&region.province);
    if province.is_none() {
        missing.push("province");
    }
    let city = province.and_then(|p| p.city(&region.city));
    // Where the table knows no cities (香港, 澳门, 台湾) the street is all that can be asked for.
    let is_known_deeper = province.is_none_or(|p| !p.cities.is_empty());
    if is_known_deeper {
        if city.is_none() && region.city.trim().is_empty() {
            missing.push("city");
        }
        let needs_district = city.is_none_or(|c| !c.is_undivided());
        if needs_district && region.district.trim().is_empty() {
            missing.push("district");
        }
    }
    // An all-masked street is a street; an empty one, or one that only repeats the region, is none.
    if street_of(text, region).is_empty() {
        missing.push("street");
    }
    let fixes = city.map(|city| complete(city, region, text)).unwrap_or_default();
    let needed = missing.iter().any(|part| matches!(*part, "district" | "street"));
    (missing, if needed { fixes } else { Vec::new() })
}

/// What is left of the address text when the names of the region are taken from its front.
fn street_of<'a>(text: &'a str, region: &Region) -> &'a str {
    let mut rest = text;
    for name in [&region.country, &region.province, &region.city, &region.district, &region.town] {
        if !name.is_empty() {
            rest = rest.trim_start().strip_prefix(name.as_str()).unwrap_or(rest);
        }
    }
    rest.trim_matches(|c: char| c.is_whitespace() || matches!(c, ',' | '，' | '-' | '/' | '.' | '。' | '、'))
}

/// Districts and towns that the address text itself names.
fn complete(city: &City, region: &Region, text: &str) -> Vec<Fix> {
    let named = city.district(&region.district);
    let mut fixes = Vec::new();
    let candidates: Vec<&District> = match named {
        Some(district) => vec![district],
        None => city.districts.iter().collect(),
    };
    for district in candidates {
        let says_district = text.contains(district.place.name);
        let town = district.towns().find(|town| text.contains(town) || (region.town == *town && !town.is_empty()));
        if named.is_none() && (says_district || town.is_some()) {
            let town = town.unwrap_or_default();
            fixes.push(complete_with(city, district, town));
        }
    }
    fixes.truncate(2);
    fixes
}

fn complete_with(city: &City, district: &District, town: &str) -> Fix {
    let region = json!({ "city": city.place.name, "district": district.place.name, "town": town });
    fix("complete_region", region.clone(), "edit_address", json!({ "region": region }))
}

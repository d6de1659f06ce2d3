//! What a manifest must say, in both languages.

use crate::manifest::{CredentialField, Label, Manifest};
use std::collections::BTreeSet;

fn has_both(label: &Label, what: &str) {
    assert!(!label.en.trim().is_empty(), "{what}: no English");
    assert!(!label.zh.trim().is_empty(), "{what}: no Chinese");
}

fn fields_are_complete(fields: &[CredentialField], group: &str) {
    let mut names = BTreeSet::new();
    for field in fields {
        assert!(
            field.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') && !field.name.is_empty(),
            "{group}: {:?} is no field name",
            field.name
        );
        assert!(names.insert(field.name), "{group}: {} appears twice", field.name);
        has_both(&field.label, field.name);
        has_both(&field.help, field.name);
        assert!(!field.secret || field.default.is_empty(), "{}: a secret has no default", field.name);
    }
}

/// Panics with what is missing.
pub fn manifest_is_complete(manifest: &Manifest) {
    assert!(
        manifest.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') && !manifest.id.is_empty(),
        "id {:?}",
        manifest.id
    );
    has_both(&manifest.name, "name");
    fields_are_complete(manifest.credentials, "credentials");
    fields_are_complete(manifest.settings, "settings");
    assert!(manifest.settings.iter().all(|field| !field.secret), "what is secret belongs to the credentials");
    if !manifest.hosts.is_empty() {
        assert!(
            manifest.settings.iter().any(|field| field.name == "base_url"),
            "an account must be able to name another address: `base_url`"
        );
    }
    assert!(manifest.pace.per_minute > 0 && manifest.pace.burst > 0, "pace");
    assert!(manifest.secret_headers.iter().all(|name| name.bytes().all(|b| !b.is_ascii_uppercase())), "header names are lower case");
    let logo = manifest.logo_svg.trim();
    assert!(logo.starts_with("<svg") && logo.ends_with("</svg>") && logo.len() < 8_000, "the logo is a small SVG");
    assert!(!logo.contains("<script") && !logo.contains("href") && !logo.contains("<image"), "the logo draws and nothing else");
    assert!(jiff::tz::TimeZone::get(manifest.zone).is_ok(), "{} is no time zone", manifest.zone);
    assert!(wharf_domain::money::Currency::new(manifest.currency).is_ok(), "{} is no currency", manifest.currency);
    assert!(manifest.docs_url.is_empty() || manifest.docs_url.starts_with("https://"), "docs_url");
}

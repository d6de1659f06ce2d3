//! The policy of a shop, the facts its rules see and the trace they leave: which rule, which version, which inputs.

use crate::id::ShopId;
use crate::money::Currency;
use crate::order::check::CheckPolicy;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a shop wants: which checks, what passes untouched, who may share a parcel. Absent parts have their defaults.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShopPolicy {
    /// Rises with every change; traces name it.
    pub version: i64,
    /// The checks.
    pub checks: CheckPolicy,
    /// What passes without a person.
    pub approval: ApprovalPolicy,
    /// Parcels.
    pub parcels: ParcelPolicy,
    /// Personal data.
    pub privacy: PrivacyPolicy,
    /// When to sound.
    pub alarms: AlarmPolicy,
}

/// When a shop sounds an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlarmPolicy {
    /// Hours without an order after which the shop is silent, beside the comparison with its own habit. `None` = habit alone.
    pub silent_hours: Option<u32>,
}

/// How long personal data are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivacyPolicy {
    /// Days after an order has ended; shortens what the channel allows and never lengthens it. `None` = as long as it allows.
    pub keep_days: Option<u32>,
}

impl PrivacyPolicy {
    /// Days that hold, where the channel allows so many.
    pub fn days(self, allowed: u32) -> u32 {
        self.keep_days.map_or(allowed, |days| days.min(allowed))
    }
}

/// Which clean orders pass without a person. Every condition that is set must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApprovalPolicy {
    /// False: a person approves every order.
    pub automatic: bool,
    /// The largest total that passes, in minor units of the shop's currency.
    pub max_total_minor: Option<i64>,
    /// The largest total of a buyer without an earlier paid order that passes.
    pub max_total_new_buyer_minor: Option<i64>,
    /// The most units that pass.
    pub max_units: Option<i64>,
    /// Only buyers with an earlier paid order pass.
    pub returning_buyers_only: bool,
    /// Only these countries pass (ISO codes); empty = any.
    pub countries: Vec<String>,
    /// Only provinces that begin so pass; empty = any.
    pub provinces: Vec<String>,
    /// An order with a seller's note waits for a person.
    pub seller_note_waits: bool,
    /// An order with a finding of severity `warn` waits for a person.
    pub warnings_wait: bool,
}

impl Default for ApprovalPolicy {
    fn default() -> Self {
        ApprovalPolicy {
            automatic: true,
            max_total_minor: None,
            max_total_new_buyer_minor: None,
            max_units: None,
            returning_buyers_only: false,
            countries: Vec::new(),
            provinces: Vec::new(),
            seller_note_waits: false,
            warnings_wait: true,
        }
    }
}

/// Who may share a parcel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ParcelPolicy {
    /// Orders of one recipient go into one parcel without being asked.
    pub merge: bool,
    /// Other shops whose orders may join a parcel of this shop.
    pub with_shops: Vec<ShopId>,
}

impl Default for ParcelPolicy {
    fn default() -> Self {
        ParcelPolicy { merge: true, with_shops: Vec::new() }
    }
}

/// What the approval rule sees of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovalFacts<'a> {
    /// What the buyer pays.
    pub total_minor: i64,
    /// In which currency.
    pub currency: Currency,
    /// Units to send.
    pub units: i64,
    /// The buyer has an earlier paid order.
    pub buyer_returning: bool,
    /// Country of the recipient.
    pub country: &'a str,
    /// Province of the recipient.
    pub province: &'a str,
    /// What the seller wrote.
    pub seller_note: &'a str,
    /// Open findings of severity `warn`, by their words.
    pub warnings: &'a [String],
}

/// Why an automatic decision came out as it did: stored with the decision and told in the timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The rule.
    pub rule: String,
    /// Its version.
    pub version: i64,
    /// What it looked at.
    pub inputs: Value,
    /// Conditions that failed, each `{code, limit?, actual?}`; empty when it passed.
    pub reasons: Vec<Value>,
}

/// The name of the approval rule in traces.
pub const APPROVAL_RULE: &str = "approval";

/// Whether an order passes without a person, and why (not).
pub fn approve(facts: &ApprovalFacts<'_>, policy: &ApprovalPolicy, version: i64, shop_currency: Currency) -> Trace {
    let mut reasons = Vec::new();
    if !policy.automatic {
        reasons.push(json!({ "code": "not_automatic" }));
    }
    let limits = [
        ("total_over", policy.max_total_minor),
        ("new_buyer_total_over", policy.max_total_new_buyer_minor.filter(|_| !facts.buyer_returning)),
    ];
    for (code, limit) in limits {
        let Some(limit) = limit else { continue };
        if facts.currency != shop_currency {
            reasons.push(json!({ "code": "other_currency", "actual": facts.currency, "limit": shop_currency }));
        } else if facts.total_minor > limit {
            reasons.push(json!({ "code": code, "actual": facts.total_minor, "limit": limit, "currency": shop_currency }));
        }
    }
    if let Some(limit) = policy.max_units
        && facts.units > limit
    {
        reasons.push(json!({ "code": "units_over", "actual": facts.units, "limit": limit }));
    }
    if policy.returning_buyers_only && !facts.buyer_returning {
        reasons.push(json!({ "code": "new_buyer" }));
    }
    if !policy.countries.is_empty() && !policy.countries.iter().any(|c| c.eq_ignore_ascii_case(facts.country)) {
        reasons.push(json!({ "code": "country", "actual": facts.country, "limit": policy.countries }));
    }
    if !policy.provinces.is_empty() && !policy.provinces.iter().any(|p| !p.is_empty() && facts.province.starts_with(p.as_str())) {
        reasons.push(json!({ "code": "province", "actual": facts.province, "limit": policy.provinces }));
    }
    if policy.seller_note_waits && !facts.seller_note.trim().is_empty() {
        reasons.push(json!({ "code": "seller_note" }));
    }
    if policy.warnings_wait {
        reasons.extend(facts.warnings.iter().map(|code| json!({ "code": "warning", "actual": code })));
    }
    Trace {
        rule: APPROVAL_RULE.to_owned(),
        version,
        inputs: json!({
            "total_minor": facts.total_minor, "currency": facts.currency, "units": facts.units, "buyer_returning": facts.buyer_returning,
            "country": facts.country, "province": facts.province, "has_seller_note": !facts.seller_note.trim().is_empty(), "warnings": facts.warnings,
        }),
        reasons,
    }
}

impl Trace {
    /// Nothing stood in the way.
    pub fn passed(&self) -> bool {
        self.reasons.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::CNY;

    fn facts<'a>() -> ApprovalFacts<'a> {
        ApprovalFacts {
            total_minor: 20_000,
            currency: CNY,
            units: 3,
            buyer_returning: false,
            country: "CN",
            province: "浙江省",
            seller_note: "",
            warnings: &[],
        }
    }

    #[test]
    fn a_clean_order_passes_and_says_by_which_version() {
        let trace = approve(&facts(), &ApprovalPolicy::default(), 7, CNY);
        assert!(trace.passed());
        assert_eq!((trace.rule.as_str(), trace.version), ("approval", 7));
    }

    #[test]
    fn every_condition_that_fails_is_named_with_its_numbers() {
        let policy = ApprovalPolicy {
            max_total_minor: Some(10_000),
            max_total_new_buyer_minor: Some(5_000),
            max_units: Some(2),
            returning_buyers_only: true,
            countries: vec!["us".into()],
            provinces: vec!["江苏".into()],
            seller_note_waits: true,
            ..ApprovalPolicy::default()
        };
        let warnings = ["remote_area".to_owned()];
        let trace = approve(&ApprovalFacts { seller_note: "vip", warnings: &warnings, ..facts() }, &policy, 1, CNY);
        let codes: Vec<&str> = trace.reasons.iter().filter_map(|r| r["code"].as_str()).collect();
        assert_eq!(
            codes,
            ["total_over", "new_buyer_total_over", "units_over", "new_buyer", "country", "province", "seller_note", "warning"]
        );
        assert_eq!(trace.reasons[0], json!({ "code": "total_over", "actual": 20_000, "limit": 10_000, "currency": "CNY" }));
    }

    #[test]
    fn another_currency_is_never_compared_with_the_limit() {
        let usd = Currency::new("USD").expect("dollar");
        let trace = approve(
            &ApprovalFacts { currency: usd, total_minor: 1, ..facts() },
            &ApprovalPolicy { max_total_minor: Some(10), ..ApprovalPolicy::default() },
            1,
            CNY,
        );
        assert_eq!(trace.reasons[0]["code"], "other_currency");
    }

    #[test]
    fn a_policy_is_read_from_its_parts() {
        let policy: ShopPolicy =
            serde_json::from_str(r#"{"approval":{"max_total_minor":100},"parcels":{"with_shops":["5"]}}"#).expect("a part");
        assert_eq!(policy.approval.max_total_minor, Some(100));
        assert!(policy.approval.automatic && policy.parcels.merge);
        assert_eq!(policy.parcels.with_shops, [ShopId(5)]);
        assert!(serde_json::from_str::<ShopPolicy>(r#"{"aproval":{}}"#).is_err(), "a misspelt policy is an error, not a default");
    }
}

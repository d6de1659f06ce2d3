//! Checks: what is wrong with an order that is about to be shipped, in words, with the 1–3 likely fixes. Each check can
//! be switched by the shop's policy; a `block` finding places the hold of the same word.

mod address;
mod note;
mod phone;

pub use phone::{corrections as phone_corrections, is_valid as phone_is_valid};

use super::channel::ChannelHold;
use super::{FulfilledBy, LineRefund, Payment};
use crate::address::Recipient;
use crate::hold::{FindingCode, Severity};
use crate::id::OrderId;
use crate::money::Currency;
use crate::order::phase::ChannelProgress;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a check found.
#[derive(Clone, PartialEq)]
pub struct Finding {
    /// What it is.
    pub code: FindingCode,
    /// How much it matters.
    pub severity: Severity,
    /// Values for the sentence, and `fixes`. Never personal data in clear.
    pub params: Value,
    /// What was looked at. It may hold personal data: keep only its keyed hash. A person who lets a finding pass lets
    /// exactly this sight pass.
    pub seen: String,
}

/// A likely fix: `action` is a bulk action of the API, `body` what it takes besides the ids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    /// A word that the screens translate.
    pub code: String,
    /// Values for the sentence.
    pub params: Value,
    /// The action; empty when the fix is something a person does elsewhere (asking the buyer).
    pub action: String,
    /// What the action takes.
    pub body: Value,
}

/// The checks of a shop: which are on, how hard, with what limits. `None` is off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckPolicy {
    /// Missing province, city, district or street.
    pub address: Option<Severity>,
    /// A phone that cannot be right.
    pub phone: Option<Severity>,
    /// Lines, shipping, tax and discount do not make the total.
    pub amount: Option<Severity>,
    /// The same goods for the same buyer, placed within `duplicate_hours`.
    pub duplicate: Option<Severity>,
    /// How far apart two like orders are still suspicious.
    pub duplicate_hours: i64,
    /// The buyer is on the blacklist.
    pub blacklist: Option<Severity>,
    /// A line of at least `odd_quantity` units, or of none.
    pub quantity: Option<Severity>,
    /// From how many units a line is unusual.
    pub odd_quantity: i64,
    /// The region is one of `remote_regions`.
    pub remote: Option<Severity>,
    /// Beginnings of province or city names.
    pub remote_regions: Vec<String>,
    /// The buyer wrote something that is more than a courtesy.
    pub buyer_note: Option<Severity>,
}

impl Default for CheckPolicy {
    fn default() -> Self {
        CheckPolicy {
            address: Some(Severity::Block),
            phone: Some(Severity::Block),
            amount: Some(Severity::Block),
            duplicate: Some(Severity::Block),
            duplicate_hours: 24,
            blacklist: Some(Severity::Block),
            quantity: Some(Severity::Block),
            odd_quantity: 100,
            remote: Some(Severity::Info),
            remote_regions: ["西藏", "新疆", "青海", "内蒙古", "宁夏"].map(str::to_owned).to_vec(),
            buyer_note: Some(Severity::Block),
        }
    }
}

/// An order that looks like the one at hand and was placed before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// The earlier order.
    pub id: OrderId,
    /// Its number on the channel.
    pub external_id: String,
}

/// One line, as far as checks care.
#[derive(Clone, PartialEq)]
pub struct CheckLine {
    /// The channel's line id.
    pub external_id: String,
    /// As sold.
    pub title: String,
    /// Units bought.
    pub ordered: i64,
    /// Units that will not be sent.
    pub cancelled: i64,
    /// Units that have left.
    pub shipped: i64,
    /// What the buyer pays for them.
    pub total_minor: i64,
    /// What the buyer asked back.
    pub refund: LineRefund,
}

/// Everything that the checks look at.
pub struct CheckInput<'a> {
    /// What the buyer's money did.
    pub payment: Payment,
    /// Shipped before it is paid.
    pub cash_on_delivery: bool,
    /// Who ships.
    pub fulfilled_by: FulfilledBy,
    /// How far the channel says it is.
    pub progress: ChannelProgress,
    /// The channel's status word.
    pub observed_status: &'a str,
    /// That word has a meaning here.
    pub status_known: bool,
    /// The channel's reasons not to ship.
    pub do_not_ship: &'a [ChannelHold],
    /// Who receives.
    pub recipient: Option<&'a Recipient>,
    /// Country of the shop, for recipients whose channel does not name one.
    pub home_country: &'a str,
    /// Currency of the amounts.
    pub currency: Currency,
    /// What the buyer pays in all.
    pub total_minor: i64,
    /// Postage.
    pub shipping_minor: i64,
    /// Tax on top.
    pub tax_minor: i64,
    /// Order-level discount that is not in the lines.
    pub discount_minor: i64,
    /// What the buyer wrote.
    pub buyer_note: &'a str,
    /// What was bought.
    pub lines: &'a [CheckLine],
    /// A like order placed before.
    pub twin: Option<&'a Twin>,
    /// The kind of blacklist entry that matches (`buyer`, `phone`, `name`).
    pub blacklisted: Option<&'a str>,
}

/// All findings of an order, in the order of their codes. Only an order that we still have to ship is checked; one that
/// is not paid yet is only checked for what the channel says.
pub fn check(input: &CheckInput<'_>, policy: &CheckPolicy) -> Vec<Finding> {
    let mut findings = Vec::new();
    let to_send = input.lines.iter().any(|line| line.ordered - line.cancelled > line.shipped);
    if !input.status_known {
        findings.push(Finding {
            code: FindingCode::UnknownStatus,
            severity: Severity::Block,
            params: json!({ "word": input.observed_status, "fixes": [release(FindingCode::UnknownStatus)] }),
            seen: input.observed_status.to_owned(),
        });
    }
    if input.fulfilled_by == FulfilledBy::Channel || input.progress != ChannelProgress::None || !to_send {
        return findings;
    }
    findings.extend(refund(input));
    findings.extend(channel_hold(input));
    if input.payment == Payment::Unpaid && !input.cash_on_delivery {
        findings.sort_by_key(|f| f.code);
        return findings;
    }
    let own = [
        policy.address.and_then(|severity| address::check(input.recipient, input.home_country, severity)),
        policy.phone.and_then(|severity| phone::check(input.recipient, input.home_country, severity)),
        policy.amount.and_then(|severity| amount(input, severity)),
        policy.duplicate.and_then(|severity| duplicate(input, severity)),
        policy.blacklist.and_then(|severity| blacklist(input, severity)),
        policy.quantity.and_then(|severity| quantity(input, policy.odd_quantity, severity)),
        policy.remote.and_then(|severity| remote(input, &policy.remote_regions, severity)),
        policy.buyer_note.and_then(|severity| note::check(input.buyer_note, severity)),
    ];
    findings.extend(own.into_iter().flatten());
    findings.sort_by_key(|f| f.code);
    findings
}

fn fix(code: &str, params: Value, action: &str, body: Value) -> Fix {
    Fix { code: code.to_owned(), params, action: action.to_owned(), body }
}

/// "Let it go on as it is", the fix that every finding has.
fn release(code: FindingCode) -> Fix {
    fix("release", json!({}), "release", json!({ "reason": code }))
}

fn ask_buyer(about: &str) -> Fix {
    fix("ask_buyer", json!({ "about": about }), "", json!({}))
}

fn refund(input: &CheckInput<'_>) -> Option<Finding> {
    // Money that went back for a line that is still to be sent is looked at, too: part of the price, or all of it?
    let asked: Vec<&CheckLine> = input
        .lines
        .iter()
        .filter(|l| matches!(l.refund, LineRefund::Requested | LineRefund::Refunded) && l.ordered - l.cancelled > l.shipped)
        .collect();
    let first = asked.first()?;
    let ids: Vec<&str> = asked.iter().map(|l| l.external_id.as_str()).collect();
    Some(Finding {
        code: FindingCode::RefundRequested,
        severity: Severity::Block,
        params: json!({ "lines": ids, "title": first.title, "fixes": [ask_buyer("refund"), release(FindingCode::RefundRequested)] }),
        // Letting a request pass is no word about the money that is paid later.
        seen: asked
            .iter()
            .map(|l| if l.refund == LineRefund::Refunded { format!("{} paid", l.external_id) } else { l.external_id.clone() })
            .collect::<Vec<_>>()
            .join("\n"),
    })
}

fn channel_hold(input: &CheckInput<'_>) -> Option<Finding> {
    if input.do_not_ship.is_empty() {
        return None;
    }
    let seen: Vec<&str> = input.do_not_ship.iter().map(|h| h.code.as_str()).collect();
    Some(Finding {
        code: FindingCode::ChannelHold,
        severity: Severity::Block,
        params: json!({ "reasons": input.do_not_ship, "fixes": [fix("wait_for_channel", json!({}), "", json!({})), release(FindingCode::ChannelHold)] }),
        seen: seen.join("\n"),
    })
}

/// C4. What was cancelled or paid back changes the total in ways that channels tell differently: such orders are not
/// judged here.
fn amount(input: &CheckInput<'_>, severity: Severity) -> Option<Finding> {
    if matches!(input.payment, Payment::PartRefunded | Payment::Refunded)
        || input.lines.iter().any(|l| l.cancelled > 0 || l.refund == LineRefund::Refunded)
    {
        return None;
    }
    let goods: i128 = input.lines.iter().map(|l| i128::from(l.total_minor)).sum();
    let made = goods + i128::from(input.shipping_minor) + i128::from(input.tax_minor) - i128::from(input.discount_minor);
    let difference = i128::from(input.total_minor) - made;
    if difference == 0 {
        return None;
    }
    Some(Finding {
        code: FindingCode::AmountMismatch,
        severity,
        params: json!({
            "currency": input.currency,
            "total_minor": input.total_minor,
            "lines_minor": goods as i64,
            "shipping_minor": input.shipping_minor,
            "tax_minor": input.tax_minor,
            "discount_minor": input.discount_minor,
            "difference_minor": difference as i64,
            "fixes": [fix("accept_difference", json!({ "difference_minor": difference as i64, "currency": input.currency }), "release", json!({ "reason": FindingCode::AmountMismatch })), ask_buyer("amount")],
        }),
        seen: format!("{} {made}", input.total_minor),
    })
}

fn duplicate(input: &CheckInput<'_>, severity: Severity) -> Option<Finding> {
    let twin = input.twin?;
    Some(Finding {
        code: FindingCode::PossibleDuplicate,
        severity,
        params: json!({
            "order_id": twin.id,
            "external_id": twin.external_id,
            "fixes": [ask_buyer("duplicate"), fix("both_wanted", json!({}), "release", json!({ "reason": FindingCode::PossibleDuplicate }))],
        }),
        seen: twin.external_id.clone(),
    })
}

fn blacklist(input: &CheckInput<'_>, severity: Severity) -> Option<Finding> {
    let kind = input.blacklisted?;
    Some(Finding {
        code: FindingCode::BlacklistedBuyer,
        severity,
        params: json!({ "kind": kind, "fixes": [release(FindingCode::BlacklistedBuyer)] }),
        seen: kind.to_owned(),
    })
}

fn quantity(input: &CheckInput<'_>, limit: i64, severity: Severity) -> Option<Finding> {
    let odd = input.lines.iter().find(|l| l.ordered == 0 || (limit > 0 && l.ordered - l.cancelled >= limit))?;
    Some(Finding {
        code: FindingCode::OddQuantity,
        severity,
        params: json!({
            "line": odd.external_id, "title": odd.title, "quantity": odd.ordered, "limit": limit,
            "fixes": [ask_buyer("quantity"), release(FindingCode::OddQuantity)],
        }),
        seen: format!("{} {}", odd.external_id, odd.ordered),
    })
}

fn remote(input: &CheckInput<'_>, regions: &[String], severity: Severity) -> Option<Finding> {
    let region = &input.recipient?.region;
    let hit = regions.iter().map(|r| r.trim()).find(|r| !r.is_empty() && (region.province.starts_with(r) || region.city.starts_with(r)))?;
    Some(Finding {
        code: FindingCode::RemoteArea,
        severity,
        params: json!({
            "province": region.province, "city": region.city, "rule": hit,
            "fixes": [ask_buyer("remote_postage"), release(FindingCode::RemoteArea)],
        }),
        seen: format!("{} {}", region.province, region.city),
    })
}

#[cfg(test)]
mod tests;

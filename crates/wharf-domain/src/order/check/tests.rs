//! Checks: each finding from its cause, and nothing from clean orders.

use super::*;
use crate::address::{PersonalData, Region};
use crate::money::CNY;
use proptest::prelude::*;

fn recipient() -> Recipient {
    Recipient {
        region: Region {
            country: "CN".into(),
            province: "浙江省".into(),
            city: "杭州市".into(),
            district: "余杭区".into(),
            town: "仓前街道".into(),
            postal_code: String::new(),
        },
        personal: PersonalData { name: "张三".into(), phone: "13812345678".into(), address: "文一西路969号".into() },
        token: None,
        masked: false,
    }
}

fn line(total: i64) -> CheckLine {
    CheckLine {
        external_id: "1".into(),
        title: "棉袜".into(),
        ordered: 2,
        cancelled: 0,
        shipped: 0,
        total_minor: total,
        refund: LineRefund::None,
    }
}

fn findings_of(change: impl FnOnce(&mut Recipient, &mut Vec<CheckLine>, &mut CheckInput<'_>)) -> Vec<Finding> {
    let mut who = recipient();
    let mut lines = vec![line(5_000), line(3_000)];
    let mut input = CheckInput {
        payment: Payment::Paid,
        cash_on_delivery: false,
        fulfilled_by: FulfilledBy::Seller,
        progress: ChannelProgress::None,
        observed_status: "WAIT",
        status_known: true,
        do_not_ship: &[],
        recipient: None,
        home_country: "CN",
        currency: CNY,
        total_minor: 8_600,
        shipping_minor: 600,
        tax_minor: 0,
        discount_minor: 0,
        buyer_note: "",
        lines: &[],
        twin: None,
        blacklisted: None,
    };
    change(&mut who, &mut lines, &mut input);
    let input = CheckInput { recipient: Some(&who), lines: &lines, ..input };
    check(&input, &CheckPolicy::default())
}

fn codes(findings: &[Finding]) -> Vec<FindingCode> {
    findings.iter().map(|f| f.code).collect()
}

fn fix_codes(finding: &Finding) -> Vec<String> {
    serde_json::from_value::<Vec<Fix>>(finding.params["fixes"].clone()).expect("fixes").into_iter().map(|f| f.code).collect()
}

#[test]
fn a_clean_order_has_no_findings() {
    assert!(findings_of(|_, _, _| {}).is_empty());
}

#[test]
fn a_missing_district_is_named_and_proposed_from_the_text() {
    let found = findings_of(|who, _, _| {
        who.region.district.clear();
        who.region.town.clear();
        who.personal.address = "余杭区仓前街道文一西路969号".into();
    });
    assert_eq!(codes(&found), [FindingCode::AddressIncomplete]);
    assert_eq!(found[0].params["missing"], json!(["district"]));
    assert_eq!(fix_codes(&found[0]), ["complete_region", "ask_buyer", "release"]);
    assert_eq!(found[0].params["fixes"][0]["body"]["region"], json!({ "city": "杭州市", "district": "余杭区", "town": "仓前街道" }));
    assert!(!found[0].params.to_string().contains("文一西路"), "personal data stays out of params");
}

#[test]
fn a_missing_street_is_found_even_when_the_region_is_repeated() {
    for text in ["", "  ", "浙江省杭州市余杭区", "浙江省 杭州市 余杭区 仓前街道"] {
        let found = findings_of(|who, _, _| who.personal.address = text.into());
        assert_eq!(found[0].params["missing"], json!(["street"]), "{text:?}");
    }
    assert!(
        findings_of(|who, _, _| {
            who.personal.address = "****".into();
            who.masked = true;
        })
        .is_empty(),
        "a masked street is a street"
    );
}

#[test]
fn cities_without_districts_need_none() {
    assert!(
        findings_of(|who, _, _| {
            who.region = Region { country: "CN".into(), province: "广东省".into(), city: "东莞市".into(), ..Region::default() };
            who.personal.address = "长安镇振安路1号".into();
        })
        .is_empty()
    );
    assert_eq!(codes(&findings_of(|who, _, _| who.region.province.clear())), [FindingCode::AddressIncomplete]);
}

#[test]
fn phones_are_judged_and_obvious_slips_corrected() {
    for good in [
        "13812345678",
        "+86 138 1234 5678",
        "010-87654321",
        "0571-8765432",
        "4008001234",
        "13812345678-1234",
        "138****5678",
        "8613812345678",
    ] {
        assert!(is_valid_cn(good), "{good}");
    }
    for bad in ["", "1381234567", "138123456789", "23812345678", "12345678901", "138***5678", "abc"] {
        assert!(!is_valid_cn(bad), "{bad}");
    }
    assert_eq!(phone_corrections("3812345678", "CN"), ["13812345678"]);
    assert_eq!(phone_corrections("1381234567O", "CN"), ["13812345670"]);
    assert_eq!(phone_corrections("138812345678", "CN"), ["13812345678"]);
    assert_eq!(phone_corrections("013812345678", "CN"), ["13812345678"]);
    assert!(phone_corrections("1381234567", "CN").is_empty(), "a digit that could stand anywhere is not obvious");
    let found = findings_of(|who, _, _| who.personal.phone = "3812345678".into());
    assert_eq!(fix_codes(&found[0])[0], "correct_phone");
    assert!(!found[0].params.to_string().contains("12345678"), "the phone stays out of params");
    assert_eq!(fix_codes(&findings_of(|who, _, _| who.personal.phone = "1381234567".into())[0]), ["ask_buyer", "release"]);
}

fn is_valid_cn(phone: &str) -> bool {
    phone_is_valid(phone, "CN")
}

#[test]
fn a_wrong_total_is_shown_to_the_cent() {
    let found = findings_of(|_, _, input| input.total_minor = 8_630);
    assert_eq!(codes(&found), [FindingCode::AmountMismatch]);
    assert_eq!(found[0].params["difference_minor"], json!(30));
}

#[test]
fn notes_that_only_thank_pass_and_others_are_read() {
    for polite in ["", "谢谢", "请尽快发货，谢谢老板！", "Thank you!", "无"] {
        assert!(findings_of(|_, _, input| input.buyer_note = Box::leak(polite.to_owned().into_boxed_str())).is_empty(), "{polite}");
    }
    for (note, intent) in [
        ("麻烦改地址到滨江区", "address"),
        ("不要了", "cancel"),
        ("要发顺丰", "carrier"),
        ("生日用，请写张贺卡", "gift"),
        ("门口有狗", "other"),
    ] {
        let found = findings_of(|_, _, input| input.buyer_note = Box::leak(note.to_owned().into_boxed_str()));
        assert_eq!(found[0].params["intent"], json!(intent), "{note}");
        let fixes = fix_codes(&found[0]);
        assert!((1..=3).contains(&fixes.len()));
    }
}

#[test]
fn what_is_unpaid_shipped_or_the_channels_is_not_checked() {
    let broken = |who: &mut Recipient| who.personal.phone.clear();
    assert!(
        findings_of(|who, _, input| {
            broken(who);
            input.payment = Payment::Unpaid;
        })
        .is_empty()
    );
    assert!(
        findings_of(|who, _, input| {
            broken(who);
            input.fulfilled_by = FulfilledBy::Channel;
        })
        .is_empty()
    );
    assert!(
        findings_of(|who, _, input| {
            broken(who);
            input.progress = ChannelProgress::Shipped;
        })
        .is_empty()
    );
    assert!(
        findings_of(|who, lines, _| {
            broken(who);
            lines.iter_mut().for_each(|l| l.cancelled = l.ordered);
        })
        .is_empty()
    );
    let asked = findings_of(|_, lines, input| {
        input.payment = Payment::Unpaid;
        lines[0].refund = LineRefund::Requested;
    });
    assert_eq!(codes(&asked), [FindingCode::RefundRequested]);
    let paid = findings_of(|_, lines, _| lines[0].refund = LineRefund::Refunded);
    assert_eq!(codes(&paid), [FindingCode::RefundRequested], "money back for what is still to be sent");
    assert_ne!(paid[0].seen, asked[0].seen, "who let the request pass has not let the payment pass");
    assert!(
        findings_of(|_, lines, _| {
            lines[0].refund = LineRefund::Refunded;
            lines[0].cancelled = lines[0].ordered;
        })
        .is_empty()
    );
}

#[test]
fn every_check_can_be_switched_off() {
    let off = CheckPolicy {
        address: None,
        phone: None,
        amount: None,
        duplicate: None,
        blacklist: None,
        quantity: None,
        remote: None,
        buyer_note: None,
        ..CheckPolicy::default()
    };
    let twin = Twin { id: OrderId(1), external_id: "1".into() };
    let mut bad = line(1);
    bad.ordered = 10_000;
    let input = CheckInput {
        payment: Payment::Paid,
        cash_on_delivery: false,
        fulfilled_by: FulfilledBy::Seller,
        progress: ChannelProgress::None,
        observed_status: "X",
        status_known: true,
        do_not_ship: &[],
        recipient: Some(&Recipient::default()),
        home_country: "CN",
        currency: CNY,
        total_minor: 8_600,
        shipping_minor: 600,
        tax_minor: 0,
        discount_minor: 0,
        buyer_note: "改地址",
        lines: std::slice::from_ref(&bad),
        twin: Some(&twin),
        blacklisted: Some("buyer"),
    };
    assert!(check(&input, &off).is_empty());
    let on = check(&input, &CheckPolicy { remote: None, ..CheckPolicy::default() });
    assert_eq!(on.len(), 7, "each check speaks for itself: {:?}", codes(&on));
    let policy: CheckPolicy = serde_json::from_str(r#"{"phone":null,"odd_quantity":5}"#).expect("a part of a policy is a policy");
    assert_eq!((policy.phone, policy.odd_quantity, policy.address), (None, 5, Some(Severity::Block)));
}

proptest! {
    #[test]
    fn no_text_panics_a_check(phone in "\\PC{0,20}", note in "\\PC{0,40}", address in "\\PC{0,40}", district in "\\PC{0,6}") {
        let found = findings_of(|who, _, _| {
            who.personal.phone = phone.clone();
            who.personal.address = address.clone();
            who.region.district = district.clone();
        });
        for finding in found {
            let fixes: Vec<Fix> = serde_json::from_value(finding.params["fixes"].clone()).expect("fixes");
            prop_assert!((1..=3).contains(&fixes.len()));
        }
        let _ = note::check(&note, Severity::Block);
    }

    #[test]
    fn a_correction_is_always_right(phone in "[0-9OlI ]{8,14}") {
        for proposal in phone_corrections(&phone, "CN") {
            prop_assert!(phone_is_valid(&proposal, "CN"));
        }
    }
}

//! Amendments: what changed, and what that stops.

use super::*;
use crate::address::{PersonalData, Recipient, Region};
use crate::money::CNY;
use crate::order::channel::ChannelBuyer;
use proptest::prelude::*;

fn incoming() -> ChannelOrder {
    ChannelOrder {
        external_id: "T1".into(),
        observed_status: "WAIT_SELLER".into(),
        status: Observed::Known(ChannelStatus::ToShip),
        modified_at: Timestamp(10),
        placed_at: Timestamp(1),
        paid_at: Some(Timestamp(2)),
        ship_by: Some(Timestamp(99)),
        shipped_at: None,
        closed_at: None,
        payment: Payment::Paid,
        cash_on_delivery: false,
        fulfilled_by: FulfilledBy::Seller,
        do_not_ship: vec![],
        buyer: ChannelBuyer::default(),
        recipient: Some(Recipient {
            region: Region { province: "浙江省".into(), ..Region::default() },
            personal: PersonalData::default(),
            token: Some("t".into()),
            masked: true,
        }),
        currency: CNY,
        total_minor: 100,
        shipping_minor: 0,
        tax_minor: 0,
        discount_minor: 0,
        buyer_note: String::new(),
        seller_note: String::new(),
        seller_flag: None,
        urgent: vec![],
        tags: vec![],
        lines: vec![line("1", 3), line("2", 1)],
        shipments: vec![],
        raw: vec![],
    }
}

fn line(id: &str, quantity: i64) -> ChannelLine {
    ChannelLine {
        external_id: id.into(),
        item_id: "i".into(),
        sku_id: String::new(),
        seller_code: "c".into(),
        title: "袜".into(),
        variant: String::new(),
        image_url: None,
        quantity,
        cancelled: 0,
        unit_price_minor: 25,
        discount_minor: 0,
        total_minor: 25 * quantity,
        observed_status: "W".into(),
        status: Observed::Known(ChannelStatus::ToShip),
        refund: LineRefund::None,
        gift: false,
    }
}

fn known() -> Known {
    let line = |id: i64, external: &str, ordered: i64| KnownLine {
        id: OrderLineId(id),
        external_id: external.into(),
        counters: LineCounters { ordered, allocated: ordered, ..LineCounters::default() },
        cancelled_here: 0,
        total_minor: 25 * ordered,
        refund: LineRefund::None,
        observed_status: "W".into(),
    };
    Known {
        modified_at: Timestamp(9),
        observed_status: "WAIT_SELLER".into(),
        progress: ChannelProgress::None,
        payment: Payment::Paid,
        fulfilled_by: FulfilledBy::Seller,
        ship_by: Some(Timestamp(99)),
        total_minor: 100,
        buyer_note: String::new(),
        seller_note: String::new(),
        seller_flag: None,
        channel_print: "p".into(),
        recipient_token: Some("t".into()),
        recipient_edited: false,
        do_not_ship: vec![],
        urgent_reason: String::new(),
        labelled: false,
        lines: vec![line(1, "1", 3), line(2, "2", 1)],
    }
}

fn events(a: &Amendment) -> Vec<&'static str> {
    a.changes.iter().map(|c| c.event).collect()
}

#[test]
fn nothing_changed_is_nothing() {
    assert_eq!(compare(&known(), &incoming(), "p"), Amendment::default());
    assert_eq!(version(Timestamp(9), Timestamp(8)), Version::Older);
    assert_eq!(version(Timestamp(9), Timestamp(9)), Version::Current);
}

#[test]
fn a_cancelled_line_gives_its_stock_back() {
    let mut now = incoming();
    now.lines[0].status = Observed::Known(ChannelStatus::Cancelled);
    now.lines[0].refund = LineRefund::Refunded;
    let a = compare(&known(), &now, "p");
    assert_eq!(events(&a), ["order.line_cancelled", "order.refunded"]);
    assert_eq!(a.lines, [(OrderLineId(1), LineTarget { ordered: 3, cancelled: 3, refund: LineRefund::Refunded })]);
    assert_eq!(a.stops.shrink, [(OrderLineId(1), 0)]);
    assert!(a.contradictions.is_empty());
}

#[test]
fn a_refund_that_is_asked_stops_the_parcel_and_one_that_is_closed_only_says_so() {
    let mut now = incoming();
    now.lines[0].refund = LineRefund::Requested;
    let a = compare(&known(), &now, "p");
    assert_eq!((events(&a), a.stops.stop), (vec!["order.refund_asked"], Some("refund_requested")));
    let mut before = known();
    before.lines[0].refund = LineRefund::Requested;
    let a = compare(&before, &incoming(), "p");
    assert_eq!((events(&a), a.stops.stop), (vec!["order.refund_closed"], None));
}

#[test]
fn money_back_for_a_line_that_is_still_to_be_sent_stops_it_and_cancels_nothing() {
    let mut now = incoming();
    now.lines[0].refund = LineRefund::Refunded;
    now.lines[0].status = Observed::Known(ChannelStatus::ToShip);
    let a = compare(&known(), &now, "p");
    assert_eq!((events(&a), a.stops.stop), (vec!["order.refunded"], Some("refund_requested")));
    assert_eq!(a.lines, [(OrderLineId(1), LineTarget { ordered: 3, cancelled: 0, refund: LineRefund::Refunded })]);
    // Where the channel does not say that it is still to be sent, money back before it left means: do not send it.
    now.lines[0].status = Observed::Unknown("?".into());
    assert_eq!(compare(&known(), &now, "p").lines[0].1.cancelled, 3);
}

#[test]
fn a_cancellation_stops_what_is_here_and_contradicts_what_has_left() {
    let mut now = incoming();
    now.status = Observed::Known(ChannelStatus::Cancelled);
    now.observed_status = "CLOSED".into();
    let a = compare(&known(), &now, "p");
    assert_eq!(events(&a), ["order.status_changed", "order.cancelled_by_channel"]);
    assert_eq!(a.stops.stop, Some("cancelled"));
    assert_eq!(a.stops.shrink.len(), 2);
    let mut gone = known();
    gone.lines[0].counters.packed = 3;
    gone.lines[0].counters.shipped = 3;
    let a = compare(&gone, &now, "p");
    assert_eq!(a.contradictions[0].code, "cancelled_after_shipping");
    assert_eq!(
        a.lines,
        [(OrderLineId(2), LineTarget { ordered: 1, cancelled: 1, refund: LineRefund::None })],
        "what has left is not cancelled by a number"
    );
}

#[test]
fn an_address_change_recalls_the_label_and_respects_our_own_edit() {
    let mut before = known();
    before.labelled = true;
    let a = compare(&before, &incoming(), "q");
    assert!(a.replace_recipient && a.stops.recall_label && a.recheck);
    before.recipient_edited = true;
    let a = compare(&before, &incoming(), "q");
    assert!(!a.replace_recipient);
    assert_eq!(a.contradictions[0].code, "address_after_edit");
    let mut renewed = incoming();
    renewed.recipient.as_mut().expect("recipient").token = Some("u".into());
    assert_eq!(events(&compare(&known(), &renewed, "p")), ["order.address_token_renewed"]);
}

#[test]
fn shipped_elsewhere_is_a_contradiction_while_we_hold_stock_for_it() {
    let mut now = incoming();
    now.status = Observed::Known(ChannelStatus::Shipped);
    now.observed_status = "SENT".into();
    assert_eq!(compare(&known(), &now, "p").contradictions[0].code, "shipped_elsewhere");
    let mut ours = known();
    for l in &mut ours.lines {
        l.counters.packed = l.counters.ordered;
        l.counters.shipped = l.counters.ordered;
    }
    assert!(compare(&ours, &now, "p").contradictions.is_empty(), "our own shipment is no surprise");
    let mut untouched = known();
    untouched.lines.iter_mut().for_each(|l| l.counters.allocated = 0);
    assert!(compare(&untouched, &now, "p").contradictions.is_empty());
}

#[test]
fn an_unknown_word_advances_nothing() {
    assert_eq!(progress_of(&Observed::Unknown("NEW_WORD".into()), ChannelProgress::Shipped), ChannelProgress::Shipped);
    assert_eq!(progress_of(&Observed::Known(ChannelStatus::ToShip), ChannelProgress::None), ChannelProgress::None);
}

proptest! {
    #[test]
    fn whatever_the_channel_says_the_counters_stay_lawful(
        ordered in 0i64..6, allocated in 0i64..6, shipped in 0i64..6, cancelled_before in 0i64..6,
        quantity in 0i64..8, cancelled in 0i64..8, gone in any::<bool>(), order_cancelled in any::<bool>(), refunded in any::<bool>(),
    ) {
        let cancelled_before = cancelled_before.min(ordered);
        let allocated = allocated.min(ordered - cancelled_before);
        let shipped = shipped.min(allocated);
        let mut before = known();
        before.lines.truncate(1);
        before.lines[0].counters = LineCounters { ordered, cancelled: cancelled_before, allocated, packed: shipped, shipped, ..LineCounters::default() };
        prop_assume!(before.lines[0].counters.is_lawful());
        let mut now = incoming();
        now.lines.truncate(if gone { 0 } else { 1 });
        if let Some(l) = now.lines.first_mut() {
            l.quantity = quantity; l.cancelled = cancelled;
            if refunded { l.refund = LineRefund::Refunded; }
        }
        if order_cancelled { now.status = Observed::Known(ChannelStatus::Cancelled); }
        let a = compare(&before, &now, "p");
        let mut after = before.lines[0].counters;
        if let Some((_, target)) = a.lines.first() { after.ordered = target.ordered; after.cancelled = target.cancelled; }
        if let Some((_, keep)) = a.stops.shrink.first() {
            prop_assert!(*keep >= shipped && *keep < after.allocated);
            after.allocated = *keep; after.packed = after.packed.min(*keep);
        }
        prop_assert!(after.is_lawful(), "{after:?}");
        if order_cancelled && shipped == 0 { prop_assert_eq!(after.open(), 0); }
        // Saying the same again changes nothing more.
        let mut again = before.clone();
        again.lines[0].counters = after;
        if let Some((_, target)) = a.lines.first() { again.lines[0].refund = target.refund; }
        if let Some(l) = now.lines.first() { again.lines[0].total_minor = l.total_minor; }
        again.observed_status = now.observed_status.clone();
        again.progress = progress_of(&now.status, again.progress);
        let second = compare(&again, &now, "p");
        prop_assert!(second.changes.is_empty() && second.contradictions.is_empty() && second.stops.shrink.is_empty(), "{second:?}");
    }
}

//! Cancelling (D): final at once where no channel must be told; told exactly once where one must, whatever happens to the
//! answer; taken back in time; after hand-over refused. Law 6: what is being cancelled does not move.

use super::bed::{Fault, House, die_in, house, me};
use std::collections::BTreeMap;
use wharf_domain::access::Scope;
use wharf_domain::cancellation::{CancelReason, CancelSource, Cancellation, CancellationState};
use wharf_domain::hold::HoldReason;
use wharf_domain::id::OrderId;
use wharf_domain::order::phase::Phase;
use wharf_domain::rules::ShopPolicy;
use wharf_domain::time::{MINUTE, SECOND};
use wharf_flows::app::{FlowError, Outcome};
use wharf_flows::bulk::{Asker, Bulk};
use wharf_flows::cancel::{self, CancelOrder};
use wharf_flows::undo::undo;
use wharf_flows::verbs::{self, Verb};
use wharf_store::cancellations::{self, CancellationRow};
use wharf_store::testing::both_engines_with;
use wharf_store::{holds, shops};

fn asker() -> Asker {
    Asker::new(me(), Scope::ALL)
}

fn because(reason: CancelReason) -> Verb {
    Verb::Cancel(CancelOrder { reason, source: CancelSource::Buyer, note: "不要了".into() })
}

async fn call_off(h: &House, ids: &[OrderId], reason: CancelReason, dry_run: bool) -> Bulk {
    verbs::run(&h.app, &asker(), because(reason), ids.to_vec(), dry_run).await.expect("answered")
}

async fn last(h: &House, order: OrderId) -> CancellationRow {
    h.write(move |tx| Ok(cancellations::of_orders(tx, &[order])?.remove(&order).unwrap_or_default().pop())).await.expect("a cancellation")
}

fn closed(h: &House) -> BTreeMap<String, usize> {
    h.fake.truth.lock().expect("truth").closed.clone()
}

/// The house with a shop that has no channel.
async fn without_channel(h: &mut House) {
    let new = shops::NewShop {
        vendor: "plain".into(),
        name: "电话订单".into(),
        external_id: String::new(),
        credentials: BTreeMap::new(),
        settings: BTreeMap::new(),
        policy: ShopPolicy::default(),
        zone: "Asia/Shanghai".into(),
        currency: wharf_domain::money::CNY,
    };
    h.shop = h.write(move |tx| shops::create(tx, &new)).await;
}

#[test]
fn where_nobody_is_told_it_is_final_at_once_and_gives_everything_back() {
    both_engines_with(|bed| async move {
        let mut h = house(bed).await;
        without_channel(&mut h).await;
        h.receive(0, 0, 5).await;
        let (order, _) = h.booked("A1", &[(0, 2)]).await;
        let (packed, _) = h.packed("A2", &[(0, 1)]).await;
        let waiting = h.order("A3", &[(1, 1)], "c").await;
        let gone = h.packed("A4", &[(0, 1)]).await;
        wharf_flows::hand_over::hand_over(&h.app, &me(), &[gone.1]).await.expect("left");
        let asked = [order, packed, waiting, gone.0, OrderId(404)];
        let before = h.digest().await;
        let rehearsed = call_off(&h, &asked, CancelReason::BuyerAsked, true).await;
        assert_eq!(before, h.digest().await, "a preview changes nothing");
        let bulk = call_off(&h, &asked, CancelReason::BuyerAsked, false).await;
        assert_eq!(bulk.results, rehearsed.results, "the preview told the truth");
        let outcomes: Vec<Outcome> = bulk.results.into_iter().map(|(_, outcome)| outcome).collect();
        assert_eq!(outcomes, [Outcome::Done, Outcome::Done, Outcome::Done, Outcome::refused("handed_over"), Outcome::refused("not_found")]);
        for id in [order, packed, waiting] {
            assert_eq!(h.phase(id).await, Phase::Cancelled);
            let row = last(&h, id).await;
            assert_eq!(
                (row.cancellation.state(), row.source, row.note.as_str()),
                (CancellationState::Confirmed, CancelSource::Buyer, "不要了")
            );
        }
        assert_eq!(h.level(0, 0).await, (4, 0), "the stock is free again, but for what has left");
        h.work().await;
        assert_eq!(h.fake.live_numbers().len(), 1, "the labels went back");
        h.lawful().await;
        let settled = h.digest().await;
        let again = call_off(&h, &asked, CancelReason::BuyerAsked, false).await;
        assert_eq!(again.results.iter().filter(|(_, o)| *o == Outcome::Already).count(), 3);
        assert_eq!(settled, h.digest().await, "the same call again changes nothing");
        // Nobody was told, so it can be taken back: stock and label are wanted again.
        let undone = undo(&h.app, &asker(), bulk.operation_id.expect("an operation")).await.expect("undone");
        assert_eq!(undone.iter().filter(|(_, o)| *o == Outcome::Done).count(), 3);
        h.work().await;
        assert_eq!(h.level(0, 0).await, (4, 3));
        assert_eq!(h.phase(order).await, Phase::Label);
        assert!(h.parcel(order).await.waybill_number.is_some());
        h.lawful().await;
    });
}

#[test]
fn a_channel_is_told_after_a_minute_in_which_it_can_be_taken_back() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 5).await;
        let (order, _) = h.booked("A1", &[(0, 2)]).await;
        let no = call_off(&h, &[order], CancelReason::Quality, false).await;
        assert_eq!(no.results, [(order, Outcome::refused("reason_not_allowed"))], "the channel has no such reason");
        let first = call_off(&h, &[order], CancelReason::BuyerAsked, false).await;
        assert_eq!(first.results, [(order, Outcome::Done)]);
        assert_eq!((h.phase(order).await, h.level(0, 0).await), (Phase::Held, (5, 0)), "stopped at once");
        assert_eq!(call_off(&h, &[order], CancelReason::BuyerAsked, false).await.results, [(order, Outcome::Already)]);
        // A person who lets everything go does not set it free, and routing leaves it alone.
        wharf_flows::hold::release(&h.app, &asker(), vec![order], None, false).await.expect("answered");
        assert_eq!(h.route(order).await, Outcome::refused("held"));
        h.bed.clock.advance(59 * SECOND);
        h.work().await;
        assert_eq!(h.fake.calls("cancel"), 0);
        let undone = undo(&h.app, &asker(), first.operation_id.expect("an operation")).await.expect("undone");
        assert_eq!(undone, [(order, Outcome::Done)]);
        h.bed.clock.advance(2 * MINUTE);
        h.work().await;
        assert_eq!((h.fake.calls("cancel"), h.phase(order).await), (0, Phase::Label), "never told, and on its way again");
        // Once more, and to the end.
        let second = call_off(&h, &[order], CancelReason::OutOfStock, false).await;
        h.bed.clock.advance(61 * SECOND);
        h.work().await;
        assert_eq!(closed(&h), BTreeMap::from([("A1".to_owned(), 1)]));
        assert_eq!(h.phase(order).await, Phase::Cancelled);
        let row = last(&h, order).await;
        assert!(matches!(row.cancellation, Cancellation::Confirmed { ref receipt, .. } if receipt == "C1"), "{row:?}");
        let late = undo(&h.app, &asker(), second.operation_id.expect("an operation")).await.expect("answered");
        assert_eq!(late, [(order, Outcome::refused("channel_was_told"))]);
        h.lawful().await;
    });
}

#[test]
fn a_refusal_of_the_channel_is_a_task_in_its_words() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 5).await;
        let (order, _) = h.booked("A1", &[(0, 1)]).await;
        h.fake.fault("cancel", Fault::Refused);
        call_off(&h, &[order], CancelReason::BuyerAsked, false).await;
        h.bed.clock.advance(61 * SECOND);
        h.work().await;
        let open = h.write(move |tx| holds::open(tx, &[order])).await;
        let hold = &open[&order][0];
        assert_eq!((hold.reason, hold.detail["message"].as_str()), (HoldReason::CancellationRefused, Some("地址不可达")));
        assert_eq!((h.fake.calls("cancel"), closed(&h).len()), (1, 0));
        h.settle().await;
        assert_eq!(h.fake.calls("cancel"), 1, "a no is not asked again");
        wharf_flows::hold::release(&h.app, &asker(), vec![order], None, false).await.expect("released");
        h.work().await;
        assert_eq!(h.phase(order).await, Phase::Label, "a person let it go on");
        h.lawful().await;
    });
}

#[test]
fn however_the_answer_is_lost_the_channel_closes_it_once() {
    for fault in [Fault::NotSent, Fault::LostBefore, Fault::LostAfter, Fault::Garbled, Fault::DiesBefore, Fault::DiesAfter] {
        both_engines_with(|bed| async move {
            let h = house(bed).await;
            h.receive(0, 0, 5).await;
            let (order, _) = h.booked("A1", &[(0, 1)]).await;
            call_off(&h, &[order], CancelReason::BuyerAsked, false).await;
            h.bed.clock.advance(61 * SECOND);
            h.fake.fault("cancel", fault);
            let id = last(&h, order).await.id;
            if matches!(fault, Fault::DiesBefore | Fault::DiesAfter) {
                let app = std::sync::Arc::clone(&h.app);
                die_in(h.fake, async move { cancel::submit_one(&app, id).await }).await;
            } else {
                let _told: Result<_, FlowError> = cancel::submit_one(&h.app, id).await;
            }
            h.settle().await;
            assert_eq!(closed(&h).get("A1"), Some(&1), "{fault:?}");
            assert_eq!(
                (h.phase(order).await, last(&h, order).await.cancellation.state()),
                (Phase::Cancelled, CancellationState::Confirmed)
            );
            assert_eq!(h.level(0, 0).await, (5, 0));
            h.lawful().await;
        });
    }
}

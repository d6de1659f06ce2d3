//! Law 5: every step broken before and after its effect, killed, raced and repeated, against a carrier and a channel that are
//! never idempotent. One purchase, one confirmation.

use super::bed::{Fault, die_in, house, me, packer, printing};
use wharf_domain::confirmation::Confirmation;
use wharf_domain::order::phase::Phase;
use wharf_domain::shipment::ShipmentState;
use wharf_flows::app::Outcome;
use wharf_flows::{book, confirm, hand_over, pack, print};
use wharf_store::testing::both_engines_with;
use wharf_store::{blobs, confirmations, prints, waybills};

const FAULTS: [Fault; 7] =
    [Fault::NotSent, Fault::LostBefore, Fault::LostAfter, Fault::Garbled, Fault::Reauthorize, Fault::DiesBefore, Fault::DiesAfter];

#[test]
fn a_waybill_is_bought_once_whatever_happens_to_the_call() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 100).await;
        for (n, fault) in FAULTS.into_iter().enumerate() {
            // The look-up may fail as well, in every way.
            for (m, second) in [None, Some(Fault::NotSent), Some(Fault::LostBefore), Some(Fault::DiesBefore)].into_iter().enumerate() {
                let order = h.order(&format!("A{n}-{m}"), &[(0, 1)], &format!("b{n}{m}")).await;
                h.route(order).await;
                let parcel = h.parcel(order).await.id;
                let waybill = h.write(move |tx| waybills::live(tx, &[parcel])).await[0].id;
                h.fake.fault("book", fault);
                if matches!(fault, Fault::DiesBefore | Fault::DiesAfter) {
                    let app = h.app.clone();
                    die_in(h.fake, async move { book::book_one(&app, waybill).await }).await;
                } else {
                    let _ = book::book_one(&h.app, waybill).await;
                }
                if let Some(second) = second {
                    h.bed.clock.advance(3 * wharf_domain::time::MINUTE);
                    if second == Fault::DiesBefore {
                        // Only doubts are looked up; a call that was never sent has nobody to hang on.
                        if matches!(fault, Fault::NotSent | Fault::Reauthorize) {
                            h.fake.fault("book", Fault::DiesBefore);
                            let app = h.app.clone();
                            die_in(h.fake, async move { book::book_one(&app, waybill).await }).await;
                        } else {
                            h.fake.fault("find", Fault::DiesBefore);
                            let app = h.app.clone();
                            die_in(h.fake, async move { book::resolve(&app, waybill).await }).await;
                        }
                    } else {
                        h.fake.fault("find", second);
                        let _ = book::resolve(&h.app, waybill).await;
                    }
                }
                h.fake.truth.lock().expect("truth").faults.clear();
                h.settle().await;
                assert!(!h.fake.bought_twice(), "{fault:?} then {second:?}");
                let parcel = h.parcel(order).await;
                assert_eq!(parcel.state, ShipmentState::Booked, "{fault:?} then {second:?}");
                assert!(h.fake.live_numbers().contains(parcel.waybill_number.as_ref().expect("a number")));
            }
        }
        assert_eq!(h.fake.live_numbers().len(), FAULTS.len() * 4, "one number for each parcel, and no other");
        h.lawful().await;
    });
}

#[test]
fn duplicate_jobs_race_and_one_of_them_buys() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 100).await;
        for round in 0..5 {
            let order = h.order(&format!("A{round}"), &[(0, 1)], &format!("b{round}")).await;
            h.route(order).await;
            let parcel = h.parcel(order).await.id;
            let waybill = h.write(move |tx| waybills::live(tx, &[parcel])).await[0].id;
            let tasks: Vec<_> = (0..8)
                .map(|_| {
                    let app = h.app.clone();
                    tokio::spawn(async move { book::book_one(&app, waybill).await })
                })
                .collect();
            for task in tasks {
                let _ = task.await.expect("no panic");
            }
        }
        assert_eq!(h.fake.calls("book"), 5);
        assert_eq!(h.fake.live_numbers().len(), 5);
    });
}

#[test]
fn a_cancellation_while_the_carrier_is_asked_gives_the_number_back() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 10).await;
        for (n, fault) in [Fault::DiesAfter, Fault::LostAfter, Fault::LostBefore].into_iter().enumerate() {
            let order = h.order(&format!("A{n}"), &[(0, 1)], &format!("b{n}")).await;
            h.route(order).await;
            let parcel = h.parcel(order).await.id;
            let waybill = h.write(move |tx| waybills::live(tx, &[parcel])).await[0].id;
            h.fake.fault("book", fault);
            if fault == Fault::DiesAfter {
                let app = h.app.clone();
                die_in(h.fake, async move { book::book_one(&app, waybill).await }).await;
            } else {
                let _ = book::book_one(&h.app, waybill).await;
            }
            h.cancel(order).await.expect("cancelled");
            assert_eq!(h.phase(order).await, Phase::Cancelled);
            h.settle().await;
            assert_eq!(h.fake.live_numbers(), Vec::<String>::new(), "{fault:?}");
            assert!(!h.fake.bought_twice());
            let state = h.write(move |tx| waybills::load(tx, &[waybill])).await[0].waybill.state();
            assert_eq!(state, wharf_domain::waybill::WaybillState::Voided);
        }
        assert_eq!(h.level(0, 0).await, (10, 0));
        h.lawful().await;
    });
}

#[test]
fn a_number_that_the_carrier_will_not_take_back_is_told_and_not_asked_for_ever() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 10).await;
        let (order, _) = h.booked("A1", &[(0, 1)]).await;
        h.fake.fault("void", Fault::Refused);
        h.cancel(order).await.expect("cancelled");
        h.settle().await;
        assert_eq!(h.fake.calls("void"), 1);
        assert_eq!(h.fake.live_numbers().len(), 1);
        // A parcel that goes on waits for a person, who may accept the loss.
        let (order3, parcel3) = h.booked("A3", &[(0, 1)]).await;
        h.fake.fault("void", Fault::Refused);
        let account = h.account;
        wharf_flows::ship::set_carrier(&h.app, &me(), &[parcel3], account, None).await.expect("recalled");
        h.settle().await;
        assert_eq!(h.phase(order3).await, Phase::Held);
        assert_eq!(h.parcel(order3).await.state, ShipmentState::Draft);
        h.write(move |tx| {
            wharf_store::holds::release(tx, &[(order3, wharf_domain::hold::HoldReason::WaybillRefused)], &me())?;
            wharf_flows::recompute::apply(tx, &[order3])
        })
        .await;
        h.settle().await;
        assert_eq!(h.parcel(order3).await.state, ShipmentState::Booked);
        let (order2, _) = h.booked("A2", &[(0, 1)]).await;
        h.fake.fault("void", Fault::LostAfter);
        h.cancel(order2).await.expect("cancelled");
        h.settle().await;
        assert_eq!(h.fake.live_numbers().len(), 3, "the lost answer was asked again, and giving back twice is success");
    });
}

#[test]
fn the_channel_is_told_once_whatever_happens_to_the_call() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 100).await;
        for (n, fault) in FAULTS.into_iter().enumerate() {
            for (m, second) in [None, Some(Fault::NotSent), Some(Fault::LostBefore)].into_iter().enumerate() {
                let (order, parcel) = h.packed(&format!("A{n}-{m}"), &[(0, 1)]).await;
                hand_over::hand_over(&h.app, &me(), &[parcel]).await.expect("handed over");
                let id = h.write(move |tx| confirmations::of_orders(tx, &[order])).await[0].id;
                h.fake.fault("confirm", fault);
                if let Some(second) = second {
                    h.fake.fault("get_order", second);
                }
                if matches!(fault, Fault::DiesBefore | Fault::DiesAfter) {
                    let app = h.app.clone();
                    die_in(h.fake, async move { confirm::confirm_one(&app, id).await }).await;
                } else {
                    let _ = confirm::confirm_one(&h.app, id).await;
                    let _ = confirm::confirm_one(&h.app, id).await;
                }
                h.settle().await;
                h.fake.truth.lock().expect("truth").faults.clear();
                h.settle().await;
                let number = h.parcel(order).await.waybill_number.expect("a number");
                let effects = h.fake.confirmations();
                assert_eq!(effects.get(&(format!("A{n}-{m}"), number)), Some(&1), "{fault:?} then {second:?}");
                let row = h.write(move |tx| confirmations::of_orders(tx, &[order])).await.remove(0);
                assert!(matches!(row.confirmation, Confirmation::Accepted { .. } | Confirmation::Already { .. }), "{fault:?}: {row:?}");
                assert_eq!(h.phase(order).await, Phase::Shipped);
            }
        }
        assert!(h.fake.confirmations().values().all(|n| *n == 1));
    });
}

#[test]
fn a_refused_confirmation_is_a_task_in_the_platforms_words_until_a_person_retries() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 10).await;
        let (order, parcel) = h.packed("A1", &[(0, 1)]).await;
        h.fake.fault("confirm", Fault::Refused);
        hand_over::hand_over(&h.app, &me(), &[parcel]).await.expect("handed over");
        h.work().await;
        h.settle().await;
        assert_eq!(h.fake.calls("confirm"), 1, "a no is not repeated by itself");
        let tasks = h.write(|tx| confirmations::tasks(tx, None, 10)).await;
        assert_eq!(tasks[0].message, "地址不可达");
        assert_eq!(h.phase(order).await, Phase::Held);
        assert_eq!(confirm::retry(&h.app, &me(), &[order]).await.expect("retried"), vec![(order, Outcome::Done)]);
        h.work().await;
        assert_eq!(h.phase(order).await, Phase::Shipped);
        assert_eq!(h.fake.confirmations().len(), 1);
        assert_eq!(confirm::retry(&h.app, &me(), &[order]).await.expect("again"), vec![(order, Outcome::Already)]);
    });
}

#[test]
fn a_dead_token_pauses_the_shop_and_not_the_order() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 10).await;
        let (order, parcel) = h.packed("A1", &[(0, 1)]).await;
        h.fake.fault("confirm", Fault::Reauthorize);
        hand_over::hand_over(&h.app, &me(), &[parcel]).await.expect("handed over");
        h.work().await;
        let row = h.write(move |tx| confirmations::of_orders(tx, &[order])).await.remove(0);
        assert_eq!(row.confirmation, Confirmation::Due);
        assert_eq!(h.phase(order).await, Phase::Shipped, "the order is not held for it");
    });
}

#[test]
fn parcels_are_handed_over_once_and_their_stock_leaves_once() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 20).await;
        let mut parcels = Vec::new();
        for n in 0..4 {
            parcels.push(h.packed(&format!("A{n}"), &[(0, 2)]).await.1);
        }
        assert_eq!(h.level(0, 0).await, (20, 8));
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let (app, ids) = (h.app.clone(), parcels.clone());
                tokio::spawn(async move { hand_over::hand_over(&app, &me(), &ids).await })
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            let results = task.await.expect("no panic").expect("handed over");
            done += results.iter().filter(|(_, o)| *o == Outcome::Done).count();
        }
        assert_eq!(done, 4);
        assert_eq!(h.level(0, 0).await, (12, 0));
        h.work().await;
        assert_eq!(h.fake.confirmations().len(), 4);
        assert!(h.fake.confirmations().values().all(|n| *n == 1));
        let again = hand_over::hand_over(&h.app, &me(), &parcels).await.expect("again");
        assert!(again.iter().all(|(_, o)| *o == Outcome::Already));
        h.lawful().await;
    });
}

#[test]
fn a_merged_parcel_is_told_for_each_of_its_orders() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 10).await;
        let (one, two) = (h.order("A1", &[(0, 1)], "same").await, h.order("A2", &[(0, 2)], "same").await);
        wharf_flows::route::route(&h.app, &me(), &[one, two], Default::default()).await.expect("routed");
        h.work().await;
        let ids = vec![h.parcel(one).await.id, h.parcel(two).await.id];
        let merged = wharf_flows::ship::merge(&h.app, &me(), &ids).await.expect("merged");
        h.work().await;
        pack::pack(&h.app, &packer(), "台 1", &[merged]).await.expect("packed");
        hand_over::hand_over(&h.app, &me(), &[merged]).await.expect("handed over");
        h.work().await;
        let number = h.parcel(one).await.waybill_number.expect("number");
        let told: Vec<_> = h.fake.confirmations().into_iter().collect();
        assert_eq!(told, vec![(("A1".to_owned(), number.clone()), 1), (("A2".to_owned(), number), 1)]);
        assert_eq!((h.phase(one).await, h.phase(two).await), (Phase::Shipped, Phase::Shipped));
    });
}

#[test]
fn a_label_is_printed_once_unless_a_cause_is_given() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 20).await;
        let mut ids = Vec::new();
        for n in 0..3 {
            ids.push(h.booked(&format!("A{n}"), &[(0, 1)]).await);
        }
        let parcels: Vec<_> = ids.iter().map(|i| i.1).collect();
        // Two stations at once: each label comes out of one of them.
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let (app, parcels) = (h.app.clone(), parcels.clone());
                tokio::spawn(async move { print::labels(&app, &me(), &printing(""), &parcels).await })
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            let printed = task.await.expect("no panic").expect("printed");
            done += printed.results.iter().filter(|(_, o)| *o == Outcome::Done).count();
            for file in printed.files {
                let blob = h.write(move |tx| blobs::get(tx, &file.blob_hash)).await.expect("the file is kept");
                assert!(blob.bytes.starts_with(b"%PDF"));
            }
        }
        assert_eq!(done, 3);
        assert_eq!(h.phase(ids[0].0).await, Phase::Pack);
        let again = print::labels(&h.app, &me(), &printing(""), &parcels).await.expect("answered");
        assert!(again.files.is_empty() && again.results.iter().all(|(_, o)| *o == Outcome::refused("needs_cause")));
        let second = print::labels(&h.app, &me(), &printing("卡纸"), &parcels[..1]).await.expect("answered");
        assert_eq!(second.results, vec![(parcels[0], Outcome::Done)]);
        let first = parcels[0];
        let ledger = h.write(move |tx| prints::ledger(tx, Some(first), None, 10)).await;
        assert_eq!(ledger.iter().map(|l| (l.copy, l.cause.as_str())).collect::<Vec<_>>(), vec![(2, "卡纸"), (1, "")]);
        h.cancel(ids[1].0).await.expect("cancelled");
        let stopped = print::labels(&h.app, &me(), &printing("再来"), &[parcels[1]]).await.expect("answered");
        assert_eq!(stopped.results, vec![(parcels[1], Outcome::refused("cancelled"))]);
        for kind in [print::Kind::PickList, print::Kind::PackingSlip, print::Kind::Manifest] {
            let printed = print::documents(&h.app, &me(), &printing(""), kind, &parcels).await.expect("printed");
            assert_eq!(printed.files.len(), 1, "{kind:?}");
        }
    });
}

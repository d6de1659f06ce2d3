//! Law 1 (the same page any number of times, in any order, by any number of workers), law 4, law 7 (every statement
//! broken, then repeated), amendments, checks and the approval rule, through the store.

use crate::fixture::*;
use proptest::prelude::*;
use serde_json::json;
use wharf_domain::access::Scope;
use wharf_domain::hold::HoldReason;
use wharf_domain::id::OrderId;
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::order::phase::Phase;
use wharf_domain::order::{ChannelStatus, LineRefund, Payment};
use wharf_domain::rules::{ApprovalPolicy, ShopPolicy};
use wharf_domain::word::Observed;
use wharf_flows::app::FlowError;
use wharf_flows::ingest::{Batch, CursorMove, Source, ingest};
use wharf_flows::worker::run_due;
use wharf_store::completeness;
use wharf_store::order_list::OrderFilter;
use wharf_store::shops::Pull;
use wharf_store::testing::{START, both_engines_with, memory};

/// Statements of a page that brings nothing but new orders. They grow with the logarithm of the page, by its chunks.
const MOST_OF_200: u64 = 40;
const MOST_OF_1000: u64 = 70;

/// Orders of all kinds, some of one buyer.
fn history(count: usize, seed: usize) -> Vec<ChannelOrder> {
    (0..count).map(|n| abnormal(n, ((n * 5 + seed) % usize::from(KINDS)) as u8, (n * 3 + seed) % 7)).collect()
}

#[test]
fn a_page_is_a_handful_of_statements_however_many_orders_it_has() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        // The first page teaches listings. What may not grow: statements of a page, and rows beyond those of the orders
        // themselves (payload, buyer, order, lines, blind indexes, timeline) and of the counters.
        put(&app, shop, (0..200).map(order).collect()).await;
        for (page, most_statements, most_rows) in [(200..400, MOST_OF_200, 10.5), (400..1_400, MOST_OF_1000, 10.5)] {
            let count = page.len();
            let before = bed.store.counted();
            put(&app, shop, page.map(order).collect()).await;
            let after = bed.store.counted();
            let (statements, rows) = (after.statements - before.statements, after.row_writes - before.row_writes);
            println!("{count} orders: {statements} statements, {:.2} row writes an order", rows as f64 / count as f64);
            assert!(statements <= most_statements, "{statements} statements for {count} orders");
            assert!(rows as f64 <= most_rows * count as f64, "{rows} row writes for {count} orders");
        }
    });
}

#[test]
fn a_new_order_is_judged_as_it_is_once_it_is_stored() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        for page in history(60, 3).chunks(12) {
            put(&app, shop, page.to_vec()).await;
        }
        let before = snapshot(&app).await;
        // New orders are judged in memory; whoever looks at them again from their rows sees the same.
        let events = app
            .store
            .write(move |tx| {
                let ids = wharf_store::order_list::matching(tx, &Scope::ALL, &OrderFilter::default(), OrderId(0), 1_000)?;
                assert!(ids.len() > 30, "{} orders", ids.len());
                let reviewed = wharf_flows::review::review(tx, &ids)?;
                wharf_flows::recompute::apply(tx, &ids)?;
                Ok::<_, FlowError>(reviewed.events.into_iter().map(|(id, event)| format!("{id} {}", event.kind)).collect::<Vec<_>>())
            })
            .await
            .expect("a review");
        assert_eq!(events, Vec::<String>::new());
        same(&before, &snapshot(&app).await, "reviewed again");
        healthy(&app).await;
    });
}

#[test]
fn a_clean_order_passes_untouched_with_its_why() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        put(&app, shop, vec![order(1)]).await;
        let id = id_of(&app, shop, &order(1).external_id).await;
        assert_eq!(order_of(&app, id).await.phase, Phase::Stock);
        assert_eq!(events_of(&app, id).await, ["order.placed", "order.approved"]);
        assert_eq!(order_of(&app, id).await.masked_phone, "138****0001");
        healthy(&app).await;
    });
}

#[test]
fn each_abnormal_order_is_held_for_its_own_reason() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        let mut cases: Vec<(ChannelOrder, Vec<HoldReason>)> = Vec::new();
        let mut add = |n: usize, reasons: &[HoldReason], change: fn(&mut ChannelOrder)| {
            let mut o = order(n);
            change(&mut o);
            cases.push((sealed(o), reasons.to_vec()));
        };
        add(1, &[HoldReason::BuyerNote], |o| o.buyer_note = "麻烦改地址".into());
        add(2, &[HoldReason::PhoneInvalid], |o| o.recipient.as_mut().expect("r").personal.phone = "1381234567".into());
        add(3, &[HoldReason::AddressIncomplete], |o| o.recipient.as_mut().expect("r").region.district.clear());
        add(4, &[HoldReason::AmountMismatch], |o| o.total_minor += 30);
        add(5, &[HoldReason::UnknownStatus], |o| {
            o.status = Observed::Unknown("新".into());
            o.observed_status = "新".into()
        });
        add(6, &[HoldReason::RefundRequested], |o| o.lines[0].refund = LineRefund::Requested);
        add(7, &[HoldReason::OddQuantity], |o| {
            o.lines[0].quantity = 500;
            o.lines[0].total_minor = 0;
            o.total_minor = 500
        });
        add(8, &[HoldReason::ChannelHold], |o| {
            o.do_not_ship = vec![wharf_domain::order::channel::ChannelHold { code: "top_hold".into(), text: String::new() }]
        });
        add(9, &[HoldReason::AddressIncomplete, HoldReason::BuyerNote], |o| {
            o.recipient.as_mut().expect("r").personal.address.clear();
            o.buyer_note = "不要了".into()
        });
        put(&app, shop, cases.iter().map(|(o, _)| o.clone()).collect()).await;
        for (o, mut reasons) in cases {
            let id = id_of(&app, shop, &o.external_id).await;
            reasons.sort_unstable();
            assert_eq!(holds_of(&app, id).await, reasons, "{}", o.external_id);
            assert_eq!(order_of(&app, id).await.phase, Phase::Held);
        }
        healthy(&app).await;
    });
}

#[test]
fn the_policy_keeps_back_what_it_does_not_let_pass_and_says_why() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let policy =
            ShopPolicy { approval: ApprovalPolicy { max_total_minor: Some(2_000), ..ApprovalPolicy::default() }, ..ShopPolicy::default() };
        let shop = shop_with(&app, "a", policy).await;
        put(&app, shop, (0..6).map(order).collect()).await;
        for n in 0..6 {
            let id = id_of(&app, shop, &order(n).external_id).await;
            let expected = if order(n).total_minor > 2_000 { Phase::Review } else { Phase::Stock };
            assert_eq!(order_of(&app, id).await.phase, expected);
            if expected == Phase::Review {
                let found = app.store.read(move |tx| wharf_store::holds::findings(tx, &[id])).await.expect("read");
                assert_eq!(found[&id][0].params["reasons"][0]["code"], json!("total_over"));
            }
        }
    });
}

#[test]
fn the_same_pages_in_any_order_and_number_leave_the_same_rows_and_timeline() {
    both_engines_with(|bed| async move {
        let orders = history(40, 3);
        let once = app(&memory());
        stocked(&once).await;
        let first_shop = shop(&once, "a").await;
        put(&once, first_shop, orders.clone()).await;
        let mut expected = snapshot(&once).await;

        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        // Pages of different cuts, backwards, forwards, and whole, with repetitions inside a page.
        for page in orders.chunks(40) {
            put(&app, shop, page.iter().chain(page.iter().take(7)).cloned().collect()).await;
        }
        let before = bed.store.counted();
        for cut in [7, 13, 40] {
            for page in orders.chunks(cut).rev() {
                let report = put(&app, shop, page.to_vec()).await;
                assert_eq!((report.inserted.len(), report.amended.len(), report.unchanged), (0, 0, page.len()));
            }
        }
        assert!(bed.store.counted().row_writes - before.row_writes < 100, "what is known is hardly written");
        let mut found = snapshot(&app).await;
        rename(&mut expected, &first_shop.to_string(), "SHOP");
        rename(&mut found, &shop.to_string(), "SHOP");
        same(&expected, &found, "repeated pages");
        healthy(&app).await;
    });
}

fn rename(snapshot: &mut std::collections::BTreeMap<String, Vec<String>>, from: &str, to: &str) {
    for rows in snapshot.values_mut() {
        for row in rows.iter_mut() {
            *row = row.replace(from, to);
        }
        rows.sort();
    }
}

#[test]
fn many_workers_with_the_same_pages_leave_what_one_leaves() {
    both_engines_with(|bed| async move {
        let orders = history(36, 9);
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        let mut workers = Vec::new();
        for worker in 0..4usize {
            let (app, orders) = (app_on(&bed, bed.another()), orders.clone());
            workers.push(tokio::spawn(async move {
                for round in 0..3 {
                    for page in orders.chunks(5 + worker + round) {
                        // A worker that is in the way of another comes again, as its job would.
                        while let Err(error) =
                            ingest(&app, shop, Batch { orders: page.to_vec(), unreadable: vec![] }, Source::Channel, CursorMove::Stay).await
                        {
                            assert!(matches!(error, wharf_flows::app::FlowError::Store(wharf_store::StoreError::Busy)), "{error}");
                        }
                    }
                }
            }));
        }
        for worker in workers {
            worker.await.expect("a worker");
        }
        let snapshot = snapshot(&app).await;
        assert_eq!(snapshot["orders"].len(), 36);
        let placed = snapshot["timeline"].iter().filter(|row| row.contains("order.placed")).count();
        assert_eq!(placed, 36, "each order is placed once");
        healthy(&app).await;
    });
}

#[test]
fn an_older_version_never_overwrites_a_newer_one() {
    both_engines_with(|bed| async move {
        let versions = |n: usize| {
            let v1 = order(n);
            let v2 = later(&v1, 5, |o| {
                o.seller_note = "vip".into();
                o.ship_by = None
            });
            let v3 = later(&v2, 5, |o| o.buyer_note = "谢谢".into());
            [v1, v2, v3]
        };
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for (n, sequence) in orders.iter().enumerate() {
            for index in sequence {
                put(&app, shop, vec![versions(n)[*index].clone()]).await;
            }
            let id = id_of(&app, shop, &order(n).external_id).await;
            let stored = order_of(&app, id).await;
            assert_eq!(
                (stored.seller_note.as_str(), stored.buyer_note.as_str(), stored.modified_at),
                ("vip", "谢谢", versions(n)[2].modified_at),
                "{sequence:?}"
            );
        }
        healthy(&app).await;
    });
}

#[test]
fn every_statement_of_an_ingest_can_break_and_nothing_is_half_done() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        let first = history(6, 5);
        put(&app, shop, first.clone()).await;
        // The page to break: new orders, a cancelled one, an address that changed, an unreadable one, and the cursor.
        let mut page = vec![order(100), order(101)];
        page.push(later(&first[0], 9, |o| {
            o.status = Observed::Known(ChannelStatus::Cancelled);
            o.observed_status = "CLOSED".into()
        }));
        page.push(later(&first[1], 9, |o| {
            o.lines.push(line(9, 1));
            o.buyer_note = "改地址".into()
        }));
        page.push(later(&first[2], 9, |o| {
            o.recipient = Some(recipient(77));
            o.payment = Payment::Paid
        }));
        let bad = || vec![wharf_connect::channel::Unreadable { external_id: Some("X1".into()), why: "drift".into(), raw: b"{}".to_vec() }];
        let cursor = CursorMove::Complete(START);
        let batch = || Batch { orders: page.clone(), unreadable: bad() };
        let before = snapshot(&app).await;
        let mut step = 1;
        loop {
            bed.store.fail_at(step);
            let result = ingest(&app, shop, batch(), Source::Channel, cursor.clone()).await;
            let left = bed.store.fail_at(0);
            let shop_now = app.store.read(move |tx| wharf_store::shops::get(tx, shop)).await.expect("read").expect("shop");
            if left > 0 {
                result.expect("no statement was left to break");
                assert_eq!(shop_now.cursor_at, Some(START));
                break;
            }
            assert!(result.is_err(), "statement {step} broke unseen");
            assert_eq!(shop_now.cursor_at, None, "the cursor moved without its page (statement {step})");
            same(&before, &snapshot(&app).await, &format!("statement {step} broken"));
            step += 1;
        }
        assert!(step > 20, "an ingest has more than {step} statements");
        let after = snapshot(&app).await;
        // Repeated, it is the same.
        ingest(&app, shop, batch(), Source::Channel, cursor).await.expect("again");
        same(&after, &snapshot(&app).await, "repeated");
        healthy(&app).await;
    });
}

#[test]
fn what_cannot_be_stored_is_parked_and_the_rest_goes_in() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        let mut negative = order(1);
        negative.lines[0].quantity = -1;
        let mut nul = order(2);
        nul.buyer_note = "a\0b".into();
        let page = vec![order(0), sealed(negative), sealed(nul), order(3)];
        let cursor = CursorMove::Page(Pull { from: START, to: START, page: Some("2".into()), started_at: START });
        let report = ingest(&app, shop, Batch { orders: page, unreadable: vec![] }, Source::Channel, cursor).await.expect("a page");
        assert_eq!((report.inserted.len(), report.parked), (2, 2));
        let parked = app
            .store
            .read(move |tx| completeness::parked(tx, &wharf_domain::access::Scope::ALL, Some(shop), None, 10))
            .await
            .expect("read");
        assert_eq!(parked.len(), 2);
        assert!(parked.iter().all(|p| !p.why.is_empty() && !p.payload_hash.is_empty()));
        // Readable at last: no longer parked.
        put(&app, shop, vec![later(&order(1), 1, |_| {}), later(&order(2), 1, |_| {})]).await;
        let parked = app
            .store
            .read(move |tx| completeness::parked(tx, &wharf_domain::access::Scope::ALL, Some(shop), None, 10))
            .await
            .expect("read");
        assert!(parked.is_empty());
        healthy(&app).await;
    });
}

#[test]
fn a_cancellation_gives_stock_back_before_hand_over() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        let o = order(2);
        put(&app, shop, vec![o.clone()]).await;
        let id = id_of(&app, shop, &o.external_id).await;
        run_due(&app, &wharf_flows::jobs::all()).await.expect("routed");
        let allocated: i64 = lines_of(&app, id).await.iter().map(|l| l.counters.allocated).sum();
        assert_eq!(allocated, o.lines[0].quantity, "phase {}", order_of(&app, id).await.phase);
        put(
            &app,
            shop,
            vec![later(&o, 3, |o| {
                o.status = Observed::Known(ChannelStatus::Cancelled);
                o.observed_status = "CLOSED".into()
            })],
        )
        .await;
        let lines = lines_of(&app, id).await;
        assert!(lines.iter().all(|l| l.counters.allocated == 0 && l.counters.cancelled == l.counters.ordered && l.counters.is_lawful()));
        assert_eq!(order_of(&app, id).await.phase, Phase::Cancelled);
        assert!(events_of(&app, id).await.contains(&"order.cancelled_by_channel".to_owned()));
        healthy(&app).await;
    });
}

#[test]
fn a_refund_that_is_asked_holds_and_one_that_is_closed_lets_go() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        let o = order(2);
        let asked = later(&o, 3, |o| o.lines[0].refund = LineRefund::Requested);
        let closed = later(&asked, 3, |o| o.lines[0].refund = LineRefund::Closed);
        put(&app, shop, vec![o.clone()]).await;
        put(&app, shop, vec![asked]).await;
        let id = id_of(&app, shop, &o.external_id).await;
        assert_eq!((holds_of(&app, id).await, order_of(&app, id).await.phase), (vec![HoldReason::RefundRequested], Phase::Held));
        put(&app, shop, vec![closed]).await;
        assert_eq!(holds_of(&app, id).await, []);
        assert!(order_of(&app, id).await.approved_at.is_some(), "it goes on without another click");
        healthy(&app).await;
    });
}

#[test]
fn a_duplicate_is_the_later_one_whichever_arrives_first() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let pair = || {
            let first = order(1);
            let mut second = order(1);
            second.external_id = "999900001111".into();
            second.placed_at = first.placed_at.plus(60_000_000);
            [first, sealed(second)]
        };
        for (name, flipped) in [("a", false), ("b", true)] {
            let shop = shop(&app, name).await;
            let mut pair = pair()
                .map(|mut o| {
                    o.buyer.external_id = Some(format!("twin {name}"));
                    sealed(o)
                })
                .to_vec();
            if flipped {
                pair.reverse();
            }
            for o in pair {
                put(&app, shop, vec![o]).await;
            }
            let later = id_of(&app, shop, "999900001111").await;
            let earlier = id_of(&app, shop, &order(1).external_id).await;
            assert_eq!(holds_of(&app, later).await, [HoldReason::PossibleDuplicate], "flipped {flipped}");
            assert_eq!(holds_of(&app, earlier).await, []);
            assert!(order_of(&app, later).await.buyer_returning && !order_of(&app, earlier).await.buyer_returning);
        }
        healthy(&app).await;
    });
}

/// Runs a history: orders of some kinds, then steps of (which order, what happens, route before).
async fn live(bed: &wharf_store::testing::Bed, kinds: &[(u8, usize)], steps: &[(usize, u8, bool)]) {
    let app = app(bed);
    stocked(&app).await;
    let shop = shop(&app, "a").await;
    let mut now: Vec<ChannelOrder> = kinds.iter().enumerate().map(|(n, (kind, buyer))| abnormal(n, *kind, *buyer)).collect();
    put(&app, shop, now.clone()).await;
    for (which, kind, route) in steps {
        let index = which % now.len();
        if *route {
            run_due(&app, &wharf_flows::jobs::all()).await.expect("routed");
        }
        let next = later(&now[index], 1, |o| match kind {
            0 => {
                o.status = Observed::Known(ChannelStatus::Cancelled);
                o.observed_status = "CLOSED".into()
            }
            1 => o.lines[0].refund = LineRefund::Requested,
            2 => o.lines[0].refund = LineRefund::Refunded,
            3 => o.lines[0].quantity = (o.lines[0].quantity - 1).max(0),
            4 => o.lines[0].quantity += 2,
            5 => o.recipient = Some(recipient(usize::from(*kind) + which)),
            6 => {
                o.status = Observed::Known(ChannelStatus::Shipped);
                o.observed_status = "SENT".into()
            }
            7 => {
                let n = o.lines.len() + 20;
                o.lines.push(line(n, 1))
            }
            _ => {
                o.payment = Payment::Paid;
                o.status = Observed::Known(ChannelStatus::ToShip);
                o.observed_status = "PAID".into();
                o.lines[0].refund = LineRefund::Closed
            }
        });
        let older = now[index].clone();
        now[index] = next.clone();
        put(&app, shop, vec![next]).await;
        put(&app, shop, vec![older]).await;
    }
    for o in &now {
        let id = id_of(&app, shop, &o.external_id).await;
        assert!(lines_of(&app, id).await.iter().all(|l| l.counters.is_lawful()));
    }
    healthy(&app).await;
}

#[test]
fn a_long_history_of_every_change_is_lawful_on_every_engine() {
    both_engines_with(|bed| async move {
        let kinds: Vec<(u8, usize)> = (0..12).map(|n| ((n * 5 % usize::from(KINDS)) as u8, n % 4)).collect();
        let steps: Vec<(usize, u8, bool)> = (0..45).map(|n| (n * 7 % 12, (n * 11 % 9) as u8, n % 6 == 0)).collect();
        live(&bed, &kinds, &steps).await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    /// Whatever history an order has, the cached phase and the counters are what its facts make, and its lines are lawful.
    #[test]
    fn any_history_leaves_phases_and_counters_that_facts_make(
        kinds in prop::collection::vec((0u8..KINDS, 0usize..3), 1..6),
        steps in prop::collection::vec((0usize..6, 0u8..9, any::<bool>()), 0..18),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(live(&memory(), &kinds, &steps));
    }
}

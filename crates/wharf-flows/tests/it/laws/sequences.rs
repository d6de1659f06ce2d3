//! Laws 1 to 4 and 6 as properties, on every engine: any cut, order, repetition, version and number of workers of the same
//! pages; any sequence of commands on orders and parcels.

use crate::fixture::{self, abnormal, id_of, later, order_of, put, shop, snapshot, stocked};
use crate::parcels::bed::{House, house, me, packer};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use wharf_domain::id::OrderId;
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::order::phase::Phase;
use wharf_domain::shipment::ShipmentState;
use wharf_flows::app::FlowError;
use wharf_flows::ingest::{Batch, CursorMove, Source, ingest};
use wharf_flows::{hand_over, pack, route, ship};
use wharf_store::StoreError;
use wharf_store::testing::{both_engines_with, memory};

/// Cases of each property. Each runs on SQLite in memory, on SQLite in a file, and on PostgreSQL.
const CASES: u32 = 5;

fn each_case<S: Strategy>(strategy: S, property: impl Fn(S::Value)) {
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    runner
        .run(&strategy, |value| {
            property(value);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

/// What a channel says in the end of some orders, and every version on the way.
fn versions(kinds: &[u8]) -> Vec<Vec<ChannelOrder>> {
    kinds
        .iter()
        .enumerate()
        .map(|(n, kind)| {
            let first = abnormal(n, *kind, n % 3);
            let second = later(&first, 5, |o| o.seller_note = "vip".into());
            let third = later(&second, 5, |o| o.ship_by = o.ship_by.map(|at| at.plus(3_600_000_000)));
            vec![first, second, third]
        })
        .collect()
}

#[test]
fn law_1_any_pages_in_any_order_by_any_workers_leave_what_one_page_leaves() {
    let pages = prop::collection::vec((prop::collection::vec((0usize..6, 0usize..3), 1..9), 0usize..3), 3..10);
    each_case((prop::collection::vec(0u8..fixture::KINDS, 6), pages), |(kinds, pages)| {
        both_engines_with(|bed| {
            let (kinds, pages) = (kinds.clone(), pages.clone());
            async move {
                let all = versions(&kinds);
                let app = fixture::app(&bed);
                stocked(&app).await;
                let a = shop(&app, "a").await;
                let mut workers: BTreeMap<usize, Vec<Vec<ChannelOrder>>> = BTreeMap::new();
                for (page, worker) in &pages {
                    let orders = page.iter().map(|(which, version)| all[*which][*version].clone()).collect();
                    workers.entry(*worker).or_default().push(orders);
                }
                let mut running = Vec::new();
                for pages in workers.into_values() {
                    let app = fixture::app_on(&bed, bed.another());
                    running.push(tokio::spawn(async move {
                        for page in pages {
                            loop {
                                let batch = Batch { orders: page.clone(), unreadable: vec![] };
                                match ingest(&app, a, batch, Source::Channel, CursorMove::Stay).await {
                                    Ok(_) => break,
                                    Err(FlowError::Store(StoreError::Busy)) => tokio::task::yield_now().await,
                                    Err(error) => panic!("{error}"),
                                }
                            }
                        }
                    }));
                }
                for worker in running {
                    worker.await.expect("a worker");
                }
                // Whatever came before, the last word of each order wins.
                let last: Vec<ChannelOrder> = all.iter().map(|versions| versions[2].clone()).collect();
                put(&app, a, last.clone()).await;
                let found = snapshot(&app).await;
                for repeated in [last.clone(), all.iter().map(|versions| versions[0].clone()).collect()] {
                    put(&app, a, repeated).await;
                }
                fixture::same(&found, &snapshot(&app).await, "the same and older pages again");
                assert_eq!(found["orders"].len(), 6);
                assert_eq!(found["timeline"].iter().filter(|row| row.contains("order.placed")).count(), 6, "each is placed once");
                // Facts are those of a house that heard only the last word. Its timeline is shorter, and so are its findings' stories.
                let once = fixture::app(&memory());
                stocked(&once).await;
                let b = shop(&once, "a").await;
                put(&once, b, last.clone()).await;
                for o in &last {
                    let (x, y) = (id_of(&app, a, &o.external_id).await, id_of(&once, b, &o.external_id).await);
                    let (x, y) = (order_of(&app, x).await, order_of(&once, y).await);
                    let facts = |o: &wharf_store::orders::Order| {
                        (o.phase, o.payment, o.modified_at, o.seller_note.clone(), o.total_minor, o.ship_by)
                    };
                    assert_eq!(facts(&x), facts(&y), "{}", o.external_id);
                }
                fixture::healthy(&app).await;
            }
        });
    });
}

/// One command: what, on which order, how much.
type Command = (u8, usize, i64);

async fn obey(h: &House, orders: &[OrderId], (what, which, units): Command) {
    let order = orders[which % orders.len()];
    let live: Vec<_> = h.parcels(order).await.into_iter().filter(|s| s.state != ShipmentState::Cancelled).collect();
    let ids: Vec<_> = live.iter().map(|s| s.id).collect();
    let one = [order];
    let answered = match what {
        0 => route::route(&h.app, &me(), &one, Default::default()).await.map(drop),
        1 => route::route(&h.app, &me(), &one, route::RouteOptions { partial: true, warehouse: None }).await.map(drop),
        2 => route::unroute(&h.app, &me(), &one).await.map(drop),
        3 => {
            h.work().await;
            Ok(())
        }
        4 => pack::pack(&h.app, &packer(), "台", &ids).await.map(drop),
        5 => pack::unpack(&h.app, &me(), &ids).await.map(drop),
        6 => hand_over::hand_over(&h.app, &me(), &ids).await.map(drop),
        7 => h.cancel(order).await.map(drop),
        8 => match live.iter().find_map(|s| s.lines.iter().find(|l| l.quantity > 1).map(|l| (s.id, l.fulfillment_line_id))) {
            Some((parcel, line)) => ship::split(&h.app, &me(), parcel, &[(line, 1)]).await.map(drop),
            None => Ok(()),
        },
        9 => ship::merge(&h.app, &me(), &ids).await.map(drop),
        10 => wharf_flows::print::labels(&h.app, &me(), &crate::parcels::bed::printing("再印"), &ids).await.map(drop),
        _ => {
            h.receive(which % 2, which % 3, units).await;
            Ok(())
        }
    };
    match answered {
        // A command may be refused; it may not break.
        Ok(()) | Err(FlowError::Refused { .. } | FlowError::Invalid { .. } | FlowError::NotFound(_)) => {}
        Err(error) => panic!("command {what}: {error}"),
    }
}

#[test]
fn laws_2_3_4_and_6_hold_after_every_command_of_any_sequence() {
    let commands = prop::collection::vec((0u8..12, 0usize..5, 1i64..6), 8..30);
    each_case(commands, |commands| {
        both_engines_with(|bed| {
            let commands = commands.clone();
            async move {
                let h = house(bed).await;
                for sku in 0..3 {
                    h.receive(0, sku, 5).await;
                    h.receive(1, sku, 3).await;
                }
                let mut orders = Vec::new();
                for n in 0..5 {
                    orders.push(h.order(&format!("A{n}"), &[(n % 3, 1 + (n % 3) as i64), ((n + 1) % 3, 2)], &format!("b{}", n / 2)).await);
                }
                for command in &commands {
                    obey(&h, &orders, *command).await;
                    h.lawful().await;
                }
                h.settle().await;
                h.lawful().await;
                assert!(!h.fake.bought_twice());
                assert!(h.fake.confirmations().values().all(|n| *n == 1));
                for order in &orders {
                    for line in h
                        .write({
                            let order = *order;
                            move |tx| wharf_store::orders::lines(tx, &[order])
                        })
                        .await
                        .remove(order)
                        .unwrap_or_default()
                    {
                        assert!(line.counters.is_lawful(), "{:?}", line.counters);
                    }
                    if h.phase(*order).await == Phase::Cancelled {
                        assert!(h.parcels(*order).await.iter().all(|s| s.handed_over_at.is_none()), "a cancelled order was handed over");
                    }
                }
                fixture::healthy(&h.app).await;
            }
        });
    });
}

#[test]
fn no_call_to_the_world_leaves_a_unit_of_work() {
    both_engines_with(|bed| async move {
        let app = fixture::app(&bed);
        let inside = app.clone();
        let told = bed
            .store
            .write(move |_| {
                let send = || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
                    runtime.block_on(inside.http.send(wharf_connect::HttpRequest::form("http://nowhere/", &[])))
                };
                // A fault of the program: it panics where it is debugged, and is refused where it is not.
                let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(send));
                Ok::<_, StoreError>(
                    answer.ok().is_none_or(|answer| answer.err().is_some_and(|error| error.to_string().contains("unit of work"))),
                )
            })
            .await;
        assert_eq!(told, Ok(true), "a call was let out of a unit of work");
        let outside = app.http.send(wharf_connect::HttpRequest::form("http://nowhere/", &[])).await;
        assert!(outside.err().is_some_and(|error| error.to_string().contains("no world")), "outside of one it goes its way");
    });
}

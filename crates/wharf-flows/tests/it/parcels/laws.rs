//! Laws 2, 3, 4, 6 and 12 under races: one hot SKU, and random lives of orders by several workers at once.

use super::bed::{House, house, me, packer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wharf_domain::id::OrderId;
use wharf_domain::order::phase::Phase;
use wharf_domain::shipment::ShipmentState;
use wharf_flows::app::{FlowError, Outcome};
use wharf_flows::{hand_over, pack, route, ship};
use wharf_store::testing::both_engines_with;
use wharf_store::{StoreError, fulfillments, stock};

#[test]
fn one_hot_sku_sells_exactly_what_is_there() {
    both_engines_with(|bed| async move {
        let h = Arc::new(house(bed).await);
        h.receive(0, 0, 20).await;
        h.receive(1, 0, 17).await;
        let mut orders = Vec::new();
        for n in 0..64 {
            orders.push(h.order(&format!("A{n}"), &[(0, 1)], &format!("b{n}")).await);
        }
        let tasks: Vec<_> = orders
            .iter()
            .map(|order| {
                let (h, order) = (h.clone(), [*order]);
                tokio::spawn(async move { again(|| route::route(&h.app, &ME, &order, Default::default())).await.remove(0).1 })
            })
            .collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.expect("no panic"));
        }
        assert_eq!(outcomes.iter().filter(|o| **o == Outcome::Done).count(), 37, "exactly what was on hand");
        assert_eq!(outcomes.iter().filter(|o| **o == Outcome::refused("short")).count(), 27);
        assert_eq!((h.level(0, 0).await, h.level(1, 0).await), ((20, 20), (17, 17)));
        let sku = h.skus[0];
        let explained = h.write(move |tx| stock::explain(tx, sku)).await;
        assert_eq!(explained.held.len(), 37, "the ledger names every order that has one");
        h.lawful().await;
    });
}

static ME: std::sync::LazyLock<wharf_domain::timeline::Actor> = std::sync::LazyLock::new(me);

/// A deadlock or a busy database is nobody's answer: the same call is made again.
async fn again<T, F: Future<Output = Result<T, FlowError>>>(call: impl Fn() -> F) -> T {
    for _ in 0..200 {
        match call().await {
            Ok(value) => return value,
            Err(FlowError::Store(StoreError::Busy)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("busy for ever");
}

/// A small deterministic source: xorshift.
fn dice(state: &AtomicU64, sides: u64) -> u64 {
    let mut x = state.load(Ordering::Relaxed);
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    state.store(x, Ordering::Relaxed);
    x % sides
}

async fn one_step(h: &House, order: OrderId, what: u64) {
    let parcels: Vec<_> = h.parcels(order).await;
    let live: Vec<_> = parcels.iter().filter(|s| s.state != ShipmentState::Cancelled).map(|s| s.id).collect();
    let one = [order];
    match what {
        0 | 1 => drop(again(|| route::route(&h.app, &ME, &one, route::RouteOptions { partial: what == 1, warehouse: None })).await),
        2 => drop(again(|| h.cancel(order)).await),
        3 | 4 => drop(again(|| pack::pack(&h.app, packer_ref(), "台", &live)).await),
        5 => drop(again(|| pack::unpack(&h.app, &ME, &live)).await),
        6 | 7 => drop(again(|| hand_over::hand_over(&h.app, &ME, &live)).await),
        8 => drop(again(|| route::unroute(&h.app, &ME, &one)).await),
        9 => {
            // The buyer takes one unit of the first line back.
            let line = h.lines_of(order).await[0];
            again(|| async {
                h.bed
                    .store
                    .write(move |tx| {
                        wharf_store::locks::orders(tx, &[order])?;
                        let known = wharf_store::orders::lines(tx, &[order])?.remove(&order).unwrap_or_default();
                        let l = known.iter().find(|l| l.id == line).expect("line").clone();
                        let keep = (l.counters.open() - 1).max(0);
                        let stopped =
                            ship::stop_lines(tx, &ME, &[ship::LineStop { order_id: order, order_line_id: line, keep }], "amended")?;
                        let update = wharf_store::orders::LineUpdate {
                            id: line,
                            line: None,
                            ordered: l.counters.ordered,
                            cancelled: l.counters.ordered - keep - stopped[0].gone,
                            refund: wharf_domain::order::LineRefund::None,
                        };
                        wharf_store::orders::update_lines(tx, &[update], &[])?;
                        wharf_flows::recompute::apply(tx, &[order])?;
                        Ok(())
                    })
                    .await
            })
            .await;
        }
        _ => {
            if let Some(parcel) = parcels.iter().find(|s| s.lines.iter().any(|l| l.quantity > 1)) {
                let line = parcel.lines.iter().find(|l| l.quantity > 1).expect("a line of several").fulfillment_line_id;
                match ship::split(&h.app, &ME, parcel.id, &[(line, 1)]).await {
                    Ok(_) | Err(FlowError::Refused { .. } | FlowError::Invalid { .. } | FlowError::Store(StoreError::Busy)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

fn packer_ref() -> &'static pack::Packer {
    static PACKER: std::sync::LazyLock<pack::Packer> = std::sync::LazyLock::new(packer);
    &PACKER
}

#[test]
fn whatever_several_workers_do_the_laws_hold() {
    both_engines_with(|bed| async move {
        for seed in [0x9E37_79B9_7F4A_7C15_u64, 0xD1B5_4A32_D192_ED03] {
            let h = Arc::new(house(wharf_store::testing::Bed { ..bed.clone() }).await);
            life(&h, seed).await;
            break_of_shop_name(&h).await;
        }
    });
}

/// The two rounds share a database; only the first may be called 一店.
async fn break_of_shop_name(h: &House) {
    let (shop, warehouses, account) = (h.shop, h.warehouses.clone(), h.account);
    h.write(move |tx| {
        wharf_store::shops::edit(tx, shop, &wharf_store::shops::ShopEdit { name: Some(format!("店 {shop}")), ..Default::default() }, None)?;
        for id in warehouses {
            let w = wharf_store::warehouses::get(tx, id)?.expect("warehouse");
            let input = wharf_store::warehouses::WarehouseInput {
                code: format!("{}-{id}", w.code),
                name: w.name,
                kind: w.kind,
                active: false,
                priority: w.priority,
                region: w.region,
                address: w.address,
                contact: w.contact,
                phone: w.phone,
                point: w.point,
                pack_flow: w.pack_flow,
            };
            wharf_store::warehouses::update(tx, id, &input, None)?;
        }
        let a = wharf_store::warehouses::get_account(tx, account)?.expect("account");
        let input = wharf_store::warehouses::AccountInput {
            vendor: a.vendor,
            name: format!("旧 {account}"),
            credentials: None,
            settings: a.settings,
            shop_id: None,
            active: false,
        };
        wharf_store::warehouses::update_account(tx, account, &input, None)
    })
    .await;
}

async fn life(h: &Arc<House>, seed: u64) {
    for sku in 0..3 {
        h.receive(0, sku, 6).await;
        h.receive(1, sku, 4).await;
    }
    let mut orders = Vec::new();
    for n in 0..12 {
        let sold = [(n % 3, 1 + (n % 3) as i64), ((n + 1) % 3, 1)];
        orders.push(h.order(&format!("{seed}-{n}"), &sold[..1 + n % 2], &format!("b{}", n / 2)).await);
    }
    let tasks: Vec<_> = (0..4u64)
        .map(|worker| {
            let (h, orders) = (h.clone(), orders.clone());
            tokio::spawn(async move {
                let state = AtomicU64::new(seed ^ (worker + 1).wrapping_mul(0xA24B_AED4_963E_E407));
                for _ in 0..40 {
                    let order = orders[dice(&state, orders.len() as u64) as usize];
                    one_step(&h, order, dice(&state, 11)).await;
                    if dice(&state, 4) == 0 {
                        h.work().await;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    h.lawful().await;
    h.settle().await;
    h.lawful().await;
    assert!(!h.fake.bought_twice());
    assert!(h.fake.confirmations().values().all(|n| *n == 1));
    for order in &orders {
        let parcels = h.parcels(*order).await;
        let order = *order;
        let (lines, rows) = h
            .write(move |tx| {
                Ok((wharf_store::orders::lines(tx, &[order])?.remove(&order).unwrap_or_default(), fulfillments::of_orders(tx, &[order])?))
            })
            .await;
        for line in &lines {
            assert!(line.counters.is_lawful(), "{:?}", line.counters);
        }
        let left = parcels.iter().any(|s| s.handed_over_at.is_some());
        if h.phase(order).await == Phase::Cancelled {
            assert!(!left, "a cancelled order was handed over");
            assert!(rows.iter().all(|f| f.state == wharf_domain::fulfillment::FulfillmentState::Cancelled));
            assert!(parcels.iter().all(|s| s.state == ShipmentState::Cancelled));
        }
    }
    // What is live on the carrier's side is what lives here.
    let mut ours: Vec<String> = Vec::new();
    for order in &orders {
        ours.extend(h.parcels(*order).await.into_iter().filter(|s| s.state != ShipmentState::Cancelled).filter_map(|s| s.waybill_number));
    }
    ours.sort();
    ours.dedup();
    let mut theirs = h.fake.live_numbers();
    theirs.sort();
    assert_eq!(ours, theirs);
}

#[test]
fn a_cancellation_at_any_step_before_hand_over_stops_the_parcel() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 50).await;
        for step in 0..5 {
            let order = h.order(&format!("A{step}"), &[(0, 2)], &format!("b{step}")).await;
            if step >= 1 {
                h.route(order).await;
            }
            if step >= 2 {
                h.work().await;
            }
            if step >= 3 {
                let id = h.parcel(order).await.id;
                wharf_flows::print::labels(&h.app, &me(), &super::bed::printing(""), &[id]).await.expect("printed");
            }
            if step >= 4 {
                let id = h.parcel(order).await.id;
                pack::pack(&h.app, &packer(), "台", &[id]).await.expect("packed");
            }
            let stopped = h.cancel(order).await.expect("cancelled");
            assert!(stopped.iter().all(|s| s.gone == 0));
            h.settle().await;
            assert_eq!(h.phase(order).await, Phase::Cancelled, "step {step}");
            let ids: Vec<_> = h.parcels(order).await.iter().map(|s| s.id).collect();
            let results = hand_over::hand_over(&h.app, &me(), &ids).await.expect("answered");
            assert!(results.iter().all(|(_, o)| *o == Outcome::refused("cancelled")), "step {step}: {results:?}");
            assert_eq!(h.level(0, 0).await, (50, 0), "step {step}");
            assert_eq!(h.fake.live_numbers(), Vec::<String>::new(), "step {step}");
        }
        // After hand-over the contradiction is told, not hidden.
        let (order, parcel) = h.packed("late", &[(0, 2)]).await;
        hand_over::hand_over(&h.app, &me(), &[parcel]).await.expect("handed over");
        let stopped = h.cancel(order).await.expect("answered");
        assert_eq!((stopped[0].stopped, stopped[0].gone), (0, 2));
        assert_eq!(h.level(0, 0).await, (48, 0));
        h.lawful().await;
    });
}

#[test]
fn counts_and_corrections_keep_the_ledger_whole() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 5).await;
        let order = h.order("A1", &[(0, 3)], "a").await;
        h.route(order).await;
        let key = stock::LevelKey::good(h.warehouses[0], h.skus[0]);
        let count = |n: i64| stock::Entry { key, kind: wharf_domain::stock::MovementKind::Counted, quantity: n, note: "盘点".into() };
        let cause = stock::Cause { kind: "count", id: None };
        let (low, fine) = (count(2), count(4));
        let refused = h.write(move |tx| stock::record(tx, &[low], cause, &me())).await;
        assert!(refused.is_err(), "two are there and three are promised: somebody must decide, nothing is clamped");
        assert_eq!(h.level(0, 0).await, (5, 3));
        h.write(move |tx| stock::record(tx, &[fine], cause, &me())).await.expect("lawful");
        assert_eq!(h.level(0, 0).await, (4, 3));
        h.write(move |tx| stock::set(tx, key, &stock::LevelSettings { safety: Some(1), low_at: Some(Some(2)), ..Default::default() }))
            .await;
        let low = h.write(|tx| stock::list(tx, &stock::StockFilter { low: true, ..Default::default() }, None, 10)).await;
        assert_eq!(low.iter().map(|r| (r.code.as_str(), r.available)).collect::<Vec<_>>(), vec![("SKU0", 0)]);
        let sku = h.skus[0];
        let moved =
            h.write(move |tx| stock::movements(tx, &stock::MovementFilter { sku_id: Some(sku), ..Default::default() }, None, 10)).await;
        assert_eq!(
            moved.iter().map(|m| (m.on_hand, m.reserved, m.on_hand_after)).collect::<Vec<_>>(),
            vec![(-1, 0, 4), (0, 3, 5), (5, 0, 5)]
        );
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let cursor = after.clone();
            let page = h
                .write(move |tx| stock::list(tx, &stock::StockFilter { by_available: true, ..Default::default() }, cursor.as_ref(), 1))
                .await;
            let Some(row) = page.into_iter().next() else { break };
            after = Some(stock::StockCursor { available: row.available, code_normal: row.code_normal.clone(), sku_id: row.sku_id });
            seen.push(row.code);
        }
        assert_eq!(seen.len(), 4, "{seen:?}");
        let found = h.write(|tx| stock::list(tx, &stock::StockFilter { q: "690000000002".into(), ..Default::default() }, None, 10)).await;
        assert_eq!(found.len(), 1);
        h.lawful().await;
    });
}

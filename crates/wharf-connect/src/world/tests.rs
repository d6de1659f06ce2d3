//! The laws of the market: the same seed is the same market, what was told is kept, and no call takes effect twice.

use super::command::{Act, Command, Done};
use super::orders::{LineDraft, OrderDraft, OrderState, Quirk, RefundKind, Refusal};
use super::parcels::{Declaration, Purchase};
use super::plan::{MarketPlan, PlannedShop};
use super::{World, WorldError};
use proptest::prelude::*;
use std::io::{BufRead, BufReader};
use wharf_domain::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};

const OPENED: Timestamp = Timestamp::from_seconds(1_795_000_000);

fn shops() -> Vec<PlannedShop> {
    ["one", "two"].iter().map(|key| PlannedShop { vendor: "market".into(), key: (*key).into(), name: format!("shop {key}") }).collect()
}

fn plan(seed: u64) -> MarketPlan {
    MarketPlan {
        seed,
        opened_at: OPENED,
        shops: shops(),
        backlog: 50,
        backlog_span: 5 * HOUR,
        rate_milli: 60_000,
        speed: 60,
        unusual_per_mille: 400,
    }
}

fn quiet(seed: u64) -> MarketPlan {
    MarketPlan { backlog: 0, backlog_span: 0, rate_milli: 0, speed: 1, unusual_per_mille: 0, ..plan(seed) }
}

fn later(micros: i64) -> Timestamp {
    OPENED.plus(micros)
}

fn declaration(world: &World, order: i64, number: &str, lines: Vec<i64>) -> Declaration {
    let shop = world.read(|m| m.order(order).map(|o| o.shop)).expect("order");
    Declaration { at: later(HOUR), shop, order, lines, carrier: "ZTO".into(), number: number.into(), online: false }
}

#[test]
fn the_same_seed_is_the_same_market_however_time_is_cut() {
    let (coarse, fine, other) = (World::in_memory(plan(7)), World::in_memory(plan(7)), World::in_memory(plan(8)));
    coarse.tick(later(2 * HOUR)).expect("tick");
    other.tick(later(2 * HOUR)).expect("tick");
    for step in 1..=720 {
        fine.tick(later(step * 10 * SECOND)).expect("tick");
    }
    assert_eq!(coarse.fingerprint(), fine.fingerprint());
    assert_ne!(coarse.fingerprint(), other.fingerprint());
    let sold = coarse.read(|m| m.orders.len());
    assert!((6_000..9_000).contains(&sold), "two hours at sixty a minute: {sold}");
}

#[test]
fn orders_made_by_hand_do_not_shift_the_drawn_ones() {
    let (plain, touched) = (World::in_memory(plan(7)), World::in_memory(plan(7)));
    for minute in 1..=30 {
        plain.tick(later(minute * MINUTE)).expect("tick");
        touched.tick(later(minute * MINUTE)).expect("tick");
        touched.place(later(minute * MINUTE), "one", OrderDraft::default()).expect("placed");
    }
    let drawn = |w: &World| {
        w.read(|m| m.orders.iter().filter(|o| !o.by_hand).map(|o| (o.number, o.buyer, o.placed_at, o.quirks.clone())).collect::<Vec<_>>())
    };
    assert_eq!(drawn(&plain), drawn(&touched));
    assert_eq!(touched.read(|m| m.orders.iter().filter(|o| o.by_hand).count()), 30);
}

#[test]
fn every_quirk_can_be_made_and_every_kind_is_drawn() {
    let world = World::in_memory(MarketPlan { unusual_per_mille: 1000, ..plan(3) });
    world.tick(later(HOUR)).expect("tick");
    for quirk in super::truth::quirks() {
        let seen = world.read(|m| m.orders.iter().filter(|o| !o.by_hand && o.quirks.contains(quirk)).count());
        assert!(seen > 0, "{quirk} is never drawn");
        let draft = OrderDraft { quirks: vec![*quirk], ..OrderDraft::default() };
        let number = world.place(later(HOUR), "two", draft).expect("placed");
        assert!(world.read(|m| m.order(number).is_some_and(|o| o.quirks.contains(quirk))), "{quirk}");
    }
}

#[test]
fn amounts_add_up_except_where_they_should_not() {
    let world = World::in_memory(plan(11));
    world.tick(later(HOUR)).expect("tick");
    world.read(|m| {
        for order in &m.orders {
            let sum = order.lines.iter().map(|l| l.price_minor * l.quantity - l.discount_minor - l.share_minor).sum::<i64>()
                + order.postage_minor;
            let off = order.payment_minor() - sum;
            assert_eq!(off != 0, order.quirks.contains(&Quirk::AmountMismatch), "order {}", order.number);
            assert_eq!(order.lines.iter().map(|l| l.share_minor).sum::<i64>(), order.discount_minor);
            assert!(m.order_of_line(order.lines[order.lines.len() - 1].number).is_some_and(|o| o.number == order.number));
        }
    });
}

#[test]
fn a_parcel_is_declared_once_travels_and_the_trade_finishes() {
    let world = World::in_memory(quiet(5));
    let order = world.place(OPENED, "one", OrderDraft::default()).expect("placed");
    let told = declaration(&world, order, "780000000001", vec![]);
    assert_eq!(world.apply(Command::Confirm(told.clone())), Ok(Done::Ok));
    for _ in 0..3 {
        assert_eq!(world.apply(Command::Confirm(told.clone())), Err(Refusal::AlreadyShipped));
    }
    world.read(|m| {
        let facts = m.order(order).expect("order");
        assert_eq!((facts.parcels.len(), facts.parcels[0].effects, facts.rejected[0].times), (1, 1, 3));
        assert!(m.scans(facts, &facts.parcels[0], later(HOUR)).is_empty());
    });
    world.tick(later(6 * DAY)).expect("tick");
    world.read(|m| {
        let facts = m.order(order).expect("order");
        assert!(facts.parcels[0].signed_at.is_some(), "five scans, then the door");
        assert_eq!(m.scans(facts, &facts.parcels[0], later(6 * DAY)).len(), 5);
    });
    world.tick(later(20 * DAY)).expect("tick");
    assert_eq!(world.read(|m| m.order(order).map(|o| o.state)), Some(OrderState::Finished));
}

#[test]
fn a_number_of_another_recipient_is_refused_and_of_the_same_one_taken() {
    let world = World::in_memory(quiet(5));
    let buy = |buyer: u32| world.place(OPENED, "one", OrderDraft { buyer: Some(buyer), ..OrderDraft::default() }).expect("placed");
    let (first, same, stranger) = (buy(1), buy(1), buy(2));
    for (order, expected) in [(first, Ok(Done::Ok)), (same, Ok(Done::Ok)), (stranger, Err(Refusal::NumberUsed("780000000001".into())))] {
        assert_eq!(world.apply(Command::Confirm(declaration(&world, order, "780000000001", vec![]))), expected);
    }
}

#[test]
fn a_split_order_must_name_its_lines() {
    let world = World::in_memory(quiet(5));
    let codes: Vec<String> = world
        .read(|m| m.shops[0].listings.iter().filter(|l| !l.unmapped && l.pieces == 1).take(3).map(|l| l.seller_code.clone()).collect());
    let lines = codes.into_iter().map(|seller_code| LineDraft { seller_code, quantity: 2, ..LineDraft::default() }).collect();
    let order = world.place(OPENED, "one", OrderDraft { lines, ..OrderDraft::default() }).expect("placed");
    let numbers: Vec<i64> = world.read(|m| m.order(order).map(|o| o.lines.iter().map(|l| l.number).collect())).expect("order");
    let tell = |number: &str, lines: Vec<i64>| world.apply(Command::Confirm(declaration(&world, order, number, lines)));
    assert_eq!(tell("780000000001", vec![numbers[0]]), Ok(Done::Ok));
    assert_eq!(world.read(|m| m.order(order).map(|o| o.state)), Some(OrderState::PartShipped));
    assert!(matches!(tell("780000000002", vec![]), Err(Refusal::LinesMismatch(_))));
    assert!(matches!(tell("780000000002", vec![numbers[0], numbers[1]]), Err(Refusal::LinesMismatch(_))));
    assert_eq!(tell("780000000001", vec![numbers[0]]), Err(Refusal::AlreadyShipped));
    assert_eq!(tell("780000000002", vec![1]), Err(Refusal::LineNotFound(1)));
    // The last line's money goes back: nothing of the order is left to ship.
    world
        .act(later(HOUR), order, Act::AskRefund { line: Some(numbers[2]), kind: RefundKind::MoneyOnly, reason: "x".into() })
        .expect("asked");
    world.act(later(HOUR), order, Act::CloseRefund { paid: true }).expect("paid");
    assert_eq!(tell("780000000002", vec![numbers[1]]), Ok(Done::Ok));
    assert_eq!(world.read(|m| m.order(order).map(|o| o.state)), Some(OrderState::Shipped));
}

fn purchase(package: &str, orders: &[&str]) -> Command {
    Command::BuyWaybill(Box::new(Purchase {
        at: OPENED,
        shop: 0,
        carrier: "ZTO".into(),
        prefix: "78".into(),
        digits: 12,
        orders: orders.iter().map(|o| (*o).to_owned()).collect(),
        package: package.into(),
        from_city: "杭州市".into(),
        request: serde_json::Value::Null,
    }))
}

#[test]
fn a_waybill_is_bought_once_for_the_same_parcel() {
    let world = World::in_memory(quiet(5));
    assert_eq!(world.apply(purchase("A-1", &["2", "1"])), Ok(Done::Waybill(0)));
    assert_eq!(world.apply(purchase("a-1", &["1", "2"])), Ok(Done::Waybill(0)));
    assert_eq!(world.apply(purchase("A-2", &["1", "2"])), Ok(Done::Waybill(1)));
    let number = world.read(|m| m.waybills[0].number.clone());
    let void = Command::VoidWaybill { at: later(1), shop: 0, number: number.clone() };
    assert_eq!(world.apply(void.clone()), Ok(Done::Ok));
    assert_eq!(world.apply(void), Ok(Done::Already));
    assert_eq!(world.apply(purchase("A-1", &["1", "2"])), Ok(Done::Waybill(2)), "a parcel whose number was given back gets a new one");
    world.apply(Command::Balance { carrier: "ZTO".into(), quantity: 1 }).expect("balance");
    assert!(world.apply(purchase("A-3", &["1"])).is_ok());
    assert_eq!(world.apply(purchase("A-4", &["1"])), Err(Refusal::NoBalance("ZTO".into())));
    assert!(world.apply(purchase("A-3", &["1"])).is_ok(), "asking again costs nothing");
}

#[test]
fn numbers_of_many_waybills_differ() {
    let world = World::in_memory(quiet(5));
    for parcel in 0..3000 {
        world.apply(purchase(&format!("P{parcel}"), &["1"])).expect("bought");
    }
    let numbers: std::collections::BTreeSet<String> = world.read(|m| m.waybills.iter().map(|w| w.number.clone()).collect());
    assert_eq!(numbers.len(), 3000);
    assert!(numbers.iter().all(|n| n.len() == 14 && n.starts_with("78")));
}

#[test]
fn stock_follows_orders_cancellations_and_the_shop() {
    let world = World::in_memory(quiet(5));
    let (code, sku, left) = world.read(|m| {
        let l = m.shops[0].listings.iter().find(|l| !l.unmapped && l.pieces == 1).expect("listing");
        (l.seller_code.clone(), l.sku_id.to_string(), l.quantity)
    });
    let quantity = || world.read(|m| m.listing_by_sku(0, &sku).map(|l| l.1.quantity)).expect("listing");
    let buy = |units: i64, paid: bool| {
        let lines = vec![LineDraft { seller_code: code.clone(), quantity: units, ..LineDraft::default() }];
        world.place(OPENED, "one", OrderDraft { lines, paid: Some(paid), ..OrderDraft::default() })
    };
    let order = buy(3, false).expect("placed");
    assert_eq!(quantity(), left - 3);
    world.act(later(1), order, Act::Cancel).expect("cancelled");
    assert_eq!(quantity(), left);
    assert_eq!(world.act(later(1), order, Act::Cancel), Ok(Done::Already));
    assert_eq!(quantity(), left, "given back once");
    let paid = buy(2, true).expect("placed");
    world.act(later(2), paid, Act::Cancel).expect("cancelled");
    assert_eq!(quantity(), left);
    assert_eq!(world.read(|m| m.order(paid).map(|o| o.state)), Some(OrderState::ClosedRefunded));
    let listing = world.read(|m| m.listing_by_sku(0, &sku).map(|l| l.0)).expect("listing");
    world.apply(Command::Stock { at: later(3), shop: 0, listing, quantity: 1 }).expect("set");
    assert!(matches!(buy(2, true), Err(Refusal::SoldOut { left: 1, .. })));
    assert!(buy(1, true).is_ok());
    assert_eq!(quantity(), 0);
}

#[test]
fn what_was_told_survives_a_drop_a_torn_tail_and_a_snapshot() {
    let dir = tempfile::tempdir().expect("dir");
    let world = World::open(dir.path(), plan(9), OPENED).expect("open");
    world.tick(later(20 * MINUTE)).expect("tick");
    let order = world.place(later(20 * MINUTE), "one", OrderDraft::default()).expect("placed");
    world.apply(Command::Confirm(declaration(&world, order, "780000000001", vec![]))).expect("shipped");
    let _refused = world.apply(Command::Confirm(declaration(&world, order, "780000000002", vec![])));
    assert!(matches!(World::open(dir.path(), plan(9), OPENED), Err(WorldError::Busy(_))), "one process at a time");
    let told = world.fingerprint();
    drop(world);
    // A kill in the middle of a write leaves half a line, which nobody was told about.
    let journal = dir.path().join("market.journal");
    let mut bytes = std::fs::read(&journal).expect("journal");
    let whole = bytes.len();
    bytes.extend_from_slice(b"0123456789abcdef 99 {\"do\":\"ti");
    std::fs::write(&journal, &bytes).expect("torn");
    let world = World::open(dir.path(), plan(9), later(20 * MINUTE)).expect("open again");
    assert_eq!(world.fingerprint(), told);
    world.read(|m| {
        let facts = m.order(order).expect("order");
        assert_eq!((facts.parcels[0].effects, facts.rejected.len()), (1, 1));
    });
    drop(world);
    assert!(matches!(World::open(dir.path(), plan(10), OPENED), Err(WorldError::Other(_))), "another seed is another market");
    // A line in the middle that the disk has changed is no torn tail.
    let mut bytes = std::fs::read(&journal).expect("journal")[..whole].to_vec();
    let second = bytes.iter().position(|b| *b == b'\n').expect("line") + 30;
    bytes[second] ^= 1;
    std::fs::write(&journal, &bytes).expect("damaged");
    assert!(matches!(World::open(dir.path(), plan(9), OPENED), Err(WorldError::Disk(_))));
}

#[test]
fn a_long_journal_becomes_a_snapshot_and_the_market_is_the_same() {
    let dir = tempfile::tempdir().expect("dir");
    let world = World::open(dir.path(), quiet(9), OPENED).expect("open");
    let order = world.place(OPENED, "one", OrderDraft::default()).expect("placed");
    drop(world);
    // Notes written faster than a disk would take them one by one.
    let journal = dir.path().join("market.journal");
    let mut text = std::fs::read_to_string(&journal).expect("journal");
    let first = text.lines().count() as u64 + 1;
    for n in first..first + 20_000 {
        let command = Command::Order {
            at: later(n as i64 * SECOND),
            order,
            act: Act::Note { note: Some(format!("note {n}")), flag: (n % 6) as i64 },
        };
        text.push_str(&super::journal::line(n, &serde_json::to_string(&command).expect("json")));
    }
    std::fs::write(&journal, &text).expect("written");
    let world = World::open(dir.path(), quiet(9), later(DAY)).expect("open");
    let told = world.fingerprint();
    drop(world);
    assert!(dir.path().join("market.snapshot").exists());
    assert!(std::fs::metadata(&journal).expect("journal").len() < 500, "folded");
    let world = World::open(dir.path(), quiet(9), later(DAY)).expect("open from the snapshot");
    assert_eq!(world.fingerprint(), told);
    assert_eq!(world.read(|m| m.count_modified(0, OPENED, later(DAY))), 1);
}

#[test]
fn the_house_belongs_to_its_market() {
    let world = World::in_memory(quiet(42));
    let house = world.read(super::demo::house);
    let codes: std::collections::BTreeSet<&str> =
        house.skus.iter().map(|s| s.code.as_str()).chain(house.bundles.iter().map(|b| b.code.as_str())).collect();
    let barcodes: std::collections::BTreeSet<&str> = house.skus.iter().map(|s| s.barcode.as_str()).collect();
    assert_eq!(barcodes.len(), house.skus.len());
    world.read(|m| {
        let listings: Vec<_> = m.shops.iter().flat_map(|s| &s.listings).collect();
        assert!(listings.iter().filter(|l| !l.unmapped).all(|l| codes.contains(l.seller_code.as_str())));
        let unmapped = listings.iter().filter(|l| l.unmapped).count();
        assert!(
            (3..60).contains(&unmapped) && listings.iter().filter(|l| l.unmapped).all(|l| !codes.contains(l.seller_code.as_str())),
            "{unmapped}"
        );
    });
    assert!(house.bundles.iter().all(|b| b.parts.iter().all(|(sku, units)| *units > 1 && house.skus.iter().any(|s| s.code == *sku))));
    assert!(house.stock.iter().all(|s| s.quantity > 0 && house.warehouses.iter().any(|w| w.code == s.warehouse)));
    let stocked: std::collections::BTreeSet<&str> = house.stock.iter().map(|s| s.sku.as_str()).collect();
    assert!(stocked.len() * 100 > house.skus.len() * 90, "nearly everything is there");
}

#[test]
fn callers_at_once_share_the_disk_and_one_of_them_takes_effect() {
    let dir = tempfile::tempdir().expect("dir");
    let world = World::open(dir.path(), quiet(9), OPENED).expect("open");
    let orders: Vec<i64> = (0..6).map(|_| world.place(OPENED, "one", OrderDraft::default()).expect("placed")).collect();
    let taken: Vec<usize> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|caller: i64| {
                let (world, orders) = (&world, &orders);
                scope.spawn(move || {
                    let tell = |(i, order): (usize, &i64)| {
                        let number = format!("78{i:05}{caller:05}");
                        world.apply(Command::Confirm(declaration(world, *order, &number, vec![]))).is_ok().then_some(i)
                    };
                    orders.iter().enumerate().filter_map(tell).collect::<Vec<usize>>()
                })
            })
            .collect();
        callers.into_iter().flat_map(|c| c.join().expect("caller")).collect()
    });
    assert_eq!(taken.len(), 6, "one declaration an order");
    let told = world.fingerprint();
    drop(world);
    assert_eq!(World::open(dir.path(), quiet(9), OPENED).expect("open").fingerprint(), told);
}

/// The other process of the next test: tells on its output what it was told, until it is killed.
#[test]
#[ignore = "runs only as the child of a test that kills it"]
fn child_that_is_killed() {
    let Some(dir) = std::env::var_os("MARKET_DIR") else { return };
    let world = World::open(std::path::Path::new(&dir), quiet(21), OPENED).expect("open");
    let start = world.read(|m| m.orders.len()) as i64;
    for n in start..start + 100_000 {
        let order = world.place(later(n * SECOND), "one", OrderDraft::default()).expect("placed");
        println!("\nPLACED {order}");
        world.apply(Command::Confirm(declaration(&world, order, &format!("78{n:012}"), vec![]))).expect("shipped");
        println!("\nSHIPPED {order}");
    }
}

#[test]
fn what_was_told_survives_a_kill_at_any_instant() {
    let dir = tempfile::tempdir().expect("dir");
    let mut placed = Vec::new();
    let mut shipped = Vec::new();
    for round in 0..4 {
        let mut child = std::process::Command::new(std::env::current_exe().expect("exe"))
            .args(["--ignored", "--exact", "--nocapture", "world::tests::child_that_is_killed"])
            .env("MARKET_DIR", dir.path())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("child");
        let mut told = 0;
        for line in BufReader::new(child.stdout.take().expect("pipe")).lines() {
            let line = line.expect("line");
            if let Some(order) = line.strip_prefix("PLACED ") {
                placed.push(order.parse::<i64>().expect("number"));
            } else if let Some(order) = line.strip_prefix("SHIPPED ") {
                shipped.push(order.parse::<i64>().expect("number"));
            }
            told += 1;
            if told >= 40 + round * 17 {
                child.kill().expect("killed");
            }
        }
        child.wait().expect("gone");
        let world = World::open(dir.path(), quiet(21), OPENED).expect("open after the kill");
        world.read(|m| {
            assert!(placed.len() > 5);
            for order in &placed {
                assert!(m.order(*order).is_some(), "order {order} was told and is gone");
            }
            for order in &shipped {
                let parcels = &m.order(*order).expect("order").parcels;
                assert_eq!(parcels.iter().map(|p| p.effects).sum::<u32>(), 1, "order {order}");
            }
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Whatever is told in whatever order: a market on disk, opened again, is the market that was told.
    #[test]
    fn any_story_is_told_again_the_same(steps in prop::collection::vec((0u8..12, 0usize..40, 1i64..4000), 1..30)) {
        let dir = tempfile::tempdir().expect("dir");
        let world = World::open(dir.path(), MarketPlan { rate_milli: 1_000, ..plan(13) }, OPENED).expect("open");
        let mut now = OPENED;
        for (what, which, seconds) in steps {
            now = now.plus(seconds * SECOND);
            world.tick(now).expect("tick");
            let order = world.read(|m| m.orders[which % m.orders.len()].number);
            let shop = world.read(|m| m.order(order).map_or(0, |o| o.shop));
            let _outcome = match what {
                0 => world.act(now, order, Act::Pay),
                1 => world.act(now, order, Act::Cancel),
                2 => world.act(now, order, Act::AskRefund { line: None, kind: RefundKind::MoneyOnly, reason: "x".into() }),
                3 => world.act(now, order, Act::CloseRefund { paid: which % 2 == 0 }),
                4 => world.act(now, order, Act::ChangeAddress { recipient: None, by_seller: false }),
                5 => world.act(now, order, Act::Deliver),
                6 => world.act(now, order, Act::Finish),
                7 => world.act(now, order, Act::Hold { reason: "risk_hold".into() }),
                8 => world.act(now, order, Act::Release),
                9 | 10 => world.apply(Command::Confirm(Declaration { at: now, shop, order, lines: vec![], carrier: "ZTO".into(), number: format!("7800000000{which:02}"), online: false })),
                _ => world.apply(Command::Hurry { at: now, by: HOUR }),
            };
            world.read(|m| for o in &m.orders {
                let shipped: usize = o.parcels.iter().filter(|p| p.replaced_by.is_none()).map(|p| p.lines.len()).sum();
                assert!(shipped <= o.lines.len(), "a line is in one parcel at most");
                assert!(o.modified_at >= o.placed_at);
            });
        }
        let told = world.fingerprint();
        drop(world);
        let again = World::open(dir.path(), plan(13), Timestamp(0)).expect("open again");
        prop_assert_eq!(again.fingerprint(), told);
    }
}

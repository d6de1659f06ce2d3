//! Law 11: UTC at rest, the user's (the shop's) zone on the screen: the day an order is counted in is the local day of its
//! placing, at midnight, across the change of clocks, and in zones that are not whole hours. The channel's zone on its wire
//! is proved in the vendors' own tests and in their conformance.

use crate::fixture::{self, order, put, sealed, stocked};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wharf_domain::access::Scope;
use wharf_domain::time::{DAY, HOUR, SECOND, Timestamp};
use wharf_flows::app::FlowError;
use wharf_store::testing::{START, both_engines_with};
use wharf_store::{orders, rollups};

const ZONES: [&str; 8] = [
    "Asia/Shanghai",
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/St_Johns",
];

/// The local day, by the civil calendar alone: the first instant that bears its date.
fn civil_day(at: Timestamp, zone: &str) -> Timestamp {
    let zone = jiff::tz::TimeZone::get(zone).expect("a zone");
    let instant = jiff::Timestamp::from_microsecond(at.micros()).expect("an instant");
    let date = instant.to_zoned(zone.clone()).date();
    let mut first = at.micros();
    // Back in steps of a quarter of an hour, then of a second: no cleverness that could share a fault with the program.
    for step in [900 * SECOND, SECOND] {
        let same = |micros: i64| jiff::Timestamp::from_microsecond(micros).expect("an instant").to_zoned(zone.clone()).date() == date;
        first -= first.rem_euclid(step);
        if !same(first) {
            first += step;
        }
        while same(first - step) {
            first -= step;
        }
    }
    Timestamp(first)
}

/// The instants that are hard in a zone: midnight, and both sides of every change of its clocks in a year and a half.
fn hard(zone: &str) -> Vec<Timestamp> {
    let tz = jiff::tz::TimeZone::get(zone).expect("a zone");
    let from = jiff::Timestamp::from_microsecond(START.plus(-400 * DAY).micros()).expect("an instant");
    let mut all = Vec::new();
    for change in tz.following(from).take(3).map(|t| Timestamp(t.timestamp().as_microsecond())) {
        all.extend([change.plus(-SECOND), change, change.plus(HOUR), change.plus(-HOUR), change.plus(12 * HOUR)]);
    }
    let midnight = civil_day(START, zone);
    all.extend([midnight.plus(-SECOND), midnight, midnight.plus(SECOND)]);
    all.retain(|at| *at < START && *at > START.plus(-500 * DAY));
    all
}

async fn counted(bed: wharf_store::testing::Bed, zone: &'static str, instants: Vec<Timestamp>) {
    let app = fixture::app(&bed);
    stocked(&app).await;
    let shop = fixture::shop(&app, "z").await;
    let set = "UPDATE shops SET zone = $2 WHERE id = $1";
    app.store.write(move |tx| tx.execute(set, &[shop.into(), zone.into()]).map_err(FlowError::from)).await.expect("a zone");
    let placed: Vec<_> = instants
        .iter()
        .enumerate()
        .map(|(n, at)| {
            let mut o = order(n);
            (o.placed_at, o.modified_at, o.paid_at) = (*at, *at, Some(*at));
            sealed(o)
        })
        .collect();
    put(&app, shop, placed.clone()).await;
    let mut wanted: std::collections::BTreeMap<Timestamp, i64> = std::collections::BTreeMap::new();
    for at in &instants {
        *wanted.entry(civil_day(*at, zone)).or_default() += 1;
    }
    let days = app
        .store
        .read(move |tx| rollups::days(tx, &Scope::ALL, START.plus(-600 * DAY), START.plus(2 * DAY)).map_err(FlowError::from))
        .await;
    let found: std::collections::BTreeMap<Timestamp, i64> =
        days.expect("days").into_iter().filter(|(_, _, _, n)| n.orders > 0).map(|(_, day, _, n)| (day, n.orders)).collect();
    assert_eq!(found, wanted, "{zone}");
    // At rest it is the instant itself, whatever the zone.
    let hours =
        app.store.read(move |tx| rollups::hours(tx, &Scope::ALL, START.plus(-600 * DAY), START.plus(DAY)).map_err(FlowError::from)).await;
    assert!(hours.expect("hours").iter().all(|(_, hour, _, _)| hour.micros().rem_euclid(HOUR) == 0));
    for (o, at) in placed.iter().zip(&instants) {
        let id = fixture::id_of(&app, shop, &o.external_id).await;
        let stored =
            app.store.read(move |tx| orders::order(tx, &Scope::ALL, id).map_err(FlowError::from)).await.expect("read").expect("there");
        assert_eq!(stored.placed_at, *at);
    }
    fixture::healthy(&app).await;
}

#[test]
fn midnights_and_changes_of_clocks_fall_into_their_local_day() {
    both_engines_with(|bed| async move {
        for zone in ZONES {
            let bed = wharf_store::testing::Bed { ..bed.clone() };
            clear(&bed).await;
            counted(bed, zone, hard(zone)).await;
        }
    });
}

/// Shops and goods of the zone before must not be in the way of the next.
async fn clear(bed: &wharf_store::testing::Bed) {
    let done: Result<(), FlowError> = bed
        .store
        .write(|tx| {
            for table in [
                "day_rollups",
                "hour_rollups",
                "phase_counts",
                "hold_counts",
                "timeline",
                "findings",
                "holds",
                "order_search",
                "order_lines",
                "orders",
                "buyers",
                "jobs",
                "listings",
                "parked",
                "shops",
                "stock_movements",
                "stock_levels",
                "sku_barcodes",
                "skus",
                "warehouses",
            ] {
                tx.execute(&format!("DELETE FROM {table}"), &[])?;
            }
            Ok(())
        })
        .await;
    done.expect("cleared");
}

#[test]
fn any_instant_in_any_zone_is_counted_in_its_local_day() {
    let strategy = (0usize..ZONES.len(), prop::collection::vec(0i64..500 * DAY / SECOND, 1..12));
    let mut runner = TestRunner::new(Config { cases: 6, failure_persistence: None, ..Config::default() });
    runner
        .run(&strategy, |(zone, ago)| {
            both_engines_with(|bed| {
                let instants: Vec<Timestamp> = ago.iter().map(|seconds| START.plus(-seconds * SECOND - SECOND)).collect();
                counted(bed, ZONES[zone], instants)
            });
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

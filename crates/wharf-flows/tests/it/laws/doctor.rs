//! Doctor: each thing it examines is corrupted, seen, named, and mended where it may be mended.

use crate::fixture::{self, abnormal, order, put, shop, stocked};
use wharf_flows::app::{App, FlowError};
use wharf_flows::doctor::{Report, examine};
use wharf_store::testing::both_engines_with;

async fn corrupt(app: &App, sql: &'static str) {
    let changed = app.store.write(move |tx| tx.execute(sql, &[]).map_err(FlowError::from)).await.expect("corrupted");
    assert!(changed > 0, "{sql} changed nothing");
}

fn kinds(report: &Report) -> Vec<&'static str> {
    let mut kinds: Vec<&'static str> = report.drifts.iter().map(|drift| drift.kind).collect();
    kinds.dedup();
    kinds
}

#[test]
fn every_corruption_is_seen_and_what_may_be_mended_is_mended() {
    // What is corrupted, what is reported, whether `--repair` mends it, and for the ledger: how a person takes it back.
    const CASES: [(&str, &[&str], Option<&str>); 10] = [
        ("UPDATE orders SET phase = 'pack' WHERE phase = 'held'", &["phase"], None),
        ("UPDATE orders SET counted = '' WHERE phase = 'held'", &["counted"], None),
        ("UPDATE phase_counts SET n = n + 3 WHERE phase = 'held'", &["phase_count"], None),
        ("DELETE FROM phase_counts", &["phase_count"], None),
        ("UPDATE hold_counts SET n = n - 1 WHERE reason = 'buyer_note'", &["hold_count"], None),
        ("UPDATE day_rollups SET sales_minor = sales_minor + 1", &["day_rollup"], None),
        ("UPDATE hour_rollups SET orders = orders + 1", &["hour_rollup"], None),
        ("UPDATE order_lines SET allocated = allocated - 1 WHERE allocated > 0", &["line_counters"], None),
        (
            "UPDATE stock_levels SET on_hand = on_hand + 5 WHERE on_hand > 0",
            &["stock_level"],
            Some("UPDATE stock_levels SET on_hand = on_hand - 5 WHERE on_hand > 5"),
        ),
        (
            "UPDATE reservations SET quantity = quantity + 1 WHERE reservation_state = 'held'",
            &["stock_level"],
            Some("UPDATE reservations SET quantity = quantity - 1 WHERE reservation_state = 'held'"),
        ),
    ];
    both_engines_with(|bed| async move {
        let app = fixture::app(&bed);
        stocked(&app).await;
        let a = shop(&app, "a").await;
        put(&app, a, (0..12).map(|n| abnormal(n, 1 + (n % 2) as u8 * 10, n)).collect()).await;
        put(&app, a, (20..26).map(order).collect()).await;
        wharf_flows::worker::run_due(&app, &wharf_flows::jobs::all()).await.expect("routed");
        fixture::healthy(&app).await;
        for (sql, reported, by_hand) in CASES {
            corrupt(&app, sql).await;
            let seen = examine(&app, false).await.expect("examined");
            assert!(!seen.is_healthy(), "{sql}");
            for kind in reported {
                assert!(kinds(&seen).contains(kind), "{sql}: {:?}", kinds(&seen));
            }
            assert!(seen.drifts.iter().all(|drift| drift.stored != drift.computed && !drift.row.is_empty()), "{sql}");
            let again = examine(&app, false).await.expect("examined");
            assert_eq!(seen, again, "to look changes nothing: {sql}");
            let mended = examine(&app, true).await.expect("repaired");
            match by_hand {
                None => assert!(mended.is_healthy(), "{sql}: {:?}", mended.drifts),
                Some(back) => {
                    assert!(!mended.is_healthy(), "the ledger is never corrected in silence: {sql}");
                    assert!(!examine(&app, false).await.expect("examined").is_healthy(), "{sql}");
                    corrupt(&app, back).await;
                }
            }
            fixture::healthy(&app).await;
        }
    });
}

//! Single orders that arrive at once share units of work and are answered each for itself.

use crate::fixture::*;
use std::collections::BTreeSet;
use wharf_flows::app::FlowError;
use wharf_flows::gather::{Stored, ingest_one};
use wharf_flows::ingest::Source;
use wharf_store::testing::both_engines_with;

#[test]
fn orders_that_arrive_at_once_share_commits_and_each_hears_its_own_answer() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shops = [shop(&app, "a").await, shop(&app, "b").await];
        put(&app, shops[0], vec![order(0)]).await;
        let before = bed.store.counted();
        let asked: Vec<_> = (0..300)
            .map(|n| {
                // Every tenth is one that is known, every tenth another cannot be stored.
                let mut o = if n % 10 == 0 { order(0) } else { order(n) };
                if n % 10 == 5 {
                    o.lines.clear();
                }
                let (app, shop) = (app.clone(), if n % 10 == 0 { shops[0] } else { shops[n % 2] });
                tokio::spawn(async move { ingest_one(&app, shop, o, Source::Channel).await })
            })
            .collect();
        let mut answers = Vec::new();
        for one in asked {
            answers.push(one.await.expect("a task").expect("an answer"));
        }
        let known = id_of(&app, shops[0], &order(0).external_id).await;
        let mut new = BTreeSet::new();
        for (n, answer) in answers.into_iter().enumerate() {
            match (n % 10, answer) {
                (0, Stored::Unchanged(id)) => assert_eq!(id, known),
                (5, Stored::Parked) => {}
                (1..=9, Stored::Inserted(id)) => assert!(new.insert(id), "two orders have one id"),
                (_, other) => panic!("order {n}: {other:?}"),
            }
        }
        assert_eq!(new.len(), 240);
        let commits = bed.store.counted().commits - before.commits;
        assert!(commits < 150, "{commits} commits for 300 orders");
        healthy(&app).await;
    });
}

#[test]
fn whoever_stops_waiting_does_not_stop_the_others() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        let first = tokio::spawn({
            let app = app.clone();
            async move { ingest_one(&app, shop, order(1), Source::Channel).await }
        });
        tokio::task::yield_now().await;
        first.abort();
        let second: Result<Stored, FlowError> = ingest_one(&app, shop, order(2), Source::Channel).await;
        assert!(matches!(second, Ok(Stored::Inserted(_))), "{second:?}");
        // Nobody holds the queue for ever.
        let third = ingest_one(&app, shop, order(3), Source::Channel).await;
        assert!(matches!(third, Ok(Stored::Inserted(_))), "{third:?}");
        healthy(&app).await;
    });
}

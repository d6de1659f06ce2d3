//! Lists: keyset pages without holes under inserts, filters that combine, one search box, counts without counting.

use crate::fixture::*;
use std::collections::BTreeSet;
use wharf_domain::access::Scope;
use wharf_domain::hold::HoldReason;
use wharf_domain::id::OrderId;
use wharf_domain::order::phase::Phase;
use wharf_domain::word::Word;
use wharf_flows::app::{App, FlowError};
use wharf_store::order_list::{self, Cursor, OrderFilter, Sort};
use wharf_store::rollups;
use wharf_store::testing::both_engines_with;

async fn all(app: &App, filter: OrderFilter, sort: Sort, limit: usize) -> Vec<OrderId> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let (filter, cursor) = (filter.clone(), after);
        let (items, next) = app
            .store
            .read(move |tx| order_list::page(tx, &Scope::ALL, &filter, sort, cursor, limit).map_err(FlowError::from))
            .await
            .expect("a page");
        found.extend(items.iter().map(|item| item.order.id));
        match next {
            Some(next) => after = Cursor::decode(&next.encode()),
            None => return found,
        }
    }
}

async fn found(app: &App, q: &str) -> Vec<String> {
    let filter = OrderFilter { q: q.to_owned(), ..OrderFilter::default() };
    let (items, _) = app
        .store
        .read(move |tx| order_list::page(tx, &Scope::ALL, &filter, Sort::Urgency, None, 100).map_err(FlowError::from))
        .await
        .expect("a page");
    items.into_iter().map(|item| item.order.external_id).collect()
}

#[test]
fn every_sort_pages_through_everything_once_and_selections_agree() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        let mut orders: Vec<_> = (0..30).map(order).collect();
        orders[4].urgent = vec!["催发货".into()];
        orders[5].ship_by = None;
        put(&app, shop, orders.into_iter().map(sealed).collect()).await;
        for sort in Sort::ALL {
            for limit in [1, 7, 100] {
                let ids = all(&app, OrderFilter::default(), *sort, limit).await;
                assert_eq!(ids.len(), 30, "{sort} by {limit}");
                assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 30, "{sort} by {limit}");
            }
        }
        let urgent = id_of(&app, shop, &order(4).external_id).await;
        let unpromised = id_of(&app, shop, &order(5).external_id).await;
        let by_urgency = all(&app, OrderFilter::default(), Sort::Urgency, 7).await;
        assert_eq!((by_urgency.first(), by_urgency.last()), (Some(&urgent), Some(&unpromised)));
        let filter = OrderFilter { phases: vec![Phase::Stock], total_minor: (Some(2_000), None), ..OrderFilter::default() };
        let list: BTreeSet<OrderId> = all(&app, filter.clone(), Sort::TotalHighest, 4).await.into_iter().collect();
        let selection = app.store.read(move |tx| order_list::matching(tx, &Scope::ALL, &filter, OrderId(0), 1_000)).await.expect("ids");
        assert_eq!(list, selection.into_iter().collect());
        assert!(!list.is_empty());
    });
}

#[test]
fn one_box_finds_by_anything() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        put(&app, shop, (0..12).map(order).collect()).await;
        let number = order(3).external_id;
        assert_eq!(found(&app, &number).await, [number.as_str()]);
        assert_eq!(found(&app, "31000000").await.len(), 12, "the beginning of a number");
        assert_eq!(found(&app, &number[number.len() - 6..]).await, [number.as_str()], "its end");
        assert_eq!(found(&app, "13800000003").await, [number.as_str()]);
        assert_eq!(found(&app, "+86 138 0000 0003").await, [number.as_str()]);
        assert!(found(&app, "0003").await.contains(&number), "the last four digits");
        assert_eq!(found(&app, "nick3").await, [number.as_str()]);
        assert_eq!(found(&app, "王小明").await.len(), 3);
        assert_eq!(found(&app, "s3").await.len(), 2, "a SKU code");
        assert_eq!(found(&app, "6900000000003").await.len(), 2, "a barcode");
        assert!(found(&app, "王小").await.is_empty(), "a name is found whole");
        assert!(found(&app, "%").await.is_empty() && found(&app, "____").await.is_empty(), "wildcards are text");
        assert_eq!(found(&app, "").await.len(), 12);
    });
}

#[test]
fn filters_and_scope_hold_and_counts_sum() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let (a, b) = (shop(&app, "a").await, shop(&app, "b").await);
        put(&app, a, (0..10).map(order).collect()).await;
        let mut held = order(50);
        held.buyer_note = "不要了".into();
        held.tags = vec!["gift".into()];
        put(&app, b, vec![sealed(held), order(51)]).await;
        let by = |filter: OrderFilter| async { all(&app, filter, Sort::PlacedNewest, 3).await.len() };
        assert_eq!(by(OrderFilter { shops: vec![a], ..OrderFilter::default() }).await, 10);
        assert_eq!(by(OrderFilter { vendors: vec!["scripted".into()], ..OrderFilter::default() }).await, 12);
        assert_eq!(by(OrderFilter { vendors: vec!["none".into()], ..OrderFilter::default() }).await, 0);
        assert_eq!(by(OrderFilter { holds: vec![HoldReason::BuyerNote], ..OrderFilter::default() }).await, 1);
        assert_eq!(by(OrderFilter { tags: vec!["gift".into()], ..OrderFilter::default() }).await, 1);
        assert_eq!(by(OrderFilter { provinces: vec!["浙江".into()], countries: vec!["cn".into()], ..OrderFilter::default() }).await, 12);
        assert_eq!(by(OrderFilter { returning: Some(true), ..OrderFilter::default() }).await, 0);
        assert_eq!(by(OrderFilter { assignees: vec![None], urgent: Some(false), ..OrderFilter::default() }).await, 12);
        let scope = Scope { shops: Some(vec![b]), warehouses: None };
        let (seen, narrow) = (scope.clone(), scope.clone());
        let (items, _) =
            app.store.read(move |tx| order_list::page(tx, &seen, &OrderFilter::default(), Sort::Urgency, None, 100)).await.expect("a page");
        assert_eq!(items.len(), 2);
        assert!(items.iter().any(|item| item.fix.is_some() && item.tags == ["gift"]));
        let counts = app.store.read(|tx| rollups::counts(tx, &Scope::ALL, None)).await.expect("counts");
        assert_eq!((counts.total, counts.phases.values().sum::<i64>(), counts.phases.len()), (12, 12, Phase::ALL.len()));
        assert_eq!(counts.holds[&HoldReason::BuyerNote], 1);
        let counts = app.store.read(move |tx| rollups::counts(tx, &narrow, None)).await.expect("counts");
        assert_eq!((counts.total, counts.phases[&Phase::Held]), (2, 1));
    });
}

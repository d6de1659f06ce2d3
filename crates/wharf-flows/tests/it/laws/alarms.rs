//! Alerts are raised once, stay while it lasts, and come again only after it was over. And what a channel cannot be told.

use crate::fixture::{self, shop_with, stocked};
use crate::parcels::bed::{Fault, House, house, me, packer};
use wharf_domain::access::Scope;
use wharf_domain::id::OrderId;
use wharf_domain::order::phase::Phase;
use wharf_domain::rules::{AlarmPolicy, ShopPolicy};
use wharf_domain::stock::MovementKind;
use wharf_domain::time::{DAY, HOUR, MINUTE};
use wharf_flows::{hand_over, pack, pull, ship};
use wharf_store::alerts::{self, Alert, Wanted};
use wharf_store::stock::{self, Cause, Entry, LevelKey, LevelSettings};
use wharf_store::testing::both_engines_with;
use wharf_store::{Store, confirmations};

async fn open(store: &Store) -> Vec<Alert> {
    store.read(|tx| alerts::list(tx, &Scope::ALL, &Wanted::default(), 100)).await.expect("alerts")
}

async fn all(store: &Store) -> usize {
    store.read(|tx| alerts::list(tx, &Scope::ALL, &Wanted { cleared: true, ..Wanted::default() }, 100)).await.expect("alerts").len()
}

#[test]
fn low_stock_is_told_once_and_again_only_after_it_recovered() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 12).await;
        let key = LevelKey::good(h.warehouses[0], h.skus[0]);
        h.write(move |tx| stock::set(tx, key, &LevelSettings { low_at: Some(Some(10)), ..Default::default() })).await;
        assert_eq!(open(&h.bed.store).await, [], "twelve are enough");
        // Two of them are promised: ten are left, which is not below ten. One more, and it is told.
        let first = h.order("A1", &[(0, 2)], "a").await;
        h.route(first).await;
        assert_eq!(open(&h.bed.store).await, []);
        let second = h.order("A2", &[(0, 1)], "b").await;
        h.route(second).await;
        let told = open(&h.bed.store).await;
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].kind.as_str(), told[0].sku_id, told[0].warehouse_id), ("low_stock", Some(h.skus[0]), Some(h.warehouses[0])));
        assert_eq!((told[0].params["available"].as_i64(), told[0].params["low_at"].as_i64()), (Some(9), Some(10)));
        // It goes on falling, time passes, sweeps run: nothing is repeated.
        for n in 0..3 {
            let more = h.order(&format!("B{n}"), &[(0, 1)], &format!("c{n}")).await;
            h.route(more).await;
            h.settle().await;
        }
        assert_eq!(open(&h.bed.store).await, told);
        // Goods come in: it is over. They go again: it is told again.
        h.receive(0, 0, 20).await;
        assert_eq!(open(&h.bed.store).await, []);
        let count = Entry { key, kind: MovementKind::Counted, quantity: 8, note: "盘点".into() };
        h.write(move |tx| stock::record(tx, &[count], Cause { kind: "count", id: None }, &me())).await.expect("lawful");
        assert_eq!((open(&h.bed.store).await.len(), all(&h.bed.store).await), (1, 2));
        // A threshold that is taken away ends it.
        h.write(move |tx| stock::set(tx, key, &LevelSettings { low_at: Some(None), ..Default::default() })).await;
        assert_eq!(open(&h.bed.store).await, []);
        h.write(move |tx| stock::set(tx, key, &LevelSettings { low_at: Some(Some(50)), ..Default::default() })).await;
        assert_eq!(open(&h.bed.store).await.len(), 1, "a threshold set above what is there is told at once");
        h.write(move |tx| stock::set(tx, key, &LevelSettings { safety: Some(1), ..Default::default() })).await;
        assert_eq!(all(&h.bed.store).await, 3);
        h.lawful().await;
    });
}

#[test]
fn a_silent_shop_is_told_by_its_own_threshold_and_heard_again() {
    both_engines_with(|bed| async move {
        let app = fixture::app(&bed);
        stocked(&app).await;
        let policy = ShopPolicy { alarms: AlarmPolicy { silent_hours: Some(6) }, ..ShopPolicy::default() };
        let loud = shop_with(&app, "a", policy).await;
        let calm = fixture::shop(&app, "b").await;
        for shop in [loud, calm] {
            fixture::put(&app, shop, vec![fixture::order(1)]).await;
        }
        let mind = |shop| bed.store.write(move |tx| pull::mind_silence(tx, shop));
        bed.clock.advance(3 * HOUR);
        assert_eq!((mind(loud).await, mind(calm).await), (Ok(false), Ok(false)));
        bed.clock.advance(4 * HOUR);
        assert_eq!((mind(loud).await, mind(calm).await), (Ok(true), Ok(false)), "one order is no habit");
        for _ in 0..5 {
            bed.clock.advance(5 * MINUTE);
            assert_eq!(mind(loud).await, Ok(false), "it is not news any more");
        }
        let told = open(&bed.store).await;
        assert_eq!(told.iter().map(|alert| (alert.kind.as_str(), alert.shop_id)).collect::<Vec<_>>(), [("shop_silent", Some(loud))]);
        let silent = bed.store.read(move |tx| wharf_store::shops::get(tx, loud)).await.expect("read").expect("the shop");
        assert!(silent.silent_since.is_some(), "the shop itself says so, too");
        let mut next = fixture::order(2);
        next.placed_at = bed.store.now();
        next.modified_at = next.placed_at;
        fixture::put(&app, loud, vec![fixture::sealed(next)]).await;
        assert_eq!(mind(loud).await, Ok(false));
        assert_eq!(open(&bed.store).await, []);
        bed.clock.advance(DAY);
        assert_eq!(mind(loud).await, Ok(true));
        assert_eq!(all(&bed.store).await, 2);
    });
}

#[test]
fn a_parcel_that_its_channel_does_not_know_sounds_after_ten_minutes() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 10).await;
        let (_, parcel) = h.packed("A1", &[(0, 1)]).await;
        for _ in 0..40 {
            h.fake.fault("confirm", Fault::NotSent);
        }
        hand_over::hand_over(&h.app, &me(), &[parcel]).await.expect("handed over");
        h.settle().await;
        h.settle().await;
        let told = open(&h.bed.store).await;
        assert_eq!(told.iter().map(|a| (a.kind.as_str(), a.shop_id)).collect::<Vec<_>>(), [("unconfirmed", Some(h.shop))]);
        assert_eq!(told[0].params["parcels"], 1);
        h.fake.truth.lock().expect("truth").faults.clear();
        h.bed.clock.advance(HOUR);
        h.settle().await;
        assert_eq!(h.fake.confirmations().len(), 1);
        assert_eq!(open(&h.bed.store).await, []);
    });
}

/// An order of five units that leaves in parcels of three and two; answers them.
async fn in_two(h: &House, name: &str) -> (OrderId, [wharf_domain::id::ShipmentId; 2]) {
    let (order, first) = h.booked(name, &[(0, 5)]).await;
    let line = h.parcel(order).await.lines[0].fulfillment_line_id;
    let second = ship::split(&h.app, &me(), first, &[(line, 2)]).await.expect("split");
    h.settle().await;
    pack::pack(&h.app, &packer(), "台", &[first, second]).await.expect("packed");
    (order, [first, second])
}

#[test]
fn a_part_of_a_line_is_told_as_a_part_where_the_channel_knows_parts() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 20).await;
        let (_, parcels) = in_two(&h, "A1").await;
        hand_over::hand_over(&h.app, &me(), &parcels[..1]).await.expect("handed over");
        h.work().await;
        assert_eq!(h.fake.told(), [("A1".to_owned(), vec![("A1-0".to_owned(), 3)])]);
        hand_over::hand_over(&h.app, &me(), &parcels[1..]).await.expect("handed over");
        h.work().await;
        assert_eq!(h.fake.told()[1].1, [("A1-0".to_owned(), 2)]);
    });
}

#[test]
fn a_line_is_never_told_whole_while_a_part_of_it_is_here() {
    both_engines_with(|bed| async move {
        let h = crate::parcels::bed::house_of(bed, crate::parcels::fake::Fake::of_whole_lines()).await;
        h.receive(0, 0, 40).await;
        let (order, parcels) = in_two(&h, "A1").await;
        hand_over::hand_over(&h.app, &me(), &parcels[..1]).await.expect("handed over");
        for _ in 0..3 {
            h.settle().await;
        }
        assert_eq!(h.fake.told(), [], "three of five are no line");
        let waiting = open(&h.bed.store).await;
        assert_eq!(waiting.iter().map(|a| a.kind.as_str()).collect::<Vec<_>>(), ["unconfirmed"], "and somebody sees it");
        hand_over::hand_over(&h.app, &me(), &parcels[1..]).await.expect("handed over");
        for _ in 0..4 {
            h.settle().await;
        }
        assert_eq!(h.fake.told(), [("A1".to_owned(), vec![("A1-0".to_owned(), 3)])], "the line is told once, with its first parcel");
        let owed = h.write(move |tx| confirmations::of_orders(tx, &[order])).await;
        assert!(owed.iter().all(|c| c.attempts <= 1), "{owed:?}");
        assert_eq!(h.phase(order).await, Phase::Shipped);
        assert_eq!(open(&h.bed.store).await, []);
        // The rest is cancelled instead: then what left is all there is of the line.
        let (other, parcels) = in_two(&h, "A2").await;
        hand_over::hand_over(&h.app, &me(), &parcels[..1]).await.expect("handed over");
        h.settle().await;
        h.cancel(other).await.expect("cancelled");
        for _ in 0..4 {
            h.settle().await;
        }
        assert_eq!(h.fake.told().iter().filter(|(id, _)| id == "A2").count(), 1);
        h.lawful().await;
    });
}

#[test]
fn a_shop_of_files_owes_nobody_a_confirmation() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 10).await;
        let shop = h.shop;
        h.write(move |tx| tx.execute("UPDATE shops SET vendor = 'file' WHERE id = $1", &[shop.into()])).await;
        let (order, parcel) = h.packed("A1", &[(0, 1)]).await;
        hand_over::hand_over(&h.app, &me(), &[parcel]).await.expect("handed over");
        for _ in 0..5 {
            h.settle().await;
        }
        assert_eq!(h.write(move |tx| confirmations::of_orders(tx, &[order])).await, []);
        assert_eq!((h.fake.calls("confirm"), h.phase(order).await), (0, Phase::Shipped));
        assert_eq!(open(&h.bed.store).await, [], "nothing sounds for what nobody expects");
        let events = fixture::events_of(&h.app, order).await;
        assert!(events.contains(&"parcel.handed_over".to_owned()));
    });
}

//! Which warehouse, which parcel, which carrier; shortages; merging and splitting.

use super::bed::{Fault, house, me};
use wharf_domain::hold::HoldReason;
use wharf_domain::order::phase::Phase;
use wharf_domain::shipment::ShipmentState;
use wharf_flows::app::Outcome;
use wharf_flows::{route, ship};
use wharf_store::testing::both_engines_with;
use wharf_store::{fulfillments, holds, timeline};

#[test]
fn an_order_ships_from_the_near_warehouse_and_says_why() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 10).await;
        h.receive(1, 0, 10).await;
        let order = h.order("A1", &[(0, 2)], "a").await;
        assert_eq!(h.route(order).await, Outcome::Done);
        assert_eq!(h.route(order).await, Outcome::Already, "routing twice is routing once");
        assert_eq!(h.level(1, 0).await, (10, 2), "Chengdu is nearer to Chengdu");
        assert_eq!(h.level(0, 0).await, (10, 0));
        let rows = h.write(move |tx| fulfillments::of_orders(tx, &[order])).await;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].trace["how"], "whole");
        assert!(
            rows[0].trace["candidates"].as_array().expect("candidates").iter().any(|c| c["lost_by"].as_i64().is_some_and(|by| by > 1000))
        );
        let parcel = h.parcel(order).await;
        assert_eq!(parcel.trace["candidates"][0]["verdict"]["why"], "chosen");
        assert_eq!(parcel.weight_grams, 200);
        h.work().await;
        assert_eq!(h.parcel(order).await.state, ShipmentState::Booked);
        assert_eq!(h.phase(order).await, Phase::Label);
        h.lawful().await;
    });
}

#[test]
fn a_shortage_takes_nothing_names_what_is_missing_and_ends_when_stock_arrives() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 1).await;
        let order = h.order("A1", &[(0, 2), (1, 1)], "a").await;
        assert_eq!(h.route(order).await, Outcome::refused("short"));
        assert_eq!(h.route(order).await, Outcome::refused("short"));
        assert_eq!(h.phase(order).await, Phase::Stock);
        assert_eq!(h.level(0, 0).await, (1, 0));
        let told: Vec<_> =
            h.write(move |tx| timeline::of_orders(tx, &[order])).await.into_iter().filter(|e| e.event.kind == "order.short").collect();
        assert_eq!(told.len(), 1, "told once, not at every try");
        assert_eq!(told[0].event.params["missing"][0]["code"], "SKU0");
        assert_eq!(told[0].event.params["missing"][0]["missing"], 1);
        assert_eq!(told[0].event.params["missing"][1]["missing"], 1);
        h.receive(0, 0, 1).await;
        h.receive(0, 1, 1).await;
        let skus = h.skus.clone();
        h.write(move |tx| route::stock_arrived(tx, &skus, &[])).await;
        h.work().await;
        assert_eq!(h.parcel(order).await.state, ShipmentState::Booked);
        h.lawful().await;
    });
}

#[test]
fn the_urgent_order_of_a_batch_gets_the_last_unit() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 1).await;
        let plain = h.order("A1", &[(0, 1)], "a").await;
        let urgent = h.order_with("A2", &[(0, 1)], "b", |o| o.urgent = vec!["催发货".into()]).await;
        let results = route::route(&h.app, &me(), &[plain, urgent], Default::default()).await.expect("routed");
        assert_eq!(results, vec![(plain, Outcome::refused("short")), (urgent, Outcome::Done)]);
    });
}

#[test]
fn one_refusal_never_undoes_another() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 5).await;
        let good = h.order("A1", &[(0, 1)], "a").await;
        let held = h.order("A2", &[(0, 1)], "b").await;
        let unpaid = h.order_with("A3", &[(0, 1)], "c", |o| o.payment = wharf_domain::order::Payment::Unpaid).await;
        let unmapped = h.order_with("A4", &[(0, 1)], "d", |o| o.lines[0].seller_code = "nobody".into()).await;
        let shop = h.shop;
        h.write(move |tx| {
            let hold = holds::NewHold { order_id: held, shop_id: shop, reason: HoldReason::Manual, detail: serde_json::json!({}) };
            ship::hold(tx, &[hold], &me())
        })
        .await;
        let ids = [good, held, unpaid, unmapped, wharf_domain::id::OrderId(5)];
        let want = |outcomes: [Outcome; 5]| ids.iter().copied().zip(outcomes).collect::<Vec<_>>();
        let refused = [Outcome::refused("held"), Outcome::refused("unpaid"), Outcome::refused("unmapped"), Outcome::refused("not_found")];
        let [a, b, c, d] = refused;
        let first = route::route(&h.app, &me(), &ids, Default::default()).await.expect("routed");
        assert_eq!(first, want([Outcome::Done, a.clone(), b.clone(), c.clone(), d.clone()]));
        let again = route::route(&h.app, &me(), &ids, Default::default()).await.expect("routed");
        assert_eq!(again, want([Outcome::Already, a, b, c, d]));
        h.lawful().await;
    });
}

#[test]
fn a_split_and_its_parts_are_two_parcels_of_one_order() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 1).await;
        h.receive(1, 1, 2).await;
        let order = h.order("A1", &[(0, 1), (1, 2)], "a").await;
        assert_eq!(h.route(order).await, Outcome::Done);
        h.work().await;
        let parcels = h.parcels(order).await;
        assert_eq!(parcels.len(), 2);
        assert_ne!(parcels[0].warehouse_id, parcels[1].warehouse_id);
        // And by hand: one of two units waits.
        let big = parcels.iter().find(|p| p.lines[0].quantity == 2).expect("two units");
        let new = ship::split(&h.app, &me(), big.id, &[(big.lines[0].fulfillment_line_id, 1)]).await.expect("split");
        h.work().await;
        let parcels = h.parcels(order).await;
        assert_eq!(parcels.len(), 3);
        assert!(parcels.iter().all(|p| p.state == ShipmentState::Booked), "{parcels:?}");
        assert!(parcels.iter().any(|p| p.id == new));
        assert!(!h.fake.bought_twice());
        assert_eq!(h.fake.live_numbers().len(), 3, "the label of the parcel that was split went back");
        h.lawful().await;
    });
}

#[test]
fn orders_of_one_recipient_are_proposed_merged_and_taken_apart_again() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 10).await;
        let (one, two) = (h.order("A1", &[(0, 1)], "same").await, h.order("A2", &[(0, 2)], "same").await);
        let other = h.order("A3", &[(0, 1)], "other").await;
        route::route(&h.app, &me(), &[one, two, other], Default::default()).await.expect("routed");
        h.work().await;
        let proposals = ship::proposals(&h.app, 10).await.expect("read");
        assert_eq!(proposals.len(), 1);
        let ids: Vec<_> = proposals[0].iter().map(|s| s.id).collect();
        let stranger = h.parcel(other).await.id;
        assert!(ship::merge(&h.app, &me(), &[ids[0], stranger]).await.is_err(), "another recipient");
        let merged = ship::merge(&h.app, &me(), &ids).await.expect("merged");
        h.work().await;
        let parcel = h.parcel(one).await;
        assert_eq!((parcel.id, parcel.orders()), (merged, vec![one, two]));
        assert_eq!(parcel.state, ShipmentState::Booked);
        assert_eq!(h.fake.live_numbers().len(), 2, "both labels went back, one was bought, and the stranger's");
        let out = ship::take_out(&h.app, &me(), merged, two).await.expect("taken out");
        h.work().await;
        assert_eq!(h.parcel(two).await.id, out);
        assert_eq!(h.parcel(one).await.orders(), vec![one]);
        assert!(!h.fake.bought_twice());
        h.lawful().await;
    });
}

#[test]
fn the_policy_merges_without_being_asked() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        let shop = h.shop;
        h.write(move |tx| {
            let mut policy = wharf_store::shops::get(tx, shop)?.expect("shop").policy;
            policy.parcels.merge = true;
            wharf_store::shops::edit(tx, shop, &wharf_store::shops::ShopEdit { policy: Some(policy), ..Default::default() }, None)
        })
        .await;
        h.receive(0, 0, 10).await;
        let one = h.order("A1", &[(0, 1)], "same").await;
        h.route(one).await;
        h.work().await;
        let two = h.order("A2", &[(0, 2)], "same").await;
        h.route(two).await;
        h.work().await;
        let parcel = h.parcel(two).await;
        assert_eq!(parcel.orders(), vec![one, two], "it joined the parcel that was not yet printed");
        assert_eq!(parcel.state, ShipmentState::Booked);
        assert_eq!(parcel.weight_grams, 300);
        assert_eq!(h.fake.live_numbers().len(), 1);
        h.lawful().await;
    });
}

#[test]
fn a_refused_waybill_holds_the_order_in_the_carriers_words_and_goes_on_when_released() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 5).await;
        let order = h.order("A1", &[(0, 1)], "a").await;
        h.fake.fault("book", Fault::Refused);
        h.route(order).await;
        h.work().await;
        assert_eq!(h.phase(order).await, Phase::Held);
        let open = h.write(move |tx| holds::open(tx, &[order])).await;
        let hold = &open[&order][0];
        assert_eq!((hold.reason, hold.detail["message"].as_str()), (HoldReason::WaybillRefused, Some("地址不可达")));
        h.settle().await;
        assert_eq!(h.fake.calls("book"), 1, "a no is not asked again by itself");
        h.write(move |tx| {
            holds::release(tx, &[(order, HoldReason::WaybillRefused)], &me())?;
            wharf_flows::recompute::apply(tx, &[order])
        })
        .await;
        h.settle().await;
        assert_eq!(h.parcel(order).await.state, ShipmentState::Booked);
        assert_eq!(h.phase(order).await, Phase::Label);
    });
}

#[test]
fn routing_is_taken_back_with_stock_and_label() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 5).await;
        let (order, _) = h.booked("A1", &[(0, 2)]).await;
        assert_eq!(h.level(0, 0).await, (5, 2));
        let results = route::unroute(&h.app, &me(), &[order]).await.expect("unrouted");
        assert_eq!(results, vec![(order, Outcome::Done)]);
        assert_eq!(h.level(0, 0).await, (5, 0));
        h.settle().await;
        assert_eq!(h.fake.live_numbers(), Vec::<String>::new(), "the number went back");
        assert_eq!(h.phase(order).await, Phase::Held, "it waits for a person, not for the next sweep");
        assert_eq!(route::unroute(&h.app, &me(), &[order]).await.expect("again"), vec![(order, Outcome::Already)]);
        h.lawful().await;
    });
}

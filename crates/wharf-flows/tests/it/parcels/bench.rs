//! The pack station: singles one scan, n items n scans, wrong items change nothing, stopped parcels sound.

use super::bed::{House, house, me, packer};
use wharf_domain::hold::HoldReason;
use wharf_domain::id::ShipmentId;
use wharf_domain::shipment::ShipmentState;
use wharf_flows::app::Outcome;
use wharf_flows::fulfillment::{Verb, act};
use wharf_flows::pack::{self, Bench, Scanned};
use wharf_flows::{hand_over, print, ship, track};
use wharf_store::testing::both_engines_with;
use wharf_store::warehouses::PackFlow;
use wharf_store::{fulfillments, holds, shipments, warehouses};

const BENCH: &str = "台 1";

async fn scan(h: &House, code: &str) -> Bench {
    pack::scan(&h.app, &packer(), BENCH, code).await.expect("scanned")
}

async fn set_flow(h: &House, flow: PackFlow) {
    let id = h.warehouses[0];
    h.write(move |tx| {
        let w = warehouses::get(tx, id)?.expect("warehouse");
        let input = warehouses::WarehouseInput {
            code: w.code,
            name: w.name,
            kind: w.kind,
            active: w.active,
            priority: w.priority,
            region: w.region,
            address: w.address,
            contact: w.contact,
            phone: w.phone,
            point: w.point,
            pack_flow: flow,
        };
        warehouses::update(tx, id, &input, None)
    })
    .await;
    pack::place_station(&h.app, BENCH, id, None).await.expect("placed");
}

async fn print_label(h: &House, id: ShipmentId) {
    print::labels(&h.app, &me(), &super::bed::printing(""), &[id]).await.expect("printed");
}

#[test]
fn a_single_item_is_one_scan_and_its_label_comes_out() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 10).await;
        set_flow(&h, PackFlow::PackThenPrint).await;
        let (_, multi) = h.booked("A1", &[(0, 2)]).await;
        let (_, single) = h.booked("A2", &[(0, 1)]).await;
        let done = scan(&h, "690000000000").await;
        assert_eq!(done.scanned, Some(Scanned::Complete));
        assert_eq!(done.parcel.as_ref().map(|p| p.shipment.id), Some(single), "single ones first");
        assert!(done.label.is_some() && done.label_refused.is_none());
        assert_eq!(done.packed_today, 1);
        let right = scan(&h, "690000000000").await;
        assert_eq!(
            (right.scanned, right.parcel.map(|p| (p.shipment.id, p.scanned, p.needed))),
            (Some(Scanned::Right), Some((multi, 1, 2)))
        );
        let last = scan(&h, "SKU0").await;
        assert_eq!(last.scanned, Some(Scanned::Complete), "a SKU code is as good as its barcode");
        assert_eq!(scan(&h, "690000000000").await.scanned, Some(Scanned::NothingWaits));
        h.lawful().await;
    });
}

#[test]
fn printed_parcels_are_opened_by_their_number_and_wrong_items_change_nothing() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        for sku in 0..3 {
            h.receive(0, sku, 10).await;
        }
        set_flow(&h, PackFlow::PrintThenPack).await;
        let (order, id) = h.booked("TB-1", &[(0, 1), (1, 2)]).await;
        assert_eq!(scan(&h, "690000000000").await.scanned, Some(Scanned::NothingWaits), "its label is not printed");
        print_label(&h, id).await;
        let number = h.parcel(order).await.waybill_number.expect("number");
        let opened = scan(&h, &number).await;
        assert_eq!(opened.scanned, Some(Scanned::Opened));
        assert_eq!(opened.parcel.map(|p| (p.needed, p.scanned)), Some((3, 0)));
        assert_eq!(scan(&h, "690000000001").await.scanned, Some(Scanned::Right));
        let wrong = scan(&h, "690000000002").await;
        assert_eq!((wrong.scanned, wrong.parcel.map(|p| p.scanned)), (Some(Scanned::Wrong), Some(1)));
        assert_eq!(scan(&h, "no such thing").await.scanned, Some(Scanned::Unknown));
        assert_eq!(scan(&h, "690000000001").await.scanned, Some(Scanned::Right));
        let many = scan(&h, "690000000001").await;
        assert_eq!((many.scanned, many.parcel.map(|p| p.scanned)), (Some(Scanned::Wrong), Some(2)), "one too many is wrong");
        assert_eq!(h.parcel(order).await.state, ShipmentState::Booked, "it cannot be closed yet");
        let done = scan(&h, "690000000000").await;
        assert_eq!((done.scanned, done.label), (Some(Scanned::Complete), None));
        assert_eq!(scan(&h, "TB-1").await.scanned, Some(Scanned::AlreadyPacked));
        assert_eq!(pack::weigh(&h.app, &me(), id, 320).await.expect("weighed"), Some(20));
        assert_eq!(pack::unpack(&h.app, &me(), &[id]).await.expect("unpacked"), vec![(id, Outcome::Done)]);
        assert_eq!(scan(&h, "TB-1").await.parcel.map(|p| p.scanned), Some(0), "an opened parcel is scanned anew");
        pack::restart(&h.app, BENCH).await.expect("restarted");
        assert!(pack::station(&h.app, BENCH, jiff::tz::TimeZone::UTC).await.expect("shown").parcel.is_none());
        h.lawful().await;
    });
}

#[test]
fn a_cancellation_or_refund_during_packing_stops_the_next_scan() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 10).await;
        set_flow(&h, PackFlow::PackThenPrint).await;
        let (order, _) = h.booked("TB-1", &[(0, 3)]).await;
        scan(&h, "TB-1").await;
        assert_eq!(scan(&h, "SKU0").await.scanned, Some(Scanned::Right));
        h.cancel(order).await.expect("cancelled");
        let stop = scan(&h, "SKU0").await;
        assert_eq!(stop.scanned, Some(Scanned::Stop("cancelled".into())));
        assert!(stop.parcel.is_some(), "the bench shows what to put back");
        assert_eq!(h.level(0, 0).await, (10, 0));

        let (order, parcel) = h.booked("TB-2", &[(0, 2)]).await;
        scan(&h, "TB-2").await;
        let shop = h.shop;
        h.write(move |tx| {
            let hold =
                holds::NewHold { order_id: order, shop_id: shop, reason: HoldReason::RefundRequested, detail: serde_json::json!({}) };
            ship::hold(tx, &[hold], &me())?;
            wharf_flows::recompute::apply(tx, &[order])
        })
        .await;
        assert_eq!(scan(&h, "SKU0").await.scanned, Some(Scanned::Stop("refund_requested".into())));
        assert_eq!(scan(&h, "TB-2").await.scanned, Some(Scanned::Stop("refund_requested".into())));
        let refused = pack::pack(&h.app, &packer(), BENCH, &[parcel]).await.expect("answered");
        assert_eq!(refused, vec![(parcel, Outcome::refused("refund_requested"))]);
        h.write(move |tx| {
            holds::release(tx, &[(order, HoldReason::RefundRequested)], &me())?;
            wharf_flows::recompute::apply(tx, &[order])
        })
        .await;
        assert_eq!(scan(&h, "TB-2").await.scanned, Some(Scanned::Opened), "released, it goes on");
        h.lawful().await;
    });
}

#[test]
fn a_parcel_that_lost_a_part_is_opened_again_and_goes_on_with_the_rest() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 10).await;
        set_flow(&h, PackFlow::PackThenPrint).await;
        let (order, parcel) = h.packed("TB-1", &[(0, 3)]).await;
        let line = h.lines_of(order).await[0];
        h.write(move |tx| {
            ship::stop_lines(tx, &me(), &[ship::LineStop { order_id: order, order_line_id: line, keep: 2 }], "amended")?;
            let update = wharf_store::orders::LineUpdate {
                id: line,
                line: None,
                ordered: 3,
                cancelled: 1,
                refund: wharf_domain::order::LineRefund::None,
            };
            wharf_store::orders::update_lines(tx, &[update], &[])?;
            wharf_flows::recompute::apply(tx, &[order])
        })
        .await;
        let refused = hand_over::hand_over(&h.app, &me(), &[parcel]).await.expect("answered");
        assert_eq!(refused, vec![(parcel, Outcome::refused("not_packed"))]);
        assert_eq!(scan(&h, "TB-1").await.scanned, Some(Scanned::Stop("changed".into())));
        pack::acknowledge(&h.app, &me(), parcel).await.expect("seen");
        assert_eq!(scan(&h, "TB-1").await.scanned, Some(Scanned::Complete), "what is left was scanned before");
        hand_over::hand_over(&h.app, &me(), &[parcel]).await.expect("handed over");
        assert_eq!(h.level(0, 0).await, (8, 0));
        h.lawful().await;
    });
}

#[test]
fn a_wave_is_picked_together_and_called_off() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 10).await;
        set_flow(&h, PackFlow::PackThenPrint).await;
        let (order, one) = h.booked("A1", &[(0, 1)]).await;
        let (_, two) = h.booked("A2", &[(0, 1)]).await;
        let (wave, results) = pack::new_wave(&h.app, &me(), "早班", h.warehouses[0], &[one]).await.expect("a wave");
        assert_eq!(results, vec![(one, Outcome::Done)]);
        pack::place_station(&h.app, BENCH, h.warehouses[0], Some(wave)).await.expect("placed");
        assert_eq!(scan(&h, "SKU0").await.parcel.map(|p| p.shipment.id), Some(one));
        assert_eq!(scan(&h, "SKU0").await.scanned, Some(Scanned::NothingWaits), "{two} is not of this wave");
        pack::unpack(&h.app, &me(), &[one]).await.expect("unpacked");
        let f = h.write(move |tx| fulfillments::of_orders(tx, &[order])).await[0].id;
        assert_eq!(act(&h.app, &me(), Verb::Unpick, &[f], false).await.expect("unpicked"), vec![(f, Outcome::Done)]);
        assert_eq!(act(&h.app, &me(), Verb::Unpick, &[f], false).await.expect("again"), vec![(f, Outcome::Already)]);
    });
}

#[test]
fn scans_of_the_carrier_bring_the_order_to_its_end() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 10).await;
        let (order, parcel) = h.packed("A1", &[(0, 2)]).await;
        hand_over::hand_over(&h.app, &me(), &[parcel]).await.expect("handed over");
        h.work().await;
        let scan = |at: i64, state: ShipmentState| wharf_connect::TrackingUpdate {
            at: wharf_store::testing::START.plus(at),
            meaning: wharf_domain::word::Observed::Known(state),
            text: state.to_string(),
            place: "成都".into(),
        };
        h.fake.truth.lock().expect("truth").scans = vec![scan(2, ShipmentState::Delivered), scan(1, ShipmentState::InTransit)];
        track::track_due(&h.app).await.expect("tracked");
        assert_eq!(h.parcel(order).await.state, ShipmentState::Delivered);
        assert_eq!(h.phase(order).await, wharf_domain::order::phase::Phase::Delivered);
        let scans = h.write(move |tx| shipments::scans(tx, parcel)).await;
        assert_eq!(scans.len(), 2);
        h.bed.clock.advance(wharf_domain::time::DAY);
        track::track_due(&h.app).await.expect("tracked");
        assert_eq!(h.fake.calls("track"), 1, "what has arrived is not asked about");
        h.lawful().await;
    });
}

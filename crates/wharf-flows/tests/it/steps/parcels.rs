//! The flows from an approved order to a delivered parcel: route, ship, book, print, pack, hand over, confirm, track, stop.

use super::harness::{Rig, Step, Subject};
use super::orders::{clean, later, placed, put};
use crate::parcels::bed::{me, packer, printing};
use wharf_connect::carrier::TrackingUpdate;
use wharf_domain::id::{ConfirmationId, FulfillmentLineId, WaybillId};
use wharf_domain::order::ChannelStatus;
use wharf_domain::shipment::ShipmentState;
use wharf_domain::word::Observed;
use wharf_flows::app::FlowError;
use wharf_flows::{book, confirm, hand_over, pack, print, route, ship, track};
use wharf_store::{confirmations, waybills};

const STATION: &str = "台 1";

/// Fulfilled, in a parcel that waits for its waybill.
async fn routed(rig: &Rig, name: String) -> Subject {
    let subject = placed(rig, name).await;
    route::route(&rig.house.app, &me(), &[subject.order], Default::default()).await.expect("routed");
    let parcel = rig.house.parcel(subject.order).await.id;
    let waybill = rig.house.write(move |tx| waybills::live(tx, &[parcel])).await[0].id;
    Subject { parcel, other: waybill.0, ..subject }
}

async fn booked(rig: &Rig, name: String) -> Subject {
    let subject = routed(rig, name).await;
    book::book_one(&rig.house.app, WaybillId(subject.other)).await.expect("booked");
    subject
}

async fn packed(rig: &Rig, name: String) -> Subject {
    let subject = booked(rig, name).await;
    pack::pack(&rig.house.app, &packer(), STATION, &[subject.parcel]).await.expect("packed");
    subject
}

async fn gone(rig: &Rig, name: String) -> Subject {
    let subject = packed(rig, name).await;
    hand_over::hand_over(&rig.house.app, &me(), &[subject.parcel]).await.expect("handed over");
    let order = subject.order;
    let owed = rig.house.write(move |tx| confirmations::of_orders(tx, &[order])).await[0].id;
    Subject { other: owed.0, ..subject }
}

fn cancelled(rig: &Rig, subject: &Subject) -> impl Future<Output = Result<(), FlowError>> + Send {
    let next = later(&clean(&subject.name), |order| {
        order.status = Observed::Known(ChannelStatus::Cancelled);
        order.observed_status = "TRADE_CLOSED".into();
    });
    put(rig, rig.house.shop, next)
}

/// The table.
pub const STEPS: &[Step] = &[
    Step {
        flow: "route",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(placed(rig, name)),
        act: |rig, s| Box::pin(async move { route::route(&rig.house.app, &me(), &[s.order], Default::default()).await.map(drop) }),
    },
    Step {
        flow: "route (taken back)",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(routed(rig, name)),
        act: |rig, s| Box::pin(async move { route::unroute(&rig.house.app, &me(), &[s.order]).await.map(drop) }),
    },
    Step {
        flow: "ship (another carrier)",
        states: 1,
        calls: &[],
        repeats: false,
        prepare: |rig, name| Box::pin(booked(rig, name)),
        act: |rig, s| {
            Box::pin(async move { ship::set_carrier(&rig.house.app, &me(), &[s.parcel], rig.house.account, None).await.map(drop) })
        },
    },
    Step {
        flow: "ship (split)",
        states: 1,
        calls: &[],
        repeats: false,
        prepare: |rig, name| {
            Box::pin(async move {
                let subject = booked(rig, name).await;
                let line = rig.house.parcel(subject.order).await.lines[0].fulfillment_line_id;
                Subject { other: line.0, ..subject }
            })
        },
        act: |rig, s| {
            Box::pin(async move {
                let line = FulfillmentLineId(s.other);
                ship::split(&rig.house.app, &me(), s.parcel, &[(line, 1)]).await.map(drop)
            })
        },
    },
    Step {
        flow: "book",
        // The intent; the call under way.
        states: 2,
        calls: &["book"],
        repeats: true,
        prepare: |rig, name| Box::pin(routed(rig, name)),
        act: |rig, s| Box::pin(async move { book::book_one(&rig.house.app, WaybillId(s.other)).await.map(drop) }),
    },
    Step {
        flow: "book (a doubt looked up)",
        // In doubt; the doubt told.
        states: 2,
        calls: &["find"],
        repeats: true,
        prepare: |rig, name| {
            Box::pin(async move {
                let subject = routed(rig, name).await;
                rig.house.fake.fault("book", crate::parcels::bed::Fault::LostAfter);
                book::book_one(&rig.house.app, WaybillId(subject.other)).await.expect("in doubt");
                subject
            })
        },
        act: |rig, s| Box::pin(async move { book::resolve(&rig.house.app, WaybillId(s.other)).await.map(drop) }),
    },
    Step {
        flow: "book (given back)",
        states: 1,
        calls: &["void"],
        repeats: true,
        prepare: |rig, name| {
            Box::pin(async move {
                let subject = booked(rig, name).await;
                cancelled(rig, &subject).await.expect("cancelled");
                subject
            })
        },
        act: |rig, s| Box::pin(book::void_one(&rig.house.app, WaybillId(s.other))),
    },
    Step {
        flow: "print",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(booked(rig, name)),
        act: |rig, s| Box::pin(async move { print::labels(&rig.house.app, &me(), &printing(""), &[s.parcel]).await.map(drop) }),
    },
    Step {
        flow: "pack (opened at the bench)",
        // Not opened; opened, and the bench not shown.
        states: 2,
        calls: &[],
        repeats: true,
        prepare: |rig, name| {
            Box::pin(async move {
                let subject = booked(rig, name).await;
                let warehouse = rig.house.parcel(subject.order).await.warehouse_id;
                pack::place_station(&rig.house.app, STATION, warehouse, None).await.expect("placed");
                pack::put_aside(&rig.house.app, STATION).await.expect("free");
                subject
            })
        },
        act: |rig, s| {
            let number = format!("{}-1", s.name);
            Box::pin(async move { pack::scan(&rig.house.app, &packer(), STATION, &number).await.map(drop) })
        },
    },
    Step {
        flow: "pack (an item scanned)",
        // One of two; both and closed, and the bench not shown.
        states: 2,
        calls: &[],
        repeats: false,
        prepare: |rig, name| {
            Box::pin(async move {
                let subject = booked(rig, name).await;
                let warehouse = rig.house.parcel(subject.order).await.warehouse_id;
                print::labels(&rig.house.app, &me(), &printing(""), &[subject.parcel]).await.expect("printed");
                pack::place_station(&rig.house.app, STATION, warehouse, None).await.expect("placed");
                pack::scan(&rig.house.app, &packer(), STATION, &format!("{}-1", subject.name)).await.expect("opened");
                pack::scan(&rig.house.app, &packer(), STATION, "690000000000").await.expect("the first of two");
                subject
            })
        },
        act: |rig, _| Box::pin(async move { pack::scan(&rig.house.app, &packer(), STATION, "690000000000").await.map(drop) }),
    },
    Step {
        flow: "pack (closed without a scan)",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(booked(rig, name)),
        act: |rig, s| Box::pin(async move { pack::pack(&rig.house.app, &packer(), STATION, &[s.parcel]).await.map(drop) }),
    },
    Step {
        flow: "pack (opened again)",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(packed(rig, name)),
        act: |rig, s| Box::pin(async move { pack::unpack(&rig.house.app, &me(), &[s.parcel]).await.map(drop) }),
    },
    Step {
        flow: "hand_over",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(packed(rig, name)),
        act: |rig, s| Box::pin(async move { hand_over::hand_over(&rig.house.app, &me(), &[s.parcel]).await.map(drop) }),
    },
    Step {
        flow: "confirm",
        // Due; sent.
        states: 2,
        calls: &["confirm"],
        repeats: true,
        prepare: |rig, name| Box::pin(gone(rig, name)),
        act: |rig, s| Box::pin(async move { confirm::confirm_one(&rig.house.app, ConfirmationId(s.other)).await.map(drop) }),
    },
    Step {
        flow: "confirm (a lost answer looked up)",
        states: 2,
        calls: &["get_order"],
        repeats: true,
        prepare: |rig, name| {
            Box::pin(async move {
                let subject = gone(rig, name).await;
                rig.house.fake.fault("confirm", crate::parcels::bed::Fault::LostAfter);
                rig.house.fake.fault("get_order", crate::parcels::bed::Fault::NotSent);
                let _ = confirm::confirm_one(&rig.house.app, ConfirmationId(subject.other)).await;
                rig.house.bed.clock.advance(3 * wharf_domain::time::MINUTE);
                subject
            })
        },
        act: |rig, s| Box::pin(async move { confirm::confirm_one(&rig.house.app, ConfirmationId(s.other)).await.map(drop) }),
    },
    Step {
        flow: "track",
        states: 1,
        calls: &["track"],
        repeats: true,
        prepare: |rig, name| {
            Box::pin(async move {
                let subject = gone(rig, name).await;
                confirm::confirm_one(&rig.house.app, ConfirmationId(subject.other)).await.expect("told");
                let scan = |minutes: i64, state: ShipmentState, text: &str| TrackingUpdate {
                    at: rig.house.bed.store.now().plus(minutes * wharf_domain::time::MINUTE),
                    meaning: Observed::Known(state),
                    text: text.into(),
                    place: "成都".into(),
                };
                rig.house.fake.truth.lock().expect("truth").scans =
                    vec![scan(1, ShipmentState::InTransit, "揽收"), scan(2, ShipmentState::Delivered, "签收")];
                subject
            })
        },
        act: |rig, s| Box::pin(track::track_one(&rig.house.app, s.parcel)),
    },
    Step {
        flow: "stop (before the label)",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(routed(rig, name)),
        act: |rig, s| Box::pin(cancelled(rig, s)),
    },
    Step {
        flow: "stop (packed)",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(packed(rig, name)),
        act: |rig, s| Box::pin(cancelled(rig, s)),
    },
    Step {
        flow: "stop (gone: a contradiction)",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(gone(rig, name)),
        act: |rig, s| Box::pin(cancelled(rig, s)),
    },
];

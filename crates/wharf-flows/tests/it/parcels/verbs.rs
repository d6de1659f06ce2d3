//! The verbs on many orders: merged, split and moved, each with its undo; long operations that go on after a crash; and law
//! 12 under broken statements: every verb broken at every statement and repeated ends as if nothing had happened to it.

use super::bed::{House, house, me, packer, printing};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use wharf_domain::access::Scope;
use wharf_domain::cancellation::{CancelReason, CancelSource};
use wharf_domain::id::{OrderId, ShipmentId, UserId};
use wharf_domain::order::phase::Phase;
use wharf_domain::shipment::ShipmentState;
use wharf_flows::app::Outcome;
use wharf_flows::bulk::Asker;
use wharf_flows::cancel::CancelOrder;
use wharf_flows::edit::{AddressEdit, NoteEdit};
use wharf_flows::rearrange::SplitLine;
use wharf_flows::route::{RouteOptions, Routing};
use wharf_flows::ship::ByHand;
use wharf_flows::undo;
use wharf_flows::verbs::{self, Verb};
use wharf_store::operations::{self, OperationState};
use wharf_store::testing::{both_engines_with, memory};
use wharf_store::{holds, orders, timeline, users};

fn asker() -> Asker {
    Asker::new(me(), Scope::ALL)
}

async fn does(h: &House, verb: Verb, ids: &[OrderId]) -> Vec<(OrderId, Outcome)> {
    verbs::run(&h.app, &asker(), verb, ids.to_vec(), false).await.expect("answered").results
}

async fn kinds(h: &House, order: OrderId) -> Vec<String> {
    h.write(move |tx| Ok(timeline::of_orders(tx, &[order])?.into_iter().map(|e| e.event.kind).collect())).await
}

fn live(parcels: Vec<wharf_store::shipments::ShipmentRow>) -> Vec<wharf_store::shipments::ShipmentRow> {
    parcels.into_iter().filter(|s| s.state != ShipmentState::Cancelled).collect()
}

#[test]
fn orders_are_merged_where_they_may_each_answers_why_not_and_it_is_undone() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 20).await;
        let (one, two) = (h.order("A1", &[(0, 1)], "same").await, h.order("A2", &[(0, 2)], "same").await);
        let other = h.order("A3", &[(0, 1)], "other").await;
        let held = h.order("A4", &[(0, 1)], "same").await;
        let unrouted = h.order("A5", &[(3, 1)], "same").await;
        wharf_flows::route::route(&h.app, &me(), &[one, two, other, held, unrouted], RouteOptions::default()).await.expect("routed");
        h.work().await;
        does(&h, Verb::Hold { note: String::new() }, &[held]).await;
        let asked = [one, two, other, held, unrouted, OrderId(404)];
        let merged = verbs::run(&h.app, &asker(), Verb::Merge, asked.to_vec(), false).await.expect("answered");
        let outcomes: Vec<Outcome> = merged.results.iter().map(|(_, o)| o.clone()).collect();
        assert_eq!(
            outcomes,
            [
                Outcome::Done,
                Outcome::Done,
                Outcome::refused("other_recipient"),
                Outcome::refused("held"),
                Outcome::refused("not_routed"),
                Outcome::refused("not_found")
            ]
        );
        h.work().await;
        let parcel = h.parcel(one).await;
        assert_eq!((parcel.orders(), parcel.state), (vec![one, two], ShipmentState::Booked));
        assert!(kinds(&h, one).await.contains(&"parcel.merged".to_owned()) && kinds(&h, two).await.contains(&"parcel.merged".to_owned()));
        let before = h.digest().await;
        let again = does(&h, Verb::Merge, &[one, two]).await;
        assert_eq!(again, [(one, Outcome::Already), (two, Outcome::Already)]);
        assert_eq!(before, h.digest().await, "merged twice");
        let back = undo::undo(&h.app, &asker(), merged.operation_id.expect("an operation")).await.expect("undone");
        assert_eq!(back, [(one, Outcome::Done), (two, Outcome::Done)]);
        h.work().await;
        assert_eq!((h.parcel(one).await.orders(), h.parcel(two).await.orders()), (vec![one], vec![two]));
        assert!(!h.fake.bought_twice());
        h.lawful().await;
    });
}

#[test]
fn an_order_is_split_once_and_put_together_again() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 20).await;
        h.receive(0, 1, 20).await;
        let (order, _) = h.booked("A1", &[(0, 3), (1, 1)]).await;
        let lines = h.lines_of(order).await;
        let split = || Verb::Split { lines: vec![SplitLine { order_line_id: lines[0], quantity: 2 }] };
        let all = Verb::Split {
            lines: vec![SplitLine { order_line_id: lines[0], quantity: 3 }, SplitLine { order_line_id: lines[1], quantity: 1 }],
        };
        assert_eq!(does(&h, all, &[order]).await, [(order, Outcome::refused("nothing_left"))]);
        let bulk = verbs::run(&h.app, &asker(), split(), vec![order], false).await.expect("split");
        assert_eq!(bulk.results, [(order, Outcome::Done)]);
        h.work().await;
        let parcels = live(h.parcels(order).await);
        assert_eq!(parcels.iter().map(|p| p.lines.iter().map(|l| l.quantity).sum::<i64>()).collect::<Vec<_>>(), [2, 2]);
        assert!(parcels.iter().all(|p| p.state == ShipmentState::Booked));
        let before = h.digest().await;
        assert_eq!(does(&h, split(), &[order]).await, [(order, Outcome::Already)]);
        assert_eq!(before, h.digest().await, "split twice");
        h.lawful().await;
        let back = undo::undo(&h.app, &asker(), bulk.operation_id.expect("an operation")).await.expect("undone");
        assert_eq!(back, [(order, Outcome::Done)]);
        h.work().await;
        assert_eq!(live(h.parcels(order).await).len(), 1);
        assert!(kinds(&h, order).await.contains(&"parcel.split".to_owned()));
        assert!(!h.fake.bought_twice());
        h.lawful().await;
    });
}

#[test]
fn an_order_moves_to_another_warehouse_or_stays_where_it_is() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        h.receive(0, 0, 5).await;
        h.receive(1, 0, 2).await;
        let (order, _) = h.booked("A1", &[(0, 2)]).await;
        let (big, _) = h.booked("A2", &[(0, 3)]).await;
        let from = h.parcel(order).await.warehouse_id;
        let (here, there) = if from == h.warehouses[0] { (0, 1) } else { (1, 0) };
        let to = Verb::Route(Routing { options: RouteOptions { warehouse: Some(h.warehouses[there]), partial: false }, carrier: None });
        let stays = h.parcel(big).await.warehouse_id;
        let big_moves = stays != h.warehouses[there] && there == 0;
        let first = does(&h, to.clone(), &[order]).await;
        assert_eq!(first, [(order, Outcome::Done)]);
        h.work().await;
        assert_eq!(h.parcel(order).await.warehouse_id, h.warehouses[there]);
        let _ = (here, big_moves);
        let before = h.digest().await;
        assert_eq!(does(&h, to, &[order]).await, [(order, Outcome::Already)]);
        assert_eq!(before, h.digest().await, "moved twice");
        // Nothing of SKU 0 is left in the second warehouse: the other order is told so and stays.
        let second = Verb::Route(Routing { options: RouteOptions { warehouse: Some(h.warehouses[1]), partial: false }, carrier: None });
        if stays == h.warehouses[0] && there == 1 {
            assert_eq!(does(&h, second, &[big]).await, [(big, Outcome::refused("short"))]);
            assert_eq!(h.parcel(big).await.warehouse_id, stays);
        }
        // A carrier by hand: once.
        let carrier =
            Verb::Route(Routing { options: RouteOptions::default(), carrier: Some(ByHand { account: h.account, service: None }) });
        assert_eq!(does(&h, carrier.clone(), &[order]).await, [(order, Outcome::Done)]);
        h.work().await;
        let before = h.digest().await;
        assert_eq!(does(&h, carrier, &[order]).await, [(order, Outcome::Already)]);
        assert_eq!(before, h.digest().await, "the label of the wished carrier is not bought again");
        h.lawful().await;
    });
}

#[test]
fn a_long_operation_goes_on_after_a_crash_and_its_tally_is_exact() {
    both_engines_with(|bed| async move {
        let h = house(bed).await;
        let mut ids = Vec::new();
        for n in 0..450 {
            ids.push(h.order(&format!("L{n}"), &[(0, 1)], "b").await);
        }
        does(&h, Verb::Tag { add: vec!["before".into()], remove: vec![] }, &ids[..3]).await;
        ids.extend([OrderId(404), ids[0]]);
        let verb = Verb::Tag { add: vec!["before".into()], remove: vec![] };
        let id = verbs::later(&h.app, &asker(), verb, ids.clone()).await.expect("begun");
        let of = |id| h.write(move |tx| Ok(operations::get(tx, id)?.expect("the operation")));
        assert_eq!((of(id).await.operation_state, of(id).await.finished, of(id).await.total), (OperationState::Running, 0, 451));
        // It breaks somewhere in its second slice, again and again, and goes on from there.
        for broken in [30, 4, 9] {
            h.bed.store.fail_at(broken);
            let _ended = verbs::work(&h.app, id).await;
            h.bed.store.fail_at(0);
        }
        let two = tokio::join!(verbs::work(&h.app, id), verbs::work(&h.app, id));
        assert!(two.0.is_ok() && two.1.is_ok());
        h.work().await;
        let ended = of(id).await;
        assert_eq!((ended.operation_state, ended.finished), (OperationState::Done, 451));
        assert_eq!((ended.tally.done, ended.tally.already, ended.tally.refused), (447, 3, 1));
        assert_eq!(ended.tally.reasons, BTreeMap::from([("not_found".to_owned(), 1)]));
        assert!(ended.undo_until.is_some());
        // The undo is an operation as well; the process dies in it, the job ends it.
        let begun = undo::begin(&h.app, &asker(), id).await.expect("begun");
        h.bed.store.fail_at(25);
        let _broken = verbs::work(&h.app, begun.operation).await;
        h.bed.store.fail_at(0);
        assert!(undo::begin(&h.app, &asker(), id).await.is_err(), "it is undone once");
        h.bed.clock.advance(2 * wharf_domain::time::MINUTE);
        h.work().await;
        let back = of(begun.operation).await;
        assert_eq!((back.operation_state, back.tally.done), (OperationState::Done, 447));
        let tagged = ids.clone();
        let left = h.write(move |tx| orders::tags(tx, &tagged)).await;
        assert_eq!(left.len(), 3, "those that had it before keep it");
    });
}

type Act = Pin<Box<dyn Future<Output = ()> + Send>>;
/// An act whose targets are known: what is broken is the act alone.
struct Ready(Act);
/// A step of the story: its name, and what looks up whom it concerns and answers the act itself, which is then broken.
type Step = (&'static str, Box<dyn Fn(Arc<House>, Arc<Cast>) -> Pin<Box<dyn Future<Output = Ready> + Send>> + Send + Sync>);

/// The orders of the story.
struct Cast {
    orders: Vec<OrderId>,
    user: UserId,
}

fn verb(name: &'static str, orders: &'static [usize], make: impl Fn(&House, &Cast) -> Verb + Send + Sync + 'static) -> Step {
    let make = Arc::new(make);
    (
        name,
        Box::new(move |h, cast| {
            let verb = make(&h, &cast);
            Box::pin(async move {
                let ids: Vec<OrderId> = orders.iter().map(|n| cast.orders[*n]).chain([OrderId(404)]).collect();
                Ready(Box::pin(async move { drop(verbs::run(&h.app, &asker(), verb, ids, false).await) }))
            })
        }),
    )
}

fn parcels(name: &'static str, orders: &'static [usize], act: impl Fn(Arc<House>, Vec<ShipmentId>) -> Act + Send + Sync + 'static) -> Step {
    let act = Arc::new(act);
    (
        name,
        Box::new(move |h, cast| {
            let act = Arc::clone(&act);
            Box::pin(async move {
                let mut ids = Vec::new();
                for n in orders {
                    ids.extend(live(h.parcels(cast.orders[*n]).await).into_iter().map(|s| s.id));
                }
                ids.sort_unstable();
                ids.dedup();
                Ready(act(h, ids))
            })
        }),
    )
}

fn story() -> Vec<Step> {
    let all: &'static [usize] = &[0, 1, 2, 3, 4];
    vec![
        verb("approve", all, |_, _| Verb::Approve),
        verb("hold", all, |_, _| Verb::Hold { note: "look".into() }),
        verb("release", all, |_, _| Verb::Release { reason: None }),
        verb("assign", &[0, 1], |_, cast| Verb::Assign { to: Some(cast.user) }),
        verb("share", all, |_, cast| Verb::Share { among: vec![cast.user] }),
        verb("note", all, |_, _| Verb::Note(NoteEdit { note: Some("小心".into()), copy_buyer_note: false, flag: Some(2) })),
        verb("tag", all, |_, _| Verb::Tag { add: vec!["a".into(), "b".into()], remove: vec!["c".into()] }),
        verb("edit_address", &[4], |_, _| Verb::EditAddress(AddressEdit { district: Some("武侯区".into()), ..AddressEdit::default() })),
        verb("route", all, |h, _| {
            Verb::Route(Routing { options: RouteOptions { warehouse: Some(h.warehouses[0]), partial: false }, carrier: None })
        }),
        parcels("book", all, |h, ids| Box::pin(async move { drop(wharf_flows::book::book(&h.app, &me(), &ids).await) })),
        verb("merge", &[0, 1], |_, _| Verb::Merge),
        parcels("book", all, |h, ids| Box::pin(async move { drop(wharf_flows::book::book(&h.app, &me(), &ids).await) })),
        parcels("void", &[3], |h, ids| Box::pin(async move { drop(wharf_flows::book::void(&h.app, &me(), &ids).await) })),
        parcels("book", all, |h, ids| Box::pin(async move { drop(wharf_flows::book::book(&h.app, &me(), &ids).await) })),
        verb("unroute", &[4], |_, _| Verb::Unroute),
        verb("cancel", &[4], |_, _| {
            Verb::Cancel(CancelOrder { reason: CancelReason::OutOfStock, source: CancelSource::Seller, note: String::new() })
        }),
        parcels("print", &[0, 2], |h, ids| {
            Box::pin(async move { drop(wharf_flows::print::labels(&h.app, &me(), &printing(""), &ids).await) })
        }),
        parcels("pack", &[0, 2], |h, ids| Box::pin(async move { drop(wharf_flows::pack::pack(&h.app, &packer(), "台 1", &ids).await) })),
        parcels("unpack", &[2], |h, ids| Box::pin(async move { drop(wharf_flows::pack::unpack(&h.app, &me(), &ids).await) })),
        parcels("hand_over", &[0], |h, ids| Box::pin(async move { drop(wharf_flows::hand_over::hand_over(&h.app, &me(), &ids).await) })),
        verb("confirm", &[0], |_, _| Verb::Confirm),
    ]
}

/// What is true of the story, in words that are equal whatever the ids are.
async fn portrait(h: &House, cast: &Cast) -> Vec<String> {
    let mut lines = Vec::new();
    for (n, id) in cast.orders.iter().copied().enumerate() {
        let (order, open, tags, events) = h
            .write(move |tx| {
                Ok((
                    orders::order(tx, &Scope::ALL, id)?.expect("the order"),
                    holds::open(tx, &[id])?.remove(&id).unwrap_or_default(),
                    orders::tags(tx, &[id])?.remove(&id).unwrap_or_default(),
                    timeline::of_orders(tx, &[id])?,
                ))
            })
            .await;
        let mut held: Vec<String> = open.into_iter().map(|hold| hold.reason.to_string()).collect();
        held.sort();
        let mut parcels: Vec<String> = h
            .parcels(id)
            .await
            .into_iter()
            .map(|s| format!("{:?} {} lines, {} orders, printed {}", s.state, s.lines.len(), s.orders().len(), s.printed_at.is_some()))
            .collect();
        parcels.sort();
        let mut kinds: Vec<String> = events.into_iter().map(|e| e.event.kind).collect();
        kinds.sort();
        lines.push(format!(
            "{n}: {} approved {} assigned {} note {:?} {:?} tags {tags:?} district {} held {held:?} parcels {parcels:?} events {kinds:?}",
            order.phase,
            order.approved_at.is_some(),
            order.assignee_id.is_some(),
            order.seller_note,
            order.seller_flag,
            order.region.district
        ));
    }
    lines.push(format!("stock {:?} {:?}", h.level(0, 0).await, h.level(1, 0).await));
    lines.push(format!("numbers {} twice {}", h.fake.live_numbers().len(), h.fake.bought_twice()));
    lines
}

/// Jobs run after the steps that leave work to them.
async fn calm(h: &House, name: &str) {
    if matches!(name, "book" | "merge" | "void" | "cancel" | "hand_over") {
        for _ in 0..3 {
            h.bed.clock.advance(3 * wharf_domain::time::MINUTE);
            h.write(wharf_flows::jobs::sweep::poke).await;
            h.work().await;
        }
    }
}

async fn cast(h: &House) -> Cast {
    h.receive(0, 0, 30).await;
    let mut ids = Vec::new();
    for (n, buyer) in ["same", "same", "b", "c", "d"].into_iter().enumerate() {
        ids.push(h.order(&format!("A{n}"), &[(0, 1 + n as i64)], buyer).await);
    }
    let unapproved = ids.clone();
    let user = h
        .write(move |tx| {
            orders::unapprove(tx, &unapproved)?;
            wharf_flows::recompute::apply(tx, &unapproved)?;
            orders::add_tags(tx, &unapproved.iter().map(|id| (*id, "c".to_owned())).collect::<Vec<_>>())?;
            users::ensure_built_in_roles(tx)?;
            let role_id = users::role_by_name(tx, "auditor")?.expect("built in").id;
            let new = users::NewUser {
                login: "li".into(),
                name: "李雷".into(),
                password_hash: String::new(),
                role_id,
                scope: Scope::ALL,
                locale: "zh-CN".into(),
            };
            users::create(tx, &new)
        })
        .await;
    Cast { orders: ids, user }
}

#[test]
fn every_verb_broken_at_every_statement_and_repeated_ends_as_if_it_had_not_been() {
    // Undisturbed, once; then broken on every engine.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let told: Arc<Vec<(&'static str, Vec<String>)>> = Arc::new(runtime.block_on(async {
        let h = Arc::new(house(memory()).await);
        let cast = Arc::new(cast(&h).await);
        let mut told = Vec::new();
        for (name, act) in story() {
            act(Arc::clone(&h), Arc::clone(&cast)).await.0.await;
            calm(&h, name).await;
            told.push((name, portrait(&h, &cast).await));
        }
        assert_eq!(h.phase(cast.orders[0]).await, Phase::Shipped, "{told:#?}");
        told
    }));
    let statements = Arc::new(std::sync::Mutex::new(BTreeMap::<&'static str, u64>::new()));
    both_engines_with(|bed| {
        let (told, statements) = (Arc::clone(&told), Arc::clone(&statements));
        async move {
            let h = Arc::new(house(bed).await);
            let cast = Arc::new(cast(&h).await);
            for ((name, act), (_, wanted)) in story().into_iter().zip(told.iter()) {
                let mut step = 1;
                loop {
                    let Ready(broken) = act(Arc::clone(&h), Arc::clone(&cast)).await;
                    h.bed.store.fail_at(step);
                    broken.await;
                    if h.bed.store.fail_at(0) > 0 {
                        break;
                    }
                    step += 1;
                    assert!(step < 2_000, "{name} never ends");
                }
                // What the broken runs left to jobs is done, as it would be.
                act(Arc::clone(&h), Arc::clone(&cast)).await.0.await;
                calm(&h, name).await;
                let ended = portrait(&h, &cast).await;
                for (line, wanted) in ended.iter().zip(wanted) {
                    assert_eq!(line, wanted, "{name}, broken {step} times");
                }
                h.lawful().await;
                let mut counted = statements.lock().expect("counts");
                let most = counted.entry(name).or_default();
                *most = step.max(*most);
            }
        }
    });
    let counted = statements.lock().expect("counts");
    assert!(counted.values().all(|statements| *statements > 3), "{counted:?}");
}

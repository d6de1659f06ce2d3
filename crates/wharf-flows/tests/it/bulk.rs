//! Law 12: an outcome for each id, the same call again changes nothing; undo puts back; two auditors never get the same
//! order; law 10: personal data opens on purpose and is written down; links are asked once.

use crate::fixture::*;
use std::collections::HashSet;
use wharf_domain::access::Scope;
use wharf_domain::catalog::LinkTarget;
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{OrderId, UserId};
use wharf_domain::order::phase::Phase;
use wharf_domain::rules::{ApprovalPolicy, ShopPolicy};
use wharf_domain::timeline::Actor;
use wharf_flows::app::{App, FlowError, Outcome};
use wharf_flows::approve::{self, approve};
use wharf_flows::bulk::Asker;
use wharf_flows::edit::{self, AddressEdit};
use wharf_flows::hold::{self, BlacklistKind};
use wharf_flows::undo::undo;
use wharf_flows::worker::run_due;
use wharf_store::orders::Cached;
use wharf_store::testing::both_engines_with;
use wharf_store::users::{self, NewUser};
use wharf_store::{audit, catalog, rollups};

fn by_hand() -> ShopPolicy {
    ShopPolicy { approval: ApprovalPolicy { automatic: false, ..ApprovalPolicy::default() }, ..ShopPolicy::default() }
}

async fn orders(app: &App, shop: wharf_domain::id::ShopId, count: usize) -> Vec<OrderId> {
    put(app, shop, (0..count).map(order).collect()).await.inserted
}

async fn user(app: &App, login: &'static str) -> UserId {
    app.store
        .write(move |tx| {
            users::ensure_built_in_roles(tx)?;
            let role = users::role_by_name(tx, "auditor")?.expect("built in").id;
            users::create(
                tx,
                &NewUser {
                    login: login.into(),
                    name: login.into(),
                    password_hash: String::new(),
                    role_id: role,
                    scope: Scope::ALL,
                    locale: "zh-CN".into(),
                },
            )
        })
        .await
        .expect("a user")
}

fn count(results: &[(OrderId, Outcome)], wanted: &Outcome) -> usize {
    results.iter().filter(|(_, outcome)| outcome == wanted).count()
}

#[test]
fn approving_answers_for_each_id_and_twice_is_already() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop_with(&app, "a", by_hand()).await;
        let mut ids = orders(&app, shop, 5).await;
        hold::hold(&app, &person(), vec![ids[0]], "look".into(), false).await.expect("held");
        ids.push(OrderId(404));
        let rehearsed = approve(&app, &person(), ids.clone(), true).await.expect("dry run");
        assert_eq!((rehearsed.operation_id, count(&rehearsed.results, &Outcome::Done)), (None, 4));
        assert_eq!(order_of(&app, ids[1]).await.phase, Phase::Review, "a dry run changes nothing");
        let first = approve(&app, &person(), ids.clone(), false).await.expect("approved");
        let answer = |results: &[(OrderId, Outcome)], id| results.iter().find(|(i, _)| *i == id).expect("answered").1.clone();
        assert_eq!(answer(&first.results, ids[0]), Outcome::refused("held"));
        assert_eq!(answer(&first.results, OrderId(404)), Outcome::refused("not_found"));
        assert_eq!(count(&first.results, &Outcome::Done), 4);
        assert_eq!(first.results, rehearsed.results, "the preview told the truth");
        let before = snapshot(&app).await;
        let second = approve(&app, &person(), ids.clone(), false).await.expect("again");
        assert_eq!(count(&second.results, &Outcome::Already), 4);
        same(&before, &snapshot(&app).await, "approved twice");
        // Routed, then undone: the stock is free again.
        run_due(&app, &wharf_flows::jobs::all()).await.expect("routed");
        let undone = undo(&app, &person(), first.operation_id.expect("an operation")).await.expect("undone");
        assert_eq!(count(&undone, &Outcome::Done), 4);
        assert_eq!(order_of(&app, ids[1]).await.phase, Phase::Review);
        assert!(lines_of(&app, ids[1]).await.iter().all(|l| l.counters.allocated == 0));
        let again = undo(&app, &person(), first.operation_id.expect("an operation")).await;
        assert_eq!(again, Err(FlowError::refused("already_undone")));
        healthy(&app).await;
    });
}

#[test]
fn a_scope_hides_what_it_does_not_hold() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        let (a, b) = (shop_with(&app, "a", by_hand()).await, shop_with(&app, "b", by_hand()).await);
        let (mine, theirs) = (orders(&app, a, 1).await[0], orders(&app, b, 1).await[0]);
        let asker = Asker::new(person().actor, Scope { shops: Some(vec![a]), warehouses: None });
        let results = approve(&app, &asker, vec![mine, theirs], false).await.expect("answers").results;
        assert_eq!(results, [(mine, Outcome::Done), (theirs, Outcome::refused("not_found"))]);
        assert_eq!(edit::open_recipient(&app, &asker, theirs, "").await.err(), Some(FlowError::NotFound(format!("order {theirs}"))));
    });
}

#[test]
fn released_findings_stay_released_until_something_else_is_seen() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        let mut o = order(1);
        o.buyer_note = "门口有狗".into();
        let o = sealed(o);
        put(&app, shop, vec![o.clone()]).await;
        let id = id_of(&app, shop, &o.external_id).await;
        let released = hold::release(&app, &person(), vec![id], None, false).await.expect("released");
        assert_eq!(released.results, [(id, Outcome::Done)]);
        assert_eq!(order_of(&app, id).await.phase, Phase::Stock, "released, and approved by the rule without another click");
        put(&app, shop, vec![later(&o, 1, |o| o.ship_by = None)]).await;
        assert_eq!(holds_of(&app, id).await, [], "the same note is not held again");
        put(&app, shop, vec![later(&o, 2, |o| o.buyer_note = "不要了".into())]).await;
        assert_eq!(holds_of(&app, id).await, [HoldReason::BuyerNote], "another note is");
        hold::release(&app, &person(), vec![id], Some(HoldReason::BuyerNote), false).await.expect("released");
        let back = undo(&app, &person(), released.operation_id.expect("an operation")).await.expect("undone");
        assert_eq!(back, [(id, Outcome::Done)]);
        assert_eq!(holds_of(&app, id).await, [HoldReason::BuyerNote]);
        healthy(&app).await;
    });
}

#[test]
fn an_address_is_completed_rechecked_and_goes_on() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        let mut o = order(1);
        o.recipient.as_mut().expect("r").region.district.clear();
        o.recipient.as_mut().expect("r").personal.phone = "3812345678".into();
        let o = sealed(o);
        put(&app, shop, vec![o.clone()]).await;
        let id = id_of(&app, shop, &o.external_id).await;
        assert_eq!(holds_of(&app, id).await, [HoldReason::AddressIncomplete, HoldReason::PhoneInvalid]);
        let district = AddressEdit { district: Some("余杭区".into()), ..AddressEdit::default() };
        let first = edit::edit_address(&app, &person(), vec![id], district.clone(), false).await.expect("edited");
        assert_eq!(holds_of(&app, id).await, [HoldReason::PhoneInvalid]);
        edit::edit_address(&app, &person(), vec![id], AddressEdit { accept_phone: true, ..AddressEdit::default() }, false)
            .await
            .expect("edited");
        assert_eq!((holds_of(&app, id).await, order_of(&app, id).await.phase), (vec![], Phase::Stock));
        let opened = edit::open_recipient(&app, &person(), id, "127.0.0.1").await.expect("opened");
        assert_eq!(opened.personal.phone, "13812345678");
        let entries = app.store.read(|tx| audit::list(tx, &audit::Wanted::default(), 10)).await.expect("audit");
        assert!(entries.iter().any(|e| e.entry.action == "personal.opened" && e.entry.target_id == Some(id.0)));
        assert_eq!(edit::edit_address(&app, &person(), vec![id], district, false).await.expect("again").results, [(id, Outcome::Already)]);
        // The channel changes the address that a person has changed: kept, and a person decides.
        put(&app, shop, vec![later(&o, 1, |o| o.recipient = Some(recipient(9)))]).await;
        assert_eq!(holds_of(&app, id).await, [HoldReason::ChannelConflict]);
        assert_eq!(order_of(&app, id).await.region.district, "余杭区");
        undo(&app, &person(), first.operation_id.expect("an operation")).await.expect("undone");
        assert!(holds_of(&app, id).await.contains(&HoldReason::AddressIncomplete));
        healthy(&app).await;
    });
}

#[test]
fn two_auditors_never_get_the_same_order() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        let shop = shop_with(&app, "a", by_hand()).await;
        orders(&app, shop, 40).await;
        let (one, two) = (app_on(&bed, bed.another()), app_on(&bed, bed.another()));
        let (a, b) = (user(&app, "a").await, user(&app, "b").await);
        let take = |app: std::sync::Arc<App>, who: UserId| async move {
            let mut mine = Vec::new();
            for _ in 0..6 {
                mine.extend(approve::take_next(&app, &person(), who, 5).await.expect("some"));
            }
            mine
        };
        let (first, second) = tokio::join!(tokio::spawn(take(one, a)), tokio::spawn(take(two, b)));
        let (first, second) = (first.expect("one"), second.expect("two"));
        assert!(first.iter().collect::<HashSet<_>>().is_disjoint(&second.iter().collect()));
        assert_eq!(first.len() + second.len(), 40);
    });
}

#[test]
fn a_link_is_asked_once_and_serves_past_and_future() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        let unknown = |n: usize| {
            let mut o = order(n);
            o.lines[0].seller_code = "NEW-1".into();
            o.lines[0].item_id = "I-new".into();
            sealed(o)
        };
        put(&app, shop, vec![unknown(1), unknown(2)]).await;
        let first = id_of(&app, shop, &order(1).external_id).await;
        assert_eq!(order_of(&app, first).await.phase, Phase::Mapping);
        let waiting = app.store.read(|tx| catalog::listing_page(tx, &Scope::ALL, None, true, None, 10)).await.expect("listings");
        assert_eq!(waiting.len(), 1, "one question for two orders");
        let sku = app.store.read(|tx| catalog::sku_ids(tx, &["s1".to_owned()])).await.expect("sku")["s1"];
        let target = Some(LinkTarget::Sku { sku_id: sku, quantity: 2 });
        let by = || Actor::User { id: UserId(7), name: "韩梅梅".into() };
        let linked = wharf_flows::link::link(&app, &Scope::ALL, vec![waiting[0].id], target, by()).await.expect("linked");
        assert_eq!(linked, [(waiting[0].id, Outcome::Done)]);
        assert_eq!(order_of(&app, first).await.phase, Phase::Stock);
        put(&app, shop, vec![unknown(3)]).await;
        let third = id_of(&app, shop, &order(3).external_id).await;
        assert_eq!(order_of(&app, third).await.phase, Phase::Stock);
        assert_eq!(
            wharf_flows::link::link(&app, &Scope::ALL, vec![waiting[0].id], target, by()).await.expect("again")[0].1,
            Outcome::Already
        );
        // A code that becomes known later links what waits for it.
        let mut o = order(4);
        o.lines[0].seller_code = "later-7".into();
        o.lines[0].item_id = "I-later".into();
        put(&app, shop, vec![sealed(o)]).await;
        let fourth = id_of(&app, shop, &order(4).external_id).await;
        assert_eq!(order_of(&app, fourth).await.phase, Phase::Mapping);
        let sku = catalog::NewSku { code: "LATER-7".into(), name: "晚到的货".into(), ..catalog::NewSku::default() };
        wharf_flows::link::save_skus(&app, vec![sku]).await.expect("saved");
        assert_eq!(order_of(&app, fourth).await.phase, Phase::Stock);
        healthy(&app).await;
    });
}

#[test]
fn the_blacklist_holds_what_comes_next() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        let first = orders(&app, shop, 1).await[0];
        hold::blacklist(&app, &person(), first, BlacklistKind::Phone, Some("refuses parcels".into())).await.expect("listed");
        let mut o = order(0);
        o.external_id = "8888777766665555".into();
        o.buyer.external_id = Some("somebody else".into());
        put(&app, shop, vec![sealed(o)]).await;
        let next = id_of(&app, shop, "8888777766665555").await;
        assert_eq!(holds_of(&app, next).await, [HoldReason::BlacklistedBuyer]);
    });
}

#[test]
fn doctor_names_a_drift_and_mends_it() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        stocked(&app).await;
        let shop = shop(&app, "a").await;
        let ids = orders(&app, shop, 6).await;
        healthy(&app).await;
        let (broken, counted) = (ids[2], rollups::Sums { phases: [((shop, Phase::Stock), 1)].into(), ..rollups::Sums::default() });
        app.store
            .write(move |tx| {
                let before = wharf_store::orders::facts(tx, &[broken])?;
                wharf_store::orders::save_cached(
                    tx,
                    &[Cached { id: broken, phase: Phase::Completed, counted: before[0].counted.clone() }],
                )?;
                rollups::add(tx, counted)
            })
            .await
            .expect("broken");
        let report = wharf_flows::doctor::examine(&app, false).await.expect("examined");
        assert!(!report.is_healthy());
        let kinds: HashSet<&str> = report.drifts.iter().map(|d| d.kind).collect();
        assert!(kinds.contains("phase") && kinds.contains("phase_count"), "{kinds:?}");
        assert!(report.drifts.iter().any(|d| d.row == format!("order {}", ids[2])));
        assert!(wharf_flows::doctor::examine(&app, true).await.expect("repaired").is_healthy());
        healthy(&app).await;
    });
}

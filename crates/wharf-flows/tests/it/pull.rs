//! Pull over a channel that fails when it is told to: nothing is lost, the cursor moves only with its page, completeness
//! sees a gap and closes it, a parked order is read again.

use crate::channel::{SCRIPTED, market};
use crate::fixture::*;
use std::sync::Arc;
use wharf_connect::ConnectError;
use wharf_domain::access::Scope;
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::time::{HOUR, MINUTE, SECOND, Timestamp};
use wharf_flows::app::{App, FlowError};
use wharf_flows::edit::{NoteEdit, note};
use wharf_flows::pull;
use wharf_flows::worker::run_due;
use wharf_store::Clock;
use wharf_store::shops::{self, Shop, ShopState};
use wharf_store::testing::{ManualClock, both_engines_with};
use wharf_store::{completeness, order_list, orders};

async fn shop_now(app: &App, id: wharf_domain::id::ShopId) -> Shop {
    app.store.read(move |tx| shops::get(tx, id)).await.expect("read").expect("the shop")
}

async fn known(app: &App) -> usize {
    app.store
        .read(|tx| {
            order_list::matching(tx, &Scope::ALL, &Default::default(), wharf_domain::id::OrderId(0), 10_000).map_err(FlowError::from)
        })
        .await
        .expect("ids")
        .len()
}

fn sell(name: &str, orders: impl IntoIterator<Item = ChannelOrder>) {
    market(name, |m| m.orders.extend(orders));
}

/// An order placed and modified at a time.
fn at(n: usize, time: Timestamp) -> ChannelOrder {
    let mut o = order(n);
    (o.placed_at, o.modified_at, o.paid_at) = (time, time, Some(time));
    sealed(o)
}

#[test]
fn a_pull_that_breaks_at_any_call_goes_on_where_it_was_and_loses_nothing() {
    both_engines_with(|bed| async move {
        let name = unique("breaks");
        let app = app(&bed);
        let id = shop(&app, &name).await;
        sell(&name, (0..23).map(order));
        for call in 0..12 {
            market(&name, |m| m.failure = Some((call % 3, ConnectError::Transient("cut".into()))));
            let before = shop_now(&app, id).await.cursor_at;
            let result = pull::pull(&app, id).await;
            let after = shop_now(&app, id).await;
            if result.is_err() {
                assert_eq!(after.cursor_at, before, "no cursor without the last page");
                assert!(after.pull_error.is_some_and(|words| words.contains("cut")));
            }
        }
        market(&name, |m| m.failure = None);
        pull::pull(&app, id).await.expect("whole");
        assert_eq!(known(&app).await, 23);
        let shop = shop_now(&app, id).await;
        assert!(shop.cursor_at.is_some() && shop.pull_error.is_none());
        // A page that was stored is not asked for again after a break: the continuation was kept.
        let first_pages = market(&name, |m| m.windows.iter().filter(|w| w.initial && w.page.is_none()).count());
        assert!(first_pages <= 5, "{first_pages} times from the start");
        healthy(&app).await;
    });
}

#[test]
fn windows_follow_the_clock_and_new_orders_arrive() {
    both_engines_with(|bed| async move {
        let name = unique("windows");
        let app = app(&bed);
        let id = shop(&app, &name).await;
        sell(&name, (0..4).map(order));
        pull::pull(&app, id).await.expect("first");
        for n in 10..16 {
            bed.clock.advance(20 * MINUTE);
            sell(&name, [at(n, bed.store.now().plus(-5 * MINUTE))]);
            pull::pull(&app, id).await.expect("next");
        }
        // Thirty minutes of silence on the wire, then everything in between arrives.
        bed.clock.advance(3 * HOUR);
        sell(&name, (20..30).map(|n| at(n, bed.store.now().plus(-(n as i64) * 5 * MINUTE))));
        pull::pull(&app, id).await.expect("catches up");
        assert_eq!(known(&app).await, 20);
        let longest = market(&name, |m| m.windows.iter().filter(|w| !w.initial).map(|w| w.to.since(w.from)).max());
        assert!(longest.is_some_and(|l| l <= 30 * MINUTE), "windows keep the channel's rule");
        // What may still be listed late is read only by windows that the next one covers: overlap and lag are two and one minutes.
        let settled = bed.store.now().plus(-MINUTE);
        let fresh: Vec<_> = market(&name, |m| m.windows.iter().filter(|w| !w.initial && w.to > settled).cloned().collect());
        assert!(!fresh.is_empty() && fresh.iter().all(|w| w.from >= settled.plus(-4 * MINUTE)), "{fresh:?}");
    });
}

#[test]
fn an_order_is_seen_within_seconds_and_told_twice_at_most() {
    both_engines_with(|bed| async move {
        let name = unique("fresh");
        let app = app(&bed);
        let id = shop(&app, &name).await;
        pull::pull(&app, id).await.expect("first");
        bed.clock.advance(10 * MINUTE);
        pull::pull(&app, id).await.expect("quiet");
        let placed = bed.store.now();
        sell(&name, [at(1, placed)]);
        bed.clock.advance(10 * SECOND);
        assert_eq!(pull::pull(&app, id).await.expect("fresh").inserted, 1, "seen ten seconds after it was placed");
        let shop = shop_now(&app, id).await;
        assert!(shop.cursor_at.is_some_and(|cursor| cursor <= placed), "the cursor waits until the moment has settled");
        for _ in 0..40 {
            bed.clock.advance(10 * SECOND);
            pull::pull(&app, id).await.expect("next");
        }
        let told = market(&name, |m| m.told.iter().filter(|id| **id == order(1).external_id).count());
        assert_eq!(told, 2, "once fresh, once settled, and not with every overlap");
        // A second change within the second that was read already: its time is the same, its settled reading tells it.
        let mut changed = at(2, bed.store.now());
        sell(&name, [changed.clone()]);
        bed.clock.advance(10 * SECOND);
        pull::pull(&app, id).await.expect("fresh");
        changed.buyer_note = "請在週末送達".to_owned();
        changed.raw.push(b' ');
        market(&name, |m| m.orders.retain(|o| o.external_id != changed.external_id));
        sell(&name, [changed]);
        for _ in 0..12 {
            bed.clock.advance(10 * SECOND);
            pull::pull(&app, id).await.expect("next");
        }
        let (shop, external) = (shop.id, order(2).external_id);
        let held = app.store.write(move |tx| orders::known(tx, shop, std::slice::from_ref(&external))).await.expect("read");
        assert_eq!(held.values().next().expect("stored").known.buyer_note, "請在週末送達");
        healthy(&app).await;
    });
}

#[test]
fn a_gap_is_seen_and_closes_itself() {
    both_engines_with(|bed| async move {
        let name = unique("gap");
        let app = app(&bed);
        let id = shop(&app, &name).await;
        pull::pull(&app, id).await.expect("first");
        let hour = bed.store.now().hour_floor();
        sell(&name, (0..8).map(|n| at(n, hour.plus(n as i64 * MINUTE))));
        market(&name, |m| m.hidden = vec![order(3).external_id, order(5).external_id]);
        for _ in 0..4 {
            bed.clock.advance(25 * MINUTE);
            pull::pull(&app, id).await.expect("pull");
        }
        assert_eq!(known(&app).await, 6, "the channel lost two while it paged");
        let checked = pull::check_completeness(&app, id).await.expect("checked");
        let seen = checked.hours.iter().find(|h| h.hour == hour).expect("that hour was asked");
        assert_eq!((seen.theirs, seen.ours, checked.gaps), (8, 8, 0));
        assert_eq!(known(&app).await, 8);
        let again = pull::check_completeness(&app, id).await.expect("again");
        assert!(again.hours.iter().all(|h| h.hour != hour), "a complete hour is not asked again at once");
    });
}

#[test]
fn an_unreadable_order_is_parked_visible_and_read_again() {
    both_engines_with(|bed| async move {
        let name = unique("parked");
        let app = app(&bed);
        let id = shop(&app, &name).await;
        sell(&name, (0..7).map(order));
        market(&name, |m| m.unreadable = vec![order(2).external_id]);
        let pulled = pull::pull(&app, id).await.expect("pull");
        assert_eq!((pulled.inserted, pulled.parked), (6, 1));
        assert_eq!(pull::retry_parked(&app, id).await.expect("retry"), 0);
        let parked = || app.store.read(move |tx| completeness::parked(tx, &Scope::ALL, None, None, 10));
        assert_eq!(parked().await.expect("read")[0].why, "a new field");
        market(&name, |m| m.unreadable.clear());
        assert_eq!(pull::retry_parked(&app, id).await.expect("retry"), 1);
        assert!(parked().await.expect("read").is_empty());
        assert_eq!(known(&app).await, 7);
    });
}

#[test]
fn a_dead_token_stops_the_shop_and_says_so() {
    both_engines_with(|bed| async move {
        let name = unique("token");
        let app = app(&bed);
        let id = shop(&app, &name).await;
        market(&name, |m| m.failure = Some((0, ConnectError::Reauthorize("session expired".into()))));
        assert!(pull::pull(&app, id).await.is_err());
        let stopped = shop_now(&app, id).await;
        assert_eq!(stopped.state, ShopState::Reauthorize);
        assert!(stopped.state_detail.contains("session expired"));
        assert_eq!(pull::pull(&app, id).await.expect("nothing").pages, 0);
    });
}

#[test]
fn a_note_goes_to_the_channel_once_and_is_not_overwritten_meanwhile() {
    both_engines_with(|bed| async move {
        let name = unique("note");
        let app = app(&bed);
        let shop = shop(&app, &name).await;
        let o = order(1);
        put(&app, shop, vec![o.clone()]).await;
        let id = id_of(&app, shop, &o.external_id).await;
        let edit = NoteEdit { note: Some("加一张贺卡".into()), copy_buyer_note: false, flag: Some(3) };
        note(&app, &person(), vec![id], edit.clone(), false).await.expect("noted");
        put(&app, shop, vec![later(&o, 1, |o| o.seller_note = "old on the channel".into())]).await;
        assert_eq!(order_of(&app, id).await.seller_note, "加一张贺卡");
        run_due(&app, &wharf_flows::jobs::all()).await.expect("told");
        let written = market(&name, |m| m.notes.clone());
        assert_eq!(written, [(o.external_id.clone(), "加一张贺卡".to_owned(), Some(3))]);
        assert!(!order_of(&app, id).await.note_due);
        note(&app, &person(), vec![id], edit, false).await.expect("again");
        run_due(&app, &wharf_flows::jobs::all()).await.expect("nothing");
        assert_eq!(market(&name, |m| m.notes.len()), 1);
        put(&app, shop, vec![later(&o, 2, |o| o.seller_note = "new on the channel".into())]).await;
        assert_eq!(order_of(&app, id).await.seller_note, "new on the channel");
    });
}

/// A clock that goes on while the channel is asked, as clocks do.
struct Running(Arc<ManualClock>);

impl Clock for Running {
    fn now(&self) -> Timestamp {
        self.0.advance(20_000);
        self.0.now()
    }
}

#[test]
fn a_shop_that_is_up_to_date_is_asked_once_and_not_again_for_the_moment_that_took() {
    both_engines_with(|bed| async move {
        let name = unique("once");
        let clock = Arc::new(Running(bed.clock.clone()));
        let app = Arc::new(App::new(bed.store.clone(), Arc::new(NoWorld), vec![&SCRIPTED], clock, 1));
        let id = shop(&app, &name).await;
        sell(&name, (0..4).map(order));
        let first = pull::pull(&app, id).await.expect("first");
        assert!(!first.more, "the run ends by itself");
        for _ in 0..3 {
            bed.clock.advance(10 * SECOND);
            let before = market(&name, |m| m.windows.len());
            let next = pull::pull(&app, id).await.expect("next");
            let asked = market(&name, |m| m.windows.len()) - before;
            assert!(!next.more && asked <= 3, "asked {asked} times for ten seconds");
        }
        assert_eq!(known(&app).await, 4);
    });
}

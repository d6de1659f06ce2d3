//! Law 10: personal data go on the channel's schedule, and reports hold.

use crate::fixture::*;
use std::path::PathBuf;
use wharf_connect::manifest::KEEP_PERSONAL_DAYS;
use wharf_domain::order::{ChannelStatus, channel::ChannelOrder};
use wharf_domain::rules::{PrivacyPolicy, ShopPolicy};
use wharf_domain::time::{DAY, HOUR};
use wharf_domain::word::Observed;
use wharf_flows::app::{App, FlowError};
use wharf_flows::jobs;
use wharf_flows::{edit, erase, scheduler};
use wharf_store::testing::both_engines_with;
use wharf_store::{audit, rollups};

const PHONE: &str = "13987650042";

fn telling(n: usize) -> ChannelOrder {
    let mut o = order(n);
    if let Some(recipient) = &mut o.recipient {
        recipient.personal.phone = PHONE.into();
        recipient.personal.name = "欧阳震华".into();
        recipient.personal.address = "保密路 77 号".into();
    }
    o.buyer.nick = "保密昵称".into();
    o.buyer_note = format!("请打 {PHONE}");
    sealed(o)
}

fn ended(o: &ChannelOrder) -> ChannelOrder {
    later(o, 60, |o| {
        o.status = Observed::Known(ChannelStatus::Completed);
        o.observed_status = "TRADE_FINISHED".into();
        o.closed_at = Some(o.modified_at);
    })
}

/// Every text and every opened secret that the database holds, as one text.
async fn everything(app: &App) -> String {
    app.store
        .read(|tx| {
            let keys = tx.keys().clone();
            let mut text = String::new();
            for (table, _) in wharf_store::dump::TABLES {
                for row in tx.query(&format!("SELECT * FROM {table}"), &[])? {
                    for index in 0..row.columns().len() {
                        match row.value(index)? {
                            wharf_store::Value::Text(cell) => text.push_str(cell),
                            wharf_store::Value::Blob(cell) => {
                                let opened = keys.open(cell).unwrap_or_else(|_| cell.clone());
                                text.push_str(&String::from_utf8_lossy(&opened));
                            }
                            _ => {}
                        }
                        text.push('\n');
                    }
                }
            }
            Ok::<_, FlowError>(text)
        })
        .await
        .expect("read")
}

async fn by_schedule(app: &App) {
    let known: Vec<(&'static str, i64)> = jobs::schedules().iter().map(|schedule| (schedule.name, schedule.every)).collect();
    app.store.write(move |tx| wharf_store::schedules::ensure(tx, &known).map_err(FlowError::from)).await.expect("known");
    scheduler::tick(app, &jobs::schedules()).await.expect("ticked");
    wharf_flows::worker::run_due(app, &jobs::all()).await.expect("jobs run");
}

#[test]
fn what_has_ended_long_enough_ago_is_erased_and_reports_hold() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        let shop = shop(&app, "a").await;
        // Ended, ended lately, and waiting for us.
        let (old, live) = (telling(1), telling(3));
        put(&app, shop, vec![old.clone(), live.clone()]).await;
        let old_id = id_of(&app, shop, &old.external_id).await;
        let live_id = id_of(&app, shop, &live.external_id).await;
        edit::tag(&app, &person(), vec![old_id], "老客".into(), false).await.expect("tagged");
        let note = edit::NoteEdit { note: Some(format!("改地址 {PHONE}")), copy_buyer_note: false, flag: None };
        edit::note(&app, &person(), vec![old_id], note, false).await.expect("noted");
        put(&app, shop, vec![ended(&old)]).await;
        assert!(everything(&app).await.contains(PHONE));
        let before = app.store.read(|tx| rollups::read(tx).map_err(FlowError::from)).await.expect("sums");
        let lines = lines_of(&app, old_id).await;

        bed.clock.advance(i64::from(KEEP_PERSONAL_DAYS) * DAY - 2 * DAY);
        by_schedule(&app).await;
        assert!(!order_of(&app, old_id).await.masked_phone.is_empty(), "it is not yet time");
        bed.clock.advance(4 * DAY);
        by_schedule(&app).await;

        let gone = order_of(&app, old_id).await;
        assert_eq!((gone.masked_phone.as_str(), gone.masked_name.as_str(), gone.buyer_note.as_str()), ("", "", ""));
        assert!(
            matches!(edit::open_recipient(&app, &person(), old_id, "").await, Err(FlowError::Refused { reason }) if reason == "no_recipient")
        );
        let kept = edit::open_recipient(&app, &person(), live_id, "").await.expect("what waits for us keeps its recipient");
        assert_eq!(kept.personal.phone, PHONE);
        // Reports hold: counters, goods, money and the place they went to.
        let after = app.store.read(|tx| rollups::read(tx).map_err(FlowError::from)).await.expect("sums");
        assert_eq!(after, before);
        assert_eq!(lines_of(&app, old_id).await, lines);
        assert_eq!(gone.total_minor, old.total_minor);
        assert!(events_of(&app, old_id).await.contains(&"order.personal_erased".to_owned()));
        healthy(&app).await;
        let log =
            app.store.read(|tx| audit::list(tx, &audit::Wanted { action: Some("personal.erased".into()), ..Default::default() }, 10)).await;
        let log = log.expect("the log");
        assert_eq!((log.len(), log[0].entry.target_id, log[0].entry.detail["orders"].as_i64()), (1, Some(shop.0), Some(1)));
        // Again: nothing is left to do, and nothing is said twice.
        assert_eq!(erase::erase(&app, shop).await.expect("again"), erase::Erased::default());
    });
}

#[test]
fn no_phone_number_is_left_anywhere_when_everything_has_ended() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        let shop = shop(&app, "a").await;
        let orders: Vec<ChannelOrder> = (1..8).map(telling).collect();
        put(&app, shop, orders.clone()).await;
        // What nobody could read is told of and holds people, too.
        let unread = wharf_connect::channel::Unreadable { external_id: Some("X1".into()), why: "drift".into(), raw: PHONE.into() };
        let batch = wharf_flows::ingest::Batch { orders: vec![], unreadable: vec![unread] };
        let stay = wharf_flows::ingest::CursorMove::Stay;
        wharf_flows::ingest::ingest(&app, shop, batch, wharf_flows::ingest::Source::Channel, stay).await.expect("parked");
        put(&app, shop, orders.iter().map(ended).collect()).await;
        bed.clock.advance(200 * DAY);
        by_schedule(&app).await;
        bed.clock.advance(HOUR);
        by_schedule(&app).await;
        let left = everything(&app).await;
        for secret in [PHONE, "保密", "欧阳"] {
            assert!(
                !left.contains(secret),
                "{secret} is still there: …{}…",
                left.split(secret).next().unwrap_or_default().chars().rev().take(80).collect::<String>()
            );
        }
        // And the bytes of the file itself, free pages and log included.
        if let Some(path) = bed.url.strip_prefix("sqlite:") {
            for suffix in ["", "-wal"] {
                let file = PathBuf::from(format!("{path}{suffix}"));
                let bytes = std::fs::read(&file).unwrap_or_default();
                let found = bytes.windows(PHONE.len()).filter(|part| *part == PHONE.as_bytes()).count();
                if suffix.is_empty() {
                    assert_eq!(found, 0, "{}", file.display());
                }
            }
        }
        healthy(&app).await;
    });
}

#[test]
fn a_shop_may_keep_less_and_never_more_than_its_channel_allows() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        let keeping = |days: u32| ShopPolicy { privacy: PrivacyPolicy { keep_days: Some(days) }, ..ShopPolicy::default() };
        let (short, long) = (shop_with(&app, "short", keeping(7)).await, shop_with(&app, "long", keeping(9_000)).await);
        for shop in [short, long] {
            let o = telling(1);
            put(&app, shop, vec![o.clone()]).await;
            put(&app, shop, vec![ended(&o)]).await;
        }
        bed.clock.advance(10 * DAY);
        by_schedule(&app).await;
        let kept = |shop| {
            let app = app.clone();
            async move { !order_of(&app, id_of(&app, shop, &telling(1).external_id).await).await.masked_phone.is_empty() }
        };
        assert_eq!((kept(short).await, kept(long).await), (false, true));
        bed.clock.advance(i64::from(KEEP_PERSONAL_DAYS) * DAY);
        by_schedule(&app).await;
        assert!(!kept(long).await, "what the channel allows is the most");
        // The channel tells of it once more: it is erased once more.
        let again = later(&ended(&telling(1)), 5, |o| o.seller_note = format!("再打 {PHONE}"));
        put(&app, short, vec![again]).await;
        by_schedule(&app).await;
        bed.clock.advance(HOUR);
        by_schedule(&app).await;
        assert!(!everything(&app).await.contains("再打"));
    });
}

#[test]
fn a_slice_that_breaks_erases_nothing_and_is_repeated() {
    both_engines_with(|bed| async move {
        let app = app(&bed);
        let shop = shop(&app, "a").await;
        let orders: Vec<ChannelOrder> = (1..4).map(telling).collect();
        put(&app, shop, orders.clone()).await;
        put(&app, shop, orders.iter().map(ended).collect()).await;
        bed.clock.advance(200 * DAY);
        let before = everything(&app).await;
        let mut statement = 1;
        loop {
            bed.store.fail_at(statement);
            let answer = erase::erase(&app, shop).await;
            if bed.store.fail_at(0) > 0 {
                assert_eq!(answer.expect("erased").orders, 3);
                break;
            }
            assert!(answer.is_err());
            assert!(everything(&app).await == before, "statement {statement} left something behind");
            statement += 1;
        }
        assert!(statement > 12);
        assert_eq!(erase::erase(&app, shop).await.expect("again").orders, 0);
    });
}

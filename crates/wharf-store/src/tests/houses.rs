//! What a store is beside its units of work: ids, keys, history, wake-ups, lost connections.

use super::{Done, ints, mark, marks};
use crate::testing::{Bed, KEY, ManualClock, both_engines, both_engines_with, fresh_postgres, memory};
use crate::{Keys, Store, StoreError, StoreOptions, settings};
use std::collections::HashSet;
use std::time::Duration;
use wharf_domain::time::{DAY, HOUR};

#[test]
fn ids_are_unique_over_processes_and_over_lost_leases() {
    both_engines_with(|bed| async move {
        let stores = [bed.another(), bed.another(), bed.another()];
        let mut seen = HashSet::new();
        for round in 0..6 {
            for store in &stores {
                let ids: Vec<i64> = store.write(|tx| Ok::<_, StoreError>((0..5_000).map(|_| tx.new_id()).collect())).await.expect("ids");
                assert!(ids.is_sorted());
                for id in ids {
                    assert!(seen.insert(id), "{id} twice, in round {round}");
                }
            }
            // Leases end while nobody writes; the first to come takes the lowest number, which may have been another's.
            if round % 2 == 1 {
                bed.clock.advance(DAY);
            }
        }
    });
}

#[test]
fn a_database_opens_with_its_own_keys_only() {
    both_engines_with(|bed| async move {
        if bed.url.is_empty() {
            return;
        }
        let (url, clock) = (bed.url.clone(), bed.clock.clone());
        let other = tokio::task::spawn_blocking(move || {
            Store::open(&url, StoreOptions::new(clock, Keys::parse(&"43".repeat(32)).expect("keys"))).map(|_| ())
        });
        assert_eq!(other.await.expect("no panic"), Err(StoreError::WrongKey));
        // A newer key beside the first one is how keys rotate.
        let (url, clock) = (bed.url.clone(), bed.clock.clone());
        let keys = Keys::parse(&format!("1:{KEY}\n2:{}", "43".repeat(32))).expect("keys");
        let rotated = tokio::task::spawn_blocking(move || Store::open(&url, StoreOptions::new(clock, keys)).map(|_| ()));
        assert_eq!(rotated.await.expect("no panic"), Ok(()));
    });
}

#[test]
fn a_history_that_does_not_fit_is_refused() {
    both_engines_with(|bed| async move {
        if bed.url.is_empty() {
            return;
        }
        let again = |bed: Bed| {
            tokio::task::spawn_blocking(move || Store::open(&bed.url, StoreOptions::new(bed.clock.clone(), bed.keys.clone())).map(|_| ()))
        };
        assert_eq!(again(bed.clone()).await.expect("no panic"), Ok(()), "opening twice applies nothing twice");
        let count = bed.store.read(|tx| Ok::<_, StoreError>(ints(&tx.query("SELECT COUNT(*) FROM migrations", &[])?))).await.expect("read");
        assert!(count[0] >= 1);
        bed.store
            .write(|tx| tx.execute("INSERT INTO migrations (version, name, checksum, applied_at) VALUES (9999, 'later', '', 0)", &[]))
            .await
            .expect("a newer program was here");
        assert!(matches!(again(bed.clone()).await.expect("no panic"), Err(StoreError::Migration(why)) if why.contains("9999")));
        bed.store.write(|tx| tx.execute("DELETE FROM migrations WHERE version = 9999", &[])).await.expect("undone");
        bed.store.write(|tx| tx.execute("UPDATE migrations SET checksum = 'other' WHERE version = 1", &[])).await.expect("changed");
        assert!(matches!(again(bed).await.expect("no panic"), Err(StoreError::Migration(why)) if why.contains("step 1")));
    });
}

#[test]
fn every_migration_is_in_the_list() {
    let mut files: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    files.sort();
    let mut known: Vec<String> = crate::migrate::names().map(|(version, name)| format!("V{version}__{name}.sql")).collect();
    known.sort();
    assert_eq!(files, known);
}

#[test]
fn what_is_announced_is_heard_after_the_commit_by_all_processes() {
    both_engines_with(|bed| async move {
        let other = if bed.url.starts_with("postgres") { bed.another() } else { bed.store.clone() };
        let mut heard = other.watch();
        // The listener of another process needs a moment to stand by.
        if bed.url.starts_with("postgres") {
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        let undone: Done = bed
            .store
            .write(|tx| {
                tx.announce("undone");
                Err(StoreError::Busy)
            })
            .await;
        assert_eq!(undone, Err(StoreError::Busy));
        bed.store
            .write(|tx| {
                tx.announce("topic 1");
                tx.announce("topic 1");
                let failed: Done = tx.attempt(|tx| {
                    tx.announce("undone too");
                    Err(StoreError::Busy)
                });
                assert!(failed.is_err());
                mark(tx, "a")
            })
            .await
            .expect("kept");
        let first = tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.expect("heard in time").expect("heard");
        assert_eq!(first, "topic 1");
        assert!(tokio::time::timeout(Duration::from_millis(100), heard.recv()).await.is_err(), "heard once");
    });
}

#[test]
fn a_lost_connection_is_said_and_healed() {
    let database = fresh_postgres();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let bed = Bed::open(&database.url);
        let killer = bed.another();
        let kill = || {
            killer.write(|tx| {
                let sql = "SELECT CAST(COUNT(pg_terminate_backend(pid)) AS BIGINT) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
                Ok::<_, StoreError>(ints(&tx.query(sql, &[])?))
            })
        };
        bed.store.write(|tx| mark(tx, "before")).await.expect("kept");
        // Idle connections are lost: the next unit of work does not even notice.
        kill().await.expect("killed");
        tokio::time::sleep(Duration::from_millis(100)).await;
        bed.store.write(|tx| mark(tx, "after idle")).await.expect("kept");
        // A connection is lost in the middle of a unit of work: that one fails, nothing of it is kept, the next one works.
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let (inside, told) = std::sync::mpsc::channel::<()>();
        let victim = tokio::spawn({
            let store = bed.store.clone();
            async move {
                store
                    .write(move |tx| {
                        mark(tx, "lost")?;
                        inside.send(()).expect("told");
                        wait.recv().expect("the signal");
                        mark(tx, "lost too")
                    })
                    .await
            }
        });
        tokio::task::spawn_blocking(move || told.recv()).await.expect("no panic").expect("inside");
        kill().await.expect("killed");
        go.send(()).expect("the unit waits");
        assert_eq!(victim.await.expect("no panic"), Err(StoreError::Unavailable));
        for number in 0..10 {
            bed.store.write(move |tx| mark(tx, &format!("healed {number}"))).await.expect("kept");
        }
        let kept = bed.store.read(marks).await.expect("read");
        assert!(kept.iter().all(|name| !name.starts_with("lost")) && kept.len() == 12, "{kept:?}");
    });
}

#[test]
fn units_of_work_that_lock_each_other_are_repeated() {
    both_engines(|store| async move {
        store
            .write(|tx| {
                mark(tx, "a")?;
                mark(tx, "b")
            })
            .await
            .expect("kept");
        let mut both = Vec::new();
        for order in [["a", "b"], ["b", "a"]] {
            for _ in 0..4 {
                let store = store.clone();
                both.push(tokio::spawn(async move {
                    store
                        .write_again(move |tx| {
                            for name in order {
                                tx.execute("UPDATE settings SET version = version + 1 WHERE name = $1", &[name.into()])?;
                                std::thread::sleep(Duration::from_millis(20));
                            }
                            Ok::<_, StoreError>(())
                        })
                        .await
                }));
            }
        }
        for one in both {
            one.await.expect("no panic").expect("done in the end");
        }
        let versions =
            store.read(|tx| Ok::<_, StoreError>(ints(&tx.query("SELECT version FROM settings WHERE name IN ('a', 'b')", &[])?))).await;
        assert_eq!(versions, Ok(vec![9, 9]));
    });
}

#[test]
fn a_full_disk_is_said_and_the_store_goes_on_when_there_is_room() {
    let bed = memory();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let pages = |most: i64| bed.store.write(move |tx| tx.query(&format!("PRAGMA max_page_count = {most}"), &[]).map(|_| ()));
        pages(1).await.expect("no more room than now");
        let full: Done = bed.store.write(|tx| settings::put(tx, "big", &"x".repeat(5_000_000), None).map(|_| ())).await;
        assert_eq!(full, Err(StoreError::Full));
        pages(1_000_000).await.expect("room again");
        bed.store.write(|tx| mark(tx, "after")).await.expect("kept");
        assert_eq!(bed.store.read(marks).await.expect("read"), ["after"]);
    });
}

#[test]
fn urls_and_places_that_cannot_work_are_said() {
    let options = || StoreOptions::new(ManualClock::new(), Keys::parse(KEY).expect("keys"));
    for url in ["mysql://x", "sqlite:/nowhere/at/all/wharf.db", "postgres://host:port/x"] {
        assert!(matches!(Store::open(url, options()), Err(StoreError::Database(_))), "{url}");
    }
    assert!(matches!(Store::open("postgres://127.0.0.1:1/x?user=x&connect_timeout=1", options()), Err(StoreError::Unavailable)));
}

#[test]
fn settings_carry_a_version() {
    both_engines(|store| async move {
        let done: Done = store
            .write(|tx| {
                assert!(settings::put(tx, "a", &vec![1, 2], Some(0))?);
                assert!(!settings::put(tx, "a", &vec![3], Some(0))?);
                assert!(settings::put(tx, "a", &vec![3], Some(1))?);
                assert!(!settings::put(tx, "a", &vec![4], Some(1))?);
                assert_eq!(settings::get::<Vec<i64>>(tx, "a")?, Some((vec![3], 2)));
                assert!(settings::put(tx, "a", &Vec::<i64>::new(), None)?);
                assert_eq!(settings::get::<Vec<i64>>(tx, "a")?, Some((vec![], 3)));
                assert_eq!(settings::get::<String>(tx, "b")?, None);
                Ok(())
            })
            .await;
        assert_eq!(done, Ok(()));
    });
}

#[test]
fn a_clock_that_jumps_back_makes_no_id_twice() {
    both_engines_with(|bed| async move {
        let mut seen = HashSet::new();
        for step in [0, -HOUR, -HOUR, DAY, -DAY] {
            bed.clock.advance(step);
            let ids: Vec<i64> = bed.store.write(|tx| Ok::<_, StoreError>((0..100).map(|_| tx.new_id()).collect())).await.expect("ids");
            assert!(ids.into_iter().all(|id| seen.insert(id)));
        }
    });
}

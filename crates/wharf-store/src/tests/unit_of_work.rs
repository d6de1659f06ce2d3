//! One closure is one unit of work: all of it or nothing, alone or in a batch, whatever goes wrong.

use super::{Done, ints, mark, marks};
use crate::testing::{both_engines, both_engines_with};
use crate::{Engine, Store, StoreError, Tx, Value};
use std::sync::mpsc;

fn conflict(constraint: &str) -> StoreError {
    StoreError::Conflict { constraint: constraint.to_owned() }
}

async fn marked(store: &Store) -> Vec<String> {
    store.read(marks).await.expect("read")
}

#[test]
fn it_is_kept_or_undone_as_a_whole() {
    both_engines(|store| async move {
        let kept: Done<i64> = store
            .write(|tx| {
                mark(tx, "a")?;
                Ok(tx.new_id::<i64>())
            })
            .await;
        assert!(kept.expect("kept") > 0);
        let undone: Done = store
            .write(|tx| {
                mark(tx, "b")?;
                Err(StoreError::Busy)
            })
            .await;
        assert_eq!(undone, Err(StoreError::Busy));
        assert_eq!(marked(&store).await, ["a"]);
    });
}

#[test]
fn in_a_batch_a_failing_one_undoes_only_itself() {
    both_engines(|store| async move {
        // The first unit holds the writer until all others wait behind it, so that SQLite commits them together.
        let (go, wait) = mpsc::channel::<()>();
        let (inside, told) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let store = store.clone();
            async move {
                store
                    .write(move |tx| {
                        inside.send(()).expect("told");
                        wait.recv().expect("the signal");
                        mark(tx, "00")
                    })
                    .await
            }
        });
        tokio::task::spawn_blocking(move || told.recv()).await.expect("no panic").expect("the first unit is inside");
        let mut others = Vec::new();
        for number in 1..20 {
            let store = store.clone();
            others.push(tokio::spawn(async move {
                let done: Done = store
                    .write(move |tx| {
                        mark(tx, &format!("{number:02}"))?;
                        match number % 4 {
                            0 => Err(StoreError::Busy),
                            1 => mark(tx, "seal.check"),
                            2 if number == 6 => panic!("on purpose"),
                            _ => Ok(()),
                        }
                    })
                    .await;
                done
            }));
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let before = store.counted();
        go.send(()).expect("the first unit waits");
        first.await.expect("no panic").expect("kept");
        let mut kept = vec!["00".to_owned()];
        for (number, other) in (1..20).zip(others) {
            match (number, other.await) {
                (6, ended) => assert!(ended.expect_err("a panic reaches the caller").is_panic()),
                (_, ended) => match ended.expect("no panic") {
                    Ok(()) => kept.push(format!("{number:02}")),
                    Err(StoreError::Busy) => assert_eq!(number % 4, 0),
                    Err(error) => {
                        assert_eq!(number % 4, 1, "{error}");
                        assert_eq!(error, conflict("settings_pkey"));
                    }
                },
            }
        }
        if store.engine() == Engine::Sqlite {
            assert_eq!(store.counted().commits - before.commits, 1, "one commit for all");
        }
        kept.sort();
        assert_eq!(marked(&store).await, kept);
        assert!(kept.len() >= 10);
        // The writer has survived the panic.
        store.write(|tx| mark(tx, "after")).await.expect("kept");
    });
}

#[test]
fn a_failed_statement_dooms_it_even_when_the_closure_looks_away() {
    both_engines(|store| async move {
        store.write(|tx| mark(tx, "a")).await.expect("kept");
        let done: Done = store
            .write(|tx| {
                mark(tx, "b")?;
                let _ = mark(tx, "a");
                assert_eq!(mark(tx, "c"), Err(conflict("settings_pkey")));
                Ok(())
            })
            .await;
        assert_eq!(done, Err(conflict("settings_pkey")));
        assert_eq!(marked(&store).await, ["a"]);
    });
}

#[test]
fn an_attempt_undoes_only_itself_and_may_be_nested() {
    both_engines(|store| async move {
        let done: Done = store
            .write(|tx| {
                mark(tx, "a")?;
                let failed: Done = tx.attempt(|tx| {
                    mark(tx, "b")?;
                    mark(tx, "a")
                });
                assert_eq!(failed, Err(conflict("settings_pkey")));
                tx.attempt(|tx| {
                    mark(tx, "c")?;
                    let inner: Done = tx.attempt(|tx| {
                        mark(tx, "d")?;
                        Err(StoreError::Busy)
                    });
                    assert_eq!(inner, Err(StoreError::Busy));
                    mark(tx, "e")
                })
            })
            .await;
        assert_eq!(done, Ok(()));
        assert_eq!(marked(&store).await, ["a", "c", "e"]);
    });
}

#[test]
fn constraints_have_the_same_names_on_both_engines() {
    both_engines(|store| async move {
        let broken = [
            ("INSERT INTO settings (name, value) VALUES ('seal.check', '')", "settings_pkey"),
            ("INSERT INTO settings (name, value) VALUES ('x', NULL)", "settings.value"),
            ("INSERT INTO roles (id, name, permissions, built_in) VALUES (1, 'a', '[]', 0), (2, 'a', '[]', 0)", "roles_name_key"),
            ("INSERT INTO roles (id, name, permissions, built_in) VALUES (1, 'a', '[]', 0), (1, 'b', '[]', 0)", "roles_pkey"),
            ("INSERT INTO roles (id, name, permissions, built_in) VALUES (1, 'a', '[]', 7)", "roles_built_in_check"),
            (
                "INSERT INTO sessions (id, token_hash, user_id, created_at, expires_at, seen_at) VALUES (1, 'h', 77, 0, 0, 0)",
                "sessions_fkey",
            ),
            (
                "INSERT INTO jobs (id, kind, lane, dedup_key, payload, job_status, run_at, created_at) \
                 VALUES (1, 'k', 'l', 'd', '{}', 'ready', 0, 0), (2, 'k', 'l', 'd', '{}', 'ready', 0, 0)",
                "jobs_dedup",
            ),
            (
                "INSERT INTO jobs (id, kind, lane, payload, job_status, run_at, created_at) VALUES (1, 'k', 'l', '{}', 'odd', 0, 0)",
                "jobs_job_status_check",
            ),
            (
                "INSERT INTO prints (id, print_batch_id, shipment_id, kind, copy, cause, at) VALUES (1, 1, 1, 'label', 2, '', 0)",
                "prints_check",
            ),
        ];
        for (sql, constraint) in broken {
            let done: Done<u64> = store.write(move |tx| tx.execute(sql, &[])).await;
            assert_eq!(done, Err(conflict(constraint)), "{sql}");
        }
    });
}

#[test]
fn values_come_back_as_they_were_and_wrong_ones_are_named() {
    both_engines(|store| async move {
        let bytes: Vec<u8> = (0..=255).collect();
        let stored = bytes.clone();
        store
            .write(move |tx| {
                let row: [Value; 3] = ["哈希 \u{1F4E6} '\"$1".into(), stored.into(), Option::<i64>::None.into()];
                tx.execute("INSERT INTO blobs (hash, media_type, sealed, bytes, created_at, expires_at) VALUES ($1, 'x/y', 0, $2, -9223372036854775808, $3)", &row)
            })
            .await
            .expect("stored");
        let read: Done = store
            .read(move |tx| {
                let row = tx.query_opt("SELECT hash, bytes, created_at, expires_at, sealed FROM blobs", &[])?.expect("the row");
                assert_eq!(row.text(0)?, "哈希 \u{1F4E6} '\"$1");
                assert_eq!(row.blob(1)?, bytes);
                assert_eq!(row.int(2)?, i64::MIN);
                assert_eq!(row.opt_time(3)?, None);
                assert!(!row.bool(4)?);
                let wrong = StoreError::Inconsistent { table: "blobs".into(), column: "expires_at".into(), id: "?".into() };
                assert_eq!(row.int(3), Err(wrong));
                assert!(matches!(row.int(0), Err(StoreError::Inconsistent { column, .. }) if column == "hash"));
                let row = tx.query_opt("SELECT 7 AS id, 'odd' AS job_status", &[])?.expect("a row");
                let wrong = StoreError::Inconsistent { table: "?".into(), column: "job_status".into(), id: "7".into() };
                assert_eq!(row.word::<crate::jobs::JobStatus>(1), Err(wrong));
                Ok(())
            })
            .await;
        assert_eq!(read, Ok(()));
        let odd: Done = store.write(|tx| mark(tx, "nul \0 inside")).await;
        assert!(matches!(odd, Err(StoreError::Database(_))));
    });
}

fn numbers(tx: &mut Tx<'_>, n: i64) -> Done<Vec<Vec<Value>>> {
    let rows: Vec<Vec<Value>> = (0..n).map(|i| vec![i.into(), format!("h{i}").into(), 10.into()]).collect();
    assert_eq!(tx.insert_many("INSERT INTO nodes (node, holder, lease_until)", &rows, "")?, rows.len() as u64);
    Ok(rows)
}

#[test]
fn many_rows_go_in_change_and_come_out_in_few_statements() {
    both_engines(|store| async move {
        let before = store.counted();
        let done: Done = store
            .write(|tx| {
                tx.execute("DELETE FROM nodes", &[])?;
                let rows = numbers(tx, 1_000)?;
                let again = tx.insert_many("INSERT INTO nodes (node, holder, lease_until)", &rows, "ON CONFLICT (node) DO NOTHING")?;
                assert_eq!(again, 0);
                let updates: Vec<Vec<Value>> =
                    (0..700).map(|i| vec![Value::from(i * 2), if i % 3 == 0 { Value::Null } else { (i * 7).into() }]).collect();
                let sql = "UPDATE nodes SET lease_until = COALESCE(v.column2, -1) + $1 FROM {rows} AS v WHERE nodes.node = v.column1";
                assert_eq!(tx.execute_rows(sql, &updates, &[5.into()])?, 500);
                let ids: Vec<Value> = (0..1_000).rev().chain(0..1_000).map(Value::from).collect();
                let found =
                    tx.query_in("SELECT node, lease_until FROM nodes WHERE lease_until <> $1 AND node IN ({ids})", &ids, &[10.into()])?;
                let mut found: Vec<(i64, i64)> = found.iter().map(|row| (row.int(0).expect("node"), row.int(1).expect("until"))).collect();
                found.sort_unstable();
                let expected: Vec<(i64, i64)> =
                    (0..500).map(|i| (i * 2, if i % 3 == 0 { 4 } else { i * 7 + 5 })).filter(|(_, until)| *until != 10).collect();
                assert_eq!(found, expected);
                assert_eq!(tx.execute_in("DELETE FROM nodes WHERE node IN ({ids})", &ids, &[])?, 1_000);
                assert_eq!(tx.execute_in("DELETE FROM nodes WHERE node IN ({ids})", &[], &[])?, 0);
                assert_eq!(tx.insert_many("INSERT INTO nodes (node, holder, lease_until)", &[], "")?, 0);
                let back = tx.insert_many_returning("INSERT INTO nodes (node, holder, lease_until)", &rows, "RETURNING node")?;
                assert_eq!(ints(&back).len(), 1_000);
                // All of them absent: the kind is known from the Option.
                let absent: Vec<Vec<Value>> = vec![vec![1.into(), Option::<i64>::None.into()], vec![2.into(), Option::<i64>::None.into()]];
                let sql = "UPDATE nodes SET lease_until = COALESCE(v.column2, 99) FROM {rows} AS v WHERE nodes.node = v.column1";
                assert_eq!(tx.execute_rows(sql, &absent, &[])?, 2);
                Ok(())
            })
            .await;
        assert_eq!(done, Ok(()));
        let counted = store.counted();
        assert!(counted.statements - before.statements < 60, "{} statements", counted.statements - before.statements);
        assert_eq!(counted.row_writes - before.row_writes, 1 + 1_000 + 500 + 1_000 + 1_000 + 2);
        let uneven: Done<u64> =
            store.write(|tx| tx.insert_many("INSERT INTO nodes (node, holder, lease_until)", &[vec![1.into()], vec![]], "")).await;
        assert!(matches!(uneven, Err(StoreError::Database(_))));
    });
}

#[test]
fn reads_see_one_state_and_change_nothing() {
    both_engines(|store| async move {
        let in_memory = store.engine() == Engine::Sqlite;
        let written: Done = store.read(|tx| mark(tx, "a")).await;
        // In memory the reader is the writer's own connection, and what it wrote is undone.
        assert!(written.is_err() || in_memory);
        assert_eq!(marked(&store).await, Vec::<String>::new());
    });
    both_engines_with(|bed| async move {
        let (inside, go) = (mpsc::channel::<()>(), mpsc::channel::<()>());
        if bed.url.is_empty() {
            return;
        }
        let reader = tokio::spawn({
            let store = bed.store.clone();
            async move {
                store
                    .read(move |tx| {
                        let first = marks(tx)?;
                        inside.0.send(()).expect("told");
                        go.1.recv().expect("the signal");
                        Ok::<_, StoreError>((first, marks(tx)?))
                    })
                    .await
            }
        });
        tokio::task::spawn_blocking(move || inside.1.recv()).await.expect("no panic").expect("the reader is inside");
        bed.store.write(|tx| mark(tx, "meanwhile")).await.expect("a reader does not stop the writer");
        go.0.send(()).expect("the reader waits");
        let (first, second) = reader.await.expect("no panic").expect("read");
        assert_eq!((first.len(), second.len()), (0, 0));
        assert_eq!(marked(&bed.store).await, ["meanwhile"]);
    });
}

#[test]
fn work_that_lost_its_caller_is_done_all_the_same() {
    both_engines(|store| async move {
        let (go, wait) = mpsc::channel::<()>();
        let caller = tokio::spawn({
            let store = store.clone();
            async move {
                store
                    .write(move |tx| {
                        wait.recv().expect("the signal");
                        mark(tx, "kept")
                    })
                    .await
            }
        });
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        caller.abort();
        go.send(()).expect("the unit runs");
        for _ in 0..100 {
            if marked(&store).await == ["kept"] {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the work was not done");
    });
}

#[test]
fn only_the_thread_of_a_unit_of_work_is_inside_one() {
    both_engines(|store| async move {
        assert!(!crate::in_unit_of_work());
        assert!(store.write(|_| Ok::<_, StoreError>(crate::in_unit_of_work())).await.expect("ran"));
        assert!(store.read(|_| Ok::<_, StoreError>(crate::in_unit_of_work())).await.expect("ran"));
        let caught = tokio::spawn({
            let store = store.clone();
            async move { store.write(|_| -> Done { panic!("on purpose") }).await }
        });
        assert!(caught.await.expect_err("a panic").is_panic());
        assert!(!crate::in_unit_of_work());
    });
}

//! Killed at a random instant while it commits: every acknowledged unit of work is there, and none is there in part.

use super::Done;
use crate::testing::{Bed, both_engines_with};
use crate::{Store, StoreError};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

const URL: &str = "WHARF_TEST_CRASH_URL";
const ROUND: &str = "WHARF_TEST_CRASH_ROUND";

fn write_pair(store: &Store, name: String) -> impl Future<Output = Done> + use<> {
    let store = store.clone();
    async move {
        store
            .write(move |tx| {
                for part in ["left", "right"] {
                    super::mark(tx, &format!("{name}.{part}"))?;
                }
                Ok(())
            })
            .await
    }
}

/// The process that is killed. It runs only when the test below starts it.
#[test]
fn the_process_that_is_killed() {
    let (Ok(url), Ok(round)) = (std::env::var(URL), std::env::var(ROUND)) else { return };
    let bed = Bed::open(&url);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut writers = Vec::new();
        for writer in 0..8 {
            let (store, round) = (bed.store.clone(), round.clone());
            writers.push(tokio::spawn(async move {
                for number in 0.. {
                    let name = format!("{round}.{writer}.{number}");
                    if write_pair(&store, name.clone()).await.is_ok() {
                        let mut out = std::io::stdout().lock();
                        writeln!(out, "kept {name}").and_then(|()| out.flush()).expect("told");
                    }
                }
            }));
        }
        for writer in writers {
            writer.await.expect("no panic");
        }
    });
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    both_engines_with(|bed| async move {
        if bed.url.is_empty() {
            return;
        }
        let mut acknowledged = BTreeSet::new();
        for round in 0..4 {
            let mut child = Command::new(std::env::current_exe().expect("this program"))
                .args(["--exact", "tests::crash::the_process_that_is_killed", "--nocapture", "--test-threads=1"])
                .env(URL, &bed.url)
                .env(ROUND, round.to_string())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("a child");
            let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
            // A different instant each time, somewhere between two commits or inside one.
            for line in lines.by_ref().take(60 + round * 37) {
                acknowledged.extend(line.expect("its words").strip_prefix("kept ").map(str::to_owned));
            }
            child.kill().expect("killed");
            child.wait().expect("gone");
            // What it said before it died counts too.
            acknowledged.extend(lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("kept ").map(str::to_owned)));
        }
        let kept: Vec<String> = bed.another().read(super::marks).await.expect("read");
        let halves: BTreeSet<&str> = kept.iter().filter_map(|name| name.rsplit_once('.').map(|(pair, _)| pair)).collect();
        assert_eq!(kept.len(), halves.len() * 2, "a unit of work was kept in part");
        assert!(acknowledged.len() > 200);
        for name in &acknowledged {
            assert!(halves.contains(name.as_str()), "{name} was acknowledged and is lost");
        }
        write_pair(&bed.store, "after".to_owned()).await.map_err(|error: StoreError| error.to_string()).expect("the store goes on");
    });
}

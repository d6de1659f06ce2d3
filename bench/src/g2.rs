//! G2: one order a call, many callers at once, each answered after its commit is on the disk, against the bare loop with
//! one order a transaction.

use crate::bare::Recording;
use crate::house::House;
use crate::orders::{first_placed, order};
use crate::report::{Goal, Pairs, Report, millis, number, percentile, rate};
use crate::{Options, instant};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;
use wharf_flows::gather::{Stored, ingest_one};
use wharf_flows::ingest::Source;

pub fn run(runtime: &Runtime, options: &Options, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let count = options.single_orders;
    let mut pairs = Pairs::default();
    let mut tails = Pairs::default();
    let mut costs = String::new();
    for pair in 0..options.pairs {
        let house = House::fresh(&folder.join(format!("g2-wharf-{pair}")))?;
        let before = house.app.store.counted();
        let (wharf, mut waits) = write(runtime, &house, count, options.writers)?;
        let after = house.app.store.counted();
        let recording = Recording::read(&house.file)?;
        let (bare, mut times) = recording.write(&house.file, &folder.join(format!("g2-bare-{pair}")), 1)?;
        pairs.add(rate(count, wharf), rate(count, bare));
        tails.add(millis(percentile(&mut waits, 99)), millis(percentile(&mut times, 99)));
        eprintln!("G2 pair {}: {:.0} and {:.0} orders/s", pair + 1, rate(count, wharf), rate(count, bare));
        house.close()?;
        let each = |n: u64| n as f64 / count as f64;
        costs = format!(
            "Counted: {:.2} statements and {:.1} row writes an order, {:.1} orders a commit.",
            each(after.statements - before.statements),
            each(after.row_writes - before.row_writes),
            count as f64 / (after.commits - before.commits).max(1) as f64,
        );
    }
    let (ratio, p99) = (pairs.ratio(), tails.a());
    report.goal(Goal {
        name: "G2",
        what: format!("one order a call, {} callers at once, {} orders a side", options.writers, number(count as f64)),
        sides: ("`ingest_one`", "bare, one a transaction"),
        unit: "orders/s",
        pairs,
        wanted: "≥ 3 × bare".to_owned(),
        met: ratio.median >= 3.0,
        notes: vec![
            costs,
            "Measured through the flow that stores single orders, not over HTTP. It reads, checks and seals; the bare loop writes alone. Who calls \
             while a commit is under way is stored with the next one, as a page."
                .to_owned(),
        ],
    });
    report.goal(Goal {
        name: "G2 p99",
        what: "time to the answer, p99 of each side".to_owned(),
        sides: ("`ingest_one`, all callers waiting", "bare, nobody waiting"),
        unit: "ms",
        pairs: tails,
        wanted: "≤ 15 ms".to_owned(),
        met: p99.median <= 15.0,
        notes: Vec::new(),
    });
    Ok(())
}

/// All orders, each by whichever caller is free: the whole time, and how long each waited for its answer.
fn write(runtime: &Runtime, house: &House, count: usize, writers: usize) -> anyhow::Result<(Duration, Vec<Duration>)> {
    let first = first_placed(house.app.now());
    let orders: Arc<Vec<_>> = Arc::new((0..count).map(|n| order(n, count, first)).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let shops = Arc::new(house.shops.clone());
    let began = instant();
    let waits = runtime.block_on(async {
        let mut tasks = Vec::with_capacity(writers);
        for _ in 0..writers {
            let (app, orders, next, shops) = (Arc::clone(&house.app), Arc::clone(&orders), Arc::clone(&next), Arc::clone(&shops));
            tasks.push(tokio::spawn(async move {
                let mut waits = Vec::new();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(order) = orders.get(n) else { return anyhow::Ok(waits) };
                    let begun = instant();
                    let done = ingest_one(&app, shops[n % shops.len()], order.clone(), Source::Channel).await?;
                    waits.push(begun.elapsed());
                    anyhow::ensure!(matches!(done, Stored::Inserted(_)), "an order did not go in");
                }
            }));
        }
        let mut waits = Vec::with_capacity(count);
        for task in tasks {
            waits.extend(task.await??);
        }
        anyhow::Ok(waits)
    })?;
    Ok((began.elapsed(), waits))
}

//! G1: pages of orders through `ingest`, with all that it does, against the bare loop that writes the same rows.

use crate::bare::Recording;
use crate::house::{House, first_placed, order};
use crate::report::{Goal, Pairs, Report, number, rate};
use crate::{Options, instant};
use std::path::Path;
use tokio::runtime::Runtime;

pub fn run(runtime: &Runtime, options: &Options, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let (count, page) = (options.batch_orders, options.page);
    let mut pairs = Pairs::default();
    let mut costs = String::new();
    let mut tables = String::new();
    for pair in 0..options.pairs {
        let house = House::fresh(&folder.join(format!("g1-wharf-{pair}")))?;
        let first = first_placed(house.app.now());
        let pages: Vec<Vec<_>> =
            (0..count).step_by(page).map(|from| (from..count.min(from + page)).map(|n| order(n, count, first)).collect()).collect();
        let before = house.app.store.counted();
        let began = instant();
        for (n, orders) in pages.into_iter().enumerate() {
            house.ingest(runtime, n, orders)?;
        }
        let wharf = began.elapsed();
        let after = house.app.store.counted();
        let recording = Recording::read(&house.file)?;
        let (bare, _) = recording.write(&house.file, &folder.join(format!("g1-bare-{pair}")), page)?;
        pairs.add(rate(count, wharf), rate(count, bare));
        eprintln!("G1 pair {}: {:.0} and {:.0} orders/s", pair + 1, rate(count, wharf), rate(count, bare));
        house.close()?;
        let each = |n: u64| n as f64 / count as f64;
        costs = format!(
            "Counted, not timed: {:.2} statements and {:.1} row writes an order by ingest; {:.1} rows an order by the bare loop (a row that ingest \
             writes and changes again in the same transaction is one row there).",
            each(after.statements - before.statements),
            each(after.row_writes - before.row_writes),
            recording.rows_per_order(),
        );
        let list: Vec<String> = recording.counts.iter().map(|(table, n)| format!("{table} {}", number(*n as f64))).collect();
        tables = format!(
            "Rows after a side of {} orders, equal on both sides (checked in every pair): {}.",
            number(count as f64),
            list.join(", ")
        );
    }
    let ratio = pairs.ratio();
    report.goal(Goal {
        name: "G1",
        what: format!("batch ingest, {page} orders a transaction, {} orders a side", number(count as f64)),
        sides: ("`ingest`", "bare loop"),
        unit: "orders/s",
        pairs,
        wanted: "≥ 60 % of bare".to_owned(),
        met: ratio.median >= 0.6,
        notes: vec![
            costs,
            tables,
            "Measured through the flow, not over HTTP. Routing, and with it the reservations of stock, is a job that follows and is not in this figure on \
             either side."
                .to_owned(),
        ],
    });
    Ok(())
}

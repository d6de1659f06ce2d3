//! G1: pages of a connector read and stored, with all that ingest does, against the bare loop that writes the same rows.

use crate::bare::Recording;
use crate::connector::Pages;
use crate::house::{House, all_in, store_page};
use crate::orders::{first_placed, order};
use crate::report::{Goal, Pairs, Report, number, rate};
use crate::{Options, instant};
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;
use wharf_connect::channel::{Channel, PullWindow};
use wharf_connect::{Credentials, NothingHeld, Settings};
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::time::DAY;
use wharf_flows::ingest::CursorMove;
use wharf_store::Counted;
use wharf_store::shops::Pull;

pub fn run(runtime: &Runtime, options: &Options, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let (count, page) = (options.batch_orders, options.page);
    let (mut connector, mut flow) = (Pairs::default(), Pairs::default());
    let mut notes = Vec::new();
    for pair in 0..options.pairs {
        for through in [true, false] {
            let house = House::fresh(&folder.join(format!("g1-wharf-{pair}")))?;
            let pages = pages(&house, count, page);
            let before = house.app.store.counted();
            let took = if through { pull(runtime, &house, &pages)? } else { ingest(runtime, &house, pages)? };
            let after = house.app.store.counted();
            let recording = Recording::read(&house.file)?;
            let (bare, _) = recording.write(&house.file, &folder.join(format!("g1-bare-{pair}")), page)?;
            if through { &mut connector } else { &mut flow }.add(rate(count, took), rate(count, bare));
            eprintln!("G1 pair {}: {:.0} and {:.0} orders/s", pair + 1, rate(count, took), rate(count, bare));
            house.close()?;
            notes = told(count, before, after, &recording);
        }
    }
    let what = |how: &str| format!("batch ingest {how}, {page} orders a transaction, {} orders a side", number(count as f64));
    let met = connector.ratio().median >= 0.6;
    notes.push(
        "A: the connector reads the bytes of a page, `ingest` stores it and moves the cursor. Routing, and with it the reservations of stock, \
         is a job that follows and is not in this figure on either side."
            .to_owned(),
    );
    report.goal(Goal {
        name: "G1",
        what: what("from a connector's pages"),
        sides: ("connector and `ingest`", "bare loop"),
        unit: "orders/s",
        pairs: connector,
        wanted: "≥ 60 % of bare".to_owned(),
        met,
        notes,
    });
    let met = flow.ratio().median >= 0.6;
    report.goal(Goal {
        name: "G1 flow",
        what: what("of orders at hand"),
        sides: ("`ingest`", "bare loop"),
        unit: "orders/s",
        pairs: flow,
        wanted: "≥ 60 % of bare".to_owned(),
        met,
        notes: vec!["As above without the reading of pages.".to_owned()],
    });
    Ok(())
}

fn pages(house: &House, count: usize, page: usize) -> Vec<Vec<ChannelOrder>> {
    let first = first_placed(house.app.now());
    (0..count).step_by(page).map(|from| (from..count.min(from + page)).map(|n| order(n, count, first)).collect()).collect()
}

/// Pages that are read, as the pull flow does: the connector is asked, its page is stored with the cursor.
fn pull(runtime: &Runtime, house: &House, pages: &[Vec<ChannelOrder>]) -> anyhow::Result<Duration> {
    let sizes: Vec<usize> = pages.iter().map(Vec::len).collect();
    let connector = Pages::of(pages);
    let app = &house.app;
    let now = app.now();
    let vendor = app.vendor("taobao")?;
    let began = instant();
    for (number, size) in sizes.into_iter().enumerate() {
        let window = PullWindow { from: now.plus(-90 * DAY), to: now, page: Some(number.to_string()), initial: true };
        let calling = app.calling("measure", house.shop(number).0, vendor, Credentials::default(), Settings::default());
        let read = runtime.block_on(connector.pull_orders(&calling.call(), &window, &NothingHeld))?;
        let cursor = CursorMove::Page(Pull { from: window.from, to: window.to, page: read.next, started_at: now });
        all_in(runtime.block_on(store_page(app, house.shop(number), read.orders, cursor)), size)?;
    }
    Ok(began.elapsed())
}

fn ingest(runtime: &Runtime, house: &House, pages: Vec<Vec<ChannelOrder>>) -> anyhow::Result<Duration> {
    let began = instant();
    for (number, orders) in pages.into_iter().enumerate() {
        house.ingest(runtime, number, orders)?;
    }
    Ok(began.elapsed())
}

fn told(count: usize, before: Counted, after: Counted, recording: &Recording) -> Vec<String> {
    let each = |n: u64| n as f64 / count as f64;
    let list: Vec<String> = recording.counts.iter().map(|(table, n)| format!("{table} {}", number(*n as f64))).collect();
    vec![
        format!(
            "Counted, not timed: {:.3} statements and {:.1} row writes an order; {:.1} rows an order by the bare loop, counters left out.",
            each(after.statements - before.statements),
            each(after.row_writes - before.row_writes),
            recording.rows_per_order(),
        ),
        format!(
            "Rows after a side of {} orders, equal on both sides (checked in every pair, value by value, and the same indexes): {}.",
            number(count as f64),
            list.join(", ")
        ),
    ]
}

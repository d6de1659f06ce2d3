//! G7: a page of the order list with filters against bare SQL that fetches the same, and a page far behind the first.

use crate::house::{DAYS, House, first_placed};
use crate::report::{Goal, Pairs, Report, millis, number, percentile};
use crate::{Options, bare, instant};
use rusqlite::types::Value;
use rusqlite::{Connection, params};
use std::time::Duration;
use tokio::runtime::Runtime;
use wharf_domain::access::Scope;
use wharf_domain::order::phase::Phase;
use wharf_domain::time::{DAY, Timestamp};
use wharf_flows::app::FlowError;
use wharf_store::order_list::{self, Cursor, OrderFilter, Sort};

const PAGE: usize = 50;
/// The page that is far behind, where so many orders are stored.
const FAR: usize = 10_000;

pub fn run(runtime: &Runtime, options: &Options, house: &House, report: &mut Report) -> anyhow::Result<()> {
    let db = bare::open(&house.file)?;
    db.execute_batch("PRAGMA query_only=ON")?;
    let first = first_placed(house.app.now());
    let filters: Vec<OrderFilter> = (0..24)
        .map(|n| OrderFilter {
            shops: vec![house.shops[n % house.shops.len()]],
            phases: vec![Phase::Stock],
            placed: (Some(first.plus((n as i64 % 6) * 10 * DAY)), Some(first.plus(((n as i64 % 6) * 10 + 30).min(DAYS) * DAY))),
            ..OrderFilter::default()
        })
        .collect();
    for filter in &filters {
        let (ours, theirs) = (page(runtime, house, filter, None)?, bare_page(&db, filter)?);
        anyhow::ensure!(ours == theirs.0 && !ours.is_empty(), "the list and the bare SQL show different orders");
    }
    let (mut tail, mut middle) = (Pairs::default(), Pairs::default());
    for pair in 0..options.pairs {
        let mut ours = Vec::with_capacity(options.reads);
        let mut theirs = Vec::with_capacity(options.reads);
        for n in 0..options.reads {
            let begun = instant();
            page(runtime, house, &filters[n % filters.len()], None)?;
            ours.push(begun.elapsed());
        }
        for n in 0..options.reads {
            let begun = instant();
            bare_page(&db, &filters[n % filters.len()])?;
            theirs.push(begun.elapsed());
        }
        tail.add(millis(percentile(&mut ours, 99)), millis(percentile(&mut theirs, 99)));
        middle.add(millis(percentile(&mut ours, 50)), millis(percentile(&mut theirs, 50)));
        eprintln!("G7 pair {}: p99 {:?} and {:?}", pair + 1, percentile(&mut ours, 99), percentile(&mut theirs, 99));
    }
    let what = |part: &str| format!("order list at {} orders, {PAGE} rows, shop + phase + 30 days, {part}", number(options.orders as f64));
    let ratio = tail.ratio();
    report.goal(Goal {
        name: "G7 list",
        what: what(&format!("p99 of {} pages", options.reads)),
        sides: ("`order_list::page`", "bare SQL"),
        unit: "ms",
        pairs: tail,
        wanted: "≤ 4 × bare".to_owned(),
        met: ratio.median <= 4.0,
        notes: vec![
            "Through the store, not over HTTP. Both give the same orders in the same order (checked). The bare side reads with prepared statements on \
             its own connection: the whole order rows, first three lines, tags, open holds and open findings; the product's side also decodes them, names shop, \
             warehouse, parcel and assignee, and goes through the queue of readers."
                .to_owned(),
        ],
    });
    let ratio = middle.ratio();
    report.goal(Goal {
        name: "G7 median",
        what: what("median of the pages"),
        sides: ("`order_list::page`", "bare SQL"),
        unit: "ms",
        pairs: middle,
        wanted: "for scale".to_owned(),
        met: ratio.median <= 4.0,
        notes: Vec::new(),
    });
    far(runtime, options, house, &db, report)
}

/// A page far behind the first one of all orders, newest first.
fn far(runtime: &Runtime, options: &Options, house: &House, db: &Connection, report: &mut Report) -> anyhow::Result<()> {
    let pages = options.orders / PAGE;
    let far = FAR.min(pages * 9 / 10);
    let skip = ((far - 1) * PAGE - 1) as i64;
    let cursor: String =
        db.query_row("SELECT placed_at || '.' || id FROM orders ORDER BY placed_at DESC, id DESC LIMIT 1 OFFSET ?1", [skip], |row| {
            row.get(0)
        })?;
    let after = Cursor::decode(&cursor);
    anyhow::ensure!(after.is_some(), "a cursor that the list does not read: {cursor}");
    let all = OrderFilter::default();
    anyhow::ensure!(page(runtime, house, &all, after)?.len() == PAGE, "the far page is not full");
    let mut pairs = Pairs::default();
    for _ in 0..options.pairs {
        let mut deep = Vec::with_capacity(options.reads);
        let mut top = Vec::with_capacity(options.reads);
        for (times, after) in [(&mut deep, after), (&mut top, None)] {
            for _ in 0..options.reads {
                let begun = instant();
                page(runtime, house, &all, after)?;
                times.push(begun.elapsed());
            }
        }
        pairs.add(millis(percentile(&mut deep, 50)), millis(percentile(&mut top, 50)));
    }
    let ratio = pairs.ratio();
    report.goal(Goal {
        name: "G7 depth",
        what: format!(
            "page {} of {} of all orders, newest first, median of {} reads",
            number(far as f64),
            number(pages as f64),
            options.reads
        ),
        sides: ("far page", "page 1"),
        unit: "ms",
        pairs,
        wanted: "≤ 1.3 × page 1".to_owned(),
        met: ratio.median <= 1.3,
        notes: if far < FAR {
            vec![format!("The goal is for page 10,000; {} orders have {} pages.", number(options.orders as f64), number(pages as f64))]
        } else {
            Vec::new()
        },
    });
    Ok(())
}

fn page(runtime: &Runtime, house: &House, filter: &OrderFilter, after: Option<Cursor>) -> anyhow::Result<Vec<i64>> {
    let filter = filter.clone();
    let (items, _) = runtime.block_on(
        house
            .app
            .store
            .read(move |tx| order_list::page(tx, &Scope::ALL, &filter, Sort::PlacedNewest, after, PAGE).map_err(FlowError::from)),
    )?;
    Ok(items.iter().map(|item| item.order.id.0).collect())
}

/// The same page by hand, and how many values it read.
fn bare_page(db: &Connection, filter: &OrderFilter) -> anyhow::Result<(Vec<i64>, usize)> {
    let mut orders = db.prepare_cached(
        "SELECT * FROM orders WHERE shop_id = ?1 AND phase = ?2 AND placed_at >= ?3 AND placed_at < ?4 ORDER BY placed_at DESC, id DESC LIMIT ?5",
    )?;
    let mut parts = [
        db.prepare_cached("SELECT title, variant, seller_code, ordered, image_url FROM order_lines WHERE order_id = ?1 AND position < 3 ORDER BY position, id")?,
        db.prepare_cached("SELECT tag FROM order_tags WHERE order_id = ?1")?,
        db.prepare_cached("SELECT reason, placed_at FROM holds WHERE order_id = ?1 AND released_at IS NULL")?,
        db.prepare_cached("SELECT code, severity, params FROM findings WHERE order_id = ?1 AND settled_at IS NULL")?,
    ];
    let at = |time: Option<Timestamp>| time.map_or(0, Timestamp::micros);
    let width = orders.column_count();
    let (mut ids, mut values) = (Vec::with_capacity(PAGE), Vec::new());
    let shop = filter.shops.first().map_or(0, |shop| shop.0);
    let phase = filter.phases.first().map(ToString::to_string);
    let mut rows = orders.query(params![shop, phase, at(filter.placed.0), at(filter.placed.1), PAGE as i64])?;
    while let Some(row) = rows.next()? {
        ids.push(row.get::<_, i64>(0)?);
        for column in 0..width {
            values.push(row.get::<_, Value>(column)?);
        }
    }
    for id in &ids {
        for part in &mut parts {
            let width = part.column_count();
            let mut rows = part.query([id])?;
            while let Some(row) = rows.next()? {
                for column in 0..width {
                    values.push(row.get::<_, Value>(column)?);
                }
            }
        }
    }
    Ok((ids, std::hint::black_box(values).len()))
}

/// The median time of some reads.
pub fn median_of(reads: usize, mut read: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let mut times = Vec::with_capacity(reads);
    for _ in 0..reads {
        let begun = instant();
        read()?;
        times.push(begun.elapsed());
    }
    Ok(percentile(&mut times, 50))
}

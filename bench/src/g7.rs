//! G7: a page of the order list with filters, over HTTP on a loopback socket, against bare SQL that fetches the same; and a
//! page far behind the first.

use crate::client::{Client, Served};
use crate::orders::{DAYS, rfc3339};
use crate::report::{Goal, Pairs, Report, millis, number, percentile};
use crate::stock::Stock;
use crate::{Options, bare, instant};
use anyhow::Context;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use std::time::Duration;
use tokio::runtime::Runtime;
use wharf_domain::id::ShopId;
use wharf_domain::time::{DAY, Timestamp};

const PAGE: usize = 50;
/// The page that is far behind, where so many orders are stored.
const FAR: usize = 10_000;

/// One filter: a shop, a phase, thirty days.
struct Filter {
    shop: ShopId,
    placed: (Timestamp, Timestamp),
}

const PHASE: &str = "stock";

impl Filter {
    fn path(&self) -> String {
        let (from, to) = (rfc3339(self.placed.0), rfc3339(self.placed.1));
        format!("/api/v1/orders?shop={}&phase={PHASE}&placed_after={from}&placed_before={to}&sort=-placed_at&limit={PAGE}", self.shop)
    }
}

pub fn run(runtime: &Runtime, options: &Options, house: &Stock, report: &mut Report) -> anyhow::Result<()> {
    let db = bare::open(&house.file)?;
    db.execute_batch("PRAGMA query_only=ON")?;
    let served = runtime.block_on(Served::start(house.app.clone()))?;
    let mut client = runtime.block_on(served.connect())?;
    let filters: Vec<Filter> = (0..24)
        .map(|n| {
            let from = (n as i64 % 6) * 10;
            let placed = (house.first.plus(from * DAY), house.first.plus((from + 30).min(DAYS) * DAY));
            Filter { shop: house.shops[n % house.shops.len()], placed }
        })
        .collect();
    for filter in &filters {
        let (ours, theirs) = (page(runtime, &mut client, &filter.path())?, bare_page(&db, filter)?);
        anyhow::ensure!(ours == theirs.0 && !ours.is_empty(), "the list and the bare SQL show different orders");
    }
    let (mut tail, mut middle) = (Pairs::default(), Pairs::default());
    for pair in 0..options.pairs {
        let mut ours = Vec::with_capacity(options.reads);
        let mut theirs = Vec::with_capacity(options.reads);
        for n in 0..options.reads {
            let path = filters[n % filters.len()].path();
            let begun = instant();
            runtime.block_on(client.get(&path))?;
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
        sides: ("`GET /orders`", "bare SQL"),
        unit: "ms",
        pairs: tail,
        wanted: "≤ 4 × bare".to_owned(),
        met: ratio.median <= 4.0,
        notes: vec![
            "Over one kept connection on a loopback socket, one request at a time, with a token that is looked up: the client's time until the last \
             byte of the JSON. Both give the same orders in the same order (checked). The bare side reads with prepared statements on its own connection: \
             the whole order rows, first three lines, tags, open holds and open findings of the page, a set each; the product's side also names shop, \
             warehouse, parcel and assignee."
                .to_owned(),
        ],
    });
    let ratio = middle.ratio();
    report.goal(Goal {
        name: "G7 median",
        what: what("median of the pages"),
        sides: ("`GET /orders`", "bare SQL"),
        unit: "ms",
        pairs: middle,
        wanted: "for scale".to_owned(),
        met: ratio.median <= 4.0,
        notes: Vec::new(),
    });
    far(runtime, options, &mut client, &db, report)?;
    drop(client);
    runtime.block_on(served.end());
    Ok(())
}

/// A page far behind the first one of all orders, newest first.
fn far(runtime: &Runtime, options: &Options, client: &mut Client, db: &Connection, report: &mut Report) -> anyhow::Result<()> {
    let pages = options.orders / PAGE;
    let far = FAR.min(pages * 9 / 10);
    let skip = ((far - 1) * PAGE - 1) as i64;
    let cursor: String =
        db.query_row("SELECT placed_at || '.' || id FROM orders ORDER BY placed_at DESC, id DESC LIMIT 1 OFFSET ?1", [skip], |row| {
            row.get(0)
        })?;
    let top = format!("/api/v1/orders?sort=-placed_at&limit={PAGE}");
    let far_page = format!("{top}&cursor={cursor}");
    let ids = page(runtime, client, &far_page)?;
    let expected: Vec<i64> = db
        .prepare("SELECT id FROM orders ORDER BY placed_at DESC, id DESC LIMIT ?1 OFFSET ?2")?
        .query_map([PAGE as i64, skip + 1], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    anyhow::ensure!(ids == expected, "the far page shows other orders than counting to it");
    let mut pairs = Pairs::default();
    for _ in 0..options.pairs {
        let mut deep = Vec::with_capacity(options.reads);
        let mut first = Vec::with_capacity(options.reads);
        for (times, path) in [(&mut deep, &far_page), (&mut first, &top)] {
            for _ in 0..options.reads {
                let begun = instant();
                runtime.block_on(client.get(path))?;
                times.push(begun.elapsed());
            }
        }
        pairs.add(millis(percentile(&mut deep, 50)), millis(percentile(&mut first, 50)));
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

/// The ids of a page.
fn page(runtime: &Runtime, client: &mut Client, path: &str) -> anyhow::Result<Vec<i64>> {
    let body: serde_json::Value = serde_json::from_slice(&runtime.block_on(client.get(path))?)?;
    let items = body["items"].as_array().context("items")?;
    items.iter().map(|item| item["id"].as_str().context("an id")?.parse().context("an id")).collect()
}

/// The same page by hand, and how many values it read.
fn bare_page(db: &Connection, filter: &Filter) -> anyhow::Result<(Vec<i64>, usize)> {
    let mut orders = db.prepare_cached(
        "SELECT * FROM orders WHERE shop_id = ?1 AND phase = ?2 AND placed_at >= ?3 AND placed_at < ?4 ORDER BY placed_at DESC, id DESC LIMIT ?5",
    )?;
    let width = orders.column_count();
    let (mut ids, mut values) = (Vec::with_capacity(PAGE), Vec::new());
    let mut rows = orders.query(params![filter.shop.0, PHASE, filter.placed.0.micros(), filter.placed.1.micros(), PAGE as i64])?;
    while let Some(row) = rows.next()? {
        ids.push(row.get::<_, i64>(0)?);
        for column in 0..width {
            values.push(row.get::<_, Value>(column)?);
        }
    }
    let list = vec!["?"; ids.len()].join(", ");
    for part in [
        "SELECT order_id, title, variant, seller_code, ordered, image_url FROM order_lines WHERE position < 3 AND order_id IN",
        "SELECT order_id, tag FROM order_tags WHERE order_id IN",
        "SELECT order_id, reason, placed_at FROM holds WHERE released_at IS NULL AND order_id IN",
        "SELECT order_id, code, severity, params FROM findings WHERE settled_at IS NULL AND order_id IN",
    ] {
        let mut part = db.prepare_cached(&format!("{part} ({list})"))?;
        let width = part.column_count();
        let mut rows = part.query(params_from_iter(&ids))?;
        while let Some(row) = rows.next()? {
            for column in 0..width {
                values.push(row.get::<_, Value>(column)?);
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

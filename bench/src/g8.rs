//! G8: numbers of tabs and the day board from counters and rollups, against counting orders; and both equal.

use crate::g7::median_of;
use crate::orders::DAYS;
use crate::report::{Goal, Pairs, Report, millis, number};
use crate::stock::Stock;
use crate::{Options, bare};
use rusqlite::Connection;
use std::collections::BTreeMap;
use tokio::runtime::Runtime;
use wharf_domain::access::Scope;
use wharf_domain::time::{DAY, Timestamp};
use wharf_flows::app::FlowError;
use wharf_store::rollups;

/// Reads of the counters in a side of a pair, and of the counting, which is slow.
const READS: (usize, usize) = (200, 5);

type Numbers = BTreeMap<String, i64>;
type Board = BTreeMap<(i64, i64, String), [i64; 6]>;

pub fn run(runtime: &Runtime, options: &Options, house: &Stock, report: &mut Report) -> anyhow::Result<()> {
    let db = bare::open(&house.file)?;
    db.execute_batch("PRAGMA query_only=ON")?;
    // Whole days: the board shows days, and a day that is cut by the first instant would be counted in part.
    let (from, to) = (house.first.plus(-2 * DAY), house.first.plus((DAYS + 2) * DAY));
    let same = || -> anyhow::Result<()> {
        anyhow::ensure!(counters(runtime, house)? == counted(&db)?, "the counters and the counting differ");
        anyhow::ensure!(board(runtime, house, from, to)? == counted_board(&db, from, to)?, "the board and the counting differ");
        Ok(())
    };
    same()?;
    let (mut tabs, mut days) = (Pairs::default(), Pairs::default());
    for _ in 0..options.pairs {
        let ours = median_of(READS.0, || counters(runtime, house).map(drop))?;
        let theirs = median_of(READS.1, || counted(&db).map(drop))?;
        tabs.add(millis(ours), millis(theirs));
        let ours = median_of(READS.0, || board(runtime, house, from, to).map(drop))?;
        let theirs = median_of(READS.1, || counted_board(&db, from, to).map(drop))?;
        days.add(millis(ours), millis(theirs));
        eprintln!("G8: {:.3} and {:.1} ms", millis(ours), millis(theirs));
    }
    same()?;
    let speed = "≥ 200 × faster, ≤ 0.5 ms class".to_owned();
    for (name, what, pairs, note) in [
        (
            "G8 counts",
            "orders by phase and by open hold".to_owned(),
            tabs,
            "The same numbers on both sides (checked before and after the measurement).",
        ),
        (
            "G8 board",
            format!("{DAYS} days by shop: orders, units, paid, sales, cancelled, shipped"),
            days,
            "The same rows and numbers on both sides (checked before and after the measurement; equality after crashes is the business of tests and of `doctor`).",
        ),
    ] {
        let ratio = pairs.ratio();
        let fast = pairs.a().median <= 0.5;
        report.goal(Goal {
            name,
            what: format!("{what}, at {} orders", number(options.orders as f64)),
            sides: ("counters", "counting by SQL"),
            unit: "ms",
            pairs,
            wanted: speed.clone(),
            met: ratio.median <= 1.0 / 200.0 && fast,
            notes: vec![format!("{note} {:.0} × faster than counting.", 1.0 / ratio.median)],
        });
    }
    Ok(())
}

fn counters(runtime: &Runtime, house: &Stock) -> anyhow::Result<Numbers> {
    let counts = runtime.block_on(house.app.store.read(|tx| rollups::counts(tx, &Scope::ALL, None).map_err(FlowError::from)))?;
    let phases = counts.phases.iter().map(|(phase, n)| (format!("phase {phase}"), *n));
    let holds = counts.holds.iter().map(|(reason, n)| (format!("hold {reason}"), *n));
    Ok(phases.chain(holds).filter(|(_, n)| *n != 0).collect())
}

fn counted(db: &Connection) -> anyhow::Result<Numbers> {
    let mut numbers = Numbers::new();
    for sql in [
        "SELECT 'phase ' || phase, COUNT(*) FROM orders GROUP BY phase",
        "SELECT 'hold ' || reason, COUNT(*) FROM holds WHERE released_at IS NULL GROUP BY reason",
    ] {
        let mut statement = db.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            numbers.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(numbers)
}

fn board(runtime: &Runtime, house: &Stock, from: Timestamp, to: Timestamp) -> anyhow::Result<Board> {
    let days = runtime.block_on(house.app.store.read(move |tx| rollups::days(tx, &Scope::ALL, from, to).map_err(FlowError::from)))?;
    let row = |n: rollups::DayNumbers| [n.orders, n.units, n.paid_orders, n.sales_minor, n.cancelled_orders, n.shipped_orders];
    Ok(days.into_iter().map(|(shop, day, currency, n)| ((shop.0, day.micros(), currency), row(n))).collect())
}

/// The shops' days begin at midnight of +08:00, which knows no summer time.
fn counted_board(db: &Connection, from: Timestamp, to: Timestamp) -> anyhow::Result<Board> {
    let mut statement = db.prepare_cached(
        "SELECT shop_id, (placed_at + 28800000000) / 86400000000 * 86400000000 - 28800000000 AS day, currency, COUNT(*), SUM(units), \
         SUM(payment <> 'unpaid'), SUM(CASE WHEN payment <> 'unpaid' AND phase <> 'cancelled' THEN total_minor ELSE 0 END), \
         SUM(phase = 'cancelled'), SUM(phase IN ('part_shipped', 'shipped', 'delivered', 'completed')) \
         FROM orders WHERE placed_at >= ?1 AND placed_at < ?2 GROUP BY shop_id, day, currency",
    )?;
    let mut rows = statement.query([from.micros(), to.micros()])?;
    let mut board = Board::new();
    while let Some(row) = rows.next()? {
        let mut numbers = [0; 6];
        for (n, number) in numbers.iter_mut().enumerate() {
            *number = row.get(n + 3)?;
        }
        board.insert((row.get(0)?, row.get(1)?, row.get(2)?), numbers);
    }
    Ok(board)
}

//! G2: one order a call, many callers at once, each answered after its commit is on the disk, against the bare loop with
//! one order a transaction. Over HTTP by `POST /orders`, and through the flow that stores single orders of a channel.

use crate::bare::Recording;
use crate::client::{Client, Served};
use crate::house::{House, typed};
use crate::orders::{first_placed, order};
use crate::report::{Goal, Pairs, Report, millis, number, percentile, rate};
use crate::{Options, instant};
use hyper::{Method, StatusCode};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;
use wharf_flows::gather::{Stored, ingest_one};
use wharf_flows::ingest::Source;
use wharf_store::Counted;

/// What came of one way to store single orders.
#[derive(Default)]
struct Way {
    rates: Pairs,
    tails: Pairs,
    costs: String,
}

pub fn run(runtime: &Runtime, options: &Options, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let count = options.single_orders;
    let (mut http, mut flow) = (Way::default(), Way::default());
    for pair in 0..options.pairs {
        for over_http in [true, false] {
            let house = House::fresh(&folder.join(format!("g2-wharf-{pair}")))?;
            let way = if over_http { &mut http } else { &mut flow };
            let done = match over_http {
                true => post(runtime, &house, count, options.writers)?,
                false => Some(store(runtime, &house, count, options.writers)?),
            };
            let Some((before, (wharf, mut waits), after)) = done else {
                house.close()?;
                continue;
            };
            let recording = Recording::read(&house.file)?;
            let (bare, mut times) = recording.write(&house.file, &folder.join(format!("g2-bare-{pair}")), 1)?;
            way.rates.add(rate(count, wharf), rate(count, bare));
            way.tails.add(millis(percentile(&mut waits, 99)), millis(percentile(&mut times, 99)));
            eprintln!("G2 pair {}: {:.0} and {:.0} orders/s", pair + 1, rate(count, wharf), rate(count, bare));
            house.close()?;
            let each = |n: u64| n as f64 / count as f64;
            way.costs = format!(
                "Counted: {:.2} statements and {:.1} row writes an order, {:.1} orders a commit.",
                each(after.statements - before.statements),
                each(after.row_writes - before.row_writes),
                count as f64 / (after.commits - before.commits).max(1) as f64,
            );
        }
    }
    let what = |how: &str| format!("one order {how}, {} callers at once, {} orders a side", options.writers, number(count as f64));
    for (name, tail, way, what, side, note) in [
        (
            "G2",
            "G2 p99",
            http,
            what("a `POST /orders`"),
            "`POST /orders`",
            "Each caller has a connection of its own and sends the next order when the last one is answered; the clients run in the same process on the \
             same cores. The answer is the order as a list shows it, read back. Who asks (a token) is read for each request. The bare loop writes alone.",
        ),
        (
            "G2 flow",
            "G2 flow p99",
            flow,
            what("a call of the flow"),
            "`ingest_one`",
            "Not over HTTP. Who calls while a commit is under way is stored with the next one, as a page.",
        ),
    ] {
        if way.rates.is_empty() {
            continue;
        }
        let (ratio, p99) = (way.rates.ratio(), way.tails.a());
        report.goal(Goal {
            name,
            what,
            sides: (side, "bare, one a transaction"),
            unit: "orders/s",
            pairs: way.rates,
            wanted: "≥ 3 × bare".to_owned(),
            met: ratio.median >= 3.0,
            notes: vec![way.costs, note.to_owned()],
        });
        report.goal(Goal {
            name: tail,
            what: "time to the answer, p99 of each side".to_owned(),
            sides: (side, "bare, nobody waiting"),
            unit: "ms",
            pairs: way.tails,
            wanted: "≤ 15 ms".to_owned(),
            met: p99.median <= 15.0,
            notes: Vec::new(),
        });
    }
    Ok(())
}

type Done = (Counted, (Duration, Vec<Duration>), Counted);

/// All orders over HTTP, each by whichever caller is free; `None` from a program that takes no orders over HTTP.
fn post(runtime: &Runtime, house: &House, count: usize, writers: usize) -> anyhow::Result<Option<Done>> {
    let first = first_placed(house.app.now());
    let shop = house.shop_without_channel()?;
    let bodies: Arc<Vec<String>> = Arc::new((0..count).map(|n| typed(&order(n, count, first), shop).to_string()).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let served = runtime.block_on(Served::start(house.app.clone()))?;
    let mut clients: Vec<Client> = Vec::with_capacity(writers);
    for _ in 0..writers {
        clients.push(runtime.block_on(served.connect())?);
    }
    if let Some(client) = clients.first_mut() {
        let (status, _) = runtime.block_on(client.ask(Method::POST, "/api/v1/orders", "{}"))?;
        if matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
            drop(clients);
            runtime.block_on(served.end());
            return Ok(None);
        }
    }
    let before = house.app.store.counted();
    let began = instant();
    let waits = runtime.block_on(async {
        let mut tasks = Vec::with_capacity(writers);
        for mut client in clients {
            let (bodies, next) = (Arc::clone(&bodies), Arc::clone(&next));
            tasks.push(tokio::spawn(async move {
                let mut waits = Vec::new();
                loop {
                    let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) else { return anyhow::Ok(waits) };
                    let begun = instant();
                    let (status, answer) = client.ask(Method::POST, "/api/v1/orders", body.clone()).await?;
                    waits.push(begun.elapsed());
                    anyhow::ensure!(status == StatusCode::CREATED, "POST /orders: {status}: {}", String::from_utf8_lossy(&answer));
                }
            }));
        }
        let mut waits = Vec::with_capacity(count);
        for task in tasks {
            waits.extend(task.await??);
        }
        anyhow::Ok(waits)
    })?;
    let took = began.elapsed();
    let after = house.app.store.counted();
    runtime.block_on(served.end());
    Ok(Some((before, (took, waits), after)))
}

/// All orders, each by whichever caller is free: the whole time, and how long each waited for its answer.
fn store(runtime: &Runtime, house: &House, count: usize, writers: usize) -> anyhow::Result<Done> {
    let first = first_placed(house.app.now());
    let orders: Arc<Vec<_>> = Arc::new((0..count).map(|n| order(n, count, first)).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let shops = Arc::new(house.shops.clone());
    let before = house.app.store.counted();
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
    Ok((before, (began.elapsed(), waits), house.app.store.counted()))
}

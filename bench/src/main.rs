//! Measures the product against the bare limit of its database and writes `RESULTS.md`.
//!
//! Every figure is a ratio of two things measured in turn, A B A B …, in one run on the same disk; absolute figures are
//! there for scale only. Nothing here asserts a time; what must be equal on both sides is checked and ends the run.

mod bare;
mod client;
mod connector;
mod g1;
mod g2;
mod g7;
mod g8;
mod house;
mod orders;
mod report;
mod stock;

use anyhow::Context;
use clap::Parser;
use report::Report;
use std::path::PathBuf;
use std::time::Instant;

/// Measures Wharf against the bare limit of its database.
#[derive(Parser)]
struct Options {
    /// Pairs of measurements of each goal
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// Orders of one side of a pair of batch ingest (G1)
    #[arg(long, default_value_t = 10_000)]
    batch_orders: usize,
    /// Orders of a page of batch ingest (G1)
    #[arg(long, default_value_t = 500)]
    page: usize,
    /// Orders of one side of a pair of single writes (G2)
    #[arg(long, default_value_t = 4_000)]
    single_orders: usize,
    /// Writers at once (G2)
    #[arg(long, default_value_t = 64)]
    writers: usize,
    /// Orders stored for lists and counts (G7, G8)
    #[arg(long, default_value_t = 1_000_000)]
    orders: usize,
    /// List pages read by one side of a pair (G7)
    #[arg(long, default_value_t = 400)]
    reads: usize,
    /// Only these goals
    #[arg(long, value_delimiter = ',', default_value = "g1,g2,g7,g8")]
    only: Vec<String>,
    /// Small sizes and one pair: shows that it runs, says nothing about speed
    #[arg(long)]
    quick: bool,
    /// Where the databases are made: the disk that is measured. The one with many orders is kept for the next run
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Where the results are written; a quick run prints them unless it is told
    #[arg(long)]
    results: Option<PathBuf>,
}

/// The time, for durations alone.
#[expect(clippy::disallowed_methods, reason = "a measuring program measures time")]
fn instant() -> Instant {
    Instant::now()
}

fn main() -> anyhow::Result<()> {
    let mut options = Options::parse();
    if options.quick {
        options = Options { pairs: 1, batch_orders: 2_000, single_orders: 300, orders: 2_000, reads: 20, ..options };
    }
    anyhow::ensure!(
        options.pairs > 0 && options.batch_orders > 0 && options.single_orders > 0 && options.writers > 0 && options.reads > 0,
        "sizes must be at least 1"
    );
    anyhow::ensure!((1..=2_000).contains(&options.page), "a page is 1 to 2000 orders");
    anyhow::ensure!(options.orders >= 1_000, "lists of less than 1000 orders show nothing");
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = options.folder.clone().unwrap_or_else(|| here.join("target/databases"));
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let began = instant();
    let mut report = Report::new(&folder)?;
    let wanted = |goal: &str| options.only.iter().any(|g| g.eq_ignore_ascii_case(goal));
    if wanted("g1") {
        g1::run(&runtime, &options, &folder, &mut report)?;
    }
    if wanted("g2") {
        g2::run(&runtime, &options, &folder, &mut report)?;
    }
    if wanted("g7") || wanted("g8") {
        let full = stock::Stock::open(&runtime, &folder, options.orders)?;
        report.fact(full.told());
        if wanted("g7") {
            g7::run(&runtime, &options, &full, &mut report)?;
        }
        if wanted("g8") {
            g8::run(&runtime, &options, &full, &mut report)?;
        }
        full.close();
    }
    let page = report.finish(began.elapsed(), &here.join("HISTORY.md"))?;
    match options.results.clone().or_else(|| (!options.quick).then(|| here.join("RESULTS.md"))) {
        Some(results) => {
            std::fs::write(&results, page).with_context(|| format!("cannot write {}", results.display()))?;
            println!("{} written", results.display());
        }
        None => println!("{page}"),
    }
    Ok(())
}

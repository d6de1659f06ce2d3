//! `wharf doctor`: counters and caches against their facts.

use crate::config::{Config, StoreArgs};
use crate::setup;
use std::process::ExitCode;

/// Arguments of `wharf doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Mend counters and caches; the stock ledger is never corrected in silence
    #[arg(long)]
    repair: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Exit 0 when nothing is left to mend, 1 on drift.
pub async fn run(store: &StoreArgs, args: &Args) -> anyhow::Result<ExitCode> {
    let app = setup::open_app(setup::open_store(&Config::load(store)?)?)?;
    let report = wharf_flows::doctor::examine(&app, args.repair).await?;
    let healthy = report.is_healthy();
    if args.json {
        let drifts: Vec<_> = report
            .drifts
            .iter()
            .map(|d| serde_json::json!({ "kind": d.kind, "row": d.row, "stored": d.stored, "computed": d.computed, "repairable": d.repairable }))
            .collect();
        println!("{}", serde_json::json!({ "healthy": healthy, "repaired": report.repaired, "drifts": drifts }));
    } else {
        for drift in &report.drifts {
            let mended = if report.repaired && drift.repairable { "  (mended)" } else { "" };
            println!("{}\t{}\tstored {}\tfacts say {}{mended}", drift.kind, drift.row, drift.stored, drift.computed);
        }
        match (report.drifts.len(), healthy) {
            (0, _) => println!("healthy: every counter agrees with its facts"),
            (n, true) => println!("{n} drifts, all mended"),
            (n, false) if args.repair => {
                println!("{n} drifts; those not mended are in the stock ledger: count the goods and record a movement")
            }
            (n, false) => println!("{n} drifts; `wharf doctor --repair` mends counters and caches"),
        }
    }
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

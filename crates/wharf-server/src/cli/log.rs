//! Log lines on standard error; standard output belongs to the commands.

use super::Cli;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging as the command line says. `WHARF_LOG` names levels by module, as in `info,wharf_store=debug`.
pub fn start(cli: &Cli) {
    let default = match cli.verbose {
        0 => "warn,wharf=info,wharf_flows=info",
        1 => "info,wharf=debug,wharf_flows=debug,wharf_vendors=debug,wharf_store=debug",
        _ => "debug,wharf=trace,wharf_flows=trace,wharf_vendors=trace,wharf_store=trace",
    };
    let asked = std::env::var("WHARF_LOG").ok();
    let filter = asked.as_deref().unwrap_or(default).parse::<Targets>().unwrap_or_else(|error| {
        eprintln!("wharf: WHARF_LOG is not understood ({error}); it is left aside");
        default.parse().unwrap_or_default()
    });
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if cli.log_json { lines.json().boxed() } else { lines.with_target(false).boxed() };
    if let Err(error) = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init() {
        eprintln!("wharf: logging did not start: {error}");
    }
}

//! Log lines on standard error; standard output belongs to the commands.

use super::Cli;
use tracing_subscriber::EnvFilter;

/// Starts logging as the command line says.
pub fn start(cli: &Cli) {
    let default = match cli.verbose {
        0 => "warn,wharf=info,wharf_flows=info",
        1 => "info,wharf=debug,wharf_flows=debug,wharf_vendors=debug,wharf_store=debug",
        _ => "debug,wharf=trace,wharf_flows=trace,wharf_vendors=trace,wharf_store=trace",
    };
    let filter = EnvFilter::try_from_env("WHARF_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if cli.log_json { builder.json().try_init() } else { builder.with_target(false).try_init() };
    if let Err(error) = started {
        eprintln!("wharf: logging did not start: {error}");
    }
}

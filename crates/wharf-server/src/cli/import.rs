//! `wharf import FILE…`: files of orders into a shop, read from disk whatever their size.

use crate::config::{Config, StoreArgs};
use crate::setup;
use anyhow::{Context, bail};
use std::path::PathBuf;
use std::process::ExitCode;
use wharf_connect::files::Input;
use wharf_domain::access::Scope;
use wharf_domain::money::Currency;
use wharf_domain::word::Word;
use wharf_flows::import::{self, ImportOptions, IntoShop, Preview, TreatAs};

/// Arguments of `wharf import`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// CSV, TSV, XLS or XLSX files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Name of the shop; one that is not there is made (the first file's name when not given)
    #[arg(long)]
    shop: Option<String>,
    /// A column mapping (JSON)
    #[arg(long)]
    mapping: Option<PathBuf>,
    /// `by_status`, `history` or `live`
    #[arg(long, default_value = "by_status", value_parser = treat_as)]
    treat_as: TreatAs,
    /// Zone of times that name none
    #[arg(long, value_parser = zone)]
    zone: Option<String>,
    /// Currency where the files name none
    #[arg(long, value_parser = currency)]
    currency: Option<Currency>,
    /// Only say what would happen
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

fn treat_as(word: &str) -> Result<TreatAs, String> {
    TreatAs::parse(word)
        .map_err(|_| format!("it is one of {}", TreatAs::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", ")))
}

fn zone(name: &str) -> Result<String, String> {
    jiff::tz::TimeZone::get(name).map(|_| name.to_owned()).map_err(|_| "write it like Asia/Shanghai or UTC".to_owned())
}

fn currency(code: &str) -> Result<Currency, String> {
    Currency::new(code).map_err(|_| "write it like CNY or USD".to_owned())
}

/// Preview, then commit unless it is a dry run.
pub async fn run(store: &StoreArgs, args: &Args) -> anyhow::Result<ExitCode> {
    let app = setup::open_app(setup::open_store(&Config::load(store)?)?)?;
    for file in &args.files {
        if !file.is_file() {
            bail!("{} is no file", file.display());
        }
    }
    let shop = match (&args.shop, args.files.first().and_then(|f| f.file_stem())) {
        (Some(name), _) => name.clone(),
        (None, Some(stem)) => stem.to_string_lossy().into_owned(),
        (None, None) => bail!("name the shop with --shop"),
    };
    let mapping = match &args.mapping {
        Some(path) => {
            let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            Some(serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", path.display()))?)
        }
        None => None,
    };
    let options = ImportOptions {
        shop: IntoShop::Named(shop),
        mapping,
        treat_as: args.treat_as,
        zone: args.zone.clone(),
        currency: args.currency,
        user_id: None,
        scope: Scope::ALL,
    };
    let inputs: Vec<Input> = args.files.iter().map(|f| Input::path(f.clone())).collect();
    if args.dry_run {
        let preview = import::inspect(&app, inputs, &options).await?;
        if args.json {
            println!("{}", serde_json::json!({ "preview": preview }));
        } else {
            tell(&preview);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let view = import::preview(&app, inputs, &options).await?;
    let id = view.batch.id;
    let committed = import::commit(&app, &Scope::ALL, id).await?;
    if args.json {
        println!("{}", serde_json::json!({ "id": id.to_string(), "preview": view.preview, "result": committed }));
    } else {
        if let Some(preview) = &view.preview {
            tell(preview);
        }
        println!(
            "import {id}: {} new, {} changed, {} unchanged, {} known from the channel, {} parked",
            committed.created, committed.amended, committed.unchanged, committed.known_by_channel, committed.parked
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(preview: &Preview) {
    for file in &preview.files {
        println!("{}: {}", file.name, file.layout_name.0);
    }
    println!("{} orders ({} new, {} to be worked on), {} odd rows", preview.orders, preview.new_orders, preview.live, preview.odd_rows);
    for (cause, rows) in &preview.odd_causes {
        println!("  {rows} × {cause}");
    }
}

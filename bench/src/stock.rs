//! The database with many orders, filled by ingest and kept for the next run: a copy that another schema or another
//! version of the orders made is thrown away.

use crate::house::{House, SHOPS, app_on, open, wait_for_log};
use crate::instant;
use crate::orders::{VERSION, first_placed, order};
use crate::report::{number, rate};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Runtime;
use wharf_domain::access::Scope;
use wharf_domain::id::ShopId;
use wharf_domain::time::Timestamp;
use wharf_flows::app::App;
use wharf_store::shops;

/// Orders of a page while it is filled.
const PAGE: usize = 1_000;

/// Many orders, and what is known of them.
pub struct Stock {
    /// Flows run on it.
    pub app: Arc<App>,
    /// Its shops.
    pub shops: Vec<ShopId>,
    /// The database file.
    pub file: PathBuf,
    /// When its first order was placed.
    pub first: Timestamp,
    told: String,
}

impl Stock {
    /// The one of an earlier run, or a new one.
    pub fn open(runtime: &Runtime, folder: &Path, count: usize) -> anyhow::Result<Stock> {
        let home = folder.join(format!("orders-{count}"));
        let mark = home.join("made-by.txt");
        let wanted = made_by(folder)?;
        let known =
            std::fs::read_to_string(&mark).ok().and_then(|text| Some((text.lines().next()?.to_owned(), text.lines().nth(1)?.to_owned())));
        let told = match known {
            Some((made, told)) if made == wanted => told,
            _ => {
                let told = fill(runtime, &home, count)?;
                std::fs::write(&mark, format!("{wanted}\n{told}\n")).with_context(|| format!("cannot write {}", mark.display()))?;
                told
            }
        };
        let (store, file) = open(&home)?;
        let app = app_on(store);
        let shops = runtime.block_on(app.store.read(|tx| shops::list(tx, &Scope::ALL)))?;
        let shops: Vec<ShopId> = shops.into_iter().map(|shop| shop.id).collect();
        anyhow::ensure!(shops.len() == SHOPS, "the kept database has {} shops", shops.len());
        let first = crate::bare::open(&file)?.query_row("SELECT MIN(placed_at) FROM orders", [], |row| row.get(0))?;
        Ok(Stock { app, shops, file, first: Timestamp(first), told })
    }

    /// How it was made.
    pub fn told(&self) -> String {
        self.told.clone()
    }

    /// Closes it; the file stays.
    pub fn close(self) {
        let Stock { app, file, .. } = self;
        drop(app);
        wait_for_log(&file);
    }
}

/// What a kept database must have been made by.
fn made_by(folder: &Path) -> anyhow::Result<String> {
    let empty = House::fresh(&folder.join("schema"))?;
    let schema: String = crate::bare::open(&empty.file)?.query_row(
        "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name)",
        [],
        |row| row.get(0),
    )?;
    empty.close()?;
    // FNV-1a: it must only be the same for the same text.
    let hash = schema.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    Ok(format!("orders {VERSION}, schema {hash:016x}"))
}

fn fill(runtime: &Runtime, home: &Path, count: usize) -> anyhow::Result<String> {
    let house = House::fresh(home)?;
    let first = first_placed(house.app.now());
    let mut times = Vec::new();
    let began = instant();
    for (page, from) in (0..count).step_by(PAGE).enumerate() {
        let orders = (from..count.min(from + PAGE)).map(|n| order(n, count, first)).collect();
        let begun = instant();
        house.ingest(runtime, page, orders)?;
        times.push(begun.elapsed());
        if from % 100_000 == 0 {
            eprintln!("stored {from} of {count} orders after {:.0} s", began.elapsed().as_secs_f64());
        }
    }
    let tenth = times.len().div_ceil(10);
    let speed = |times: &[std::time::Duration]| rate(times.len() * PAGE, times.iter().sum());
    let (early, late) = (speed(&times[..tenth]), speed(&times[times.len() - tenth..]));
    let file = house.file.clone();
    drop(house);
    wait_for_log(&file);
    let size = std::fs::metadata(&file)?.len();
    Ok(format!(
        "lists and counts: {} orders stored by `ingest`, {PAGE} a transaction, the first tenth at {} and the last at {} orders/s ({:.0} %); the file has {:.1} GB, {} bytes an order",
        number(count as f64),
        number(early),
        number(late),
        late * 100.0 / early,
        size as f64 / 1e9,
        number(size as f64 / count as f64),
    ))
}

//! Import: files of other tools become orders of one shop. Preview reads and counts; commit writes through ingest, in
//! chunks that may stop and go on; withdraw takes back whole. docs/adr/0016-imports-can-be-withdrawn.md says what each of them promises.

mod commit;
mod compare;
mod source;
#[cfg(test)]
mod tests;
mod withdraw;

pub use commit::{Committed, commit};
pub use compare::{Compared, Difference, balance, compare};
pub use withdraw::{Withdrawn, withdraw};

use crate::app::{App, FlowError};
use serde::{Deserialize, Serialize};
use source::{Chunk, StoredFile, open, stream};
use std::collections::BTreeMap;
use std::sync::Arc;
use wharf_connect::files::{Balance, BalanceRow, FileReport, Input, OddFile, OddRow, ReadFiles, ReadOptions, ReadOrder, Refused};
use wharf_domain::access::Scope;
use wharf_domain::id::{ImportBatchId, ShopId, UserId};
use wharf_domain::money::Currency;
use wharf_domain::order::channel::ChannelHold;
use wharf_domain::time::Timestamp;
use wharf_store::imports::{self, ImportBatch, ImportState, NewImport, ODD_ROWS};
use wharf_store::shops::{self, NewShop, Shop};
use wharf_store::{Tx, blobs};

/// The channel's reason not to ship that an import gives orders which are history. Importing them again as `live`
/// takes it away.
pub const HISTORY_HOLD: &str = "imported_history";

wharf_domain::words! {
    /// Whether the orders of an import are work to be done.
    pub enum TreatAs {
        /// What is shipped, completed or cancelled is history; what waits to be shipped is work. Orders whose file names
        /// no status are history.
        ByStatus = "by_status",
        /// All is history: nothing of it will be routed or shipped.
        History = "history",
        /// What waits to be shipped is work, also where the file names no status.
        Live = "live",
    }
}

/// Which shop the orders belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntoShop {
    /// One that is there.
    Id(ShopId),
    /// One of this name; where there is none, a shop without a connection is made.
    Named(String),
}

/// What a person chooses.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportOptions {
    /// Which shop.
    pub shop: IntoShop,
    /// A column mapping, as JSON.
    pub mapping: Option<serde_json::Value>,
    /// History or work.
    pub treat_as: TreatAs,
    /// Zone of times that name none; the shop's when not given.
    pub zone: Option<String>,
    /// Currency where the files name none; the shop's when not given.
    pub currency: Option<Currency>,
    /// Who imports; `None` for the command line.
    pub user_id: Option<UserId>,
    /// What that person may see.
    pub scope: Scope,
}

/// What a preview found. Nothing of it is written to any order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// Each file.
    pub files: Vec<FileReport>,
    /// Zone in which months are counted.
    pub zone: String,
    /// Orders that could be read.
    pub orders: i64,
    /// Of them, not known in the shop yet.
    pub new_orders: i64,
    /// Of them, known from an earlier import.
    pub imported_before: i64,
    /// Of them, known from the channel itself: an import never touches those.
    pub known_by_channel: i64,
    /// Orders that will be work.
    pub live: i64,
    /// Open orders that will be held as history.
    pub held_as_history: i64,
    /// Rows that could not be read, left out ones included.
    pub odd_rows: i64,
    /// How many rows for which cause.
    pub odd_causes: BTreeMap<String, i64>,
    /// The first odd rows: file, row, cause.
    pub odd_first: Vec<(String, u64, String)>,
    /// Orders whose file tells no time.
    pub without_time: i64,
    /// Orders whose recipient is masked: they never serve as an identity.
    pub masked: i64,
    /// Figures per month, country and currency.
    pub balance: Vec<BalanceRow>,
    /// Figures per currency.
    pub totals: Vec<BalanceRow>,
    /// The largest number of orders held in memory at once.
    pub widest: i64,
}

/// An import as screens and scripts see it.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportView {
    /// The stored import.
    pub batch: ImportBatch,
    /// What its preview found.
    pub preview: Option<Preview>,
}

fn refused(refused: Refused) -> FlowError {
    FlowError::Invalid { field: refused.file, why: refused.why }
}

/// The one vendor that reads files.
fn reader(app: &App) -> Result<&'static dyn ReadFiles, FlowError> {
    app.vendors.iter().find_map(|vendor| vendor.files()).ok_or_else(|| FlowError::NotFound("a reader of files".to_owned()))
}

/// The shop as it is, or the one that would be made.
async fn find_shop(app: &App, options: &ImportOptions) -> Result<Option<Shop>, FlowError> {
    let (wanted, scope) = (options.shop.clone(), options.scope.clone());
    app.store
        .read(move |tx| {
            let shops = shops::list(tx, &scope)?;
            let found = shops.into_iter().find(|shop| match &wanted {
                IntoShop::Id(id) => shop.id == *id,
                IntoShop::Named(name) => shop.name == *name,
            });
            match (&wanted, &found) {
                (IntoShop::Id(id), None) => Err(FlowError::NotFound(format!("shop {id}"))),
                _ => Ok(found),
            }
        })
        .await
}

async fn make_shop(app: &App, name: String, preview: &Preview, options: &ImportOptions) -> Result<ShopId, FlowError> {
    let vendor =
        app.vendors.iter().find(|v| v.files().is_some()).ok_or_else(|| FlowError::NotFound("a reader of files".to_owned()))?.manifest();
    if name.trim().is_empty() {
        return Err(FlowError::invalid("shop", "a shop needs a name"));
    }
    // The currency of most orders is the shop's.
    let common = preview.totals.iter().max_by_key(|row| row.sums.orders + row.sums.cancellations).map(|row| row.currency);
    let currency = match options.currency.or(common) {
        Some(currency) => currency,
        None => Currency::new(vendor.currency).map_err(|e| FlowError::invalid("currency", e.to_string()))?,
    };
    let shop = NewShop {
        vendor: vendor.id.to_owned(),
        name,
        external_id: String::new(),
        credentials: BTreeMap::new(),
        settings: BTreeMap::new(),
        policy: Default::default(),
        zone: preview.zone.clone(),
        currency,
    };
    app.store.write(move |tx| Ok::<_, FlowError>(shops::create(tx, &shop)?)).await
}

fn read_options(app: &App, shop: Option<&Shop>, options: &ImportOptions, now: Timestamp) -> ReadOptions {
    let _ = app;
    ReadOptions {
        mapping: options.mapping.clone(),
        zone: options.zone.clone().or_else(|| shop.map(|s| s.zone.clone())),
        currency: options.currency.or_else(|| shop.map(|s| s.currency)),
        now,
    }
}

/// Reads the files and says what an import would do, writing nothing at all.
pub async fn inspect(app: &App, files: Vec<Input>, options: &ImportOptions) -> Result<Preview, FlowError> {
    let shop = find_shop(app, options).await?;
    let read = read_options(app, shop.as_ref(), options, app.now());
    look(app, files, read, shop.map(|s| s.id), options.treat_as, None).await
}

/// Reads the files and keeps them, sealed, with what was found: the first step of an import. No order is touched.
pub async fn preview(app: &App, files: Vec<Input>, options: &ImportOptions) -> Result<ImportView, FlowError> {
    let shop = find_shop(app, options).await?;
    let read = read_options(app, shop.as_ref(), options, app.now());
    let kept = Chosen { treat_as: options.treat_as, zone: options.zone.clone(), currency: options.currency };
    let new = NewImport {
        shop_id: shop.as_ref().map(|s| s.id),
        file_names: files.iter().map(|f| f.name.clone()).collect(),
        mapping: options.mapping.clone().unwrap_or_default(),
        options: serde_json::to_value(&kept).unwrap_or_default(),
        user_id: options.user_id,
    };
    let id = app.store.write(move |tx| Ok::<_, FlowError>(imports::create(tx, &new)?)).await?;
    let result = keep_preview(app, id, &files, read, shop, options).await;
    if result.is_err() {
        let count = files.len() as i64;
        app.store.write(move |tx| Ok::<_, FlowError>(imports::discard(tx, id, count)?)).await?;
    }
    result?;
    status(app, &options.scope, id).await
}

async fn keep_preview(
    app: &App,
    id: ImportBatchId,
    files: &[Input],
    read: ReadOptions,
    shop: Option<Shop>,
    options: &ImportOptions,
) -> Result<(), FlowError> {
    let mut odd = OddPieces { id, piece: 0, file: None };
    let found = look(app, files.to_vec(), read, shop.as_ref().map(|s| s.id), options.treat_as, Some(&mut odd)).await?;
    odd.flush(app).await?;
    for (position, file) in files.iter().enumerate() {
        source::keep(app, id, position as i64, file).await?;
    }
    let mut sources: Vec<String> = found.files.iter().map(|f| f.layout.clone()).collect();
    sources.dedup();
    let json = serde_json::to_value(&found).map_err(|e| FlowError::invalid("preview", e.to_string()))?;
    let shop_id = match (&options.shop, shop) {
        (_, Some(shop)) => shop.id,
        (IntoShop::Named(name), None) => make_shop(app, name.clone(), &found, options).await?,
        (IntoShop::Id(id), None) => return Err(FlowError::NotFound(format!("shop {id}"))),
    };
    app.store.write(move |tx| Ok::<_, FlowError>(imports::save_preview(tx, id, shop_id, &sources.join("+"), &json)?)).await
}

/// One import.
pub async fn status(app: &App, scope: &Scope, id: ImportBatchId) -> Result<ImportView, FlowError> {
    let scope = scope.clone();
    app.store
        .read(move |tx| {
            let batch = seen(tx, &scope, id)?;
            let preview = serde_json::from_value(batch.preview.clone()).ok();
            Ok(ImportView { batch, preview })
        })
        .await
}

/// Imports, latest first.
pub async fn list(app: &App, scope: &Scope, before: Option<ImportBatchId>, limit: i64) -> Result<Vec<ImportView>, FlowError> {
    let scope = scope.clone();
    app.store
        .read(move |tx| {
            let batches = imports::list(tx, &scope, before, limit)?;
            Ok(batches.into_iter().map(|batch| ImportView { preview: serde_json::from_value(batch.preview.clone()).ok(), batch }).collect())
        })
        .await
}

/// The odd rows of an import as a CSV file: the same columns, with file, row and cause in front. Empty when there are none.
pub async fn odd_file(app: &App, scope: &Scope, id: ImportBatchId) -> Result<Vec<u8>, FlowError> {
    let scope = scope.clone();
    app.store
        .read(move |tx| {
            seen(tx, &scope, id)?;
            let mut bytes = Vec::new();
            for hash in imports::pieces(tx, id, ODD_ROWS)? {
                match blobs::get(tx, &hash)? {
                    Some(blob) => bytes.extend_from_slice(&blob.bytes),
                    None => return Err(FlowError::refused("files_erased")),
                }
            }
            Ok(bytes)
        })
        .await
}

/// A column mapping proposed for a file.
pub async fn propose(app: &App, file: Input) -> Result<serde_json::Value, FlowError> {
    let reader = reader(app)?;
    tokio::task::spawn_blocking(move || reader.propose(&file))
        .await
        .map_err(|e| FlowError::invalid("file", e.to_string()))?
        .map_err(refused)
}

/// The import, when the asker may see its shop.
fn seen(tx: &mut Tx<'_>, scope: &Scope, id: ImportBatchId) -> Result<ImportBatch, FlowError> {
    let batch = imports::get(tx, id)?.filter(|b| b.shop_id.is_some_and(|shop| scope.shop(shop)));
    batch.ok_or_else(|| FlowError::NotFound(format!("import {id}")))
}

/// What of the options is kept with the import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Chosen {
    treat_as: TreatAs,
    #[serde(default)]
    zone: Option<String>,
    #[serde(default)]
    currency: Option<Currency>,
}

/// True when an order that still waits is to be held as history.
fn is_history(read: &ReadOrder, treat_as: TreatAs) -> bool {
    !read.is_closed()
        && match treat_as {
            TreatAs::History => true,
            TreatAs::ByStatus => !read.knows.status,
            TreatAs::Live => false,
        }
}

/// Says on the order itself whether it is history.
fn mark(read: &mut ReadOrder, treat_as: TreatAs) {
    read.order.do_not_ship.retain(|hold| hold.code != HISTORY_HOLD);
    if is_history(read, treat_as) {
        read.order.do_not_ship.push(ChannelHold { code: HISTORY_HOLD.to_owned(), text: String::new() });
    }
}

async fn look(
    app: &App,
    files: Vec<Input>,
    options: ReadOptions,
    shop: Option<ShopId>,
    treat_as: TreatAs,
    mut odd: Option<&mut OddPieces>,
) -> Result<Preview, FlowError> {
    let opened = open(reader(app)?, files, options).await?;
    let zone = jiff::tz::TimeZone::get(opened.zone()).unwrap_or(jiff::tz::TimeZone::UTC);
    let mut balance = Balance::default();
    let mut preview = Preview {
        files: opened.reports().to_vec(),
        zone: opened.zone().to_owned(),
        orders: 0,
        new_orders: 0,
        imported_before: 0,
        known_by_channel: 0,
        live: 0,
        held_as_history: 0,
        odd_rows: 0,
        odd_causes: BTreeMap::new(),
        odd_first: Vec::new(),
        without_time: 0,
        masked: 0,
        balance: Vec::new(),
        totals: Vec::new(),
        widest: 0,
    };
    let mut chunks = stream(Arc::clone(&opened));
    while let Some(chunk) = chunks.next().await? {
        match chunk {
            Chunk::Rows { orders, odd: rows } => {
                if let Some(odd) = odd.as_deref_mut() {
                    odd.add(app, &rows, &preview.files).await?;
                }
                for row in &rows {
                    preview.odd_rows += 1;
                    *preview.odd_causes.entry(row.cause.code.clone()).or_default() += 1;
                    if preview.odd_first.len() < 20 {
                        let name = preview.files.get(row.file).map(|f| f.name.clone()).unwrap_or_default();
                        preview.odd_first.push((name, row.row, row.cause.text()));
                    }
                }
                for read in &orders {
                    preview.orders += 1;
                    let history = is_history(read, treat_as);
                    preview.live += i64::from(!read.is_closed() && !history);
                    preview.held_as_history += i64::from(history);
                    preview.without_time += i64::from(!read.knows.placed);
                    preview.masked += i64::from(read.order.recipient.as_ref().is_some_and(|r| r.masked));
                    balance.count(read, &zone);
                }
                let known = match shop {
                    None => Default::default(),
                    Some(shop) => {
                        let externals: Vec<String> = orders.iter().map(|r| r.order.external_id.clone()).collect();
                        app.store.read(move |tx| Ok::<_, FlowError>(imports::origins(tx, shop, &externals)?)).await?
                    }
                };
                for read in &orders {
                    match known.get(&read.order.external_id) {
                        None => preview.new_orders += 1,
                        Some(origin) if origin.import_batch_id.is_none() => preview.known_by_channel += 1,
                        Some(_) => preview.imported_before += 1,
                    }
                }
            }
            Chunk::End { widest } => preview.widest = widest as i64,
        }
    }
    preview.balance = balance.rows();
    preview.totals = balance.totals();
    Ok(preview)
}

/// Odd rows on their way into sealed pieces.
struct OddPieces {
    id: ImportBatchId,
    piece: i64,
    file: Option<OddFile>,
}

impl OddPieces {
    async fn add(&mut self, app: &App, rows: &[OddRow], reports: &[FileReport]) -> Result<(), FlowError> {
        let file = self.file.get_or_insert_with(|| OddFile::new(reports));
        for row in rows {
            file.add(row, reports);
        }
        if file.waiting() >= source::PIECE { self.flush(app).await } else { Ok(()) }
    }

    async fn flush(&mut self, app: &App) -> Result<(), FlowError> {
        let Some(file) = self.file.as_mut().filter(|f| f.waiting() > 0) else { return Ok(()) };
        let (id, piece, bytes) = (self.id, self.piece, file.take());
        self.piece += 1;
        app.store.write(move |tx| Ok::<_, FlowError>(imports::add_piece(tx, id, ODD_ROWS, piece, "odd-rows.csv", &bytes)?)).await
    }
}

/// The files of an import as they were kept.
async fn stored_files(app: &App, batch: &ImportBatch) -> Result<Vec<Input>, FlowError> {
    let id = batch.id;
    let count = batch.file_names.len() as i64;
    let pieces = app
        .store
        .read(move |tx| (0..count).map(|p| imports::pieces(tx, id, p)).collect::<Result<Vec<_>, _>>().map_err(FlowError::from))
        .await?;
    let runtime = tokio::runtime::Handle::current();
    Ok(batch
        .file_names
        .iter()
        .zip(pieces)
        .map(|(name, pieces)| Input {
            name: name.clone(),
            bytes: Arc::new(StoredFile { store: app.store.clone(), runtime: runtime.clone(), pieces }),
        })
        .collect())
}

/// The state from which a commit may start or go on.
const COMMITTABLE: &[ImportState] = &[ImportState::Previewed, ImportState::Committing];

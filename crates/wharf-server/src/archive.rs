//! The dump as files: `manifest.json` with counts and checksums, and one JSON-lines file a table. A folder (export) or one
//! `.tar.gz` (backup); both come back by `wharf restore`. Taken from one consistent state of the database while it runs.

use anyhow::{Context, bail};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use wharf_store::{Store, StoreError, dump};

/// Rows of one page.
const PAGE: usize = 2_000;
/// The first line of trust: what this file is.
const FORMAT: &str = "wharf-dump";

/// What is in a dump.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// Always `wharf-dump`.
    pub format: String,
    /// Version of the format.
    pub format_version: u32,
    /// The program that wrote it.
    pub program: String,
    /// When, RFC 3339.
    pub created_at: String,
    /// Print of the key that sealed columns need: the key itself is not in the dump.
    pub key_print: String,
    /// The tables.
    pub tables: Vec<Table>,
}

/// One table of a dump.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Table {
    /// Name.
    pub name: String,
    /// File, relative to the manifest.
    pub file: String,
    /// Rows.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file, hex.
    pub sha256: String,
}

#[derive(Debug, thiserror::Error)]
enum DumpError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot write the dump: {0}")]
    Io(#[from] std::io::Error),
    #[error("cannot write the dump: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the database holds data already ({0} has rows): restore into a new folder with --data, or an empty database with --database")]
    NotEmpty(String),
}

/// Writes the whole database into an empty or new folder.
pub async fn write_folder(store: &Store, folder: &Path, created_at: String) -> anyhow::Result<Manifest> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    if std::fs::read_dir(folder)?.next().is_some() {
        bail!("the folder {} is not empty: name a new one", folder.display());
    }
    std::fs::create_dir(folder.join("tables"))?;
    let key_print = store.keys().blind("key", "print");
    let into = folder.to_owned();
    let manifest = store
        .read(move |tx| -> Result<Manifest, DumpError> {
            let mut tables = Vec::with_capacity(dump::TABLES.len());
            for (name, _) in dump::TABLES {
                let file = format!("tables/{name}.jsonl");
                let mut out = BufWriter::new(File::create(into.join(&file))?);
                let (mut digest, mut rows, mut bytes) = (Sha256::new(), 0u64, 0u64);
                let mut after = None;
                loop {
                    let page = dump::page(tx, name, after.as_deref(), PAGE)?;
                    for row in &page {
                        let mut line = serde_json::to_vec(row)?;
                        line.push(b'\n');
                        digest.update(&line);
                        bytes += line.len() as u64;
                        rows += 1;
                        out.write_all(&line)?;
                    }
                    match page.last() {
                        Some(last) if page.len() == PAGE => after = Some(dump::key_of(name, last)?),
                        _ => break,
                    }
                }
                out.into_inner().map_err(|e| e.into_error())?.sync_all()?;
                tables.push(Table { name: (*name).to_owned(), file, rows, bytes, sha256: hex::encode(digest.finalize()) });
            }
            Ok(Manifest {
                format: FORMAT.to_owned(),
                format_version: 1,
                program: format!("wharf {}", env!("CARGO_PKG_VERSION")),
                created_at,
                key_print,
                tables,
            })
        })
        .await?;
    let mut out = File::create(folder.join("manifest.json"))?;
    out.write_all(&serde_json::to_vec_pretty(&manifest)?)?;
    out.sync_all()?;
    Ok(manifest)
}

/// Packs a dump folder into one file, written beside its final name and renamed when it is whole.
pub fn pack(folder: &Path, file: &Path) -> anyhow::Result<()> {
    let partial = file.with_extension("partial");
    let mut tar = tar::Builder::new(GzEncoder::new(BufWriter::new(File::create(&partial)?), Compression::default()));
    tar.append_dir_all(".", folder)?;
    tar.into_inner()?.finish()?.into_inner().map_err(|e| e.into_error())?.sync_all()?;
    std::fs::rename(&partial, file).with_context(|| format!("cannot write {}", file.display()))
}

/// Unpacks a backup into a folder.
pub fn unpack(file: &Path, folder: &Path) -> anyhow::Result<()> {
    let packed = File::open(file).with_context(|| format!("cannot read the backup {}", file.display()))?;
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(packed)));
    archive.unpack(folder).with_context(|| format!("{} is no backup of Wharf", file.display()))
}

/// Loads a dump folder into an empty database, checking every checksum first. All of it or nothing.
pub async fn load_folder(store: &Store, folder: &Path) -> anyhow::Result<Manifest> {
    let manifest: Manifest = serde_json::from_reader(BufReader::new(
        File::open(folder.join("manifest.json")).with_context(|| format!("{} holds no manifest.json", folder.display()))?,
    ))
    .context("manifest.json cannot be read")?;
    if manifest.format != FORMAT || manifest.format_version != 1 {
        bail!("this is {} {}, not {FORMAT} 1", manifest.format, manifest.format_version);
    }
    if manifest.key_print != store.keys().blind("key", "print") {
        bail!("the dump was sealed with another key: put its key file into the data folder (or WHARF_KEY) first");
    }
    for table in &manifest.tables {
        verify(folder, table)?;
    }
    let (from, tables) = (folder.to_owned(), manifest.tables.clone());
    store
        .write(move |tx| -> Result<(), DumpError> {
            // What a fresh database already holds (its settings, built-in roles) is in the dump as well.
            let fresh = |name: &str| matches!(name, "settings" | "roles");
            for (name, _) in dump::TABLES {
                if !fresh(name) && dump::count(tx, name)? > 0 {
                    return Err(DumpError::NotEmpty((*name).to_owned()));
                }
            }
            for (name, _) in dump::TABLES {
                if fresh(name) {
                    dump::clear(tx, name)?;
                }
                let Some(table) = tables.iter().find(|t| t.name == *name) else { continue };
                let mut batch: Vec<Map<String, Json>> = Vec::with_capacity(PAGE);
                for line in BufReader::new(File::open(from.join(&table.file))?).lines() {
                    batch.push(serde_json::from_str(&line?)?);
                    if batch.len() == PAGE {
                        dump::load(tx, name, &batch)?;
                        batch.clear();
                    }
                }
                dump::load(tx, name, &batch)?;
            }
            Ok(())
        })
        .await?;
    Ok(manifest)
}

fn verify(folder: &Path, table: &Table) -> anyhow::Result<()> {
    if table.file.contains("..") || Path::new(&table.file).is_absolute() {
        bail!("the manifest names a file outside of the dump: {}", table.file);
    }
    let mut reader = BufReader::new(File::open(folder.join(&table.file)).with_context(|| format!("{} is missing", table.file))?);
    let mut digest = Sha256::new();
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        digest.update(chunk);
        let used = chunk.len();
        reader.consume(used);
    }
    let found = hex::encode(digest.finalize());
    if found != table.sha256 {
        bail!("{} was changed or cut: its checksum is {found}, the manifest says {}", table.file, table.sha256);
    }
    Ok(())
}

//! Files on their way: kept in the store in sealed pieces, read back piece by piece, and parsed on a thread of their own
//! that hands chunks of orders to the flow. At no time is a whole file in memory, unless it is a workbook.

use super::refused;
use crate::app::{App, FlowError};
use std::io::{self, Read};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use wharf_connect::files::{Bytes, Input, Item, OddRow, OpenedFiles, ReadFiles, ReadOptions, ReadOrder, Refused};
use wharf_domain::id::ImportBatchId;
use wharf_store::{Store, StoreError, blobs, imports};

/// The size of one sealed piece.
pub(super) const PIECE: usize = 1 << 20;
/// How many orders are written in one unit of work.
const CHUNK_ORDERS: usize = 200;
/// How many lines are written in one unit of work, about.
const CHUNK_LINES: usize = 2_000;

/// Part of what was read.
pub(super) enum Chunk {
    /// Orders and odd rows, in the order of the file.
    Rows { orders: Vec<ReadOrder>, odd: Vec<OddRow> },
    /// All is read; this many orders were open at once at most.
    End { widest: usize },
}

/// Keeps a file in sealed pieces.
pub(super) async fn keep(app: &App, id: ImportBatchId, position: i64, file: &Input) -> Result<(), FlowError> {
    app.store.write(move |tx| Ok::<_, FlowError>(imports::clear_pieces(tx, id, position)?)).await?;
    let broken = |e: io::Error| FlowError::invalid(file.name.clone(), e.to_string());
    let mut reader = file.bytes.open().map_err(broken)?;
    let mut number = 0;
    loop {
        let (back, bytes) = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::with_capacity(PIECE);
            let read = reader.by_ref().take(PIECE as u64).read_to_end(&mut bytes);
            (reader, read.map(|_| bytes))
        })
        .await
        .map_err(|e| FlowError::invalid(file.name.clone(), e.to_string()))?;
        reader = back;
        let bytes = bytes.map_err(broken)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let name = file.name.clone();
        app.store.write(move |tx| Ok::<_, FlowError>(imports::add_piece(tx, id, position, number, &name, &bytes)?)).await?;
        number += 1;
    }
}

/// A file that is read from its sealed pieces. It is read on blocking threads only.
pub(super) struct StoredFile {
    pub(super) store: Store,
    pub(super) runtime: Handle,
    pub(super) pieces: Vec<String>,
}

struct Pieces {
    store: Store,
    runtime: Handle,
    left: std::vec::IntoIter<String>,
    now: io::Cursor<Vec<u8>>,
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.now.read(out)?;
            if n > 0 || out.is_empty() {
                return Ok(n);
            }
            let Some(hash) = self.left.next() else { return Ok(0) };
            let found = self.runtime.block_on(self.store.read(move |tx| blobs::get(tx, &hash)));
            let blob = found.map_err(|e: StoreError| io::Error::other(e.to_string()))?;
            let blob = blob.ok_or_else(|| io::Error::other("the file was erased on schedule: hand it in again"))?;
            self.now = io::Cursor::new(blob.bytes);
        }
    }
}

impl Bytes for StoredFile {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Pieces {
            store: self.store.clone(),
            runtime: self.runtime.clone(),
            left: self.pieces.clone().into_iter(),
            now: io::Cursor::new(Vec::new()),
        }))
    }
}

/// Recognises files on a blocking thread.
pub(super) async fn open(
    reader: &'static dyn ReadFiles,
    files: Vec<Input>,
    options: ReadOptions,
) -> Result<Arc<dyn OpenedFiles>, FlowError> {
    if files.is_empty() {
        return Err(FlowError::invalid("files", "no file was given"));
    }
    let opened = tokio::task::spawn_blocking(move || reader.open(&files, &options)).await;
    opened.map_err(|e| FlowError::invalid("files", e.to_string()))?.map(Arc::from).map_err(refused)
}

/// Chunks as they are read.
pub(super) struct Chunks {
    receiver: mpsc::Receiver<Result<Chunk, Refused>>,
}

impl Chunks {
    /// The next chunk, `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Chunk>, FlowError> {
        self.receiver.recv().await.transpose().map_err(refused)
    }
}

/// Parses on a thread of its own; two chunks wait at most, then the parser waits.
pub(super) fn stream(opened: Arc<dyn OpenedFiles>) -> Chunks {
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        let (mut orders, mut odd, mut lines) = (Vec::new(), Vec::new(), 0);
        let result = opened.read(&mut |item| {
            match item {
                Item::Order(read) => {
                    lines += read.order.lines.len();
                    orders.push(*read);
                }
                Item::Odd(row) => odd.push(row),
            }
            if orders.len() < CHUNK_ORDERS && lines < CHUNK_LINES && odd.len() < 1_000 {
                return true;
            }
            lines = 0;
            let chunk = Chunk::Rows { orders: std::mem::take(&mut orders), odd: std::mem::take(&mut odd) };
            sender.blocking_send(Ok(chunk)).is_ok()
        });
        let end = match result {
            Ok(widest) => {
                let _ = sender.blocking_send(Ok(Chunk::Rows { orders, odd }));
                Ok(Chunk::End { widest })
            }
            Err(refused) => Err(refused),
        };
        // Nobody listens any more: whoever asked has gone.
        let _ = sender.blocking_send(end);
    });
    Chunks { receiver }
}

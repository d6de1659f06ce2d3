//! The print ledger: what came out of which printer, when, and why a second time.

use crate::{StoreError, Tx, Value};
use std::collections::HashMap;
use wharf_domain::id::{RowId, ShipmentId, UserId, WaybillId};
use wharf_domain::time::Timestamp;

/// One file that went to a printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBatch {
    /// `label` · `pick_list` · `packing_slip` · `manifest`.
    pub kind: &'static str,
    /// Which station asked for it.
    pub station: String,
    /// Who.
    pub user_id: Option<UserId>,
    /// The file.
    pub blob_hash: Option<String>,
    /// Pages that stand for a parcel or list.
    pub document_count: i64,
}

/// One document of a batch that belongs to a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPrint {
    /// The parcel.
    pub shipment_id: ShipmentId,
    /// The waybill, for labels.
    pub waybill_id: Option<WaybillId>,
    /// 1 for the first.
    pub copy: i64,
    /// Why there is a second.
    pub cause: String,
}

/// Writes a batch and its prints. Two stations that print the same copy of a label at once: one gets
/// [`StoreError::Conflict`] on `prints_copy`.
pub fn record(tx: &mut Tx<'_>, batch: &NewBatch, prints: &[NewPrint]) -> Result<RowId, StoreError> {
    let now = tx.now();
    let id: RowId = tx.new_id();
    tx.execute(
        "INSERT INTO print_batches (id, kind, station, user_id, blob_hash, document_count, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            id.into(),
            batch.kind.into(),
            batch.station.as_str().into(),
            batch.user_id.into(),
            batch.blob_hash.as_deref().into(),
            batch.document_count.into(),
            now.into(),
        ],
    )?;
    let rows: Vec<Vec<Value>> = prints
        .iter()
        .map(|p| {
            vec![
                Value::Int(tx.new_id()),
                id.into(),
                p.shipment_id.into(),
                p.waybill_id.into(),
                batch.kind.into(),
                p.copy.into(),
                p.cause.as_str().into(),
                now.into(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        tx.insert_many("INSERT INTO prints (id, print_batch_id, shipment_id, waybill_id, kind, copy, cause, at)", &rows, "")?;
    }
    Ok(id)
}

/// Copies so far of the labels of some waybills.
pub fn copies(tx: &mut Tx<'_>, waybills: &[WaybillId]) -> Result<HashMap<WaybillId, i64>, StoreError> {
    let ids: Vec<Value> = waybills.iter().map(|id| (*id).into()).collect();
    tx.query_in(
        "SELECT waybill_id, CAST(MAX(copy) AS BIGINT) FROM prints WHERE kind = 'label' AND waybill_id IN ({ids}) GROUP BY waybill_id",
        &ids,
        &[],
    )?
    .iter()
    .map(|row| Ok((row.id(0)?, row.int(1)?)))
    .collect()
}

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// Row.
    pub id: RowId,
    /// The file it was part of.
    pub batch_id: RowId,
    /// When.
    pub at: Timestamp,
    /// Which station.
    pub station: String,
    /// Who.
    pub user_id: Option<UserId>,
    /// What kind.
    pub kind: String,
    /// The parcel.
    pub shipment_id: ShipmentId,
    /// Its number then.
    pub waybill_number: Option<String>,
    /// Which copy.
    pub copy: i64,
    /// Why a further one.
    pub cause: String,
}

/// The ledger, latest first, keyset by id; of one parcel or of all.
pub fn ledger(tx: &mut Tx<'_>, shipment: Option<ShipmentId>, before: Option<RowId>, limit: i64) -> Result<Vec<LedgerRow>, StoreError> {
    let mut params: Vec<Value> = vec![before.map_or(i64::MAX, |b| b.0).into(), limit.into()];
    let only = match shipment {
        Some(id) => {
            params.push(id.into());
            "AND p.shipment_id = $3"
        }
        None => "",
    };
    tx.query(
        &format!(
            "SELECT p.id, p.print_batch_id, p.at, b.station, b.user_id, p.kind, p.shipment_id, COALESCE(w.number, s.waybill_number), p.copy, p.cause \
             FROM prints p JOIN print_batches b ON b.id = p.print_batch_id JOIN shipments s ON s.id = p.shipment_id \
             LEFT JOIN waybills w ON w.id = p.waybill_id WHERE p.id < $1 {only} ORDER BY p.id DESC LIMIT $2"
        ),
        &params,
    )?
    .iter()
    .map(|row| {
        Ok(LedgerRow {
            id: row.id(0)?,
            batch_id: row.id(1)?,
            at: row.time(2)?,
            station: row.text(3)?,
            user_id: row.opt_id(4)?,
            kind: row.text(5)?,
            shipment_id: row.id(6)?,
            waybill_number: row.opt_text(7)?,
            copy: row.int(8)?,
            cause: row.text(9)?,
        })
    })
    .collect()
}

/// The parcels whose documents are in a batch, each once.
pub fn parcels(tx: &mut Tx<'_>, batch: RowId) -> Result<Vec<ShipmentId>, StoreError> {
    tx.query("SELECT DISTINCT shipment_id FROM prints WHERE print_batch_id = $1", &[batch.into()])?.iter().map(|row| row.id(0)).collect()
}

/// The file of a batch: kind and blob hash.
pub fn batch(tx: &mut Tx<'_>, id: RowId) -> Result<Option<(String, Option<String>)>, StoreError> {
    tx.query_opt("SELECT kind, blob_hash FROM print_batches WHERE id = $1", &[id.into()])?
        .map(|row| Ok((row.text(0)?, row.opt_text(1)?)))
        .transpose()
}

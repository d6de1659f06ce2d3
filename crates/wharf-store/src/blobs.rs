//! Bytes by their hash: raw payloads of channels, labels, files. Equal bytes are stored once. What may hold personal data is
//! sealed and has a date on which it is erased.

use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::Value;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use wharf_domain::time::Timestamp;

/// Bytes to be stored.
pub struct NewBlob<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Media type.
    pub media_type: &'a str,
    /// May hold personal data.
    pub sealed: bool,
    /// When they are erased.
    pub expires_at: Option<Timestamp>,
}

/// Stored bytes, opened.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob {
    /// Media type.
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// When they were stored first.
    pub created_at: Timestamp,
}

/// The name of bytes. That of sealed bytes is keyed: a guess of their content cannot be checked without the key.
fn name(tx: &Tx<'_>, bytes: &[u8], sealed: bool) -> String {
    let hash = hex::encode(Sha256::digest(bytes));
    if sealed { tx.keys().blind("blob", &hash) } else { hash }
}

/// The name that bytes have or would have.
pub fn name_of(tx: &Tx<'_>, bytes: &[u8], sealed: bool) -> String {
    name(tx, bytes, sealed)
}

/// The names that sealed bytes have, or would have: nothing is stored.
pub fn sealed_names(tx: &Tx<'_>, blobs: &[&[u8]]) -> Vec<String> {
    blobs.iter().map(|bytes| name(tx, bytes, true)).collect()
}

/// Lets blobs end at an instant, where they do not end before.
pub fn expire(tx: &mut Tx<'_>, hashes: &[String], at: Timestamp) -> Result<u64, StoreError> {
    let ids: Vec<Value> = hashes.iter().map(Into::into).collect();
    tx.execute_in("UPDATE blobs SET expires_at = $1 WHERE (expires_at IS NULL OR expires_at > $1) AND hash IN ({ids})", &ids, &[at.into()])
}

/// Stores bytes and answers their name.
pub fn put(tx: &mut Tx<'_>, bytes: &[u8], media_type: &str, sealed: bool, expires_at: Option<Timestamp>) -> Result<String, StoreError> {
    let names = put_many(tx, &[NewBlob { bytes, media_type, sealed, expires_at }])?;
    names.into_iter().next().ok_or_else(|| StoreError::Database("no blob was stored".to_owned()))
}

/// Stores many at once and answers their names in the same order. Bytes that are there already live as long as the
/// longer of both dates says.
pub fn put_many(tx: &mut Tx<'_>, blobs: &[NewBlob<'_>]) -> Result<Vec<String>, StoreError> {
    let now = tx.now();
    let names: Vec<String> = blobs.iter().map(|blob| name(tx, blob.bytes, blob.sealed)).collect();
    let ids: Vec<Value> = names.iter().map(Into::into).collect();
    // Known bytes are the usual case of a repeated pull: they are not sealed and sent again.
    let known: HashSet<String> =
        tx.query_in("SELECT hash FROM blobs WHERE hash IN ({ids})", &ids, &[])?.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?;
    let (mut fresh, mut longer, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (blob, name) in blobs.iter().zip(&names) {
        if known.contains(name) || !seen.insert(name) {
            longer.push(vec![name.into(), blob.expires_at.into()]);
            continue;
        }
        let stored = if blob.sealed { tx.keys().seal(blob.bytes) } else { blob.bytes.to_vec() };
        fresh.push(vec![name.into(), blob.media_type.into(), blob.sealed.into(), stored.into(), now.into(), blob.expires_at.into()]);
    }
    tx.insert_many("INSERT INTO blobs (hash, media_type, sealed, bytes, created_at, expires_at)", &fresh, "ON CONFLICT (hash) DO NOTHING")?;
    tx.execute_rows(
        "UPDATE blobs SET expires_at = CAST(v.column2 AS BIGINT) FROM {rows} AS v WHERE blobs.hash = v.column1 AND blobs.expires_at IS NOT NULL \
         AND (v.column2 IS NULL OR CAST(v.column2 AS BIGINT) > blobs.expires_at)",
        &longer,
        &[],
    )?;
    Ok(names)
}

/// The bytes of a name, if they are still there.
pub fn get(tx: &mut Tx<'_>, hash: &str) -> Result<Option<Blob>, StoreError> {
    let Some(row) = tx.query_opt("SELECT hash, media_type, sealed, bytes, created_at FROM blobs WHERE hash = $1", &[hash.into()])? else {
        return Ok(None);
    };
    let stored = row.blob(3)?;
    let bytes = if row.bool(2)? { tx.keys().open(&stored).map_err(|_| row.inconsistent(3))? } else { stored };
    Ok(Some(Blob { media_type: row.text(1)?, bytes, created_at: row.time(4)? }))
}

/// Erases what is past its date. Answers how many.
pub fn erase_expired(tx: &mut Tx<'_>, limit: i64) -> Result<u64, StoreError> {
    let now = tx.now();
    tx.execute(
        "DELETE FROM blobs WHERE hash IN (SELECT hash FROM blobs WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        &[now.into(), limit.into()],
    )
}

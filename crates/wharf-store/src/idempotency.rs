//! The same POST with the same `Idempotency-Key` gives the same answer for a day.

use crate::error::StoreError;
use crate::tx::Tx;
use wharf_domain::id::UserId;
use wharf_domain::time::{DAY, SECOND};

/// How long a key is honoured.
pub const KEPT: i64 = DAY;
/// A call that is being done says so again within this time ([`renew`]); one that did not is taken for dead. It is short
/// because a program that was killed leaves its caller waiting that long.
const ABANDONED: i64 = 30 * SECOND;

/// What a key means for a request that just arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Nobody has asked this before: do it, then [`complete`].
    Fresh,
    /// It was asked and answered: say the same.
    Answered {
        /// HTTP status.
        http_status: i64,
        /// Body.
        response: Vec<u8>,
    },
    /// It was asked and is still being done.
    UnderWay,
    /// The key was used for another request.
    Mismatch,
}

/// Takes a key for a request. Commit it before the work begins.
pub fn begin(tx: &mut Tx<'_>, user: UserId, key: &str, request_hash: &str) -> Result<Begun, StoreError> {
    let now = tx.now();
    let changed = tx.execute(
        "INSERT INTO idempotency (user_id, idempotency_key, request_hash, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (user_id, idempotency_key) DO UPDATE SET request_hash = excluded.request_hash, http_status = NULL, response = NULL, \
           created_at = excluded.created_at \
         WHERE idempotency.created_at < $5 OR (idempotency.http_status IS NULL AND idempotency.created_at < $6 AND idempotency.request_hash = excluded.request_hash)",
        &[user.into(), key.into(), request_hash.into(), now.into(), now.plus(-KEPT).into(), now.plus(-ABANDONED).into()],
    )?;
    if changed == 1 {
        return Ok(Begun::Fresh);
    }
    let row = tx.query_opt(
        "SELECT user_id, request_hash, http_status, response FROM idempotency WHERE user_id = $1 AND idempotency_key = $2",
        &[user.into(), key.into()],
    )?;
    let Some(row) = row else { return Ok(Begun::UnderWay) };
    if row.str(1)? != request_hash {
        return Ok(Begun::Mismatch);
    }
    match (row.opt_int(2)?, row.opt_blob(3)?) {
        (Some(http_status), response) => {
            let sealed = response.ok_or_else(|| row.inconsistent(3))?;
            let response = tx.keys().open(&sealed).map_err(|_| row.inconsistent(3))?;
            Ok(Begun::Answered { http_status, response })
        }
        (None, _) => Ok(Begun::UnderWay),
    }
}

/// Says that the call is still being done.
pub fn renew(tx: &mut Tx<'_>, user: UserId, key: &str) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(
        "UPDATE idempotency SET created_at = $3 WHERE user_id = $1 AND idempotency_key = $2 AND http_status IS NULL",
        &[user.into(), key.into(), now.into()],
    )?;
    Ok(())
}

/// Keeps the answer. It is sealed: an answer may show personal data.
pub fn complete(tx: &mut Tx<'_>, user: UserId, key: &str, http_status: i64, response: &[u8]) -> Result<(), StoreError> {
    let sealed = tx.keys().seal(response);
    tx.execute(
        "UPDATE idempotency SET http_status = $3, response = $4 WHERE user_id = $1 AND idempotency_key = $2",
        &[user.into(), key.into(), http_status.into(), sealed.into()],
    )?;
    Ok(())
}

/// Frees a key whose request did nothing (a server error): the same call may be tried again at once.
pub fn abandon(tx: &mut Tx<'_>, user: UserId, key: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM idempotency WHERE user_id = $1 AND idempotency_key = $2 AND http_status IS NULL", &[user.into(), key.into()])?;
    Ok(())
}

/// Frees the keys of all calls that have not answered: for a program that has just started and knows that no other serves
/// this database.
pub fn abandon_all(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM idempotency WHERE http_status IS NULL", &[])
}

/// Removes what is older than a day.
pub fn purge(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    let before = tx.now().plus(-KEPT);
    tx.execute("DELETE FROM idempotency WHERE created_at < $1", &[before.into()])
}

//! The audit log: who opened personal data, who changed what is not an order, who signed in. Append-only.

use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::Value;
use wharf_domain::id::{RowId, UserId};
use wharf_domain::time::Timestamp;

/// One thing that somebody did.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// The person; `None` for the command line and failed sign-ins.
    pub user_id: Option<UserId>,
    /// Their name at that time, or what acted.
    pub actor: String,
    /// A word such as `personal.opened`.
    pub action: String,
    /// A noun such as `order`.
    pub target_kind: String,
    /// Which one.
    pub target_id: Option<i64>,
    /// Values for the sentence. Never personal data, never a secret.
    pub detail: serde_json::Value,
    /// Network address it came from.
    pub address: String,
}

/// A stored entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Audited {
    /// Which.
    pub id: RowId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub entry: AuditEntry,
}

/// Which entries a list wants. Latest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Of this person.
    pub user_id: Option<UserId>,
    /// With this action.
    pub action: Option<String>,
    /// About this noun.
    pub target_kind: Option<String>,
    /// About this one.
    pub target_id: Option<i64>,
    /// Older than this one: where the page before ended.
    pub before: Option<RowId>,
}

/// Writes one entry.
pub fn record(tx: &mut Tx<'_>, entry: AuditEntry) -> Result<(), StoreError> {
    record_many(tx, vec![entry])
}

/// Writes entries.
pub fn record_many(tx: &mut Tx<'_>, entries: Vec<AuditEntry>) -> Result<(), StoreError> {
    let at = tx.now();
    let rows: Vec<Vec<Value>> = entries
        .into_iter()
        .map(|entry| {
            let id: RowId = tx.new_id();
            vec![
                id.into(),
                at.into(),
                entry.user_id.into(),
                entry.actor.into(),
                entry.action.into(),
                entry.target_kind.into(),
                entry.target_id.into(),
                entry.detail.into(),
                entry.address.into(),
            ]
        })
        .collect();
    tx.insert_many("INSERT INTO audit (id, at, user_id, actor, action, target_kind, target_id, detail, address)", &rows, "")?;
    Ok(())
}

/// One page of the log, latest first.
pub fn list(tx: &mut Tx<'_>, wanted: &Wanted, limit: i64) -> Result<Vec<Audited>, StoreError> {
    let mut sql = "SELECT id, at, user_id, actor, action, target_kind, target_id, detail, address FROM audit WHERE id < $1".to_owned();
    let mut params: Vec<Value> = vec![wanted.before.map_or(i64::MAX, |id| id.0).into()];
    let conditions: [(&str, Option<Value>); 4] = [
        ("user_id", wanted.user_id.map(Into::into)),
        ("action", wanted.action.as_deref().map(Into::into)),
        ("target_kind", wanted.target_kind.as_deref().map(Into::into)),
        ("target_id", wanted.target_id.map(Into::into)),
    ];
    for (column, value) in conditions {
        if let Some(value) = value {
            params.push(value);
            sql.push_str(&format!(" AND {column} = ${}", params.len()));
        }
    }
    params.push(limit.into());
    sql.push_str(&format!(" ORDER BY id DESC LIMIT ${}", params.len()));
    tx.query(&sql, &params)?
        .iter()
        .map(|row| {
            let entry = AuditEntry {
                user_id: row.opt_id(2)?,
                actor: row.text(3)?,
                action: row.text(4)?,
                target_kind: row.text(5)?,
                target_id: row.opt_int(6)?,
                detail: row.json(7)?,
                address: row.text(8)?,
            };
            Ok(Audited { id: row.id(0)?, at: row.time(1)?, entry })
        })
        .collect()
}

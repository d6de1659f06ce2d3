//! Completeness: per shop and hour of placing, the channel's count beside ours; and what could not be read, parked until
//! it can.

use crate::{StoreError, Tx, Value};
use wharf_domain::access::Scope;
use wharf_domain::id::{RowId, ShopId};
use wharf_domain::time::{HOUR, Timestamp};

/// One hour of one shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hour {
    /// Start of the hour, UTC.
    pub hour: Timestamp,
    /// What the channel counts.
    pub theirs: i64,
    /// What we have.
    pub ours: i64,
    /// When it was asked.
    pub checked_at: Timestamp,
}

impl Hour {
    /// Orders that the channel has and we have not.
    pub fn gap(&self) -> i64 {
        (self.theirs - self.ours).max(0)
    }
}

/// Orders we have of a shop that were placed in an hour. From the counters: nothing is counted.
pub fn ours(tx: &mut Tx<'_>, shop: ShopId, hour: Timestamp) -> Result<i64, StoreError> {
    let row = tx.query_opt("SELECT orders FROM hour_rollups WHERE shop_id = $1 AND hour = $2", &[shop.into(), hour.hour_floor().into()])?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// Remembers the channel's count of an hour, and ours at that moment.
pub fn save(tx: &mut Tx<'_>, shop: ShopId, hour: Timestamp, theirs: i64) -> Result<Hour, StoreError> {
    let hour = hour.hour_floor();
    let ours = ours(tx, shop, hour)?;
    let checked_at = tx.now();
    tx.execute(
        "INSERT INTO completeness (shop_id, hour, theirs, ours, checked_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (shop_id, hour) DO UPDATE SET theirs = excluded.theirs, ours = excluded.ours, checked_at = excluded.checked_at",
        &[shop.into(), hour.into(), theirs.into(), ours.into(), checked_at.into()],
    )?;
    Ok(Hour { hour, theirs, ours, checked_at })
}

/// Hours of a shop from a time on, oldest first. `ours` is what we have now, not what we had when the channel was asked.
pub fn hours(tx: &mut Tx<'_>, shop: ShopId, from: Timestamp) -> Result<Vec<Hour>, StoreError> {
    tx.query(
        "SELECT c.hour, c.theirs, COALESCE(h.orders, 0), c.checked_at FROM completeness c LEFT JOIN hour_rollups h ON h.shop_id = c.shop_id AND h.hour = c.hour \
         WHERE c.shop_id = $1 AND c.hour >= $2 ORDER BY c.hour",
        &[shop.into(), from.hour_floor().into()],
    )?
    .iter()
    .map(|row| Ok(Hour { hour: row.time(0)?, theirs: row.int(1)?, ours: row.int(2)?, checked_at: row.time(3)? }))
    .collect()
}

/// Orders by hour of a shop between two times, hours without orders included as zero: the shop's habit.
pub fn habit(tx: &mut Tx<'_>, shop: ShopId, from: Timestamp, to: Timestamp) -> Result<Vec<(Timestamp, i64)>, StoreError> {
    let rows = tx.query(
        "SELECT hour, orders FROM hour_rollups WHERE shop_id = $1 AND hour >= $2 AND hour < $3 ORDER BY hour",
        &[shop.into(), from.hour_floor().into(), to.into()],
    )?;
    let mut found = std::collections::HashMap::with_capacity(rows.len());
    for row in &rows {
        found.insert(row.time(0)?, row.int(1)?);
    }
    let mut hours = Vec::new();
    let mut hour = from.hour_floor();
    while hour < to {
        hours.push((hour, found.get(&hour).copied().unwrap_or(0)));
        hour = hour.plus(HOUR);
    }
    Ok(hours)
}

/// What could not be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Its id.
    pub id: RowId,
    /// The shop.
    pub shop_id: ShopId,
    /// The channel's order id; empty when not even that could be read.
    pub external_id: String,
    /// What was wrong.
    pub why: String,
    /// Hash of the payload in `blobs`.
    pub payload_hash: String,
    /// First seen.
    pub first_at: Timestamp,
    /// Last seen.
    pub last_at: Timestamp,
}

/// Something to be parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewParked {
    /// The channel's order id; empty when unknown.
    pub external_id: String,
    /// What was wrong; no personal data.
    pub why: String,
    /// Hash of the payload in `blobs`.
    pub payload_hash: String,
}

/// Parks what could not be stored; the same payload again only moves its last time.
pub fn park(tx: &mut Tx<'_>, shop: ShopId, parked: &[NewParked]) -> Result<(), StoreError> {
    let mut unique: Vec<&NewParked> = parked.iter().collect();
    unique.sort_by(|a, b| (&a.external_id, &a.payload_hash).cmp(&(&b.external_id, &b.payload_hash)));
    unique.dedup_by(|a, b| (&a.external_id, &a.payload_hash) == (&b.external_id, &b.payload_hash));
    let now = tx.now();
    let rows: Vec<Vec<Value>> = unique
        .iter()
        .map(|p| {
            vec![
                tx.new_id::<RowId>().into(),
                shop.into(),
                (&p.external_id).into(),
                (&p.why).into(),
                (&p.payload_hash).into(),
                now.into(),
                now.into(),
            ]
        })
        .collect();
    tx.insert_many(
        "INSERT INTO parked (id, shop_id, external_id, why, payload_hash, first_at, last_at)",
        &rows,
        "ON CONFLICT (shop_id, external_id, payload_hash) WHERE settled_at IS NULL DO UPDATE SET last_at = excluded.last_at, why = excluded.why",
    )
    .map(drop)
}

/// An order that was tried again and still cannot be read: its open entries take the new reason and time. `Ok(false)` when it
/// is not parked.
pub fn still_parked(tx: &mut Tx<'_>, shop: ShopId, external_id: &str, why: &str) -> Result<bool, StoreError> {
    let now = tx.now();
    let changed = tx.execute(
        "UPDATE parked SET last_at = $3, why = $4 WHERE shop_id = $1 AND external_id = $2 AND settled_at IS NULL",
        &[shop.into(), external_id.into(), now.into(), why.into()],
    )?;
    Ok(changed > 0)
}

/// Orders that could be read at last: whatever was parked of them is settled. Answers how many.
pub fn settle(tx: &mut Tx<'_>, shop: ShopId, external_ids: &[String]) -> Result<u64, StoreError> {
    let ids: Vec<Value> = external_ids.iter().filter(|id| !id.is_empty()).map(Value::from).collect();
    let now = tx.now();
    tx.execute_in(
        "UPDATE parked SET settled_at = $2 WHERE shop_id = $1 AND settled_at IS NULL AND external_id IN ({ids})",
        &ids,
        &[shop.into(), now.into()],
    )
}

/// A person looked at it and it needs nothing more.
pub fn dismiss(tx: &mut Tx<'_>, scope: &Scope, id: RowId) -> Result<bool, StoreError> {
    let Some(row) = tx.query_opt("SELECT shop_id FROM parked WHERE id = $1 AND settled_at IS NULL", &[id.into()])? else {
        return Ok(false);
    };
    if !scope.shop(row.id(0)?) {
        return Ok(false);
    }
    let now = tx.now();
    Ok(tx.execute("UPDATE parked SET settled_at = $2 WHERE id = $1 AND settled_at IS NULL", &[id.into(), now.into()])? == 1)
}

/// What is parked, newest first.
pub fn parked(
    tx: &mut Tx<'_>,
    scope: &Scope,
    shop: Option<ShopId>,
    before: Option<RowId>,
    limit: usize,
) -> Result<Vec<Parked>, StoreError> {
    let mut params: Vec<Value> = vec![before.unwrap_or(RowId(i64::MAX)).into(), shop.map_or(0, |id| id.0).into(), limit.into()];
    let mine = match &scope.shops {
        None => String::new(),
        Some(shops) if shops.is_empty() => return Ok(Vec::new()),
        Some(shops) => {
            params.extend(shops.iter().map(|shop| Value::from(*shop)));
            let places: Vec<String> = (4..params.len() + 1).map(|n| format!("${n}")).collect();
            format!("AND shop_id IN ({})", places.join(", "))
        }
    };
    let sql = format!(
        "SELECT id, shop_id, external_id, why, payload_hash, first_at, last_at FROM parked WHERE settled_at IS NULL AND id < $1 \
         AND (CAST($2 AS BIGINT) = 0 OR shop_id = $2) {mine} ORDER BY id DESC LIMIT $3"
    );
    tx.query(&sql, &params)?
        .iter()
        .map(|row| {
            Ok(Parked {
                id: row.id(0)?,
                shop_id: row.id(1)?,
                external_id: row.text(2)?,
                why: row.text(3)?,
                payload_hash: row.text(4)?,
                first_at: row.time(5)?,
                last_at: row.time(6)?,
            })
        })
        .collect()
}

/// How many payloads are parked, by shop.
pub fn parked_counts(tx: &mut Tx<'_>) -> Result<std::collections::HashMap<ShopId, i64>, StoreError> {
    tx.query("SELECT shop_id, COUNT(*) FROM parked WHERE settled_at IS NULL GROUP BY shop_id", &[])?
        .iter()
        .map(|row| Ok((row.id(0)?, row.int(1)?)))
        .collect()
}

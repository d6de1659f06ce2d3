//! Shared pace: one token bucket per (lane, key), used by all workers of all processes, and the time until which the
//! other side does not want to hear from us.

use crate::dialect;
use crate::error::StoreError;
use crate::tx::Tx;
use wharf_domain::time::{MINUTE, Timestamp};

/// What came of asking for tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// So many calls may be made now: at least one, at most what was asked.
    Tokens(i64),
    /// None before that time.
    NotBefore(Timestamp),
}

/// Takes up to `want` tokens. A bucket that is not there yet is full.
pub fn take(tx: &mut Tx<'_>, lane: &str, lane_key: i64, per_minute: i64, burst: i64, want: i64) -> Result<Taken, StoreError> {
    let (now, per_minute, burst) = (tx.now(), per_minute.max(1), burst.max(1));
    tx.execute(
        "INSERT INTO paces (lane, lane_key, tokens_milli, refilled_at) VALUES ($1, $2, $3, $4) ON CONFLICT (lane, lane_key) DO NOTHING",
        &[lane.into(), lane_key.into(), (burst * 1000).into(), now.into()],
    )?;
    let sql = format!(
        "SELECT tokens_milli, refilled_at, blocked_until FROM paces WHERE lane = $1 AND lane_key = $2 {}",
        dialect::for_update(tx.engine())
    );
    let Some(row) = tx.query_opt(&sql, &[lane.into(), lane_key.into()])? else {
        return Ok(Taken::NotBefore(now));
    };
    let (stored, refilled_at, blocked_until) = (row.int(0)?, row.time(1)?, row.time(2)?);
    if blocked_until > now {
        return Ok(Taken::NotBefore(blocked_until));
    }
    // A thousandth of a token takes MINUTE / (per_minute * 1000) µs; what is left over stays in `refilled_at`.
    let elapsed = now.since(refilled_at).clamp(0, 24 * 60 * MINUTE);
    let gained = i64::try_from(i128::from(elapsed) * i128::from(per_minute) * 1000 / i128::from(MINUTE)).unwrap_or(i64::MAX);
    let have = stored.saturating_add(gained).min(burst * 1000);
    let used = gained.saturating_mul(MINUTE) / (per_minute * 1000);
    let refilled = if have == burst * 1000 { now } else { refilled_at.plus(used) };
    let taken = (have / 1000).min(want.max(1));
    tx.execute(
        "UPDATE paces SET tokens_milli = $3, refilled_at = $4 WHERE lane = $1 AND lane_key = $2",
        &[lane.into(), lane_key.into(), (have - taken * 1000).into(), refilled.into()],
    )?;
    if taken > 0 {
        return Ok(Taken::Tokens(taken));
    }
    let missing = 1000 - have;
    Ok(Taken::NotBefore(refilled.plus((missing * MINUTE + per_minute * 1000 - 1) / (per_minute * 1000)).max(now.plus(1))))
}

/// Stops a lane for a key until then: the other side asked for it. A longer stop is kept.
pub fn block(tx: &mut Tx<'_>, lane: &str, lane_key: i64, until: Timestamp) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO paces (lane, lane_key, tokens_milli, refilled_at, blocked_until) VALUES ($1, $2, 0, $3, $4) \
         ON CONFLICT (lane, lane_key) DO UPDATE SET blocked_until = excluded.blocked_until, tokens_milli = 0, refilled_at = excluded.refilled_at \
         WHERE paces.blocked_until < excluded.blocked_until",
        &[lane.into(), lane_key.into(), now.into(), until.into()],
    )?;
    Ok(())
}

/// Lifts all stops of a key: what they waited for has come.
pub fn unblock(tx: &mut Tx<'_>, lane_key: i64) -> Result<(), StoreError> {
    tx.execute("UPDATE paces SET blocked_until = 0 WHERE lane_key = $1 AND blocked_until > 0", &[lane_key.into()])?;
    Ok(())
}

/// Until when a lane is stopped for a key; `None` when it is not.
pub fn blocked_until(tx: &mut Tx<'_>, lane: &str, lane_key: i64) -> Result<Option<Timestamp>, StoreError> {
    let now = tx.now();
    let row = tx.query_opt(
        "SELECT blocked_until FROM paces WHERE lane = $1 AND lane_key = $2 AND blocked_until > $3",
        &[lane.into(), lane_key.into(), now.into()],
    )?;
    row.map(|row| row.time(0)).transpose()
}

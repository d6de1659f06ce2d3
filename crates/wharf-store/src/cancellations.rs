//! Cancellations: at most one open per order, each step guarded by the state it starts from. And the units of lines that
//! were cancelled here, which no later word of a channel brings back.

use crate::{Row, StoreError, Tx, Value};
use std::collections::HashMap;
use wharf_domain::cancellation::{CancelReason, CancelSource, Cancellation, CancellationState};
use wharf_domain::id::{CancellationId, OrderId, OrderLineId, ShopId};
use wharf_domain::time::Timestamp;
use wharf_domain::timeline::Actor;

/// A cancellation to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCancellation {
    /// The order.
    pub order_id: OrderId,
    /// Its shop.
    pub shop_id: ShopId,
    /// Where it stands at first.
    pub cancellation: Cancellation,
    /// Why.
    pub reason: CancelReason,
    /// Who wants it.
    pub source: CancelSource,
    /// In whose words.
    pub note: String,
    /// Who asked for it here.
    pub actor: Actor,
    /// What was checked, for the record.
    pub policy: serde_json::Value,
}

/// A stored cancellation.
#[derive(Debug, Clone, PartialEq)]
pub struct CancellationRow {
    /// Its id.
    pub id: CancellationId,
    /// The order.
    pub order_id: OrderId,
    /// Its shop.
    pub shop_id: ShopId,
    /// Where it stands.
    pub cancellation: Cancellation,
    /// Why.
    pub reason: CancelReason,
    /// Who wants it.
    pub source: CancelSource,
    /// In whose words.
    pub note: String,
    /// Who asked for it here.
    pub actor: Actor,
    /// What was checked.
    pub policy: serde_json::Value,
    /// When its channel is told, or was to be; `None` where nobody is told.
    pub tell_at: Option<Timestamp>,
    /// Calls so far.
    pub attempts: i64,
    /// The last obstacle, in the platform's words.
    pub message: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When the channel was told.
    pub submitted_at: Option<Timestamp>,
    /// When it ended.
    pub answered_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, order_id, shop_id, cancellation_state, reason, source, note, actor, policy, tell_at, attempts, receipt, code, message, \
     requested_at, submitted_at, answered_at";

fn read(row: &Row) -> Result<CancellationRow, StoreError> {
    let tell_at = row.opt_time(9)?;
    let (receipt, code, message) = (row.text(11)?, row.text(12)?, row.text(13)?);
    let (submitted_at, answered_at) = (row.opt_time(15)?, row.opt_time(16)?);
    let answered = || answered_at.ok_or_else(|| row.inconsistent(16));
    let cancellation = match row.word::<CancellationState>(3)? {
        CancellationState::Requested => Cancellation::Requested,
        CancellationState::Stopping => Cancellation::Stopping { tell_at: tell_at.ok_or_else(|| row.inconsistent(9))? },
        CancellationState::Submitted => Cancellation::Submitted { at: submitted_at.ok_or_else(|| row.inconsistent(15))? },
        CancellationState::Confirmed => Cancellation::Confirmed { receipt, at: answered()? },
        CancellationState::Refused => Cancellation::Refused { code, message: message.clone(), at: answered()? },
        CancellationState::Failed => Cancellation::Failed { message: message.clone(), at: answered()? },
        CancellationState::Withdrawn => Cancellation::Withdrawn { at: answered()? },
    };
    Ok(CancellationRow {
        id: row.id(0)?,
        order_id: row.id(1)?,
        shop_id: row.id(2)?,
        cancellation,
        reason: row.word(4)?,
        source: row.word(5)?,
        note: row.text(6)?,
        actor: row.json(7)?,
        policy: row.json(8)?,
        tell_at,
        attempts: row.int(10)?,
        message,
        requested_at: row.time(14)?,
        submitted_at,
        answered_at,
    })
}

/// The columns of a state that are not its word: `tell_at`, receipt, code, message, `submitted_at`, `answered_at`.
fn columns(state: &Cancellation) -> [Value; 6] {
    let (mut tell, mut receipt, mut code, mut message, mut sent, mut ended) = (None, "", "", "", None, None);
    match state {
        Cancellation::Requested => {}
        Cancellation::Stopping { tell_at } => tell = Some(*tell_at),
        Cancellation::Submitted { at } => sent = Some(*at),
        Cancellation::Confirmed { receipt: r, at } => (receipt, ended) = (r, Some(*at)),
        Cancellation::Refused { code: c, message: m, at } => (code, message, ended) = (c, m, Some(*at)),
        Cancellation::Failed { message: m, at } => (message, ended) = (m, Some(*at)),
        Cancellation::Withdrawn { at } => ended = Some(*at),
    }
    [tell.into(), receipt.into(), code.into(), message.into(), sent.into(), ended.into()]
}

/// Stores cancellations; the caller has locked the orders and seen that none of them has an open one. Answers their ids in
/// the order given.
pub fn insert(tx: &mut Tx<'_>, new: &[NewCancellation]) -> Result<Vec<CancellationId>, StoreError> {
    let now = tx.now();
    let ids: Vec<CancellationId> = new.iter().map(|_| tx.new_id()).collect();
    let rows: Vec<Vec<Value>> = new
        .iter()
        .zip(&ids)
        .map(|(c, id)| {
            let mut row: Vec<Value> = vec![
                (*id).into(),
                c.order_id.into(),
                c.shop_id.into(),
                Value::word(c.cancellation.state()),
                Value::word(c.reason),
                Value::word(c.source),
                (&c.note).into(),
                Value::json(&c.actor),
                (&c.policy).into(),
                now.into(),
            ];
            row.extend(columns(&c.cancellation));
            row
        })
        .collect();
    tx.insert_many(
        "INSERT INTO cancellations (id, order_id, shop_id, cancellation_state, reason, source, note, actor, policy, requested_at, tell_at, receipt, \
         code, message, submitted_at, answered_at)",
        &rows,
        "",
    )?;
    Ok(ids)
}

/// One cancellation.
pub fn get(tx: &mut Tx<'_>, id: CancellationId) -> Result<Option<CancellationRow>, StoreError> {
    tx.query_opt(&format!("SELECT {COLUMNS} FROM cancellations WHERE id = $1"), &[id.into()])?.as_ref().map(read).transpose()
}

/// All cancellations of some orders, oldest first.
pub fn of_orders(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<HashMap<OrderId, Vec<CancellationRow>>, StoreError> {
    let ids: Vec<Value> = orders.iter().map(|id| (*id).into()).collect();
    let mut found: HashMap<OrderId, Vec<CancellationRow>> = HashMap::new();
    for row in tx.query_in(&format!("SELECT {COLUMNS} FROM cancellations WHERE order_id IN ({{ids}}) ORDER BY id"), &ids, &[])? {
        let row = read(&row)?;
        found.entry(row.order_id).or_default().push(row);
    }
    Ok(found)
}

/// Writes the next state, if it still stands in `from`. `false`: somebody else took a step first.
pub fn advance(tx: &mut Tx<'_>, id: CancellationId, from: CancellationState, to: &Cancellation) -> Result<bool, StoreError> {
    let [tell, receipt, code, message, sent, ended] = columns(to);
    let tells = matches!(to, Cancellation::Submitted { .. });
    let changed = tx.execute(
        "UPDATE cancellations SET cancellation_state = $3, tell_at = COALESCE(CAST($4 AS BIGINT), tell_at), receipt = $5, code = $6, message = $7, \
         submitted_at = COALESCE(CAST($8 AS BIGINT), submitted_at), answered_at = $9, attempts = attempts + CAST($10 AS BIGINT) \
         WHERE id = $1 AND cancellation_state = $2",
        &[id.into(), Value::word(from), Value::word(to.state()), tell, receipt, code, message, sent, ended, tells.into()],
    )?;
    Ok(changed == 1)
}

/// Keeps the last obstacle beside a cancellation without changing its state.
pub fn note(tx: &mut Tx<'_>, id: CancellationId, message: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE cancellations SET message = $2 WHERE id = $1", &[id.into(), message.into()]).map(drop)
}

/// Cancellations that should have gone on before an instant, of shops that may be talked to; oldest first. For the sweep.
pub fn stuck(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> Result<Vec<(CancellationId, ShopId)>, StoreError> {
    tx.query(
        "SELECT c.id, c.shop_id FROM cancellations c JOIN shops s ON s.id = c.shop_id \
         WHERE c.cancellation_state IN ('stopping', 'submitted') AND COALESCE(c.tell_at, c.requested_at) < $1 AND s.shop_state = 'active' \
         ORDER BY c.id LIMIT $2",
        &[before.into(), limit.into()],
    )?
    .iter()
    .map(|row| Ok((row.id(0)?, row.id(1)?)))
    .collect()
}

/// Cancels all that is still to be sent of the lines of some orders. Nothing of them may be allocated beyond what has left.
/// Answers what each line had cancelled before, for who takes it back.
pub fn cancel_lines(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<HashMap<OrderId, Vec<(OrderLineId, i64)>>, StoreError> {
    let ids: Vec<Value> = orders.iter().map(|id| (*id).into()).collect();
    let mut before: HashMap<OrderId, Vec<(OrderLineId, i64)>> = HashMap::new();
    for row in tx.query_in(
        "SELECT order_id, id, ordered - shipped - cancelled FROM order_lines WHERE order_id IN ({ids}) AND ordered - shipped - cancelled > 0 ORDER BY id",
        &ids,
        &[],
    )? {
        before.entry(row.id(0)?).or_default().push((row.id(1)?, row.int(2)?));
    }
    tx.execute_in(
        "UPDATE order_lines SET cancelled_here = cancelled_here + (ordered - shipped - cancelled), cancelled = ordered - shipped \
         WHERE order_id IN ({ids}) AND ordered - shipped - cancelled > 0",
        &ids,
        &[],
    )?;
    touch(tx, &ids)?;
    Ok(before)
}

/// Gives back units that were cancelled here.
pub fn restore_lines(tx: &mut Tx<'_>, orders: &[OrderId], units: &[(OrderLineId, i64)]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = units.iter().map(|(line, units)| vec![(*line).into(), (*units).into()]).collect();
    tx.execute_rows(
        "UPDATE order_lines SET cancelled = order_lines.cancelled - LEAST_OF, cancelled_here = order_lines.cancelled_here - LEAST_OF \
         FROM {rows} AS v WHERE order_lines.id = v.column1"
            .replace("LEAST_OF", "(CASE WHEN v.column2 < order_lines.cancelled_here THEN v.column2 ELSE order_lines.cancelled_here END)")
            .as_str(),
        &rows,
        &[],
    )?;
    let ids: Vec<Value> = orders.iter().map(|id| (*id).into()).collect();
    touch(tx, &ids)
}

fn touch(tx: &mut Tx<'_>, ids: &[Value]) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute_in("UPDATE orders SET version = version + 1, updated_at = $1 WHERE id IN ({ids})", ids, &[now.into()]).map(drop)
}

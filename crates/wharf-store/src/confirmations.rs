//! Confirmations: one obligation per (order, shipment), each step guarded by the state it starts from.

use crate::{Row, StoreError, Tx, Value};
use wharf_domain::confirmation::{Confirmation, ConfirmationState};
use wharf_domain::id::{ConfirmationId, OrderId, ShipmentId, ShopId};
use wharf_domain::time::Timestamp;

/// A stored confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmationRow {
    /// Its id.
    pub id: ConfirmationId,
    /// The order.
    pub order_id: OrderId,
    /// The parcel.
    pub shipment_id: ShipmentId,
    /// The order's shop.
    pub shop_id: ShopId,
    /// Where it stands.
    pub confirmation: Confirmation,
    /// Calls so far.
    pub attempts: i64,
    /// Since when it is due.
    pub due_at: Timestamp,
    /// When it was last sent.
    pub sent_at: Option<Timestamp>,
    /// The last obstacle, in the platform's words.
    pub message: String,
}

const COLUMNS: &str =
    "id, order_id, shipment_id, shop_id, confirmation_state, attempts, receipt, code, message, due_at, sent_at, answered_at";

fn confirmation(row: &Row) -> Result<ConfirmationRow, StoreError> {
    let answered = || row.opt_time(11)?.ok_or_else(|| row.inconsistent(11));
    let (receipt, code, message) = (row.text(6)?, row.text(7)?, row.text(8)?);
    let sent_at = row.opt_time(10)?;
    let confirmation = match row.word::<ConfirmationState>(4)? {
        ConfirmationState::Due => Confirmation::Due,
        ConfirmationState::Sent => Confirmation::Sent { at: sent_at.ok_or_else(|| row.inconsistent(10))? },
        ConfirmationState::Accepted => Confirmation::Accepted { receipt, at: answered()? },
        ConfirmationState::Already => Confirmation::Already { at: answered()? },
        ConfirmationState::Refused => Confirmation::Refused { code, message: message.clone(), at: answered()? },
        ConfirmationState::GaveUp => Confirmation::GaveUp { message: message.clone(), at: answered()? },
    };
    Ok(ConfirmationRow {
        id: row.id(0)?,
        order_id: row.id(1)?,
        shipment_id: row.id(2)?,
        shop_id: row.id(3)?,
        confirmation,
        attempts: row.int(5)?,
        due_at: row.time(9)?,
        sent_at,
        message,
    })
}

/// Makes confirmations due. One that exists stays as it is. Answers the new ones.
pub fn make_due(tx: &mut Tx<'_>, due: &[(OrderId, ShipmentId, ShopId)]) -> Result<Vec<(ConfirmationId, OrderId, ShopId)>, StoreError> {
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let now = tx.now();
    let rows: Vec<Vec<Value>> = due
        .iter()
        .map(|(order, shipment, shop)| {
            vec![
                Value::Int(tx.new_id()),
                (*order).into(),
                (*shipment).into(),
                (*shop).into(),
                Value::word(ConfirmationState::Due),
                now.into(),
            ]
        })
        .collect();
    tx.insert_many_returning(
        "INSERT INTO confirmations (id, order_id, shipment_id, shop_id, confirmation_state, due_at)",
        &rows,
        "ON CONFLICT (order_id, shipment_id) DO NOTHING RETURNING id, order_id, shop_id",
    )?
    .iter()
    .map(|row| Ok((row.id(0)?, row.id(1)?, row.id(2)?)))
    .collect()
}

/// Confirmations by id.
pub fn load(tx: &mut Tx<'_>, ids: &[ConfirmationId]) -> Result<Vec<ConfirmationRow>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.query_in(&format!("SELECT {COLUMNS} FROM confirmations WHERE id IN ({{ids}}) ORDER BY id"), &ids, &[])?
        .iter()
        .map(confirmation)
        .collect()
}

/// Confirmations of some orders, oldest first.
pub fn of_orders(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<Vec<ConfirmationRow>, StoreError> {
    let ids: Vec<Value> = orders.iter().map(|id| (*id).into()).collect();
    tx.query_in(&format!("SELECT {COLUMNS} FROM confirmations WHERE order_id IN ({{ids}}) ORDER BY id"), &ids, &[])?
        .iter()
        .map(confirmation)
        .collect()
}

/// Writes the next state, if it still stands in `from`. `false`: somebody else took a step first.
pub fn advance(tx: &mut Tx<'_>, id: ConfirmationId, from: ConfirmationState, to: &Confirmation) -> Result<bool, StoreError> {
    let now = tx.now();
    let (receipt, code, message) = match to {
        Confirmation::Accepted { receipt, .. } => (receipt.as_str(), "", ""),
        Confirmation::Refused { code, message, .. } => ("", code.as_str(), message.as_str()),
        Confirmation::GaveUp { message, .. } => ("", "", message.as_str()),
        Confirmation::Due | Confirmation::Sent { .. } | Confirmation::Already { .. } => ("", "", ""),
    };
    let sent = matches!(to, Confirmation::Sent { .. });
    let answered = match to {
        Confirmation::Accepted { .. } | Confirmation::Already { .. } | Confirmation::Refused { .. } | Confirmation::GaveUp { .. } => {
            Some(now)
        }
        Confirmation::Due | Confirmation::Sent { .. } => None,
    };
    let changed = tx.execute(
        "UPDATE confirmations SET confirmation_state = $3, attempts = attempts + CAST($4 AS BIGINT), receipt = $5, code = $6, message = $7, \
         sent_at = COALESCE(CAST($8 AS BIGINT), sent_at), answered_at = $9 WHERE id = $1 AND confirmation_state = $2",
        &[
            id.into(),
            Value::word(from),
            Value::word(to.state()),
            sent.into(),
            receipt.into(),
            code.into(),
            message.into(),
            sent.then_some(now).into(),
            answered.into(),
        ],
    )?;
    Ok(changed == 1)
}

/// Keeps the last obstacle beside a confirmation without changing its state.
pub fn note(tx: &mut Tx<'_>, id: ConfirmationId, message: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE confirmations SET message = $2 WHERE id = $1", &[id.into(), message.into()])?;
    Ok(())
}

/// Confirmations in a state since before an instant, of shops that may be talked to; oldest first. For the sweep.
pub fn stuck(tx: &mut Tx<'_>, state: ConfirmationState, before: Timestamp, limit: i64) -> Result<Vec<ConfirmationRow>, StoreError> {
    tx.query(
        &format!(
            "SELECT {COLUMNS} FROM confirmations WHERE confirmation_state = $1 AND COALESCE(sent_at, due_at) < $2 \
             AND shop_id IN (SELECT id FROM shops WHERE shop_state = 'active') ORDER BY due_at, id LIMIT $3"
        ),
        &[Value::word(state), before.into(), limit.into()],
    )?
    .iter()
    .map(confirmation)
    .collect()
}

/// Parcels that have left and are not confirmed since before an instant, by shop: how many, and the longest (H10).
pub fn overdue(tx: &mut Tx<'_>, before: Timestamp) -> Result<Vec<(ShopId, i64, Timestamp)>, StoreError> {
    tx.query(
        "SELECT shop_id, COUNT(*), MIN(due_at) FROM confirmations WHERE confirmation_state IN ('due', 'sent', 'refused', 'gave_up') AND due_at < $1 \
         GROUP BY shop_id ORDER BY shop_id",
        &[before.into()],
    )?
    .iter()
    .map(|row| Ok((row.id(0)?, row.int(1)?, row.time(2)?)))
    .collect()
}

/// Open confirmations that a person must look at, oldest first, keyset by id.
pub fn tasks(tx: &mut Tx<'_>, after: Option<ConfirmationId>, limit: i64) -> Result<Vec<ConfirmationRow>, StoreError> {
    tx.query(
        &format!("SELECT {COLUMNS} FROM confirmations WHERE confirmation_state IN ('refused', 'gave_up') AND id > $1 ORDER BY id LIMIT $2"),
        &[after.map_or(0, |a| a.0).into(), limit.into()],
    )?
    .iter()
    .map(confirmation)
    .collect()
}

/// Starts the time of an obligation again, when a person has it tried again.
pub fn renew(tx: &mut Tx<'_>, id: ConfirmationId) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute("UPDATE confirmations SET due_at = $2, attempts = 0 WHERE id = $1", &[id.into(), now.into()])?;
    Ok(())
}

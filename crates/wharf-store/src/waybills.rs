//! Waybills: intents with their client reference, and each step guarded by the state it starts from, so that of two
//! workers one takes the step and the other learns that it did not.

use crate::{Row, StoreError, Tx, Value};
use wharf_domain::id::{CarrierAccountId, ShipmentId, WaybillId};
use wharf_domain::money::{Currency, Money};
use wharf_domain::time::Timestamp;
use wharf_domain::waybill::{Waybill, WaybillState};

/// A stored waybill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaybillRow {
    /// Its id.
    pub id: WaybillId,
    /// The parcel.
    pub shipment_id: ShipmentId,
    /// Whose account pays.
    pub carrier_account_id: CarrierAccountId,
    /// Unique for ever: the same reference never buys twice.
    pub client_reference: String,
    /// Where it stands.
    pub waybill: Waybill,
    /// The carrier's code as channels know it.
    pub carrier_code: String,
    /// Hash of the sealed blob with the carrier's label source.
    pub label_hash: Option<String>,
    /// What it cost, where the carrier said so.
    pub cost: Option<Money>,
    /// The carrier's words.
    pub message: String,
    /// Calls so far.
    pub attempts: i64,
    /// When the intent was made.
    pub created_at: Timestamp,
    /// When it was last sent.
    pub requested_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, shipment_id, carrier_account_id, client_reference, waybill_state, number, label, cost_minor, cost_currency, message, \
   attempts, created_at, requested_at, booked_at, voided_at, carrier_code";

fn waybill(row: &Row) -> Result<WaybillRow, StoreError> {
    let number = row.opt_text(5)?;
    let message = row.text(9)?;
    let requested_at = row.opt_time(12)?;
    let need_number = || number.clone().ok_or_else(|| row.inconsistent(5));
    let waybill = match row.word::<WaybillState>(4)? {
        WaybillState::Intent => Waybill::Intent,
        WaybillState::Requested => Waybill::Requested { since: requested_at.ok_or_else(|| row.inconsistent(12))? },
        WaybillState::Booked => Waybill::Booked { number: need_number()?, at: row.opt_time(13)?.ok_or_else(|| row.inconsistent(13))? },
        WaybillState::Printed => {
            Waybill::Printed { number: need_number()?, booked_at: row.opt_time(13)?.ok_or_else(|| row.inconsistent(13))? }
        }
        WaybillState::Failed => Waybill::Failed { message: message.clone() },
        WaybillState::InDoubt => Waybill::InDoubt { since: requested_at.ok_or_else(|| row.inconsistent(12))?, message: message.clone() },
        WaybillState::VoidRequested => Waybill::VoidRequested { number: need_number()? },
        WaybillState::Voided => Waybill::Voided { number: number.clone(), at: row.opt_time(14)?.ok_or_else(|| row.inconsistent(14))? },
    };
    let cost = match (row.opt_int(7)?, row.opt_text(8)?) {
        (Some(minor), Some(code)) => Some(Money::new(minor, Currency::new(&code).map_err(|_| row.inconsistent(8))?)),
        _ => None,
    };
    Ok(WaybillRow {
        id: row.id(0)?,
        shipment_id: row.id(1)?,
        carrier_account_id: row.id(2)?,
        client_reference: row.text(3)?,
        waybill,
        carrier_code: row.text(15)?,
        label_hash: row.opt_text(6)?,
        cost,
        message,
        attempts: row.int(10)?,
        created_at: row.time(11)?,
        requested_at,
    })
}

/// Makes intents for parcels that have no live waybill; a parcel that has one is left alone. The client reference is made
/// of the waybill's own id, so that a later purchase for the same parcel is another one. Answers the new waybills' ids.
pub fn intend(tx: &mut Tx<'_>, parcels: &[(ShipmentId, CarrierAccountId)]) -> Result<Vec<(ShipmentId, WaybillId)>, StoreError> {
    let ids: Vec<ShipmentId> = parcels.iter().map(|p| p.0).collect();
    let live: Vec<ShipmentId> = live(tx, &ids)?.into_iter().map(|w| w.shipment_id).collect();
    let now = tx.now();
    let mut made = Vec::new();
    let mut rows = Vec::new();
    for (shipment, account) in parcels.iter().filter(|p| !live.contains(&p.0)) {
        let id: WaybillId = tx.new_id();
        made.push((*shipment, id));
        rows.push(vec![
            id.into(),
            (*shipment).into(),
            (*account).into(),
            format!("W{id}").into(),
            Value::word(WaybillState::Intent),
            now.into(),
        ]);
    }
    if !rows.is_empty() {
        tx.insert_many(
            "INSERT INTO waybills (id, shipment_id, carrier_account_id, client_reference, waybill_state, created_at)",
            &rows,
            "",
        )?;
    }
    Ok(made)
}

/// Waybills by id.
pub fn load(tx: &mut Tx<'_>, ids: &[WaybillId]) -> Result<Vec<WaybillRow>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.query_in(&format!("SELECT {COLUMNS} FROM waybills WHERE id IN ({{ids}}) ORDER BY id"), &ids, &[])?.iter().map(waybill).collect()
}

/// The live waybills (not failed, not voided) of some parcels.
pub fn live(tx: &mut Tx<'_>, shipments: &[ShipmentId]) -> Result<Vec<WaybillRow>, StoreError> {
    let ids: Vec<Value> = shipments.iter().map(|id| (*id).into()).collect();
    tx.query_in(
        &format!("SELECT {COLUMNS} FROM waybills WHERE shipment_id IN ({{ids}}) AND waybill_state NOT IN ('failed', 'voided') ORDER BY id"),
        &ids,
        &[],
    )?
    .iter()
    .map(waybill)
    .collect()
}

/// What the carrier's answer adds to a booked waybill.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bought {
    /// The carrier's code as channels know it.
    pub carrier_code: Option<String>,
    /// Hash of the sealed label source.
    pub label_hash: Option<String>,
    /// Cost.
    pub cost: Option<Money>,
}

/// Writes the next state of a waybill, if it still stands in `from`. `false`: somebody else took a step first.
pub fn advance(tx: &mut Tx<'_>, id: WaybillId, from: WaybillState, to: &Waybill, bought: &Bought) -> Result<bool, StoreError> {
    let now = tx.now();
    let message = match to {
        Waybill::Failed { message } | Waybill::InDoubt { message, .. } => Some(message.as_str()),
        // What was said before no longer matters.
        Waybill::Booked { .. } | Waybill::VoidRequested { .. } | Waybill::Voided { .. } => Some(""),
        Waybill::Intent | Waybill::Requested { .. } | Waybill::Printed { .. } => None,
    };
    let calls = i64::from(matches!(to, Waybill::Requested { .. }));
    let requested_at = matches!(to, Waybill::Requested { .. }).then_some(now);
    let booked_at = matches!(to, Waybill::Booked { .. }).then_some(now);
    let voided_at = matches!(to, Waybill::Voided { .. }).then_some(now);
    let changed = tx.execute(
        "UPDATE waybills SET waybill_state = $3, number = COALESCE(CAST($4 AS TEXT), number), message = COALESCE(CAST($5 AS TEXT), message), \
         attempts = attempts + CAST($6 AS BIGINT), requested_at = COALESCE(CAST($7 AS BIGINT), requested_at), \
         booked_at = COALESCE(CAST($8 AS BIGINT), booked_at), voided_at = COALESCE(CAST($9 AS BIGINT), voided_at), \
         label = COALESCE(CAST($10 AS TEXT), label), cost_minor = COALESCE(CAST($11 AS BIGINT), cost_minor), \
         cost_currency = COALESCE(CAST($12 AS TEXT), cost_currency), carrier_code = COALESCE(CAST($13 AS TEXT), carrier_code) WHERE id = $1 AND waybill_state = $2",
        &[
            id.into(),
            Value::word(from),
            Value::word(to.state()),
            to.number().into(),
            message.into(),
            calls.into(),
            requested_at.into(),
            booked_at.into(),
            voided_at.into(),
            bought.label_hash.as_deref().into(),
            bought.cost.map(|c| c.minor).into(),
            bought.cost.map(|c| c.currency.code().to_owned()).into(),
            bought.carrier_code.as_deref().into(),
        ],
    )?;
    Ok(changed == 1)
}

/// Keeps the carrier's words beside a waybill without changing its state (a void that was refused).
pub fn note(tx: &mut Tx<'_>, id: WaybillId, message: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE waybills SET message = $2 WHERE id = $1", &[id.into(), message.into()])?;
    Ok(())
}

/// Marks booked waybills as printed.
pub fn set_printed(tx: &mut Tx<'_>, ids: &[WaybillId]) -> Result<(), StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.execute_in("UPDATE waybills SET waybill_state = 'printed' WHERE waybill_state = 'booked' AND id IN ({ids})", &ids, &[])?;
    Ok(())
}

/// What the sweep must look at: waybills in a state since before an instant, oldest first.
pub fn stuck(tx: &mut Tx<'_>, state: WaybillState, before: Timestamp, limit: i64) -> Result<Vec<WaybillRow>, StoreError> {
    tx.query(
        &format!(
            "SELECT {COLUMNS} FROM waybills WHERE waybill_state = $1 AND COALESCE(requested_at, created_at) < $2 ORDER BY id LIMIT $3"
        ),
        &[Value::word(state), before.into(), limit.into()],
    )?
    .iter()
    .map(waybill)
    .collect()
}

/// Waybills bought for parcels that no longer exist as such: to be given back.
pub fn orphaned(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<WaybillId>, StoreError> {
    tx.query(
        "SELECT w.id FROM waybills w JOIN shipments s ON s.id = w.shipment_id WHERE s.shipment_state = 'cancelled' \
         AND w.waybill_state IN ('intent', 'booked', 'printed') ORDER BY w.id LIMIT $1",
        &[limit.into()],
    )?
    .iter()
    .map(|row| row.id(0))
    .collect()
}

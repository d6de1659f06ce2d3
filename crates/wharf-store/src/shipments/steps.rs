//! What changes on a stored parcel: its steps, its stop, its carrier, its print marks and its weight.

use crate::{StoreError, Tx, Value};
use wharf_domain::id::{CarrierAccountId, ShipmentId};
use wharf_domain::shipment::ShipmentState;
use wharf_domain::time::Timestamp;

/// The columns of a parcel that flows set together with its state.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Back to a draft: number, carrier words and print marks are gone.
    Draft,
    /// The carrier sold the number.
    Booked {
        /// The waybill number.
        number: String,
        /// The carrier's code as channels know it.
        carrier_code: String,
        /// What people call the carrier.
        carrier_name: String,
    },
    /// Closed.
    Packed {
        /// At which bench.
        station: String,
        /// By whom.
        by: Option<i64>,
    },
    /// Opened again.
    Unpacked,
    /// Left.
    HandedOver,
    /// A scan moved it.
    Away {
        /// To which state.
        state: ShipmentState,
        /// When it was delivered.
        delivered_at: Option<Timestamp>,
    },
    /// Taken apart.
    Cancelled {
        /// Why: the bench sounds.
        reason: String,
    },
}

/// Takes a step with a parcel whose state the caller has read, locked and asked the machine about.
pub fn step(tx: &mut Tx<'_>, id: ShipmentId, step: &Step) -> Result<(), StoreError> {
    steps(tx, &[id], step)
}

/// Moves parcels by the same step, in one statement.
pub fn steps(tx: &mut Tx<'_>, ids: &[ShipmentId], step: &Step) -> Result<(), StoreError> {
    let now = tx.now();
    let (sets, params): (&str, Vec<Value>) = match step {
        Step::Draft => (
            "shipment_state = 'draft', waybill_number = NULL, carrier_code = '', carrier_name = '', printed_at = NULL, packed_at = NULL, station = '', opened_at = NULL",
            vec![],
        ),
        Step::Booked { number, carrier_code, carrier_name } => (
            "shipment_state = 'booked', waybill_number = $2, carrier_code = $3, carrier_name = $4",
            vec![number.into(), carrier_code.into(), carrier_name.into()],
        ),
        Step::Packed { station, by } => {
            ("shipment_state = 'packed', packed_at = $1, station = $2, packed_by = $3", vec![station.into(), (*by).into()])
        }
        Step::Unpacked => ("shipment_state = 'booked', packed_at = NULL, station = '', packed_by = NULL, opened_at = NULL", vec![]),
        Step::HandedOver => ("shipment_state = 'handed_over', handed_over_at = $1", vec![]),
        Step::Away { state, delivered_at } => (
            "shipment_state = $2, delivered_at = COALESCE(CAST($3 AS BIGINT), delivered_at)",
            vec![Value::word(*state), (*delivered_at).into()],
        ),
        Step::Cancelled { reason } => ("shipment_state = 'cancelled', stop_reason = $2", vec![reason.into()]),
    };
    let mut before = vec![Value::from(now)];
    before.extend(params);
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.execute_in(&format!("UPDATE shipments SET {sets}, updated_at = $1, version = version + 1 WHERE id IN ({{ids}})"), &ids, &before)?;
    Ok(())
}

/// Tells the bench to stop parcels, or (with an empty reason) that they may go on.
pub fn set_stop(tx: &mut Tx<'_>, ids: &[ShipmentId], reason: &str) -> Result<(), StoreError> {
    let now = tx.now();
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.execute_in(
        "UPDATE shipments SET stop_reason = $1, updated_at = $2, version = version + 1 WHERE id IN ({ids})",
        &ids,
        &[reason.into(), now.into()],
    )?;
    Ok(())
}

/// The carrier of one parcel, with the why.
#[derive(Debug, Clone)]
pub struct CarrierChoice {
    /// The parcel.
    pub shipment_id: ShipmentId,
    /// The account; `None` when no carrier takes it.
    pub account: Option<CarrierAccountId>,
    /// The account's word for the service.
    pub service: String,
    /// What the parcel should weigh.
    pub weight_grams: i64,
    /// Candidates, their prices, and why the losers lost.
    pub trace: serde_json::Value,
}

/// Sets carrier, service, weight and the trace of the choice.
pub fn set_carriers(tx: &mut Tx<'_>, choices: &[CarrierChoice]) -> Result<(), StoreError> {
    let now = tx.now();
    let rows: Vec<Vec<Value>> = choices
        .iter()
        .map(|c| vec![c.shipment_id.into(), c.account.into(), c.service.as_str().into(), c.weight_grams.into(), (&c.trace).into()])
        .collect();
    if !rows.is_empty() {
        tx.execute_rows(
            "UPDATE shipments SET carrier_account_id = CAST(v.column2 AS BIGINT), service = v.column3, weight_grams = v.column4, \
             trace = v.column5, updated_at = $1, version = version + 1 FROM {rows} AS v WHERE id = v.column1",
            &rows,
            &[now.into()],
        )?;
    }
    Ok(())
}

/// Marks the first print of labels.
pub fn set_printed(tx: &mut Tx<'_>, ids: &[ShipmentId]) -> Result<(), StoreError> {
    let now = tx.now();
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.execute_in(
        "UPDATE shipments SET printed_at = $1, updated_at = $1, version = version + 1 WHERE id IN ({ids}) AND printed_at IS NULL",
        &ids,
        &[now.into()],
    )?;
    Ok(())
}

/// Marks when a bench opened a parcel.
pub fn set_opened(tx: &mut Tx<'_>, id: ShipmentId) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute("UPDATE shipments SET opened_at = $2 WHERE id = $1", &[id.into(), now.into()])?;
    Ok(())
}

/// Sets the weight on the scale.
pub fn set_measured(tx: &mut Tx<'_>, id: ShipmentId, grams: i64) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(
        "UPDATE shipments SET measured_grams = $2, updated_at = $3, version = version + 1 WHERE id = $1",
        &[id.into(), grams.into(), now.into()],
    )?;
    Ok(())
}

/// Marks that the carrier was asked.
pub fn set_tracked(tx: &mut Tx<'_>, ids: &[ShipmentId]) -> Result<(), StoreError> {
    let now = tx.now();
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.execute_in("UPDATE shipments SET tracked_at = $1 WHERE id IN ({ids})", &ids, &[now.into()])?;
    Ok(())
}

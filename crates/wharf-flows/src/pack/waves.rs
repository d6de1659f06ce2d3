//! Waves: fulfillments that are fetched in one walk.

use crate::app::{App, FlowError, Outcome};
use std::collections::HashMap;
use wharf_domain::fulfillment::{Fulfillment, FulfillmentState};
use wharf_domain::id::{FulfillmentId, FulfillmentLineId, ShipmentId, WarehouseId, WaveId};
use wharf_domain::shipment::ShipmentState;
use wharf_domain::timeline::Actor;
use wharf_store::shipments::{self, ShipmentRow};
use wharf_store::{fulfillments, locks, stations};

/// Starts a wave: the fulfillments of these parcels are picked together. Those that cannot be are refused one by one.
pub async fn new_wave(
    app: &App,
    actor: &Actor,
    name: &str,
    warehouse: WarehouseId,
    ids: &[ShipmentId],
) -> Result<(WaveId, Vec<(ShipmentId, Outcome)>), FlowError> {
    let (actor, name, ids) = (actor.clone(), name.trim().to_owned(), ids.to_vec());
    app.store
        .write(move |tx| {
            locks::shipments(tx, &ids)?;
            let now = tx.now();
            let rows: HashMap<ShipmentId, ShipmentRow> = shipments::load(tx, &ids)?.into_iter().map(|s| (s.id, s)).collect();
            let stopped: HashMap<ShipmentId, String> = shipments::obstacles(tx, &ids)?.into_iter().map(|(id, _, why)| (id, why)).collect();
            let wave = stations::new_wave(tx, warehouse, &name, &actor)?;
            let mut results = Vec::with_capacity(ids.len());
            let mut changes: Vec<(FulfillmentId, FulfillmentState, Option<WaveId>)> = Vec::new();
            for id in &ids {
                let outcome = match (rows.get(id), stopped.get(id)) {
                    (None, _) => Outcome::refused("not_found"),
                    (Some(_), Some(why)) => Outcome::refused(why.as_str()),
                    (Some(s), None) if s.warehouse_id != warehouse => Outcome::refused("other_warehouse"),
                    (Some(s), None) if !matches!(s.state, ShipmentState::Draft | ShipmentState::Booked) => Outcome::refused("packed"),
                    (Some(s), None) => {
                        let lines: Vec<FulfillmentLineId> = s.lines.iter().map(|l| l.fulfillment_line_id).collect();
                        let mine = fulfillments::of_orders(tx, &s.orders())?;
                        let mut done = false;
                        for f in mine.iter().filter(|f| f.lines.iter().any(|l| lines.contains(&l.id))) {
                            if let Ok(next) = Fulfillment::of(f.state, f.wave_id, f.updated_at).pick(Some(wave), now) {
                                changes.push((f.id, next.state(), Some(wave)));
                                done = true;
                            }
                        }
                        if done { Outcome::Done } else { Outcome::refused("picking") }
                    }
                };
                results.push((*id, outcome));
            }
            fulfillments::set_state(tx, &changes)?;
            Ok((wave, results))
        })
        .await
}

//! Doctor: everything that is cached or counted is computed again from the facts and compared; each drift is reported with
//! the row it is in. `repair` writes what was computed for caches and counters; the stock ledger is never corrected in
//! silence: a drift there is for a person, with a counted movement.

use crate::app::{App, FlowError};
use crate::recompute;
use std::collections::BTreeSet;
use wharf_domain::id::OrderId;
use wharf_store::rollups::Sums;
use wharf_store::{StoreError, Tx, fulfillments, orders, rollups, stock};

/// Rows that a report names of one kind; a broken store has more than anybody reads.
const MOST: i64 = 10_000;

/// One number or word that is not what its facts make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// `phase` · `counted` · `phase_count` · `hold_count` · `day_rollup` · `hour_rollup` · `line_counters` · `stock_level`.
    pub kind: &'static str,
    /// Which row.
    pub row: String,
    /// What is stored.
    pub stored: String,
    /// What the facts make.
    pub computed: String,
    /// `repair` mends it.
    pub repairable: bool,
}

/// What doctor found, and whether it was mended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Every drift.
    pub drifts: Vec<Drift>,
    /// The repairable ones were mended.
    pub repaired: bool,
}

impl Report {
    /// Nothing is left to mend.
    pub fn is_healthy(&self) -> bool {
        self.drifts.iter().all(|drift| self.repaired && drift.repairable)
    }
}

/// Examines the store; with `repair` mends caches and counters in the same transaction.
pub async fn examine(app: &App, repair: bool) -> Result<Report, FlowError> {
    if repair {
        app.store.write(|tx| examine_in(tx, true).map_err(FlowError::from)).await
    } else {
        app.store.read(|tx| examine_in(tx, false).map_err(FlowError::from)).await
    }
}

fn examine_in(tx: &mut Tx<'_>, repair: bool) -> Result<Report, StoreError> {
    let mut drifts = Vec::new();
    let lines = fulfillments::audit(tx, MOST)?;
    for drift in &lines {
        drifts.push(Drift {
            kind: "line_counters",
            row: format!("order {} line {}", drift.order_id, drift.order_line_id),
            stored: format!("{:?}", drift.stored),
            computed: format!("{:?}", drift.computed),
            repairable: true,
        });
    }
    if repair {
        let broken: Vec<OrderId> = lines.iter().map(|drift| drift.order_id).collect::<BTreeSet<_>>().into_iter().collect();
        fulfillments::recount(tx, &broken)?;
    }
    for drift in stock::audit(tx)? {
        let key = drift.key;
        drifts.push(Drift {
            kind: "stock_level",
            row: format!("warehouse {} sku {} {} {}", key.warehouse_id, key.sku_id, key.condition, drift.what),
            stored: drift.stored.to_string(),
            computed: drift.computed.to_string(),
            repairable: false,
        });
    }
    let (orders_adrift, sums) = recompute::recount(tx)?;
    for (facts, now) in &orders_adrift {
        let phase = facts.cached_phase != now.phase;
        drifts.push(Drift {
            kind: if phase { "phase" } else { "counted" },
            row: format!("order {}", facts.id),
            stored: if phase { facts.cached_phase.to_string() } else { facts.counted.clone() },
            computed: if phase { now.phase.to_string() } else { now.text() },
            repairable: true,
        });
    }
    let stored = rollups::read(tx)?.without_zeros();
    compare(&stored, &sums, &mut drifts);
    if repair {
        let cached: Vec<orders::Cached> =
            orders_adrift.iter().map(|(facts, now)| orders::Cached { id: facts.id, phase: now.phase, counted: now.text() }).collect();
        orders::save_cached(tx, &cached)?;
        if stored != sums {
            rollups::replace(tx, sums)?;
        }
    }
    Ok(Report { drifts, repaired: repair })
}

fn compare(stored: &Sums, computed: &Sums, drifts: &mut Vec<Drift>) {
    fn each<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
        kind: &'static str,
        stored: &std::collections::BTreeMap<K, V>,
        computed: &std::collections::BTreeMap<K, V>,
        drifts: &mut Vec<Drift>,
    ) {
        let keys: BTreeSet<&K> = stored.keys().chain(computed.keys()).collect();
        for key in keys {
            let (a, b) = (stored.get(key), computed.get(key));
            if a != b {
                drifts.push(Drift {
                    kind,
                    row: format!("{key:?}"),
                    stored: format!("{a:?}"),
                    computed: format!("{b:?}"),
                    repairable: true,
                });
            }
        }
    }
    each("phase_count", &stored.phases, &computed.phases, drifts);
    each("hold_count", &stored.holds, &computed.holds, drifts);
    each("day_rollup", &stored.days, &computed.days, drifts);
    each("hour_rollup", &stored.hours, &computed.hours, drifts);
}

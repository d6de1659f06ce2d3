//! The node number in ids: leased from the `nodes` table, so that no two processes make the same id.
//!
//! A lease is renewed before a unit of work when a third of it is gone. Ids carry the time of their unit, which lies
//! inside the lease; whoever takes the number later starts after its end. So a process that froze cannot make an id twice.

use crate::error::StoreError;
use crate::tx::Line;
use crate::value::Value;
use std::sync::{Arc, Mutex, PoisonError};
use wharf_domain::id::{IdSource, NODES};
use wharf_domain::time::{MINUTE, Timestamp};

const LEASE: i64 = 15 * MINUTE;
/// How far the clocks of two machines may differ.
const SKEW: i64 = MINUTE;

pub(crate) struct Nodes {
    holder: String,
    state: Mutex<State>,
}

struct State {
    node: Option<i64>,
    source: Arc<IdSource>,
    renew_at: Timestamp,
}

impl Nodes {
    pub(crate) fn new(holder: String) -> Self {
        Nodes { holder, state: Mutex::new(State { node: None, source: Arc::new(IdSource::new(0)), renew_at: Timestamp(i64::MIN) }) }
    }

    /// The source of ids, its number leased beyond `now`. `transact` runs the given work in a transaction of its own.
    pub(crate) fn ids(
        &self,
        now: Timestamp,
        transact: impl FnOnce(&mut dyn FnMut(&mut Line<'_>) -> Result<i64, StoreError>) -> Result<i64, StoreError>,
    ) -> Result<Arc<IdSource>, StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now < state.renew_at {
            return Ok(Arc::clone(&state.source));
        }
        let held = state.node;
        let node = transact(&mut |line| lease(line, &self.holder, held, now))?;
        if held != Some(node) {
            state.node = Some(node);
            state.source = Arc::new(IdSource::new(u16::try_from(node).unwrap_or(0)));
        }
        state.renew_at = now.plus(LEASE / 3);
        Ok(Arc::clone(&state.source))
    }

    /// The source as it is: for reads, which store no ids.
    pub(crate) fn spare(&self) -> Arc<IdSource> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner).source)
    }

    /// The number and its holder, to give it back, when one is held. No number is leased after that.
    pub(crate) fn release(&self) -> Option<(i64, String)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.renew_at = Timestamp(i64::MAX);
        state.node.take().map(|node| (node, self.holder.clone()))
    }
}

fn lease(line: &mut Line<'_>, holder: &str, held: Option<i64>, now: Timestamp) -> Result<i64, StoreError> {
    let until = Value::from(now.plus(LEASE));
    if let Some(node) = held {
        let renew = "UPDATE nodes SET lease_until = $3 WHERE node = $1 AND holder = $2";
        let (changed, _) = line.run(renew, &[Value::from(node), holder.into(), until.clone()], false)?;
        if changed == 1 {
            return Ok(node);
        }
    }
    let live = "SELECT node FROM nodes WHERE lease_until >= $1 ORDER BY node";
    let (_, rows) = line.run(live, &[Value::from(now.plus(-SKEW))], true)?;
    let taken: Vec<i64> = rows.iter().map(|row| row.int(0)).collect::<Result<_, _>>()?;
    for node in (0..i64::from(NODES)).filter(|node| !taken.contains(node)) {
        let take = "INSERT INTO nodes (node, holder, lease_until) VALUES ($1, $2, $3) \
             ON CONFLICT (node) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until WHERE nodes.lease_until < $4";
        let (changed, _) = line.run(take, &[Value::from(node), holder.into(), until.clone(), now.plus(-SKEW).into()], false)?;
        if changed == 1 {
            return Ok(node);
        }
    }
    tracing::error!("all {NODES} node numbers are leased; too many processes share this database");
    Err(StoreError::Busy)
}

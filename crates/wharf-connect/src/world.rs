//! The simulated market: shops, listings, buyers who buy, pay, cancel and complain; faults on demand. Deterministic by
//! seed, durable on disk: what a caller was told before a kill the market still knows after it.
//!
//! It speaks no vendor's words. Each vendor's sandbox translates between its wire and the facts and commands here.

mod acts;
pub mod buyers;
pub mod catalogue;
pub mod command;
pub mod demo;
pub mod faults;
mod journal;
pub mod market;
mod modified;
pub mod orders;
pub mod parcels;
mod placing;
pub mod plan;
pub(crate) mod random;
#[cfg(test)]
mod tests;
pub mod truth;

pub use command::{Act, Command, Done};
pub use faults::{Fault, FaultKind};
pub use market::Market;
pub use orders::{OrderDraft, OrderState, Quirk, Refusal};
pub use plan::MarketPlan;

use crate::Vendor;
use journal::Journal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use wharf_domain::time::Timestamp;

/// Why a market cannot be opened or go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// The disk says no.
    #[error("the market's directory: {0}")]
    Disk(String),
    /// Another process has it.
    #[error("{0} is in use by another process")]
    Busy(String),
    /// What is on the disk is another market than the one asked for.
    #[error("{0}")]
    Other(String),
    /// The journal could not be written; nothing is promised any more.
    #[error("the market cannot keep its journal and has stopped")]
    Broken,
}

/// The version of the commands and of the state. A market of another version is refused, never misread.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Opening {
    version: u32,
    open: MarketPlan,
}

#[derive(Deserialize)]
struct Snapshot {
    version: u32,
    market: Market,
}

/// How many answers an operation of a vendor gave, by outcome.
type Calls = BTreeMap<(String, String, String), u64>;

/// One market that all sandboxes speak for. It may be shared between threads.
pub struct World {
    market: RwLock<Market>,
    journal: Option<Mutex<Journal>>,
    pending: Mutex<Pending>,
    synced: AtomicU64,
    broken: AtomicBool,
    faults: Mutex<faults::Faults>,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Pending {
    lines: Vec<u8>,
    sequence: u64,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    fn hold(market: Market, journal: Option<Journal>, sequence: u64) -> Self {
        World {
            market: RwLock::new(market),
            journal: journal.map(Mutex::new),
            pending: Mutex::new(Pending { lines: Vec::new(), sequence }),
            synced: AtomicU64::new(sequence),
            broken: AtomicBool::new(false),
            faults: Mutex::default(),
            calls: Mutex::default(),
        }
    }

    /// A market that lives as long as the process.
    pub fn in_memory(plan: MarketPlan) -> Self {
        World::hold(Market::new(plan), None, 0)
    }

    /// The demo market, in memory.
    pub fn demo(vendors: &[&'static dyn Vendor], seed: u64, now: Timestamp) -> Self {
        World::in_memory(MarketPlan::demo(vendors, seed, now))
    }

    /// A market where only what is told happens, in memory: for tests that make their own orders.
    pub fn quiet(vendors: &[&'static dyn Vendor], seed: u64, now: Timestamp) -> Self {
        World::in_memory(MarketPlan::quiet(vendors, seed, now))
    }

    /// The durable market of a directory: opened by `plan` the first time, continued as it was after that. A continued
    /// market keeps its own plan; only a different seed is an error. Buyers do not buy while it is closed.
    pub fn open(dir: &Path, plan: MarketPlan, now: Timestamp) -> Result<Self, WorldError> {
        let mut found = Journal::open(dir)?;
        let mut records = found.records.into_iter().peekable();
        let (mut market, mut sequence) = match found.snapshot {
            Some((sequence, bytes)) => {
                let snapshot: Snapshot =
                    serde_json::from_slice(&bytes).map_err(|why| WorldError::Other(format!("the market's snapshot: {why}")))?;
                known_version(snapshot.version)?;
                let mut market = snapshot.market;
                market.reindex();
                (market, sequence)
            }
            None => {
                let opening = match records.next() {
                    Some((_, text)) => {
                        serde_json::from_str(&text).map_err(|why| WorldError::Other(format!("the market's journal: {why}")))?
                    }
                    None => {
                        let opening = Opening { version: VERSION, open: plan.clone() };
                        let text = serde_json::to_string(&opening).map_err(|why| WorldError::Other(why.to_string()))?;
                        found.journal.append(journal::line(1, &text).as_bytes()).map_err(|why| WorldError::Disk(why.to_string()))?;
                        opening
                    }
                };
                known_version(opening.version)?;
                (Market::new(opening.open), 1)
            }
        };
        if market.plan.seed != plan.seed {
            return Err(WorldError::Other(format!(
                "{} holds a market of seed {}, not {}: choose another directory or that seed",
                dir.display(),
                market.plan.seed,
                plan.seed
            )));
        }
        let replayed = records.len() as u64;
        for (number, text) in records {
            if number != sequence + 1 {
                return Err(WorldError::Disk(format!("{}: record {} is missing", dir.display(), sequence + 1)));
            }
            let command: Command =
                serde_json::from_str(&text).map_err(|why| WorldError::Other(format!("record {number} of the market's journal: {why}")))?;
            // A refused declaration is on record too: it is refused again, and counted again.
            let _outcome = market.apply(command);
            sequence = number;
        }
        if Journal::is_long(replayed) {
            let mut state = format!("{{\"version\":{VERSION},\"market\":").into_bytes();
            state.extend(market.write().map_err(|why| WorldError::Other(why.to_string()))?);
            state.push(b'}');
            found.journal.fold(dir, sequence, &state)?;
        }
        let world = World::hold(market, Some(found.journal), sequence);
        world.apply(Command::Resume { at: now }).map_err(|why| WorldError::Other(why.to_string()))?;
        if world.broken.load(Ordering::Acquire) { Err(WorldError::Broken) } else { Ok(world) }
    }

    /// Looks at the market. What is seen is on the disk before this returns.
    pub fn read<T>(&self, look: impl FnOnce(&Market) -> T) -> T {
        let (seen, sequence) = {
            let market = self.market.read().unwrap_or_else(PoisonError::into_inner);
            (look(&market), held(&self.pending).sequence)
        };
        self.settle(sequence);
        seen
    }

    /// Tells the market something. What comes of it is on the disk before this returns.
    pub fn apply(&self, command: Command) -> Result<Done, Refusal> {
        if self.broken.load(Ordering::Acquire) {
            return Err(Refusal::Broken);
        }
        let counted = matches!(command, Command::Confirm(_));
        let text = match &self.journal {
            Some(_) => Some(serde_json::to_string(&command).map_err(|why| Refusal::Invalid(why.to_string()))?),
            None => None,
        };
        let (outcome, sequence) = {
            let mut market = self.market.write().unwrap_or_else(PoisonError::into_inner);
            let before = market.last_event;
            let outcome = market.apply(command);
            let mut pending = held(&self.pending);
            if outcome.is_ok() || counted {
                if let Some(text) = text {
                    pending.sequence += 1;
                    let line = journal::line(pending.sequence, &text);
                    pending.lines.extend_from_slice(line.as_bytes());
                }
            } else {
                market.last_event = before;
            }
            (outcome, pending.sequence)
        };
        self.settle(sequence);
        if self.broken.load(Ordering::Acquire) { Err(Refusal::Broken) } else { outcome }
    }

    /// True when the journal could not be written: no answer may leave any more.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Moves the market's clock: everything due by `now` happens.
    pub fn tick(&self, now: Timestamp) -> Result<(), WorldError> {
        if !self.market.read().unwrap_or_else(PoisonError::into_inner).is_quiet(now) {
            let _told = self.apply(Command::Tick { to: now });
        }
        if self.broken.load(Ordering::Acquire) { Err(WorldError::Broken) } else { Ok(()) }
    }

    /// Makes an order by hand and gives its number.
    pub fn place(&self, at: Timestamp, shop: &str, draft: OrderDraft) -> Result<i64, Refusal> {
        match self.apply(Command::Place { at, shop: shop.to_owned(), draft: Box::new(draft) })? {
            Done::Order(number) => Ok(number),
            other => Err(Refusal::Invalid(format!("placing gave {other:?}"))),
        }
    }

    /// Does something to one order.
    pub fn act(&self, at: Timestamp, order: i64, act: Act) -> Result<Done, Refusal> {
        self.apply(Command::Order { at, order, act })
    }

    /// Arms a fault.
    pub fn arm(&self, fault: Fault) {
        held(&self.faults).arm(fault);
    }
    /// Disarms every fault.
    pub fn clear_faults(&self) {
        held(&self.faults).clear();
    }
    /// The faults that are armed.
    pub fn faults(&self) -> Vec<Fault> {
        held(&self.faults).armed().to_vec()
    }
    /// The fault that strikes this call, if one does. A sandbox asks once a call, when it knows who calls what.
    pub fn strike(&self, vendor: &str, method: &str, shop: &str) -> Option<Fault> {
        let seed = self.market.read().unwrap_or_else(PoisonError::into_inner).plan.seed;
        held(&self.faults).take(seed, vendor, method, shop)
    }

    /// Counts a call by its outcome (`ok`, a platform's error code, a fault's name).
    pub fn count_call(&self, vendor: &str, method: &str, outcome: &str) {
        *held(&self.calls).entry((vendor.to_owned(), method.to_owned(), outcome.to_owned())).or_insert(0) += 1;
    }
    /// Calls since this process opened the market: (vendor, method, outcome) and how many.
    pub fn calls(&self) -> Vec<((String, String, String), u64)> {
        held(&self.calls).iter().map(|(k, v)| (k.clone(), *v)).collect()
    }

    /// A digest of everything that is true: equal digests, equal markets.
    pub fn fingerprint(&self) -> String {
        let mut market = self.market.write().unwrap_or_else(PoisonError::into_inner);
        let bytes = market.write().unwrap_or_default();
        hex::encode(Sha256::digest(&bytes))
    }

    /// Waits until everything up to `sequence` is on the disk. Whoever comes first writes for all who wait.
    fn settle(&self, sequence: u64) {
        let Some(journal) = &self.journal else { return };
        if self.synced.load(Ordering::Acquire) >= sequence {
            return;
        }
        let mut file = held(journal);
        if self.synced.load(Ordering::Acquire) >= sequence || self.broken.load(Ordering::Acquire) {
            return;
        }
        let (lines, upto) = {
            let mut pending = held(&self.pending);
            (std::mem::take(&mut pending.lines), pending.sequence)
        };
        match file.append(&lines) {
            Ok(()) => self.synced.store(upto, Ordering::Release),
            Err(why) => {
                tracing::error!(%why, "the market's journal cannot be written");
                self.broken.store(true, Ordering::Release);
            }
        }
    }
}

fn known_version(version: u32) -> Result<(), WorldError> {
    if version == VERSION {
        Ok(())
    } else {
        Err(WorldError::Other(format!(
            "the market was written by another version ({version}, this one reads {VERSION}): choose another directory"
        )))
    }
}

//! Erase: personal data go on their channel's schedule, shop by shop and slice by slice; each slice is one unit of work with
//! its audit entry. What reports count stays (law 10).

use crate::app::{App, FlowError};
use serde_json::json;
use wharf_connect::manifest::KEEP_PERSONAL_DAYS;
use wharf_domain::id::{OrderId, ShopId};
use wharf_domain::time::DAY;
use wharf_domain::timeline::{Actor, Event};
use wharf_store::audit::{self, AuditEntry};
use wharf_store::{StoreError, Tx, locks, privacy, shops, timeline};

/// Orders of one unit of work.
const SLICE: i64 = 200;
/// Slices of one run; then the job lets others go first.
const SLICES: usize = 50;
/// Nothing was heard of a parcel, or of an unpaid order, for so long: nobody waits for it any more.
const GRACE: i64 = 60 * DAY;
/// How long a payload that nobody could read is kept for somebody to look at.
const PARKED_LIVES: i64 = 90 * DAY;

/// What a run of erasing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Orders whose personal data are gone.
    pub orders: u64,
    /// There is more to erase now.
    pub more: bool,
}

/// Days after its end that a shop's orders keep personal data: the channel's schedule, or less where the shop wants less.
pub fn days_kept(app: &App, shop: &shops::Shop) -> u32 {
    let allowed = app.vendor(&shop.vendor).map_or(KEEP_PERSONAL_DAYS, |vendor| vendor.manifest().personal_days());
    shop.policy.privacy.days(allowed)
}

/// Erases what is past its date in one shop.
pub async fn erase(app: &App, id: ShopId) -> Result<Erased, FlowError> {
    let shop = app.store.read(move |tx| shops::get(tx, id).map_err(FlowError::from)).await?;
    let Some(shop) = shop else { return Ok(Erased::default()) };
    let days = days_kept(app, &shop);
    let mut report = Erased::default();
    for _ in 0..SLICES {
        let (found, erased) = app.store.write_again(move |tx| slice(tx, id, days).map_err(FlowError::from)).await?;
        report.orders += erased;
        if found < SLICE as usize {
            return Ok(report);
        }
    }
    report.more = true;
    Ok(report)
}

fn slice(tx: &mut Tx<'_>, shop: ShopId, days: u32) -> Result<(usize, u64), StoreError> {
    let ended = tx.now().plus(-i64::from(days) * DAY);
    let due = privacy::due(tx, shop, ended, ended.plus(-GRACE), SLICE)?;
    if due.is_empty() {
        return Ok((0, 0));
    }
    locks::orders(tx, &due)?;
    let erased = privacy::erase(tx, &due)?;
    let actor = Actor::Job { kind: "erase_personal".to_owned(), id: None };
    let events: Vec<(OrderId, Event)> = due
        .iter()
        .map(|order| (*order, Event { kind: "order.personal_erased".to_owned(), params: json!({ "days": days }), actor: actor.clone() }))
        .collect();
    timeline::append(tx, &events)?;
    let entry = AuditEntry {
        user_id: None,
        actor: "erase_personal".to_owned(),
        action: "personal.erased".to_owned(),
        target_kind: "shop".to_owned(),
        target_id: Some(shop.0),
        detail: json!({ "orders": erased, "days": days }),
        address: String::new(),
    };
    audit::record(tx, entry)?;
    Ok((due.len(), erased))
}

/// Dates the payloads of parked orders: rows stay visible, what they hold of people does not.
pub async fn date_parked(app: &App) -> Result<u64, FlowError> {
    app.store
        .write(|tx| {
            let before = tx.now().plus(-PARKED_LIVES);
            privacy::date_parked(tx, before).map_err(FlowError::from)
        })
        .await
}

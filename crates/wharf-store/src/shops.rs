//! Shops: one seller account on a channel each, with sealed credentials, policy, cursor and health; and the pull that is
//! under way in it.

use crate::{Row, StoreError, Tx, Value, jobs};
use std::collections::BTreeMap;
use wharf_domain::access::Scope;
use wharf_domain::id::ShopId;
use wharf_domain::money::Currency;
use wharf_domain::rules::ShopPolicy;
use wharf_domain::time::Timestamp;
use wharf_domain::words;

words! {
    /// Whether a shop is worked on.
    pub enum ShopState {
        /// Pulled and told.
        Active = "active",
        /// A person stopped it.
        Paused = "paused",
        /// Its credentials no longer work: a person must sign in again.
        Reauthorize = "reauthorize",
    }
}

/// A shop, without its credentials.
#[derive(Debug, Clone, PartialEq)]
pub struct Shop {
    /// Its id.
    pub id: ShopId,
    /// Manifest id of its vendor.
    pub vendor: String,
    /// What people call it.
    pub name: String,
    /// The channel's id of the seller.
    pub external_id: String,
    /// Open settings (`base_url` and its like).
    pub settings: BTreeMap<String, String>,
    /// Checks, approval, parcels.
    pub policy: ShopPolicy,
    /// Whether it is worked on.
    pub state: ShopState,
    /// Why it is not.
    pub state_detail: String,
    /// IANA zone of its business day.
    pub zone: String,
    /// Its currency.
    pub currency: Currency,
    /// Everything modified before it is stored or parked.
    pub cursor_at: Option<Timestamp>,
    /// When a window was last completed.
    pub pulled_at: Option<Timestamp>,
    /// The last pull's trouble, if it failed.
    pub pull_error: Option<String>,
    /// When its newest order was placed.
    pub last_order_at: Option<Timestamp>,
    /// Silent against its own habit since.
    pub silent_since: Option<Timestamp>,
    /// When it was connected.
    pub created_at: Timestamp,
    /// Rises with every change by a person.
    pub version: i64,
}

/// What connects a shop.
#[derive(Clone)]
pub struct NewShop {
    /// Manifest id of its vendor.
    pub vendor: String,
    /// What people call it; unique.
    pub name: String,
    /// The channel's id of the seller, where known.
    pub external_id: String,
    /// Secret fields; sealed.
    pub credentials: BTreeMap<String, String>,
    /// Open settings.
    pub settings: BTreeMap<String, String>,
    /// Checks, approval, parcels.
    pub policy: ShopPolicy,
    /// IANA zone.
    pub zone: String,
    /// Its currency.
    pub currency: Currency,
}

/// A pull under way: pages of the window that are stored already, so that a restart goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// Start of the window.
    pub from: Timestamp,
    /// End of the window.
    pub to: Timestamp,
    /// The connector's continuation; `None` before the first page.
    pub page: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
}

const COLUMNS: &str = "id, vendor, name, external_id, settings, policy, shop_state, state_detail, zone, currency, cursor_at, pulled_at, \
     pull_error, last_order_at, silent_since, created_at, version";

fn read(row: &Row) -> Result<Shop, StoreError> {
    Ok(Shop {
        id: row.id(0)?,
        vendor: row.text(1)?,
        name: row.text(2)?,
        external_id: row.text(3)?,
        settings: row.json(4)?,
        policy: row.json(5)?,
        state: row.word(6)?,
        state_detail: row.text(7)?,
        zone: row.text(8)?,
        currency: Currency::new(row.str(9)?).map_err(|_| row.inconsistent(9))?,
        cursor_at: row.opt_time(10)?,
        pulled_at: row.opt_time(11)?,
        pull_error: row.opt_text(12)?,
        last_order_at: row.opt_time(13)?,
        silent_since: row.opt_time(14)?,
        created_at: row.time(15)?,
        version: row.int(16)?,
    })
}

/// Connects a shop. A name in use is `Conflict { constraint: "shops_name" }`.
pub fn create(tx: &mut Tx<'_>, shop: &NewShop) -> Result<ShopId, StoreError> {
    let id: ShopId = tx.new_id();
    let credentials = tx.keys().seal_json(&shop.credentials);
    let mut policy = shop.policy.clone();
    policy.version = policy.version.max(1);
    tx.execute(
        "INSERT INTO shops (id, vendor, name, external_id, credentials, settings, policy, shop_state, zone, currency, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'active', $8, $9, $10)",
        &[
            id.into(),
            (&shop.vendor).into(),
            (&shop.name).into(),
            (&shop.external_id).into(),
            credentials.into(),
            Value::json(&shop.settings),
            Value::json(&policy),
            (&shop.zone).into(),
            shop.currency.code().into(),
            tx.now().into(),
        ],
    )?;
    Ok(id)
}

/// One shop.
pub fn get(tx: &mut Tx<'_>, id: ShopId) -> Result<Option<Shop>, StoreError> {
    tx.query_opt(&format!("SELECT {COLUMNS} FROM shops WHERE id = $1"), &[id.into()])?.as_ref().map(read).transpose()
}

/// All shops of a scope, by name.
pub fn list(tx: &mut Tx<'_>, scope: &Scope) -> Result<Vec<Shop>, StoreError> {
    let rows = tx.query(&format!("SELECT {COLUMNS} FROM shops ORDER BY name, id"), &[])?;
    let shops = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(shops.into_iter().filter(|shop| scope.shop(shop.id)).collect())
}

/// The secret fields, opened for a call. They reach no log and no answer.
pub fn credentials(tx: &mut Tx<'_>, id: ShopId) -> Result<BTreeMap<String, String>, StoreError> {
    let row = tx.query_opt("SELECT id, credentials FROM shops WHERE id = $1", &[id.into()])?;
    match row {
        None => Ok(BTreeMap::new()),
        Some(row) => match row.opt_blob(1)? {
            None => Ok(BTreeMap::new()),
            Some(sealed) => tx.keys().open_json(&sealed).map_err(|_| row.inconsistent(1)),
        },
    }
}

/// What a person may change of a shop; `None` leaves it.
#[derive(Clone, Default)]
pub struct ShopEdit {
    /// New name.
    pub name: Option<String>,
    /// The channel's id of the seller.
    pub external_id: Option<String>,
    /// New credentials, whole; they also end `reauthorize`.
    pub credentials: Option<BTreeMap<String, String>>,
    /// New settings, whole.
    pub settings: Option<BTreeMap<String, String>>,
    /// New policy; its version is set here.
    pub policy: Option<ShopPolicy>,
    /// Pause or resume.
    pub state: Option<ShopState>,
}

/// Changes a shop if it still has `version` (when one is given). `Ok(false)`: it changed meanwhile, or is not there.
pub fn edit(tx: &mut Tx<'_>, id: ShopId, edit: &ShopEdit, version: Option<i64>) -> Result<bool, StoreError> {
    let Some(current) = get(tx, id)? else { return Ok(false) };
    if version.is_some_and(|v| v != current.version) {
        return Ok(false);
    }
    let sealed = edit.credentials.as_ref().map(|credentials| tx.keys().seal_json(credentials));
    let policy = edit.policy.as_ref().map(|policy| {
        let mut policy = policy.clone();
        policy.version = current.policy.version + 1;
        policy
    });
    let signed_in = edit.credentials.is_some() && current.state == ShopState::Reauthorize;
    let state = edit.state.unwrap_or(if signed_in { ShopState::Active } else { current.state });
    let changed = tx.execute(
        "UPDATE shops SET name = $2, external_id = $3, credentials = COALESCE($4, credentials), settings = $5, policy = $6, shop_state = $7, \
         state_detail = CASE WHEN shop_state = $7 THEN state_detail ELSE '' END, version = version + 1 WHERE id = $1 AND version = $8",
        &[
            id.into(),
            edit.name.as_ref().unwrap_or(&current.name).into(),
            edit.external_id.as_ref().unwrap_or(&current.external_id).into(),
            sealed.into(),
            Value::json(edit.settings.as_ref().unwrap_or(&current.settings)),
            Value::json(policy.as_ref().unwrap_or(&current.policy)),
            Value::word(state),
            current.version.into(),
        ],
    )?;
    if changed == 1 && state == ShopState::Active && (edit.credentials.is_some() || current.state != state) {
        jobs::resume(tx, id.0)?;
    }
    Ok(changed == 1)
}

/// Sets the state for a reason of the house (a dead token), not of a person. Jobs that waited for an active shop go on.
pub fn set_state(tx: &mut Tx<'_>, id: ShopId, state: ShopState, detail: &str) -> Result<(), StoreError> {
    let changed = tx.execute(
        "UPDATE shops SET shop_state = $2, state_detail = $3 WHERE id = $1 AND (shop_state <> $2 OR state_detail <> $3)",
        &[id.into(), Value::word(state), detail.into()],
    )?;
    if changed == 1 && state == ShopState::Active {
        jobs::resume(tx, id.0)?;
    }
    Ok(())
}

/// Serialises what ingests into one shop: the row stays locked until the unit of work ends.
pub fn lock(tx: &mut Tx<'_>, id: ShopId) -> Result<(), StoreError> {
    tx.execute("UPDATE shops SET id = id WHERE id = $1", &[id.into()]).map(drop)
}

/// The pull under way, if there is one.
pub fn pull(tx: &mut Tx<'_>, id: ShopId) -> Result<Option<Pull>, StoreError> {
    tx.query_opt("SELECT window_from, window_to, page, started_at FROM pulls WHERE shop_id = $1", &[id.into()])?
        .map(|row| Ok(Pull { from: row.time(0)?, to: row.time(1)?, page: row.opt_text(2)?, started_at: row.time(3)? }))
        .transpose()
}

/// Remembers how far the pull under way has come.
pub fn save_pull(tx: &mut Tx<'_>, id: ShopId, pull: &Pull) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO pulls (shop_id, window_from, window_to, page, started_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (shop_id) DO UPDATE SET window_from = excluded.window_from, window_to = excluded.window_to, page = excluded.page, \
         started_at = excluded.started_at",
        &[id.into(), pull.from.into(), pull.to.into(), pull.page.clone().into(), pull.started_at.into()],
    )
    .map(drop)
}

/// The window is complete: the cursor moves, in the transaction that stored its last page. It never moves back.
pub fn complete_pull(tx: &mut Tx<'_>, id: ShopId, to: Timestamp) -> Result<(), StoreError> {
    tx.execute("DELETE FROM pulls WHERE shop_id = $1", &[id.into()])?;
    tx.execute(
        "UPDATE shops SET cursor_at = CASE WHEN cursor_at IS NULL OR cursor_at < $2 THEN $2 ELSE cursor_at END, pulled_at = $3, pull_error = NULL WHERE id = $1",
        &[id.into(), to.into(), tx.now().into()],
    )
    .map(drop)
}

/// Drops the pull under way: its continuation is no longer valid. The window is read again from its start.
pub fn forget_pull(tx: &mut Tx<'_>, id: ShopId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM pulls WHERE shop_id = $1", &[id.into()]).map(drop)
}

/// The last pull failed, in these words; `None` clears it.
pub fn set_pull_error(tx: &mut Tx<'_>, id: ShopId, error: Option<&str>) -> Result<(), StoreError> {
    tx.execute("UPDATE shops SET pull_error = $2 WHERE id = $1", &[id.into(), error.into()]).map(drop)
}

/// The newest order was placed then, unless a newer one is known; it ends a silence.
pub fn saw_order(tx: &mut Tx<'_>, id: ShopId, placed_at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE shops SET last_order_at = $2, silent_since = NULL WHERE id = $1 AND (last_order_at IS NULL OR last_order_at < $2)",
        &[id.into(), placed_at.into()],
    )
    .map(drop)
}

/// The alarm: silent against its own habit since then; `None` ends it. `Ok(true)` when that is news.
pub fn set_silent(tx: &mut Tx<'_>, id: ShopId, since: Option<Timestamp>) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE shops SET silent_since = $2 WHERE id = $1 AND CASE WHEN silent_since IS NULL THEN 1 ELSE 0 END = $3",
        &[id.into(), since.into(), since.is_some().into()],
    )?;
    Ok(changed == 1)
}

/// The zones of shops, as IANA names.
pub fn zones(tx: &mut Tx<'_>, ids: &[ShopId]) -> Result<Vec<(ShopId, String)>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    tx.query_in("SELECT id, zone FROM shops WHERE id IN ({ids})", &ids, &[])?.iter().map(|row| Ok((row.id(0)?, row.text(1)?))).collect()
}

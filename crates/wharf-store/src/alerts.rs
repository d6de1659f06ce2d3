//! Alerts: what somebody must see although no order waits for it. One open alert per kind and subject; it is raised once,
//! cleared when what it told of is over, and only then raised again.

use crate::{StoreError, Tx, Value};
use wharf_domain::access::Scope;
use wharf_domain::id::{RowId, ShopId, SkuId, WarehouseId};
use wharf_domain::time::Timestamp;

/// What an alert is about: its kind and its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum About {
    /// Less is available of a SKU in a warehouse than its threshold.
    LowStock {
        /// Where.
        warehouse: WarehouseId,
        /// What.
        sku: SkuId,
    },
    /// A shop is silent against its own habit.
    ShopSilent {
        /// Which.
        shop: ShopId,
    },
    /// Parcels of a shop have left and its channel has not taken it for too long.
    Unconfirmed {
        /// Which.
        shop: ShopId,
    },
}

impl About {
    /// The stored word of parcels that a channel has not taken.
    pub const UNCONFIRMED: &'static str = "unconfirmed";

    /// The stored word of its kind.
    pub const fn kind(self) -> &'static str {
        match self {
            About::LowStock { .. } => "low_stock",
            About::ShopSilent { .. } => "shop_silent",
            About::Unconfirmed { .. } => About::UNCONFIRMED,
        }
    }

    fn subject(self) -> String {
        match self {
            About::LowStock { warehouse, sku } => format!("{warehouse}/{sku}"),
            About::ShopSilent { shop } | About::Unconfirmed { shop } => shop.to_string(),
        }
    }

    fn ids(self) -> (Option<ShopId>, Option<WarehouseId>, Option<SkuId>) {
        match self {
            About::LowStock { warehouse, sku } => (None, Some(warehouse), Some(sku)),
            About::ShopSilent { shop } | About::Unconfirmed { shop } => (Some(shop), None, None),
        }
    }
}

/// All kinds, as stored.
pub const KINDS: [&str; 3] = ["low_stock", "shop_silent", "unconfirmed"];

/// Told to whoever watches the store when an alert is raised or cleared.
pub const TOPIC: &str = "alerts";

/// Raises alerts, each with the values of its sentence. One that is open stays as it is. Answers how many are new.
pub fn raise(tx: &mut Tx<'_>, alerts: &[(About, serde_json::Value)]) -> Result<u64, StoreError> {
    if alerts.is_empty() {
        return Ok(0);
    }
    let now = tx.now();
    let rows: Vec<Vec<Value>> = alerts
        .iter()
        .map(|(about, params)| {
            let (shop, warehouse, sku) = about.ids();
            vec![
                tx.new_id::<RowId>().into(),
                about.kind().into(),
                about.subject().into(),
                shop.into(),
                warehouse.into(),
                sku.into(),
                params.into(),
                now.into(),
            ]
        })
        .collect();
    let raised = tx.insert_many(
        "INSERT INTO alerts (id, kind, subject, shop_id, warehouse_id, sku_id, params, raised_at)",
        &rows,
        "ON CONFLICT (kind, subject) WHERE cleared_at IS NULL DO NOTHING",
    )?;
    if raised > 0 {
        tx.announce(TOPIC);
    }
    Ok(raised)
}

/// Clears what is over. What is not open stays as it is.
pub fn clear(tx: &mut Tx<'_>, over: &[About]) -> Result<u64, StoreError> {
    if over.is_empty() {
        return Ok(0);
    }
    let now = tx.now();
    let rows: Vec<Vec<Value>> = over.iter().map(|about| vec![about.kind().into(), about.subject().into()]).collect();
    let cleared = tx.execute_rows(
        "UPDATE alerts SET cleared_at = $1 FROM {rows} AS v WHERE kind = v.column1 AND subject = v.column2 AND cleared_at IS NULL",
        &rows,
        &[now.into()],
    )?;
    if cleared > 0 {
        tx.announce(TOPIC);
    }
    Ok(cleared)
}

/// One alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Which; a later one has a higher id.
    pub id: RowId,
    /// `low_stock` · `shop_silent` · `unconfirmed`.
    pub kind: String,
    /// The shop it is about.
    pub shop_id: Option<ShopId>,
    /// The warehouse it is about.
    pub warehouse_id: Option<WarehouseId>,
    /// The SKU it is about.
    pub sku_id: Option<SkuId>,
    /// Values for its sentence.
    pub params: serde_json::Value,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// When it was over.
    pub cleared_at: Option<Timestamp>,
}

/// Which alerts a list wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only this kind.
    pub kind: Option<&'static str>,
    /// Those that are over, too.
    pub cleared: bool,
    /// Older than this one: where the page before ended.
    pub before: Option<RowId>,
}

/// Alerts that a scope sees, the latest first.
pub fn list(tx: &mut Tx<'_>, scope: &Scope, wanted: &Wanted, limit: usize) -> Result<Vec<Alert>, StoreError> {
    const PAGE: i64 = 500;
    let mut found = Vec::new();
    let mut before = wanted.before.map_or(i64::MAX, |id| id.0);
    loop {
        let rows = tx.query(
            "SELECT id, kind, shop_id, warehouse_id, sku_id, params, raised_at, cleared_at FROM alerts \
             WHERE id < $1 AND (CAST($2 AS TEXT) = '' OR kind = $2) AND (CAST($3 AS BIGINT) = 1 OR cleared_at IS NULL) ORDER BY id DESC LIMIT $4",
            &[before.into(), wanted.kind.unwrap_or_default().into(), wanted.cleared.into(), PAGE.into()],
        )?;
        for row in &rows {
            before = row.int(0)?;
            let alert = Alert {
                id: row.id(0)?,
                kind: row.text(1)?,
                shop_id: row.opt_id(2)?,
                warehouse_id: row.opt_id(3)?,
                sku_id: row.opt_id(4)?,
                params: row.json(5)?,
                raised_at: row.time(6)?,
                cleared_at: row.opt_time(7)?,
            };
            let visible = alert.shop_id.is_none_or(|id| scope.shop(id)) && alert.warehouse_id.is_none_or(|id| scope.warehouse(id));
            if visible && found.len() < limit {
                found.push(alert);
            }
        }
        if found.len() >= limit || (rows.len() as i64) < PAGE {
            return Ok(found);
        }
    }
}

/// Shops with an open alert of a kind.
pub fn open_shops(tx: &mut Tx<'_>, kind: &str) -> Result<Vec<ShopId>, StoreError> {
    tx.query("SELECT shop_id FROM alerts WHERE kind = $1 AND cleared_at IS NULL AND shop_id IS NOT NULL ORDER BY shop_id", &[kind.into()])?
        .iter()
        .map(|row| row.id(0))
        .collect()
}

/// Forgets alerts that were over before an instant. Answers how many.
pub fn purge(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM alerts WHERE cleared_at < $1", &[before.into()])
}

//! The stock list: SKUs with their levels, searched, filtered and paged by keys.

use super::{LevelRow, levels};
use crate::{StoreError, Tx, Value};
use std::collections::HashMap;
use wharf_domain::id::{SkuId, WarehouseId};

/// What the stock list is filtered by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StockFilter {
    /// Part of the code or name, or a whole barcode.
    pub q: String,
    /// Only this warehouse.
    pub warehouse_id: Option<WarehouseId>,
    /// Only SKUs with a level below its alert threshold.
    pub low: bool,
    /// The least available first; else by SKU code.
    pub by_available: bool,
}

/// One SKU of the stock list, all considered warehouses together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockRow {
    /// Which.
    pub sku_id: SkuId,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Picture.
    pub image_url: Option<String>,
    /// Sum of what is available (good condition).
    pub available: i64,
    /// Sort key to go on from: the normal code.
    pub code_normal: String,
    /// Its levels.
    pub levels: Vec<LevelRow>,
}

/// Where a page of the stock list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockCursor {
    /// `available` of the last row.
    pub available: i64,
    /// `code_normal` of the last row.
    pub code_normal: String,
    /// The last row.
    pub sku_id: SkuId,
}

/// One page of stock by SKU, keyset.
pub fn list(tx: &mut Tx<'_>, filter: &StockFilter, after: Option<&StockCursor>, limit: i64) -> Result<Vec<StockRow>, StoreError> {
    let code = wharf_domain::catalog::normal_code(&filter.q);
    let mut params: Vec<Value> = vec![filter.warehouse_id.map_or(0, |w| w.0).into(), limit.into()];
    let mut param = |value: Value| {
        params.push(value);
        params.len()
    };
    let found = if code.is_empty() {
        String::new()
    } else {
        let (like, barcode) = (param(format!("%{}%", escape_like(&code)).into()), param(filter.q.trim().into()));
        format!(
            "WHERE s.code_normal LIKE ${like} ESCAPE '!' OR lower(s.name) LIKE ${like} ESCAPE '!' \
             OR EXISTS (SELECT 1 FROM sku_barcodes b WHERE b.sku_id = s.id AND b.barcode = ${barcode})"
        )
    };
    let low = if filter.low { "low > 0" } else { "1 = 1" };
    let (keyset, order) = match (after, filter.by_available) {
        (None, true) => (String::new(), "available, sku_id"),
        (None, false) => (String::new(), "code_normal, sku_id"),
        (Some(after), true) => {
            let (key, id) = (param(after.available.into()), param(after.sku_id.into()));
            (format!("AND (available, sku_id) > (${key}, ${id})"), "available, sku_id")
        }
        (Some(after), false) => {
            let (key, id) = (param(after.code_normal.as_str().into()), param(after.sku_id.into()));
            (format!("AND (code_normal, sku_id) > (${key}, ${id})"), "code_normal, sku_id")
        }
    };
    let sql = format!(
        "SELECT sku_id, code, name, image_url, available, code_normal FROM ( \
           SELECT s.id AS sku_id, s.code AS code, s.name AS name, s.image_url AS image_url, s.code_normal AS code_normal, \
             CAST(COALESCE(SUM(CASE WHEN l.condition = 'good' THEN l.on_hand - l.reserved - l.safety ELSE 0 END), 0) AS BIGINT) AS available, \
             CAST(COALESCE(SUM(CASE WHEN l.condition = 'good' AND l.low_at IS NOT NULL AND l.on_hand - l.reserved - l.safety < l.low_at THEN 1 ELSE 0 END), 0) AS BIGINT) AS low \
           FROM skus s LEFT JOIN stock_levels l ON l.sku_id = s.id AND (CAST($1 AS BIGINT) = 0 OR l.warehouse_id = CAST($1 AS BIGINT)) \
           {found} GROUP BY s.id, s.code, s.name, s.image_url, s.code_normal) AS t \
         WHERE {low} {keyset} ORDER BY {order} LIMIT $2"
    );
    let rows = tx.query(&sql, &params)?;
    let mut list = rows
        .iter()
        .map(|row| {
            Ok(StockRow {
                sku_id: row.id(0)?,
                code: row.text(1)?,
                name: row.text(2)?,
                image_url: row.opt_text(3)?,
                available: row.int(4)?,
                code_normal: row.text(5)?,
                levels: Vec::new(),
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    let ids: Vec<SkuId> = list.iter().map(|r| r.sku_id).collect();
    let mut by_sku: HashMap<SkuId, Vec<LevelRow>> = HashMap::new();
    for row in levels(tx, &ids)? {
        if filter.warehouse_id.is_none_or(|w| w == row.key.warehouse_id) {
            by_sku.entry(row.key.sku_id).or_default().push(row);
        }
    }
    for row in &mut list {
        row.levels = by_sku.remove(&row.sku_id).unwrap_or_default();
    }
    Ok(list)
}

/// A text as it is inside `LIKE … ESCAPE '!'`.
pub(crate) fn escape_like(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

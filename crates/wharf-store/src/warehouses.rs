//! Warehouses, carrier accounts with sealed credentials, rate cards, and the number pool of the contract carrier.

use crate::{Row, StoreError, Tx, Value};
use std::collections::BTreeMap;
use wharf_domain::address::Region;
use wharf_domain::geo::Point;
use wharf_domain::id::{CarrierAccountId, RowId, ShopId, WarehouseId};
use wharf_domain::money::Currency;
use wharf_domain::routing::Rate;
use wharf_domain::words;

words! {
    /// Whose warehouse it is.
    pub enum WarehouseKind {
        /// Ours.
        Own = "own",
        /// Another company's, with our stock.
        ThirdParty = "third_party",
        /// The channel's own: mirrored, never reserved.
        Channel = "channel",
    }
}

words! {
    /// Which comes first at the bench.
    pub enum PackFlow {
        /// Labels are printed in batches; the bench finds the parcel of a label.
        PrintThenPack = "print_then_pack",
        /// The label comes out when the parcel is closed.
        PackThenPrint = "pack_then_print",
    }
}

/// A warehouse. Its address is the sender's on the label: a business address, kept in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarehouseRow {
    /// Its id.
    pub id: WarehouseId,
    /// Its code; unique.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Whose.
    pub kind: WarehouseKind,
    /// Orders may be routed to it.
    pub active: bool,
    /// Higher is preferred.
    pub priority: i64,
    /// Where.
    pub region: Region,
    /// Street.
    pub address: String,
    /// Who sends.
    pub contact: String,
    /// Phone of who sends.
    pub phone: String,
    /// Coordinates; found from the region when not given.
    pub point: Option<Point>,
    /// Which comes first at the bench.
    pub pack_flow: PackFlow,
    /// Version for concurrent edits.
    pub version: i64,
}

const WAREHOUSE: &str = "id, code, name, kind, active, priority, country, province, city, district, town, postal_code, address, contact, phone, \
   lng_e6, lat_e6, pack_flow, version";

fn warehouse(row: &Row) -> Result<WarehouseRow, StoreError> {
    Ok(WarehouseRow {
        id: row.id(0)?,
        code: row.text(1)?,
        name: row.text(2)?,
        kind: row.word(3)?,
        active: row.bool(4)?,
        priority: row.int(5)?,
        region: Region {
            country: row.text(6)?,
            province: row.text(7)?,
            city: row.text(8)?,
            district: row.text(9)?,
            town: row.text(10)?,
            postal_code: row.text(11)?,
        },
        address: row.text(12)?,
        contact: row.text(13)?,
        phone: row.text(14)?,
        point: match (row.opt_int(15)?, row.opt_int(16)?) {
            (Some(lng_e6), Some(lat_e6)) => Some(Point { lng_e6, lat_e6 }),
            _ => None,
        },
        pack_flow: row.word(17)?,
        version: row.int(18)?,
    })
}

/// What a person says of a warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarehouseInput {
    /// Its code; unique.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Whose.
    pub kind: WarehouseKind,
    /// Orders may be routed to it.
    pub active: bool,
    /// Higher is preferred.
    pub priority: i64,
    /// Where.
    pub region: Region,
    /// Street.
    pub address: String,
    /// Who sends.
    pub contact: String,
    /// Phone of who sends.
    pub phone: String,
    /// Coordinates; `None` has them found from the region.
    pub point: Option<Point>,
    /// Which comes first at the bench.
    pub pack_flow: PackFlow,
}

fn warehouse_values(id: WarehouseId, input: &WarehouseInput) -> Vec<Value> {
    let point = input.point.or_else(|| wharf_domain::geo::locate(&input.region));
    vec![
        id.into(),
        input.code.as_str().into(),
        input.name.as_str().into(),
        Value::word(input.kind),
        input.active.into(),
        input.priority.into(),
        input.region.country.as_str().into(),
        input.region.province.as_str().into(),
        input.region.city.as_str().into(),
        input.region.district.as_str().into(),
        input.region.town.as_str().into(),
        input.region.postal_code.as_str().into(),
        input.address.as_str().into(),
        input.contact.as_str().into(),
        input.phone.as_str().into(),
        point.map(|p| p.lng_e6).into(),
        point.map(|p| p.lat_e6).into(),
        Value::word(input.pack_flow),
    ]
}

/// Makes a warehouse. A code in use is `Conflict { constraint: "warehouses_code_key" }`.
pub fn create(tx: &mut Tx<'_>, input: &WarehouseInput) -> Result<WarehouseId, StoreError> {
    let id: WarehouseId = tx.new_id();
    let mut values = warehouse_values(id, input);
    values.push(tx.now().into());
    tx.execute(
        "INSERT INTO warehouses (id, code, name, kind, active, priority, country, province, city, district, town, postal_code, address, contact, \
         phone, lng_e6, lat_e6, pack_flow, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        &values,
    )?;
    Ok(id)
}

/// Changes a warehouse. `false`: it does not exist, or `version` is not its version.
pub fn update(tx: &mut Tx<'_>, id: WarehouseId, input: &WarehouseInput, version: Option<i64>) -> Result<bool, StoreError> {
    let mut values = warehouse_values(id, input);
    values.push(version.into());
    let changed = tx.execute(
        "UPDATE warehouses SET code = $2, name = $3, kind = $4, active = $5, priority = $6, country = $7, province = $8, city = $9, district = $10, \
         town = $11, postal_code = $12, address = $13, contact = $14, phone = $15, lng_e6 = $16, lat_e6 = $17, pack_flow = $18, \
         version = version + 1 WHERE id = $1 AND version = COALESCE(CAST($19 AS BIGINT), version)",
        &values,
    )?;
    Ok(changed == 1)
}

/// All warehouses, by priority and code.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<WarehouseRow>, StoreError> {
    tx.query(&format!("SELECT {WAREHOUSE} FROM warehouses ORDER BY priority DESC, code"), &[])?.iter().map(warehouse).collect()
}

/// One warehouse.
pub fn get(tx: &mut Tx<'_>, id: WarehouseId) -> Result<Option<WarehouseRow>, StoreError> {
    tx.query_opt(&format!("SELECT {WAREHOUSE} FROM warehouses WHERE id = $1"), &[id.into()])?.map(|row| warehouse(&row)).transpose()
}

/// A carrier account, without its credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its id.
    pub id: CarrierAccountId,
    /// Manifest id of its vendor.
    pub vendor: String,
    /// What people call it; unique.
    pub name: String,
    /// Open settings.
    pub settings: BTreeMap<String, String>,
    /// Set when it only ships orders of one shop.
    pub shop_id: Option<ShopId>,
    /// Parcels may go by it.
    pub active: bool,
    /// Version for concurrent edits.
    pub version: i64,
}

/// What a person says of a carrier account.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountInput {
    /// Manifest id of its vendor.
    pub vendor: String,
    /// What people call it; unique.
    pub name: String,
    /// Secret fields; `None` keeps those stored.
    pub credentials: Option<BTreeMap<String, String>>,
    /// Open settings.
    pub settings: BTreeMap<String, String>,
    /// Set when it only ships orders of one shop.
    pub shop_id: Option<ShopId>,
    /// Parcels may go by it.
    pub active: bool,
}

const ACCOUNT: &str = "id, vendor, name, settings, shop_id, active, version";

fn account(row: &Row) -> Result<AccountRow, StoreError> {
    Ok(AccountRow {
        id: row.id(0)?,
        vendor: row.text(1)?,
        name: row.text(2)?,
        settings: row.json(3)?,
        shop_id: row.opt_id(4)?,
        active: row.bool(5)?,
        version: row.int(6)?,
    })
}

/// Makes a carrier account. A name in use is `Conflict { constraint: "carrier_accounts_name_key" }`.
pub fn create_account(tx: &mut Tx<'_>, input: &AccountInput) -> Result<CarrierAccountId, StoreError> {
    let id: CarrierAccountId = tx.new_id();
    let sealed = tx.keys().seal_json(&input.credentials.clone().unwrap_or_default());
    let now = tx.now();
    tx.execute(
        "INSERT INTO carrier_accounts (id, vendor, name, credentials, settings, shop_id, active, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            id.into(),
            input.vendor.as_str().into(),
            input.name.as_str().into(),
            sealed.into(),
            Value::json(&input.settings),
            input.shop_id.into(),
            input.active.into(),
            now.into(),
        ],
    )?;
    Ok(id)
}

/// Changes a carrier account; its vendor stays. `false`: it does not exist, or `version` is not its version.
pub fn update_account(tx: &mut Tx<'_>, id: CarrierAccountId, input: &AccountInput, version: Option<i64>) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE carrier_accounts SET name = $2, settings = $3, shop_id = $4, active = $5, version = version + 1 \
         WHERE id = $1 AND version = COALESCE(CAST($6 AS BIGINT), version)",
        &[id.into(), input.name.as_str().into(), Value::json(&input.settings), input.shop_id.into(), input.active.into(), version.into()],
    )?;
    // A statement of its own: SQLite has no cast that says "bytes or nothing" in PostgreSQL's words.
    if let Some(credentials) = input.credentials.as_ref().filter(|_| changed == 1) {
        let sealed = tx.keys().seal_json(credentials);
        tx.execute("UPDATE carrier_accounts SET credentials = $2 WHERE id = $1", &[id.into(), sealed.into()])?;
    }
    Ok(changed == 1)
}

/// All carrier accounts, by name.
pub fn accounts(tx: &mut Tx<'_>) -> Result<Vec<AccountRow>, StoreError> {
    tx.query(&format!("SELECT {ACCOUNT} FROM carrier_accounts ORDER BY name"), &[])?.iter().map(account).collect()
}

/// One carrier account.
pub fn get_account(tx: &mut Tx<'_>, id: CarrierAccountId) -> Result<Option<AccountRow>, StoreError> {
    tx.query_opt(&format!("SELECT {ACCOUNT} FROM carrier_accounts WHERE id = $1"), &[id.into()])?.map(|row| account(&row)).transpose()
}

/// The secret fields of an account, opened for one call.
pub fn account_credentials(tx: &mut Tx<'_>, id: CarrierAccountId) -> Result<BTreeMap<String, String>, StoreError> {
    let Some(row) = tx.query_opt("SELECT credentials FROM carrier_accounts WHERE id = $1", &[id.into()])? else {
        return Ok(BTreeMap::new());
    };
    match row.opt_blob(0)? {
        None => Ok(BTreeMap::new()),
        Some(sealed) => tx.keys().open_json(&sealed).map_err(|_| row.inconsistent(0)),
    }
}

/// A stored row of a rate card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateRow {
    /// Its id.
    pub id: RowId,
    /// What it says.
    pub rate: Rate,
}

/// Rate card rows of one account, or of all.
pub fn rates(tx: &mut Tx<'_>, only: Option<CarrierAccountId>) -> Result<Vec<RateRow>, StoreError> {
    tx.query(
        "SELECT id, carrier_account_id, service, country, province, city, currency, first_grams, first_minor, step_grams, step_minor, max_grams, days \
         FROM rate_cards WHERE CAST($1 AS BIGINT) = 0 OR carrier_account_id = CAST($1 AS BIGINT) ORDER BY carrier_account_id, service, country, province, city",
        &[only.map_or(0, |a| a.0).into()],
    )?
    .iter()
    .map(|row| {
        Ok(RateRow {
            id: row.id(0)?,
            rate: Rate {
                account: row.id(1)?,
                service: row.text(2)?,
                country: row.text(3)?,
                province: row.text(4)?,
                city: row.text(5)?,
                currency: Currency::new(row.str(6)?).map_err(|_| row.inconsistent(6))?,
                first_grams: row.int(7)?,
                first_minor: row.int(8)?,
                step_grams: row.int(9)?,
                step_minor: row.int(10)?,
                max_grams: row.int(11)?,
                days: row.int(12)?,
            },
        })
    })
    .collect()
}

/// Replaces the whole rate card of an account.
pub fn set_rates(tx: &mut Tx<'_>, account: CarrierAccountId, rates: &[Rate]) -> Result<(), StoreError> {
    tx.execute("DELETE FROM rate_cards WHERE carrier_account_id = $1", &[account.into()])?;
    let rows: Vec<Vec<Value>> = rates
        .iter()
        .map(|r| {
            vec![
                Value::Int(tx.new_id()),
                account.into(),
                r.service.as_str().into(),
                r.country.as_str().into(),
                r.province.as_str().into(),
                r.city.as_str().into(),
                r.currency.code().into(),
                r.first_grams.into(),
                r.first_minor.into(),
                r.step_grams.into(),
                r.step_minor.into(),
                r.max_grams.into(),
                r.days.into(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        tx.insert_many(
            "INSERT INTO rate_cards (id, carrier_account_id, service, country, province, city, currency, first_grams, first_minor, step_grams, step_minor, \
             max_grams, days)",
            &rows,
            "",
        )?;
    }
    Ok(())
}

/// Adds numbers to the pool of an account, each with its place in the carrier's range if it has one; those that are in it
/// stay. Answers how many were new.
pub fn add_numbers(tx: &mut Tx<'_>, account: CarrierAccountId, numbers: &[(Option<i64>, String)]) -> Result<u64, StoreError> {
    let mut distinct: Vec<&(Option<i64>, String)> = numbers.iter().collect();
    distinct.sort_by(|a, b| a.1.cmp(&b.1));
    distinct.dedup_by(|a, b| a.1 == b.1);
    let rows: Vec<Vec<Value>> =
        distinct.into_iter().map(|(serial, number)| vec![account.into(), number.into(), (*serial).into()]).collect();
    if rows.is_empty() {
        return Ok(0);
    }
    tx.insert_many(
        "INSERT INTO waybill_numbers (carrier_account_id, number, serial)",
        &rows,
        "ON CONFLICT (carrier_account_id, number) DO NOTHING",
    )
}

/// The highest serial that the pool of an account has seen.
pub fn last_serial(tx: &mut Tx<'_>, account: CarrierAccountId) -> Result<Option<i64>, StoreError> {
    match tx.query_opt("SELECT CAST(MAX(serial) AS BIGINT) FROM waybill_numbers WHERE carrier_account_id = $1", &[account.into()])? {
        Some(row) => row.opt_int(0),
        None => Ok(None),
    }
}

/// The number that a client reference holds: the one it has, else the lowest free one. `None`: the pool is empty.
pub fn take_number(tx: &mut Tx<'_>, account: CarrierAccountId, reference: &str) -> Result<Option<String>, StoreError> {
    if let Some(number) = number_of(tx, account, reference)? {
        return Ok(Some(number));
    }
    let now = tx.now();
    let row = tx.query_opt(
        &format!(
            "UPDATE waybill_numbers SET client_reference = $2, taken_at = $3 WHERE carrier_account_id = $1 AND number = (SELECT number FROM waybill_numbers \
             WHERE carrier_account_id = $1 AND client_reference IS NULL ORDER BY number LIMIT 1 {}) RETURNING number",
            crate::dialect::skip_locked(tx.engine())
        ),
        &[account.into(), reference.into(), now.into()],
    )?;
    row.map(|row| row.text(0)).transpose()
}

/// The number that a client reference holds.
pub fn number_of(tx: &mut Tx<'_>, account: CarrierAccountId, reference: &str) -> Result<Option<String>, StoreError> {
    tx.query_opt(
        "SELECT number FROM waybill_numbers WHERE carrier_account_id = $1 AND client_reference = $2",
        &[account.into(), reference.into()],
    )?
    .map(|row| row.text(0))
    .transpose()
}

/// Puts an unused number back into the pool (E3). Twice is once.
pub fn free_number(tx: &mut Tx<'_>, account: CarrierAccountId, number: &str) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE waybill_numbers SET client_reference = NULL, taken_at = NULL WHERE carrier_account_id = $1 AND number = $2",
        &[account.into(), number.into()],
    )?;
    Ok(())
}

/// Free and taken numbers of an account.
pub fn numbers(tx: &mut Tx<'_>, account: CarrierAccountId) -> Result<(i64, i64), StoreError> {
    let row = tx.query_opt(
        "SELECT CAST(COALESCE(SUM(CASE WHEN client_reference IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN client_reference IS NULL THEN 0 ELSE 1 END), 0) AS BIGINT) FROM waybill_numbers WHERE carrier_account_id = $1",
        &[account.into()],
    )?;
    row.map_or(Ok((0, 0)), |row| Ok((row.int(0)?, row.int(1)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::both_engines;

    #[test]
    fn an_account_keeps_its_credentials_until_new_ones_are_given() {
        both_engines(|store| async move {
            let kept: Result<(), StoreError> = store
                .write(|tx| {
                    let given = |secret: &str| Some(BTreeMap::from([("session".to_owned(), secret.to_owned())]));
                    let mut input = AccountInput {
                        vendor: "acme".into(),
                        name: "Acme".into(),
                        credentials: given("one"),
                        settings: BTreeMap::new(),
                        shop_id: None,
                        active: true,
                    };
                    let id = create_account(tx, &input)?;
                    input.credentials = None;
                    assert!(update_account(tx, id, &input, None)?);
                    assert_eq!(account_credentials(tx, id)?.get("session").map(String::as_str), Some("one"));
                    input.credentials = given("two");
                    assert!(update_account(tx, id, &input, None)?);
                    assert_eq!(account_credentials(tx, id)?.get("session").map(String::as_str), Some("two"));
                    assert!(!update_account(tx, id, &input, Some(99))?, "another version");
                    Ok(())
                })
                .await;
            kept.expect("accounts");
        });
    }
}

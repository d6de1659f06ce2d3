//! All SQL of Wharf. `Store::read(|tx| …)` and `Store::write(|tx| …)`: one synchronous closure is one unit of work is
//! one transaction, on SQLite and on PostgreSQL alike. Plain functions over `&mut Tx`, batch in, batch out; no
//! repository traits: SQLite in memory is the fake.

pub mod audit;
pub mod blobs;
pub mod catalog;
pub mod completeness;
pub mod confirmations;
pub mod dialect;
pub mod fulfillments;
pub mod holds;
pub mod imports;
pub mod jobs;
pub mod operations;
pub mod order_list;
pub mod orders;
pub mod postgres;
pub mod prints;
pub mod rollups;
pub mod row;
pub mod seal;
pub mod shipments;
pub mod shops;
pub mod sqlite;
pub mod stock;
pub mod timeline;
pub mod users;
pub mod warehouses;
pub mod waybills;

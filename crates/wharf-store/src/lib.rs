//! All SQL of Wharf. `Store::read(|tx| …)` and `Store::write(|tx| …)`: one synchronous closure is one unit of work is
//! one transaction, on SQLite and on PostgreSQL alike. Plain functions over `&mut Tx`, batch in, batch out; no
//! repository traits: SQLite in memory is the fake.

pub mod alerts;
pub mod audit;
pub mod blobs;
pub mod cancellations;
pub mod catalog;
pub mod completeness;
pub mod confirmations;
pub mod dialect;
pub mod dump;
pub mod error;
pub mod fulfillment_list;
pub mod fulfillments;
pub mod holds;
pub mod idempotency;
pub mod imports;
pub mod jobs;
pub mod locks;
mod migrate;
mod nodes;
pub mod operations;
pub mod order_list;
pub mod orders;
pub mod paces;
mod postgres;
pub mod prints;
pub mod privacy;
pub mod rollups;
pub mod row;
pub mod schedules;
pub mod seal;
pub mod settings;
mod shipment_list;
pub mod shipments;
pub mod shops;
mod sqlite;
pub mod stations;
pub mod stock;
mod store;
#[doc(hidden)]
pub mod testing;
pub mod timeline;
pub mod tx;
mod unit;
pub mod users;
pub mod value;
pub mod warehouses;
pub mod waybills;

pub use dialect::Engine;
pub use error::StoreError;
pub use row::Row;
pub use seal::{Keys, SealError};
pub use store::{Clock, Counted, Store, StoreOptions};
pub use tx::Tx;
pub use unit::in_unit_of_work;
pub use value::{Kind, Value};

pub(crate) use store::{Counters, House};

#[cfg(test)]
mod tests;

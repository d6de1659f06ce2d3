//! Parcels leave: stock by a movement, confirmations become due.

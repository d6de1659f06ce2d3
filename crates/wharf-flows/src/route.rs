//! Which warehouse, which parcel, which carrier: decided for a batch, stock reserved under races.

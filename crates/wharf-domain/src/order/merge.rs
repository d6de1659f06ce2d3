//! Which fulfillments may share one parcel, and why not.

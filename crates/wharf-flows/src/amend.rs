//! What a change on the channel does to an order that is already under way: stop, release, take out of the parcel.

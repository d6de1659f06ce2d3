//! Composing shipments out of fulfillments: merge, split, take out.

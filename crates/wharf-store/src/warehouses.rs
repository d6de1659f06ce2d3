//! Warehouses, carrier accounts, rate cards and number pools.

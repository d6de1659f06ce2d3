//! [`App`]: store, clock, ids, the way out, vendors. Built once by the server (or a test), passed down to every flow.

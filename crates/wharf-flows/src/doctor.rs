//! Recomputes phases, levels, counters and rollups, reports drift, repairs on request.

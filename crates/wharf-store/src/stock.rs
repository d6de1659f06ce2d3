//! Levels, movements and reservations. Movements are the only writer of levels.

//! Which carrier and service: by rate card, weight and destination, with the alternatives that lost and by how much.

-- Cancellations, and the targets of long operations.

CREATE TABLE cancellations (
  id BIGINT PRIMARY KEY,
  order_id BIGINT NOT NULL REFERENCES orders (id),
  shop_id BIGINT NOT NULL,
  cancellation_state TEXT NOT NULL CHECK (cancellation_state IN ('requested', 'stopping', 'submitted', 'confirmed', 'refused', 'failed', 'withdrawn')),
  reason TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('buyer', 'seller', 'rule')),
  note TEXT NOT NULL DEFAULT '',             -- the person's or the buyer's words
  actor TEXT NOT NULL,                       -- JSON: who asked
  policy TEXT NOT NULL DEFAULT '{}',         -- JSON: what was checked
  tell_at BIGINT,                            -- until then nothing is told; null where nobody is told
  attempts BIGINT NOT NULL DEFAULT 0,
  receipt TEXT NOT NULL DEFAULT '',
  code TEXT NOT NULL DEFAULT '',
  message TEXT NOT NULL DEFAULT '',          -- the platform's words
  requested_at BIGINT NOT NULL,
  submitted_at BIGINT,
  answered_at BIGINT
);
CREATE INDEX cancellations_order ON cancellations (order_id);
CREATE UNIQUE INDEX cancellations_open ON cancellations (order_id) WHERE cancellation_state IN ('requested', 'stopping', 'submitted');

-- Units of a line that we cancelled ourselves: what the channel says later does not bring them back.
ALTER TABLE order_lines ADD COLUMN cancelled_here BIGINT NOT NULL DEFAULT 0;

-- What a long operation has still to do: its targets in order. Those with a result are done.
CREATE TABLE operation_targets (
  operation_id BIGINT NOT NULL REFERENCES operations (id),
  position BIGINT NOT NULL,
  target_id BIGINT NOT NULL,
  PRIMARY KEY (operation_id, position)
);

-- The tables of Wharf. Portable: BIGINT ids, instants (microseconds UTC) and money (minor units); booleans 0/1 with CHECK;
-- TEXT with CHECK for words that this program writes; JSON as text. On SQLite the runner turns `BIGINT PRIMARY KEY` into
-- `INTEGER PRIMARY KEY` and `BYTEA` into `BLOB` (see dialect.rs, the complete list).

-- ── the house ──────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL,                       -- JSON
  version BIGINT NOT NULL DEFAULT 1
);

-- Node bits of ids: a process holds one number while its lease lasts.
CREATE TABLE nodes (
  node BIGINT PRIMARY KEY,
  holder TEXT NOT NULL,
  lease_until BIGINT NOT NULL
);

CREATE TABLE blobs (
  hash TEXT PRIMARY KEY,                     -- SHA-256, hex
  media_type TEXT NOT NULL,
  sealed BIGINT NOT NULL CHECK (sealed IN (0, 1)),
  bytes BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT                          -- erased on schedule where it holds personal data
);
CREATE INDEX blobs_expires ON blobs (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE jobs (
  id BIGINT PRIMARY KEY,
  kind TEXT NOT NULL,
  lane TEXT NOT NULL,                        -- concurrency group
  lane_key BIGINT NOT NULL DEFAULT 0,        -- shop or account whose pace it shares; 0 = none
  dedup_key TEXT,                            -- one waiting job per (kind, dedup_key)
  payload TEXT NOT NULL,                     -- JSON, ids only
  job_status TEXT NOT NULL CHECK (job_status IN ('ready', 'running', 'done', 'dead')),
  priority BIGINT NOT NULL DEFAULT 0,        -- higher first
  run_at BIGINT NOT NULL,
  attempts BIGINT NOT NULL DEFAULT 0,        -- failures
  claim BIGINT NOT NULL DEFAULT 0,           -- fence: rises with every claim
  lease_until BIGINT,
  last_error TEXT,
  created_at BIGINT NOT NULL,
  finished_at BIGINT
);
CREATE INDEX jobs_claim ON jobs (lane, priority DESC, run_at, id) WHERE job_status = 'ready';
CREATE INDEX jobs_twin ON jobs (kind, dedup_key) WHERE job_status = 'running' AND dedup_key IS NOT NULL;
CREATE INDEX jobs_lease ON jobs (lease_until) WHERE job_status = 'running';
CREATE INDEX jobs_dead ON jobs (finished_at) WHERE job_status IN ('dead', 'done');
CREATE UNIQUE INDEX jobs_dedup ON jobs (kind, dedup_key) WHERE job_status = 'ready' AND dedup_key IS NOT NULL;

CREATE TABLE schedules (
  name TEXT PRIMARY KEY,
  every_micros BIGINT NOT NULL,
  next_at BIGINT NOT NULL
);

-- Shared pace: one token bucket per (lane, key), used by all workers and processes.
CREATE TABLE paces (
  lane TEXT NOT NULL,
  lane_key BIGINT NOT NULL,
  tokens_milli BIGINT NOT NULL,
  refilled_at BIGINT NOT NULL,
  blocked_until BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (lane, lane_key)
);

-- ── people ─────────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE roles (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  permissions TEXT NOT NULL,                 -- JSON array of words
  built_in BIGINT NOT NULL CHECK (built_in IN (0, 1))
);
CREATE TABLE users (
  id BIGINT PRIMARY KEY,
  login TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  role_id BIGINT NOT NULL REFERENCES roles (id),
  scope TEXT NOT NULL DEFAULT '{}',          -- JSON {"shops": [...] | absent = all, "warehouses": [...]}
  locale TEXT NOT NULL DEFAULT 'zh-CN',
  disabled_at BIGINT,
  failed_sign_ins BIGINT NOT NULL DEFAULT 0,
  locked_until BIGINT,
  created_at BIGINT NOT NULL,
  version BIGINT NOT NULL DEFAULT 1
);
CREATE TABLE sessions (
  id BIGINT PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,
  user_id BIGINT NOT NULL REFERENCES users (id),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  user_agent TEXT NOT NULL DEFAULT '',
  address TEXT NOT NULL DEFAULT ''
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE TABLE tokens (
  id BIGINT PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  user_id BIGINT NOT NULL REFERENCES users (id),
  scopes TEXT NOT NULL,                      -- JSON array of permission words
  created_at BIGINT NOT NULL,
  used_at BIGINT,
  revoked_at BIGINT
);
CREATE TABLE audit (
  id BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  user_id BIGINT,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target_kind TEXT NOT NULL,
  target_id BIGINT,
  detail TEXT NOT NULL DEFAULT '{}',
  address TEXT NOT NULL DEFAULT ''
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_target ON audit (target_kind, target_id);
CREATE TABLE idempotency (
  user_id BIGINT NOT NULL,
  idempotency_key TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  http_status BIGINT,                        -- null while the first call is under way
  response BYTEA,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, idempotency_key)
);

-- ── shops, catalogue, places ───────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE shops (
  id BIGINT PRIMARY KEY,
  vendor TEXT NOT NULL,
  name TEXT NOT NULL,
  external_id TEXT NOT NULL DEFAULT '',      -- the channel's id of the seller
  credentials BYTEA,                         -- sealed JSON
  settings TEXT NOT NULL DEFAULT '{}',       -- open JSON, base_url and its like
  policy TEXT NOT NULL DEFAULT '{}',         -- JSON: approval and check policy
  shop_state TEXT NOT NULL CHECK (shop_state IN ('active', 'paused', 'reauthorize')),
  state_detail TEXT NOT NULL DEFAULT '',
  zone TEXT NOT NULL,
  currency TEXT NOT NULL,
  cursor_at BIGINT,                          -- everything modified before it is stored or parked
  pulled_at BIGINT,                          -- last pull that completed a window
  pull_error TEXT,
  last_order_at BIGINT,
  silent_since BIGINT,                       -- alarm: silence against its own habit
  created_at BIGINT NOT NULL,
  version BIGINT NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX shops_name ON shops (name);

-- A pull in progress: pages already stored of the window under way, so that a restart goes on.
CREATE TABLE pulls (
  shop_id BIGINT PRIMARY KEY REFERENCES shops (id),
  window_from BIGINT NOT NULL,
  window_to BIGINT NOT NULL,
  page TEXT,
  started_at BIGINT NOT NULL
);
CREATE TABLE completeness (
  shop_id BIGINT NOT NULL REFERENCES shops (id),
  hour BIGINT NOT NULL,                      -- start of the hour, UTC, by placing time
  theirs BIGINT NOT NULL,
  ours BIGINT NOT NULL,
  checked_at BIGINT NOT NULL,
  PRIMARY KEY (shop_id, hour)
);
-- What could not be stored: visible, never skipped in silence.
CREATE TABLE parked (
  id BIGINT PRIMARY KEY,
  shop_id BIGINT NOT NULL REFERENCES shops (id),
  external_id TEXT NOT NULL DEFAULT '',
  why TEXT NOT NULL,
  payload_hash TEXT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  settled_at BIGINT
);
CREATE UNIQUE INDEX parked_open ON parked (shop_id, external_id, payload_hash) WHERE settled_at IS NULL;

CREATE TABLE warehouses (
  id BIGINT PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('own', 'third_party', 'channel')),
  active BIGINT NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  priority BIGINT NOT NULL DEFAULT 0,
  country TEXT NOT NULL DEFAULT 'CN',
  province TEXT NOT NULL DEFAULT '',
  city TEXT NOT NULL DEFAULT '',
  district TEXT NOT NULL DEFAULT '',
  town TEXT NOT NULL DEFAULT '',
  postal_code TEXT NOT NULL DEFAULT '',
  address TEXT NOT NULL DEFAULT '',
  contact TEXT NOT NULL DEFAULT '',
  phone TEXT NOT NULL DEFAULT '',
  lng_e6 BIGINT,
  lat_e6 BIGINT,
  pack_flow TEXT NOT NULL DEFAULT 'print_then_pack' CHECK (pack_flow IN ('print_then_pack', 'pack_then_print')),
  created_at BIGINT NOT NULL,
  version BIGINT NOT NULL DEFAULT 1
);
CREATE TABLE carrier_accounts (
  id BIGINT PRIMARY KEY,
  vendor TEXT NOT NULL,
  name TEXT NOT NULL UNIQUE,
  credentials BYTEA,
  settings TEXT NOT NULL DEFAULT '{}',
  shop_id BIGINT REFERENCES shops (id),      -- set when the account only ships orders of one shop
  active BIGINT NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  created_at BIGINT NOT NULL,
  version BIGINT NOT NULL DEFAULT 1
);
-- Price of a parcel: first weight, then steps, by destination. The longest matching destination wins.
CREATE TABLE rate_cards (
  id BIGINT PRIMARY KEY,
  carrier_account_id BIGINT NOT NULL REFERENCES carrier_accounts (id),
  service TEXT NOT NULL,
  country TEXT NOT NULL DEFAULT 'CN',
  province TEXT NOT NULL DEFAULT '',         -- '' = any
  city TEXT NOT NULL DEFAULT '',
  currency TEXT NOT NULL,
  first_grams BIGINT NOT NULL,
  first_minor BIGINT NOT NULL,
  step_grams BIGINT NOT NULL,
  step_minor BIGINT NOT NULL,
  max_grams BIGINT NOT NULL,
  days BIGINT NOT NULL,
  UNIQUE (carrier_account_id, service, country, province, city)
);
-- The seller's own numbers for the contract carrier.
CREATE TABLE waybill_numbers (
  carrier_account_id BIGINT NOT NULL REFERENCES carrier_accounts (id),
  number TEXT NOT NULL,
  serial BIGINT,                             -- its place in the carrier's range; null = from a file
  client_reference TEXT,                     -- null = free
  taken_at BIGINT,
  PRIMARY KEY (carrier_account_id, number)
);
CREATE UNIQUE INDEX waybill_numbers_reference ON waybill_numbers (carrier_account_id, client_reference) WHERE client_reference IS NOT NULL;

CREATE TABLE skus (
  id BIGINT PRIMARY KEY,
  code TEXT NOT NULL,
  code_normal TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  weight_grams BIGINT NOT NULL DEFAULT 0 CHECK (weight_grams >= 0),
  length_mm BIGINT NOT NULL DEFAULT 0,
  width_mm BIGINT NOT NULL DEFAULT 0,
  height_mm BIGINT NOT NULL DEFAULT 0,
  cost_minor BIGINT,
  cost_currency TEXT,
  image_url TEXT,
  created_at BIGINT NOT NULL,
  version BIGINT NOT NULL DEFAULT 1
);
CREATE TABLE sku_barcodes (
  barcode TEXT PRIMARY KEY,
  sku_id BIGINT NOT NULL REFERENCES skus (id)
);
CREATE INDEX sku_barcodes_sku ON sku_barcodes (sku_id);
CREATE TABLE bundles (
  id BIGINT PRIMARY KEY,
  code TEXT NOT NULL,
  code_normal TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE TABLE bundle_parts (
  bundle_id BIGINT NOT NULL REFERENCES bundles (id),
  sku_id BIGINT NOT NULL REFERENCES skus (id),
  quantity BIGINT NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (bundle_id, sku_id)
);
CREATE TABLE listings (
  id BIGINT PRIMARY KEY,
  shop_id BIGINT NOT NULL REFERENCES shops (id),
  item_id TEXT NOT NULL,
  external_sku_id TEXT NOT NULL DEFAULT '',
  seller_code TEXT NOT NULL DEFAULT '',
  title TEXT NOT NULL,
  variant TEXT NOT NULL DEFAULT '',
  image_url TEXT,
  -- the link: exactly one target, or none
  sku_id BIGINT REFERENCES skus (id),
  sku_quantity BIGINT NOT NULL DEFAULT 1 CHECK (sku_quantity > 0),
  bundle_id BIGINT REFERENCES bundles (id),
  linked_at BIGINT,
  linked_by TEXT,
  created_at BIGINT NOT NULL,
  version BIGINT NOT NULL DEFAULT 1,
  UNIQUE (shop_id, item_id, external_sku_id, seller_code),
  CHECK (sku_id IS NULL OR bundle_id IS NULL)
);
CREATE INDEX listings_unlinked ON listings (shop_id, id) WHERE sku_id IS NULL AND bundle_id IS NULL;

-- ── orders ─────────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE orders (
  id BIGINT PRIMARY KEY,
  shop_id BIGINT NOT NULL REFERENCES shops (id),
  external_id TEXT NOT NULL,
  -- what the channel said
  observed_status TEXT NOT NULL,
  channel_status TEXT CHECK (channel_status IN ('awaiting_payment', 'paid_on_hold', 'to_ship', 'part_shipped', 'shipped', 'delivered', 'completed', 'cancelled')), -- null = unknown word
  progress TEXT NOT NULL CHECK (progress IN ('none', 'shipped', 'delivered', 'completed', 'cancelled')),
  modified_at BIGINT NOT NULL,
  payload_hash TEXT NOT NULL,
  -- facts
  payment TEXT NOT NULL CHECK (payment IN ('unpaid', 'paid', 'part_refunded', 'refunded')),
  cash_on_delivery BIGINT NOT NULL CHECK (cash_on_delivery IN (0, 1)),
  fulfilled_by TEXT NOT NULL CHECK (fulfilled_by IN ('seller', 'channel')),
  placed_at BIGINT NOT NULL,
  paid_at BIGINT,
  ship_by BIGINT,
  shipped_at BIGINT,
  closed_at BIGINT,
  currency TEXT NOT NULL,
  total_minor BIGINT NOT NULL,
  shipping_minor BIGINT NOT NULL,
  tax_minor BIGINT NOT NULL,
  discount_minor BIGINT NOT NULL,
  buyer_external_id TEXT,
  buyer_nick TEXT NOT NULL DEFAULT '',
  buyer_note TEXT NOT NULL DEFAULT '',
  seller_note TEXT NOT NULL DEFAULT '',
  seller_flag BIGINT,
  note_due BIGINT NOT NULL DEFAULT 0 CHECK (note_due IN (0, 1)), -- a person changed note or flag and the channel has not been told: it does not overwrite them
  -- recipient: region in clear, person sealed
  country TEXT NOT NULL DEFAULT '',
  province TEXT NOT NULL DEFAULT '',
  city TEXT NOT NULL DEFAULT '',
  district TEXT NOT NULL DEFAULT '',
  town TEXT NOT NULL DEFAULT '',
  postal_code TEXT NOT NULL DEFAULT '',
  recipient_sealed BYTEA,
  recipient_masked_name TEXT NOT NULL DEFAULT '',
  recipient_masked_phone TEXT NOT NULL DEFAULT '',
  recipient_token TEXT,
  recipient_channel_masked BIGINT NOT NULL DEFAULT 0 CHECK (recipient_channel_masked IN (0, 1)),
  recipient_edited BIGINT NOT NULL DEFAULT 0 CHECK (recipient_edited IN (0, 1)), -- a person changed it: the channel no longer overwrites
  recipient_print TEXT NOT NULL DEFAULT '',  -- keyed hash of the whole recipient: equal prints may share a parcel
  channel_print TEXT NOT NULL DEFAULT '',    -- keyed hash of the recipient as the channel last told it: a change shows
  do_not_ship TEXT NOT NULL DEFAULT '[]',    -- JSON: the channel's reasons not to ship
  -- the buyer, and what is bought, as keyed hashes: the same buyer across shops of a vendor, the same goods again
  buyer_key TEXT NOT NULL DEFAULT '',
  buyer_returning BIGINT NOT NULL DEFAULT 0 CHECK (buyer_returning IN (0, 1)), -- an earlier paid order exists
  content_print TEXT NOT NULL DEFAULT '',
  external_tail TEXT NOT NULL DEFAULT '',    -- last four characters of external_id: search by its end
  -- decisions
  approved_at BIGINT,
  approved_by TEXT,                          -- JSON Actor
  urgent_reason TEXT NOT NULL DEFAULT '',    -- words; '' = not urgent
  assignee_id BIGINT REFERENCES users (id),
  reship_of BIGINT REFERENCES orders (id),
  import_batch_id BIGINT,                    -- the import that brought it; null = the channel itself
  -- cached, each by its one writer, recomputed by doctor
  phase TEXT NOT NULL CHECK (phase IN ('unpaid', 'held', 'review', 'mapping', 'stock', 'label', 'pack', 'part_shipped', 'shipped', 'delivered', 'completed', 'cancelled', 'external')),
  urgency BIGINT NOT NULL,                   -- sort key: urgent first, then the earliest ship_by, then none
  counted TEXT NOT NULL DEFAULT '',          -- what counters and rollups hold of this order; '' = nothing yet
  line_count BIGINT NOT NULL,
  units BIGINT NOT NULL,
  summary TEXT NOT NULL DEFAULT '',          -- first line's title for lists
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  version BIGINT NOT NULL DEFAULT 1,
  UNIQUE (shop_id, external_id)
);
CREATE INDEX orders_phase ON orders (phase, urgency, id);
CREATE INDEX orders_shop_phase ON orders (shop_id, phase, placed_at, id);
CREATE INDEX orders_placed ON orders (placed_at, id);
CREATE INDEX orders_buyer ON orders (buyer_key, placed_at) WHERE buyer_key <> '';
CREATE INDEX orders_tail ON orders (external_tail);
CREATE INDEX orders_print ON orders (recipient_print) WHERE recipient_print <> '';

CREATE TABLE order_lines (
  id BIGINT PRIMARY KEY,
  order_id BIGINT NOT NULL REFERENCES orders (id),
  shop_id BIGINT NOT NULL,
  external_id TEXT NOT NULL,
  position BIGINT NOT NULL,
  listing_id BIGINT NOT NULL REFERENCES listings (id),
  title TEXT NOT NULL,
  variant TEXT NOT NULL DEFAULT '',
  seller_code TEXT NOT NULL DEFAULT '',
  image_url TEXT,
  unit_price_minor BIGINT NOT NULL,
  discount_minor BIGINT NOT NULL,
  total_minor BIGINT NOT NULL,
  observed_status TEXT NOT NULL,
  refund TEXT NOT NULL CHECK (refund IN ('none', 'requested', 'refunded', 'closed')),
  gift BIGINT NOT NULL CHECK (gift IN (0, 1)),
  ordered BIGINT NOT NULL CHECK (ordered >= 0),
  cancelled BIGINT NOT NULL DEFAULT 0,
  allocated BIGINT NOT NULL DEFAULT 0,
  packed BIGINT NOT NULL DEFAULT 0,
  shipped BIGINT NOT NULL DEFAULT 0,
  delivered BIGINT NOT NULL DEFAULT 0,
  returned BIGINT NOT NULL DEFAULT 0,
  UNIQUE (order_id, external_id),
  CHECK (cancelled BETWEEN 0 AND ordered),
  CHECK (allocated BETWEEN 0 AND ordered - cancelled),
  CHECK (packed BETWEEN 0 AND allocated),
  CHECK (shipped BETWEEN 0 AND packed),
  CHECK (delivered BETWEEN 0 AND shipped),
  CHECK (returned BETWEEN 0 AND shipped)
);
CREATE INDEX order_lines_listing ON order_lines (listing_id);

CREATE TABLE findings (
  id BIGINT PRIMARY KEY,
  order_id BIGINT NOT NULL REFERENCES orders (id),
  code TEXT NOT NULL,
  severity TEXT NOT NULL CHECK (severity IN ('info', 'warn', 'block')),
  params TEXT NOT NULL,                      -- JSON: values and numbered likely fixes
  seen TEXT NOT NULL DEFAULT '',             -- keyed hash of what it looked at
  found_at BIGINT NOT NULL,
  settled_at BIGINT,
  overruled BIGINT NOT NULL DEFAULT 0 CHECK (overruled IN (0, 1)) -- a person let it pass: the same sight is not found again
);
CREATE INDEX findings_order ON findings (order_id);
CREATE UNIQUE INDEX findings_open ON findings (order_id, code) WHERE settled_at IS NULL;

CREATE TABLE holds (
  id BIGINT PRIMARY KEY,
  order_id BIGINT NOT NULL REFERENCES orders (id),
  shop_id BIGINT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT '{}',         -- JSON
  placed_at BIGINT NOT NULL,
  placed_by TEXT NOT NULL,                   -- JSON Actor
  released_at BIGINT,
  released_by TEXT
);
CREATE UNIQUE INDEX holds_open ON holds (order_id, reason) WHERE released_at IS NULL;
CREATE INDEX holds_reason ON holds (reason, order_id) WHERE released_at IS NULL;

CREATE TABLE order_tags (
  order_id BIGINT NOT NULL REFERENCES orders (id),
  tag TEXT NOT NULL,
  PRIMARY KEY (order_id, tag)
);
CREATE INDEX order_tags_tag ON order_tags (tag, order_id);

-- Blind index: exact search on sealed data. kind: phone · phone_tail · name · nick
CREATE TABLE order_search (
  kind TEXT NOT NULL,
  hash TEXT NOT NULL,
  order_id BIGINT NOT NULL REFERENCES orders (id),
  PRIMARY KEY (kind, hash, order_id)
);
CREATE INDEX order_search_order ON order_search (order_id);

-- The first paid order of a buyer: who is returning.
CREATE TABLE buyers (
  buyer_key TEXT PRIMARY KEY,
  first_paid_at BIGINT NOT NULL              -- placing time of the earliest paid order
);

CREATE TABLE blacklist (
  kind TEXT NOT NULL CHECK (kind IN ('buyer', 'phone', 'name')),
  hash TEXT NOT NULL,
  note TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  PRIMARY KEY (kind, hash)
);

CREATE TABLE timeline (
  id BIGINT PRIMARY KEY,
  order_id BIGINT NOT NULL REFERENCES orders (id),
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,                       -- JSON
  params TEXT NOT NULL                       -- JSON
);
CREATE INDEX timeline_order ON timeline (order_id, at, id);

-- ── stock ──────────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE stock_levels (
  warehouse_id BIGINT NOT NULL REFERENCES warehouses (id),
  sku_id BIGINT NOT NULL REFERENCES skus (id),
  condition TEXT NOT NULL CHECK (condition IN ('good', 'defective')),
  on_hand BIGINT NOT NULL DEFAULT 0 CHECK (on_hand >= 0),
  reserved BIGINT NOT NULL DEFAULT 0,
  safety BIGINT NOT NULL DEFAULT 0 CHECK (safety >= 0),
  inbound BIGINT NOT NULL DEFAULT 0 CHECK (inbound >= 0),
  low_at BIGINT,                             -- alert threshold; null = none
  bin TEXT NOT NULL DEFAULT '',
  version BIGINT NOT NULL DEFAULT 1,
  PRIMARY KEY (warehouse_id, sku_id, condition),
  CHECK (reserved BETWEEN 0 AND on_hand)
);
CREATE INDEX stock_levels_sku ON stock_levels (sku_id);
CREATE TABLE stock_movements (
  id BIGINT PRIMARY KEY,
  warehouse_id BIGINT NOT NULL,
  sku_id BIGINT NOT NULL,
  condition TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('received', 'reserved', 'released', 'shipped', 'adjusted', 'transferred', 'counted', 'returned')),
  on_hand_delta BIGINT NOT NULL,
  reserved_delta BIGINT NOT NULL,
  on_hand_after BIGINT NOT NULL,
  reserved_after BIGINT NOT NULL,
  cause_kind TEXT NOT NULL,                  -- order · shipment · count · import · user …
  cause_id BIGINT,
  actor TEXT NOT NULL,                       -- JSON
  note TEXT NOT NULL DEFAULT '',
  at BIGINT NOT NULL
);
CREATE INDEX stock_movements_level ON stock_movements (sku_id, warehouse_id, id);
CREATE TABLE reservations (
  id BIGINT PRIMARY KEY,
  order_id BIGINT NOT NULL,
  order_line_id BIGINT NOT NULL REFERENCES order_lines (id),
  warehouse_id BIGINT NOT NULL,
  sku_id BIGINT NOT NULL,
  quantity BIGINT NOT NULL CHECK (quantity > 0), -- SKU units
  reservation_state TEXT NOT NULL CHECK (reservation_state IN ('held', 'released', 'consumed')),
  created_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE UNIQUE INDEX reservations_held ON reservations (order_line_id, warehouse_id, sku_id) WHERE reservation_state = 'held';
CREATE INDEX reservations_stock ON reservations (sku_id, warehouse_id) WHERE reservation_state = 'held';
CREATE INDEX reservations_order ON reservations (order_id);

-- ── fulfillment and parcels ────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE fulfillments (
  id BIGINT PRIMARY KEY,
  order_id BIGINT NOT NULL REFERENCES orders (id),
  shop_id BIGINT NOT NULL,
  warehouse_id BIGINT NOT NULL REFERENCES warehouses (id),
  fulfillment_state TEXT NOT NULL CHECK (fulfillment_state IN ('open', 'picking', 'packed', 'handed_over', 'cancelled')),
  wave_id BIGINT,
  trace TEXT NOT NULL DEFAULT '{}',          -- JSON: why this warehouse
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  version BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX fulfillments_order ON fulfillments (order_id);
CREATE INDEX fulfillments_open ON fulfillments (warehouse_id, fulfillment_state, id) WHERE fulfillment_state IN ('open', 'picking', 'packed');
CREATE TABLE fulfillment_lines (
  id BIGINT PRIMARY KEY,
  fulfillment_id BIGINT NOT NULL REFERENCES fulfillments (id),
  order_line_id BIGINT NOT NULL REFERENCES order_lines (id),
  quantity BIGINT NOT NULL CHECK (quantity >= 0), -- units of the order line
  UNIQUE (fulfillment_id, order_line_id)
);
CREATE INDEX fulfillment_lines_line ON fulfillment_lines (order_line_id);
-- What must be picked for a line: its SKU units (several for a bundle).
CREATE TABLE fulfillment_items (
  fulfillment_line_id BIGINT NOT NULL REFERENCES fulfillment_lines (id),
  sku_id BIGINT NOT NULL,
  quantity BIGINT NOT NULL CHECK (quantity >= 0),
  scanned BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (fulfillment_line_id, sku_id),
  CHECK (scanned BETWEEN 0 AND quantity)
);
CREATE TABLE shipments (
  id BIGINT PRIMARY KEY,
  shop_id BIGINT NOT NULL,                   -- shop of its first order: scope and partition key
  warehouse_id BIGINT NOT NULL REFERENCES warehouses (id),
  carrier_account_id BIGINT REFERENCES carrier_accounts (id),
  service TEXT NOT NULL DEFAULT '',
  shipment_state TEXT NOT NULL CHECK (shipment_state IN ('draft', 'booked', 'packed', 'handed_over', 'in_transit', 'out_for_delivery', 'delivered', 'exception', 'returning', 'returned', 'lost', 'cancelled')),
  stop_reason TEXT NOT NULL DEFAULT '',      -- set when a cancellation or refund stops it: the bench sounds
  recipient_print TEXT NOT NULL DEFAULT '',
  waybill_number TEXT,                       -- cached from the live waybill
  carrier_code TEXT NOT NULL DEFAULT '',
  carrier_name TEXT NOT NULL DEFAULT '',
  weight_grams BIGINT NOT NULL DEFAULT 0,
  measured_grams BIGINT,
  trace TEXT NOT NULL DEFAULT '{}',          -- JSON: why this carrier and service
  station TEXT NOT NULL DEFAULT '',          -- where it was closed
  printed_at BIGINT,
  opened_at BIGINT,                          -- when a station opened it: seconds a parcel
  packed_at BIGINT,
  packed_by BIGINT,
  handed_over_at BIGINT,
  delivered_at BIGINT,
  tracked_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  version BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX shipments_state ON shipments (shipment_state, id);
CREATE INDEX shipments_together ON shipments (recipient_print, warehouse_id) WHERE shipment_state IN ('draft', 'booked') AND recipient_print <> '';
CREATE INDEX shipments_closed ON shipments (station, packed_at) WHERE packed_at IS NOT NULL;
CREATE INDEX shipments_number ON shipments (waybill_number) WHERE waybill_number IS NOT NULL;
CREATE TABLE shipment_lines (
  shipment_id BIGINT NOT NULL REFERENCES shipments (id),
  fulfillment_line_id BIGINT NOT NULL REFERENCES fulfillment_lines (id),
  order_id BIGINT NOT NULL REFERENCES orders (id),
  order_line_id BIGINT NOT NULL REFERENCES order_lines (id),
  quantity BIGINT NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (shipment_id, fulfillment_line_id)
);
CREATE INDEX shipment_lines_order ON shipment_lines (order_id);
CREATE INDEX shipment_lines_fulfillment ON shipment_lines (fulfillment_line_id);
-- Fulfillments picked together, on one walk.
CREATE TABLE waves (
  id BIGINT PRIMARY KEY,
  warehouse_id BIGINT NOT NULL REFERENCES warehouses (id),
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,                  -- JSON Actor
  closed_at BIGINT
);
CREATE INDEX waves_open ON waves (warehouse_id, id) WHERE closed_at IS NULL;
-- A bench: which warehouse it stands in, what it packs from, and the one parcel that lies open on it.
CREATE TABLE stations (
  name TEXT PRIMARY KEY,
  warehouse_id BIGINT NOT NULL REFERENCES warehouses (id),
  wave_id BIGINT REFERENCES waves (id),
  shipment_id BIGINT REFERENCES shipments (id),
  opened_at BIGINT,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX stations_open ON stations (shipment_id) WHERE shipment_id IS NOT NULL;
CREATE TABLE waybills (
  id BIGINT PRIMARY KEY,
  shipment_id BIGINT NOT NULL REFERENCES shipments (id),
  carrier_account_id BIGINT NOT NULL REFERENCES carrier_accounts (id),
  client_reference TEXT NOT NULL,
  waybill_state TEXT NOT NULL CHECK (waybill_state IN ('intent', 'requested', 'booked', 'printed', 'failed', 'in_doubt', 'void_requested', 'voided')),
  number TEXT,
  carrier_code TEXT NOT NULL DEFAULT '',     -- of the carrier that sold it, as channels know it
  label TEXT,                                -- hash of the sealed label source in blobs
  cost_minor BIGINT,
  cost_currency TEXT,
  message TEXT NOT NULL DEFAULT '',          -- the carrier's words
  attempts BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  requested_at BIGINT,
  booked_at BIGINT,
  voided_at BIGINT,
  UNIQUE (carrier_account_id, client_reference)
);
-- Law 5: at most one live waybill per shipment; a number is never ours twice.
CREATE UNIQUE INDEX waybills_live ON waybills (shipment_id) WHERE waybill_state NOT IN ('failed', 'voided');
CREATE UNIQUE INDEX waybills_number ON waybills (carrier_account_id, number) WHERE number IS NOT NULL AND waybill_state NOT IN ('voided');
CREATE TABLE print_batches (
  id BIGINT PRIMARY KEY,
  kind TEXT NOT NULL,                        -- label · pick_list · packing_slip · manifest
  station TEXT NOT NULL,
  user_id BIGINT,
  blob_hash TEXT,
  document_count BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
-- The print ledger. A second label of one waybill needs a cause.
CREATE TABLE prints (
  id BIGINT PRIMARY KEY,
  print_batch_id BIGINT NOT NULL REFERENCES print_batches (id),
  shipment_id BIGINT NOT NULL REFERENCES shipments (id),
  waybill_id BIGINT,
  kind TEXT NOT NULL,
  copy BIGINT NOT NULL,                      -- 1, 2, …
  cause TEXT NOT NULL DEFAULT '',
  at BIGINT NOT NULL,
  CHECK (copy = 1 OR cause <> '')
);
CREATE UNIQUE INDEX prints_copy ON prints (kind, waybill_id, copy) WHERE waybill_id IS NOT NULL;
CREATE INDEX prints_shipment ON prints (shipment_id);
CREATE TABLE confirmations (
  id BIGINT PRIMARY KEY,
  order_id BIGINT NOT NULL REFERENCES orders (id),
  shipment_id BIGINT NOT NULL REFERENCES shipments (id),
  shop_id BIGINT NOT NULL REFERENCES shops (id),
  confirmation_state TEXT NOT NULL CHECK (confirmation_state IN ('due', 'sent', 'accepted', 'already', 'refused', 'gave_up')),
  attempts BIGINT NOT NULL DEFAULT 0,
  receipt TEXT NOT NULL DEFAULT '',
  code TEXT NOT NULL DEFAULT '',
  message TEXT NOT NULL DEFAULT '',          -- the platform's words
  due_at BIGINT NOT NULL,
  sent_at BIGINT,
  answered_at BIGINT,
  UNIQUE (order_id, shipment_id)
);
CREATE INDEX confirmations_open ON confirmations (confirmation_state, due_at) WHERE confirmation_state IN ('due', 'sent', 'refused', 'gave_up');
CREATE TABLE tracking_events (
  id BIGINT PRIMARY KEY,
  shipment_id BIGINT NOT NULL REFERENCES shipments (id),
  at BIGINT NOT NULL,
  meaning TEXT NOT NULL,                     -- a shipment state, or '' when unknown
  text TEXT NOT NULL,
  place TEXT NOT NULL DEFAULT '',
  UNIQUE (shipment_id, at, text)
);

-- ── work, imports, numbers ─────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE operations (
  id BIGINT PRIMARY KEY,
  kind TEXT NOT NULL,
  user_id BIGINT,
  request TEXT NOT NULL,                     -- JSON
  operation_state TEXT NOT NULL CHECK (operation_state IN ('running', 'done', 'failed')),
  total BIGINT NOT NULL,
  finished BIGINT NOT NULL DEFAULT 0,
  tally TEXT NOT NULL DEFAULT '{}',
  undo_until BIGINT,
  undone_at BIGINT,
  created_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE TABLE operation_results (
  operation_id BIGINT NOT NULL REFERENCES operations (id),
  target_id BIGINT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('done', 'already', 'refused')),
  reason TEXT NOT NULL DEFAULT '',
  before TEXT NOT NULL DEFAULT '',           -- JSON: what undo puts back
  PRIMARY KEY (operation_id, target_id)
);
CREATE TABLE saved_views (
  id BIGINT PRIMARY KEY,
  user_id BIGINT NOT NULL REFERENCES users (id),
  place TEXT NOT NULL,
  name TEXT NOT NULL,
  query TEXT NOT NULL,
  UNIQUE (user_id, place, name)
);
CREATE TABLE import_batches (
  id BIGINT PRIMARY KEY,
  shop_id BIGINT REFERENCES shops (id),
  source TEXT NOT NULL,                      -- recognised layout
  file_names TEXT NOT NULL,                  -- JSON
  mapping TEXT NOT NULL DEFAULT '{}',        -- JSON
  import_state TEXT NOT NULL CHECK (import_state IN ('previewed', 'committing', 'committed', 'withdrawn', 'failed')),
  options TEXT NOT NULL DEFAULT '{}',        -- JSON: what the person chose
  preview TEXT NOT NULL DEFAULT '{}',        -- JSON: counts, sums, unknown columns, odd rows
  result TEXT NOT NULL DEFAULT '{}',         -- JSON: what commit and withdrawal came to
  user_id BIGINT,
  created_at BIGINT NOT NULL,
  committed_at BIGINT,
  withdrawn_at BIGINT
);
-- The files of an import in sealed pieces, so that no one needs a whole file at once. Position -1 is the file of odd rows.
CREATE TABLE import_files (
  import_batch_id BIGINT NOT NULL REFERENCES import_batches (id),
  position BIGINT NOT NULL,
  piece BIGINT NOT NULL,
  name TEXT NOT NULL,
  blob_hash TEXT NOT NULL,
  PRIMARY KEY (import_batch_id, position, piece)
);
-- What an import did, so that it can be withdrawn whole. No reference to orders: a withdrawn one is gone.
CREATE TABLE import_orders (
  import_batch_id BIGINT NOT NULL REFERENCES import_batches (id),
  order_id BIGINT NOT NULL,
  effect TEXT NOT NULL CHECK (effect IN ('created', 'amended')),
  version_before TEXT NOT NULL DEFAULT '',   -- hash of the payload that an amendment replaced
  PRIMARY KEY (import_batch_id, order_id)
);
CREATE INDEX import_orders_order ON import_orders (order_id, import_batch_id);

-- Counters and rollups, kept in the transaction of the change. doctor recomputes them.
CREATE TABLE phase_counts (
  shop_id BIGINT NOT NULL,
  phase TEXT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (shop_id, phase)
);
CREATE TABLE hold_counts (
  shop_id BIGINT NOT NULL,
  reason TEXT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (shop_id, reason)
);
CREATE TABLE day_rollups (
  shop_id BIGINT NOT NULL,
  day BIGINT NOT NULL,                       -- start of the shop's local day, as UTC instant, by placing time
  currency TEXT NOT NULL,
  orders BIGINT NOT NULL,
  units BIGINT NOT NULL,
  paid_orders BIGINT NOT NULL,
  sales_minor BIGINT NOT NULL,               -- totals of paid, not cancelled orders
  cancelled_orders BIGINT NOT NULL,
  shipped_orders BIGINT NOT NULL,
  PRIMARY KEY (shop_id, day, currency)
);
CREATE TABLE hour_rollups (
  shop_id BIGINT NOT NULL,
  hour BIGINT NOT NULL,                      -- UTC, by placing time
  orders BIGINT NOT NULL,
  sales_minor BIGINT NOT NULL,
  PRIMARY KEY (shop_id, hour)
);

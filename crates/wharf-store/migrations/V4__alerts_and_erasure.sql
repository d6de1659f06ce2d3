-- What somebody must see although no order waits for it. One open alert per (kind, subject); it is cleared when what it told
-- of is over, and only then may it be raised again.
CREATE TABLE alerts (
  id BIGINT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('low_stock', 'shop_silent', 'unconfirmed')),
  subject TEXT NOT NULL,                     -- what it is about, by its ids
  shop_id BIGINT,
  warehouse_id BIGINT,
  sku_id BIGINT,
  params TEXT NOT NULL,                      -- JSON: values for the sentence
  raised_at BIGINT NOT NULL,
  cleared_at BIGINT
);
CREATE UNIQUE INDEX alerts_open ON alerts (kind, subject) WHERE cleared_at IS NULL;

-- When the personal data of an order were erased; null = they are there.
ALTER TABLE orders ADD COLUMN personal_erased_at BIGINT;
-- Only orders that wait for nobody are in it: an order costs an entry once, at its end.
CREATE INDEX orders_personal ON orders (shop_id, modified_at) WHERE personal_erased_at IS NULL AND phase IN ('shipped', 'delivered', 'completed', 'cancelled', 'external', 'unpaid');

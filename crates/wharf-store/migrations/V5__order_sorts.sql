-- Lists of orders by payment and by total are walked like the others, page by page, never sorted whole. Unpaid orders are
-- first by payment: an index of the expression that the list sorts by.
CREATE INDEX orders_paid ON orders (COALESCE(paid_at, 0), id);
CREATE INDEX orders_total ON orders (total_minor, id);

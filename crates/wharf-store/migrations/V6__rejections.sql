-- Why the warehouse of a fulfillment refused it; such a warehouse is not asked again for the order.
ALTER TABLE fulfillments ADD COLUMN reject_reason TEXT NOT NULL DEFAULT '' CHECK (reject_reason IN ('', 'out_of_stock', 'not_on_shelf', 'damaged', 'no_capacity', 'closed', 'other'));

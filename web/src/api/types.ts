/** The shapes the screens use, as the contract names them. */
export interface Page<Item> {
  items: Item[]
  next: string | null
}

export interface Shop {
  id: string
  name: string
  vendor: string
  health: string
}

export interface Warehouse {
  id: string
  name: string
}

export interface Money {
  amount: string
  currency: string
}

export interface Named {
  id: string
  name: string
}

export interface Actor {
  by: string
  name: string
  /** Id of the person or job; version of the rule. */
  id?: string
}

export interface Hold {
  id: string
  reason: string
  detail: Record<string, unknown>
  placed_at: string
  placed_by: Actor
  released_at?: string
  released_by?: Actor
}

export interface MaskedRecipient {
  name: string
  phone: string
  country: string
  province: string
  city: string
  district: string
  town: string
  postal_code: string
  token_only: boolean
}

export interface LineBrief {
  title: string
  variant: string
  seller_code: string
  quantity: number
  image_url: string | null
}

export interface OrderRow {
  id: string
  external_id: string
  shop: { id: string; name: string; vendor: string }
  phase: string
  holds: Hold[]
  version: number
  observed_status: string
  payment: string
  placed_at: string
  paid_at: string | null
  ship_by: string | null
  total: Money
  line_count: number
  units: number
  lines: LineBrief[]
  recipient: MaskedRecipient
  buyer_nick: string
  buyer_note: string
  seller_note: string
  seller_flag: number | null
  tags: string[]
  urgent: string
  assignee: Named | null
  waybill_numbers: string[]
  carriers: string[]
  warehouses: Named[]
}

export interface OrderLine {
  id: string
  external_id: string
  listing_id: string
  title: string
  variant: string
  seller_code: string
  image_url: string | null
  items: { sku_id: string; sku_code: string; name: string; per_unit: number; available: number }[]
  unit_price: Money
  discount: Money
  total: Money
  refund: string
  gift: boolean
  ordered: number
  cancelled: number
  allocated: number
  packed: number
  shipped: number
  delivered: number
  returned: number
}

export interface Counts {
  phases: Record<string, number>
  holds: Record<string, number>
  total: number
}

export interface ActionResult {
  id: string
  outcome: string
  /** Word of the refusal. */
  reason?: string
}

export interface ActionTally {
  done: number
  already: number
  refused: number
  reasons: Record<string, number>
}

export interface ActionAnswer {
  results: ActionResult[]
  tally: ActionTally
  operation_id?: string
  undo_until?: string
}

export interface Operation {
  id: string
  kind: string
  operation_state: string
  total: number
  finished: number
  tally: ActionTally
  results?: ActionResult[]
  undo_until?: string | null
}

export interface Recipient {
  name: string
  phone: string
  address: string
  region: string
  token_only: boolean
}

export interface Finding {
  code: string
  severity: string
  params: Record<string, unknown>
}

export interface TimelineEvent {
  at: string
  kind: string
  params: Record<string, unknown>
  actor: Actor
}

export interface Fix {
  code: string
  params: Record<string, unknown>
  action: string
  body: Record<string, unknown>
}

export interface FulfillmentBrief {
  id: string
  warehouse: Named
  fulfillment_state: string
  trace: Record<string, unknown>
}

export interface ShipmentBrief {
  id: string
  warehouse: Named
  shipment_state: string
  waybill_state: string | null
  waybill_number: string | null
  carrier: string
  service: string
  orders: string[]
  printed_at: string | null
  handed_over_at: string | null
  delivered_at: string | null
  trace: Record<string, unknown>
  confirmation: { confirmation_state: string; attempts: number; receipt: string; code: string; message: string; answered_at: string | null } | null
  tracking: { at: string; meaning: string; text: string; place: string }[]
}

export interface OrderDetail extends OrderRow {
  shipping: Money
  tax: Money
  discount: Money
  progress: string
  fulfilled_by: string
  approved_at: string | null
  approved_by: Actor | null
  items: OrderLine[]
  findings: Finding[]
  fixes: Fix[]
  hold_history: Hold[]
  fulfillments: FulfillmentBrief[]
  shipments: ShipmentBrief[]
  timeline: TimelineEvent[]
}

export interface CarrierAccount {
  id: string
  vendor: string
  name: string
}

export interface User {
  id: string
  login: string
  name: string
}

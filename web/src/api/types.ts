/** The shapes the screens use, as the contract names them. */
export interface Page<Item> {
  items: Item[]
  next: string | null
}

export interface Shop {
  id: string
  vendor: string
  name: string
  external_id: string
  shop_state: string
  state_detail: string
  /** `ok · silent · stopped` */
  health: string
  settings: Record<string, string>
  policy: Record<string, unknown>
  zone: string
  currency: string
  cursor_at: string | null
  pulled_at: string | null
  lag_seconds: number | null
  pull_error: string | null
  last_order_at: string | null
  silent_since: string | null
  parked: number
  version: number
}

export interface LabelText {
  en: string
  'zh-CN': string
}

export interface ManifestField {
  name: string
  label: LabelText
  help: LabelText
  secret: boolean
  required: boolean
  default: string
}

export interface Vendor {
  id: string
  name: LabelText
  channel: boolean
  carrier: boolean
  credentials: ManifestField[]
  settings: ManifestField[]
  hosts: string[]
  zone: string
  currency: string
  docs_url: string
  services: Record<string, LabelText>
  logo_svg: string
}

export interface CompletenessHour {
  hour: string
  theirs: number
  ours: number
  checked_at: string
  verdict: string
}

export interface Warehouse {
  id: string
  code: string
  name: string
  kind: string
  active: boolean
  priority: number
  province: string
  city: string
  district: string
  address: string
  contact: string
  phone: string
  country: string
  town: string
  pack_flow: string
  lng_e6?: number | null
  lat_e6?: number | null
  version: number
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
  holds: { reason: string; placed_at: string }[]
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
  warehouse: Named | null
  carrier: string | null
  waybill_number: string | null
  fix: Record<string, unknown> | null
  returning_buyer: boolean
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
  settings: Record<string, string>
  shop_id: string | null
  active: boolean
  version: number
}

export interface User {
  id: string
  login: string
  name: string
  role: string
  shops: string[] | null
  warehouses: string[] | null
  locale: string
  disabled_at: string | null
  created_at: string
  version: number
}

export interface Role {
  name: string
  permissions: string[]
  built_in: boolean
}

export interface Token {
  id: string
  name: string
  user_id: string
  scopes: string[]
  created_at: string
  used_at: string | null
  revoked_at: string | null
}

export interface HomeBoard {
  review: number
  to_ship: number
  late: number
  out_of_stock: number
  refunds_waiting: number
  orders_today: number
  orders_last_week: number
  /** One amount a currency; absent for a role that may not see sales. */
  sales_today: Money[] | null
  shops_silent: number
  shops: number
  curve: { hour: number; today: number | null; last_week: number }[]
}

export interface ShipmentItem {
  sku_id: string
  sku_code: string
  name: string
  quantity: number
  scanned: number
  bin: string
  image_url: string | null
  barcodes: string[]
}

export interface Shipment {
  id: string
  orders: { id: string; external_id: string; shop: { id: string; name: string; vendor: string }; confirmation: ShipmentBrief['confirmation'] }[]
  fulfillments: string[]
  warehouse: Named
  shipment_state: string
  stop_reason: string
  waybill_state: string | null
  waybill_number: string | null
  waybill_message: string
  carrier: string
  service: string
  recipient: MaskedRecipient
  items: ShipmentItem[]
  weight_grams: number
  measured_grams: number | null
  ship_by: string | null
  urgent: string
  print_count: number
  printed_at: string | null
  packed_at: string | null
  handed_over_at: string | null
  delivered_at: string | null
  trace: Record<string, unknown>
  created_at: string
  version: number
}

export interface PrintEntry {
  id: string
  batch_id: string
  at: string
  station: string
  user: Named | null
  kind: string
  shipment_id: string
  waybill_number: string | null
  copy: number
  cause: string
}

export interface StockLevel {
  warehouse: Named
  condition: string
  on_hand: number
  reserved: number
  safety: number
  inbound: number
  available: number
  low_at: number | null
  bin: string
}

export interface StockRow {
  sku_id: string
  sku_code: string
  name: string
  image_url: string | null
  levels: StockLevel[]
  on_hand: number
  reserved: number
  available: number
  low: boolean
}

export interface Movement {
  id: string
  at: string
  sku_id: string
  sku_code: string
  warehouse: Named
  condition: string
  kind: string
  on_hand_delta: number
  reserved_delta: number
  on_hand_after: number
  reserved_after: number
  cause_kind: string
  cause_id: string | null
  actor: Actor
  note: string
}

export interface StockExplanation {
  stock: StockRow
  sums: { warehouse: Named; kind: string; count: number; on_hand: number; reserved: number }[]
  reservations: { order_id: string; external_id: string; warehouse: Named; quantity: number; created_at: string }[]
  movements: Movement[]
}

export interface PackLine {
  sku_id: string
  sku_code: string
  name: string
  variant: string
  image_url: string | null
  barcode: string
  bin: string
  needed: number
  scanned: number
}

export interface PackParcel {
  id: string
  shipment_state: string
  stop_reason: string
  waybill_number: string | null
  carrier: string
  orders: string[]
  recipient: MaskedRecipient | null
  lines: PackLine[]
  needed: number
  scanned: number
}

export interface MadeFile {
  id: string
  media_type: string
  documents: number
}

export interface Bench {
  outcome: string | null
  reason: string | null
  shipment: PackParcel | null
  label: MadeFile | null
  label_refused: string | null
  packed_today: number
  seconds_per_parcel: number | null
}

export interface PrintAnswer extends ActionAnswer {
  files: MadeFile[]
}

export interface Rate {
  service: string
  country: string
  province: string
  city: string
  first_grams: number
  first: Money
  step_grams: number
  step: Money
  max_grams: number
  days: number
}

export interface Sku {
  id: string
  code: string
  name: string
  barcodes: string[]
}

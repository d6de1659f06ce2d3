/** Answers of the API for unit tests and for looking at screens without a server. Shapes are the contract's. */
import type { Counts, OrderDetail, OrderRow, PackParcel, Shipment } from '@/api/types'

const HOUR = 3_600_000
const NAMES = ['张*', '李*', '欧阳**', '王**', 'J*** S****']
const REGIONS = [
  ['浙江省', '杭州市', '余杭区', '仓前街道'],
  ['广东省', '深圳市', '南山区', '粤海街道'],
  ['北京市', '北京市', '朝阳区', '望京街道'],
  ['新疆维吾尔自治区', '巴音郭楞蒙古自治州', '博湖县', '塔温觉肯乡'],
  ['四川省', '成都市', '武侯区', ''],
] as const
const GOODS = [
  ['纯棉中筒袜 男女同款 吸汗防臭 四季可穿', '颜色:白;尺码:L'],
  ['SET OF 4 KNICK KNACK TINS POPPIES', ''],
  ['WHITE HANGING HEART T-LIGHT HOLDER', '颜色:奶白色'],
  ['复古陶瓷马克杯 带盖带勺 办公室家用大容量', '款式:森林绿;规格:450ml'],
  ['REGENCY CAKESTAND 3 TIER', ''],
] as const
export const PHASES = ['review', 'held', 'mapping', 'stock', 'label', 'pack', 'shipped'] as const
const HOLDS = ['address_incomplete', 'buyer_note', 'possible_duplicate', 'refund_requested', 'phone_invalid'] as const

const at = (offset: number) => new Date(Date.now() + offset).toISOString()
const pick = <T>(list: readonly T[], index: number): T => list[index % list.length] as T

export function orderRow(index: number, phase: string = pick(PHASES, index)): OrderRow {
  const [province, city, district, town] = pick(REGIONS, index)
  const lines = Array.from({ length: 1 + (index % 3) }, (_, line) => {
    const [title, variant] = pick(GOODS, index + line)
    return { title, variant, seller_code: `WH-${1000 + index + line}`, quantity: 1 + ((index + line) % 4), image_url: null }
  })
  return {
    id: String(7_000_000_000_000 + index),
    external_id: String(3_141_592_653_589_000 + index * 97),
    shop: { id: String(1 + (index % 2)), name: index % 2 ? '淘宝二店' : '淘宝一店', vendor: 'sample' },
    phase,
    holds:
      phase === 'held'
        ? [
            { reason: pick(HOLDS, index), placed_at: at(-2 * HOUR) },
          ]
        : [],
    version: 1,
    observed_status: 'WAIT_SELLER_SEND_GOODS',
    payment: 'paid',
    placed_at: at(-9 * HOUR - index * 60_000),
    paid_at: at(-8 * HOUR - index * 60_000),
    ship_by: at((index - 4) * 0.9 * HOUR),
    total: { amount: `${(26.8 * (1 + (index % 17))).toFixed(2)}`, currency: 'CNY' },
    line_count: lines.length,
    units: lines.reduce((sum, line) => sum + line.quantity, 0),
    lines,
    recipient: {
      name: pick(NAMES, index),
      phone: '138****5678',
      country: 'CN',
      province,
      city,
      district,
      town,
      postal_code: '',
      token_only: false,
    },
    buyer_nick: `买家_${1000 + index}`,
    buyer_note: index % 5 === 1 ? '请尽快发货，送礼用，谢谢！' : '',
    seller_note: index % 7 === 2 ? '老客户，加赠贺卡' : '',
    seller_flag: null,
    tags: index % 4 === 0 ? ['gift'] : [],
    urgent: index % 9 === 0 ? '买家催发货' : '',
    assignee: null,
    waybill_number: phase === 'pack' || phase === 'shipped' ? `YT10${20_000_000 + index}` : null,
    carrier: phase === 'pack' || phase === 'shipped' ? '合约快递' : null,
    warehouse: ['label', 'pack', 'shipped'].includes(phase) ? { id: '1', name: '杭州仓' } : null,
    fix: null,
    returning_buyer: index % 3 === 0,
  }
}

export function orderDetail(row: OrderRow): OrderDetail {
  return {
    ...row,
    shipping: { amount: '0.00', currency: 'CNY' },
    tax: { amount: '0.00', currency: 'CNY' },
    discount: { amount: '5.00', currency: 'CNY' },
    progress: 'none',
    fulfilled_by: 'seller',
    approved_at: null,
    approved_by: null,
    items: row.lines.map((line, index) => ({
      id: `${row.id}${index}`,
      external_id: `${row.external_id}${index}`,
      listing_id: '1',
      title: line.title,
      variant: line.variant,
      seller_code: line.seller_code,
      image_url: null,
      items: index === 1 ? [] : [{ sku_id: '1', sku_code: line.seller_code, name: line.title, per_unit: 1, available: index === 2 ? 0 : 120 }],
      unit_price: { amount: '26.80', currency: 'CNY' },
      order_discount_share: { amount: '0.00', currency: 'CNY' },
      discount: { amount: '0.00', currency: 'CNY' },
      total: { amount: '26.80', currency: 'CNY' },
      refund: 'none',
      gift: false,
      ordered: line.quantity,
      cancelled: 0,
      allocated: 0,
      packed: 0,
      shipped: 0,
      delivered: 0,
      returned: 0,
    })),
    findings:
      row.phase === 'held'
        ? [
            { code: 'address_incomplete', severity: 'block', params: { missing: ['town'] } },
            { code: 'remote_area', severity: 'warn', params: {} },
          ]
        : [],
    fixes: [],
    hold_history: row.holds.map((hold, index) => ({ ...hold, id: `h${index}`, detail: {}, placed_by: { by: 'rule', name: 'check', id: '1' } })),
    fulfillments: [],
    cancellations: [],
    shipments: [],
    timeline: [
      { at: row.placed_at, kind: 'order.placed', params: { total: row.total }, actor: { by: 'vendor', name: 'sample' } },
      { at: row.paid_at ?? row.placed_at, kind: 'order.paid', params: {}, actor: { by: 'vendor', name: 'sample' } },
    ],
  }
}

export const counts: Counts = {
  phases: {
    unpaid: 4,
    held: 7,
    review: 12,
    mapping: 3,
    stock: 9,
    label: 214,
    pack: 88,
    part_shipped: 2,
    shipped: 1532,
    delivered: 804,
    completed: 9731,
    cancelled: 25,
    external: 0,
  },
  holds: { address_incomplete: 3, buyer_note: 2, possible_duplicate: 1, refund_requested: 1 },
  total: 12431,
}

export const session = {
  user: { id: '1', login: 'owner', name: '店主', role: 'owner' },
  permissions: [
    'orders.read', 'orders.act', 'personal.open', 'payload.read', 'shipments.read', 'shipments.act', 'stock.read', 'stock.write', 'catalog.read',
    'catalog.write', 'shops.read', 'shops.manage', 'sales.read', 'profit.read', 'import', 'export', 'users.manage', 'audit.read',
  ],
}

export function shipmentRow(index: number): Shipment {
  const row = orderRow(index, 'pack')
  const states = ['booked', 'printed', 'failed', 'in_doubt', 'intent'] as const
  const waybill = pick(states, index)
  return {
    id: String(8_000_000_000_000 + index),
    orders: [{ id: row.id, external_id: row.external_id, shop: row.shop, confirmation: null }],
    fulfillments: [`f${index}`],
    warehouse: { id: '1', name: '杭州仓' },
    shipment_state: waybill === 'intent' ? 'draft' : 'booked',
    stop_reason: index % 11 === 7 ? 'refund_requested' : '',
    waybill_state: waybill,
    waybill_number: waybill === 'booked' || waybill === 'printed' ? `YT88${30_000_000 + index}` : null,
    waybill_message: waybill === 'failed' ? '收件地址超出服务范围' : '',
    carrier: '合约快递',
    service: 'standard',
    recipient: row.recipient,
    items: row.lines.map((line, at) => ({
      sku_id: `s${index}-${at}`,
      sku_code: line.seller_code,
      name: line.title,
      quantity: line.quantity,
      scanned: 0,
      bin: `A-0${1 + at}-${1 + (index % 9)}`,
      image_url: null,
      barcodes: [`69012345${67_890 + index + at}`],
    })),
    weight_grams: 320 + index,
    measured_grams: null,
    ship_by: row.ship_by,
    urgent: row.urgent,
    print_count: waybill === 'printed' ? 1 + (index % 3 === 1 ? 1 : 0) : 0,
    printed_at: waybill === 'printed' ? row.paid_at : null,
    packed_at: null,
    handed_over_at: null,
    delivered_at: null,
    trace: {},
    created_at: row.placed_at,
    version: 1,
  }
}

export function parcel(index: number): PackParcel {
  const { id, shipment_state, waybill_number, carrier, orders, recipient, items } = shipmentRow(index)
  const lines = items.map(({ quantity, barcodes, ...item }) => ({ ...item, variant: '', barcode: barcodes[0] ?? '', needed: quantity }))
  return {
    id,
    shipment_state,
    stop_reason: '',
    waybill_number,
    carrier,
    orders: orders.map((order) => order.external_id),
    recipient,
    lines,
    needed: lines.reduce((sum, line) => sum + line.needed, 0),
    scanned: 0,
  }
}

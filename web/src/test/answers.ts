/** What the API would say, for looking at screens without a server. */
import { counts, orderDetail, orderRow, parcel, session, shipmentRow } from './fixtures'

interface Answer {
  status: number
  body?: unknown
  text?: string
  type?: string
}

type State = 'crowded' | 'empty' | 'loading' | 'failing'

const ok = (body: unknown): Answer => ({ status: 200, body })
const page = (items: unknown[], next: string | null = null) => ok({ items, next })

const HOUR = 3_600_000
const hourAt = (back: number) => new Date(Math.floor(Date.now() / HOUR) * HOUR - back * HOUR).toISOString()
const money = (amount: number) => ({ amount: amount.toFixed(2), currency: 'CNY' })
const WAREHOUSES = ['杭州仓', '上海仓', '广州仓'].map((name, index) => ({
  id: String(index + 1),
  code: `W${index + 1}`,
  name,
  kind: 'own',
  active: index < 2,
  priority: 10 - index,
  country: 'CN',
  province: ['浙江省', '上海市', '广东省'][index],
  city: ['杭州市', '上海市', '广州市'][index],
  district: ['余杭区', '青浦区', '白云区'][index],
  town: '',
  address: '物流大道 88 号',
  contact: '李雷',
  phone: '13800000000',
  pack_flow: 'print_then_pack',
  version: 1,
}))

const SHOPS = ['淘宝一店', '淘宝二店'].map((name, index) => ({
  id: String(index + 1),
  vendor: 'sample',
  name,
  external_id: `seller_${index}`,
  shop_state: 'active',
  state_detail: '',
  health: index ? 'silent' : 'ok',
  settings: { base_url: 'http://127.0.0.1:9000' },
  policy: {},
  zone: 'Asia/Shanghai',
  currency: 'CNY',
  cursor_at: hourAt(0),
  pulled_at: hourAt(0),
  lag_seconds: index ? 5400 : 8,
  pull_error: index ? 'isp.remote-service-timeout: 平台服务超时，稍后自动重试' : null,
  last_order_at: hourAt(index ? 3 : 0),
  silent_since: index ? hourAt(3) : null,
  parked: index * 2,
  version: 1,
}))

const VENDORS = [
  {
    id: 'sample',
    name: { en: 'Sample market', 'zh-CN': '示例平台' },
    channel: true,
    carrier: true,
    credentials: ['app_key', 'app_secret', 'session'].map((name, index) => ({
      name,
      label: { en: name, 'zh-CN': name },
      help: { en: 'From the open platform', 'zh-CN': '在开放平台获取' },
      secret: index > 0,
      required: true,
      default: '',
    })),
    settings: [{ name: 'base_url', label: { en: 'Gateway', 'zh-CN': '网关地址' }, help: { en: '', 'zh-CN': '' }, secret: false, required: false, default: 'https://example.com/router' }],
    hosts: [],
    zone: 'Asia/Shanghai',
    currency: 'CNY',
    docs_url: '',
    services: {},
    logo_svg: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="5" fill="#f60"/></svg>',
  },
]

const OPERATIONS = ['approve', 'release', 'cancel', 'tag'].map((kind, index) => ({
  id: String(index),
  kind,
  operation_state: index === 0 ? 'running' : 'done',
  total: 214,
  finished: index === 0 ? 120 : 214,
  tally: { done: 210 - index, already: index, refused: index === 2 ? 4 : 0, reasons: {} },
  undo_until: new Date(Date.now() + HOUR / 2).toISOString(),
  undone_at: index === 3 ? hourAt(0) : null,
  created_at: hourAt(index),
  ended_at: index === 0 ? null : hourAt(index),
}))

const IMPORTS = ['previewed', 'committed', 'withdrawn'].map((import_state, index) => ({
  id: String(index + 1),
  shop_id: '1',
  source: 'mapped',
  file_names: index === 1 ? ['ExportOrderList202601.csv', 'ExportOrderDetailList202601.csv'] : ['orders.xlsx'],
  import_state,
  preview: { files: [], orders: 1204, odd_rows: index * 3 },
  result: {},
  created_at: hourAt(index * 7),
  committed_at: index === 0 ? null : hourAt(index * 7),
  withdrawn_at: index === 2 ? hourAt(1) : null,
}))

function stockRow(index: number) {
  const base = orderRow(index)
  const line = base.lines[0]
  const levels = WAREHOUSES.map((warehouse, at) => {
    const on_hand = (index * 37 + at * 53) % 400
    const reserved = Math.min(on_hand, (index * 11 + at * 7) % 60)
    const safety = at === 0 ? 5 : 0
    return { warehouse: { id: warehouse.id, name: warehouse.name }, condition: 'good', on_hand, reserved, safety, inbound: 0, available: on_hand - reserved - safety, low_at: 20, bin: `A-0${at}-${index % 9}` }
  })
  const sum = (key: 'on_hand' | 'reserved' | 'available') => levels.reduce((total, level) => total + level[key], 0)
  return {
    sku_id: String(9_000 + index),
    sku_code: line?.seller_code,
    name: line?.title,
    image_url: null,
    levels,
    on_hand: sum('on_hand'),
    reserved: sum('reserved'),
    available: sum('available'),
    low: levels.some((level) => level.available <= 20),
  }
}

const home = (crowded: boolean) => ({
  review: crowded ? 12 : 0,
  to_ship: crowded ? 302 : 0,
  late: crowded ? 6 : 0,
  out_of_stock: crowded ? 9 : 0,
  refunds_waiting: crowded ? 3 : 0,
  orders_today: crowded ? 1204 : 0,
  orders_last_week: crowded ? 1130 : 0,
  sales_today: [money(crowded ? 183_204.6 : 0)],
  shops_silent: crowded ? 1 : 0,
  shops: crowded ? 2 : 0,
  curve: Array.from({ length: 24 }, (_, hour) => ({
    hour,
    today: hour < 15 ? (crowded ? Math.round(40 + 30 * Math.sin(hour / 3) + hour * 2) : 0) : null,
    last_week: crowded ? Math.round(44 + 26 * Math.sin(hour / 3.1) + hour * 1.6) : 0,
  })),
})

export function answer(state: State, signedOut: boolean, method: string, path: string, query: URLSearchParams): Answer | 'never' {
  const at = path.replace('/api/v1', '')
  if (at === '/events') return { status: 200, type: 'text/event-stream', text: 'event: hello\ndata: {}\n\n' }
  if (at === '/session') return signedOut ? { status: 401, body: { code: 'unauthenticated', detail: 'sign in' } } : ok(session)
  if (state === 'loading') return 'never'
  if (state === 'failing') return { status: 503, body: { code: 'unavailable', detail: 'the database is busy, try again' } }
  const crowded = state === 'crowded'
  if (at === '/orders') {
    const phase = query.get('phase') ?? undefined
    return page(crowded ? Array.from({ length: 100 }, (_, index) => orderRow(index, phase)) : [], crowded ? 'c' : null)
  }
  if (at === '/orders/counts') return ok(crowded ? counts : { phases: {}, holds: {}, total: 0 })
  if (/^\/orders\/\d+$/.test(at)) return ok(orderDetail(orderRow(Number(at.slice(8)) - 7_000_000_000_000, 'held')))
  if (at === '/home') return ok(home(crowded))
  if (at === '/vendors') return page(VENDORS)
  if (at === '/shops') return page(crowded ? SHOPS : [])
  if (at.endsWith('/completeness')) {
    return page(
      Array.from({ length: 23 }, (_, index) => {
        const gap = at.includes('/2/') && index < 3
        return { hour: hourAt(index + 1), theirs: 40, ours: gap ? 31 : 40, checked_at: hourAt(0), verdict: gap ? (index === 0 ? 'closing' : 'gap') : 'complete' }
      }),
    )
  }
  if (at === '/warehouses') return page(crowded ? WAREHOUSES : [])
  if (at === '/carrier-accounts') return page(crowded ? [{ id: '1', name: '合约快递', vendor: 'sample', settings: {}, shop_id: null, active: true, version: 1 }] : [])
  if (at === '/shipments') return page(crowded ? Array.from({ length: 100 }, (_, index) => shipmentRow(index)) : [])
  if (/^\/shipments\/\d+$/.test(at)) return ok(shipmentRow(1))
  if (at === '/imports') return page(crowded ? IMPORTS : [])
  if (at === '/operations') return page(crowded ? OPERATIONS : [])
  if (at === '/jobs') return page(crowded ? [{ lane: 'book', ready: 3, running: 1, dead: 2, oldest_run_at: null }] : [])
  if (at === '/jobs/dead') {
    return page(crowded ? ['book_shipment', 'confirm_shipment'].map((kind, index) => ({ id: String(index), kind, lane: 'book', attempts: 12, last_error: 'isp.remote-service-timeout: 平台服务超时', created_at: hourAt(5), finished_at: hourAt(1) })) : [])
  }
  if (at === '/parked') {
    return page(crowded ? Array.from({ length: 4 }, (_, index) => ({ id: String(index), shop_id: '2', external_id: `31415926535${index}`, why: 'payment: "12,50" is no amount', first_at: hourAt(9), last_at: hourAt(1) })) : [])
  }
  if (at === '/audit') return page([])
  if (at === '/stock') return page(crowded ? Array.from({ length: 100 }, (_, index) => stockRow(index)) : [])
  if (at.startsWith('/pack/stations/')) {
    return ok({ outcome: null, reason: null, shipment: crowded ? parcel(1) : null, label: null, label_refused: null, packed_today: 146, seconds_per_parcel: 41 })
  }
  if (at.startsWith('/preferences/')) return ok(null)
  if (method === 'GET') return page([])
  return ok({})
}

/** What the API would say, for looking at screens without a server. */
import { counts, orderDetail, orderRow, session } from './fixtures'

interface Answer {
  status: number
  body?: unknown
  text?: string
  type?: string
}

type State = 'crowded' | 'empty' | 'loading' | 'failing'

const ok = (body: unknown): Answer => ({ status: 200, body })
const page = (items: unknown[], next: string | null = null) => ok({ items, next })

const SHOPS = ['淘宝一店', '淘宝二店'].map((name, index) => ({ id: String(index + 1), name, vendor: 'sample', health: index ? 'silent' : 'ok' }))

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
  if (at === '/shops') return page(crowded ? SHOPS : [])
  if (at === '/warehouses') return page([{ id: '1', name: '杭州仓' }, { id: '2', name: '上海仓' }])
  if (at === '/carrier-accounts') return page([{ id: '1', name: '合约快递', vendor: 'sample' }])
  if (method === 'GET') return page([])
  return ok({})
}

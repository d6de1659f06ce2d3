/** Actions on the parcels of orders: the orders are what a person marks, the parcels are what the API moves. */
import { api, body } from '@/api/client'
import { makeDocument } from '@/api/documents'
import type { ActionAnswer, ActionResult, MadeFile, OrderDetail, OrderRow, Page, PrintAnswer } from '@/api/types'
import type { OrderFilter } from './filter'
import type { Target } from './queries'

/** More than this at once belongs to the places that list parcels. */
export const MOST_PARCELS = 500
const AT_ONCE = 6
const PAGE = 200
const OVER = new Set(['cancelled', 'handed_over', 'in_transit', 'out_for_delivery', 'delivered', 'returned', 'lost'])

async function idsOf(target: Target): Promise<string[]> {
  if ('ids' in target) return target.ids.slice(0, MOST_PARCELS)
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const query: OrderFilter & { limit: number; cursor?: string } = { ...target.filter, limit: PAGE, cursor }
    const page: Page<OrderRow> = await body<Page<OrderRow>>(api.GET('/api/v1/orders', { params: { query } }))
    ids.push(...page.items.map((row) => row.id))
    cursor = page.next ?? undefined
  } while (cursor && ids.length < MOST_PARCELS)
  return ids.slice(0, MOST_PARCELS)
}

/** The parcels of each order that have not left. */
async function parcelsOf(orders: readonly string[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (let start = 0; start < orders.length; start += AT_ONCE) {
    const some = await Promise.all(
      orders.slice(start, start + AT_ONCE).map((id) => body<OrderDetail>(api.GET('/api/v1/orders/{id}', { params: { path: { id } } }))),
    )
    for (const order of some) {
      found.set(order.id, order.shipments.filter((shipment) => !OVER.has(shipment.shipment_state)).map((shipment) => shipment.id))
    }
  }
  return found
}

/** What happened to an order is the worst of what happened to its parcels. */
export function byOrder(parcels: ReadonlyMap<string, readonly string[]>, results: readonly ActionResult[]): ActionAnswer {
  const told = new Map(results.map((result) => [result.id, result]))
  const worst = { done: 0, already: 1, refused: 2 } as Record<string, number>
  const rows: ActionResult[] = [...parcels].map(([order, shipments]) => {
    const some = shipments.map((id) => told.get(id)).filter((result) => result !== undefined)
    const first = some.sort((a, b) => (worst[b.outcome] ?? 2) - (worst[a.outcome] ?? 2))[0]
    return first ? { ...first, id: order } : { id: order, outcome: 'refused', reason: 'no_parcel' }
  })
  const count = (outcome: string) => rows.filter((row) => row.outcome === outcome).length
  return { results: rows, tally: { done: count('done'), already: count('already'), refused: count('refused'), reasons: {} } }
}

export interface ParcelsAnswer extends ActionAnswer {
  files?: MadeFile[]
}

export async function runOnParcels(name: string, target: Target, fields: Record<string, unknown> | undefined, station: string, locale: string): Promise<ParcelsAnswer> {
  const parcels = await parcelsOf(await idsOf(target))
  const ids = [...new Set([...parcels.values()].flat())]
  if (ids.length === 0) return byOrder(parcels, [])
  switch (name) {
    case 'label': {
      const printed: PrintAnswer = await makeDocument({ kind: 'label', ids, station, locale })
      return { ...byOrder(parcels, printed.results), files: printed.files }
    }
    case 'merge': {
      await body(api.POST('/api/v1/shipments/actions/merge', { body: { ids } }))
      return byOrder(parcels, ids.map((id) => ({ id, outcome: 'done' })))
    }
    default: {
      const answer = await body<ActionAnswer>(api.POST('/api/v1/shipments/actions/carrier', { body: { ids, carrier_account_id: String(fields?.carrier_account_id ?? '') } }))
      return byOrder(parcels, answer.results)
    }
  }
}

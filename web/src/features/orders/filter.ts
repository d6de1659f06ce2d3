import { phasesOf, type OrdersSearch } from '@/lib/orders-search'
import { HOUR } from '@/lib/time'

/** The filter of a list or of a bulk action, in the API's own words. */
export interface OrderFilter {
  phase?: string[]
  q?: string
  shop?: string[]
  hold?: string[]
  warehouse?: string[]
  carrier?: string[]
  tag?: string[]
  ship_by_before?: string
}

const AHEAD: Record<NonNullable<OrdersSearch['due']>, number> = { late: 0, '2h': 2, '4h': 4, '24h': 24 }

/** The URL's filter as the API takes it. `now` is cut to the minute, so that a redraw asks the same question again. */
export function filterOf(search: OrdersSearch, now: number): OrderFilter {
  const filter: OrderFilter = {}
  const phases = phasesOf(search)
  if (phases.length > 0) filter.phase = [...phases]
  if (search.q) filter.q = search.q
  for (const key of ['shop', 'hold', 'warehouse', 'carrier', 'tag'] as const) {
    const values = search[key]
    if (values && values.length > 0) filter[key] = values
  }
  if (search.due) {
    const minute = Math.floor(now / 60_000) * 60_000
    filter.ship_by_before = new Date(minute + AHEAD[search.due] * HOUR).toISOString()
  }
  return filter
}

/** Tabs count what the other filters leave, whatever tab is open. */
export function withoutPhase(filter: OrderFilter): OrderFilter {
  const { phase: _phase, ...rest } = filter
  return rest
}

/** Whether anything but the tab narrows the list. */
export function isFiltered(search: OrdersSearch): boolean {
  const { phase: _phase, group: _group, order: _order, ...rest } = search
  return Object.values(rest).some((value) => value !== undefined && (!Array.isArray(value) || value.length > 0))
}

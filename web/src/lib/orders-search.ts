/** What the orders screen shows, as its URL says it: shareable, bookmarkable, kept by the back button. */
export const ORDER_PHASES = [
  'review',
  'held',
  'mapping',
  'stock',
  'label',
  'pack',
  'part_shipped',
  'shipped',
  'delivered',
  'completed',
  'unpaid',
  'cancelled',
  'external',
] as const
export type OrderPhase = (typeof ORDER_PHASES)[number]

/** Phases that are worked on together: what a number on Home counts is what its link shows. */
export const PHASE_GROUPS = { settle: ['review', 'held', 'mapping'], ship: ['label', 'pack'] } as const satisfies Record<string, readonly OrderPhase[]>
export type PhaseGroup = keyof typeof PHASE_GROUPS

export const SHIP_BY_CHOICES = ['late', '2h', '4h', '24h'] as const
export type ShipByChoice = (typeof SHIP_BY_CHOICES)[number]

export interface OrdersSearch {
  phase?: OrderPhase
  /** Instead of one phase. */
  group?: PhaseGroup
  q?: string
  shop?: string[]
  hold?: string[]
  warehouse?: string[]
  carrier?: string[]
  tag?: string[]
  due?: ShipByChoice
  /** The order that the pane shows. */
  order?: string
}

function words(value: unknown): string[] | undefined {
  const list = Array.isArray(value) ? value : value === undefined ? [] : [value]
  const kept = list.filter((entry) => typeof entry === 'string' || typeof entry === 'number').map(String)
  return kept.length > 0 ? kept : undefined
}

/** The phases that a search asks for; none means all. */
export function phasesOf(search: OrdersSearch): readonly OrderPhase[] {
  return search.phase ? [search.phase] : search.group ? PHASE_GROUPS[search.group] : []
}

/** Reads a URL that anyone may have typed: what is not understood is left out. */
export function parseOrdersSearch(search: Record<string, unknown>): OrdersSearch {
  const { phase, group, q, due, order } = search
  return {
    phase: ORDER_PHASES.includes(phase as OrderPhase) ? (phase as OrderPhase) : undefined,
    group: typeof group === 'string' && group in PHASE_GROUPS && !phase ? (group as PhaseGroup) : undefined,
    q: typeof q === 'string' || typeof q === 'number' ? String(q) || undefined : undefined,
    shop: words(search.shop),
    hold: words(search.hold),
    warehouse: words(search.warehouse),
    carrier: words(search.carrier),
    tag: words(search.tag),
    due: SHIP_BY_CHOICES.includes(due as ShipByChoice) ? (due as ShipByChoice) : undefined,
    order: typeof order === 'string' || typeof order === 'number' ? String(order) : undefined,
  }
}

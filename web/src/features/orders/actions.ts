/**
 * What can be done with orders: one table for the keys, the bulk bar and the forms. An action is the API's
 * (`POST /orders/actions/{name}`), for one order and for all that match alike.
 */
import { ORDER_ACTION_NAMES } from '@/api/schema.gen'
import type { ActionResult } from '@/api/types'

export type ActionName =
  | 'approve'
  | 'hold'
  | 'release'
  | 'label'
  | 'merge'
  | 'split'
  | 'route'
  | 'carrier'
  | 'edit_address'
  | 'note'
  | 'tag'
  | 'assign'
  | 'share'
  | 'cancel'
  /** Nothing to do now: on to the next order. */
  | 'skip'

export interface OrderAction {
  name: ActionName
  /** The binding in the keyboard map. */
  key: string
  /** Asks for something before it can be done. */
  form?: 'hold' | 'cancel' | 'route' | 'carrier' | 'address' | 'note' | 'tag' | 'assign' | 'share' | 'split'
  /** Makes sense for one order only. */
  single?: true
  /** Makes sense for two orders or more. */
  several?: true
  danger?: true
  /** Done to the orders' parcels: the API has no dry run for it. */
  parcels?: true
}

/** Whether the API has the action for orders themselves. */
const forOrders = (name: ActionName): boolean => (ORDER_ACTION_NAMES as readonly string[]).includes(name)

const ALL: readonly OrderAction[] = [
  { name: 'approve', key: 'approve' },
  { name: 'release', key: 'release' },
  { name: 'hold', key: 'hold', form: 'hold' },
  { name: 'label', key: 'label', parcels: true },
  { name: 'merge', key: 'merge', several: true, parcels: forOrders('merge') ? undefined : true },
  { name: 'split', key: 'split', form: 'split', single: true },
  { name: 'route', key: 'warehouse', form: 'route' },
  { name: 'carrier', key: 'carrier', form: 'carrier', parcels: true },
  { name: 'edit_address', key: 'address', form: 'address', single: true },
  { name: 'note', key: 'remark', form: 'note' },
  { name: 'tag', key: 'tag', form: 'tag' },
  { name: 'assign', key: 'assign', form: 'assign' },
  { name: 'share', key: 'share', form: 'share', several: true },
  { name: 'cancel', key: 'cancel', form: 'cancel', danger: true },
]

/** What the API can do; a parcel's action is the API's of parcels. */
export const ORDER_ACTIONS: readonly OrderAction[] = ALL.filter(
  (action) => action.parcels === true || forOrders(action.name),
)

export function actionOf(name: string): OrderAction | undefined {
  return ORDER_ACTIONS.find((action) => action.name === name)
}

/** Refusals by their reason, most frequent first: "3 × already shipped" is read faster than three lines. */
export function refusalGroups(results: readonly ActionResult[], say: (reason: string | null | undefined) => string) {
  const groups = new Map<string, string[]>()
  for (const result of results) {
    if (result.outcome !== 'refused') continue
    const words = say(result.reason)
    const ids = groups.get(words)
    if (ids) ids.push(result.id)
    else groups.set(words, [result.id])
  }
  return [...groups].map(([reason, ids]) => ({ reason, ids })).sort((a, b) => b.ids.length - a.ids.length)
}

/** The row to stand on after some rows have gone: the next that stays, else the one before. */
export function nextCursor(rows: readonly string[], current: string | undefined, gone: ReadonlySet<string>): string | undefined {
  if (current === undefined || !gone.has(current)) return current
  const at = rows.indexOf(current)
  return rows.slice(at + 1).find((id) => !gone.has(id)) ?? rows.slice(0, Math.max(0, at)).findLast((id) => !gone.has(id))
}

/**
 * The one to three likely fixes of what an order waits for, numbered on the screen. The server's own proposals (which
 * know more: the corrected phone, the other warehouse) come first; behind them stands what a person can always do.
 */
import type { Fix, OrderDetail, OrderRow } from '@/api/types'
import { actionOf, type ActionName } from './actions'

export interface LikelyFix {
  /** Names the sentence (`fix.<code>`). */
  code: string
  params: Record<string, unknown>
  action: ActionName
  /** Fields that make it complete; without them its form opens. */
  fields?: Record<string, unknown>
}

const BY_HOLD: Record<string, readonly { code: string; action: ActionName }[]> = {
  address_incomplete: [
    { code: 'edit_address', action: 'edit_address' },
    { code: 'note_buyer', action: 'note' },
    { code: 'release', action: 'release' },
  ],
  phone_invalid: [
    { code: 'edit_phone', action: 'edit_address' },
    { code: 'note_buyer', action: 'note' },
    { code: 'release', action: 'release' },
  ],
  possible_duplicate: [
    { code: 'release_not_duplicate', action: 'release' },
    { code: 'cancel_duplicate', action: 'cancel' },
  ],
  refund_requested: [
    { code: 'cancel_refund', action: 'cancel' },
    { code: 'release', action: 'release' },
  ],
  buyer_note: [
    { code: 'release_read', action: 'release' },
    { code: 'note_buyer', action: 'note' },
  ],
  blacklisted_buyer: [
    { code: 'cancel', action: 'cancel' },
    { code: 'release', action: 'release' },
  ],
  waybill_refused: [
    { code: 'other_carrier', action: 'carrier' },
    { code: 'edit_address', action: 'edit_address' },
    { code: 'release', action: 'release' },
  ],
}

const AT_HOLD: readonly { code: string; action: ActionName }[] = [
  { code: 'release', action: 'release' },
  { code: 'cancel', action: 'cancel' },
]

const BY_PHASE: Record<string, readonly { code: string; action: ActionName }[]> = {
  review: [
    { code: 'approve', action: 'approve' },
    { code: 'hold', action: 'hold' },
  ],
  stock: [
    { code: 'reroute', action: 'route' },
    { code: 'split_stock', action: 'split' },
  ],
  label: [{ code: 'label', action: 'label' }],
}

/** The row's first fix, as the list carries it. */
export function fixOf(value: OrderRow['fix']): Pick<Fix, 'code' | 'params'> | undefined {
  if (!value || typeof value.code !== 'string') return undefined
  const { params } = value
  return { code: value.code, params: typeof params === 'object' && params !== null ? (params as Record<string, unknown>) : {} }
}

const LIMIT = 3

/** Advice that no call can carry out: asking the buyer is noted, choosing a carrier opens its form, waiting goes on. */
const ADVICE: Record<string, ActionName> = { ask_buyer: 'note', choose_carrier: 'carrier' }

/** Whether the API has a call for it. */
const canDo = (name: ActionName): boolean => name === 'skip' || actionOf(name) !== undefined

function offeredFix(fix: Fix): LikelyFix {
  const action = fix.action || ADVICE[fix.code] || 'skip'
  const complete = fix.action !== '' && Object.keys(fix.body).length > 0
  return { code: fix.code, params: fix.params, action: action as ActionName, fields: complete ? fix.body : undefined }
}

export function likelyFixes(order: Pick<OrderDetail, 'phase' | 'fixes'> & { holds: readonly { reason: string }[] }): LikelyFix[] {
  const offered = order.fixes.map(offeredFix)
  const standing =
    order.phase === 'held' ? order.holds.flatMap((hold) => BY_HOLD[hold.reason] ?? AT_HOLD) : (BY_PHASE[order.phase] ?? [])
  const fixes = offered.filter((fix) => canDo(fix.action))
  for (const entry of standing) {
    if (!canDo(entry.action)) continue
    const known = fixes.some((fix) => fix.code === entry.code || (fix.action === entry.action && !['edit_address', 'note'].includes(entry.action)))
    if (!known) fixes.push({ ...entry, params: {} })
  }
  // A held order can always be let go by a person: that choice is never the one that falls off the end.
  const shown = fixes.slice(0, LIMIT)
  const release = fixes.find((fix) => fix.action === 'release')
  return release && !shown.includes(release) ? [...shown.slice(0, LIMIT - 1), release] : shown
}

/** Codes of the API as words: reasons, actors and timeline events, in the reader's language. */
import type { TFunction } from 'i18next'
import type { Actor, Hold, OrderDetail, TimelineEvent } from '@/api/types'
import { formatMoney, fromMinor, type Money } from '@/lib/money'
import { formatShort } from '@/lib/time'

/** Parameters whose values are words of the API, and the part of the locale files that knows them. */
export const WORD_PARAMS: Record<string, string> = {
  reason: 'hold',
  hold: 'hold',
  phase: 'phase',
  payment: 'payment',
  state: 'state',
  kind: 'document',
  missing: 'recipient',
  about: 'about',
  intent: 'intent',
  cancel_reason: 'cancel_reason',
  severity: 'severity',
  code: 'hold',
}

/** What belongs to the machinery of a finding, not to its sentence. */
const HIDDEN_PARAMS = new Set(['fixes', 'trace'])

function valueOf(key: string, value: unknown, t: TFunction, locale: string): string {
  if (value === null || value === undefined) return '—'
  if (Array.isArray(value)) return value.map((entry) => valueOf(key, entry, t, locale)).join(t('common.list_join'))
  if (typeof value === 'object') {
    const money = value as Partial<Money>
    if (typeof money.amount === 'string' && typeof money.currency === 'string') return formatMoney(money as Money, locale)
    return Object.entries(value)
      .map(([name, inner]) => `${name} ${valueOf(name, inner, t, locale)}`)
      .join(t('common.list_join'))
  }
  if (typeof value === 'string') {
    const family = WORD_PARAMS[key]
    if (family) return t(`${family}.${value}`, { defaultValue: value })
    if (/^\d{4}-\d\d-\d\dT/.test(value)) return formatShort(value, locale)
  }
  return String(value)
}

/** Values for a sentence. Amounts in minor units become money of the currency that stands beside them. */
export function wordsOf(params: Record<string, unknown> | null | undefined, t: TFunction, locale: string): Record<string, string> {
  const { currency } = params ?? {}
  return Object.fromEntries(
    Object.entries(params ?? {})
      .filter(([key]) => !HIDDEN_PARAMS.has(key))
      .map(([key, value]) => [
        key,
        key.endsWith('_minor') && typeof value === 'number' && typeof currency === 'string'
          ? formatMoney({ amount: fromMinor(value, currency), currency }, locale)
          : valueOf(key, value, t, locale),
      ]),
  )
}

/** A sentence for a code; a code that is not known yet is shown as it is, with its values: nothing is hidden. */
export function sentence(family: string, code: string, params: Record<string, unknown> | null | undefined, t: TFunction, locale: string): string {
  const values = wordsOf(params, t, locale)
  const key = `${family}.${code.replaceAll('.', '_')}`
  const known = t(key, { ...values, defaultValue: '' })
  if (known) return known.replace(/\s*\{\{\w+\}\}/g, '').trim()
  const rest = Object.entries(values)
    .map(([name, value]) => `${name} ${value}`)
    .join(t('common.list_join'))
  return rest ? `${code}: ${rest}` : code
}

export function eventWords(event: TimelineEvent, t: TFunction, locale: string): string {
  return sentence('timeline', event.kind, event.params, t, locale)
}

export function actorWords(actor: Actor | null | undefined, t: TFunction): string {
  if (!actor) return ''
  switch (actor.by) {
    case 'user':
      return actor.name
    case 'rule':
      return t('actor.rule', { name: t(`rule.${actor.name}`, { defaultValue: actor.name }), version: actor.id ?? '1' })
    case 'vendor':
      return t('actor.vendor')
    case 'job':
      return t('actor.job')
    case 'import':
      return t('actor.import', { source: actor.name })
    default:
      return actor.name
  }
}

/** Why an order is held: what a check saw in it, in its own sentence; the buyer's words as they stand. */
export function whyHeld(order: Pick<OrderDetail, 'findings' | 'buyer_note'>, hold: Pick<Hold, 'reason' | 'detail'>, t: TFunction, locale: string): string {
  if (hold.reason === 'buyer_note' && order.buyer_note) return t('orders.buyer_wrote', { note: order.buyer_note })
  const finding = order.findings.find((entry) => entry.code === hold.reason)
  if (finding && typeof hold.detail.note !== 'string') return sentence('finding', finding.code, finding.params, t, locale)
  return holdWhy(hold.reason, hold.detail, t, locale)
}

/** Why an order is held: the sentence of its reason, or what the person wrote. */
export function holdWhy(reason: string, detail: Record<string, unknown>, t: TFunction, locale: string): string {
  const { note, ...rest } = detail
  if (typeof note === 'string' && note) return note
  const known = t(`hold_why.${reason}`, { ...wordsOf(rest, t, locale), defaultValue: '' })
  return known || Object.values(wordsOf(rest, t, locale)).join(t('common.list_join'))
}

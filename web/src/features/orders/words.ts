/** Codes of the API as words: reasons, actors and timeline events, in the reader's language. */
import type { TFunction } from 'i18next'
import type { Actor, MaskedRecipient, TimelineEvent } from '@/api/types'
import { formatMoney, type Money } from '@/lib/money'
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
  severity: 'severity',
}

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

export function wordsOf(params: Record<string, unknown> | null | undefined, t: TFunction, locale: string): Record<string, string> {
  return Object.fromEntries(Object.entries(params ?? {}).map(([key, value]) => [key, valueOf(key, value, t, locale)]))
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

/** The word of a refusal as a sentence; one that is not known yet is shown as it is. */
export function reasonWords(reason: string | undefined, t: TFunction): string {
  if (!reason) return t('refusal.unknown')
  return t(`refusal.${reason}`, { defaultValue: t(`hold.${reason}`, { defaultValue: reason }) })
}

/** Region in one line; parts that repeat (a municipality is its own province) are said once. */
export function regionOf(recipient: MaskedRecipient): string {
  const { country, province, city, district, town } = recipient
  const parts = [province, city, district, town].filter(Boolean)
  const line = parts.filter((part, index) => part !== parts[index - 1]).join(' ')
  return country && country !== 'CN' ? `${country} ${line}`.trim() : line
}

/** Why an order is held: the sentence of its reason, or what the person wrote. */
export function holdWhy(reason: string, detail: Record<string, unknown>, t: TFunction, locale: string): string {
  const { note, ...rest } = detail
  if (typeof note === 'string' && note) return note
  const known = t(`hold_why.${reason}`, { ...wordsOf(rest, t, locale), defaultValue: '' })
  return known || Object.values(wordsOf(rest, t, locale)).join(t('common.list_join'))
}

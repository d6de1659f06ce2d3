/** Tells what an action did, as a card: the same exact tally wherever the action was started. */
import type { TFunction } from 'i18next'
import { explain } from '@/api/problem'
import type { ActionAnswer } from '@/api/types'
import { showTally } from './tallies'

const LISTED = 200

/** The word of a refusal as a sentence; one that is not known yet is shown as it is. */
export function reasonWords(reason: string | null | undefined, t: TFunction): string {
  if (!reason) return t('refusal.unknown')
  return t(`refusal.${reason}`, { defaultValue: t(`hold.${reason}`, { defaultValue: reason }) })
}

/** Why a parcel must not leave. */
export function stopWords(reason: string, t: TFunction): string {
  return t(`stop.${reason}`, { defaultValue: t(`hold.${reason}`, { defaultValue: reason }) })
}

export function showOutcome(answer: ActionAnswer, title: string, t: TFunction, labelOf: (id: string) => string, undo?: () => Promise<void>): void {
  const { tally } = answer
  const refused = answer.results.filter((result) => result.outcome === 'refused')
  showTally({
    title,
    tone: tally.refused > 0 ? (tally.done > 0 ? 'warn' : 'bad') : 'good',
    counts: [
      { label: t('tally.done'), value: tally.done, tone: 'good' },
      ...(tally.already > 0 ? [{ label: t('tally.already'), value: tally.already }] : []),
      ...(tally.refused > 0 ? [{ label: t('tally.refused'), value: tally.refused, tone: 'bad' as const }] : []),
    ],
    refusals: refused.slice(0, LISTED).map((result) => ({ id: result.id, label: labelOf(result.id), reason: reasonWords(result.reason, t) })),
    undo: tally.done > 0 ? undo : undefined,
    fleeting: tally.refused === 0 && !undo,
  })
}

export function showFailure(error: unknown, title: string, t: TFunction): void {
  const { title: what, detail } = explain(error, t)
  showTally({ title: title ? `${title}: ${what}` : what, tone: 'bad', detail })
}

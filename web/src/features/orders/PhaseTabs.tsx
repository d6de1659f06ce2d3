import { useTranslation } from 'react-i18next'
import type { Counts } from '@/api/types'
import { ORDER_PHASES, type OrderPhase } from '@/lib/orders-search'
import { formatNumber } from '@/lib/money'

/** Work keeps its place; a phase that nothing is in and nobody looks at gives its room to the others. */
export function shownPhases(counts: Counts | undefined, open: readonly OrderPhase[]): OrderPhase[] {
  return ORDER_PHASES.filter((key) => WORK.has(key) || open.includes(key) || (counts?.phases[key] ?? 0) > 0)
}

interface Props {
  counts: Counts | undefined
  /** The open tab, or the tabs that are shown together; none means all. */
  phases: readonly OrderPhase[]
  onPick: (phase: OrderPhase | undefined) => void
}

const WORK = new Set<OrderPhase>(['review', 'held', 'mapping', 'stock', 'label', 'pack', 'shipped'])

/** One tab a phase with its live count; the counts add up to "all". */
export function PhaseTabs({ counts, phases, onPick }: Props) {
  const { t, i18n } = useTranslation()
  const isOpen = (key: OrderPhase | undefined) => (key === undefined ? phases.length === 0 : phases.includes(key))
  const tab = (key: OrderPhase | undefined, label: string, count: number | undefined) => (
    <button
      key={key ?? 'all'}
      type="button"
      role="tab"
      aria-selected={isOpen(key)}
      className={`phase-tab${isOpen(key) ? ' active' : ''}${count === 0 ? ' empty' : ''}${key === 'held' && count ? ' alarm' : ''}`}
      onClick={() => onPick(key)}
      data-phase={key ?? 'all'}
    >
      {label} <b>{count === undefined ? '·' : formatNumber(count, i18n.language)}</b>
    </button>
  )
  return (
    <div className="phase-tabs" role="tablist" aria-label={t('orders.phases')}>
      {tab(undefined, t('orders.all'), counts?.total)}
      {shownPhases(counts, phases).map((key) => tab(key, t(`phase.${key}`), counts === undefined ? undefined : (counts.phases[key] ?? 0)))}
    </div>
  )
}

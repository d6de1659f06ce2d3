import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { completenessQuery } from '@/api/shared'
import { useNow } from '@/lib/now'
import { formatShort, HOUR } from '@/lib/time'

const HOURS = 24

/** A square an hour, oldest first: green complete, amber closing, red a gap, grey not due. */
export function HourSquares({ shop }: { shop: string }) {
  const { t, i18n } = useTranslation()
  const hourNow = Math.floor(useNow() / HOUR) * HOUR
  const { data } = useQuery(completenessQuery(shop))
  const known = new Map((data?.items ?? []).map((entry) => [Date.parse(entry.hour), entry]))
  const squares = Array.from({ length: HOURS }, (_, index) => {
    const start = hourNow - (HOURS - 1 - index) * HOUR
    const entry = known.get(start)
    const when = formatShort(new Date(start).toISOString(), i18n.language)
    const words = entry
      ? t('shops.hour', { when, theirs: entry.theirs, ours: entry.ours, verdict: t(`verdict.${entry.verdict}`, { defaultValue: entry.verdict }) })
      : t('shops.hour_open', { when })
    return { start, verdict: entry?.verdict ?? 'open', words }
  })
  const gaps = squares.filter((square) => square.verdict === 'gap').length
  return (
    <span className="hours" role="img" aria-label={gaps > 0 ? t('shops.hours_gaps', { count: gaps }) : t('shops.hours_fine')}>
      {squares.map((square) => (
        <i key={square.start} className={`hour hour-${square.verdict}`} title={square.words} />
      ))}
    </span>
  )
}

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Drawer, Progress } from 'antd'
import { useTranslation } from 'react-i18next'
import { operationQuery } from '@/api/operations'
import { Chip } from '@/components/Chip'
import { ErrorState, LoadingState } from '@/components/States'
import { reasonWords } from '@/lib/outcome'
import { formatLong } from '@/lib/time'

/** One operation: its exact sums, why some were refused, and each target with the order behind it. */
export function OperationDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const { t, i18n } = useTranslation()
  const { data, error, isPending, refetch } = useQuery(operationQuery(id))
  const reasons = Object.entries(data?.tally.reasons ?? {}).sort((a, b) => b[1] - a[1])
  return (
    <Drawer open size={520} onClose={onClose} title={data ? t(`action.${data.kind}`, { defaultValue: data.kind }) : t('tasks.tab_operations')}>
      {isPending ? (
        <LoadingState />
      ) : error || !data ? (
        <ErrorState error={error} retry={() => void refetch()} />
      ) : (
        <div className="stack">
          <p className="muted">
            {formatLong(data.created_at, i18n.language)}
            {data.ended_at && ` – ${formatLong(data.ended_at, i18n.language)}`}
          </p>
          <Progress percent={data.total === 0 ? 100 : Math.floor((data.finished / data.total) * 100)} format={() => `${data.finished} / ${data.total}`} aria-label={t('tasks.progress')} />
          <p>
            <span className="ink-good">
              {t('tally.done')} <b>{data.tally.done}</b>
            </span>{' '}
            · {t('tally.already')} <b>{data.tally.already}</b> ·{' '}
            <span className={data.tally.refused > 0 ? 'ink-bad' : undefined}>
              {t('tally.refused')} <b>{data.tally.refused}</b>
            </span>
          </p>
          {data.undone_at && <p>{t('tasks.undone_at', { when: formatLong(data.undone_at, i18n.language) })}</p>}
          {!data.undone_at && data.undo_until && <p className="muted">{t('tasks.undo_until', { when: formatLong(data.undo_until, i18n.language) })}</p>}
          {reasons.length > 0 && (
            <ul>
              {reasons.map(([reason, count]) => (
                <li key={reason}>
                  <b>{count}</b> {reasonWords(reason, t)}
                </li>
              ))}
            </ul>
          )}
          <table className="plain">
            <thead>
              <tr>
                <th>{t('tasks.target')}</th>
                <th>{t('tasks.outcome')}</th>
              </tr>
            </thead>
            <tbody>
              {data.results.items.map((result) => (
                <tr key={result.id}>
                  <td>
                    <Link to="/orders" search={{ order: result.id }}>
                      {result.id}
                    </Link>
                  </td>
                  <td>
                    <Chip tone={result.outcome === 'refused' ? 'bad' : result.outcome === 'done' ? 'good' : 'idle'}>{t(`tally.${result.outcome}`, { defaultValue: result.outcome })}</Chip>{' '}
                    {result.reason && reasonWords(result.reason, t)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {data.results.next && <p className="muted">{t('tasks.first_of', { count: data.results.items.length, total: data.total })}</p>}
        </div>
      )}
    </Drawer>
  )
}

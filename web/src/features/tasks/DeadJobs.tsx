import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { Button, Popconfirm } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/session'
import type { DeadJob } from '@/api/types'
import type { Column } from '@/components/DataTable'
import { PagedList, rowsOf } from '@/components/PagedList'
import { useNarrow } from '@/lib/media'
import { showFailure } from '@/lib/outcome'
import { countOf, isMarked, markRange, none, pageState, toggle, togglePage, type Selection } from '@/lib/selection'
import { showTally } from '@/lib/tallies'
import { formatShort } from '@/lib/time'
import { deadJobsQuery, discardJobs, retryJobs } from './queries'

/** Work that gave up after its tries. It waits here for a person: nothing is dropped by itself. */
export function DeadJobs() {
  const { t, i18n } = useTranslation()
  const client = useQueryClient()
  const narrow = useNarrow()
  const may = useMay('shops.manage')
  const list = useInfiniteQuery(deadJobsQuery)
  const ids = rowsOf(list).map((row) => row.id)
  const [selection, setSelection] = useState<Selection<never>>(none())
  const [last, setLast] = useState<string>()
  const [busy, setBusy] = useState(false)
  const marked = selection.kind === 'ids' ? ids.filter((id) => selection.ids.has(id)) : []

  const run = async (work: (ids: string[]) => Promise<{ changed: number }>, words: string) => {
    setBusy(true)
    try {
      const { changed } = await work(marked)
      showTally({ title: `${words} · ${changed}`, tone: 'good', fleeting: true })
      setSelection(none())
    } catch (error) {
      showFailure(error, words, t)
    } finally {
      setBusy(false)
      await client.invalidateQueries({ queryKey: ['jobs'] })
    }
  }
  const kind = (row: DeadJob) => t(`job.${row.kind}`, { defaultValue: row.kind })
  const columns: Column<DeadJob>[] = [
    { key: 'at', title: t('tasks.gave_up'), width: '112px', render: (row) => formatShort(row.finished_at ?? row.created_at, i18n.language) },
    { key: 'kind', title: t('tasks.job'), width: 'minmax(130px, 0.6fr)', render: kind },
    { key: 'attempts', title: t('tasks.attempts'), width: '72px', align: 'right', render: (row) => row.attempts },
    { key: 'error', title: t('tasks.last_error'), width: 'minmax(260px, 2fr)', render: (row) => <span title={row.last_error}>{row.last_error}</span> },
  ]
  return (
    <>
      <PagedList
        label={t('tasks.tab_jobs')}
        list={list}
        rowKey={(row) => row.id}
        columns={columns}
        narrow={narrow}
        compact={(row) => (
          <>
            <div className="compact-line">
              <b>{kind(row)}</b>
              <span className="grow" />
              <span className="muted">{formatShort(row.finished_at ?? row.created_at, i18n.language)}</span>
            </div>
            <div className="compact-line clip muted">{row.last_error}</div>
          </>
        )}
        marks={
          may
            ? {
                state: pageState(selection, ids),
                isMarked: (id) => isMarked(selection, id),
                toggle: (id, extend) => {
                  setSelection(extend && last ? markRange(selection, last, id, ids) : toggle(selection, id, ids))
                  setLast(id)
                },
                togglePage: () => setSelection(togglePage(selection, ids)),
              }
            : undefined
        }
        empty={{ title: t('tasks.none_jobs'), hint: t('tasks.none_jobs_do') }}
      />
      {countOf(selection) > 0 && (
        <div className="bulk-bar" role="toolbar" aria-label={t('orders.bulk')}>
          <b>{t('common.selected', { count: marked.length })}</b>
          <Button size="small" type="primary" disabled={busy} onClick={() => void run(retryJobs, t('tasks.retry'))} data-do="retry">
            {t('tasks.retry')}
          </Button>
          <Popconfirm title={t('tasks.discard_sure', { count: marked.length })} onConfirm={() => void run(discardJobs, t('tasks.discard'))}>
            <Button size="small" danger disabled={busy}>
              {t('tasks.discard')}
            </Button>
          </Popconfirm>
        </div>
      )}
    </>
  )
}

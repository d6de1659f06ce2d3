import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { PrintEntry } from '@/api/types'
import { Chip } from '@/components/Chip'
import { DataTable, type Column } from '@/components/DataTable'
import { EmptyState, ErrorState, SkeletonRows } from '@/components/States'
import { formatLong } from '@/lib/time'
import { printsQuery } from './queries'

/** Which station printed what, when, and why again. */
export function Ledger() {
  const { t, i18n } = useTranslation()
  const list = useInfiniteQuery(printsQuery)
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data])
  const columns: Column<PrintEntry>[] = [
    { key: 'at', title: t('stock.at'), width: '170px', render: (entry) => formatLong(entry.at, i18n.language) },
    { key: 'station', title: t('print.station'), width: '90px', render: (entry) => entry.station || '—' },
    { key: 'user', title: t('print.user'), width: '110px', render: (entry) => entry.user?.name ?? '—' },
    { key: 'kind', title: t('print.kind'), width: '110px', render: (entry) => t(`document.${entry.kind}`, { defaultValue: entry.kind }) },
    { key: 'number', title: t('shipments.number'), width: 'minmax(170px, 1fr)', render: (entry) => entry.waybill_number ?? '—' },
    {
      key: 'copy',
      title: t('print.copy'),
      width: '80px',
      align: 'right',
      render: (entry) => (entry.copy > 1 ? <Chip tone="warn">{entry.copy}</Chip> : entry.copy),
    },
    { key: 'cause', title: t('print.cause'), width: 'minmax(140px, 1fr)', render: (entry) => entry.cause || <span className="muted">—</span> },
    { key: 'batch', title: t('print.batch'), width: '190px', render: (entry) => <span className="muted">{entry.batch_id}</span> },
  ]
  return (
    <div className="list-body">
      {list.isPending ? (
        <SkeletonRows count={18} />
      ) : list.isError && rows.length === 0 ? (
        <ErrorState error={list.error} retry={() => void list.refetch()} />
      ) : rows.length === 0 ? (
        <EmptyState title={t('print.none_ledger')} hint={t('print.none_ledger_do')} />
      ) : (
        <DataTable
          label={t('print.tab_ledger')}
          rows={rows}
          rowKey={(row) => row.id}
          columns={columns}
          onEnd={() => {
            if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage()
          }}
          footer={list.hasNextPage ? t('common.loading') : t('common.loaded_all', { count: rows.length })}
        />
      )}
    </div>
  )
}

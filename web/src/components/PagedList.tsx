import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query'
import { useCallback, useMemo, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Page } from '@/api/types'
import { DataTable, type Column, type Marks } from './DataTable'
import { EmptyState, ErrorState, SkeletonRows } from './States'

interface Props<Row> {
  label: string
  list: UseInfiniteQueryResult<InfiniteData<Page<Row>>>
  rowKey: (row: Row) => string
  columns: readonly Column<Row>[]
  empty: { title: string; hint?: string; action?: ReactNode }
  marks?: Marks
  cursor?: string
  onOpen?: (key: string) => void
  narrow?: boolean
  compact?: (row: Row) => ReactNode
}

export function rowsOf<Row>(list: UseInfiniteQueryResult<InfiniteData<Page<Row>>>): Row[] {
  return list.data?.pages.flatMap((page) => page.items) ?? []
}

/** A list that pages by itself, with its loading, failing and empty faces. */
export function PagedList<Row>({ label, list, rowKey, columns, empty, marks, cursor, onOpen, narrow, compact }: Props<Row>) {
  const { t } = useTranslation()
  const rows = useMemo(() => rowsOf(list), [list.data])
  const more = useCallback(() => {
    if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage()
  }, [list])
  return (
    <div className="list-body">
      {list.isPending ? (
        <SkeletonRows count={14} />
      ) : list.isError && rows.length === 0 ? (
        <ErrorState error={list.error} retry={() => void list.refetch()} />
      ) : rows.length === 0 ? (
        <EmptyState {...empty} />
      ) : (
        <DataTable
          label={label}
          rows={rows}
          rowKey={rowKey}
          columns={columns}
          marks={marks}
          cursor={cursor}
          onOpen={onOpen}
          onEnd={more}
          narrow={narrow}
          compact={compact}
          footer={list.hasNextPage ? t('common.loading') : t('common.loaded_all', { count: rows.length })}
        />
      )}
    </div>
  )
}

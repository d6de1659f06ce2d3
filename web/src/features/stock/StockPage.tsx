import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Checkbox, Input, Select } from 'antd'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { warehousesQuery } from '@/api/shared'
import type { StockLevel, StockRow } from '@/api/types'
import { DataTable, type Column } from '@/components/DataTable'
import { ExportButton } from '@/components/ExportButton'
import { Picture } from '@/components/Picture'
import { EmptyState, ErrorState, SkeletonRows } from '@/components/States'
import { useLive } from '@/lib/live'
import { useNarrow } from '@/lib/media'
import { formatNumber } from '@/lib/money'
import { ExplainDrawer } from './ExplainDrawer'
import { stockQuery, type StockFilter } from './queries'
import './stock.css'

const goodOf = (row: StockRow, warehouse: string): StockLevel | undefined =>
  row.levels.find((level) => level.warehouse.id === warehouse && level.condition === 'good')

const isLow = (level: StockLevel) => typeof level.low_at === 'number' && level.available <= level.low_at

/** A level as available / on hand; the colour says low, the title says all. */
function LevelCell({ level, locale }: { level: StockLevel | undefined; locale: string }) {
  const { t } = useTranslation()
  if (!level) return <span className="muted">—</span>
  const words = t('stock.level_words', {
    on_hand: level.on_hand,
    reserved: level.reserved,
    safety: level.safety,
    inbound: level.inbound,
    available: level.available,
    bin: level.bin || '—',
  })
  return (
    <span title={words} className={isLow(level) ? 'ink-bad strong' : undefined}>
      {formatNumber(level.available, locale)} <span className="muted">/ {formatNumber(level.on_hand, locale)}</span>
    </span>
  )
}

export function StockPage() {
  const { t, i18n } = useTranslation()
  const locale = i18n.language
  const client = useQueryClient()
  const { q } = useSearch({ from: '/guarded/shell/stock' })
  const navigate = useNavigate({ from: '/stock' })
  const narrow = useNarrow()
  const [warehouse, setWarehouse] = useState<string>()
  const [low, setLow] = useState(false)
  const [open, setOpen] = useState<string>()
  const places = useQuery(warehousesQuery)
  const warehouses = (places.data?.items ?? []).filter((entry) => entry.kind !== 'channel')
  const filter: StockFilter = { ...(q ? { q } : {}), ...(warehouse ? { warehouse } : {}), ...(low ? { low } : {}) }
  const list = useInfiniteQuery(stockQuery(filter))
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data])
  useLive('stock', () => void client.invalidateQueries({ queryKey: ['stock'] }))

  const shown = warehouse ? warehouses.filter((entry) => entry.id === warehouse) : warehouses
  const columns: Column<StockRow>[] = [
    {
      key: 'sku',
      title: 'SKU',
      width: 'minmax(240px, 2fr)',
      render: (row) => (
        <span className="sku-cell" title={row.name}>
          <Picture url={row.image_url} name={row.name} size={24} /> <b>{row.sku_code}</b> <span className="muted">{row.name}</span>
        </span>
      ),
    },
    {
      key: 'available',
      title: t('stock.available'),
      width: '90px',
      align: 'right',
      render: (row) => <b className={row.low ? 'ink-bad' : undefined}>{formatNumber(row.available, locale)}</b>,
    },
    { key: 'reserved', title: t('stock.reserved'), width: '80px', align: 'right', render: (row) => formatNumber(row.reserved, locale) },
    { key: 'on_hand', title: t('stock.on_hand'), width: '80px', align: 'right', render: (row) => formatNumber(row.on_hand, locale) },
    ...shown.map((entry): Column<StockRow> => ({
      key: entry.id,
      title: entry.name,
      width: 'minmax(110px, 1fr)',
      align: 'right',
      render: (row) => <LevelCell level={goodOf(row, entry.id)} locale={locale} />,
    })),
  ]
  return (
    <div className="list-page">
      <div className="list-head">
        <h1>{t('places.stock')}</h1>
        <Input.Search
          key={q ?? ''}
          className="list-search"
          defaultValue={q}
          placeholder={t('stock.search')}
          aria-label={t('stock.search')}
          allowClear
          onSearch={(text) => void navigate({ search: { q: text.trim() || undefined }, replace: true })}
        />
        <Select
          className="filter"
          value={warehouse ?? null}
          onChange={(value) => setWarehouse(value ?? undefined)}
          options={warehouses.map((entry) => ({ value: entry.id, label: entry.name }))}
          placeholder={t('orders.filter_warehouse')}
          aria-label={t('orders.filter_warehouse')}
          allowClear
        />
        <Checkbox checked={low} onChange={(event) => setLow(event.target.checked)}>
          {t('stock.low_only')}
        </Checkbox>
        <span className="grow" />
        <span className="muted">{t('stock.click_hint')}</span>
        <ExportButton list="stock" query={{ ...filter, sort: 'available' }} />
      </div>
      <div className="list-body">
        {/* Each warehouse is a column: rows wait for them, or they would move when they come. */}
        {list.isPending || places.isPending ? (
          <SkeletonRows count={18} />
        ) : list.isError && rows.length === 0 ? (
          <ErrorState error={list.error} retry={() => void list.refetch()} />
        ) : rows.length === 0 ? (
          <EmptyState title={low ? t('stock.none_low') : t('stock.none')} hint={t('stock.none_do')} />
        ) : (
          <DataTable
            label={t('places.stock')}
            rows={rows}
            rowKey={(row) => row.sku_id}
            columns={columns}
            cursor={open}
            narrow={narrow}
            compact={(row) => (
              <>
                <div className="compact-line">
                  <b>{row.sku_code}</b>
                  <span className="grow" />
                  <b className={row.low ? 'ink-bad' : undefined}>{formatNumber(row.available, locale)}</b>
                </div>
                <div className="compact-line clip">{row.name}</div>
                <div className="compact-line clip muted">
                  {t('stock.on_hand')} {row.on_hand} · {t('stock.reserved')} {row.reserved}
                </div>
              </>
            )}
            onOpen={setOpen}
            onEnd={() => {
              if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage()
            }}
            footer={list.hasNextPage ? t('common.loading') : t('common.loaded_all', { count: rows.length })}
          />
        )}
      </div>
      {open && <ExplainDrawer sku={open} onClose={() => setOpen(undefined)} />}
    </div>
  )
}

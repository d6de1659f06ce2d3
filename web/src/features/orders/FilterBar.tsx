import { CloseOutlined, SaveOutlined, TableOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Button, Checkbox, Input, Popover, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { carriersQuery, shopsQuery, warehousesQuery } from '@/api/shared'
import { ExportButton } from '@/components/ExportButton'
import { useLiveState } from '@/lib/live'
import { SHIP_BY_CHOICES, type OrdersSearch } from '@/lib/orders-search'
import { COLUMN_KEYS, FIXED_COLUMNS, type ColumnKey } from './columns'
import { isFiltered, type OrderFilter } from './filter'
import { useViews } from './views'

interface Props {
  search: OrdersSearch
  holds: Record<string, number>
  /** Tags that the loaded orders carry. */
  tags: readonly string[]
  columns: readonly ColumnKey[]
  /** The same filter in the API's words: what the file holds. */
  filter: OrderFilter
  onSearch: (patch: Partial<OrdersSearch>) => void
  onReplace: (search: OrdersSearch) => void
  onColumns: (columns: ColumnKey[]) => void
}

type ListKey = 'shop' | 'hold' | 'warehouse' | 'carrier' | 'tag'

function Views({ search, onReplace }: Pick<Props, 'search' | 'onReplace'>) {
  const { t } = useTranslation()
  const { views, save, remove } = useViews()
  const [name, setName] = useState('')
  const [open, setOpen] = useState(false)
  const keep = () => {
    if (!name.trim()) return
    const { order: _order, ...rest } = search
    save(name.trim(), rest)
    setName('')
    setOpen(false)
  }
  return (
    <>
      {views.map((view) => (
        <span key={view.name} className="view-chip">
          <button type="button" onClick={() => onReplace(view.search)}>
            {view.name}
          </button>
          <button type="button" aria-label={t('orders.view_delete', { name: view.name })} onClick={() => remove(view.name)}>
            <CloseOutlined />
          </button>
        </span>
      ))}
      {isFiltered(search) && (
        <Popover
          trigger="click"
          open={open}
          onOpenChange={setOpen}
          content={
            <form
              className="inline-form"
              onSubmit={(event) => {
                event.preventDefault()
                keep()
              }}
            >
              <Input value={name} onChange={(event) => setName(event.target.value)} placeholder={t('orders.view_name')} maxLength={30} autoFocus />
              <Button type="primary" htmlType="submit" disabled={!name.trim()}>
                {t('common.save')}
              </Button>
            </form>
          }
        >
          <Button size="small" type="text" icon={<SaveOutlined />}>
            {t('orders.view_save')}
          </Button>
        </Popover>
      )}
    </>
  )
}

function LiveMark() {
  const { t } = useTranslation()
  const state = useLiveState()
  const tone = state === 'live' ? 'good' : state === 'lost' ? 'bad' : 'idle'
  return (
    <span className={`chip chip-${tone} live`} title={state === 'lost' ? t('shell.lost_do') : undefined}>
      ● {state === 'live' ? t('shell.live') : state === 'lost' ? t('shell.lost') : t('shell.connecting')}
    </span>
  )
}

/** Filters that combine; each is one click, all together are saved under a name. */
export function FilterBar({ search, holds, tags, columns, filter, onSearch, onReplace, onColumns }: Props) {
  const { t } = useTranslation()
  const shops = useQuery(shopsQuery).data?.items ?? []
  const warehouses = useQuery(warehousesQuery).data?.items ?? []
  const carriers = useQuery(carriersQuery).data?.items ?? []

  const pick = (key: ListKey, options: { value: string; label: string }[]) => (
    <Select
      key={key}
      mode="multiple"
      size="small"
      className="filter"
      value={search[key] ?? []}
      options={options}
      onChange={(values: string[]) => onSearch({ [key]: values.length > 0 ? values : undefined })}
      placeholder={t(`orders.filter_${key}`)}
      aria-label={t(`orders.filter_${key}`)}
      maxTagCount={0}
      maxTagPlaceholder={() => `${t(`orders.filter_${key}`)} ${search[key]?.length ?? 0}`}
      popupMatchSelectWidth={220}
      optionFilterProp="label"
      allowClear
    />
  )
  const reasons = [...new Set([...Object.keys(holds), ...(search.hold ?? [])])]
  return (
    <div className="filter-bar" role="group" aria-label={t('orders.filters')}>
      {pick('shop', shops.map((shop) => ({ value: shop.id, label: shop.name })))}
      {pick('hold', reasons.map((reason) => ({ value: reason, label: t(`hold.${reason}`, { defaultValue: reason }) })))}
      <Select
        size="small"
        className="filter"
        value={search.due ?? null}
        options={SHIP_BY_CHOICES.map((choice) => ({ value: choice, label: t(`orders.due_${choice}`) }))}
        onChange={(due) => onSearch({ due: due ?? undefined })}
        placeholder={t('orders.filter_due')}
        aria-label={t('orders.filter_due')}
        popupMatchSelectWidth={160}
        allowClear
      />
      {pick('warehouse', warehouses.map((warehouse) => ({ value: warehouse.id, label: warehouse.name })))}
      {pick('carrier', carriers.map((carrier) => ({ value: carrier.id, label: carrier.name })))}
      {pick('tag', [...new Set([...tags, ...(search.tag ?? [])])].map((tag) => ({ value: tag, label: t(`tag.${tag}`, { defaultValue: tag }) })))}
      {search.q && (
        <span className="view-chip">
          <span>“{search.q}”</span>
          <button type="button" aria-label={t('orders.clear_search')} onClick={() => onSearch({ q: undefined })}>
            <CloseOutlined />
          </button>
        </span>
      )}
      {isFiltered(search) && (
        <Button size="small" type="text" onClick={() => onReplace({ phase: search.phase, group: search.group })}>
          {t('orders.clear_filters')}
        </Button>
      )}
      <Views search={search} onReplace={onReplace} />
      <span className="grow" />
      <LiveMark />
      <ExportButton list="orders" query={filter} size="small" />
      <Popover
        trigger="click"
        placement="bottomRight"
        title={t('orders.columns')}
        content={
          <Checkbox.Group
            className="column-choice"
            value={[...columns, ...FIXED_COLUMNS]}
            options={COLUMN_KEYS.map((key) => ({ value: key, label: t(`orders.col_${key}`), disabled: FIXED_COLUMNS.includes(key) }))}
            onChange={(chosen) => onColumns(chosen as ColumnKey[])}
          />
        }
      >
        <Button size="small" type="text" icon={<TableOutlined />} aria-label={t('orders.columns')} />
      </Popover>
    </div>
  )
}

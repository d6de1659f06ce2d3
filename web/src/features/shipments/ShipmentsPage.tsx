import { CloseOutlined } from '@ant-design/icons'
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Input, Popconfirm, Select } from 'antd'
import { useCallback, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/session'
import { warehousesQuery } from '@/api/shared'
import { DataTable } from '@/components/DataTable'
import { ExportButton } from '@/components/ExportButton'
import { EmptyState, ErrorState, SkeletonRows } from '@/components/States'
import { useLive } from '@/lib/live'
import { useNarrow } from '@/lib/media'
import { countOf, isMarked, markRange, none, pageState, toggle, togglePage, type Selection } from '@/lib/selection'
import { CompactShipment, shipmentColumns } from './columns'
import { shipmentsQuery, type ShipmentAction, type ShipmentFilter } from './queries'
import { ShipmentDrawer } from './ShipmentDrawer'
import { useShipmentActions } from './useShipmentActions'

const STATES = ['draft', 'booked', 'packed', 'handed_over', 'in_transit', 'out_for_delivery', 'delivered', 'exception', 'cancelled'] as const
const WAYBILLS = ['intent', 'requested', 'booked', 'printed', 'failed', 'in_doubt', 'voided'] as const
const ACTIONS: { name: ShipmentAction; danger?: boolean }[] = [{ name: 'book' }, { name: 'hand_over' }, { name: 'unpack' }, { name: 'void', danger: true }]

export function ShipmentsPage() {
  const { t, i18n } = useTranslation()
  const client = useQueryClient()
  const { q } = useSearch({ from: '/guarded/shell/shipments' })
  const navigate = useNavigate({ from: '/shipments' })
  const narrow = useNarrow()
  const may = useMay('shipments.act')
  const warehouses = useQuery(warehousesQuery).data?.items ?? []
  const [picked, setPicked] = useState<Omit<ShipmentFilter, 'q'>>({})
  const [open, setOpen] = useState<string>()
  const filter: ShipmentFilter = { ...picked, ...(q ? { q } : {}) }
  const list = useInfiniteQuery(shipmentsQuery(filter))
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data])
  const ids = useMemo(() => rows.map((row) => row.id), [rows])
  const [selection, setSelection] = useState<Selection<never>>(none())
  const [last, setLast] = useState<string>()
  const { run, busy } = useShipmentActions(rows)
  useLive('shipments', () => void client.invalidateQueries({ queryKey: ['shipments'] }))

  const columns = useMemo(() => shipmentColumns(t, i18n.language), [t, i18n.language])
  const more = useCallback(() => {
    if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage()
  }, [list])
  const count = countOf(selection)
  const marked = selection.kind === 'ids' ? [...selection.ids] : []
  const change = (patch: Partial<ShipmentFilter>) => {
    setSelection(none())
    setPicked(Object.fromEntries(Object.entries({ ...picked, ...patch }).filter(([, value]) => value !== undefined)))
  }
  const doIt = async (name: ShipmentAction) => {
    await run(name, marked)
    setSelection(none())
  }
  return (
    <div className="list-page">
      <div className="list-head">
        <h1>{t('places.shipments')}</h1>
        <Input.Search
          key={q ?? ''}
          className="list-search"
          defaultValue={q}
          placeholder={t('shipments.search')}
          aria-label={t('shipments.search')}
          allowClear
          onSearch={(text) => void navigate({ search: { q: text.trim() || undefined }, replace: true })}
        />
        <Select
          className="filter"
          value={picked.state?.[0] ?? null}
          onChange={(value) => change({ state: value ? [value] : undefined })}
          options={STATES.map((value) => ({ value, label: t(`state.${value}`) }))}
          placeholder={t('shipments.state')}
          aria-label={t('shipments.state')}
          allowClear
        />
        <Select
          className="filter"
          value={picked.waybill_state?.[0] ?? null}
          onChange={(value) => change({ waybill_state: value ? [value] : undefined })}
          options={WAYBILLS.map((value) => ({ value, label: t(`waybill.${value}`) }))}
          placeholder={t('shipments.waybill')}
          aria-label={t('shipments.waybill')}
          allowClear
        />
        <Select
          className="filter"
          value={picked.warehouse?.[0] ?? null}
          onChange={(value) => change({ warehouse: value ? [value] : undefined })}
          options={warehouses.map((entry) => ({ value: entry.id, label: entry.name }))}
          placeholder={t('orders.filter_warehouse')}
          aria-label={t('orders.filter_warehouse')}
          allowClear
        />
        <span className="grow" />
        <ExportButton list="shipments" query={filter} />
      </div>
      <div className="list-body">
        {list.isPending ? (
          <SkeletonRows count={18} />
        ) : list.isError && rows.length === 0 ? (
          <ErrorState error={list.error} retry={() => void list.refetch()} />
        ) : rows.length === 0 ? (
          <EmptyState title={t('shipments.none')} hint={t('shipments.none_do')} />
        ) : (
          <DataTable
            label={t('places.shipments')}
            rows={rows}
            rowKey={(row) => row.id}
            columns={columns}
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
            cursor={open}
            narrow={narrow}
            compact={(row) => <CompactShipment shipment={row} />}
            onOpen={setOpen}
            onEnd={more}
            footer={list.hasNextPage ? t('common.loading') : t('common.loaded_all', { count: rows.length })}
          />
        )}
      </div>
      {count > 0 && (
        <div className="bulk-bar" role="toolbar" aria-label={t('orders.bulk')}>
          <b>{t('common.selected', { count })}</b>
          {ACTIONS.map((action) =>
            action.danger ? (
              <Popconfirm key={action.name} title={t(`shipments.sure_${action.name}`, { count })} onConfirm={() => void doIt(action.name)}>
                <Button size="small" danger disabled={busy}>
                  {t(`shipments.do_${action.name}`)}
                </Button>
              </Popconfirm>
            ) : (
              <Button key={action.name} size="small" disabled={busy} onClick={() => void doIt(action.name)} data-do={action.name}>
                {t(`shipments.do_${action.name}`)}
              </Button>
            ),
          )}
          <span className="grow" />
          <Button size="small" type="text" icon={<CloseOutlined />} aria-label={t('orders.clear_marks')} onClick={() => setSelection(none())} />
        </div>
      )}
      {open && <ShipmentDrawer id={open} onClose={() => setOpen(undefined)} />}
    </div>
  )
}

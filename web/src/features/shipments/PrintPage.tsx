import { PrinterOutlined } from '@ant-design/icons'
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { Button, Input, Select } from 'antd'
import { useCallback, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { makeDocument, type DocumentKind } from '@/api/documents'
import { warehousesQuery } from '@/api/shared'
import { DataTable } from '@/components/DataTable'
import { DocumentView, type MadeDocument } from '@/components/DocumentView'
import { EmptyState, ErrorState, SkeletonRows } from '@/components/States'
import { useKept } from '@/lib/kept'
import { keyLabel, useKeys } from '@/lib/keys'
import { useLive } from '@/lib/live'
import { useNarrow } from '@/lib/media'
import { showFailure, showOutcome } from '@/lib/outcome'
import { countOf, isMarked, markRange, none, pageState, toggle, togglePage, type Selection } from '@/lib/selection'
import { CauseDialog } from './CauseDialog'
import { CompactShipment, shipmentColumns } from './columns'

import { Ledger } from './Ledger'
import { shipmentsQuery, type ShipmentAction, type ShipmentFilter } from './queries'
import { labelOf, useShipmentActions } from './useShipmentActions'

const TAB_KEYS = ['unbooked', 'ready', 'printed', 'packed', 'ledger'] as const
type TabKey = (typeof TAB_KEYS)[number]

const TABS: Record<Exclude<TabKey, 'ledger'>, ShipmentFilter> = {
  unbooked: { state: ['draft'] },
  ready: { waybill_state: ['booked'] },
  printed: { waybill_state: ['printed'], state: ['booked'] },
  packed: { state: ['packed'] },
}
/** One file holds this many at most; the rest is the next batch. */
const LARGEST_BATCH = 1000

/** Batches of any size: number, print, list, slips. A label comes out once unless a cause is given. */
export function PrintPage() {
  const { t, i18n } = useTranslation()
  const client = useQueryClient()
  const narrow = useNarrow()
  const warehouses = useQuery(warehousesQuery).data?.items ?? []
  const [tab, setTab] = useState<TabKey>('ready')
  const [station, setStation] = useKept('station', '1')
  const [warehouse, setWarehouse] = useState<string>()
  const filter: ShipmentFilter = { ...(tab === 'ledger' ? {} : TABS[tab]), ...(warehouse ? { warehouse: [warehouse] } : {}) }
  const list = useInfiniteQuery({ ...shipmentsQuery(filter), enabled: tab !== 'ledger' })
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data])
  const ids = useMemo(() => rows.map((row) => row.id), [rows])
  const [selection, setSelection] = useState<Selection<never>>(none())
  const [last, setLast] = useState<string>()
  const [cursor, setCursor] = useState<string>()
  const [making, setMaking] = useState<DocumentKind>()
  const [asking, setAsking] = useState<string[]>()
  const [made, setMade] = useState<MadeDocument[]>()
  const { run, busy } = useShipmentActions(rows)
  useLive('shipments', () => void client.invalidateQueries({ queryKey: ['shipments', 'list'] }))

  const columns = useMemo(() => shipmentColumns(t, i18n.language), [t, i18n.language])
  const more = useCallback(() => {
    if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage()
  }, [list])
  const count = countOf(selection)
  const marked = selection.kind === 'ids' ? ids.filter((id) => selection.ids.has(id)) : []

  const make = async (kind: DocumentKind, chosen: string[], cause?: string) => {
    setMaking(kind)
    try {
      const answer = await makeDocument({ kind, ids: chosen, station, cause, locale: i18n.language })
      showOutcome(answer, t('print.made', { kind: t(`document.${kind}`), station }), t, labelOf(rows))
      setSelection(none())
      if (answer.files.length > 0) setMade(answer.files.map((file) => ({ kind, file })))
    } catch (error) {
      showFailure(error, t('print.failed', { kind: t(`document.${kind}`) }), t)
    } finally {
      setMaking(undefined)
      await client.invalidateQueries({ queryKey: ['shipments'] })
      void client.invalidateQueries({ queryKey: ['prints'] })
      void client.invalidateQueries({ queryKey: ['orders'] })
    }
  }
  const label = () => {
    const again = rows.some((row) => marked.includes(row.id) && row.print_count > 0)
    if (again) setAsking(marked)
    else void make('label', marked)
  }
  /** Loads what is not loaded yet, up to a batch, and marks it. */
  const markBatch = async () => {
    let pages = (await list.refetch()).data?.pages ?? []
    const loaded = () => pages.reduce((sum, page) => sum + page.items.length, 0)
    while (pages.at(-1)?.next && loaded() < LARGEST_BATCH) pages = (await list.fetchNextPage()).data?.pages ?? []
    const all = pages.flatMap((page) => page.items.map((row) => row.id))
    setSelection({ kind: 'ids', ids: new Set(all.slice(0, LARGEST_BATCH)) })
  }
  const change = (next: TabKey | ((was: TabKey) => TabKey)) => {
    setSelection(none())
    setCursor(undefined)
    setTab(next)
  }
  const idle = making === undefined && !busy
  const mark = (id: string, extend: boolean) => {
    setSelection(extend && last ? markRange(selection, last, id, ids) : toggle(selection, id, ids))
    setLast(id)
  }
  const move = (step: number) => {
    const at = cursor === undefined ? -1 : ids.indexOf(cursor)
    setCursor(ids[Math.min(ids.length - 1, Math.max(0, at + step))])
  }
  const turn = (step: number) => change((was) => TAB_KEYS[(TAB_KEYS.indexOf(was) + step + TAB_KEYS.length) % TAB_KEYS.length] ?? 'ready')
  const runMarked = (name: ShipmentAction) => {
    if (idle && marked.length > 0) void run(name, marked).then(() => setSelection(none()))
  }
  useKeys('parcels', {
    next: () => move(1),
    previous: () => move(-1),
    mark: () => cursor && mark(cursor, false),
    mark_page: () => setSelection(togglePage(selection, ids)),
    mark_all: () => tab !== 'ledger' && idle && void markBatch(),
    next_tab: () => turn(1),
    previous_tab: () => turn(-1),
    book: () => tab === 'unbooked' && runMarked('book'),
    print_labels: () => (tab === 'ready' || tab === 'printed') && idle && marked.length > 0 && label(),
    hand_over: () => (tab === 'printed' || tab === 'packed') && runMarked('hand_over'),
  })
  return (
    <div className="list-page">
      <div className="list-head">
        <h1>{t('places.print')}</h1>
        <div role="tablist" className="tab-row">
          {TAB_KEYS.map((key) => (
            <button key={key} type="button" role="tab" aria-selected={tab === key} className={tab === key ? 'tab active' : 'tab'} onClick={() => change(key)} data-tab={key}>
              {t(`print.tab_${key}`)}
            </button>
          ))}
        </div>
        <span className="grow" />
        <Select
          className="filter"
          value={warehouse ?? null}
          onChange={(value) => {
            setSelection(none())
            setWarehouse(value ?? undefined)
          }}
          options={warehouses.map((entry) => ({ value: entry.id, label: entry.name }))}
          placeholder={t('orders.filter_warehouse')}
          aria-label={t('orders.filter_warehouse')}
          allowClear
        />
        <Input className="station" prefix={<PrinterOutlined aria-hidden />} value={station} onChange={(event) => setStation(event.target.value)} maxLength={20} aria-label={t('print.station')} title={t('print.station')} />
      </div>
      {tab === 'ledger' ? (
        <Ledger />
      ) : (
        <>
          <div className="list-body">
            {list.isPending ? (
              <SkeletonRows count={18} />
            ) : list.isError && rows.length === 0 ? (
              <ErrorState error={list.error} retry={() => void list.refetch()} />
            ) : rows.length === 0 ? (
              <EmptyState title={t(`print.none_${tab}`)} hint={t(`print.none_${tab}_do`)} />
            ) : (
              <DataTable
                label={t('places.print')}
                rows={rows}
                rowKey={(row) => row.id}
                columns={columns}
                marks={{
                  state: pageState(selection, ids),
                  isMarked: (id) => isMarked(selection, id),
                  toggle: mark,
                  togglePage: () => setSelection(togglePage(selection, ids)),
                }}
                cursor={cursor}
                onOpen={(id) => {
                  setCursor(id)
                  mark(id, false)
                }}
                narrow={narrow}
                compact={(row) => <CompactShipment shipment={row} />}
                onEnd={more}
                footer={list.hasNextPage ? t('common.loading') : t('common.loaded_all', { count: rows.length })}
              />
            )}
          </div>
          <div className="bulk-bar" role="toolbar" aria-label={t('orders.bulk')}>
            <b>{t('common.selected', { count })}</b>
            <Button size="small" type="link" onClick={() => void markBatch()} disabled={!idle || rows.length === 0} data-testid="mark-batch">
              <kbd>{keyLabel('parcels', 'mark_all')}</kbd> {t('print.mark_all', { count: LARGEST_BATCH })}
            </Button>
            {tab === 'unbooked' ? (
              <Button type="primary" disabled={count === 0 || !idle} loading={busy} onClick={() => runMarked('book')} data-testid="book">
                {t('print.book', { count })} <kbd>{keyLabel('parcels', 'book')}</kbd>
              </Button>
            ) : tab === 'packed' ? (
              <Button type="primary" disabled={count === 0 || !idle} loading={busy} onClick={() => runMarked('hand_over')} data-testid="hand-over">
                {t('shipments.do_hand_over')} {count > 0 && count} <kbd>{keyLabel('parcels', 'hand_over')}</kbd>
              </Button>
            ) : (
              <Button type="primary" icon={<PrinterOutlined />} disabled={count === 0 || !idle} loading={making === 'label'} onClick={label} data-testid="print-labels">
                {tab === 'printed' ? t('print.again', { count }) : t('print.labels', { count })} <kbd>{keyLabel('parcels', 'print_labels')}</kbd>
              </Button>
            )}
            {(['pick_list', 'packing_slip', 'manifest'] as const).map((kind) => (
              <Button key={kind} disabled={count === 0 || !idle} loading={making === kind} onClick={() => void make(kind, marked)}>
                {t(`document.${kind}`)}
              </Button>
            ))}
            {tab === 'printed' && (
              <Button disabled={count === 0 || !idle} onClick={() => runMarked('hand_over')} data-testid="hand-over">
                {t('shipments.do_hand_over')} <kbd>{keyLabel('parcels', 'hand_over')}</kbd>
              </Button>
            )}
          </div>
        </>
      )}
      {asking && (
        <CauseDialog
          count={asking.length}
          onClose={() => setAsking(undefined)}
          onCause={(cause) => {
            setAsking(undefined)
            void make('label', asking, cause)
          }}
        />
      )}
      {made && <DocumentView made={made} onClose={() => setMade(undefined)} />}
    </div>
  )
}

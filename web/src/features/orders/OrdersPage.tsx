import { CloseOutlined } from '@ant-design/icons'
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Button } from 'antd'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { lastUndoable } from '@/api/operations'
import { DataTable, type Marks } from '@/components/DataTable'
import { DocumentView, type MadeDocument } from '@/components/DocumentView'
import { EmptyState, ErrorState, SkeletonRows } from '@/components/States'
import { keyLabel, overlayOpen, useKeys } from '@/lib/keys'
import { useKept } from '@/lib/kept'
import { useLive } from '@/lib/live'
import { useNarrow, useRoomy, useWide } from '@/lib/media'
import { formatNumber } from '@/lib/money'
import { useNow } from '@/lib/now'
import { phasesOf, type OrdersSearch } from '@/lib/orders-search'
import { showFailure } from '@/lib/outcome'
import { countOf, isMarked, markAll, markRange, none, pageState, targetOf, toggle, togglePage, type Selection } from '@/lib/selection'
import { lastUndo, dismissTally, showTally } from '@/lib/tallies'
import { remaining } from '@/lib/time'
import { ActionPanel } from './ActionPanel'
import { actionOf, nextCursor, ORDER_ACTIONS, type ActionName } from './actions'
import { CompactOrder, DEFAULT_COLUMNS, orderColumns, ROOMY_COLUMNS, type ColumnKey } from './columns'
import { FilterBar } from './FilterBar'
import { filterOf, isFiltered, type OrderFilter } from './filter'
import type { LikelyFix } from './fixes'
import { likelyFixes } from './fixes'
import { HoldGroups } from './HoldGroups'
import { OrderPane } from './OrderPane'
import { PhaseTabs, shownPhases } from './PhaseTabs'
import { countsQuery, orderQuery, ordersQuery, type Target } from './queries'
import { useActions } from './useActions'
import './orders.css'

interface Pending {
  name: string
  target: Target
  count: number
}

export function OrdersPage() {
  const { t, i18n } = useTranslation()
  const locale = i18n.language
  const client = useQueryClient()
  const search = useSearch({ from: '/guarded/shell/orders' })
  const navigate = useNavigate({ from: '/orders' })
  const narrow = useNarrow()
  const wide = useWide()
  const minute = Math.floor(useNow() / 60_000) * 60_000
  const { order: _order, ...filters } = search
  const filterKey = JSON.stringify(filters)
  const filter = useMemo(() => filterOf(search, minute), [filterKey, search.due ? minute : 0])

  const list = useInfiniteQuery(ordersQuery(filter))
  const counts = useQuery(countsQuery(filter)).data
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data])
  const tags = useMemo(() => [...new Set(rows.flatMap((row) => row.tags))].sort(), [rows])
  const ids = useMemo(() => rows.map((row) => row.id), [rows])
  const phases = phasesOf(search)
  const total = phases.length > 0 ? counts && phases.reduce((sum, phase) => sum + (counts.phases[phase] ?? 0), 0) : counts?.total
  const onlyHold = search.hold?.length === 1 ? search.hold[0] : undefined
  const matching = search.hold && search.phase === 'held' ? (onlyHold === undefined ? undefined : counts?.holds[onlyHold]) : total

  const [chosen, setColumns] = useKept<ColumnKey[] | null>('orders.columns', null)
  const roomy = useRoomy()
  const columns = chosen ?? (roomy ? ROOMY_COLUMNS : DEFAULT_COLUMNS)
  const [paneClosed, setPaneClosed] = useKept('orders.pane_closed', false)
  const shown = useMemo(() => orderColumns(t, locale, columns), [t, locale, columns])

  // Marks belong to one filter: another filter starts without any.
  const [marked, setMarked] = useState<{ key: string; selection: Selection<OrderFilter> }>({ key: filterKey, selection: none() })
  const selection = marked.key === filterKey ? marked.selection : none<OrderFilter>()
  const setSelection = (next: Selection<OrderFilter>) => setMarked({ key: filterKey, selection: next })
  const lastMark = useRef<string>(undefined)

  const cursor = search.order ?? (wide && !paneClosed ? ids[0] : undefined)
  const paneOpen = cursor !== undefined && (search.order !== undefined || !paneClosed) && (wide ? !paneClosed : search.order !== undefined)
  const detail = useQuery({ ...orderQuery(cursor ?? ''), enabled: cursor !== undefined && paneOpen }).data

  const replaceSearch = useCallback((next: OrdersSearch) => void navigate({ search: next, replace: true }), [navigate])
  const patchSearch = useCallback(
    (patch: Partial<OrdersSearch>) => void navigate({ search: (was) => ({ ...was, ...patch, order: patch.order }), replace: true }),
    [navigate],
  )
  // Keys may come faster than the page is drawn: the newest place is kept beside the URL.
  const standing = useRef(cursor)
  useEffect(() => {
    standing.current = cursor
  }, [cursor])
  const stand = (id: string | undefined) => {
    standing.current = id
    void navigate({ search: (was) => ({ ...was, order: id }), replace: search.order !== undefined || !narrow })
  }

  // New rows collect in a pill until they are asked for: nothing jumps. The stream only says that something changed; how
  // many more match than when the list was read is what the counts say.
  const [base, setBase] = useState<{ key: string; total: number }>()
  useEffect(() => {
    if (list.isSuccess && !list.isFetching && total !== undefined && base?.key !== filterKey) setBase({ key: filterKey, total })
  }, [list.isSuccess, list.isFetching, total, base?.key, filterKey])
  const news = base?.key === filterKey && total !== undefined ? Math.max(0, total - base.total) : 0
  const hear = () => {
    void client.invalidateQueries({ queryKey: ['orders', 'counts'] })
    if (cursor) void client.invalidateQueries({ queryKey: ['orders', 'one', cursor] })
  }
  useLive('orders', hear)
  useLive('counts', hear)
  const takeNews = () => {
    setBase(undefined)
    void client.resetQueries({ queryKey: ['orders', 'list'] })
  }

  const labelOf = useCallback((id: string) => rows.find((row) => row.id === id)?.external_id ?? id, [rows])
  const { run, busy, takeBack } = useActions(labelOf)
  const [pending, setPending] = useState<Pending>()
  const [made, setMade] = useState<MadeDocument[]>()

  const perform = async (name: string, target: Target, count: number, fields?: Record<string, unknown>) => {
    const before = ids
    const answer = await run({ name: name as ActionName, target, fields }, count)
    // What was typed stays when nothing came of it.
    if (!answer || (answer.tally.done === 0 && answer.tally.refused > 0)) return
    setPending(undefined)
    setBase(undefined)
    if (answer.files && answer.files.length > 0) setMade(answer.files.map((file) => ({ kind: 'label', file })))
    const gone = new Set(answer.results.filter((result) => result.outcome === 'done').map((result) => result.id))
    const stays = (await client.fetchInfiniteQuery(ordersQuery(filter)).catch(() => undefined))?.pages.flatMap((page) => page.items.map((row) => row.id))
    const still = new Set(stays ?? before)
    const left = new Set([...gone].filter((id) => !still.has(id)))
    if (search.order) stand(nextCursor(before, search.order, left))
    if (answer.tally.done > 0) setSelection(none())
  }

  /** Acts on the marked rows, or on the one that the keyboard stands on. */
  const act = (name: string) => {
    if (busy) return
    const action = actionOf(name)
    if (!action) return
    const count = countOf(selection)
    const target: Target | undefined = count > 0 ? targetOf(selection) : cursor ? { ids: [cursor] } : undefined
    if (!target) return
    const many = count > 0 ? count : 1
    if (action.single && many > 1) {
      showTally({ title: t('orders.one_only', { action: t(`action.${name}`) }), tone: 'warn', fleeting: true })
    } else if (action.several && many < 2) {
      showTally({ title: t('orders.several_only', { action: t(`action.${name}`) }), tone: 'warn', fleeting: true })
    } else if (many === 1 && !action.form && !action.danger) {
      void perform(name, target, 1)
    } else {
      setPending({ name, target, count: many })
    }
  }

  const takeFix = (fix: LikelyFix) => {
    if (!cursor || busy) return
    const target = { ids: [cursor] }
    if (fix.action === 'skip') move(1)
    else if (fix.fields || !actionOf(fix.action)?.form) void perform(fix.action, target, 1, fix.fields)
    else setPending({ name: fix.action, target, count: 1 })
  }
  const fixAt = (index: number) => {
    const fix = detail ? likelyFixes(detail)[index] : undefined
    if (fix) takeFix(fix)
  }

  const move = (step: number) => {
    const at = standing.current === undefined ? -1 : ids.indexOf(standing.current)
    const next = ids[Math.min(ids.length - 1, Math.max(0, at + step))]
    if (next) stand(next)
  }
  const turnTab = (step: number) => {
    const tabs = shownPhases(counts, phases)
    const at = search.phase === undefined ? 0 : tabs.indexOf(search.phase) + 1
    const next = (at + step + tabs.length + 1) % (tabs.length + 1)
    patchSearch({ phase: next === 0 ? undefined : tabs[next - 1], group: undefined, hold: undefined })
  }
  const mark = (id: string, extend: boolean) => {
    setSelection(extend && lastMark.current ? markRange(selection, lastMark.current, id, ids) : toggle(selection, id, ids))
    lastMark.current = id
  }
  const undo = async () => {
    try {
      // The newest card; without one (the page was loaded anew) the newest operation that can still be taken back.
      const last = lastUndo()
      const operation = last?.undo ? undefined : await lastUndoable()
      if (last?.undo) {
        dismissTally(last.key)
        await last.undo()
      } else if (operation) await takeBack(operation.id)
      else showTally({ title: t('tally.nothing_to_undo'), tone: 'warn', fleeting: true })
    } catch (error) {
      showFailure(error, t('tally.undo_failed'), t)
    }
  }
  const markAllMatching = () => matching !== undefined && matching > 0 && setSelection(markAll(filter, matching))
  const closePane = () => {
    if (wide) setPaneClosed(true)
    stand(undefined)
  }

  useKeys('orders', {
    next: () => move(1),
    previous: () => move(-1),
    mark: () => standing.current && mark(standing.current, false),
    mark_page: () => setSelection(togglePage(selection, ids)),
    mark_all: markAllMatching,
    next_tab: () => turnTab(1),
    previous_tab: () => turnTab(-1),
    open: () => {
      setPaneClosed(false)
      if (cursor ?? ids[0]) stand(cursor ?? ids[0])
    },
    fix_1: () => fixAt(0),
    fix_2: () => fixAt(1),
    fix_3: () => fixAt(2),
    undo: () => void undo(),
    ...Object.fromEntries(ORDER_ACTIONS.map((action) => [action.key, () => act(action.name)])),
  })
  useKeys('global', {
    close: () => {
      if (overlayOpen()) return
      if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur()
      else if (countOf(selection) > 0) setSelection(none())
      else if (paneOpen) closePane()
    },
  })

  const marks: Marks = {
    state: pageState(selection, ids),
    isMarked: (id) => isMarked(selection, id),
    toggle: mark,
    togglePage: () => setSelection(togglePage(selection, ids)),
  }
  const more = useCallback(() => {
    if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage()
  }, [list])
  const tone = useCallback((row: { ship_by?: string | null; phase: string }) => {
    if (!row.ship_by || !['review', 'held', 'mapping', 'stock', 'label', 'pack'].includes(row.phase)) return undefined
    const { urgency } = remaining(row.ship_by, Date.now())
    return urgency === 'calm' ? undefined : urgency
  }, [])

  const pane = paneOpen && cursor && (
    <OrderPane key={cursor} id={cursor} asPage={!wide} busy={busy} onFix={takeFix} onAct={act} onClose={closePane} />
  )
  if (!wide && pane) {
    return (
      <>
        <h1 className="sr-only">{t('places.orders')}</h1>
        <div className="orders-page">{pane}</div>
        {made && <DocumentView made={made} onClose={() => setMade(undefined)} />}
        {pending && (
          <ActionPanel {...pending} order={detail} busy={busy} onClose={() => setPending(undefined)} onRun={(fields) => void perform(pending.name, pending.target, pending.count, fields)} />
        )}
      </>
    )
  }

  const count = countOf(selection)
  const allMarked = selection.kind === 'all'
  return (
    <div className="orders">
      <h1 className="sr-only">{t('places.orders')}</h1>
      <div className="orders-list">
        <PhaseTabs counts={counts} phases={phases} onPick={(phase) => patchSearch({ phase, group: undefined, hold: phase === 'held' ? search.hold : undefined })} />
        <FilterBar search={search} holds={counts?.holds ?? {}} tags={tags} columns={columns} filter={filter} onSearch={patchSearch} onReplace={replaceSearch} onColumns={setColumns} />
        {search.phase === 'held' && (
          <HoldGroups
            holds={counts?.holds ?? {}}
            picked={search.hold ?? []}
            onPick={(reason) => patchSearch({ hold: reason ? [reason] : undefined })}
            onDecide={(name, reason) => setPending({ name, target: { filter: { ...filter, hold: [reason] } }, count: counts?.holds[reason] ?? 0 })}
          />
        )}
        <div className="orders-table">
          {news > 0 && (
            <button type="button" className="news-pill" onClick={takeNews} data-testid="news">
              {t('orders.news', { count: news })}
            </button>
          )}
          {list.isPending ? (
            <SkeletonRows count={18} />
          ) : list.isError && rows.length === 0 ? (
            <ErrorState error={list.error} retry={() => void list.refetch()} />
          ) : rows.length === 0 ? (
            isFiltered(search) ? (
              <EmptyState
                title={t('orders.none_match')}
                hint={t('orders.none_match_do')}
                action={<Button onClick={() => replaceSearch({ phase: search.phase, group: search.group })}>{t('orders.clear_filters')}</Button>}
              />
            ) : search.phase ? (
              <EmptyState title={t('orders.phase_empty')} hint={t('orders.phase_empty_do')} />
            ) : (
              <EmptyState
                title={t('orders.no_orders')}
                hint={t('orders.no_orders_do')}
                action={
                  <Button type="primary" onClick={() => void navigate({ to: '/shops' })}>
                    {t('orders.connect_shop')}
                  </Button>
                }
              />
            )
          ) : (
            <DataTable
              label={t('places.orders')}
              rows={rows}
              rowKey={(row) => row.id}
              columns={shown}
              total={total}
              marks={marks}
              cursor={cursor}
              narrow={narrow}
              compact={(row) => <CompactOrder order={row} />}
              onOpen={(id) => {
                if (wide) setPaneClosed(false)
                stand(id)
              }}
              onEnd={more}
              tone={tone}
              footer={list.isFetchingNextPage ? t('common.loading') : list.hasNextPage ? undefined : t('common.loaded_all', { count: rows.length })}
            />
          )}
        </div>
        {count > 0 && (
          <div className="bulk-bar" role="toolbar" aria-label={t('orders.bulk')} data-testid="bulk">
            <b>{t('common.selected', { count: formatNumber(count, locale) as unknown as number })}</b>
            {!allMarked && marks.state === 'all' && matching !== undefined && matching > count && (
              <Button size="small" type="link" onClick={markAllMatching} data-testid="mark-all">
                <kbd>{keyLabel('orders', 'mark_all')}</kbd>
                {t('orders.mark_all', { total: formatNumber(matching, locale) })}
              </Button>
            )}
            {ORDER_ACTIONS.filter((action) => !(action.single && count > 1) && !(action.several && count < 2)).map((action) => (
              <Button key={action.name} size="small" danger={action.danger} disabled={busy} onClick={() => act(action.name)} data-action={action.name}>
                <kbd>{keyLabel('orders', action.key)}</kbd> {t(`action.${action.name}`)}
              </Button>
            ))}
            <span className="grow" />
            <Button size="small" type="text" icon={<CloseOutlined />} aria-label={t('orders.clear_marks')} onClick={() => setSelection(none())} />
          </div>
        )}
      </div>
      {made && <DocumentView made={made} onClose={() => setMade(undefined)} />}
      {pane && <aside className="orders-pane">{pane}</aside>}
      {pending && (
        <ActionPanel
          key={`${pending.name} ${JSON.stringify(pending.target)}`}
          {...pending}
          order={detail}
          busy={busy}
          onClose={() => setPending(undefined)}
          onRun={(fields) => void perform(pending.name, pending.target, pending.count, fields)}
        />
      )}
    </div>
  )
}

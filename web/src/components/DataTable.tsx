import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, useEffect, useRef, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { rowHeight as standardRow } from '@/tokens'
import './data-table.css'

export interface Column<Row> {
  key: string
  title: ReactNode
  /** A grid track: `64px`, `minmax(160px, 1fr)`. */
  width: string
  align?: 'right'
  render: (row: Row) => ReactNode
}

export interface Marks {
  state: 'none' | 'some' | 'all'
  isMarked: (key: string) => boolean
  toggle: (key: string, extend: boolean) => void
  togglePage: () => void
}

interface Props<Row> {
  label: string
  rows: readonly Row[]
  rowKey: (row: Row) => string
  columns: readonly Column<Row>[]
  /** All that match, where it is known; readers are told. */
  total?: number
  marks?: Marks
  cursor?: string
  onOpen?: (key: string) => void
  /** Called when the end comes near, to load the next page. */
  onEnd?: () => void
  /** How a row looks on a phone: one column, two lines. */
  compact?: (row: Row) => ReactNode
  narrow?: boolean
  footer?: ReactNode
  tone?: (row: Row) => 'late' | 'soon' | undefined
}

const COMPACT_ROW = 68
const AHEAD = 12
const MARK = 34

interface RowProps<Row> {
  row: Row
  id: string
  index: number
  top: number
  height: number
  marked: boolean | undefined
  current: boolean
  columns: readonly Column<Row>[]
  compact: ((row: Row) => ReactNode) | undefined
  tone: string | undefined
  markLabel: string
  onMark: (key: string, extend: boolean) => void
  onOpen: (key: string) => void
}

function RowView<Row>({ row, id, index, top, height, marked, current, columns, compact, tone, markLabel, onMark, onOpen }: RowProps<Row>) {
  return (
    <div
      role="row"
      id={`row-${id}`}
      data-row={id}
      aria-rowindex={index + 2}
      aria-selected={marked ?? current}
      className={`dt-row${current ? ' current' : ''}${marked ? ' marked' : ''}${tone ? ` tone-${tone}` : ''}`}
      style={{ transform: `translateY(${top}px)`, height }}
      onClick={(event) => {
        if (event.shiftKey && marked !== undefined) onMark(id, true)
        else if (!(event.target as HTMLElement).closest('a, button, input')) onOpen(id)
      }}
    >
      {marked !== undefined && (
        <div role="gridcell" className="dt-mark">
          <input
            type="checkbox"
            tabIndex={-1}
            checked={marked}
            aria-label={markLabel}
            onClick={(event) => {
              event.stopPropagation()
              onMark(id, event.shiftKey)
            }}
            onChange={() => undefined}
          />
        </div>
      )}
      {compact ? (
        <div role="gridcell" className="dt-compact">
          {compact(row)}
        </div>
      ) : (
        columns.map((column) => (
          <div key={column.key} role="gridcell" className={column.align === 'right' ? 'dt-cell num' : 'dt-cell'}>
            {column.render(row)}
          </div>
        ))
      )}
    </div>
  )
}

const MemoRow = memo(RowView) as typeof RowView

/** A virtual list with a sticky header: any number of rows, the same height each, so that nothing ever moves. */
export function DataTable<Row>(props: Props<Row>) {
  const { label, rows, rowKey, columns, total, marks, cursor, onOpen, onEnd, compact, narrow = false, footer, tone } = props
  const { t } = useTranslation()
  const scroller = useRef<HTMLDivElement>(null)
  const asCards = narrow && compact !== undefined
  const height = asCards ? COMPACT_ROW : standardRow
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 10,
  })
  useEffect(() => virtual.measure(), [height, virtual])

  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - AHEAD) onEnd?.()
  }, [last, rows.length, onEnd])

  // The row that the keyboard stands on stays in sight.
  const cursorIndex = cursor === undefined ? -1 : rows.findIndex((row) => rowKey(row) === cursor)
  useEffect(() => {
    if (cursorIndex >= 0) virtual.scrollToIndex(cursorIndex, { align: 'auto' })
  }, [cursorIndex, virtual])

  // Rows are memoised: their handlers keep one identity and read the newest ones from here.
  const handlers = useRef({ marks, onOpen })
  useEffect(() => {
    handlers.current = { marks, onOpen }
  })
  const onMark = useRef((key: string, extend: boolean) => handlers.current.marks?.toggle(key, extend)).current
  const open = useRef((key: string) => handlers.current.onOpen?.(key)).current

  // Head and body share one width: the sum of the least that the columns need, or all there is.
  const least = asCards ? 0 : columns.reduce((sum, column) => sum + Number(/(\d+)px/.exec(column.width)?.[1] ?? 0), marks ? MARK : 0)
  const template = [marks ? `${MARK}px` : '', ...(asCards ? ['minmax(0, 1fr)'] : columns.map((column) => column.width))].join(' ')
  const headMark = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (headMark.current) headMark.current.indeterminate = marks?.state === 'some'
  })

  return (
    <div
      ref={scroller}
      className="dt"
      role="grid"
      aria-label={label}
      aria-rowcount={total === undefined ? -1 : total + 1}
      aria-multiselectable={marks !== undefined}
      aria-activedescendant={cursorIndex >= 0 ? `row-${cursor}` : undefined}
      tabIndex={0}
      style={{ '--dt-columns': template, '--dt-least': `${least}px` } as React.CSSProperties}
    >
      <div role="rowgroup" className={asCards ? 'dt-head sr-only' : 'dt-head'}>
        <div role="row" aria-rowindex={1} className="dt-head-row">
          {marks && (
            <div role="columnheader" className="dt-mark" aria-label={t('common.mark_page')}>
              <input
                ref={headMark}
                type="checkbox"
                tabIndex={asCards ? -1 : 0}
                checked={marks.state === 'all'}
                onChange={marks.togglePage}
                aria-label={t('common.mark_page')}
              />
            </div>
          )}
          {(asCards ? columns.slice(0, 1) : columns).map((column) => (
            <div key={column.key} role="columnheader" className={column.align === 'right' ? 'dt-cell num' : 'dt-cell'}>
              {column.title}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="dt-body" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index]
          if (row === undefined) return null
          const key = rowKey(row)
          return (
            <MemoRow
              key={key}
              row={row}
              id={key}
              index={item.index}
              top={item.start}
              height={height}
              marked={marks?.isMarked(key)}
              current={key === cursor}
              columns={columns}
              compact={asCards ? compact : undefined}
              tone={tone?.(row)}
              markLabel={t('common.mark')}
              onMark={onMark}
              onOpen={open}
            />
          )
        })}
      </div>
      {footer && <div className="dt-foot">{footer}</div>}
    </div>
  )
}

import { FlagFilled, MessageOutlined, EditOutlined } from '@ant-design/icons'
import type { TFunction } from 'i18next'
import type { OrderRow } from '@/api/types'
import { Chip, type Tone } from '@/components/Chip'
import type { Column } from '@/components/DataTable'
import { formatMoney } from '@/lib/money'
import { formatShort, remaining } from '@/lib/time'
import { useNow } from '@/lib/now'
import { useTranslation } from 'react-i18next'
import { regionOf } from '@/lib/region'
import { fixOf } from './fixes'
import { sentence } from './words'

const RED_HOLDS = new Set(['refund_requested', 'channel_conflict', 'changed_after_label', 'blacklisted_buyer', 'waybill_refused', 'confirmation_refused'])
const CLOSED = new Set(['shipped', 'delivered', 'completed', 'cancelled', 'external'])

export const holdTone = (reason: string): Tone => (RED_HOLDS.has(reason) ? 'bad' : 'warn')

export function phaseTone(phase: string): Tone {
  switch (phase) {
    case 'held':
      return 'bad'
    case 'stock':
    case 'mapping':
    case 'review':
      return 'warn'
    case 'label':
    case 'pack':
    case 'part_shipped':
      return 'info'
    case 'shipped':
    case 'delivered':
    case 'completed':
      return 'good'
    default:
      return 'idle'
  }
}

/** Time to ship-by: amber under four hours, red when late; nothing once the parcel has left. */
export function TimeLeft({ shipBy, phase }: { shipBy: string | null | undefined; phase: string }) {
  const now = useNow()
  const { t } = useTranslation()
  if (!shipBy || CLOSED.has(phase)) return <span className="muted">—</span>
  const left = remaining(shipBy, now)
  const ink = left.urgency === 'late' ? 'ink-bad' : left.urgency === 'soon' ? 'ink-warn' : undefined
  const spoken = t(left.late ? 'orders.late_by' : 'orders.left', { days: left.days, hours: left.hours, minutes: left.minutes })
  return (
    <span className={ink ? `${ink} strong` : undefined} title={spoken} aria-label={spoken}>
      {left.text}
    </span>
  )
}

export function Reasons({ order }: { order: OrderRow }) {
  const { t } = useTranslation()
  const holds = order.holds
  if (holds.length === 0) return <Chip tone={phaseTone(order.phase)}>{t(`phase.${order.phase}`)}</Chip>
  const first = holds[0]
  if (!first) return null
  const all = holds.map((hold) => t(`hold.${hold.reason}`, { defaultValue: hold.reason })).join(t('common.list_join'))
  return (
    <Chip tone={holdTone(first.reason)} title={all}>
      {t(`hold.${first.reason}`, { defaultValue: first.reason })}
      {holds.length > 1 && ` +${holds.length - 1}`}
    </Chip>
  )
}

/** What key 1 would do, without opening the order. */
export function FirstFix({ order }: { order: OrderRow }) {
  const { t, i18n } = useTranslation()
  const fix = fixOf(order.fix)
  if (!fix) return <span className="muted">—</span>
  const words = sentence('fix', fix.code, fix.params, t, i18n.language)
  return (
    <span className="ink-info" title={words}>
      {words}
    </span>
  )
}

export function Items({ order }: { order: OrderRow }) {
  const first = order.lines[0]
  const more = order.line_count - 1
  return (
    <span className="items" title={order.lines.map((line) => `${line.title} ${line.variant} ×${line.quantity}`).join('\n')}>
      {first ? (
        <>
          <span className="clip">
            {first.title} <span className="muted">{first.variant}</span>
          </span>
          <b>×{first.quantity}</b>
        </>
      ) : (
        '—'
      )}
      {more > 0 && <span className="muted">+{more}</span>}
    </span>
  )
}

function Marks({ order }: { order: OrderRow }) {
  const { t } = useTranslation()
  return (
    <>
      {order.urgent && (
        <FlagFilled className="ink-bad mark-icon" title={order.urgent} aria-label={t('orders.urgent', { why: order.urgent })} />
      )}
      {order.buyer_note && <MessageOutlined className="ink-warn mark-icon" title={order.buyer_note} aria-label={t('orders.buyer_note')} />}
      {order.seller_note && <EditOutlined className="ink-info mark-icon" title={order.seller_note} aria-label={t('orders.seller_note')} />}
    </>
  )
}

export const COLUMN_KEYS = [
  'left',
  'order',
  'items',
  'recipient',
  'total',
  'reason',
  'fix',
  'placed',
  'paid',
  'warehouse',
  'carrier',
  'tags',
  'assignee',
] as const
export type ColumnKey = (typeof COLUMN_KEYS)[number]
export const DEFAULT_COLUMNS: ColumnKey[] = ['left', 'order', 'items', 'recipient', 'total', 'reason', 'fix']
/** A large screen has room for where and how it goes. */
export const ROOMY_COLUMNS: ColumnKey[] = [...DEFAULT_COLUMNS, 'warehouse', 'carrier']
/** A list without these would not say which order a row is. */
export const FIXED_COLUMNS: ColumnKey[] = ['left', 'order', 'reason']

/** The chosen columns, in their own order. */
export function orderColumns(t: TFunction, locale: string, chosen: readonly ColumnKey[]): Column<OrderRow>[] {
  const all: Record<ColumnKey, Omit<Column<OrderRow>, 'key' | 'title'>> = {
    left: { width: '66px', align: 'right', render: (order) => <TimeLeft shipBy={order.ship_by} phase={order.phase} /> },
    order: {
      width: 'minmax(250px, 1fr)',
      render: (order) => (
        <>
          <span className="order-number">{order.external_id}</span> <Marks order={order} /> <span className="muted">{order.shop.name}</span>
        </>
      ),
    },
    items: { width: 'minmax(150px, 1.6fr)', render: (order) => <Items order={order} /> },
    recipient: {
      width: 'minmax(110px, 0.9fr)',
      render: (order) => (
          <span title={`${order.recipient.name} ${order.recipient.phone} ${regionOf(order.recipient)}`}>
            {order.recipient.name} <span className="muted">{regionOf(order.recipient)}</span>
          </span>
        ),
    },
    total: { width: '86px', align: 'right', render: (order) => formatMoney(order.total, locale) },
    reason: { width: '104px', render: (order) => <Reasons order={order} /> },
    fix: { width: 'minmax(108px, 0.7fr)', render: (order) => <FirstFix order={order} /> },
    placed: { width: '104px', align: 'right', render: (order) => formatShort(order.placed_at, locale) },
    paid: { width: '104px', align: 'right', render: (order) => formatShort(order.paid_at, locale) },
    warehouse: { width: 'minmax(72px, 0.5fr)', render: (order) => order.warehouse?.name ?? <span className="muted">—</span> },
    carrier: {
      width: 'minmax(110px, 0.9fr)',
      render: (order) =>
        order.waybill_number || order.carrier ? (
          <span title={order.waybill_number ?? undefined}>
            {order.carrier} <span className="muted">{order.waybill_number}</span>
          </span>
        ) : (
          <span className="muted">—</span>
        ),
    },
    tags: {
      width: 'minmax(90px, 0.6fr)',
      render: (order) =>
        order.tags.map((tag) => (
          <Chip key={tag} tone="info">
            {t(`tag.${tag}`, { defaultValue: tag })}
          </Chip>
        )),
    },
    assignee: { width: '90px', render: (order) => order.assignee?.name ?? <span className="muted">—</span> },
  }
  return COLUMN_KEYS.filter((key) => chosen.includes(key) || FIXED_COLUMNS.includes(key)).map((key) => ({
    key,
    title: t(`orders.col_${key}`),
    ...all[key],
  }))
}

/** A row on a phone. */
export function CompactOrder({ order }: { order: OrderRow }) {
  const { i18n } = useTranslation()
  return (
    <>
      <div className="compact-line">
        <TimeLeft shipBy={order.ship_by} phase={order.phase} />
        <Reasons order={order} />
        <Marks order={order} />
        <span className="grow" />
        <b>{formatMoney(order.total, i18n.language)}</b>
      </div>
      <div className="compact-line clip">
        <Items order={order} />
      </div>
      <div className="compact-line clip muted">
        {order.shop.name} · {order.recipient.name} {regionOf(order.recipient)}
      </div>
    </>
  )
}

import type { TFunction } from 'i18next'
import { useTranslation } from 'react-i18next'
import type { Shipment } from '@/api/types'
import { Chip, type Tone } from '@/components/Chip'
import type { Column } from '@/components/DataTable'
import { useNow } from '@/lib/now'
import { stopWords } from '@/lib/outcome'
import { regionOf } from '@/lib/region'
import { formatShort, remaining } from '@/lib/time'

export function waybillTone(state: string | null | undefined): Tone {
  switch (state) {
    case 'failed':
    case 'in_doubt':
      return 'bad'
    case 'booked':
      return 'info'
    case 'printed':
      return 'good'
    case 'intent':
    case 'requested':
      return 'warn'
    default:
      return 'idle'
  }
}

export function shipmentTone(state: string): Tone {
  switch (state) {
    case 'exception':
    case 'lost':
      return 'bad'
    case 'returning':
    case 'returned':
      return 'warn'
    case 'packed':
    case 'booked':
      return 'info'
    case 'handed_over':
    case 'in_transit':
    case 'out_for_delivery':
    case 'delivered':
      return 'good'
    default:
      return 'idle'
  }
}

function Due({ shipment }: { shipment: Shipment }) {
  const now = useNow()
  if (!shipment.ship_by || shipment.handed_over_at) return <span className="muted">—</span>
  const left = remaining(shipment.ship_by, now)
  return <span className={left.urgency === 'late' ? 'ink-bad strong' : left.urgency === 'soon' ? 'ink-warn strong' : undefined}>{left.text}</span>
}

export function Waybill({ shipment }: { shipment: Shipment }) {
  const { t } = useTranslation()
  return (
    <Chip tone={waybillTone(shipment.waybill_state)} title={shipment.waybill_message || undefined}>
      {t(`waybill.${shipment.waybill_state ?? 'none'}`, { defaultValue: shipment.waybill_state ?? '' })}
      {shipment.print_count > 1 && ` ×${shipment.print_count}`}
    </Chip>
  )
}

export const itemsOf = (shipment: Shipment) => shipment.items.map((item) => `${item.sku_code} ×${item.quantity}`).join('  ')

export function shipmentColumns(t: TFunction, locale: string): Column<Shipment>[] {
  return [
    { key: 'due', title: t('orders.col_left'), width: '76px', align: 'right', render: (shipment) => <Due shipment={shipment} /> },
    {
      key: 'number',
      title: t('shipments.number'),
      width: 'minmax(190px, 1.2fr)',
      render: (shipment) => (
        <>
          <span className="order-number">{shipment.waybill_number ?? '—'}</span> <span className="muted">{shipment.carrier}</span>
        </>
      ),
    },
    { key: 'waybill', title: t('shipments.waybill'), width: '96px', render: (shipment) => <Waybill shipment={shipment} /> },
    {
      key: 'state',
      title: t('shipments.state'),
      width: '96px',
      render: (shipment) =>
        shipment.stop_reason ? (
          <Chip tone="bad" title={stopWords(shipment.stop_reason, t)}>
            {t('shipments.stop')}
          </Chip>
        ) : (
          <Chip tone={shipmentTone(shipment.shipment_state)}>{t(`state.${shipment.shipment_state}`, { defaultValue: shipment.shipment_state })}</Chip>
        ),
    },
    {
      key: 'orders',
      title: t('shipments.orders'),
      width: 'minmax(180px, 1fr)',
      render: (shipment) => (
        <span title={shipment.orders.map((order) => order.external_id).join('\n')}>
          {shipment.orders[0]?.external_id} {shipment.orders.length > 1 && <Chip tone="info">{t('shipments.merged', { count: shipment.orders.length })}</Chip>}{' '}
          <span className="muted">{shipment.orders[0]?.shop.name}</span>
        </span>
      ),
    },
    { key: 'items', title: t('orders.col_items'), width: 'minmax(150px, 1fr)', render: (shipment) => <span title={itemsOf(shipment)}>{itemsOf(shipment)}</span> },
    {
      key: 'recipient',
      title: t('orders.col_recipient'),
      width: 'minmax(130px, 1fr)',
      render: (shipment) => (
        <>
          {shipment.recipient.name} <span className="muted">{regionOf(shipment.recipient)}</span>
        </>
      ),
    },
    { key: 'warehouse', title: t('orders.col_warehouse'), width: '90px', render: (shipment) => shipment.warehouse.name },
    { key: 'created', title: t('shipments.created'), width: '104px', align: 'right', render: (shipment) => formatShort(shipment.created_at, locale) },
  ]
}

export function CompactShipment({ shipment }: { shipment: Shipment }) {
  return (
    <>
      <div className="compact-line">
        <Due shipment={shipment} />
        <Waybill shipment={shipment} />
        <span className="grow" />
        <b>{shipment.waybill_number}</b>
      </div>
      <div className="compact-line clip">{itemsOf(shipment)}</div>
      <div className="compact-line clip muted">
        {shipment.orders[0]?.external_id} · {shipment.recipient.name} {regionOf(shipment.recipient)}
      </div>
    </>
  )
}

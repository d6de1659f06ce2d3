import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/session'
import { shopsQuery, warehousesQuery } from '@/api/shared'
import type { Alert } from '@/api/types'
import type { Column } from '@/components/DataTable'
import { PagedList, rowsOf } from '@/components/PagedList'
import { useNarrow } from '@/lib/media'
import { formatShort } from '@/lib/time'
import { alertsQuery } from './queries'

/** What somebody must see although no order waits for it: each row opens what is behind it. */
export function OpenAlerts() {
  const { t, i18n } = useTranslation()
  const narrow = useNarrow()
  const navigate = useNavigate()
  const list = useInfiniteQuery(alertsQuery)
  const read = useMay('shops.read')
  const shops = useQuery({ ...shopsQuery, enabled: read }).data?.items ?? []
  const warehouses = useQuery(warehousesQuery).data?.items ?? []
  const warehouseOf = (alert: Alert) => warehouses.find((warehouse) => warehouse.id === alert.warehouse_id)?.name ?? ''
  const words = (alert: Alert) =>
    t(`alert.${alert.kind}`, {
      ...alert.params,
      shop: shops.find((shop) => shop.id === alert.shop_id)?.name ?? '',
      sku: [alert.sku?.code, alert.sku?.name].filter(Boolean).join(' '),
      defaultValue: alert.kind,
    })
  const open = (id: string) => {
    const alert = rowsOf(list).find((entry) => entry.id === id)
    if (!alert) return
    if (alert.kind === 'low_stock') void navigate({ to: '/stock', search: { q: alert.sku?.code } })
    else if (alert.kind === 'shop_silent') void navigate({ to: '/shops' })
    else void navigate({ to: '/shipments', search: { q: undefined } })
  }
  const columns: Column<Alert>[] = [
    { key: 'since', title: t('tasks.alert_since'), width: '112px', render: (alert) => formatShort(alert.raised_at, i18n.language) },
    { key: 'what', title: t('tasks.alert_what'), width: 'minmax(260px, 2fr)', render: words },
    { key: 'where', title: t('tasks.alert_where'), width: 'minmax(90px, 0.5fr)', render: (alert) => warehouseOf(alert) || <span className="muted">—</span> },
  ]
  return (
    <PagedList
      label={t('tasks.tab_alerts')}
      list={list}
      rowKey={(alert) => alert.id}
      columns={columns}
      onOpen={open}
      narrow={narrow}
      compact={(alert) => (
        <>
          <div className="compact-line clip">{words(alert)}</div>
          <div className="compact-line muted">
            {formatShort(alert.raised_at, i18n.language)} {warehouseOf(alert)}
          </div>
        </>
      )}
      empty={{ title: t('tasks.none_alerts'), hint: t('tasks.none_alerts_do') }}
    />
  )
}

import { CloseOutlined, WarningFilled } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/session'
import { shopsQuery, unconfirmedQuery } from '@/api/shared'
import { formatShort } from '@/lib/time'

interface Alert {
  key: string
  tone: 'bad' | 'warn'
  words: string
  to: '/shops' | '/shipments'
}

/** What stops orders from coming in is said on every screen until it is mended; it can be put away for this visit. */
export function Alerts() {
  const { t, i18n } = useTranslation()
  const may = useMay('shops.read')
  const { data } = useQuery({ ...shopsQuery, enabled: may })
  const unconfirmed = useQuery(unconfirmedQuery).data?.items ?? []
  const [away, setAway] = useState<ReadonlySet<string>>(new Set())
  const alerts = (data?.items ?? []).flatMap((shop): Alert[] => {
    if (shop.shop_state === 'reauthorize') return [{ key: `${shop.id} reauthorize`, tone: 'bad', words: t('alerts.reauthorize', { shop: shop.name }), to: '/shops' }]
    if (shop.shop_state === 'active' && shop.silent_since) {
      return [{ key: `${shop.id} silent ${shop.silent_since}`, tone: 'warn', words: t('alerts.silent', { shop: shop.name, when: formatShort(shop.silent_since, i18n.language) }), to: '/shops' }]
    }
    return []
  })
  const names = new Map((data?.items ?? []).map((shop) => [shop.id, shop.name]))
  for (const late of unconfirmed) {
    alerts.push({ key: late.id, tone: 'bad', words: t('alerts.unconfirmed', { shop: names.get(late.shop_id ?? '') ?? '', parcels: late.params.parcels }), to: '/shipments' })
  }
  const shown = alerts.filter((alert) => !away.has(alert.key))
  if (shown.length === 0) return null
  return (
    <div className="alerts" role="status">
      {shown.map((alert) => (
        <div key={alert.key} className={`alert-line alert-${alert.tone}`} data-testid="alert">
          <WarningFilled aria-hidden />
          <span className="grow">{alert.words}</span>
          <Link to={alert.to}>{alert.to === '/shops' ? t('alerts.see') : t('alerts.see_parcels')}</Link>
          <Button size="small" type="text" icon={<CloseOutlined />} aria-label={t('common.close')} onClick={() => setAway(new Set([...away, alert.key]))} />
        </div>
      ))}
    </div>
  )
}

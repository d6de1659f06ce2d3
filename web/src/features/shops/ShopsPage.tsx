import { PlusOutlined } from '@ant-design/icons'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Button, Space } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, body } from '@/api/client'
import { useMay } from '@/api/session'
import { shopsQuery, vendorsQuery } from '@/api/shared'
import type { ActionAnswer, Shop } from '@/api/types'
import { Chip } from '@/components/Chip'
import { HourSquares } from '@/components/HourSquares'
import { EmptyState, ErrorState, SkeletonRows } from '@/components/States'
import { VendorMark } from '@/components/VendorMark'
import { useLive } from '@/lib/live'
import { showFailure, showOutcome } from '@/lib/outcome'
import { formatShort, formatSpan } from '@/lib/time'
import { currentLanguage } from '@/locales'
import { ShopDrawer } from './ShopDrawer'

type ShopAction = 'pull' | 'pause' | 'resume'

export function ShopsPage() {
  const { t, i18n } = useTranslation()
  const locale = i18n.language
  const client = useQueryClient()
  const shops = useQuery(shopsQuery)
  const vendors = useQuery(vendorsQuery).data?.items ?? []
  const may = useMay('shops.manage')
  const [drawer, setDrawer] = useState<Shop | 'new'>()
  const refresh = () => client.invalidateQueries({ queryKey: ['shops'] })
  useLive('shops', () => void refresh())

  const acting = useMutation({
    mutationFn: ({ name, shop }: { name: ShopAction; shop: Shop }) =>
      body<ActionAnswer>(api.POST(`/api/v1/shops/actions/${name}`, { body: { ids: [shop.id] } })),
    onSuccess: (answer, { name, shop }) => {
      showOutcome(answer, `${t(`shops.do_${name}`)} · ${shop.name}`, t, () => shop.name)
      void refresh()
    },
    onError: (error, { name }) => showFailure(error, t(`shops.do_${name}`), t),
  })

  const list = shops.data?.items ?? []
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t('places.shops')}</h1>
        <span className="grow" />
        {may && (
          <Button type="primary" icon={<PlusOutlined />} onClick={() => setDrawer('new')} data-testid="connect">
            {t('orders.connect_shop')}
          </Button>
        )}
      </div>
      <section className="panel">
        {shops.isPending ? (
          <SkeletonRows count={4} />
        ) : shops.isError && list.length === 0 ? (
          <ErrorState error={shops.error} retry={() => void shops.refetch()} />
        ) : list.length === 0 ? (
          <EmptyState
            title={t('shops.none')}
            hint={t('shops.none_do')}
            action={
              may && (
                <Button type="primary" onClick={() => setDrawer('new')}>
                  {t('orders.connect_shop')}
                </Button>
              )
            }
          />
        ) : (
          <div className="table-wrap">
            <table className="plain">
              <thead>
                <tr>
                  <th>{t('shops.name')}</th>
                  <th>{t('shops.state')}</th>
                  <th className="num">{t('shops.lag')}</th>
                  <th>{t('shops.pulled')}</th>
                  <th>{t('shops.last_order')}</th>
                  <th>{t('shops.hours')}</th>
                  <th className="num">{t('shops.parked')}</th>
                  <th aria-label={t('shops.actions')} />
                </tr>
              </thead>
              <tbody>
                {list.map((shop) => {
                  const vendor = vendors.find((entry) => entry.id === shop.vendor)
                  const detail = shop.pull_error || shop.state_detail
                  return (
                    <tr key={shop.id} data-shop={shop.id}>
                      <td>
                        <span className="with-mark">
                          <VendorMark vendor={vendor} />
                          <span>
                            <Link to="/orders" search={{ shop: [shop.id] }}>
                              {shop.name}
                            </Link>
                            <br />
                            <span className="muted">
                              {vendor?.name[currentLanguage()]} {shop.external_id}
                            </span>
                          </span>
                        </span>
                      </td>
                      <td>
                        <Chip tone={shop.shop_state === 'paused' ? 'idle' : shop.health === 'ok' ? 'good' : 'bad'}>
                          {shop.shop_state === 'active' ? t(`health.${shop.health}`, { defaultValue: shop.health }) : t(`shop_state.${shop.shop_state}`, { defaultValue: shop.shop_state })}
                        </Chip>
                        {detail && <div className="ink-bad cell-note">{detail}</div>}
                        {shop.silent_since && <div className="muted cell-note">{t('shops.silent_since', { when: formatShort(shop.silent_since, locale) })}</div>}
                      </td>
                      <td className="num">{formatSpan(shop.lag_seconds)}</td>
                      <td className="when">{formatShort(shop.pulled_at, locale)}</td>
                      <td className="when">{formatShort(shop.last_order_at, locale)}</td>
                      <td>
                        <HourSquares shop={shop.id} />
                      </td>
                      <td className={shop.parked > 0 ? 'num ink-bad' : 'num muted'}>{shop.parked}</td>
                      <td className="num">
                        {may && (
                          <Space size={4}>
                            <Button size="small" disabled={shop.shop_state !== 'active'} onClick={() => acting.mutate({ name: 'pull', shop })} data-do="pull">
                              {t('shops.do_pull')}
                            </Button>
                            {shop.shop_state === 'active' ? (
                              <Button size="small" onClick={() => acting.mutate({ name: 'pause', shop })} data-do="pause">
                                {t('shops.do_pause')}
                              </Button>
                            ) : (
                              <Button size="small" type="primary" onClick={() => acting.mutate({ name: 'resume', shop })} data-do="resume">
                                {t('shops.do_resume')}
                              </Button>
                            )}
                            <Button size="small" onClick={() => setDrawer(shop)}>
                              {t('shops.edit')}
                            </Button>
                          </Space>
                        )}
                      </td>
                    </tr>
                  )
                })}
              </tbody>
            </table>
          </div>
        )}
      </section>
      {drawer && <ShopDrawer key={drawer === 'new' ? 'new' : drawer.id} shop={drawer === 'new' ? undefined : drawer} onClose={() => setDrawer(undefined)} />}
    </div>
  )
}

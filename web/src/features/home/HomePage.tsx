import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { lazy, Suspense, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { shopsQuery } from '@/api/shared'
import { Chip } from '@/components/Chip'
import { HourSquares } from '@/components/HourSquares'
import { EmptyState, ErrorState } from '@/components/States'
import { useLive } from '@/lib/live'
import { changePercent, formatMoney, formatNumber } from '@/lib/money'
import type { OrdersSearch } from '@/lib/orders-search'
import { formatShort, formatSpan } from '@/lib/time'
import { homeQuery } from './queries'
import './home.css'

const SalesCurve = lazy(() => import('./SalesCurve'))

/** A longer number is set smaller, so that it is never cut. */
const LONG_VALUE = 8

interface TileProps {
  label: string
  value: string | undefined
  note?: ReactNode
  tone?: 'bad' | 'warn'
  search?: OrdersSearch
  to?: '/orders' | '/shops'
}

/** A number, and one press to what is behind it. */
function Tile({ label, value, note, tone, search, to = '/orders' }: TileProps) {
  return (
    <Link to={to} search={search ?? {}} className={`tile${tone ? ` tile-${tone}` : ''}`}>
      <span className="tile-label">{label}</span>
      <span className={(value?.length ?? 0) > LONG_VALUE ? 'tile-value tile-long' : 'tile-value'}>{value ?? '·'}</span>
      <span className="tile-note">{note}</span>
    </Link>
  )
}

export function HomePage() {
  const { t, i18n } = useTranslation()
  const locale = i18n.language
  const client = useQueryClient()
  const home = useQuery(homeQuery)
  const shops = useQuery(shopsQuery)
  const refresh = () => void client.invalidateQueries({ queryKey: ['home'] })
  useLive('counts', refresh)
  useLive('shops', () => void client.invalidateQueries({ queryKey: ['shops'] }))

  const board = home.data
  const number = (value: number | undefined) => (value === undefined ? undefined : formatNumber(value, locale))
  const change = board ? changePercent(String(board.orders_today), String(board.orders_last_week)) : null
  return (
    <div className="page stack">
      <h1 className="sr-only">{t('places.home')}</h1>
      {home.isError && !board && <ErrorState error={home.error} retry={() => void home.refetch()} />}
      <section className="tiles" aria-label={t('home.numbers')}>
        <Tile label={t('home.review')} value={number(board?.review)} search={{ group: 'settle' }} note={t('home.review_note')} />
        <Tile label={t('home.to_ship')} value={number(board?.to_ship)} search={{ group: 'ship' }} note={t('home.to_ship_note')} />
        <Tile
          label={t('home.late')}
          value={number(board?.late)}
          tone={board && board.late > 0 ? 'bad' : undefined}
          search={{ due: '2h' }}
          note={t('home.late_note')}
        />
        <Tile
          label={t('home.short')}
          value={number(board?.out_of_stock)}
          tone={board && board.out_of_stock > 0 ? 'warn' : undefined}
          search={{ phase: 'stock' }}
          note={t('home.short_note')}
        />
        <Tile
          label={t('home.refunds')}
          value={number(board?.refunds_waiting)}
          tone={board && board.refunds_waiting > 0 ? 'warn' : undefined}
          search={{ phase: 'held', hold: ['refund_requested'] }}
          note={t('home.refunds_note')}
        />
        <Tile
          label={board?.sales_today ? t('home.sales') : t('home.orders_today')}
          value={board && (board.sales_today ? board.sales_today.map((money) => formatMoney(money, locale)).join(' ') || '0' : number(board.orders_today))}
          note={
            board && (
              <>
                {t('home.orders_count', { count: board.orders_today })}{' '}
                {change !== null && <span className={change < 0 ? 'ink-bad' : 'ink-good'}>{t('home.change', { change: change > 0 ? `+${change}` : change })}</span>}
              </>
            )
          }
        />
        <Tile
          label={t('home.trouble')}
          value={number(board?.shops_silent)}
          tone={board && board.shops_silent > 0 ? 'bad' : undefined}
          to="/shops"
          note={t('home.trouble_note', { count: board?.shops ?? 0 })}
        />
      </section>

      <section className="panel">
        <div className="panel-head">
          <h2>{t('home.health')}</h2>
          <span className="muted">{t('home.health_note')}</span>
        </div>
        {shops.isError && !shops.data ? (
          <ErrorState error={shops.error} retry={() => void shops.refetch()} />
        ) : shops.data?.items.length === 0 ? (
          <EmptyState title={t('shops.none')} hint={t('shops.none_do')} action={<Link to="/shops">{t('orders.connect_shop')}</Link>} />
        ) : (
          <div className="table-wrap">
            <table className="plain health-table">
              <thead>
                <tr>
                  <th>{t('shops.name')}</th>
                  <th>{t('shops.state')}</th>
                  <th className="num">{t('shops.lag')}</th>
                  <th className="later">{t('shops.pulled')}</th>
                  <th>{t('shops.hours')}</th>
                </tr>
              </thead>
              <tbody>
                {(shops.data?.items ?? []).map((shop) => (
                  <tr key={shop.id}>
                    <td>
                      <Link to="/orders" search={{ shop: [shop.id] }}>
                        {shop.name}
                      </Link>
                    </td>
                    <td>
                      <Chip tone={shop.health === 'ok' ? 'good' : 'bad'} title={shop.state_detail}>
                        {t(`health.${shop.health}`, { defaultValue: shop.health })}
                      </Chip>
                    </td>
                    <td className="num">{formatSpan(shop.lag_seconds)}</td>
                    <td className="when later">{formatShort(shop.pulled_at, locale)}</td>
                    <td>
                      <HourSquares shop={shop.id} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>

      {/* Below the shops, whose number is not known before: drawn after them, so that it never moves. */}
      {!shops.isPending && (
        <section className="panel">
          <div className="panel-head">
            <h2>{t('home.curve')}</h2>
          </div>
          <div className="curve">
            <Suspense fallback={null}>{board && <SalesCurve board={board} />}</Suspense>
          </div>
        </section>
      )}
    </div>
  )
}

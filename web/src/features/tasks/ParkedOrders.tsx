import { ReloadOutlined } from '@ant-design/icons'
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { Button, Popconfirm } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/session'
import { shopsQuery } from '@/api/shared'
import type { Parked } from '@/api/types'
import type { Column } from '@/components/DataTable'
import { PagedList, rowsOf } from '@/components/PagedList'
import { useNarrow } from '@/lib/media'
import { showFailure } from '@/lib/outcome'
import { showTally } from '@/lib/tallies'
import { formatShort } from '@/lib/time'
import { dismissParked, parkedQuery, retryParked } from './queries'

/** Orders of a channel that could not be read: each with its cause, none lost. */
export function ParkedOrders() {
  const { t, i18n } = useTranslation()
  const client = useQueryClient()
  const narrow = useNarrow()
  const may = useMay('shops.manage')
  const shops = useQuery(shopsQuery).data?.items ?? []
  const list = useInfiniteQuery(parkedQuery)
  const [busy, setBusy] = useState<string>()
  const shopOf = (id: string) => shops.find((shop) => shop.id === id)?.name ?? id
  const waiting = [...new Set(rowsOf(list).map((row) => row.shop_id))]

  const run = async (key: string, work: () => Promise<{ settled: number }>, words: string) => {
    setBusy(key)
    try {
      const { settled } = await work()
      showTally({ title: t('tasks.settled', { count: settled }), tone: settled > 0 ? 'good' : 'warn', fleeting: true })
    } catch (error) {
      showFailure(error, words, t)
    } finally {
      setBusy(undefined)
      await client.invalidateQueries({ queryKey: ['parked'] })
      void client.invalidateQueries({ queryKey: ['shops'] })
    }
  }
  const dismiss = (row: Parked) =>
    may && (
      <Popconfirm title={t('tasks.dismiss_sure')} onConfirm={() => void run(row.id, () => dismissParked(row.id), t('tasks.dismiss'))}>
        <Button size="small" loading={busy === row.id}>
          {t('tasks.dismiss')}
        </Button>
      </Popconfirm>
    )
  const columns: Column<Parked>[] = [
    { key: 'last', title: t('tasks.last_seen'), width: '112px', render: (row) => formatShort(row.last_at, i18n.language) },
    { key: 'shop', title: t('shops.name'), width: 'minmax(110px, 0.5fr)', render: (row) => shopOf(row.shop_id) },
    { key: 'order', title: t('tasks.order_number'), width: 'minmax(170px, 0.7fr)', render: (row) => <span className="order-number">{row.external_id || '—'}</span> },
    { key: 'why', title: t('tasks.why'), width: 'minmax(240px, 2fr)', render: (row) => <span title={row.why}>{row.why}</span> },
    { key: 'first', title: t('tasks.first_seen'), width: '112px', render: (row) => formatShort(row.first_at, i18n.language) },
    { key: 'dismiss', title: '', width: '100px', align: 'right', render: dismiss },
  ]
  return (
    <>
      {may && waiting.length > 0 && (
        <div className="tray-bar">
          <span className="muted">{t('tasks.parked_hint')}</span>
          {waiting.map((shop) => (
            <Button key={shop} size="small" icon={<ReloadOutlined />} loading={busy === shop} onClick={() => void run(shop, () => retryParked(shop), t('tasks.reread'))}>
              {t('tasks.reread_shop', { shop: shopOf(shop) })}
            </Button>
          ))}
        </div>
      )}
      <PagedList
        label={t('tasks.tab_parked')}
        list={list}
        rowKey={(row) => row.id}
        columns={columns}
        narrow={narrow}
        compact={(row) => (
          <>
            <div className="compact-line">
              <b>{row.external_id || '—'}</b>
              <span className="grow" />
              {dismiss(row)}
            </div>
            <div className="compact-line clip muted">
              {shopOf(row.shop_id)} · {row.why}
            </div>
          </>
        )}
        empty={{ title: t('tasks.none_parked'), hint: t('tasks.none_parked_do') }}
      />
    </>
  )
}

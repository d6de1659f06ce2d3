import { DeleteOutlined, PlusOutlined } from '@ant-design/icons'
import { queryOptions, useQuery } from '@tanstack/react-query'
import { Alert, Button, Drawer, Input, InputNumber, Space } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, body } from '@/api/client'
import { explain } from '@/api/problem'
import { whole } from '@/api/shared'
import type { CarrierAccount, Page, Rate } from '@/api/types'
import { ErrorState, LoadingState } from '@/components/States'
import { useSave } from './useSave'

const ratesQuery = (account: string) =>
  queryOptions({
    queryKey: ['rates', account],
    queryFn: () =>
      whole<Rate>((query) => body(api.GET('/api/v1/carrier-accounts/{id}/rates', { params: { path: { id: account }, query } })) as Promise<Page<Rate>>),
  })

const blank = (): Rate => ({
  service: 'standard',
  country: 'CN',
  province: '',
  city: '',
  first_grams: 1000,
  first: { amount: '8.00', currency: 'CNY' },
  step_grams: 1000,
  step: { amount: '2.00', currency: 'CNY' },
  max_grams: 50_000,
  days: 3,
})

/** Prices of a carrier: first weight, then steps, by destination. An empty province is everywhere. */
export function RateCard({ account, mayEdit, onClose }: { account: CarrierAccount; mayEdit: boolean; onClose: () => void }) {
  const { t } = useTranslation()
  const { data, error, isPending, refetch } = useQuery(ratesQuery(account.id))
  const [edited, setEdited] = useState<Rate[]>()
  const rows = edited ?? data?.items ?? []
  const saving = useSave(
    ratesQuery(account.id).queryKey,
    (rates: Rate[]) => body(api.PUT('/api/v1/carrier-accounts/{id}/rates', { params: { path: { id: account.id } }, body: rates })),
    onClose,
  )
  const set = (index: number, patch: Partial<Rate>) => setEdited(rows.map((row, at) => (at === index ? { ...row, ...patch } : row)))
  const told = saving.error ? explain(saving.error, t) : undefined
  const text = (row: Rate, index: number, key: 'service' | 'province' | 'city') => (
    <Input size="small" value={row[key]} disabled={!mayEdit} onChange={(event) => set(index, { [key]: event.target.value })} aria-label={t(`rate.${key}`)} />
  )
  const whole = (row: Rate, index: number, key: 'first_grams' | 'step_grams' | 'max_grams' | 'days') => (
    <InputNumber size="small" value={row[key]} min={0} precision={0} disabled={!mayEdit} onChange={(value) => set(index, { [key]: value ?? 0 })} aria-label={t(`rate.${key}`)} />
  )
  const money = (row: Rate, index: number, key: 'first' | 'step') => (
    <Input
      size="small"
      className="num"
      value={row[key].amount}
      disabled={!mayEdit}
      onChange={(event) => set(index, { [key]: { ...row[key], amount: event.target.value } })}
      aria-label={t(`rate.${key}`)}
    />
  )
  return (
    <Drawer
      open
      size={980}
      onClose={onClose}
      title={`${t('settings.rates')} · ${account.name}`}
      footer={
        mayEdit && (
          <Space>
            <Button type="primary" loading={saving.isPending} disabled={!edited} onClick={() => edited && saving.mutate(edited)}>
              {t('common.save')}
            </Button>
            <Button icon={<PlusOutlined />} onClick={() => setEdited([...rows, blank()])}>
              {t('settings.rate_new')}
            </Button>
          </Space>
        )
      }
    >
      {isPending ? (
        <LoadingState />
      ) : error ? (
        <ErrorState error={error} retry={() => void refetch()} />
      ) : (
        <div className="table-wrap">
          <table className="plain rates">
            <thead>
              <tr>
                {(['service', 'province', 'city', 'first_grams', 'first', 'step_grams', 'step', 'max_grams', 'days'] as const).map((key) => (
                  <th key={key}>{t(`rate.${key}`)}</th>
                ))}
                <th aria-label={t('shops.actions')} />
              </tr>
            </thead>
            <tbody>
              {rows.map((row, index) => (
                <tr key={index}>
                  <td>{text(row, index, 'service')}</td>
                  <td>{text(row, index, 'province')}</td>
                  <td>{text(row, index, 'city')}</td>
                  <td>{whole(row, index, 'first_grams')}</td>
                  <td>{money(row, index, 'first')}</td>
                  <td>{whole(row, index, 'step_grams')}</td>
                  <td>{money(row, index, 'step')}</td>
                  <td>{whole(row, index, 'max_grams')}</td>
                  <td>{whole(row, index, 'days')}</td>
                  <td>
                    {mayEdit && (
                      <Button size="small" type="text" icon={<DeleteOutlined />} aria-label={t('common.delete')} onClick={() => setEdited(rows.filter((_, at) => at !== index))} />
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {told && <Alert type="error" showIcon title={told.title} description={told.detail} role="alert" />}
    </Drawer>
  )
}

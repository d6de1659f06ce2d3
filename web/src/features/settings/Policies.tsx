import { useQuery } from '@tanstack/react-query'
import { Alert, Button, Form, Input, InputNumber, Select, Switch } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, body } from '@/api/client'
import { explain } from '@/api/problem'
import { useMay } from '@/api/session'
import { shopsQuery } from '@/api/shared'
import type { Shop } from '@/api/types'
import { EmptyState, LoadingState } from '@/components/States'
import { fromMinor, toMinor } from '@/lib/money'
import { useSave } from './useSave'

const CHECKS = ['address', 'phone', 'amount', 'duplicate', 'blacklist', 'quantity', 'remote', 'buyer_note'] as const
const HARD = ['off', 'info', 'warn', 'block'] as const
type Check = (typeof CHECKS)[number]

interface Policy {
  version?: number
  checks?: Record<string, unknown>
  approval?: Record<string, unknown>
  parcels?: Record<string, unknown>
}

interface Values {
  checks: Record<Check, (typeof HARD)[number]> & { duplicate_hours: number; odd_quantity: number; remote_regions: string[] }
  approval: {
    automatic: boolean
    max_total: string
    max_total_new_buyer: string
    max_units: number | null
    returning_buyers_only: boolean
    provinces: string[]
    seller_note_waits: boolean
    warnings_wait: boolean
  }
  parcels: { merge: boolean }
}

const money = (minor: unknown, currency: string) => (typeof minor === 'number' ? fromMinor(minor, currency) : '')

function valuesOf(policy: Policy, currency: string): Values {
  const { checks = {}, approval = {}, parcels = {} } = policy
  return {
    checks: {
      ...(Object.fromEntries(CHECKS.map((key) => [key, checks[key] ?? 'off'])) as Record<Check, (typeof HARD)[number]>),
      duplicate_hours: Number(checks.duplicate_hours ?? 24),
      odd_quantity: Number(checks.odd_quantity ?? 100),
      remote_regions: (checks.remote_regions as string[] | undefined) ?? [],
    },
    approval: {
      automatic: approval.automatic !== false,
      max_total: money(approval.max_total_minor, currency),
      max_total_new_buyer: money(approval.max_total_new_buyer_minor, currency),
      max_units: (approval.max_units as number | null | undefined) ?? null,
      returning_buyers_only: approval.returning_buyers_only === true,
      provinces: (approval.provinces as string[] | undefined) ?? [],
      seller_note_waits: approval.seller_note_waits === true,
      warnings_wait: approval.warnings_wait !== false,
    },
    parcels: { merge: parcels.merge !== false },
  }
}

/** The form's values laid over the policy as it stands: what the form does not know stays. */
function policyOf(before: Policy, values: Values, currency: string): Policy {
  const { max_total, max_total_new_buyer, ...approval } = values.approval
  const hard = Object.fromEntries(CHECKS.map((key) => [key, values.checks[key] === 'off' ? null : values.checks[key]]))
  return {
    ...before,
    checks: {
      ...before.checks,
      ...hard,
      duplicate_hours: values.checks.duplicate_hours,
      odd_quantity: values.checks.odd_quantity,
      remote_regions: values.checks.remote_regions,
    },
    approval: {
      ...before.approval,
      ...approval,
      max_total_minor: max_total ? toMinor(max_total, currency) : null,
      max_total_new_buyer_minor: max_total_new_buyer ? toMinor(max_total_new_buyer, currency) : null,
    },
    parcels: { ...before.parcels, merge: values.parcels.merge },
  }
}

function PolicyForm({ shop }: { shop: Shop }) {
  const { t } = useTranslation()
  const may = useMay('shops.manage')
  const [form] = Form.useForm<Values>()
  const saving = useSave(
    shopsQuery.queryKey,
    (values: Values) =>
      body(
        api.PATCH('/api/v1/shops/{id}', {
          params: { path: { id: shop.id }, header: { 'If-Match': String(shop.version) } },
          body: { policy: { ...policyOf(shop.policy as Policy, values, shop.currency) } },
        }),
      ),
    () => undefined,
  )
  const told = saving.error ? explain(saving.error, t) : undefined
  const amount = {
    validator: (_: unknown, value: string) => (!value || toMinor(value, shop.currency) !== null ? Promise.resolve() : Promise.reject(new Error(t('policy.amount_wrong')))),
  }
  const flag = (group: 'approval' | 'parcels', name: string) => (
    <Form.Item name={[group, name]} label={t(`policy.${name}`)} valuePropName="checked">
      <Switch />
    </Form.Item>
  )
  return (
    <Form form={form} layout="vertical" disabled={!may} initialValues={valuesOf(shop.policy as Policy, shop.currency)} onFinish={(values) => saving.mutate(values)}>
      <h3>{t('policy.approval')}</h3>
      <div className="policy-grid">
        {flag('approval', 'automatic')}
        <Form.Item name={['approval', 'max_total']} label={`${t('policy.max_total')} (${shop.currency})`} rules={[amount]}>
          <Input inputMode="decimal" placeholder={t('policy.no_limit')} />
        </Form.Item>
        <Form.Item name={['approval', 'max_total_new_buyer']} label={`${t('policy.max_total_new_buyer')} (${shop.currency})`} rules={[amount]}>
          <Input inputMode="decimal" placeholder={t('policy.no_limit')} />
        </Form.Item>
        <Form.Item name={['approval', 'max_units']} label={t('policy.max_units')}>
          <InputNumber min={1} precision={0} placeholder={t('policy.no_limit')} />
        </Form.Item>
        {flag('approval', 'returning_buyers_only')}
        {flag('approval', 'seller_note_waits')}
        {flag('approval', 'warnings_wait')}
        <Form.Item name={['approval', 'provinces']} label={t('policy.provinces')}>
          <Select mode="tags" placeholder={t('policy.any')} />
        </Form.Item>
      </div>
      <h3>{t('policy.checks')}</h3>
      <div className="policy-grid">
        {CHECKS.map((key) => (
          <Form.Item key={key} name={['checks', key]} label={t(`policy.check_${key}`)}>
            <Select options={HARD.map((value) => ({ value, label: t(`policy.hard_${value}`) }))} />
          </Form.Item>
        ))}
        <Form.Item name={['checks', 'duplicate_hours']} label={t('policy.duplicate_hours')}>
          <InputNumber min={1} precision={0} />
        </Form.Item>
        <Form.Item name={['checks', 'odd_quantity']} label={t('policy.odd_quantity')}>
          <InputNumber min={1} precision={0} />
        </Form.Item>
        <Form.Item name={['checks', 'remote_regions']} label={t('policy.remote_regions')}>
          <Select mode="tags" />
        </Form.Item>
      </div>
      <h3>{t('policy.parcels')}</h3>
      <div className="policy-grid">{flag('parcels', 'merge')}</div>
      {told && <Alert type="error" showIcon title={told.title} description={told.detail} role="alert" />}
      {may && (
        <Button type="primary" htmlType="submit" loading={saving.isPending}>
          {t('common.save')}
        </Button>
      )}
    </Form>
  )
}

/** What passes without a person, and what is checked: for each shop. */
export function Policies() {
  const { t } = useTranslation()
  const { data, isPending } = useQuery(shopsQuery)
  const shops = data?.items ?? []
  const [picked, setPicked] = useState<string>()
  const shop = shops.find((entry) => entry.id === picked) ?? shops[0]
  return (
    <section className="panel">
      <div className="panel-head">
        <h2>{t('settings.tab_policies')}</h2>
        <Select
          className="shop-pick"
          value={shop?.id}
          onChange={setPicked}
          options={shops.map((entry) => ({ value: entry.id, label: entry.name }))}
          aria-label={t('shops.name')}
        />
      </div>
      <div className="panel-body">
        {isPending ? <LoadingState /> : shop ? <PolicyForm key={`${shop.id} ${shop.version}`} shop={shop} /> : <EmptyState title={t('shops.none')} hint={t('shops.none_do')} />}
      </div>
    </section>
  )
}

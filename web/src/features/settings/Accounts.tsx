import { PlusOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Button, Form, Input, Select, Space, Switch } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, body } from '@/api/client'
import { useMay } from '@/api/session'
import { carriersQuery, vendorsQuery } from '@/api/shared'
import type { CarrierAccount } from '@/api/types'
import { Chip } from '@/components/Chip'
import { ManifestFields } from '@/components/ManifestFields'
import { EmptyState, ErrorState, SkeletonRows } from '@/components/States'
import { VendorMark } from '@/components/VendorMark'
import { showFailure } from '@/lib/outcome'
import { showTally } from '@/lib/tallies'
import { currentLanguage } from '@/locales'
import { FormDrawer } from './FormDrawer'
import { RateCard } from './RateCard'
import { useSave } from './useSave'

interface Values {
  vendor: string
  name: string
  active: boolean
  credentials?: Record<string, string | undefined>
  settings?: Record<string, string | undefined>
}

const filled = (values: Record<string, string | undefined> | undefined) =>
  Object.fromEntries(Object.entries(values ?? {}).filter((entry): entry is [string, string] => Boolean(entry[1]?.trim())))

function Edit({ account, onClose }: { account: CarrierAccount | undefined; onClose: () => void }) {
  const { t } = useTranslation()
  const [form] = Form.useForm<Values>()
  const vendors = (useQuery(vendorsQuery).data?.items ?? []).filter((vendor) => vendor.carrier)
  const picked = Form.useWatch('vendor', form) ?? account?.vendor
  const vendor = vendors.find((entry) => entry.id === picked)
  const saving = useSave(
    carriersQuery.queryKey,
    (values: Values) => {
      const credentials = filled(values.credentials)
      const input = {
        vendor: values.vendor,
        name: values.name,
        active: values.active,
        settings: filled(values.settings),
        shop_id: account?.shop_id ?? null,
        ...(Object.keys(credentials).length > 0 || !account ? { credentials } : {}),
      }
      return account
        ? body(
            api.PUT('/api/v1/carrier-accounts/{id}', {
              params: { path: { id: account.id }, header: { 'If-Match': String(account.version) } },
              body: input,
            }),
          )
        : body(api.POST('/api/v1/carrier-accounts', { body: input }))
    },
    onClose,
  )
  return (
    <FormDrawer
      title={account ? account.name : t('settings.account_new')}
      form={form}
      initial={account ? { vendor: account.vendor, name: account.name, active: account.active, settings: account.settings } : { active: true }}
      saving={saving}
      onClose={onClose}
    >
      <Form.Item name="vendor" label={t('settings.carrier')} rules={[{ required: true, message: t('common.required') }]}>
        <Select disabled={account !== undefined} options={vendors.map((entry) => ({ value: entry.id, label: entry.name[currentLanguage()] }))} />
      </Form.Item>
      <Form.Item name="name" label={t('settings.name')} rules={[{ required: true, message: t('common.required') }]}>
        <Input maxLength={60} />
      </Form.Item>
      <Form.Item name="active" label={t('settings.active')} valuePropName="checked">
        <Switch />
      </Form.Item>
      {vendor && (
        <div key={vendor.id}>
          <ManifestFields fields={vendor.credentials} under="credentials" keep={account !== undefined} />
          <ManifestFields fields={vendor.settings} under="settings" keep={false} />
        </div>
      )}
    </FormDrawer>
  )
}

/** Numbers for a carrier that takes them from a pool of ours, one a line. */
function Numbers({ account, onClose }: { account: CarrierAccount; onClose: () => void }) {
  const { t } = useTranslation()
  const [form] = Form.useForm<{ numbers: string }>()
  const saving = useSave(
    carriersQuery.queryKey,
    async ({ numbers }: { numbers: string }) => {
      try {
        const pool = await body(
          api.POST('/api/v1/carrier-accounts/{id}/numbers', {
            params: { path: { id: account.id } },
            body: { numbers: numbers.split(/[\s,;，；]+/).filter(Boolean) },
          }),
        )
        showTally({ title: t('settings.pool', { free: pool.free, total: pool.total }), tone: 'good', fleeting: true })
      } catch (error) {
        showFailure(error, t('settings.numbers'), t)
        throw error
      }
    },
    onClose,
  )
  return (
    <FormDrawer title={`${t('settings.numbers')} · ${account.name}`} form={form} saving={saving} onClose={onClose}>
      <Form.Item name="numbers" label={t('settings.numbers_hint')} rules={[{ required: true, message: t('common.required') }]}>
        <Input.TextArea autoSize={{ minRows: 10, maxRows: 24 }} />
      </Form.Item>
    </FormDrawer>
  )
}

type Open = { what: 'edit' | 'rates' | 'numbers'; account: CarrierAccount } | { what: 'new' }

export function Accounts() {
  const { t } = useTranslation()
  const { data, error, isPending, refetch } = useQuery(carriersQuery)
  const vendors = useQuery(vendorsQuery).data?.items ?? []
  const may = useMay('shops.manage')
  const [open, setOpen] = useState<Open>()
  const close = () => setOpen(undefined)
  const items = data?.items ?? []
  return (
    <section className="panel">
      <div className="panel-head">
        <h2>{t('settings.tab_accounts')}</h2>
        <span className="grow" />
        {may && (
          <Button icon={<PlusOutlined />} onClick={() => setOpen({ what: 'new' })}>
            {t('settings.account_new')}
          </Button>
        )}
      </div>
      {isPending ? (
        <SkeletonRows count={3} />
      ) : error && items.length === 0 ? (
        <ErrorState error={error} retry={() => void refetch()} />
      ) : items.length === 0 ? (
        <EmptyState title={t('settings.accounts_none')} hint={t('settings.accounts_none_do')} />
      ) : (
        <div className="table-wrap">
          <table className="plain">
            <thead>
              <tr>
                <th>{t('settings.name')}</th>
                <th>{t('settings.carrier')}</th>
                <th>{t('shops.state')}</th>
                <th aria-label={t('shops.actions')} />
              </tr>
            </thead>
            <tbody>
              {items.map((account) => {
                const vendor = vendors.find((entry) => entry.id === account.vendor)
                return (
                  <tr key={account.id}>
                    <td>{account.name}</td>
                    <td>
                      <span className="with-mark">
                        <VendorMark vendor={vendor} /> {vendor?.name[currentLanguage()] ?? account.vendor}
                      </span>
                    </td>
                    <td>
                      <Chip tone={account.active ? 'good' : 'idle'}>{account.active ? t('settings.in_use') : t('settings.not_in_use')}</Chip>
                    </td>
                    <td className="num">
                      <Space size={4}>
                        <Button size="small" onClick={() => setOpen({ what: 'rates', account })}>
                          {t('settings.rates')}
                        </Button>
                        {may && (
                          <>
                            <Button size="small" onClick={() => setOpen({ what: 'numbers', account })}>
                              {t('settings.numbers')}
                            </Button>
                            <Button size="small" onClick={() => setOpen({ what: 'edit', account })}>
                              {t('shops.edit')}
                            </Button>
                          </>
                        )}
                      </Space>
                    </td>
                  </tr>
                )
              })}
            </tbody>
          </table>
        </div>
      )}
      {open?.what === 'new' && <Edit account={undefined} onClose={close} />}
      {open?.what === 'edit' && <Edit key={open.account.id} account={open.account} onClose={close} />}
      {open?.what === 'numbers' && <Numbers key={open.account.id} account={open.account} onClose={close} />}
      {open?.what === 'rates' && <RateCard key={open.account.id} account={open.account} mayEdit={may} onClose={close} />}
    </section>
  )
}

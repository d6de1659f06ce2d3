import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Alert, Button, Drawer, Form, Input, Select, Space } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, body } from '@/api/client'
import { explain } from '@/api/problem'
import { vendorsQuery } from '@/api/shared'
import type { Shop, ShopChange } from '@/api/types'
import { ManifestFields } from '@/components/ManifestFields'
import { showTally } from '@/lib/tallies'
import { currentLanguage } from '@/locales'

interface Values {
  vendor: string
  name: string
  credentials?: Record<string, string | undefined>
  settings?: Record<string, string | undefined>
}

/** Only what was filled in: an empty field of a form is not an empty value. */
function filled(values: Record<string, string | undefined> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(values ?? {}).filter((entry): entry is [string, string] => Boolean(entry[1]?.trim())))
}

/** Connects a shop, or changes one. What was typed stays when the server refuses it. */
export function ShopDrawer({ shop, onClose }: { shop: Shop | undefined; onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [form] = Form.useForm<Values>()
  const vendors = (useQuery(vendorsQuery).data?.items ?? []).filter((vendor) => vendor.channel)
  const [vendorId, setVendorId] = useState(shop?.vendor)
  const vendor = vendors.find((entry) => entry.id === vendorId) ?? (shop ? undefined : vendors[0])

  const saving = useMutation({
    mutationFn: (values: Values) => {
      const credentials = filled(values.credentials)
      const settings = filled(values.settings)
      if (!shop) {
        return body<Shop>(api.POST('/api/v1/shops', { body: { vendor: vendor?.id ?? '', name: values.name, credentials, settings } }))
      }
      return body<Shop>(
        api.PATCH('/api/v1/shops/{id}', {
          params: { path: { id: shop.id }, header: { 'If-Match': String(shop.version) } },
          // What is not named stays as it is.
          body: { name: values.name, settings, ...(Object.keys(credentials).length > 0 ? { credentials } : {}) } as ShopChange,
        }),
      )
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['shops'] })
      showTally({ title: shop ? t('common.saved') : t('shops.connected'), tone: 'good', fleeting: true })
      onClose()
    },
  })
  const told = saving.error ? explain(saving.error, t) : undefined
  return (
    <Drawer
      open
      size={440}
      onClose={onClose}
      title={shop ? t('shops.edit_title', { name: shop.name }) : t('orders.connect_shop')}
      footer={
        <Space>
          <Button type="primary" loading={saving.isPending} onClick={() => form.submit()} data-testid="save-shop">
            {shop ? t('common.save') : t('shops.connect')}
          </Button>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
        </Space>
      }
    >
      <Form form={form} layout="vertical" onFinish={(values) => saving.mutate(values)} initialValues={{ name: shop?.name, settings: shop?.settings }}>
        {!shop && (
          <Form.Item label={t('shops.vendor')}>
            <Select
              value={vendor?.id}
              onChange={(id) => {
                setVendorId(id)
                form.resetFields(['credentials', 'settings'])
              }}
              options={vendors.map((entry) => ({ value: entry.id, label: entry.name[currentLanguage()] }))}
              aria-label={t('shops.vendor')}
            />
          </Form.Item>
        )}
        <Form.Item name="name" label={t('shops.shop_name')} rules={[{ required: true, message: t('common.required') }]}>
          <Input maxLength={60} />
        </Form.Item>
        {vendor && (
          <div key={vendor.id}>
            <h3>{t('shops.credentials')}</h3>
            <ManifestFields fields={vendor.credentials} under="credentials" keep={shop !== undefined} />
            {vendor.settings.length > 0 && <h3>{t('shops.settings')}</h3>}
            <ManifestFields fields={vendor.settings} under="settings" keep={false} />
            {vendor.docs_url && (
              <p>
                <a href={vendor.docs_url} target="_blank" rel="noreferrer">
                  {t('shops.docs')}
                </a>
              </p>
            )}
          </div>
        )}
        {told && <Alert type="error" showIcon title={told.title} description={told.detail} role="alert" />}
      </Form>
    </Drawer>
  )
}

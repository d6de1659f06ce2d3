import { PlusOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Button, Form, Input, InputNumber, Select, Switch } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, body } from '@/api/client'
import { useMay } from '@/api/session'
import { warehousesQuery } from '@/api/shared'
import type { Warehouse } from '@/api/types'
import { Chip } from '@/components/Chip'
import { EmptyState, ErrorState, SkeletonRows } from '@/components/States'
import { FormDrawer } from './FormDrawer'
import { useSave } from './useSave'

type Values = Omit<Warehouse, 'id' | 'version'>

const TEXTS = ['province', 'city', 'district', 'town', 'address', 'contact', 'phone'] as const

function Edit({ warehouse, onClose }: { warehouse: Warehouse | undefined; onClose: () => void }) {
  const { t } = useTranslation()
  const [form] = Form.useForm<Values>()
  const saving = useSave(
    warehousesQuery.queryKey,
    (values: Values) =>
      warehouse
        ? body(
            api.PUT('/api/v1/warehouses/{id}', {
              params: { path: { id: warehouse.id }, header: { 'If-Match': String(warehouse.version) } },
              // Another region has other coordinates: without them the server finds the region's own.
              body: { ...warehouse, ...values, ...(moved(warehouse, values) ? { lng_e6: null, lat_e6: null } : {}) },
            }),
          )
        : body(api.POST('/api/v1/warehouses', { body: values })),
    onClose,
  )
  return (
    <FormDrawer
      title={warehouse ? warehouse.name : t('settings.warehouse_new')}
      form={form}
      initial={warehouse ?? { kind: 'own', active: true, priority: 0, country: 'CN', pack_flow: 'print_then_pack' }}
      saving={saving}
      onClose={onClose}
    >
      <Form.Item name="code" label={t('settings.code')} rules={[{ required: true, message: t('common.required') }]}>
        <Input maxLength={40} />
      </Form.Item>
      <Form.Item name="name" label={t('settings.name')} rules={[{ required: true, message: t('common.required') }]}>
        <Input maxLength={60} />
      </Form.Item>
      <Form.Item name="kind" label={t('settings.kind')}>
        <Select options={(['own', 'third_party'] as const).map((value) => ({ value, label: t(`warehouse_kind.${value}`) }))} />
      </Form.Item>
      <Form.Item name="pack_flow" label={t('settings.pack_flow')}>
        <Select options={(['print_then_pack', 'pack_then_print'] as const).map((value) => ({ value, label: t(`pack_flow.${value}`) }))} />
      </Form.Item>
      {TEXTS.map((name) => (
        <Form.Item key={name} name={name} label={name === 'contact' ? t('settings.contact') : t(`recipient.${name}`)}>
          <Input />
        </Form.Item>
      ))}
      <Form.Item name="priority" label={t('settings.priority')}>
        <InputNumber precision={0} />
      </Form.Item>
      <Form.Item name="active" label={t('settings.active')} valuePropName="checked">
        <Switch />
      </Form.Item>
      <Form.Item name="country" hidden>
        <Input />
      </Form.Item>
    </FormDrawer>
  )
}

const moved = (was: Warehouse, now: Values) => (['province', 'city', 'district'] as const).some((key) => (was[key] ?? '') !== (now[key] ?? ''))

export function Warehouses() {
  const { t } = useTranslation()
  const { data, error, isPending, refetch } = useQuery(warehousesQuery)
  const may = useMay('shops.manage')
  const [edit, setEdit] = useState<Warehouse | 'new'>()
  const items = data?.items ?? []
  return (
    <section className="panel">
      <div className="panel-head">
        <h2>{t('settings.tab_warehouses')}</h2>
        <span className="grow" />
        {may && (
          <Button icon={<PlusOutlined />} onClick={() => setEdit('new')}>
            {t('settings.warehouse_new')}
          </Button>
        )}
      </div>
      {isPending ? (
        <SkeletonRows count={3} />
      ) : error && items.length === 0 ? (
        <ErrorState error={error} retry={() => void refetch()} />
      ) : items.length === 0 ? (
        <EmptyState title={t('settings.warehouses_none')} hint={t('settings.warehouses_none_do')} />
      ) : (
        <div className="table-wrap">
          <table className="plain">
            <thead>
              <tr>
                <th>{t('settings.code')}</th>
                <th>{t('settings.name')}</th>
                <th>{t('settings.kind')}</th>
                <th>{t('recipient.address')}</th>
                <th>{t('settings.pack_flow')}</th>
                <th className="num">{t('settings.priority')}</th>
                <th>{t('shops.state')}</th>
                <th aria-label={t('shops.actions')} />
              </tr>
            </thead>
            <tbody>
              {items.map((warehouse) => (
                <tr key={warehouse.id}>
                  <td>{warehouse.code}</td>
                  <td>{warehouse.name}</td>
                  <td>{t(`warehouse_kind.${warehouse.kind}`, { defaultValue: warehouse.kind })}</td>
                  <td>
                    {warehouse.province} {warehouse.city} {warehouse.district} {warehouse.address}
                  </td>
                  <td>{t(`pack_flow.${warehouse.pack_flow}`, { defaultValue: warehouse.pack_flow })}</td>
                  <td className="num">{warehouse.priority}</td>
                  <td>
                    <Chip tone={warehouse.active ? 'good' : 'idle'}>{warehouse.active ? t('settings.in_use') : t('settings.not_in_use')}</Chip>
                  </td>
                  <td className="num">
                    {may && (
                      <Button size="small" onClick={() => setEdit(warehouse)}>
                        {t('shops.edit')}
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {edit && <Edit key={edit === 'new' ? 'new' : edit.id} warehouse={edit === 'new' ? undefined : edit} onClose={() => setEdit(undefined)} />}
    </section>
  )
}

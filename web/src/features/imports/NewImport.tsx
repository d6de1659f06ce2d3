import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Alert, Form, Input, Modal, Radio, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiProblem, explain } from '@/api/problem'
import { shopsQuery } from '@/api/shared'
import type { ImportBatch } from '@/api/types'
import { columnsOf } from './header'
import { MappingEditor } from './MappingEditor'
import type { Mapping } from './preview'
import { preview, TREATMENTS, type Treatment, type Upload } from './queries'

interface Props {
  files: readonly File[]
  onClose: () => void
  onRead: (batch: ImportBatch, upload: Upload) => void
}

interface Values {
  shop: string
  name?: string
  treatAs: Treatment
  zone?: string
  currency?: string
}

/** A shop that is not there yet. */
const NEW = 'new'

const sizeOf = (bytes: number) => (bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`)

/** Whose orders the files hold and how to take them; then they are read, and shown before anything is written. */
export function NewImport({ files, onClose, onRead }: Props) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const shops = useQuery(shopsQuery).data?.items ?? []
  const [form] = Form.useForm<Values>()
  const shop = Form.useWatch('shop', form)
  const [columns, setColumns] = useState<string[]>([])
  const [mapping, setMapping] = useState<Mapping>()
  const reading = useMutation({
    mutationFn: async (values: Values) => {
      const upload: Upload = {
        files,
        ...(values.shop === NEW ? { shopName: values.name } : { shopId: values.shop }),
        treatAs: values.treatAs,
        zone: values.zone,
        currency: values.currency,
        mapping,
      }
      return { batch: await preview(upload), upload }
    },
    onError: async (error) => {
      // A layout that nobody knows is described by hand: what was chosen stays, the columns are offered.
      if (!(error instanceof ApiProblem) || error.code !== 'invalid' || columns.length > 0) return
      const found = [...new Set((await Promise.all(files.map(columnsOf))).flat())]
      setColumns(found)
      if (found.length > 0) setMapping({ columns: {} })
    },
    onSuccess: ({ batch, upload }) => {
      void client.invalidateQueries({ queryKey: ['imports'] })
      void client.invalidateQueries({ queryKey: ['shops'] })
      onRead(batch, upload.shopId ? upload : { ...upload, shopId: batch.shop_id ?? undefined })
    },
  })
  const told = reading.error ? explain(reading.error, t) : undefined
  return (
    <Modal
      open
      width={mapping ? 860 : 560}
      title={t('imports.new')}
      okText={t('imports.read')}
      cancelText={t('common.cancel')}
      confirmLoading={reading.isPending}
      onOk={() => form.submit()}
      onCancel={onClose}
      okButtonProps={{ 'data-testid': 'read-files' }}
    >
      <ul className="file-list">
        {files.map((file) => (
          <li key={`${file.name} ${file.size}`}>
            {file.name} <span className="muted">{sizeOf(file.size)}</span>
          </li>
        ))}
      </ul>
      <Form form={form} layout="vertical" initialValues={{ treatAs: 'by_status' }} onFinish={(values) => reading.mutate(values)} requiredMark={false}>
        <Form.Item name="shop" label={t('imports.into')} rules={[{ required: true, message: t('common.required') }]}>
          <Select
            optionFilterProp="label"
            placeholder={t('common.choose')}
            options={[{ value: NEW, label: t('imports.new_shop') }, ...shops.map((entry) => ({ value: entry.id, label: entry.name }))]}
          />
        </Form.Item>
        {shop === NEW && (
          <Form.Item name="name" label={t('shops.shop_name')} extra={t('imports.new_shop_hint')} rules={[{ required: true, message: t('common.required') }]}>
            <Input maxLength={60} autoFocus />
          </Form.Item>
        )}
        <Form.Item name="treatAs" label={t('imports.treat_as')}>
          <Radio.Group className="cause-choice" options={TREATMENTS.map((value) => ({ value, label: t(`imports.treat_${value}`) }))} />
        </Form.Item>
        <div className="two-fields">
          <Form.Item name="zone" label={t('imports.zone')}>
            <Input placeholder="Asia/Shanghai" autoComplete="off" />
          </Form.Item>
          <Form.Item name="currency" label={t('imports.currency')}>
            <Input placeholder="CNY" maxLength={3} autoComplete="off" />
          </Form.Item>
        </div>
        {told && <Alert type="error" showIcon title={told.title} description={told.detail} role="alert" />}
        {mapping && (
          <section className="by-hand">
            <h3>{t('imports.map_by_hand')}</h3>
            <MappingEditor columns={columns} mapping={mapping} readOnly={false} onChange={setMapping} />
          </section>
        )}
      </Form>
    </Modal>
  )
}

import { Alert, Button, Drawer, Form, Space, type FormInstance } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { explain } from '@/api/problem'

interface Props<Values> {
  title: string
  form: FormInstance<Values>
  initial?: Partial<Values>
  saving: { mutate: (values: Values) => void; isPending: boolean; error: unknown }
  width?: number
  onClose: () => void
  children: ReactNode
}

export function FormDrawer<Values extends object>({ title, form, initial, saving, width = 440, onClose, children }: Props<Values>) {
  const { t } = useTranslation()
  const told = saving.error ? explain(saving.error, t) : undefined
  return (
    <Drawer
      open
      size={width}
      onClose={onClose}
      title={title}
      footer={
        <Space>
          <Button type="primary" loading={saving.isPending} onClick={() => form.submit()}>
            {t('common.save')}
          </Button>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
        </Space>
      }
    >
      <Form<Values> form={form} layout="vertical" initialValues={initial} onFinish={(values) => saving.mutate(values)}>
        {children}
        {told && <Alert type="error" showIcon title={told.title} description={told.detail} role="alert" />}
      </Form>
    </Drawer>
  )
}

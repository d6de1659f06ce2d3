import { PlusOutlined } from '@ant-design/icons'
import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Alert, Button, Form, Input, Modal, Popconfirm, Select, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, body } from '@/api/client'
import { explain } from '@/api/problem'
import { useSession } from '@/api/session'
import { whole } from '@/api/shared'
import type { Token } from '@/api/types'
import { EmptyState, ErrorState, SkeletonRows } from '@/components/States'
import { showFailure } from '@/lib/outcome'
import { formatShort } from '@/lib/time'

const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: () => whole<Token>((query) => body(api.GET('/api/v1/tokens', { params: { query } }))),
})

interface Values {
  name: string
  scopes: string[]
}

/** Makes a token. Its secret is shown once: it cannot be read again, by anybody. */
function Make({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const session = useSession()
  const [form] = Form.useForm<Values>()
  const making = useMutation({
    mutationFn: (values: Values) => body<{ id: string; token: string }>(api.POST('/api/v1/tokens', { body: values })),
    onSuccess: () => client.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  })
  const told = making.error ? explain(making.error, t) : undefined
  const made = making.data?.token
  return (
    <Modal
      open
      title={t('settings.token_new')}
      onCancel={onClose}
      okText={made ? t('common.close') : t('settings.token_make')}
      cancelButtonProps={{ hidden: made !== undefined }}
      confirmLoading={making.isPending}
      onOk={() => (made ? onClose() : form.submit())}
    >
      {made ? (
        <Alert
          type="success"
          title={t('settings.token_once')}
          description={
            <Typography.Paragraph copyable className="token-once">
              {made}
            </Typography.Paragraph>
          }
        />
      ) : (
        <Form form={form} layout="vertical" initialValues={{ scopes: ['*'] }} onFinish={(values) => making.mutate(values)}>
          <Form.Item name="name" label={t('settings.token_name')} rules={[{ required: true, message: t('common.required') }]}>
            <Input maxLength={100} autoFocus />
          </Form.Item>
          <Form.Item name="scopes" label={t('settings.scopes')} rules={[{ required: true, message: t('common.required') }]}>
            <Select
              mode="multiple"
              optionFilterProp="label"
              options={[
                { value: '*', label: t('settings.scopes_all') },
                ...(session?.permissions ?? []).map((word) => ({ value: word, label: t(`permission.${word.replace('.', '_')}`, { defaultValue: word }) })),
              ]}
            />
          </Form.Item>
          {told && <Alert type="error" showIcon title={told.title} description={told.detail} role="alert" />}
        </Form>
      )}
    </Modal>
  )
}

export function Tokens() {
  const { t, i18n } = useTranslation()
  const client = useQueryClient()
  const { data, error, isPending, refetch } = useQuery(tokensQuery)
  const [make, setMake] = useState(false)
  const items = (data?.items ?? []).filter((token) => !token.revoked_at)
  const revoke = async (id: string) => {
    try {
      await body(api.DELETE('/api/v1/tokens/{id}', { params: { path: { id } } }))
    } catch (failure) {
      showFailure(failure, t('settings.token_revoke'), t)
    }
    await client.invalidateQueries({ queryKey: tokensQuery.queryKey })
  }
  return (
    <section className="panel">
      <div className="panel-head">
        <h2>{t('settings.tab_tokens')}</h2>
        <span className="grow" />
        <Button icon={<PlusOutlined />} onClick={() => setMake(true)}>
          {t('settings.token_new')}
        </Button>
      </div>
      {isPending ? (
        <SkeletonRows count={3} />
      ) : error ? (
        <ErrorState error={error} retry={() => void refetch()} />
      ) : items.length === 0 ? (
        <EmptyState title={t('settings.tokens_none')} hint={t('settings.tokens_none_do')} />
      ) : (
        <div className="table-wrap">
          <table className="plain">
            <thead>
              <tr>
                <th>{t('settings.token_name')}</th>
                <th>{t('settings.scopes')}</th>
                <th>{t('settings.since')}</th>
                <th>{t('settings.used')}</th>
                <th aria-label={t('shops.actions')} />
              </tr>
            </thead>
            <tbody>
              {items.map((token) => (
                <tr key={token.id}>
                  <td>{token.name}</td>
                  <td className="muted">{t('settings.scopes_count', { count: token.scopes.length })}</td>
                  <td>{formatShort(token.created_at, i18n.language)}</td>
                  <td>{formatShort(token.used_at, i18n.language)}</td>
                  <td className="num">
                    <Popconfirm title={t('settings.token_revoke_sure', { name: token.name })} onConfirm={() => void revoke(token.id)}>
                      <Button size="small" danger>
                        {t('settings.token_revoke')}
                      </Button>
                    </Popconfirm>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {make && <Make onClose={() => setMake(false)} />}
    </section>
  )
}

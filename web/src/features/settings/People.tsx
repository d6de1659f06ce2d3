import { PlusOutlined } from '@ant-design/icons'
import { queryOptions, useQuery } from '@tanstack/react-query'
import { Button, Checkbox, Form, Input, Select, Switch } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, body } from '@/api/client'
import { shopsQuery, usersQuery, warehousesQuery, whole } from '@/api/shared'
import type { Role, User } from '@/api/types'
import { Chip } from '@/components/Chip'
import { ErrorState, SkeletonRows } from '@/components/States'
import { formatShort } from '@/lib/time'
import { FormDrawer } from './FormDrawer'
import { useSave } from './useSave'

export const rolesQuery = queryOptions({
  queryKey: ['roles'],
  staleTime: 60_000,
  queryFn: () => whole<Role>((query) => body(api.GET('/api/v1/roles', { params: { query } }))),
})

const SHORTEST_PASSWORD = 10

interface Values {
  login: string
  name: string
  password?: string
  role: string
  shops: string[]
  warehouses: string[]
  enabled: boolean
}

function Edit({ user, onClose }: { user: User | undefined; onClose: () => void }) {
  const { t } = useTranslation()
  const [form] = Form.useForm<Values>()
  const roles = useQuery(rolesQuery).data?.items ?? []
  const shops = useQuery(shopsQuery).data?.items ?? []
  const warehouses = useQuery(warehousesQuery).data?.items ?? []
  const saving = useSave(
    usersQuery.queryKey,
    (values: Values) => {
      const some = (list: string[]) => (list.length > 0 ? list : null)
      if (!user) {
        const { enabled: _enabled, ...rest } = values
        return body(api.POST('/api/v1/users', { body: { ...rest, password: values.password ?? '', shops: some(values.shops), warehouses: some(values.warehouses) } }))
      }
      return body(
        api.PATCH('/api/v1/users/{id}', {
          params: { path: { id: user.id }, header: { 'If-Match': String(user.version) } },
          body: {
            name: values.name,
            role: values.role,
            disabled: !values.enabled,
            ...(values.password ? { password: values.password } : {}),
            ...(values.shops.length > 0 ? { shops: values.shops } : { all_shops: true }),
            ...(values.warehouses.length > 0 ? { warehouses: values.warehouses } : { all_warehouses: true }),
          },
        }),
      )
    },
    onClose,
  )
  return (
    <FormDrawer
      title={user ? user.name : t('settings.user_new')}
      form={form}
      initial={
        user
          ? { login: user.login, name: user.name, role: user.role, shops: user.shops ?? [], warehouses: user.warehouses ?? [], enabled: !user.disabled_at }
          : { role: 'auditor', shops: [], warehouses: [], enabled: true }
      }
      saving={saving}
      onClose={onClose}
    >
      <Form.Item name="login" label={t('sign_in.login')} rules={[{ required: true, message: t('common.required') }]}>
        <Input disabled={user !== undefined} autoComplete="off" maxLength={60} />
      </Form.Item>
      <Form.Item name="name" label={t('settings.name')} rules={[{ required: true, message: t('common.required') }]}>
        <Input maxLength={60} />
      </Form.Item>
      <Form.Item
        name="password"
        label={user ? t('settings.password_new') : t('sign_in.password')}
        extra={t('settings.password_hint', { length: SHORTEST_PASSWORD })}
        rules={[
          { required: !user, message: t('common.required') },
          { min: SHORTEST_PASSWORD, message: t('settings.password_hint', { length: SHORTEST_PASSWORD }) },
        ]}
      >
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Form.Item name="role" label={t('settings.role')} rules={[{ required: true }]}>
        <Select options={roles.map((role) => ({ value: role.name, label: t(`role.${role.name}`, { defaultValue: role.name }) }))} />
      </Form.Item>
      <Form.Item name="shops" label={t('settings.scope_shops')}>
        <Select mode="multiple" optionFilterProp="label" placeholder={t('settings.scope_all')} options={shops.map((shop) => ({ value: shop.id, label: shop.name }))} />
      </Form.Item>
      <Form.Item name="warehouses" label={t('settings.scope_warehouses')}>
        <Select mode="multiple" optionFilterProp="label" placeholder={t('settings.scope_all')} options={warehouses.map((entry) => ({ value: entry.id, label: entry.name }))} />
      </Form.Item>
      {user && (
        <Form.Item name="enabled" label={t('settings.active')} valuePropName="checked">
          <Switch />
        </Form.Item>
      )}
    </FormDrawer>
  )
}

/** A role is a name and what it may do; the server knows the permissions, the owner's role has all of them. */
function MakeRole({ roles, onClose }: { roles: readonly Role[]; onClose: () => void }) {
  const { t } = useTranslation()
  const [form] = Form.useForm<Pick<Role, 'name' | 'permissions'>>()
  const saving = useSave(rolesQuery.queryKey, (values: Pick<Role, 'name' | 'permissions'>) => body(api.POST('/api/v1/roles', { body: values })), onClose)
  const permissions = [...new Set(roles.flatMap((role) => role.permissions))]
  return (
    <FormDrawer title={t('settings.role_new')} form={form} initial={{ permissions: [] }} saving={saving} onClose={onClose}>
      <Form.Item name="name" label={t('settings.role_name')} rules={[{ required: true, message: t('common.required') }]}>
        <Input maxLength={60} autoFocus />
      </Form.Item>
      <Form.Item name="permissions" label={t('settings.role_permissions')} rules={[{ required: true, message: t('common.required') }]}>
        <Checkbox.Group className="column-choice" options={permissions.map((word) => ({ value: word, label: t(`permission.${word.replace('.', '_')}`, { defaultValue: word }) }))} />
      </Form.Item>
    </FormDrawer>
  )
}

export function People() {
  const { t, i18n } = useTranslation()
  const { data, error, isPending, refetch } = useQuery(usersQuery)
  const roles = useQuery(rolesQuery).data?.items ?? []
  const [edit, setEdit] = useState<User | 'new'>()
  const [newRole, setNewRole] = useState(false)
  return (
    <div className="stack">
      <section className="panel">
        <div className="panel-head">
          <h2>{t('settings.tab_people')}</h2>
          <span className="grow" />
          <Button icon={<PlusOutlined />} onClick={() => setEdit('new')}>
            {t('settings.user_new')}
          </Button>
        </div>
        {isPending ? (
          <SkeletonRows count={3} />
        ) : error ? (
          <ErrorState error={error} retry={() => void refetch()} />
        ) : (
          <div className="table-wrap">
            <table className="plain">
              <thead>
                <tr>
                  <th>{t('sign_in.login')}</th>
                  <th>{t('settings.name')}</th>
                  <th>{t('settings.role')}</th>
                  <th>{t('settings.since')}</th>
                  <th>{t('shops.state')}</th>
                  <th aria-label={t('shops.actions')} />
                </tr>
              </thead>
              <tbody>
                {(data?.items ?? []).map((user) => (
                  <tr key={user.id}>
                    <td>{user.login}</td>
                    <td>{user.name}</td>
                    <td>{t(`role.${user.role}`, { defaultValue: user.role })}</td>
                    <td>{formatShort(user.created_at, i18n.language)}</td>
                    <td>
                      <Chip tone={user.disabled_at ? 'idle' : 'good'}>{user.disabled_at ? t('settings.not_in_use') : t('settings.in_use')}</Chip>
                    </td>
                    <td className="num">
                      <Button size="small" onClick={() => setEdit(user)}>
                        {t('shops.edit')}
                      </Button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <section className="panel">
        <div className="panel-head">
          <h2>{t('settings.roles')}</h2>
          <span className="grow" />
          <Button icon={<PlusOutlined />} onClick={() => setNewRole(true)}>
            {t('settings.role_new')}
          </Button>
        </div>
        <div className="table-wrap">
          <table className="plain">
            <tbody>
              {roles.map((role) => (
                <tr key={role.name}>
                  <td>
                    <b>{t(`role.${role.name}`, { defaultValue: role.name })}</b> {role.built_in && <span className="muted">{t('settings.role_built_in')}</span>}
                  </td>
                  <td>
                    {role.permissions.map((permission) => (
                      <Chip key={permission}>{t(`permission.${permission.replace('.', '_')}`, { defaultValue: permission })}</Chip>
                    ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
      {newRole && <MakeRole roles={roles} onClose={() => setNewRole(false)} />}
      {edit && <Edit key={edit === 'new' ? 'new' : edit.id} user={edit === 'new' ? undefined : edit} onClose={() => setEdit(undefined)} />}
    </div>
  )
}

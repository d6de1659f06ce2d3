import { useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Alert, Button, Form, Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { explain } from '@/api/problem'
import { signIn } from '@/api/session'
import { LanguageSwitch } from '@/components/TopBar'

export default function SignInPage() {
  const { t } = useTranslation()
  const client = useQueryClient()
  const navigate = useNavigate()
  const { to } = useSearch({ from: '/sign-in' })
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()

  const submit = async ({ login, password }: { login: string; password: string }) => {
    setBusy(true)
    setError(undefined)
    try {
      await signIn(client, login, password)
      // Only a path of our own: a link that brings its own host goes nowhere.
      await navigate({ href: to?.startsWith('/') && !to.startsWith('//') ? to : '/' })
    } catch (failure) {
      setError(failure)
    } finally {
      setBusy(false)
    }
  }

  const told = error === undefined ? undefined : explain(error, t)
  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <header>
          <img src="/wharf.svg" alt="" width={32} height={32} />
          <h1>Wharf</h1>
          <span className="grow" />
          <LanguageSwitch />
        </header>
        <p className="muted">{t('sign_in.lead')}</p>
        <Form layout="vertical" onFinish={submit} requiredMark={false} disabled={busy}>
          <Form.Item name="login" label={t('sign_in.login')} rules={[{ required: true, message: t('sign_in.login_missing') }]}>
            <Input autoFocus autoComplete="username" size="large" />
          </Form.Item>
          <Form.Item name="password" label={t('sign_in.password')} rules={[{ required: true, message: t('sign_in.password_missing') }]}>
            <Input.Password autoComplete="current-password" size="large" />
          </Form.Item>
          {told && <Alert type="error" showIcon title={told.title} description={told.detail} className="sign-in-error" role="alert" />}
          <Button type="primary" htmlType="submit" block size="large" loading={busy}>
            {t('sign_in.submit')}
          </Button>
        </Form>
      </div>
    </main>
  )
}

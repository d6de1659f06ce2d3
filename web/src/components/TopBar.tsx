import { BulbOutlined, LogoutOutlined, QuestionCircleOutlined, SearchOutlined, TranslationOutlined, UserOutlined } from '@ant-design/icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Dropdown, Input, type InputRef } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { signOut, useSession } from '@/api/session'
import { shopsQuery } from '@/api/shared'
import { useKeys } from '@/lib/keys'
import { setTheme, useTheme, type ThemeChoice } from '@/lib/theme'
import { currentLanguage, setLanguage } from '@/locales'

/** One box for any number, name or code: it answers on the orders screen without a field to choose. */
function SearchBox() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { q } = useSearch({ strict: false })
  const [text, setText] = useState(q ?? '')
  const box = useRef<InputRef>(null)
  useEffect(() => setText(q ?? ''), [q])
  useKeys('global', { search: () => box.current?.focus({ cursor: 'all' }) })
  const go = () => {
    void navigate({ to: '/orders', search: (was) => ({ ...(text ? {} : was), q: text.trim() || undefined, order: undefined }) })
    box.current?.blur()
  }
  return (
    <Input
      ref={box}
      className="search"
      value={text}
      onChange={(event) => setText(event.target.value)}
      onPressEnter={go}
      onKeyDown={(event) => event.key === 'Escape' && box.current?.blur()}
      onClear={() => void navigate({ to: '/orders', search: (was) => ({ ...was, q: undefined }) })}
      prefix={<SearchOutlined aria-hidden />}
      suffix={<kbd>/</kbd>}
      placeholder={t('shell.search_hint')}
      aria-label={t('shell.search')}
      allowClear
    />
  )
}

function ShopHealth() {
  const { t } = useTranslation()
  const { data } = useQuery(shopsQuery)
  const shops = data?.items ?? []
  const silent = shops.filter((shop) => shop.health !== 'ok').length
  return (
    <Link to="/shops" className="health" data-testid="shop-health">
      <span className="ink-good">● {t('shell.shops_ok', { count: shops.length - silent })}</span>
      {silent > 0 && <span className="ink-bad">▲ {t('shell.shops_silent', { count: silent })}</span>}
    </Link>
  )
}

export function LanguageSwitch() {
  const { t } = useTranslation()
  const next = currentLanguage() === 'en' ? 'zh-CN' : 'en'
  return (
    <Button type="text" icon={<TranslationOutlined />} onClick={() => void setLanguage(next)} aria-label={t('shell.language')} data-testid="language">
      {next === 'en' ? 'EN' : '中'}
    </Button>
  )
}

function UserMenu() {
  const { t } = useTranslation()
  const session = useSession()
  const client = useQueryClient()
  const navigate = useNavigate()
  const { choice } = useTheme()
  const leave = async () => {
    await signOut(client)
    await navigate({ to: '/sign-in', search: { to: undefined } })
  }
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        selectedKeys: [`theme-${choice}`],
        items: [
          { key: 'who', type: 'group', label: `${session?.user.name ?? ''} · ${session?.user.login ?? ''}` },
          ...(['light', 'dark', 'system'] as ThemeChoice[]).map((theme) => ({
            key: `theme-${theme}`,
            icon: <BulbOutlined />,
            label: t(`shell.theme_${theme}`),
            onClick: () => setTheme(theme),
          })),
          { type: 'divider' },
          {
            key: 'keys',
            icon: <QuestionCircleOutlined />,
            label: t('shell.keys_title'),
            onClick: () => window.dispatchEvent(new KeyboardEvent('keydown', { key: '?' })),
          },
          { key: 'leave', icon: <LogoutOutlined />, label: t('shell.sign_out'), onClick: () => void leave() },
        ],
      }}
    >
      <Button type="text" icon={<UserOutlined />} aria-label={t('shell.user_menu')} data-testid="user-menu" />
    </Dropdown>
  )
}

export function TopBar() {
  return (
    <header className="topbar">
      <SearchBox />
      <span className="grow" />
      <ShopHealth />
      <LanguageSwitch />
      <UserMenu />
    </header>
  )
}

import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/session'
import { Accounts } from './Accounts'
import { Audit } from './Audit'
import { People } from './People'
import { Policies } from './Policies'
import { Tokens } from './Tokens'
import { Warehouses } from './Warehouses'
import './settings.css'

const TABS = { warehouses: Warehouses, accounts: Accounts, policies: Policies, people: People, tokens: Tokens, audit: Audit } as const
type TabKey = keyof typeof TABS

export function SettingsPage() {
  const { t } = useTranslation()
  const [tab, setTab] = useState<TabKey>('warehouses')
  const people = useMay('users.manage')
  const audit = useMay('audit.read')
  const Body = TABS[tab]
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t('places.settings')}</h1>
        <span className="grow" />
        <a href="/docs" target="_blank" rel="noreferrer">
          {t('settings.api_docs')}
        </a>
      </div>
      <div role="tablist" className="tabs" aria-label={t('places.settings')}>
        {(Object.keys(TABS) as TabKey[])
          .filter((key) => (people || key !== 'people') && (audit || key !== 'audit'))
          .map((key) => (
            <button key={key} type="button" role="tab" aria-selected={tab === key} className={tab === key ? 'tab active' : 'tab'} onClick={() => setTab(key)} data-tab={key}>
              {t(`settings.tab_${key}`)}
            </button>
          ))}
      </div>
      <Body />
    </div>
  )
}

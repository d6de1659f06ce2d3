import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, body } from '@/api/client'
import { usersQuery } from '@/api/shared'
import { useMay } from '@/api/session'
import type { AuditEntry, Page } from '@/api/types'
import type { Column } from '@/components/DataTable'
import { PagedList } from '@/components/PagedList'
import { useNarrow } from '@/lib/media'
import { pagedQuery } from '@/lib/pages'
import { formatLong, formatShort } from '@/lib/time'

/** Actions that can be chosen; others are shown by their own word. */
const ACTIONS = [
  'personal_opened',
  'orders_exported',
  'user_created',
  'user_changed',
  'role_created',
  'token_created',
  'token_revoked',
  'import.committed',
  'import.withdrawn',
  'jobs_retried',
  'jobs_discarded',
  'parked_dismissed',
] as const

interface Filter {
  user?: string
  action?: string
}

const auditQuery = (filter: Filter) =>
  pagedQuery<AuditEntry>(['audit', filter], (cursor, signal) =>
    body<Page<AuditEntry>>(api.GET('/api/v1/audit', { params: { query: { ...filter, limit: 100, cursor } }, signal })),
  )

const detailOf = (entry: AuditEntry): string =>
  Object.entries(entry.detail ?? {})
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' · ')

/** Who opened what, changed whom, let what out: newest first. */
export function Audit() {
  const { t, i18n } = useTranslation()
  const narrow = useNarrow()
  const [filter, setFilter] = useState<Filter>({})
  const people = useMay('users.manage')
  const users = useQuery({ ...usersQuery, enabled: people }).data?.items ?? []
  const list = useInfiniteQuery(auditQuery(filter))
  const words = (action: string) => t(`audit.${action.replaceAll('.', '_')}`, { defaultValue: action })
  const target = (entry: AuditEntry) => [t(`target.${entry.target_kind}`, { defaultValue: entry.target_kind }), entry.target_id].filter(Boolean).join(' ')
  const change = (patch: Filter) => setFilter(Object.fromEntries(Object.entries({ ...filter, ...patch }).filter(([, value]) => value !== undefined)))
  const columns: Column<AuditEntry>[] = [
    { key: 'at', title: t('stock.at'), width: '168px', render: (entry) => formatLong(entry.at, i18n.language) },
    { key: 'who', title: t('settings.audit_who'), width: 'minmax(100px, 0.6fr)', render: (entry) => entry.actor || '—' },
    { key: 'what', title: t('settings.audit_what'), width: 'minmax(130px, 0.8fr)', render: (entry) => words(entry.action) },
    { key: 'target', title: t('settings.audit_target'), width: 'minmax(190px, 1fr)', render: target },
    { key: 'detail', title: t('settings.audit_detail'), width: 'minmax(180px, 1.4fr)', render: (entry) => <span title={detailOf(entry)}>{detailOf(entry) || '—'}</span> },
    { key: 'from', title: t('settings.audit_from'), width: '130px', render: (entry) => <span className="muted">{entry.address || '—'}</span> },
  ]
  return (
    <section className="panel audit">
      <div className="panel-head">
        <h2>{t('settings.tab_audit')}</h2>
        <span className="grow" />
        {people && (
          <Select
            className="filter"
            value={filter.user ?? null}
            onChange={(user) => change({ user: user ?? undefined })}
            options={users.map((user) => ({ value: user.id, label: user.name }))}
            placeholder={t('settings.audit_who')}
            aria-label={t('settings.audit_who')}
            popupMatchSelectWidth={180}
            allowClear
          />
        )}
        <Select
          className="filter"
          value={filter.action ?? null}
          onChange={(action) => change({ action: action ?? undefined })}
          options={ACTIONS.map((action) => ({ value: action, label: words(action) }))}
          placeholder={t('settings.audit_action')}
          aria-label={t('settings.audit_action')}
          popupMatchSelectWidth={200}
          allowClear
        />
      </div>
      <PagedList
        label={t('settings.tab_audit')}
        list={list}
        rowKey={(entry) => entry.id}
        columns={columns}
        narrow={narrow}
        compact={(entry) => (
          <>
            <div className="compact-line">
              <b>{words(entry.action)}</b>
              <span className="grow" />
              <span className="muted">{formatShort(entry.at, i18n.language)}</span>
            </div>
            <div className="compact-line clip">
              {entry.actor} · {target(entry)}
            </div>
            <div className="compact-line clip muted">{detailOf(entry)}</div>
          </>
        )}
        empty={{ title: t('settings.audit_none'), hint: t('settings.audit_none_do') }}
      />
    </section>
  )
}

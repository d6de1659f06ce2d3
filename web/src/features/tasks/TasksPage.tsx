import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/session'
import { shopsQuery } from '@/api/shared'
import { parseTasksTab, TASK_TABS, type TasksTab } from '@/lib/tasks-search'
import { OpenAlerts } from './OpenAlerts'
import { DeadJobs } from './DeadJobs'
import { Operations } from './Operations'
import { ParkedOrders } from './ParkedOrders'
import { lanesQuery } from './queries'

const BODIES = { operations: Operations, alerts: OpenAlerts, jobs: DeadJobs, parked: ParkedOrders } as const

/** Work under way, work that gave up, orders that could not be read: what a person must look at is counted on the tab. */
export function TasksPage() {
  const { t } = useTranslation()
  const search = useSearch({ from: '/guarded/shell/tasks' })
  const navigate = useNavigate({ from: '/tasks' })
  const manage = useMay('shops.manage')
  const read = useMay('shops.read')
  const lanes = useQuery({ ...lanesQuery, enabled: manage }).data?.items ?? []
  const shops = useQuery({ ...shopsQuery, enabled: read }).data?.items ?? []
  const allowed: Record<TasksTab, boolean> = { operations: true, alerts: true, jobs: manage, parked: read }
  const counts: Partial<Record<TasksTab, number>> = {
    jobs: lanes.reduce((sum, lane) => sum + lane.dead, 0),
    parked: shops.reduce((sum, shop) => sum + shop.parked, 0),
  }
  const tab = parseTasksTab(search.tab)
  const Body = BODIES[allowed[tab] ? tab : 'operations']
  return (
    <div className="list-page">
      <div className="list-head">
        <h1>{t('places.tasks')}</h1>
        <div role="tablist" className="tab-row" aria-label={t('places.tasks')}>
          {TASK_TABS.filter((key) => allowed[key]).map((key) => (
            <button key={key} type="button" role="tab" aria-selected={tab === key} className={tab === key ? 'tab active' : 'tab'} onClick={() => void navigate({ search: { tab: key }, replace: true })} data-tab={key}>
              {t(`tasks.tab_${key}`)} {counts[key] ? <b className="ink-bad">{counts[key]}</b> : null}
            </button>
          ))}
        </div>
      </div>
      <Body />
    </div>
  )
}

import { Link, Outlet } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Alerts } from '@/components/Alerts'
import { EmptyState } from '@/components/States'
import { HelpOverlay } from '@/components/HelpOverlay'
import { Rail } from '@/components/Rail'
import { TallyCards } from '@/components/TallyCards'
import { TopBar } from '@/components/TopBar'

export function Root() {
  return (
    <>
      <Outlet />
      <TallyCards />
    </>
  )
}

export function NotFound() {
  const { t } = useTranslation()
  return <EmptyState title={t('shell.not_found')} hint={t('shell.not_found_do')} action={<Link to="/">{t('places.home')}</Link>} />
}

/** Rail, bar and place. */
export function Shell() {
  return (
    <div className="shell">
      <Rail />
      <div className="shell-main">
        <TopBar />
        <Alerts />
        <main className="place">
          <Outlet />
        </main>
      </div>
      <HelpOverlay />
    </div>
  )
}

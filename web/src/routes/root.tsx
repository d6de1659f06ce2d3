import { Outlet } from '@tanstack/react-router'
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

/** Rail, bar and place. */
export function Shell() {
  return (
    <div className="shell">
      <Rail />
      <div className="shell-main">
        <TopBar />
        <main className="place">
          <Outlet />
        </main>
      </div>
      <HelpOverlay />
    </div>
  )
}

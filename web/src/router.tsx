import { createRootRoute, createRoute, createRouter, lazyRouteComponent, parseSearchWith, redirect, stringifySearchWith } from '@tanstack/react-router'
import { onSignedOut } from './api/client'
import { sessionQuery } from './api/session'
import { ErrorState, LoadingState } from './components/States'
import { queryClient } from './lib/queries'
import { parseOrdersSearch } from './lib/orders-search'
import { parseTasksTab, type TasksTab } from './lib/tasks-search'
import { NotFound, Root, Shell } from './routes/root'

const root = createRootRoute({ component: Root, errorComponent: ({ error, reset }) => <ErrorState error={error} retry={reset} /> })

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (search: Record<string, unknown>) => ({ to: typeof search.to === 'string' ? search.to : undefined }),
  component: lazyRouteComponent(() => import('./routes/sign-in')),
})

const guarded = createRoute({
  getParentRoute: () => root,
  id: 'guarded',
  beforeLoad: async ({ location }) => {
    const session = await queryClient.ensureQueryData(sessionQuery)
    if (!session) throw redirect({ to: '/sign-in', search: { to: location.href } })
  },
})

// The pack station fills the screen: it has no rail and no bar.
const pack = createRoute({
  getParentRoute: () => guarded,
  path: '/pack',
  component: lazyRouteComponent(() => import('./routes/pack')),
})

const shell = createRoute({ getParentRoute: () => guarded, id: 'shell', component: Shell })

const home = createRoute({
  getParentRoute: () => shell,
  path: '/',
  component: lazyRouteComponent(() => import('./routes/home')),
})
const orders = createRoute({
  getParentRoute: () => shell,
  path: '/orders',
  validateSearch: parseOrdersSearch,
  component: lazyRouteComponent(() => import('./routes/orders')),
})
const print = createRoute({
  getParentRoute: () => shell,
  path: '/print',
  component: lazyRouteComponent(() => import('./routes/print')),
})
const stock = createRoute({
  getParentRoute: () => shell,
  path: '/stock',
  validateSearch: (search: Record<string, unknown>) => ({ q: typeof search.q === 'string' ? search.q : undefined }),
  component: lazyRouteComponent(() => import('./routes/stock')),
})
const shipments = createRoute({
  getParentRoute: () => shell,
  path: '/shipments',
  validateSearch: (search: Record<string, unknown>) => ({ q: typeof search.q === 'string' ? search.q : undefined }),
  component: lazyRouteComponent(() => import('./routes/shipments')),
})
const shops = createRoute({
  getParentRoute: () => shell,
  path: '/shops',
  component: lazyRouteComponent(() => import('./routes/shops')),
})
const tasks = createRoute({
  getParentRoute: () => shell,
  path: '/tasks',
  validateSearch: (search: Record<string, unknown>): { tab?: TasksTab } => ({ tab: search.tab === undefined ? undefined : parseTasksTab(search.tab) }),
  component: lazyRouteComponent(() => import('./routes/tasks')),
})
const imports = createRoute({
  getParentRoute: () => shell,
  path: '/imports',
  validateSearch: (search: Record<string, unknown>) => ({ id: typeof search.id === 'string' ? search.id : undefined }),
  component: lazyRouteComponent(() => import('./routes/imports')),
})
const settings = createRoute({
  getParentRoute: () => shell,
  path: '/settings',
  component: lazyRouteComponent(() => import('./routes/settings')),
})

/** Ids are longer than a number can hold: in a URL only lists and quoted texts are JSON, the rest stays text. */
function parseValue(text: string): unknown {
  if (!/^[[{"]/.test(text)) throw new SyntaxError('plain text')
  return JSON.parse(text)
}

export const router = createRouter({
  parseSearch: parseSearchWith(parseValue),
  stringifySearch: stringifySearchWith(JSON.stringify, parseValue),
  routeTree: root.addChildren([
    signIn,
    guarded.addChildren([pack, shell.addChildren([home, orders, print, stock, shipments, shops, imports, tasks, settings])]),
  ]),
  defaultNotFoundComponent: NotFound,
  defaultPendingComponent: LoadingState,
  defaultPendingMs: 300,
  defaultPreload: 'intent',
  scrollRestoration: false,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

onSignedOut(() => {
  queryClient.setQueryData(sessionQuery.queryKey, null)
  const { pathname, href } = router.state.location
  if (pathname !== '/sign-in') void router.navigate({ to: '/sign-in', search: { to: href } })
})

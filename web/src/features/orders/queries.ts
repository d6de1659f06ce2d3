import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api, body } from '@/api/client'
import type { ActionAnswer, Selection, Counts, OrderDetail, OrderRow, Page, Recipient } from '@/api/types'
import type { Begun } from '@/api/operations'
import type { ActionName } from './actions'
import { withoutPhase, type OrderFilter } from './filter'

const PAGE = 100

export const ordersQuery = (filter: OrderFilter) =>
  infiniteQueryOptions({
    queryKey: ['orders', 'list', filter],
    initialPageParam: undefined as string | undefined,
    staleTime: 60_000,
    queryFn: ({ pageParam, signal }) =>
      body<Page<OrderRow>>(api.GET('/api/v1/orders', { params: { query: { ...filter, limit: PAGE, cursor: pageParam } }, signal })),
    getNextPageParam: (page) => page.next ?? undefined,
  })

export const countsQuery = (filter: OrderFilter) =>
  queryOptions({
    queryKey: ['orders', 'counts', withoutPhase(filter)],
    staleTime: 5_000,
    // The stream tells of changes; this is the net under it.
    refetchInterval: 30_000,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => body<Counts>(api.GET('/api/v1/orders/counts', { params: { query: withoutPhase(filter) }, signal })),
  })

export const orderQuery = (id: string) =>
  queryOptions({
    queryKey: ['orders', 'one', id],
    staleTime: 5_000,
    queryFn: ({ signal }) => body<OrderDetail>(api.GET('/api/v1/orders/{id}', { params: { path: { id } }, signal })),
  })

export type Target = { ids: string[] } | { filter: OrderFilter }

export interface ActionRequest {
  name: ActionName | string
  target: Target
  /** Fields of the action's own. */
  fields?: Record<string, unknown>
  dryRun?: boolean
}

export function runAction({ name, target, fields, dryRun = false }: ActionRequest): Promise<Begun> {
  return body<Begun>(
    // One call for all actions: they differ in the fields that their forms give.
    api.POST(`/api/v1/orders/actions/${name}` as '/api/v1/orders/actions/approve', {
      body: { ...target, ...fields, dry_run: dryRun } as Selection,
    }),
  )
}

/** What an action would do: nothing is changed, the answer comes at once. */
export function rehearse(request: ActionRequest): Promise<ActionAnswer> {
  return runAction({ ...request, dryRun: true }) as Promise<ActionAnswer>
}

/** Opens the recipient on purpose; the server logs who did. */
export function openRecipient(id: string): Promise<Recipient> {
  return body<Recipient>(api.POST('/api/v1/orders/{id}/recipient', { params: { path: { id } } }))
}

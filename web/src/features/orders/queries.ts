import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api, body } from '@/api/client'
import type { Selection, ActionAnswer, Counts, Operation, OperationDetail, OrderDetail, OrderRow, Page, Recipient } from '@/api/types'
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

export async function runAction({ name, target, fields, dryRun = false }: ActionRequest): Promise<ActionAnswer> {
  const answer = await body<ActionAnswer | Operation>(
    // One call for all actions: they differ in the fields that their forms give.
    api.POST(`/api/v1/orders/actions/${name}` as '/api/v1/orders/actions/approve', {
      body: { ...target, ...fields, dry_run: dryRun } as Selection,
    }),
  )
  return 'operation_state' in answer ? finished(answer.id) : answer
}

/** How often a long operation is asked how far it is. */
const ASK_MS = 700
/** Pages of refusals that are shown of a long operation. */
const REFUSAL_PAGES = 10

/** Waits for a long operation, and answers as a short one would: the exact tally, and the refusals. */
async function finished(id: string): Promise<ActionAnswer> {
  const read = (cursor?: string) =>
    body<OperationDetail>(api.GET('/api/v1/operations/{id}', { params: { path: { id }, query: { limit: 200, cursor } } }))
  let operation = await read()
  while (operation.operation_state === 'running') {
    await new Promise((resolve) => setTimeout(resolve, ASK_MS))
    operation = await read()
  }
  const results = operation.results.items.filter((result) => result.outcome === 'refused')
  let next = operation.results.next
  for (let page = 1; next && page < REFUSAL_PAGES && results.length < operation.tally.refused; page += 1) {
    const more = await read(next)
    results.push(...more.results.items.filter((result) => result.outcome === 'refused'))
    next = more.results.next
  }
  return { results, tally: operation.tally, operation_id: operation.id, undo_until: operation.undo_until ?? undefined }
}

/** Opens the recipient on purpose; the server logs who did. */
export function openRecipient(id: string): Promise<Recipient> {
  return body<Recipient>(api.POST('/api/v1/orders/{id}/recipient', { params: { path: { id } } }))
}

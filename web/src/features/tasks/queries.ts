import { queryOptions } from '@tanstack/react-query'
import { api, body } from '@/api/client'
import { whole } from '@/api/shared'
import type { Alert, DeadJob, LaneDepth, Operation, Page, Parked } from '@/api/types'
import { pagedQuery } from '@/lib/pages'

const PAGE = 50

export const operationsQuery = pagedQuery<Operation>(['operations', 'list'], (cursor, signal) =>
  body<Page<Operation>>(api.GET('/api/v1/operations', { params: { query: { limit: PAGE, cursor } }, signal })),
)

export const deadJobsQuery = pagedQuery<DeadJob>(['jobs', 'dead'], (cursor, signal) =>
  body<Page<DeadJob>>(api.GET('/api/v1/jobs/dead', { params: { query: { limit: PAGE, cursor } }, signal })),
)

export const lanesQuery = queryOptions({
  queryKey: ['jobs', 'lanes'],
  staleTime: 5_000,
  refetchInterval: 15_000,
  queryFn: () => whole<LaneDepth>((query) => body(api.GET('/api/v1/jobs', { params: { query } }))),
})

export const alertsQuery = pagedQuery<Alert>(['alerts', 'list'], (cursor, signal) =>
  body<Page<Alert>>(api.GET('/api/v1/alerts', { params: { query: { limit: PAGE, cursor } }, signal })),
)

export const parkedQuery = pagedQuery<Parked>(['parked'], (cursor, signal) =>
  body<Page<Parked>>(api.GET('/api/v1/parked', { params: { query: { limit: PAGE, cursor } }, signal })),
)

export function retryJobs(ids: string[]) {
  return body(api.POST('/api/v1/jobs/actions/retry', { body: { ids } }))
}

export function discardJobs(ids: string[]) {
  return body(api.POST('/api/v1/jobs/actions/discard', { body: { ids } }))
}

/** Reads what is parked of a shop again from the channel. */
export function retryParked(shop: string) {
  return body(api.POST('/api/v1/parked/actions/retry', { body: { shop_id: shop } }))
}

export function dismissParked(id: string) {
  return body(api.POST('/api/v1/parked/{id}/actions/dismiss', { params: { path: { id } } }))
}

/** Lists that many places need: shops, warehouses, carriers. Features do not import one another; they meet here. */
import { queryOptions } from '@tanstack/react-query'
import { api, body } from './client'
import type { Alert, CarrierAccount, CompletenessHour, Page, Shop, User, Vendor, Warehouse } from './types'

/** Rows of a page of a list that is wanted whole. */
const ALL_AT_ONCE = 200

/** A short list, whole: its pages one behind the other until there is none. */
export async function whole<Item>(load: (page: { limit: number; cursor?: string }) => Promise<Page<Item>>): Promise<Page<Item>> {
  const items: Item[] = []
  let cursor: string | undefined
  do {
    const page = await load({ limit: ALL_AT_ONCE, cursor })
    items.push(...page.items)
    cursor = page.next ?? undefined
  } while (cursor)
  return { items, next: null }
}

export const shopsQuery = queryOptions({
  queryKey: ['shops'],
  staleTime: 15_000,
  refetchInterval: 30_000,
  queryFn: () => whole<Shop>((query) => body(api.GET('/api/v1/shops', { params: { query } }))),
})

/** Parcels that have left and that a channel has not taken for too long, by shop. */
export const unconfirmedQuery = queryOptions({
  queryKey: ['alerts', 'unconfirmed'],
  staleTime: 30_000,
  refetchInterval: 60_000,
  queryFn: () => body<Page<Alert>>(api.GET('/api/v1/alerts', { params: { query: { kind: 'unconfirmed' } } })),
})

export const warehousesQuery = queryOptions({
  queryKey: ['warehouses'],
  staleTime: 60_000,
  queryFn: () => whole<Warehouse>((query) => body(api.GET('/api/v1/warehouses', { params: { query } })) as Promise<Page<Warehouse>>),
})

export const carriersQuery = queryOptions({
  queryKey: ['carrier-accounts'],
  staleTime: 60_000,
  queryFn: () => whole<CarrierAccount>((query) => body(api.GET('/api/v1/carrier-accounts', { params: { query } }))),
})

export const usersQuery = queryOptions({
  queryKey: ['users'],
  staleTime: 60_000,
  queryFn: () => whole<User>((query) => body(api.GET('/api/v1/users', { params: { query } }))),
})

export const completenessQuery = (shop: string) =>
  queryOptions({
    queryKey: ['shops', 'completeness', shop],
    staleTime: 30_000,
    refetchInterval: 60_000,
    queryFn: () =>
      whole<CompletenessHour>((page) =>
        body(api.GET('/api/v1/shops/{id}/completeness', { params: { path: { id: shop }, query: { hours: 24, ...page } } })),
      ),
  })

export const vendorsQuery = queryOptions({
  queryKey: ['vendors'],
  staleTime: Infinity,
  queryFn: () => whole<Vendor>((query) => body(api.GET('/api/v1/vendors', { params: { query } }))),
})

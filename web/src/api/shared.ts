/** Lists that many places need: shops, warehouses, carriers. Features do not import one another; they meet here. */
import { queryOptions } from '@tanstack/react-query'
import { api, body } from './client'
import type { Alert, CarrierAccount, CompletenessHour, Page, Shop, User, Vendor, Warehouse } from './types'

/** A short list may come whole: it reads the same as a page that is the last. */
export function listOf<Item>(answer: Page<Item> | Item[]): Page<Item> {
  return Array.isArray(answer) ? { items: answer, next: null } : answer
}

export const shopsQuery = queryOptions({
  queryKey: ['shops'],
  staleTime: 15_000,
  refetchInterval: 30_000,
  queryFn: async () => listOf<Shop>(await body(api.GET('/api/v1/shops', {}))),
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
  queryFn: async () => listOf<Warehouse>((await body(api.GET('/api/v1/warehouses', {}))) as Warehouse[]),
})

export const carriersQuery = queryOptions({
  queryKey: ['carrier-accounts'],
  staleTime: 60_000,
  queryFn: async () => listOf<CarrierAccount>(await body(api.GET('/api/v1/carrier-accounts', {}))),
})

export const usersQuery = queryOptions({
  queryKey: ['users'],
  staleTime: 60_000,
  queryFn: async () => listOf<User>(await body(api.GET('/api/v1/users', {}))),
})

export const completenessQuery = (shop: string) =>
  queryOptions({
    queryKey: ['shops', 'completeness', shop],
    staleTime: 30_000,
    refetchInterval: 60_000,
    queryFn: async () =>
      listOf<CompletenessHour>(await body(api.GET('/api/v1/shops/{id}/completeness', { params: { path: { id: shop }, query: { hours: 24 } } }))),
  })

export const vendorsQuery = queryOptions({
  queryKey: ['vendors'],
  staleTime: Infinity,
  queryFn: async () => listOf<Vendor>(await body(api.GET('/api/v1/vendors', {}))),
})

/** Lists that many places need: shops, warehouses, carriers. Features do not import one another; they meet here. */
import { queryOptions } from '@tanstack/react-query'
import { api, body } from './client'
import type { CarrierAccount, Page, Shop, User, Warehouse } from './types'

export const shopsQuery = queryOptions({
  queryKey: ['shops'],
  staleTime: 15_000,
  refetchInterval: 30_000,
  queryFn: () => body<Page<Shop>>(api.GET('/api/v1/shops', { params: { query: { limit: 200 } } })),
})

export const warehousesQuery = queryOptions({
  queryKey: ['warehouses'],
  staleTime: 60_000,
  queryFn: () => body<Page<Warehouse>>(api.GET('/api/v1/warehouses', { params: { query: { limit: 200 } } })),
})

export const carriersQuery = queryOptions({
  queryKey: ['carrier-accounts'],
  staleTime: 60_000,
  queryFn: () => body<Page<CarrierAccount>>(api.GET('/api/v1/carrier-accounts', { params: { query: { limit: 200 } } })),
})

export const tagsQuery = queryOptions({
  queryKey: ['tags'],
  staleTime: 60_000,
  queryFn: () => body<Page<string>>(api.GET('/api/v1/tags', {})),
})

export const usersQuery = queryOptions({
  queryKey: ['users'],
  staleTime: 60_000,
  queryFn: () => body<Page<User>>(api.GET('/api/v1/users', { params: { query: { limit: 200 } } })),
})

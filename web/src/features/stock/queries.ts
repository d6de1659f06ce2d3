import { queryOptions } from '@tanstack/react-query'
import { api, body } from '@/api/client'
import type { Page, StockExplanation, StockRow } from '@/api/types'
import { pagedQuery } from '@/lib/pages'

export interface StockFilter {
  q?: string
  warehouse?: string
  low?: boolean
}

export const stockQuery = (filter: StockFilter) =>
  pagedQuery(['stock', 'list', filter], (cursor, signal) =>
    body<Page<StockRow>>(api.GET('/api/v1/stock', { params: { query: { ...filter, sort: 'available', limit: 100, cursor } }, signal })),
  )

export const explainQuery = (sku: string) =>
  queryOptions({
    queryKey: ['stock', 'explain', sku],
    queryFn: () => body<StockExplanation>(api.GET('/api/v1/stock/{sku}/explain', { params: { path: { sku } } })),
  })

export interface NewMovement {
  sku: string
  warehouse_id: string
  kind: 'received' | 'adjusted' | 'counted' | 'returned'
  quantity: number
  note: string
}

export function move(movement: NewMovement): Promise<StockRow> {
  return body<StockRow>(api.POST('/api/v1/stock/movements', { body: movement }))
}

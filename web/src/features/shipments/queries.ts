import { queryOptions } from '@tanstack/react-query'
import { api, body } from '@/api/client'
import type { ActionAnswer, Page, PrintEntry, Shipment } from '@/api/types'
import { pagedQuery } from '@/lib/pages'

export interface ShipmentFilter {
  state?: string[]
  waybill_state?: string[]
  warehouse?: string[]
  q?: string
  printed?: boolean
}

const PAGE = 100

const load = (filter: ShipmentFilter, cursor: string | undefined, signal?: AbortSignal) =>
  body<Page<Shipment>>(api.GET('/api/v1/shipments', { params: { query: { ...filter, limit: PAGE, cursor } }, signal }))

export const shipmentsQuery = (filter: ShipmentFilter) => pagedQuery(['shipments', 'list', filter], (cursor, signal) => load(filter, cursor, signal))

export const shipmentQuery = (id: string) =>
  queryOptions({
    queryKey: ['shipments', 'one', id],
    queryFn: () => body<Shipment>(api.GET('/api/v1/shipments/{id}', { params: { path: { id } } })),
  })

export const printsQuery = pagedQuery(['prints'], (cursor, signal) =>
  body<Page<PrintEntry>>(api.GET('/api/v1/prints', { params: { query: { limit: PAGE, cursor } }, signal })),
)

export type ShipmentAction = 'book' | 'pack' | 'unpack' | 'void' | 'hand_over'

export function act(name: ShipmentAction, ids: string[]): Promise<ActionAnswer> {
  return body<ActionAnswer>(api.POST(`/api/v1/shipments/actions/${name}`, { body: { ids } }))
}

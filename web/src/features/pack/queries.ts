import { queryOptions } from '@tanstack/react-query'
import { api, body } from '@/api/client'
import type { PackAnswer } from '@/api/types'

export const stationQuery = (station: string) =>
  queryOptions({
    queryKey: ['pack', station],
    staleTime: 2_000,
    // An interception must sound here although nobody scans.
    refetchInterval: 5_000,
    enabled: station.trim() !== '',
    queryFn: () => body<PackAnswer>(api.GET('/api/v1/pack/stations/{station}', { params: { path: { station } } })),
  })

export function scan(station: string, code: string): Promise<PackAnswer> {
  return body<PackAnswer>(api.POST('/api/v1/pack/scan', { body: { station, code } }))
}

export function cancelParcel(station: string): Promise<PackAnswer> {
  return body<PackAnswer>(api.POST('/api/v1/pack/cancel', { body: { station } }))
}

export function reprintLabel(shipment: string, station: string, cause: string): Promise<Blob> {
  return body<Blob>(api.POST('/api/v1/documents', { body: { kind: 'label', ids: [shipment], station, cause }, parseAs: 'blob' }))
}

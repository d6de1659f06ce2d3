import { queryOptions } from '@tanstack/react-query'
import { api, body } from '@/api/client'
import { makeDocument, openFile } from '@/api/documents'
import { ApiProblem } from '@/api/problem'
import type { Bench } from '@/api/types'

/** What a station shows; `null` when nobody has said yet in which warehouse it stands. */
export const stationQuery = (station: string) =>
  queryOptions({
    queryKey: ['pack', station],
    staleTime: 2_000,
    // An interception must sound here although nobody scans.
    refetchInterval: 5_000,
    enabled: station.trim() !== '',
    queryFn: async (): Promise<Bench | null> => {
      try {
        return await body<Bench>(api.GET('/api/v1/pack/stations/{station}', { params: { path: { station } } }))
      } catch (error) {
        if (error instanceof ApiProblem && error.status === 404) return null
        throw error
      }
    },
  })

export function placeStation(station: string, warehouse: string): Promise<unknown> {
  return body(api.PUT('/api/v1/pack/stations/{station}', { params: { path: { station } }, body: { warehouse_id: warehouse } }))
}

export function scan(station: string, code: string): Promise<Bench> {
  return body<Bench>(api.POST('/api/v1/pack/scan', { body: { station, code } }))
}

/** Puts the open parcel aside; what was scanned stays scanned. */
export function putAside(station: string): Promise<unknown> {
  return body(api.POST('/api/v1/pack/stations/{station}/put_aside', { params: { path: { station } } }))
}

/** The packer has seen that the parcel must stop and has put the goods back. */
export function acknowledge(shipment: string): Promise<unknown> {
  return body(api.POST('/api/v1/pack/shipments/{id}/acknowledge', { params: { path: { id: shipment } } }))
}

/** Grams above or below what the items weigh; `null` where that is not known. */
export async function weigh(shipment: string, grams: number): Promise<number | null> {
  const { difference_grams } = await body(api.POST('/api/v1/pack/weigh', { body: { shipment_id: shipment, grams } }))
  return difference_grams ?? null
}

/** Prints a label once more and gives the addresses of its files. */
export async function reprint(shipment: string, station: string, cause: string): Promise<{ urls: string[]; refused?: string | null }> {
  const answer = await makeDocument({ kind: 'label', ids: [shipment], station, cause })
  return {
    urls: await Promise.all(answer.files.map(openFile)),
    refused: answer.results.find((result) => result.outcome === 'refused')?.reason,
  }
}

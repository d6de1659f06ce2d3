import { queryOptions } from '@tanstack/react-query'
import { api, body } from './client'

/** A small value that belongs to the person, wherever they sign in. */
export const preferenceQuery = (key: string) =>
  queryOptions({
    queryKey: ['preferences', key],
    staleTime: 300_000,
    queryFn: () => body<unknown>(api.GET('/api/v1/preferences/{key}', { params: { path: { key } } })),
  })

export function setPreference(key: string, value: unknown): Promise<unknown> {
  return body(api.PUT('/api/v1/preferences/{key}', { params: { path: { key } }, body: value }))
}

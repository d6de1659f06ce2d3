/** Files of what a list shows: the browser fetches them by their address, with the session's cookie. */
export type SheetFormat = 'csv' | 'xlsx'

/** The address of a list's file: the same filter, in the same order. */
export function exportUrl(list: string, query: object, format: SheetFormat): string {
  const params = new URLSearchParams({ format })
  for (const [key, value] of Object.entries(query)) {
    for (const entry of Array.isArray(value) ? value : [value]) {
      if (entry !== undefined && entry !== null && entry !== '') params.append(key, String(entry))
    }
  }
  return `/api/v1/exports/${list}?${params}`
}

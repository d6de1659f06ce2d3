import { queryOptions } from '@tanstack/react-query'
import { api, body } from '@/api/client'
import type { ImportBatch, Page } from '@/api/types'
import { pagedQuery } from '@/lib/pages'
import type { Mapping } from './preview'

export const importsQuery = pagedQuery<ImportBatch>(['imports', 'list'], (cursor, signal) =>
  body<Page<ImportBatch>>(api.GET('/api/v1/imports', { params: { query: { limit: 50, cursor } }, signal })),
)

export const importQuery = (id: string) =>
  queryOptions({
    queryKey: ['imports', 'one', id],
    queryFn: () => body<ImportBatch>(api.GET('/api/v1/imports/{id}', { params: { path: { id } } })),
    refetchInterval: (query) => (query.state.data?.import_state === 'committing' ? 1_000 : false),
  })

export const TREATMENTS = ['by_status', 'history', 'live'] as const
export type Treatment = (typeof TREATMENTS)[number]

/** What is handed in: the files, whose orders they are, and how to take them. */
export interface Upload {
  files: readonly File[]
  /** One of these two. */
  shopId?: string
  shopName?: string
  treatAs: Treatment
  zone?: string
  currency?: string
  mapping?: Mapping
}

export function formOf(upload: Upload): FormData {
  const form = new FormData()
  const put = (name: string, value: string | undefined) => {
    if (value) form.append(name, value)
  }
  if (upload.shopId) put('shop_id', upload.shopId)
  else put('shop', upload.shopName?.trim())
  put('treat_as', upload.treatAs)
  put('zone', upload.zone?.trim())
  put('currency', upload.currency?.trim().toUpperCase())
  if (upload.mapping) put('mapping', JSON.stringify(upload.mapping))
  for (const file of upload.files) form.append('file', file, file.name)
  return form
}

/** Reads files and says what an import would do. No order is touched. */
export function preview(upload: Upload): Promise<ImportBatch> {
  return body<ImportBatch>(
    api.POST('/api/v1/imports', {
      // The form is the body: its parts are files, which the contract can only describe.
      body: { file: [] },
      bodySerializer: () => formOf(upload),
    }),
  )
}

export function commit(id: string): Promise<ImportBatch> {
  return body<ImportBatch>(api.POST('/api/v1/imports/{id}/actions/commit', { params: { path: { id } } }))
}

export function withdraw(id: string): Promise<ImportBatch> {
  return body<ImportBatch>(api.POST('/api/v1/imports/{id}/actions/withdraw', { params: { path: { id } } }))
}

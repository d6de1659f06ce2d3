/** Documents of parcels: made with a call that puts them into the ledger, fetched as bytes afterwards. */
import { api, body } from './client'
import type { MadeFile, PrintAnswer } from './types'

export type DocumentKind = 'label' | 'pick_list' | 'packing_slip' | 'manifest'

export interface NewDocument {
  kind: DocumentKind
  ids: string[]
  station: string
  cause?: string
  locale?: string
}

export function makeDocument(document: NewDocument): Promise<PrintAnswer> {
  return body<PrintAnswer>(api.POST('/api/v1/documents', { body: document }))
}

/** The bytes as an address that a frame may show. Whoever asks lets it go again. */
export async function openFile(file: MadeFile): Promise<string> {
  const blob = await body<Blob>(api.GET('/api/v1/documents/{id}', { params: { path: { id: file.id } }, parseAs: 'blob' }))
  return URL.createObjectURL(blob)
}

/** Calls whose paths the contract names only in some builds (catalogue, operations): typed by the caller. */
import { api, body } from './client'

type Call = (path: string, init: object) => Promise<{ data?: unknown }>

export function looseGet<T>(path: string, query: object): Promise<T> {
  return body<T>((api.GET as unknown as Call)(path, { params: { query } }) as Promise<{ data?: T }>)
}

export function loosePost<T>(path: string, content: object): Promise<T> {
  return body<T>((api.POST as unknown as Call)(path, { body: content }) as Promise<{ data?: T }>)
}

/** Bulk operations: read, followed while they run, taken back while that is true. */
import { queryOptions } from '@tanstack/react-query'
import { api, body } from './client'
import type { ActionAnswer, Operation, OperationDetail, Page } from './types'

const RESULTS = 200

export function readOperation(id: string): Promise<OperationDetail> {
  return body<OperationDetail>(api.GET('/api/v1/operations/{id}', { params: { path: { id }, query: { limit: RESULTS } } }))
}

export const operationQuery = (id: string) =>
  queryOptions({
    queryKey: ['operations', 'one', id],
    queryFn: () => readOperation(id),
    refetchInterval: (query) => (query.state.data?.operation_state === 'running' ? 1_000 : false),
  })

/** What a bulk verb answers: its outcome, or the operation that will have it. */
export type Begun = ActionAnswer | Operation

export function undoOperation(id: string): Promise<Begun> {
  return body<Begun>(api.POST('/api/v1/operations/{id}/actions/undo', { params: { path: { id } } }))
}

/** The person's newest operation that can still be taken back. */
export async function lastUndoable(now = Date.now()): Promise<Operation | undefined> {
  const { items } = await body<Page<Operation>>(api.GET('/api/v1/operations', { params: { query: { limit: 20 } } }))
  return items.find((operation) => canUndo(operation, now))
}

export function canUndo(operation: Operation, now: number): boolean {
  return operation.operation_state !== 'running' && !operation.undone_at && operation.tally.done > 0 && Boolean(operation.undo_until) && Date.parse(operation.undo_until ?? '') > now
}

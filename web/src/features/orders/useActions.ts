import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, body } from '@/api/client'
import type { ActionResult, ActionTally, Operation } from '@/api/types'
import { showFailure, showOutcome } from '@/lib/outcome'
import { dismissTally, showTally } from '@/lib/tallies'
import { recall } from '@/lib/storage'
import { actionOf } from './actions'
import { runOnParcels, type ParcelsAnswer } from './parcels'
import { runAction, type ActionRequest } from './queries'

const POLL_MS = 600

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Follows a long operation until it ends, telling how far it is. */
async function follow(id: string, tell: (operation: Operation) => void): Promise<Operation> {
  for (;;) {
    const operation = await body<Operation>(api.GET('/api/v1/operations/{id}', { params: { path: { id } } }))
    tell(operation)
    if (operation.operation_state !== 'running') return operation
    await pause(POLL_MS)
  }
}

/** Runs an action and leaves its exact tally as a card, with the refusals and, while it is true, the undo. */
export function useActions(labelOf: (id: string) => string) {
  const { t, i18n } = useTranslation()
  const client = useQueryClient()
  const [busy, setBusy] = useState(false)

  const refresh = useCallback(() => client.invalidateQueries({ queryKey: ['orders'] }), [client])

  const undoOf = useCallback(
    (operationId: string) => async () => {
      await body(api.POST('/api/v1/operations/{id}/actions/undo', { params: { path: { id: operationId } }, body: {} }))
      showTally({ title: t('tally.undone'), tone: 'good', fleeting: true })
      await refresh()
    },
    [refresh, t],
  )

  const run = useCallback(
    async (request: ActionRequest, count: number): Promise<ParcelsAnswer | undefined> => {
      const title = t('orders.action_on', { action: t(`action.${request.name}`), count })
      setBusy(true)
      let key: string | undefined
      try {
        const answer: ParcelsAnswer = actionOf(request.name)?.parcels
          ? await runOnParcels(request.name, request.target, request.fields, recall('station', '1'), i18n.language)
          : await runAction(request)
        let tally: ActionTally = answer.tally
        let results: ActionResult[] = answer.results
        // Long work answers at once and goes on: its operation tells the rest.
        if (results.length === 0 && answer.operation_id) {
          const end = await follow(answer.operation_id, (operation) => {
            key = showTally({ key, title, tone: 'busy', progress: { done: operation.finished, total: operation.total } })
          })
          tally = end.tally
          results = end.results ?? []
        }
        const operationId = answer.operation_id
        const undo = operationId && answer.undo_until ? undoOf(operationId) : undefined
        showOutcome({ ...answer, tally, results }, title, t, labelOf, undo, key)
        await refresh()
        return { ...answer, tally, results }
      } catch (error) {
        if (key) dismissTally(key)
        showFailure(error, title, t)
        return undefined
      } finally {
        setBusy(false)
      }
    },
    [t, i18n.language, labelOf, refresh, undoOf],
  )
  return { run, busy, refresh }
}

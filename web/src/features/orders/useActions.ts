import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, body } from '@/api/client'
import { explain } from '@/api/problem'
import type { ActionAnswer, ActionResult, ActionTally, Operation } from '@/api/types'
import { dismissTally, showTally, type Tally } from '@/lib/tallies'
import { runAction, type ActionRequest } from './queries'
import { reasonWords } from './words'

const POLL_MS = 600
const LISTED = 200

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
  const { t } = useTranslation()
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
    async (request: ActionRequest, count: number): Promise<ActionAnswer | undefined> => {
      const title = t('orders.action_on', { action: t(`action.${request.name}`), count })
      setBusy(true)
      let key: string | undefined
      try {
        const answer = await runAction(request)
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
        const refused = results.filter((result) => result.outcome === 'refused')
        const card: Omit<Tally, 'key'> = {
          title,
          tone: refused.length > 0 ? (tally.done > 0 ? 'warn' : 'bad') : 'good',
          counts: [
            { label: t('tally.done'), value: tally.done, tone: 'good' },
            ...(tally.already > 0 ? [{ label: t('tally.already'), value: tally.already }] : []),
            ...(tally.refused > 0 ? [{ label: t('tally.refused'), value: tally.refused, tone: 'bad' as const }] : []),
          ],
          refusals: refused.slice(0, LISTED).map((result) => ({
            id: result.id,
            label: labelOf(result.id),
            reason: reasonWords(result.reason, t),
          })),
          undo: operationId && answer.undo_until && tally.done > 0 ? undoOf(operationId) : undefined,
          fleeting: refused.length === 0 && !(operationId && answer.undo_until),
        }
        showTally({ ...card, key })
        await refresh()
        return { ...answer, tally, results }
      } catch (error) {
        if (key) dismissTally(key)
        const { title: what, detail } = explain(error, t)
        showTally({ title: `${title}: ${what}`, tone: 'bad', detail })
        return undefined
      } finally {
        setBusy(false)
      }
    },
    [t, labelOf, refresh, undoOf],
  )
  return { run, busy, refresh }
}

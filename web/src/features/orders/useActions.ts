import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { undoOperation } from '@/api/operations'
import { followOperation } from '@/lib/follow'
import { showFailure, showOutcome } from '@/lib/outcome'
import { recall } from '@/lib/storage'
import { actionOf } from './actions'
import { runOnParcels, type ParcelsAnswer } from './parcels'
import { runAction, type ActionRequest } from './queries'

/** Runs an action and leaves its exact tally as a card, with the refusals and, while it is true, the undo. */
export function useActions(labelOf: (id: string) => string) {
  const { t, i18n } = useTranslation()
  const client = useQueryClient()
  const [busy, setBusy] = useState(false)

  const refresh = useCallback(async () => {
    void client.invalidateQueries({ queryKey: ['operations'] })
    await client.invalidateQueries({ queryKey: ['orders'] })
  }, [client])

  const takeBack = useCallback(
    async (operationId: string) => {
      showOutcome(await followOperation(await undoOperation(operationId), t('tally.undo'), t), t('tally.undone'), t, labelOf)
      await refresh()
    },
    [refresh, t, labelOf],
  )

  const run = useCallback(
    async (request: ActionRequest, count: number): Promise<ParcelsAnswer | undefined> => {
      const title = t('orders.action_on', { action: t(`action.${request.name}`), count })
      setBusy(true)
      try {
        const answer: ParcelsAnswer = actionOf(request.name)?.parcels
          ? await runOnParcels(request.name, request.target, request.fields, recall('station', '1'), i18n.language)
          : await followOperation(await runAction(request), title, t)
        const operationId = answer.operation_id
        const undo = operationId && answer.undo_until ? () => takeBack(operationId) : undefined
        showOutcome(answer, title, t, labelOf, undo)
        await refresh()
        return answer
      } catch (error) {
        showFailure(error, title, t)
        return undefined
      } finally {
        setBusy(false)
      }
    },
    [t, i18n.language, labelOf, refresh, takeBack],
  )
  return { run, busy, takeBack }
}

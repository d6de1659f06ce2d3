/** Long work (202): a card with its progress while it runs, its exact outcome when it has ended. It may be left meanwhile. */
import type { TFunction } from 'i18next'
import { readOperation, type Begun } from '@/api/operations'
import type { ActionAnswer, Operation } from '@/api/types'
import { dismissTally, showTally } from './tallies'

const ASK_MS = 700

const isOperation = (answer: Begun): answer is Operation => 'operation_state' in answer

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** The outcome of a bulk verb, however long it takes. */
export async function followOperation(answer: Begun, title: string, t: TFunction, wait: (ms: number) => Promise<unknown> = pause): Promise<ActionAnswer> {
  if (!isOperation(answer)) return answer
  let operation = await readOperation(answer.id)
  let card: string | undefined
  try {
    while (operation.operation_state === 'running') {
      card = showTally({ key: card, title: `${title} · ${t('tally.running')}`, tone: 'busy', progress: { done: operation.finished, total: operation.total } })
      await wait(ASK_MS)
      operation = await readOperation(answer.id)
    }
  } finally {
    if (card) dismissTally(card)
  }
  const { results, tally, id, undo_until } = operation
  return { results: results.items, tally, operation_id: id, undo_until }
}

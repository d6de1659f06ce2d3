import i18next from 'i18next'
import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { canUndo, lastUndoable } from '@/api/operations'
import type { Operation, OperationDetail } from '@/api/types'
import { startI18n } from '@/locales'
import { followOperation } from './follow'

const server = setupServer()
beforeAll(async () => {
  server.listen({ onUnhandledRequest: 'error' })
  await startI18n('zh-CN')
})
afterEach(() => server.resetHandlers())
afterAll(() => server.close())

const OPERATION: Operation = {
  id: '9',
  kind: 'cancel',
  operation_state: 'running',
  total: 3,
  finished: 0,
  tally: { done: 0, already: 0, refused: 0, reasons: {} },
  undo_until: null,
  undone_at: null,
  created_at: '2026-11-22T00:00:00Z',
  ended_at: null,
}

describe('long work', () => {
  it('is asked after until it has ended, and then tells its outcome', async () => {
    const steps: OperationDetail[] = [
      { ...OPERATION, finished: 1, results: { items: [], next: null } },
      {
        ...OPERATION,
        operation_state: 'done',
        finished: 3,
        undo_until: '2026-11-22T01:00:00Z',
        tally: { done: 2, already: 0, refused: 1, reasons: { shipped: 1 } },
        results: { items: [{ id: '1', outcome: 'refused', reason: 'shipped' }], next: null },
      },
    ]
    let asked = 0
    server.use(http.get('*/api/v1/operations/9', () => HttpResponse.json(steps[Math.min(asked++, steps.length - 1)])))
    const answer = await followOperation(OPERATION, 'x', i18next.t, () => Promise.resolve())
    expect(asked).toBe(2)
    expect(answer).toEqual({
      results: [{ id: '1', outcome: 'refused', reason: 'shipped' }],
      tally: { done: 2, already: 0, refused: 1, reasons: { shipped: 1 } },
      operation_id: '9',
      undo_until: '2026-11-22T01:00:00Z',
    })
  })
  it('is not waited for when the answer is there already', async () => {
    const answer = { results: [], tally: { done: 0, already: 0, refused: 0 } }
    expect(await followOperation(answer, 'x', i18next.t)).toBe(answer)
  })
})

describe('undo without a card', () => {
  const ended = { ...OPERATION, operation_state: 'done', undo_until: '2026-11-22T01:00:00Z', tally: { done: 1, already: 0, refused: 0, reasons: {} } }
  const before = Date.parse('2026-11-22T00:30:00Z')
  it('finds the newest operation that can still be taken back', async () => {
    const items = [OPERATION, { ...ended, id: '8', undone_at: '2026-11-22T00:10:00Z' }, { ...ended, id: '7' }, { ...ended, id: '6' }]
    server.use(http.get('*/api/v1/operations', () => HttpResponse.json({ items, next: null })))
    expect((await lastUndoable(before))?.id).toBe('7')
  })
  it('ends with its time', () => {
    expect(canUndo(ended, before)).toBe(true)
    expect(canUndo(ended, Date.parse('2026-11-22T01:00:01Z'))).toBe(false)
    expect(canUndo({ ...ended, tally: { ...ended.tally, done: 0 } }, before)).toBe(false)
  })
})

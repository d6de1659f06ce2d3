import i18next, { type TFunction } from 'i18next'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseOrdersSearch } from '@/lib/orders-search'
import { startI18n } from '@/locales'
import { orderRow } from '@/test/fixtures'
import { nextCursor, ORDER_ACTIONS, refusalGroups } from './actions'
import { filterOf, isFiltered, withoutPhase } from './filter'
import { likelyFixes } from './fixes'
import { byOrder } from './parcels'
import { actorWords, eventWords, sentence } from './words'
import { KEYMAP } from '@/lib/keys'

let t: TFunction
beforeAll(async () => {
  await startI18n('zh-CN')
  t = i18next.t
})

describe('the URL of the orders screen', () => {
  it('keeps what it understands and leaves out the rest', () => {
    expect(parseOrdersSearch({ phase: 'held', hold: 'buyer_note', shop: ['1', 2], due: '4h', q: 138, nonsense: true })).toEqual({
      phase: 'held',
      hold: ['buyer_note'],
      shop: ['1', '2'],
      due: '4h',
      q: '138',
    })
    expect(parseOrdersSearch({ phase: 'no such', due: 'soon', shop: {}, q: '' })).toEqual({})
  })
  it('becomes the filter of the API, and stays the same filter within a minute', () => {
    const now = Date.parse('2026-11-21T08:00:10Z')
    const search = parseOrdersSearch({ phase: 'review', due: '2h', tag: ['gift'] })
    expect(filterOf(search, now)).toEqual(filterOf(search, now + 40_000))
    expect(filterOf(search, now)).toMatchObject({ phase: ['review'], tag: ['gift'] })
    expect(withoutPhase(filterOf(search, now))).not.toHaveProperty('phase')
  })
  it('knows whether anything but the tab narrows the list', () => {
    expect(isFiltered({ phase: 'held', order: '1' })).toBe(false)
    expect(isFiltered({ shop: ['1'] })).toBe(true)
    expect(isFiltered({ shop: [] })).toBe(false)
  })
})

describe('after an action', () => {
  const rows = ['1', '2', '3', '4']
  it('the keyboard stands on the next row that stays', () => {
    expect(nextCursor(rows, '2', new Set(['2']))).toBe('3')
    expect(nextCursor(rows, '2', new Set(['2', '3']))).toBe('4')
    expect(nextCursor(rows, '4', new Set(['4', '3']))).toBe('2')
    expect(nextCursor(rows, '1', new Set(rows))).toBeUndefined()
    expect(nextCursor(rows, '1', new Set(['2']))).toBe('1')
  })
  it('refusals are told by reason, most frequent first', () => {
    const results = [
      { id: '1', outcome: 'refused', reason: 'shipped' },
      { id: '2', outcome: 'done' },
      { id: '3', outcome: 'refused', reason: 'held' },
      { id: '4', outcome: 'refused', reason: 'held' },
    ]
    expect(refusalGroups(results, (reason) => reason ?? '')).toEqual([
      { reason: 'held', ids: ['3', '4'] },
      { reason: 'shipped', ids: ['1'] },
    ])
  })
  it('every action has a key of its own', () => {
    const keys = ORDER_ACTIONS.map((action) => action.key)
    expect(new Set(keys).size).toBe(keys.length)
    for (const key of keys) expect(KEYMAP.some((entry) => entry.scope === 'orders' && entry.id === key), key).toBe(true)
  })
})

describe('likely fixes', () => {
  const held = (reason: string, fixes: Parameters<typeof likelyFixes>[0]['fixes'] = []) => {
    const hold = { id: '1', reason, detail: {}, placed_at: '', placed_by: { by: 'rule', name: '' } }
    return likelyFixes({ phase: 'held', holds: [hold], fixes })
  }
  it('the server knows best, standing ones fill up to three', () => {
    const body = { region: { district: '余杭区' } }
    const fixes = held('address_incomplete', [{ code: 'complete_region', params: {}, action: 'edit_address', body }])
    expect(fixes).toHaveLength(3)
    expect(fixes[0]).toMatchObject({ action: 'edit_address', fields: body })
    expect(fixes.map((fix) => fix.code)).toContain('release')
  })
  it('a release is offered once', () => {
    const fixes = held('buyer_note', [{ code: 'note_read', params: {}, action: 'release', body: { reason: 'buyer_note' } }])
    expect(fixes.filter((fix) => fix.action === 'release')).toHaveLength(1)
  })
  it('advice without a call opens what a person can do', () => {
    const [ask, wait] = held('channel_hold', [
      { code: 'ask_buyer', params: { about: 'amount' }, action: '', body: {} },
      { code: 'wait_for_channel', params: {}, action: '', body: {} },
    ])
    expect([ask?.action, ask?.fields, wait?.action]).toEqual(['note', undefined, 'skip'])
  })
  it('an unknown reason can still be released or cancelled', () => {
    const can = ORDER_ACTIONS.some((action) => action.name === 'cancel') ? ['release', 'cancel'] : ['release']
    expect(held('something_new').map((fix) => fix.action)).toEqual(can)
  })
  it('an order that waits for nobody has none', () => {
    expect(likelyFixes({ phase: 'shipped', holds: [], fixes: [] })).toEqual([])
  })
})

describe('words', () => {
  it('puts amounts in minor units into the sentence as money', () => {
    expect(sentence('finding', 'amount_mismatch', { difference_minor: 30, currency: 'CNY', fixes: [] }, t, 'zh-CN')).toContain('¥0.30')
  })
  it('translates words inside a sentence', () => {
    expect(sentence('finding', 'address_incomplete', { missing: ['town', 'street'] }, t, 'zh-CN')).toBe('地址缺少：街道 / 乡镇、详细地址')
  })
  it('shows a code that it does not know, with its values, rather than nothing', () => {
    const event = { at: '', kind: 'order.teleported', params: { place: 'Mars' }, actor: { by: 'rule', name: 'check', id: '2' } }
    expect(eventWords(event, t, 'zh-CN')).toBe('order.teleported: place Mars')
    expect(actorWords(event.actor, t)).toBe('规则「订单检查」v2')
  })
  it('leaves no hole where a value is missing', () => {
    expect(sentence('fix', 'complete_region', { city: '杭州市' }, t, 'zh-CN')).not.toContain('{{')
  })
  it('reads the fixtures, so that they stay the contract', () => {
    expect(orderRow(1, 'held').holds[0]?.reason).toBe('buyer_note')
  })
})

describe('an action on parcels', () => {
  it('answers for each order with the worst of its parcels, and refuses those without any', () => {
    const parcels = new Map([
      ['1', ['a', 'b']],
      ['2', ['c']],
      ['3', []],
    ])
    const answer = byOrder(parcels, [
      { id: 'a', outcome: 'done' },
      { id: 'b', outcome: 'refused', reason: 'packed' },
      { id: 'c', outcome: 'already' },
    ])
    expect(answer.results).toEqual([
      { id: '1', outcome: 'refused', reason: 'packed' },
      { id: '2', outcome: 'already' },
      { id: '3', outcome: 'refused', reason: 'no_parcel' },
    ])
    expect(answer.tally).toMatchObject({ done: 0, already: 1, refused: 2 })
  })
})

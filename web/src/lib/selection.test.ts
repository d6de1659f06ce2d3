import { describe, expect, it } from 'vitest'
import { countOf, isMarked, markAll, markRange, none, pageState, targetOf, toggle, togglePage } from './selection'

const loaded = ['1', '2', '3', '4', '5']

describe('selection', () => {
  it('marks one, a page, and everything that matches', () => {
    let selection = toggle(none<object>(), '2', loaded)
    expect([countOf(selection), pageState(selection, loaded)]).toEqual([1, 'some'])
    selection = togglePage(selection, loaded)
    expect([countOf(selection), pageState(selection, loaded)]).toEqual([5, 'all'])
    selection = markAll({ phase: ['review'] }, 12_431)
    expect([countOf(selection), isMarked(selection, 'not loaded')]).toEqual([12_431, true])
    expect(targetOf(selection)).toEqual({ filter: { phase: ['review'] } })
  })

  it('unmarking one of all keeps the loaded rows without it: never more than the person sees', () => {
    const selection = toggle(markAll({}, 900), '3', loaded)
    expect(targetOf(selection)).toEqual({ ids: ['1', '2', '4', '5'] })
  })

  it('marks a run in either direction and adds to what is marked', () => {
    const start = toggle(none<object>(), '5', loaded)
    expect(targetOf(markRange(start, '3', '1', loaded))).toEqual({ ids: ['5', '1', '2', '3'] })
    expect(targetOf(markRange(none<object>(), 'gone', '2', loaded))).toEqual({ ids: ['2'] })
  })

  it('a second press on the header clears', () => {
    expect(countOf(togglePage(togglePage(none(), loaded), loaded))).toBe(0)
    expect(countOf(togglePage(markAll({}, 10), loaded))).toBe(0)
    expect(pageState(none(), [])).toBe('none')
  })

  it('never changes the value it was given', () => {
    const before = none<object>()
    toggle(before, '1', loaded)
    expect(countOf(before)).toBe(0)
  })
})

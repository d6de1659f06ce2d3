import { describe, expect, it } from 'vitest'
import { comboLabel, comboOf, isField, KEYMAP, KeyReader, PLACES } from './keys'

const key = (name: string, more: Partial<KeyboardEvent> = {}) =>
  comboOf({ key: name, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...more })

describe('the keyboard map', () => {
  it('gives each combination one meaning in its scope, and none hides the first half of a pair', () => {
    const seen = new Set<string>()
    for (const { scope, combo } of KEYMAP) {
      expect(seen.has(`${scope} ${combo}`), `${scope} ${combo}`).toBe(false)
      seen.add(`${scope} ${combo}`)
    }
    const firsts = KEYMAP.filter((entry) => entry.combo.includes(' ')).map((entry) => entry.combo.split(' ')[0])
    for (const first of firsts) expect(KEYMAP.find((entry) => entry.combo === first)).toBeUndefined()
  })

  it('reaches every place by G and its letter', () => {
    const reader = new KeyReader()
    for (const place of PLACES) {
      expect(reader.read('g', ['global'], false, 0)).toBeNull()
      expect(reader.read(place.letter, ['global'], false, 100)).toBe(`go_${place.id}`)
    }
  })

  it('forgets the first half after a while, so that a late letter has its own meaning', () => {
    const reader = new KeyReader()
    reader.read('g', ['orders', 'global'], false, 0)
    expect(reader.read('h', ['orders', 'global'], false, 5000)).toBe('hold')
    reader.read('g', ['orders', 'global'], false, 6000)
    expect(reader.read('h', ['orders', 'global'], false, 6300)).toBe('go_home')
  })

  it('leaves typing alone, except for the keys that are meant for fields', () => {
    const reader = new KeyReader()
    expect(reader.read('a', ['orders', 'global'], true, 0)).toBeNull()
    expect(reader.read('Escape', ['orders', 'global'], true, 0)).toBe('close')
  })

  it('lets the inner scope win', () => {
    expect(new KeyReader().read('Enter', ['bulk', 'orders', 'global'], false, 0)).toBe('confirm')
    expect(new KeyReader().read('Enter', ['orders', 'global'], false, 0)).toBe('open')
  })

  it('names keys the same on every layout', () => {
    expect(key('a')).toBe('a')
    expect(key('A')).toBe('a')
    expect(key('X', { shiftKey: true })).toBe('Shift+X')
    expect(key('?', { shiftKey: true })).toBe('?')
    expect(key('a', { ctrlKey: true })).toBeNull()
    expect(comboLabel('g o')).toBe('G O')
    expect(comboLabel('Shift+X')).toBe('⇧X')
  })

  it('knows a field from a tick box', () => {
    const input = document.createElement('input')
    expect(isField(input)).toBe(true)
    input.type = 'checkbox'
    expect(isField(input)).toBe(false)
    expect(isField(document.createElement('textarea'))).toBe(true)
    expect(isField(document.createElement('div'))).toBe(false)
  })
})

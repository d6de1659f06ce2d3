import { describe, expect, it } from 'vitest'
import { parcel } from '@/test/fixtures'
import { commandOf, gramsOf, lightOf, nextLine, soundOf } from './scan'

describe('the bench', () => {
  it('sounds a siren for a parcel that must stop, whatever was scanned', () => {
    expect(lightOf({ outcome: 'right', shipment: { ...parcel(1), stop_reason: 'refunded' } })).toBe('stop')
    expect(soundOf('stop')).toBe('siren')
  })
  it('is red for what it does not understand: never green by mistake', () => {
    for (const outcome of ['wrong', 'unknown', 'nothing_waits', 'already_packed', 'a word from the future']) {
      expect(lightOf({ outcome, shipment: null })).toBe('wrong')
    }
    expect(soundOf('wrong')).toBe('wrong')
    expect(lightOf({ outcome: null, shipment: parcel(1) })).toBe('idle')
  })
  it('names the next line that is not complete', () => {
    const open = parcel(2)
    const lines = open.lines.map((line, index) => ({ ...line, scanned: index === 0 ? line.needed : 0 }))
    expect(nextLine({ ...open, lines })?.sku_id).toBe(lines[1]?.sku_id)
    expect(nextLine({ ...open, lines: lines.map((line) => ({ ...line, scanned: line.needed })) })).toBeUndefined()
  })
  it('takes a lone letter as a command and a code as a code', () => {
    expect(commandOf('p')).toBe('reprint')
    expect(commandOf(' U ')).toBe('cancel')
    expect(commandOf('PU-1')).toBeUndefined()
  })
  it('takes what a scale sends as grams, and a bare number only when it was asked for', () => {
    expect(gramsOf('1.25kg', false)).toBe(1250)
    expect(gramsOf(' 480 g', false)).toBe(480)
    expect(gramsOf('0,5 KG', false)).toBe(500)
    expect(gramsOf('6901234567892', false)).toBeUndefined()
    expect(gramsOf('480', true)).toBe(480)
    for (const wrong of ['0', '-5', '1000001', 'kg', '1.2.3', '']) expect(gramsOf(wrong, true), wrong).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import { parcel } from '@/test/fixtures'
import { commandOf, lightOf, nextLine, soundOf } from './scan'

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
})

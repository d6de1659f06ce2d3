import { describe, expect, it } from 'vitest'
import { shipmentRow } from '@/test/fixtures'
import { commandOf, lightOf, progressOf, soundOf } from './scan'

describe('the bench', () => {
  it('sounds a siren for a parcel that must stop, whatever was scanned', () => {
    const shipment = { ...shipmentRow(1), stop_reason: 'refund_requested' }
    expect(lightOf({ outcome: 'right', shipment })).toBe('stop')
    expect(soundOf('stop')).toBe('siren')
  })
  it('is red for what it does not understand: never green by mistake', () => {
    expect(lightOf({ outcome: 'a word from the future', shipment: null })).toBe('wrong')
    expect(soundOf(lightOf({ outcome: 'wrong', shipment: null }))).toBe('wrong')
  })
  it('names the next item that is not complete', () => {
    const shipment = shipmentRow(2)
    shipment.items = shipment.items.map((item, index) => ({ ...item, scanned: index === 0 ? item.quantity : 0 }))
    const progress = progressOf(shipment)
    expect(progress.next?.sku_id).toBe(shipment.items[1]?.sku_id)
    expect(progress.scanned).toBe(shipment.items[0]?.quantity)
  })
  it('takes a lone letter as a command and a code as a code', () => {
    expect(commandOf('p')).toBe('reprint')
    expect(commandOf(' U ')).toBe('cancel')
    expect(commandOf('PU-1')).toBeUndefined()
  })
})

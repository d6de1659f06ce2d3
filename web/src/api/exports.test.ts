import { expect, it } from 'vitest'
import { exportUrl } from './exports'

it('a file has the filter of its list, repeated parameters repeated, empty ones left out', () => {
  expect(exportUrl('orders', { phase: ['held', 'review'], q: '张 三', hold: undefined, tag: [], low: true }, 'xlsx')).toBe(
    '/api/v1/exports/orders?format=xlsx&phase=held&phase=review&q=%E5%BC%A0+%E4%B8%89&low=true',
  )
})

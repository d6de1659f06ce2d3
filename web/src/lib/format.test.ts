import { describe, expect, it } from 'vitest'
import { changePercent, formatMoney } from './money'
import { formatSpan, remaining } from './time'

describe('money', () => {
  it('is shown exactly, also beyond what a float holds', () => {
    expect(formatMoney({ amount: '90071992547409.93', currency: 'CNY' }, 'zh-CN')).toBe('¥90,071,992,547,409.93')
  })
  it('keeps the exponent of its currency', () => {
    expect(formatMoney({ amount: '1200', currency: 'JPY' }, 'en')).toBe('¥1,200')
    expect(formatMoney({ amount: '1.234', currency: 'KWD' }, 'en')).toMatch(/1\.234/)
  })
  it('never shows two currencies by the same sign in Chinese', () => {
    expect(formatMoney({ amount: '268', currency: 'CNY' }, 'zh-CN')).toBe('¥268.00')
    expect(formatMoney({ amount: '268', currency: 'JPY' }, 'zh-CN')).not.toMatch(/^¥/)
    expect(formatMoney({ amount: '31.99', currency: 'USD' }, 'zh-CN')).toBe('US$31.99')
  })
  it('says nothing where there is nothing', () => {
    expect(formatMoney(null, 'en')).toBe('—')
    expect(changePercent('12.00', '0.00')).toBeNull()
    expect(changePercent('110.00', '100.00')).toBe(10)
  })
})

describe('time left', () => {
  const now = Date.parse('2026-11-21T08:00:00Z')
  it.each([
    ['2026-11-21T09:12:00Z', '1h12', 'soon'],
    ['2026-11-21T11:59:59Z', '3h59', 'soon'],
    ['2026-11-21T12:00:00Z', '4h00', 'calm'],
    ['2026-11-21T08:25:30Z', '25m', 'soon'],
    ['2026-11-24T12:30:00Z', '3d4h', 'calm'],
    ['2026-11-21T05:55:00Z', '-2h05', 'late'],
    ['2026-11-21T07:59:59Z', '-0m', 'late'],
  ])('until %s is %s', (until, text, urgency) => {
    expect(remaining(until, now)).toMatchObject({ text, urgency })
  })
  it('shows a lag by its largest unit', () => {
    expect([4, 59.4, 60, 7300, 200_000, null].map(formatSpan)).toEqual(['4 s', '59 s', '1 m', '2 h', '2 d', '—'])
  })
})

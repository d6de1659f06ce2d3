/** Money as the API says it: a decimal string and its currency. Nothing here turns it into a float. */
export interface Money {
  amount: string
  currency: string
}

const formats = new Map<string, Intl.NumberFormat>()

function formatOf(locale: string, currency: string): Intl.NumberFormat {
  const key = `${locale} ${currency}`
  let format = formats.get(key)
  if (!format) {
    // "¥" alone is the yuan here; every other currency keeps the sign that tells it apart.
    const currencyDisplay = currency === 'CNY' ? 'narrowSymbol' : 'symbol'
    try {
      format = new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay })
    } catch {
      format = new Intl.NumberFormat(locale, { minimumFractionDigits: 2 })
    }
    formats.set(key, format)
  }
  return format
}

export function formatMoney(money: Money | null | undefined, locale: string): string {
  if (!money) return '—'
  return formatOf(locale, money.currency).format(money.amount as Intl.StringNumericLiteral)
}

export function formatNumber(value: number, locale: string): string {
  return new Intl.NumberFormat(locale).format(value)
}

/** The change from `before` to `now` in whole percent; null where there is nothing to compare with. */
export function changePercent(now: string, before: string): number | null {
  const base = Number(before)
  if (!Number.isFinite(base) || base === 0) return null
  return Math.round(((Number(now) - base) / base) * 100)
}

/** How many decimals a currency has: 0, 2 or 3. */
export function decimalsOf(currency: string): number {
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
  } catch {
    return 2
  }
}

/** Minor units as a plain decimal, without a float in between. */
export function fromMinor(minor: number, currency: string): string {
  const decimals = decimalsOf(currency)
  const digits = String(Math.abs(minor)).padStart(decimals + 1, '0')
  const sign = minor < 0 ? '-' : ''
  return decimals === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`
}

/** A typed decimal as minor units; `null` when it is none or has more decimals than the currency. */
export function toMinor(text: string, currency: string): number | null {
  const decimals = decimalsOf(currency)
  const match = /^(\d+)(?:\.(\d*))?$/.exec(text.trim())
  if (!match) return null
  const fraction = match[2] ?? ''
  if (fraction.length > decimals) return null
  const minor = Number((match[1] ?? '') + fraction.padEnd(decimals, '0'))
  return Number.isSafeInteger(minor) ? minor : null
}

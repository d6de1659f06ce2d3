/** Times arrive as RFC 3339 UTC and are shown in the reader's own zone. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Under this a ship-by time is shown as urgent. */
export const SOON = 4 * HOUR

export type Urgency = 'late' | 'soon' | 'calm'

export interface Remaining {
  /** As the cell shows it, the same in every language: `1h12`, `3d4h`, `25m`, `-2h05`. */
  text: string
  urgency: Urgency
  late: boolean
  days: number
  hours: number
  minutes: number
}

const two = (value: number) => String(value).padStart(2, '0')

/** Time left to an instant, cut to whole minutes (an instant reached is late at once). */
export function remaining(until: string, now: number): Remaining {
  const left = Date.parse(until) - now
  const late = left < 0
  const minutesInAll = Math.floor(Math.abs(left) / MINUTE)
  const days = Math.floor(minutesInAll / (24 * 60))
  const hours = Math.floor(minutesInAll / 60) % 24
  const minutes = minutesInAll % 60
  const size = days > 0 ? `${days}d${hours}h` : hours > 0 ? `${hours}h${two(minutes)}` : `${minutes}m`
  return { text: late ? `-${size}` : size, urgency: late ? 'late' : left < SOON ? 'soon' : 'calm', late, days, hours, minutes }
}

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(locale: string, kind: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale} ${kind}`
  let format = formats.get(key)
  if (!format) {
    format = new Intl.DateTimeFormat(locale, options)
    formats.set(key, format)
  }
  return format
}

/** `11-21 14:05`: enough inside a working week. */
export function formatShort(instant: string | null | undefined, locale: string): string {
  if (!instant) return '—'
  return formatOf(locale, 'short', { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hour12: false }).format(
    new Date(instant),
  )
}

/** With year and seconds, for tooltips and ledgers. */
export function formatLong(instant: string | null | undefined, locale: string): string {
  if (!instant) return '—'
  return formatOf(locale, 'long', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  }).format(new Date(instant))
}

export function formatClock(instant: string | null | undefined, locale: string): string {
  if (!instant) return '—'
  return formatOf(locale, 'clock', { hour: '2-digit', minute: '2-digit', hour12: false }).format(new Date(instant))
}

/** A lag or an age in seconds as its largest unit: `8 s`, `3 m`, `2 h`, `4 d`. */
export function formatSpan(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return '—'
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} m`
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h`
  return `${Math.floor(whole / 86_400)} d`
}

export { DAY, HOUR, MINUTE }

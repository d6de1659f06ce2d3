/** What the bench says to a scan: a colour, a sound and a sentence. Pure, so that it can be tested without a scanner. */
import type { Bench, PackLine, PackParcel } from '@/api/types'
import type { Sound } from '@/lib/sounds'

export type Light = 'idle' | 'open' | 'right' | 'done' | 'wrong' | 'stop'

const LIGHTS: Record<string, Light> = {
  opened: 'open',
  right: 'right',
  complete: 'done',
  stop: 'stop',
}

const SOUNDS: Record<Light, Sound | undefined> = {
  idle: undefined,
  open: 'tick',
  right: 'tick',
  done: 'done',
  wrong: 'wrong',
  stop: 'siren',
}

/** The light of an answer. A parcel that must stop is red whatever was scanned; an unknown word is never green. */
export function lightOf(bench: Pick<Bench, 'outcome' | 'shipment'>): Light {
  if (bench.shipment?.stop_reason) return 'stop'
  if (!bench.outcome) return 'idle'
  return LIGHTS[bench.outcome] ?? 'wrong'
}

export function soundOf(light: Light): Sound | undefined {
  return SOUNDS[light]
}

/** What to pick next: the first line that is not complete. */
export function nextLine(parcel: PackParcel): PackLine | undefined {
  return parcel.lines.find((line) => line.scanned < line.needed)
}

/** Keys of the bench, typed into the scan field: a scanner never sends one letter alone. */
export type Command = 'reprint' | 'cancel' | 'weigh'

export const COMMANDS: Record<string, Command> = { p: 'reprint', u: 'cancel', w: 'weigh' }

export function commandOf(text: string): Command | undefined {
  return COMMANDS[text.trim().toLowerCase()]
}

const MOST_GRAMS = 1_000_000

/**
 * What a scale says, in whole grams. A scale that types like a keyboard sends its unit (`1.25kg`); a bare number is a
 * weight only when one was asked for, since barcodes are numbers, too.
 */
export function gramsOf(text: string, asked: boolean): number | undefined {
  const match = /^\s*\+?(\d+(?:[.,]\d+)?)\s*(kg|g)?\s*$/i.exec(text)
  if (!match || (!match[2] && !asked)) return undefined
  const amount = Number((match[1] ?? '').replace(',', '.'))
  const grams = Math.round(match[2]?.toLowerCase() === 'kg' ? amount * 1000 : amount)
  return grams >= 1 && grams <= MOST_GRAMS ? grams : undefined
}

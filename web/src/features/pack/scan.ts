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
export const COMMANDS: Record<string, 'reprint' | 'cancel'> = { p: 'reprint', u: 'cancel' }

export function commandOf(text: string): 'reprint' | 'cancel' | undefined {
  return COMMANDS[text.trim().toLowerCase()]
}

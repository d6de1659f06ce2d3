/** What the bench says to a scan: a colour, a sound and a sentence. Pure, so that it can be tested without a scanner. */
import type { PackAnswer, Shipment, ShipmentItem } from '@/api/types'
import type { Sound } from '@/lib/sounds'

export type Light = 'idle' | 'open' | 'right' | 'done' | 'wrong' | 'stop'

const LIGHTS: Record<string, Light> = {
  idle: 'idle',
  opened: 'open',
  right: 'right',
  complete: 'done',
  already: 'wrong',
  wrong: 'wrong',
  unknown: 'wrong',
  refused: 'wrong',
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

/** The light of an answer. A parcel that must stop is red whatever was scanned. */
export function lightOf(answer: Pick<PackAnswer, 'outcome' | 'shipment'>): Light {
  if (answer.shipment?.stop_reason) return 'stop'
  return LIGHTS[answer.outcome] ?? 'wrong'
}

export function soundOf(light: Light): Sound | undefined {
  return SOUNDS[light]
}

export interface Progress {
  scanned: number
  needed: number
  /** What to pick next: the first item that is not complete. */
  next: ShipmentItem | undefined
}

export function progressOf(shipment: Shipment): Progress {
  const scanned = shipment.items.reduce((sum, item) => sum + item.scanned, 0)
  const needed = shipment.items.reduce((sum, item) => sum + item.quantity, 0)
  return { scanned, needed, next: shipment.items.find((item) => item.scanned < item.quantity) }
}

/** Keys of the bench, typed into the scan field: a scanner never sends one letter alone. */
export const COMMANDS: Record<string, 'reprint' | 'cancel'> = { p: 'reprint', u: 'cancel' }

export function commandOf(text: string): 'reprint' | 'cancel' | undefined {
  return COMMANDS[text.trim().toLowerCase()]
}

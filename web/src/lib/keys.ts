/**
 * The keyboard map: one table that the screens obey and the `?` overlay shows. A combination is one key (`a`, `?`,
 * `Escape`, `Shift+x`) or two in a row (`g o`). Keys do nothing while a person types in a field, except those that say so.
 */
import { useEffect, useRef } from 'react'

export type KeyScope = 'global' | 'orders' | 'parcels' | 'bulk' | 'pack'

export interface KeyEntry {
  combo: string
  /** Names the binding in code and in the locale files (`keys.<id>`). */
  id: string
  scope: KeyScope
  /** Also heard inside fields. */
  inFields?: boolean
}

export const PLACES = [
  { id: 'home', letter: 'h', path: '/' },
  { id: 'orders', letter: 'o', path: '/orders' },
  { id: 'pack', letter: 'p', path: '/pack' },
  { id: 'print', letter: 't', path: '/print' },
  { id: 'stock', letter: 's', path: '/stock' },
  { id: 'shipments', letter: 'd', path: '/shipments' },
  { id: 'shops', letter: 'k', path: '/shops' },
  { id: 'imports', letter: 'i', path: '/imports' },
  { id: 'tasks', letter: 'b', path: '/tasks' },
  { id: 'settings', letter: ',', path: '/settings' },
] as const

export type PlaceId = (typeof PLACES)[number]['id']

export const KEYMAP: readonly KeyEntry[] = [
  ...PLACES.map((place): KeyEntry => ({ combo: `g ${place.letter}`, id: `go_${place.id}`, scope: 'global' })),
  { combo: '/', id: 'search', scope: 'global' },
  { combo: '?', id: 'help', scope: 'global' },
  { combo: 'Escape', id: 'close', scope: 'global', inFields: true },
  { combo: 'j', id: 'next', scope: 'orders' },
  { combo: 'k', id: 'previous', scope: 'orders' },
  { combo: 'x', id: 'mark', scope: 'orders' },
  { combo: 'Shift+X', id: 'mark_page', scope: 'orders' },
  { combo: 'Shift+A', id: 'mark_all', scope: 'orders' },
  { combo: 'Enter', id: 'open', scope: 'orders' },
  { combo: ']', id: 'next_tab', scope: 'orders' },
  { combo: '[', id: 'previous_tab', scope: 'orders' },
  { combo: '1', id: 'fix_1', scope: 'orders' },
  { combo: '2', id: 'fix_2', scope: 'orders' },
  { combo: '3', id: 'fix_3', scope: 'orders' },
  { combo: 'a', id: 'approve', scope: 'orders' },
  { combo: 'h', id: 'hold', scope: 'orders' },
  { combo: 'u', id: 'release', scope: 'orders' },
  { combo: 'l', id: 'label', scope: 'orders' },
  { combo: 'm', id: 'merge', scope: 'orders' },
  { combo: 's', id: 'split', scope: 'orders' },
  { combo: 'w', id: 'warehouse', scope: 'orders' },
  { combo: 'c', id: 'carrier', scope: 'orders' },
  { combo: 'e', id: 'address', scope: 'orders' },
  { combo: 'r', id: 'remark', scope: 'orders' },
  { combo: 't', id: 'tag', scope: 'orders' },
  { combo: 'i', id: 'assign', scope: 'orders' },
  { combo: 'y', id: 'share', scope: 'orders' },
  { combo: 'd', id: 'cancel', scope: 'orders' },
  { combo: 'z', id: 'undo', scope: 'orders' },
  { combo: 'j', id: 'next', scope: 'parcels' },
  { combo: 'k', id: 'previous', scope: 'parcels' },
  { combo: 'x', id: 'mark', scope: 'parcels' },
  { combo: 'Shift+X', id: 'mark_page', scope: 'parcels' },
  { combo: 'Shift+A', id: 'mark_all', scope: 'parcels' },
  { combo: ']', id: 'next_tab', scope: 'parcels' },
  { combo: '[', id: 'previous_tab', scope: 'parcels' },
  { combo: 'b', id: 'book', scope: 'parcels' },
  { combo: 'l', id: 'print_labels', scope: 'parcels' },
  { combo: 'o', id: 'hand_over', scope: 'parcels' },
  { combo: 'Enter', id: 'confirm', scope: 'bulk', inFields: true },
  { combo: 'p', id: 'pack_reprint', scope: 'pack' },
  { combo: 'u', id: 'pack_cancel', scope: 'pack' },
  { combo: 'w', id: 'pack_weigh', scope: 'pack' },
  { combo: 'Escape', id: 'pack_leave', scope: 'pack', inFields: true },
]

/** What a key event is called in the map. */
export function comboOf(event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>): string | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null
  const { key } = event
  if (key.length === 1 && /[a-z]/i.test(key)) return event.shiftKey ? `Shift+${key.toUpperCase()}` : key.toLowerCase()
  return key
}

/** How a combination is written for people. */
export function comboLabel(combo: string): string {
  const names: Record<string, string> = { Escape: 'Esc', Enter: '⏎' }
  return combo
    .split(' ')
    .map((part) => names[part] ?? (part.startsWith('Shift+') ? `⇧${part.slice(6)}` : part.toUpperCase()))
    .join(' ')
}

/** The key of a binding, as people read it. */
export function keyLabel(scope: KeyScope, id: string): string {
  return comboLabel(KEYMAP.find((entry) => entry.scope === scope && entry.id === id)?.combo ?? '')
}

/** Whether the element takes what is typed (so that single keys belong to it). */
export function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.isContentEditable) return true
  if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'button', 'submit'].includes(target.type)
  return target.tagName === 'TEXTAREA' || target.tagName === 'SELECT'
}

/** Finds the binding of a key in the order of the scopes, innermost first, remembering the first half of a pair. */
export class KeyReader {
  private prefix: string | null = null
  private prefixAt = 0

  constructor(
    private readonly map: readonly KeyEntry[] = KEYMAP,
    private readonly patience = 1200,
  ) {}

  read(combo: string, scopes: readonly KeyScope[], inField: boolean, now: number): string | null {
    const pending = this.prefix !== null && now - this.prefixAt <= this.patience ? this.prefix : null
    this.prefix = null
    const wanted = pending === null ? combo : `${pending} ${combo}`
    for (const scope of scopes) {
      const hit = this.map.find((entry) => entry.scope === scope && entry.combo === wanted)
      if (hit && (!inField || hit.inFields)) return hit.id
    }
    if (inField || pending !== null) return null
    if (this.map.some((entry) => scopes.includes(entry.scope) && entry.combo.startsWith(`${combo} `))) {
      this.prefix = combo
      this.prefixAt = now
    }
    return null
  }
}

/** Whether a dialog, drawer or list of choices is open: Escape is its key then, and nobody else's. */
export function overlayOpen(): boolean {
  return document.querySelector('.ant-modal-wrap, .ant-drawer-open, .ant-select-open, .ant-popover:not(.ant-popover-hidden)') !== null
}

type Handlers = Partial<Record<string, (event: KeyboardEvent) => void>>

interface Layer {
  scope: KeyScope
  handlers: { current: Handlers }
  /** While it is there, no layer below hears anything. */
  exclusive: boolean
}

const layers: Layer[] = []
const reader = new KeyReader()

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return
  const combo = comboOf(event)
  if (combo === null) return
  const floor = layers.findLastIndex((layer) => layer.exclusive)
  const heard = floor < 0 ? layers : layers.slice(floor)
  const scopes = [...new Set([...heard].reverse().map((layer) => layer.scope))]
  const onButton = combo === 'Enter' && event.target instanceof HTMLElement && event.target.closest('button, a, [role="option"]') !== null
  if (onButton) return
  const id = reader.read(combo, scopes, isField(event.target), event.timeStamp)
  if (id === null) return
  for (const layer of [...heard].reverse()) {
    const handler = layer.handlers.current[id]
    if (handler) {
      event.preventDefault()
      handler(event)
      return
    }
  }
}

/** Binds the named keys of a scope while the component is on screen. */
export function useKeys(scope: KeyScope, handlers: Handlers, options: { exclusive?: boolean; enabled?: boolean } = {}): void {
  const current = useRef(handlers)
  useEffect(() => {
    current.current = handlers
  })
  const { exclusive = false, enabled = true } = options
  useEffect(() => {
    if (!enabled) return
    const layer: Layer = { scope, handlers: current, exclusive }
    if (layers.length === 0) window.addEventListener('keydown', onKeyDown)
    layers.push(layer)
    return () => {
      layers.splice(layers.indexOf(layer), 1)
      if (layers.length === 0) window.removeEventListener('keydown', onKeyDown)
    }
  }, [scope, exclusive, enabled])
}

/** Cards that stay until dismissed: what an action did, to how many, with its refusals and its undo. */
import { useSyncExternalStore } from 'react'

export interface Refusal {
  id: string
  label: string
  reason: string
}

export interface Tally {
  key: string
  title: string
  tone: 'good' | 'warn' | 'bad' | 'busy'
  /** Counts by outcome, in the order to show them. */
  counts?: { label: string; value: number; tone?: 'good' | 'warn' | 'bad' }[]
  detail?: string
  refusals?: Refusal[]
  progress?: { done: number; total: number }
  undo?: () => Promise<void>
  /** Plain news goes by itself; a tally with refusals or an undo stays. */
  fleeting?: boolean
}

const FLEETING_MS = 4_000
let tallies: readonly Tally[] = []
const listeners = new Set<() => void>()
let serial = 0

function publish(next: readonly Tally[]): void {
  tallies = next
  for (const listener of listeners) listener()
}

export function showTally(tally: Omit<Tally, 'key'> & { key?: string }): string {
  const key = tally.key ?? `tally-${(serial += 1)}`
  const entry: Tally = { ...tally, key }
  const at = tallies.findIndex((other) => other.key === key)
  publish(at < 0 ? [...tallies.slice(-4), entry] : tallies.map((other, index) => (index === at ? entry : other)))
  if (entry.fleeting) setTimeout(() => dismissTally(key), FLEETING_MS)
  return key
}

export function dismissTally(key: string): void {
  publish(tallies.filter((tally) => tally.key !== key))
}

/** The newest thing that can still be undone. */
export function lastUndo(): Tally | undefined {
  return tallies.findLast((tally) => tally.undo !== undefined)
}

export function useTallies(): readonly Tally[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => tallies,
  )
}

import { useSyncExternalStore } from 'react'

// One ticker for the whole application: cells that count down share it and all turn at once.
const STEP = 15_000
let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined
const listeners = new Set<() => void>()

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(() => {
    now = Date.now()
    for (const notify of listeners) notify()
  }, STEP)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
}

/** The time, renewed every few seconds. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now)
}

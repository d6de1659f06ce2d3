/**
 * The one event stream of the page (`/api/v1/events`). Screens subscribe to the kinds they show; the stream is opened
 * with the first subscriber and tells whether it is connected.
 */
import { useEffect, useRef, useSyncExternalStore } from 'react'

export type LiveState = 'connecting' | 'live' | 'lost'
type Listener = (data: unknown) => void

const RETRY_MS = 5_000

class Live {
  private source: EventSource | undefined
  private retry: ReturnType<typeof setTimeout> | undefined
  private readonly listeners = new Map<string, Set<Listener>>()
  private readonly attached = new Set<string>()
  private readonly watchers = new Set<() => void>()
  state: LiveState = 'connecting'

  subscribe(kind: string, listener: Listener): () => void {
    const group = this.listeners.get(kind) ?? new Set()
    group.add(listener)
    this.listeners.set(kind, group)
    if (this.source) this.attach(kind)
    else this.open()
    return () => {
      group.delete(listener)
      if (group.size === 0) this.listeners.delete(kind)
      if (this.listeners.size === 0) this.close()
    }
  }

  watch = (listener: () => void): (() => void) => {
    this.watchers.add(listener)
    return () => this.watchers.delete(listener)
  }

  private open(): void {
    if (typeof EventSource === 'undefined' || this.source) return
    const source = new EventSource('/api/v1/events')
    this.source = source
    source.onopen = () => this.become('live')
    source.onerror = () => {
      this.become('lost')
      // The browser retries a broken connection by itself; one that was refused is closed for good and is ours to retry.
      if (source.readyState === EventSource.CLOSED) {
        this.drop()
        this.retry = setTimeout(() => this.open(), RETRY_MS)
      }
    }
    for (const kind of this.listeners.keys()) this.attach(kind)
  }

  private attach(kind: string): void {
    if (!this.source || this.attached.has(kind)) return
    this.attached.add(kind)
    this.source.addEventListener(kind, (event) => {
      let data: unknown
      try {
        data = JSON.parse((event as MessageEvent<string>).data)
      } catch {
        return
      }
      for (const listener of this.listeners.get(kind) ?? []) listener(data)
    })
  }

  private drop(): void {
    this.source?.close()
    this.source = undefined
    this.attached.clear()
  }

  private close(): void {
    clearTimeout(this.retry)
    this.drop()
    this.become('connecting')
  }

  private become(state: LiveState): void {
    if (this.state === state) return
    this.state = state
    for (const watcher of this.watchers) watcher()
  }
}

const live = new Live()

/** Pokes come in showers; a screen asks again at most this often. */
const CALM_MS = 1_000

/** Hears events of a kind while the component is on screen: the newest one, at most once a second. */
export function useLive<T>(kind: string, listener: (data: T) => void): void {
  const current = useRef(listener)
  useEffect(() => {
    current.current = listener
  })
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let heardAt = 0
    let newest: unknown
    const tell = () => {
      timer = undefined
      heardAt = Date.now()
      current.current(newest as T)
    }
    const stop = live.subscribe(kind, (data) => {
      newest = data
      timer ??= setTimeout(tell, Math.max(0, CALM_MS - (Date.now() - heardAt)))
    })
    return () => {
      clearTimeout(timer)
      stop()
    }
  }, [kind])
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(live.watch, () => live.state)
}

import { useSyncExternalStore } from 'react'
import { applyTokens, type ThemeName } from '@/tokens'
import { recall, remember } from './storage'

export type ThemeChoice = ThemeName | 'system'

const darkSystem = window.matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set<() => void>()
let choice: ThemeChoice = recall<ThemeChoice>('theme', 'system')

const resolve = (): ThemeName => (choice === 'system' ? (darkSystem.matches ? 'dark' : 'light') : choice)
let current = resolve()

function refresh(): void {
  current = resolve()
  applyTokens(current)
  for (const listener of listeners) listener()
}

export function startTheme(): void {
  darkSystem.addEventListener('change', refresh)
  applyTokens(current)
}

export function setTheme(next: ThemeChoice): void {
  choice = next
  remember('theme', next)
  refresh()
}

export function useTheme(): { name: ThemeName; choice: ThemeChoice } {
  const name = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => current,
  )
  return { name, choice }
}

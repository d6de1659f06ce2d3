import { useCallback, useState } from 'react'
import { recall, remember } from './storage'

/** State that outlives the page in this browser. */
export function useKept<T>(key: string, fallback: T): [T, (next: T) => void] {
  const [value, setValue] = useState<T>(() => recall(key, fallback))
  const keep = useCallback(
    (next: T) => {
      setValue(next)
      remember(key, next)
    },
    [key],
  )
  return [value, keep]
}

import { useSyncExternalStore } from 'react'

function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = window.matchMedia(query)
      media.addEventListener('change', listener)
      return () => media.removeEventListener('change', listener)
    },
    () => window.matchMedia(query).matches,
  )
}

/** A phone: lists become cards, the pane becomes the page. */
export const useNarrow = () => useMedia('(max-width: 767px)')
/** Room for a pane beside the list. */
export const useWide = () => useMedia('(min-width: 1100px)')
/** Room for more columns beside the pane. */
export const useRoomy = () => useMedia('(min-width: 1700px)')

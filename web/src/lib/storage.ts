/** Small per-browser settings (language, theme, station). A browser that refuses storage only forgets them. */
export function remember(key: string, value: unknown): void {
  try {
    localStorage.setItem(`wharf.${key}`, JSON.stringify(value))
  } catch {
    // Private windows and full disks: the setting lasts as long as the page.
  }
}

export function recall<T>(key: string, fallback: T): T {
  try {
    const text = localStorage.getItem(`wharf.${key}`)
    return text === null ? fallback : (JSON.parse(text) as T)
  } catch {
    return fallback
  }
}

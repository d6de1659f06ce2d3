/**
 * What is marked in a list: some rows by id, or everything that matches a filter. Pure values; a list keeps one in its
 * state and hands it to an action as `{ids}` or `{filter}`.
 */
export type Selection<Filter> =
  | { kind: 'ids'; ids: ReadonlySet<string> }
  | { kind: 'all'; filter: Filter; count: number }

export const none = <Filter>(): Selection<Filter> => ({ kind: 'ids', ids: new Set() })

export function isMarked<Filter>(selection: Selection<Filter>, id: string): boolean {
  return selection.kind === 'all' || selection.ids.has(id)
}

export function countOf<Filter>(selection: Selection<Filter>): number {
  return selection.kind === 'all' ? selection.count : selection.ids.size
}

/** Marks or unmarks one row. Unmarking one of "all" leaves the rows that are loaded, without it. */
export function toggle<Filter>(selection: Selection<Filter>, id: string, loaded: readonly string[]): Selection<Filter> {
  const ids = new Set(selection.kind === 'all' ? loaded : selection.ids)
  if (ids.has(id)) ids.delete(id)
  else ids.add(id)
  return { kind: 'ids', ids }
}

/** Marks a run of rows, as with shift and a click. */
export function markRange<Filter>(
  selection: Selection<Filter>,
  from: string,
  to: string,
  loaded: readonly string[],
): Selection<Filter> {
  const [first, last] = [loaded.indexOf(from), loaded.indexOf(to)].sort((a, b) => a - b) as [number, number]
  if (first < 0) return toggle(selection, to, loaded)
  const ids = new Set(selection.kind === 'all' ? loaded : selection.ids)
  for (const id of loaded.slice(first, last + 1)) ids.add(id)
  return { kind: 'ids', ids }
}

/** Marks every loaded row, or unmarks all when they are all marked. */
export function togglePage<Filter>(selection: Selection<Filter>, loaded: readonly string[]): Selection<Filter> {
  if (selection.kind === 'all') return none()
  const all = loaded.length > 0 && loaded.every((id) => selection.ids.has(id))
  return all ? none() : { kind: 'ids', ids: new Set([...selection.ids, ...loaded]) }
}

export function markAll<Filter>(filter: Filter, count: number): Selection<Filter> {
  return { kind: 'all', filter, count }
}

/** Whether the header's box is full, part-filled or empty. */
export function pageState<Filter>(selection: Selection<Filter>, loaded: readonly string[]): 'none' | 'some' | 'all' {
  if (loaded.length === 0) return 'none'
  if (selection.kind === 'all') return 'all'
  let marked = 0
  for (const id of loaded) if (selection.ids.has(id)) marked += 1
  return marked === 0 ? 'none' : marked === loaded.length ? 'all' : 'some'
}

/** The target of an action, as the API takes it. */
export function targetOf<Filter>(selection: Selection<Filter>): { ids: string[] } | { filter: Filter } {
  return selection.kind === 'all' ? { filter: selection.filter } : { ids: [...selection.ids] }
}

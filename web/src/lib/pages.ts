/** Lists by keyset: every list of the application pages the same way. */
import { infiniteQueryOptions } from '@tanstack/react-query'
import type { Page } from '@/api/types'

export function pagedQuery<Item>(key: readonly unknown[], load: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<Item>>) {
  return infiniteQueryOptions({
    queryKey: key,
    initialPageParam: undefined as string | undefined,
    staleTime: 15_000,
    queryFn: ({ pageParam, signal }) => load(pageParam, signal),
    getNextPageParam: (page: Page<Item>) => page.next ?? undefined,
  })
}

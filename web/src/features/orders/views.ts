import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, body } from '@/api/client'
import type { Page } from '@/api/types'
import { parseOrdersSearch, type OrdersSearch } from '@/lib/orders-search'

interface StoredView {
  id: string
  name: string
  query: Record<string, unknown>
}

export interface View {
  id: string
  name: string
  search: OrdersSearch
}

const viewsQuery = queryOptions({
  queryKey: ['views', 'orders'],
  staleTime: 300_000,
  queryFn: () => body<Page<StoredView>>(api.GET('/api/v1/views', { params: { query: { place: 'orders' } } })),
})

/** The filters a person has saved under a name: they follow the person, not the browser. */
export function useViews() {
  const client = useQueryClient()
  const views: View[] = (useQuery(viewsQuery).data?.items ?? []).map((view) => ({
    id: view.id,
    name: view.name,
    search: parseOrdersSearch(view.query),
  }))
  const refresh = () => client.invalidateQueries({ queryKey: viewsQuery.queryKey })
  const saving = useMutation({
    mutationFn: ({ name, search }: { name: string; search: OrdersSearch }) =>
      body(api.POST('/api/v1/views', { body: { place: 'orders', name, query: search } })),
    onSuccess: refresh,
  })
  const removing = useMutation({
    mutationFn: (view: View) => body(api.DELETE('/api/v1/views/{id}', { params: { path: { id: view.id } } })),
    onSuccess: refresh,
  })
  return {
    views,
    save: (name: string, search: OrdersSearch) => saving.mutate({ name, search }),
    remove: (view: View) => removing.mutate(view),
  }
}

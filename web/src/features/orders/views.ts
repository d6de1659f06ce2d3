import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { preferenceQuery, setPreference } from '@/api/preferences'
import { showFailure } from '@/lib/outcome'
import { parseOrdersSearch, type OrdersSearch } from '@/lib/orders-search'

export interface View {
  name: string
  search: OrdersSearch
}

const KEY = 'orders.views'

function viewsOf(stored: unknown): View[] {
  if (!Array.isArray(stored)) return []
  return stored.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return []
    const { name, search } = entry as Record<string, unknown>
    return typeof name === 'string' ? [{ name, search: parseOrdersSearch((search ?? {}) as Record<string, unknown>) }] : []
  })
}

/** The filters a person has saved under a name: they follow the person, not the browser. */
export function useViews() {
  const { t } = useTranslation()
  const client = useQueryClient()
  const query = preferenceQuery(KEY)
  const views = viewsOf(useQuery(query).data)
  const keeping = useMutation({
    mutationFn: (next: View[]) => setPreference(KEY, next),
    onMutate: (next) => client.setQueryData(query.queryKey, next),
    onError: (error) => {
      showFailure(error, t('orders.view_save'), t)
      void client.invalidateQueries({ queryKey: query.queryKey })
    },
  })
  return {
    views,
    save: (name: string, search: OrdersSearch) => keeping.mutate([...views.filter((view) => view.name !== name), { name, search }]),
    remove: (name: string) => keeping.mutate(views.filter((view) => view.name !== name)),
  }
}

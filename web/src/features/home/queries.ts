import { queryOptions } from '@tanstack/react-query'
import { api, body } from '@/api/client'
import type { HomeBoard } from '@/api/types'

export const homeQuery = queryOptions({
  queryKey: ['home'],
  staleTime: 5_000,
  refetchInterval: 30_000,
  queryFn: () => body<HomeBoard>(api.GET('/api/v1/home', {})),
})

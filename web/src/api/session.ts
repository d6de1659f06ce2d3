import { queryOptions, useQuery, type QueryClient } from '@tanstack/react-query'
import { api, body } from './client'
import { ApiProblem } from './problem'
import type { Session } from './types'

/** Who is signed in; `null` when nobody is. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  staleTime: 5 * 60_000,
  queryFn: async (): Promise<Session | null> => {
    try {
      return await body<Session>(api.GET('/api/v1/session', {}))
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 401) return null
      throw error
    }
  },
})

export function useSession(): Session | null {
  return useQuery(sessionQuery).data ?? null
}

/** Whether the role may do it. The server decides in any case; the screen only does not offer what would be refused. */
export function useMay(permission: string): boolean {
  const session = useSession()
  return session !== null && session.permissions.includes(permission)
}

export async function signIn(client: QueryClient, login: string, password: string): Promise<void> {
  await body(api.POST('/api/v1/session', { body: { login, password } }))
  await client.invalidateQueries()
  await client.fetchQuery({ ...sessionQuery, staleTime: 0 })
}

export async function signOut(client: QueryClient): Promise<void> {
  await body(api.DELETE('/api/v1/session', {}))
  client.clear()
}

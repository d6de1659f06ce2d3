/** The one way to the server: typed by the contract, problems thrown as errors, 401 told to whoever listens. */
import createClient, { type Middleware } from 'openapi-fetch'
import { randomKey } from '@/lib/random'
import { problemOf, Unreachable } from './problem'
import type { paths } from './schema.gen'

type Listener = () => void
const signedOut = new Set<Listener>()

/** Called when the server no longer knows the session. */
export function onSignedOut(listener: Listener): () => void {
  signedOut.add(listener)
  return () => signedOut.delete(listener)
}

const manners: Middleware = {
  onRequest({ request }) {
    // A lost answer may be asked for again with the same key; a retry of the same press is the caller's to make.
    if (request.method === 'POST' && !request.headers.has('Idempotency-Key')) {
      request.headers.set('Idempotency-Key', randomKey())
    }
    return request
  },
  async onResponse({ request, response }) {
    if (response.ok) return undefined
    const isSignIn = request.method === 'POST' && new URL(request.url).pathname.endsWith('/session')
    if (response.status === 401 && !isSignIn) for (const listener of signedOut) listener()
    const text = await response.clone().text()
    let body: unknown
    try {
      body = JSON.parse(text)
    } catch {
      body = undefined
    }
    throw problemOf(response.status, body)
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined
    return new Unreachable(error)
  },
}

export const api = createClient<paths>({
  baseUrl: typeof location === 'undefined' ? 'http://localhost' : location.origin,
  credentials: 'same-origin',
  // Repeated parameters (`phase=held&phase=review`) are "any of".
  querySerializer: { array: { style: 'form', explode: true } },
  fetch: (request) => globalThis.fetch(request),
})
api.use(manners)

/** The body of an answer that the middleware has already found to be good. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer
  return data as T
}

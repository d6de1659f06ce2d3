import i18next from 'i18next'
import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startI18n } from '@/locales'
import { api, body, onSignedOut } from './client'
import { ApiProblem, explain, Unreachable } from './problem'

const at = (path: string) => `${location.origin}/api/v1${path}`
const server = setupServer()
beforeAll(async () => {
  server.listen({ onUnhandledRequest: 'error' })
  await startI18n('zh-CN')
})
afterEach(() => server.resetHandlers())
afterAll(() => server.close())

const problem = (status: number, fields: Record<string, unknown>) =>
  HttpResponse.json({ status, ...fields }, { status, headers: { 'Content-Type': 'application/problem+json' } })

describe('the way to the server', () => {
  it('throws problems with their code, fields and version', async () => {
    server.use(http.get(at('/orders/counts'), () => problem(409, { code: 'conflict', detail: 'changed', version: 7, fields: [{ field: 'name', detail: 'too long' }] })))
    const error = await body(api.GET('/api/v1/orders/counts', {})).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ApiProblem)
    expect(error).toMatchObject({ status: 409, code: 'conflict', detail: 'changed', fields: [{ field: 'name', detail: 'too long' }], more: { version: 7 } })
    expect(explain(error, i18next.t)).toMatchObject({ title: '别人刚刚改过，请刷新后再试', detail: 'name: too long' })
  })

  it('tells of a lost session, but not of a wrong password', async () => {
    let told = 0
    const stop = onSignedOut(() => (told += 1))
    server.use(
      http.get(at('/orders/counts'), () => problem(401, { code: 'unauthenticated' })),
      http.post(at('/session'), () => problem(401, { code: 'invalid_credentials' })),
    )
    await body(api.POST('/api/v1/session', { body: { login: 'a', password: 'b' } })).catch(() => undefined)
    expect(told).toBe(0)
    await body(api.GET('/api/v1/orders/counts', {})).catch(() => undefined)
    expect(told).toBe(1)
    stop()
  })

  it('sends a key of its own with every POST', async () => {
    const keys: (string | null)[] = []
    server.use(
      http.post(at('/pack/scan'), ({ request }) => {
        keys.push(request.headers.get('Idempotency-Key'))
        return HttpResponse.json({})
      }),
    )
    const scan = () => body(api.POST('/api/v1/pack/scan', { body: { station: '1', code: 'x' } }))
    await scan()
    await scan()
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/)
    expect(keys[0]).not.toBe(keys[1])
  })

  it('says that the server cannot be reached, in words', async () => {
    server.use(http.get(at('/orders/counts'), () => HttpResponse.error()))
    const error = await body(api.GET('/api/v1/orders/counts', {})).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Unreachable)
    expect(explain(error, i18next.t).title).toBe('连不上服务器')
  })

  it("takes a proxy's page of HTML as a plain problem", async () => {
    server.use(http.get(at('/orders/counts'), () => HttpResponse.html('<h1>Bad gateway</h1>', { status: 502 })))
    const error = await body(api.GET('/api/v1/orders/counts', {})).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ status: 502, code: 'http_502' })
    expect(explain(error, i18next.t).title).toBe('服务器暂时不可用')
  })

  it('sends several values of one filter as the API reads them', async () => {
    let query = ''
    server.use(
      http.get(at('/orders'), ({ request }) => {
        query = new URL(request.url).search
        return HttpResponse.json({ items: [], next: null })
      }),
    )
    await body(api.GET('/api/v1/orders', { params: { query: { phase: ['held', 'review'], q: undefined } } }))
    expect(query).toBe('?phase=held&phase=review')
  })
})

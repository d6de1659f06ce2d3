// Pictures of the screens in states that a live demo seldom shows (crowded, empty, loading, failing), from the
// fixtures of the unit tests: `node e2e/looks.mjs [folder] [filter]`. For looking at, not a test.
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createServer } from 'vite'
import { launch } from './browser.mjs'

const [folder = 'test-results/looks', filter = ''] = process.argv.slice(2)
mkdirSync(folder, { recursive: true })
const root = fileURLToPath(new URL('..', import.meta.url))
const vite = await createServer({ root, logLevel: 'error', server: { port: 0, host: '127.0.0.1', proxy: {} } })
await vite.listen()
const base = `http://127.0.0.1:${vite.httpServer.address().port}`
const fixtures = await vite.ssrLoadModule('/src/test/answers.ts')

const SIZES = { laptop: [1366, 768], wide: [1920, 1080], phone: [390, 844] }
const STATES = ['crowded', 'empty', 'loading', 'failing']
const PLACES = {
  home: '/',
  orders: '/orders',
  held: '/orders?phase=held',
  order: '/orders?phase=review&order=7000000000000',
  pack: '/pack',
  print: '/print',
  stock: '/stock',
  shipments: '/shipments',
  shops: '/shops',
  imports: '/imports',
  tasks: '/tasks',
  parked: '/tasks?tab=parked',
  settings: '/settings',
  'sign-in': '/sign-in',
}

const browser = await launch()
for (const [place, path] of Object.entries(PLACES)) {
  for (const [size, [width, height]] of Object.entries(SIZES)) {
    for (const language of ['zh-CN', 'en']) {
      for (const theme of ['light', 'dark']) {
        for (const state of STATES) {
          // Every state once, every size and language in the crowded one.
          if (state !== 'crowded' && (size !== 'laptop' || language !== 'zh-CN' || theme !== 'light')) continue
          if (theme === 'dark' && (size !== 'laptop' || language !== 'zh-CN')) continue
          const name = [place, size, language, theme, state].join('_')
          if (!name.includes(filter)) continue
          const context = await browser.newContext({ viewport: { width, height }, locale: language, timezoneId: 'Asia/Shanghai', hasTouch: size === 'phone' })
          await context.addInitScript(
            ([lang, name]) => {
              localStorage.setItem('wharf.language', JSON.stringify(lang))
              localStorage.setItem('wharf.theme', JSON.stringify(name))
            },
            [language, theme],
          )
          const page = await context.newPage()
          page.on('pageerror', (error) => console.log(name, 'page error:', error.message))
          await page.route('**/api/v1/**', async (route) => {
            const url = new URL(route.request().url())
            const answer = fixtures.answer(state, place === 'sign-in', route.request().method(), url.pathname, url.searchParams)
            if (answer === 'never') return
            await route.fulfill({ status: answer.status, contentType: answer.type ?? 'application/json', body: answer.text ?? JSON.stringify(answer.body) })
          })
          await page.goto(base + path)
          await page.waitForSelector('main, .pack, [role=alert]', { timeout: 60_000 })
          await page.waitForTimeout(state === 'loading' ? 900 : 700)
          await page.screenshot({ path: `${folder}/${name}.png` })
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
          if (overflow > 0) console.log(name, `overflows by ${overflow} px`)
          await context.close()
        }
      }
    }
  }
}
await browser.close()
await vite.close()

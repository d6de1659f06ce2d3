// End to end, in a real browser, against a real server with a simulated market: `npm run e2e`.
import { Checks } from './harness.mjs'
import { launch } from './browser.mjs'
import { demo } from './server.mjs'
import { flows } from './flows.mjs'
import { looks, signIn } from './places.mjs'

const folder = process.env.E2E_FOLDER ?? 'test-results/e2e'
const server = await demo()
const browser = await launch()
let good = false
try {
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' })
  const page = await context.newPage()
  const errors = []
  page.on('pageerror', (error) => errors.push(error.message))
  const checks = new Checks(page, folder)
  // E2E_ONLY=flows or E2E_ONLY=places leaves the other half out.
  const only = process.env.E2E_ONLY
  if (only !== 'places') await flows(checks, page, server)
  if (only === 'places') await signIn(page, server)
  if (only !== 'flows') await looks(checks, page, server)
  await checks.check('no script failed on the way', () => {
    if (errors.length > 0) throw new Error(errors.slice(0, 5).join('\n'))
  })
  good = checks.close()
} finally {
  await browser.close()
  await server.stop()
}
process.exit(good ? 0 : 1)

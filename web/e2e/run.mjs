// End to end, in a real browser, against a real server with a simulated market: `npm run e2e`.
import { Checks } from './harness.mjs'
import { launch } from './browser.mjs'
import { demo } from './server.mjs'
import { flows } from './flows.mjs'
import { ship } from './shipping.mjs'
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
  // E2E_ONLY=flows, ship or places runs that part alone; E2E_SHIP is how many parcels one person ships.
  const only = process.env.E2E_ONLY
  const runs = (part) => only === undefined || only === part
  if (runs('flows')) await flows(checks, page, server)
  else await signIn(page, server)
  if (runs('ship')) await ship(checks, page, server, Number(process.env.E2E_SHIP ?? 30))
  if (runs('places')) await looks(checks, page, server)
  await checks.check('no script failed on the way', () => {
    if (errors.length > 0) throw new Error(errors.slice(0, 5).join('\n'))
  })
  good = checks.close()
} finally {
  await browser.close()
  await server.stop()
}
process.exit(good ? 0 : 1)

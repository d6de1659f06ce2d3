// Every place at three sizes and in both languages: nothing overflows, nothing moves once drawn, axe finds nothing.
import { axe, expect, overflow } from './harness.mjs'

const PLACES = (process.env.E2E_PLACES ?? '/,/orders,/orders?phase=held,/print,/stock,/shipments,/shops,/imports,/tasks,/settings,/pack').split(',')
const SIZES = { laptop: [1366, 768], wide: [1920, 1080], phone: [390, 844] }
/** Shift that a person sees; the field's own threshold for "good" is five times this. */
const MOST_SHIFT = 0.02

const nameOf = (path) => (path === '/' ? 'home' : path.slice(1).replace(/\W+/g, '-'))

async function setLanguage(page, language) {
  await page.evaluate((value) => localStorage.setItem('wharf.language', JSON.stringify(value)), language)
}

async function settled(page) {
  await page.waitForSelector('main')
  await page.waitForFunction(() => !document.querySelector('.skeleton, .ant-spin-spinning'), undefined, { timeout: 20_000 })
  await page.waitForTimeout(600)
}

export async function looks(checks, page, { url }) {
  for (const language of ['zh-CN', 'en']) {
    for (const [size, [width, height]] of Object.entries(SIZES)) {
      // What fits a laptop in a language fits a large screen in it.
      if (language === 'en' && size === 'wide') continue
      await page.setViewportSize({ width, height })
      for (const path of PLACES) {
        const name = `${nameOf(path)}_${size}_${language}`
        await checks.check(`${name}: fits, stands still${size === 'wide' ? '' : ', axe is clean'}`, async () => {
          await setLanguage(page, language)
          await page.goto(url + path)
          await settled(page)
          await page.evaluate(() => {
            window.shift = 0
            window.moved = []
            const nameOf = (node) => (node instanceof Element ? `${node.tagName.toLowerCase()}.${node.className}` : String(node?.nodeName))
            const box = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(' ')
            new PerformanceObserver((list) => {
              for (const entry of list.getEntries()) {
                if (entry.hadRecentInput) continue
                window.shift += entry.value
                for (const source of entry.sources) window.moved.push(`${nameOf(source.node)}: ${box(source.previousRect)} → ${box(source.currentRect)}`)
              }
            }).observe({ type: 'layout-shift', buffered: true })
          })
          await page.waitForTimeout(150)
          await checks.shot(name)
          expect((await overflow(page)) <= 0, `overflows by ${await overflow(page)} px`)
          const shift = await page.evaluate(() => window.shift)
          expect(shift <= MOST_SHIFT, `the layout moved by ${shift.toFixed(3)}\n${(await page.evaluate(() => window.moved)).slice(0, 8).join('\n')}`)
          if (size !== 'wide') {
            const found = await axe(page)
            expect(found.length === 0, `axe:\n${found.join('\n')}`)
          }
        })
      }
    }
  }
  await page.setViewportSize({ width: 1366, height: 768 })
  await setLanguage(page, 'zh-CN')
}

export async function signIn(page, { url, login, password }) {
  await page.goto(`${url}/sign-in`)
  await page.fill('input[autocomplete=username]', login)
  await page.fill('input[autocomplete=current-password]', password)
  await page.keyboard.press('Enter')
  await page.waitForURL((address) => !address.pathname.includes('sign-in'))
}

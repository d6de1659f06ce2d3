// A few lines instead of a framework: named checks in order, a picture of each failure, a closing line with the counts.
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const require = createRequire(import.meta.url)
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

export class Checks {
  passed = 0
  failed = 0

  constructor(page, folder) {
    this.page = page
    this.folder = folder
    mkdirSync(folder, { recursive: true })
  }

  async check(name, work) {
    const started = Date.now()
    try {
      await work()
      this.passed += 1
      console.log(`ok    ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
    } catch (error) {
      this.failed += 1
      console.log(`FAIL  ${name}\n      ${String(error.stack ?? error).split('\n').slice(0, 12).join('\n      ')}`)
      await this.page.screenshot({ path: `${this.folder}/FAIL-${this.passed + this.failed}.png` }).catch(() => undefined)
    }
  }

  async shot(name) {
    await this.page.screenshot({ path: `${this.folder}/${name}.png` })
  }

  close() {
    console.log(`${this.passed} passed, ${this.failed} failed`)
    return this.failed === 0
  }
}

export function expect(condition, words) {
  if (!condition) throw new Error(words)
}

/** Asks again until the answer is good; says what it saw last. */
export async function until(words, ask, { timeout = 30_000, every = 250 } = {}) {
  const end = Date.now() + timeout
  let last
  while (Date.now() < end) {
    last = await ask()
    if (last) return last
    await new Promise((resolve) => setTimeout(resolve, every))
  }
  throw new Error(`${words}: not within ${timeout / 1000} s (last: ${JSON.stringify(last)})`)
}

/** The API as the page's own session sees it. */
export function apiOf(page) {
  const call = async (method, path, body) =>
    page.evaluate(
      async ([method, path, body]) => {
        const answer = await fetch(`/api/v1${path}`, {
          method,
          headers: body ? { 'Content-Type': 'application/json' } : {},
          body: body ? JSON.stringify(body) : undefined,
        })
        const text = await answer.text()
        if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`)
        return text ? JSON.parse(text) : null
      },
      [method, path, body],
    )
  return { get: (path) => call('GET', path), post: (path, body) => call('POST', path, body), put: (path, body) => call('PUT', path, body) }
}

/** Violations of WCAG 2.2 A and AA, as axe sees them. */
export async function axe(page) {
  await page.evaluate(axeSource)
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }),
  )
  return violations.map((violation) => `${violation.id} (${violation.nodes.length}): ${violation.nodes[0]?.html.slice(0, 160)} | ${violation.nodes[0]?.any?.[0]?.message ?? ''}`)
}

export async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}

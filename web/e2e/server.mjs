// A demo to drive: the one that WHARF_URL names, or one of our own from target/debug with a market of its own.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const START_MS = 90_000

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

export async function demo() {
  if (process.env.WHARF_URL) {
    return {
      url: process.env.WHARF_URL.replace(/\/$/, ''),
      login: process.env.WHARF_LOGIN ?? 'owner',
      password: process.env.WHARF_PASSWORD ?? '',
      world: process.env.WHARF_WORLD,
      stop: async () => undefined,
    }
  }
  const binary = process.env.WHARF_BIN ?? fileURLToPath(new URL('../../target/debug/wharf', import.meta.url))
  if (!existsSync(binary)) throw new Error(`no binary at ${binary}: run "cargo build" first, or name one in WHARF_BIN, or a running demo in WHARF_URL`)
  const data = mkdtempSync(join(tmpdir(), 'wharf-e2e-'))
  const child = spawn(binary, ['demo', '--json', '--listen', `127.0.0.1:${await freePort()}`, '--data', data, '--seed', '7', '--rate', '120'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = []
  child.stderr.on('data', (chunk) => {
    said.push(String(chunk))
    if (said.length > 200) said.shift()
  })
  const lines = createInterface({ input: child.stdout })
  const ready = await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the demo was not ready in ${START_MS / 1000} s\n${said.join('')}`)), START_MS)
    lines.on('line', (line) => {
      try {
        const told = JSON.parse(line)
        if (told.url) {
          clearTimeout(late)
          resolve(told)
        }
      } catch {
        // Not the line we wait for.
      }
    })
    child.once('exit', (code) => {
      clearTimeout(late)
      reject(new Error(`the demo ended with ${code}\n${said.join('')}`))
    })
  })
  return {
    ...ready,
    url: ready.url.replace(/\/$/, ''),
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => {
          rmSync(data, { recursive: true, force: true })
          resolve()
        })
        child.kill('SIGTERM')
        setTimeout(() => child.kill('SIGKILL'), 10_000).unref()
      }),
  }
}

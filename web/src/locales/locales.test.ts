import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ORDER_PHASES } from '@/lib/orders-search'
import { WORD_PARAMS } from '@/features/orders/words'
import { KEYMAP } from '@/lib/keys'
import en from './en'
import zh from './zh-CN'

type Messages = { [key: string]: string | Messages }

function flatten(messages: Messages, prefix = ''): Map<string, string> {
  const flat = new Map<string, string>()
  for (const [key, value] of Object.entries(messages)) {
    if (typeof value === 'string') flat.set(prefix + key, value)
    else for (const [inner, text] of flatten(value, `${prefix}${key}.`)) flat.set(inner, text)
  }
  return flat
}

/** English has two forms of a counted word where Chinese has one. */
const bare = (key: string) => key.replace(/_(one|other)$/, '')
const chinese = flatten(zh as Messages)
const english = flatten(en as Messages)
const keys = { 'zh-CN': new Set([...chinese.keys()].map(bare)), en: new Set([...english.keys()].map(bare)) }

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sources(path)
    return /\.tsx?$/.test(entry.name) && !/\.(test|gen)\.tsx?$/.test(entry.name) ? [path] : []
  })
}

const code = sources(join(import.meta.dirname, '..')).map((path) => ({ path, text: readFileSync(path, 'utf8') }))

/** `t('a.b')` and `t(\`a.${x}\`)`, with the file each is in. */
function uses() {
  const whole: { key: string; path: string }[] = []
  const prefixes: { prefix: string; path: string }[] = []
  for (const { path, text } of code) {
    for (const match of text.matchAll(/\bt\(\s*(['"])([a-z][\w]*(?:\.[\w,]+)+)\1/g)) whole.push({ key: match[2]!, path })
    for (const match of text.matchAll(/\bt\(\s*`([^`]*)`/g)) {
      const template = match[1]!
      if (template.includes('${')) prefixes.push({ prefix: template.slice(0, template.indexOf('${')), path })
      else whole.push({ key: template, path })
    }
    // Families that are named by a variable: sentences of codes, and parameters whose values are words.
    for (const match of text.matchAll(/\bsentence\(\s*'(\w+)'/g)) prefixes.push({ prefix: `${match[1]!}.`, path })
    for (const match of text.matchAll(/\?\s*'([a-z]\w*\.\w+)'\s*:\s*'([a-z]\w*\.\w+)'/g)) {
      whole.push({ key: match[1]!, path }, { key: match[2]!, path })
    }
  }
  for (const family of Object.values(WORD_PARAMS)) prefixes.push({ prefix: `${family}.`, path: 'words.ts' })
  return { whole, prefixes }
}

describe('the two languages', () => {
  it('have the same keys', () => {
    expect([...keys['zh-CN']].filter((key) => !keys.en.has(key))).toEqual([])
    expect([...keys.en].filter((key) => !keys['zh-CN'].has(key))).toEqual([])
  })

  it('put the same values into their sentences', () => {
    const holes = (text: string) => [...new Set(text.match(/\{\{\w+\}\}/g) ?? [])].filter((hole) => hole !== '{{count}}').sort()
    for (const [key, text] of english) {
      const other = chinese.get(key) ?? chinese.get(bare(key))
      expect(holes(other ?? ''), key).toEqual(holes(text))
    }
  })

  it('leave no text empty', () => {
    for (const [key, text] of [...chinese, ...english]) expect(text.trim(), key).not.toBe('')
  })

  it('know every key that the code asks for', () => {
    const { whole, prefixes } = uses()
    expect(whole.length).toBeGreaterThan(20)
    expect(whole.filter(({ key }) => !keys['zh-CN'].has(key))).toEqual([])
    const all = [...keys['zh-CN']]
    expect(prefixes.filter(({ prefix }) => !all.some((key) => key.startsWith(prefix)))).toEqual([])
  })

  it('carry no key that nothing asks for', () => {
    const { whole, prefixes } = uses()
    const asked = new Set(whole.map(({ key }) => key))
    const unused = [...keys['zh-CN']].filter((key) => !asked.has(key) && !prefixes.some(({ prefix }) => prefix !== '' && key.startsWith(prefix)))
    expect(unused).toEqual([])
  })

  it('have a word for every phase and every key of the keyboard', () => {
    for (const phase of ORDER_PHASES) expect(keys.en.has(`phase.${phase}`), phase).toBe(true)
    for (const { id } of KEYMAP) expect(keys.en.has(`keys.${id}`), id).toBe(true)
  })
})

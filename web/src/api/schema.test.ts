import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { generate } from '../../scripts/api-schema.mjs'

const root = join(import.meta.dirname, '../..')

it('the client is made from the contract as it stands (else: npm run api:generate)', async () => {
  expect(existsSync(join(root, 'openapi.json'))).toBe(true)
  const made = await generate(readFileSync(join(root, 'openapi.json'), 'utf8'))
  // Compared as a whole: a difference of thousands of lines helps nobody.
  expect(readFileSync(join(root, 'src/api/schema.gen.ts'), 'utf8') === made).toBe(true)
})

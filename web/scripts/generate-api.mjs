// Makes src/api/schema.gen.ts from openapi.json (which `wharf openapi` writes). A test fails when the two differ.
import { readFileSync, writeFileSync } from 'node:fs'
import { generate } from './api-schema.mjs'

const here = new URL('..', import.meta.url)
writeFileSync(new URL('src/api/schema.gen.ts', here), await generate(readFileSync(new URL('openapi.json', here), 'utf8')))

import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import * as errors from '../../src/errors.ts'

/** Every class of the errors module that can be thrown, with its code. */
const classes = Object.entries(errors).flatMap(([name, value]) => {
  if (typeof value !== 'function' || !(value.prototype instanceof errors.FloebergError)) return []
  const error = new (value as new (message: string) => errors.FloebergError)('message')
  return [{ name, code: error.code }]
})

test('every error class is on the page of errors, with its code', async () => {
  const page = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  expect(classes.length).toBeGreaterThan(30)
  for (const { name, code } of classes) expect(page).toContain(`\`${code}\` | \`${name}\``)
})

test('no two classes share a code', () => {
  expect(new Set(classes.map(({ code }) => code)).size).toBe(classes.length)
})

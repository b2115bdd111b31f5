import { describe, expect, test } from 'vitest'
import { managerSettingsSchema, sizeInBytes } from '../../src/manager/config.ts'
import { SETTING_FORMS } from '../../src/manager/config-schema.ts'
import { closestName } from '../../src/format/did-you-mean.ts'

test.each([
  [1024, 1024],
  ['1024', 1024],
  ['7B', 7],
  ['512MB', 512_000_000],
  ['512 mb', 512_000_000],
  ['4GiB', 4_294_967_296],
  ['1.5 KiB', 1536],
  ['2TB', 2_000_000_000_000],
])('%s is %i bytes', (size, bytes) => {
  expect(sizeInBytes(size)).toBe(bytes)
})

describe('what was probably meant', () => {
  test.each([
    ['catalogue', 'catalog'],
    ['thread', 'threads'],
    ['Threads', 'threads'],
    ['tabel-properties', 'table-properties'],
    ['zzz', null],
    ['', null],
  ])('%j: %j', (name, meant) => {
    expect(closestName(name, ['catalog', 'threads', 'table-properties'])).toBe(meant)
  })
})

test('every setting of the schema can be set by file and variable, and no other', () => {
  const everything = managerSettingsSchema.parse({
    engine: { memoryLimitBytes: 1, threads: 1 },
    scratchDir: 'x',
    commitPolicy: { retries: 1, minWaitMs: 1, maxWaitMs: 1, totalTimeoutMs: 1, maxRetries: 1 },
    retention: { bounds: { maxAgeDays: { min: 1, max: 1 }, minSnapshotsToKeep: { min: 1, max: 1 } } },
  })
  const paths = (value: object, prefix: string): string[] =>
    Object.entries(value).flatMap(([key, entry]) => {
      const path = `${prefix}${key}`
      const isLeaf = typeof entry !== 'object' || Array.isArray(entry) || SETTING_FORMS[path] === 'map'
      return isLeaf ? [path] : paths(entry, `${path}.`)
    })
  expect(paths(everything, '').sort()).toEqual(Object.keys(SETTING_FORMS).sort())
})

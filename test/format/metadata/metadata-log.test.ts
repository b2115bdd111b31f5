import { describe, expect, test } from 'vitest'
import { withMetadataLog } from '../../../src/format/metadata/metadata-log.ts'
import { emptyTable } from './support.ts'

const files = (entries: readonly { readonly 'metadata-file': string }[]) =>
  entries.map((entry) => entry['metadata-file'])

describe('the metadata log', () => {
  test.each([
    [3, ['f8', 'f9', 'f10']],
    [1, ['f10']],
    [0, ['f10']],
    [-5, ['f10']],
    [100, ['f1', 'f2', 'f3', 'f4', 'f5', 'f6', 'f7', 'f8', 'f9', 'f10']],
  ])('of at most %i entries keeps the newest, and says exactly which left it', (max, kept) => {
    let metadata = emptyTable()
    const evicted: string[] = []
    for (let i = 1; i <= 10; i++) {
      const logged = withMetadataLog(metadata, `f${i}`, 1000 + i, max)
      metadata = logged.metadata
      evicted.push(...files(logged.evicted))
    }
    expect(files(metadata['metadata-log'])).toEqual(kept)
    expect([...evicted, ...kept]).toEqual(['f1', 'f2', 'f3', 'f4', 'f5', 'f6', 'f7', 'f8', 'f9', 'f10'])
    expect(metadata['metadata-log'].at(-1)).toEqual({ 'metadata-file': 'f10', 'timestamp-ms': 1010 })
  })

  test('lets all go that a lower limit leaves out, and never what it still names', () => {
    const entries = ['a', 'b', 'a', 'c'].map((file) => ({ 'metadata-file': file, 'timestamp-ms': 1 }))
    const logged = withMetadataLog({ ...emptyTable(), 'metadata-log': entries }, 'd', 2, 3)
    expect(files(logged.metadata['metadata-log'])).toEqual(['a', 'c', 'd'])
    expect(files(logged.evicted)).toEqual(['b'])
    const current = withMetadataLog({ ...emptyTable(), 'metadata-log': entries }, 'a', 2, 1)
    expect(files(current.evicted)).toEqual(['b', 'c'])
  })
})

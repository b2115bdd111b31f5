import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { buildSummary, SUMMARY_KEYS, type SummaryParts } from '../../src/format/snapshot-summary.ts'
import type { SnapshotSummary } from '../../src/format/snapshot.ts'
import { contentFile } from '../support/content-file.ts'

const file = (parts: Partial<ContentFile>): ContentFile =>
  contentFile({ location: 'f', fileSizeInBytes: 100, ...parts })

const summary = (parts: Partial<SummaryParts>) =>
  buildSummary({
    operation: 'append',
    change: { added: [], removed: [] },
    previous: null,
    properties: {},
    extra: {},
    ...parts,
  })

describe('a summary', () => {
  test('of a first append, by the names that Java and PyIceberg use', () => {
    const added = [file({}), file({ recordCount: 5, fileSizeInBytes: 50 })]
    expect(summary({ change: { added, removed: [] } })).toEqual({
      operation: 'append',
      'added-data-files': '2',
      'added-records': '15',
      'added-files-size': '150',
      'changed-partition-count': '1',
      'total-data-files': '2',
      'total-records': '15',
      'total-files-size': '150',
      'total-delete-files': '0',
      'total-position-deletes': '0',
      'total-equality-deletes': '0',
    })
  })

  test('of files of every kind, added and removed', () => {
    const kinds = [
      file({ recordCount: 1, fileSizeInBytes: 1000 }),
      file({ content: 'position-deletes', recordCount: 2, fileSizeInBytes: 200 }),
      file({ content: 'equality-deletes', recordCount: 3, fileSizeInBytes: 30 }),
      // A deletion vector: of a Puffin file of 9999 bytes, 4 are its own.
      file({
        content: 'position-deletes',
        format: 'puffin',
        recordCount: 7,
        fileSizeInBytes: 9999,
        contentOffset: 4,
        contentSizeInBytes: 4,
      }),
    ]
    const all = summary({ operation: 'overwrite', change: { added: kinds, removed: kinds } })
    expect(all).toEqual({
      operation: 'overwrite',
      'added-data-files': '1',
      'added-records': '1',
      'added-delete-files': '3',
      'added-position-delete-files': '1',
      'added-dvs': '1',
      'added-equality-delete-files': '1',
      'added-position-deletes': '9',
      'added-equality-deletes': '3',
      'added-files-size': '1234',
      'deleted-data-files': '1',
      'deleted-records': '1',
      'removed-delete-files': '3',
      'removed-position-delete-files': '1',
      'removed-dvs': '1',
      'removed-equality-delete-files': '1',
      'removed-position-deletes': '9',
      'removed-equality-deletes': '3',
      'removed-files-size': '1234',
      'changed-partition-count': '1',
      'total-data-files': '0',
      'total-records': '0',
      'total-files-size': '0',
      'total-delete-files': '0',
      'total-position-deletes': '0',
      'total-equality-deletes': '0',
    })
  })

  test('of nothing', () => {
    expect(summary({})['changed-partition-count']).toBe('0')
    expect(summary({})['added-data-files']).toBe(undefined)
  })

  test("keeps the caller's entries, but none of the format's own", () => {
    const extra = {
      job: 'nightly',
      operation: 'replace',
      'total-records': '7',
      'changed-partition-count': '9',
    }
    const made = summary({ change: { added: [file({})], removed: [] }, extra })
    expect(made).toMatchObject({
      job: 'nightly',
      operation: 'append',
      'total-records': '10',
      'changed-partition-count': '1',
    })
    for (const key of Object.keys(made)) expect(SUMMARY_KEYS.has(key)).toBe(key !== 'job')
  })
})

describe('totals', () => {
  const added = [file({})]

  test('stay unknown where the parent does not say them, or says no number', () => {
    expect(summary({ previous: {}, change: { added, removed: [] } })['total-records']).toBe(undefined)
    const previous = { 'total-records': 'many', 'total-data-files': '-1', 'total-files-size': '5' }
    const made = summary({ previous, change: { added, removed: [] } })
    expect(made['total-records']).toBe(undefined)
    expect(made['total-data-files']).toBe(undefined)
    expect(made['total-files-size']).toBe('105')
  })

  test('that would go below 0 are unknown', () => {
    const made = summary({ previous: { 'total-records': '9' }, change: { added: [], removed: added } })
    expect(made['total-records']).toBe(undefined)
  })

  test('are exact beyond 2^53', () => {
    const made = summary({
      previous: { 'total-records': '9007199254740993' },
      change: { added, removed: [] },
    })
    expect(made['total-records']).toBe('9007199254741003')
  })

  test('are what is in the table, after any history', () => {
    const content = fc.constantFrom<ContentFile['content']>('data', 'position-deletes', 'equality-deletes')
    const anyFile = fc
      .record({ content, recordCount: fc.nat(1000), fileSizeInBytes: fc.nat(100_000) })
      .map((parts) => file(parts))
    const step = fc.record({
      added: fc.array(anyFile, { maxLength: 5 }),
      remove: fc.array(fc.nat(50), { maxLength: 4 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let live: readonly ContentFile[] = []
        let previous: SnapshotSummary | null = null
        for (const { added: more, remove } of steps) {
          const removed: readonly ContentFile[] = live.filter((_, at) => remove.includes(at))
          live = [...live.filter((each) => !removed.includes(each)), ...more]
          previous = summary({ previous, change: { added: more, removed } })
          const of = (kind: ContentFile['content']) => live.filter((each) => each.content === kind)
          const rows = (files: readonly ContentFile[]) =>
            files.reduce((total, each) => total + each.recordCount, 0)
          expect(previous).toMatchObject({
            'total-data-files': String(of('data').length),
            'total-delete-files': String(live.length - of('data').length),
            'total-records': String(rows(of('data'))),
            'total-position-deletes': String(rows(of('position-deletes'))),
            'total-equality-deletes': String(rows(of('equality-deletes'))),
            'total-files-size': String(live.reduce((total, each) => total + each.fileSizeInBytes, 0)),
          })
        }
      }),
    )
  })
})

describe('partitions', () => {
  const at = (...partition: ContentFile['partition']) => file({ partition })

  test('are counted by their values, of all types', () => {
    const added = [
      at('a', null),
      at('a', null),
      at('a,null', 'x'),
      at('a', 'null,x'),
      at('null', null),
      at(null, null),
      at(0),
      at(-0),
      at(new Uint8Array([1, 2])),
      at(new Uint8Array([12])),
      { ...at('a', null), specId: 1 },
    ]
    expect(summary({ change: { added, removed: [at('a', null)] } })['changed-partition-count']).toBe('10')
  })

  const added = [at('x'), at('x'), at('y')]
  const removed = [file({ partition: ['y'], content: 'equality-deletes', recordCount: 2 })]
  const partitionPath = (each: ContentFile) =>
    each.partition.length === 0 ? '' : `p=${String(each.partition[0])}`

  test('have a line each where the table asks for it', () => {
    const properties = { 'write.summary.partition-limit': '2' }
    const made = summary({ change: { added, removed }, properties, partitionPath })
    expect(made).toMatchObject({
      'partition-summaries-included': 'true',
      'partitions.p=x': 'added-data-files=2,added-records=20,added-files-size=200',
      'partitions.p=y':
        'added-data-files=1,added-records=10,added-files-size=100,removed-equality-delete-files=1,removed-delete-files=1,removed-files-size=100,removed-equality-deletes=2',
    })
  })

  test.each([
    [{}, partitionPath, added],
    [{ 'write.summary.partition-limit': '1' }, partitionPath, added],
    [{ 'write.summary.partition-limit': '5' }, undefined, added],
    [{ 'write.summary.partition-limit': '5' }, partitionPath, [file({})]],
    [{ 'write.summary.partition-limit': '5' }, partitionPath, []],
  ])(
    'have none where it does not, there are too many, or no partitions at all',
    (properties, path, files) => {
      const made = summary({
        change: { added: files, removed: [] },
        properties,
        ...(path === undefined ? {} : { partitionPath: path }),
      })
      expect(Object.keys(made).filter((key) => key.startsWith('partition'))).toEqual([])
    },
  )
})

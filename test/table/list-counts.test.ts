/** What a manifest list counts, believed against its manifests only where the snapshot says the same. */
import { describe, expect, test } from 'vitest'
import type { ManifestFile } from '../../src/format/manifest/list.ts'
import type { Snapshot } from '../../src/format/snapshot.ts'
import { vouchedManifests } from '../../src/table/list-counts.ts'
import { manifestFile } from '../format/manifest/fixtures.ts'

function snapshot(totals: Readonly<Record<string, string>>): Snapshot {
  return { 'snapshot-id': 1n, 'timestamp-ms': 1, summary: { operation: 'append', ...totals } }
}

const manifest = (added: number, existing: number, rows: number, changes: Partial<ManifestFile> = {}) =>
  manifestFile({
    addedFilesCount: added,
    existingFilesCount: existing,
    addedRowsCount: rows,
    existingRowsCount: 0,
    ...changes,
  })
const LIST = [
  manifest(2, 1, 30),
  manifest(0, 4, 40),
  manifest(1, 0, 7, { content: 'deletes' }),
  manifest(0, 0, 0),
]
const TOTALS = { 'total-data-files': '7', 'total-delete-files': '1', 'total-records': '70' }

const vouched = (totals: Readonly<Record<string, string>>, list: readonly ManifestFile[] = LIST) =>
  vouchedManifests(snapshot(totals), list).map((each) => each.vouched ?? null)

test('files and rows where both agree; of delete files not the rows', () => {
  expect(vouched(TOTALS)).toEqual([
    { liveFiles: 3, liveRows: 30 },
    { liveFiles: 4, liveRows: 40 },
    { liveFiles: 1, liveRows: null },
    { liveFiles: 0, liveRows: 0 },
  ])
})

test.each<[string, Readonly<Record<string, string>>]>([
  ['no summary that counts', {}],
  ['others', { 'total-data-files': '8', 'total-delete-files': '0', 'total-records': '69' }],
  ['no numbers', { 'total-data-files': 'seven', 'total-delete-files': '', 'total-records': '7e1' }],
])('nothing where the snapshot has %s', (_name, totals) => {
  expect(vouched(totals)).toEqual([null, null, null, null])
})

test('each by itself: rows that disagree do not take files along', () => {
  const files = { 'total-data-files': '7', 'total-records': '71' }
  expect(vouched(files)[0]).toEqual({ liveFiles: 3, liveRows: null })
  const rows = { 'total-data-files': '8', 'total-records': '70' }
  expect(vouched(rows)[0]).toEqual({ liveFiles: null, liveRows: 30 })
})

test('nothing where one manifest of the list has no counts', () => {
  const list = [...LIST, manifest(1, 0, 1, { existingFilesCount: null, addedRowsCount: null })]
  expect(vouched(TOTALS, list).map((each) => each?.liveRows ?? each?.liveFiles ?? null)).toEqual([
    null,
    null,
    1,
    null,
    null,
  ])
})

describe('a manifest that has no live files by its list', () => {
  const counts = (totals: Readonly<Record<string, string>>) =>
    vouchedManifests(snapshot(totals), LIST).map((each) => each.existingFilesCount)

  test('is not passed over where the snapshot counts more files than the list', () => {
    expect(counts({ ...TOTALS, 'total-data-files': '8' })).toEqual([1, 4, 0, null])
    expect(counts({ ...TOTALS, 'total-delete-files': '9' })).toEqual([1, 4, 0, 0])
  })

  test('is, where it counts as many, fewer, or does not say', () => {
    for (const total of ['7', '6', 'many']) {
      expect(counts({ ...TOTALS, 'total-data-files': total })).toEqual([1, 4, 0, 0])
    }
    expect(counts({})).toEqual([1, 4, 0, 0])
  })
})

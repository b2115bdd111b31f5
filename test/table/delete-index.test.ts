import { describe, expect, test } from 'vitest'
import type { ContentFile, ManifestEntry } from '../../src/format/manifest/entry.ts'
import type { PartitionField, PartitionSpec } from '../../src/format/partition-spec.ts'
import { DELETE_FILE_PATH_ID, DeleteIndex, mayName } from '../../src/table/delete-index.ts'
import { contentFile } from '../support/content-file.ts'

const field = (fieldId: number, kind: 'identity' | 'void'): PartitionField => ({
  sourceId: fieldId - 999,
  fieldId,
  name: `f${fieldId}`,
  transform: { kind },
})

/** 0: by a column; 1: not partitioned; 2: v1's way to drop fields; 3: as 2, with one field left. */
const SPECS: ReadonlyMap<number, PartitionSpec> = new Map(
  [
    [field(1000, 'identity')],
    [],
    [field(1000, 'void'), field(1001, 'void')],
    [field(1000, 'void'), field(1001, 'identity')],
  ].map((fields, specId) => [specId, { specId, fields }]),
)

function entry(file: Partial<ContentFile>, sequenceNumber: number): ManifestEntry {
  return {
    status: 'added',
    snapshotId: 1n,
    sequenceNumber,
    fileSequenceNumber: sequenceNumber,
    file: contentFile({ partition: ['x'], recordCount: 1, fileSizeInBytes: 1, ...file }),
  }
}

const applies = (deletes: ManifestEntry, data: ManifestEntry): boolean =>
  new DeleteIndex([deletes], SPECS).deletesFor(data).length === 1

/** Iceberg spec, "Scan Planning". */
describe('equality deletes', () => {
  test.each([
    { specId: 0, partition: ['x'], where: 'of the same partition', expected: true },
    { specId: 0, partition: ['y'], where: 'of another partition', expected: false },
    { specId: 1, partition: [], where: 'of a spec without fields', expected: true },
    { specId: 2, partition: [null, null], where: 'of a spec whose fields are all void', expected: true },
    { specId: 3, partition: [null, 'x'], where: 'of another spec with a field that is not', expected: false },
  ])('$where: $expected', ({ specId, partition, expected }) => {
    const deletes = { content: 'equality-deletes', specId, partition, equalityIds: [1] } as const
    expect(applies(entry(deletes, 2), entry({}, 1))).toBe(expected)
    // Never to files that are as new as they are.
    expect(applies(entry(deletes, 2), entry({}, 2))).toBe(false)
  })
})

describe('position deletes', () => {
  test.each([
    { specId: 0, partition: ['x'], where: 'of the same partition', expected: true },
    { specId: 0, partition: ['y'], where: 'of another partition', expected: false },
    { specId: 1, partition: [], where: 'of another spec without fields', expected: false },
    { specId: 2, partition: [null, null], where: 'of another spec of void fields', expected: false },
  ])('$where: $expected', ({ specId, partition, expected }) => {
    const deletes = { content: 'position-deletes', specId, partition } as const
    expect(applies(entry(deletes, 1), entry({}, 1))).toBe(expected)
    expect(applies(entry(deletes, 1), entry({}, 2))).toBe(false)
  })

  const DATA = 's3://bucket/t/data/1.parquet'
  const paths = (lower: string, upper: string) => {
    const bound = (path: string) => new Map([[DELETE_FILE_PATH_ID, new TextEncoder().encode(path)]])
    return { lowerBounds: bound(lower), upperBounds: bound(upper) }
  }

  test.each([
    ['that names it, and bounds its paths so', DATA, paths(DATA, DATA), true],
    ['that names it, without bounds', DATA, {}, true],
    ['that names another', `${DATA}2`, {}, false],
    ['that names another, and bounds its paths so', `${DATA}2`, paths(`${DATA}2`, `${DATA}2`), false],
    ['whose bounds are of it alone', null, paths(DATA, DATA), true],
    ['whose bounds are of another alone', null, paths(`${DATA}2`, `${DATA}2`), false],
    // One of them is wrong, and only the file can tell which.
    ['that names another outside of its own bounds', `${DATA}2`, paths(DATA, DATA), true],
    ['that names it outside of its own bounds', DATA, paths(`${DATA}2`, `${DATA}2`), true],
  ])('%s', (_name, referencedDataFile, bounds, expected) => {
    const deletes = { content: 'position-deletes', referencedDataFile, ...bounds } as const
    expect(applies(entry(deletes, 1), entry({ location: DATA }, 1))).toBe(expected)
    expect(mayName(entry(deletes, 1).file, DATA)).toBe(expected)
  })
})

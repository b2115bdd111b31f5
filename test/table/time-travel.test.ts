/** Which snapshot a time, a name or an id means: by the histories that Spark and PyIceberg tell. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { InvalidArgumentError, NoSuchRefError, NoSuchSnapshotError } from '../../src/errors.ts'
import { parseTableMetadata } from '../../src/format/metadata/parse.ts'
import type { TableMetadata } from '../../src/format/metadata/table-metadata.ts'
import { parseTime, resolveReadPoint, type TimeTravel } from '../../src/table/time-travel.ts'
import { goldenTable, type GoldenTable } from '../support/golden.ts'

function metadataOf({ metadataPath, metadataLocation }: GoldenTable): TableMetadata {
  const bytes = readFileSync(metadataPath)
  return parseTableMetadata(metadataPath.includes('.gz') ? gunzipSync(bytes) : bytes, metadataLocation)
}

function snapshotIdOf(metadata: TableMetadata, travel: TimeTravel): string | null {
  const { snapshot } = resolveReadPoint(metadata, travel)
  return snapshot === null ? null : `i:${snapshot['snapshot-id']}`
}

/** `t:` or `z:` and microseconds; tables keep milliseconds. */
function millisOf(exact: unknown): number {
  return Number(String(exact).slice(2)) / 1000
}

describe.each([
  ['spark', 'evolution'],
  ['spark', 'deletes'],
  ['spark', 'upgraded'],
  ['spark', 'dropped_source'],
  ['pyiceberg', 'overwrites'],
] as const)('%s/%s', (engine, name) => {
  const golden = goldenTable(engine, name)
  const metadata = metadataOf(golden)
  const { history, refs, snapshots } = golden.expected

  test('a time means what was current then, rolled back or not', () => {
    for (const [i, { made_current_at: from, snapshot_id: id }] of history.entries()) {
      const start = millisOf(from)
      const next = history[i + 1]
      const end = next === undefined ? start + 1_000_000 : millisOf(next['made_current_at'])
      expect(snapshotIdOf(metadata, { asOf: new Date(start) })).toBe(id)
      expect(snapshotIdOf(metadata, { asOf: new Date(end - 1).toISOString() })).toBe(id)
    }
    const before = new Date(millisOf(history[0]?.['made_current_at']) - 1)
    expect(() => resolveReadPoint(metadata, { asOf: before })).toThrow(NoSuchSnapshotError)
  })

  test('a name means its snapshot', () => {
    for (const { name: ref, snapshot_id: id } of refs) {
      expect(snapshotIdOf(metadata, { ref: String(ref).slice(2) })).toBe(id)
    }
    expect(() => resolveReadPoint(metadata, { ref: 'nowhere' })).toThrow(NoSuchRefError)
  })

  test('an id means itself, whatever is current', () => {
    for (const { snapshot_id: id } of snapshots) {
      const digits = String(id).slice(2)
      expect(snapshotIdOf(metadata, { snapshotId: digits })).toBe(id)
      expect(snapshotIdOf(metadata, { snapshotId: BigInt(digits) })).toBe(id)
    }
    expect(() => resolveReadPoint(metadata, { snapshotId: 1n })).toThrow(NoSuchSnapshotError)
  })
})

test('a snapshot, a time and a tag are read with the schema of then, a branch with that of now', () => {
  const golden = goldenTable('spark', 'evolution')
  const metadata = metadataOf(golden)
  const first = metadata.snapshots[0]
  if (first === undefined) throw new Error('the golden table has snapshots')
  expect(first['schema-id']).not.toBe(metadata['current-schema-id'])
  const then = first['schema-id']
  const now = metadata['current-schema-id']
  const schemaIdOf = (travel: TimeTravel) => resolveReadPoint(metadata, travel).schema.schemaId
  expect(schemaIdOf({ snapshotId: first['snapshot-id'] })).toBe(then)
  expect(schemaIdOf({ asOf: new Date(first['timestamp-ms']) })).toBe(then)
  expect(schemaIdOf({ ref: 'first' })).toBe(then)
  expect(schemaIdOf({ ref: 'audit' })).toBe(now)
  expect(schemaIdOf({ ref: 'main' })).toBe(now)
  expect(schemaIdOf({})).toBe(now)
})

test('one way at a time', () => {
  const metadata = metadataOf(goldenTable('spark', 'evolution'))
  expect(() => resolveReadPoint(metadata, { ref: 'main', asOf: new Date() })).toThrow(InvalidArgumentError)
  expect(() => resolveReadPoint(metadata, { ref: 'main', snapshotId: 1n })).toThrow(InvalidArgumentError)
})

test.each([
  ['2026-01-31', Date.UTC(2026, 0, 31)],
  ['2026-01-31T12:30', Date.UTC(2026, 0, 31, 12, 30)],
  ['2026-01-31 12:30:15.250', Date.UTC(2026, 0, 31, 12, 30, 15, 250)],
  ['2026-01-31T12:30:15Z', Date.UTC(2026, 0, 31, 12, 30, 15)],
  ['2026-01-31T12:30:15+02:00', Date.UTC(2026, 0, 31, 10, 30, 15)],
  ['2026-01-31 12:30:15.123456-0130', Date.UTC(2026, 0, 31, 14, 0, 15, 123)],
  ['1969-12-31T23:59:59.999Z', -1],
])('the time %s, wherever the process runs', (text, expected) => {
  expect(parseTime(text)).toBe(expected)
})

test.each([
  '',
  'yesterday',
  '2026',
  '2026-13-01',
  '2026-02-30',
  '2025-02-29T12:00Z',
  '31.01.2026',
  '1767225600000',
  '2026-01-31T25:00',
])('no time: %s', (text) => {
  expect(() => parseTime(text)).toThrow(InvalidArgumentError)
})

test.each(['', '-1', '1.5', '1e3', '0x10', ' 1', '12345678901234567890'])('no snapshot id: %s', (id) => {
  const metadata = metadataOf(goldenTable('spark', 'evolution'))
  expect(() => resolveReadPoint(metadata, { snapshotId: id })).toThrow(InvalidArgumentError)
})

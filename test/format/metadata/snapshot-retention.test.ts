/** Iceberg spec, "Snapshot Retention Policy": refs by their age, of branches the young and the newest. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { retentionOf, type RetentionRules } from '../../../src/format/metadata/snapshot-retention.ts'
import type { TableMetadata } from '../../../src/format/metadata/table-metadata.ts'
import type { Snapshot, SnapshotRef } from '../../../src/format/snapshot.ts'
import { emptyTable } from './support.ts'

const NOW = 1_000_000
const RULES: RetentionRules = {
  nowMs: NOW,
  cutOffMs: null,
  keepLast: null,
  maxSnapshotAgeMs: 100_000,
  minSnapshotsToKeep: 1,
}

/** A snapshot of an age, in ms. */
function snapshot(id: bigint, parent: bigint | null, age: number): Snapshot {
  return {
    'snapshot-id': id,
    ...(parent === null ? {} : { 'parent-snapshot-id': parent }),
    'timestamp-ms': NOW - age,
    'sequence-number': Number(id),
    'manifest-list': `s3://bucket/db/t/metadata/snap-${id}.avro`,
    summary: { operation: 'append' },
  }
}

const branch = (id: bigint, more: Partial<SnapshotRef> = {}): SnapshotRef => ({
  'snapshot-id': id,
  type: 'branch',
  ...more,
})
const tag = (id: bigint, more: Partial<SnapshotRef> = {}): SnapshotRef => ({
  'snapshot-id': id,
  type: 'tag',
  ...more,
})

function tableOf(
  snapshots: readonly Snapshot[],
  refs: Readonly<Record<string, SnapshotRef>>,
  properties: Readonly<Record<string, string>> = {},
): TableMetadata {
  return {
    ...emptyTable(properties),
    snapshots,
    refs,
    'current-snapshot-id': refs['main']?.['snapshot-id'] ?? null,
  }
}

/** S1 … S5, a line of which each is 100 000 ms younger than its parent; S5 is new. */
const LINE = [5, 4, 3, 2, 1].map((age, index) =>
  snapshot(BigInt(index + 1), index === 0 ? null : BigInt(index), (age - 1) * 100_000),
)

const expired = (metadata: TableMetadata, rules: Partial<RetentionRules> = {}) =>
  retentionOf(metadata, { ...RULES, ...rules }).expiredSnapshots.map((each) => each['snapshot-id'])
const expiredRefs = (metadata: TableMetadata, rules: Partial<RetentionRules> = {}) =>
  retentionOf(metadata, { ...RULES, ...rules }).expiredRefs

describe('of a branch', () => {
  const main = tableOf(LINE, { main: branch(5n) })

  test('what is too old goes; a snapshot exactly at the cut-off stays', () => {
    expect(expired(main)).toEqual([1n, 2n, 3n])
    expect(expired(main, { maxSnapshotAgeMs: 99_999 })).toEqual([1n, 2n, 3n, 4n])
  })

  test('the newest so many stay, however old', () => {
    expect(expired(main, { minSnapshotsToKeep: 4 })).toEqual([1n])
    expect(expired(main, { cutOffMs: NOW + 1, keepLast: 2 })).toEqual([1n, 2n, 3n])
    expect(expired(main, { minSnapshotsToKeep: 50 })).toEqual([])
  })

  test('the head stays, even if no minimum is asked for', () => {
    const none = tableOf(LINE, { main: branch(5n) }, { 'history.expire.min-snapshots-to-keep': '0' })
    expect(expired(none, { cutOffMs: NOW + 1, minSnapshotsToKeep: 0 })).toEqual([1n, 2n, 3n, 4n])
  })

  test('a young ancestor of an old one stays: clocks differ', () => {
    const skewed = [snapshot(1n, null, 50), snapshot(2n, 1n, 900_000), snapshot(3n, 2n, 0)]
    expect(expired(tableOf(skewed, { main: branch(3n) }))).toEqual([2n])
  })

  test('parents that are missing, or that form a circle, end the walk', () => {
    const cut = [snapshot(4n, 3n, 300_000), snapshot(5n, 4n, 0)]
    expect(expired(tableOf(cut, { main: branch(5n) }))).toEqual([4n])
    const circle = [snapshot(1n, 2n, 300_000), snapshot(2n, 1n, 0)]
    expect(expired(tableOf(circle, { main: branch(2n) }))).toEqual([1n])
  })

  test('says by which limits', () => {
    const metadata = tableOf(
      LINE,
      { main: branch(5n), audit: branch(2n, { 'max-snapshot-age-ms': 1n, 'min-snapshots-to-keep': 3 }) },
      { 'history.expire.max-snapshot-age-ms': '250000', 'history.expire.min-snapshots-to-keep': '2' },
    )
    const { branches, unreferenced } = retentionOf(metadata, RULES)
    expect(Object.fromEntries(branches)).toEqual({
      main: { cutOffMs: NOW - 250_000, ageFrom: 'table', keep: 2, keepFrom: 'table' },
      audit: { cutOffMs: NOW - 1, ageFrom: 'ref', keep: 3, keepFrom: 'ref' },
    })
    expect(unreferenced).toMatchObject({ cutOffMs: NOW - 250_000, ageFrom: 'table' })
  })
})

describe('whose word counts', () => {
  const own = { 'max-snapshot-age-ms': 300_000n }
  const properties = { 'history.expire.max-snapshot-age-ms': '200000' }

  test('for age the call, then the branch, then the table, then the manager', () => {
    expect(expired(tableOf(LINE, { main: branch(5n) }))).toEqual([1n, 2n, 3n])
    expect(expired(tableOf(LINE, { main: branch(5n) }, properties))).toEqual([1n, 2n])
    expect(expired(tableOf(LINE, { main: branch(5n, own) }, properties))).toEqual([1n])
    expect(expired(tableOf(LINE, { main: branch(5n, own) }, properties), { cutOffMs: NOW })).toEqual([
      1n,
      2n,
      3n,
      4n,
    ])
  })

  test('the format’s default age of five days is not the table’s word', () => {
    const days = (count: number) => count * 86_400_000
    const six = [snapshot(1n, null, days(6)), snapshot(2n, 1n, 0)]
    const metadata = tableOf(six, { main: branch(2n) })
    expect(expired(metadata, { maxSnapshotAgeMs: days(7) })).toEqual([])
    expect(expired(metadata, { maxSnapshotAgeMs: days(5) })).toEqual([1n])
  })

  test('for the minimum the largest of all', () => {
    const ref = branch(5n, { 'min-snapshots-to-keep': 2 })
    const metadata = tableOf(LINE, { main: ref }, { 'history.expire.min-snapshots-to-keep': '3' })
    expect(expired(metadata, { cutOffMs: NOW })).toEqual([1n, 2n])
    expect(expired(metadata, { cutOffMs: NOW, keepLast: 4 })).toEqual([1n])
    expect(expired(metadata, { cutOffMs: NOW, minSnapshotsToKeep: 5 })).toEqual([])
    expect(expired(metadata, { cutOffMs: NOW, keepLast: 1 })).toEqual([1n, 2n])
  })
})

describe('refs', () => {
  test('every head stays, whatever main does', () => {
    const metadata = tableOf(LINE, { main: branch(5n), audit: branch(2n), q1: tag(1n) })
    expect(expired(metadata, { cutOffMs: NOW, keepLast: 1 })).toEqual([3n, 4n])
    expect(expired(metadata, { cutOffMs: NOW, minSnapshotsToKeep: 0 })).toEqual([3n, 4n])
  })

  test('a tag keeps its snapshot and none of that one’s ancestors', () => {
    const side = [snapshot(1n, null, 500_000), snapshot(2n, 1n, 400_000), snapshot(3n, 2n, 300_000)]
    const metadata = tableOf([...side, snapshot(4n, null, 0)], { main: branch(4n), old: tag(3n) })
    expect(expired(metadata)).toEqual([1n, 2n])
  })

  test('a ref older than its limit goes, with what only it kept; main never goes', () => {
    const limit = { 'max-ref-age-ms': 250_000n }
    const refs = { main: branch(1n, limit), audit: branch(2n, limit), q1: tag(3n, limit), q2: tag(1n, limit) }
    const metadata = tableOf(LINE, refs)
    expect(expiredRefs(metadata)).toEqual(['audit', 'q2'])
    expect(expired(metadata)).toEqual([2n])
  })

  test('a ref exactly at its limit stays', () => {
    const at = tableOf(LINE, { main: branch(5n), q1: tag(3n, { 'max-ref-age-ms': 200_000n }) })
    expect(expiredRefs(at)).toEqual([])
    expect(expiredRefs(at, { nowMs: NOW + 1 })).toEqual(['q1'])
  })

  test('the table’s limit holds for refs without one of their own', () => {
    const metadata = tableOf(
      LINE,
      { main: branch(5n), q1: tag(1n), q2: tag(1n, { 'max-ref-age-ms': 2n ** 63n - 1n }) },
      { 'history.expire.max-ref-age-ms': '100' },
    )
    expect(expiredRefs(metadata)).toEqual(['q1'])
  })

  test('a ref to a snapshot that is not there says nothing about its age', () => {
    const metadata = tableOf(LINE, { main: branch(5n), lost: tag(99n, { 'max-ref-age-ms': 1n }) })
    expect(expiredRefs(metadata)).toEqual([])
  })
})

test('a snapshot that no ref leads to goes when it is too old, and stays until then', () => {
  const staged = [...LINE, snapshot(6n, 5n, 100_000), snapshot(7n, 5n, 100_001)]
  const metadata = tableOf(staged, { main: branch(5n) })
  expect(expired(metadata)).toEqual([1n, 2n, 3n, 7n])
  expect(expired(metadata, { minSnapshotsToKeep: 100 })).toEqual([7n])
})

test('whatever the history and the rules: what refs name stays, and more lenient rules keep more', () => {
  const history = fc.array(
    fc.record({
      parent: fc.nat({ max: 20 }),
      age: fc.nat({ max: 1000 }),
      ref: fc.constantFrom('none', 'branch', 'tag'),
    }),
    { minLength: 1, maxLength: 20 },
  )
  const limits = fc.record({ age: fc.nat({ max: 1000 }), keep: fc.integer({ min: 1, max: 5 }) })
  fc.assert(
    fc.property(history, limits, limits, (steps, one, other) => {
      const snapshots = steps.map(({ parent, age }, index) =>
        snapshot(BigInt(index + 1), parent < index ? BigInt(parent + 1) : null, age),
      )
      const refs = Object.fromEntries(
        steps.flatMap(({ ref }, index) =>
          ref === 'none'
            ? []
            : [[`r${index}`, ref === 'tag' ? tag(BigInt(index + 1)) : branch(BigInt(index + 1))]],
        ),
      )
      const metadata = tableOf(snapshots, refs)
      const gone = (limit: { readonly age: number; readonly keep: number }) =>
        expired(metadata, { maxSnapshotAgeMs: limit.age, minSnapshotsToKeep: limit.keep })
      const heads = new Set(Object.values(refs).map((ref) => ref['snapshot-id']))
      expect(gone(one).filter((id) => heads.has(id))).toEqual([])
      const lenient = { age: Math.max(one.age, other.age), keep: Math.max(one.keep, other.keep) }
      expect(gone(one)).toEqual(expect.arrayContaining(gone(lenient)))
    }),
  )
})

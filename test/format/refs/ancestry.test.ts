/** Histories that are whole, cut off, or damaged. */
import { describe, expect, test } from 'vitest'
import { newTableMetadata } from '../../../src/format/metadata/create.ts'
import type { TableMetadata } from '../../../src/format/metadata/table-metadata.ts'
import {
  historyOf,
  isAncestor,
  latestAncestorBefore,
  nearestAncestors,
} from '../../../src/format/refs/ancestry.ts'
import { createSchema, schemaToJson } from '../../../src/format/schema.ts'
import type { Snapshot } from '../../../src/format/snapshot.ts'

const empty = newTableMetadata({
  schema: schemaToJson(createSchema({ schemaId: 0, fields: [] })),
  location: 'memory://b/t',
  properties: {},
  uuid: '9c12d441-03fe-4693-9a96-a0705ddf69c1',
  nowMs: 0,
})

/** Snapshots of [id, parent, time]; main names the first of them. */
function tableOf(...snapshots: readonly (readonly [bigint, bigint | null, number])[]): TableMetadata {
  const head = snapshots[0]?.[0]
  return {
    ...empty,
    snapshots: snapshots.map(([id, parent, time]): Snapshot => ({
      'snapshot-id': id,
      ...(parent === null ? {} : { 'parent-snapshot-id': parent }),
      'timestamp-ms': time,
    })),
    refs: head === undefined ? {} : { main: { type: 'branch', 'snapshot-id': head } },
  }
}

const ids = (snapshots: readonly Snapshot[]): readonly bigint[] =>
  snapshots.map((snapshot) => snapshot['snapshot-id'])

describe('history', () => {
  test('goes from the head down, and knows no other line', () => {
    const metadata = tableOf([3n, 2n, 30], [2n, 1n, 20], [1n, null, 10], [9n, 1n, 25])
    expect(ids(historyOf(metadata, 'main'))).toEqual([3n, 2n, 1n])
    expect(isAncestor(metadata, 1n, 3n)).toBe(true)
    expect(isAncestor(metadata, 3n, 3n)).toBe(true)
    expect(isAncestor(metadata, 9n, 3n)).toBe(false)
    expect(isAncestor(metadata, 3n, 1n)).toBe(false)
  })

  test('ends where a parent is missing, and where parents go in a circle', () => {
    expect(ids(historyOf(tableOf([3n, 2n, 30], [2n, 1n, 20]), 'main'))).toEqual([3n, 2n])
    expect(ids(historyOf(tableOf([3n, 2n, 30], [2n, 3n, 20]), 'main'))).toEqual([3n, 2n])
  })

  test('is empty for a branch that is not there, whatever its name', () => {
    expect(historyOf(tableOf([1n, null, 10]), 'nope')).toEqual([])
    expect(historyOf(tableOf([1n, null, 10]), 'constructor')).toEqual([])
    expect(historyOf(empty, 'main')).toEqual([])
  })
})

describe('the nearest ancestors', () => {
  const metadata = tableOf(
    [5n, 4n, 50],
    [4n, 3n, 40],
    [3n, 2n, 30],
    [2n, 1n, 20],
    [1n, null, 10],
    [9n, 4n, 45],
  )

  test('of a time, nearest first', () => {
    expect(nearestAncestors(metadata, 'main', 22)).toEqual([2n, 3n, 1n])
    expect(nearestAncestors(metadata, 'main', 1000)).toEqual([5n, 4n, 3n])
  })

  test('of no time, newest first', () => {
    expect(nearestAncestors(metadata, 'main', null)).toEqual([5n, 4n, 3n])
  })
})

describe('the latest before a time', () => {
  const metadata = tableOf([4n, 3n, 40], [3n, 2n, 20], [2n, 1n, 30], [1n, null, 10])

  test.each([
    [10, null],
    [11, 1n],
    [20, 1n],
    [21, 3n],
    [31, 2n],
    [40, 2n],
    [41, 4n],
  ])('%i: by the snapshots’ own times, never the same instant', (time, expected) => {
    expect(latestAncestorBefore(metadata, 'main', time)?.['snapshot-id'] ?? null).toBe(expected)
  })
})

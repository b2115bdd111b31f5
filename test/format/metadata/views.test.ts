import { describe, expect, test } from 'vitest'
import { CorruptFileError } from '../../../src/errors.ts'
import {
  ancestorsOf,
  currentSchema,
  currentSnapshot,
  defaultSortOrder,
  defaultSpec,
  nextSequenceNumber,
  refSnapshot,
  schemaById,
  snapshotAsOf,
  snapshotById,
  specById,
  specsById,
} from '../../../src/format/metadata/views.ts'
import { append, apply, commitTo, edited, emptyTable, ID, parse, V2 } from './support.ts'

const metadata = parse(V2)

test('structure', () => {
  expect(currentSchema(metadata).fields.map((field) => field.name)).toEqual(['id', 'ts', 'name'])
  expect(currentSchema(metadata)).toBe(schemaById(metadata, 0))
  expect(defaultSpec(metadata)).toBe(specById(metadata, 0))
  expect([...specsById(metadata).keys()]).toEqual([0])
  expect(defaultSortOrder(metadata).fields).toEqual([])
  expect(() => schemaById(metadata, 5)).toThrow(CorruptFileError)
  expect(() => specById(metadata, 5)).toThrow(CorruptFileError)
})

test('order 0 is unsorted, listed or not', () => {
  const unlisted = parse(
    edited(V2, {
      'sort-orders':
        '[{"order-id":3,"fields":[{"source-id":1,"transform":"identity","direction":"asc","null-order":"nulls-first"}]}]',
    }),
  )
  expect(defaultSortOrder(unlisted)).toEqual({ orderId: 0, fields: [] })
})

test('snapshots by ref and id', () => {
  expect(currentSnapshot(metadata)?.['snapshot-id']).toBe(ID)
  expect(refSnapshot(metadata, 'q1')?.['snapshot-id']).toBe(1n)
  expect(refSnapshot(metadata, 'none')).toBe(null)
  expect(refSnapshot(metadata, 'constructor')).toBe(null)
  expect(snapshotById(metadata, ID + 1n)).toBe(null)
  expect(currentSnapshot(emptyTable())).toBe(null)
})

test('sequence numbers go on, and stay 0 in v1', () => {
  expect(nextSequenceNumber(emptyTable())).toBe(1)
  expect(nextSequenceNumber(metadata)).toBe(3)
  expect(nextSequenceNumber(append(emptyTable({ 'format-version': '1' }), 1n, 2000))).toBe(0)
})

describe('ancestors', () => {
  const long = Array.from({ length: 60 }, (_, i) => BigInt(i + 1)).reduce(
    (base, id) => append(base, id, 2000 + Number(id)),
    emptyTable(),
  )

  test('go back to the first, whichever is asked for', () => {
    for (const id of [1n, 5n, 44n, 45n, 60n]) {
      const ids = ancestorsOf(long, id).map((snapshot) => snapshot['snapshot-id'])
      expect(ids).toEqual(Array.from({ length: Number(id) }, (_, i) => id - BigInt(i)))
      expect(snapshotById(long, id)?.['snapshot-id']).toBe(id)
    }
    expect(ancestorsOf(long, 99n)).toEqual([])
    expect(snapshotById(long, 99n)).toBe(null)
  })

  test('of a branch are its own', () => {
    const forked = apply(long, 9000, ...commitTo(long, 61n, 9000, 'audit'))
    const both = append(forked, 62n, 9001)
    expect(
      ancestorsOf(both, 61n)
        .slice(0, 2)
        .map((each) => each['snapshot-id']),
    ).toEqual([61n, 60n])
    expect(
      ancestorsOf(both, 62n)
        .slice(0, 2)
        .map((each) => each['snapshot-id']),
    ).toEqual([62n, 60n])
  })

  test('end where they are no longer kept, and in a circle that damage made', () => {
    const expired = apply(long, 9000, { action: 'remove-snapshots', 'snapshot-ids': [58n] })
    expect(ancestorsOf(expired, 60n).map((each) => each['snapshot-id'])).toEqual([60n, 59n])
    const circle = parse(
      V2.replace(
        '{"snapshot-id": 1, "sequence-number"',
        `{"snapshot-id": 1, "parent-snapshot-id": ${ID}, "sequence-number"`,
      ),
    )
    expect(ancestorsOf(circle, ID)).toHaveLength(2)
  })
})

describe('as of a time', () => {
  test('the last entry that is not later, to the millisecond', () => {
    expect(snapshotAsOf(metadata, 1700000000999)).toBe(null)
    expect(snapshotAsOf(metadata, 1700000001000)?.['snapshot-id']).toBe(1n)
    expect(snapshotAsOf(metadata, 1700000001999)?.['snapshot-id']).toBe(1n)
    expect(snapshotAsOf(metadata, 1700000002000)?.['snapshot-id']).toBe(ID)
    expect(snapshotAsOf(emptyTable(), 5)).toBe(null)
  })

  test('none when what was current then is gone', () => {
    const gone = parse(
      edited(V2, {
        'snapshot-log': `[{"snapshot-id":99,"timestamp-ms":1},{"snapshot-id":${ID},"timestamp-ms":5}]`,
      }),
    )
    expect(snapshotAsOf(gone, 2)).toBe(null)
  })

  test('of two entries at one time the later', () => {
    const same = parse(
      edited(V2, {
        'snapshot-log': `[{"snapshot-id":1,"timestamp-ms":5},{"snapshot-id":${ID},"timestamp-ms":5}]`,
      }),
    )
    expect(snapshotAsOf(same, 5)?.['snapshot-id']).toBe(ID)
  })
})

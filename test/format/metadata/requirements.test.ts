import { describe, expect, test } from 'vitest'
import { checkRequirements, type TableRequirement } from '../../../src/format/metadata/requirements.ts'
import { emptyTable, ID, parse, UUID, V2 } from './support.ts'

const base = parse(V2)

describe('on a table', () => {
  test.each(
    (
      [
        { type: 'assert-table-uuid', uuid: UUID },
        { type: 'assert-table-uuid', uuid: UUID.toUpperCase() },
        { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': ID },
        { type: 'assert-ref-snapshot-id', ref: 'none', 'snapshot-id': null },
        { type: 'assert-ref-snapshot-id', ref: 'toString', 'snapshot-id': null },
        { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': 3 },
        { type: 'assert-current-schema-id', 'current-schema-id': 0 },
        { type: 'assert-last-assigned-partition-id', 'last-assigned-partition-id': 1000 },
        { type: 'assert-default-spec-id', 'default-spec-id': 0 },
        { type: 'assert-default-sort-order-id', 'default-sort-order-id': 0 },
      ] satisfies TableRequirement[]
    ).map((requirement) => [requirement.type, requirement] as const),
  )('%s holds', (_, requirement) => {
    expect(checkRequirements(base, [requirement])).toBe(null)
  })

  test.each(
    (
      [
        [{ type: 'assert-create' }, /exists already/],
        [{ type: 'assert-table-uuid', uuid: '00000000-0000-4000-8000-000000000001' }, /uuid/],
        // One off, where a double would round both to the same.
        [
          { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': ID + 1n },
          /'main'.*3051729675574597005/,
        ],
        [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null }, /'main' was created/],
        [{ type: 'assert-ref-snapshot-id', ref: 'q1', 'snapshot-id': null }, /tag 'q1'/],
        [{ type: 'assert-ref-snapshot-id', ref: 'none', 'snapshot-id': 1n }, /'none' is missing/],
        [{ type: 'assert-last-assigned-field-id', 'last-assigned-field-id': 2 }, /expected 2, found 3/],
        [{ type: 'assert-current-schema-id', 'current-schema-id': 1 }, /schema/],
        [
          { type: 'assert-last-assigned-partition-id', 'last-assigned-partition-id': 999 },
          /partition field id/,
        ],
        [{ type: 'assert-default-spec-id', 'default-spec-id': 1 }, /spec/],
        [{ type: 'assert-default-sort-order-id', 'default-sort-order-id': 1 }, /sort order/],
      ] satisfies [TableRequirement, RegExp][]
    ).map(([requirement, text]) => [requirement.type, requirement, text] as const),
  )('%s fails', (_, requirement, text) => {
    expect(checkRequirements(base, [{ type: 'assert-table-uuid', uuid: UUID }, requirement])).toMatch(text)
  })

  test('a ref that is kept in another way is no longer what it was', () => {
    const refs = {
      ...base.refs,
      main: { type: 'branch', 'snapshot-id': ID, 'min-snapshots-to-keep': 3 },
    } as const
    const known = (retention: Readonly<Record<string, unknown>>): TableRequirement => ({
      type: 'assert-ref-snapshot-id',
      ref: 'main',
      'snapshot-id': ID,
      retention,
    })
    expect(checkRequirements({ ...base, refs }, [known({ 'min-snapshots-to-keep': 3 })])).toBe(null)
    for (const other of [
      {},
      { 'min-snapshots-to-keep': 4 },
      { 'min-snapshots-to-keep': 3, 'max-ref-age-ms': 1n },
    ]) {
      expect(checkRequirements({ ...base, refs }, [known(other)])).toMatch(/'main' is kept in another way/)
    }
  })

  test('what nobody knows does not hold', () => {
    const unknown: TableRequirement = JSON.parse('{"type":"assert-full-moon"}')
    expect(checkRequirements(base, [unknown])).toMatch(/assert-full-moon/)
  })
})

test('an empty table has no main yet', () => {
  const first: TableRequirement = { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null }
  expect(checkRequirements(emptyTable(), [first])).toBe(null)
})

test('without a table only its creation can be required', () => {
  expect(checkRequirements(null, [])).toBe(null)
  expect(checkRequirements(null, [{ type: 'assert-create' }])).toBe(null)
  expect(
    checkRequirements(null, [
      { type: 'assert-create' },
      { type: 'assert-default-spec-id', 'default-spec-id': 0 },
    ]),
  ).toMatch(/does not exist/)
})

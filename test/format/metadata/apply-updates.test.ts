import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CommitRejectedError } from '../../../src/errors.ts'
import { refsOf, snapshotAsOf } from '../../../src/format/metadata/views.ts'
import type { TableMetadata } from '../../../src/format/metadata/table-metadata.ts'
import { applyUpdates, LAST_ADDED, type TableUpdate } from '../../../src/format/metadata/updates.ts'
import type { SnapshotRef } from '../../../src/format/snapshot.ts'
import { append, apply, commitTo, edited, emptyTable, ID, nextSnapshot, parse, UUID, V2 } from './support.ts'

const setMain = (id: bigint): TableUpdate => ({
  action: 'set-snapshot-ref',
  'ref-name': 'main',
  type: 'branch',
  'snapshot-id': id,
})
const log = (metadata: TableMetadata) =>
  metadata['snapshot-log'].map((entry) => [entry['snapshot-id'], entry['timestamp-ms']])

describe('a snapshot', () => {
  test('added and made current moves everything that goes with it', () => {
    const metadata = append(append(emptyTable(), 7n, 2000), ID, 3000)
    expect(metadata['current-snapshot-id']).toBe(ID)
    expect(metadata['last-sequence-number']).toBe(2)
    expect(metadata['last-updated-ms']).toBe(3000)
    expect(metadata.snapshots.map((each) => each['parent-snapshot-id'])).toEqual([undefined, 7n])
    expect(metadata.refs).toEqual({ main: { 'snapshot-id': ID, type: 'branch' } })
    expect(log(metadata)).toEqual([
      [7n, 2000],
      [ID, 3000],
    ])
  })

  test('added to another branch leaves main and the log alone', () => {
    const base = append(emptyTable(), 7n, 2000)
    const metadata = apply(base, 3000, ...commitTo(base, 8n, 3000, 'audit'))
    expect(metadata['current-snapshot-id']).toBe(7n)
    expect(metadata.refs['audit']).toEqual({ 'snapshot-id': 8n, type: 'branch' })
    expect(log(metadata)).toEqual(log(base))
    expect(metadata['last-sequence-number']).toBe(2)
  })

  test('staged, without a ref, is there and nothing is current', () => {
    const metadata = apply(emptyTable(), 2000, {
      action: 'add-snapshot',
      snapshot: nextSnapshot(emptyTable(), 7n, 2000),
    })
    expect(metadata.snapshots).toHaveLength(1)
    expect(metadata['current-snapshot-id']).toBe(null)
    expect(metadata.refs).toEqual({})
  })

  const base = append(emptyTable(), 7n, 2000)
  const snapshot = nextSnapshot(base, 8n, 3000)
  const { 'sequence-number': _sequence, ...unnumbered } = snapshot
  const { 'manifest-list': _list, ...listless } = snapshot
  const { summary: _summary, ...wordless } = snapshot
  test.each<[string, TableUpdate]>([
    ['with an id that is there', { action: 'add-snapshot', snapshot: { ...snapshot, 'snapshot-id': 7n } }],
    [
      'with the id that means none',
      { action: 'add-snapshot', snapshot: { ...snapshot, 'snapshot-id': -1n } },
    ],
    [
      'with the last sequence number again',
      { action: 'add-snapshot', snapshot: { ...snapshot, 'sequence-number': 1 } },
    ],
    ['without a sequence number', { action: 'add-snapshot', snapshot: unnumbered }],
    ['without a manifest list', { action: 'add-snapshot', snapshot: listless }],
    ['without a summary', { action: 'add-snapshot', snapshot: wordless }],
    ['of a schema that is not there', { action: 'add-snapshot', snapshot: { ...snapshot, 'schema-id': 9 } }],
  ])('%s is rejected', (_, update) => {
    expect(() => apply(base, 3000, update)).toThrow(CommitRejectedError)
  })

  test('that begins a history of its own may have an older number, and the last never goes down', () => {
    const two = append(base, 8n, 3000)
    const { 'parent-snapshot-id': _parent, ...orphan } = nextSnapshot(base, 9n, 4000)
    const metadata = apply(two, 4000, {
      action: 'add-snapshot',
      snapshot: { ...orphan, 'sequence-number': 1 },
    })
    expect(metadata['last-sequence-number']).toBe(2)
  })

  test('of v1 has no sequence number', () => {
    const v1 = append(emptyTable({ 'format-version': '1' }), 7n, 2000)
    expect(v1['last-sequence-number']).toBe(0)
    const zero = apply(v1, 3000, {
      action: 'add-snapshot',
      snapshot: { ...nextSnapshot(v1, 8n, 3000), 'sequence-number': 0 },
    })
    expect(Object.keys(zero.snapshots[1] ?? {})).not.toContain('sequence-number')
    expect(() =>
      apply(v1, 3000, {
        action: 'add-snapshot',
        snapshot: { ...nextSnapshot(v1, 8n, 3000), 'sequence-number': 1 },
      }),
    ).toThrow(CommitRejectedError)
  })

  test('of v3 takes its row ids from the table', () => {
    const v3 = emptyTable({ 'format-version': '3' })
    const add = (base: TableMetadata, id: bigint, first?: bigint, rows?: bigint): TableMetadata =>
      apply(base, 1, {
        action: 'add-snapshot',
        snapshot: {
          ...nextSnapshot(base, id, 1),
          ...(first === undefined ? {} : { 'first-row-id': first }),
          ...(rows === undefined ? {} : { 'added-rows': rows }),
        },
      })
    const one = add(v3, 1n, 0n, 9007199254740993n)
    expect(one['next-row-id']).toBe(9007199254740993n)
    expect(add(one, 2n, 9007199254740993n, 0n)['next-row-id']).toBe(9007199254740993n)
    // With a gap the ids that were given out are still below the next.
    expect(add(one, 2n, 9007199254740999n, 2n)['next-row-id']).toBe(9007199254741001n)
    for (const bad of [
      () => add(one, 2n),
      () => add(one, 2n, 9007199254740993n),
      () => add(one, 2n, 5n, 1n),
      () => add(one, 2n, 9007199254740993n, -1n),
    ]) {
      expect(bad).toThrow(CommitRejectedError)
    }
  })
})

describe('the snapshot log', () => {
  const six = [1, 2, 3, 4, 5, 6].reduce((base, n) => append(base, BigInt(n), 1000 * n), emptyTable())

  test('has a rollback at the time of its commit, and stays in order over later ones', () => {
    const back = apply(six, 7000, setMain(3n))
    expect(log(back).at(-1)).toEqual([3n, 7000])
    const on = append(back, 7n, 8000)
    const again = apply(on, 9000, setMain(3n))
    expect(log(again).slice(-4)).toEqual([
      [6n, 6000],
      [3n, 7000],
      [7n, 8000],
      [3n, 9000],
    ])
    expect(parse(JSON.stringify(again, (_, v: unknown) => (typeof v === 'bigint' ? Number(v) : v)))).toEqual(
      again,
    )
    expect(
      [5999, 6999, 7000, 8500, 9000, 99_999].map((time) => snapshotAsOf(again, time)?.['snapshot-id']),
    ).toEqual([5n, 6n, 3n, 7n, 3n, 3n])
  })

  test('never goes backwards, however much the clocks of committers differ', () => {
    const behind = append(six, 7n, 500)
    expect(log(behind).at(-1)).toEqual([7n, 6000])
    expect(behind['last-updated-ms']).toBe(6000)
    const back = apply(six, 100, setMain(2n))
    expect(log(back).at(-1)).toEqual([2n, 6000])
    const ahead = apply(six, 7000, ...commitTo(six, 8n, 60_000))
    expect(ahead['last-updated-ms']).toBe(60_000)
  })

  test('has no snapshots that one commit made current and replaced', () => {
    const first = nextSnapshot(six, 7n, 7000)
    const second = { ...nextSnapshot(six, 8n, 7001), 'parent-snapshot-id': 7n, 'sequence-number': 8 }
    const metadata = apply(
      six,
      7002,
      { action: 'add-snapshot', snapshot: first },
      setMain(7n),
      { action: 'add-snapshot', snapshot: second },
      setMain(8n),
    )
    expect(log(metadata).slice(-2)).toEqual([
      [6n, 6000],
      [8n, 7001],
    ])
    expect(metadata.snapshots.map((each) => each['snapshot-id'])).toContain(7n)
  })

  test('ends where a snapshot was removed: its neighbours were not current in its place', () => {
    const metadata = apply(six, 7000, { action: 'remove-snapshots', 'snapshot-ids': [1n, 3n] })
    expect(log(metadata)).toEqual([
      [4n, 4000],
      [5n, 5000],
      [6n, 6000],
    ])
    expect(snapshotAsOf(metadata, 2500)).toBe(null)
  })

  test('gets nothing when only the retention of main changes', () => {
    const metadata = apply(six, 7000, {
      action: 'set-snapshot-ref',
      'ref-name': 'main',
      type: 'branch',
      'snapshot-id': 6n,
      'min-snapshots-to-keep': 3,
    })
    expect(log(metadata)).toEqual(log(six))
    expect(metadata.refs['main']?.['min-snapshots-to-keep']).toBe(3)
  })
})

describe('refs', () => {
  const base = append(append(emptyTable(), 1n, 2000), 2n, 3000)
  type Retention = Omit<SnapshotRef, 'type' | 'snapshot-id'>
  const ref = (type: 'tag' | 'branch', name: string, id: bigint, more: Retention = {}): TableUpdate => ({
    ...more,
    action: 'set-snapshot-ref',
    'ref-name': name,
    type,
    'snapshot-id': id,
  })
  const tag = (name: string, id: bigint, more: Retention = {}) => ref('tag', name, id, more)
  const branch = (name: string, id: bigint, more: Retention = {}) => ref('branch', name, id, more)
  const tagged = apply(base, 4000, tag('v1', 1n, { 'max-ref-age-ms': 9223372036854775807n }))

  test('are set, moved and removed', () => {
    expect(tagged.refs['v1']).toEqual({
      type: 'tag',
      'snapshot-id': 1n,
      'max-ref-age-ms': 9223372036854775807n,
    })
    expect(apply(tagged, 5000, tag('v1', 2n)).refs['v1']).toEqual({ type: 'tag', 'snapshot-id': 2n })
    expect(
      Object.keys(apply(tagged, 5000, { action: 'remove-snapshot-ref', 'ref-name': 'v1' }).refs),
    ).toEqual(['main'])
    expect(refsOf(tagged, [1n])).toEqual(['v1'])
    expect(refsOf(tagged, [1n, 2n]).toSorted()).toEqual(['main', 'v1'])
    expect(refsOf(tagged, [3n])).toEqual([])
  })

  test('may have names that every object inherits', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const metadata = apply(base, 4000, tag(name, 1n))
      expect(Object.entries(metadata.refs).map(([key]) => key)).toEqual(['main', name])
      expect(apply(metadata, 5000, { action: 'remove-snapshot-ref', 'ref-name': name }).refs).toEqual(
        base.refs,
      )
      expect(apply(base, 5000, { action: 'remove-snapshot-ref', 'ref-name': name })).toBe(base)
    }
  })

  test.each<[string, TableUpdate]>([
    ['main as a tag', tag('main', 1n)],
    ['a tag as a branch', branch('v1', 1n)],
    ['an unknown snapshot', tag('v2', 99n)],
    ['no name', tag('', 1n)],
    ['a tag with a branch’s retention', tag('v2', 1n, { 'min-snapshots-to-keep': 1 })],
    ['a tag with a branch’s age', tag('v2', 1n, { 'max-snapshot-age-ms': 5n })],
    ['nothing to keep', branch('b', 1n, { 'min-snapshots-to-keep': 0 })],
    ['no age', branch('b', 1n, { 'max-snapshot-age-ms': 0n })],
    ['a negative age', tag('v2', 1n, { 'max-ref-age-ms': -1n })],
  ])('%s is rejected', (_, update) => {
    expect(() => apply(tagged, 5000, update)).toThrow(CommitRejectedError)
  })

  test('keep their snapshots: removing those is rejected, unless the commit removes or moves the ref, in any order', () => {
    const remove: TableUpdate = { action: 'remove-snapshots', 'snapshot-ids': [1n] }
    expect(() => apply(tagged, 5000, remove)).toThrow(/'v1'/)
    expect(() => apply(tagged, 5000, { action: 'remove-snapshots', 'snapshot-ids': [2n] })).toThrow(/'main'/)
    const unref: TableUpdate = { action: 'remove-snapshot-ref', 'ref-name': 'v1' }
    for (const updates of [
      [remove, unref],
      [unref, remove],
      [remove, tag('v1', 2n)],
    ]) {
      expect(apply(tagged, 5000, ...updates).snapshots.map((each) => each['snapshot-id'])).toEqual([2n])
    }
  })

  test('without main nothing is current, and history goes on (a replaced table)', () => {
    const replaced = apply(base, 5000, { action: 'remove-snapshot-ref', 'ref-name': 'main' })
    expect(replaced['current-snapshot-id']).toBe(null)
    expect(replaced.snapshots).toHaveLength(2)
    expect(log(replaced)).toEqual(log(base))
    const on = append(replaced, 3n, 6000)
    expect(on.snapshots.at(-1)?.['parent-snapshot-id']).toBe(undefined)
    expect(on['last-sequence-number']).toBe(3)
    expect(on['last-column-id']).toBe(base['last-column-id'])
    expect(snapshotAsOf(on, 2500)?.['snapshot-id']).toBe(1n)
  })
})

describe('removing snapshots', () => {
  const many = Array.from({ length: 3000 }, (_, i) => BigInt(i + 1)).reduce(
    (base, id) => append(base, id, 1000 + Number(id)),
    emptyTable(),
  )

  test('one by one, as Java sends it, is the same as all at once', () => {
    const ids = many.snapshots.slice(0, -1).map((each) => each['snapshot-id'])
    const atOnce = apply(many, 9000, { action: 'remove-snapshots', 'snapshot-ids': ids })
    const single = apply(
      many,
      9000,
      ...ids.map((id): TableUpdate => ({ action: 'remove-snapshots', 'snapshot-ids': [id] })),
    )
    expect(single).toEqual(atOnce)
    expect(single.snapshots).toHaveLength(1)
  })

  test('that are not there changes nothing', () => {
    expect(apply(many, 9000, { action: 'remove-snapshots', 'snapshot-ids': [99_999n] })).toBe(many)
  })
})

describe('the format version', () => {
  const v1 = `{"format-version":1,"location":"s3://b/t","last-updated-ms":9,"last-column-id":1,
    "schema":{"type":"struct","fields":[{"id":1,"name":"x","required":true,"type":"long"}]},"partition-spec":[],
    "current-snapshot-id":7,"snapshots":[{"snapshot-id":7,"timestamp-ms":8,"manifest-list":"l"}]}`
  const upgrade = (version: 1 | 2 | 3): TableUpdate => ({
    action: 'upgrade-format-version',
    'format-version': version,
  })

  test('goes up, and what the new one requires is filled in', () => {
    const metadata = apply(parse(v1), 10, upgrade(2))
    expect(metadata['format-version']).toBe(2)
    expect(metadata.snapshots).toEqual([
      {
        'snapshot-id': 7n,
        'timestamp-ms': 8,
        'manifest-list': 'l',
        'sequence-number': 0,
        summary: { operation: 'overwrite' },
      },
    ])
    expect(metadata['table-uuid']).toBe(parse(v1)['table-uuid'])
    expect(apply(metadata, 11, upgrade(3))['next-row-id']).toBe(0n)
    expect(apply(parse(v1), 10, upgrade(3)).snapshots).toEqual(metadata.snapshots)
  })

  test('never goes down, nor beyond what is known', () => {
    expect(() => apply(emptyTable(), 1, upgrade(1))).toThrow(CommitRejectedError)
    const four: TableUpdate = JSON.parse('{"action":"upgrade-format-version","format-version":4}')
    expect(() => apply(emptyTable(), 1, four)).toThrow(CommitRejectedError)
    expect(apply(parse(V2), 1, upgrade(2))).toEqual(parse(V2))
  })

  test('cannot go up while a snapshot has its manifests inline', () => {
    const inline = edited(v1, { snapshots: '[{"snapshot-id":7,"timestamp-ms":8,"manifests":["m"]}]' })
    expect(() => apply(parse(inline), 10, upgrade(2))).toThrow(/manifest list/)
  })

  test('is no property', () => {
    expect(() =>
      apply(emptyTable(), 1, { action: 'set-properties', updates: { 'format-version': '3' } }),
    ).toThrow(CommitRejectedError)
  })
})

describe('properties, location, uuid, statistics, keys', () => {
  test('properties are set, replaced and removed', () => {
    const one = apply(emptyTable({ a: '1' }), 1, {
      action: 'set-properties',
      updates: { a: '', __proto__x: '2' },
    })
    expect(one.properties).toEqual({ a: '', __proto__x: '2' })
    expect(apply(one, 1, { action: 'remove-properties', removals: ['a', 'zz'] }).properties).toEqual({
      __proto__x: '2',
    })
    expect(
      apply(
        one,
        1,
        { action: 'set-properties', updates: { a: '' } },
        { action: 'remove-properties', removals: ['toString'] },
      ),
    ).toBe(one)
  })

  test('the location moves, never to nowhere', () => {
    expect(apply(emptyTable(), 1, { action: 'set-location', location: 's3://b/u' }).location).toBe('s3://b/u')
    expect(() => apply(emptyTable(), 1, { action: 'set-location', location: '' })).toThrow(
      CommitRejectedError,
    )
  })

  test('a uuid never changes; only a v1 table, which may lack one, can be given one', () => {
    const other = '00000000-0000-4000-8000-000000000001'
    expect(apply(emptyTable(), 1, { action: 'assign-uuid', uuid: UUID.toUpperCase() })['table-uuid']).toBe(
      UUID,
    )
    expect(() => apply(emptyTable(), 1, { action: 'assign-uuid', uuid: other })).toThrow(CommitRejectedError)
    expect(
      apply(emptyTable({ 'format-version': '1' }), 1, { action: 'assign-uuid', uuid: other })['table-uuid'],
    ).toBe(other)
  })

  test('statistics are one per snapshot', () => {
    const entry = { 'snapshot-id': 1n, 'statistics-path': 'new', 'file-size-in-bytes': 1 }
    const set = apply(
      parse(V2),
      1,
      { action: 'set-statistics', 'snapshot-id': 1n, statistics: entry },
      { action: 'set-partition-statistics', 'partition-statistics': entry },
    )
    expect(set.statistics.map((each) => each['statistics-path'])).toEqual([
      's3://bucket/db/t/metadata/2.stats',
      'new',
    ])
    expect(set['partition-statistics']).toEqual([entry])
    const removed = apply(
      set,
      1,
      { action: 'remove-statistics', 'snapshot-id': ID },
      { action: 'remove-partition-statistics', 'snapshot-id': 1n },
    )
    expect(removed.statistics).toEqual([entry])
    expect(removed['partition-statistics']).toEqual([])
    expect(apply(removed, 1, { action: 'remove-statistics', 'snapshot-id': 5n })).toBe(removed)
  })

  test('encryption keys are replaced by id', () => {
    const key = (text: string) => ({ 'key-id': 'k', 'encrypted-key-metadata': text })
    const one = apply(emptyTable(), 1, { action: 'add-encryption-key', 'encryption-key': key('A') })
    const two = apply(one, 1, { action: 'add-encryption-key', 'encryption-key': key('B') })
    expect(two['encryption-keys']).toEqual([key('B')])
    expect(apply(two, 1, { action: 'remove-encryption-key', 'key-id': 'k' })['encryption-keys']).toEqual([])
    expect(apply(two, 1, { action: 'remove-encryption-key', 'key-id': 'x' })).toBe(two)
  })

  test('what nobody knows is rejected', () => {
    const update: TableUpdate = JSON.parse('{"action":"set-the-house-on-fire"}')
    expect(() => apply(emptyTable(), 1, update)).toThrow(/set-the-house-on-fire/)
  })
})

describe('a commit', () => {
  const base = parse(V2)

  test('that changes nothing gives back the very same metadata', () => {
    expect(applyUpdates(base, [], { nowMs: 1 })).toBe(base)
    expect(
      apply(
        base,
        1,
        setMain(ID),
        { action: 'set-location', location: base.location },
        { action: 'assign-uuid', uuid: UUID },
      ),
    ).toBe(base)
  })

  test('is stamped with its time, which never goes backwards', () => {
    const set = (nowMs: number) =>
      apply(base, nowMs, { action: 'set-properties', updates: { a: String(nowMs) } })['last-updated-ms']
    expect(set(1800000000000)).toBe(1800000000000)
    expect(set(5)).toBe(1700000002000)
  })

  test('applies all or nothing, and never touches its base', () => {
    const frozen = deepFreeze(parse(V2))
    const before = parse(V2)
    const updates: readonly TableUpdate[] = [
      { action: 'upgrade-format-version', 'format-version': 3 },
      {
        action: 'add-schema',
        schema: {
          type: 'struct',
          'schema-id': 9,
          fields: [...(before.schemas[0]?.fields ?? []), { id: 4, name: 'n', required: false, type: 'int' }],
        },
      },
      { action: 'set-current-schema', 'schema-id': LAST_ADDED },
      { action: 'add-spec', spec: { fields: [{ 'source-id': 4, name: 'n', transform: 'identity' }] } },
      { action: 'set-default-spec', 'spec-id': LAST_ADDED },
      { action: 'set-properties', updates: { z: 'z' } },
      { action: 'remove-properties', removals: ['owner'] },
      { action: 'remove-snapshot-ref', 'ref-name': 'q1' },
      { action: 'remove-snapshots', 'snapshot-ids': [1n] },
      { action: 'set-snapshot-ref', 'ref-name': 'keep', type: 'tag', 'snapshot-id': ID },
    ]
    fc.assert(
      fc.property(fc.shuffledSubarray([...updates]), fc.nat(), (some, nowMs) => {
        try {
          applyUpdates(frozen, some, { nowMs })
        } catch (error) {
          // Some orders are impossible; what counts is that the base is untouched.
          expect(error).toBeInstanceOf(CommitRejectedError)
        }
        expect(frozen).toEqual(before)
      }),
    )
    expect(apply(frozen, 9, ...updates)['current-schema-id']).toBe(1)
  })

  /** Any write to it throws from now on. */
  function deepFreeze<T>(value: T): T {
    if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
      Object.freeze(value)
      for (const member of Object.values(value)) deepFreeze(member)
    }
    return value
  }
})

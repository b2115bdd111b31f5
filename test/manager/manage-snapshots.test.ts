/** Branches and tags: what each change does, what it refuses, and that all come in one commit or none. */
import { describe, expect, test } from 'vitest'
import type { ManageSnapshots, Table } from '../../src/index.ts'
import { createTable, evolutionWorlds, rowsOf, valueText, type EvolutionWorld } from './evolution-world.ts'

const open = evolutionWorlds()

const row = (id: number) => ({ id })
const asText = (...ids: readonly number[]): string[] => ids.map((id) => valueText(row(id))).sort()

/** main: 1, then 2, then 3; returns the ids, oldest first. */
async function grown(world: EvolutionWorld, properties: Record<string, string> = {}) {
  const tbl = await createTable(world, 'id: int', { properties })
  const ids: bigint[] = []
  for (const id of [1, 2, 3]) ids.push((await world.manager.writeData(tbl, [row(id)])).snapshotId ?? 0n)
  const [first = 0n, second = 0n, third = 0n] = ids
  return { tbl, first, second, third }
}

const refsOf = (tbl: Table) =>
  Object.fromEntries(Object.entries(tbl.metadata.refs).map(([name, ref]) => [name, ref['snapshot-id']]))

describe('tags', () => {
  test('a tag keeps what was current when it was asked for, not when it was committed', async () => {
    const world = await open()
    const { tbl, third } = await grown(world)
    const changes = world.manager.manageSnapshots(tbl).createTag('q1')
    await world.manager.writeData(tbl, [row(4)])
    await changes.commit()
    expect(tbl.metadata.refs['q1']).toEqual({ type: 'tag', 'snapshot-id': third })
    expect((await tbl.scan({ ref: 'q1' }).toArray()).map(valueText).sort()).toEqual(asText(1, 2, 3))
  })

  test('is of a snapshot, by its id or digits, or of what a ref names', async () => {
    const world = await open()
    const { tbl, first, second } = await grown(world)
    await world.manager
      .manageSnapshots(tbl)
      .createTag('a', { snapshotId: first })
      .createTag('b', { snapshotId: String(second) })
      .commit()
    await world.manager.manageSnapshots(tbl).createTag('c', { ref: 'a' }).commit()
    expect(refsOf(tbl)).toMatchObject({ a: first, b: second, c: first })
  })

  test('moves, keeps its retention where none is given, and goes', async () => {
    const world = await open()
    const { tbl, first, third } = await grown(world)
    await world.manager.manageSnapshots(tbl).createTag('a', { snapshotId: first, maxRefAgeMs: 7 }).commit()
    await world.manager.manageSnapshots(tbl).replaceTag('a').commit()
    expect(tbl.metadata.refs['a']).toEqual({ type: 'tag', 'snapshot-id': third, 'max-ref-age-ms': 7n })
    await world.manager.manageSnapshots(tbl).replaceTag('a', { maxRefAgeMs: null }).commit()
    expect(tbl.metadata.refs['a']).toEqual({ type: 'tag', 'snapshot-id': third })
    await world.manager.manageSnapshots(tbl).removeTag('a').commit()
    expect(Object.keys(tbl.metadata.refs)).toEqual(['main'])
    expect(tbl.metadata.snapshots).toHaveLength(3)
  })

  test('may have a name that every object inherits', async () => {
    const world = await open()
    const { tbl, third } = await grown(world)
    await world.manager.manageSnapshots(tbl).createTag('constructor').createTag('__proto__').commit()
    expect(Object.entries(tbl.metadata.refs).map(([name, ref]) => [name, ref['snapshot-id']])).toEqual(
      expect.arrayContaining([
        ['constructor', third],
        ['__proto__', third],
      ]),
    )
    await world.manager.manageSnapshots(tbl).removeTag('constructor').removeTag('__proto__').commit()
    expect(Object.keys(tbl.metadata.refs)).toEqual(['main'])
  })
})

describe('branches', () => {
  test('grow by themselves, and main follows', async () => {
    const world = await open()
    const { tbl, second, third } = await grown(world)
    await world.manager.manageSnapshots(tbl).createBranch('audit').commit()
    const { snapshotId } = await world.manager.writeData(tbl, [row(4)], { branch: 'audit' })
    expect(await rowsOf(tbl)).toEqual(asText(1, 2, 3))
    await world.manager.manageSnapshots(tbl).fastForward('main', 'audit').commit()
    expect(refsOf(tbl)).toEqual({ main: snapshotId, audit: snapshotId })
    expect(await rowsOf(tbl)).toEqual(asText(1, 2, 3, 4))
    expect(tbl.metadata['snapshot-log'].map((entry) => entry['snapshot-id']).slice(-2)).toEqual([
      third,
      snapshotId,
    ])
    await world.manager.manageSnapshots(tbl).replaceBranch('audit', { snapshotId: second }).commit()
    expect(refsOf(tbl)).toEqual({ main: snapshotId, audit: second })
  })

  test('take another name with all they have, and what others write meanwhile', async () => {
    const world = await open()
    const { tbl } = await grown(world)
    await world.manager.manageSnapshots(tbl).createBranch('a', { minSnapshotsToKeep: 2 }).commit()
    const changes = world.manager.manageSnapshots(tbl).renameBranch('a', 'b')
    const { snapshotId } = await world.manager.writeData(await world.reload(), [row(4)], { branch: 'a' })
    expect((await changes.commit()).attempts).toBe(2)
    expect(tbl.metadata.refs).not.toHaveProperty('a')
    expect(tbl.metadata.refs['b']).toEqual({
      type: 'branch',
      'snapshot-id': snapshotId,
      'min-snapshots-to-keep': 2,
    })
  })

  test('of a table without rows begin with an empty snapshot, and can be published to main', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int')
    await world.manager
      .manageSnapshots(tbl)
      .createBranch('audit')
      .createTag('start', { ref: 'audit' })
      .commit()
    expect(tbl.currentSnapshot).toBeNull()
    expect(tbl.metadata.snapshots).toMatchObject([
      { 'sequence-number': 1, summary: { operation: 'append', 'total-records': '0' } },
    ])
    expect(await tbl.scan({ ref: 'audit' }).toArray()).toEqual([])
    await world.manager.writeData(tbl, [row(1)], { branch: 'audit' })
    await world.manager.manageSnapshots(tbl).fastForward('main', 'audit').commit()
    expect(await rowsOf(tbl)).toEqual(asText(1))
  })

  test('keep as long as their retention says; a setting changes alone', async () => {
    const world = await open()
    const { tbl, third } = await grown(world)
    const day = 86_400_000
    await world.manager
      .manageSnapshots(tbl)
      .createBranch('a', { maxRefAgeMs: 3 * day, maxSnapshotAgeMs: 2n * BigInt(day), minSnapshotsToKeep: 4 })
      .commit()
    const head = { type: 'branch', 'snapshot-id': third } as const
    const before = { 'max-ref-age-ms': 259_200_000n, 'max-snapshot-age-ms': 172_800_000n }
    expect(tbl.metadata.refs['a']).toEqual({ ...head, ...before, 'min-snapshots-to-keep': 4 })
    await world.manager.manageSnapshots(tbl).setRetention('a', { minSnapshotsToKeep: 5 }).commit()
    expect(tbl.metadata.refs['a']).toEqual({ ...head, ...before, 'min-snapshots-to-keep': 5 })
    await world.manager
      .manageSnapshots(tbl)
      .setRetention('a', { maxRefAgeMs: null, minSnapshotsToKeep: null })
      .setRetention('main', { minSnapshotsToKeep: 9 })
      .commit()
    expect(tbl.metadata.refs['a']).toEqual({ ...head, 'max-snapshot-age-ms': 172_800_000n })
    await world.manager.writeData(tbl, [row(4)])
    expect(tbl.metadata.refs['main']).toMatchObject({ 'min-snapshots-to-keep': 9 })
  })
})

/** Each is refused before anything is sent, together with a change that would do. */
const REFUSALS: readonly (readonly [string, (m: ManageSnapshots) => ManageSnapshots, string])[] = [
  ['a tag that is there', (m) => m.createTag('tag'), 'FLOEBERG_REF_ALREADY_EXISTS'],
  ['a tag by a branch’s name', (m) => m.createTag('branch'), 'FLOEBERG_REF_ALREADY_EXISTS'],
  ['a branch by a tag’s name', (m) => m.createBranch('tag'), 'FLOEBERG_REF_ALREADY_EXISTS'],
  ['a tag twice', (m) => m.createTag('x').createTag('x'), 'FLOEBERG_REF_ALREADY_EXISTS'],
  ['a rename to what is there', (m) => m.renameBranch('branch', 'tag'), 'FLOEBERG_REF_ALREADY_EXISTS'],
  ['a tag called main', (m) => m.createTag('main'), 'FLOEBERG_INVALID_ARGUMENT'],
  ['main removed', (m) => m.removeBranch('main'), 'FLOEBERG_INVALID_ARGUMENT'],
  ['main removed as a tag', (m) => m.removeTag('main'), 'FLOEBERG_INVALID_ARGUMENT'],
  ['main renamed', (m) => m.renameBranch('main', 'x'), 'FLOEBERG_INVALID_ARGUMENT'],
  ['main made to age', (m) => m.setRetention('main', { maxRefAgeMs: 5 }), 'FLOEBERG_INVALID_ARGUMENT'],
  ['a branch removed as a tag', (m) => m.removeTag('branch'), 'FLOEBERG_INVALID_ARGUMENT'],
  ['a tag removed as a branch', (m) => m.removeBranch('tag'), 'FLOEBERG_INVALID_ARGUMENT'],
  ['a tag moved as a branch', (m) => m.replaceBranch('tag'), 'FLOEBERG_INVALID_ARGUMENT'],
  ['a branch moved as a tag', (m) => m.replaceTag('branch'), 'FLOEBERG_INVALID_ARGUMENT'],
  ['a tag moved on', (m) => m.fastForward('tag', 'main'), 'FLOEBERG_INVALID_ARGUMENT'],
  ['a tag renamed', (m) => m.renameBranch('tag', 'x'), 'FLOEBERG_INVALID_ARGUMENT'],
  [
    'snapshots kept by a tag',
    (m) => m.setRetention('tag', { minSnapshotsToKeep: 2 }),
    'FLOEBERG_INVALID_ARGUMENT',
  ],
  ['an empty name', (m) => m.createTag(''), 'FLOEBERG_INVALID_ARGUMENT'],
  [
    'both a snapshot and a ref',
    (m) => m.createTag('x', { snapshotId: 1n, ref: 'tag' }),
    'FLOEBERG_INVALID_ARGUMENT',
  ],
  ['an age of nothing', (m) => m.createTag('x', { maxRefAgeMs: 0 }), 'FLOEBERG_INVALID_ARGUMENT'],
  ['an age that is not whole', (m) => m.createTag('x', { maxRefAgeMs: 1.5 }), 'FLOEBERG_INVALID_ARGUMENT'],
  ['an age beyond a long', (m) => m.createTag('x', { maxRefAgeMs: 2n ** 63n }), 'FLOEBERG_INVALID_ARGUMENT'],
  [
    'a count beyond an int',
    (m) => m.createBranch('x', { minSnapshotsToKeep: 2 ** 31 }),
    'FLOEBERG_INVALID_ARGUMENT',
  ],
  ['an id that is none', (m) => m.createTag('x', { snapshotId: 'abc' }), 'FLOEBERG_INVALID_ARGUMENT'],
  ['current by nothing', (m) => m.setCurrentSnapshot({}), 'FLOEBERG_INVALID_ARGUMENT'],
  ['a tag of no snapshot', (m) => m.createTag('x', { snapshotId: 5n }), 'FLOEBERG_NO_SUCH_SNAPSHOT'],
  ['current by no snapshot', (m) => m.setCurrentSnapshot({ snapshotId: 5n }), 'FLOEBERG_NO_SUCH_SNAPSHOT'],
  ['a tag of no ref', (m) => m.createTag('x', { ref: 'nope' }), 'FLOEBERG_NO_SUCH_REF'],
  [
    'a tag of what was just removed',
    (m) => m.removeTag('tag').createTag('x', { ref: 'tag' }),
    'FLOEBERG_NO_SUCH_REF',
  ],
  ['no tag moved', (m) => m.replaceTag('nope'), 'FLOEBERG_NO_SUCH_REF'],
  ['no branch moved', (m) => m.replaceBranch('nope'), 'FLOEBERG_NO_SUCH_REF'],
  ['no branch moved on', (m) => m.fastForward('nope', 'main'), 'FLOEBERG_NO_SUCH_REF'],
  ['main on to no branch', (m) => m.fastForward('main', 'nope'), 'FLOEBERG_NO_SUCH_REF'],
  ['no tag removed', (m) => m.removeTag('nope'), 'FLOEBERG_NO_SUCH_REF'],
  ['no branch renamed', (m) => m.renameBranch('nope', 'x'), 'FLOEBERG_NO_SUCH_REF'],
  ['the retention of nothing', (m) => m.setRetention('nope', {}), 'FLOEBERG_NO_SUCH_REF'],
  ['main back on a branch', (m) => m.fastForward('main', 'branch'), 'FLOEBERG_NOT_AN_ANCESTOR'],
]

describe('refused, and nothing is sent', () => {
  test.each(REFUSALS)('%s', async (_name, change, code) => {
    const world = await open()
    const { tbl, first } = await grown(world)
    await world.manager
      .manageSnapshots(tbl)
      .createTag('tag', { snapshotId: first })
      .createBranch('branch', { snapshotId: first })
      .commit()
    const { metadataLocation } = tbl
    world.controller.reset()
    await expect(async () =>
      change(world.manager.manageSnapshots(tbl).createTag('good')).createTag('also good').commit(),
    ).rejects.toMatchObject({ code })
    expect(world.controller.calls).toEqual([])
    expect((await world.reload()).metadataLocation).toBe(metadataLocation)
  })

  test('a tag of a table without rows', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int')
    expect(() => world.manager.manageSnapshots(tbl).createTag('x')).toThrowError(
      expect.objectContaining({ code: 'FLOEBERG_NO_SUCH_SNAPSHOT', table: 'demo.t' }),
    )
  })

  test('what was committed already', async () => {
    const world = await open()
    const { tbl } = await grown(world)
    const changes = world.manager.manageSnapshots(tbl).createTag('x')
    const committed = changes.commit()
    // What is asked for while the commit is under way is not part of it.
    changes.createTag('y')
    await committed
    expect(Object.keys(tbl.metadata.refs)).toEqual(['main', 'x'])
    await expect(changes.commit()).rejects.toMatchObject({ code: 'FLOEBERG_INVALID_ARGUMENT' })
  })
})

describe('several changes', () => {
  test('see what the ones before them made, in one commit', async () => {
    const world = await open()
    const { tbl, first, second, third } = await grown(world)
    const files = tbl.metadata['metadata-log'].length
    const result = await world.manager
      .manageSnapshots(tbl)
      .createTag('before')
      .rollbackTo(second)
      .createTag('after')
      .createBranch('work', { ref: 'after' })
      .fastForward('work', 'before')
      .removeTag('before')
      .replaceTag('after', { snapshotId: first })
      .commit()
    expect(refsOf(tbl)).toEqual({ main: second, work: third, after: first })
    expect(tbl.metadata['metadata-log']).toHaveLength(files + 1)
    expect(
      result.refs.map(({ name, before, after }) => [name, before?.['snapshot-id'], after?.['snapshot-id']]),
    ).toEqual([
      ['main', third, second],
      ['work', undefined, third],
      ['after', undefined, first],
    ])
  })

  test('that undo each other, and none at all, commit nothing', async () => {
    const world = await open()
    const { tbl } = await grown(world)
    const { metadataLocation } = tbl
    const undone = await world.manager.manageSnapshots(tbl).createTag('x').removeTag('x').commit()
    const none = await world.manager.manageSnapshots(tbl).commit()
    expect([undone, none]).toEqual([
      { refs: [], picks: [], attempts: 0 },
      { refs: [], picks: [], attempts: 0 },
    ])
    expect((await world.reload()).metadataLocation).toBe(metadataLocation)
  })

  test('make a branch of a tag’s name, once the tag is gone', async () => {
    const world = await open()
    const { tbl, third } = await grown(world)
    await world.manager.manageSnapshots(tbl).createTag('x').commit()
    await world.manager.manageSnapshots(tbl).removeTag('x').createBranch('x').commit()
    expect(tbl.metadata.refs['x']).toEqual({ type: 'branch', 'snapshot-id': third })
  })
})

describe.each([1, 3] as const)('format version %i', (formatVersion) => {
  test('has branches and tags', async () => {
    const world = await open()
    const tbl = await createTable(world, 'id: int', { formatVersion: formatVersion === 3 ? 2 : 1 })
    const first = (await world.manager.writeData(tbl, [row(1)])).snapshotId ?? 0n
    await world.manager.writeData(tbl, [row(2)])
    if (formatVersion === 3) await world.manager.upgradeFormatVersion(tbl, 3)
    await world.manager.manageSnapshots(tbl).createTag('q1').createBranch('b').rollbackTo(first).commit()
    const again = await world.reload()
    expect(again.formatVersion).toBe(formatVersion)
    expect(again.metadata.refs).toEqual(tbl.metadata.refs)
    expect(await rowsOf(again)).toEqual(asText(1))
    expect((await again.scan({ ref: 'q1' }).toArray()).map(valueText).sort()).toEqual(asText(1, 2))
  })
})

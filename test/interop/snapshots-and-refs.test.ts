/**
 * Branches, tags, rollback, cherry-pick and publication, by us on one copy of a table and by Spark on
 * another: refs, history, summaries and rows come out the same, and what Spark refuses we refuse.
 *
 * A copy is the same metadata file under another name: ids are the same on both sides.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IcebergTableManager, ManageSnapshots, Table } from '../../src/index.ts'
import { FloebergError, t, table as declared } from '../../src/index.ts'
import { inAnyOrder } from '../support/exact-values.ts'
import { PeerError } from './support/json-lines.ts'
import { exactRows, openFloeberg } from './support/floeberg.ts'
import { PyIceberg } from './support/pyiceberg.ts'
import { Spark } from './support/spark.ts'
import { createSharedWarehouse } from './support/warehouse.ts'

const shared = createSharedWarehouse()
let manager: IcebergTableManager
let spark: Spark
let pyiceberg: PyIceberg
/** What every case starts from. */
let start: Table

beforeAll(async () => {
  manager = await openFloeberg(shared)
  await manager.createNamespace('refs')
  spark = new Spark(shared)
  pyiceberg = new PyIceberg(shared)
  start = await makeStart()
})

afterAll(async () => {
  await Promise.all([manager?.close(), spark?.close(), pyiceberg?.close()])
  shared.remove()
})

const ids: Record<string, bigint> = {}

/** Runs a statement of Spark's and names the snapshot that it made. */
async function step(name: string, sql: string, settings: readonly string[] = []): Promise<void> {
  for (const setting of settings) await spark.sql(`set ${setting}`)
  await spark.sql(sql)
  for (const setting of settings) await spark.sql(`reset ${setting.split('=')[0]}`)
  const { metadata } = await manager.loadTable('refs.start')
  ids[name] = metadata.snapshots.at(-1)?.['snapshot-id'] ?? 0n
}

const staged = (id: string, ...others: readonly string[]) => [`spark.wap.id=${id}`, ...others]
const DYNAMIC = 'spark.sql.sources.partitionOverwriteMode=dynamic'

/**
 * main: first, second, third. Branch `audit` from second with one append, `ahead` from third with one
 * append and one delete, tag `old` on first. Staged on second: an append, a replaced partition, one
 * whose partition third has written to, changed rows, and, by us, a delete; staged on third by us: an
 * append.
 */
async function makeStart(): Promise<Table> {
  await spark.sql(`create table refs.start (id bigint, p int) using iceberg partitioned by (p)
    tblproperties ('format-version'='2', 'write.wap.enabled'='true', 'write.spark.fanout.enabled'='true')`)
  await step('first', 'insert into refs.start values (1, 1), (12, 1), (2, 2)')
  await step('second', 'insert into refs.start values (3, 1), (4, 3)')
  await spark.sql('alter table refs.start create tag old as of version ' + ids['first'])
  await spark.sql('alter table refs.start create branch audit retain 9 days')
  await step('audited', 'insert into refs.start.branch_audit values (5, 5)')
  await step('appended', 'insert into refs.start values (6, 6)', staged('append'))
  await step('replaced', 'insert overwrite refs.start values (7, 1)', staged('replace', DYNAMIC))
  await step('clashing', 'insert overwrite refs.start values (8, 2)', staged('clash', DYNAMIC))
  await step('changed', 'delete from refs.start where id = 12', staged('change'))
  const second = await manager.loadTable('refs.start')
  const deletion = await manager.deleteRows(second, 'id = 4', {
    stageOnly: true,
    snapshotProperties: { 'wap.id': 'delete' },
  })
  ids['deleted'] = deletion.snapshotId ?? 0n
  await step('third', 'insert into refs.start values (9, 2)')
  await spark.sql('alter table refs.start create branch ahead')
  await step('next', 'insert into refs.start.branch_ahead values (10, 4)')
  await step('last', 'delete from refs.start.branch_ahead where id = 1')
  const table = await manager.loadTable('refs.start')
  const { snapshotId } = await manager.writeData(table, [{ id: 11n, p: 7 }], {
    stageOnly: true,
    snapshotProperties: { 'wap.id': 'ours' },
  })
  ids['ours'] = snapshotId ?? 0n
  return table
}

const id = (name: string): bigint => {
  const found = ids[name]
  if (found === undefined) throw new Error(`no snapshot is called ${name}`)
  return found
}

interface Case {
  readonly name: string
  readonly ours: (changes: ManageSnapshots) => ManageSnapshots
  /** `$T` stands for the table, `'$T'` for its name as an argument. */
  readonly theirs: () => readonly string[]
  readonly outcome?: 'done' | 'refused'
  /** What Spark does to both copies first. */
  readonly before?: string
}

const call = (procedure: string, ...args: readonly string[]) =>
  `call c.system.${procedure}(${["'$T'", ...args].join(', ')})`
const alter = (what: string) => `alter table $T ${what}`
const text = (value: string) => `'${value}'`

const TAGS_AND_BRANCHES: readonly Case[] = [
  {
    name: 'a tag of the current snapshot',
    ours: (m) => m.createTag('t'),
    theirs: () => [alter('create tag t')],
  },
  {
    name: 'a tag of an older one, kept for a while',
    ours: (m) => m.createTag('t', { snapshotId: id('first'), maxRefAgeMs: 5 * 86_400_000 }),
    theirs: () => [alter(`create tag t as of version ${id('first')} retain 5 days`)],
  },
  {
    name: 'a tag of a staged snapshot',
    ours: (m) => m.createTag('t', { snapshotId: id('appended') }),
    theirs: () => [alter(`create tag t as of version ${id('appended')}`)],
  },
  {
    name: 'a tag that is there',
    ours: (m) => m.createTag('old'),
    theirs: () => [alter('create tag old')],
    outcome: 'refused',
  },
  {
    name: 'a tag by the name of a branch',
    ours: (m) => m.createTag('audit'),
    theirs: () => [alter('create tag audit')],
    outcome: 'refused',
  },
  {
    name: 'a tag of no snapshot',
    ours: (m) => m.createTag('t', { snapshotId: 5n }),
    theirs: () => [alter('create tag t as of version 5')],
    outcome: 'refused',
  },
  {
    name: 'a tag moved',
    ours: (m) => m.replaceTag('old', { snapshotId: id('second') }),
    theirs: () => [alter(`replace tag old as of version ${id('second')}`)],
  },
  {
    name: 'a tag moved and kept for a while',
    ours: (m) => m.replaceTag('old', { snapshotId: id('third'), maxRefAgeMs: 3_600_000 }),
    theirs: () => [alter(`replace tag old as of version ${id('third')} retain 1 hours`)],
  },
  {
    name: 'a tag moved that is not there',
    ours: (m) => m.replaceTag('nope'),
    theirs: () => [alter('replace tag nope')],
    outcome: 'refused',
  },
  {
    name: 'a branch moved as if it were a tag',
    ours: (m) => m.replaceTag('audit'),
    theirs: () => [alter('replace tag audit')],
    outcome: 'refused',
  },
  { name: 'a tag removed', ours: (m) => m.removeTag('old'), theirs: () => [alter('drop tag old')] },
  {
    name: 'a tag removed that is not there',
    ours: (m) => m.removeTag('nope'),
    theirs: () => [alter('drop tag nope')],
    outcome: 'refused',
  },
  {
    name: 'a branch removed as if it were a tag',
    ours: (m) => m.removeTag('audit'),
    theirs: () => [alter('drop tag audit')],
    outcome: 'refused',
  },
  {
    name: 'a branch with all that it can have',
    ours: (m) =>
      m.createBranch('b', {
        snapshotId: id('second'),
        maxRefAgeMs: 7 * 86_400_000,
        minSnapshotsToKeep: 2,
        maxSnapshotAgeMs: 3 * 86_400_000,
      }),
    theirs: () => [
      alter(
        `create branch b as of version ${id('second')} retain 7 days with snapshot retention 2 snapshots 3 days`,
      ),
    ],
  },
  {
    name: 'a branch that is there',
    ours: (m) => m.createBranch('audit'),
    theirs: () => [alter('create branch audit')],
    outcome: 'refused',
  },
  {
    name: 'a branch moved, its retention left',
    ours: (m) => m.replaceBranch('audit', { snapshotId: id('first') }),
    theirs: () => [alter(`replace branch audit as of version ${id('first')}`)],
  },
  {
    name: 'a branch moved that is not there',
    ours: (m) => m.replaceBranch('nope'),
    theirs: () => [alter('replace branch nope')],
    outcome: 'refused',
  },
  {
    name: 'a branch removed',
    ours: (m) => m.removeBranch('audit'),
    theirs: () => [alter('drop branch audit')],
  },
  {
    name: 'main removed',
    ours: (m) => m.removeBranch('main'),
    theirs: () => [alter('drop branch main')],
    outcome: 'refused',
  },
  {
    name: 'a tag removed as if it were a branch',
    ours: (m) => m.removeBranch('old'),
    theirs: () => [alter('drop branch old')],
    outcome: 'refused',
  },
]

const MOVES: readonly Case[] = [
  {
    name: 'main on to a branch',
    ours: (m) => m.fastForward('main', 'ahead'),
    theirs: () => [call('fast_forward', text('main'), text('ahead'))],
  },
  {
    name: 'main on to a branch that is not ahead of it',
    ours: (m) => m.fastForward('main', 'audit'),
    theirs: () => [call('fast_forward', text('main'), text('audit'))],
    outcome: 'refused',
  },
  {
    name: 'a branch back to main',
    ours: (m) => m.fastForward('ahead', 'main'),
    theirs: () => [call('fast_forward', text('ahead'), text('main'))],
    outcome: 'refused',
  },
  {
    name: 'main on to itself',
    ours: (m) => m.fastForward('main', 'main'),
    theirs: () => [call('fast_forward', text('main'), text('main'))],
  },
  {
    name: 'main on to what is not there',
    ours: (m) => m.fastForward('main', 'nope'),
    theirs: () => [call('fast_forward', text('main'), text('nope'))],
    outcome: 'refused',
  },
  {
    name: 'a tag on to main',
    ours: (m) => m.fastForward('old', 'main'),
    theirs: () => [call('fast_forward', text('old'), text('main'))],
    outcome: 'refused',
  },
  {
    name: 'back to the first snapshot',
    ours: (m) => m.rollbackTo(id('first')),
    theirs: () => [call('rollback_to_snapshot', `${id('first')}`)],
  },
  {
    name: 'back to what is current',
    ours: (m) => m.rollbackTo(id('third')),
    theirs: () => [call('rollback_to_snapshot', `${id('third')}`)],
  },
  {
    name: 'back to what main never was',
    ours: (m) => m.rollbackTo(id('audited')),
    theirs: () => [call('rollback_to_snapshot', `${id('audited')}`)],
    outcome: 'refused',
  },
  {
    name: 'back to no snapshot',
    ours: (m) => m.rollbackTo(5n),
    theirs: () => [call('rollback_to_snapshot', '5')],
    outcome: 'refused',
  },
  {
    name: 'back to a time',
    ours: (m) => m.rollbackToTimestamp(new Date(timeOf('third'))),
    theirs: () => [call('rollback_to_timestamp', timestamp(timeOf('third')))],
  },
  {
    name: 'back to a time from before the table',
    ours: (m) => m.rollbackToTimestamp(new Date(timeOf('first'))),
    theirs: () => [call('rollback_to_timestamp', timestamp(timeOf('first')))],
    outcome: 'refused',
  },
  {
    name: 'back to a time that is yet to come',
    ours: (m) => m.rollbackToTimestamp('2100-01-01'),
    theirs: () => [call('rollback_to_timestamp', "timestamp '2100-01-01 00:00:00'")],
  },
  {
    name: 'current by id, whatever the history',
    ours: (m) => m.setCurrentSnapshot({ snapshotId: id('audited') }),
    theirs: () => [call('set_current_snapshot', `${id('audited')}`)],
  },
  {
    name: 'current by a tag',
    ours: (m) => m.setCurrentSnapshot({ ref: 'old' }),
    theirs: () => [`call c.system.set_current_snapshot(table => '$T', ref => 'old')`],
  },
  {
    name: 'current by what is not there',
    ours: (m) => m.setCurrentSnapshot({ ref: 'nope' }),
    theirs: () => [`call c.system.set_current_snapshot(table => '$T', ref => 'nope')`],
    outcome: 'refused',
  },
  {
    name: 'current by no snapshot',
    ours: (m) => m.setCurrentSnapshot({ snapshotId: 5n }),
    theirs: () => [call('set_current_snapshot', '5')],
    outcome: 'refused',
  },
]

const pick = (name: string): Pick<Case, 'ours' | 'theirs'> => ({
  ours: (m) => m.cherryPick(id(name)),
  theirs: () => [call('cherrypick_snapshot', `${id(name)}`)],
})
const publish = (wapId: string): Pick<Case, 'ours' | 'theirs'> => ({
  ours: (m) => m.publish(wapId),
  theirs: () => [call('publish_changes', text(wapId))],
})

const PICKS: readonly Case[] = [
  { name: 'an append of a branch', ...pick('audited') },
  { name: 'a staged append', ...pick('appended') },
  { name: 'an append whose parent is the head: main moves on', ...pick('next') },
  { name: 'a delete whose parent is not the head', ...pick('last'), outcome: 'refused' },
  { name: 'a staged delete', ...pick('deleted'), outcome: 'refused' },
  { name: 'a staged change of rows', ...pick('changed'), outcome: 'refused' },
  { name: 'what main has', ...pick('second'), outcome: 'refused' },
  { name: 'what is current', ...pick('third'), outcome: 'refused' },
  {
    name: 'no snapshot',
    ours: (m) => m.cherryPick(5n),
    theirs: () => [call('cherrypick_snapshot', '5')],
    outcome: 'refused',
  },
  {
    name: 'the same twice',
    ours: (m) => m.cherryPick(id('audited')).cherryPick(id('audited')),
    theirs: () => [...pick('audited').theirs(), ...pick('audited').theirs()],
    outcome: 'refused',
  },
  { name: 'what was staged by Spark', ...publish('append') },
  { name: 'what was staged by us', ...publish('ours') },
  { name: 'a replaced partition', ...publish('replace') },
  { name: 'a replaced partition that was written to since', ...publish('clash'), outcome: 'refused' },
  {
    name: 'a replaced partition whose rows were deleted since',
    ...publish('replace'),
    before: 'delete from $T where p = 1',
    outcome: 'refused',
  },
  {
    name: 'a replaced partition of what the branch no longer has',
    ours: (m) => m.rollbackTo(id('first')).publish('replace'),
    theirs: () => [call('rollback_to_snapshot', `${id('first')}`), ...publish('replace').theirs()],
    outcome: 'refused',
  },
  {
    name: 'an append of a branch, onto what was written since',
    ...pick('audited'),
    before: 'insert into $T values (20, 1), (21, 5)',
  },
  { name: 'a wap.id that nobody staged', ...publish('nope'), outcome: 'refused' },
  { name: 'a staged delete by its wap.id', ...publish('delete'), outcome: 'refused' },
  {
    name: 'a wap.id twice',
    ours: (m) => m.publish('append').publish('append'),
    theirs: () => [...publish('append').theirs(), ...publish('append').theirs()],
    outcome: 'refused',
  },
  {
    name: 'a replaced partition after the branch went back to where it was staged',
    ours: (m) => m.rollbackTo(id('second')).publish('clash'),
    theirs: () => [call('rollback_to_snapshot', `${id('second')}`), ...publish('clash').theirs()],
  },
  {
    name: 'a delete after the branch went back to where it was staged',
    ours: (m) => m.rollbackTo(id('second')).publish('delete'),
    theirs: () => [call('rollback_to_snapshot', `${id('second')}`), ...publish('delete').theirs()],
  },
  {
    name: 'a change of rows after the branch went back to where it was staged',
    ours: (m) => m.rollbackTo(id('second')).publish('change'),
    theirs: () => [call('rollback_to_snapshot', `${id('second')}`), ...publish('change').theirs()],
  },
]

const TOGETHER: readonly Case[] = [
  {
    name: 'five changes in one commit',
    ours: (m) =>
      m
        .createTag('before')
        .cherryPick(id('audited'))
        .removeBranch('audit')
        .replaceTag('old', { snapshotId: id('second'), maxRefAgeMs: 86_400_000 })
        .createBranch('work', { minSnapshotsToKeep: 4 }),
    theirs: () => [
      alter('create tag before'),
      ...pick('audited').theirs(),
      alter('drop branch audit'),
      alter(`replace tag old as of version ${id('second')} retain 1 days`),
      alter('create branch work with snapshot retention 4 snapshots'),
    ],
  },
  {
    name: 'two picks and what they lead to',
    ours: (m) =>
      m.publish('replace').publish('append').createTag('published').fastForward('main', 'published'),
    theirs: () => [
      ...publish('replace').theirs(),
      ...publish('append').theirs(),
      alter('create tag published'),
      call('fast_forward', text('main'), text('published')),
    ],
  },
]

const timeOf = (name: string): number =>
  start.metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === id(name))?.['timestamp-ms'] ?? 0
const timestamp = (ms: number): string =>
  `timestamp '${new Date(ms).toISOString().replace('T', ' ').replace('Z', '')}'`

let copies = 0
async function copy(): Promise<string> {
  copies += 1
  const name = `refs.copy${copies}`
  await manager.registerTable(name, start.metadataLocation ?? '')
  return name
}

/** Refused by the rules of refs and snapshots, and not because the statement was wrong. */
const RULES = /(IllegalArgument|Validation|CherrypickAncestorCommit|DuplicateWAPCommit)Exception/

async function bySpark(name: string, statements: readonly string[]): Promise<'done' | 'refused'> {
  try {
    for (const statement of statements) await spark.sql(statement.replaceAll('$T', name))
    return 'done'
  } catch (error) {
    if (error instanceof PeerError && RULES.test(error.message)) return 'refused'
    throw error
  }
}

async function byUs(table: Table, change: Case['ours']): Promise<'done' | 'refused'> {
  try {
    await change(manager.manageSnapshots(table)).commit()
    return 'done'
  } catch (error) {
    if (error instanceof FloebergError) return 'refused'
    throw error
  }
}

/** Entries that say who wrote, or that only one of the two counts. */
const OF_ENGINES =
  /^(engine-|spark|app-|iceberg-version|manifests-|entries-processed|total-equality-deletes|total-position-deletes|changed-partition-count)/

/** Refs, history, new snapshots, and rows of every ref; new ids by their order. */
async function stateOf(name: string) {
  const table = await manager.loadTable(name)
  const { metadata } = table
  const known = new Set(start.metadata.snapshots.map((snapshot) => snapshot['snapshot-id']))
  const added = metadata.snapshots.filter((snapshot) => !known.has(snapshot['snapshot-id']))
  const label = (snapshotId: bigint | undefined): string => {
    const at = added.findIndex((snapshot) => snapshot['snapshot-id'] === snapshotId)
    return at === -1 ? String(snapshotId) : `new ${at}`
  }
  const rows: Record<string, unknown> = {}
  for (const ref of Object.keys(metadata.refs)) rows[ref] = inAnyOrder(await exactRows(table, { ref }))
  return {
    refs: Object.fromEntries(
      Object.entries(metadata.refs).map(([ref, value]) => [
        ref,
        { ...value, 'snapshot-id': label(value['snapshot-id']) },
      ]),
    ),
    current: label(metadata['current-snapshot-id'] ?? undefined),
    added: added.map((snapshot) => ({
      parent: label(snapshot['parent-snapshot-id']),
      sequence: snapshot['sequence-number'],
      schema: snapshot['schema-id'],
      summary: Object.fromEntries(
        Object.entries(snapshot.summary ?? {}).filter(([key]) => !OF_ENGINES.test(key)),
      ),
    })),
    rows,
  }
}

/** What was current, in order. */
async function historyOf(name: string): Promise<readonly string[]> {
  const { metadata } = await manager.loadTable(name)
  const known = new Set(start.metadata.snapshots.map((snapshot) => snapshot['snapshot-id']))
  return metadata['snapshot-log'].map((entry) =>
    known.has(entry['snapshot-id']) ? String(entry['snapshot-id']) : 'new',
  )
}

/** Without history where Spark takes several commits: what was current between them never was for us. */
function compare(title: string, cases: readonly Case[], withHistory = true): void {
  describe(title, () => {
    test.each(cases)('$name', async ({ ours, theirs, outcome = 'done', before }) => {
      const [mine, sparks] = [await copy(), await copy()]
      for (const name of before === undefined ? [] : [mine, sparks])
        await spark.sql(before?.replaceAll('$T', name) ?? '')
      const { metadataLocation } = await manager.loadTable(mine)
      expect(await bySpark(sparks, theirs())).toBe(outcome)
      const table = await manager.loadTable(mine)
      expect(await byUs(table, ours)).toBe(outcome)
      if (outcome === 'refused') {
        // All or none: of several statements Spark has done the first ones.
        expect((await manager.loadTable(mine)).metadataLocation).toBe(metadataLocation)
        return
      }
      expect(await stateOf(mine)).toEqual(await stateOf(sparks))
      if (withHistory) expect(await historyOf(mine)).toEqual(await historyOf(sparks))
    })
  })
}

compare('tags and branches', TAGS_AND_BRANCHES)
compare('moves', MOVES)
compare('picks', PICKS, false)
compare('several at once', TOGETHER, false)

test('a branch that is not there is made by Spark’s fast-forward, and refused by ours: it may be a slip', async () => {
  const [mine, sparks] = [await copy(), await copy()]
  expect(await bySpark(sparks, [call('fast_forward', text('nope'), text('main'))])).toBe('done')
  expect((await manager.loadTable(sparks)).metadata.refs).toHaveProperty('nope')
  const changes = (m: ManageSnapshots) => m.fastForward('nope', 'main')
  expect(await byUs(await manager.loadTable(mine), changes)).toBe('refused')
})

test('rolling back to what is current writes nothing', async () => {
  const name = await copy()
  const table = await manager.loadTable(name)
  const result = await manager.rollbackToSnapshot(table, id('third'))
  expect(result).toMatchObject({ changed: false, attempts: 0, abandonedSnapshotIds: [] })
  expect((await manager.loadTable(name)).metadataLocation).toBe(start.metadataLocation)
})

test('a branch of an empty table begins as Spark’s does', async () => {
  for (const name of ['empty_ours', 'empty_theirs']) {
    await spark.sql(
      `create table refs.${name} (id bigint) using iceberg tblproperties ('format-version'='2')`,
    )
  }
  await manager
    .manageSnapshots(await manager.loadTable('refs.empty_ours'))
    .createBranch('audit')
    .commit()
  await spark.sql('alter table refs.empty_theirs create branch audit')
  const shapes = await Promise.all(
    ['refs.empty_ours', 'refs.empty_theirs'].map(async (name) => {
      const { metadata } = await manager.loadTable(name)
      return {
        refs: Object.entries(metadata.refs).map(([ref, { type }]) => [ref, type]),
        current: metadata['current-snapshot-id'],
        snapshots: metadata.snapshots.map((snapshot) => [
          snapshot['sequence-number'],
          snapshot['parent-snapshot-id'],
          snapshot.summary?.operation,
        ]),
      }
    }),
  )
  expect(shapes[0]).toEqual(shapes[1])
  await spark.sql('insert into refs.empty_ours.branch_audit values (1)')
  const table = await manager.loadTable('refs.empty_ours')
  await manager.manageSnapshots(table).fastForward('main', 'audit').commit()
  expect(await spark.sql('select * from refs.empty_ours')).toEqual([{ id: 'i:1' }])
})

test('PyIceberg and Spark see the refs that we made, and their rows', async () => {
  const name = await copy()
  const table = await manager.loadTable(name)
  await manager
    .manageSnapshots(table)
    .createTag('q1', { maxRefAgeMs: 1000 })
    .createBranch('work', { maxSnapshotAgeMs: 2000, minSnapshotsToKeep: 3 })
    .publish('replace')
    .commit()
  const { refs } = table.metadata
  expect(await pyiceberg.refs(name)).toEqual(
    Object.fromEntries(
      Object.entries(refs).map(([ref, { type, 'snapshot-id': snapshot }]) => [
        ref,
        { type, snapshot_id: String(snapshot) },
      ]),
    ),
  )
  const shown = await spark.sql(`select * from ${name}.refs where name in ('q1', 'work') order by name`)
  expect(shown).toMatchObject([
    { name: 's:q1', type: 's:TAG', max_reference_age_in_ms: 'i:1000' },
    { name: 's:work', type: 's:BRANCH', min_snapshots_to_keep: 'i:3', max_snapshot_age_in_ms: 'i:2000' },
  ])
  for (const ref of Object.keys(refs)) {
    const ours = inAnyOrder(await exactRows(table, { ref }))
    expect(inAnyOrder(await pyiceberg.scan(name, { ref }))).toEqual(ours)
    expect(inAnyOrder(await spark.sql(`select * from ${name} version as of '${ref}'`))).toEqual(ours)
  }
})

test('PyIceberg and Spark see the refs of a table of version 1, and what was picked on it', async () => {
  const table = await manager.createTable({
    namespace: 'refs',
    name: 'version_1',
    schema: declared({ id: t.long() }),
    formatVersion: 1,
  })
  const first = await manager.writeData(table, [{ id: 1n }])
  await manager.writeData(table, [{ id: 2n }], { stageOnly: true, snapshotProperties: { 'wap.id': 'w' } })
  await manager.writeData(table, [{ id: 3n }])
  await manager
    .manageSnapshots(table)
    .publish('w')
    .createTag('q1', { snapshotId: first.snapshotId ?? 0n })
    .createBranch('work')
    .commit()
  for (const ref of ['main', 'q1', 'work']) {
    const ours = inAnyOrder(await exactRows(table, { ref }))
    expect(ours).toHaveLength(ref === 'q1' ? 1 : 3)
    expect(inAnyOrder(await pyiceberg.scan('refs.version_1', { ref }))).toEqual(ours)
    expect(inAnyOrder(await spark.sql(`select * from refs.version_1 version as of '${ref}'`))).toEqual(ours)
  }
})

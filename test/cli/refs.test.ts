/** Tags, branches, rollbacks and publications, as people and programs see them. */
import { describe, expect, test } from 'vitest'
import { durationText, parseDuration } from '../../src/cli/duration-syntax.ts'
import { salesWorkspace, type Workspace } from './support.ts'

const count = async (work: Workspace, ...travel: readonly string[]): Promise<string> =>
  (await work.ok('scan', 'demo.sales', '--count', '--output', 'csv', ...travel)).trim().split('\n').at(-1) ??
  ''

const current = async (work: Workspace): Promise<bigint> => {
  let id = 0n
  await work.manage(async (manager) => {
    id = (await manager.loadTable('demo.sales')).currentSnapshot?.['snapshot-id'] ?? 0n
  })
  return id
}

test('a tag is made, kept, moved and removed; what keeps nothing else alive goes without a question', async () => {
  const work = await salesWorkspace()
  expect(await work.ok('tag', 'create', 'demo.sales', 'q1', '--max-ref-age', '90d')).toBe(
    'demo.sales: tag q1 is snapshot ID, goes when it is older than 90d\n',
  )
  expect(await work.fails('tag', 'create', 'demo.sales', 'q1')).toMatch(
    /^1 error FLOEBERG_REF_ALREADY_EXISTS: /,
  )
  expect(await work.ok('tag', 'retain', 'demo.sales', 'q1', '--max-ref-age', 'none')).toBe(
    'demo.sales: tag q1 is kept as the table says\n',
  )
  expect(await work.ok('tag', 'replace', 'demo.sales', 'q1', '--ref', 'main')).toBe(
    'demo.sales: nothing to do, it is so already.\n',
  )
  expect(await work.json('tag', 'remove', 'demo.sales', 'q1')).toMatchObject({
    table: 'demo.sales',
    refs: [{ name: 'q1', before: { type: 'tag', 'snapshot-id': String(await current(work)) }, after: null }],
    attempts: 1,
  })
})

test('a branch that alone keeps snapshots is not removed unasked', async () => {
  const work = await salesWorkspace()
  await work.ok(
    'branch',
    'create',
    'demo.sales',
    'audit',
    '--min-snapshots',
    '2',
    '--max-snapshot-age',
    '36h',
  )
  await work.write('more.csv', 'id,name,price,day\n9,New,9.00,2020-03-01\n')
  await work.ok('write', 'demo.sales', '--from', 'more.csv', '--branch', 'audit')
  const refused = await work.fails('branch', 'remove', 'demo.sales', 'audit')
  expect(refused).toContain('2 error FLOEBERG_USAGE')
  expect(refused).toContain('Nothing but branch audit keeps 1 snapshot')
  expect(await work.fails('branch', 'remove', 'demo.sales', 'main')).toContain('is never removed')
  expect(await work.ok('branch', 'rename', 'demo.sales', 'audit', 'audited')).toBe(
    'demo.sales: branch audit removed; it was snapshot ID\n' +
      'demo.sales: branch audited is snapshot ID, keeps its snapshots for 36h, keeps 2 of them whatever their age\n',
  )
  expect(await work.ok('fast-forward', 'demo.sales', 'main', 'audited')).toBe(
    'demo.sales: branch main moved from snapshot ID to ID\n',
  )
  expect(await count(work)).toBe('4')
  expect(await work.ok('branch', 'drop', 'demo.sales', 'audited')).toContain('branch audited removed')
})

test('rows are staged, published once, and rolled back, after a look', async () => {
  const work = await salesWorkspace()
  const before = await current(work)
  await work.write('more.csv', 'id,name,price,day\n9,New,9.00,2020-03-01\n')
  expect(await work.ok('write', 'demo.sales', '--from', 'more.csv', '--wap-id', 'nightly')).toMatch(
    /: snapshot ID\nIt is staged, and no branch shows it yet: floeberg publish demo\.sales nightly\n$/,
  )
  expect(await count(work)).toBe('3')
  expect(await work.ok('publish', 'demo.sales', 'nightly')).toBe(
    'demo.sales: branch main moved from snapshot ID to ID\n',
  )
  expect(await work.fails('publish', 'demo.sales', 'nightly')).toMatch(/^1 error FLOEBERG_CHERRY_PICK: /)
  const published = await current(work)
  await work.ok('evolve', 'demo.sales', '--add', 'country string')

  const back = ['rollback', 'demo.sales', '--snapshot', String(before)]
  const plan = `demo.sales: main goes back from snapshot ID to ID
  leaves 1 snapshot behind, until they are expired: ID
  the schema stays as it has become since then:
    + country string
`
  expect(await work.ok(...back, '--plan')).toBe(plan)
  expect(await work.fails(...back)).toContain('2 error FLOEBERG_USAGE: nobody is there to be asked')
  expect(await current(work)).toBe(published)
  expect(await work.json(...back, '--yes')).toMatchObject({
    table: 'demo.sales',
    branch: 'main',
    previous_snapshot_id: String(published),
    snapshot_id: String(before),
    changed: true,
    abandoned_snapshot_ids: [String(published)],
    schema_differences: [{ kind: 'added', column: 'country' }],
    partition_spec_then: null,
    attempts: 1,
  })
  expect(await count(work)).toBe('3')
  expect(await work.ok(...back, '--yes')).toBe('demo.sales: main is at snapshot ID already: nothing to do.\n')
  expect(await work.ok('set-current', 'demo.sales', '--snapshot', String(published))).toContain(
    'branch main moved',
  )
  expect(await count(work)).toBe('4')
})

describe('a wrong command line', () => {
  test.each([
    [['rollback', 'demo.sales', '--yes'], 'it is not said where to go back to'],
    [['rollback', 'demo.sales', '--yes', '--ref', 'a', '--before', '2020-01-01'], 'exclude each other'],
    [['set-current', 'demo.sales'], 'it is not said what is to be current'],
    [['tag', 'create', 'demo.sales', 'x', '--snapshot', '1', '--ref', 'main'], 'exclude each other'],
    [['tag', 'retain', 'demo.sales', 'x'], 'there is nothing to set'],
    [['branch', 'create', 'demo.sales', 'x', '--min-snapshots', 'few'], '--min-snapshots'],
  ])('%s', async (args, message) => {
    const work = await salesWorkspace()
    const said = await work.fails(...args)
    expect(said).toMatch(/^2 error FLOEBERG_USAGE: /)
    expect(said).toContain(message)
  })

  test('names the nearest snapshots that would do', async () => {
    const work = await salesWorkspace()
    const { stderr, exitCode } = await work.run(['rollback', 'demo.sales', '--snapshot', '77', '--yes'])
    expect(exitCode).toBe(1)
    expect(stderr).toContain('error FLOEBERG_NO_SUCH_SNAPSHOT')
    expect(stderr).toContain(`Nearest: ${await current(work)}`)
  })
})

describe('lengths of time', () => {
  test.each([
    ['7d', 604_800_000, '7d'],
    ['2w', 1_209_600_000, '14d'],
    ['36h', 129_600_000, '36h'],
    ['90 m', 5_400_000, '90m'],
    ['45s', 45_000, '45s'],
    ['500ms', 500, '500ms'],
    ['0d', 0, '0ms'],
  ])('%s', (text, milliseconds, shown) => {
    expect(parseDuration(text, '--age')).toBe(milliseconds)
    expect(durationText(milliseconds)).toBe(shown)
  })

  test.each(['', '7', 'd', '-7d', '1.5d', '7 days', '99999999999999999d'])('%j is none', (text) => {
    expect(() => parseDuration(text, '--age')).toThrowError(/--age .* is no length of time/)
  })
})

/** `floeberg expire`, as people and programs see it. */
import { expect, test } from 'vitest'
import { salesWorkspace, type Workspace } from './support.ts'

/** Three snapshots, the first two with files of their own; the settings keep one of a branch. */
async function history(): Promise<Workspace> {
  const work = await salesWorkspace()
  await work.write(
    'floeberg.yaml',
    [
      'catalog: {default: {uri: "sqlite:///catalog.db", warehouse: warehouse}}',
      'engine: {threads: 1}',
      'retention: {min-snapshots-to-keep: 1}',
    ].join('\n'),
  )
  await work.manage(async (manager) => {
    const sales = await manager.loadTable('demo.sales')
    for (const id of [7n, 8n]) await manager.writeData(sales, [{ id }], { mode: 'overwrite' })
  })
  return work
}

/** Widths follow the ids, which differ in length. */
const narrow = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/^ /gm, '')

test('shows what would go and why, does it, and has nothing to do afterwards', async () => {
  const work = await history()
  const dry = await work.ok('expire', 'demo.sales', '--older-than', '0s', '--dry-run')
  expect(narrow(dry)).toBe(`snapshot time operation why
ID TIME append too old
ID TIME overwrite too old

main keeps snapshots from TIME on (as asked), and its newest 1 in any case (the settings).
demo.sales: 2 snapshots to go, 1 snapshot stays.
With them: 3 data files (SIZE), 3 manifests (SIZE), 2 manifest lists (SIZE).
Nothing was changed.
`)
  const done = await work.ok('expire', 'demo.sales', '--older-than', '0s', '--yes')
  expect(done.split('\n').at(-2)).toBe(
    'demo.sales: 2 snapshots expired; deleted 3 data files (SIZE), 3 manifests (SIZE), 2 manifest lists (SIZE).',
  )
  expect(await work.json('snapshots', 'demo.sales')).toHaveLength(1)
  expect(await work.ok('expire', 'demo.sales', '--yes')).toBe(
    'main keeps snapshots from TIME on (the settings), and its newest 1 in any case (the settings).\n' +
      'demo.sales: nothing is to go.\n',
  )
})

test('programs get the plan, and what was done', async () => {
  const work = await history()
  const plan = await work.json('expire', 'demo.sales', '--older-than', '0s', '--dry-run', '--list-files')
  expect(plan).toMatchObject({
    kind: 'expire',
    table: { namespace: ['demo'], name: 'sales' },
    snapshots: [{ reason: 'age' }, { reason: 'age' }],
    files: { totals: { dataFiles: { count: 3 } }, names: { length: 8 } },
  })
  const csv = await work.ok('expire', 'demo.sales', '--older-than', '0s', '--dry-run', '--output', 'csv')
  expect(csv.split('\n')[0]).toBe('snapshot,time,operation,why')
  expect(await work.json('expire', 'demo.sales', '--older-than', '0s', '--yes')).toMatchObject({
    table: 'demo.sales',
    expired_snapshots: [expect.stringMatching(/^\d+$/), expect.stringMatching(/^\d+$/)],
    deleted_files: { data_files: { count: 3 }, manifest_lists: { count: 2 } },
    kept_files: [],
    failure: null,
    attempts: 1,
  })
})

test('a snapshot by its id; metadata alone', async () => {
  const work = await history()
  const [, middle] = (await work.json('snapshots', 'demo.sales')) as readonly {
    readonly snapshot_id: string
  }[]
  const id = middle?.snapshot_id ?? ''
  expect(await work.ok('expire', 'demo.sales', '--snapshot-id', id, '--metadata-only', '--yes')).toContain(
    'demo.sales: 1 snapshot expired; deleted no file.',
  )
  expect(await work.fails('expire', 'demo.sales', '--snapshot-id', id, '--yes')).toContain(
    'FLOEBERG_NO_SUCH_SNAPSHOT',
  )
})

test('what is no age, no count, or asks nobody is refused', async () => {
  const work = await history()
  expect(await work.fails('expire', 'demo.sales')).toBe(
    '2 error FLOEBERG_USAGE: nobody is there to be asked (Pass --yes, or --dry-run to see what would be done.)\n',
  )
  expect(await work.fails('expire', 'demo.sales', '--older-than', 'soon', '--yes')).toContain(
    "2 error FLOEBERG_USAGE: --older-than 'soon' is no length of time",
  )
  expect(await work.fails('expire', 'demo.sales', '--keep-last', 'x', '--yes')).toContain('2 error')
  expect(await work.fails('expire', 'demo.sales', '--keep-last', '0', '--yes')).toContain('INVALID_ARGUMENT')
  expect(await work.json('snapshots', 'demo.sales')).toHaveLength(3)
})

/** `floeberg compact`, `rewrite-manifests` and `rewrite-position-deletes`, as people and programs see them. */
import { expect, test } from 'vitest'
import { t, table } from '../../src/index.ts'
import { workspace, type Workspace } from './support.ts'

/** Six small files in each of two partitions; two delete files about the last of them. */
async function smallFiles(): Promise<Workspace> {
  const work = await workspace()
  await work.manage(async (manager) => {
    const tbl = await manager.createTable(
      {
        namespace: 'demo',
        name: 'sales',
        schema: table({ id: t.long().required(), shop: t.string() }),
        partitionSpec: [{ source: 'shop' }],
        properties: { 'write.delete.mode': 'merge-on-read' },
      },
      { createNamespace: true },
    )
    for (let at = 0; at < 6; at++) {
      await manager.writeData(
        tbl,
        Array.from({ length: 20 }, (_, id) => ({ id: BigInt(20 * at + id), shop: id % 2 === 0 ? 'A' : 'B' })),
      )
    }
    await manager.deleteRows(tbl, 'id = 100')
    await manager.deleteRows(tbl, 'id = 102')
  })
  return work
}

const spaces = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/\d+\.\d kB/g, 'SIZE')

test('the plan is shown, nobody is asked in vain, and a second time there is nothing to do', async () => {
  const work = await smallFiles()
  expect(spaces(await work.ok('compact', 'demo.sales', '--dry-run')))
    .toBe(`partition spec files into bytes rows why
shop=A 0 6 ~1 SIZE 60 it is small
shop=B 0 6 ~1 SIZE 60 it is small

12 files of demo.sales, SIZE, would become about 2.
2 delete files would be of no use any more, and leave.
Nothing was changed.
`)
  expect(await work.fails('compact', 'demo.sales')).toContain('nobody is there to be asked')
  const done = await work.ok('compact', 'demo.sales', '--yes')
  expect(spaces(done).split('\n').at(-2)).toBe(
    'demo.sales: 12 files (SIZE) became 2 (SIZE); 2 delete files removed: snapshot ID',
  )
  expect(await work.ok('compact', 'demo.sales', '--yes')).toBe(
    'Nothing to do: nothing was committed to demo.sales.\n',
  )
  expect(await work.ok('scan', 'demo.sales', '--count')).toBe('118\n')
}, 60_000)

test('as JSON the plan is what can be executed, and the result has all counts', async () => {
  const work = await smallFiles()
  const plan = await work.json('compact', 'demo.sales', '--where', "shop = 'A'", '--dry-run')
  expect(plan).toMatchObject({ kind: 'compact', strategy: 'bin_pack', groups: [{ partition: 'shop=A' }] })
  const csv = await work.ok('compact', 'demo.sales', '--dry-run', '--output', 'csv')
  expect(csv.split('\n')[0]).toBe('partition,spec,file,bytes,rows,delete_files,why')
  expect(csv.trim().split('\n')).toHaveLength(13)
  const chosen = ['--sort-by', 'id desc', '--where', "shop = 'B'", '--target-size', '1MiB']
  const commits = ['--partial-progress', '2', '--snapshot-property', 'by=night', '--yes']
  const result = await work.json('compact', 'demo.sales', ...chosen, ...commits)
  expect(result).toMatchObject({
    table: 'demo.sales',
    groups: 1,
    rewritten_data_files: 6,
    added_data_files: 1,
    rows: 60,
    skipped_files: [],
    failed_groups: 0,
    attempts: 1,
  })
  const ids = await work.ok(
    'scan',
    'demo.sales',
    '--where',
    "shop = 'B'",
    '--select',
    'id',
    '--limit',
    '2',
    '-o',
    'csv',
  )
  expect(ids).toBe('id\n119\n117\n')
}, 60_000)

test('manifests and position deletes', async () => {
  const work = await smallFiles()
  expect(spaces(await work.ok('rewrite-manifests', 'demo.sales', '--yes')))
    .toBe(`spec content manifests bytes cluster_by
 0 deletes 2 SIZE shop
 0 data 6 SIZE shop
demo.sales: 8 manifests became 2, of 14 files: snapshot ID
`)
  expect(await work.ok('rewrite-manifests', 'demo.sales', '--dry-run')).toBe(
    'The manifests of demo.sales are as they should be.\nNothing was changed.\n',
  )
  const deletes = ['rewrite-position-deletes', 'demo.sales', '--min-input-files', '2']
  expect(spaces(await work.ok(...deletes, '--yes'))).toBe(`partition spec files into bytes
shop=A 0 2 ~1 SIZE
demo.sales: 2 delete files became 1 (SIZE), of 2 rows: snapshot ID
`)
  expect(await work.json(...deletes, '--yes')).toMatchObject({ snapshot_id: null, added_delete_files: 0 })
}, 60_000)

test.each([
  [['--target-size', '5 parrots'], 'is no size'],
  [['--min-input-files', '-1'], 'is no whole number'],
  [['--sort-by', 'nope(id'], 'cannot be read'],
  [['--strategy', 'sort'], 'no sort order'],
  [['--z-order-by', 'id'], '2 to 8 columns'],
] as const)('%j is refused', async (args, reason) => {
  const work = await workspace()
  await work.manage(async (manager) => {
    await manager.createTable(
      { namespace: 'demo', name: 'sales', schema: table({ id: t.long() }) },
      { createNamespace: true },
    )
  })
  expect(await work.fails('compact', 'demo.sales', '--dry-run', ...args)).toContain(reason)
})

/** Overwrite, upsert, update and delete, as people and programs see them. */
import { expect, test } from 'vitest'
import { salesWorkspace, type Workspace } from './support.ts'

interface Plan {
  readonly operation: string
  readonly branch: string
  readonly snapshot_id: string | null
  readonly files: readonly { readonly file: string; readonly action: string; readonly rows: number }[]
}

const rowsOf = async (work: Workspace): Promise<readonly string[]> => {
  const csv = await work.ok('scan', 'demo.sales', '--output', 'csv')
  return csv.trim().split('\n').slice(1).sort()
}

/** Without what differs from run to run in names of files, which sets the widths of columns too. */
const names = (text: string): string => text.replaceAll(/\d{5}-UUID/g, 'FILE').replaceAll(/ +/g, ' ')

test('upsert: the plan is what then happens; a second time nothing does', async () => {
  const work = await salesWorkspace()
  await work.write(
    'changes.csv',
    'id,name,price,day\n1,Ann,1.00,2020-01-31\n3,,0.10,2020-02-29\n9,New,9.00,2020-03-01\n',
  )
  const args = ['upsert', 'demo.sales', '--from', 'changes.csv', '--join-columns', 'id']
  const plan = await work.ok(...args, '--plan')
  expect(names(plan)).toBe(`file action rows reason
data/day_month=2020-01/FILE.parquet drop 1 every row goes

A plan of the upsert on main, at snapshot ID. Nothing was changed.
`)
  const before = await work.json('snapshots', 'demo.sales')
  expect(before).toHaveLength(1)

  expect(await work.ok(...args)).toBe(
    'demo.sales: 1 row inserted, 1 updated, 1 unchanged; 2 files written, 1 replaced or dropped: snapshot ID\n',
  )
  expect(await work.ok(...args)).toBe('3 rows unchanged: nothing was committed to demo.sales.\n')
  expect(await rowsOf(work)).toEqual([
    '1,Ann,1.00,2020-01-31',
    '2,"Bob ""B""",5.00,2020-02-01',
    '3,,0.10,2020-02-29',
    '9,New,9.00,2020-03-01',
  ])
})

test('delete and update: by a filter, planned, on a branch no more than there', async () => {
  const work = await salesWorkspace()
  const planned = (await work.json('delete', 'demo.sales', '--where', 'id >= 2', '--plan')) as Plan
  expect(planned).toMatchObject({
    table: 'demo.sales',
    operation: 'delete',
    branch: 'main',
    files: [{ action: 'drop', rows: 2, reason: 'every row matches, by its metadata' }],
  })
  expect(planned.files[0]?.file).toMatch(/day_month=2020-02\/[^/]+\.parquet$/)
  const csv = await work.ok('delete', 'demo.sales', '--filter', 'id >= 2', '--plan', '--output', 'csv')
  expect(csv.split('\n')[0]).toBe('file,action,rows,reason')

  const updated = await work.json(
    'update',
    'demo.sales',
    '--set',
    "name='it''s null'",
    '--set',
    'price=null',
    '--where',
    'id = 2',
    '--snapshot-property',
    'job=fix',
  )
  expect(updated).toMatchObject({ rows_updated: 1, rows_inserted: 0, rows_deleted: 0, attempts: 1 })
  expect(await work.ok('delete', 'demo.sales', '-w', 'price < 1')).toBe(
    'demo.sales: 1 row deleted; 0 files written, 1 replaced or dropped: snapshot ID\n',
  )
  expect(await work.ok('delete', 'demo.sales', '-w', 'price < 1')).toBe(
    'No row matches: nothing was committed to demo.sales.\n',
  )
  expect(await rowsOf(work)).toEqual(['1,Ann,19.90,2020-01-31', "2,it's null,,2020-02-01"])
  const [, newest] = (await work.json('snapshots', 'demo.sales')) as { summary: Record<string, string> }[]
  expect(newest?.summary['job']).toBe('fix')
})

test('overwrite: of a filter, of partitions, of the table', async () => {
  const work = await salesWorkspace()
  await work.write('may.csv', 'id,name,price,day\n5,May,5.00,2020-02-10\n')
  const from = ['demo.sales', '--from', 'may.csv']
  expect(await work.fails('overwrite', ...from, '--filter', "day < '2020-02-01'", '--validate')).toMatch(
    /^1 error FLOEBERG_INVALID_DATA: 1 of the new rows do not match/,
  )
  const plan = (await work.json('write', ...from, '--mode', 'overwrite', '--partitions', '--plan')) as Plan
  expect(plan.files).toMatchObject([{ action: 'drop', rows: 2, reason: 'its partition is replaced' }])
  expect(await work.ok('write', ...from, '--mode', 'overwrite', '--partitions')).toBe(
    'demo.sales: 1 row inserted, 2 deleted; 1 file written, 1 replaced or dropped: snapshot ID\n',
  )
  expect(await rowsOf(work)).toEqual(['1,Ann,19.90,2020-01-31', '5,May,5.00,2020-02-10'])
  await work.ok('overwrite', ...from)
  expect(await rowsOf(work)).toEqual(['5,May,5.00,2020-02-10'])
})

test('a full sync, and a change feed from standard input', async () => {
  const work = await salesWorkspace()
  const args = ['upsert', 'demo.sales', '--from', '-', '--format', 'csv', '--join-columns', 'id']
  const feed = 'id,name,price,day\n1,gone,0.00,2020-01-31\n2,Bob,6.00,2020-02-01\n'
  const { exitCode, stdout } = await work.run(
    [...args, '--delete-when', "name = 'gone'", '--delete-missing', "day >= '2020-02-01'"],
    { stdin: feed },
  )
  expect([exitCode, stdout.replace(/snapshot \d+/, 'snapshot ID')]).toEqual([
    0,
    'demo.sales: 1 row updated, 2 deleted; 1 file written, 2 replaced or dropped: snapshot ID\n',
  ])
  expect(await rowsOf(work)).toEqual(['2,Bob,6.00,2020-02-01'])
})

test('what cannot be meant is refused before anything is tried', async () => {
  const work = await salesWorkspace()
  const from = ['--from', 'sales.csv']
  for (const [args, message] of [
    [['delete'], 'which rows are meant is not said'],
    [['update', '--set', 'name', '--where', 'true'], "--set 'name' cannot be read"],
    [['write', ...from, '--filter', 'id = 1'], '--filter means nothing for --mode append'],
    [['write', ...from, '--plan'], '--plan means nothing for --mode append'],
    [
      ['overwrite', ...from, '--filter', 'id = 1', '--partitions'],
      '--filter and --partitions exclude each other',
    ],
    [['overwrite', ...from, '--validate'], '--validate checks new rows against --filter'],
    [
      ['upsert', ...from, '--insert-only', '--update-only'],
      '--update-only and --insert-only exclude each other',
    ],
  ] as const) {
    const [command, ...options] = args
    const said = await work.fails(command ?? '', 'demo.sales', ...options)
    expect(said).toContain(`2 error FLOEBERG_USAGE: ${message}`)
  }
  expect(await work.fails('upsert', 'demo.sales', ...from)).toMatch(
    /^1 error FLOEBERG_INVALID_ARGUMENT: An upsert needs/,
  )
  expect(await work.fails('update', 'demo.sales', '--set', 'price=abc', '--where', 'true')).toMatch(
    /^1 error FLOEBERG_INVALID_DATA: .*price/,
  )
  expect(await work.json('snapshots', 'demo.sales')).toHaveLength(1)
})

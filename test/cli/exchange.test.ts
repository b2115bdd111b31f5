/** Getting data in and out, and SQL, as people and programs see them. */
import { mkdir, readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { salesWorkspace, type Workspace } from './support.ts'

/** The folder of a table, relative to the workspace. */
async function folderOf(work: Workspace, table: string): Promise<string> {
  const names = await readdir(join(work.folder, 'warehouse/demo'))
  const name = names.find((each) => each.startsWith(`${table}-`))
  if (name === undefined) throw new Error(`no folder of ${table}`)
  return `warehouse/demo/${name}`
}

describe('export', () => {
  test('writes a file, and replaces one only by force', async () => {
    const work = await salesWorkspace()
    expect(
      await work.ok('export', 'demo.sales', '--to', 'out.csv', '--where', 'id < 3', '--select', 'name,id'),
    ).toBe('Wrote 2 rows of demo.sales to out.csv\n')
    const before = await readFile(join(work.folder, 'out.csv'), 'utf8')
    expect(before.split('\n')[0]).toBe('name,id')
    expect(await work.fails('export', 'demo.sales', '--to', 'out.csv')).toBe(
      '1 error FLOEBERG_INVALID_ARGUMENT: The file to write is there already [demo.sales, out.csv] (Choose another name, or ask for replace (`--force`).)\n',
    )
    expect(await readFile(join(work.folder, 'out.csv'), 'utf8')).toBe(before)
    expect(
      await work.json('export', 'demo.sales', '--to', 'out.csv', '--force', '--limit', '1'),
    ).toMatchObject({
      file: 'out.csv',
      format: 'csv',
      rows: 1,
    })
    expect(await work.fails('export', 'demo.sales', '--to', 'out.txt')).toMatch(
      /^1 error FLOEBERG_INVALID_ARGUMENT: /,
    )
    expect(await work.fails('export', 'demo.sales')).toMatch(/^2 error FLOEBERG_USAGE: /)
  })

  test('of a table that no catalog knows', async () => {
    const work = await salesWorkspace()
    const folder = await folderOf(work, 'sales')
    const elsewhere = { env: { ...work.env, HOME: '/' }, cwd: join(work.folder, folder) }
    const result = await work.run(['export', './/', '--to', '../out.json'], elsewhere)
    expect(result.stderr).toBe('')
    expect(result.stdout).toMatch(/^Wrote \d+ rows of /)
    expect(await work.fails('scan', './nothing')).toMatch(
      /^1 error FLOEBERG_MISSING_FILE: No metadata of a table is there/,
    )
  })
})

describe('incremental reads', () => {
  test('by the ids that `snapshots` shows', async () => {
    const work = await salesWorkspace()
    const count = Number(await work.ok('scan', 'demo.sales', '--count'))
    const [snapshot] = (await work.json('snapshots', 'demo.sales')) as readonly {
      readonly snapshot_id: string
    }[]
    const first = snapshot?.snapshot_id ?? ''
    await work.write('more.csv', 'id,name,price,day\n77,new,1.5,2026-05-01\n')
    await work.ok('write', 'demo.sales', '--from', 'more.csv')
    expect(await work.json('scan', 'demo.sales', '--from-snapshot', first, '--select', 'id,name')).toEqual([
      { id: '77', name: 'new' },
    ])
    expect(
      await work.ok('scan', 'demo.sales', '--from-snapshot', 'none', '--to-snapshot', first, '--count'),
    ).toBe(`${count}\n`)
    await work.ok('delete', 'demo.sales', '--where', 'id = 77')
    expect(await work.fails('scan', 'demo.sales', '--from-snapshot', first)).toMatch(
      /^1 error FLOEBERG_UNSUPPORTED_FEATURE: /,
    )
    expect(await work.ok('scan', 'demo.sales', '--from-snapshot', first, '--skip-changes', '--count')).toBe(
      '1\n',
    )
    expect(await work.fails('scan', 'demo.sales', '--to-snapshot', first)).toBe(
      '2 error FLOEBERG_USAGE: --to-snapshot needs --from-snapshot\n',
    )
  })
})

describe('add-files', () => {
  test('adds files once', async () => {
    const work = await salesWorkspace()
    await work.ok('create', 'demo.copy', '--schema', 'sales.schema.json')
    const data = `${await folderOf(work, 'copy')}/data`
    await mkdir(join(work.folder, data), { recursive: true })
    await work.ok('export', 'demo.sales', '--to', `${data}/a.parquet`, '--limit', '2')
    expect(await work.ok('add-files', 'demo.copy', `${data}/a.parquet`)).toMatch(
      /^Added 1 file with 2 rows \(SIZE\) to demo.copy in snapshot ID\n$/,
    )
    expect(await work.fails('add-files', 'demo.copy', `${data}/`)).toContain('A file is in the table already')
    expect(await work.ok('add-files', 'demo.copy', `${data}/`, '--skip-duplicates')).toBe(
      'Added nothing to demo.copy\nLeft out 1 file that is there already\n',
    )
    expect(await work.json('add-files', 'demo.copy', `${data}/`, '--no-check-duplicates')).toMatchObject({
      files: 1,
      rows: 2,
      skipped: [],
      name_mapping_created: false,
    })
    expect(await work.ok('scan', 'demo.copy', '--count')).toBe('4\n')
    await work.ok('export', 'demo.sales', '--to', 'outside.parquet')
    expect(await work.fails('add-files', 'demo.copy', 'outside.parquet')).toMatch(
      /^1 error FLOEBERG_INVALID_LOCATION: /,
    )
  })
})

describe('sql', () => {
  test('prints rows as scans do', async () => {
    const work = await salesWorkspace()
    const sums = 'select name, count(*) as n from demo.sales where id < 3 group by all order by name'
    const table = await work.ok('sql', sums)
    expect(table.split('\n')[0]).toMatch(/^name +n$/)
    const rows = (await work.json('sql', sums)) as readonly unknown[]
    expect(rows.length).toBe(table.trim().split('\n').length - 1)
    const piped = await work.run(['sql', '-', '--namespace', 'demo', '-o', 'csv'], {
      stdin: 'select count(*) as n\nfrom sales',
    })
    expect(piped.stdout).toMatch(/^n\n\d+\n$/)
    expect(
      await work.ok('sql', 'select * from s limit 0', '--table', `s=${await folderOf(work, 'sales')}`),
    ).toMatch(/^id /)
  })

  test('says what is wrong with a query', async () => {
    const work = await salesWorkspace()
    expect(await work.fails('sql', 'select * frm demo.sales')).toBe(
      '1 error FLOEBERG_INVALID_QUERY: The query cannot be parsed: syntax error at line 1, column 14, near demo\n',
    )
    expect(await work.fails('sql', 'select nope from demo.sales')).toContain("there is no column 'nope'")
    expect(await work.fails('sql', 'drop table demo.sales')).toContain('Only queries can be run')
    expect(await work.fails('sql', 'select 1', '--force')).toMatch(/^2 error FLOEBERG_USAGE: /)
  })
})

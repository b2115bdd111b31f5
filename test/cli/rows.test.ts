/** Rows in and out, exactly as people and programs see them. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { NODE } from '../support/processes.ts'
import { BIN, SALES, salesWorkspace, workspace } from './support.ts'

const execute = promisify(execFile)
const FLIGHTS = join(
  dirname(createRequire(import.meta.url).resolve('vega-datasets')),
  '../data/flights-3m.parquet',
)

describe('create', () => {
  test('shows the schema of the data, and how the table is laid out', async () => {
    const work = await workspace()
    await work.write('sales.csv', SALES)
    const created = await work.ok(
      'create',
      'demo.sales',
      '--from',
      'sales.csv',
      '--create-namespace',
      '--partition',
      'month(day)',
      '--partition',
      'bucket(4, id) as shard',
      '--sort',
      'price desc nulls first',
      '--property',
      'owner=a=b',
    )
    expect(created).toBe(`Created demo.sales in file://FOLDER/warehouse/demo/sales-HEX
Partitioned by month(day) as day_month, bucket(4, id) as shard
Sorted by price desc nulls first

id  name   type    required  doc
 1  id     long
 2  name   string
 3  price  double
 4  day    date
`)
    expect(await work.json('properties', 'list', 'demo.sales')).toEqual({ owner: 'a=b' })
    expect(await work.fails('create', 'demo.sales', '--from', 'sales.csv')).toBe(
      '1 error FLOEBERG_TABLE_ALREADY_EXISTS: The table demo.sales exists already (Load it, ask for ifNotExists (`--if-not-exists`), or choose another name.)\n',
    )
  })

  test('of a table that is there is no error where that is said, and tells the differences', async () => {
    const work = await salesWorkspace()
    const created = await work.ok('create', 'demo.sales', '--schema', 'sales.schema.json', '--if-not-exists')
    expect(created.split('\n').slice(0, 3)).toEqual([
      'demo.sales is there already',
      'It differs: partition spec is [month(day)], not []',
      'Partitioned by month(day) as day_month',
    ])
  })

  test('takes the schema that `schema` printed', async () => {
    const work = await salesWorkspace()
    await work.write('copy.json', (await work.run(['schema', 'demo.sales', '-o', 'json'])).stdout)
    await work.ok('create', 'demo.copy', '--schema', 'copy.json')
    expect(await work.json('schema', 'demo.copy')).toEqual(await work.json('schema', 'demo.sales'))
  })

  test('refuses a column whose type the data does not decide, and creates nothing', async () => {
    const work = await workspace()
    await work.write('rows.json', '[{"a": 1, "b": null}]')
    expect(await work.fails('create', 'demo.t', '--from', 'rows.json', '--create-namespace')).toMatch(
      /^1 error FLOEBERG_INVALID_TABLE_CONFIG: schemaFrom: the data does not decide the type of: b /,
    )
    expect(await work.json('namespace', 'list')).toEqual([])
  })
})

describe('write', () => {
  test('says what it appended', async () => {
    const work = await salesWorkspace()
    expect(await work.ok('write', 'demo.sales', '--from', 'sales.csv', '--where', 'id = 1')).toBe(
      'Appended 1 row in 1 file, SIZE to demo.sales: snapshot ID\n',
    )
    expect(await work.ok('write', 'demo.sales', '--from', 'sales.csv', '--where', 'id = 9')).toBe(
      'No rows: nothing was committed to demo.sales.\n',
    )
    const report = await work.json(
      'write',
      'demo.sales',
      '--from',
      'sales.csv',
      '--snapshot-property',
      'job=nightly',
      '--commit-strategy',
      'merge_commit',
    )
    expect(report).toMatchObject({ table: 'demo.sales', rows: 3, files: 2, attempts: 1 })
    const [newest] = (await work.json('snapshots', 'demo.sales')) as {
      snapshot_id: string
      summary: object
    }[]
    expect(newest).toMatchObject({ summary: { job: 'nightly', 'total-records': '7' } })
    expect(newest?.snapshot_id).toBe((report as { snapshot_id: string }).snapshot_id)
  })

  test('takes globs, and several files', async () => {
    const work = await salesWorkspace()
    await work.write('part-1.csv', SALES)
    await work.write('part-2.csv', SALES)
    await work.ok('write', 'demo.sales', '--from', 'part-*.csv')
    await work.ok('write', 'demo.sales', '--from', 'part-1.csv', 'part-2.csv')
    expect(await work.ok('scan', 'demo.sales', '--count')).toBe('15\n')
  })

  test('takes standard input, whose format must be said', async () => {
    const work = await salesWorkspace()
    const args = ['write', 'demo.sales', '--from', '-']
    const lines = '{"id": 7, "name": "Eve"}\n{"id": 8}\n'
    expect(await work.run([...args, '--format', 'json'], { stdin: lines })).toMatchObject({ exitCode: 0 })
    expect(await work.ok('scan', 'demo.sales', '--where', 'id >= 7', '-s', 'id,name', '-o', 'csv')).toBe(
      'id,name\n7,Eve\n8,\n',
    )
    expect(await work.fails(...args)).toBe(
      '2 error FLOEBERG_USAGE: standard input has no name that tells its format ' +
        '(Pass --format parquet, --format csv, --format json.)\n',
    )
  })
})

describe('scan', () => {
  test('prints a table for people', async () => {
    const work = await salesWorkspace()
    expect(await work.ok('scan', 'demo.sales', '--where', 'id >= 2')).toBe(`id  name     price  day
 2  Bob "B"   5.00  2020-02-01
 3  null      0.10  2020-02-29
`)
    expect(await work.ok('scan', 'demo.sales', '--where', 'id > 3', '--select', 'day,id')).toBe(
      'day  id\n(none)\n',
    )
  })

  test('prints CSV that tells null from an empty text', async () => {
    const work = await salesWorkspace()
    expect(
      await work.run(['write', 'demo.sales', '--from', '-', '--format', 'json'], {
        stdin: '{"id": 4, "name": ""}\n{"id": 5, "name": "a,\\nb "}\n',
      }),
    ).toMatchObject({ exitCode: 0 })
    expect(
      await work.ok('scan', 'demo.sales', '--where', 'id >= 3', '-s', 'id', '-s', 'name', '-o', 'csv'),
    ).toBe('id,name\n4,""\n5,"a,\nb "\n3,\n')
  })

  test('prints one JSON document whose exact numbers are strings', async () => {
    const work = await salesWorkspace()
    expect(await work.json('scan', 'demo.sales', '--limit', '1')).toEqual([
      { id: '1', name: 'Ann', price: '19.90', day: '2020-01-31' },
    ])
    expect(await work.json('scan', 'demo.sales', '--where', 'id > 3')).toEqual([])
    expect(await work.json('scan', 'demo.sales', '--count')).toEqual({ count: 3 })
  })

  test('travels in time', async () => {
    const work = await salesWorkspace()
    await work.ok('write', 'demo.sales', '--from', 'sales.csv')
    const snapshots = (await work.json('snapshots', 'demo.sales')) as { snapshot_id: string }[]
    const first = snapshots.at(-1)?.snapshot_id ?? ''
    expect(await work.ok('scan', 'demo.sales', '--count', '--snapshot', first)).toBe('3\n')
    expect(await work.ok('scan', 'demo.sales', '--count', '--ref', 'main')).toBe('6\n')
    expect(await work.fails('scan', 'demo.sales', '--as-of', '2001-01-01')).toMatch(
      /^1 error FLOEBERG_NO_SUCH_SNAPSHOT: /,
    )
    expect(await work.fails('scan', 'demo.sales', '--as-of', '2001-01-01', '--ref', 'main')).toBe(
      '2 error FLOEBERG_USAGE: --as-of and --ref exclude each other\n',
    )
  })

  test('says what a filter prunes, and which part of it cannot', async () => {
    const work = await salesWorkspace()
    const where = "day >= '2020-02-01' and name = 'Ann'"
    expect(await work.json('scan', 'demo.sales', '--plan', '--where', where)).toMatchObject({
      files_total: 2,
      not_pruned: ['name = ?'],
    })
    expect(await work.ok('scan', 'demo.sales', '--plan', '--where', "day >= '2020-02-01'")).toBe(`snapshot ID
manifests  1 of 1 are read
files      1 of 2 are read, SIZE
`)
  })

  test('writes into a file', async () => {
    const work = await salesWorkspace()
    expect(await work.ok('scan', 'demo.sales', '--to', 'out.csv', '--where', 'id = 1')).toBe(
      'Wrote 1 row of demo.sales to out.csv\n',
    )
    expect(await readFile(join(work.folder, 'out.csv'), 'utf8')).toContain('Ann')
  })

  test('ends quietly when its reader has enough', async () => {
    const work = await workspace()
    const rows = Array.from({ length: 200_000 }, (_, id) => `{"id": ${id}, "text": "${'x'.repeat(40)}"}`)
    await work.write('many.json', rows.join('\n'))
    await work.ok('create', 'demo.many', '--from', 'many.json', '--create-namespace')
    await work.ok('write', 'demo.many', '--from', 'many.json')
    for (const format of ['table', 'csv', 'json']) {
      const command = `'${NODE}' '${BIN}' scan demo.many -o ${format} | head -n 1; echo "\${PIPESTATUS[0]}"`
      const { stdout, stderr } = await execute('bash', ['-c', command], { cwd: work.folder, env: work.env })
      expect(stderr).toBe('')
      expect(stdout.trim().split('\n').at(-1)).toBe('0')
    }
  })

  test('holds a screenful of rows, not all of them', { timeout: 180_000 }, async () => {
    const work = await workspace()
    await work.manage(async (manager) => {
      const source = { parquet: FLIGHTS }
      const flights = await manager.createTable(
        { namespace: 'demo', name: 'flights', schemaFrom: source },
        { createNamespace: true },
      )
      await manager.writeData(flights, { ...source, filter: "date < '2001-02-01T00:00:00'" })
    })
    // Half a million rows as objects do not fit into this heap, of which the code takes a half.
    const env = { ...work.env, NODE_OPTIONS: '--max-old-space-size=64' }
    for (const format of ['table', 'json']) {
      const scan = `'${NODE}' '${BIN}' scan demo.flights --limit 500000 -o ${format}`
      const command = `${scan} | wc -l; echo "\${PIPESTATUS[0]}"`
      const { stdout } = await execute('bash', ['-c', command], { cwd: work.folder, env })
      expect(stdout).toBe(`${500_000 + (format === 'json' ? 2 : 1)}\n0\n`)
    }
  })
})

test('every value of every type goes out as JSON and comes in again the same', async () => {
  const work = await workspace()
  await work.write('every.schema.json', EVERY_SCHEMA)
  await work.write('every.json', EVERY_ROWS)
  await work.ok('create', 'demo.every', '--schema', 'every.schema.json', '--create-namespace')
  await work.ok('write', 'demo.every', '--from', 'every.json')
  const rows = await work.json('scan', 'demo.every')
  expect(rows).toEqual(JSON.parse(EVERY_ROWS))
  await work.write('again.json', JSON.stringify(rows))
  await work.ok('create', 'demo.again', '--schema', 'every.schema.json')
  await work.ok('write', 'demo.again', '--from', 'again.json')
  expect(await work.json('scan', 'demo.again')).toEqual(rows)
})

const EVERY_SCHEMA = JSON.stringify([
  { name: 'n', type: 'int', required: true },
  { name: 'yes', type: 'boolean' },
  { name: 'big', type: 'long' },
  { name: 'ratio', type: 'double' },
  { name: 'single', type: 'float' },
  { name: 'price', type: 'decimal(38, 10)' },
  { name: 'day', type: 'date' },
  { name: 'at', type: 'time' },
  { name: 'ts', type: 'timestamp' },
  { name: 'tz', type: 'timestamptz' },
  { name: 'text', type: 'string' },
  { name: 'id', type: 'uuid' },
  { name: 'bytes', type: 'binary' },
  {
    name: 'place',
    type: {
      type: 'struct',
      fields: [
        { name: 'lat', type: 'double' },
        { name: 'tags', type: { type: 'list', element: 'long' } },
      ],
    },
  },
  { name: 'counts', type: { type: 'map', key: 'string', value: 'long' } },
  { name: 'names', type: { type: 'map', key: 'int', value: 'string' } },
])

const EVERY_ROWS = JSON.stringify([
  {
    n: 1,
    yes: true,
    big: '9223372036854775807',
    ratio: 0.1,
    single: 0.5,
    price: '-1234567890123456789012345678.0123456789',
    day: '1969-12-31',
    at: '23:59:59.999999',
    ts: '1969-12-31T23:59:59.999999',
    tz: '2026-01-31T12:00:00.000001Z',
    text: 'a "b" \\ \n ü 𝄞 \u202E',
    id: 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
    bytes: '00ff',
    place: { lat: -0.25, tags: ['-9223372036854775808', null] },
    counts: { '': '1', __proto__x: null },
    names: { '1': 'one', '2': null },
  },
  {
    n: 2,
    yes: false,
    big: '0',
    ratio: 'NaN',
    single: '-Infinity',
    price: '0.0000000000',
    day: '2026-02-28',
    at: '00:00:00.000000',
    ts: '2026-01-31T12:00:00.000000',
    tz: '1970-01-01T00:00:00.000000Z',
    text: '',
    id: '00000000-0000-0000-0000-000000000000',
    bytes: '',
    place: { lat: null, tags: [] },
    counts: {},
    names: {},
  },
  {
    n: 3,
    yes: null,
    big: null,
    ratio: null,
    single: null,
    price: null,
    day: null,
    at: null,
    ts: null,
    tz: null,
    text: null,
    id: null,
    bytes: null,
    place: null,
    counts: null,
    names: null,
  },
])
